"""Resources on their way out: location, version and references added, the projection applied."""

from binascii import hexlify
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from secrets import token_hex
from typing import Any, Final
from urllib.parse import quote

import orjson

from scim_bridge.protocol.projection import Projection, projection
from scim_bridge.query.capabilities import Collection, Relation, Resource
from scim_bridge.query.relations import Record, references
from scim_bridge.query.sources import BASE_MARK, Document
from scim_bridge.query.version import owned_relations, state_of, version
from scim_bridge.schemas import COMMON, AttributePath, ResourceSchema

Names = tuple[str, ...] | None
_STAND_IN: Final = f"base-{token_hex(16)}"
"""What no value holds, as nobody knows it."""
_STAND_IN_BYTES: Final = _STAND_IN.encode()
MAX_PROJECTIONS: Final = 256
"""Compiled projections that are kept for a resource type; clients choose them, so there is a limit."""


def version_of(collection: Collection, record: Record) -> str | None:
    """The weak entity tag of a resource; None where a relation that it covers was not loaded."""
    if record.state is None:
        record.state = state_of(collection, record.resource)
    return version(collection, record.state, record.known)


class Publisher:
    """Makes the resources of one type presentable at a base URL (scheme, host and path up to ``/v2``)."""

    def __init__(self, collection: Collection, endpoints: Mapping[str, str]) -> None:
        """``endpoints``: those of the resource types by name, which references may lead to."""
        self._collection = collection
        self._projections: dict[tuple[Names, Names], Projection] = {}
        self._references = _references(collection.resource, endpoints)
        self._reference_keys = [(path.keys, endpoint) for path, endpoint in self._references]
        self.made_up = frozenset(
            {"meta.location", "meta.version"}
            | {f"{each.attribute}.$ref" for each in collection.relations}
            | {f"{path.canonical}.$ref" for path, _ in self._references}
        )
        """Canonical paths of what answers alone hold: no row can be searched or sorted by them."""

    def projection(self, attributes: Names, excluded: Names) -> Projection:
        """What a client asks to see, compiled once for the many who ask for the same."""
        if attributes is None and excluded is None:
            return self.default
        found = self._projections.get((attributes, excluded))
        if found is None:
            found = projection(self._collection.resource, attributes, excluded)
            if len(self._projections) < MAX_PROJECTIONS:
                self._projections[attributes, excluded] = found
        return found

    @cached_property
    def _whole(self) -> Projection:
        """Everything that a client may ask to see, relations aside."""
        schema = self._collection.resource
        own = [("", each) for each in (*COMMON, *schema.base.attributes)]
        extended = [(f"{each.schema.id}:", one) for each in schema.extensions for one in each.schema.attributes]
        names = [(f"{prefix}{each.name}", each.sub_attributes) for prefix, each in (*own, *extended)]
        subs = [f"{name}.{each.name}" for name, found in names for each in found]
        return projection(schema, [*(name for name, _ in names), *subs], None)

    def is_default(self, shown: Projection) -> bool:
        """Whether stored documents are what a projection shows: the default, and no relation."""
        return self._default_is_plain if shown is self.default else shown.is_default(self._collection)

    @cached_property
    def default(self) -> Projection:
        """What is shown to those who ask for nothing in particular."""
        return projection(self._collection.resource, None, None)

    def relations(self, shown: Projection) -> frozenset[str]:
        """The relations that have to be loaded to show a resource."""
        return self._default_relations if shown is self.default else shown.relations(self._collection)

    @cached_property
    def _default_relations(self) -> frozenset[str]:
        return self.default.relations(self._collection)

    @cached_property
    def _default_is_plain(self) -> bool:
        return self.default.is_default(self._collection)

    def documents(self, resource: Resource, state: bytes) -> tuple[bytes, bytes | None]:
        """A resource without its relations as a document to be kept, and the whole one where that shows less.

        The base URL in both is the byte BASE_MARK. One byte is replaced five times as fast as a longer mark.
        """
        record = Record(resource, {}, state=state)
        default = _marked(self.shown(_STAND_IN, record, self.default))
        whole = _marked(self.shown(_STAND_IN, record, self._whole)) if self.hides_some else default
        return default, whole if len(whole) != len(default) else None

    def plain(self, resource: Resource, state: bytes) -> tuple[bytes, bytes] | None:
        """The document of a resource of which all is shown by default: the JSON of all but `meta`, and what that ends
        with instead of the last brace. None where what is added to a resource is not simply shown."""
        if not self._adds_simply:
            return None
        shown = dict(resource)
        meta = orjson.dumps(shown.pop("meta"))
        for keys, endpoint in self._reference_keys:
            _refer(shown, keys, endpoint)
        location = _marked_uri(self._collection.resource.endpoint, resource["id"])
        tag = b'"}}' if self._owned else b"".join((b'","version":"W/\\"', hexlify(state), b'\\""}}'))
        return orjson.dumps(shown), b"".join((b',"meta":', meta[:-1], b',"location":"', location, tag))

    @cached_property
    def _adds_simply(self) -> bool:
        """Whether what is added to a resource is shown by default, and nothing of it is to be escaped in JSON."""
        meta = {"meta": dict.fromkeys(("resourceType", "created", "lastModified", "location", "version"), "")}
        endpoints = [self._collection.resource.endpoint, *(each for _, each in self._reference_keys)]
        return self.default.apply(meta) == meta and all(_in_json(each) == each.encode() for each in endpoints)

    @cached_property
    def _owned(self) -> tuple[str, ...]:
        return owned_relations(self._collection)

    @cached_property
    def hides_some(self) -> bool:
        """Whether an attribute is returned on request only."""
        schema = self._collection.resource
        attributes = [one for each in schema.schemas for one in each.attributes]
        return any("request" in (each.returned, *(sub.returned for sub in each.sub_attributes)) for each in attributes)

    def stitched(self, base_url: str, document: Document) -> bytes:
        """A stored document as a client sees it, with its relations."""
        body = based(document.body, base_url)
        for relation in self._collection.relations:
            if elements := document.related.get(relation.attribute):
                shown = orjson.dumps(_referenced(base_url, relation, elements))
                body = b'%b,"%b":%b}' % (body[:-1], relation.attribute.encode(), shown)
        return body

    def location(self, base_url: str, resource_id: str) -> str:
        return _uri(base_url, self._collection.resource.endpoint, resource_id)

    def shown(self, base_url: str, record: Record, projection: Projection) -> Resource:
        """The resource as a client sees it."""
        resource = record.resource
        for relation in self._collection.relations:
            elements = record.known.get(relation.attribute, record.brought.get(relation.attribute))
            if elements and projection.shows(relation):
                resource = {**resource, relation.attribute: _referenced(base_url, relation, elements)}
        for keys, endpoint in self._reference_keys:
            value: Any = resource
            for key in keys:
                value = value.get(key) if isinstance(value, dict) else None
            if isinstance(value, dict) and isinstance(value.get("value"), str):
                resource = _with(resource, keys, {**value, "$ref": _uri(base_url, endpoint, value["value"])})
        if projection.wants("meta"):
            meta = {**resource.get("meta", {}), "location": self.location(base_url, record.id)}
            version = version_of(self._collection, record)
            if version is not None:
                meta["version"] = version
            resource = {**resource, "meta": meta}
        return projection.apply(resource)


