"""The simulated PingOne's manners: what a request brings, how lists page, how it refuses.

Sources: "Paging, ordering, and expanding collections", "Error codes", "PingOne API responses".
"""

import base64
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson

JSON: Final = "application/json"
VALIDATION: Final = "The request could not be completed. One or more validation errors were in the request."
_BEFORE_ALL: Final = -(2**53)


class Refusal(Exception):
    """An answer that is no success: a status, and a body of the vendor's error shape."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.headers = dict(headers or {})
        self._body = {"code": code, "message": message} | ({"details": list(details)} if details else {})

    def body(self, correlation_id: str) -> dict[str, Any]:
        return {"id": correlation_id, **self._body}


def invalid(code: str, target: str, message: str, **inner: Any) -> Refusal:
    """A value of the body that is not taken: 400 INVALID_DATA with one detail."""
    detail = {"code": code, "target": target, "message": message}
    return Refusal(400, "INVALID_DATA", VALIDATION, [detail | ({"innerError": inner} if inner else {})])


def bad_parameter(code: str, target: str, message: str, **inner: Any) -> Refusal:
    """A parameter or an id that is not taken: 400 INVALID_REQUEST with one detail."""
    detail = {"code": code, "target": target, "message": message}
    text = "The request was invalid. One or more parameters were not valid."
    return Refusal(400, "INVALID_REQUEST", text, [detail | ({"innerError": inner} if inner else {})])


def not_found(what: str) -> Refusal:
    return Refusal(404, "NOT_FOUND", f"Unable to find {what}")


def access_failed(status: int, code: str, message: str) -> Refusal:
    return Refusal(status, "ACCESS_FAILED", message, [{"code": code, "message": message}])


@dataclass(frozen=True, slots=True)
class Inbound:
    """One request to the API after its checks. ``base`` is the environment's own address, for links."""

    base: str
    path: str
    ids: Mapping[str, str]
    query: Mapping[str, str]
    content_type: str
    body: Mapping[str, Any] = field(default_factory=dict)

    def link(self, path: str) -> dict[str, str]:
        return {"href": f"{self.base}{path}"}

    def asks(self, name: str, *known: str) -> frozenset[str]:
        """The words of a comma-separated parameter; refuses unknown ones."""
        words = frozenset(filter(None, self.query.get(name, "").split(",")))
        if unknown := words - frozenset(known):
            text = f"{', '.join(sorted(unknown))} is not supported"
            raise bad_parameter("INVALID_VALUE", name, text, allowedValues=list(known))
        return words


@dataclass(slots=True)
class Item:
    """A stored record. ``seq`` is its place in every list."""

    seq: int
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a list goes on; clients get it as one opaque text."""

    path: str
    after: int
    limit: int
    filter: str
    expand: str
    number: int = 0  # of the page, so that an empty page in the middle still leads on

    def sealed(self) -> str:
        parts = orjson.dumps([self.path, self.after, self.limit, self.filter, self.expand, self.number])
        return base64.urlsafe_b64encode(parts).decode().rstrip("=")

    @classmethod
    def opened(cls, text: str, path: str) -> "Cursor":
        """The cursor of a list; refuses what is none, or another list's."""
        try:
            found = cls(*orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))))
        except (ValueError, TypeError):
            found = None
        if found is None or found.path != path:
            raise bad_parameter("INVALID_VALUE", "cursor", "is not a cursor of this list")
        return found


def asked_for(request: Inbound, default: int) -> Cursor:
    """The part of a list that a request wants; a cursor brings the rest along, so nothing else stands beside it."""
    limit = _limit(request.query.get("limit"), default)
    if "cursor" not in request.query:
        filter, expand = request.query.get("filter", ""), request.query.get("expand", "")
        return Cursor(request.path, _BEFORE_ALL, limit, filter, expand)
    for name in request.query.keys() & {"filter", "expand"}:
        raise bad_parameter("INVALID_PARAMETER", name, "cannot be combined with a cursor: follow _links.next.href")
    cursor = Cursor.opened(request.query["cursor"], request.path)
    return replace(cursor, limit=limit if "limit" in request.query else cursor.limit)


def _limit(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= 1000:
        message = "must be between 1 and 1000"
        raise bad_parameter("OUT_OF_RANGE", "limit", message, rangeMinimumValue=1, rangeMaximumValue=1000)
    return int(text)


def page(
    request: Inbound,
    name: str,
    rows: Sequence[Item],
    wanted: Cursor,
    size: int,
    render: Callable[[Item], dict[str, Any]],
) -> dict[str, Any]:
    """The HAL envelope of ``size`` rows at most after the cursor; `_links.next` is there when more rows are."""
    start = bisect_right(rows, wanted.after, key=lambda row: row.seq)
    shown = rows[start : start + size]
    links = {"self": request.link(request.path)}
    if start + len(shown) < len(rows):
        after = shown[-1].seq if shown else wanted.after
        cursor = replace(wanted, after=after, number=wanted.number + 1).sealed()
        links["next"] = request.link(f"{request.path}?limit={wanted.limit}&cursor={cursor}")
    body: dict[str, Any] = {"_links": links, "_embedded": {name: [render(row) for row in shown]}}
    if not rows:
        del body["_embedded"]  # guard for a missing list (vendor clients do)
    return body | {"size": len(shown)}
