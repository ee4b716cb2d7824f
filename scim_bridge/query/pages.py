"""Reading one upstream list: any window of it, exactly, at the least number of upstream requests."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from scim_bridge.query.budget import Budget
from scim_bridge.query.cache import Chain, QueryCache
from scim_bridge.query.capabilities import FOLLOW, AccessPath, Params, Row
from scim_bridge.query.pagers import dig
from scim_bridge.query.plan import Branch
from scim_bridge.upstream.errors import BadAnswer, UpstreamError
from scim_bridge.upstream.reply import Reply

Send = Callable[..., Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class UpstreamPage:
    """One reply of a list: its rows, what follows, and the total if stated."""

    rows: list[Row]
    next: Params | None
    total: int | None


@dataclass(frozen=True, slots=True)
class Window:
    """Rows of an upstream list from an offset on; ``resume`` re-enters the list after them, None at its end."""

    rows: list[Row]
    total: int | None
    resume: tuple[int, Params] | None  # offset of the position's first row, and the position


def rows_of(access: AccessPath, body: Any) -> list[Row]:
    """The records in a reply's body. Raises BadAnswer where a list is not one."""
    if access.rows == ".":
        return [body] if isinstance(body, Mapping) else []
    found = dig(body, access.rows)
    if found is None and access.rows and isinstance(body, Mapping):
        return []  # an empty result may come without the list
    if not isinstance(found, list) or not all(isinstance(row, Mapping) for row in found):
        raise BadAnswer("", f"{access.path} did not answer a list of records")
    return found


async def read_page(send: Send, branch: Branch, position: Params) -> UpstreamPage:
    """One upstream request. A refusal that means "no such row" is an empty page."""
    access = branch.access
    link = position.get(FOLLOW)
    try:
        if link is not None:
            reply = await send("GET", link)
        else:
            reply = await send("GET", branch.path, params={**branch.params, **position})
    except UpstreamError as error:
        if access.variables and access.absent(error):
            return UpstreamPage([], None, 0)
        raise
    found = rows_of(access, reply.body)
    following = access.pager.next(position, reply, len(found))
    if following == position:
        raise BadAnswer("", f"{access.path} named the same page as the next one")
    return UpstreamPage(unwrapped(access, found), following, access.pager.total(reply))


def unwrapped(access: AccessPath, found: list[Row]) -> list[Row]:
    if access.unwrap is None:
        return found
    return [row for row in map(access.unwrap, found) if row is not None]


async def every_page(send: Send, branch: Branch) -> AsyncIterator[UpstreamPage]:
    """All pages of a list, in the largest steps the upstream takes."""
    pager = branch.access.pager
    position: Params | None = pager.start(0, pager.max_page).position
    seen: set[tuple[tuple[str, str], ...]] = set()
    while position is not None:
        key = tuple(sorted(position.items()))
        if key in seen:
            raise BadAnswer("", f"{branch.access.path} pages in a circle")
        seen.add(key)
        page = await read_page(send, branch, position)
        yield page
        position = page.next


class ListReader:
    """Windows over one upstream list, remembering positions and the last pages between them."""

    def __init__(self, send: Send, branch: Branch, cache: QueryCache, budget: Budget) -> None:
        self._send = send
        self._branch = branch
        self._cache = cache
        self._budget = budget
        self._stated: int | None = None
        self._asked = False

    async def window(
        self, offset: int, count: int, *, need_total: bool, resume: tuple[int, Params] | None = None
    ) -> Window:
        """Rows ``offset`` to ``offset + count``, and how many there are in all if that is needed."""
        anew = offset == 0 and resume is None
        chain = self._cache.chain(self._branch.key, anew=anew)
        if resume is not None:
            chain.mark(*resume)
        rows = await self._rows(chain, offset, count)
        total = await self._total(chain, anew=anew) if need_total else None
        return Window(rows, total, self._resume(chain, offset + len(rows)))

    async def _rows(self, chain: Chain, offset: int, count: int) -> list[Row]:
        limit = max(1, min(count, self._branch.access.pager.max_page))
        rows: list[Row] = []
        while len(rows) < count and not chain.ends_before(offset + len(rows)):
            at = offset + len(rows)
            kept = chain.kept(at) or await self._fetch_towards(chain, at, limit)
            if kept is not None:
                start, page = kept
                rows.extend(page[at - start : at - start + count - len(rows)])
        return rows

    async def _fetch_towards(self, chain: Chain, at: int, limit: int) -> tuple[int, list[Row]] | None:
        """Read the page nearest before a row; None when the row lies further on, or past the end."""
        pager = self._branch.access.pager
        nearest = chain.nearest(at)
        direct = pager.start(at if pager.random_access and not chain.sequential else 0, limit)
        known = nearest is not None and nearest >= direct.offset
        start = nearest if known and nearest is not None else direct.offset
        page = await read_page(self._send, self._branch, chain.positions[start] if known else direct.position)
        self._asked = True
        self._learn(chain, start, page, exact_start=known or start == 0)
        if not known and page.next is not None and len(page.rows) < limit:
            after = start + len(page.rows)
            # Where the next row cannot be addressed by its number, counting rows no longer leads to them.
            chain.sequential = chain.sequential or pager.start(after, limit).offset != after
        if start <= at < start + len(page.rows):
            return start, page.rows
        self._budget.spend(len(page.rows))
        return None

    def _learn(self, chain: Chain, start: int, page: UpstreamPage, *, exact_start: bool) -> None:
        """What a page tells about the list: where the next one starts, where it ends, how long it is."""
        after = start + len(page.rows)
        if page.total is not None:
            self._stated = page.total
            self._cache.keep_total(self._branch.key, page.total)
        chain.keep(start, page.rows)
        if page.next is not None:
            chain.mark(after, page.next)
            return
        chain.bound = after if chain.bound is None else min(after, chain.bound)
        if page.rows or exact_start:
            chain.end = after  # otherwise it was entered past its end, which lies somewhere before

    async def _total(self, chain: Chain, *, anew: bool) -> int:
        """The length of the list: as read to its end, else as stated, else counted by reading on."""
        if chain.end is not None:
            return chain.end
        if self._stated is None and not anew:
            self._stated = self._cache.total(self._branch.key)
        if self._stated is None and not self._asked:
            await self._ask_total()
        return self._stated if self._stated is not None else await self._count()

    async def _ask_total(self) -> None:
        """The smallest page, for the total it may state."""
        page = await read_page(self._send, self._branch, self._branch.access.pager.start(0, 1).position)
        self._stated = len(page.rows) if page.next is None and page.total is None else page.total

    async def _count(self) -> int:
        rows = 0
        async for page in every_page(self._send, self._branch):
            self._budget.spend(len(page.rows))
            rows += len(page.rows)
        self._cache.keep_total(self._branch.key, rows)
        return rows

    @staticmethod
    def _resume(chain: Chain, offset: int) -> tuple[int, Params] | None:
        if chain.ends_before(offset):
            return None
        nearest = chain.nearest(offset)
        return None if nearest is None else (nearest, chain.positions[nearest])
