"""What earlier pages of a query left behind for the next ones: positions in upstream lists, and a scan's matches.

Entries live for the connection's ``cache_seconds``; asking for the first row starts anew, an own write ends all.
Nodes that share a database share them over a `Shelf`: then what this one remembers counts only as long as no other one
has written, which is looked up once for each page, and a page that leads on costs another call to keep where it ended.
"""

from bisect import bisect_right, insort
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Final

import orjson

from scim_bridge.clock import Clock
from scim_bridge.query.capabilities import Params, Row
from scim_bridge.query.shelf import Shelf

MAX_CHAINS = 512
MAX_POSITIONS = 100_000
"""Positions over all chains of a connection, about 300 bytes each."""
MAX_CHAIN_POSITIONS = 2_000
"""Beyond, a chain forgets every second one: reaching a row then takes one more page."""
MAX_TAIL_ROWS = 20_000
"""Rows kept for the next page over all chains, about 5 kB each."""
MAX_SCANS = 512
MAX_SCAN_ROWS = 200_000
"""Rows over all kept scans of a connection, about 1.5 kB each."""
MAX_SHARED_POSITIONS: Final = 100
"""The last positions of a chain, which go to other nodes: a client asks for page after page."""
PART_ROWS: Final = 250
"""Rows of a scan that other nodes get together."""


@dataclass(slots=True)
class Chain:
    """One client's way through one upstream list: where its pages start, where it ends, rows not yet asked for.

    Positions are good for as long as the chain is in use. What is known of the length ages, and is learned again.
    """

    key: Hashable
    name: str = ""  # the same on all nodes
    step: int = 1  # rows its pages were asked to have
    serial: int = 0  # the later a chain was begun, the higher
    learned: float = 0.0  # since when what is known of the length is known
    used: float = 0.0
    positions: dict[int, Params] = field(default_factory=dict)  # by the offset of the row they start at
    total: int | None = None  # how many rows there are, as read to the end, stated, or counted
    bound: int | None = None  # no row at or after this offset
    size: int | None = None  # where rows are reached by counting pages: how many rows a page was seen to have
    walks: bool = False  # rows are not to be reached by their number
    tail: tuple[int, list[Row]] = (0, [])  # the last page that had more rows than were asked for, and its offset
    _offsets: list[int] = field(default_factory=list)

    def mark(self, offset: int, position: Params) -> None:
        """Remember where the row at an offset can be entered."""
        if offset not in self.positions:
            insort(self._offsets, offset)
        self.positions[offset] = position
        if len(self._offsets) > MAX_CHAIN_POSITIONS:
            self._offsets = self._offsets[::-2][::-1]  # the last one stays: a crawl goes on from there
            self.positions = {each: self.positions[each] for each in self._offsets}

    def nearest(self, offset: int) -> int | None:
        """The last known entry at or before a row."""
        index = bisect_right(self._offsets, offset)
        return self._offsets[index - 1] if index else None

    def ends_before(self, offset: int) -> bool:
        """Whether there is no row at an offset."""
        return self.bound is not None and offset >= self.bound

    def kept(self, offset: int) -> tuple[int, list[Row]] | None:
        """The kept page if it holds the row at an offset, with its own offset."""
        start, rows = self.tail
        return self.tail if start <= offset < start + len(rows) else None

    def reaches(self, offset: int) -> bool:
        """Whether a row is within one page of what is known: so it is for a client that asks for page after page."""
        nearest = self.nearest(offset)
        return self.ends_before(offset) or (nearest is not None and nearest > offset - self.step)

    def age(self) -> None:
        """Forget what may have changed since it was learned."""
        self.total, self.bound, self.tail = None, None, (0, [])

    def restart(self) -> None:
        """Forget all positions, as the upstream refused one: its rows are reached from the start only."""
        self.positions, self._offsets, self.walks = {}, [], True
        self.age()

    def packed(self, now: float) -> bytes:
        """What another node needs to go on; not the rows, which it gets by one request."""
        last = {str(each): self.positions[each] for each in self._offsets[-MAX_SHARED_POSITIONS:]}
        facts = [self.step, self.total, self.bound, self.size, self.walks]
        return orjson.dumps([now - self.learned, facts, last])

    def take(self, packed: bytes, now: float, age_seconds: float) -> None:
        """Take over what another node has packed so long ago."""
        age, facts, positions = orjson.loads(packed)
        self.step, self.total, self.bound, self.size, self.walks = facts
        self.learned, self.used, self.tail = now - age - age_seconds, now - age_seconds, (0, [])
        for offset, position in positions.items():
            self.mark(int(offset), position)


