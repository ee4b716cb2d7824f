"""PostgreSQL through psycopg 3, for several nodes on one database."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import lru_cache, partial
from threading import Event
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar

from scim_bridge.store.database import DatabaseUnavailable, Params

if TYPE_CHECKING:
    import psycopg

P = ParamSpec("P")
T = TypeVar("T")
CONNECTIONS: Final = 8
DEADLOCKS: Final = 3
"""How often a transaction begins anew that PostgreSQL ended, as two were waiting for each other."""
RECONNECT_SECONDS: Final = 3.0
"""How long the pool tries by itself to connect. Each attempt waits twice as long as the one before: after an outage of
minutes the next one would be minutes away. Once it has given up, the next request begins anew."""
LOCK_SECONDS: Final = 10
"""How long what reads waits for others that make or drop tables; what writes, four times as long, which is less than a
request may take. Without a limit, who waits for a lock that nobody gives back would have all threads in the end."""
_KEEPALIVE: Final[dict[str, Any]] = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
_CASTS: Final = {"text": "", "integer": "::numeric", "decimal": "::numeric", "boolean": "::boolean"}


class PostgresDialect:
    """SQL as PostgreSQL has it. Text compares code point by code point, as SCIM's order does, by the collation C."""

    types: Final = {
        "text": 'TEXT COLLATE "C"',
        "integer": "BIGINT",
        "decimal": "NUMERIC",
        "boolean": "BOOLEAN",
        "json": "JSONB",
        "bytes": "BYTEA",
    }
    now: Final = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
    passing: Final = "UNLOGGED TABLE"
    indexes_rows: Final = False

    def among(self, expression: str) -> str:
        return f"{expression} = ANY(?)"

    def listed(self, values: Sequence[str]) -> list[str]:
        return list(values)

    def leaf(self, document: str, keys: Sequence[str], kind: str) -> str:
        return _typed(f"jsonb_extract_path_text({document}, {_names(keys)})", kind)

    def elements(self, document: str, keys: Sequence[str], alias: str) -> str:
        found = f"jsonb_extract_path({document}, {_names(keys)})"
        return f"jsonb_array_elements({found}) WITH ORDINALITY AS {alias}(value, place)"

    def element(self, alias: str, kind: str) -> str:
        return _typed(f"({alias}.value #>> '{{}}')", kind)

    def inner(self, alias: str) -> str:
        return f"{alias}.value"

    def position(self, alias: str) -> str:
        return f"{alias}.place"

    # Both as LIKE, for which there are indexes, and which is as quick as other ways without one (measured).
    def contains(self, expression: str, part: str) -> tuple[str, tuple[Any, ...]]:
        return f"{expression} LIKE ?", (f"%{_literal(part)}%",)

    def ends(self, expression: str, part: str) -> tuple[str, tuple[Any, ...]]:
        return f"{expression} LIKE ?", (f"%{_literal(part)}",)

    parts: Final = "CREATE EXTENSION IF NOT EXISTS pg_trgm"

    def part_index(self, name: str, table: str, column: str, where: str = "TRUE") -> str:
        return f"CREATE INDEX IF NOT EXISTS {name} ON {table} USING gin ({column} gin_trgm_ops) WHERE {where}"


