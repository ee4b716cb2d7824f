"""The refusals of a SCIM server by their `scimType` (RFC 7644 section 3.12)."""

from collections.abc import Mapping

from scim_bridge.upstream.errors import Conflict, FilterRejected, Rejected, UpstreamError
from scim_bridge.upstream.reply import Reply

_JUDGED = frozenset({400, 405, 409, 412, 413, 422})


def classify(reply: Reply) -> UpstreamError | None:
    """A refused value, filter or state; None leaves the error to its HTTP status, as for what is no SCIM error."""
    body = reply.body
    if reply.status not in _JUDGED or not isinstance(body, Mapping) or not ({"detail", "scimType"} & body.keys()):
        return None
    code = body.get("scimType")
    codes = (code,) if isinstance(code, str) and code else ()
    text = str(body.get("detail") or code or f"answered {reply.status}")
    if "invalidFilter" in codes:
        return FilterRejected("", text, status=reply.status, codes=codes)
    kind = Conflict if reply.status == 409 or "uniqueness" in codes else Rejected
    return kind("", text, status=reply.status, codes=codes)
