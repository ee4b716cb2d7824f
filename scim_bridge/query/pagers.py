"""The ways upstream lists page. Pagers hold no state: a position is what is sent to get a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scim_bridge.query.capabilities import FOLLOW, SEEN, Params, Start
from scim_bridge.upstream.errors import BadAnswer
from scim_bridge.upstream.reply import Reply


def dig(body: Any, dotted: str) -> Any:
    """The value at a dotted path of decoded JSON; None where a step is missing; "" is the body itself.

    A step into a list is an index, from the end where negative: ``profiles.-1.id``.
    """
    for name in dotted.split(".") if dotted else ():
        if isinstance(body, Mapping):
            body = body.get(name)
        elif isinstance(body, list) and -len(body) <= (index := _index(name, len(body))) < len(body):
            body = body[index]
        else:
            return None
    return body


def _index(step: str, outside: int) -> int:
    return int(step) if step.removeprefix("-").isdecimal() else outside


def _whole_number(value: Any) -> int | None:
    """A total as an upstream states it, in a header or a body; None where it states none."""
    try:
        number = int(value)
    except (TypeError, ValueError):
        return None
    return number if number >= 0 and not isinstance(value, bool) else None


@dataclass(frozen=True, slots=True)
class Total:
    """Where a reply states how many rows a list has: a body path or a header; neither: it does not."""

    body: str | None = None
    header: str | None = None

    def __call__(self, reply: Reply) -> int | None:
        if self.header is not None:
            return _whole_number(reply.headers.get(self.header))
        return _whole_number(dig(reply.body, self.body)) if self.body is not None else None


NO_TOTAL = Total()


@dataclass(frozen=True, slots=True)
class OnePage:
    """The whole list, however long, or the one record, in one reply."""

    max_page: int = 1_000_000
    random_access: bool = False

    def start(self, offset: int, limit: int) -> Start:
        return Start({}, 0)

    def next(self, sent: Params, reply: Reply, rows: int) -> Params | None:
        return None

    def total(self, reply: Reply) -> int | None:
        return None


@dataclass(frozen=True, slots=True)
class Link:
    """Replies name the next page by a link that is followed word for word; no link is the end."""

    next_link: str
    limit: str
    max_page: int
    total_at: Total = NO_TOTAL
    random_access: bool = False

    def start(self, offset: int, limit: int) -> Start:
        return Start({self.limit: str(limit)}, 0)

    def next(self, sent: Params, reply: Reply, rows: int) -> Params | None:
        link = dig(reply.body, self.next_link)
        if link is not None and not isinstance(link, str):
            raise BadAnswer("", "the link to the next page is not text")
        return {FOLLOW: link} if link else None

    def total(self, reply: Reply) -> int | None:
        return self.total_at(reply)


@dataclass(frozen=True, slots=True)
class BodyCursor:
    """A reply's body gives the parameter of the next page; no value is the end.

    Where it is the last row that gives it (``rows.-1.id``), an empty page is the end.
    """

    parameter: str
    cursor: str
    limit: str
    max_page: int
    total_at: Total = NO_TOTAL
    random_access: bool = False

    def start(self, offset: int, limit: int) -> Start:
        return Start({self.limit: str(limit)}, 0)

    def next(self, sent: Params, reply: Reply, rows: int) -> Params | None:
        value = dig(reply.body, self.cursor)
        if value is None and rows and "-1" in self.cursor.split("."):
            raise BadAnswer("", f"the last row has no {self.cursor.rpartition('.')[2]} to go on from")
        return None if value in (None, "") else {**sent, self.parameter: str(value)}

    def total(self, reply: Reply) -> int | None:
        return self.total_at(reply)


@dataclass(frozen=True, slots=True)
class Offset:
    """Any row is reached by its number, counted from ``base``: offset/limit, or SCIM's startIndex/count.

    The next page starts after the rows that came, whatever was asked for, as upstreams cap pages silently.
    """

    offset: str
    limit: str
    max_page: int
    base: int = 0
    total_at: Total = NO_TOTAL
    random_access: bool = True

    def start(self, offset: int, limit: int) -> Start:
        return Start({self.offset: str(offset + self.base), self.limit: str(limit)}, offset)

    def next(self, sent: Params, reply: Reply, rows: int) -> Params | None:
        after = int(sent[self.offset]) + rows
        if _ended(rows, after - self.base, self.total_at(reply)):
            return None
        return {**sent, self.offset: str(after)}

    def total(self, reply: Reply) -> int | None:
        return self.total_at(reply)


@dataclass(frozen=True, slots=True)
class PageNumber:
    """Pages of equal size by number, the first being ``first``: a row is reached by its page, then by skipping.

    The upstream may make pages smaller than asked for, but all but the last of the same size.
    """

    page: str
    limit: str
    max_page: int
    first: int = 1
    total_at: Total = NO_TOTAL
    random_access: bool = True

    def start(self, offset: int, limit: int) -> Start:
        number = offset // limit
        before = number * limit
        position = {self.page: str(number + self.first), self.limit: str(limit), SEEN: str(before)}
        return Start(position, before, counted=number > 0)

    def next(self, sent: Params, reply: Reply, rows: int) -> Params | None:
        # The number of a page does not tell how many rows came before it, once the upstream has capped pages.
        seen = int(sent[SEEN]) + rows
        if _ended(rows, seen, self.total_at(reply)):
            return None
        return {**sent, self.page: str(int(sent[self.page]) + 1), SEEN: str(seen)}

    def total(self, reply: Reply) -> int | None:
        return self.total_at(reply)


def _ended(rows: int, seen: int, total: int | None) -> bool:
    """Whether a list ended: as many rows came as it is said to have, or none; a short page proves nothing.

    Where more came than that, the total is wrong, and only an empty page is believed.
    """
    return rows == 0 or seen == total
