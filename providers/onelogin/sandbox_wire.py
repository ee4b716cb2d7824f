"""What the simulated API speaks: requests as endpoints see them, and refusals in the shapes that OneLogin has.

Sources: "Development overview", "Using query parameters", "List users", "List roles" (API v2), "Events" (API v1).
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

PAGING: Final = frozenset({"limit", "page", "cursor"})
V1_PAGING: Final = frozenset({"limit", "after_cursor", "before_cursor"})


@dataclass(slots=True)
class Refusal(Exception):
    """An answer that refuses a request."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


def v1_refusal(status: int, kind: str, message: Any) -> Refusal:
    """The shape of /auth and API v1; the message may be an object."""
    return Refusal(status, {"status": {"error": True, "code": status, "type": kind, "message": message}})


def refusal(status: int, name: str, message: str, field: str | None = None) -> Refusal:
    """The shape of v2 users."""
    body = {"message": message, "name": name, "statusCode": status}
    return Refusal(status, body if field is None else {**body, "field": field})


def role_refusal(status: int, name: str, description: str) -> Refusal:
    """The shape of the roles service."""
    return Refusal(status, {"status": status, "error": name, "description": description})


def bad_request(message: str) -> Refusal:
    return refusal(400, "BadRequestError", message)


def invalid(text: str) -> Refusal:
    return refusal(422, "UnprocessableEntityError", f"Validation failed: {text}")


def missing() -> Refusal:
    return refusal(404, "NotFoundError", "The resource with the given id could not be found")


SUCCESS: Final = {"status": {"error": False, "code": 200, "type": "success", "message": "Success"}}


@dataclass(frozen=True, slots=True)
class Inbound:
    """A request as it arrived: ``path`` is what follows the host, ``ids`` the numbers in it."""

    method: str
    path: str
    ids: Mapping[str, int]
    query: Mapping[str, str]
    body: Any
    origin: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and headers; a body of None is an empty one."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


def whole_number(text: str, name: str, least: int = 1) -> int:
    """A number in a query; refuses anything else."""
    if not text.isascii() or not text.isdecimal() or int(text) < least:
        raise bad_request(f"{name} must be a number of {least} or more")
    return int(text)


def page(
    request: Inbound,
    rows: Sequence[Any],
    render: Callable[[Any], Any],
    *,
    default: int,
    most: int,
    clamps: bool,
    ordered: Mapping[str, str],
) -> Answer:
    """One page of a v2 list: a bare array, with where it is in the headers. ``ordered`` goes into cursors.

    A cursor is nothing but the paging parameters of its page, so it goes by numbers and knows no filters.
    """
    limit, number = _position(request, default)
    if limit > most:
        if not clamps:
            raise bad_request(f"limit must be {most} or less")
        limit = most
    shown = rows[(number - 1) * limit : number * limit]
    pages = -(-len(rows) // limit)
    headers = {
        "Current-Page": str(number),
        "Page-Items": str(len(shown)),
        "Total-Pages": str(pages),
        "Total-Count": str(len(rows)),
    }
    for name, relation, other in (("After-Cursor", "next", number + 1), ("Before-Cursor", "prev", number - 1)):
        if 1 <= other <= pages:
            cursor = sealed(limit, other, ordered)
            headers[name] = cursor
            link = f'<{request.origin}{request.path}?cursor={cursor}>; rel="{relation}"'
            headers["Link"] = ", ".join(filter(None, (headers.get("Link"), link)))
    return Answer(200, [render(each) for each in shown], headers)


def sealed(limit: int, number: int, ordered: Mapping[str, str]) -> str:
    """The cursor of a page, which is no secret: ``limit=10&page=2``."""
    sort = {"sort": ordered["sort"]} if "sort" in ordered else {}
    rest = {name: value for name, value in ordered.items() if name != "sort"}
    return base64.b64encode(urlencode({"limit": limit, **sort, "page": number, **rest}).encode()).decode()


def _position(request: Inbound, default: int) -> tuple[int, int]:
    """Limit and page number; cursor and the others exclude each other."""
    query = request.query
    if "cursor" not in query:
        limit = whole_number(query["limit"], "limit") if "limit" in query else default
        return limit, whole_number(query["page"], "page") if "page" in query else 1
    if query.keys() & {"limit", "page"}:
        raise role_refusal(400, "BadRequestError", "Requests can only have cursor xor pagination arguments")
    try:
        held = dict(parse_qsl(base64.b64decode(query["cursor"], validate=True).decode()))
        return int(held["limit"]), int(held["page"])
    except (ValueError, KeyError):
        raise role_refusal(400, "BadRequestError", "Invalid pagination cursor") from None


def envelope(data: Any, pagination: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A success of API v1."""
    body = {**SUCCESS, "data": data}
    return body if pagination is None else {**body, "pagination": dict(pagination)}


def v1_page(
    request: Inbound, rows: Sequence[Mapping[str, Any]], account_id: int, *, default: int = 50, most: int = 1000
) -> Answer:
    """One page of a v1 list; a cursor names the row before it, so it holds while rows come and go."""
    try:
        limit = min(most, whole_number(request.query.get("limit", str(default)), "limit"))
    except Refusal:
        raise v1_refusal(400, "bad request", {"attribute": "limit", "description": "limit is invalid"}) from None
    start = _after(request, rows)
    if "before_cursor" in request.query:
        first = _opened(request.query["before_cursor"])
        end = next((i for i, row in enumerate(rows) if row["id"] == first), len(rows))
        start, limit = max(0, end - limit), min(limit, end)
    shown = rows[start : start + limit]

    def cursor(row: Mapping[str, Any]) -> str:
        return base64.b64encode(f"account_id:::{account_id}--##id:::{row['id']}".encode()).decode()

    after = cursor(shown[-1]) if shown and start + len(shown) < len(rows) else None
    before = cursor(shown[0]) if shown and start > 0 else None
    rest = {name: value for name, value in request.query.items() if name not in ("after_cursor", "before_cursor")}

    def link(name: str, value: str | None) -> str | None:
        return value and f"{request.origin}{request.path}?{urlencode({**rest, name: value})}"

    pagination = {
        "before_cursor": before,
        "after_cursor": after,
        "previous_link": link("before_cursor", before),
        "next_link": link("after_cursor", after),
    }
    return Answer(200, envelope(list(shown), pagination))


def _after(request: Inbound, rows: Sequence[Mapping[str, Any]]) -> int:
    """Where a list goes on after a cursor, whatever became of the row that it names."""
    if "after_cursor" not in request.query:
        return 0
    last = _opened(request.query["after_cursor"])
    falling = len(rows) > 1 and rows[0]["id"] > rows[-1]["id"]
    return next((i for i, row in enumerate(rows) if (row["id"] < last if falling else row["id"] > last)), len(rows))


def _opened(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor, validate=True).decode().rpartition("id:::")[2])
    except ValueError:
        raise v1_refusal(400, "bad request", "Invalid cursor") from None
