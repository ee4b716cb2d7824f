"""What PATCH operations do to a relation (members), told without reading it (RFC 7644 section 3.5.2).

A group of 50,000 is not fetched to add one; only an operation that depends on who is a member has them read first.
"""

from collections.abc import Sequence

from scim2_models.path import Comparison, FilterNode, LogicalExpr, LogicalOperator

from scim_bridge.protocol.errors import ScimError
from scim_bridge.protocol.patch import Operation, Patcher
from scim_bridge.protocol.profiles import Profile
from scim_bridge.protocol.values import ValueReader
from scim_bridge.query.capabilities import Element
from scim_bridge.query.directory import MemberChanges


def told(operations: Sequence[Operation], profile: Profile) -> MemberChanges | None:
    """The changes of one relation in order; None where they depend on the current elements."""
    exact = False
    added: dict[str, Element] = {}
    removed: dict[str, Element] = {}
    for operation in operations:
        elements = _elements(operation, profile)
        if elements is None:
            return None
        values = {each["value"]: each for each in elements}
        whole = operation.op == "replace" or (operation.op == "remove" and _is_bare(operation))
        if whole:
            exact, added, removed = True, values if operation.op == "replace" else {}, {}
        elif operation.op == "add":
            removed = {value: each for value, each in removed.items() if value not in values}
            added |= values
        else:
            added = {value: each for value, each in added.items() if value not in values}
            removed |= {} if exact else values
    return MemberChanges(exact, tuple(added.values()), tuple(removed.values()))


def from_current(operations: Sequence[Operation], profile: Profile, current: Sequence[Element]) -> MemberChanges:
    """The changes of one relation, applied to the elements it has."""
    name = operations[0].path.attribute.name
    patcher = Patcher({name: [dict(each) for each in current]}, profile, frozenset())
    for operation in operations:
        patcher.apply(operation)
    before = {each["value"]: each for each in current}
    after = {each["value"]: each for each in patcher.resource.get(name) or ()}
    return MemberChanges(
        added=tuple(each for value, each in after.items() if value not in before),
        removed=tuple(each for value, each in before.items() if value not in after),
    )


def _is_bare(operation: Operation) -> bool:
    return operation.select is None and operation.value is None


def _elements(operation: Operation, profile: Profile) -> list[Element] | None:
    """The elements an operation names; None where it takes the current ones to know."""
    if operation.path.sub is not None:
        return None
    if operation.select is not None:
        values = _selected(operation.select) if operation.op == "remove" else None
        return None if values is None else [{"value": value} for value in values]
    if operation.op == "remove" and operation.value is None:
        return []
    reader = ValueReader(profile.strict)
    elements = reader.read(operation.path.attribute, operation.value, operation.path.canonical) or []
    for each in elements:
        if not isinstance(each.get("value"), str):
            raise ScimError(400, f"Each of {operation.path.canonical} needs a value", "invalidValue")
    return list(elements)


def _selected(node: FilterNode) -> list[str] | None:
    """The values a filter of `value eq` terms joined by `or` names; None where it is another one."""
    if isinstance(node, LogicalExpr) and node.op is LogicalOperator.or_:
        parts = [_selected(term) for term in node.terms]
        return None if None in parts else [value for part in parts for value in part or ()]
    if isinstance(node, Comparison) and node.op.value == "eq" and node.attr_path.attr.lower() == "value":
        return [node.value] if isinstance(node.value, str) else None
    return None
