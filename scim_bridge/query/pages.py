"""Reading one upstream list: any window of it, exactly, at the least number of upstream requests."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from scim_bridge.query.budget import Budget
from scim_bridge.query.cache import Chain, QueryCache
from scim_bridge.query.capabilities import FIRST, FOLLOW, LAST, SEEN, AccessPath, Pager, Params, Row, Start
from scim_bridge.query.pagers import OnePage, dig
from scim_bridge.query.plan import Branch
from scim_bridge.upstream.errors import BadAnswer, NotFound, Rejected, UpstreamError
from scim_bridge.upstream.reply import Reply

Send = Callable[..., Awaitable[Reply]]


class Moved(BadAnswer):
    """A list does not go on where it was left: it changed meanwhile, or pages in another way than it seemed to."""


@dataclass(frozen=True, slots=True)
class UpstreamPage:
    """One reply of a list: its rows, what follows, the total if stated, and how many upstream rows were read for it."""

    rows: list[Row]
    next: Params | None
    total: int | None
    read: int


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


def rows_of(access: AccessPath, reply: Reply) -> list[Row]:
    """The records in a reply. Raises BadAnswer where a list is not one.

    An empty list may be left out, but only where the reply is known to be the right one: by the total it states or what
    else the provider knows it by, or as the record that holds the list. Any other JSON must not pass for "nobody".
    """
    if access.single:
        found: Any = [reply.body]
    else:
        found = _dig_any_case(reply.body, access.rows)
        within_record = bool(access.variables) and isinstance(access.pager, OnePage)
        if found is None and isinstance(reply.body, Mapping):
            told = access.empty is not None and access.empty(reply)
            found = [] if told or within_record or access.pager.total(reply) is not None else None
    if not isinstance(found, list) or not all(isinstance(row, Mapping) for row in found):
        raise BadAnswer("", f"{access.path} did not answer {'a record' if access.single else 'a list of records'}")
    return found


def _dig_any_case(body: Any, dotted: str) -> Any:
    """As `dig`; where that finds nothing, names are also taken in another case, or a list would pass for empty."""
    found = dig(body, dotted)
    if found is not None or not isinstance(body, Mapping):
        return found
    name, _, rest = dotted.partition(".")
    key = next((each for each in body if each.lower() == name.lower()), None)
    return None if key is None else _dig_any_case(body[key], rest) if rest else body[key]


async def read_page(send: Send, branch: Branch, position: Params, *, at_start: bool = True) -> UpstreamPage:
    """One upstream request. A refusal that means "no row" is an empty page at the end of the list."""
    access = branch.access
    link = position.get(FOLLOW)
    try:
        reply = await (_asked(send, branch, position) if link is None else send("GET", link))
    except UpstreamError as error:
        if access.is_absent(error, at_start=at_start):
            return UpstreamPage([], None, None, 0)
        raise
    found = rows_of(access, reply)
    following = access.pager.next(position, reply, len(found))
    if following == position:
        raise BadAnswer("", f"{access.path} named the same page as the next one")
    found, following = _fresh(access, position, found, following)
    return UpstreamPage(_unwrapped(access, found), following, access.pager.total(reply), len(found))


async def _asked(send: Send, branch: Branch, position: Params) -> Reply:
    """The reply to a read; one by POST changes nothing, so it may be repeated."""
    params, body = request_of(branch, position)
    if body is None:
        return await send("GET", branch.path, params=params)
    return await send("POST", branch.path, params=params, json=body, idempotent=True)


def request_of(branch: Branch, position: Params) -> tuple[Params, Any]:
    """What is sent for a page: the query parameters, and the JSON body of what is read by POST."""
    params = {name: value for name, value in {**branch.params, **position}.items() if not name.startswith(SEEN)}
    return (params, None) if branch.access.body is None else branch.access.body(params)


def _fresh(
    access: AccessPath, position: Params, found: list[Row], following: Params | None
) -> tuple[list[Row], Params | None]:
    """The rows of a page that the one before did not have, and what follows. Raises Moved."""
    first = access.identity(found[0]) if found and access.identity is not None else None
    if LAST in position:
        if first != position[LAST]:
            raise Moved("", f"{access.path} does not go on with the row where it was left")
        return found[1:], following
    if first is not None and first == position.get(FIRST):
        return [], None
    return found, following


class _Once:
    """The rows of one read: one that comes twice means that another one was missed."""

    def __init__(self, access: AccessPath) -> None:
        self._access = access
        self._seen: set[str] = set()

    def check(self, rows: list[Row]) -> None:
        """Raises BadAnswer."""
        if self._access.identity is None:
            return
        for each in map(self._access.identity, rows):
            if each in self._seen:
                raise BadAnswer("", f"{self._access.path} sent a row twice: another one may be missing")
            self._seen.add(each)


def _unwrapped(access: AccessPath, found: list[Row]) -> list[Row]:
    if access.unwrap is None:
        return found
    return [row for row in map(access.unwrap, found) if row is not None]


class _Visited:
    """The positions read so far: coming by one again is an error, not a loop."""

    def __init__(self, access: AccessPath) -> None:
        self._access = access
        self._keys: set[tuple[tuple[str, str], ...]] = set()

    def add(self, position: Params) -> None:
        key = tuple(sorted(position.items()))
        if key in self._keys:
            raise BadAnswer("", f"{self._access.path} pages in a circle")
        self._keys.add(key)


async def every_page(send: Send, branch: Branch, ahead: int = 1) -> AsyncGenerator[UpstreamPage, None]:
    """All pages of a list, in order and in the largest steps the upstream takes.

    Where rows are reached by their number, up to ``ahead`` pages are asked for at a time; to be used in `aclosing`.
    Raises Moved where such a list gets shorter while it is read: the rows behind the one that left then stand before
    the page that was to have them, and would pass for gone.
    """
    once, numbered = _Once(branch.access), branch.access.pager.random_access
    total: int | None = None
    async with aclosing(_pages_in_order(send, branch, ahead)) as pages:
        async for page in pages:
            once.check(page.rows)
            if numbered and page.total is not None and total is not None and page.total < total:
                raise Moved("", f"{branch.access.path} got shorter while it was read: rows may be missing")
            total = page.total
            yield page


async def _pages_in_order(send: Send, branch: Branch, ahead: int) -> AsyncGenerator[UpstreamPage, None]:
    pager, visited = branch.access.pager, _Visited(branch.access)
    first = True
    position: Params | None = pager.start(0, pager.max_page).position
    while position is not None:
        visited.add(position)
        page = await read_page(send, branch, position, at_start=first)
        yield page
        position = page.next
        if first and ahead > 1 and pager.random_access and page.next is not None and page.read <= pager.max_page:
            async with aclosing(_pages_ahead(send, branch, page, ahead)) as pages:
                async for page in pages:
                    yield page
                    position = page.next
        first = False


async def _pages_ahead(
    send: Send, branch: Branch, first: UpstreamPage, ahead: int
) -> AsyncGenerator[UpstreamPage, None]:
    """The pages after a first one, several under way at a time, as far as they are of its size and the total reaches.

    A page of another size is the last that is given, as those behind it do not start where it ends.
    """
    offsets = iter(range(first.read, first.total or 0, max(1, first.read)))
    under_way: deque[asyncio.Task[UpstreamPage]] = deque()
    try:
        while True:
            while len(under_way) < ahead and (offset := next(offsets, None)) is not None:
                position = branch.access.pager.start(offset, first.read).position
                under_way.append(asyncio.ensure_future(read_page(send, branch, position, at_start=False)))
            if not under_way:
                return
            page = await under_way[0]
            under_way.popleft()
            yield page
            if page.read != first.read:
                return
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


class ListReader:
    """One window over one upstream list, by what earlier pages left in the cache and the pages that it takes."""

    def __init__(self, send: Send, branch: Branch, cache: QueryCache, budget: Budget) -> None:
        self._send = send
        self._branch = branch
        self._pager = branch.access.pager
        self._cache = cache
        self._budget = budget
        self._visited = _Visited(branch.access)
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
        chain = self._chain(offset, _limit(self._pager, count), resume)
        rows = await self._rows(chain, offset, count)
        total = await self._total(chain) if need_total else self._known_total(chain)
        return Window(rows, total, self._resume(chain, offset + len(rows)))

    async def total(self) -> int:
        """How many rows there are: as an earlier page learned, while that is fresh, else as the upstream says."""
        return await self._total(self._cache.chain(self._branch.key, 0, 1))

    def _chain(self, offset: int, step: int, resume: tuple[int, Params] | None) -> Chain:
        key = self._branch.key
        if resume is not None:
            return self._cache.chain_with(key, step, *resume)
        return self._cache.chain(key, offset, step) if offset else self._cache.new_chain(key, step)

    async def _rows(self, chain: Chain, offset: int, count: int) -> list[Row]:
        rows: list[Row] = []
        end = offset + count
        while len(rows) < count and not chain.ends_before(at := offset + len(rows)):
            start, page = chain.kept(at) or await self._fetch(chain, at, end)
            rows.extend(page[at - start : end - start])
        _Once(self._branch.access).check(rows)
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
            self._restarted, self._visited = True, _Visited(self._branch.access)
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
