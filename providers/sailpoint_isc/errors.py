"""Refusals of Identity Security Cloud: which of several shapes a body has, and what it says.

The standard one has `detailCode` and `messages`; others have `detailMessage`, `errorMessage`, `formatted_msg`,
`message`, or `error` with `error_description`. Statuses decide, save that an identity which still owns something is
refused with 400 and the list of that.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from scim_bridge.upstream.errors import Conflict, Rejected, UpstreamError
from scim_bridge.upstream.reply import Reply, is_page


def classify(reply: Reply) -> UpstreamError | None:
    """A refused value, or a state that forbids a change; None leaves the error to its HTTP status."""
    body = reply.body
    if reply.status not in (400, 409) or not isinstance(body, Mapping) or is_page(reply):
        return None
    owned = body.get("associationDetails")
    if owned:
        return Conflict("", f"{_text(body)}: {', '.join(_owned(owned))}", status=reply.status, codes=_codes(body))
    kind = Conflict if reply.status == 409 else Rejected
    return kind("", _text(body), status=reply.status, codes=_codes(body))


def _codes(body: Mapping[str, Any]) -> tuple[str, ...]:
    code = body.get("detailCode")
    return (code,) if isinstance(code, str) else ()


def _text(body: Mapping[str, Any]) -> str:
    messages = body.get("messages")
    for each in messages if isinstance(messages, list) else ():
        if isinstance(each, Mapping) and isinstance(each.get("text"), str):
            return str(each["text"])
    names = ("detailMessage", "errorMessage", "formatted_msg", "message", "error_description", "error", "detailCode")
    return next((body[name] for name in names if isinstance(body.get(name), str)), "refused")


def _owned(details: Any) -> Iterator[str]:
    """What an identity owns; the schema has a list, the example one entry."""
    for each in details if isinstance(details, list) else [details]:
        if isinstance(each, Mapping):
            entities = each.get("entities")
            names = [str(one.get("name")) for one in entities if isinstance(one, Mapping)] if entities else []
            yield f"{each.get('associationType')} {', '.join(names)}".strip()
