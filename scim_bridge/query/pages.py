"""Reading pages of one upstream list: one of them, or all in order; what contradicts itself is refused."""

import asyncio
import logging
import traceback
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from scim_bridge.query.capabilities import FIRST, FOLLOW, LAST, SEEN, AccessPath, Params, Row
from scim_bridge.query.pagers import OnePage, dig
from scim_bridge.query.plan import Branch
from scim_bridge.upstream.errors import BadAnswer, UpstreamError
from scim_bridge.upstream.reply import Reply

Send = Callable[..., Awaitable[Reply]]
_log = logging.getLogger("scim_bridge.query")


class Moved(BadAnswer):
    """A list does not go on where it was left: it changed meanwhile, or pages in another way than it seemed to."""


@dataclass(frozen=True, slots=True)
class UpstreamPage:
    """One reply of a list: its rows, what follows, the total if stated, and how many upstream rows were read for it."""

    rows: list[Row]
    next: Params | None
    total: int | None
    read: int


def rows_of(access: AccessPath, reply: Reply) -> list[Row]:
    """The records in a reply. Raises BadAnswer where a list is not one.

    An empty list may be left out, but only where the reply is known to be the right one: by the total it states or what
    else the provider knows it by, or as the record that holds the list. Any other JSON must not pass for "nobody".
    """
    if access.single:
        found: Any = [reply.body]
    else:
        found = _dig_any_case(reply.body, access.rows)
        within_record = bool(access.variables and reply.body) and isinstance(access.pager, OnePage)
        if found is None and isinstance(reply.body, Mapping):
            told = access.empty is not None and access.empty(reply)
            found = [] if told or within_record or access.pager.total(reply) is not None else None
    if not isinstance(found, list) or not all(isinstance(row, Mapping) for row in found):
        raise BadAnswer("", f"{access.path} did not answer {'a record' if access.single else 'a list of records'}")
    return found


WRONG_SHAPE: Final = (KeyError, IndexError, TypeError, AttributeError, ValueError)
"""What looking into an answer raises that is not as documented."""


def wrong_shape(path: str, error: Exception) -> BadAnswer:
    """The error of the upstream's that such an exception stands for; the texts of some quote what was sent."""
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    told = {"path": path, "error": type(error).__name__, "at": f"{frame.f_code.co_qualname}, line {line}"}
    _log.warning("an answer lacks what it has to hold", extra=told)
    missing = f" ({error})" if isinstance(error, KeyError) else ""
    return BadAnswer("", f"{path} sent something that lacks what it has to hold{missing}")


class understood:
    """Raises BadAnswer where a provider looks for what an answer, against all that is documented, does not hold."""

    __slots__ = ("_path",)

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, WRONG_SHAPE):
            raise wrong_shape(self._path, error) from None


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
    stated = access.pager.total(reply)
    if at_start and stated and not found and following is None:
        raise BadAnswer("", f"{access.path} states {stated} rows and sends none")
    if following == position:
        raise BadAnswer("", f"{access.path} named the same page as the next one")
    with understood(access.path):
        found, following = _fresh(access, position, found, following)
        unwrapped = _unwrapped(access, found)
    return UpstreamPage(unwrapped, following, stated, len(found))


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


class Once:
    """The rows of one read: one that comes twice means that another one was missed."""

    def __init__(self, access: AccessPath) -> None:
        self._access = access
        self._seen: set[str] = set()

    def check(self, rows: list[Row]) -> None:
        """Raises BadAnswer."""
        if self._access.identity is None:
            return
        with understood(self._access.path):
            keys = list(map(self._access.identity, rows))
        for each in keys:
            if each in self._seen:
                raise BadAnswer("", f"{self._access.path} sent a row twice: another one may be missing")
            self._seen.add(each)


def _unwrapped(access: AccessPath, found: list[Row]) -> list[Row]:
    if access.unwrap is None:
        return found
    return [row for row in map(access.unwrap, found) if row is not None]


class Visited:
    """The positions read so far: coming by one again is an error, not a loop."""

    def __init__(self, access: AccessPath) -> None:
        self._access = access
        self._keys: set[tuple[tuple[str, str], ...]] = set()

    def add(self, position: Params) -> None:
        key = tuple(sorted(position.items()))
        if key in self._keys:
            raise BadAnswer("", f"{self._access.path} pages in a circle")
        self._keys.add(key)


async def every_page(
    send: Send, branch: Branch, ahead: int = 1, position: Params | None = None
) -> AsyncGenerator[UpstreamPage, None]:
    """All pages of a list, in order and in the largest steps the upstream takes; from a ``position`` on, the rest.

    Where rows are reached by their number, up to ``ahead`` pages are asked for at a time; to be used in `aclosing`.
    Raises Moved where such a list gets shorter while it is read: the rows behind the one that left then stand before
    the page that was to have them, and would pass for gone.
    """
    once, numbered = Once(branch.access), branch.access.pager.random_access
    total: int | None = None
    async with aclosing(_pages_in_order(send, branch, ahead, position)) as pages:
        async for page in pages:
            once.check(page.rows)
            if numbered and page.total is not None and total is not None and page.total < total:
                raise Moved("", f"{branch.access.path} got shorter while it was read: rows may be missing")
            total = page.total
            yield page


async def _pages_in_order(
    send: Send, branch: Branch, ahead: int, position: Params | None
) -> AsyncGenerator[UpstreamPage, None]:
    pager, visited = branch.access.pager, Visited(branch.access)
    first = position is None
    if position is None:
        position = pager.start(0, pager.max_page).position
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
