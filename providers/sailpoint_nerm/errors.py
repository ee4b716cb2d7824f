"""NERM's refusals. It has no error codes: a few fixed texts, one also with status 200, are what tells them apart.

Sources: "400" and "ValidationErrors" of the vendor's API description; live clients for the ends of lists.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from scim_bridge.upstream.errors import Conflict, NotFound, Rejected, UpstreamError
from scim_bridge.upstream.reply import Reply

NONE_FOUND: Final = "none_found"
NOT_FOUND: Final = "not_found"
DUPLICATE: Final = "duplicate"
_NONE_FOUND: Final = re.compile(r"no [a-z_ ]+ found\.?", re.IGNORECASE)
"""The end of a list, or an empty one: `no profiles found`."""
_NOT_FOUND: Final = re.compile(r"(the requested )?[a-z_ ]+ (was )?not found\.?", re.IGNORECASE)
"""A record that is not there: `profile not found`."""
_JUDGED: Final = (200, 400, 404, 409, 422)


def classify(reply: Reply) -> UpstreamError | None:
    """What an ``error`` text means; None for success, and for what its status tells."""
    text = reply.body.get("error") if isinstance(reply.body, Mapping) else None
    if not isinstance(text, str) or reply.status not in _JUDGED:
        return None
    if _NONE_FOUND.fullmatch(text):
        return NotFound("", text, status=reply.status, codes=(NONE_FOUND,))
    if _NOT_FOUND.fullmatch(text) and text.lower() != "not found":
        return NotFound("", text, status=reply.status, codes=(NOT_FOUND,))
    if reply.status == 404:
        return None
    errors = reply.body.get("errors")
    found = dict(_messages(errors)) if isinstance(errors, Mapping) else {}
    told = "; ".join([text, *(f"{name} {message}".strip() for name, message in found.items())])
    if "possible_duplicates" in found or any("already been taken" in each for each in found.values()):
        return Conflict("", told, status=reply.status, codes=(DUPLICATE,), target=next(iter(found)))
    return Rejected("", told, status=reply.status, target=next(iter(found), None))


def _messages(errors: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Messages by field; duplicates come as lists of records, whose ids are nobody's business here."""
    for name, value in errors.items():
        texts = value if isinstance(value, list) else [value]
        yield str(name), ", ".join(each for each in texts if isinstance(each, str))


def none_found(error: UpstreamError) -> bool:
    """Whether a refusal is how a list says that it has no (more) rows."""
    return isinstance(error, NotFound) and NONE_FOUND in error.codes
