"""The database as far as it can be reached: without it, each node goes on alone, so nothing may wait for it long."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Concatenate, Final, ParamSpec, TypeVar

from scim_bridge.clock import Clock
from scim_bridge.store.database import Database, DatabaseUnavailable, Sql

P = ParamSpec("P")
T = TypeVar("T")
_log = logging.getLogger("scim_bridge.sharing")
ANSWER_SECONDS: Final = 3.0
"""How long the database may take to answer."""
ALONE_SECONDS: Final = 10.0
"""How long it is not asked after it did not."""


class Alone(Exception):
    """The database does not answer: this node has to do without the others."""


class Reach:
    """Calls of the shared database, each a transaction. They raise Alone."""

    def __init__(self, database: Database, clock: Clock, answer_seconds: float = ANSWER_SECONDS) -> None:
        self.database = database
        self.clock = clock
        self._answer_seconds = answer_seconds
        self._alone_until = 0.0
        self._prepared = False

    async def read(self, work: Callable[Concatenate[Sql, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._asked(lambda: self.database.read(work, *args, **kwargs))

    async def write(self, work: Callable[Concatenate[Sql, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._asked(lambda: self.database.write(work, *args, **kwargs))

    async def _asked(self, call: Callable[[], Awaitable[T]]) -> T:
        if self.clock.now() < self._alone_until:
            raise Alone
        try:
            async with asyncio.timeout(self._answer_seconds):
                if not self._prepared:
                    await self.database.write(prepare)
                    self._prepared = True
                return await call()
        except (DatabaseUnavailable, TimeoutError) as error:
            self.left_alone(error)
            raise Alone from None

    def left_alone(self, error: Exception) -> None:
        """Do without the others for a while."""
        self._alone_until = self.clock.now() + ALONE_SECONDS
        _log.warning("nothing is shared with other nodes", extra={"error": str(error) or "no answer in time"})


def prepare(sql: Sql) -> None:
    """Make the tables where there are none."""
    sql.exclusive("shared tables")
    kind, table = sql.dialect.types, f"CREATE {sql.dialect.passing} IF NOT EXISTS"
    text, number, value = f"{kind['text']} NOT NULL", f"{kind['integer']} NOT NULL", f"{kind['bytes']} NOT NULL"
    sql.run(f"{table} shared_tokens (name {text} PRIMARY KEY, token {value}, made {number}, renew {number})")
    sql.run(
        f"{table} shared_pace (connection {text} PRIMARY KEY, level {kind['decimal']} NOT NULL, filled {number},"
        f" paused {number})"
    )
    sql.run(f"{table} shared_states (connection {text} PRIMARY KEY, state {text})")
    sql.run(
        f"{table} shared_pages (connection {text}, name {text}, part {text}, stored {number}, ends {number},"
        f" value {value}, PRIMARY KEY (connection, name, part))"
    )
    sql.run("CREATE INDEX IF NOT EXISTS shared_pages_ends ON shared_pages (ends)")
