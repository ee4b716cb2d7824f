"""SCIM attributes as an upstream holds them: a table of paths and fields, read in both directions.

A path may select one value of a multi-valued attribute (``emails[type eq "work"].value``): such a *slot* is what an
upstream with a single e-mail field offers. Short forms: ``emails.work`` for that path, ``enterprise.NAME`` for an
attribute of the enterprise User extension.
"""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from scim_bridge.codecs import BOOLEAN as BOOLEAN  # what declarations import from here, next to the table
from scim_bridge.codecs import TEXT as TEXT
from scim_bridge.codecs import TIMESTAMP as TIMESTAMP
from scim_bridge.codecs import Codec as Codec
from scim_bridge.codecs import codec_of
from scim_bridge.schemas import COMMON, ENTERPRISE_USER, AttributePath, ResourceSchema, Schema, SchemaAttribute

_log = logging.getLogger("scim_bridge.attributes")
_SLOT: Final = re.compile(r'^(?P<attribute>\w+)\[type eq "(?P<type>[^"]+)"\](?:\.(?P<sub>\$?\w+))?$')


def copied(value: Any) -> Any:
    """A copy of decoded JSON that shares no list and no object with it; `deepcopy` takes five times as long."""
    if isinstance(value, dict):
        return {name: copied(each) for name, each in value.items()}
    return [copied(each) for each in value] if isinstance(value, list) else value


