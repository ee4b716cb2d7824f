"""Searches by POST (RFC 7644 section 3.4.3)."""

from typing import Any, Final

from scim_bridge.conformance.requirements import skip
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.wire import Answer

SEARCH_REQUEST: Final = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


def searched(session: Session, endpoint: str, **query: Any) -> Answer:
    """The answer to a search below an endpoint, "" for the root.

    Raises Skipped where it is not offered, which no discovery document says.
    """
    answer = session.post(f"{endpoint}/.search", {"schemas": [SEARCH_REQUEST], **query})
    if answer.status in (404, 405, 501):
        skip(f"searches by POST are not offered: {answer.told} answers {answer.status}")
    return answer
