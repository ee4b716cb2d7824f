"""When to send: our own rate limit, pauses the upstream asks for, and how long to wait before another attempt."""

import math
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

from scim_bridge.clock import Clock

BACKOFF_BASE_SECONDS = 0.25
BACKOFF_CAP_SECONDS = 8.0

_SECONDS = re.compile(r"\d{1,9}(\.\d{1,9})?", re.ASCII)


@dataclass(slots=True)
class Turn:
    """Seconds to wait before sending; ``paused``: because the upstream asked for it."""

    seconds: float = 0.0
    paused: bool = False


class Pace(Protocol):
    """When requests may be sent, by whatever shares the upstream's limit."""

    async def take(self, longest_seconds: float) -> Turn:
        """The turn of one request. Above ``longest_seconds`` nothing was taken: do not send."""
        ...

    async def pause(self, seconds: float) -> None:
        """Let nothing be sent for so long: the upstream says so."""
        ...


def refilled(level: float, elapsed_seconds: float, rate: float) -> float:
    """What a bucket holds after a while: at most one second's worth, and one request."""
    return min(max(1.0, rate), level + elapsed_seconds * rate)


def wait_seconds(level: float, rate: float) -> float:
    """How long until a bucket has one request to give; below zero, some are given away already."""
    return max(0.0, (1.0 - level) / rate)


class TokenBucket:
    """At most ``rate`` requests per second, with bursts of up to one second's worth.

    A request that has to wait is given its moment at once (the level goes below zero), so there is no queue and no lock
    that a cancelled waiter could leave behind; the moment of a cancelled one is lost.
    """

    def __init__(self, rate: float, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._level = max(1.0, rate)
        self._filled = clock.now()

    def take(self, longest_seconds: float) -> float:
        """Seconds to wait before sending. Above ``longest_seconds`` nothing was taken: do not send."""
        now = self._clock.now()
        self._level = refilled(self._level, now - self._filled, self._rate)
        self._filled = now
        wait = wait_seconds(self._level, self._rate)
        if wait <= longest_seconds:
            self._level -= 1.0
        return wait


class OwnPace:
    """The pace of one program that shares its upstream's limit with none; ``rate`` None: no limit of our own."""

    def __init__(self, rate: float | None, clock: Clock) -> None:
        self._bucket = None if rate is None else TokenBucket(rate, clock)
        self._clock = clock
        self._paused_until = 0.0

    async def take(self, longest_seconds: float) -> Turn:
        paused = max(0.0, self._paused_until - self._clock.now())
        if paused > longest_seconds:
            return Turn(paused, paused=True)
        limited = 0.0 if self._bucket is None else self._bucket.take(longest_seconds)
        return Turn(max(paused, limited), paused > limited)

    async def pause(self, seconds: float) -> None:
        self._paused_until = max(self._paused_until, self._clock.now() + seconds)


def backoff_seconds(attempt: int, rng: random.Random) -> float:
    """The wait after attempt 1, 2, …: exponential with full jitter, so that callers that failed together spread out."""
    return rng.uniform(0.0, min(BACKOFF_CAP_SECONDS, BACKOFF_BASE_SECONDS * 2.0 ** (attempt - 1)))


def retry_after_seconds(headers: Mapping[str, str]) -> int:
    """Retry-After in whole seconds, rounded up; 0 where it is absent, past or unreadable (RFC 9110 section 10.2.3).

    A date is measured against the answer's own Date, since the two clocks may differ. Fractions are no standard, but
    some gateways send them.
    """
    text = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(text):
        return math.ceil(float(text))
    until = _http_date(text)
    if until is None:
        return 0
    now = _http_date(headers.get("Date", "")) or datetime.now(UTC)
    return max(0, math.ceil((until - now).total_seconds()))


def _http_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    # RFC 9110 section 5.6.7: always GMT; a date with the zone "-0000" comes back without one
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)
