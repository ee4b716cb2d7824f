"""JSON values of request bodies, read against the schema: checked, in canonical spelling, without what is unassigned.

Two readings: `strict` is RFC 7643 to the letter; otherwise the shapes that real clients are known to send count too,
where they cannot mean anything else (booleans as text, one object for a list, a bare id for a complex value).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from scim_bridge.comparison import is_base64, is_date_time
from scim_bridge.protocol.errors import ScimError, invalid_syntax, invalid_value
from scim_bridge.schemas import AttributePath, ResourceSchema, SchemaAttribute

_BOOLEANS: Final = {"true": True, "false": False}
_NO_URI: Final = re.compile(r"[\s<>\"{}|\\^`]")
_FORMER_NAMES: Final = {"managerid": "value"}
"""Sub-attributes by their names in SCIM 1.1, which templates still send: ``manager.managerId``."""


@dataclass(slots=True)
class ValueReader:
    """Reads the values of one request; ``left_out`` names what it ignored, for the log.

    ``keyed``: attributes whose elements refer to other resources; each of them needs a value.
    """

    strict: bool = False
    left_out: list[str] = field(default_factory=list)
    keyed: frozenset[str] = frozenset()

    def read(self, attribute: SchemaAttribute, value: Any, name: str) -> Any:
        """A value of an attribute; None where it is unassigned: null, [], {} (RFC 7643 section 2.5).

        Raises ScimError 400 invalidValue, naming the attribute and never repeating the value.
        """
        if value is None:
            return None
        if not attribute.multi_valued:
            return self.single(attribute, value, name)
        if not isinstance(value, list):
            if self.strict:
                raise invalid_value(f"{name} takes a list")
            value = [value]
        elements = [self._element(attribute, each, f"{name}[{index}]") for index, each in enumerate(value)]
        if name in self.keyed and not all(isinstance(each, Mapping) and each.get("value") for each in elements):
            raise invalid_value(f"Each of {name} needs a value")
        return self._one_primary(distinct([each for each in elements if each is not None]), name) or None

    def _element(self, attribute: SchemaAttribute, value: Any, name: str) -> Any:
        """An element; one that comes to nothing only by what was ignored is refused, or it would clear the list."""
        ignored = len(self.left_out)
        read = self.single(attribute, value, name)
        if read is None and len(self.left_out) > ignored:
            raise invalid_value(f"{name} holds nothing that is known here")
        return read

    def single(self, attribute: SchemaAttribute, value: Any, name: str) -> Any:
        """One value; of a multi-valued attribute an element. None where it is unassigned."""
        if isinstance(value, list) and len(value) == 1 and not self.strict:
            value = value[0]
        if value is None:
            return None
        if attribute.type == "complex":
            return self._complex(attribute, value, name)
        return self._simple(attribute, value, name)

    def _complex(self, attribute: SchemaAttribute, value: Any, name: str) -> dict[str, Any] | None:
        if isinstance(value, str) and not self.strict and attribute.sub("value"):
            value = {"value": value} if value else {}
        if not isinstance(value, Mapping):
            raise invalid_value(f"{name} takes an object")
        found: dict[str, Any] = {}
        for key, raw in value.items():
            sub = attribute.sub(key) or self._former(attribute, key)
            if sub is None:
                if raw is not None or self.strict:
                    self.unknown(f"{name}.{key}")
            elif sub.name in found:
                raise invalid_syntax(f"{name}.{sub.name} is given twice")
            elif sub.mutability != "readOnly":
                found[sub.name] = self.read(sub, raw, f"{name}.{sub.name}")
        return {sub: read for sub, read in found.items() if read is not None} or None

    def _former(self, attribute: SchemaAttribute, key: str) -> SchemaAttribute | None:
        """The sub-attribute that SCIM 1.1 called by a name; strict reading knows none."""
        name = None if self.strict else _FORMER_NAMES.get(key.lower())
        return attribute.sub(name) if name is not None else None

    def unknown(self, name: str) -> None:
        """An attribute the schema lacks: refused in strict reading, otherwise left out."""
        if self.strict:
            raise invalid_syntax(f"There is no attribute {name}")
        self.left_out.append(name)

    def _simple(self, attribute: SchemaAttribute, value: Any, name: str) -> Any:
        if attribute.type == "boolean" and not self.strict:
            value = as_boolean(value)
        problem = _problem(attribute, value)
        if problem:
            raise invalid_value(f"{name} takes {problem}")
        return value

    def _one_primary(self, elements: list[Any], name: str) -> list[Any]:
        """At most one element is primary (RFC 7643 section 2.4): the first, as some clients mark one value twice."""
        primaries = [each for each in elements if isinstance(each, dict) and each.get("primary") is True]
        if len(primaries) > 1 and self.strict:
            raise invalid_value(f"{name} has more than one primary value")
        for each in primaries[1:]:
            each["primary"] = False
        return elements


def as_boolean(value: Any) -> Any:
    """A boolean for its name as text, in any case; anything else as it is."""
    return _BOOLEANS.get(value.lower(), value) if isinstance(value, str) else value


def _problem(attribute: SchemaAttribute, value: Any) -> str | None:
    """What an attribute takes instead of the value; None where it takes it."""
    match attribute.type:
        case "boolean":
            return None if isinstance(value, bool) else "true or false"
        case "integer":
            return None if isinstance(value, int) and not isinstance(value, bool) else "an integer"
        case "decimal":
            return None if isinstance(value, int | float) and not isinstance(value, bool) else "a number"
        case "dateTime":
            return None if is_date_time(value) else "a date and time, as in 2026-01-31T12:00:00Z"
        case "binary":
            return None if is_base64(value) else "base64 text"
        case "reference":
            return None if isinstance(value, str) and not _NO_URI.search(value) else "a URI"
    if not isinstance(value, str):
        return "a string"
    return "text without NUL characters" if "\0" in value else None


def distinct(elements: list[Any]) -> list[Any]:
    """Elements without repetitions: equal ones, and those of the same type and value (RFC 7643 section 2.4).

    The first of them stays; it is the primary one if any of them is.
    """
    found: dict[Any, Any] = {}
    for each in elements:
        held = found.setdefault(element_key(each), each)
        if isinstance(held, dict) and each.get("primary") is True:
            found[element_key(each)] = {**held, "primary": True}
    return list(found.values())


def element_key(element: Any) -> Any:
    """What makes two elements of a multi-valued attribute the same."""
    if not isinstance(element, dict):
        return element
    if "value" in element:
        return str(element.get("type", "")).casefold(), str(element["value"])
    return tuple(sorted((name, str(value)) for name, value in element.items()))


def assign(resource: dict[str, Any], path: AttributePath, value: Any) -> None:
    """Put a value where a path leads; None takes away what is there, and emptied holders with it.

    Objects within the resource are replaced and stay as they are.
    """
    keys = (*path.keys, path.sub.name) if path.sub is not None else path.keys
    if value is None:
        _take_away(resource, keys)
        return
    holder = resource
    for key in keys[:-1]:
        inner = holder[key] = {**holder.get(key, {})}
        holder = inner
    holder[keys[-1]] = value


def _take_away(resource: dict[str, Any], keys: tuple[str, ...]) -> None:
    holder = resource.get(keys[0])
    if len(keys) > 1 and isinstance(holder, dict):
        resource[keys[0]] = holder = {**holder}
        _take_away(holder, keys[1:])
    if len(keys) == 1 or holder == {}:
        resource.pop(keys[0], None)


def written_paths(path: AttributePath, value: Any) -> set[str]:
    """The canonical paths a client wrote by giving a value, one level into complex ones."""
    holders = value if isinstance(value, list) else [value]
    keys = {key for each in holders if isinstance(each, Mapping) for key in each}
    subs = [sub.name for key in keys if (sub := path.target.sub(key)) is not None]
    separator = ":" if path.whole_extension else "."
    return {path.canonical, *(f"{path.canonical}{separator}{name}" for name in subs)}


def check_required(
    resource: Mapping[str, Any],
    schema: ResourceSchema,
    supplied: frozenset[str] = frozenset(),
    before: Mapping[str, Any] | None = None,
) -> None:
    """Raise ScimError 400 where a required attribute is missing or blank (RFC 7643 sections 2.2 and 7).

    ``supplied``: what the upstream fills in, so that a body may leave it out; it can only not be removed. ``before``:
    what a change starts from; what that lacks already, or nobody is shown, was not taken away.
    """
    name = next(_missing(resource, schema, supplied, before), None)
    if name is not None:
        raise invalid_value(f"{name} is required")


def _missing(
    resource: Mapping[str, Any], schema: ResourceSchema, supplied: frozenset[str], before: Mapping[str, Any] | None
) -> Iterator[str]:
    """The required attributes that a resource lacks, save for those that may be left out."""
    for attribute in schema.base.required:
        if attribute.name not in supplied:
            yield from _lacks(resource, attribute, attribute.name, before)
    for each in schema.extensions:
        urn, held = each.schema.id, resource.get(each.schema.id)
        former = None if before is None else before.get(urn) or {}
        if held is None:
            if each.required and urn not in supplied and former != {}:
                yield urn
            continue
        for attribute in each.schema.required:
            if f"{urn}:{attribute.name}" not in supplied:
                yield from _lacks(held, attribute, f"{urn}:{attribute.name}", former)


def _lacks(
    holder: Mapping[str, Any], attribute: SchemaAttribute, name: str, before: Mapping[str, Any] | None
) -> Iterator[str]:
    value = holder.get(attribute.name)
    former = None if before is None else before.get(attribute.name)
    if attribute.required and attribute.mutability != "readOnly" and (before is None or not _is_blank(former)):
        yield from [name] if _is_blank(value) else []
    elements: list[Any] = value if isinstance(value, list) else [value]
    known = former if isinstance(former, Mapping) and not attribute.multi_valued else None
    for each in (one for one in elements if isinstance(one, Mapping)):
        for sub in attribute.sub_attributes:
            yield from _lacks(each, sub, f"{name}.{sub.name}", known)


def _is_blank(value: Any) -> bool:
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


def check_immutable(before: Mapping[str, Any], after: Mapping[str, Any], schema: ResourceSchema) -> None:
    """Raise ScimError 400 mutability where an immutable value would change (RFC 7644 sections 3.5.1 and 3.5.2)."""
    _check_unchanged(before, after, schema.base.immutable, "")
    for each in schema.extensions:
        urn = each.schema.id
        _check_unchanged(before.get(urn) or {}, after.get(urn) or {}, each.schema.immutable, f"{urn}:")


def _check_unchanged(
    before: Mapping[str, Any], after: Mapping[str, Any], attributes: Sequence[SchemaAttribute], prefix: str
) -> None:
    for each in attributes:
        old, new = before.get(each.name), after.get(each.name)
        if each.mutability == "immutable" and old not in (None, [], {}) and new != old:
            raise immutable_error(f"{prefix}{each.name}")
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            _check_unchanged(old, new, each.sub_attributes, f"{prefix}{each.name}.")


def immutable_error(name: str) -> ScimError:
    return ScimError(400, f"{name} cannot be changed once it is set", "mutability")


def required_error(name: str) -> ScimError:
    return ScimError(400, f"{name} is required and cannot be removed", "mutability")


def read_only_error(name: str) -> ScimError:
    return ScimError(400, f"{name} is read-only", "mutability")
