"""Any window of one upstream list, exactly, at the least number of upstream requests."""

from dataclasses import dataclass

from scim_bridge.query.budget import Budget
from scim_bridge.query.cache import Chain, QueryCache
from scim_bridge.query.capabilities import Pager, Params, Row, Start
from scim_bridge.query.pages import Moved, Once, Send, UpstreamPage, Visited, every_page, read_page
from scim_bridge.query.plan import Branch
from scim_bridge.upstream.errors import NotFound, Rejected


@dataclass(frozen=True, slots=True)
class Window:
    """Rows of an upstream list from an offset on; ``resume`` re-enters the list after them, None at its end."""

    rows: list[Row]
    total: int | None
    resume: tuple[int, Params] | None  # offset of the position's first row, and the position


def entry(pager: Pager, offset: int, count: int) -> Start:
    """Where a list is entered for rows ``offset`` to ``offset + count`` when nothing is known of it."""
    if not pager.random_access:
        return pager.start(0, _limit(pager, offset + count))
    direct = pager.start(offset, _limit(pager, count))
    # Neither a short page nor a full one tells how large the pages before it are; the first one does.
    return pager.start(0, _limit(pager, count)) if direct.counted else direct


def _limit(pager: Pager, count: int) -> int:
    return max(1, min(count, pager.max_page))


class ListReader:
    """One window over one upstream list, by what earlier pages left in the cache and the pages that it takes."""

    def __init__(self, send: Send, branch: Branch, cache: QueryCache, budget: Budget) -> None:
        self._send = send
        self._branch = branch
        self._pager = branch.access.pager
        self._cache = cache
        self._budget = budget
        self._visited = Visited(branch.access)
        self._restarted = False
        self._asked = False
        self._reach = 0  # so many rows were seen to exist
        self._end: int | None = None  # how many there are, as read to the end
        self._stated: int | None = None
        self._refused: int | None = None  # the offset of a row that was refused

    async def window(
        self, offset: int, count: int, *, need_total: bool, resume: tuple[int, Params] | None = None
    ) -> Window:
        """Rows ``offset`` to ``offset + count``, and how many there are in all: if that is needed, or known anyway."""
        chain = await self._chain(offset, _limit(self._pager, count), resume)
        rows = await self._rows(chain, offset, count)
        total = await self._total(chain) if need_total else self._known_total(chain)
        following = self._resume(chain, offset + len(rows))
        if offset or following is not None:
            await self._cache.share(chain)
        return Window(rows, total, following)

    async def total(self) -> int:
        """How many rows there are: as an earlier page learned, while that is fresh, else as the upstream says."""
        await self._cache.learn(self._branch.key, 0, 1)
        return await self._total(self._cache.chain(self._branch.key, 0, 1))

    async def _chain(self, offset: int, step: int, resume: tuple[int, Params] | None) -> Chain:
        key = self._branch.key
        if offset:
            await self._cache.learn(key, offset, step)
        if resume is not None:
            return self._cache.chain_with(key, step, *resume)
        return self._cache.chain(key, offset, step) if offset else self._cache.new_chain(key, step)

    async def _rows(self, chain: Chain, offset: int, count: int) -> list[Row]:
        rows: list[Row] = []
        end = offset + count
        while len(rows) < count and not chain.ends_before(at := offset + len(rows)):
            start, page = chain.kept(at) or await self._fetch(chain, at, end)
            rows.extend(page[at - start : end - start])
        Once(self._branch.access).check(rows)
        return rows

    async def _fetch(self, chain: Chain, at: int, end: int) -> tuple[int, list[Row]]:
        """The page entered nearest before a row, with its offset; it may end before the row, which is yet to come."""
        start = self._nearest(chain, at, end)
        try:
            page = await self._read(start)
        except (NotFound, Rejected, Moved):
            # An old position may have expired, and a row past the end be refused; walking there tells.
            if start.offset == 0 or self._restarted:
                raise
            self._refused = start.offset
            self._restarted, self._visited = True, Visited(self._branch.access)
            chain.restart()
            return at, []
        self._learn(chain, start, page, end)
        if start.offset + len(page.rows) <= at:
            self._budget.spend(page.read)
        return start.offset, page.rows

    def _nearest(self, chain: Chain, at: int, end: int) -> Start:
        """Where to enter the list: a known position, else by the row's number, else the start."""
        if chain.walks:
            direct = self._pager.start(0, _limit(self._pager, end))
        elif chain.size is not None:
            direct = self._pager.start(at, chain.size)
        else:
            direct = entry(self._pager, at, end - at)
        known = chain.nearest(at)
        if known is not None and known >= direct.offset:
            return Start(chain.positions[known], known)
        return direct

    async def _read(self, start: Start) -> UpstreamPage:
        self._visited.add(start.position)
        self._asked = True
        return await read_page(self._send, self._branch, start.position, at_start=start.offset == 0)

    def _learn(self, chain: Chain, start: Start, page: UpstreamPage, end: int) -> None:
        """What a page tells about the list: where the next one starts, where it ends, how long it is."""
        after = start.offset + len(page.rows)
        if page.total is not None:
            self._stated = page.total
            if self._refused is not None and after <= page.total <= self._refused:
                chain.bound = page.total  # so the refusal meant that there is no such row
        if page.rows:
            self._reach = max(self._reach, after)
            chain.mark(start.offset, start.position)
        if after > end:
            chain.tail = (start.offset, page.rows)
        if page.next is not None:
            chain.mark(after, page.next)
            if start.offset == 0 and self._pager.start(1, 1).counted:
                chain.size = page.read or None
                chain.walks |= page.read > self._pager.max_page  # such a size cannot be asked for
            return
        chain.bound = after if chain.bound is None else min(after, chain.bound)
        if page.rows or after == self._reach:
            self._end = after  # otherwise the list was entered past its end, which lies somewhere before

    async def _total(self, chain: Chain) -> int:
        """The length of the list: as known, or counted."""
        known = self._known_total(chain)
        chain.total = await self._counted(chain) if known is None else known
        return chain.total

    def _known_total(self, chain: Chain) -> int | None:
        """The length of the list as read to its end, as stated, or as known before; what rows disprove is not."""
        known = (each for each in (self._end, self._stated, chain.total) if each is not None and each >= self._reach)
        return next(known, None)

    async def _counted(self, chain: Chain) -> int:
        """How many rows there are: as the first page states it, else counted by reading them all."""
        believed = self._stated is None
        if not self._asked:
            page = await self._read(self._pager.start(0, 1))
            if page.total is not None or page.next is None:
                return page.read if page.total is None else page.total
        rows = 0
        async for page in every_page(self._send, self._branch):
            if rows == 0 and believed and page.total is not None and page.total >= page.read:
                return page.total
            self._budget.spend(page.read)
            rows += page.read
            if page.next is not None and rows not in chain.positions:
                chain.mark(rows, page.next)
        return rows

    def _resume(self, chain: Chain, offset: int) -> tuple[int, Params] | None:
        if chain.ends_before(offset):
            return None
        nearest = chain.nearest(offset)
        if nearest is None:
            return 0, entry(self._pager, 0, 1).position
        return nearest, chain.positions[nearest]
