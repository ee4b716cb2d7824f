"""What a SCIM server says of itself (RFC 7644 section 4), and what a look at its rows proves."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from scim_bridge.providers.scim.evidence import NOBODY_LOOKED, Announced, Evidence, gathered, opening
from scim_bridge.providers.scim.shape import listed
from scim_bridge.query.pages import Send
from scim_bridge.schemas import GROUP, USER, ResourceSchema, Schema, overridden
from scim_bridge.upstream.errors import BadAnswer, NotFound, UpstreamError

_log = logging.getLogger("scim_bridge.providers.scim")

DEFAULT_PAGE: Final = 100
"""Rows per page where the server does not announce `filter.maxResults`."""
MAX_PAGE: Final = 1000
_CORE: Final = {each.id: each for resource in (USER, GROUP) for each in resource.schemas}
_META_ENDPOINTS: Final = frozenset({"schemas", "resourcetypes", "serviceproviderconfig", "serviceproviderconfigs"})
_IDS: Final = ("members.value", "groups.value")


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A resource type as published, and what its rows were seen to be like."""

    resource: ResourceSchema
    evidence: Evidence = NOBODY_LOOKED


@dataclass(frozen=True, slots=True)
class Discovered:
    """What the declaration of a connection depends on; the defaults are a whole server that nobody looked at."""

    types: tuple[ResourceType, ...] = field(default=(ResourceType(USER), ResourceType(GROUP)))
    filters: bool = True
    patch: bool = True
    page: int = DEFAULT_PAGE

    @property
    def enough(self) -> bool:
        """Whether all types had rows to prove things on."""
        return all(each.evidence.enough for each in self.types)

    @property
    def complete(self) -> bool:
        """Whether nothing kept the server from being looked at."""
        return all(each.evidence.complete for each in self.types)


@dataclass(frozen=True, slots=True)
class Published:
    """The discovery documents. ``stated``: the resource types are the server's own word; ``page``: rows per page."""

    types: tuple[ResourceSchema, ...]
    stated: bool
    announced: Announced
    page: int


async def discovered(send: Send) -> Discovered:
    """Read the discovery documents and look at a few rows of each type."""
    read = await published(send)
    # All lists first, as nothing goes without them; what comes then may be too much for a server that limits requests.
    seen = [(each, await opening(send, each)) for each in read.types]
    found = [ResourceType(each, await gathered(first, each, read.announced)) for each, first in seen]
    if not read.stated:
        found = [each for each in found if each.evidence.listed]
    if not found:
        raise BadAnswer("", "has neither resource types nor lists of users or groups at its base URL")
    return Discovered(tuple(found), read.announced.filter, read.announced.patch, read.page)


async def published(send: Send) -> Published:
    """The discovery documents.

    One that is not there is made up for by the core schemas; an outage is raised as it is.
    """
    config, types, schemas = await _documents_read(send)
    announced = Announced(*(_supported(config or {}, each) for each in ("filter", "patch", "sort")))
    stated = config["filter"].get("maxResults") if config and announced.filter else None
    page = stated if isinstance(stated, int) and stated > 0 else DEFAULT_PAGE
    return Published(tuple(resource_types(types, schemas)), types is not None, announced, min(page, MAX_PAGE))


async def _documents_read(
    send: Send,
) -> tuple[Mapping[str, Any] | None, list[Mapping[str, Any]] | None, list[Mapping[str, Any]] | None]:
    """The three documents, None for one that the server does not have.

    An answer that is no document counts as none where none is there: a server without discovery may well send a page of
    its web framework. Where others are there, it is trouble.
    """
    found: list[Any] = []
    broken: list[UpstreamError] = []
    reads: tuple[tuple[Callable[[Send, str], Awaitable[Any]], str], ...] = (
        (_document, "/ServiceProviderConfig"),
        (_documents, "/ResourceTypes"),
        (_documents, "/Schemas"),
    )
    for read, path in reads:
        try:
            found.append(await read(send, path))
        except UpstreamError as error:
            if not isinstance(error, BadAnswer) and error.status != 500:
                raise
            broken.append(error)
            found.append(None)
    if broken and any(each is not None for each in found):
        raise broken[0]
    return found[0], found[1], found[2]


