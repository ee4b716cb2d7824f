"""What users and groups of PingOne share: ids, filter text, pages, scope."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from scim_bridge.query.capabilities import NOTHING, AccessPath, Call, Collection, Rendered, Row, Rule, Steps, Text, ops
from scim_bridge.query.pagers import Link, OnePage, Total, dig
from scim_bridge.upstream.errors import NotFound, Rejected
from scim_bridge.upstream.reply import Reply

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)

_COUNT: Final = Total("count")


@dataclass(frozen=True, slots=True)
class Pages(Link):
    """Pages may be shorter than asked, and `count` is left out for large results (vendor: Paging)."""

    next_link: str = "_links.next.href"
    limit: str = "limit"
    max_page: int = 100
    total_at: Total = _COUNT

    def total(self, reply: Reply) -> int | None:
        """An envelope that neither holds a list nor leads on is how an empty one looks."""
        empty = isinstance(dig(reply.body, "_links"), Mapping) and dig(reply.body, "_embedded") is None
        return 0 if empty and dig(reply.body, self.next_link) is None else self.total_at(reply)


USER_PAGES: Final = Pages(max_page=200)
GROUP_PAGES: Final = Pages(max_page=1000)
OTHER_PAGES: Final = Pages()
"""Populations, memberships and role assignments: the largest page is not documented."""


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

    def __call__(self, *names: str) -> Callable[[str, Any], Rendered]:
        """Comparisons of one field; of several, any of which may satisfy them."""

        def render(operator: str, value: Any) -> Rendered:
            parts = [self._text(name, operator, value) for name in names]
            if len(parts) == 1 or None in parts:
                return parts[0] if len(parts) == 1 else None
            return Text(f"({' or '.join(map(str, parts))})")

        return render

    def _text(self, name: str, operator: str, value: Any) -> Text | None:
        if isinstance(value, bool):
            return Text(f"{name} {operator} {str(value).lower()}")
        if not isinstance(value, str) or not value or not self._pushable(value):
            return None
        return Text(f"{name} {operator} {literal(value)}")

    def _pushable(self, value: str) -> bool:
        return value.isprintable() and (self._escaped_quotes or not set(value) & set('"\\'))


def id_rules(path: str, render: Callable[[str], Rendered], *, exact: bool = True, unique: bool = False) -> list[Rule]:
    """`eq` on an attribute that holds ids.

    PingOne spells ids in lower case, so one that is spelled so is compared exactly. SCIM tells cases apart in ids;
    whether PingOne does is not documented, so rows for an id with capitals are checked again here.
    """

    def usual(operator: str, value: Any) -> Rendered:
        return render(value) if isinstance(value, str) and is_id(value) and value == value.lower() else None

    def other(operator: str, value: Any) -> Rendered:
        return render(value) if isinstance(value, str) and is_id(value) else NOTHING

    return [
        Rule(path, ops("eq"), usual, exact=exact, folds=False, unique=unique),
        Rule(path, ops("eq"), other, exact=False, folds=False, unique=unique),
    ]


def filling(variable: str) -> Callable[[str], Rendered]:
    """An id in a path's variable."""
    return lambda value: {variable: value}


def comparing(field: str) -> Callable[[str], Rendered]:
    """An id compared in filter text."""
    return lambda value: Text(f"{field} eq {literal(value)}")


def item(path: str, **fixed: str) -> AccessPath:
    """One record by its id."""
    rules = tuple(id_rules("id", filling("{id}"), unique=True))
    return AccessPath(path, rows=".", pager=OnePage(), rules=rules, fixed=fixed)


def display_name(row: Row) -> str | None:
    """A user's name to show, as PingOne has none: the full name, else its parts, else the username."""
    parts = [dig(row, "name.given"), dig(row, "name.family")]
    found: str | None = dig(row, "name.formatted") or " ".join(filter(None, parts)) or row.get("username")
    return found


def population_of(row: Row) -> str | None:
    found: str | None = dig(row, "population.id")
    return found


@dataclass(frozen=True, slots=True)
class Scope:
    """The populations that a connection shows and changes; none: all of them."""

    populations: Sequence[str] = ()

    @property
    def text(self) -> str | None:
        """The scope as filter text of users."""
        return " or ".join(f"population.id eq {literal(each)}" for each in self.populations) or None

    def over(self, collection: Collection, shown: Callable[[Row], bool]) -> Collection:
        """A collection that shows no more than the scope."""
        return replace(collection, visible=shown) if self.populations else collection

    def user(self, row: Row) -> bool:
        return not self.populations or population_of(row) in self.populations

    def group(self, row: Row) -> bool:
        """Groups without a population belong to the environment, so to every population."""
        return not self.populations or population_of(row) in (None, *self.populations)

    def holds(self, path: str) -> Steps:
        """Whether a user or a group may become a member; asked only where the connection does not show all."""
        if not self.populations:
            return True
        try:
            row = (yield Call("GET", path)).body
        except NotFound:
            return False
        return self.user(row) if path.startswith("/users/") else self.group(row)

    def check_population(self, population_id: str | None, target: str) -> None:
        """Raises Rejected for a population outside the scope: what is put there would vanish from here."""
        if population_id is not None and self.populations and population_id not in self.populations:
            raise Rejected("", f"population {population_id!r} is none of this connection's", target=target)
