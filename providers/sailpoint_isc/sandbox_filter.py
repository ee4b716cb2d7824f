"""The filter and sorter language of list endpoints: each takes the fields and operators it documents, and no others.

Source: "Standard Collection Parameters". Operators are lower case; text is in double quotes with ``\\"`` and ``\\\\``;
dates are bare; `in` takes a list in parentheses; `pr` comes first, `isnull` last; `not` binds before `and` and `or`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import ge, gt, le, lt
from typing import Any, Final

Row = Mapping[str, Any]
Test = Callable[[Any], bool]
Read = Callable[[Any], Any]

_TOKEN: Final = re.compile(
    r'(?P<space>\s+)|(?P<mark>[(),])|(?P<text>"(?:[^"\\]|\\["\\])*")|(?P<word>[^\s(),"]+)', re.DOTALL
)
_ORDERS: Final = {"gt": gt, "ge": ge, "lt": lt, "le": le}
_WORDS: Final = frozenset("eq ne co sw gt ge lt le in ca isnull".split())


class FilterError(ValueError):
    """A filter or sorter that the endpoint does not take."""


def field_of(path: str) -> Read:
    """What reads a dotted path of a record."""
    steps = path.split(".")

    def read(row: Any) -> Any:
        for step in steps:
            row = row.get(step) if isinstance(row, Mapping) else None
        return row

    return read


@dataclass(frozen=True, slots=True)
class Field:
    """A name that filters know, its operators, and what it reads."""

    operators: frozenset[str]
    read: Read


def fields(**lines: str) -> dict[str, Field]:
    """``fields(email="eq sw: emailAddress")``: operators, and the path where it is not the name; ``__`` is a dot."""
    found = {}
    for keyword, line in lines.items():
        name = keyword.replace("__", ".")
        operators, _, path = line.partition(": ")
        found[name] = Field(frozenset(operators.split()), field_of(path or name))
    return found


@dataclass(frozen=True, slots=True)
class Language:
    """What one endpoint's `filters` and `sorters` may say."""

    filters: Mapping[str, Field] = field(default_factory=dict)
    sorters: Mapping[str, Read] = field(default_factory=dict)
    logic: frozenset[str] = frozenset({"and", "or", "not"})

    def test(self, text: str, *, sensitive: bool = False) -> Test:
        """The test of a row by a filter. Raises FilterError."""
        return _Parser(self, list(_tokens(text)), sensitive).whole()

    def ordered(self, rows: Sequence[Any], text: str | None, *, sensitive: bool = False) -> list[Any]:
        """Rows in the order of `sorters`; without one, an order that nobody promised. Missing values come last."""
        result = list(rows)
        for part in reversed([each.strip() for each in (text or "").split(",") if each.strip()]):
            name = part.removeprefix("-")
            read = self.sorters.get(name)
            if read is None:
                raise FilterError(f"sorting by {name} is not supported")
            present = [row for row in result if read(row) is not None]
            present.sort(key=lambda row: _comparable(read(row), sensitive), reverse=part.startswith("-"))
            result = present + [row for row in result if read(row) is None]
        return result


def language(sorters: str = "", renamed: Mapping[str, str] | None = None, **filters: str) -> Language:
    """``sorters``: names; ``renamed``: where they read another path."""
    reads = {name: field_of((renamed or {}).get(name, name)) for name in sorters.split()}
    return Language(fields(**filters), reads)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            raise FilterError(f"the filter cannot be read at character {position}")
        position = found.end()
        if found.lastgroup != "space":
            yield found.lastgroup, found.group()


def _comparable(value: Any, sensitive: bool) -> Any:
    """Text compares letter by letter, mostly without case (vendor), and never by its composed form."""
    return value if sensitive or not isinstance(value, str) else value.lower()


