"""What any SCIM server is trusted to filter, derived from its schemas.

Every rule is wider (``exact=False``): the bridge checks the rows again, and counts them. Left out is what servers are
known to get wrong: `ne`, `not`, several conditions on one value, `pr` on complex attributes, the order of text.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from scim_bridge.comparison import instant
from scim_bridge.query.capabilities import Rendered, Rule, Text, ops
from scim_bridge.schemas import COMMON, ResourceSchema, SchemaAttribute

TEXT: Final = ops("eq sw co ew")
ORDER: Final = ops("gt ge lt le")
Render = Callable[[str, Any], Rendered]
Proven = frozenset[tuple[str, str]]
"""Attributes and operators that were seen to ignore case."""
_BLUR: Final = timedelta(seconds=1)
"""Servers publish times in fewer digits than they compare."""


@dataclass(frozen=True, slots=True)
class Field:
    """A simple attribute or sub-attribute that filters may name."""

    path: str
    attribute: SchemaAttribute
    several: bool = False  # a resource may have more than one


def fields(resource: ResourceSchema) -> Iterator[Field]:
    """What of a resource type can be compared, without `id`, and of `meta` the dates alone."""
    external_id, meta = COMMON[2], COMMON[3]
    yield Field(external_id.name, external_id)
    for each in meta.sub_attributes:
        if each.type == "dateTime":
            yield Field(f"{meta.name}.{each.name}", each)
    for schema in resource.schemas:
        prefix = "" if schema is resource.base else f"{schema.id}:"
        for attribute in filter(_comparable, schema.attributes):
            path = f"{prefix}{attribute.name}"
            if attribute.type == "complex":
                subs = (each for each in attribute.sub_attributes if _comparable(each) and not each.multi_valued)
                yield from (Field(f"{path}.{each.name}", each, attribute.multi_valued) for each in subs)
            elif not attribute.multi_valued:
                yield Field(path, attribute)


def _comparable(attribute: SchemaAttribute) -> bool:
    return attribute.returned != "never" and attribute.mutability != "writeOnly"


def is_plain(value: str) -> bool:
    """Whether any server reads a text in a filter as it is meant: ASCII, nothing to escape, nothing to trim."""
    return (
        bool(value)
        and value.isascii()
        and value.isprintable()
        and not set(value) & set('"\\')
        and value == value.strip()
    )


def literal(value: Any) -> str:
    """A value as filters take it (RFC 7644 section 3.4.2.2: as JSON)."""
    return json.dumps(value, ensure_ascii=False)


def rules(resource: ResourceSchema, proven: Proven, *, vouched: bool, without: frozenset[str]) -> Iterator[Rule]:
    """The rules of a resource type. ``vouched``: the settings say how text is compared; ``without``: paths or
    attributes left to the bridge."""
    for field in fields(resource):
        if field.path in without or field.path.partition(".")[0] in without:
            continue
        if field.attribute.type == "string":
            yield from _text_rules(field, frozenset(op for op in TEXT if (field.path, op) in proven), vouched=vouched)
        elif field.attribute.type in _RENDERED:
            operators, render = _RENDERED[field.attribute.type]
            yield _rule(field, operators, render(field.path), folds=False)


def _text_rules(field: Field, proven: frozenset[str], *, vouched: bool) -> Iterator[Rule]:
    """What is proven compares as SCIM does; the rest is for the engine to judge by case."""
    unique = field.attribute.uniqueness != "none" and not field.several
    render = text_of(field.path, plain=not vouched)
    if proven and not vouched:
        yield Rule(field.path, proven, render, exact=False, folds=False, unique=unique)
    yield _rule(field, TEXT, render, unique=unique)


def _rule(field: Field, operators: frozenset[str], render: Render, *, folds: bool = True, unique: bool = False) -> Rule:
    """Comparisons of a field, and of a single value its presence."""
    if field.several or field.path.startswith("meta."):
        return Rule(field.path, operators, render, exact=False, folds=folds, unique=unique)

    def render_any(operator: str, value: Any) -> Rendered:
        return Text(f"{field.path} pr") if operator == "pr" else render(operator, value)

    return Rule(field.path, operators | ops("pr"), render_any, exact=False, folds=folds, unique=unique)


def text_of(path: str, *, plain: bool) -> Render:
    """Comparisons of text; ``plain``: only of what no server misreads."""

    def render(operator: str, value: Any) -> Rendered:
        fit = isinstance(value, str) and bool(value) and (not plain or is_plain(value))
        return Text(f"{path} {operator} {literal(value)}") if fit else None

    return render


def _boolean(path: str) -> Render:
    return lambda operator, value: Text(f"{path} {operator} {literal(value)}") if isinstance(value, bool) else None


def _integer(path: str) -> Render:
    return lambda operator, value: Text(f"{path} {operator} {int(value)}")


def _date_time(path: str) -> Render:
    def render(operator: str, value: Any) -> Rendered:
        moment = instant(value)
        if not isinstance(moment, datetime) or moment.tzinfo is None:
            return None
        try:
            wider = moment.astimezone(UTC) + (_BLUR if operator in ("lt", "le") else -_BLUR)
        except OverflowError:
            return None
        return Text(f"{path} {operator} {literal(wider.isoformat(timespec='milliseconds').replace('+00:00', 'Z'))}")

    return render


_RENDERED: Final = {
    "boolean": (ops("eq"), _boolean),
    "integer": (ops("eq") | ORDER, _integer),
    "dateTime": (ORDER, _date_time),
}
