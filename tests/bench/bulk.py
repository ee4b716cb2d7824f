"""B8: storing many resources at once, against the statements alone and against sqlite-utils; and reading meanwhile."""

import asyncio
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import sqlite_utils
from rich.console import Console
from scim2_server.cursor import Cursors

from scim_bridge.app import settle_memory
from scim_bridge.config import load
from scim_bridge.connections import Connection, provider_by_name
from scim_bridge.mirror.copy import MirrorCopy
from scim_bridge.mirror.indexes import index
from scim_bridge.query.relations import Record
from scim_bridge.store.opening import open_database
from scim_bridge.store.sqlite import PAGE_BYTES
from tests.bench.measure import Ratio
from tests.bench.mirror import configuration, configured, mirror
from tests.bench.people import user
from tests.bench.requests import reading, reads
from tests.bench.servers import Server, application

ROWS: Final = 100_000
"""Half as many as performance.md stored: what indexes cost grows with the rows there are."""
BATCH: Final = 500
TURNS: Final = 7
PEOPLE: Final = 20_000
Rows = list[tuple[Any, ...]]
Work = Callable[[Rows, Rows], None]
"""Stores rows of documents, and those of their values."""


def bulk_ratios(console: Console) -> list[Ratio]:
    """Storing new resources and storing them again unchanged, as ratios of CPU time; each turn in new files."""
    with TemporaryDirectory() as name, application("scim2-server", 20, "/ServiceProviderConfig") as upstream:
        turns = [asyncio.run(_turn(configured(Path(name), f"bulk-{turn}", upstream))) for turn in range(TURNS)]
    own, raw, utils, again = (statistics.median(each[index] for each in turns) for index in range(4))
    console.print(
        f"  {ROWS} users: stored at {ROWS / own:,.0f} a CPU second, by the statements alone {ROWS / raw:,.0f},"
        f" by sqlite-utils {ROWS / utils:,.0f}; unchanged at {ROWS / again:,.0f}"
    )
    pairs = [(each[1] / each[0], each[2] / each[0], each[0] / each[3]) for each in turns]
    to_raw, to_utils, to_again = (statistics.median(each[index] for each in pairs) for index in range(3))
    return [
        Ratio("B8", "bulk sync: raw executemany / store", to_raw, 0.7),
        Ratio("B8", "bulk sync: sqlite-utils upsert_all / store", to_utils, 2.5),
        Ratio("B8", "full store / the same again, unchanged", to_again, 3.0),
    ]


async def _turn(path: Path) -> tuple[float, float, float, float]:
    """CPU seconds of storing everybody, of the statements alone, of sqlite-utils, and of storing everybody again."""
    config = load(path, provider_by_name)
    database = open_database(config.server.database)
    connection = Connection(config.connections["acme"], Cursors(b"s" * 32), database=database)
    copy = (await connection.sync()).copies[0]
    settle_memory()  # as `serve` does
    own, again = await _store(copy, database), await _store(copy, database)
    await connection.aclose()
    await database.aclose()
    source = sqlite3.connect(config.server.database.removeprefix("sqlite:///"))
    raw = _raw(path.with_suffix(".raw"), source, copy)
    utils = _utils(path.with_suffix(".utils"), source, copy)
    source.close()
    return own, raw, utils, again


async def _store(copy: MirrorCopy, database: Any) -> float:
    spent = 0.0
    for start in range(0, ROWS, BATCH):
        records = [Record(user(number), {}) for number in range(start, start + BATCH)]  # a page, as a crawl has it
        started = time.process_time()
        drafts = [copy.draft(each) for each in records]
        await database.write(copy.store.put, drafts, at=start + 1, before=start + 1, feed=False)
        spent += time.process_time() - started
    started = time.process_time()
    await index(database, copy.store)
    return spent + time.process_time() - started


def _spent(source: sqlite3.Connection, copy: MirrorCopy, work: Work) -> float:
    """CPU seconds for the same rows, in transactions of the same size; to read them is no part of it."""
    documents = f"SELECT * FROM {copy.store.tables.documents} WHERE seq > ? ORDER BY seq LIMIT {BATCH}"
    values = f"SELECT * FROM {copy.store.tables.values} WHERE owner > ? AND owner <= ? ORDER BY owner"
    spent = 0.0
    for start in range(0, ROWS, BATCH):
        rows = source.execute(documents, (start,)).fetchall(), source.execute(values, (start, start + BATCH)).fetchall()
        started = time.process_time()
        work(*rows)
        spent += time.process_time() - started
    return spent


