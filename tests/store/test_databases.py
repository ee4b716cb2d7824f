"""Both databases behind one interface: transactions, what is refused, and leases."""

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from threading import Barrier, Event
from typing import Any
from urllib.parse import urlsplit

import pytest

from scim_bridge.store.database import Database, DatabaseUnavailable, Sql
from scim_bridge.store.opening import is_database_url, is_shared, open_database
from scim_bridge.store.postgres import PostgresDatabase
from scim_bridge.store.sqlite import PAGE_BYTES, QUICK_WRITES
from tests.mirror.conftest import server, shared, url

__all__ = ["server", "shared", "url"]


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = open_database(url)
    yield opened
    await opened.aclose()


def made(sql: Sql) -> None:
    sql.run("CREATE TABLE things (name TEXT PRIMARY KEY)")


def add(sql: Sql, name: str, *, fail: bool = False) -> int:
    changed = sql.run("INSERT INTO things (name) VALUES (?)", (name,))
    if fail:
        raise LookupError(name)
    return changed


def names(sql: Sql) -> list[str]:
    return [each for (each,) in sql.rows("SELECT name FROM things ORDER BY name")]


async def test_a_write_is_there_whole_or_not_at_all(database: Database) -> None:
    await database.write(made)
    assert await database.write(add, "one") == 1
    with pytest.raises(LookupError):
        await database.write(add, "two", fail=True)
    assert await database.read(names) == ["one"]
    assert await database.read_quick(names) == ["one"]


async def test_writes_at_the_same_time_wait_for_each_other(database: Database) -> None:
    await database.write(made)
    await asyncio.gather(*(database.write(add, f"n{number:02}") for number in range(20)))
    assert await database.read(names) == [f"n{number:02}" for number in range(20)]


