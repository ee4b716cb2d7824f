"""A provider in front of its sandbox, as the contract suite drives it."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import orjson
from scim2_server.cursor import Cursors

from scim_bridge.config import settings
from scim_bridge.config_tables import Table
from scim_bridge.protocol.errors import scim_error
from scim_bridge.protocol.profiles import PROFILES
from scim_bridge.protocol.requests import ScimRequest, ScimResponse
from scim_bridge.protocol.search import Paging
from scim_bridge.protocol.service import ScimService
from scim_bridge.query.cache import QueryCache
from scim_bridge.query.capabilities import Row
from scim_bridge.query.directory import Directory
from scim_bridge.query.provider import Provider
from scim_bridge.query.run import ReadLimits
from scim_bridge.settings import settings_of
from scim_bridge.testing.clock import FakeClock
from scim_bridge.upstream.client import UpstreamClient
from scim_bridge.upstream.redact import Secret

Related = Mapping[str, Mapping[str, frozenset[str]]]
ORIGIN: Final = "https://upstream.test"
BASE_URL: Final = "https://bridge.test/scim/contract/v2"
REQUEST_ID: Final = "r-4711"
CONNECTION: Final = "contract"
LIMITS: Final = ReadLimits(5_000)


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
Deformer = Callable[[httpx.Request, Any], Any]


def untouched(request: httpx.Request, body: Any = None) -> None:
    return None


@dataclass
class Wire(httpx.AsyncBaseTransport):
    """The way to the sandbox. ``calls`` are the requests that took it; what ``instead`` answers never gets there.

    ``deform`` makes another body of one that the sandbox answers; None leaves it.
    """

    app: Any
    calls: list[httpx.Request] = field(default_factory=list)
    instead: Answerer = untouched
    deform: Deformer = untouched

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request)
        answer = self.instead(request)
        if answer is not None:
            return answer
        response = await httpx.ASGITransport(app=self.app).handle_async_request(request)
        return response if self.deform is untouched else await self._deformed(request, response)

    async def _deformed(self, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        content = await response.aread()
        other = self.deform(request, orjson.loads(content)) if content and response.is_success else None
        if other is None:
            return httpx.Response(response.status_code, headers=response.headers, content=content)
        told = {name: each for name, each in response.headers.items() if name != "content-length"}
        return httpx.Response(response.status_code, headers=told, json=other)

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
    clock: FakeClock
    directories: Mapping[str, Directory]
    service: ScimService
    secrets: frozenset[str]
    cache: QueryCache

    async def ask(self, method: str, path: str, body: Any = None, **query: str) -> ScimResponse:
        """What a client is answered, by what no memory of earlier questions helps with."""
        self.cache.clear()
        content = orjson.dumps(body) if body is not None else b""
        request = ScimRequest(method, path, BASE_URL, query, body=content, request_id=REQUEST_ID, connection=CONNECTION)
        try:
            return await self.service.handle(request)
        except Exception as failure:
            error = scim_error(failure, REQUEST_ID, CONNECTION)
            return ScimResponse(error.status, error.body(), error.headers)

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
    provider: Provider[Any], simulated: Simulated, clock: FakeClock, **changes: Any
) -> AsyncIterator[Connected]:
    """A connection as the program makes one, discovery done; ``changes`` are settings of its own."""
    made = settings(
        provider, {**simulated.settings(ORIGIN), **changes}, Table("contract", "connections.contract.settings")
    )
    endpoint = provider.endpoint(made, clock)
    wire = Wire(simulated.app)
    client = UpstreamClient(
        CONNECTION,
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
        found = {each.resource.name: Directory(each, client.send, cache, clock, LIMITS) for each in collections}
        wire.taken()
        cursors = Cursors(b"contract" * 4)
        service = ScimService(
            list(found.values()), profile=PROFILES["auto"], paging=Paging(), cursors=cursors, scan_rows=LIMITS.scan_rows
        )
        yield Connected(simulated, wire, clock, found, service, secrets_of(made), cache)
    finally:
        await client.aclose()


def secrets_of(made: Any) -> frozenset[str]:
    """What of a connection's settings nobody may be told."""
    values = (getattr(made, each.name) for each in settings_of(type(made)))
    return frozenset(each.reveal() for each in values if isinstance(each, Secret))
