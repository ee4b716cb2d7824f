"""Comparisons that are true of rows, for filters to be tried with."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from scim_bridge.providers.scim.probe import RELATIONS
from scim_bridge.providers.scim.rules import RENDERED, TEXT, Fact, Field, fact_of, fields, is_plain, literal
from scim_bridge.providers.scim.shape import held, identifier, shaper
from scim_bridge.query.capabilities import Row, Text
from scim_bridge.schemas import ResourceSchema

RELATION_PATHS: Final = frozenset(f"{each}.value" for each in RELATIONS)
_SHORTEST: Final = 3
"""Letters of a part of a text, where it has more."""
_BEYOND: Final = {"gt": -1, "lt": 1}


@dataclass(frozen=True, slots=True)
class Term:
    """A comparison that is true of a row. ``swapped``: the same in swapped case, where that is the same to SCIM."""

    sample: str
    fact: Fact
    own: str
    swapped: str | None = None
    unique: bool = False
    value: str = ""  # of text
    alone: bool = False  # it is the only one of several values that there may be

    def text(self, *, swap: bool) -> str:
        return self.swapped or self.own if swap else self.own


def terms_of(resource: ResourceSchema, rows: Sequence[Row]) -> list[Term]:
    """The terms that are true of rows; not those of an only value where another row has several of them, as some
    servers look at the first one alone."""
    terms = list(_terms(resource, rows))
    telling = {each.fact for each in terms if not each.alone}
    return [each for each in terms if not each.alone or each.fact not in telling]


def _terms(resource: ResourceSchema, rows: Sequence[Row]) -> Iterator[Term]:
    shape = shaper(resource)
    for row in rows:
        values, sample = {**shape(row), "meta": _dates(row)}, identifier(row)
        for field in fields(resource):
            found = resource.resolve(field.path)
            value = found.read(values) if found is not None else None
            alone = isinstance(value, list) and len(value) == 1
            value = (value[-1] if value else None) if isinstance(value, list) else value
            if value is not None and field.path.partition(".")[0] not in RELATIONS:
                yield from (replace(each, alone=alone) for each in _of_field(field, value, sample))
        yield from _of_relations(row, sample)


def _dates(row: Row) -> dict[str, Any]:
    meta = held(row, "meta")
    return {name: held(meta, name) for name in ("created", "lastModified")} if isinstance(meta, Mapping) else {}


def _of_field(field: Field, value: Any, sample: str) -> Iterator[Term]:
    kind = field.attribute.type
    if kind == "string" and isinstance(value, str):
        yield from _of_text(field, value, sample)
    elif kind in RENDERED:
        operators, render = RENDERED[kind]
        for operator in sorted(operators):
            beyond = _BEYOND.get(operator, 0) if kind == "integer" else 0
            text = render(field.path)(operator, value + beyond if beyond else value)
            if isinstance(text, Text):
                yield Term(sample, (field.path, fact_of(field, operator, value)), str(text))
    if field.presence and (kind == "string" or kind in RENDERED):
        yield Term(sample, (field.path, "pr"), f"{field.path} pr")


def _of_text(field: Field, value: str, sample: str) -> Iterator[Term]:
    unique = field.attribute.uniqueness != "none" and not field.several
    for operator in sorted(TEXT):
        part = _part(operator, value)
        if part is None:
            continue
        own = f"{field.path} {operator} {literal(part)}"
        folds = not field.attribute.case_exact and part.swapcase() != part
        swapped = f"{field.path} {operator} {literal(part.swapcase())}" if folds else None
        yield Term(sample, (field.path, operator), own, swapped, unique, value if operator == "eq" else "")


def _part(operator: str, value: str) -> str | None:
    """The part of a text that an operator is tried with: such that no other operator finds it."""
    if not is_plain(value):
        return None
    size = min(_SHORTEST, len(value) - 1)
    part = {"eq": value, "sw": value[:size], "co": value[1 : 1 + size], "ew": value[len(value) - size :]}[operator]
    if operator == "eq":
        return value
    told_apart = not (operator != "sw" and value.lower().startswith(part.lower()))
    return part if is_plain(part) and told_apart and part != value else None


def _of_relations(row: Row, sample: str) -> Iterator[Term]:
    """By an element of a relation: the last one, as of other values."""
    for name in RELATIONS:
        elements = held(row, name)
        element = elements[-1] if isinstance(elements, list) and elements else None
        value = held(element, "value") if isinstance(element, Mapping) else None
        text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if is_plain(text):
            alone = isinstance(elements, list) and len(elements) == 1
            yield Term(sample, (f"{name}.value", "eq"), f"{name}.value eq {literal(text)}", alone=alone)
