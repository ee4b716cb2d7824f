"""A report as one HTML page that needs nothing else: to be mailed, printed, shown to a customer."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template

from scim_bridge.conformance.results import LEVELS, STATUSES, Report, Result, Status, counts


@dataclass(frozen=True, slots=True)
class Group:
    """The results of one section of a suite."""

    suite: str
    section: str
    results: tuple[Result, ...]

    @property
    def anchor(self) -> str:
        return "".join(each if each.isalnum() else "-" for each in f"{self.suite} {self.section}".lower())

    def count(self, status: Status) -> int:
        return counts(self.results)[status]


def as_html(report: Report) -> str:
    """The page. Whatever a server answered stands in it as text."""
    return _template().render(
        report=report,
        groups=grouped(report),
        failures=report.failed(),
        total=counts(report.results),
        levels=by_level(report),
        level_names=LEVELS,
        statuses=STATUSES,
    )


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(files(__package__).joinpath("report.html").read_text("utf-8"))


def grouped(report: Report) -> list[Group]:
    """The results by suite and section, in the order they came."""
    found: dict[tuple[str, str], list[Result]] = {}
    for each in report.results:
        found.setdefault((each.suite, each.section), []).append(each)
    return [Group(suite, section, tuple(results)) for (suite, section), results in found.items()]


def by_level(report: Report) -> dict[str, dict[Status, int]]:
    """How the requirements of each level came out."""
    found = {}
    for level in LEVELS:
        results = [each for each in report.results if each.level == level]
        if results:
            found[level] = {status: counts(results)[status] for status in STATUSES}
    return found
