"""Who was deleted in OneLogin, which only its events tell."""

from datetime import datetime
from typing import TYPE_CHECKING, Final

from scim_bridge.providers.onelogin.activities import EVENTS
from scim_bridge.providers.onelogin.common import identity, ids, timestamp
from scim_bridge.query.capabilities import AccessPath, Deletions, Row
from scim_bridge.query.pagers import BodyCursor

if TYPE_CHECKING:
    from scim_bridge.providers.onelogin import Settings

DELETED: Final = (17, 530)
"""The types of events of a user who was deleted, by a person and by the API (vendor: Event types)."""


def deletions(settings: "Settings") -> Deletions:
    """Who was deleted, by the events of that: the list of users tells of changes only (vendor: Get events)."""
    access = AccessPath(
        EVENTS,
        rows="data",
        pager=BodyCursor("after_cursor", "pagination.after_cursor", "limit", settings.event_page_size),
        fixed={"event_type_id": ",".join(map(str, DELETED)), "sort": "+id"},  # new ones come last, and shift no page
        identity=identity,
    )
    return Deletions(
        access,
        since=lambda time: {"since": timestamp(datetime.fromisoformat(time))},
        deleted=_deleted,
    )


def _deleted(row: Row) -> str | None:
    """The user of an event; none where it is of another type, which the upstream was not asked for."""
    found = ids([row.get("user_id")]) if row.get("event_type_id") in DELETED else []
    return found[0] if found else None