async def test_of_quick_writes_at_the_same_time_one_that_fails_leaves_the_others(database: Database) -> None:
    await database.write(made)
    calls = [database.write_quick(add, f"n{number}", fail=number == 3) for number in range(6)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [each if each == 1 else type(each) for each in outcomes] == [1, 1, 1, LookupError, 1, 1]
    assert await database.read_quick(names) == ["n0", "n1", "n2", "n4", "n5"]
    with pytest.raises(DatabaseUnavailable):
        await database.write_quick(add, "n1")


async def test_a_quick_write_waits_for_a_long_one(database: Database, url: str) -> None:
    other, begun, goes_on = open_database(url), Event(), Event()

    def long(sql: Sql) -> None:
        add(sql, "long")
        begun.set()
        assert goes_on.wait(10)

    await database.write(made)
    writing = asyncio.ensure_future(other.write(long))
    await asyncio.to_thread(begun.wait, 10)
    quick = asyncio.ensure_future(database.write_quick(add, "quick"))
    gone = asyncio.ensure_future(database.write_quick(add, "gone"))
    assert "long" not in await database.read_quick(names)  # which waits for nobody
    gone.cancel()
    goes_on.set()
    await writing
    assert await quick == 1
    await database.write(lambda sql: None)  # what comes behind all others
    assert {"long", "quick"} <= set(await database.read_quick(names))
    await other.aclose()


async def test_the_log_of_quick_writes_does_not_grow_without_end(tmp_path: Path) -> None:
    opened = open_database(f"sqlite:///{tmp_path}/a.db")
    await opened.write(made)
    for number in range(QUICK_WRITES * 20):
        await opened.write_quick(add, f"{number:0>3000}")
    await opened.write(lambda sql: None)
    size = (tmp_path / "a.db-wal").stat().st_size
    await opened.aclose()
    assert size < QUICK_WRITES * 5 * PAGE_BYTES * 3


async def test_what_sql_refuses_is_told_as_the_databases_failure(database: Database) -> None:
    for call in (database.read_quick, database.read, database.write, database.write_quick):
        with pytest.raises(DatabaseUnavailable):
            await call(lambda sql: sql.rows("SELECT * FROM nowhere"))


async def test_a_lease_is_held_by_one(database: Database, url: str) -> None:
    other = open_database(url)
    async with database.lease("sync") as mine, other.lease("sync") as theirs, other.lease("else") as apart:
        assert (mine, theirs, apart) == (True, False, True)
    async with other.lease("sync") as theirs:
        assert theirs
    await other.aclose()


@pytest.mark.slow
async def test_who_gives_up_waiting_for_a_lease_leaves_nothing_open(
    shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, taken, go = open_database(shared), Event(), Event()
    assert isinstance(database, PostgresDatabase)
    locking: Any = database._locking
    made: list[Any] = []

    def slowly(name: str) -> Any:
        made.append(locking(name))
        taken.set()
        go.wait()
        return made[0]

    async def hold() -> None:
        async with database.lease("a"):
            pass

    monkeypatch.setattr(database, "_locking", slowly)
    waiting = asyncio.create_task(hold())
    await asyncio.to_thread(taken.wait)
    waiting.cancel()
    await asyncio.wait([waiting])
    go.set()
    monkeypatch.undo()
    for _ in range(500):
        if made[0].closed:
            break
        await asyncio.sleep(0.01)
    assert made[0].closed
    async with database.lease("a") as mine:
        assert mine
    await database.aclose()


async def test_a_lease_of_a_process_that_is_gone_runs_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: Any = open_database(f"sqlite:///{tmp_path}/leases.db")
    now = 1000.0
    monkeypatch.setattr("scim_bridge.store.sqlite.time.time", lambda: now)
    held = opened.lease("sync")
    assert await held.__aenter__()
    now += 29
    async with opened.lease("sync") as other:
        assert not other
    now += 2
    async with opened.lease("sync") as other:
        assert other
    await held.__aexit__(None, None, None)
    await opened.aclose()


@pytest.mark.slow
async def test_nobody_waits_for_ever_for_who_holds_the_tables(shared: str) -> None:
    database, other = PostgresDatabase(shared, lock_seconds=0.1), PostgresDatabase(shared)
    release = Event()

    def hold(sql: Sql) -> None:
        sql.run("LOCK TABLE things IN ACCESS EXCLUSIVE MODE")
        assert release.wait(30)

    try:
        await database.write(made)
        holding = asyncio.ensure_future(other.write(hold))
        with pytest.raises(DatabaseUnavailable):
            while True:  # until it holds them
                await database.read(names)
        with pytest.raises(DatabaseUnavailable):
            await database.write(add, "one")
        release.set()
        await holding
        assert await database.read(names) == []
    finally:
        release.set()
        await database.aclose()
        await other.aclose()


@pytest.mark.slow
async def test_the_server_notices_that_a_node_is_gone(shared: str) -> None:
    database = PostgresDatabase(shared)
    told = await database.read(lambda sql: sql.rows("SHOW tcp_keepalives_idle"))
    await database.aclose()
    assert told == [("10",)]


@pytest.mark.slow
async def test_after_a_long_outage_the_database_is_there_at_once(shared: str) -> None:
    address = urlsplit(shared)
    assert address.port is not None
    there = asyncio.Event()
    there.set()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if there.is_set():
            onward, back = await asyncio.open_connection("127.0.0.1", address.port)
            relays.extend((asyncio.create_task(copied(reader, back)), asyncio.create_task(copied(onward, writer))))
            open_ends.extend((writer, back))
        else:
            writer.close()

    async def copied(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        while chunk := await source.read(65_536):
            to.write(chunk)
        to.close()

    relays: list[asyncio.Task[None]] = []
    open_ends: list[asyncio.StreamWriter] = []
    async with await asyncio.start_server(relay, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = shared.replace(f":{address.port}/", f":{port}/")
        database = await asyncio.to_thread(PostgresDatabase, url)
        await database.write(made)
        there.clear()
        for each in open_ends:
            each.close()
        for _ in range(2):  # each waits for ten seconds
            with pytest.raises(DatabaseUnavailable):
                await database.read(names)
        there.set()
        assert await database.read(names) == []
        await asyncio.to_thread(database._pool.close)
        await database.aclose()
        await asyncio.gather(*relays, return_exceptions=True)


def test_only_its_owner_may_read_a_file(tmp_path: Path) -> None:
    path = tmp_path / "bridge.db"
    asyncio.run(open_database(f"sqlite:///{path}").aclose())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("where", ["sqlite:////nowhere/at/all/bridge.db", "postgresql://u:s3cret@127.0.0.1:1/d"])
def test_a_database_that_cannot_be_opened_is_told_without_its_password(where: str) -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        open_database(where)
    assert "s3cret" not in str(caught.value)


def test_urls_of_databases() -> None:
    assert [
        is_database_url(each) for each in ("sqlite:///a.db", "postgresql://h/d", "postgres://h/d", "a.db", "sqlite:///")
    ] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert [is_shared(each) for each in ("sqlite:///a.db", "postgresql://h/d")] == [False, True]


@pytest.mark.slow
async def test_of_two_that_wait_for_each_other_both_are_done_in_the_end(shared: str) -> None:
    opened = open_database(shared)
    await opened.write(made)
    await opened.write(add, "one")
    await opened.write(add, "two")
    both, runs = Barrier(2, timeout=10), []

    def change(sql: Sql, first: str, second: str) -> int:
        text = "UPDATE things SET name = name WHERE name = ?"
        runs.append(first)
        changed = sql.run(text, (first,))
        if runs.count(first) == 1:
            both.wait()
        return changed + sql.run(text, (second,))

    found = await asyncio.gather(opened.write(change, "one", "two"), opened.write(change, "two", "one"))
    assert list(found) == [2, 2] and len(runs) == 3
    await opened.aclose()
