"""The engine over a vendor, as the program opens a connection, without its protocol layer."""

from collections.abc import Callable, Sequence
from typing import Any, Generic

import httpx
from scim2_models.path import FilterNode

from scim_bridge.clock import Clock
from scim_bridge.filters import parse
from scim_bridge.query.cache import QueryCache
from scim_bridge.query.capabilities import Resource
from scim_bridge.query.directory import Directory
from scim_bridge.query.plan import Query
from scim_bridge.query.provider import Provider
from scim_bridge.query.run import ReadLimits
from scim_bridge.simulation import Recorded
from scim_bridge.upstream.client import UpstreamClient
from tests.providers.program import S

NO_LIMITS = ReadLimits()


class Connected(Generic[S]):
    """The directories of a connection to a sandbox; ``calls`` are the requests that reached it since the last look."""

    def __init__(self, sandbox: S, directories: Sequence[Directory], told: Callable[[Recorded], str]) -> None:
        self.sandbox = sandbox
        self.directories = {each.collection.resource.name: each for each in directories}
        self.users, self.groups = self.directories["User"], self.directories["Group"]
        self._told = told

    def calls(self) -> list[str]:
        """Method and path of each request since the last look; the path of a list with its filter."""
        seen = [self._told(each) for each in self.sandbox.log.calls]
        self.sandbox.log.clear()
        return seen

    async def find(self, filter: str, kind: str = "users", **query: Any) -> list[Resource]:
        """All matches of a filter, whatever its pages; checks that the total agrees."""
        directory: Directory = getattr(self, kind)
        page = await directory.reader.search(Query(node(filter), count=query.pop("count", 100_000), **query))
        assert page.total == len(page.resources)
        return page.resources

    async def ids(self, filter: str, kind: str = "users") -> set[str]:
        return {each["id"] for each in await self.find(filter, kind)}


def node(filter: str) -> FilterNode | None:
    return parse(filter) if filter else None


async def opened(
    provider: Provider[Any],
    settings: Any,
    clock: Clock,
    transport: httpx.AsyncBaseTransport | None = None,
    limits: ReadLimits = NO_LIMITS,
    *,
    discovering: bool = True,
) -> tuple[list[Directory], UpstreamClient]:
    """A connection's directories, in the order of its collections, and the client to close."""
    endpoint = provider.endpoint(settings, clock)
    client = UpstreamClient(
        "acme",
        endpoint.base_url,
        auth=endpoint.auth,
        options=endpoint.options,
        classify=provider.classify,
        clock=clock,
        transport=transport,
    )
    try:
        found = await provider.discover(settings, client.send) if discovering else None
    except BaseException:
        await client.aclose()
        raise
    cache = QueryCache(clock, 300)
    return [
        Directory(each, client.send, cache, clock, limits) for each in provider.collections(settings, found)
    ], client
