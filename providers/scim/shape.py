"""Upstream SCIM JSON in the form this bridge shows: canonical names, no empty values, each value of its type."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from scim_bridge.attributes import MappingError, expand
from scim_bridge.comparison import decoded, instant
from scim_bridge.query.capabilities import Resource, Row
from scim_bridge.schemas import (
    COMMON,
    ENTERPRISE_USER,
    AttributePath,
    Extension,
    ResourceSchema,
    SchemaAttribute,
    overridden,
)
from scim_bridge.upstream.errors import BadAnswer

_log = logging.getLogger("scim_bridge.providers.scim")

Clean = Callable[[Any], Any]
Keep = Callable[[SchemaAttribute], bool]
EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})
_COMMON: Final = frozenset(each.name for each in COMMON)
_OWN_META: Final = frozenset({"created", "lastModified"})


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _reference(value: Any) -> str | None:
    """The id of another resource, which is a number to some servers."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _text(value)


def _integer(value: Any) -> int | None:
    return (
        int(value) if isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1 else None
    )


def _decimal(value: Any) -> int | float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _date_time(value: Any) -> str | None:
    return value if isinstance(value, str) and "T" in value and isinstance(instant(value), datetime) else None


_SIMPLE: Final[Mapping[str, Clean]] = {
    "string": _text,
    "reference": _text,
    "boolean": lambda value: value if isinstance(value, bool) else None,
    "integer": _integer,
    "decimal": _decimal,
    "dateTime": _date_time,
    "binary": lambda value: value if _text(value) and isinstance(decoded(value), bytes) else None,
}


def _cleaner(attribute: SchemaAttribute, keep: Keep) -> Clean:
    one = _object(attribute.sub_attributes, keep) if attribute.type == "complex" else _SIMPLE[attribute.type]
    return _list(attribute.name, one) if attribute.multi_valued else one


def _list(name: str, one: Clean) -> Clean:
    def clean(value: Any) -> Any:
        if not isinstance(value, list):
            return None
        elements = []
        for raw in value:
            if (each := one(raw)) is not None:
                elements.append(each)
            else:
                _left_out(name, raw)
        return _distinct(elements) or None

    return clean


def _distinct(elements: list[Any]) -> list[Any]:
    """Elements without those whose type and value were there before (RFC 7643 section 2.4)."""
    if len(elements) < 2:
        return elements
    found: dict[Any, Any] = {}
    for number, each in enumerate(elements):
        paired = isinstance(each, dict) and "value" in each
        found.setdefault((str(each["value"]), each.get("type")) if paired else number, each)
    return list(found.values())


def _object(attributes: Iterable[SchemaAttribute], keep: Keep) -> Clean:
    """Of an object: the attributes it declares, in any case; what else it holds is left out."""
    attributes = tuple(attributes)
    table = {each.name.lower(): (each.name, _cleaner(each, keep)) for each in attributes if keep(each)}
    if "value" in table and any(each.name == "$ref" for each in attributes):
        table["value"] = ("value", _reference)
    as_spelled = {each[0]: each for each in table.values()}

    def clean(value: Any) -> dict[str, Any] | None:
        if value.__class__ is not dict and not isinstance(value, Mapping):
            return None
        found: dict[str, Any] = {}
        for key, raw in value.items():
            known = as_spelled.get(key) or table.get(key.lower())
            if known is None:
                continue
            name, one = known
            if one is _text and raw.__class__ is str and raw:
                found[name] = raw  # most values; a call costs as much as this
            elif (cleaned := one(raw)) is not None:
                found[name] = cleaned
            else:
                _left_out(name, raw)
        return found or None

    return clean


def _kept(name: str, one: Clean, raw: Any) -> Any:
    if (cleaned := one(raw)) is None:
        _left_out(name, raw)
    return cleaned


def _left_out(name: str, raw: Any) -> None:
    """Tell of a value that cannot be shown, if it is one."""
    if not _is_hollow(raw):
        _log.warning("a value was left out", extra={"attribute": name})


def _is_hollow(raw: Any) -> bool:
    """Whether there is nothing in a value, however deep: `{"manager": {}}`."""
    return raw in EMPTY or (isinstance(raw, Mapping) and all(map(_is_hollow, raw.values())))


def shaper(resource: ResourceSchema, keep: Keep = lambda attribute: True) -> Callable[[Any], Resource]:
    """What reads the attributes of a resource from JSON, without `schemas`, `id` and `meta`.

    ``keep`` says of an attribute or sub-attribute whether it is wanted. A `$ref` never is: the one who shows a
    resource knows where it is.
    """
    extensions = (SchemaAttribute(each.id, "complex", sub_attributes=each.attributes) for each in resource.schemas[1:])
    common = (each for each in COMMON if each.name == "externalId")
    clean = _object((*common, *resource.base.attributes, *extensions), lambda each: each.name != "$ref" and keep(each))
    return lambda body: clean(body) or {}


def with_schemas(resource: ResourceSchema, body: Resource) -> Resource:
    """A resource that names the schemas whose attributes it has."""
    return {"schemas": [resource.base.id, *(each.id for each in resource.schemas[1:] if each.id in body)], **body}


