"""The audit log of a running bridge: what is told gets stored, whatever happens to the database meanwhile."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from scim_bridge.auditing import COUNT_SECONDS, PRUNE_SECONDS, RETENTION, Auditor
from scim_bridge.protocol.audit import Event
from scim_bridge.store.audit import Criteria, every, page
from scim_bridge.store.chain import Entry, Keys
from scim_bridge.store.database import Database, DatabaseUnavailable
from scim_bridge.store.opening import open_database
from scim_bridge.store.verify import verify
from scim_bridge.upstream.exchange import CredentialUse
from tests.clocks import FakeClock
from tests.mirror.conftest import server, shared

__all__ = ["server", "shared"]

KEYS = Keys(b"k" * 32)
DAY = 24 * 3600 * 1000
EVENT = Event("scim.create", "acme", "0", "User", "u1", "done", 201, "r1", {"changes": {}})


class Failing:
    """A database that can be taken away; ``writes`` counts transactions, ``turns`` lets them begin."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.down = False
        self.writes = 0
        self.turns: asyncio.Semaphore | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def write(self, work: Any, /, *args: Any) -> Any:
        self.writes += 1
        await (self.turns.acquire() if self.turns is not None else asyncio.sleep(0))
        if self.down:
            raise DatabaseUnavailable("it is down")
        return await self._database.write(work, *args)


@pytest.fixture
async def database(tmp_path: object) -> AsyncIterator[Any]:
    opened = open_database(f"sqlite:///{tmp_path}/bridge.db")
    yield Failing(opened)
    await opened.aclose()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def auditor(database: Any, clock: FakeClock) -> Auditor:
    return Auditor(database, KEYS, clock=clock, wall=lambda: int(clock.now() * 1000), node="n")


async def kept(database: Any, action: str = "scim") -> list[Entry]:
    links = await database.read(page, Criteria(action=action), 100, newest_first=False)
    return [each.entry for each in links]


async def test_what_is_told_is_stored_once_it_is_settled(auditor: Auditor, database: Any) -> None:
    auditor.append(EVENT)
    await auditor.settled()
    (entry,) = await kept(database)
    assert (entry.at, entry.node, entry.connection, entry.actor) == (1_000_000, "n", "acme", "0")
    assert (entry.action, entry.resource_type, entry.resource_id) == ("scim.create", "User", "u1")
    assert (entry.outcome, entry.status, entry.request_id, entry.details) == ("done", 201, "r1", '{"changes":{}}')
    await auditor.settled()


async def test_events_of_one_moment_share_a_transaction(auditor: Auditor, database: Any) -> None:
    async def one() -> None:
        auditor.append(EVENT)
        await auditor.settled()

    await auditor.ready()
    before = database.writes
    await asyncio.gather(*(one() for _ in range(50)))
    assert (len(await kept(database)), database.writes - before) == (50, 1)


async def test_whoever_waits_waits_for_the_own_entry_only(auditor: Auditor, database: Any) -> None:
    await auditor.ready()
    database.turns = asyncio.Semaphore(0)
    auditor.append(EVENT)
    await asyncio.sleep(0)
    auditor.append(EVENT)  # in the next transaction, as the first one has begun
    mine = asyncio.create_task(auditor.settled())
    database.turns.release()
    while len(await kept(database)) < 1:
        await asyncio.sleep(0)
    assert not mine.done()
    await asyncio.sleep(0)
    auditor.append(EVENT)  # for which there will be no turn
    database.turns.release()
    await mine
    assert len(await kept(database)) == 2
    database.turns.release()
    await auditor.aclose()


async def test_a_log_is_ready_where_the_database_takes_writes_and_is_asked_once_a_second(
    auditor: Auditor, database: Any, clock: FakeClock
) -> None:
    assert all(await asyncio.gather(auditor.ready(), auditor.ready()))
    writes = database.writes
    assert await auditor.ready()
    assert database.writes == writes
    clock.advance(1)
    database.down = True
    assert not await auditor.ready()


async def test_what_cannot_be_stored_is_in_the_log_and_is_stored_later(
    auditor: Auditor, database: Any, caplog: pytest.LogCaptureFixture
) -> None:
    database.down = True
    auditor.append(EVENT)
    await auditor.settled()
    (record,) = [each for each in caplog.records if each.name == "scim_bridge.audit"]
    assert (record.levelno, record.__dict__["entry"]["resource_id"]) == (logging.ERROR, "u1")
    assert not await auditor.ready()
    database.down = False
    assert await auditor.ready()
    await auditor.aclose()
    assert len(await kept(database)) == 1


