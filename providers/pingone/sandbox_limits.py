"""The simulated rate limits: per second, of reads and of writes of the directory, as limits are per group of endpoints.

Sources: "Error codes", "Rate limiting".
"""

from dataclasses import dataclass

from scim_bridge.clock import Clock
from scim_bridge.providers.pingone.sandbox_environment import Knobs
from scim_bridge.providers.pingone.sandbox_wire import Refusal
from scim_bridge.simulation import PerSecond

_TOO_MANY = "The request could not be completed. Too many requests have been made."


def limited(retry_after: str, quota: int | None = None) -> Refusal:
    """429 as the vendor words it; ``retry_after``: seconds or an HTTP date."""
    inner = {} if quota is None else {"innerError": {"retryAfter": retry_after, "quotaLimit": quota}}
    details = [{"code": "LIMIT_EXCEEDED", "message": _TOO_MANY, **inner}]
    return Refusal(429, "REQUEST_LIMITED", _TOO_MANY, details, {"Retry-After": retry_after})


@dataclass(frozen=True, slots=True)
class Limits:
    """What was asked in this second; ``knobs`` hold how much is allowed."""

    knobs: Knobs
    reads: PerSecond
    writes: PerSecond

    @classmethod
    def of(cls, knobs: Knobs, clock: Clock) -> "Limits":
        return cls(knobs, PerSecond(clock), PerSecond(clock))

    def check(self, method: str) -> None:
        """Refuse a request that is one too many."""
        reads = method == "GET"
        quota = self.knobs.reads_per_second if reads else self.knobs.writes_per_second
        used = (self.reads if reads else self.writes).count()
        if quota is not None and used > quota:
            raise limited("1", quota)
