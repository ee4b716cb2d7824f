"""What requests to one upstream came to since the program started: plain numbers, for whoever shows them."""

from bisect import bisect_left
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from typing import Final, Literal

from scim_bridge.clock import milliseconds
from scim_bridge.upstream.errors import Conflict, NotFound, UpstreamError

BOUNDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper ends of the classes of durations in seconds: from an answer out of a mirror to the deadline of a request."""

MAX_TROUBLES: Final = 20
"""Failures that are kept."""

CallKind = Literal["api", "sign_in"]
WaitReason = Literal["own_limit", "retry_after", "backoff"]


class Durations:
    """How many durations fell into each class of `BOUNDS`, the last one open, and their sum in seconds."""

    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds


@dataclass(frozen=True, slots=True)
class Trouble:
    """A request that brought no usable answer: when, in milliseconds since 1970, the type of its error, the upstream's
    status, where it told one, and a line for people, which is fit to be shown."""

    at: int
    kind: str
    status: int | None
    text: str


@dataclass(slots=True)
class Usage:
    """The exchanges with one upstream.

    ``calls``: by kind and status; None where no answer came. ``retries``: requests sent again. ``waited``: seconds by
    reason: our own `requests_per_second`, the upstream's Retry-After, and the pause before another attempt.
    ``requests_per_second``: our own limit; None: none. ``troubles``: the last failures, the newest at the end; that
    something is not there or taken is an answer, and none of them.
    """

    calls: Counter[tuple[CallKind, int | None]] = field(default_factory=Counter)
    durations: Durations = field(default_factory=Durations)
    retries: int = 0
    waited: defaultdict[WaitReason, float] = field(default_factory=lambda: defaultdict(float))
    in_flight: int = 0
    requests_per_second: float | None = None
    troubles: deque[Trouble] = field(default_factory=lambda: deque(maxlen=MAX_TROUBLES))

    def ended(self, kind: CallKind, status: int | None, seconds: float) -> None:
        self.calls[kind, status] += 1
        self.durations.add(seconds)

    def failed(self, error: UpstreamError) -> None:
        """Keep a failure, once its text holds no secret."""
        if not isinstance(error, NotFound | Conflict):
            self.troubles.append(Trouble(milliseconds(), type(error).__name__, error.status, error.detail))
