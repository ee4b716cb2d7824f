"""A bridge that can be administered, over the sandboxes of vendors: without sockets, unless these are what counts."""

import base64
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

import httpx

from scim_bridge.admin.service import Administration
from scim_bridge.admin.service.desk import Actor
from scim_bridge.app import Bridge, open_bridge
from scim_bridge.config import from_document
from scim_bridge.connections import provider_by_name
from tests.servers import running

ADMIN = "adm1n-t0ken"
KEY = base64.b64encode(b"k" * 32).decode()
ACTOR = Actor("admin-0", "192.0.2.1")


_NUMBERS: Final = count(1)


class Places(httpx.AsyncBaseTransport):
    """The sandboxes of this process by their hosts; any other host is not there."""

    def __init__(self) -> None:
        self._found: dict[str, httpx.AsyncBaseTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host not in self._found:
            raise httpx.ConnectError("ConnectionRefusedError")
        return await self._found[request.url.host].handle_async_request(request)

    @contextmanager
    def having(self, app: Any) -> Iterator[str]:
        """A sandbox is there within the block; its origin."""
        host = f"sandbox{next(_NUMBERS)}.test"
        self._found[host] = httpx.ASGITransport(app=app)
        try:
            yield f"http://{host}"
        finally:
            del self._found[host]


PLACES: Final = Places()


@dataclass(frozen=True, slots=True)
class World:
    """A bridge and a client of it; ``settings`` connect to the sandbox of a provider."""

    app: Bridge
    client: httpx.AsyncClient
    settings: Mapping[str, Mapping[str, Any]]

    @property
    def administration(self) -> Administration:
        assert self.app.administration is not None
        return self.app.administration

    def document(self, provider: str = "pingone", **more: Any) -> dict[str, Any]:
        """A connection to a provider's sandbox, as the administration takes it."""
        return {"provider": provider, "settings": dict(self.settings[provider]), **more}

    async def users(self, connection: str, token: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return await self.client.get(f"/scim/{connection}/v2/Users", params={"count": 2}, headers=headers)


@asynccontextmanager
async def world(
    folder: Path, *providers: str, people: int = 5, connections: Mapping[str, Any] | None = None, **server: Any
) -> AsyncIterator[World]:
    """A world with the sandboxes of these providers (default: PingOne's); ``server`` is more of that table.

    ``connections`` are those of the configuration file; each sandbox has so many ``people``.
    """
    with ExitStack() as stack:
        settings = {}
        for name in providers or ("pingone",):
            simulation = provider_by_name(name).simulation
            assert simulation is not None
            simulated = simulation(people)
            place = running(simulated.app) if server.get("network") else PLACES.having(simulated.app)
            settings[name] = simulated.settings(stack.enter_context(place))
        async with bridge(folder, connections=connections, **server) as (app, client):
            yield World(app, client, settings)


@asynccontextmanager
async def bridge(
    folder: Path, *, connections: Mapping[str, Any] | None = None, network: bool = False, **server: Any
) -> AsyncIterator[tuple[Bridge, httpx.AsyncClient]]:
    """A node over the database in a folder, and a client of it. Its upstreams are the sandboxes of this process, or
    those of the ``network``."""
    table = {
        "database": f"sqlite:///{folder}/bridge.db",
        "encryption_key": KEY,
        "admin_tokens": [ADMIN],
        "allow_private_upstreams": True,
        **server,
    }
    table = {name: value for name, value in table.items() if value is not None}
    config = from_document({"server": table, "connections": connections or {}}, "test", provider_by_name)
    app = open_bridge(config, transport=None if network else PLACES)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://bridge.test") as client,
    ):
        yield app, client
