"""What a bounded number of harmless requests proves of the lists of a SCIM server: how they page, what rows bring.

A server that refuses, or that has too few rows to tell, proves nothing; then the bridge does it itself. An outage is
raised. Nothing is written: the one PATCH goes to a resource that cannot exist.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from scim_bridge.providers.scim.paging import COUNT, START, Paging, Totals, stated
from scim_bridge.providers.scim.shape import EMPTY, held, identifier, listed
from scim_bridge.query.capabilities import Row
from scim_bridge.query.pages import Send
from scim_bridge.query.plan import quoted
from scim_bridge.upstream.errors import AuthRefused, BadAnswer, NotFound, Rejected, UpstreamError
from scim_bridge.upstream.trace import current_trace

_log = logging.getLogger("scim_bridge.providers.scim")
SAMPLES: Final = 10
RELATIONS: Final = ("members", "groups")
PATCH_OP: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SCIM_JSON: Final = {"Content-Type": "application/scim+json"}
NO_SUCH_ID: Final = "b7d1f0a2-5c1e-4b0d-9a53-0c0ffee0dead"
_FAR: Final = "1000000"
_RESERVED_SECONDS: Final = 20.0
"""What has to be left until the deadline of whoever waits for it: where it is not, what is open stays unproven."""


@dataclass(frozen=True, slots=True)
class Found:
    """A page: its rows, the total and the first row's number that it states."""

    rows: list[Row]
    total: int | None
    start: Any = None

    @property
    def ids(self) -> list[str]:
        return [identifier(each) for each in self.rows]


NONE: Final = Found([], None)


@dataclass(slots=True)
class Ask:
    """Asks for pages of one list, up to a number of requests; what is refused, or one too many, is None.

    ``stopped``: trouble or the time ended it before its time. The list itself was there, so that is no outage to raise:
    what is open stays unproven.

    ``samples``: so many first rows are known, so that the ones that a filter finds are among as many of its own.
    """

    send: Send
    endpoint: str
    left: int = 60
    samples: int = SAMPLES
    fixed: dict[str, str] = field(default_factory=dict)
    stopped: bool = False

    async def page(self, **params: str) -> Found | None:
        if self.left <= 0 or self._is_over():
            return None
        try:
            body = await self.body(params)
        except UpstreamError as error:
            self.stop(error)
            return None
        return None if body is None else Found(listed(body)[1], stated(body), held(body, START))

    def _is_over(self) -> bool:
        trace = current_trace()
        self.stopped |= trace is not None and trace.remaining_seconds < _RESERVED_SECONDS
        return self.stopped

    def stop(self, error: UpstreamError) -> None:
        """Ask no more: the server is in trouble, or limits how often it is asked."""
        _log.warning("a look at a SCIM server ended early: %s", error, extra={"endpoint": self.endpoint})
        self.stopped = True

    async def record(self, resource_id: str, params: Mapping[str, str]) -> Row | None:
        """The record with an id."""
        if self._is_over():
            return None
        try:
            body = (await self.send("GET", f"{self.endpoint}/{quoted(resource_id)}", params=params)).body
        except UpstreamError as error:
            if not is_refusal(error, filtered=False):
                self.stop(error)
            return None
        return body if isinstance(body, Mapping) else None

    async def body(self, params: Mapping[str, str]) -> Mapping[str, Any] | None:
        """A page as it came, however late it is; None where the server refuses it. Raises what else goes wrong."""
        self.left -= 1
        try:
            body = (await self.send("GET", self.endpoint, params={**self.fixed, **params})).body
        except UpstreamError as error:
            if not is_refusal(error, filtered="filter" in params):
                raise
            return None
        return body if isinstance(body, Mapping) else None

    async def ids(self, text: str) -> list[str] | None:
        """The ids of the rows that a filter finds, on a first page; None where the server refuses it."""
        found = await self.page(**{"filter": text, START: "1", COUNT: str(self.samples)})
        return None if found is None else found.ids


def is_refusal(error: UpstreamError, *, filtered: bool) -> bool:
    """Whether a server does not do what was asked; some answer 500 to filters they do not know."""
    denied = isinstance(error, AuthRefused) and error.status == 403
    refused = denied or isinstance(error, Rejected | NotFound) or error.status == 501
    return refused or (filtered and error.status == 500)


async def paged(ask: Ask, first: Found, *, sorts: bool) -> Paging:
    """How a list pages, by its first rows. Where it has no order of its own, ``ask`` goes on by id if it can.

    Whatever could not be asked leaves it "unseen": each page then has to prove itself.
    """
    paging = Paging(several=len(first.rows) > 1)
    again = await ask.page(count=str(SAMPLES))
    if again is None:
        return paging
    ordered = bool(again.rows) == bool(first.rows) and _agree(again.ids, first.ids)
    found = await _in_order(ask, first, paging) if ordered else None
    if sorts and (found is None or found.kind == "whole") and (by_id := await _by_id(ask)) is not None:
        return await _in_order(ask, by_id, replace(paging, by_id=True))
    return found or await _unordered(ask, first, replace(paging, ordered=False))


async def _in_order(ask: Ask, first: Found, paging: Paging) -> Paging:
    """How a list pages that comes in one order."""
    second, far = await ask.page(startIndex="2", count="2"), await ask.page(startIndex=_FAR, count="2")
    if second is None:
        return paging
    paging = replace(paging, kind=await _kind(ask, first, second))
    if paging.kind == "whole":
        return await _whole(ask, first, paging)
    clamps = far is None or bool(far.rows)
    paging = replace(paging, clamps=clamps, echoes=_echoes(first, "1") and _echoes(second, "2"))
    return replace(paging, totals=await _totals(ask, paging, first, second))


