"""The whole program in front of a simulated vendor, in one process, as a SCIM client meets it over HTTP."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import httpx
from scim2_server.cursor import Cursors

from scim_bridge.app import create_app
from scim_bridge.config import from_document
from scim_bridge.connections import Connection, provider_by_name
from scim_bridge.registry import Registry
from scim_bridge.simulation import Log, Recorded
from scim_bridge.store.database import Database
from tests.clocks import FakeClock

TOKEN = "client-t0ken"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
Ask = tuple[str, str, Any]
"""A request of a client: method, path and body."""


class Simulated(Protocol):
    """A sandbox: an ASGI application, and the requests that it got."""

    @property
    def app(self) -> Any: ...

    @property
    def log(self) -> Log: ...


S = TypeVar("S", bound=Simulated)


@dataclass(frozen=True)
class Vendor(Generic[S]):
    """What differs from one simulated vendor to another.

    - ``told``: a request that arrived, as tests write it.
    - ``secrets``: what no answer may contain.
    - ``first``: what a client asks for first, so that a connection is open and has looked around.
    """

    provider: str
    told: Callable[[Recorded], str]
    secrets: Callable[[S], Sequence[str]]
    first: str = "/ResourceTypes"


class Bridge(Generic[S]):
    """A SCIM client of the program; ``calls`` are the requests that reached the sandbox since the last look."""

    def __init__(self, vendor: Vendor[S], sandbox: S, client: httpx.AsyncClient, clock: FakeClock) -> None:
        self.sandbox = sandbox
        self.clock = clock
        self._vendor = vendor
        self._client = client

    async def ask(self, method: str, path: str, json: Any = None, **query: Any) -> httpx.Response:
        """The answer; what it says of upstream requests is checked against what arrived."""
        before = self._arrived()
        answer = await self._client.request(method, path, json=json, params=query or None)
        assert f'desc="{self._arrived() - before}"' in answer.headers["Server-Timing"]
        assert not any(each in answer.text for each in (TOKEN, *self._vendor.secrets(self.sandbox)))
        return answer

    def _arrived(self) -> int:
        return len(self.sandbox.log.calls) + len(self.sandbox.log.sign_ins)

    def calls(self) -> list[str]:
        found = [self._vendor.told(each) for each in self.sandbox.log.calls]
        self.sandbox.log.clear()
        return found

    async def get(self, path: str, **query: Any) -> Any:
        return checked(await self.ask("GET", path, **query), 200)

    async def find(self, kind: str, **query: Any) -> list[Any]:
        """All matches, in one page."""
        path = f"/{kind[:-1]}ies" if kind.endswith("y") else f"/{kind}s"
        found = await self.get(path, count=1000, **query)
        assert found["totalResults"] == found["itemsPerPage"] == len(found["Resources"])
        resources: list[Any] = found["Resources"]
        return resources

    async def ids(self, kind: str, filter: str) -> set[str]:
        return {each["id"] for each in await self.find(kind, filter=filter, attributes="id")}

    async def post(self, kind: str, **body: Any) -> httpx.Response:
        return await self.ask("POST", f"/{kind}s", {"schemas": [core(kind)], **body})

    async def put(self, kind: str, resource_id: Any, **body: Any) -> httpx.Response:
        return await self.ask("PUT", f"/{kind}s/{resource_id}", {"schemas": [core(kind)], **body})

    async def patch(self, kind: str, resource_id: Any, *operations: Mapping[str, Any]) -> httpx.Response:
        return await self.ask("PATCH", f"/{kind}s/{resource_id}", patch_of(*operations))

    async def create(self, kind: str, **body: Any) -> Any:
        return checked(await self.post(kind, **body), 201)

    async def replace(self, kind: str, resource_id: Any, **body: Any) -> Any:
        return checked(await self.put(kind, resource_id, **body), 200)

    async def change(self, kind: str, resource_id: Any, **values: Any) -> Any:
        """A resource after a PATCH that replaces some attributes."""
        return checked(await self.patch(kind, resource_id, {"op": "replace", "value": values}), 200)


def checked(answer: httpx.Response, status: int) -> Any:
    """The body of an answer with this status."""
    assert answer.status_code == status, answer.text
    return answer.json()


def core(kind: str) -> str:
    return USER if kind == "User" else GROUP


def patch_of(*operations: Mapping[str, Any]) -> dict[str, Any]:
    return {"schemas": [PATCH], "Operations": list(operations)}


def got(path: str) -> Callable[[Any], Ask]:
    """A read; ids are filled in by name."""
    return lambda ids: ("GET", path.format(**vars(ids)), None)


def posted(kind: str, **values: Any) -> Callable[[Any], Ask]:
    return lambda ids: ("POST", f"/{kind}s?attributes=id", {"schemas": [core(kind)], **values})


@asynccontextmanager
async def running(
    vendor: Vendor[S],
    sandbox: S,
    common: Mapping[str, Any],
    *,
    clock: FakeClock | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    database: Database | None = None,
    limits: Any = None,
    profile: str = "auto",
    **settings: Any,
) -> AsyncIterator[Bridge[S]]:
    """The program with one open connection to a sandbox; ``transport``: another way there. ``database``: stays open."""
    clock, way = clock or FakeClock(), transport or httpx.ASGITransport(app=sandbox.app)
    document = {"client_profile": profile, "limits": limits or {}, "settings": {**common, **settings}}
    async with client_of({"provider": vendor.provider, **document}, way, clock, database) as client:
        await client.get(vendor.first)
        sandbox.log.clear()
        yield Bridge(vendor, sandbox, client, clock)


@asynccontextmanager
async def client_of(
    document: Mapping[str, Any],
    transport: httpx.AsyncBaseTransport,
    clock: FakeClock,
    database: Database | None = None,
) -> AsyncIterator[httpx.AsyncClient]:
    """A SCIM client of the program with one connection, "acme", as a configuration has it."""
    config = from_document({"connections": {"acme": {"token": TOKEN, **document}}}, "test", provider_by_name)
    cursors, acme = Cursors(b"s" * 32), config.connections["acme"]
    connection = Connection(acme, cursors, clock=clock, transport=transport, database=database)
    app = httpx.ASGITransport(app=create_app(Registry({"acme": connection})))
    base_url, headers = "http://bridge.test/scim/acme/v2", {"Authorization": f"Bearer {TOKEN}"}
    try:
        async with httpx.AsyncClient(transport=app, base_url=base_url, headers=headers, timeout=60) as client:
            yield client
    finally:
        await connection.aclose()
