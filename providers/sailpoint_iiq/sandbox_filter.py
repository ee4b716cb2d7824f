"""The part of SCIM's filter language that the simulated IdentityIQ takes: "not all operations are supported".

What is proven of it by vendor samples, captures and the forum is here; the rest is refused: 400 invalidFilter for
unknown attributes, operators and negative numbers, 400 invalidValue for multi-valued complex attributes, 500 for a
few that crash the server (`/Accounts?filter=active eq true`). `Knobs` widen that.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final, NoReturn

import orjson

from scim_bridge.providers.sailpoint_iiq.sandbox_site import Knobs, Row
from scim_bridge.providers.sailpoint_iiq.sandbox_wire import Refusal

Matches = Callable[[Row], bool]
_TOKEN: Final = re.compile(r'\s*(?:([()])|("(?:[^"\\]|\\.)*")|([^\s()"]+))', re.DOTALL)
_SUBSTRING: Final = frozenset({"sw", "co", "ew"})
_ORDER: Final = frozenset({"gt", "ge", "lt", "le"})
_OPERATORS: Final = frozenset({"eq", "ne", "sw", "co", "ew", "gt", "ge", "lt", "le"})


@dataclass(frozen=True, slots=True)
class Column:
    """What a filter may name: how it is read, of what type. A list is compared value by value."""

    read: Callable[[Row], Any]
    type: str = "text"  # boolean integer date


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one resource type, by name in lower case.

    ``urns``: the prefixes that may stand before a name; ``multi``: attributes that exist and cannot be compared;
    ``crashing``: those that end in 500.
    """

    by_name: Mapping[str, Column]
    urns: tuple[str, ...] = ()
    multi: frozenset[str] = frozenset()
    crashing: frozenset[str] = frozenset()

    def plain(self, path: str) -> str:
        """A path in lower case, without the URN of a schema."""
        name = path.lower()
        urn = next((each for each in self.urns if name.startswith(f"{each.lower()}:")), None)
        return name if urn is None else name[len(urn) + 1 :]


def parsed(text: str, columns: Columns, knobs: Knobs) -> Matches:
    """The predicate of a filter; refuses what this server does not take."""
    if knobs.crashes:
        raise Refusal(500)
    return _Parser(text, columns, knobs).whole()


class _Parser:
    def __init__(self, text: str, columns: Columns, knobs: Knobs) -> None:
        self._text = text
        self._columns = columns
        self._knobs = knobs
        self._tokens = list(_tokens(text)) or self._invalid()
        self._at = 0

    def whole(self) -> Matches:
        found = self._either()
        if self._at < len(self._tokens):
            self._invalid()
        return found

    def _invalid(self) -> NoReturn:
        raise Refusal(400, "invalidFilter", f"Invalid filter:{self._text}")

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        if self._at >= len(self._tokens):
            self._invalid()
        self._at += 1
        return self._tokens[self._at - 1]

    def _joins(self, word: str) -> bool:
        if self._peek().lower() != word:
            return False
        if word not in self._knobs.logic:
            self._invalid()
        self._at += 1
        return True

    def _either(self) -> Matches:
        terms = [self._both()]
        while self._joins("or"):
            terms.append(self._both())
        return terms[0] if len(terms) == 1 else lambda row: any(each(row) for each in terms)

    def _both(self) -> Matches:
        terms = [self._term()]
        while self._joins("and"):
            terms.append(self._term())
        return terms[0] if len(terms) == 1 else lambda row: all(each(row) for each in terms)

    def _term(self) -> Matches:
        if self._peek() == "(":
            self._take()
            inner = self._either()
            if self._take() != ")":
                self._invalid()
            return inner
        path, operator = self._take(), self._take().lower()
        column = self._column(path)
        if operator == "pr" and "pr" in self._knobs.operators:
            return lambda row: column.read(row) not in (None, "", [])
        if operator not in _OPERATORS & self._knobs.operators:
            self._invalid()
        return self._comparison(column, operator, self._take())

    def _column(self, path: str) -> Column:
        name = self._columns.plain(path)
        if re.split(r"[.:\[]", name)[0] in self._columns.multi:
            raise Refusal(400, "invalidValue", f"Invalid urn:{path}")
        if name in self._columns.crashing:
            raise Refusal(500)
        return self._columns.by_name.get(name) or self._invalid()

    def _comparison(self, column: Column, operator: str, literal: str) -> Matches:
        read, fold = column.read, self._fold
        value = self._value(column, literal)
        allowed = {"text": {"eq", "ne"} | _SUBSTRING, "boolean": {"eq", "ne"}}.get(column.type, {"eq", "ne"} | _ORDER)
        if operator not in allowed:
            self._invalid()
        compare = _COMPARE[operator]

        def matches(row: Row) -> bool:
            held = read(row)
            if isinstance(held, list):
                return any(compare(fold(each), value) for each in held)
            # As SQL has it, nothing compares with null.
            return held is not None and compare(fold(held), value)

        return matches

    def _fold(self, value: Any) -> Any:
        return value.lower() if isinstance(value, str) and self._knobs.insensitive else value

    def _value(self, column: Column, literal: str) -> Any:
        try:
            value = orjson.loads(literal)
        except orjson.JSONDecodeError:
            self._invalid()
        if column.type == "date" and isinstance(value, str):
            return _moment(value, self._knobs) or self._invalid()
        fitting = {"text": str, "boolean": bool, "integer": int}.get(column.type)
        negative = isinstance(value, int) and value < 0
        if fitting is None or type(value) is not fitting or negative:
            self._invalid()
        return self._fold(value)


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if found is None:
            raise Refusal(400, "invalidFilter", f"Invalid filter:{text}")
        yield found[1] or found[2] or found[3]
        at = found.end()


_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": lambda held, value: bool(held == value),
    "ne": lambda held, value: bool(held != value),
    "sw": lambda held, value: bool(held.startswith(value)),
    "co": lambda held, value: value in held,
    "ew": lambda held, value: bool(held.endswith(value)),
    "gt": lambda held, value: bool(held > value),
    "ge": lambda held, value: bool(held >= value),
    "lt": lambda held, value: bool(held < value),
    "le": lambda held, value: bool(held <= value),
}


def _moment(text: str, knobs: Knobs) -> datetime | None:
    """A date, or a date with a time: without an offset, in the server's own zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    zone = UTC if knobs.zulu else timezone(timedelta(hours=knobs.zone_hours))
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def sort_key(column: Column) -> Callable[[Row], Any]:
    """The order of a column as databases have it: without case, nothing first."""

    def key(row: Row) -> Any:
        held = column.read(row)
        folded = held.lower() if isinstance(held, str) else held
        return (held is not None, folded if held is not None else 0, row["id"])

    return key
