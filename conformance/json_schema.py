"""JSON Schema of SCIM resources, as /ResourceTypes and /Schemas publish them (RFC 7643 sections 6 and 7).

Answers promise `schemas` and `id` alone, as RFC 7644 lets a server leave out what is unassigned; but they may hold
nothing that is not published. Bodies a client sends need what is required, and may hold more.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]
Attributes = Sequence[Mapping[str, Any]]
MESSAGES: Final = "urn:ietf:params:scim:api:messages:2.0"
TEXT: Final[Json] = {"type": "string"}
NAMES: Final[Json] = {"type": "array", "items": TEXT}
_TYPES: Final[Mapping[str, Json]] = {
    "string": TEXT,
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer"},
    "decimal": {"type": "number"},
    "dateTime": {"type": "string", "format": "date-time"},
    "binary": {"type": "string", "contentEncoding": "base64"},
    "reference": {"type": "string", "format": "uri-reference"},
}


def ref(name: str) -> Json:
    """A reference to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def closed(properties: Json, required: Sequence[str] = ()) -> Json:
    """An object of these properties and no others."""
    shape: Json = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**shape, "required": list(required)} if required else shape


def message(name: str, properties: Json, required: Sequence[str] = ()) -> Json:
    """One of the protocol's messages (RFC 7644 section 8.2)."""
    return closed({"schemas": {"const": [f"{MESSAGES}:{name}"]}, **properties}, ["schemas", *required])


def list_response(item: Json) -> Json:
    """RFC 7644 section 3.4.2, with the cursors of RFC 9865: pages by cursor need not tell the total (its section 2)."""
    number = {"type": "integer", "minimum": 0}
    properties = {
        "totalResults": number,
        "itemsPerPage": number,
        "startIndex": {"type": "integer", "minimum": 1},
        "nextCursor": TEXT,
        "previousCursor": TEXT,
        "Resources": {"type": "array", "items": item},
    }
    return message("ListResponse", properties)


META: Final[Json] = closed(
    {
        "resourceType": TEXT,
        "created": _TYPES["dateTime"],
        "lastModified": _TYPES["dateTime"],
        "location": {"type": "string", "format": "uri"},
        "version": TEXT,
    }
)
ERROR: Final[Json] = {
    "type": "object",
    "properties": {
        "schemas": {"const": [f"{MESSAGES}:Error"]},
        "status": {"type": "string", "pattern": "^[1-5][0-9][0-9]$"},
        "scimType": TEXT,
        "detail": TEXT,
    },
    "required": ["schemas", "status"],
}
SEARCH_REQUEST: Final[Json] = message(
    "SearchRequest",
    {
        "attributes": NAMES,
        "excludedAttributes": NAMES,
        "filter": TEXT,
        "sortBy": TEXT,
        "sortOrder": {"type": "string", "enum": ["ascending", "descending"]},
        "startIndex": {"type": "integer"},
        "count": {"type": "integer"},
        "cursor": TEXT,
    },
)
BULK_REQUEST: Final[Json] = message(
    "BulkRequest",
    {
        "failOnErrors": {"type": "integer", "minimum": 1},
        "Operations": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "method": {"type": "string", "enum": ["POST", "PUT", "PATCH", "DELETE"]},
                    "bulkId": TEXT,
                    "version": TEXT,
                    "path": TEXT,
                    "data": {"type": "object"},
                },
                "required": ["method", "path"],
            },
        },
    },
    ["Operations"],
)
BULK_RESPONSE: Final[Json] = message(
    "BulkResponse",
    {"Operations": {"type": "array", "items": {"type": "object", "required": ["method", "status"]}}},
    ["Operations"],
)


