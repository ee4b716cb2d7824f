"""What a run finds: one result a check, with the requests that show why."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

Status = Literal["passed", "failed", "skipped"]
Level = Literal["M", "S", "Y", "I", ""]
STATUSES: Final[tuple[Status, ...]] = ("passed", "failed", "skipped")
LEVELS: Final = {
    "M": "must",
    "S": "should",
    "Y": "optional feature, right where it is offered",
    "I": "what named clients need, no rule of an RFC",
}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer as text, without credentials; long bodies are cut."""

    request: str
    answer: str


@dataclass(frozen=True, slots=True)
class Result:
    """One check of a suite and how it went; ``reason`` says why it failed or was skipped.

    ``id``, ``level`` and ``source`` (RFC section) are those of a requirement; public suites have none.
    """

    suite: str
    title: str
    status: Status
    reason: str = ""
    id: str = ""
    level: Level = ""
    section: str = ""
    source: str = ""
    seconds: float = 0.0
    exchanges: tuple[Exchange, ...] = ()

    @property
    def name(self) -> str:
        """How a person names the check: its requirement's id, else its title."""
        return self.id or self.title


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run. ``notes``: what was left out, or left behind, and why."""

    url: str
    started: str  # dateTime, UTC
    results: tuple[Result, ...]
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    server: str = field(default="")  # how the server names itself, if it does

    def failed(self) -> list[Result]:
        return [each for each in self.results if each.status == "failed"]

    def suites(self) -> list[str]:
        """The suites that ran, in order."""
        return list(dict.fromkeys(each.suite for each in self.results))


def counts(results: Iterable[Result]) -> Counter[Status]:
    """How many checks passed, failed and were skipped."""
    return Counter(each.status for each in results)
