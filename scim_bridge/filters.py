"""SCIM filters and sorting over plain JSON resources (RFC 7644 sections 3.4.2.2 and 3.4.2.3).

The grammar is that of scim2-models, and so is the meaning: a compiled predicate answers as `ScimFilter.match` does,
without building a model of the row. Resources hold attribute names in canonical case, as schemas spell them.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, TypeVar

from scim2_models import InvalidFilterException, ScimFilter
from scim2_models.path import AttrPath, Comparison, FilterNode, LogicalExpr, LogicalOperator, Not, Present, ValuePath

from scim_bridge.comparison import (
    ORDER_OPERATORS,
    TEXT_OPERATORS,
    Test,
    check_operand,
    key_of,
    matcher,
    never,
    present,
)
from scim_bridge.schemas import AttributePath, ResourceSchema, SchemaAttribute

Row = TypeVar("Row", bound=Mapping[str, Any])

MAX_LENGTH: Final = 8192
"""Characters a filter may have."""
MAX_NESTING: Final = 50
"""Brackets a filter may have open at a time; scim2-models itself takes 32 expressions within each other."""

_CACHED_LENGTH: Final = 1024  # longer ones are rare, and would let clients fill the memory
_LITERAL: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


class InvalidFilter(ValueError):
    """A filter that cannot be read or does not fit the resource type: 400 `invalidFilter`. Repeats no string of it."""


class InvalidPath(ValueError):
    """A path that names nothing, or nothing that serves the purpose: 400 `invalidPath`."""


# -- parsing -----------------------------------------------------------------------------------------------------------


def parse(text: str) -> FilterNode:
    """The syntax tree of a filter.

    Raises InvalidFilter where the syntax is wrong, and beyond MAX_LENGTH and MAX_NESTING.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidFilter(f"The filter has more than {MAX_LENGTH} characters")
    return _cached(text) if len(text) <= _CACHED_LENGTH else _parsed(text)


def _parsed(text: str) -> FilterNode:
    if _nesting(text) > MAX_NESTING:
        raise InvalidFilter(f"The filter nests more than {MAX_NESTING} levels")
    try:
        return ScimFilter[Any](text).ast
    except InvalidFilterException as error:
        raise InvalidFilter(f"The filter cannot be read: {error.detail}") from None


_cached = lru_cache(maxsize=1024)(_parsed)


def _nesting(text: str) -> int:
    """How many brackets are open at a time at most, those in literals aside."""
    depth = deepest = 0
    for character in _LITERAL.sub("", text):
        if character in "([":
            depth += 1
            deepest = max(deepest, depth)
        elif character in ")]":
            depth -= 1
    return deepest


# -- checking and compiling: one walk does both ------------------------------------------------------------------------


def validate(node: FilterNode, resource: ResourceSchema) -> None:
    """Check a filter against a resource type.

    Raises InvalidFilter for an unknown attribute, an operator or a value that the attribute's type does not take, a
    value path on an attribute with a single value, and any attribute that is never returned: what a filter on
    `password` matches would tell about it.
    """
    _compiled(node, _ResourceScope(resource, strict=True))


def predicate(node: FilterNode, resource: ResourceSchema) -> Callable[[Mapping[str, Any]], bool]:
    """Whether a resource matches, compiled; the caller keeps it.

    An attribute that the resource type lacks matches nothing, as a query over several types needs it (RFC 7644 section
    3.4.2.1); anything else that `validate` refuses raises InvalidFilter here too. `ne` is true of an unassigned
    attribute, and of a multi-valued one when no value equals. A list without values is unassigned.
    """
    return _compiled(node, _ResourceScope(resource, strict=False))


def element_predicate(node: FilterNode, attribute: SchemaAttribute, *, strict: bool = False) -> Callable[[Any], bool]:
    """Whether one element of a multi-valued attribute matches the filter between the brackets of a value path.

    Elements without sub-attributes, as those of `schemas`, go by the name `value`. ``strict``: an unknown
    sub-attribute raises InvalidFilter, as everything else that does not fit.
    """
    return _compiled(node, _ElementScope(attribute, attribute.name, strict))


@dataclass(frozen=True, slots=True)
class _Found:
    """An attribute a filter names. ``keys`` lead to it from what the filter is about; none: it is that itself."""

    name: str  # for messages
    keys: tuple[str, ...]
    attribute: SchemaAttribute
    sub: SchemaAttribute | None = None

    @property
    def target(self) -> SchemaAttribute:
        return self.sub or self.attribute

    def compared(self) -> "_Found":
        """A comparison of a complex attribute means its `value`: ``emails co "x"``, Entra's ``manager eq "id"``."""
        if self.sub is None and (value := self.attribute.sub("value")):
            return replace(self, name=f"{self.name}.{value.name}", sub=value)
        return self