@dataclass(frozen=True, slots=True)
class Matches:
    """Serialised matches of a scan: those of one page, and how many there are in all."""

    rows: list[bytes]
    total: int


@dataclass(frozen=True, slots=True)
class _Scan:
    matches: list[bytes]
    expires: float


class QueryCache:
    """A connection's memory between the pages of a query; bounded in entries, rows and time."""

    def __init__(self, clock: Clock, seconds: float, shelf: Shelf | None = None) -> None:
        self._clock = clock
        self._seconds = seconds
        self._shelf = shelf
        self._state: str | None = None  # of the shelf, when all that is here was learned
        self._owed = False  # a write of ours that the other nodes do not know of
        self._node = token_hex(4)
        self._chains: list[Chain] = []  # the one used last comes last
        self._begun = 0
        self._scans: OrderedDict[Hashable, _Scan] = OrderedDict()
        self.generation = 0

    def new_chain(self, key: Hashable, step: int) -> Chain:
        """A chain for an upstream read that starts anew; those of other clients stay theirs."""
        self._begun += 1
        name = f"{self._node}-{self._begun}"
        return self._use(Chain(key, name, step, self._begun, learned=self._clock.now()))

    def chain(self, key: Hashable, offset: int, step: int) -> Chain:
        """The chain that leads to a row: the newest that comes within a page of it, else the one that comes nearest.

        Pages may be larger than asked for, as a crawl's last one is, but not smaller.
        """
        alive = [each for each in self._alive(key) if each.step >= step]
        near = [each for each in alive if each.reaches(offset)]
        if near:
            return self._use(max(near, key=lambda each: each.serial))
        far = max(alive, key=lambda each: each.nearest(offset) or 0, default=None)
        return self.new_chain(key, step) if far is None else self._use(far)

    def chain_with(self, key: Hashable, step: int, offset: int, position: Params) -> Chain:
        """The chain with a position that a client brought along; a new one where there is none."""
        alive = [each for each in self._alive(key) if each.positions.get(offset) == position]
        if alive:
            return self._use(max(alive, key=lambda each: each.serial))
        chain = self.new_chain(key, step)
        chain.mark(offset, position)
        return chain

    def _alive(self, key: Hashable) -> list[Chain]:
        horizon = self._clock.now() - self._seconds
        self._chains = [each for each in self._chains if each.used >= horizon]
        return [each for each in self._chains if each.key == key]

    def _use(self, chain: Chain) -> Chain:
        now = self._clock.now()
        chain.used = now
        if chain.learned < now - self._seconds:
            chain.age()
            chain.learned = now
        self._chains = [*(each for each in self._chains if each is not chain), chain]
        self._trim()
        return chain

    def _trim(self) -> None:
        """Drop what was used longest ago, down to the limits."""
        positions = rows = 0
        for count, chain in enumerate(reversed(self._chains)):
            positions += len(chain.positions)
            rows += len(chain.tail[1])
            if rows > MAX_TAIL_ROWS:
                chain.tail = (0, [])
            if count and (count >= MAX_CHAINS or positions > MAX_POSITIONS):
                self._chains = self._chains[len(self._chains) - count :]
                break

    def scan(self, key: Hashable) -> list[bytes] | None:
        """The serialised matches of a scan, in order; None where none are kept."""
        scan = self._scans.get(key)
        if scan is None or scan.expires < self._clock.now():
            self._scans.pop(key, None)
            return None
        self._scans.move_to_end(key)
        return scan.matches

    def keep_scan(self, key: Hashable, matches: list[bytes], generation: int) -> None:
        """Keep matches for the next pages; not when a write came in while they were read."""
        if generation != self.generation or len(matches) > MAX_SCAN_ROWS:
            return
        self._scans[key] = _Scan(matches, self._clock.now() + self._seconds)
        self._scans.move_to_end(key)
        while len(self._scans) > MAX_SCANS or sum(len(each.matches) for each in self._scans.values()) > MAX_SCAN_ROWS:
            self._scans.popitem(last=False)

    def clear(self) -> None:
        """Forget everything: a write made it stale. What is being read under the old state goes nowhere."""
        self.generation += 1
        self._chains = []
        self._scans.clear()

    # -- with other nodes ---------------------------------------------------------------------------------------------

    async def end(self) -> None:
        """Forget everything, on all nodes."""
        self.clear()
        if self._shelf is not None:
            self._owed = True  # also where this is cancelled
            self._owed = not await self._shelf.end()
            self.clear()
            self._state = None  # another node may have written as well

    async def catch_up(self) -> None:
        """Forget everything if another node has written; also where that cannot be known."""
        if self._shelf is None:
            return
        if self._owed:
            await self.end()
        state = None if self._owed else (await self._shelf.look()).state
        if state is None or state != self._state:
            self.clear()
            self._state = state

    async def learn(self, key: Hashable, offset: int, step: int) -> None:
        """Know what other nodes left of an upstream read, where what is known here does not lead to a row."""
        if self._shelf is None or self._state is None:
            return
        if any(each.step >= step and each.reaches(offset) for each in self._alive(key)):
            return
        looked = await self._shelf.look(repr(key))
        if looked.state == self._state:
            for name, (packed, age) in sorted(looked.parts.items(), key=lambda each: -each[1][1]):
                self._known(key, name).take(packed, self._clock.now(), age)

    def _known(self, key: Hashable, name: str) -> Chain:
        """A chain by its name, also one of another node."""
        found = next((each for each in self._chains if each.key == key and each.name == name), None)
        if found is None:
            self._begun += 1
            found = Chain(key, name, serial=self._begun)
            self._chains.append(found)
        return found

    async def share(self, chain: Chain) -> None:
        """Let other nodes know a chain; not one that a write has ended meanwhile."""
        if self._shelf is not None and self._state is not None and any(each is chain for each in self._chains):
            packed = chain.packed(self._clock.now())
            await self._shelf.keep(repr(chain.key), {chain.name: packed}, self._state, self._seconds)

    async def matches(self, key: Hashable, offset: int, count: int) -> Matches | None:
        """A page of the matches of a scan, on whichever node that was; None where they are not kept."""
        kept = self.scan(key)
        if kept is not None:
            return Matches(kept[offset : offset + count], len(kept))
        if self._shelf is None or self._state is None:
            return None
        first, last = offset // PART_ROWS, (offset + max(count, 1) - 1) // PART_ROWS
        looked = await self._shelf.look(repr(key), [str(each) for each in range(first, last + 1)])
        if looked.state != self._state:
            return None
        parts = [looked.parts[str(each)][0] for each in range(first, last + 1) if str(each) in looked.parts]
        return _page(parts, offset, count, first)

    async def share_scan(self, key: Hashable, matches: list[bytes], generation: int) -> None:
        """Let other nodes know the matches of a scan, as `keep_scan` does for this one."""
        if self._shelf is None or self._state is None or generation != self.generation or len(matches) > MAX_SCAN_ROWS:
            return
        total = str(len(matches)).encode()
        parts = {
            str(start // PART_ROWS): b"\n".join([total, *matches[start : start + PART_ROWS]])
            for start in range(0, len(matches), PART_ROWS)
        }
        await self._shelf.keep(repr(key), parts, self._state, self._seconds)


def _page(parts: list[bytes], offset: int, count: int, first: int) -> Matches | None:
    """A page from consecutive parts, the ``first`` of which has this number; None where one of them is missing."""
    if not parts:
        return None
    total = int(parts[0].partition(b"\n")[0])
    rows = [row for part in parts for row in part.split(b"\n")[1:]]
    start = offset - first * PART_ROWS
    page = rows[start : start + count]
    return Matches(page, total) if len(page) == min(count, max(0, total - offset)) else None