def based(document: bytes, base_url: str) -> bytes:
    """Stored documents with the base URL in them."""
    return document.replace(BASE_MARK, _in_json(base_url))


@lru_cache(maxsize=64)
def _in_json(text: str) -> bytes:
    return orjson.dumps(text)[1:-1]


def _marked(resource: Resource) -> bytes:
    return orjson.dumps(resource).replace(_STAND_IN_BYTES, BASE_MARK)


def _references(schema: ResourceSchema, endpoints: Mapping[str, str]) -> list[tuple[AttributePath, str]]:
    """The single references to other resources (manager), and the endpoint each leads to."""
    parts = [(None, schema.base), *((each.schema.id, each.schema) for each in schema.extensions)]
    found = []
    for urn, part in parts:
        for attribute in part.attributes:
            reference = attribute.sub("$ref") if attribute.sub("value") and not attribute.multi_valued else None
            named = [endpoints[name] for name in reference.reference_types if name in endpoints] if reference else []
            if named:
                found.append((AttributePath(urn, attribute), named[0]))
    return found


def _referenced(base_url: str, relation: Relation, elements: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Elements with `$ref`, the URI of what they refer to (S-21)."""
    found = []
    for each in elements:
        endpoint = references(relation, each)
        reference = {} if endpoint is None else {"$ref": _uri(base_url, endpoint, each["value"])}
        found.append({**each, **reference})
    return found


def _refer(resource: Resource, keys: tuple[str, ...], endpoint: str) -> None:
    """Add `$ref` with BASE_MARK to the reference at the end of some keys; objects within the resource are copied."""
    value: Any = resource
    for key in keys:
        value = value.get(key)
        if value is None:
            return
    if (referred := value.get("value")) is not None:
        *parents, last = keys
        for key in parents:
            resource[key] = resource = {**resource[key]}
        # BASE_MARK is no character that JSON has as it is.
        resource[last] = {**value, "$ref": orjson.Fragment(b'"%b"' % _marked_uri(endpoint, referred))}


def _uri(base_url: str, endpoint: str, resource_id: str) -> str:
    # To look at nearly all ids is quicker than to encode them (RFC 3986 section 2.3).
    if not (resource_id.isascii() and resource_id.replace("-", "").isalnum()):
        resource_id = quote(resource_id, safe="")
    return f"{base_url}{endpoint}/{resource_id}"


def _marked_uri(endpoint: str, resource_id: str) -> bytes:
    return BASE_MARK + _uri("", endpoint, resource_id).encode()


def _with(resource: Resource, keys: tuple[str, ...], value: Any) -> Resource:
    """A copy of a resource with a value at the end of its keys."""
    head, *rest = keys
    return {**resource, head: _with(resource[head], tuple(rest), value) if rest else value}