@dataclass(frozen=True, slots=True)
class _ResourceScope:
    """The names in a filter on resources."""

    resource: ResourceSchema
    strict: bool

    def find(self, path: AttrPath) -> _Found | None:
        resolved = self.resource.resolve(str(path))
        if resolved is None or resolved.whole_extension:
            return _unknown(str(path), self.strict)
        return _Found(resolved.canonical, resolved.keys, resolved.attribute, resolved.sub)


@dataclass(frozen=True, slots=True)
class _ElementScope:
    """The names between the brackets of a value path; no URN qualifies them."""

    attribute: SchemaAttribute
    name: str
    strict: bool

    def find(self, path: AttrPath) -> _Found | None:
        name = f"{self.name}[{path}]"
        if path.uri is not None or path.sub_attr is not None:
            return _unknown(name, self.strict)
        if self.attribute.type != "complex" and path.attr.lower() == "value":
            return _Found(name, (), replace(self.attribute, multi_valued=False))
        sub = self.attribute.sub(path.attr)
        return _unknown(name, self.strict) if sub is None else _Found(name, (sub.name,), sub)


_Scope = _ResourceScope | _ElementScope


def _unknown(name: str, strict: bool) -> _Found | None:
    if strict:
        raise InvalidFilter(f"There is no attribute {name}")
    return None


def _compiled(node: FilterNode, scope: _Scope) -> Test:
    match node:
        case LogicalExpr(op=LogicalOperator.and_):
            return _all([_compiled(each, scope) for each in node.terms])
        case LogicalExpr():
            return _any([_compiled(each, scope) for each in node.terms])
        case Not():
            inner = _compiled(node.expr, scope)
            return lambda row: not inner(row)
        case Comparison():
            return _comparison(node, scope)
        case Present():
            found = scope.find(node.attr_path)
            return never if found is None else _applied(_readable(found), present)
        case ValuePath():
            return _value_path(node, scope)
    raise TypeError(f"no filter node: {type(node).__name__}")


def _all(tests: list[Test]) -> Test:
    if len(tests) == 2:  # by far the most frequent, and twice as fast
        first, second = tests
        return lambda row: first(row) and second(row)

    def every(row: Any) -> bool:
        for test in tests:  # noqa: SIM110 - a generator costs more than the tests
            if not test(row):
                return False
        return True

    return every


def _any(tests: list[Test]) -> Test:
    def some(row: Any) -> bool:
        for test in tests:  # noqa: SIM110 - as above
            if test(row):
                return True
        return False

    return some


def _comparison(node: Comparison, scope: _Scope) -> Test:
    found = scope.find(node.attr_path)
    if found is None:
        return never
    found = _readable(found.compared())
    operator = node.op.value
    _check_operator(found, operator)
    try:
        check_operand(found.target, operator, node.value)
    except ValueError as error:
        raise InvalidFilter(f"{found.name} {error}") from None
    return _applied(found, matcher(found.target, operator, node.value), every=operator == "ne")


def _value_path(node: ValuePath, scope: _Scope) -> Test:
    found = scope.find(node.attr_path)
    if found is None:
        return never
    if found.sub is not None or not found.attribute.multi_valued:
        raise InvalidFilter(f"{found.name} has no several values to select from")
    element = _compiled(node.val_filter, _ElementScope(_readable(found).attribute, found.name, scope.strict))
    return _over_list(_reader(found.keys), element, unassigned=False, every=False)


def _readable(found: _Found) -> _Found:
    """The same, unless clients are never shown the value (RFC 7643 section 7)."""
    if "never" in (found.attribute.returned, found.target.returned):
        raise InvalidFilter(f"{found.name} cannot be filtered on: it is never returned")
    return found


def _check_operator(found: _Found, operator: str) -> None:
    write_only = "writeOnly" in (found.attribute.mutability, found.target.mutability)
    if write_only and operator not in ("eq", "ne"):
        raise InvalidFilter(f"{operator} does not apply to {found.name}, which is writeOnly")
    if found.target.type in ("boolean", "binary") and operator in ORDER_OPERATORS | TEXT_OPERATORS:
        raise InvalidFilter(f"{operator} does not apply to {found.name}, which is {found.target.type}")


