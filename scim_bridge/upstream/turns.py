"""When requests to one upstream are sent: each at its turn, and again only after a wait."""

import math
import random

from scim_bridge.clock import Clock
from scim_bridge.upstream.attempt import Failure
from scim_bridge.upstream.errors import RateLimited, TimedOut
from scim_bridge.upstream.pace import Pace, backoff_seconds
from scim_bridge.upstream.trace import current_trace
from scim_bridge.upstream.usage import Usage


class Turns:
    """The turns and waits of one client, at most ``longest_wait_seconds`` each, counted in ``usage``."""

    def __init__(
        self, pace: Pace, clock: Clock, usage: Usage, rng: random.Random, *, attempts: int, longest_wait_seconds: float
    ) -> None:
        self._pace = pace
        self._clock = clock
        self._usage = usage
        self._rng = rng
        self._attempts = attempts
        self._longest_wait_seconds = longest_wait_seconds

    async def take(self) -> Failure | None:
        """Wait for our own rate limit and the upstream's pauses; the failure where that would take too long."""
        remaining = remaining_seconds()
        if remaining <= 0:
            return Failure(TimedOut("", "the deadline of the request has passed"), passing=False, untouched=True)
        longest = min(self._longest_wait_seconds, remaining)
        turn = await self._pace.take(longest)
        if turn.seconds > longest:
            why = "it asked for a pause" if turn.paused else "our own rate limit is used up"
            limited = RateLimited("", why, retry_after_seconds=math.ceil(turn.seconds))
            return Failure(limited, passing=False, untouched=True)
        if turn.seconds > 0:
            self._usage.waited["retry_after" if turn.paused else "own_limit"] += turn.seconds
            await self._clock.sleep(turn.seconds)
        return None

    async def heed(self, asked_seconds: int) -> None:
        """Pause for all requests, as the upstream limits us. Only for as long as would be waited for: a longer pause,
        asked for by mistake, would shut out what the upstream would answer."""
        if 0 < asked_seconds <= self._longest_wait_seconds:
            await self._pace.pause(asked_seconds)

    async def again(self, attempt: int, failure: Failure, repeatable: bool) -> bool:
        """Wait before another attempt after the first, second, …; False where there may be none, or it would come too
        late. What is not ``repeatable`` is sent again only where the upstream cannot have acted on it."""
        asked = failure.error.retry_after_seconds
        allowed = failure.passing and (repeatable or failure.untouched) and attempt < self._attempts
        if not allowed or asked > self._longest_wait_seconds:
            return False
        backoff = backoff_seconds(attempt, self._rng)
        if asked + backoff >= remaining_seconds():
            return False
        self._usage.retries += 1
        self._usage.waited["retry_after"] += asked
        self._usage.waited["backoff"] += backoff
        await self._clock.sleep(asked + backoff)
        return True


def remaining_seconds() -> float:
    """Seconds to the deadline of the client's request; without one, endless."""
    trace = current_trace()
    return math.inf if trace is None else trace.remaining_seconds
