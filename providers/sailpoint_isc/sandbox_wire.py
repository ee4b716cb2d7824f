"""The simulated tenant's manners: what a request brings, how lists page, how it refuses.

Sources: "Standard Collection Parameters", "API Versioning Strategy", "Rate Limits", the published OpenAPI.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from scim_bridge.providers.sailpoint_isc.sandbox_filter import FilterError

JSON: Final = "application/json"
JSON_PATCH: Final = "application/json-patch+json"
SYNTAX: Final = "400.0 Bad request syntax"
CONTENT: Final = "400.1 Bad request content"
MISSING: Final = "400.1.0 Required data missing or empty"
UPDATE: Final = "400.1.1 Illegal update attempt"
VALUE: Final = "400.1.3 Illegal value"
Row = dict[str, Any]


class Refusal(Exception):
    """An answer that is no success; ``shape`` makes its body of a tracking id."""

    def __init__(
        self, status: int, shape: Callable[[str], Mapping[str, Any]], headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status)
        self.status = status
        self.shape = shape
        self.headers = dict(headers or {})


def refusal(status: int, code: str, text: str) -> Refusal:
    """The standard error DTO."""

    def shape(tracking_id: str) -> Mapping[str, Any]:
        message = {"locale": "en-US", "localeOrigin": "DEFAULT", "text": text}
        return {"detailCode": code, "trackingId": tracking_id, "messages": [message], "causes": []}

    return Refusal(status, shape)


def bad(code: str, text: str) -> Refusal:
    return refusal(400, code, text)


def not_found() -> Refusal:
    text = "The server did not find a current representation for the target resource."
    return refusal(404, "404 Not found", text)


def forbidden() -> Refusal:
    text = "The server understood the request but refuses to authorize it."
    return refusal(403, "403 Forbidden", text)


def unauthorized(text: str = "JWT validation failed: JWT is expired") -> Refusal:
    """No DTO (responses/401)."""
    return Refusal(401, lambda tracking_id: {"error": text})


def limited(retry_after: str) -> Refusal:
    return Refusal(429, lambda tracking_id: {"message": " Rate Limit Exceeded "}, {"Retry-After": retry_after})


def past_end() -> Refusal:
    """As one endpoint is known to answer an offset behind the last record: another shape, without a code."""
    return Refusal(
        400, lambda tracking_id: {"detailMessage": "Specified offset is invalid.", "trackingId": tracking_id}
    )


@dataclass(frozen=True, slots=True)
class Inbound:
    """One request to the API after its checks; ``path`` is without the version."""

    path: str
    ids: Mapping[str, str]
    query: Mapping[str, str]
    body: Any = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered: a status, JSON or nothing, and how long a list is where that was asked for."""

    status: int
    body: Any = None
    total: int | None = None


@dataclass(slots=True)
class Listing:
    """How a list is cut; ``past_end`` and ``page_size`` are the tenant's knobs."""

    past_end: str = "empty"  # or "400": documented of one endpoint only
    page_size: Callable[[int], int] = field(
        default=lambda rows: rows
    )  # of the rows a page could hold, how many it does
    window: int | None = None  # offset + limit beyond it is refused, as search does; not known of other lists

    def page(
        self, request: Inbound, rows: Sequence[Any], show: Callable[[Any], Any] = lambda row: row, *, most: int = 250
    ) -> Answer:
        """The rows from `offset` on, `limit` of them at most, and how many there are where `count` asks."""
        offset, limit = whole(request, "offset", 0), whole(request, "limit", most)
        if limit > most:
            raise bad(CONTENT, f"limit must not be greater than {most}")
        if self.window is not None and offset + limit > self.window:
            raise bad(CONTENT, f"offset and limit must not reach beyond {self.window}")
        if offset and offset >= len(rows) and self.past_end == "400":
            raise past_end()
        shown = rows[offset : offset + self.page_size(limit)]
        return Answer(200, [show(each) for each in shown], len(rows) if truth(request, "count") else None)


def whole(request: Inbound, name: str, default: int) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal()):
        raise bad(CONTENT, f"{name} must be a whole number that is not negative")
    return int(text)


def truth(request: Inbound, name: str) -> bool:
    text = request.query.get(name, "false")
    if text not in ("true", "false"):
        raise bad(CONTENT, f"{name} must be true or false")
    return text == "true"


def object_of(request: Inbound) -> Mapping[str, Any]:
    """The JSON object of a request."""
    if not isinstance(request.body, Mapping):
        raise bad(SYNTAX, "the body is not a JSON object")
    return request.body


def list_of(request: Inbound) -> Sequence[Any]:
    if not isinstance(request.body, list):
        raise bad(SYNTAX, "the body is not a JSON array")
    return request.body


def unreadable(error: FilterError) -> Refusal:
    """An unsupported field, operator or expression (its words are not documented)."""
    return bad(CONTENT, str(error))


def patched(data: Row, operations: Sequence[Any], allowed: Mapping[str, Callable[[Any], bool]]) -> Row:
    """A record after JSON Patch operations on its own fields: only those allowed, with values of their kind."""
    result = dict(data)
    for each in operations:
        if not isinstance(each, Mapping) or not isinstance(each.get("path"), str):
            raise bad(SYNTAX, "an operation needs op and path")
        name = each["path"].removeprefix("/")
        if name not in allowed:
            raise bad(UPDATE, f"{each['path']} cannot be changed")
        if each.get("op") == "remove":
            result[name] = None
        elif each.get("op") not in ("add", "replace"):
            raise bad(VALUE, f"op {each.get('op')!r} is not supported")
        elif not allowed[name](each.get("value")):
            raise bad(VALUE, f"{each['path']} does not take this value")
        else:
            result[name] = each["value"]
    return result
