"""Refreshing mirrors on schedule, on one node at a time."""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final, Literal

from scim_bridge.clock import Clock
from scim_bridge.mirror.sync import Sync
from scim_bridge.store.database import Database, DatabaseUnavailable
from scim_bridge.upstream.errors import UpstreamError

_log = logging.getLogger("scim_bridge.mirror")
LOOK_SECONDS: Final = 5.0
"""How often a node looks whether something is due: another node may have done it, or died over it."""
RETRY_SECONDS: Final = 60.0
"""How long to wait after a failure."""
RefreshResult = Literal["done", "held", "failed"]
"""Held: so much was gone at once that it stays until somebody approves."""


def lease_name(connection: str) -> str:
    return f"sync {connection}"


async def keep(
    connection: str,
    sync: Callable[[], Awaitable[Sync]],
    database: Database,
    clock: Clock,
    results: Counter[RefreshResult],
) -> None:
    """Refresh a connection's mirror whenever that is due, for good. ``sync`` opens the connection where it has to.

    ``results`` counts what came of it, here on this node.
    """
    while True:
        pause = LOOK_SECONDS
        try:
            found = await sync()
            if await found.due():
                async with database.lease(lease_name(connection)) as mine:
                    if mine and await found.due():  # which another node may have seen to meanwhile
                        outcomes = await found.refresh()
                        results["held" if any(each.held for each in outcomes) else "done"] += 1
        except (UpstreamError, DatabaseUnavailable) as error:
            _log.warning("mirror not refreshed", extra={"connection": connection, "error": str(error)})
            results["failed"] += 1
            pause = RETRY_SECONDS
        except Exception:
            _log.exception("mirror not refreshed", extra={"connection": connection})
            results["failed"] += 1
            pause = RETRY_SECONDS
        await clock.sleep(pause)
