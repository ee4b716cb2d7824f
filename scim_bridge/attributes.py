"""SCIM attributes as an upstream holds them: a table of paths and fields, read in both directions.

A path may select one value of a multi-valued attribute (``emails[type eq "work"].value``): such a *slot* is what an
upstream with a single e-mail field offers. Short forms: ``emails.work`` for that path, ``enterprise.NAME`` for an
attribute of the enterprise User extension.
"""

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from scim_bridge.schemas import ENTERPRISE_USER, ResourceSchema, Schema, SchemaAttribute

_log = logging.getLogger("scim_bridge.attributes")
_SLOT: Final = re.compile(r'^(?P<attribute>\w+)\[type eq "(?P<type>[^"]+)"\](?:\.(?P<sub>\$?\w+))?$')


class MappingError(ValueError):
    """A mapping that names no attribute of the schema, or a value that cannot be translated."""


@dataclass(frozen=True, slots=True)
class Codec:
    """How one value is translated. ``read`` gives None for a value that SCIM cannot show; ``write`` gets SCIM JSON."""

    read: Callable[[Any], Any]
    write: Callable[[Any], Any] = lambda value: value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def utc_timestamp(value: Any) -> str | None:
    """An ISO 8601 instant as xsd:dateTime in UTC; None for what is none (RFC 7643 section 2.3.5)."""
    if not isinstance(value, str):
        return None
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return None
    if instant.tzinfo is None:
        return None
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


TEXT = Codec(_text)
BOOLEAN = Codec(_boolean)
TIMESTAMP = Codec(utc_timestamp)


@dataclass(frozen=True, slots=True)
class Attribute:
    """One SCIM path and the upstream field that holds it (dotted). Two paths may share a field: the first leads."""

    path: str
    field: str
    codec: Codec = TEXT
    mutability: str = "readWrite"
    canonical: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """Where a path puts its value in a resource: nested keys, or a slot of a multi-valued attribute."""

    keys: tuple[str, ...]
    slot: str | None = None  # the element's type
    sub: str = ""

    def read(self, resource: Mapping[str, Any]) -> Any:
        """The value in a resource, None where it is unassigned."""
        found: Any = resource
        for key in self.keys:
            found = found.get(key) if isinstance(found, Mapping) else None
        if self.slot is None or not isinstance(found, list):
            return None if self.slot is not None else found
        element = next((each for each in found if _type_of(each) == self.slot.casefold()), None)
        return element.get(self.sub) if element is not None else None


def _type_of(element: Mapping[str, Any]) -> str | None:
    label = element.get("type")
    return label.casefold() if isinstance(label, str) else None


@dataclass(frozen=True, slots=True)
class _Entry:
    attribute: Attribute
    target: Target
    steps: tuple[str, ...]  # of the upstream field


def expand(path: str, schema: ResourceSchema) -> str:
    """A path of the ``attributes`` setting in full.

    Raises MappingError where it names nothing.
    """
    head, _, rest = path.partition(".")
    if head == "enterprise" and rest:
        return f"{ENTERPRISE_USER.id}:{rest}"
    resolved = schema.resolve(head) if rest and ":" not in head else None
    many = resolved is not None and resolved.attribute.multi_valued and resolved.attribute.type == "complex"
    if many and resolved is not None and resolved.attribute.sub(rest) is None:
        return f'{resolved.attribute.name}[type eq "{rest}"].value'
    return path


