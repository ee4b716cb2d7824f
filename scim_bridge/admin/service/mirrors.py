"""Mirrors: how they stand, refreshed at once, and what was held back of them."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Final

from scim_bridge.admin.service.desk import Actor, AdminError, Desk
from scim_bridge.connections import Connection
from scim_bridge.mirror.keeper import lease_name
from scim_bridge.mirror.standing import Standing
from scim_bridge.protocol.errors import scim_error
from scim_bridge.store.database import DatabaseUnavailable

_log = logging.getLogger("scim_bridge.admin")
TURN_SECONDS: Final = 1.0
"""How often it is tried to begin, while the mirror is being refreshed on schedule."""


class Mirrors:
    """What can be done with mirrors. Raises AdminError, and nothing else."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._running: dict[str, asyncio.Task[None]] = {}

    async def standing(self, name: str) -> Sequence[Standing]:
        """How each resource type stands; nothing where there is no mirror, or it was not opened yet."""
        connection = (await self._desk.entry(name)).connection
        try:
            return await connection.standing() if connection is not None else ()
        except DatabaseUnavailable as error:
            raise AdminError(503, f"The database does not answer: {error}") from None

    async def held(self, name: str, most: int) -> Mapping[str, Sequence[str]]:
        """The first ids, by endpoint, of what seems to be gone and is held back until that is approved."""
        connection = await self._mirror(name)
        if connection.opened is None:
            return {}
        try:
            return await (await connection.sync()).held(most)
        except DatabaseUnavailable as error:
            raise AdminError(503, f"The database does not answer: {error}") from None

    def is_running(self, name: str) -> bool:
        """Whether this node refreshes it now because somebody asked for it."""
        task = self._running.get(name)
        return task is not None and not task.done()

    async def refresh(self, actor: Actor, name: str, *, full: bool = False, approve: bool = False) -> None:
        """Begin to refresh a mirror, which goes on by itself; ``full`` compares everything, ``approve`` takes away what
        was held back. AdminError 409 where there is no mirror, or it is being refreshed."""
        connection = await self._mirror(name)
        if self.is_running(name):
            raise AdminError(409, f"The mirror of {name} is being refreshed")
        await self._desk.changed(actor, "mirror.approved" if approve else "mirror.refresh", name, full=full)
        self._running[name] = asyncio.create_task(self._refresh(connection, full, approve))

    async def _mirror(self, name: str) -> Connection:
        connection = (await self._desk.entry(name)).connection
        if connection is None or not connection.is_mirror:
            raise AdminError(409, f"The connection {name} has no mirror that could be refreshed")
        return connection

    async def _refresh(self, connection: Connection, full: bool, approve: bool) -> None:
        name = connection.config.name
        try:
            while not await self._in_turn(connection, full, approve):
                await self._desk.clock.sleep(TURN_SECONDS)
        except Exception as error:
            known = isinstance(error, DatabaseUnavailable)  # also where the connection was changed or deleted meanwhile
            told = str(error) if known else scim_error(error, "refresh", name).detail
            _log.warning("mirror not refreshed", extra={"connection": name, "error": told})

    async def _in_turn(self, connection: Connection, full: bool, approve: bool) -> bool:
        """Whether it was refreshed; not where it is being refreshed already, here or on another node."""
        sync = await connection.sync()
        async with self._desk.database.lease(lease_name(connection.config.name)) as mine:
            if mine:
                await sync.refresh(full=full or (approve and bool(await sync.approve())))
            return mine

    async def aclose(self) -> None:
        """End what runs; a refresh goes on where it was the next time."""
        for each in self._running.values():
            each.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
