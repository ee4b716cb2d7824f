"""What users and groups of PingOne share: ids, filter text, pages, scope."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from scim_bridge.query.capabilities import NOTHING, AccessPath, Rendered, Row, Rule, Text, ops
from scim_bridge.query.pagers import Link, OnePage, Total, dig

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
USER_PAGES: Final = Link("_links.next.href", "limit", max_page=200, total_at=Total("count"))
"""Pages may be shorter than asked, and `count` is left out for large results (vendor: Paging)."""
GROUP_PAGES: Final = Link("_links.next.href", "limit", max_page=1000, total_at=Total("count"))
MEMBERSHIP_PAGES: Final = Link("_links.next.href", "limit", max_page=100)


def is_id(value: str) -> bool:
    """Whether PingOne could hold such an id; it answers 400 to others."""
    return _UUID.fullmatch(value) is not None


def literal(value: str) -> str:
    """A value as filter text takes it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class Terms:
    """Renders comparisons as PingOne filter text. Values that would need escapes are pushed only if told they work."""

    def __init__(self, *, escaped_quotes: bool) -> None:
        self._escaped_quotes = escaped_quotes

    def __call__(self, name: str) -> Callable[[str, Any], Rendered]:
        """Comparisons of one field."""
        return lambda operator, value: self._text(name, operator, value)

    def any_of(self, *names: str) -> Callable[[str, Any], Rendered]:
        """Comparisons that any of several fields may satisfy."""

        def render(operator: str, value: Any) -> Rendered:
            parts = [self._text(name, operator, value) for name in names]
            return None if None in parts else Text(f"({' or '.join(str(part) for part in parts)})")

        return render

    def _text(self, name: str, operator: str, value: Any) -> Text | None:
        if isinstance(value, bool):
            return Text(f"{name} {operator} {str(value).lower()}")
        if not isinstance(value, str) or not value or not self._pushable(value):
            return None
        return Text(f"{name} {operator} {literal(value)}")

    def _pushable(self, value: str) -> bool:
        return value.isprintable() and (self._escaped_quotes or not set(value) & set('"\\'))


def group_of(value: Any) -> Rendered:
    """Users who are in a group, directly or not."""
    if not isinstance(value, str) or not is_id(value):
        return NOTHING
    return Text(f'memberOfGroups[id eq "{value}"]') if value == value.lower() else None


def id_rule(variable: str = "{id}") -> Rule:
    """The id look-up; checked again here, as only SCIM promises that ids compare case-exactly."""
    return Rule("id", ops("eq"), id_variable(variable), exact=False, folds=False, unique=True)


def id_variable(variable: str) -> Callable[[str, Any], Rendered]:
    return lambda operator, value: {variable: value} if isinstance(value, str) and is_id(value) else NOTHING


def item(path: str, **fixed: str) -> AccessPath:
    """One record by its id."""
    return AccessPath(path, rows=".", pager=OnePage(), rules=(id_rule(),), fixed=fixed)


def in_populations(population_ids: Sequence[str]) -> str | None:
    """The connection's scope as filter text."""
    return " or ".join(f"population.id eq {literal(each)}" for each in population_ids) or None


def population_of(row: Row) -> str | None:
    found: str | None = dig(row, "population.id")
    return found
