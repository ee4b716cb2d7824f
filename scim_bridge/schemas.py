"""SCIM schemas as immutable values: names, types and characteristics, and how to find them in plain JSON resources.

Resources stay decoded JSON everywhere; a schema resolves the names that clients use, publishes itself, and reads what
an upstream publishes. Sources: RFC 7643 sections 2, 3.1, 6, 7 and 8.7 with its errata.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Self

_log = logging.getLogger("scim_bridge.schemas")

SCHEMA_URN: Final = "urn:ietf:params:scim:schemas:core:2.0:Schema"
RESOURCE_TYPE_URN: Final = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"

_TYPES: Final = ("string", "boolean", "decimal", "integer", "dateTime", "reference", "binary", "complex")
_CASED_TYPES: Final = ("string", "reference", "binary")
_IMPLICITLY_EXACT: Final = ("reference", "binary")  # RFC 7643 sections 2.3.6 and 2.3.7, erratum 6001
_MUTABILITIES: Final = ("readWrite", "readOnly", "immutable", "writeOnly")
_RETURNED: Final = ("default", "always", "never", "request")
_UNIQUENESS: Final = ("none", "server", "global")


@dataclass(frozen=True, slots=True)
class SchemaAttribute:
    """One attribute or sub-attribute and its characteristics (RFC 7643 section 7), with that section's defaults."""

    name: str
    type: str  # string boolean decimal integer dateTime reference binary complex
    multi_valued: bool = False
    required: bool = False
    case_exact: bool = False
    mutability: str = "readWrite"  # readOnly immutable writeOnly
    returned: str = "default"  # always never request
    uniqueness: str = "none"  # server global
    canonical_values: tuple[str, ...] = ()
    reference_types: tuple[str, ...] = ()
    sub_attributes: tuple["SchemaAttribute", ...] = ()
    description: str = ""

    def sub(self, name: str) -> "SchemaAttribute | None":
        """The sub-attribute of that name in any case, None where there is none."""
        folded = name.lower()
        return next((each for each in self.sub_attributes if each.name.lower() == folded), None)

    def to_json(self) -> dict[str, Any]:
        """The attribute as ``/Schemas`` shows it: without nulls, and only the characteristics its type has."""
        body: dict[str, Any] = {"name": self.name, "type": self.type, "multiValued": self.multi_valued}
        if self.description:
            body["description"] = self.description
        body["required"] = self.required
        if self.canonical_values:
            body["canonicalValues"] = list(self.canonical_values)
        if self.type in _CASED_TYPES:
            body["caseExact"] = self.case_exact
        body |= {"mutability": self.mutability, "returned": self.returned}
        if self.type != "complex":  # erratum 6004
            body["uniqueness"] = self.uniqueness
        if self.reference_types:
            body["referenceTypes"] = list(self.reference_types)
        if self.sub_attributes:
            body["subAttributes"] = [each.to_json() for each in self.sub_attributes]
        return body

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """An attribute as a server publishes it; what is missing or unknown becomes the default, a type `string`.

        Raises KeyError where it has no name.
        """
        given = {key.lower(): value for key, value in data.items() if value is not None}
        name = str(given["name"])
        kind = _keyword(given, "type", _TYPES, name)
        return cls(
            name=name,
            type=kind,
            multi_valued=given.get("multivalued") is True,
            required=given.get("required") is True,
            case_exact=given.get("caseexact", kind in _IMPLICITLY_EXACT) is True,
            mutability=_keyword(given, "mutability", _MUTABILITIES, name),
            returned=_keyword(given, "returned", _RETURNED, name),
            uniqueness=_keyword(given, "uniqueness", _UNIQUENESS, name),
            canonical_values=tuple(map(str, given.get("canonicalvalues", ()))),
            reference_types=tuple(map(str, given.get("referencetypes", ()))),
            sub_attributes=_simple(_attributes(given.get("subattributes", ()))),
            description=str(given.get("description", "")),
        )


def _keyword(given: Mapping[str, Any], key: str, known: tuple[str, ...], attribute: str) -> str:
    """A characteristic in its canonical spelling, the first known one where it is missing or unknown."""
    stated = given.get(key, known[0])
    found = next((each for each in known if each.lower() == str(stated).lower()), None)
    if found is None:
        _log.warning("%r is no known %s: taken as %r", stated, key, known[0], extra={"attribute": attribute})
    return found or known[0]


