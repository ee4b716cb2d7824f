"""Entity tags: digests of what clients may see of a resource (RFC 7644 section 3.14).

PingOne and its like have no version of their own. A tag covers relations that belong to the resource (members), so
there is none where those were not loaded: one that does not change with them would be wrong.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import orjson

from scim_bridge.query.capabilities import Collection, Resource

SIZE: Final = 12
"""Bytes of a digest."""


def owned_relations(collection: Collection) -> tuple[str, ...]:
    """The relations that a tag covers."""
    return tuple(each.attribute for each in collection.relations if each.shown == "always")


def state_of(collection: Collection, resource: Resource) -> bytes:
    """The digest of a resource without its relations."""
    return digest(without_relations(collection, resource))


def without_relations(collection: Collection, resource: Resource) -> Resource:
    """A resource without its relations; itself where it shows none."""
    for each in collection.relations:
        if each.attribute in resource:
            resource = {name: value for name, value in resource.items() if name != each.attribute}
    return resource


def digest(state: Mapping[str, Any]) -> bytes:
    return _hash(orjson.dumps(state, option=orjson.OPT_SORT_KEYS))


def _hash(data: bytes) -> bytes:
    # Processors have instructions for SHA-256: two thirds of the time of BLAKE2.
    return sha256(data).digest()[:SIZE]


def version(collection: Collection, state: bytes, known: Mapping[str, Sequence[Mapping[str, Any]]]) -> str | None:
    """The weak tag of a resource in a state; ``known``: the elements of relations, as far as they are."""
    owned = owned_relations(collection)
    if any(name not in known for name in owned):
        return None
    if owned:
        values = {name: sorted(str(each["value"]) for each in known[name]) for name in owned}
        state = _hash(state + orjson.dumps(values))
    return tag_of(state)


def tag_of(digest: bytes) -> str:
    return f'W/"{digest.hex()}"'
