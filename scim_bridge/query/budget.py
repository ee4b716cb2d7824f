"""What a query may read upstream beyond the rows it returns, before it is refused instead of shortened."""

from dataclasses import dataclass, field

from scim_bridge.clock import Clock
from scim_bridge.upstream.trace import current_trace


class ScanTooLarge(Exception):
    """The upstream would have to be read further than the connection's limits allow (RFC 7644: 400 tooMany)."""


@dataclass(slots=True)
class Budget:
    """Rows and seconds left for reading what only decides the answer, and is not part of it."""

    clock: Clock
    rows: int
    seconds: float
    _started: float = field(init=False)
    _spent: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._started = self.clock.now()

    def spend(self, rows: int) -> None:
        """Count rows read; raises ScanTooLarge past a limit."""
        self._spent += rows
        if trace := current_trace():
            trace.scan_rows += rows
        if self._spent > self.rows:
            raise ScanTooLarge(f"more than {self.rows} upstream rows would have to be read (limits.scan_rows)")
        if self.clock.now() - self._started > self.seconds:
            raise ScanTooLarge(f"the upstream took longer than {self.seconds:g} s to read (limits.scan_seconds)")
