"""Refreshing mirrors on schedule, on one node at a time."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from scim_bridge.clock import Clock
from scim_bridge.mirror.sync import Sync
from scim_bridge.store.database import Database, DatabaseUnavailable
from scim_bridge.upstream.errors import UpstreamError

_log = logging.getLogger("scim_bridge.mirror")
LOOK_SECONDS: Final = 5.0
"""How often a node looks whether something is due: another node may have done it, or died over it."""
RETRY_SECONDS: Final = 60.0
"""How long to wait after a failure."""


def lease_name(connection: str) -> str:
    return f"sync {connection}"


async def keep(connection: str, sync: Callable[[], Awaitable[Sync]], database: Database, clock: Clock) -> None:
    """Refresh a connection's mirror whenever that is due, for good. ``sync`` opens the connection where it has to."""
    while True:
        pause = LOOK_SECONDS
        try:
            found = await sync()
            if await found.due():
                async with database.lease(lease_name(connection)) as mine:
                    if mine and await found.due():  # which another node may have seen to meanwhile
                        await found.refresh()
        except (UpstreamError, DatabaseUnavailable) as error:
            _log.warning("mirror not refreshed", extra={"connection": connection, "error": str(error)})
            pause = RETRY_SECONDS
        except Exception:
            _log.exception("mirror not refreshed", extra={"connection": connection})
            pause = RETRY_SECONDS
        await clock.sleep(pause)
