"""What a SCIM server is trusted to filter: of what its schemas allow, what it was seen to do right.

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
Fact = tuple[str, str]
"""A path and an operator; of a boolean, the operator with the value."""
_RELATIONS: Final = frozenset({"members", "groups"})
_BLUR: Final = timedelta(seconds=1)
"""Servers publish times in fewer digits than they compare."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What filters were seen to do.

    - ``folding``, ``finding``: the comparisons that find what they must in swapped case, and as it is spelled.
    - ``sensitive``: those that find it as it is spelled, and did not in swapped case.
    - ``logic``: `and` and `or`, as far as they do what they say.
    - ``strict``: `eq` finds nothing that only holds the value.
    - ``whole``: nobody looked, and all of it is taken for granted.
    - ``barred``: comparisons that are never asked for, whatever was seen.
    """

    folding: frozenset[Fact] = frozenset()
    finding: frozenset[Fact] = frozenset()
    logic: frozenset[str] = frozenset()
    strict: bool = False
    whole: bool = False
    sensitive: frozenset[Fact] = frozenset()
    barred: frozenset[str] = frozenset()

    def finds(self, path: str, operator: str) -> bool:
        return self.whole or (path, operator) in self.finding


UNPROVEN: Final = Proof()
ASSUMED: Final = Proof(logic=ops("and or"), strict=True, whole=True)


@dataclass(frozen=True, slots=True)
class Field:
    """A simple attribute or sub-attribute that filters may name."""

    path: str
    attribute: SchemaAttribute
    several: bool = False  # a resource may have more than one

    @property
    def presence(self) -> bool:
        """Whether `pr` may be asked: of one value that the resource itself has."""
        return not self.several and not self.path.startswith("meta.")


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
            else:
                yield Field(path, attribute, attribute.multi_valued)


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


def rules(resource: ResourceSchema, proof: Proof, *, vouched: bool, without: frozenset[str]) -> Iterator[Rule]:
    """The rules of a resource type. ``vouched``: the settings say how text is compared; ``without``: paths or
    attributes left to the bridge."""
    for field in fields(resource):
        if field.path in without or field.path.partition(".")[0] in without:
            continue
        if field.attribute.type == "string":
            yield from _text_rules(field, proof, vouched=vouched)
        elif field.attribute.type in RENDERED:
            yield from _typed_rules(field, proof)
        else:
            continue
        if field.presence and proof.finds(field.path, "pr"):
            yield Rule(field.path, ops("pr"), _presence(field.path), exact=False)
    for name in without & _RELATIONS:
        if resource.resolve(f"{name}.value") and proof.finds(f"{name}.value", "eq"):
            by_id = text_of(f"{name}.value", plain=True)
            yield Rule(f"{name}.value", ops("eq"), by_id, exact=False, folds=False)


def _text_rules(field: Field, proof: Proof, *, vouched: bool) -> Iterator[Rule]:
    """What was seen to ignore case compares as SCIM does; the rest is for the engine to judge by case."""
    unique = proof.strict and field.attribute.uniqueness != "none" and not field.several
    render = text_of(field.path, plain=not vouched)
    folding = frozenset(each for each in TEXT if (field.path, each) in proof.folding)
    if folding and not vouched:
        yield Rule(field.path, folding, render, exact=False, folds=False, unique=unique)
    finding = frozenset(each for each in TEXT if proof.finds(field.path, each))
    if vouched or finding - folding:
        yield Rule(field.path, finding if vouched else finding - folding, render, exact=False, unique=unique)


def _typed_rules(field: Field, proof: Proof) -> Iterator[Rule]:
    operators, render = RENDERED[field.attribute.type]
    # An order is proven from both sides, or a text that looks greater would do.
    order = (operators & ORDER) - proof.barred
    if order and all(proof.finds(field.path, each) for each in order):
        yield Rule(field.path, order, render(field.path), exact=False, folds=False)
    if "eq" in operators and any(proof.finds(field.path, each) for each in ("eq", "eq true", "eq false")):
        yield Rule(field.path, ops("eq"), _proven_equality(field, proof, render(field.path)), exact=False, folds=False)


def _proven_equality(field: Field, proof: Proof, render: Render) -> Render:
    def render_equal(operator: str, value: Any) -> Rendered:
        return render(operator, value) if proof.finds(field.path, fact_of(field, operator, value)) else None

    return render_equal


def fact_of(field: Field, operator: str, value: Any) -> str:
    """The operator as facts name it: of a boolean, either value is proven by itself."""
    return f"{operator} {literal(value)}" if field.attribute.type == "boolean" and operator == "eq" else operator


def text_of(path: str, *, plain: bool) -> Render:
    """Comparisons of text; ``plain``: only of what no server misreads."""

    def render(operator: str, value: Any) -> Rendered:
        fit = isinstance(value, str) and bool(value) and (not plain or is_plain(value))
        return Text(f"{path} {operator} {literal(value)}") if fit else None

    return render


def _presence(path: str) -> Render:
    return lambda operator, value: Text(f"{path} pr")


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


RENDERED: Final = {
    "boolean": (ops("eq"), _boolean),
    "integer": (ops("eq") | ORDER, _integer),
    "dateTime": (ORDER, _date_time),
}
