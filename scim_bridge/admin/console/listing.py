"""A page of a directory: what is searched, how that is carried out, and the columns that are shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scim_bridge.admin.console.reading import Look
from scim_bridge.admin.console.shown import Cell, cell
from scim_bridge.filters import InvalidPath, sortable
from scim_bridge.protocol.projection import projection
from scim_bridge.protocol.requests import Search
from scim_bridge.protocol.service import ScimService
from scim_bridge.query.directory import Directory
from scim_bridge.query.explain import Explanation, explain
from scim_bridge.schemas import AttributePath, ResourceSchema, SchemaAttribute
from scim_bridge.upstream.errors import BadAnswer, NotFound

MOST: Final = 5
_FIRST: Final = ("userName", "displayName", "emails", "active", "title", "type", "description")
"""What is looked for first in a list; the rest is filled up with what the schema has."""
_LAST: Final = ("meta.lastModified", "meta.created")
"""The time that stands last, where a resource type has none of its own, as a log has."""


@dataclass(slots=True)
class Listing:
    """A page of resources of one type; ``rows``: the id and the cells of each. ``plan``: how it is found out, None
    where nobody knows. ``age_seconds``: of the mirror, where that answers, whatever the plan says."""

    types: Sequence[tuple[str, str]] = ()
    schema: ResourceSchema | None = None
    columns: Sequence[str] = ()
    sorts: Sequence[str] = ()
    rows: Sequence[tuple[str, Sequence[Cell]]] = ()
    total: int = 0
    plan: Explanation | None = None
    age_seconds: int | None = None


async def listed(look: Look, service: ScimService, endpoint: str, search: Search, into: Listing) -> None:
    """Fill in a page of a resource type, as far as that goes. Raises as the service does."""
    into.types = types(service)
    directory = service.directory(endpoint)
    schema = into.schema = look.schema = directory.collection.resource
    columns = columns_of(schema)
    into.columns, into.sorts = [each.canonical for each in columns], sorts_of(schema)
    search = Search(
        attributes=tuple(each.canonical for each in columns),
        filter=search.filter,
        sort_by=search.sort_by,
        descending=search.descending,
        start_index=search.start_index,
        count=search.count,
    )
    into.plan = _plan(service, directory, search)
    body = await _found(look, service, directory, search, into)
    into.total = body["totalResults"]
    into.rows = [
        (each["id"], [cell(column.read(each), column.target) for column in columns]) for each in body["Resources"]
    ]


def _plan(service: ScimService, directory: Directory, search: Search) -> Explanation:
    shown = projection(directory.collection.resource, search.attributes, None)
    return explain(directory.reader.planner, service.searcher.query(directory, search, shown))


async def _found(
    look: Look, service: ScimService, directory: Directory, search: Search, into: Listing
) -> Mapping[str, Any]:
    """The ListResponse. By the searcher itself: to the service, a client's habits may turn indexes into others."""
    source = await directory.source()
    if directory.copy is not None and source is directory.copy:
        into.age_seconds = await directory.copy.age_seconds()
    request = look.request(directory.collection.resource.endpoint)
    try:
        body, _ = await service.searcher.one_type(directory, source, search, request)
    except NotFound as error:
        raise BadAnswer(error.upstream, error.detail, status=error.status) from None
    assert isinstance(body, Mapping)  # columns are asked for by name, so no document is passed through
    return body


def types(service: ScimService) -> list[tuple[str, str]]:
    """Endpoint and name of each resource type."""
    found = (each.collection.resource for each in service.directories.values())
    return [(each.endpoint.strip("/"), each.name) for each in found]


def columns_of(schema: ResourceSchema) -> list[AttributePath]:
    """The attributes that lists show of a resource type."""
    plain = [each.name for each in schema.base.attributes if not each.multi_valued and each.type == "string"]
    names = [*(each for each in _FIRST if schema.base.attribute(each.partition(".")[0])), *plain]
    found = [each for name in dict.fromkeys(names) if (each := schema.resolve(name)) and _is_shown(each)]
    times = [each.name for each in schema.base.attributes if each.type == "dateTime" and not each.multi_valued]
    last = [each for name in (*times, *_LAST) if (each := schema.resolve(name))]
    return [*found[: MOST - 1], *last[:1]]


def _is_shown(path: AttributePath) -> bool:
    hidden = ("never", "request")
    return path.attribute.returned not in hidden and path.target.returned not in hidden


def sorts_of(schema: ResourceSchema) -> list[str]:
    """The attributes that lists can be sorted by here: those with one value, of the base schema."""
    names = ["id", "meta.created", "meta.lastModified"]
    for each in schema.base.attributes:
        names += [each.name] if not each.sub_attributes else [f"{each.name}.{sub.name}" for sub in _single(each)]
    return [name for name in names if _sorts(name, schema)]


def _single(attribute: SchemaAttribute) -> list[SchemaAttribute]:
    subs = [] if attribute.multi_valued else attribute.sub_attributes
    return [each for each in subs if not each.name.startswith("$")]


def _sorts(name: str, schema: ResourceSchema) -> bool:
    try:
        found = sortable(name, schema)
    except InvalidPath:
        return False
    return not found.attribute.multi_valued
