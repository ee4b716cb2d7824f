"""The ways upstream lists page. Pagers hold no state: a position is what is sent to get a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scim_bridge.query.capabilities import FOLLOW, Params, Start
from scim_bridge.upstream.errors import BadAnswer
from scim_bridge.upstream.reply import Reply


def dig(body: Any, dotted: str) -> Any:
    """The value at a dotted path of decoded JSON; None where a step is missing; "" is the body itself."""
    for name in dotted.split(".") if dotted else ():
        if not isinstance(body, Mapping):
            return None
        body = body.get(name)
    return body


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
    """The whole list, or the one record, in one reply."""

    max_page: int = 1
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
    """A reply's body (or its last row) gives the parameter of the next page; no value is the end."""

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
        return None if value in (None, "") else {**sent, self.parameter: str(value)}

    def total(self, reply: Reply) -> int | None:
        return self.total_at(reply)


@dataclass(frozen=True, slots=True)
class Offset:
    """Any row is reached by its number, counted from ``base``: offset/limit, or SCIM's startIndex/count.

    The next page starts after the rows that came, whatever was asked for, as upstreams cap pages silently. The end is
    the stated total; where none is stated, an empty page (a short one proves nothing).
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
        total = self.total_at(reply)
        ended = rows == 0 or (total is not None and after - self.base >= total)
        return None if ended else {**sent, self.offset: str(after)}

    def total(self, reply: Reply) -> int | None:
        return self.total_at(reply)


@dataclass(frozen=True, slots=True)
class PageNumber:
    """Pages of a fixed size by number, the first being ``first``: a row is reached by its page, then by skipping."""

    page: str
    limit: str
    max_page: int
    first: int = 1
    total_at: Total = NO_TOTAL
    random_access: bool = True

    def start(self, offset: int, limit: int) -> Start:
        number = offset // limit
        return Start({self.page: str(number + self.first), self.limit: str(limit)}, number * limit)

    def next(self, sent: Params, reply: Reply, rows: int) -> Params | None:
        number = int(sent[self.page])
        seen = (number - self.first + 1) * int(sent[self.limit])
        total = self.total_at(reply)
        ended = rows == 0 or (total is not None and seen >= total)
        return None if ended else {**sent, self.page: str(number + 1)}

    def total(self, reply: Reply) -> int | None:
        return self.total_at(reply)
