"""PingOne's filter language as far as it is documented: which attribute takes which operator, and nothing else.

Sources: "SCIM filter language", "Read All Users", "Read All Groups". Names are PingOne's own (`username`, not
`userName`), text is double-quoted, `and` and `or` come in any case, `ne`, `pr`, `not` and the orders do not exist.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import ge, le
from typing import Any, Final
from urllib.parse import quote

from scim_bridge.providers.pingone.sandbox_wire import Refusal, bad_parameter

Test = Callable[[Mapping[str, Any]], bool]
Operators = Mapping[str, frozenset[str]]


def _matrix(*lines: str) -> dict[str, frozenset[str]]:
    """``"eq sw: a b"`` lines: operators, then the attributes that take them."""
    pairs = [line.split(": ") for line in lines]
    return {name: frozenset(operators.split()) for operators, names in pairs for name in names.split()}


USERS: Final = _matrix(
    "eq sw: username name.formatted name.middle name.honorificPrefix name.honorificSuffix externalId accountId",
    "eq sw: nickname title type locale preferredLanguage timezone mobilePhone primaryPhone photo.href",
    "eq sw: startDate endDate enabled",
    "eq sw: address.streetAddress address.locality address.region address.postalCode address.countryCode",
    "eq sw ew: email",
    "eq sw ew co: name.given name.family",
    "eq: id population.id",
)
GROUPS: Final = _matrix("eq sw: name externalId displayName", "eq: id population.id sourceId")
POPULATIONS: Final = _matrix("eq: id", "eq sw: name")
ROLES: Final = _matrix("eq: type")
TIMES: Final = frozenset({"updatedAt"})
MAX_FILTER: Final = 6000
"""URL-encoded characters: a request's headers are capped at 6 KB (vendor: Platform limits)."""


@dataclass(frozen=True, slots=True)
class Term:
    """A comparison of one attribute."""

    name: str
    operator: str
    value: str | bool


@dataclass(frozen=True, slots=True)
class Membership:
    """``memberOfGroups[id eq "..." and type eq "DIRECT"]``."""

    group_id: str
    kind: str | None


@dataclass(frozen=True, slots=True)
class Joined:
    """Terms joined by `and` (``every``) or by `or`."""

    every: bool
    terms: "tuple[Node, ...]"


Node = Term | Membership | Joined


@dataclass(frozen=True, slots=True)
class Language:
    """What one endpoint's filters may say."""

    operators: Operators
    memberships: bool = False
    escapes: bool = True  # whether \\" and \\\\ stand for " and \ is not documented
    single_quotes: bool = False  # userFilter's sample uses them

    def parse(self, text: str) -> Node:
        """The tree of a filter. Refuses with INVALID_FILTER what the endpoint does not document."""
        if len(quote(text)) > MAX_FILTER:
            raise self.refusal("the filter is too long")
        parser = _Parser(self, list(self._tokens(text)))
        return parser.whole()

    def refusal(self, message: str) -> Refusal:
        supported = sorted(self.operators) + (["memberOfGroups"] if self.memberships else [])
        known = sorted(frozenset().union(*self.operators.values()))
        inner = {"supportedAttributes": supported, "supportedOperators": known}
        return bad_parameter("INVALID_FILTER", "filter", message, **inner)

    def _tokens(self, text: str) -> Iterator[tuple[str, str]]:
        position = 0
        scanner = _ESCAPING if self.escapes else _PLAIN
        while position < len(text):
            found = scanner.match(text, position)
            if found is None or found.lastgroup is None or (found.lastgroup == "single" and not self.single_quotes):
                raise self.refusal(f"cannot be read at character {position}")
            position = found.end()
            if found.lastgroup != "space":
                yield found.lastgroup, found.group()

    def literal(self, kind: str, text: str) -> str:
        inside = text[1:-1]
        return re.sub(r"\\(.)", r"\1", inside, flags=re.DOTALL) if self.escapes and kind == "double" else inside


def _scanner(double: str) -> re.Pattern[str]:
    return re.compile(
        rf"""(?P<space>\s+)|(?P<mark>[()\[\]])|(?P<double>{double})|(?P<single>'[^']*')|(?P<word>[^\s()\[\]"']+)"""
    )


_ESCAPING: Final = _scanner(r'"(?:[^"\\]|\\["\\])*"')
_PLAIN: Final = _scanner(r'"[^"]*"')


