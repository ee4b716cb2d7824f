"""What the simulated endpoints share: one tenant, what its documentation leaves open, how its lists answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from scim_bridge.providers.sailpoint_nerm.sandbox_store import Record, Store
from scim_bridge.providers.sailpoint_nerm.sandbox_wire import Inbound, Listing

Answer = tuple[int, Any]


@dataclass(slots=True)
class Knobs:
    """What the vendor's documentation leaves open, or announces; tests turn these."""

    token_lifetime_seconds: int = 749
    clamps_limit: bool = False  # a larger `limit` is cut silently; else refused
    after_id_end: Literal[400, 200] = 400  # 200 was announced, then postponed
    after_id_refuses: bool = False  # filters beside after_id are refused; else silently ignored
    name_filter: Literal["sensitive", "insensitive", "contains"] = "sensitive"
    sensitive_search: bool = True  # advanced search compares text with regard to case
    inclusive_dates: bool = False  # "after" and "before" take the day itself
    uid_filter: bool = False  # `uid` on /profiles: used by a vendor script, documented nowhere
    names_are_composed: bool = True  # a type with namings makes the name of its attributes
    spaced_references: bool = False  # `A, B` instead of `A,B`
    job_threshold: int = 50  # bulk writes of more records become jobs
    profile_page: int = 500
    searched_page: int = 100
    per_second: int | None = None  # requests; no limit is documented


@dataclass(frozen=True, slots=True)
class Tenant:
    """One tenant as its endpoints see it."""

    store: Store
    knobs: Knobs
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    new_uid: Callable[[], str]

    def listed(
        self, request: Inbound, listing: Listing, rows: Sequence[Any], shown: Callable[[Any], Any] = lambda row: row
    ) -> Answer:
        """One page of a list, in the order of its rows. Refuses beyond their end, as NERM does."""
        offset, limit = listing.window(request, clamps=self.knobs.clamps_limit)
        page = rows[offset : offset + limit]
        if not page:
            raise listing.none_found()
        body: dict[str, Any] = {listing.plural: [shown(each) for each in page]}
        if request.flag("metadata"):
            body["_metadata"] = listing.metadata(request, offset, limit, len(rows))
        return 200, body

    def records(self, request: Inbound, listing: Listing, records: Sequence[Record]) -> list[Record]:
        """The records that meet a list's plain filters, in the order asked for."""
        wanted = {name: request.query[name] for name in listing.filters if name in request.query}
        found = [each for each in records if all(str(each.get(k)) == v for k, v in wanted.items())]
        order = listing.order(request)
        return sorted(found, key=lambda each: str(each.get(order))) if order else found

    def event(self, kind: str, subject_type: str, subject_id: str, **data: Any) -> None:
        """What the audit trail says of a change."""
        stamp = self.store.timestamp(self.now())
        record = {"id": self.new_id(), "type": kind, "tenant_id": "sandbox", "created_at": stamp}
        record |= {"authority": "api", "subject_id": subject_id, "subject_type": subject_type}
        self.store.events.append(record | {"performer_id": None, "performer_type": None, "data": data})
