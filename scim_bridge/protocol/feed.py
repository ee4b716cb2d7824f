"""What changed, for clients that keep up: every difference applied to a mirror, in order, deletions among them.

RFC 7644 has no such thing; the draft of delta queries has expired. ``GET …/changes`` answers plain JSON: ``changes``,
oldest first, and ``nextCursor``, which is good for ever and gives what comes after, now or later.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, quote

from scim_bridge.protocol.errors import ScimError, invalid_value
from scim_bridge.query.sources import Changes, RecordedChange

PATH: Final = "/changes"
MAX_COUNT: Final = 1000
_NUMBER: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


async def answer(changes: Changes, query_string: bytes, endpoints: Mapping[str, str], base_url: str) -> dict[str, Any]:
    """Up to ``count`` changes behind a ``cursor``; ``cursor=now`` gives none, and where to go on.

    ``endpoints`` are those of the resource types by name. Raises ScimError 400 for parameters that it cannot read, and
    for a cursor of another sequence, as after the database was lost: then everything is to be read anew.
    """
    asked = dict(parse_qsl(query_string.decode("latin-1"), keep_blank_values=True))
    cursor, count = asked.get("cursor") or "0", asked.get("count") or str(MAX_COUNT)
    if not _NUMBER.fullmatch(count) or not (cursor == "now" or _NUMBER.fullmatch(cursor)):
        raise invalid_value("cursor takes what an answer gave as nextCursor, or now; count takes a number")
    found, last = await changes.read(0 if cursor == "now" else int(cursor), min(int(count), MAX_COUNT))
    if cursor == "now":
        found = []
    elif int(cursor) > last:
        raise ScimError(
            400, "This cursor is of another sequence: read all resources, then go on from now", "expiredCursor"
        )
    after = found[-1].number if found else last if cursor == "now" else int(cursor)
    return {"changes": [_told(each, endpoints, base_url) for each in found], "nextCursor": str(after)}


def _told(change: RecordedChange, endpoints: Mapping[str, str], base_url: str) -> dict[str, Any]:
    seen = datetime.fromtimestamp(change.at / 1e6, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    told: dict[str, Any] = {
        "sequence": change.number,
        "time": seen,
        "type": change.what,
        "resourceType": change.resource,
        "id": change.id,
    }
    if change.attributes:
        told["attributes"] = list(change.attributes)
    endpoint = endpoints.get(change.resource)
    if endpoint is not None and change.what != "deleted":
        told["location"] = f"{base_url}{endpoint}/{quote(change.id, safe='')}"
    return told
