"""What the bridge tells those who run it: ready or not, and to whom what it counted."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from scim_bridge.connections import Connection
from scim_bridge.operations import TRIED_SECONDS, Operations
from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.store.database import Database, DatabaseUnavailable
from scim_bridge.store.opening import open_database
from scim_bridge.upstream.redact import Secret
from scim_bridge.workers import PUBLISH_SECONDS
from tests.clocks import FakeClock
from tests.samples import of, parsed
from tests.test_metrics import connection, told


class Broken:
    """A database that fails, or hangs until it is let go."""

    def __init__(self, hangs: bool = False) -> None:
        self.asked = 0
        self.go = asyncio.Event()
        if not hangs:
            self.go.set()

    async def read(self, work: Any) -> None:
        self.asked += 1
        await self.go.wait()
        raise DatabaseUnavailable("PostgreSQL does not answer: connection to bridge@db failed")


@asynccontextmanager
async def asking(operations: Operations) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=Starlette(routes=operations.routes))
    async with httpx.AsyncClient(transport=transport, base_url="http://b.test") as client:
        yield client


async def nothing() -> None:
    pass


async def tried(connections: Mapping[str, Connection], database: Any = None, **more: Any) -> Operations:
    found = Operations(connections, database, clock=FakeClock(), **more)
    await found.opening(nothing)
    return found


# -- ready ------------------------------------------------------------------------------------------------------------


async def test_a_node_is_ready_once_all_connections_were_tried_though_one_is_down() -> None:
    good, bad = connection(Sandbox(users=1), "good"), connection(Sandbox(users=1), "bad")
    operations = Operations({"good": good, "bad": bad}, None, clock=FakeClock())
    async with asking(operations) as client:
        early = await client.get("/readyz")
        assert early.status_code == 503
        assert early.json()["waiting_for"] == ["first attempt at connections"]
        assert (await client.get("/healthz")).status_code == 200
        await good.service()
        await operations.opening(nothing)
        later = await client.get("/readyz")
    assert later.status_code == 200
    assert later.headers["Cache-Control"] == "no-store"
    assert later.json() == {"status": "ready", "connections": {"good": "open", "bad": "not open"}}
    await asyncio.gather(good.aclose(), bad.aclose())


async def test_an_upstream_that_does_not_answer_does_not_keep_a_node_from_being_ready() -> None:
    clock = FakeClock()
    async with asking(Operations({}, None, clock=clock)) as client:
        clock.advance(TRIED_SECONDS - 0.1)
        assert (await client.get("/readyz")).status_code == 503
        clock.advance(0.1)
        assert (await client.get("/readyz")).status_code == 200


async def test_a_database_that_answers_is_ready(tmp_path: Path) -> None:
    database: Database = open_database(f"sqlite:///{tmp_path}/bridge.db")
    async with asking(await tried({}, database)) as client:
        assert (await client.get("/readyz")).json()["status"] == "ready"
    await database.aclose()


async def test_a_database_that_fails_is_named_without_its_words() -> None:
    async with asking(await tried({}, Broken())) as client:
        answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "not ready", "waiting_for": ["database"], "connections": {}}


async def test_a_database_that_hangs_is_asked_once_however_many_ask() -> None:
    database = Broken(hangs=True)
    async with asking(await tried({}, database, database_seconds=0.01)) as client:
        answers = await asyncio.gather(*[client.get("/readyz") for _ in range(5)])
        assert [each.json()["waiting_for"] for each in answers] == [["database"]] * 5
        assert database.asked == 1
        database.go.set()
        await asyncio.sleep(0)
        assert (await client.get("/readyz")).status_code == 503


class InTurn:
    """A database that answers each question when it is told to."""

    def __init__(self) -> None:
        self.asked: list[asyncio.Future[None]] = []

    async def read(self, *work: Any) -> None:
        self.asked.append(asyncio.get_running_loop().create_future())
        await self.asked[-1]


async def test_who_asks_just_after_an_answer_takes_it_from_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first to ask goes on only after another one has begun to ask anew."""
    database: Any = InTurn()
    operations = await tried({}, database)
    real_wait = asyncio.wait

    async def late(*arguments: Any, **more: Any) -> Any:
        found = await real_wait(*arguments, **more)
        if len(database.asked) == 1:
            second.append(asyncio.create_task(operations._database_answers(database)))
            while len(database.asked) < 2:
                await asyncio.sleep(0)
        return found

    second: list[asyncio.Task[bool]] = []
    monkeypatch.setattr(asyncio, "wait", late)
    first = asyncio.create_task(operations._database_answers(database))
    while not database.asked:
        await asyncio.sleep(0)
    database.asked[0].set_result(None)
    assert await first
    database.asked[1].set_result(None)
    assert await second[0]


# -- who may read -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "status"),
    [({}, 401), ({"Authorization": "Bearer wrong"}, 401), ({"Authorization": "Bearer m3trics"}, 200)],
)
async def test_with_a_token_names_are_for_those_who_bring_it(sent: dict[str, str], status: int) -> None:
    acme = connection(Sandbox(users=1))
    async with asking(await tried({"acme": acme}, token=Secret("m3trics"))) as client:
        metrics = await client.get("/metrics", headers=sent)
        ready = await client.get("/readyz", headers=sent)
    assert metrics.status_code == status
    assert ready.status_code == 200
    if status == 200:
        assert ready.json()["connections"] == {"acme": "not open"}
        assert parsed(metrics.text)
    else:
        assert metrics.headers["WWW-Authenticate"].startswith("Bearer")
        assert ready.json()["connections"] == {"open": 0, "not open": 1}
        assert "acme" not in metrics.text + ready.text
    await acme.aclose()


# -- several workers --------------------------------------------------------------------------------------------------


async def test_whichever_worker_is_asked_tells_the_sum(tmp_path: Path) -> None:
    acme = connection(Sandbox(users=1))
    first, second = [await tried({"acme": acme}, folder=tmp_path) for _ in range(2)]
    log: list[Any] = []
    for operations, count in ((first, 2), (second, 3)):
        tell = operations.telling(log.append)
        for _ in range(count):
            tell(told())
    publishing = [asyncio.create_task(each) for operations in (first, second) for each in operations.tasks()]
    while len(list(tmp_path.glob("*.json"))) < 2:
        await asyncio.sleep(0)
    for each in publishing:
        each.cancel()
    assert len(log) == 5
    for operations in (first, second):
        async with asking(operations) as client:
            found = parsed((await client.get("/metrics")).text)
        labels = {"connection": "acme", "method": "GET", "resource": "Users"}
        assert of(found, "requests_total", **labels, status="2xx") == 5
        assert of(found, "request_seconds_count", **labels) == 5
        assert of(found, "workers") == 2
        assert of(found, "connection_open", connection="acme", provider="pingone") == 0
    await acme.aclose()


async def test_a_folder_that_cannot_be_written_is_told_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FakeClock()
    operations = Operations({}, None, folder=tmp_path / "gone", clock=clock)
    [task] = [asyncio.create_task(each) for each in operations.tasks()]
    await _until(lambda: "cannot be told" in caplog.text)
    (tmp_path / "gone").mkdir()
    clock.advance(PUBLISH_SECONDS)
    await _until(lambda: bool(list((tmp_path / "gone").glob("*.json"))))
    task.cancel()


async def _until(condition: Any) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it did not happen")
