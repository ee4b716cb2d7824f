"""A provider in front of its sandbox, as the contract suite drives it."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from scim_bridge.clock import Clock
from scim_bridge.config import settings
from scim_bridge.query.cache import QueryCache
from scim_bridge.query.capabilities import Row
from scim_bridge.query.directory import Directory
from scim_bridge.query.provider import Provider
from scim_bridge.query.run import ReadLimits
from scim_bridge.upstream.client import UpstreamClient

Related = Mapping[str, Mapping[str, frozenset[str]]]
ORIGIN: Final = "https://upstream.test"


@dataclass(frozen=True, slots=True)
class Simulated:
    """A sandbox with some people in it.

    - ``settings``: of a connection to it, given its origin (scheme://host).
    - ``raw``: the records of a resource type by id, read behind the API's back, in the form a look-up answers them.
    - ``related``: of each relation of a resource type the values an owner has, by relation and owner's id.
    """

    app: Any
    settings: Callable[[str], Mapping[str, Any]]
    raw: Callable[[str], Mapping[str, Row]]
    related: Callable[[str], Related] = lambda resource_type: {}


Answerer = Callable[[httpx.Request], httpx.Response | None]


@dataclass
class Wire(httpx.AsyncBaseTransport):
    """The way to the sandbox. ``calls`` are the requests that took it; what ``instead`` answers never gets there."""

    app: Any
    calls: list[httpx.Request] = field(default_factory=list)
    instead: Answerer = lambda request: None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request)
        answer = self.instead(request)
        if answer is not None:
            return answer
        return await httpx.ASGITransport(app=self.app).handle_async_request(request)

    def taken(self) -> list[httpx.Request]:
        """The requests since the last time."""
        calls = self.calls[:]
        self.calls.clear()
        return calls


@dataclass
class Connected:
    """A connection to a sandbox: its directories by resource type."""

    simulated: Simulated
    wire: Wire
    directories: Mapping[str, Directory]

    def resources(self, resource_type: str) -> dict[str, dict[str, Any]]:
        """What SCIM shows of a type's records, by id, each with its relations: decoded from what the sandbox holds."""
        collection = self.directories[resource_type].collection
        related = self.simulated.related(resource_type)
        found = {}
        for raw in self.simulated.raw(resource_type).values():
            if collection.visible(raw):
                resource = collection.decode(raw)
                own = {
                    name: [{"value": each} for each in sorted(owners.get(resource["id"], ()))]
                    for name, owners in related.items()
                }
                found[str(resource["id"])] = {**resource, **own}
        return found


@asynccontextmanager
async def connected(
    provider: Provider[Any], simulated: Simulated, clock: Clock, **changes: Any
) -> AsyncIterator[Connected]:
    """A connection as the program makes one, discovery done; ``changes`` are settings of its own."""
    made = settings(provider, {**simulated.settings(ORIGIN), **changes}, "contract", "connections.contract.settings")
    endpoint = provider.endpoint(made, clock)
    wire = Wire(simulated.app)
    client = UpstreamClient(
        "contract",
        endpoint.base_url,
        auth=endpoint.auth,
        options=endpoint.options,
        classify=provider.classify,
        clock=clock,
        transport=wire,
    )
    try:
        collections = provider.collections(made, await provider.discover(made, client.send))
        cache = QueryCache(clock, 300)
        found = {each.resource.name: Directory(each, client.send, cache, clock, ReadLimits()) for each in collections}
        wire.taken()
        yield Connected(simulated, wire, found)
    finally:
        await client.aclose()
