"""Time as a parameter, so that tests use none of the real one."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """A monotonic clock in seconds, and a way to wait on it."""

    def now(self) -> float:
        """Seconds since an arbitrary start; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return once ``seconds`` have passed on this clock."""
        ...


class SystemClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def milliseconds() -> int:
    """The time of day: milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def time_text(milliseconds: int) -> str:
    """A time of day as programs read it: `2026-03-09T17:05:00.000Z` (RFC 3339). ValueError, OverflowError or OSError
    beyond the years 1 to 9999."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


SYSTEM_CLOCK = SystemClock()
