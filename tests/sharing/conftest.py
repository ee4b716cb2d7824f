"""Nodes on one database, each with a way of its own to it, which can be cut."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from scim_bridge.sharing.node import Sharing
from scim_bridge.store.database import Database, DatabaseUnavailable
from scim_bridge.store.opening import open_database
from tests.clocks import FakeClock
from tests.mirror.conftest import server, shared, url

__all__ = ["server", "shared", "url"]
KEY = b"k" * 32


class Way:
    """The way of one node to the database: there, cut, or without an end."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.dialect = database.dialect
        self.lease = database.lease
        self.aclose = database.aclose
        self.cut = self.endless = False
        self.calls = 0

    async def _through(self, call: Any, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        if self.endless:
            await asyncio.Event().wait()
        if self.cut:
            raise DatabaseUnavailable("cut")
        return await call(*args, **kwargs)

    async def read(self, work: Any, /, *args: Any, **kwargs: Any) -> Any:
        return await self._through(self.database.read, work, *args, **kwargs)

    async def write(self, work: Any, /, *args: Any, **kwargs: Any) -> Any:
        return await self._through(self.database.write, work, *args, **kwargs)

    read_quick = read
    write_quick = write


class Nodes:
    """As many nodes as are asked for, all on one clock, and the database they share."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.clock = FakeClock()
        self.ways: list[Way] = []

    def node(self, key: bytes = KEY) -> Sharing:
        self.ways.append(Way(open_database(self._url)))
        return Sharing(self.ways[-1], key, self.clock)

    async def run(self, text: str, *params: Any) -> None:
        """Change what is stored."""
        await self.ways[0].database.write(lambda sql: sql.run(text, params))

    async def pass_by(self, seconds: float, *columns: str) -> None:
        """Let the database's own time pass for stored times, named as table.column."""
        for table, column in (each.split(".") for each in columns):
            await self.run(f"UPDATE {table} SET {column} = {column} - {int(seconds * 1e6)}")

    async def stored(self, table: str) -> list[tuple[Any, ...]]:
        return await self.ways[0].database.read(lambda sql: sql.rows(f"SELECT * FROM {table}"))


@pytest.fixture
async def nodes(url: str) -> AsyncIterator[Nodes]:
    found = Nodes(url)
    yield found
    for each in found.ways:
        await each.aclose()
