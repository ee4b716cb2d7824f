"""What keeps the simulated endpoints from answering: faults that tests ask for, and rate limits.

Sources: "Error codes", "Rate limiting".
"""

import re
from dataclasses import dataclass, field

from scim_bridge.clock import Clock
from scim_bridge.providers.pingone.sandbox_environment import Knobs
from scim_bridge.providers.pingone.sandbox_wire import Refusal

_TOO_MANY = "The request could not be completed. Too many requests have been made."


def limited(retry_after: str, quota: int | None = None) -> Refusal:
    """429 as the vendor words it; ``retry_after``: seconds or an HTTP date."""
    inner = {} if quota is None else {"innerError": {"retryAfter": retry_after, "quotaLimit": quota}}
    details = [{"code": "LIMIT_EXCEEDED", "message": _TOO_MANY, **inner}]
    return Refusal(429, "REQUEST_LIMITED", _TOO_MANY, details, {"Retry-After": retry_after})


@dataclass(slots=True)
class Fault:
    """An answer to give instead of carrying out the next ``times`` requests that match."""

    request: re.Pattern[str]
    refusal: Refusal
    times: int


@dataclass(slots=True)
class Faults:
    """Refusals of requests that are otherwise right; ``knobs`` hold how many a second are allowed."""

    knobs: Knobs
    clock: Clock
    waiting: list[Fault] = field(default_factory=list)
    _second: int = 0
    _reads: int = 0
    _writes: int = 0

    def check(self, method: str, path: str) -> None:
        """Refuse a request whose turn it is."""
        for fault in self.waiting:
            if fault.times and fault.request.fullmatch(f"{method} {path}"):
                fault.times -= 1
                raise fault.refusal
        self._count(method == "GET")

    def _count(self, reads: bool) -> None:
        """Limits are per group of endpoints, here reads and writes of the directory, and per second."""
        second = int(self.clock.now())
        if second != self._second:
            self._second, self._reads, self._writes = second, 0, 0
        self._reads, self._writes = self._reads + reads, self._writes + (not reads)
        used, quota = (
            (self._reads, self.knobs.reads_per_second) if reads else (self._writes, self.knobs.writes_per_second)
        )
        if quota is not None and used > quota:
            raise limited("1", quota)
