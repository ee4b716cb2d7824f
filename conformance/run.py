"""Running suites against a target."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from time import perf_counter

from scim_bridge.conformance.results import Report, Result
from scim_bridge.conformance.suites import SUITES
from scim_bridge.conformance.suites.available import Unavailable
from scim_bridge.conformance.target import Target


def run(target: Target, suites: Sequence[str], seen: Callable[[Result], None]) -> Report:
    """Run suites one after the other; ``seen`` is told each result as it comes.

    A suite that cannot run is one skipped result; one that breaks down is a failed one.
    """
    started, clock = datetime.now(UTC), perf_counter()
    results: list[Result] = []
    for name in suites:
        try:
            for each in SUITES[name](target):
                results.append(each)
                seen(each)
        except Unavailable as error:
            results.append(Result(name, "The suite runs", "skipped", str(error)))
            seen(results[-1])
        except Exception as error:
            # Suites that others wrote break on answers they did not expect: that is a result, not the end of the run.
            results.append(Result(name, "The suite runs to its end", "failed", f"{type(error).__name__}: {error}"))
            seen(results[-1])
    return Report(target.url, started.isoformat(timespec="seconds"), tuple(results), seconds=perf_counter() - clock)
