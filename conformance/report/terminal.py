"""A run on the terminal: progress while it goes, then what failed, and a summary by section and level."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from scim_bridge.conformance.report.page import Group, by_level, grouped
from scim_bridge.conformance.results import LEVELS, STATUSES, Report, Result, Status, counts

_COLORS: dict[Status, str] = {"passed": "green", "failed": "red", "skipped": "yellow"}


class Live:
    """Tells of results as they come: what fails in full, the rest as a count that moves on a terminal."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self._console = console
        self._progress = progress
        self._task = progress.add_task("starting")
        self._seen: list[Result] = []

    def __call__(self, result: Result) -> None:
        self._seen.append(result)
        found = counts(self._seen)
        told = ", ".join(f"{found[status]} {status}" for status in STATUSES)
        self._progress.update(self._task, description=escape(f"{result.suite} {result.name}: {told}"))
        if result.status == "failed":
            self._console.print(_line(result), soft_wrap=True, highlight=False)


@contextmanager
def live(console: Console) -> Iterator[Live]:
    """Progress for as long as a run takes; only failures where the output is no terminal."""
    columns = SpinnerColumn(), TextColumn("{task.description}")
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield Live(console, progress)


def summary(console: Console, report: Report) -> None:
    """Why what was skipped was, then the numbers."""
    for result in report.results:
        if result.status == "skipped":
            console.print(_line(result), soft_wrap=True, highlight=False)
    console.print(_table("Section", ((_title(each), each.results) for each in grouped(report))))
    levels = by_level(report)
    if levels:
        of_level = ([each for each in report.results if each.level == level] for level in levels)
        console.print(_table("Level", zip((f"{each}: {LEVELS[each]}" for each in levels), of_level, strict=True)))
    for note in report.notes:
        console.print(note, soft_wrap=True, markup=False)
    found = counts(report.results)
    # The plain last line is for scripts.
    console.print(", ".join(f"{found[status]} {status}" for status in STATUSES), highlight=False)


def _title(group: Group) -> str:
    return f"{group.suite}: {group.section}" if group.section else group.suite


def _line(result: Result) -> str:
    color = _COLORS[result.status]
    name = f"{result.id} {result.title}" if result.id else result.title
    reason = " ".join(result.reason.split())
    return f"[{color}]{result.status.upper()}[/{color}] {escape(f'{result.suite}: {name}')}" + (
        f": {escape(reason)}" if reason else ""
    )


def _table(first: str, rows: Iterable[tuple[str, Iterable[Result]]]) -> Table:
    table = Table(first, *(f"[{_COLORS[status]}]{status}" for status in STATUSES), box=None, pad_edge=False)
    for title, results in rows:
        found = counts(results)
        table.add_row(escape(title), *(str(found[status]) for status in STATUSES))
    return table