def _attributes(published: Iterable[Mapping[str, Any]]) -> tuple[SchemaAttribute, ...]:
    """Published attributes, each name once: names that differ by case only are one (RFC 7643 section 2.1)."""
    found: dict[str, SchemaAttribute] = {}
    for each in published:
        try:
            attribute = SchemaAttribute.from_json(each)
        except KeyError:
            _log.warning("an attribute without a name was left out")
            continue
        if attribute.name.lower() in found:
            _log.warning("an attribute declared twice counts once", extra={"attribute": attribute.name})
        found.setdefault(attribute.name.lower(), attribute)
    return tuple(found.values())


def _simple(subs: tuple[SchemaAttribute, ...]) -> tuple[SchemaAttribute, ...]:
    """Sub-attributes without complex ones: SCIM has two levels (RFC 7643 section 2.3.8, erratum 8415)."""
    for each in subs:
        if each.type == "complex":
            _log.warning("a complex sub-attribute was left out", extra={"attribute": each.name})
    return tuple(each for each in subs if each.type != "complex")


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema: the attributes that one URN stands for."""

    id: str
    name: str
    description: str
    attributes: tuple[SchemaAttribute, ...]
    required: tuple[SchemaAttribute, ...] = field(init=False, repr=False, compare=False)
    """Those that are required, or have a part that is: few, and each write looks for them."""
    immutable: tuple[SchemaAttribute, ...] = field(init=False, repr=False, compare=False)
    """The same of those that can be set once."""
    _by_name: Mapping[str, SchemaAttribute] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {each.name.lower(): each for each in self.attributes})
        object.__setattr__(self, "required", self._whose(lambda each: each.required))
        object.__setattr__(self, "immutable", self._whose(lambda each: each.mutability == "immutable"))

    def _whose(self, is_it: Callable[[SchemaAttribute], bool]) -> tuple[SchemaAttribute, ...]:
        return tuple(each for each in self.attributes if any(map(is_it, (each, *each.sub_attributes))))

    def attribute(self, name: str) -> SchemaAttribute | None:
        """The attribute of that name in any case, None where there is none."""
        return self._by_name.get(name.lower())

    def to_json(self) -> dict[str, Any]:
        """The schema as ``/Schemas`` shows it, without ``meta`` (RFC 7643 section 7)."""
        body: dict[str, Any] = {"schemas": [SCHEMA_URN], "id": self.id, "name": self.name}
        if self.description:
            body["description"] = self.description
        return body | {"attributes": [each.to_json() for each in self.attributes]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """A schema as a server publishes it, read tolerantly. Raises KeyError where it has no id."""
        urn = str(data["id"])
        name = str(data.get("name") or urn.rpartition(":")[2])
        return cls(urn, name, str(data.get("description") or ""), _attributes(data.get("attributes") or ()))


@dataclass(frozen=True, slots=True)
class Extension:
    """A schema that extends a resource type; ``required``: each resource must hold it."""

    schema: Schema
    required: bool = False


@dataclass(frozen=True, slots=True)
class AttributePath:
    """A name a client used, resolved: which attribute of which schema it means, and where a resource holds it.

    The URN of an extension alone means all of it: ``attribute`` is then a complex stand-in that is named by the URN
    and sits, as the extension's data does, at the top of the resource.
    """

    extension: str | None  # the URN under which the attribute sits
    attribute: SchemaAttribute
    sub: SchemaAttribute | None = None
    whole_extension: bool = False

    @property
    def target(self) -> SchemaAttribute:
        """What the path names in the end: the sub-attribute, or the attribute."""
        return self.sub or self.attribute

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys from the top of a resource to the attribute, without the sub-attribute."""
        return (self.attribute.name,) if self.extension is None else (self.extension, self.attribute.name)

    @property
    def names(self) -> tuple[str, ...]:
        """The keys from the top of a resource to what the path names, if none of them is multi-valued."""
        return self.keys if self.sub is None else (*self.keys, self.sub.name)

    @property
    def canonical(self) -> str:
        """The path as schemas spell it: ``userName``, ``name.givenName``, ``urn:...:User:department``."""
        text = ":".join(self.keys)
        return text if self.sub is None else f"{text}.{self.sub.name}"

    def read(self, resource: Mapping[str, Any]) -> Any:
        """The raw JSON value, None where it is unassigned.

        A multi-valued attribute gives its list; a sub-attribute of one, the flat list of the values assigned.
        """
        value: Any = resource
        for key in self.keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        if self.sub is None:
            return value
        if isinstance(value, list):
            return _flat(each.get(self.sub.name) for each in value if isinstance(each, Mapping))
        return value.get(self.sub.name) if isinstance(value, Mapping) else None


