"""OneLogin's refusals. They come in five shapes, without codes: what sort they are, only their texts tell."""

import re
from collections.abc import Mapping
from typing import Any, Final

from scim_bridge.upstream.errors import Conflict, FilterRejected, RateLimited, Rejected, UpstreamError
from scim_bridge.upstream.reply import Reply, is_page

TAKEN: Final = re.compile(r"must be unique|already been taken", re.IGNORECASE)
UNASKABLE: Final = re.compile(r"query parameter\(s\) not allowed|invalid sort field", re.IGNORECASE)
_FIELD: Final = re.compile(r"Validation failed: (?P<field>\w+) must be unique|unknown attribute: (?P<unknown>[\w.-]+)")
UNTOLD_WAIT_SECONDS: Final = 60
"""How long a client is asked to wait where nobody says when the hour of the rate limit ends."""


def classify(reply: Reply) -> UpstreamError | None:
    """A refused value or filter, or the rate limit; None leaves the error to its HTTP status.

    422 is the status of values that are taken, of references to what is not there, and of fields that cannot be sorted
    by. 401 is also how a path that API v2 does not have is answered: that stays a refusal of us, so nobody is taken for
    gone.
    """
    if reply.status == 429:
        return RateLimited("", "the account's calls of this hour are used up", retry_after_seconds=_wait(reply))
    if reply.status not in (400, 409, 422) or is_page(reply):
        return None
    text, name, field = _told(reply.body)
    found = _FIELD.search(text)
    target = field or (found and next(filter(None, found.groups()), None))
    codes = (name,) if name else ()
    kind: type[UpstreamError] = Conflict if TAKEN.search(text) or reply.status == 409 else Rejected
    if UNASKABLE.search(text):
        kind = FilterRejected
    return kind("", text, status=reply.status, codes=codes, target=target.lower() if target else None)


def _wait(reply: Reply) -> int:
    """Seconds to the end of the hour: only API v1 tells, and nothing has been seen to send a Retry-After.

    0 leaves it to that header.
    """
    reset = reply.headers.get("x-ratelimit-reset", "")
    if reset.isascii() and reset.isdecimal():
        return max(1, int(reset))
    return 0 if "Retry-After" in reply.headers else UNTOLD_WAIT_SECONDS


def _told(body: Any) -> tuple[str, str, str | None]:
    """Text, name and field of a refusal in any of its shapes."""
    if not isinstance(body, Mapping):
        return "refused", "", None
    status = body.get("status")
    if isinstance(status, Mapping):  # /auth and API v1; the message may be an object
        message = status.get("message")
        told = message if isinstance(message, Mapping) else {"description": message}
        return _text(told.get("description")), str(status.get("type") or ""), _word(told.get("attribute"))
    if isinstance(body.get("errors"), list):
        parts = [f"{each.get('field')} {each.get('message')}" for each in body["errors"] if isinstance(each, Mapping)]
        return _text("; ".join(parts)), "", None
    name = _word(body.get("name")) or _word(body.get("error")) or ""
    return _text(body.get("message") or body.get("description")), name, _word(body.get("field"))


def _text(value: Any) -> str:
    return str(value or "refused")


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) else None
