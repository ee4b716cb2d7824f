"""The text of samples, as the parser of Prometheus's own client library reads it."""

from typing import Any

import pytest

from scim_bridge.exposition import Family, Samples, exposition, histogram, summed, together
from scim_bridge.upstream.usage import BOUNDS
from tests.samples import parsed

CALLS = Family("calls_total", "counter", "Calls")
SECONDS = Family("call_seconds", "histogram", "How long")
OPEN = Family("open", "gauge", "Open")
ACME = (("connection", "acme"),)


def test_what_is_written_is_what_the_parser_reads() -> None:
    odd = 'a "quoted"\\path\nline é'
    samples: Samples = {("calls_total", (("name", odd), ("b", ""))): 3, ("open", ()): 0.25}
    histogram(samples, "call_seconds", ACME, [1, 0, 2, *[0] * (len(BOUNDS) - 3), 4], 7.5)
    found = parsed(exposition((CALLS, SECONDS, OPEN), samples).decode())
    assert found["calls_total", frozenset({("name", odd), ("b", "")})] == 3
    assert found["open", frozenset()] == 0.25
    buckets = [found["call_seconds_bucket", frozenset({*ACME, ("le", each)})] for each in (*map(str, BOUNDS), "+Inf")]
    assert buckets == [1, 1, *[3] * (len(BOUNDS) - 2), 7]
    assert found["call_seconds_count", frozenset(ACME)] == 7
    assert found["call_seconds_sum", frozenset(ACME)] == 7.5


def test_a_family_without_samples_is_left_out() -> None:
    assert exposition((CALLS, SECONDS, OPEN), {("open", ()): 1}) == b"# HELP open Open\n# TYPE open gauge\nopen 1.0\n"


def test_counters_of_several_origins_add_up() -> None:
    a, b = ("calls_total", ACME), ("calls_total", ())
    assert summed({a: 1}, {a: 2, b: 5}, {b: 1}) == {a: 3, b: 6}


@pytest.mark.parametrize(("rule", "value"), [("sum", 6), ("max", 4), ("min", 2), (None, 4)])
def test_gauges_of_several_processes_are_what_their_family_says(rule: Any, value: float) -> None:
    family = Family("open", "gauge", "Open", rule)
    assert together([family], [{("open", ()): 2}, {}, {("open", ()): 4}]) == {("open", ()): value}