class _Parser:
    """Recursive descent over tokens; `and` binds closer than `or`."""

    def __init__(self, language: Language, tokens: list[tuple[str, str]]) -> None:
        self._language = language
        self._tokens = tokens
        self._at = 0

    def whole(self) -> Node:
        node = self._any()
        if self._at < len(self._tokens):
            raise self._language.refusal(f"{self._peek()!r} is not expected")
        return node

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _take(self, *expected: str) -> str:
        text = self._peek()
        if not text or (expected and text.lower() not in expected):
            raise self._language.refusal(f"{text or 'its end'!r} is not expected")
        self._at += 1
        return text

    def _any(self) -> Node:
        return self._joined("or", self._all)

    def _all(self) -> Node:
        return self._joined("and", self._one)

    def _joined(self, word: str, part: Callable[[], Node]) -> Node:
        terms = [part()]
        while self._peek().lower() == word:
            self._at += 1
            terms.append(part())
        return terms[0] if len(terms) == 1 else Joined(word == "and", tuple(terms))

    def _one(self) -> Node:
        if self._peek() == "(":
            self._take("(")
            node = self._any()
            self._take(")")
            return node
        name = self._take()
        if name == "memberOfGroups" and self._language.memberships:
            return self._membership()
        if name not in self._language.operators:
            raise self._language.refusal(f"{name} is not supported")
        return self._comparison(name, self._language.operators[name])

    def _comparison(self, name: str, operators: frozenset[str]) -> Term:
        operator = self._take().lower()
        if operator not in operators:
            raise self._language.refusal(f"{name} does not support {operator}")
        value = self._value()
        if name == "enabled" and isinstance(value, str):
            value = {"true": True, "false": False}.get(value, value)  # quoted booleans occur too
        if isinstance(value, bool) != (name == "enabled") or (name in TIMES and _instant(value) is None):
            raise self._language.refusal(f"{name} is not compared with such a value")
        return Term(name, operator, value)

    def _value(self) -> str | bool:
        if self._at >= len(self._tokens):
            raise self._language.refusal("a value is missing")
        kind, text = self._tokens[self._at]
        self._at += 1
        if kind in ("double", "single"):
            return self._language.literal(kind, text)
        if text not in ("true", "false"):
            raise self._language.refusal(f"{text} is not a quoted value")
        return text == "true"

    def _membership(self) -> Membership:
        self._take("[")
        found: dict[str, Any] = {"id": None, "type": None}
        while True:
            name = self._take("id", "type")
            self._take("eq")
            found[name] = self._value()
            if self._take("and", "]") == "]":
                break
        if not isinstance(found["id"], str) or found["type"] not in (None, "DIRECT", "INDIRECT"):
            raise self._language.refusal("memberOfGroups takes an id, and a type of DIRECT or INDIRECT")
        return Membership(found["id"], found["type"])


def compiled(node: Node, members: Callable[[Membership], frozenset[str]], *, case_sensitive: bool = False) -> Test:
    """Whether a record matches; ``members``: the ids of the members a `memberOfGroups` speaks of."""
    match node:
        case Joined():
            tests = [compiled(each, members, case_sensitive=case_sensitive) for each in node.terms]
            joined = all if node.every else any
            return lambda record: joined(test(record) for test in tests)
        case Membership():
            ids = members(node)
            return lambda record: record["id"] in ids
        case Term():
            return _comparing(node, case_sensitive=case_sensitive)


def _comparing(term: Term, *, case_sensitive: bool) -> Test:
    read = _reader(term.name)
    if isinstance(term.value, bool):
        wanted = term.value
        return lambda record: read(record) is wanted
    fold: Callable[[str], Any] = _instant if term.name in TIMES else str if case_sensitive else str.lower
    compare, expected = _COMPARE[term.operator], fold(term.value)

    def test(record: Mapping[str, Any]) -> bool:
        value = read(record)
        values = value if isinstance(value, list) else [value]
        return any(isinstance(each, str) and compare(fold(each), expected) for each in values)

    return test


def _instant(value: Any) -> datetime | None:
    """A point in time; None for text that is none, or that leaves its zone open."""
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else None


_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": str.__eq__,
    "sw": str.startswith,
    "ew": str.endswith,
    "co": str.__contains__,
    "ge": ge,
    "le": le,
}


def _reader(name: str) -> Callable[[Mapping[str, Any]], Any]:
    """What reads an attribute of a record; a group's displayName is its name."""
    name = "name" if name == "displayName" else name
    if "." not in name:
        return lambda record: record.get(name)
    outer, _, inner = name.partition(".")
    return lambda record: (record.get(outer) or {}).get(inner)
