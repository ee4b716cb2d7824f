"""What a benchmark says of its measurements."""

import pytest
from rich.console import Console

from tests.bench.__main__ import result, table
from tests.bench.measure import Costs, Ratio, measured


@pytest.mark.parametrize(
    ("value", "at_most", "met"), [(0.4, False, True), (0.39, False, False), (0.4, True, True), (0.41, True, False)]
)
def test_a_bar_is_met_at_its_limit(value: float, at_most: bool, met: bool) -> None:
    assert Ratio("B1", "x", value, 0.4, at_most).met is met


def test_what_was_not_measured_meets_no_bar() -> None:
    found = [Ratio("B3", "SCIMMY", None, 1.0), Ratio("B4", "depth", 1.1, 1.3, True)]
    assert [each.met for each in found] == [False, True]
    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: SIM115 - closed with the test
    console.print(table(found))
    text = console.export_text()
    console.file.close()
    assert "not measured" in text and "NO" in text
    assert [each["met"] for each in result(found)["ratios"]] == [False, True]


def test_a_ratio_is_the_median_of_those_of_the_rounds() -> None:
    costs = Costs({"one": [2.0, 30.0, 6.0], "other": [1.0, 10.0, 1.0]})
    assert costs.ratio("one", "other") == 3.0
    assert costs.of("one") == 6.0
    assert costs.ratio("one", "nobody") is None and costs.of("nobody") is None


def test_arms_take_turns_in_changing_orders() -> None:
    ran: list[str] = []

    def arm(name: str, cost: float) -> object:
        def run(seconds: float) -> float:
            ran.append(name)
            return cost

        return run

    arms = {name: arm(name, cost) for name, cost in (("a", 1.0), ("b", 2.0), ("c", 3.0))}
    costs = measured(arms, rounds=5, seconds=0.0)  # type: ignore[arg-type] # they are functions
    turns = [tuple(ran[start : start + 3]) for start in range(3, 18, 3)]
    assert all(sorted(each) == ["a", "b", "c"] for each in turns) and len(set(turns)) > 1
    assert costs.rounds == {"a": [1.0] * 5, "b": [2.0] * 5, "c": [3.0] * 5}