def held(row: Mapping[str, Any], name: str) -> Any:
    """The value under a name that may be spelled in any case (RFC 7643 section 2.1); None where there is none."""
    if name in row:
        return row[name]
    folded = name.lower()
    for key in row:
        if key.lower() == folded:
            return row[key]
    return None


def listed(body: Any) -> tuple[str, list[Row]]:
    """The key of the rows in a ListResponse, which some servers spell their own way, and the rows."""
    key = next((each for each in body if each.lower() == "resources"), "Resources") if isinstance(body, Mapping) else ""
    rows = body[key] if key and key in body else None
    return key or "Resources", [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def identifier(row: Row) -> str:
    """The id of a record as text. Raises BadAnswer where it has none, as nothing could refer to it."""
    found = held(row, "id")
    if not isinstance(found, str | int) or isinstance(found, bool) or found == "":
        raise BadAnswer("", "sent a resource without an id")
    return str(found)


def decoder(resource: ResourceSchema, moves: "Moves", elsewhere: frozenset[str]) -> Callable[[Row], Resource]:
    """What reads upstream records as resources; ``elsewhere``: relations, read by other means."""
    shape = shaper(resource, lambda each: each.name not in elsewhere and each.returned != "never")
    meta = _object((sub for each in COMMON if each.name == "meta" for sub in each.sub_attributes), _is_own_meta)

    def decode(row: Row) -> Resource:
        attributes = moves.decoded(shape(row), row)
        own = {**(meta(held(row, "meta")) or {}), "resourceType": resource.name}
        return with_schemas(resource, {"id": identifier(row), **attributes, "meta": own})

    return decode


def _is_own_meta(attribute: SchemaAttribute) -> bool:
    # Location and version are those of the bridge's own answer.
    return attribute.name in _OWN_META


@dataclass(frozen=True, slots=True)
class Moves:
    """The connection's ``attributes``: SCIM attributes that the upstream holds under another path of its own."""

    pairs: tuple[tuple[AttributePath, tuple[str, ...]], ...] = ()

    def decoded(self, resource: Resource, row: Row) -> Resource:
        """The resource with each moved attribute read from where the upstream has it."""
        for target, field in self.pairs:
            value = _kept(target.canonical, _cleaner(target.target, lambda each: True), dig_keys(row, field))
            assign(resource, _keys(target), value)
        return resource

    def encoded(self, resource: Resource, upstream: Resource) -> Resource:
        """``upstream``, the resource as the upstream would hold it, with moved attributes where they belong there."""
        for target, _ in self.pairs:
            assign(upstream, _keys(target), None)
        for target, field in self.pairs:
            if field[0] not in _COMMON:
                assign(upstream, field, target.read(resource))
        return upstream

    @property
    def targets(self) -> frozenset[str]:
        return frozenset(target.canonical for target, _ in self.pairs)


def moved(resource: ResourceSchema, attributes: Mapping[str, str]) -> tuple[ResourceSchema, Moves]:
    """The schema and the moves that the ``attributes`` setting makes; what they read from is readOnly by itself.

    Raises MappingError for what is not one simple value, such as `emails.work`: the upstream's own e-mails are there.
    """
    paths = {expand(path, resource): field for path, field in attributes.items()}
    if ENTERPRISE_USER.id not in {each.id for each in resource.schemas}:
        names = {path.rpartition(":")[2] for path in paths if path.startswith(f"{ENTERPRISE_USER.id}:")}
        named = tuple(each for each in ENTERPRISE_USER.attributes if each.name in names)
        resource = resource.extended(Extension(replace(ENTERPRISE_USER, attributes=named))) if named else resource
    targets = {path: resource.resolve(path) for path in paths}
    pairs = []
    for path, target in targets.items():
        source = resource.resolve(paths[path])
        if not _is_single(target) or (source is not None and not _is_single(source)):
            raise MappingError(f"attributes: {path} = {paths[path]!r} is not from one single value to another")
        assert target is not None
        pairs.append((target, _keys(source) if source is not None else _split(paths[path])))
        if source is not None and source.attribute in COMMON:
            resource = overridden(resource, {target.canonical: {"mutability": "readOnly"}})
        elif source is not None and source not in targets.values():
            resource = overridden(resource, {source.canonical: {"mutability": "readOnly"}})
    return resource, Moves(tuple(pairs))


def _is_single(path: AttributePath | None) -> bool:
    return (
        path is not None
        and not path.whole_extension
        and path.target.type != "complex"
        and not path.attribute.multi_valued
    )


def _keys(path: AttributePath) -> tuple[str, ...]:
    return path.keys if path.sub is None else (*path.keys, path.sub.name)


def _split(path: str) -> tuple[str, ...]:
    """The keys of a path that no published schema has; the dots of a URN are its own."""
    urn, _, name = path.rpartition(":")
    return (*([urn] if urn else []), *name.split("."))


def dig_keys(body: Any, keys: Iterable[str]) -> Any:
    for key in keys:
        body = held(body, key) if isinstance(body, Mapping) else None
    return body


def assign(body: dict[str, Any], keys: tuple[str, ...], value: Any) -> None:
    """Put a value at nested keys; None takes it away, and what it leaves empty."""
    first, *rest = keys
    if rest:
        inner = dict(body.get(first) or {})
        assign(inner, tuple(rest), value)
        value = inner or None
    if value is None:
        body.pop(first, None)
    else:
        body[first] = value
