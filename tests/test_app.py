"""The application as a whole: its life, its health, several connections beside each other."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from scim2_server.cursor import Cursors

from scim_bridge.app import create_app
from scim_bridge.config import from_document
from scim_bridge.connections import Connection, provider_by_name
from scim_bridge.offline import closed
from scim_bridge.opening import open_connections
from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.registry import Registry
from tests.clocks import FakeClock


class Stuck(httpx.AsyncBaseTransport):
    """An upstream that does not answer until it is let go."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.go = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.set()
        await self.go.wait()
        return httpx.Response(503)


def connection(
    name: str, transport: httpx.AsyncBaseTransport, proxy_tokens: Sequence[str] = (), **settings: Any
) -> Connection:
    document = {
        "provider": "pingone",
        "token": f"t-{name}",
        "proxy_tokens": list(proxy_tokens),
        "settings": settings,
    }
    config = from_document({"connections": {name: document}}, "test", provider_by_name)
    return Connection(config.connections[name], Cursors(b"s" * 32), clock=FakeClock(), transport=transport)


async def test_an_upstream_that_does_not_answer_keeps_nobody_waiting() -> None:
    sandbox, stuck = Sandbox(users=3), Stuck()
    settings = {**sandbox.settings, "api_url": "http://up.test/v1", "auth_url": "http://up.test"}
    app = create_app(
        Registry(
            {
                "slow": connection("slow", stuck, **settings),
                "good": connection("good", httpx.ASGITransport(app=sandbox.app), **settings),
            }
        )
    )
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://b.test") as client,
    ):
        await stuck.asked.wait()
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        good = await client.get("/scim/good/v2/Users", headers={"Authorization": "Bearer t-good"})
        assert good.json()["totalResults"] == 3
        assert good.headers["Server-Timing"].endswith('desc="1"')  # signing in and discovery were paid for at start
        stuck.go.set()
        slow = await client.get("/scim/slow/v2/Users", headers={"Authorization": "Bearer t-slow"})
        assert slow.status_code == 503


async def test_a_token_is_good_for_its_own_connection() -> None:
    sandbox = Sandbox(users=3)
    settings = {**sandbox.settings, "api_url": "http://up.test/v1", "auth_url": "http://up.test"}
    transport = httpx.ASGITransport(app=sandbox.app)
    app = create_app(Registry({name: connection(name, transport, **settings) for name in ("one", "two")}))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://b.test") as client:
        for name, token, status in [("one", "t-one", 200), ("one", "t-two", 401), ("two", "t-two", 200)]:
            answer = await client.get(f"/scim/{name}/v2/Users", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == status


@pytest.mark.parametrize(
    ("policy", "kept"), [("terminate", True), ("archive", False)], ids=["what it deletes is noted", "nothing is noted"]
)
async def test_the_database_is_opened_where_a_provider_has_to_remember(tmp_path: Path, policy: str, kept: bool) -> None:
    settings = {"base_url": "https://acme.nerm.test/api", "api_token": "k", "delete_policy": policy}
    connection = {"provider": "sailpoint-nerm", "token": "t", "settings": settings}
    server = {"database": f"sqlite:///{tmp_path}/bridge.db"}
    document = {
        "server": server,
        "connections": {"acme": connection, "plain": {**connection, "settings": {**settings, "delete_policy": "hard"}}},
    }
    opened = open_connections(from_document(document, "test", provider_by_name))
    assert (tmp_path / "bridge.db").exists() is kept
    await closed(opened, opened["acme"].database)


async def test_the_upstreams_own_api_is_below_proxy() -> None:
    sandbox, name = Sandbox(users=3), "good"
    settings = {**sandbox.settings, "api_url": "http://up.test/v1", "auth_url": "http://up.test"}
    opened = connection(name, httpx.ASGITransport(app=sandbox.app), proxy_tokens=["p-good"], **settings)
    told: list[Any] = []
    app = create_app(Registry({name: opened}), log=told.append)  # type: ignore[arg-type] # a list does for a log
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://b.test") as client,
    ):
        answer = await client.get("/proxy/good/users?limit=2", headers={"Authorization": "Bearer p-good"})
        assert len(answer.json()["_embedded"]["users"]) == 2
        assert (await client.get("/proxy/good/users", headers={"Authorization": "Bearer t-good"})).status_code == 403
        assert (await client.get("/proxy/other/users")).status_code == 404
        metrics = (await client.get("/metrics")).text
    assert [(each["path"], each["status"]) for each in told] == [
        ("/proxy/users", 200),
        ("/proxy/users", 403),
        ("/proxy/users", 404),
    ]
    assert 'scim_bridge_requests_total{connection="good",method="GET",resource="proxy",status="2xx"} 1.0' in metrics
