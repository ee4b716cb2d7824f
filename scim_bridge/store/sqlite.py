"""SQLite: one file, readers that wait for nobody, one writer at a time."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from secrets import token_hex
from threading import local
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import sqlite_utils

from scim_bridge.store.database import DatabaseUnavailable, Params
from scim_bridge.store.sqlite_dialect import SqliteDialect

P = ParamSpec("P")
T = TypeVar("T")
READERS: Final = 2
"""Threads for reads that take long; more would compete for the interpreter."""
QUICK_WRITES: Final = 200
"""After so many, what they left in the log goes into the database: some 2,000 pages, many of which are there often."""
_SETTINGS: Final = (
    "PRAGMA synchronous = NORMAL",
    "PRAGMA busy_timeout = 15000",
    "PRAGMA cache_size = -65536",
    "PRAGMA mmap_size = 1073741824",
)
LEASE_SECONDS: Final = 30.0
"""After so long without a sign, another process takes over."""
PAGE_BYTES: Final = 16384
"""A row of a mirror has some 3 kB, of which five fit. With 8192 it is two, so that mirrors take a fifth more space and
a tenth more time to store; single writes take as long with either."""


class SqliteSql:
    """A transaction on a connection."""

    dialect: Final = SqliteDialect()

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def exclusive(self, what: str) -> None:
        """There is one writer at a time anyway."""

    def rows(self, text: str, params: Params = ()) -> list[tuple[Any, ...]]:
        return self.connection.execute(text, params).fetchall()

    def stream(self, text: str, params: Params = ()) -> Iterable[tuple[Any, ...]]:
        return self.connection.execute(text, params)

    def run(self, text: str, params: Params = ()) -> int:
        return self.connection.execute(text, params).rowcount

    def many(self, text: str, params: Iterable[Params]) -> None:
        self.connection.executemany(text, params)


class SqliteDatabase:
    """A database file, made where there is none.

    Quick reads and writes run where they are asked for: a thread would cost as much as they do. Other writes have a
    thread of their own, as SQLite writes one at a time; so have quick ones while there is another.
    """

    dialect: Final = SqliteDialect()

    def __init__(self, path: Path) -> None:
        """Raises DatabaseUnavailable."""
        self.path = path
        self._threads = local()
        self._opened: list[sqlite3.Connection] = []
        self._quick = SqliteSql(self._connection())
        self._quick.connection.execute("PRAGMA wal_autocheckpoint = 0")  # it waits for the disk, so another thread does
        self._quick.connection.execute("PRAGMA busy_timeout = 0")  # as does what has to wait for others
        self._unchecked = 0
        self._checkpoint: Future[None] = Future()
        self._checkpoint.set_result(None)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._waiting: list[tuple[Callable[[Any], Any], asyncio.Future[Any]]] = []
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-read")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="sqlite-write")

    def _connection(self) -> sqlite3.Connection:
        try:
            return self._connected()
        except (sqlite3.Error, OSError) as error:
            raise DatabaseUnavailable(f"{self.path} cannot be opened: {error}") from None

    def _connected(self) -> sqlite3.Connection:
        self.path.touch(mode=0o600)  # it names people, and is nobody else's to read
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, cached_statements=256)
        self._opened.append(connection)
        if not connection.execute("PRAGMA page_count").fetchone()[0]:
            connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        sqlite_utils.Database(connection).enable_wal()
        for each in _SETTINGS:
            connection.execute(each)
        return connection

    async def read_quick(self, work: Callable[Concatenate[Any, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return work(self._quick, *args, **kwargs)
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY:
                raise DatabaseUnavailable(f"{self.path}: {error}") from error
        return await self.read(work, *args, **kwargs)  # which waits, as for a process that repairs the log

    async def read(self, work: Callable[Concatenate[Any, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._in(self._readers, "BEGIN", work, args, kwargs)

    async def write(self, work: Callable[Concatenate[Any, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._in(self._writer, "BEGIN IMMEDIATE", work, args, kwargs)

    async def write_quick(self, work: Callable[Concatenate[Any, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._write_waiting)
        future: asyncio.Future[T] = loop.create_future()
        self._waiting.append((lambda sql: work(sql, *args, **kwargs), future))
        return await future

    def _write_waiting(self) -> None:
        """Carry out in one transaction what came in one turn of the event loop: most of its cost is to begin and to end
        it. While somebody else is writing, or where one of them fails, each has its own."""
        waiting, self._waiting = self._waiting, []
        works = [work for work, _ in waiting]
        try:
            results = self._carried_out(self._quick, _each, (works,), {}) if self._begun() else None
        except Exception:
            results = None
        self._written()
        for index, (work, future) in enumerate(waiting):
            if results is None:
                task = asyncio.ensure_future(self.write(work))
                self._tasks.add(task)  # or it might be forgotten half-way
                task.add_done_callback(self._tasks.discard)
                task.add_done_callback(partial(_tell, future))
            elif not future.done():
                future.set_result(results[index])

    def _begun(self) -> bool:
        """Whether a transaction could begin at once."""
        if not self._checkpoint.done():
            return False
        try:
            self._quick.connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error:
            return False
        return True

    def _written(self) -> None:
        """Count a quick write; after some, the log is moved into the database."""
        self._unchecked += 1
        if self._unchecked >= QUICK_WRITES:
            self._unchecked = 0
            # Writes wait for it: the log begins anew only where nothing was added to it meanwhile.
            with suppress(RuntimeError):  # it is closed
                self._checkpoint = self._writer.submit(self._checked)

    def _checked(self) -> None:
        with suppress(DatabaseUnavailable, sqlite3.Error):  # the next one takes more along
            self._sql().connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    async def _in(self, threads: ThreadPoolExecutor, begin: str, work: Callable[..., T], args: Any, kwargs: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(threads, partial(self._transaction, begin, work, args, kwargs))

    def _transaction(self, begin: str, work: Callable[..., T], args: Any, kwargs: Any) -> T:
        sql = self._sql()
        try:
            sql.connection.execute(begin)
        except sqlite3.Error as error:
            raise DatabaseUnavailable(f"{self.path}: {error}") from error
        return self._carried_out(sql, work, args, kwargs)

    def _sql(self) -> SqliteSql:
        """The connection of this thread."""
        if not hasattr(self._threads, "sql"):
            self._threads.sql = SqliteSql(self._connection())
        found: SqliteSql = self._threads.sql
        return found

    def _carried_out(self, sql: SqliteSql, work: Callable[..., T], args: Any, kwargs: Any) -> T:
        """What a function returns in the transaction that has begun."""
        try:
            result = work(sql, *args, **kwargs)
            sql.connection.execute("COMMIT")
        except BaseException as error:
            with suppress(sqlite3.Error):  # it may be over already, as on a full disk
                sql.connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise DatabaseUnavailable(f"{self.path}: {error}") from error
            raise
        return result

    @asynccontextmanager
    async def lease(self, name: str) -> AsyncIterator[bool]:
        holder = token_hex(8)
        if not await self.write(_take_lease, name, holder):
            yield False
            return
        renewal = asyncio.create_task(self._renew(name, holder))
        try:
            yield True
        finally:
            renewal.cancel()
            await asyncio.gather(renewal, return_exceptions=True)
            await self.write(_leave_lease, name, holder)

    async def _renew(self, name: str, holder: str) -> None:
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            await self.write(_take_lease, name, holder)

    async def aclose(self) -> None:
        for each in (self._readers, self._writer):
            each.shutdown()
        for connection in self._opened:
            connection.close()


def _each(sql: SqliteSql, works: Sequence[Callable[[Any], Any]]) -> list[Any]:
    return [work(sql) for work in works]


def _tell(future: asyncio.Future[Any], written: asyncio.Future[Any]) -> None:
    """Tell who waits what came of a write."""
    if future.done():  # nobody does any more
        return
    if written.cancelled():
        future.cancel()
    elif (error := written.exception()) is not None:
        future.set_exception(error)
    else:
        future.set_result(written.result())


def _take_lease(sql: SqliteSql, name: str, holder: str) -> bool:
    """Take a lease, or keep it for another while."""
    sql.run("CREATE TABLE IF NOT EXISTS leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until REAL NOT NULL)")
    now = time.time()
    taken = sql.run(
        "INSERT INTO leases (name, holder, until) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE"
        " SET holder = excluded.holder, until = excluded.until WHERE until < ? OR holder = excluded.holder",
        (name, holder, now + LEASE_SECONDS, now),
    )
    return taken > 0


def _leave_lease(sql: SqliteSql, name: str, holder: str) -> None:
    sql.run("DELETE FROM leases WHERE name = ? AND holder = ?", (name, holder))