# -- reading values out of rows ----------------------------------------------------------------------------------------


def _applied(found: _Found, test: Test, *, every: bool = False) -> Test:
    """A test of single values as a test of whatever holds them; of several values, any or ``every`` one has to pass."""
    keys, attribute, sub = found.keys, found.attribute, found.sub
    if sub is not None and not attribute.multi_valued:
        keys, attribute, sub = (*keys, sub.name), sub, None
    if not attribute.multi_valued:
        return _on_value(keys, test)
    element = test if sub is None else _applied(_Found("", (sub.name,), sub), test, every=every)
    return _over_list(_reader(keys), element, unassigned=test(None), every=every)


def _on_value(keys: tuple[str, ...], test: Test) -> Test:
    if not keys:
        return test
    if len(keys) == 1:
        name = keys[0]
        return lambda row: test(row.get(name))
    read = _reader(keys)
    return lambda row: test(read(row))


def _reader(keys: tuple[str, ...]) -> Callable[[Any], Any]:
    """What reads a value through nested objects, None where one is missing."""
    if len(keys) == 1:
        name = keys[0]
        return lambda row: row.get(name)

    def read(row: Any) -> Any:
        for key in keys:
            row = row.get(key)
            if row is None:
                return None
        return row

    return read


def _over_list(read: Callable[[Any], Any], test: Test, *, unassigned: bool, every: bool) -> Test:
    """Over the values of a list: any passes, or every one. ``unassigned`` is the answer where there is none."""

    def check(row: Any) -> bool:
        values = read(row)
        if not values:
            return unassigned
        for value in values:
            if test(value) is not every:  # the first that passes decides, or the first that fails
                return not every
        return every

    return check


# -- sorting -----------------------------------------------------------------------------------------------------------

_SORTABLE: Final[Mapping[str, type | tuple[type, ...]]] = {
    "string": str,
    "reference": str,
    "boolean": bool,
    "integer": (int, float),
    "decimal": (int, float),
    "dateTime": datetime,
}


def sortable(path: str, resource: ResourceSchema) -> AttributePath:
    """What a `sortBy` orders by; a complex multi-valued attribute goes by its `value`.

    Raises InvalidPath for what is unknown, complex or binary, and for what is writeOnly or never returned, as an order
    would tell about it.
    """
    found = resource.resolve(path)
    if found is None:
        raise InvalidPath(f"There is no attribute {path}")
    if found.sub is None and found.attribute.multi_valued and (value := found.attribute.sub("value")):
        found = replace(found, sub=value)
    if found.target.type == "complex":
        raise InvalidPath(f"{found.canonical} is complex: sort by one of its sub-attributes")
    if found.target.type == "binary":
        raise InvalidPath(f"{found.canonical} is binary and has no order")
    hidden = [each.mutability == "writeOnly" or each.returned == "never" for each in (found.attribute, found.target)]
    if any(hidden):
        raise InvalidPath(f"{found.canonical} cannot be sorted by: it is not returned")
    return found


def sort_key(path: str, resource: ResourceSchema) -> Callable[[Mapping[str, Any]], tuple[bool, Any]]:
    """The key that puts resources in ascending order; where there is no value, last.

    Of several values the primary one counts, else the first. Raises InvalidPath as `sortable` does.
    """
    found = sortable(path, resource)
    read, comparable, kinds = _reader(found.keys), key_of(found.target), _SORTABLE[found.target.type]
    sub = found.sub.name if found.sub is not None else None

    def key(row: Mapping[str, Any]) -> tuple[bool, Any]:
        value = _preferred(read(row))
        if sub is not None and value is not None:
            value = _preferred(value.get(sub))
        value = comparable(value)
        if not isinstance(value, kinds):
            return True, ""
        # Python does not order naive and aware times; a time without an offset is taken as UTC.
        if isinstance(value, datetime) and value.tzinfo is None:
            return False, value.replace(tzinfo=UTC)
        return False, value

    return key


def _preferred(value: Any) -> Any:
    """Of a list the primary element, else the first; of anything else itself."""
    if not isinstance(value, list):
        return value
    primaries = (each for each in value if isinstance(each, Mapping) and each.get("primary"))
    return next(primaries, value[0] if value else None)


def sort_rows(rows: Iterable[Row], path: str, descending: bool, resource: ResourceSchema) -> list[Row]:
    """The rows in order; equal ones stay as they were. Those without a value come last, descending first."""
    return sorted(rows, key=sort_key(path, resource), reverse=descending)
