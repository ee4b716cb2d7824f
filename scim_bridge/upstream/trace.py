"""What one request of a client cost upstream, and by when it has to be answered."""

from contextvars import ContextVar
from dataclasses import dataclass, field

from scim_bridge.clock import Clock


@dataclass(slots=True)
class UpstreamCall:
    """One HTTP exchange with an upstream: an attempt or a sign-in.

    ``path`` is percent-encoded and without its query; ``status`` is None where no answer came; ``started`` is on the
    trace's clock and ``seconds`` lasts until the body was read.
    """

    method: str
    path: str
    status: int | None
    seconds: float
    started: float


@dataclass(slots=True)
class RequestTrace:
    """The calls made for one request so far, in the order in which they ended, and its deadline on ``clock``.

    ``scan_rows``: upstream rows that were read to decide the answer, and counted against the limits of the connection.
    """

    clock: Clock
    started: float
    deadline: float
    calls: list[UpstreamCall] = field(default_factory=list)
    scan_rows: int = 0

    @property
    def remaining_seconds(self) -> float:
        """Until the deadline; negative after it."""
        return self.deadline - self.clock.now()

    @property
    def upstream_count(self) -> int:
        return len(self.calls)

    @property
    def upstream_seconds(self) -> float:
        """The time with at least one call under way: calls side by side count once, so it never exceeds the wait."""
        if not self.calls:
            return 0.0
        total, until = 0.0, self.started
        for call in sorted(self.calls, key=lambda call: call.started):
            end = call.started + call.seconds
            total += max(0.0, end - max(until, call.started))
            until = max(until, end)
        return total


_current: ContextVar[RequestTrace | None] = ContextVar("scim_bridge_upstream_trace", default=None)


def current_trace() -> RequestTrace | None:
    """The trace of the request being served, in its own and in its child tasks; None outside of one."""
    return _current.get()


class tracing:
    """Collect the upstream calls of a block, and end them ``deadline_seconds`` from now.

    A task started in the block inherits the same trace, and its deadline with it.
    """

    __slots__ = ("_token", "_trace")

    def __init__(self, clock: Clock, deadline_seconds: float = 50.0) -> None:
        now = clock.now()
        self._trace = RequestTrace(clock, now, now + deadline_seconds)

    def __enter__(self) -> RequestTrace:
        self._token = _current.set(self._trace)
        return self._trace

    def __exit__(self, *details: object) -> None:
        _current.reset(self._token)