def _flat(values: Iterable[Any]) -> list[Any]:
    result: list[Any] = []
    for each in values:
        result.extend(each if isinstance(each, list) else [each])
    return [each for each in result if each is not None]


COMMON: Final = (
    SchemaAttribute("schemas", "string", multi_valued=True, required=True, returned="always"),
    SchemaAttribute("id", "string", case_exact=True, mutability="readOnly", returned="always", uniqueness="server"),
    SchemaAttribute("externalId", "string", case_exact=True),
    SchemaAttribute(
        "meta",
        "complex",
        mutability="readOnly",
        sub_attributes=(
            SchemaAttribute("resourceType", "string", case_exact=True, mutability="readOnly"),
            SchemaAttribute("created", "dateTime", mutability="readOnly"),
            SchemaAttribute("lastModified", "dateTime", mutability="readOnly"),
            SchemaAttribute("location", "reference", case_exact=True, mutability="readOnly", reference_types=("uri",)),
            SchemaAttribute("version", "string", case_exact=True, mutability="readOnly"),
        ),
    ),
)
"""What every resource has beside its schema (RFC 7643 section 3.1); no schema publishes these."""

_COMMON_BY_NAME: Final = {each.name.lower(): each for each in COMMON}


@dataclass(frozen=True, slots=True)
class ResourceSchema:
    """One SCIM resource type: its endpoint, its base schema and the schemas that extend it."""

    name: str
    endpoint: str  # "/Users"
    description: str
    base: Schema
    extensions: tuple[Extension, ...] = ()

    @property
    def schemas(self) -> tuple[Schema, ...]:
        """The base schema and those of the extensions."""
        return (self.base, *(each.schema for each in self.extensions))

    def extended(self, *extensions: Extension) -> Self:
        """A copy with more extensions."""
        return replace(self, extensions=self.extensions + extensions)

    def resolve(self, path: str) -> AttributePath | None:
        """What a path names, None where it names nothing of this resource type.

        Takes the attribute notation of RFC 7644 section 3.10 in any case: ``name``, ``name.sub``, either qualified
        with the URN of the base schema or of an extension, or that of an extension alone. The common attributes
        belong to the base schema.
        """
        urn, _, name = path.rpartition(":")
        if not urn or urn.lower() == self.base.id.lower():
            return _within(None, self.base, name)
        for each in self.extensions:
            if path.lower() == each.schema.id.lower():
                return _whole(each.schema)
            if urn.lower() == each.schema.id.lower():
                return _within(each.schema.id, each.schema, name)
        return None

    def resource_type_json(self) -> dict[str, Any]:
        """The resource type as ``/ResourceTypes`` shows it, without ``meta`` (RFC 7643 section 6)."""
        body: dict[str, Any] = {"schemas": [RESOURCE_TYPE_URN], "id": self.name, "name": self.name}
        if self.description:
            body["description"] = self.description
        body |= {"endpoint": self.endpoint, "schema": self.base.id}
        if self.extensions:
            body["schemaExtensions"] = [
                {"schema": each.schema.id, "required": each.required} for each in self.extensions
            ]
        return body

    @classmethod
    def from_discovery(cls, resource_type: Mapping[str, Any], schemas: Mapping[str, Schema]) -> Self:
        """A resource type as a server publishes it; ``schemas`` are its schemas by id.

        An extension whose schema is not published is left out. Raises ValueError without endpoint or base schema.
        """
        by_id = {urn.lower(): schema for urn, schema in schemas.items()}
        base = by_id.get(str(resource_type.get("schema")).lower())
        endpoint = str(resource_type.get("endpoint") or "").strip("/")
        if base is None or not endpoint:
            raise ValueError(f"resource type {resource_type.get('name')!r} has no endpoint or no published schema")
        name = str(resource_type.get("name") or resource_type.get("id") or base.name)
        published = resource_type.get("schemaExtensions") or ()
        extensions = [each for each in (_extension(one, by_id) for one in published) if each is not None]
        description = str(resource_type.get("description") or "")
        return cls(name, f"/{endpoint}", description, _without_common(base), tuple(extensions))


