"""The arithmetic of the benchmark: medians, ratios, bars, and what the command says of them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from tests.bench import __main__ as command
from tests.bench import measure
from tests.bench.measure import Costs, Ratio, measured


@pytest.mark.parametrize(
    ("value", "at_most", "met"),
    [(1.5, True, True), (2.0, True, True), (2.1, True, False), (2.1, False, True), (2.0, False, True),
     (1.9, False, False), (None, True, False), (None, False, False)],
)  # fmt: skip
def test_a_bar_is_met_on_its_side_of_the_limit_and_never_unmeasured(
    value: float | None, at_most: bool, met: bool
) -> None:
    assert Ratio("B0", "this / that", value, 2.0, at_most).met is met


def test_the_ratio_is_the_median_of_the_rounds() -> None:
    costs = Costs({"slow": [10.0, 90.0, 30.0], "quick": [1.0, 3.0, 10.0]})
    assert costs.of("slow") == 30.0
    assert costs.ratio("slow", "quick") == 10.0  # of 10, 30 and 3
    assert costs.of("absent") is None
    assert costs.ratio("slow", "absent") is None


def test_arms_take_turns_in_changing_order() -> None:
    turns: list[str] = []

    def arm(name: str, cost: float) -> measure.Arm:
        def run(seconds: float) -> float:
            turns.append(name)
            return cost

        return run

    costs = measured({name: arm(name, cost) for cost, name in enumerate("abcd", 1)}, rounds=6, seconds=1.0)
    assert turns[:4] == list("abcd")  # to warm them
    rounds = [turns[start : start + 4] for start in range(4, len(turns), 4)]
    assert len(rounds) == 6 and all(sorted(each) == list("abcd") for each in rounds)
    assert len({tuple(each) for each in rounds}) > 1
    assert costs.rounds == {name: [cost] * 6 for cost, name in enumerate("abcd", 1)}


def test_an_arm_that_takes_long_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "SLOW_SECONDS", -1.0)
    asked: list[float] = []

    def run(seconds: float) -> float:
        asked.append(seconds)
        return 5.0

    assert measured({"slow": run}, rounds=3, seconds=1.0).rounds == {"slow": [5.0] * 3}
    assert asked == [0.2]


GOOD = Ratio("B1", "good", 3.0, 2.0)
BAD = Ratio("B1", "bad", 1.0, 2.0)
ABSENT = Ratio("B2", "absent", None, 2.0)


def run(monkeypatch: pytest.MonkeyPatch, path: Path, *arguments: str, **parts: list[Ratio] | Exception) -> int:
    """The exit code of the command over parts that find this."""

    def part(found: list[Ratio] | Exception) -> command.Part:
        def measure(console: Console, rounds: int, seconds: float) -> list[Ratio]:
            if isinstance(found, Exception):
                raise found
            return found

        return measure

    monkeypatch.setattr(command, "PARTS", {name: part(found) for name, found in parts.items()})
    return CliRunner().invoke(command.main, [*arguments, "--json", str(path)]).exit_code


@pytest.mark.parametrize(("found", "code"), [([GOOD], 0), ([GOOD, BAD], 1), ([GOOD, ABSENT], 1)])
def test_a_bar_that_is_missed_or_not_measured_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: list[Ratio], code: int
) -> None:
    path = tmp_path / "found.json"
    assert run(monkeypatch, path, B1=found) == code
    written = json.loads(path.read_text("utf-8"))
    assert [each["met"] for each in written["ratios"]] == [each.met for each in found]
    assert "Python" in written["machine"]


def test_a_part_that_fails_leaves_the_others_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    assert run(monkeypatch, path, B1=[GOOD], B2=OSError("no network")) == 1
    told = [(each["bar"], each["value"]) for each in json.loads(path.read_text("utf-8"))["ratios"]]
    assert told == [("B1", 3.0), ("B2", None)]


def test_only_what_is_asked_for_is_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    assert run(monkeypatch, path, "--only", "b1", B1=[GOOD], B2=[BAD]) == 0
    assert [each["what"] for each in json.loads(path.read_text("utf-8"))["ratios"]] == ["good"]


def test_the_table_says_which_bar_is_missed() -> None:
    console = Console(width=120)
    with console.capture() as captured:
        console.print(command.table([GOOD, BAD, ABSENT]))
    lines = [line for line in captured.get().splitlines() if "B1" in line or "B2" in line]
    assert [("NO" in line, "not measured" in line) for line in lines] == [(False, False), (True, False), (True, True)]
