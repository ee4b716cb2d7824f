"""PATCH requests (RFC 7644 section 3.5.2): operations, and what they make of a resource.

Operations are read and checked whole before anything is sent upstream. They apply to plain JSON resources in canonical
spelling; what they change of relations (members) is told apart in `memberships`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from scim2_models import InvalidFilterException, InvalidPathException
from scim2_models.path import AttrPath, Comparison, FilterNode, LogicalExpr, LogicalOperator, Path, ValuePath

from scim_bridge.filters import InvalidFilter, InvalidPath, element_predicate
from scim_bridge.protocol.bodies import check_message, member
from scim_bridge.protocol.errors import ScimError, invalid_syntax, invalid_value
from scim_bridge.protocol.profiles import Profile
from scim_bridge.protocol.values import (
    ValueReader,
    assign,
    element_key,
    immutable_error,
    read_only_error,
    written_paths,
)
from scim_bridge.schemas import AttributePath, ResourceSchema, SchemaAttribute

PATCH_OP: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_NOT_SETTABLE: Final = frozenset({"schemas", "id", "meta"})


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation on one attribute; one without a path is told apart into one per attribute of its value."""

    op: str  # add replace remove
    path: AttributePath
    select: FilterNode | None = None  # the filter of a value path; ``path.sub`` is then what follows the brackets
    value: Any = None


def read_patch(body: Mapping[str, Any], schema: ResourceSchema, profile: Profile, resource_id: str) -> "PatchReader":
    """The operations of a request body, in order.

    Raises ScimError 400: invalidSyntax, invalidPath, noTarget, invalidValue or mutability.
    """
    check_message(body, PATCH_OP, strict=profile.strict)
    operations = member(body, "Operations")
    if not isinstance(operations, list) or not operations:
        raise invalid_syntax("Operations takes a list of operations")
    reader = PatchReader(schema, profile, resource_id)
    for each in operations:
        reader.read(each)
    return reader


@dataclass(slots=True)
class PatchReader:
    """Reads operations; ``left_out`` names what it ignored."""

    schema: ResourceSchema
    profile: Profile
    resource_id: str
    operations: list[Operation] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def read(self, raw: Any) -> None:
        if not isinstance(raw, Mapping):
            raise invalid_syntax("An operation is an object")
        op, path = member(raw, "op"), member(raw, "path")
        op = op.lower() if isinstance(op, str) and not self.profile.strict else op
        if op not in ("add", "replace", "remove"):
            raise invalid_syntax("op takes add, replace or remove")
        value = member(raw, "value")
        if op != "remove" and value is None and not any(key.lower() == "value" for key in raw):
            raise invalid_value(f"An operation {op} needs a value")
        if op == "remove" and value is not None and self.profile.strict:
            # Entra means these values only (T-39), the RFC all of them: nobody is removed on a guess.
            raise invalid_syntax("An operation remove takes no value")
        if path is None or (path == "" and not self.profile.strict):
            self._without_path(op, value)
        elif isinstance(path, str):
            self.operations.append(self._with_path(op, path, value))
        else:
            raise ScimError(400, "path takes text", "invalidPath")

    def _without_path(self, op: str, value: Any) -> None:
        """The value is a part of the resource: one operation for each attribute in it."""
        if op == "remove":
            raise ScimError(400, "An operation remove needs a path", "noTarget")
        if not isinstance(value, Mapping):
            raise invalid_value(f"An operation {op} without a path takes an object")
        for key, raw in value.items():
            found = _resolved(key, self.schema, self.profile)
            if found is None:
                self._unknown(key)
            elif found.canonical in _NOT_SETTABLE or (
                found.attribute.mutability == "readOnly" and not self.profile.strict
            ):
                self._not_settable(found, raw)
            else:
                self.operations.append(Operation(op, found, None, raw))

    def _unknown(self, key: str) -> None:
        if self.profile.strict:
            raise ScimError(400, f"There is no attribute {key}", "invalidPath")
        self.left_out.append(key)

    def _not_settable(self, found: AttributePath, raw: Any) -> None:
        """What a whole representation carries along: borne, unless it would change the id (T-20, T-41)."""
        same = found.canonical == "schemas" or (found.canonical == "id" and raw == self.resource_id)
        if not same and (self.profile.strict or found.canonical == "id"):
            raise read_only_error(found.canonical)
        if not same:
            self.left_out.append(found.canonical)

    def _with_path(self, op: str, text: str, value: Any) -> Operation:
        node = _parsed(text)
        found = _resolved(str(node.attr_path if isinstance(node, ValuePath) else node), self.schema, self.profile)
        if found is None:
            raise ScimError(400, f"path names no attribute of {self.schema.name}", "invalidPath")
        if not isinstance(node, ValuePath):
            return Operation(op, found, None, value)
        if found.sub is not None or not found.attribute.multi_valued:
            raise ScimError(400, f"{found.canonical} has no several values to select from", "invalidPath")
        _check_selection(node.val_filter, found.attribute)
        return Operation(op, self._selected_sub(found, node.sub_attr), node.val_filter, value)

    @staticmethod
    def _selected_sub(found: AttributePath, name: str | None) -> AttributePath:
        if name is None:
            return found
        sub = found.attribute.sub(name)
        if sub is None:
            raise ScimError(400, f"{found.canonical} has no sub-attribute of that name", "invalidPath")
        return AttributePath(found.extension, found.attribute, sub)