async def test_what_waits_for_a_database_is_bounded(
    auditor: Auditor, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scim_bridge.auditing.MAX_WAITING", 3)
    database.down = True
    for number in range(5):
        auditor.append(Event("scim.create", resource_id=str(number)))
        await auditor.settled()
    database.down = False
    await auditor.aclose()
    assert [each.resource_id for each in await kept(database)] == ["2", "3", "4"]


async def test_an_entry_that_no_database_takes_stops_no_others(
    auditor: Auditor, database: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*arguments: Any) -> None:
        raise TypeError("odd")

    with monkeypatch.context() as patched:
        patched.setattr("scim_bridge.auditing.append", broken)
        auditor.append(Event("scim.patch"))
        await auditor.settled()
    assert [each.__dict__["entry"]["action"] for each in caplog.records] == ["scim.patch"]
    auditor.append(EVENT)
    await auditor.settled()
    assert [each.action for each in await kept(database)] == ["scim.create"]


async def test_texts_that_are_none_and_numbers_that_are_too_large_lose_no_entry(
    auditor: Auditor, database: Any
) -> None:
    auditor.append(Event("scim.patch", resource_id="\ud800" + "x" * 600, details={"a": "\ud800", "b": 2**70}))
    await auditor.settled()
    (entry,) = await kept(database)
    assert (entry.resource_id[:2], len(entry.resource_id)) == ("?x", 512)
    assert '"b": 1180591620717411303424' in entry.details


REFUSAL = Event("client.refused", "acme", outcome="refused", status=401)


async def test_the_same_refusals_of_a_minute_make_two_entries(
    auditor: Auditor, database: Any, clock: FakeClock
) -> None:
    await auditor.ready()
    for number in range(1000):
        auditor.count(REFUSAL, f"10.0.0.{number % 20}")
    auditor.count(Event("client.refused", "other", outcome="refused", status=401))
    while len(await kept(database, "client")) < 3:
        await asyncio.sleep(0)
    first, other, rest = await kept(database, "client")
    assert (orjson.loads(first.details), other.connection, other.details) == ({"from": ["10.0.0.0"]}, "other", "{}")
    told = orjson.loads(rest.details)
    assert (told["times"], len(told["from"]), told["sinceMilliseconds"]) == (999, 10, 1_000_000)
    assert clock.slept == [COUNT_SECONDS] * 2


async def test_what_was_counted_is_stored_when_the_bridge_ends(database: Any) -> None:
    class Endless(FakeClock):
        async def sleep(self, seconds: float) -> None:
            await asyncio.Event().wait()

    auditor = Auditor(database, KEYS, clock=Endless(), node="n")
    for _ in range(3):
        auditor.count(REFUSAL)
    await auditor.settled()
    await auditor.aclose()
    assert [orjson.loads(each.details).get("times") for each in await kept(database, "client")] == [None, 2]


@pytest.mark.parametrize(
    ("use", "action", "outcome", "status"),
    [
        (CredentialUse(True, True, "h", "POST", "/token", 200), "upstream.sign-in", "done", 200),
        (CredentialUse(True, False, "h", "POST", "/token", 401), "upstream.sign-in", "refused", 401),
        (CredentialUse(True, False, "h", "POST", "/token", None), "upstream.sign-in", "failed", 0),
        (CredentialUse(True, False, "h", "POST", "/token", 503), "upstream.sign-in", "failed", 503),
        (CredentialUse(False, False, "h", "GET", "/users", 401), "upstream.credentials", "refused", 401),
    ],
)
async def test_the_use_of_credentials_is_stored(
    auditor: Auditor, database: Any, use: CredentialUse, action: str, outcome: str, status: int
) -> None:
    auditor.credential_used("acme", use)
    await auditor.settled()
    (entry,) = await kept(database, "upstream")
    assert (entry.action, entry.actor, entry.outcome, entry.status) == (action, "bridge", outcome, status)
    assert orjson.loads(entry.details) == {"host": "h", "method": use.method, "path": use.path}
    await auditor.aclose()


async def test_old_entries_are_pruned_once_a_day_by_one_node(auditor: Auditor, database: Any, clock: FakeClock) -> None:
    auditor.append(EVENT)
    await auditor.settled()
    clock.advance(8 * 24 * 3600)
    auditor.append(EVENT)
    await auditor.settled()
    async with database.lease(RETENTION):
        assert await auditor.pruned(7) == 0
    assert await auditor.pruned(7) == 2
    clock.advance(24 * 3600 / 3)
    assert await auditor.pruned(1) == 0
    assert len(await kept(database)) == 1
    assert (await database.read(verify, KEYS)).ok


async def test_pruning_goes_on_after_the_database_was_down(
    auditor: Auditor, database: Any, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    database.down = True
    task = asyncio.create_task(auditor.keep_pruned(7))
    while len(clock.slept) < 2:
        await asyncio.sleep(0)
    task.cancel()
    assert clock.slept[:2] == [PRUNE_SECONDS] * 2
    assert {each.message for each in caplog.records} == {"the audit log was not pruned"}
    await asyncio.gather(task, return_exceptions=True)


async def test_two_processes_make_one_chain(auditor: Auditor, database: Any, clock: FakeClock) -> None:
    other = Auditor(database, KEYS, clock=clock, node="m")
    for each in (auditor, other) * 10:
        each.append(EVENT)
        await asyncio.sleep(0)
    await asyncio.gather(auditor.aclose(), other.aclose())
    found = await database.read(verify, KEYS)
    assert (found.problems, found.entries) == ([], 21)
    assert {each.entry.node for each in await database.read(lambda sql: list(every(sql)))} == {"n", "m"}


@pytest.mark.slow
async def test_two_nodes_make_one_chain_on_a_shared_database(shared: str, clock: FakeClock) -> None:
    databases = [open_database(shared) for _ in range(2)]
    nodes = [Auditor(each, KEYS, clock=clock, wall=lambda: int(clock.now() * 1000)) for each in databases]
    assert all(await asyncio.gather(*(each.ready() for each in nodes)))
    for each in nodes * 25:
        each.append(EVENT)
        await asyncio.sleep(0)
    await asyncio.gather(*(each.settled() for each in nodes))
    clock.advance(8 * 24 * 3600)
    nodes[0].append(EVENT)
    await nodes[0].settled()
    assert sorted(await asyncio.gather(*(each.pruned(7) for each in nodes))) == [0, 51]
    await asyncio.gather(*(each.aclose() for each in nodes))
    found = await databases[0].read(verify, KEYS)
    assert (found.problems, found.entries) == ([], 2)
    await asyncio.gather(*(database.aclose() for database in databases))
