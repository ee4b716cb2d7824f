"""What earlier pages of a query left behind for the next ones: positions in upstream lists, and a scan's matches.

Entries live for the connection's ``cache_seconds``; asking for the first row starts anew, an own write ends all.
"""

from bisect import bisect_right, insort
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from scim_bridge.clock import Clock
from scim_bridge.query.capabilities import Params, Row

KEPT_PAGES = 4
"""Upstream pages whose rows a chain keeps, for SCIM pages that end in the middle of one."""
MAX_CHAINS = 512
MAX_KEPT_ROWS = 200_000
"""Rows over all kept scans of a connection, about 1.5 kB each."""


@dataclass(slots=True)
class Chain:
    """What is known of one upstream list read with one page size: positions by row offset, its end, recent pages."""

    positions: dict[int, Params] = field(default_factory=dict)
    end: int | None = None  # how many rows there are, once read to the end
    bound: int | None = None  # no row at or after this offset
    sequential: bool = False  # pages came shorter than asked, so rows cannot be reached by counting
    _offsets: list[int] = field(default_factory=list)
    _pages: OrderedDict[int, list[Row]] = field(default_factory=OrderedDict)

    def mark(self, offset: int, position: Params) -> None:
        """Remember where the row at an offset can be entered."""
        if offset not in self.positions:
            insort(self._offsets, offset)
        self.positions[offset] = position

    def nearest(self, offset: int) -> int | None:
        """The last known entry at or before a row."""
        index = bisect_right(self._offsets, offset)
        return self._offsets[index - 1] if index else None

    def ends_before(self, offset: int) -> bool:
        """Whether there is no row at an offset."""
        return self.bound is not None and offset >= self.bound

    def keep(self, offset: int, rows: list[Row]) -> None:
        self._pages[offset] = rows
        self._pages.move_to_end(offset)
        while len(self._pages) > KEPT_PAGES:
            self._pages.popitem(last=False)

    def kept(self, offset: int) -> tuple[int, list[Row]] | None:
        """The kept page that holds the row at an offset, with its own offset."""
        for start, rows in self._pages.items():
            if start <= offset < start + len(rows):
                return start, rows
        return None


@dataclass(slots=True)
class _Entry:
    value: Any
    expires: float
    rows: int = 0


class QueryCache:
    """A connection's memory between the pages of a query; bounded in entries, rows and time."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._chains: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._totals: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._scans: OrderedDict[Hashable, _Entry] = OrderedDict()
        self.generation = 0

    def chain(self, key: Hashable, *, anew: bool) -> Chain:
        """The chain of an upstream read; a fresh one when asked for anew or expired."""
        entry = None if anew else self._get(self._chains, key)
        if entry is None:
            entry = self._put(self._chains, key, Chain())
        chain: Chain = entry.value
        return chain

    def total(self, key: Hashable) -> int | None:
        entry = self._get(self._totals, key)
        return None if entry is None else entry.value

    def keep_total(self, key: Hashable, total: int) -> None:
        self._put(self._totals, key, total)

    def scan(self, key: Hashable) -> list[bytes] | None:
        """The serialised matches of a scan, in order."""
        entry = self._get(self._scans, key)
        return None if entry is None else entry.value

    def keep_scan(self, key: Hashable, matches: list[bytes], generation: int) -> None:
        """Keep matches for the next pages; not when a write came in while they were read."""
        if generation != self.generation or len(matches) > MAX_KEPT_ROWS:
            return
        self._put(self._scans, key, matches, rows=len(matches))
        while sum(entry.rows for entry in self._scans.values()) > MAX_KEPT_ROWS:
            self._scans.popitem(last=False)

    def clear(self) -> None:
        """Forget everything: a write made it stale."""
        self.generation += 1
        for entries in (self._chains, self._totals, self._scans):
            entries.clear()

    def _get(self, entries: OrderedDict[Hashable, _Entry], key: Hashable) -> _Entry | None:
        entry = entries.get(key)
        if entry is None or entry.expires < self._clock.now():
            entries.pop(key, None)
            return None
        entries.move_to_end(key)
        return entry

    def _put(self, entries: OrderedDict[Hashable, _Entry], key: Hashable, value: Any, rows: int = 0) -> _Entry:
        entry = entries[key] = _Entry(value, self._clock.now() + self._seconds, rows)
        entries.move_to_end(key)
        while len(entries) > MAX_CHAINS:
            entries.popitem(last=False)
        return entry