def _empty(path: Path, source: sqlite3.Connection, copy: MirrorCopy) -> sqlite3.Connection:
    """A database of the same make with the same tables and indexes, and nothing in them."""
    connection = sqlite3.connect(path, isolation_level=None)
    for text in (f"page_size = {PAGE_BYTES}", "journal_mode = WAL", "synchronous = NORMAL", "cache_size = -65536"):
        connection.execute(f"PRAGMA {text}")
    made = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name IN (?, ?)"
    for (text,) in source.execute(made, (copy.store.tables.documents, copy.store.tables.values)).fetchall():
        connection.execute(text)
    return connection


def _raw(path: Path, source: sqlite3.Connection, copy: MirrorCopy) -> float:
    """The statements alone."""
    connection = _empty(path, source, copy)
    insert = _upsert(connection, copy.store.tables.documents, "id")
    add = _upsert(connection, copy.store.tables.values, "owner, attr, value, kind")

    def work(documents: Rows, values: Rows) -> None:
        connection.execute("BEGIN")
        connection.executemany(insert, documents)
        connection.executemany(add, values)
        connection.execute("COMMIT")

    taken = _spent(source, copy, work)
    connection.close()
    return taken


def _utils(path: Path, source: sqlite3.Connection, copy: MirrorCopy) -> float:
    """By sqlite-utils."""
    connection, tables = _empty(path, source, copy), copy.store.tables
    database = sqlite_utils.Database(connection)
    names, value_names = _columns(connection, tables.documents), _columns(connection, tables.values)

    def work(documents: Rows, values: Rows) -> None:
        rows = [dict(zip(names, each, strict=True)) for each in documents]
        database.table(tables.documents).upsert_all(rows, pk="seq")
        rows = [dict(zip(value_names, each, strict=True)) for each in values]
        database.table(tables.values).upsert_all(rows, pk=("owner", "attr", "value", "kind"))

    taken = _spent(source, copy, work)
    connection.close()
    return taken


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [each[1] for each in connection.execute(f"PRAGMA table_info({table})")]


def _upsert(connection: sqlite3.Connection, table: str, key: str) -> str:
    names = _columns(connection, table)
    changed = ", ".join(f"{each} = excluded.{each}" for each in names if each not in key and each != "seq")
    places = ", ".join("?" for _ in names)
    return f"INSERT INTO {table} VALUES ({places}) ON CONFLICT ({key}) DO UPDATE SET {changed}"


def reads_during_sync(console: Console, seconds: float) -> list[Ratio]:
    """How many requests are answered while a mirror is changed without end, of those answered at rest."""
    found = {}
    with (
        TemporaryDirectory() as name,
        application("scim2-server", 20, "/ServiceProviderConfig") as upstream,
        mirror(PEOPLE, upstream, Path(name)) as server,
    ):
        server.learn()
        for what, requests in reads(server, PEOPLE).items():
            if what in WANTED:
                idle = _rate(server, requests, seconds)
                found[what] = _busy(server, requests, seconds, Path(name)) / idle
    return [Ratio("B8", f"{what} during a sync / at rest", found.get(what), limit) for what, limit in WANTED.items()]


WANTED: Final = {"GET /Users/{id}": 0.2, "list of 100": 0.35}


def _rate(server: Server, requests: list[str], seconds: float) -> float:
    """Requests a second."""
    before, cost = server.cpu_seconds(), reading(server, requests)(seconds * 2)
    return (server.cpu_seconds() - before) / cost / (seconds * 2)


def _busy(server: Server, requests: list[str], seconds: float, folder: Path) -> float:
    """The same while another process stores resources as a sync does."""
    command = [sys.executable, "-m", "tests.bench.writer", str(configuration(folder, str(PEOPLE)))]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert writer.stdout is not None and writer.stdout.readline() == b"ready\n"
    try:
        return _rate(server, requests, seconds)
    finally:
        writer.terminate()
        writer.wait()
