"""A connection in the mode mirror beside a live one, over the same sandbox."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
from scim2_server.cursor import Cursors

from scim_bridge.app import create_app
from scim_bridge.config import from_document
from scim_bridge.connections import Connection, provider_by_name
from scim_bridge.mirror.sync import Outcome, Sync
from scim_bridge.registry import Registry
from scim_bridge.store.opening import open_database
from scim_bridge.testing.clock import FakeClock

ORIGIN = "http://upstream.test"
START = 1_790_000_000_000_000
"""Microseconds since 1970 at which every world begins."""
Json = dict[str, Any]


class World:
    """SCIM clients of a mirrored connection and of a live one; ``calls`` counts the requests of the mirrored one."""

    def __init__(self, connection: Connection, client: httpx.AsyncClient, clock: FakeClock) -> None:
        self.connection = connection
        self.clock = clock
        self.calls = 0
        self._client = client

    def wall(self) -> int:
        return START + int((self.clock.now() - 1000.0) * 1e6)

    async def sync(self) -> Sync:
        return await self.connection.sync()

    async def refresh(self, *, full: bool = False) -> dict[str, Outcome]:
        return {each.resource: each for each in await (await self.sync()).refresh(full=full)}

    async def ask(self, method: str, path: str, body: Any = None, *, live: bool = False, **more: Any) -> httpx.Response:
        name = "live" if live else "mirror"
        answer = await self._client.request(method, f"/scim/{name}/v2{path}", json=body, **more)
        assert answer.status_code != 500, answer.text
        if not live and "server-timing" in answer.headers:
            self.calls += upstream_requests(answer)
        return answer

    async def get(self, path: str, *, live: bool = False, **query: Any) -> Json:
        answer = await self.ask("GET", path, live=live, params=query or None)
        assert answer.status_code == 200, answer.text
        found: Json = orjson.loads(answer.content.replace(b"/scim/live/", b"/scim/mirror/"))
        return found

    async def ids(self, kind: str = "Users", **query: Any) -> list[str]:
        found = await self.get(f"/{kind}", count=1000, attributes="id", **query)
        assert found["totalResults"] == len(found["Resources"])
        return [each["id"] for each in found["Resources"]]

    async def changes(self, cursor: str = "0") -> tuple[list[Json], str]:
        """What changed behind a cursor, without times, and the next cursor."""
        found = await self.get("/changes", cursor=cursor)
        return [{name: each[name] for name in each if name != "time"} for each in found["changes"]], found["nextCursor"]


def upstream_requests(answer: httpx.Response) -> int:
    return int(answer.headers["Server-Timing"].rpartition('desc="')[2].rstrip('"'))


@asynccontextmanager
async def world(
    provider: str,
    upstream: Any,
    settings: Mapping[str, Any],
    url: str,
    **mirror: Any,
) -> AsyncIterator[World]:
    """A world over an ASGI application; nothing is mirrored yet."""
    common = {"provider": provider, "token": "t", "settings": dict(settings)}
    document = {"connections": {"live": common, "mirror": {**common, "mode": "mirror", "mirror": mirror}}}
    config = from_document(document, "test", provider_by_name)
    clock, database = FakeClock(), open_database(url)
    transport = upstream if isinstance(upstream, httpx.AsyncBaseTransport) else httpx.ASGITransport(app=upstream)
    made: list[World] = []
    connections = {
        name: Connection(
            each,
            Cursors(b"s" * 32),
            clock=clock,
            transport=transport,
            database=database if name == "mirror" else None,
            wall=lambda: made[0].wall(),
        )
        for name, each in config.connections.items()
    }
    app = httpx.ASGITransport(app=create_app(Registry(connections)))
    headers = {"Authorization": "Bearer t"}
    try:
        async with httpx.AsyncClient(transport=app, base_url="http://bridge.test", headers=headers) as client:
            made.append(World(connections["mirror"], client, clock))
            yield made[0]
    finally:
        for each in connections.values():
            await each.aclose()
        await database.aclose()
