"""Discovery (RFC 7643 sections 5 to 7, RFC 7644 section 4): what this connection can really do, and nothing more."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from scim_bridge.protocol.bulk import MAX_OPERATIONS, MAX_PAYLOAD_BYTES
from scim_bridge.protocol.errors import ScimError
from scim_bridge.protocol.search import LIST_RESPONSE, Paging
from scim_bridge.query.capabilities import Collection
from scim_bridge.schemas import ResourceSchema, Schema, SchemaAttribute

SERVICE_PROVIDER_CONFIG: Final = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
_BEARER: Final = {
    "type": "oauthbearertoken",
    "name": "Bearer token",
    "description": "The token of this connection in the Authorization header",
    "specUri": "https://www.rfc-editor.org/info/rfc6750",
    "primary": True,
}
_BASIC: Final = {
    "type": "httpbasic",
    "name": "HTTP Basic",
    "description": "The connection's name as the user name, its token as the password",
    "specUri": "https://www.rfc-editor.org/info/rfc7617",
}


class Discovery:
    """The three discovery endpoints of one connection."""

    def __init__(self, collections: Sequence[Collection], paging: Paging, *, writable: bool) -> None:
        self._writable = writable and any(_is_written(each) for each in collections)
        self._updates = writable and any(_is_updated(each) for each in collections)
        self._passwords = self._updates and any(_has_password(each.resource) for each in collections)
        self._paging = paging
        self._types = [_effective(each, writable=writable) for each in collections]

    def service_provider_config(self, base_url: str) -> dict[str, Any]:
        """The features, truthfully; a read-only connection offers none of those that write."""
        return {
            "schemas": [SERVICE_PROVIDER_CONFIG],
            "patch": {"supported": self._updates},
            "bulk": {
                "supported": self._writable,
                "maxOperations": MAX_OPERATIONS if self._writable else 0,
                "maxPayloadSize": MAX_PAYLOAD_BYTES if self._writable else 0,
            },
            "filter": {"supported": True, "maxResults": self._paging.max_count},
            "changePassword": {"supported": self._passwords},
            "sort": {"supported": True},
            "etag": {"supported": self._writable},
            "authenticationSchemes": [_BEARER, _BASIC],
            "pagination": {
                "cursor": True,
                "index": True,
                "defaultPaginationMethod": "index",
                "defaultPageSize": self._paging.default_count,
                "maxPageSize": self._paging.max_count,
                "cursorTimeout": self._paging.cursor_seconds,
            },
            "meta": _meta("ServiceProviderConfig", f"{base_url}/ServiceProviderConfig"),
        }

    def resource_types(self, base_url: str) -> list[dict[str, Any]]:
        return [
            {**each.resource_type_json(), "meta": _meta("ResourceType", f"{base_url}/ResourceTypes/{each.name}")}
            for each in self._types
        ]

    def schemas(self, base_url: str) -> list[dict[str, Any]]:
        """Each schema once, as the first resource type that has it holds it."""
        found: dict[str, Schema] = {}
        for each in self._types:
            for schema in each.schemas:
                found.setdefault(schema.id, schema)
        return [{**each.to_json(), "meta": _meta("Schema", f"{base_url}/Schemas/{each.id}")} for each in found.values()]

    def listed(self, documents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """All of them on one page, whatever paging was asked for (RFC 7644 section 4)."""
        return {
            "schemas": [LIST_RESPONSE],
            "totalResults": len(documents),
            "itemsPerPage": len(documents),
            "startIndex": 1,
            "Resources": documents,
        }

    def one(self, documents: Sequence[Mapping[str, Any]], wanted: str) -> Mapping[str, Any]:
        """The document with an id. Raises ScimError 404."""
        found = next((each for each in documents if str(each["id"]).lower() == wanted.lower()), None)
        if found is None:
            raise ScimError(404, f"There is no {wanted!r} here")
        return found


def _meta(resource_type: str, location: str) -> dict[str, str]:
    return {"resourceType": resource_type, "location": location}


def _is_written(collection: Collection) -> bool:
    writes = collection.writes
    return bool(writes.create or writes.update or writes.delete or writes.members)


def _is_updated(collection: Collection) -> bool:
    return bool(collection.writes.update or collection.writes.members)


def _has_password(schema: ResourceSchema) -> bool:
    password = schema.base.attribute("password")
    return password is not None and password.mutability != "readOnly"


def _effective(collection: Collection, *, writable: bool) -> ResourceSchema:
    """The resource type as this connection offers it: what nothing can write is readOnly."""
    schema = collection.resource
    if writable and _is_written(collection):
        return schema
    extensions = tuple(replace(each, schema=_read_only(each.schema)) for each in schema.extensions)
    return replace(schema, base=_read_only(schema.base), extensions=extensions)


def _read_only(schema: Schema) -> Schema:
    return replace(schema, attributes=tuple(map(_read_only_attribute, schema.attributes)))


def _read_only_attribute(attribute: SchemaAttribute) -> SchemaAttribute:
    subs = tuple(map(_read_only_attribute, attribute.sub_attributes))
    return replace(attribute, mutability="readOnly", sub_attributes=subs)