def _parsed(text: str) -> AttrPath | ValuePath:
    try:
        node = Path[Any](text).ast
    except InvalidFilterException:
        raise InvalidFilter("The filter in path cannot be read") from None
    except (InvalidPathException, ValueError):
        raise InvalidPath("path cannot be read") from None
    if not isinstance(node, AttrPath | ValuePath):
        raise InvalidPath("path takes an attribute, or values of one selected by a filter")
    return node


def _check_selection(node: FilterNode, attribute: SchemaAttribute) -> None:
    element_predicate(node, attribute, strict=True)


def _resolved(name: str, schema: ResourceSchema, profile: Profile) -> AttributePath | None:
    """What a name in a path or a value means; Entra joins URN and attribute with a dot (T-45)."""
    found = schema.resolve(name)
    if found is not None or profile.strict:
        return found
    for urn in (each.id for each in schema.schemas):
        if name.lower().startswith(f"{urn.lower()}."):
            return schema.resolve(f"{urn}:{name[len(urn) + 1 :]}")
    return None


class Patcher:
    """Applies operations to one resource in place; ``touched`` names what they were about."""

    def __init__(self, resource: dict[str, Any], profile: Profile, homeless: frozenset[str]) -> None:
        """``homeless``: attributes that clients may write by RFC 7643, but this upstream has no place for."""
        self.resource = resource
        self.touched: set[str] = set()
        self.reader = ValueReader(profile.strict)
        self._profile = profile
        self._homeless = homeless

    def apply(self, operation: Operation) -> None:
        """Raises ScimError 400 noTarget, mutability or invalidValue; the resource is then not to be used."""
        path = operation.path
        if not self._writable(path):
            return
        self.touched |= written_paths(path, operation.value)
        if operation.select is not None:
            self._apply_to_selected(operation)
        elif path.sub is not None and path.attribute.multi_valued:
            self._apply_to_elements(operation, self._elements(path))
        elif operation.op == "remove":
            self._remove(operation)
        elif path.target.type == "complex" and not path.target.multi_valued:
            self._merge(path, operation.value)
        else:
            self._set(path, self._read(path, operation.value), add=operation.op == "add")

    def _writable(self, path: AttributePath) -> bool:
        """Whether to go on; what has no place upstream is left alone (contract: no-op unless strict)."""
        if "readOnly" not in (path.attribute.mutability, path.target.mutability):
            return True
        if self._profile.strict or path.attribute.name not in self._homeless:
            raise read_only_error(path.canonical)
        self.reader.left_out.append(path.canonical)
        return False

    def _read(self, path: AttributePath, value: Any) -> Any:
        return self.reader.read(path.target, value, path.canonical)

    def _set(self, path: AttributePath, value: Any, *, add: bool) -> None:
        current = path.read(self.resource)
        if path.target.multi_valued and add:
            value = self._appended(current or [], value or [])
        self._assign(path, current, value)

    def _assign(self, path: AttributePath, current: Any, value: Any) -> None:
        immutable = "immutable" in (path.attribute.mutability, path.target.mutability)
        if immutable and current not in (None, [], {}) and value != current:
            raise immutable_error(path.canonical)
        assign(self.resource, path, value)

    def _appended(self, current: list[Any], added: list[Any]) -> list[Any]:
        """Elements with more behind them; one that is there already counts once, and may become the primary one."""
        result = {element_key(each): each for each in current}
        for each in added:
            held = result.get(element_key(each))
            result[element_key(each)] = {**held, **each} if isinstance(held, dict) else each
        return _with_primary(list(result.values()), [each for each in added if _is_primary(each)])

    def _merge(self, path: AttributePath, value: Any) -> None:
        """A complex value takes the sub-attributes that are given; the others stay (RFC 7644 section 3.5.2.3)."""
        if value is None:
            self._assign(path, path.read(self.resource), None)
            return
        if isinstance(value, list) and len(value) == 1 and not self._profile.strict:
            value = value[0]
        given = self._read(path, value) or {}  # checks it whole, and reads a bare id
        cleared = self._cleared(path.target, value) if isinstance(value, Mapping) else {}
        current = path.read(self.resource) or {}
        merged = {name: each for name, each in {**current, **given, **cleared}.items() if each is not None}
        self._assign(path, current, merged or None)

    @staticmethod
    def _cleared(attribute: SchemaAttribute, value: Mapping[str, Any]) -> dict[str, None]:
        """The sub-attributes that are given as unassigned."""
        subs = [(attribute.sub(key), raw) for key, raw in value.items()]
        return {sub.name: None for sub, raw in subs if sub is not None and raw in (None, [], {})}

    def _remove(self, operation: Operation) -> None:
        path, current = operation.path, operation.path.read(self.resource)
        listed = operation.value if isinstance(operation.value, list) else [operation.value]
        if path.target.multi_valued and operation.value is not None:
            # Entra names what to remove in the value (T-39): never all.
            gone = {element_key(each) for each in self._read(path, listed) or []}
            kept = [each for each in current or [] if not _is_listed(each, gone)]
            self._assign(path, current, kept or None)
            return
        if path.target.required:
            raise ScimError(400, f"{path.canonical} is required and cannot be removed", "mutability")
        self._assign(path, current, None)

    # -- values of a multi-valued attribute --------------------------------------------------------------------------

    def _elements(self, path: AttributePath) -> list[Any]:
        held = AttributePath(path.extension, path.attribute).read(self.resource)
        return held if isinstance(held, list) else []

    def _apply_to_selected(self, operation: Operation) -> None:
        assert operation.select is not None
        matches = element_predicate(operation.select, operation.path.attribute, strict=True)
        selected = [each for each in self._elements(operation.path) if matches(each)]
        if selected or operation.op == "remove":
            self._apply_to_elements(operation, selected)
            return
        made = self._made_by(operation)
        if made is None:
            raise ScimError(400, f"No value of {operation.path.canonical} matches the filter in path", "noTarget")
        holder = AttributePath(operation.path.extension, operation.path.attribute)
        current = self._elements(operation.path)
        assign(self.resource, holder, _with_primary([*current, made], [made] if _is_primary(made) else []))

    def _made_by(self, operation: Operation) -> dict[str, Any] | None:
        """The element that an unmatched ``emails[type eq "work"].value`` stands for (T-32); None where for none.

        `add` makes it in all but strict reading, `replace` only for clients that mean it so.
        """
        allowed = not self._profile.strict and (operation.op == "add" or self._profile.creates_on_replace)
        stated = _equalities(operation.select) if allowed else None
        if stated is None:
            return None
        given = self._read(operation.path, operation.value)
        if operation.path.sub is not None:
            given = {} if given is None else {operation.path.sub.name: given}
        else:
            given = (given or [{}])[0]
        attribute = operation.path.attribute
        named = {sub.name: value for name, value in stated.items() if (sub := attribute.sub(name)) is not None}
        return {**named, **given}

    def _apply_to_elements(self, operation: Operation, selected: list[Any]) -> None:
        """Change the selected elements, or a sub-attribute of each."""
        path, holder = operation.path, AttributePath(operation.path.extension, operation.path.attribute)
        if operation.op == "remove":
            changed: list[Any] = [_without_sub(each, path.sub) for each in selected]
        elif not selected:
            raise ScimError(400, f"{path.attribute.name} has no value to change", "noTarget")
        else:
            changed = [self._element(operation, each) for each in selected]
        pairs = {id(old): new for old, new in zip(selected, changed, strict=True)}
        elements = [pairs.get(id(each), each) for each in self._elements(path)]
        primaries = [each for each in changed if _is_primary(each)] if operation.op != "remove" else []
        left = _with_primary([each for each in elements if each not in (None, {})], primaries)
        if not left and path.attribute.required:
            raise ScimError(400, f"{path.attribute.name} is required and cannot be removed", "mutability")
        self._assign(holder, self._elements(path), left or None)

    def _element(self, operation: Operation, element: Any) -> Any:
        """An element as an operation leaves it: with a sub-attribute set, else merged (add) or replaced."""
        path = operation.path
        if path.sub is not None:
            value = self._read(path, operation.value)
            return _without_sub(element, path.sub) if value is None else {**element, path.sub.name: value}
        given = self.reader.single(path.attribute, operation.value, path.canonical)
        if not isinstance(given, dict) or not isinstance(element, dict):
            return given
        # What selected it stays, or a replaced value would lose the type it is known by.
        kept = element if operation.op == "add" else {} if self._profile.strict else _equalities(operation.select) or {}
        canonical = {sub.name: value for name, value in kept.items() if (sub := path.attribute.sub(name)) is not None}
        return {**canonical, **given}


