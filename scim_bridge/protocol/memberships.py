"""What PATCH operations do to a relation (members), told without reading it (RFC 7644 section 3.5.2).

A group of 50,000 is not fetched to add one; only an operation that depends on who is a member has them read first.
"""

from collections.abc import Iterable, Sequence

from scim2_models.path import Comparison, FilterNode, LogicalExpr, LogicalOperator

from scim_bridge.filters import InvalidFilter
from scim_bridge.protocol import terms
from scim_bridge.protocol.errors import ScimError, invalid_value
from scim_bridge.protocol.operations import Operation
from scim_bridge.protocol.patch import Patcher
from scim_bridge.protocol.profiles import Profile
from scim_bridge.protocol.values import ValueReader, immutable_error
from scim_bridge.query.capabilities import Element
from scim_bridge.query.directory import MemberChanges


def told(operations: Sequence[Operation], profile: Profile) -> MemberChanges | None:
    """The changes of one relation in order; None where they depend on the current elements."""
    exact = False
    added: dict[str, Element] = {}
    removed: dict[str, Element] = {}
    named = [_elements(operation, profile) for operation in operations]
    for operation, elements in zip(operations, named, strict=True):
        if elements is None:
            return None
        values = {each["value"]: each for each in elements}
        whole = operation.op == "replace" or (operation.op == "remove" and _is_bare(operation))
        if whole:
            exact, added, removed = True, values if operation.op == "replace" else {}, {}
        elif operation.op == "add":
            _drop(removed, values)
            added |= values
        else:
            _drop(added, values)
            removed |= {} if exact else values
    return MemberChanges(exact, tuple(added.values()), tuple(removed.values()))


def from_current(operations: Sequence[Operation], profile: Profile, current: Sequence[Element]) -> MemberChanges:
    """The changes of one relation, applied to the elements it has.

    Raises ScimError 400: mutability where one would become another (RFC 7643 section 4.2), invalidValue where null
    would take away all, or an element is left without a value.
    """
    name = operations[0].path.attribute.name
    patcher = Patcher({name: [dict(each) for each in current]}, profile, frozenset())
    before = after = {each["value"]: each for each in current}
    for operation in operations:
        held = after
        if held and _is_null(operation, profile):
            raise null_error(name)
        patcher.apply(operation)
        after = {each.get("value"): each for each in patcher.resource.get(name) or ()}
        if None in after:
            raise invalid_value(f"Each of {name} needs a value")
        if operation.op == "add" and held.keys() - after.keys():
            raise immutable_error(f"{name}.value")
    return MemberChanges(
        added=tuple(each for value, each in after.items() if value not in before),
        removed=tuple(each for value, each in before.items() if value not in after),
    )


def _drop(elements: dict[str, Element], values: Iterable[str]) -> None:
    for value in values:
        elements.pop(value, None)


def null_error(name: str) -> ScimError:
    """Clients send null for what they do not know as well as for nothing: it empties no group (but in strict reading).

    To remove every member takes an empty list, or a `remove` without a value.
    """
    return invalid_value(f"{name} is null: an empty list takes every value away")


def _is_null(operation: Operation, profile: Profile) -> bool:
    return operation.null and operation.select is None and not profile.strict


def _is_bare(operation: Operation) -> bool:
    return operation.select is None and operation.value is None


def _elements(operation: Operation, profile: Profile) -> list[Element] | None:
    """The elements an operation names; None where it takes the current ones to know."""
    if _is_null(operation, profile):
        return None
    if operation.path.sub is not None:
        raise immutable_error(operation.path.canonical)
    if operation.select is not None:
        if any(name.lower() == "$ref" for name in terms.named(operation.select)):
            raise InvalidFilter("$ref cannot be filtered on: it is made up from value, and would match nothing")
        values = _selected(operation.select) if operation.op == "remove" else None
        return None if values is None else [{"value": value} for value in values]
    if operation.op == "remove" and operation.value is None:
        return []
    name = operation.path.canonical
    reader = ValueReader(profile.strict, keyed=frozenset({name}))
    return list(reader.read(operation.path.attribute, operation.value, name) or ())


def _selected(node: FilterNode) -> list[str] | None:
    """The values a filter of `value eq` terms joined by `or` names; None where it is another one."""
    if isinstance(node, LogicalExpr) and node.op is LogicalOperator.or_:
        parts = [_selected(term) for term in node.terms]
        return None if None in parts else [value for part in parts for value in part or ()]
    if isinstance(node, Comparison) and node.op.value == "eq" and node.attr_path.attr.lower() == "value":
        return [node.value] if isinstance(node.value, str) else None
    return None