def _supported(config: Mapping[str, Any], feature: str) -> bool:
    stated = config.get(feature)
    return isinstance(stated, Mapping) and stated.get("supported") is True


async def _reply_body(send: Send, path: str, params: Mapping[str, str]) -> Any:
    """The body of a document; None where the server has none."""
    try:
        return (await send("GET", path, params=params)).body
    except UpstreamError as error:
        if isinstance(error, NotFound) or error.status == 501:
            return None
        raise


async def _document(send: Send, path: str) -> Mapping[str, Any] | None:
    body = await _reply_body(send, path, {})
    documents = _documents_of(body)
    body = documents[0] if documents else body
    if body is not None and not isinstance(body, Mapping):
        raise BadAnswer("", f"{path} did not answer a document")
    return body


async def _documents(send: Send, path: str) -> list[Mapping[str, Any]] | None:
    """All documents of a list, also where it comes in pages; None where the server has no such list."""
    found: dict[str, Mapping[str, Any]] = {}
    params: dict[str, str] = {}
    while True:
        body = await _reply_body(send, path, params)
        if body is None:
            return None
        page = {str(each.get("id") or each.get("name")): each for each in _documents_of(body)}
        total = body.get("totalResults") if isinstance(body, Mapping) else len(page)
        if not page.keys() - found.keys():
            raise BadAnswer("", f"{path} did not answer all that it states")
        found |= page
        if not isinstance(total, int) or total <= len(found):
            return list(found.values())
        params = {"startIndex": str(len(found) + 1)}


def _documents_of(body: Any) -> list[Mapping[str, Any]]:
    """The documents of a ListResponse or of a bare list; none of anything else."""
    if isinstance(body, Mapping):
        return listed(body)[1]
    return [each for each in body if isinstance(each, Mapping)] if isinstance(body, list) else []


def resource_types(
    types: list[Mapping[str, Any]] | None, schemas: list[Mapping[str, Any]] | None
) -> list[ResourceSchema]:
    """Resource types from their documents; the core schemas stand in for what is not published.

    Raises BadAnswer where no type is left.
    """
    published = [Schema.from_json(each) for each in schemas or () if each.get("id")]
    known = {urn.lower(): schema for urn, schema in _CORE.items()} | {each.id.lower(): each for each in published}
    described = types if types is not None else [each.resource_type_json() for each in (USER, GROUP)]
    found: dict[str, ResourceSchema] = {}
    for each in described:
        try:
            resource = ResourceSchema.from_discovery(each, known)
        except ValueError as error:
            _log.warning("a resource type was left out: %s", error)
            continue
        if resource.endpoint.strip("/").lower() not in _META_ENDPOINTS:
            found.setdefault(resource.endpoint, _effective(resource))
    if not found:
        raise BadAnswer("", "published no resource type that has an endpoint and a schema")
    return list(found.values())


def _effective(resource: ResourceSchema) -> ResourceSchema:
    """The schema as the bridge keeps it: what refers to an id compares as ids do, although RFC 7643 section 8.7.1
    publishes some of it otherwise."""
    paths = {path for path in _IDS if resource.resolve(path)}
    for schema in resource.schemas:
        prefix = "" if schema is resource.base else f"{schema.id}:"
        paths |= {f"{prefix}{each.name}.value" for each in schema.attributes if each.sub("$ref") and each.sub("value")}
    resource = overridden(resource, {path: {"case_exact": True} for path in paths})
    if resource.base.id == USER.base.id and resource.resolve("groups.$ref"):
        resource = overridden(resource, {"groups.$ref": {"reference_types": ("Group",)}})  # RFC 7643, erratum 8471
    return resource
