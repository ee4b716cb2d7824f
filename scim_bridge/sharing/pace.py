"""The rate limit of an upstream, kept by all nodes together: one bucket, and the pauses the upstream asks for.

A node that asks the database for each request would double what a request waits. So it takes a few turns at a time
where there are plenty, which are good for a second, and learns of others' pauses within that second.
"""

import math
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from scim_bridge.sharing.reach import Alone, Reach
from scim_bridge.store.database import Sql
from scim_bridge.upstream.pace import OwnPace, Turn, refilled, wait_seconds

HELD_SECONDS: Final = 1.0
"""How long turns that were taken are good for, and how long a pause may go unnoticed."""
HELD_PART: Final = 10
"""A node holds no more than this part of a second's turns, or many nodes could send all of theirs at once."""


@dataclass(frozen=True, slots=True)
class _Taken:
    """Turns that the bucket gave at once or, where that is one, after a wait; and for how long the upstream pauses."""

    turns: float
    wait: float
    paused: float


class SharedPace:
    """The pace of one connection on all nodes; ``rate`` None: no limit of our own. A node alone keeps it by itself."""

    def __init__(self, connection: str, rate: float | None, reach: Reach) -> None:
        self._connection = connection
        self._rate = rate
        self._reach = reach
        self._clock = reach.clock
        self._own = OwnPace(rate, reach.clock)
        self._held = 0.0
        self._until = 0.0
        self._paused_until = 0.0

    async def take(self, longest_seconds: float) -> Turn:
        now = self._clock.now()
        if self._paused_until - now > longest_seconds:
            return Turn(self._paused_until - now, paused=True)
        if self._held < 1 or now >= self._until:
            try:
                return await self._asked(longest_seconds)
            except Alone:
                return await self._own.take(longest_seconds)
        self._held -= 1
        paused = max(0.0, self._paused_until - now)
        return Turn(paused, paused > 0)

    async def _asked(self, longest_seconds: float) -> Turn:
        if self._rate is None:
            self._hold(math.inf)  # or all that come while the database answers would ask it too
            taken = await self._reach.read(_paused, self._connection)
        else:
            taken = await self._reach.write(_take, self._connection, self._rate, longest_seconds)
            left = self._held if self._clock.now() < self._until else 0.0
            self._hold(max(left, 0.0) + taken.turns - 1)
        now = self._clock.now()
        self._paused_until = max(self._paused_until, now + taken.paused)
        paused = self._paused_until - now
        return Turn(max(taken.wait, paused), paused > taken.wait)

    def _hold(self, turns: float) -> None:
        self._held, self._until = turns, self._clock.now() + HELD_SECONDS

    async def pause(self, seconds: float) -> None:
        self._paused_until = max(self._paused_until, self._clock.now() + seconds)
        await self._own.pause(seconds)
        with suppress(Alone):  # then the upstream tells each of the others
            await self._reach.write(_pause, self._connection, int(seconds * 1e6))


def _paused(sql: Sql, connection: str) -> _Taken:
    rows = sql.rows(f"SELECT paused - {sql.dialect.now} FROM shared_pace WHERE connection = ?", (connection,))
    return _Taken(math.inf, 0.0, max(0.0, rows[0][0] / 1e6) if rows else 0.0)


def _take(sql: Sql, connection: str, rate: float, longest: float) -> _Taken:
    """Turns for a node; above the ``longest`` wait nothing is taken."""
    sql.exclusive(f"pace {connection}")
    now = sql.dialect.now
    text = f"SELECT level, {now} - filled, paused - {now} FROM shared_pace WHERE connection = ?"
    rows = sql.rows(text, (connection,))
    full, elapsed, pause = rows[0] if rows else (max(1.0, rate), 0, 0)
    level, paused = refilled(float(full), max(0, elapsed) / 1e6, rate), max(0.0, pause / 1e6)
    wait = wait_seconds(level, rate)
    if max(wait, paused) > longest:
        return _Taken(0.0, wait, paused)
    turns = max(1, min(int(level), int(rate) // HELD_PART)) if paused == 0 else 1
    sql.run(
        f"INSERT INTO shared_pace (connection, level, filled, paused) VALUES (?, ?, {now}, 0) ON CONFLICT (connection)"
        " DO UPDATE SET level = excluded.level, filled = excluded.filled",
        (connection, level - turns),
    )
    return _Taken(turns, wait, paused)


def _pause(sql: Sql, connection: str, microseconds: int) -> None:
    now = sql.dialect.now
    sql.run(
        f"INSERT INTO shared_pace (connection, level, filled, paused) VALUES (?, 0, {now}, {now} + ?) ON CONFLICT"
        " (connection) DO UPDATE SET paused = CASE WHEN excluded.paused > shared_pace.paused THEN excluded.paused"
        " ELSE shared_pace.paused END",
        (connection, microseconds),
    )
