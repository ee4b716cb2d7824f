"""What PATCH operations make of a resource (RFC 7644 section 3.5.2).

Resources are plain JSON in canonical spelling; what operations change of relations (members) is told apart in
`memberships`.
"""

from collections.abc import Mapping
from typing import Any

from scim2_models.path import Comparison, FilterNode, LogicalExpr, LogicalOperator

from scim_bridge.filters import element_predicate
from scim_bridge.protocol.errors import ScimError, invalid_value
from scim_bridge.protocol.operations import Operation
from scim_bridge.protocol.profiles import Profile
from scim_bridge.protocol.values import (
    ValueReader,
    assign,
    distinct,
    element_key,
    immutable_error,
    read_only_error,
    required_error,
    written_paths,
)
from scim_bridge.schemas import AttributePath, SchemaAttribute


class Patcher:
    """Applies operations to one resource in place; ``touched`` names what they were about."""

    def __init__(self, resource: dict[str, Any], profile: Profile, homeless: frozenset[str]) -> None:
        """``resource``: what is in it stays as it is. ``homeless``: attributes that clients may write by RFC 7643, but
        this upstream has no place for."""
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
            self._merge(operation)
        else:
            self._set(operation)

    def _writable(self, path: AttributePath) -> bool:
        """Whether to go on; what has no place upstream is left alone (contract: no-op unless strict)."""
        if "readOnly" not in (path.attribute.mutability, path.target.mutability):
            return True
        if self._profile.strict or path.attribute.name not in self._homeless:
            raise read_only_error(path.canonical)
        self.reader.left_out.append(path.canonical)
        return False

    def _read(self, operation: Operation) -> Any:
        """The value of an operation; None only where the client says so, with null or [].

        A value that comes to nothing in another way would take away more than the client wrote: it is refused.
        """
        value = self.reader.read(operation.path.target, operation.value, operation.path.canonical)
        if value is None and operation.value not in (None, []):
            raise _says_nothing(operation.path)
        return value

    def _set(self, operation: Operation) -> None:
        path, value = operation.path, self._read(operation)
        current = path.read(self.resource)
        if path.target.multi_valued and operation.op == "add":
            value = _appended(current or [], value or []) or None
        self._assign(path, current, value)

    def _assign(self, path: AttributePath, current: Any, value: Any) -> None:
        immutable = "immutable" in (path.attribute.mutability, path.target.mutability)
        if immutable and current not in (None, [], {}) and value != current:
            raise immutable_error(path.canonical)
        assign(self.resource, path, value)

    def _merge(self, operation: Operation) -> None:
        """A complex value takes the sub-attributes that are given; the others stay (RFC 7644 section 3.5.2.3)."""
        path, value = operation.path, operation.value
        current = path.read(self.resource)
        if value is None:
            self._assign(path, current, None)
            return
        if isinstance(value, list) and len(value) == 1 and not self._profile.strict:
            value = value[0]
        given = self.reader.read(path.target, value, path.canonical)  # checks it whole, and reads a bare id
        if given is None and not isinstance(value, Mapping):
            raise _says_nothing(path)
        cleared = _cleared(path.target, value) if operation.op == "replace" and isinstance(value, Mapping) else {}
        parts = {**(current or {}), **(given or {}), **cleared}
        self._assign(path, current, {name: each for name, each in parts.items() if each is not None} or None)

    def _remove(self, operation: Operation) -> None:
        path, current = operation.path, operation.path.read(self.resource)
        if path.target.multi_valued and operation.value is not None:
            # Entra names what to remove in the value (T-39): never all.
            named = self._read(operation) or []
            kept = [each for each in current or [] if not any(_is_named(each, one) for one in named)]
            self._assign(path, current, kept or None)
            return
        if path.target.required:
            raise required_error(path.canonical)
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
        holder = AttributePath(operation.path.extension, operation.path.attribute)
        elements = [*self._elements(operation.path), made]
        assign(self.resource, holder, _with_primary(elements, [made] if _is_primary(made) else []))

    def _made_by(self, operation: Operation) -> dict[str, Any]:
        """The element that an unmatched ``emails[type eq "work"].value`` stands for (T-32).

        `add` makes it in all but strict reading, `replace` only for clients that mean it so.
        """
        path = operation.path
        allowed = not self._profile.strict and (operation.op == "add" or self._profile.creates_on_replace)
        stated = _equalities(operation.select, path.attribute) if allowed and operation.value is not None else None
        if stated is None:
            raise ScimError(400, f"No value of {path.canonical} matches the filter in path", "noTarget")
        given = self._element_value(operation)
        return {**stated, **(given if path.sub is None else {path.sub.name: given})}

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
        left = _with_primary(distinct([each for each in elements if each not in (None, {})]), primaries)
        if not left and path.attribute.required:
            raise required_error(path.attribute.name)
        self._assign(holder, self._elements(path), left or None)

    def _element(self, operation: Operation, element: Any) -> Any:
        """An element as an operation leaves it: with a sub-attribute set, else merged (add) or replaced."""
        sub = operation.path.sub
        if operation.value is None:
            return _without_sub(element, sub)
        given = self._element_value(operation)
        if sub is not None:
            return {**element, sub.name: given}
        if not isinstance(given, dict) or not isinstance(element, dict):
            return given
        if operation.op == "add":
            return {**element, **given}
        # What selected it stays, or a replaced value would lose the type it is known by.
        kept = None if self._profile.strict else _equalities(operation.select, operation.path.attribute)
        return {**(kept or {}), **given}

    def _element_value(self, operation: Operation) -> Any:
        """What an operation gives for one element, or for a sub-attribute of one."""
        path = operation.path
        if path.sub is not None:
            return self._read(operation)
        given = self.reader.single(path.attribute, operation.value, path.canonical)
        if given is None:
            raise _says_nothing(path)
        return given


