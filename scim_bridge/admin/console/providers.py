"""What providers can do: operations, access paths, and what of a filter or a sort the upstream carries out itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from scim_bridge import tables
from scim_bridge.admin.console.frame import Console, Visit
from scim_bridge.admin.console.overview import title_of
from scim_bridge.admin.service.desk import AdminError
from scim_bridge.query.capabilities import AccessPath, Collection
from scim_bridge.query.provider import Provider


@dataclass(frozen=True, slots=True)
class Read:
    """One upstream way to read: the request, how it pages, what it evaluates (attribute, operators, exactness) and
    yields in order."""

    request: str
    paging: str
    pushed: Sequence[tuple[str, str, str]]
    sorts: Sequence[str]


@dataclass(frozen=True, slots=True)
class Capability:
    """One resource type. ``relations``: attributes that live elsewhere, with the requests that load them."""

    endpoint: str
    name: str
    operations: Sequence[str]
    item: str
    reads: Sequence[Read]
    relations: Sequence[tuple[str, Sequence[str]]]


class ProviderPages:
    """The list of providers, one of them, and what a connection can do by what was discovered of it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.routes: list[Route] = [
            console.route("/console/providers", self._list),
            console.route("/console/providers/{provider}", self._one),
            console.route("/console/connections/{name}/capabilities", self._connection),
        ]

    async def _list(self, visit: Visit) -> Response:
        providers = [self._console.administration.desk.providers(name) for name in self._console.provider_names()]
        found = [(each, capabilities(tables.collections(each))) for each in providers]
        return visit.page("providers.html", section="providers", providers=found)

    async def _one(self, visit: Visit) -> Response:
        try:
            provider: Provider[Any] = self._console.administration.desk.providers(visit.param("provider"))
        except LookupError as error:
            raise AdminError(404, str(error.args[0]).capitalize()) from None
        return visit.page(
            "provider.html",
            section="providers",
            provider=provider,
            found=capabilities(tables.collections(provider)),
            settings=list(tables.settings_rows(provider.settings)),
        )

    async def _connection(self, visit: Visit) -> Response:
        name = visit.param("name")
        entry = await self._console.administration.desk.entry(name)
        if entry.connection is None:
            raise AdminError(409, f"The connection {name} does not serve now: its own page says why")
        opened = entry.connection.opened
        service = opened or entry.connection.offline()
        return visit.page(
            "capabilities.html",
            section="connections",
            name=name,
            title=title_of(self._console, entry.connection.config.provider.name),
            provider=entry.connection.config.provider.name,
            discovered=opened is not None,
            found=capabilities([each.collection for each in service.directories.values()]),
        )


def capabilities(collections: Sequence[Collection]) -> list[Capability]:
    """What can be done with resource types."""
    return [_capability(each) for each in collections]


def _capability(collection: Collection) -> Capability:
    relations = [
        (each.attribute, [request_of(read.access) for read in each.reads] or ["its own record"])
        for each in collection.relations
    ]
    return Capability(
        collection.resource.endpoint.strip("/"),
        collection.resource.name,
        tables.operations(collection),
        request_of(collection.item),
        [_read(each) for each in collection.reads],
        relations,
    )


def _read(access: AccessPath) -> Read:
    sorts = [f"{attribute} {order}" for attribute, order in access.sorts]
    return Read(request_of(access), tables.paging(access), tables.pushed(access), sorts)


def request_of(access: AccessPath) -> str:
    """The upstream request of an access path, with its variables in braces."""
    return f"{'GET' if access.body is None else 'POST'} {access.path}"
