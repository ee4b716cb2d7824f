"""A filter language of a simulated upstream: ``field op "literal"`` with and, or, not; read and evaluated on its own.

Nothing here comes from the engine: it is the other side's idea of a filter, so that the two can disagree.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal
from unicodedata import combining, normalize

Match = Literal["insensitive", "sensitive"]
Values = Callable[[Mapping[str, Any], str], list[Any]]

_TOKEN = re.compile(r'\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<word>[\w.]+)|(?P<bracket>[()]))')


class Refused(Exception):
    """Filter text that this upstream does not take."""


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if found is None:
            raise Refused(text)
        at = found.end()
        yield found["string"] or found["word"] or found["bracket"]


class Language:
    """Evaluates filter text. ``sql``: a comparison with a missing value is unknown, and so is its negation."""

    def __init__(
        self, fields: Mapping[str, str], logic: frozenset[str], match: Match, *, sql: bool, loose: frozenset[str]
    ) -> None:
        """``fields``: the operators each field takes; ``loose``: those where a missing value fits anything."""
        self._fields = fields
        self._loose = loose
        self._logic = logic
        self._match = match
        self._sql = sql

    def matches(self, text: str, row: Mapping[str, Any], values: Values) -> bool:
        tokens = list(_tokens(text))
        result, rest = self._or(tokens, row, values)
        if rest:
            raise Refused(text)
        return result is True

    def _or(self, tokens: list[str], row: Mapping[str, Any], values: Values) -> tuple[bool | None, list[str]]:
        result, rest = self._and(tokens, row, values)
        while rest and rest[0] == "or":
            self._needs("or")
            other, rest = self._and(rest[1:], row, values)
            result = True if result is True or other is True else (None if None in (result, other) else False)
        return result, rest

    def _and(self, tokens: list[str], row: Mapping[str, Any], values: Values) -> tuple[bool | None, list[str]]:
        result, rest = self._term(tokens, row, values)
        while rest and rest[0] == "and":
            self._needs("and")
            other, rest = self._term(rest[1:], row, values)
            result = False if result is False or other is False else (None if None in (result, other) else True)
        return result, rest

    def _term(self, tokens: list[str], row: Mapping[str, Any], values: Values) -> tuple[bool | None, list[str]]:
        if not tokens:
            raise Refused("the filter ends too early")
        if tokens[0] == "not":
            self._needs("not")
            if tokens[1:2] != ["("]:
                raise Refused("what is negated stands in brackets")
            inner, rest = self._term(tokens[1:], row, values)
            return (None if inner is None else not inner), rest
        if tokens[0] == "(":
            inner, rest = self._or(tokens[1:], row, values)
            if not rest or rest[0] != ")":
                raise Refused("a bracket is not closed")
            return inner, rest[1:]
        return self._comparison(tokens, row, values)

    def _comparison(self, tokens: list[str], row: Mapping[str, Any], values: Values) -> tuple[bool | None, list[str]]:
        field, operator = tokens[0], tokens[1]
        if operator not in self._fields.get(field, "").split():
            raise Refused(f"{field} {operator}")
        held = values(row, field)
        if operator == "pr":
            return any(each != "" for each in held), tokens[2:]
        if not held and field in self._loose:
            return True, tokens[3:]
        literal = json.loads(tokens[2])
        if not held and self._sql:
            return None, tokens[3:]
        if operator == "ne":
            return not any(compares("eq", each, literal, self._match) for each in held), tokens[3:]
        return any(compares(operator, each, literal, self._match) for each in held), tokens[3:]

    def _needs(self, operator: str) -> None:
        if operator not in self._logic:
            raise Refused(f"{operator} is not taken")


def compares(operator: str, actual: Any, literal: Any, match: Match) -> bool:
    """One comparison as an upstream makes it: ASCII text as SCIM has it, save for case; beyond it, in its own way."""
    if isinstance(literal, bool) or isinstance(actual, bool):
        return operator == "eq" and actual is literal
    if isinstance(actual, datetime):
        return _ordered(operator, actual, datetime.fromisoformat(literal))
    if operator in ("gt", "ge", "lt", "le") and match == "insensitive":
        return _ordered(operator, actual.upper(), literal.upper())  # its own idea of where a "_" belongs
    actual, literal = _text(actual, match, ascii_only=literal.isascii()), _text(literal, match, literal.isascii())
    match operator:
        case "sw":
            return bool(actual.startswith(literal))
        case "ew":
            return bool(actual.endswith(literal))
        case "co":
            return bool(literal in actual)
    return _ordered(operator, actual, literal)


def _ordered(operator: str, actual: Any, literal: Any) -> bool:
    try:
        if operator == "eq":
            return bool(actual == literal)
        if operator in ("gt", "ge"):
            return bool(actual > literal or (operator == "ge" and actual == literal))
        return bool(actual < literal or (operator == "le" and actual == literal))
    except TypeError:  # times with and without an offset
        return False


def _text(value: str, match: Match, ascii_only: bool) -> str:
    """Text as this upstream compares it: beyond ASCII by bytes, or without accents."""
    if ascii_only:
        composed = normalize("NFC", value)
        return composed if match == "sensitive" else normalize("NFC", composed.lower())
    if match == "sensitive":
        return value
    return "".join(each for each in normalize("NFKD", value.casefold()) if not combining(each))