def _says_nothing(path: AttributePath) -> ScimError:
    return invalid_value(f"The value for {path.canonical} says nothing; null takes away what is there")


def _cleared(attribute: SchemaAttribute, value: Mapping[str, Any]) -> dict[str, None]:
    """The sub-attributes that are given as unassigned."""
    subs = [(attribute.sub(key), raw) for key, raw in value.items()]
    return {sub.name: None for sub, raw in subs if sub is not None and raw in (None, [], {})}


def _appended(current: list[Any], added: list[Any]) -> list[Any]:
    """Elements with more behind them; one that is there already counts once, and may become the primary one."""
    result = {element_key(each): each for each in current}
    for each in added:
        held = result.get(element_key(each))
        result[element_key(each)] = {**held, **each} if isinstance(held, dict) else each
    return _with_primary(list(result.values()), [each for each in added if _is_primary(each)])


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


def _is_named(element: Any, named: Any) -> bool:
    """Whether an element is the one named: by its value, and its type where that is given, or by all that is given."""
    if not isinstance(element, dict) or not isinstance(named, dict):
        return bool(element == named)
    if "value" not in named:
        return named.items() <= element.items()
    return element_key(element) == element_key(named) or (
        "type" not in named and element.get("value") == named["value"]
    )


def _equalities(node: FilterNode | None, attribute: SchemaAttribute) -> dict[str, Any] | None:
    """What a filter says of an element: the values of its `eq` terms joined by `and`; None where it says more."""
    terms = node.terms if isinstance(node, LogicalExpr) and node.op is LogicalOperator.and_ else (node,)
    stated = {}
    for term in terms:
        if not isinstance(term, Comparison) or term.op.value != "eq" or term.attr_path.sub_attr is not None:
            return None
        sub = attribute.sub(term.attr_path.attr)
        if sub is not None:
            stated[sub.name] = term.value
    return stated