class MappingError(ValueError):
    """A mapping that names no attribute of the schema, or a value that cannot be translated."""


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
        table = {_target(each.path, schema): each for each in attributes}
        table |= {_target(path, schema): _mapped(path, name, schema) for path, name in extra.items()}
        self._schema = schema
        self._kept = kept
        self._entries = [_Entry(each, target, tuple(each.field.split("."))) for target, each in table.items()]
        self._reads = [(each.steps, each.attribute.codec.read, each.target) for each in self._entries]
        self._slots = _slots(self._entries)
        self._single = [
            name for name, types in self._slots.items() if len(types) == 1 and schema.resolve(f"{name}.primary")
        ]
        self._mutability = {_plain(each.target): each.attribute.mutability for each in self._entries}
        self.resource = self._effective()
        self.no_place = frozenset(each.canonical for each in self._places() if not self._has_place(each.canonical))
        """Attributes (canonical paths) that clients may write by RFC 7643 but this upstream has no field for."""

    def paths(self) -> list[tuple[str, str]]:
        """Each mapped path as filters spell it, and its field."""
        return [(_plain(entry.target), entry.attribute.field) for entry in self._entries]

    # -- upstream to SCIM -------------------------------------------------------------------------------------------

    def decode(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """An upstream record as a SCIM resource. A value SCIM cannot show is left out with a warning, never the row."""
        resource: dict[str, Any] = {"schemas": [self._schema.base.id]}
        for (first, *rest), read, target in self._reads:
            raw = row.get(first)
            for step in rest:
                raw = raw.get(step) if isinstance(raw, dict) else None  # decoded JSON; Mapping costs ten times as much
            if raw is None:
                continue
            value = read(raw)
            if value is not None:
                _put(resource, target, value)
            elif raw != "":
                _log.warning("a value was left out", extra={"attribute": _plain(target)})
        self._mark_primary(resource)
        resource["schemas"] += [each.schema.id for each in self._schema.extensions if each.schema.id in resource]
        resource.setdefault("meta", {})["resourceType"] = self._schema.name
        return resource

    def _mark_primary(self, resource: dict[str, Any]) -> None:
        """The only value that an attribute can have is the preferred one."""
        for name in self._single:
            if name in resource:
                resource[name][0]["primary"] = True

    # -- SCIM to upstream -------------------------------------------------------------------------------------------

    def aligned(self, body: dict[str, Any], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """A whole resource as written, in the form it will be read back: slots filled, shared fields equal.

        ``before``: what a PATCH started from; of paths that share a field the one that changed counts, so that either
        of them can be removed.
        """
        result = {name: copied(value) for name, value in body.items() if name not in self._slots}
        for entry in self._entries:
            value = self._agreed(entry, body, before)
            if value is not None:
                _put(result, entry.target, value)
            elif before is not None:
                _drop(result, entry.target)
        self._mark_primary(result)
        return result

    def _agreed(self, entry: _Entry, body: Mapping[str, Any], before: Mapping[str, Any] | None) -> Any:
        """The value of a path, or of one that shares its field; what cannot be written has no say in that."""
        sharing = [each for each in self._entries if each.steps == entry.steps]
        sharing = [each for each in sharing if each.attribute.mutability != "readOnly"] or sharing
        values = [self._written(each, body) for each in sharing]
        if before is not None:
            changed = [value for each, value in zip(sharing, values, strict=True) if value != each.target.read(before)]
            return changed[0] if changed else values[0]
        own = self._written(entry, body) if entry in sharing else None
        return own if own is not None else next((value for value in values if value is not None), None)

    def _written(self, entry: _Entry, body: Mapping[str, Any]) -> Any:
        if entry.target.slot is None:
            return entry.target.read(body)
        element = self._element(body, entry.target)
        return element.get(entry.target.sub) if element is not None else None

    def _element(self, body: Mapping[str, Any], target: Target) -> Mapping[str, Any] | None:
        """The value a slot takes: one of its type; the first slot also one without a type, and an only slot any.

        So a client's only e-mail address is kept whatever it calls it, and what is kept shows under the slot's type.
        """
        assert target.slot is not None
        elements = [each for each in body.get(target.keys[0]) or () if isinstance(each, Mapping)]
        elements.sort(key=lambda each: not each.get("primary"))
        slots = [each.casefold() for each in self._slots[target.keys[0]]]
        fitting = [each for each in elements if _type_of(each) == target.slot.casefold()]
        if not fitting and target.slot.casefold() == slots[0]:
            fitting = [each for each in elements if _type_of(each) is None or len(slots) == 1]
        return fitting[0] if fitting else None

    def homeless(self, body: Mapping[str, Any]) -> list[str]:
        """What of a written resource the upstream has no place for: attributes, and surplus values of slots."""
        found = []
        for name in self._slots:
            slots = [entry.target for entry in self._entries if entry.target.keys == (name,)]
            taken = {id(element): each.slot for each in slots if (element := self._element(body, each)) is not None}
            for index, each in enumerate(body.get(name) or ()):
                if id(each) not in taken:
                    found.append(f"{name}[{index}]")
                elif _type_of(each) not in (None, str(taken[id(each)]).casefold()):
                    found.append(f"{name}[{index}].type")
        for path in self._places():
            if path.canonical in self.no_place and path.read(body) not in (None, "", [], {}):
                found.append(path.canonical)
        return found

    def _places(self) -> Iterable[AttributePath]:
        """Each path that clients may write by RFC 7643 and that needs a field: parts where a single value has some."""
        for schema, urn in (
            (self._schema.base, None),
            *((each.schema, each.schema.id) for each in self._schema.extensions),
        ):
            external_id = [each for each in COMMON if each.name == "externalId" and urn is None]
            for attribute in (*external_id, *schema.attributes):
                whole = AttributePath(urn, attribute)
                if attribute.mutability == "readOnly" or whole.canonical in self._kept:
                    continue
                parts = () if attribute.multi_valued else attribute.sub_attributes
                if not parts or not self._has_place(whole.canonical):
                    yield whole
                else:
                    yield from (AttributePath(urn, attribute, part) for part in parts if part.mutability != "readOnly")

    def _has_place(self, path: str) -> bool:
        """Whether a path, or a part of it, has a field that can be written."""
        return any(
            mutability != "readOnly" and (mapped == path or mapped.startswith(f"{path}."))
            for mapped, mutability in self._mutability.items()
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
        if attribute.type != "complex" or path in self._mutability:
            return self._as_mapped(attribute, path)
        types = self._slots.get(path, ())
        subs = tuple(self._effective_sub(each, path, types) for each in attribute.sub_attributes)
        # The type of a slot can be stated by who writes its value, not on its own.
        writable = any(each.mutability != "readOnly" for each in subs if not types or each.name != "type")
        if not writable:
            subs = tuple(replace(each, mutability="readOnly") for each in subs)
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


def _slots(entries: Iterable[_Entry]) -> dict[str, list[str]]:
    """The multi-valued attributes held in slots, and the types of their slots."""
    slots: dict[str, list[str]] = {}
    for entry in entries:
        if entry.target.slot is not None:
            types = slots.setdefault(entry.target.keys[0], [])
            if entry.target.slot not in types:
                types.append(entry.target.slot)
    return slots


def _target(short: str, schema: ResourceSchema) -> Target:
    """Where a path leads. Raises MappingError where the schema has no such attribute."""
    path = expand(short, schema)
    match = _SLOT.match(path)
    name = f"{match['attribute']}.{match['sub'] or 'value'}" if match else path
    resolved = schema.resolve(name)
    if resolved is None or resolved.whole_extension:
        raise MappingError(f"{path} is not an attribute of {schema.name}")
    attribute, sub = resolved.attribute, resolved.sub
    if match:
        if sub is None or not attribute.multi_valued or attribute.sub("type") is None:
            raise MappingError(f"{path}: {attribute.name} has no values of several types")
        return Target((attribute.name,), match["type"], sub.name)
    if sub is None:
        return Target(resolved.keys)
    if attribute.multi_valued:
        raise MappingError(f'{path} names no single value; select one, as in {attribute.name}[type eq "work"]')
    return Target((*resolved.keys, sub.name))


def _mapped(path: str, field: str, schema: ResourceSchema) -> Attribute:
    """An entry of the ``attributes`` setting: what the schema says of the attribute holds for it."""
    target = _target(path, schema)
    resolved = schema.resolve(_plain(target))
    assert resolved is not None
    if resolved.target.type == "complex":
        raise MappingError(f"{path} has parts: map those, as in {path}.{resolved.target.sub_attributes[0].name}")
    return Attribute(path, field, codec_of(resolved.target), resolved.target.mutability)


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


def _drop(resource: dict[str, Any], target: Target) -> None:
    """Take a value out of a resource, and what is empty without it."""
    if target.slot is not None:
        return  # slots are built anew
    holders = [resource]
    for key in target.keys[:-1]:
        if not isinstance(holders[-1].get(key), dict):
            return
        holders.append(holders[-1][key])
    holders[-1].pop(target.keys[-1], None)
    for holder, key in zip(reversed(holders[:-1]), reversed(target.keys[:-1]), strict=True):
        if not holder[key]:
            del holder[key]


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