def _literal(text: str) -> str:
    """A text as LIKE finds it."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _typed(expression: str, kind: str) -> str:
    return f'({expression} COLLATE "C")' if kind == "text" else f"({expression}){_CASTS[kind]}"


def _names(keys: Sequence[str]) -> str:
    return ", ".join("'" + key.replace("'", "''") + "'" for key in keys)


@lru_cache(maxsize=1024)
def _formatted(text: str) -> str:
    """The text with parameters as psycopg wants them."""
    return text.replace("%", "%%").replace("?", "%s")


class PostgresSql:
    """A transaction on a connection."""

    dialect: Final = PostgresDialect()

    def __init__(self, connection: "psycopg.Connection[tuple[Any, ...]]") -> None:
        self.connection = connection

    def exclusive(self, what: str) -> None:
        self.connection.execute(b"SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"scim_bridge {what}",))

    def rows(self, text: str, params: Params = ()) -> list[tuple[Any, ...]]:
        return self.connection.execute(_formatted(text).encode(), params).fetchall()

    def stream(self, text: str, params: Params = ()) -> Iterable[tuple[Any, ...]]:
        with self.connection.cursor("stream") as cursor:
            cursor.itersize = 500
            yield from cursor.execute(_formatted(text).encode(), params)

    def run(self, text: str, params: Params = ()) -> int:
        return self.connection.execute(_formatted(text).encode(), params).rowcount

    def many(self, text: str, params: Iterable[Params]) -> None:
        with self.connection.cursor() as cursor:
            cursor.executemany(_formatted(text).encode(), params)


class PostgresDatabase:
    """A database, over a pool of connections; each transaction has a thread and a connection while it runs."""

    dialect: Final = PostgresDialect()

    def __init__(self, url: str, *, lock_seconds: float = LOCK_SECONDS) -> None:
        """Raises DatabaseUnavailable."""
        import psycopg
        from psycopg_pool import ConnectionPool, PoolTimeout

        self._deadlock = psycopg.errors.DeadlockDetected
        self._failures = (psycopg.Error, PoolTimeout)
        self._begin_reading = (
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;"
            f" SET LOCAL lock_timeout = {int(lock_seconds * 1000)}"
        ).encode()
        self.url = url
        try:
            psycopg.connect(url, connect_timeout=10).close()
        except psycopg.Error as error:
            raise DatabaseUnavailable(f"PostgreSQL cannot be reached: {_first_line(error)}") from None
        # psycopg's own check finds connections that a restarted server has closed.
        self._pool = ConnectionPool(
            url,
            min_size=1,
            max_size=CONNECTIONS,
            timeout=10,
            reconnect_timeout=RECONNECT_SECONDS,
            open=True,
            check=ConnectionPool.check_connection,
            configure=partial(_configured, lock_seconds=4 * lock_seconds),
        )
        self._threads = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="postgres")

    async def read(self, work: Callable[Concatenate[Any, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._in_thread(True, work, args, kwargs)

    read_quick = read

    async def write(self, work: Callable[Concatenate[Any, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._in_thread(False, work, args, kwargs)

    write_quick = write

    async def _in_thread(self, reading: bool, work: Callable[..., T], args: Any, kwargs: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(self._transaction, reading, work, args, kwargs))

    def _transaction(self, reading: bool, work: Callable[..., T], args: Any, kwargs: Any) -> T:
        try:
            for _ in range(DEADLOCKS):
                with suppress(self._deadlock):  # nothing of it was done, and who was in the way is through
                    return self._carried_out(reading, work, args, kwargs)
            return self._carried_out(reading, work, args, kwargs)
        except self._failures as error:
            raise DatabaseUnavailable(f"PostgreSQL does not answer: {_first_line(error)}") from None

    def _carried_out(self, reading: bool, work: Callable[..., T], args: Any, kwargs: Any) -> T:
        with self._pool.connection() as connection:
            if reading:
                connection.execute(self._begin_reading)
            return work(PostgresSql(connection), *args, **kwargs)

    @asynccontextmanager
    async def lease(self, name: str) -> AsyncIterator[bool]:
        """A lock of a session of its own, which the server ends as soon as the node is gone."""
        connection = await self._taken(name)
        try:
            yield connection is not None
        finally:
            if connection is not None:
                await asyncio.to_thread(connection.close)

    async def _taken(self, name: str) -> "psycopg.Connection[tuple[Any, ...]] | None":
        """The session that holds a lock; closed where nobody waits for it any more, or the lock would be nobody's."""
        found: list[psycopg.Connection[tuple[Any, ...]]] = []
        left = Event()

        def take() -> None:
            if (connection := self._locking(name)) is not None:
                found.append(connection)
                if left.is_set():
                    connection.close()

        try:
            await asyncio.to_thread(take)
        except asyncio.CancelledError:
            left.set()
            for each in found:
                each.close()
            raise
        return found[0] if found else None

    def _locking(self, name: str) -> "psycopg.Connection[tuple[Any, ...]] | None":
        import psycopg

        try:
            connection = psycopg.connect(self.url, connect_timeout=10, autocommit=True, **_KEEPALIVE)
            _configured(connection, LOCK_SECONDS)
            text = b"SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
            row = connection.execute(text, (f"scim_bridge {name}",)).fetchone()
        except psycopg.Error as error:
            raise DatabaseUnavailable(f"PostgreSQL does not answer: {_first_line(error)}") from None
        if row is not None and row[0]:
            return connection
        connection.close()
        return None

    async def aclose(self) -> None:
        self._threads.shutdown()
        self._pool.close()


def _configured(connection: "psycopg.Connection[tuple[Any, ...]]", lock_seconds: float) -> None:
    """Have the server notice within half a minute that this machine is gone, with all the locks that it holds: by
    itself it takes two hours. And wait for no lock for ever."""
    for name, value in _KEEPALIVE.items():
        connection.execute(f"SET tcp_{name} = {value}".encode())
    connection.execute(f"SET lock_timeout = {int(lock_seconds * 1000)}".encode())
    connection.commit()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
