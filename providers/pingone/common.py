"""What users and groups of PingOne share: ids, filter text, pages, scope."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from unicodedata import normalize

from scim_bridge.query.capabilities import NOTHING, AccessPath, Call, Collection, Rendered, Row, Rule, Steps, Text, ops
from scim_bridge.query.pagers import Link, OnePage, Total, dig
from scim_bridge.upstream.errors import BadAnswer, NotFound, Rejected
from scim_bridge.upstream.reply import Reply

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_COUNT: Final = Total("count")


@dataclass(frozen=True, slots=True)
class Pages(Link):
    """Pages may be shorter than asked, and `count` is left out for large results (vendor: Paging)."""

    next_link: str = "_links.next.href"
    limit: str = "limit"
    max_page: int = 100
    total_at: Total = _COUNT

    def total(self, reply: Reply) -> int | None:
        """An envelope that neither holds a list nor leads on is how an empty one looks, unless it speaks of rows."""
        if not isinstance(dig(reply.body, "_links"), Mapping) or dig(reply.body, "_embedded") is not None:
            return self.total_at(reply)
        if dig(reply.body, "size"):
            return None  # so that what lacks its list is taken for none
        return 0 if dig(reply.body, self.next_link) is None else self.total_at(reply)


USER_PAGES: Final = Pages(max_page=200)
GROUP_PAGES: Final = Pages(max_page=1000)
OTHER_PAGES: Final = Pages()
"""Populations, memberships and role assignments: the largest page is not documented."""


def is_id(value: str) -> bool:
    """Whether PingOne could hold such an id.

    It answers 400 to what is no UUID. Whether it finds one spelled in capitals is not documented, but its own are in
    lower case, and SCIM tells cases apart in ids (RFC 7643 section 3.1): so such a one is not there.
    """
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
            literals = self._literals(value)
            parts = [f"{name} {operator} {each}" for name in names for each in literals]
            text = " or ".join(parts)
            return Text(f"({text})" if len(parts) > 1 else text) if parts else None

        return render

    def _literals(self, value: Any) -> list[str]:
        """The spellings of a value that a field may hold; none where it cannot be pushed.

        To SCIM an accented letter is the same in one character and in two, composed and decomposed. Whether PingOne
        sees it so is not documented, so both are asked for.
        """
        if isinstance(value, bool):
            return [str(value).lower()]
        if not isinstance(value, str) or not value or not self._pushable(value):
            return []
        return [literal(each) for each in dict.fromkeys((normalize("NFC", value), normalize("NFD", value)))]

    def _pushable(self, value: str) -> bool:
        return value.isprintable() and (self._escaped_quotes or not set(value) & set('"\\'))


def id_rule(path: str, render: Callable[[str], Rendered], *, exact: bool = True, unique: bool = False) -> Rule:
    """`eq` on an attribute that holds ids."""

    def rendered(operator: str, value: Any) -> Rendered:
        return render(value) if isinstance(value, str) and is_id(value) else NOTHING

    return Rule(path, ops("eq"), rendered, exact=exact, folds=False, unique=unique)


def filling(variable: str) -> Callable[[str], Rendered]:
    """An id in a path's variable."""
    return lambda value: {variable: value}


def comparing(field: str) -> Callable[[str], Rendered]:
    """An id compared in filter text."""
    return lambda value: Text(f"{field} eq {literal(value)}")


def item(path: str, **fixed: str) -> AccessPath:
    """One record by its id."""
    rule = id_rule("id", filling("{id}"), unique=True)
    return AccessPath(path, rows=".", pager=OnePage(), rules=(rule,), fixed=fixed)


def new_id(made: Reply) -> str:
    """The id of a record that was just made. Raises BadAnswer where the reply has none."""
    found = dig(made.body, "id")
    if not isinstance(found, str):
        raise BadAnswer("", "a new record came without an id")
    return found


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

    def holds(self, memberships: str) -> Steps:
        """Whether the owner of memberships is shown; asked only where the connection does not show all."""
        if not self.populations:
            return True
        owner = memberships.rpartition("/")[0]
        try:
            row = (yield Call("GET", owner)).body
        except NotFound:
            return False
        return self.user(row) if owner.startswith("/users/") else self.group(row)

    def check_population(self, population_id: str | None, target: str) -> None:
        """Raises Rejected for what is no population, or one outside the scope: what is put there would vanish."""
        if population_id is None:
            return
        if not is_id(population_id) or (self.populations and population_id not in self.populations):
            raise Rejected("", f"population {population_id!r} is none of this connection's", target=target)
