"""Refreshing on schedule: what came of it is counted, whatever it was."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from scim_bridge.mirror.keeper import LOOK_SECONDS, RETRY_SECONDS, RefreshResult, keep
from scim_bridge.mirror.sync import Outcome
from scim_bridge.store.database import DatabaseUnavailable
from scim_bridge.upstream.errors import Unavailable


class Clock:
    """Ends the keeping at the first pause, and notes how long that is."""

    pause = 0.0

    def now(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.pause = seconds
        raise asyncio.CancelledError


class Mirror:
    """What is due, and how refreshing it ends."""

    def __init__(self, ending: Exception | int | None, taken: bool = False) -> None:
        self.ending = ending
        self.taken = taken

    async def sync(self) -> Any:
        return self

    async def due(self) -> bool:
        return True

    async def refresh(self) -> list[Outcome]:
        if isinstance(self.ending, Exception):
            raise self.ending
        return [Outcome("User", full=True), Outcome("Group", full=True, held=self.ending or 0)]

    @asynccontextmanager
    async def lease(self, name: str) -> AsyncIterator[bool]:
        yield not self.taken


@pytest.mark.parametrize(
    ("mirror", "results", "pause"),
    [
        (Mirror(None), {"done": 1}, LOOK_SECONDS),
        (Mirror(None, taken=True), {}, LOOK_SECONDS),
        (Mirror(7), {"held": 1}, LOOK_SECONDS),
        (Mirror(Unavailable("acme", "down")), {"failed": 1}, RETRY_SECONDS),
        (Mirror(DatabaseUnavailable("down")), {"failed": 1}, RETRY_SECONDS),
        (Mirror(ZeroDivisionError()), {"failed": 1}, RETRY_SECONDS),
    ],
)
async def test_what_came_of_a_refresh_is_counted(mirror: Any, results: dict[RefreshResult, int], pause: float) -> None:
    counted: Counter[RefreshResult] = Counter()
    clock = Clock()
    with pytest.raises(asyncio.CancelledError):
        await keep("acme", mirror.sync, mirror, clock, counted)
    assert (counted, clock.pause) == (results, pause)
