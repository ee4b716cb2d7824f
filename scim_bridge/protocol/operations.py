"""The operations of a PATCH request (RFC 7644 section 3.5.2), all read before anything is sent upstream."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final

from scim2_models import InvalidFilterException, InvalidPathException
from scim2_models.path import AttrPath, Comparison, FilterNode, LogicalExpr, Not, Path, ValuePath

from scim_bridge.filters import InvalidFilter, InvalidPath, element_predicate
from scim_bridge.protocol.bodies import check_message, member
from scim_bridge.protocol.errors import ScimError, invalid_syntax, invalid_value
from scim_bridge.protocol.profiles import Profile
from scim_bridge.protocol.values import as_boolean, read_only_error, required_error
from scim_bridge.schemas import AttributePath, ResourceSchema, SchemaAttribute

PATCH_OP: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MAX_REMEMBERED_TEXT: Final = 256
"""Of a path that is remembered, as read."""
_NOT_SETTABLE: Final = frozenset({"schemas", "id", "meta"})


@dataclass(slots=True)
class Operation:
    """One operation on one attribute; one without a path is told apart into one per attribute of its value."""

    op: str  # add replace remove
    path: AttributePath
    select: FilterNode | None = None  # the filter of a value path; ``path.sub`` is then what follows the brackets
    value: Any = None
    null: bool = False  # the value is given, as null


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
        op, path, value = member(raw, "op"), member(raw, "path"), member(raw, "value")
        op = op.lower() if isinstance(op, str) and not self.profile.strict else op
        if op not in ("add", "replace", "remove"):
            raise invalid_syntax("op takes add, replace or remove")
        null = value is None and any(key.lower() == "value" for key in raw)
        if op != "remove" and value is None and (op == "add" or not null):
            # To add nothing is no way to take away what is there.
            raise invalid_value(f"An operation {op} needs a value")
        if op == "remove" and value is not None and self.profile.strict:
            # Entra means these values only (T-39), the RFC all of them: nobody is removed on a guess.
            raise invalid_syntax("An operation remove takes no value")
        if path is None or (path == "" and not self.profile.strict):
            self._without_path(op, value)
        elif isinstance(path, str):
            self._with_path(op, path, value, null)
        else:
            raise ScimError(400, "path takes text", "invalidPath")

    # -- the value is a part of the resource: one operation for each attribute in it -----------------------------------

    def _without_path(self, op: str, value: Any) -> None:
        if op == "remove":
            raise ScimError(400, "An operation remove needs a path", "noTarget")
        if not isinstance(value, Mapping):
            raise invalid_value(f"An operation {op} without a path takes an object")
        for key, raw in value.items():
            self._named(op, key, _resolved(key, self.schema, self.profile), raw)

    def _named(self, op: str, key: str, found: AttributePath | None, raw: Any) -> None:
        """A member of the value; only lenient reading takes dotted and qualified names for one (T-29)."""
        if found is None or (self.profile.strict and found.target.name.lower() != key.lower()):
            self._unknown(key)
        else:
            self._part(op, found, raw)

    def _part(self, op: str, found: AttributePath, raw: Any) -> None:
        if found.whole_extension and isinstance(raw, Mapping):
            self._extension(op, found, raw)
        elif found.canonical in _NOT_SETTABLE or (found.attribute.mutability == "readOnly" and not self.profile.strict):
            self._not_settable(found, raw)
        elif op == "replace" or raw is not None:
            self.operations.append(Operation(op, found, None, raw, raw is None))

    def _extension(self, op: str, found: AttributePath, value: Mapping[str, Any]) -> None:
        """An extension as a whole: what its value does not name stays, as that of any complex attribute."""
        for key, raw in value.items():
            self._named(op, key, self.schema.resolve(f"{found.canonical}:{key}"), raw)

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

    # -- with a path --------------------------------------------------------------------------------------------------

    def _with_path(self, op: str, text: str, value: Any, null: bool) -> None:
        node = _parsed(text)
        found = _resolved(str(node.attr_path if isinstance(node, ValuePath) else node), self.schema, self.profile)
        if found is None:
            raise ScimError(400, f"path names no attribute of {self.schema.name}", "invalidPath")
        if found.canonical == "schemas":
            self._check_schemas(op, value)
        elif isinstance(node, ValuePath):
            self._with_selection(op, found, node, value, null)
        elif found.whole_extension and op != "remove" and isinstance(value, Mapping):
            self._extension(op, found, value)
        elif op == "add" and found.target.multi_valued and not isinstance(value, list):
            # RFC 7644 section 3.5.2.1: "a new value is added", so one may come without the brackets of a list.
            self.operations.append(Operation(op, found, None, [value]))
        else:
            self.operations.append(Operation(op, found, None, value, null))

    def _with_selection(self, op: str, found: AttributePath, node: ValuePath, value: Any, null: bool) -> None:
        """An operation on the values that the filter of a value path selects; the filter is checked."""
        if found.sub is not None or not found.attribute.multi_valued:
            raise ScimError(400, f"{found.canonical} has no several values to select from", "invalidPath")
        select = node.val_filter if self.profile.strict else _with_booleans(node.val_filter, found.attribute)
        element_predicate(select, found.attribute, strict=True)
        sub = found.attribute.sub(node.sub_attr) if node.sub_attr is not None else None
        if sub is None and node.sub_attr is not None:
            raise ScimError(400, f"{found.canonical} has no sub-attribute of that name", "invalidPath")
        path = AttributePath(found.extension, found.attribute, sub)
        self.operations.append(Operation(op, path, select, value, null))

    def _check_schemas(self, op: str, value: Any) -> None:
        """What a resource holds decides on its `schemas`: they may be named again, and nothing else."""
        known = {each.id.lower() for each in self.schema.schemas}
        named = value if isinstance(value, list) else [value]
        if op == "remove":
            raise required_error("schemas")
        if not named or not all(isinstance(each, str) and each.lower() in known for each in named):
            raise invalid_value(f"schemas takes the URNs of {self.schema.name}")


def _with_booleans(node: FilterNode, attribute: SchemaAttribute) -> FilterNode:
    """A filter with booleans that were written as text, as Entra writes them: ``roles[primary eq "True"]`` (T-31)."""
    match node:
        case LogicalExpr():
            return replace(node, terms=tuple(_with_booleans(term, attribute) for term in node.terms))
        case Not():
            return replace(node, expr=_with_booleans(node.expr, attribute))
        case Comparison():
            sub = attribute.sub(node.attr_path.attr)
            return replace(node, value=as_boolean(node.value)) if sub and sub.type == "boolean" else node
    return node


def _parsed(text: str) -> AttrPath | ValuePath:
    return _remembered(text) if len(text) <= MAX_REMEMBERED_TEXT else _read_path(text)


def _read_path(text: str) -> AttrPath | ValuePath:
    try:
        node = Path[Any](text).ast
    except InvalidFilterException:
        raise InvalidFilter("The filter in path cannot be read") from None
    except (InvalidPathException, ValueError):
        raise InvalidPath("path cannot be read") from None
    if not isinstance(node, AttrPath | ValuePath):
        raise InvalidPath("path takes an attribute, or values of one selected by a filter")
    return node


_remembered = lru_cache(maxsize=256)(_read_path)
"""Clients name the same few."""


def _resolved(name: str, schema: ResourceSchema, profile: Profile) -> AttributePath | None:
    """What a name in a path or a value means; Entra joins URN and attribute with a dot (T-45)."""
    found = schema.resolve(name)
    if found is not None or profile.strict:
        return found
    for urn in (each.id for each in schema.schemas):
        if name.lower().startswith(f"{urn.lower()}."):
            return schema.resolve(f"{urn}:{name[len(urn) + 1 :]}")
    return None