@dataclass(frozen=True, slots=True)
class Side:
    """Which way JSON goes: ``sent`` by a client, who leaves out what is readOnly, or shown by the server."""

    sent: bool

    def keeps(self, attribute: Mapping[str, Any]) -> bool:
        if self.sent:
            return attribute.get("mutability") != "readOnly"
        return attribute.get("returned") != "never" and attribute.get("mutability") != "writeOnly"

    def object(self, attributes: Attributes) -> Json:
        """An object of these attributes; a client must send those that are required."""
        kept = [each for each in attributes if self.keeps(each)]
        required = [str(each["name"]) for each in kept if self.sent and each.get("required") is True]
        return closed({str(each["name"]): self.attribute(each) for each in kept}, required)

    def attribute(self, attribute: Mapping[str, Any]) -> Json:
        """One attribute. Canonical values bind a client; a server may have others (RFC 7643 section 7)."""
        kind = str(attribute.get("type"))
        one = self.object(named(attribute.get("subAttributes"))) if kind == "complex" else dict(_TYPES.get(kind, {}))
        if self.sent and attribute.get("canonicalValues") and kind != "complex":
            one["enum"] = list(attribute["canonicalValues"])
        if isinstance(attribute.get("description"), str):
            one["description"] = attribute["description"]
        return {"type": "array", "items": one} if attribute.get("multiValued") is True else one


SENT: Final = Side(sent=True)
SHOWN: Final = Side(sent=False)


def named(listed: Any) -> Attributes:
    """The attributes of a list that are any."""
    return [each for each in listed or () if isinstance(each, Mapping) and each.get("name")]


class Shapes:
    """The shapes of one resource type, by component name."""

    def __init__(self, document: Mapping[str, Any], schemas: Mapping[str, Mapping[str, Any]]) -> None:
        """``schemas``: those of /Schemas, by their id in lower case."""
        self.name = str(document.get("name"))
        listed = [each for each in document.get("schemaExtensions") or () if isinstance(each, Mapping)]
        self._needed = [str(each.get("schema")) for each in listed if each.get("required") is True]
        urns = [str(document.get("schema")), *(str(each.get("schema")) for each in listed)]
        found = {urn: named(schemas.get(urn.lower(), {}).get("attributes")) for urn in urns}
        self._urns = urns
        self.base, self._extensions = found[urns[0]], {urn: found[urn] for urn in urns[1:]}

    @property
    def is_written(self) -> bool:
        """Whether its schema leaves a client anything to write."""
        return any(SENT.keeps(each) for each in self.base)

    def texts(self) -> Iterator[str]:
        """The single texts of the base schema, which filters and sorts can name."""
        for each in self.base:
            if each.get("type") == "string" and not each.get("multiValued") and each.get("returned") != "never":
                yield str(each["name"])

    def components(self) -> Json:
        """As shown, in a list, as sent, and as a PATCH."""
        return {
            self.name: self._shown(),
            f"{self.name}ListResponse": list_response(ref(self.name)),
            f"{self.name}Write": self._sent(),
            f"{self.name}Patch": self._patch(),
        }

    def _shown(self) -> Json:
        common = {"id": {"type": "string", "minLength": 1}, "externalId": TEXT, "meta": META}
        return self._whole(SHOWN, common, ["schemas", "id"])

    def _sent(self) -> Json:
        shape = self._whole(SENT, {"externalId": TEXT}, ["schemas", *self._needed])
        return {**shape, "additionalProperties": True}

    def _whole(self, side: Side, common: Json, required: Sequence[str]) -> Json:
        own = side.object(self.base)
        urns = {"type": "array", "items": {"type": "string", "enum": self._urns}, "minItems": 1}
        extensions = {urn: side.object(attributes) for urn, attributes in self._extensions.items()}
        properties = {"schemas": urns, **common, **own["properties"], **extensions}
        return closed(properties, [*required, *own.get("required", ())])

    def _patch(self) -> Json:
        """RFC 7644 section 3.5.2: operations on what there is to write, or any others."""
        path: Json = {"anyOf": [{"type": "string", "enum": [str(each["name"]) for each in self.base]}, TEXT]}
        free = {
            "type": "object",
            "properties": {"op": {"type": "string", "enum": ["add", "remove", "replace"]}, "path": path, "value": {}},
            "required": ["op"],
        }
        return message(
            "PatchOp",
            {"Operations": {"type": "array", "items": {"anyOf": [*self._operations(), free]}, "minItems": 1}},
            ["Operations"],
        )

    def _operations(self) -> Iterable[Json]:
        for each in filter(SENT.keeps, self.base):
            properties = {
                "op": {"type": "string", "enum": ["add", "replace"]},
                "path": {"const": str(each["name"])},
                "value": SENT.attribute(each),
            }
            yield closed(properties, ["op", "path", "value"])