class _Parser:
    def __init__(self, language: Language, tokens: Sequence[tuple[str, str]], sensitive: bool) -> None:
        self._language = language
        self._tokens = tokens
        self._sensitive = sensitive
        self._at = 0

    def whole(self) -> Test:
        found = self._disjunction()
        if self._at != len(self._tokens):
            raise FilterError(f"unexpected {self._peek()[1]}")
        return found

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "the end")

    def _take(self) -> tuple[str, str]:
        found = self._peek()
        self._at += 1
        return found

    def _word(self, word: str) -> bool:
        if self._peek() == ("word", word) and word in self._language.logic:
            self._at += 1
            return True
        return False

    def _disjunction(self) -> Test:
        terms = [self._conjunction()]
        while self._word("or"):
            terms.append(self._conjunction())
        return terms[0] if len(terms) == 1 else lambda row: any(term(row) for term in terms)

    def _conjunction(self) -> Test:
        terms = [self._negation()]
        while self._word("and"):
            terms.append(self._negation())
        return terms[0] if len(terms) == 1 else lambda row: all(term(row) for term in terms)

    def _negation(self) -> Test:
        if self._word("not"):
            inner = self._negation()
            return lambda row: not inner(row)
        if self._peek() == ("mark", "("):
            self._at += 1
            inner = self._disjunction()
            self._expect(")")
            return inner
        return self._term()

    def _expect(self, mark: str) -> None:
        if self._take() != ("mark", mark):
            raise FilterError(f"{mark} is missing")

    def _term(self) -> Test:
        kind, name = self._take()
        if (kind, name) == ("word", "pr"):
            read = self._field(self._take()[1], "pr").read
            return lambda row: read(row) is not None
        operator = self._take()[1]
        if kind != "word" or operator not in _WORDS:
            raise FilterError(f"{name} {operator} is no comparison")
        read = self._field(name, operator).read
        if operator == "isnull":
            return lambda row: read(row) is None
        if operator == "in":
            return self._among(read)
        return self._comparison(read, operator, self._literal())

    def _field(self, name: str, operator: str) -> Field:
        found = self._language.filters.get(name)
        if found is None or operator not in found.operators:
            raise FilterError(f"filtering by {name} {operator} is not supported")
        return found

    def _among(self, read: Read) -> Test:
        self._expect("(")
        values = [self._value(self._literal())]
        while self._peek() == ("mark", ","):
            self._at += 1
            values.append(self._value(self._literal()))
        self._expect(")")
        wanted = frozenset(values)
        return _any_of(read, lambda value: self._value(value) in wanted)

    def _literal(self) -> Any:
        kind, text = self._take()
        if kind == "text":
            return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
        if kind == "word" and text in ("true", "false"):
            return text == "true"
        if kind == "word" and text.isdecimal():
            return int(text)
        if kind == "word" and (moment := _moment(text)) is not None:
            return moment
        raise FilterError(f"{text} is no value")

    def _value(self, value: Any) -> Any:
        return _comparable(value, self._sensitive)

    def _comparison(self, read: Read, operator: str, literal: Any) -> Test:
        wanted = self._value(literal)
        if isinstance(literal, datetime):
            return _any_of(read, lambda value: _ORDERS.get(operator, datetime.__eq__)(_moment(value), literal))
        match operator:
            case "eq":
                return _any_of(read, lambda value: self._value(value) == wanted)
            case "ne":
                return lambda row: self._value(read(row)) != wanted
            case "sw":
                return _any_of(read, lambda value: str(self._value(value)).startswith(str(wanted)))
            case "co":
                return _any_of(read, lambda value: str(wanted) in str(self._value(value)))
        order = _ORDERS[operator]
        return _any_of(read, lambda value: order(self._value(value), wanted))


def _any_of(read: Read, test: Test) -> Test:
    """A test of a field, or of one of its values; missing values satisfy none."""

    def check(row: Any) -> bool:
        value = read(row)
        if isinstance(value, list | tuple | set | frozenset):
            return any(map(test, value))
        return value is not None and test(value)

    return check


def _moment(text: Any) -> Any:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
