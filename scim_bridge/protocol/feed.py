"""What changed, for clients that keep up: every difference applied to a mirror, in order, deletions among them.

RFC 7644 has no such thing; the draft of delta queries has expired. ``GET …/changes`` answers plain JSON: ``changes``,
oldest first, and ``nextCursor``, which gives what comes after, now or later. It is good for as long as what it has to
give is kept: a client that comes later is refused, as deletions that it was not told of would be missing for good.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, quote

from scim_bridge.protocol.errors import ScimError, invalid_value
from scim_bridge.query.sources import ChangePage, Changes, RecordedChange

PATH: Final = "/changes"
MAX_COUNT: Final = 1000
RETRY_SECONDS: Final = 60
_NUMBER: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


async def answer(changes: Changes, query_string: bytes, endpoints: Mapping[str, str], base_url: str) -> dict[str, Any]:
    """Up to ``count`` changes behind a ``cursor``; without one, from the oldest that is kept; with ``now``, none, and
    where to go on.

    ``endpoints`` are those of the resource types by name. Raises ScimError 400 for parameters that it cannot read, and
    expiredCursor (RFC 9865 section 2.1) where changes behind a cursor are no longer kept, or it is of another sequence,
    as after the database was lost; 503 until the mirror holds everything.
    """
    asked = dict(parse_qsl(query_string.decode("latin-1"), keep_blank_values=True))
    cursor, count = asked.get("cursor") or None, asked.get("count") or str(MAX_COUNT)
    if not _NUMBER.fullmatch(count) or not (cursor in (None, "now") or _NUMBER.fullmatch(cursor)):
        raise invalid_value("cursor takes what an answer gave as nextCursor, or now; count takes a number")
    after = int(cursor) if cursor not in (None, "now") else None
    page = await changes.read(after, 0 if cursor == "now" else min(int(count), MAX_COUNT))
    _check(page, after)
    found = page.changes
    following = found[-1].number if found else page.last if cursor == "now" else page.before if after is None else after
    return {"changes": [_told(each, endpoints, base_url) for each in found], "nextCursor": str(following)}


def _check(page: ChangePage, after: int | None) -> None:
    if not page.complete:
        headers = {"Retry-After": str(RETRY_SECONDS)}
        raise ScimError(503, "The mirror does not hold everything yet, so no changes are recorded", headers=headers)
    if after is not None and not page.before <= after <= page.last:
        raise ScimError(
            400, "What comes behind this cursor is not kept: read all, then go on from now", "expiredCursor"
        )


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
