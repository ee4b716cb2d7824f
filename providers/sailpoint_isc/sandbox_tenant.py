"""The simulated tenant as its endpoints see it, and what the vendor's documentation leaves open about it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from scim_bridge.providers.sailpoint_isc.sandbox_filter import FilterError, Language
from scim_bridge.providers.sailpoint_isc.sandbox_people import owner_row
from scim_bridge.providers.sailpoint_isc.sandbox_store import Person, Row, Store
from scim_bridge.providers.sailpoint_isc.sandbox_wire import (
    MISSING,
    VALUE,
    Answer,
    Inbound,
    Listing,
    Refusal,
    bad,
    not_found,
    unreadable,
)


@dataclass(slots=True)
class Knobs:
    """What is not documented, or differs per tenant; tests turn these."""

    token_lifetime_seconds: int = 43_200  # a personal access token's default; API clients: 749 or 750
    personal: bool = True  # False: an API client's token without a user, which many operations refuse
    requests_per_window: int | None = 100  # in 10 s, per client and API version
    experimental: frozenset[str] = frozenset()  # services that need the header X-SailPoint-Experimental
    effect_seconds: float = 2.0  # until what is accepted happens: enable, disable, lifecycle states
    aggregation_seconds: float = 2.0  # until a non-employee record is an identity: up to an hour by one report
    search_lag_seconds: float = 120.0  # until search sees a change: "immediately or within a few minutes"
    sensitive: bool = False  # filters compare text with regard to case
    joined_filters: bool = True  # `and`, `or`, `not`: documented in general, listed for few endpoints
    listing: Listing = field(default_factory=Listing)
    unknown_group: int = 404  # the published answers of single workgroups have no 404
    group_in_use: int = 409  # DELETE of a group with connections: documented of bulk-delete only
    group_owner_required: bool = False
    members_per_call: int | None = None  # of bulk-add and bulk-delete


@dataclass(frozen=True, slots=True)
class Tenant:
    """The tenant: its records, its clock, and how its endpoints look things up."""

    store: Store
    knobs: Knobs
    now: Callable[[], str]
    hex_id: Callable[[], str]
    uuid: Callable[[], str]

    def listed(
        self,
        request: Inbound,
        language: Language,
        rows: Callable[[], Sequence[Any]],
        *,
        key: str = "",
        show: Callable[[Any], Any] = lambda row: row,
        most: int = 250,
    ) -> Answer:
        """One page of a list, filtered and ordered; ``key`` is what else it depends on."""
        filters, sorters = request.query.get("filters"), request.query.get("sorters")
        if filters is not None and not language.filters:
            raise bad(VALUE, "filters is not supported")
        sensitive = self.knobs.sensitive
        if not self.knobs.joined_filters:
            language = replace(language, logic=frozenset())

        def made() -> Sequence[Any]:
            test = language.test(filters, sensitive=sensitive) if filters is not None else None
            found = [each for each in rows() if test is None or test(each)]
            return language.ordered(found, sorters, sensitive=sensitive)

        try:
            every = self.store.listed((request.path, key, filters, sorters, sensitive), made)
        except FilterError as error:
            raise unreadable(error) from None
        return self.knobs.listing.page(request, every, show, most=most)

    def person(self, identity: str) -> Person:
        """An identity by its id, correlated or not; refuses with 404."""
        found = self.store.identities.get(identity)
        if found is None:
            raise not_found()
        return found

    def workgroup(self, request: Inbound) -> Row:
        """The governance group that the path names."""
        found = self.store.workgroups.get(request.ids["group"])
        if found is None:
            raise self.no_group()
        return found

    def no_group(self) -> Refusal:
        return not_found() if self.knobs.unknown_group == 404 else bad(VALUE, "the governance group does not exist")

    def owner(self, value: Any) -> Row:
        """A reference to an identity in a body, as responses show it."""
        identity = value.get("id") if isinstance(value, dict) else None
        if not isinstance(identity, str) or value.get("type", "IDENTITY") != "IDENTITY":
            raise bad(MISSING, "owner needs type and id")
        person = self.store.identities.get(identity)
        if person is None:
            raise bad(VALUE, "the owner does not exist")
        return owner_row(person.data)