async def _by_id(ask: Ask) -> Found | None:
    """The first rows by id, where the server sorts so, twice the same; all that follows is asked for in that order."""
    ask.fixed["sortBy"] = "id"
    asked: tuple[dict[str, str], ...] = ({START: "1"}, {})
    pages = [await ask.page(**each, count=str(SAMPLES)) or NONE for each in asked]
    if pages[0].rows and pages[0].ids == pages[1].ids and pages[0].ids == sorted(pages[0].ids):
        return pages[0]
    del ask.fixed["sortBy"]
    return None


async def _kind(ask: Ask, first: Found, second: Found) -> Literal["rows", "pages", "whole", "unseen"]:
    """What startIndex means: rows 1 and so on are known, and asked for were two from "2" on."""
    known, got = first.ids, second.ids
    if len(known) < 2:
        # Past its end, a list may have its row again; and pages of one row have the same number as it.
        return "unseen" if got in ([], known) else "rows" if known and len(got) == 1 else "whole"
    if got and got[0] == known[0]:
        return "whole"
    if got and _agree(got, known[1:]):
        return "rows"
    if len(known) > 2:
        return "pages" if got and _agree(got, known[2:]) else "whole"
    # As pages, the two behind the known ones, or none at all: smaller pages tell.
    number, expected = ("3", got[0]) if got else ("2", known[1])
    small = await ask.page(startIndex=number, count="1") or NONE
    return "pages" if small.ids == [expected] else "whole"


def _agree(one: list[str], other: list[str]) -> bool:
    """Whether two lists of rows are the same as far as both go."""
    return all(left == right for left, right in zip(one, other, strict=False))


def _echoes(page: Found, asked: str) -> bool:
    return not page.rows or not isinstance(page.start, int) or str(page.start) == asked


async def _totals(ask: Ask, paging: Paging, first: Found, second: Found) -> Totals:
    """Whether totals are right: the same whatever the page, and the last row is where they say."""
    total = first.total
    if total is None or total != second.total:
        return "unproven" if total is None and second.total is None else "wrong"
    if not paging.several or total <= min(len(first.rows), len(second.rows)):
        return "unproven"  # it may as well be the size of the page
    return "proven" if await _ends_at(ask, paging, total) else "wrong"


async def _ends_at(ask: Ask, paging: Paging, total: int) -> bool:
    """Whether a list has as many rows as stated: the last page is there, and not full."""
    size = 2 if paging.kind == "rows" else next(each for each in range(2, total + 2) if total % each)
    number, expected = (total, 1) if paging.kind == "rows" else (total // size + 1, total % size)
    last = await ask.page(startIndex=str(number), count=str(size)) or NONE
    there = len(last.rows) == expected and last.total == total
    if not there or not paging.clamps:
        return there
    # The last page comes for any number past it as well: the page before has to be another one.
    before = await ask.page(startIndex=str(number - 1), count=str(size)) or NONE
    return len(before.rows) == size and before.ids != last.ids


async def _unordered(ask: Ask, first: Found, paging: Paging) -> Paging:
    """Without an order only the number of rows tells anything; where it does not, a list has to come whole."""
    whole, total = await _whole(ask, first, paging), first.total
    far = await ask.page(startIndex=_FAR, count="2") or NONE
    kinds: tuple[Literal["rows", "pages"], ...] = ("rows", "pages")
    if total is not None and total > 2 and whole.totals != "wrong" and not far.rows:
        for kind in kinds:
            as_kind = replace(paging, kind=kind, totals="proven")
            if await _ends_at(ask, as_kind, total):
                return as_kind
    return whole


async def _whole(ask: Ask, first: Found, paging: Paging) -> Paging:
    """Lists that have to come whole, by their total; it must not be the size of the page."""
    one = await ask.page(startIndex="1", count="1") or NONE
    believed = first.total is not None and first.total == one.total
    return replace(paging, kind="whole", totals="unproven" if believed else "wrong")


def inline(rows: Iterable[Row]) -> frozenset[str]:
    """The relations that rows of a list bring along."""
    rows = list(rows)
    return frozenset(name for name in RELATIONS if any(held(row, name) not in EMPTY for row in rows))


async def is_lean(ask: Ask, first: Found, relation: str) -> bool:
    """Whether rows come without a relation, and with the rest, where that is asked for."""
    lean = await ask.page(startIndex="1", count=str(SAMPLES), excludedAttributes=relation)
    if lean is None or lean.ids != first.ids or inline(lean.rows):
        return False
    return all(
        _names(one) - {relation} == _names(other) - {relation} for one, other in zip(lean.rows, first.rows, strict=True)
    )


def _names(row: Row) -> frozenset[str]:
    return frozenset(key.lower() for key, value in row.items() if value not in EMPTY)


async def takes_patch(ask: Ask) -> bool:
    """Whether PATCH is there: of a resource that cannot exist it says so, or that this one cannot be."""
    if ask.stopped:
        return False
    operations = [{"op": "replace", "path": "externalId", "value": "none"}]
    body = {"schemas": [PATCH_OP], "Operations": operations}
    try:
        await ask.send("PATCH", f"{ask.endpoint}/{quoted(NO_SUCH_ID)}", json=body, headers=SCIM_JSON)
    except UpstreamError as error:
        if isinstance(error, BadAnswer) or error.status in (405, 500, 501):
            return False
        if isinstance(error, NotFound | Rejected) or error.status == 403:
            return True
        ask.stop(error)
    return False  # what is not there cannot have been changed
