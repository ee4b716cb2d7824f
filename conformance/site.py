"""What the server says of itself: features, resource types, and of each attribute what a client may do with it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from scim_bridge.conformance.requirements import Failed, skip
from scim_bridge.conformance.wire import Wire

USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute or sub-attribute as /Schemas publishes it; what is left out has RFC 7643 section 7's default."""

    path: str  # "userName", "name.givenName", "urn:...:User:department"
    raw: Mapping[str, Any]
    parent: "Attribute | None" = None

    @property
    def name(self) -> str:
        return str(self.raw.get("name", ""))

    @property
    def type(self) -> str:
        return str(self.raw.get("type", "string"))

    @property
    def multi_valued(self) -> bool:
        return self.raw.get("multiValued") is True

    @property
    def required(self) -> bool:
        return self.raw.get("required") is True

    @property
    def case_exact(self) -> bool:
        return self.raw.get("caseExact") is True or self.type in ("binary", "reference")

    @property
    def mutability(self) -> str:
        return str(self.raw.get("mutability", "readWrite"))

    @property
    def returned(self) -> str:
        return str(self.raw.get("returned", "default"))

    @property
    def uniqueness(self) -> str:
        return str(self.raw.get("uniqueness", "none"))

    @property
    def canonical(self) -> list[Any]:
        values = self.raw.get("canonicalValues")
        return list(values) if isinstance(values, list) else []

    @property
    def writable(self) -> bool:
        """Whether a client can set it, now and later."""
        above = self.parent is None or self.parent.mutability in ("readWrite", "writeOnly")
        return self.mutability in ("readWrite", "writeOnly") and above

    @property
    def subs(self) -> "list[Attribute]":
        listed = self.raw.get("subAttributes")
        rows = listed if isinstance(listed, list) else []
        return [Attribute(f"{self.path}.{each.get('name')}", each, self) for each in rows if isinstance(each, Mapping)]

    def sub(self, name: str) -> "Attribute | None":
        return next((each for each in self.subs if each.name.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True)
class Kind:
    """A resource type: where it lives and what its resources may hold."""

    name: str
    endpoint: str  # "/Users"
    schema: str
    extensions: tuple[str, ...]
    attributes: tuple[Attribute, ...]  # of the base schema, then of the extensions (those with URN paths)

    def attribute(self, path: str) -> Attribute | None:
        """The attribute at a path: plain, ``a.b``, or qualified by an extension's URN."""
        for each in self._all():
            if each.path.lower() == path.lower():
                return each
        return None

    def _all(self) -> Iterator[Attribute]:
        for each in self.attributes:
            yield each
            yield from each.subs

    def writable(self, path: str) -> bool:
        found = self.attribute(path)
        return found is not None and found.writable

    @property
    def immutable_text(self) -> Attribute | None:
        """A single text that can be set once, free of canonical values; not one that is set from the start."""
        texts = (each for each in self.attributes if each.type == "string" and not (each.multi_valued or each.required))
        return next((each for each in texts if each.mutability == "immutable" and not each.canonical), None)

    @property
    def read_only(self) -> bool:
        """Whether its schema leaves a client nothing to write."""
        return not any(each.mutability != "readOnly" for each in self.attributes)


@dataclass(frozen=True, slots=True)
class Site:
    """The discovery documents, as far as the server has them."""

    config: Mapping[str, Any] = field(default_factory=dict)
    kinds: tuple[Kind, ...] = ()
    schemas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def supports(self, feature: str) -> bool:
        """Whether ServiceProviderConfig announces `patch`, `bulk`, `filter`, `sort`, `etag` or `changePassword`."""
        stated = self.config.get(feature)
        return isinstance(stated, Mapping) and stated.get("supported") is True

    def needs(self, feature: str) -> None:
        """Raises Skipped unless the feature is announced."""
        if not self.supports(feature):
            skip(f"ServiceProviderConfig does not offer {feature}")

    def find(self, name: str) -> Kind | None:
        return next((each for each in self.kinds if each.name.lower() == name.lower()), None)

    def kind(self, name: str) -> Kind:
        """A resource type by its name or its base schema's. Raises Skipped where the server has none."""
        found = self.find(name) or next((each for each in self.kinds if each.schema.endswith(f":{name}")), None)
        return found if found is not None else skip(f"the server has no resource type {name}")


def read_site(wire: Wire) -> Site:
    """What discovery says. Raises Failed where /ResourceTypes or /Schemas cannot be read, as nothing is known then."""
    config = wire.get("/ServiceProviderConfig")
    types = wire.get("/ResourceTypes").resources()
    schemas = {str(each.get("id")).lower(): each for each in wire.get("/Schemas").resources()}
    stated = config.object if config.status == 200 else {}
    return Site(stated, tuple(_kind(each, schemas) for each in types), schemas)


def _kind(document: Mapping[str, Any], schemas: Mapping[str, Mapping[str, Any]]) -> Kind:
    base = str(document.get("schema"))
    listed = document.get("schemaExtensions") or []
    extensions = tuple(str(each.get("schema")) for each in listed if isinstance(each, Mapping))
    if base.lower() not in schemas:
        raise Failed(f"the resource type {document.get('name')} has the schema {base}, which /Schemas lacks")
    attributes = [Attribute(str(each.get("name")), each) for each in _attributes(schemas[base.lower()])]
    for urn in extensions:
        published = _attributes(schemas.get(urn.lower(), {}))
        attributes += [Attribute(f"{urn}:{each.get('name')}", each) for each in published]
    endpoint = "/" + str(document.get("endpoint")).strip("/").rpartition("/")[2]
    return Kind(str(document.get("name")), endpoint, base, extensions, tuple(attributes))


def _attributes(schema: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    listed = schema.get("attributes")
    return [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []


def read(resource: Mapping[str, Any], path: str) -> Any:
    """The value of a resource at a path (``a.b``, or an extension's URN before it); None where it has none.

    Names are compared without case. Of a multi-valued attribute, the list of what its elements have there.
    """
    urn, _, rest = path.rpartition(":")
    found: Any = _get(resource, urn) if urn else resource
    for name in rest.split("."):
        found = [_get(each, name) for each in found] if isinstance(found, list) else _get(found, name)
    return found


def _get(body: Any, name: str) -> Any:
    if not isinstance(body, Mapping):
        return None
    return next((value for key, value in body.items() if key.lower() == name.lower()), None)


def put(resource: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A resource with a value at a path: ``a.b``, or an extension's URN before it, which `schemas` then names."""
    urn, _, rest = path.rpartition(":")
    names = ([urn] if urn else []) + rest.split(".")
    result = dict(resource)
    if urn and urn not in result.get("schemas", ()):
        result["schemas"] = [*result.get("schemas", ()), urn]
    inner = result
    for name in names[:-1]:
        inner[name] = dict(inner.get(name) or {})
        inner = inner[name]
    inner[names[-1]] = value
    return result
