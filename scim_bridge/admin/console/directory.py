"""The directory of a connection: lists by filter, and one resource beside the record that its upstream has."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote, urlencode

import orjson
from starlette.responses import Response
from starlette.routing import Route

from scim_bridge.admin.console import shown
from scim_bridge.admin.console.frame import Console, Visit, path
from scim_bridge.admin.console.listing import Listing, listed, types
from scim_bridge.admin.console.providers import request_of
from scim_bridge.admin.console.reading import Look, look
from scim_bridge.protocol.errors import ScimError, scim_error
from scim_bridge.protocol.requests import Search
from scim_bridge.protocol.service import ScimService
from scim_bridge.query.capabilities import Relation, Row
from scim_bridge.query.directory import Directory
from scim_bridge.schemas import ResourceSchema

SIZES: Final = (25, 50, 100)
_FILTER_TYPES: Final = ("invalidFilter", "invalidPath")
_MEMBERS: Final = "members"
"""May be very many, so where clients have to ask for them, so has the page."""


@dataclass(frozen=True, slots=True)
class Found:
    """A resource, and the upstream record that it is made of, or why that is not to be had; ``item``: its look-up."""

    schema: ResourceSchema
    resource: Mapping[str, Any]
    relations: tuple[str, ...]
    left: tuple[str, ...]
    item: str
    row: Row | None
    problem: str


class DirectoryPages:
    """Lists and single resources."""

    def __init__(self, console: Console) -> None:
        one = "/console/connections/{name}/directory"
        self.routes: list[Route] = [
            console.route(one, self._first),
            console.route(f"{one}/{{endpoint}}", self._list),
            console.route(f"{one}/{{endpoint}}/{{id:path}}", self._one),
        ]

    async def _first(self, visit: Visit) -> Response:
        """On to the first resource type; nobody is looked at yet."""
        found = await look(visit)
        service = found.connection.opened
        endpoint = types(service)[0][0] if service is not None else "Users"
        return visit.to("connections", found.name, "directory", endpoint)

    # -- lists --------------------------------------------------------------------------------------------------------

    async def _list(self, visit: Visit) -> Response:
        found, endpoint = await look(visit), visit.param("endpoint")
        search, listing = _search(visit), Listing()
        found.details = _told(search)
        await found.at(lambda service: listed(found, service, endpoint, search, listing))
        return visit.page(
            "directory.html",
            status=found.failure.status if found.failure else 200,
            section="connections",
            name=found.name,
            endpoint=endpoint,
            listing=listing,
            search=search,
            sorts=[(each, each) for each in listing.sorts],
            counts=[(str(each), f"{each} rows") for each in SIZES],
            look=found,
            **_faults(found.failure),
            **_paging(visit, found.name, endpoint, search, listing),
        )

    # -- one resource -------------------------------------------------------------------------------------------------

    async def _one(self, visit: Visit) -> Response:
        found, endpoint = await look(visit), visit.param("endpoint")
        found.resource_id = visit.param("id")
        whole = visit.asked("with") == _MEMBERS
        resource = await found.at(lambda service: _read(found, service, endpoint, whole))
        context: dict[str, Any] = {"name": found.name, "endpoint": endpoint, "id": found.resource_id, "look": found}
        if resource is None:
            assert found.failure is not None
            return visit.page("unread.html", status=found.failure.status, section="connections", **context)
        base_url = visit.base_url(found.name)
        target = _target(visit, found.name, base_url)
        own = quote(found.resource_id, safe="")
        return visit.page(
            "resource.html",
            section="connections",
            found=resource,
            title=_title(resource.resource),
            attributes=shown.parts(resource.resource, resource.schema, resource.relations),
            related=shown.related(resource.resource, resource.relations, target),
            target=target,
            scim=shown.as_json(resource.resource),
            raw=shown.as_json(resource.row) if resource.row is not None else None,
            url=f"{base_url}/{endpoint}/{own}",
            item=resource.item,
            most=shown.MOST_ELEMENTS,
            **context,
        )


def _search(visit: Visit) -> Search:
    size = visit.asked("count", str(SIZES[0]))
    start = visit.asked("startIndex", "1")
    return Search(
        filter=visit.asked("filter").strip() or None,
        sort_by=visit.asked("sortBy") or None,
        descending=visit.asked("sortOrder") == "descending",
        start_index=max(1, int(start)) if start.isdecimal() and len(start) < 16 else 1,
        count=int(size) if size in map(str, SIZES) else SIZES[0],
    )


def _told(search: Search) -> dict[str, Any]:
    """What the audit log is told of a search."""
    order = "descending" if search.descending else "ascending"
    told = {
        "filter": search.filter,
        "sortBy": search.sort_by,
        "sortOrder": order if search.sort_by else None,
        "startIndex": search.start_index,
        "count": search.count,
    }
    return {name: value for name, value in told.items() if value is not None}


def _faults(failure: ScimError | None) -> dict[str, Any]:
    """What was wrong, at the field that it is about, or of all."""
    faults = {"filter_error": "", "problem": ""}
    if failure is not None:
        faults["filter_error" if failure.scim_type in _FILTER_TYPES else "problem"] = failure.detail
    return faults


def _paging(visit: Visit, name: str, endpoint: str, search: Search, listing: Listing) -> dict[str, Any]:
    """The addresses of the pages before and after."""
    last = search.start_index + len(listing.rows) - 1
    here = f"{visit.root}{path('connections', name, 'directory', endpoint)}"
    size = search.count or SIZES[0]

    def at(start: int) -> str:
        asked = {key: value for key, value in _told(search).items() if key != "startIndex"}
        return f"{here}?{urlencode({**asked, 'startIndex': start})}"

    newer = at(max(1, search.start_index - size)) if search.start_index > 1 else None
    return {"here": here, "before": newer, "after": at(last + 1) if listing.rows and last < listing.total else None}


async def _read(look: Look, service: ScimService, endpoint: str, whole: bool) -> Found:
    """A resource as a client is answered, and the upstream's own record, both asked for at the same time."""
    directory = service.directory(endpoint)
    schema = look.schema = directory.collection.resource
    left = tuple(each.attribute for each in directory.collection.relations if _is_left(each) and not whole)
    names = [each.name for each in schema.base.attributes if each.returned != "never" and each.name not in left]
    asked = ",".join(["externalId", "meta", *names, *(each.schema.id for each in schema.extensions)])
    request = look.request(f"{schema.endpoint}/{quote(look.resource_id, safe='')}", attributes=asked)
    answer, record = await asyncio.gather(service.handle(request), _record(look, directory), return_exceptions=True)
    if isinstance(answer, BaseException):
        raise answer
    assert not isinstance(record, BaseException)  # it tells what goes wrong
    body = answer.body if isinstance(answer.body, Mapping) else orjson.loads(answer.body or b"{}")
    relations = tuple(each.attribute for each in directory.collection.relations if each.attribute not in left)
    return Found(schema, body, relations, left, request_of(directory.collection.item), *record)


def _is_left(relation: Relation) -> bool:
    return relation.attribute == _MEMBERS and relation.shown == "request"


async def _record(look: Look, directory: Directory) -> tuple[Row | None, str]:
    """The upstream's record, or why there is none: that alone keeps nobody from seeing the resource."""
    try:
        found = await directory.reader.found(look.resource_id)
    except Exception as error:
        return None, scim_error(error, look.visit.request_id, look.name).detail
    return (found[0], "") if found is not None else (None, "The upstream finds no record with this id.")


def _title(resource: Mapping[str, Any]) -> str:
    for name in ("displayName", "userName"):
        if isinstance(resource.get(name), str) and resource[name]:
            return str(resource[name])
    return str(resource.get("id", ""))


def _target(visit: Visit, name: str, base_url: str) -> Callable[[str], str]:
    """The page of what a ``$ref`` leads to; "" where that is none of this connection's resources."""

    def target(reference: str) -> str:
        if not reference.startswith(f"{base_url}/"):
            return ""
        endpoint, _, resource_id = reference.removeprefix(f"{base_url}/").partition("/")
        return f"{visit.root}{path('connections', name, 'directory', endpoint, unquote(resource_id))}"

    return target
