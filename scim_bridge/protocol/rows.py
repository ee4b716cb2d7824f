"""Resources on their way out: location, version and references added, the projection applied."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

import orjson

from scim_bridge.protocol.projection import Projection
from scim_bridge.query.capabilities import Collection, Relation, Resource
from scim_bridge.query.relations import Record, references


def version_of(collection: Collection, record: Record) -> str | None:
    """The weak entity tag of a resource: a hash of what clients may see of it (RFC 7644 section 3.14).

    It covers relations that belong to the resource (members); None where those were not loaded, as a tag that does not
    change with them would be wrong. PingOne and its like have no version of their own.
    """
    owned = [each.attribute for each in collection.relations if each.shown == "always"]
    if any(name not in record.known for name in owned):
        return None
    derived = {each.attribute for each in collection.relations}
    state = {name: value for name, value in record.resource.items() if name not in derived}
    state |= {name: sorted(str(each["value"]) for each in record.known[name]) for name in owned}
    digest = blake2b(orjson.dumps(state, option=orjson.OPT_SORT_KEYS), digest_size=12)
    return f'W/"{digest.hexdigest()}"'


@dataclass(frozen=True, slots=True)
class Publisher:
    """Makes the resources of one type presentable at a base URL (scheme, host and path up to ``/v2``)."""

    base_url: str
    collection: Collection

    def location(self, resource_id: str) -> str:
        return f"{self.base_url}{self.collection.resource.endpoint}/{quote(resource_id, safe='')}"

    def shown(self, record: Record, projection: Projection) -> Resource:
        """The resource as a client sees it."""
        resource = record.resource
        for relation in self.collection.relations:
            elements = record.known.get(relation.attribute)
            if elements and projection.shows(relation):
                resource = {**resource, relation.attribute: self._referenced(relation, elements)}
        if projection.wants("meta"):
            meta = {**resource.get("meta", {}), "location": self.location(record.id)}
            version = version_of(self.collection, record)
            if version is not None:
                meta["version"] = version
            resource = {**resource, "meta": meta}
        return projection.apply(resource)

    def _referenced(self, relation: Relation, elements: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Elements with `$ref`, the URI of what they refer to (S-21)."""
        found = []
        for each in elements:
            endpoint = references(relation, each)
            reference = (
                {} if endpoint is None else {"$ref": f"{self.base_url}{endpoint}/{quote(each['value'], safe='')}"}
            )
            found.append({**each, **reference})
        return found