def _without_sub(element: Any, sub: SchemaAttribute | None) -> Any:
    if sub is None or not isinstance(element, dict):
        return None
    return {name: value for name, value in element.items() if name != sub.name}


def _is_primary(element: Any) -> bool:
    return isinstance(element, dict) and element.get("primary") is True


def _with_primary(elements: list[Any], chosen: list[Any]) -> list[Any]:
    """Elements where a newly chosen primary one is the only one (T-06)."""
    if not chosen:
        return elements
    key = element_key(chosen[-1])
    return [{**each, "primary": False} if _is_primary(each) and element_key(each) != key else each for each in elements]


def _is_listed(element: Any, gone: Iterable[Any]) -> bool:
    """Whether an element is among those named, by type and value or by value alone."""
    key = element_key(element)
    if not isinstance(element, dict) or "value" not in element:
        return key in gone
    return key in gone or ("", str(element["value"])) in gone


def _equalities(node: FilterNode | None) -> dict[str, Any] | None:
    """What a filter says of an element: the values of its `eq` terms joined by `and`; None where it says more."""
    terms = node.terms if isinstance(node, LogicalExpr) and node.op is LogicalOperator.and_ else (node,)
    stated = {}
    for term in terms:
        if not isinstance(term, Comparison) or term.op.value != "eq" or term.attr_path.sub_attr is not None:
            return None
        stated[term.attr_path.attr] = term.value
    return stated