def _within(extension: str | None, schema: Schema, name: str) -> AttributePath | None:
    """``name`` or ``name.sub`` of one schema."""
    head, dot, rest = name.partition(".")
    attribute = schema.attribute(head)
    if attribute is None and extension is None:
        attribute = _COMMON_BY_NAME.get(head.lower())
    if attribute is None:
        return None
    sub = attribute.sub(rest) if dot else None
    return None if dot and sub is None else AttributePath(extension, attribute, sub)


def _whole(schema: Schema) -> AttributePath:
    stand_in = SchemaAttribute(schema.id, "complex", sub_attributes=schema.attributes, description=schema.description)
    return AttributePath(None, stand_in, whole_extension=True)


def _extension(published: Mapping[str, Any], schemas: Mapping[str, Schema]) -> Extension | None:
    schema = schemas.get(str(published.get("schema")).lower())
    if schema is None:
        _log.warning("an extension without a published schema was left out: %r", published.get("schema"))
        return None
    return Extension(schema, required=published.get("required") is True)


def _without_common(base: Schema) -> Schema:
    """Servers do list `id`, `externalId` and `meta` in schemas; here they always mean RFC 7643 section 3.1."""
    return replace(base, attributes=tuple(each for each in base.attributes if each.name.lower() not in _COMMON_BY_NAME))


Changes = Mapping[str, Mapping[str, Any]]
"""Attribute paths and what changes in their SchemaAttribute: ``{"emails.primary": {"mutability": "readOnly"}}``."""


def override(schema: Schema, changes: Changes) -> Schema:
    """A copy of a schema with changed characteristics; paths are relative to it.

    Raises ValueError for a path that names nothing.
    """
    for path, fields in changes.items():
        found = _within(schema.id, schema, path)
        if found is None:
            raise ValueError(f"{schema.id} has no attribute {path}")
        changed = replace(found.target, **fields)
        if found.sub is not None:
            subs = tuple(changed if each is found.sub else each for each in found.attribute.sub_attributes)
            changed = replace(found.attribute, sub_attributes=subs)
        attributes = tuple(changed if each is found.attribute else each for each in schema.attributes)
        schema = replace(schema, attributes=attributes)
    return schema


def overridden(resource: ResourceSchema, changes: Changes) -> ResourceSchema:
    """As `override`, over a whole resource type: paths as `ResourceSchema.resolve` takes them."""
    for path, fields in changes.items():
        found = resource.resolve(path)
        if found is None or found.whole_extension:
            raise ValueError(f"{resource.name} has no attribute {path}")
        name = found.canonical if found.extension is None else found.canonical.removeprefix(f"{found.extension}:")
        if found.extension is None:
            resource = replace(resource, base=override(resource.base, {name: fields}))
            continue
        extensions = tuple(
            replace(each, schema=override(each.schema, {name: fields})) if each.schema.id == found.extension else each
            for each in resource.extensions
        )
        resource = replace(resource, extensions=extensions)
    return resource


def _core() -> tuple[dict[str, Schema], dict[str, ResourceSchema]]:
    """The definitions of RFC 7643 section 8.7.1, and our own, kept beside this module in the form servers publish."""
    published = json.loads(Path(__file__).with_name("core_schemas.json").read_text("utf-8"))
    schemas = {each["id"]: Schema.from_json(each) for each in published["schemas"]}
    types = {each["name"]: ResourceSchema.from_discovery(each, schemas) for each in published["resourceTypes"]}
    return schemas, types


_SCHEMAS, _RESOURCE_TYPES = _core()
ENTERPRISE_USER: Final = _SCHEMAS["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]
USER: Final = _RESOURCE_TYPES["User"]
GROUP: Final = _RESOURCE_TYPES["Group"]
ACTIVITY: Final = _RESOURCE_TYPES["Activity"]
"""Our own, for what upstreams log; only some attributes of it may be known of an event."""
ROLE: Final = _RESOURCE_TYPES["Role"]
ROLE_DETAILS: Final = "urn:scim-bridge:schemas:1.0:Role"
"""The URN of what else is known of a role: an extension of ROLE with what a provider has."""
