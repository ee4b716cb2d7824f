"""PingOne's refusals by their codes (vendor: Error codes)."""

from collections.abc import Mapping
from typing import Any

from scim_bridge.upstream.errors import Conflict, FilterRejected, Rejected, UpstreamError
from scim_bridge.upstream.reply import Reply


def classify(reply: Reply) -> UpstreamError | None:
    """A refused value or filter; None leaves the error to its HTTP status.

    A duplicate is HTTP 400 with the detail code UNIQUENESS_VIOLATION, not 409.
    """
    if reply.status not in (400, 409) or not isinstance(reply.body, Mapping):
        return None
    listed = reply.body.get("details")
    details = [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []
    codes = tuple(str(each.get("code")) for each in (reply.body, *details) if each.get("code"))
    target = next((str(each["target"]) for each in details if each.get("target")), None)
    text = _text(reply.body, details)
    if "UNIQUENESS_VIOLATION" in codes:
        return Conflict("", text, status=reply.status, codes=codes, target=target)
    kind = FilterRejected if "INVALID_FILTER" in codes else Rejected
    return kind("", text, status=reply.status, codes=codes, target=target)


def _text(body: Mapping[str, Any], details: list[Mapping[str, Any]]) -> str:
    parts = [f"{each.get('target') or ''} {each.get('message') or ''}".strip() for each in details]
    return "; ".join(part for part in parts if part) or str(body.get("message") or "refused")
