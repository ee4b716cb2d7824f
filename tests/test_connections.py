"""A connection over time: opened once, discovered again, the old service in use until there is a new one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from scim2_server.cursor import Cursors

from scim_bridge.app import create_app
from scim_bridge.config import from_document
from scim_bridge.connections import RETRY_SECONDS, Connection, provider_by_name
from scim_bridge.filters import parse
from scim_bridge.providers.scim import SOON_SECONDS
from scim_bridge.query.plan import Query
from scim_bridge.registry import Registry
from scim_bridge.upstream.errors import RateLimited, UpstreamError
from scim_bridge.upstream.trace import tracing
from tests.clocks import FakeClock
from tests.providers.weak_scim import Weak, WeakServer, server
from tests.servers import free_port

RIGHT = Weak()


class Gate(httpx.AsyncBaseTransport):
    """The way to a server, which can be closed for discovery: until it is opened, or with an error."""

    def __init__(self, upstream: WeakServer) -> None:
        self._inner = httpx.ASGITransport(app=upstream)
        self.open = asyncio.Event()
        self.open.set()
        self.error: int | None = None
        self.seconds = 0.0
        self.clock = FakeClock()
        self.limit: int | None = None  # so many answers before it has none
        self.limited = 429

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.clock.advance(self.seconds)
        if self.limit is not None:
            self.limit -= 1
            if self.limit < 0:
                return httpx.Response(self.limited, json={"detail": "not now"}, headers={"Retry-After": "900"})
        if request.url.path == "/v2/ServiceProviderConfig":
            await self.open.wait()
            if self.error is not None:
                return httpx.Response(self.error, json={"detail": "down"})
        return await self._inner.handle_async_request(request)


class Opened:
    """A connection to a server, and the time that passes for it."""

    def __init__(self, upstream: WeakServer, **settings: Any) -> None:
        self.upstream = upstream
        self.clock = FakeClock()
        self.gate = Gate(upstream)
        given = {"base_url": "https://scim.example/v2", "token": "t0ken", **settings}
        document = {"provider": "scim", "token": "client-t0ken", "settings": given}
        config = from_document({"connections": {"acme": document}}, "test", provider_by_name)
        cursors = Cursors(b"s" * 32)
        self.connection = Connection(config.connections["acme"], cursors, clock=self.clock, transport=self.gate)

    def asked(self) -> int:
        """How often discovery was read since the last time."""
        count = sum(call == "GET ServiceProviderConfig" for call in self.upstream.calls)
        self.upstream.calls.clear()
        return count

    async def later(self, seconds: float) -> None:
        """Time passes, somebody asks, and what that started is over."""
        self.clock.advance(seconds)
        await self.connection.service()
        await self.settle()

    async def settle(self) -> None:
        renewal = self.connection._renewal
        if renewal is not None:
            await renewal


@asynccontextmanager
async def opened(weak: Weak = RIGHT, users: int = 23, **settings: Any) -> AsyncIterator[Opened]:
    found = Opened(server(weak, users), **settings)
    try:
        yield found
    finally:
        await found.connection.aclose()


@asynccontextmanager
async def client(connection: Connection) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=create_app(Registry({"acme": connection})))
    headers = {"Authorization": "Bearer client-t0ken"}
    base_url = "http://bridge.test/scim/acme/v2"
    async with httpx.AsyncClient(transport=transport, base_url=base_url, headers=headers) as found:
        yield found


async def test_discovery_is_read_again_after_so_many_seconds_and_equal_facts_change_nothing() -> None:
    async with opened(discovery_seconds=100.0) as at:
        first = await at.connection.service()
        assert at.asked() == 1
        await at.later(99)
        assert at.asked() == 0
        await at.later(1)
        assert at.asked() == 1
        assert await at.connection.service() is first
        await at.later(50)
        assert at.asked() == 0


@pytest.mark.parametrize("seconds", [1.0, 2.0, 3.0, 4.0])
async def test_a_slow_server_is_opened_in_time_with_what_was_proven_until_then(seconds: float) -> None:
    async with opened(Weak(discovery="404", totals="page", cap=3)) as at, client(at.connection) as asked:
        at.gate.seconds, at.gate.clock = seconds, at.clock
        with tracing(at.clock):
            service = await at.connection.service()
        assert list(service.directories) == ["users", "groups"]
        at.gate.seconds = 0.0
        for path, rows in (("/Users", at.upstream.users), ("/Groups", at.upstream.groups)):
            answer = (await asked.get(path)).json()
            assert [each["id"] for each in answer["Resources"]] == list(rows)
        await at.later(SOON_SECONDS)
        at.asked()
        await at.later(SOON_SECONDS)
        assert at.asked() == 0  # at leisure, enough was proven


@pytest.mark.parametrize("answers", [5, 6, 8, 20, 40])
@pytest.mark.parametrize("status", [429, 503, 401])
async def test_trouble_while_things_are_tried_leaves_the_rest_unproven_and_is_looked_at_again_soon(
    answers: int, status: int
) -> None:
    async with opened(Weak(totals="page", cap=3)) as at, client(at.connection) as asked:
        at.gate.limit, at.gate.limited = answers, status
        await at.connection.service()
        at.gate.limit = None
        for path, rows in (("/Users", at.upstream.users), ("/Groups", at.upstream.groups)):
            answer = (await asked.get(path)).json()
            assert [each["id"] for each in answer["Resources"]] == list(rows)
        at.asked()
        await at.later(SOON_SECONDS)
        assert at.asked() == 1
        await at.later(SOON_SECONDS)
        assert at.asked() == 0


@pytest.mark.parametrize("answers", range(5))
async def test_trouble_with_the_documents_or_the_lists_themselves_is_told(answers: int) -> None:
    async with opened() as at:
        at.gate.limit = answers
        with pytest.raises(RateLimited):
            await at.connection.service()
        at.gate.limit = None
        await at.connection.service()


async def test_a_look_that_is_cut_short_does_not_undo_what_was_proven() -> None:
    async with opened() as at:
        first = await at.connection.service()
        at.gate.limit, at.gate.limited = 8, 429
        at.asked()
        await at.later(900)
        assert at.asked() == 1
        assert await at.connection.service() is first
        at.gate.limit = None
        await at.later(SOON_SECONDS)
        assert at.asked() == 1


async def test_0_seconds_are_never() -> None:
    async with opened(discovery_seconds=0.0) as at:
        await at.connection.service()
        await at.later(1_000_000)
        assert at.asked() == 1


@pytest.mark.parametrize("users", [0, 1])
async def test_a_server_with_nothing_to_prove_things_on_is_looked_at_again_soon(users: int) -> None:
    async with opened(users=users) as at:
        await at.connection.service()
        await at.later(SOON_SECONDS - 1)
        assert at.asked() == 1
        at.upstream.users.update(server().users)
        await at.later(1)
        assert at.asked() == 1
        service = await at.connection.service()
        [branch] = service.directory("Users").reader.planner.plan(Query(parse('userName eq "x"'))).branches
        assert branch.params == {"filter": 'userName eq "x"'}
        await at.later(SOON_SECONDS)
        assert at.asked() == 0


async def test_the_old_service_answers_at_once_while_discovery_is_under_way_and_nobody_is_charged_for_it() -> None:
    async with opened() as at, client(at.connection) as asked:
        await at.connection.service()
        at.gate.open.clear()
        at.clock.advance(10_000)
        at.upstream.weak = Weak(patch="refused")
        for _ in range(2):
            response = await asked.get("/Users", params={"filter": 'userName eq "ann.moe0"'})
            assert response.json()["totalResults"] == 1
            assert response.headers["Server-Timing"].endswith('desc="1"')
        at.gate.open.set()
        await at.settle()
        patch = {"op": "replace", "path": "title", "value": "Chief"}
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [patch]}
        assert (await asked.patch("/Users/7100", json=body)).json()["title"] == "Chief"
        assert at.upstream.calls[-1] == "PUT Users/7100"


@pytest.mark.parametrize("status", [503, 401, 400])
async def test_a_failure_keeps_what_there_is_and_is_tried_again(status: int, caplog: pytest.LogCaptureFixture) -> None:
    async with opened() as at:
        first = await at.connection.service()
        at.gate.error = status
        await at.later(900)
        assert "discovery was not renewed" in caplog.text
        assert await at.connection.service() is first
        at.asked()
        at.gate.error = None
        await at.later(RETRY_SECONDS - 1)
        assert at.asked() == 0
        await at.later(1)
        assert at.asked() == 1


async def test_a_resource_type_or_schema_that_is_gone_is_not_taken_for_deleted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with opened() as at:
        first = await at.connection.service()
        at.upstream.types = {"Users": at.upstream.types["Users"]}
        await at.later(900)
        assert await at.connection.service() is first
        assert [record.error for record in caplog.records if hasattr(record, "error")] == [
            "/Groups, /Groups urn:ietf:params:scim:schemas:core:2.0:Group is gone: restart to take that for granted"
        ]


async def test_what_was_kept_of_a_query_is_forgotten_when_the_server_is_found_to_page_otherwise() -> None:
    async with opened() as at, client(at.connection) as asked:
        first = (await asked.get("/Users", params={"cursor": "", "count": 7})).json()
        await asked.get("/Users", params={"startIndex": 1, "count": 7})
        at.upstream.weak = Weak(start="page")
        await at.later(900)
        ids = [each["id"] for each in first["Resources"]]
        second = (await asked.get("/Users", params={"cursor": first["nextCursor"], "count": 7})).json()
        by_index = (await asked.get("/Users", params={"startIndex": 8, "count": 7})).json()
        assert [each["id"] for each in second["Resources"]] == list(at.upstream.users)[7:14]
        assert by_index["Resources"] == second["Resources"]
        assert ids == list(at.upstream.users)[:7]


async def test_a_write_through_the_old_service_ends_what_the_new_one_keeps() -> None:
    async with opened(Weak(filters="not announced")) as at:
        old = await at.connection.service()
        at.upstream.weak = Weak(filters="not announced", patch="refused")
        await at.later(900)
        new = await at.connection.service()
        assert new is not old
        bosses = Query(parse('title eq "boss"'), count=2)
        assert (await new.directory("Users").reader.search(bosses)).total == 4
        await old.directory("Users").delete("7100")
        await old.directory("Users").delete("7072")  # a boss
        later = Query(parse('title eq "boss"'), offset=2, count=2)
        assert (await new.directory("Users").reader.search(later)).total == 3


async def test_a_connection_is_closed_while_it_is_discovered_again() -> None:
    at = Opened(server())
    await at.connection.service()
    at.gate.open.clear()
    at.clock.advance(10_000)
    await at.connection.service()
    await asyncio.sleep(0)
    await at.connection.aclose()
    assert at.connection._renewal is not None
    assert at.connection._renewal.cancelled()


# -- where its settings may lead --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("public_only", "told"), [(True, "allow_private_upstreams"), (False, "not reachable")])
async def test_a_connection_of_a_stranger_leads_to_public_addresses_only(public_only: bool, told: str) -> None:
    settings = {"base_url": f"http://127.0.0.1:{free_port()}/v2", "token": "t0ken"}
    document = {"provider": "scim", "token": "client-t0ken", "settings": settings}
    config = from_document({"connections": {"acme": document}}, "test", provider_by_name)
    connection = Connection(config.connections["acme"], Cursors(b"s" * 32), clock=FakeClock(), public_only=public_only)
    with pytest.raises(UpstreamError, match=told):
        await connection.service()
    await connection.aclose()
