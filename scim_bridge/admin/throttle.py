"""How often somebody may try: so many times in so many seconds, on an injected clock."""

import math
from collections import OrderedDict, deque

from scim_bridge.clock import SYSTEM_CLOCK, Clock

MOST_KEYS = 10_000
"""So many are remembered; who was not heard of for longest is forgotten first."""


class Throttle:
    """Counts by a key, in this process alone."""

    def __init__(self, limit: int, seconds: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self._limit = limit
        self._seconds = seconds
        self._clock = clock
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_seconds(self, key: str) -> int:
        """0 where this time is allowed, which is counted; else the whole seconds until the next one is."""
        wait = self.blocked_seconds(key)
        if not wait:
            self.count(key)
        return wait

    def blocked_seconds(self, key: str) -> int:
        """The same, and nothing is counted."""
        now, times = self._clock.now(), self._times.get(key, deque())
        while times and now - times[0] >= self._seconds:
            times.popleft()
        if len(times) < self._limit:
            return 0
        return max(1, math.ceil(times[0] + self._seconds - now))

    def count(self, key: str) -> None:
        """Count a time."""
        self._times.setdefault(key, deque()).append(self._clock.now())
        self._times.move_to_end(key)
        if len(self._times) > MOST_KEYS:
            self._times.popitem(last=False)