class AttributeMap:
    """A provider's attribute table over a resource type: effective schema, decoding, encoding."""

    def __init__(
        self,
        schema: ResourceSchema,
        attributes: Iterable[Attribute],
        extra: Mapping[str, str] = MappingProxyType({}),
        *,
        kept: frozenset[str] = frozenset(),
    ) -> None:
        """``extra``: the connection's own mapping; ``kept``: attributes that other means hold, such as relations."""
        table = {expand(each.path, schema): each for each in attributes}
        table |= {expand(path, schema): Attribute(path, name) for path, name in extra.items()}
        self._schema = schema
        self._kept = kept
        self._entries = [
            _Entry(each, _target(path, schema), tuple(each.field.split("."))) for path, each in table.items()
        ]
        self._slots = _slots(self._entries)
        self._mutability = _mutability(self._entries)
        self.resource = self._effective()

    def paths(self) -> list[tuple[str, str]]:
        """Each mapped path as filters spell it, and its field."""
        return [(_plain(entry.target), entry.attribute.field) for entry in self._entries]

    # -- upstream to SCIM -------------------------------------------------------------------------------------------

    def decode(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """An upstream record as a SCIM resource. A value SCIM cannot show is left out with a warning, never the row."""
        resource: dict[str, Any] = {"schemas": [self._schema.base.id]}
        for entry in self._entries:
            raw: Any = row
            for step in entry.steps:
                raw = raw.get(step) if isinstance(raw, Mapping) else None
            if raw is None:
                continue
            value = entry.attribute.codec.read(raw)
            if value is not None:
                _put(resource, entry.target, value)
            elif raw != "":
                _log.warning("a value was left out", extra={"attribute": entry.attribute.path})
        self._mark_primary(resource)
        resource["schemas"] += [each.schema.id for each in self._schema.extensions if each.schema.id in resource]
        resource.setdefault("meta", {})["resourceType"] = self._schema.name
        return resource

    def _mark_primary(self, resource: dict[str, Any]) -> None:
        """The only value that an attribute can have is the preferred one."""
        for name, types in self._slots.items():
            if len(types) == 1 and name in resource:
                resource[name][0]["primary"] = True

    # -- SCIM to upstream -------------------------------------------------------------------------------------------

    def aligned(self, body: dict[str, Any]) -> dict[str, Any]:
        """A whole resource as written, in the form it will be read back: slots filled, shared fields equal."""
        result = {name: value for name, value in body.items() if name not in self._slots}
        for entry in self._entries:
            value = self._written(entry, body)
            if value is None and (shared := self._shared(entry)) is not None:
                value = self._written(shared, body)
            if value is not None:
                _put(result, entry.target, value)
        self._mark_primary(result)
        return result

    def _written(self, entry: _Entry, body: Mapping[str, Any]) -> Any:
        if entry.target.slot is None:
            return entry.target.read(body)
        element = self._element(body, entry.target)
        return element.get(entry.target.sub) if element is not None else None

    def _element(self, body: Mapping[str, Any], target: Target) -> Mapping[str, Any] | None:
        """The value a slot takes: one of its type; where there is only one slot, also one without a type."""
        assert target.slot is not None
        elements = [each for each in body.get(target.keys[0]) or () if isinstance(each, Mapping)]
        elements.sort(key=lambda each: not each.get("primary"))
        typed = [each for each in elements if _type_of(each) == target.slot.casefold()]
        if not typed and len(self._slots[target.keys[0]]) == 1:
            typed = [each for each in elements if _type_of(each) is None]
        return typed[0] if typed else None

    def _shared(self, entry: _Entry) -> _Entry | None:
        return next((each for each in self._entries if each is not entry and each.steps == entry.steps), None)

    def homeless(self, body: Mapping[str, Any]) -> list[str]:
        """What of a written resource the upstream has no place for: attributes, and surplus values of slots."""
        found = []
        for name, value in body.items():
            if name in self._slots:
                taken = [self._element(body, entry.target) for entry in self._entries if entry.target.keys == (name,)]
                found += [
                    f"{name}[{index}]" for index, each in enumerate(value) if not any(each is one for one in taken)
                ]
            elif name in self.no_place and value not in (None, [], {}):
                found.append(name)
        return found

    @property
    def no_place(self) -> frozenset[str]:
        """Attributes (canonical paths) that clients may write by RFC 7643 but this upstream has no field for."""
        return frozenset(
            each.name
            for each in self._schema.base.attributes
            if each.mutability != "readOnly" and each.name not in self._kept and not self._writable_within(each.name)
        )

    def _writable_within(self, name: str) -> bool:
        return any(
            path.partition(".")[0] == name and mutability != "readOnly" for path, mutability in self._mutability.items()
        )

    def fields(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        """The writable fields of a whole resource, dotted; unassigned ones are left out."""
        values: dict[str, Any] = {}
        for entry in self._writable():
            value = entry.target.read(resource)
            if value is not None:
                values.setdefault(entry.attribute.field, entry.attribute.codec.write(value))
        return values

    def changed(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
        """The fields that differ between two states of a resource, dotted; None clears.

        Where paths share a field, the one that changed counts, and the first declared if both did.
        """
        changes: dict[str, Any] = {}
        for entry in self._writable():
            old, new = entry.target.read(before), entry.target.read(after)
            if old != new and entry.attribute.field not in changes:
                changes[entry.attribute.field] = None if new is None else entry.attribute.codec.write(new)
        return changes

    def _writable(self) -> list[_Entry]:
        return [each for each in self._entries if each.attribute.mutability != "readOnly"]

    # -- the effective schema ---------------------------------------------------------------------------------------

    def _effective(self) -> ResourceSchema:
        """The schema as this upstream holds it: unmapped is readOnly, and slots say what they take."""
        base = self._effective_schema(self._schema.base, "")
        extensions = tuple(
            replace(each, schema=self._effective_schema(each.schema, f"{each.schema.id}:"))
            for each in self._schema.extensions
        )
        return replace(self._schema, base=base, extensions=extensions)

    def _effective_schema(self, schema: Schema, prefix: str) -> Schema:
        attributes = tuple(self._effective_attribute(each, prefix) for each in schema.attributes)
        return replace(schema, attributes=attributes)

    def _effective_attribute(self, attribute: SchemaAttribute, prefix: str) -> SchemaAttribute:
        path = f"{prefix}{attribute.name}"
        if attribute.mutability == "readOnly" or path in self._kept:
            return attribute
        if attribute.type != "complex":
            return self._as_mapped(attribute, path)
        types = self._slots.get(path, ())
        subs = tuple(self._effective_sub(each, path, types) for each in attribute.sub_attributes)
        writable = any(each.mutability != "readOnly" for each in subs)
        return replace(attribute, sub_attributes=subs, mutability=attribute.mutability if writable else "readOnly")

    def _effective_sub(self, sub: SchemaAttribute, path: str, types: Sequence[str]) -> SchemaAttribute:
        if types and sub.name == "type":
            return replace(sub, canonical_values=tuple(types))
        if types and sub.name == "primary":
            # Derived, so a client cannot write it; shown only on request, as it never tells two values apart.
            return replace(sub, mutability="readOnly", returned="request")
        return self._as_mapped(sub, f"{path}.{sub.name}")

    def _as_mapped(self, attribute: SchemaAttribute, path: str) -> SchemaAttribute:
        mutability = self._mutability.get(path, "readOnly")
        canonical = next((e.attribute.canonical for e in self._entries if _plain(e.target) == path), ())
        return replace(attribute, mutability=mutability, canonical_values=canonical or attribute.canonical_values)


def _plain(target: Target) -> str:
    """A target as a path without its slot: the spelling of the schema's own tables."""
    keys = [*target.keys, target.sub] if target.slot is not None else list(target.keys)
    if ":" in keys[0]:
        return f"{keys[0]}:{'.'.join(keys[1:])}"
    return ".".join(keys)


def _mutability(entries: Iterable[_Entry]) -> dict[str, str]:
    return {_plain(each.target): each.attribute.mutability for each in entries}


def _slots(entries: Iterable[_Entry]) -> dict[str, list[str]]:
    """The multi-valued attributes held in slots, and the types of their slots."""
    slots: dict[str, list[str]] = {}
    for entry in entries:
        if entry.target.slot is not None:
            types = slots.setdefault(entry.target.keys[0], [])
            if entry.target.slot not in types:
                types.append(entry.target.slot)
    return slots


def _target(path: str, schema: ResourceSchema) -> Target:
    """Where a full path leads. Raises MappingError where the schema has no such attribute."""
    match = _SLOT.match(path)
    name = f"{match['attribute']}.{match['sub'] or 'value'}" if match else path
    resolved = schema.resolve(name)
    if resolved is None or resolved.attribute is None:
        raise MappingError(f"{path} is not an attribute of {schema.name}")
    if match:
        assert resolved.sub is not None
        return Target((resolved.attribute.name,), match["type"], resolved.sub.name)
    keys = [resolved.extension] if resolved.extension else []
    keys.append(resolved.attribute.name)
    if resolved.sub is not None:
        if resolved.attribute.multi_valued:
            raise MappingError(
                f'{path} names no single value; select one, as in {name.partition(".")[0]}[type eq "work"]'
            )
        keys.append(resolved.sub.name)
    return Target(tuple(keys))


def _put(resource: dict[str, Any], target: Target, value: Any) -> None:
    """Assign a value in a resource, making what is around it."""
    holder = resource
    if target.slot is not None:
        elements = holder.setdefault(target.keys[0], [])
        for element in elements:
            if element["type"] == target.slot:
                element[target.sub] = value
                return
        elements.append({target.sub: value, "type": target.slot})
        return
    for key in target.keys[:-1]:
        holder = holder.setdefault(key, {})
    holder[target.keys[-1]] = value


def nested(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted fields as the nested JSON an upstream takes."""
    result: dict[str, Any] = {}
    for name, value in fields.items():
        *outer, last = name.split(".")
        holder = result
        for step in outer:
            holder = holder.setdefault(step, {})
        holder[last] = value
    return result
