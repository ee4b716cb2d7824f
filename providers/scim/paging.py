"""How a SCIM server's lists page, as it was seen to (RFC 7644 section 3.4.2.4): four ways, none of them taken on trust.

A total ends a list, and is told to clients, only where it was proven to be one. Elsewhere a page is asked for from the
last row of the page before: that this row comes again proves that the list goes on there, and where nothing comes after
it, that the list ends.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from scim_bridge.providers.scim.shape import held, identifier, listed
from scim_bridge.query.capabilities import FIRST, LAST, SEEN, Pager, Params, Start
from scim_bridge.query.pagers import NO_TOTAL, PageNumber, Total, dig
from scim_bridge.upstream.errors import BadAnswer
from scim_bridge.upstream.reply import Reply

START: Final = "startIndex"
COUNT: Final = "count"
Totals = Literal["proven", "unproven", "wrong"]
_STATED: Final = Total(body="totalResults")


@dataclass(frozen=True, slots=True)
class Paging:
    """What was seen of the lists of one resource type.

    - ``kind``: "rows", startIndex is the number of a row, as SCIM has it; "pages", of a page; "whole", it changes
      nothing that makes sense; "unseen", there were too few rows to tell.
    - ``totals``, ``filtered``: what `totalResults` is worth in a list of all rows, and of some.
    - ``ordered``: the same request finds the same order; ``by_id``: only when asked to sort by id.
    - ``clamps``: past its end a list has rows again.
    - ``several``: a page can have more than one row.
    - ``echoes``: an answer that states its startIndex states the one asked for.
    """

    kind: Literal["rows", "pages", "whole", "unseen"] = "unseen"
    totals: Totals = "unproven"
    filtered: Totals = "unproven"
    ordered: bool = True
    by_id: bool = False
    clamps: bool = False
    several: bool = False
    echoes: bool = True

    @property
    def usual(self) -> bool:
        """Whether lists page in a way that SCIM servers do; what looks otherwise may have changed meanwhile."""
        return self.kind in ("rows", "pages") and self.ordered

    def pager(self, max_page: int, totals: Totals) -> Pager:
        """The pager of a list."""
        direct = self.kind in ("rows", "pages") and self.ordered and not self.clamps
        match self.kind:
            case "whole":
                return Whole(max_page, believed=self.totals != "wrong")
            case "pages":
                end = _STATED if totals == "proven" else NO_TOTAL
                return Numbered(START, COUNT, max_page, 1, end, direct, totals, self.clamps)
        return Indexed(max_page, totals, direct, self.several, self.ordered, self.echoes)


UNSEEN: Final = Paging()
TOLD: Final = Paging("rows", "proven", "proven", several=True)
"""A server that does as SCIM says."""


def stated(body: Any) -> int | None:
    """The total that an answer states."""
    total = held(body, "totalResults") if isinstance(body, Mapping) else None
    return total if isinstance(total, int) and not isinstance(total, bool) and total >= 0 else None


def is_empty(reply: Reply) -> bool:
    """Whether an answer without rows says that there are none."""
    return stated(reply.body) == 0


def _id(reply: Reply, index: int) -> str:
    """The id of a row in an answer; "" where there is none."""
    rows = listed(reply.body)[1]
    return identifier(rows[index]) if rows else ""


def _check_end(reply: Reply, seen: int, totals: Totals) -> None:
    """Raises BadAnswer where a list stops short of its total: that must not be read as its end."""
    total = stated(reply.body)
    if totals != "wrong" and total is not None and total > seen:
        raise BadAnswer("", f"stated {total} rows and sent none from row {seen + 1} on")


@dataclass(frozen=True, slots=True)
class Indexed:
    """Lists entered at a row by its number, from 1.

    ``again``: the last row of a page is asked for again with the next one, where no total says where the list ends.
    """

    max_page: int
    totals: Totals = "proven"
    random_access: bool = True
    several: bool = True
    again: bool = True
    echoes: bool = True

    def start(self, offset: int, limit: int) -> Start:
        # With one row a page there is no room for the row before.
        limit = limit if self.totals == "proven" else min(max(limit, 2), self.max_page)
        return Start({START: str(offset + 1), COUNT: str(limit), SEEN: str(offset)}, offset)

    def next(self, sent: Params, reply: Reply, rows: int) -> Params | None:
        first = dig(reply.body, START)
        if self.echoes and rows and isinstance(first, int) and str(first) != sent[START]:
            raise BadAnswer("", f"answered from row {first} on when asked for row {sent[START]}")
        repeated = int(LAST in sent) if _id(reply, 0) != sent.get(FIRST, "") else rows
        seen = int(sent[SEEN]) + max(0, rows - repeated)
        if rows <= repeated:
            _check_end(reply, seen, self.totals)
            return None
        if self.totals == "proven" and seen == stated(reply.body):
            return None
        following = {START: str(seen + 1), COUNT: sent[COUNT], SEEN: str(seen)}
        if self.totals == "proven":
            return following
        last = _id(reply, -1)
        if self.again and (rows > 1 or self.several) and int(sent[COUNT]) > 1:
            return {**following, START: str(seen), LAST: last}
        # Of a list of one row, some servers send that again past its end.
        return {**following, FIRST: last} if self.again and rows == 1 else following

    def total(self, reply: Reply) -> int | None:
        return stated(reply.body) if self.totals == "proven" else None


@dataclass(frozen=True, slots=True)
class Numbered(PageNumber):
    """Lists whose startIndex is the number of a page."""

    totals: Totals = "unproven"
    clamps: bool = False

    def next(self, sent: Params, reply: Reply, rows: int) -> Params | None:
        if rows == 0:
            _check_end(reply, int(sent[SEEN]), self.totals)
        following = PageNumber.next(self, sent, reply, rows)
        return {**following, FIRST: _id(reply, 0)} if following is not None and self.clamps else following

    def total(self, reply: Reply) -> int | None:
        return stated(reply.body) if self.totals == "proven" else None


@dataclass(frozen=True, slots=True)
class Whole:
    """Lists that come whole whatever page is asked for, which their total has to say; ``believed``: it may be one."""

    max_page: int
    random_access: bool = False
    believed: bool = True

    def start(self, offset: int, limit: int) -> Start:
        return Start({START: "1", COUNT: str(self.max_page)}, 0)

    def next(self, sent: Params, reply: Reply, rows: int) -> Params | None:
        total = stated(reply.body) if self.believed else None
        if total != rows:
            told = "does not say of how many" if total is None else f"says that there are {total}"
            raise BadAnswer("", f"sends {rows} rows whatever page is asked for, and {told}: not all can be read")
        return None

    def total(self, reply: Reply) -> int | None:
        return stated(reply.body) if self.believed else None
