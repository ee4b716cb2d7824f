"""What the simulated endpoints share: one environment, what its documentation leaves open, how its lists answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from scim_bridge.providers.pingone.sandbox_store import Store
from scim_bridge.providers.pingone.sandbox_wire import Cursor, Inbound, Item, asked_for, not_found, page

DEFAULT_PAGE: Final = 100
"""Rows of a page of populations, memberships and roles when the request names no limit."""
MOST: Final = 1000
Answer = tuple[int, dict[str, Any] | None]


def as_many(rows: int) -> int:
    return rows


@dataclass(slots=True)
class Knobs:
    """What the vendor's documentation leaves open, or what differs per customer and licence; tests turn these."""

    token_auth_method: str = "client_secret_basic"
    token_lifetime_seconds: int = 3600
    reads_per_second: int | None = None  # the licence's share; not documented
    writes_per_second: int | None = None  # 50 by one report
    user_page_cap: int = 200
    page_size: Callable[[int], int] = field(default=as_many)  # of the rows a page could hold, how many it does
    group_times: bool = True  # createdAt and updatedAt of groups: in responses, but not in the published schema
    states_count: bool = True  # `count` is usually left out when the set is large
    counted: Callable[[int], Any] = field(default=as_many)  # of so many rows, what `count` says
    email_required: bool = False
    escapes: bool = True  # \\" in a filter's text
    updated_at_filter: bool = False  # ge and le on updatedAt
    patch_merges_within: bool = False  # PATCH {"name": {"given": ...}} keeps the other parts of the name
    repeated_membership: int = 400  # adding a direct member again; 201: nothing changes
    indirect_removal: int = 400  # DELETE of an INDIRECT membership; or 404
    nested_groups: int = 250  # of one group, at most


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment as its endpoints see it."""

    id: str
    store: Store
    knobs: Knobs
    now: Callable[[], str]
    new_id: Callable[[], str]

    @property
    def shown(self) -> dict[str, str]:
        return {"id": self.id}

    def user(self, request: Inbound) -> Item:
        """The user that the path names; refuses with 404."""
        found = self.store.users.get(request.ids["user"])
        if found is None:
            raise not_found(f"user with id: {request.ids['user']}")
        return found

    def group(self, group_id: str) -> Item:
        """A group by its id; refuses with 404."""
        found = self.store.groups.get(group_id)
        if found is None:
            raise not_found(f"group with id: {group_id}")
        return found

    def group_shown(self, request: Inbound, item: Item, *, totals: bool = False) -> dict[str, Any]:
        """A group as responses show it."""
        data = item.data
        body = {"_links": {"self": request.link(f"/groups/{data['id']}")}, "environment": self.shown}
        members = {"directMemberCounts": {"users": len(self.store.direct[data["id"]])}}
        body |= {"displayName": data["name"], **data, **members}
        if not self.knobs.group_times:
            body = {name: value for name, value in body.items() if name not in ("createdAt", "updatedAt")}
        if totals:
            body["totalMemberCounts"] = {"users": len(self.store.users_in(data["id"]))}
        return body

    def listed(
        self,
        request: Inbound,
        name: str,
        rows: Callable[[Cursor], Sequence[Item]],
        render: Callable[[Item, Cursor], dict[str, Any]],
        *,
        default: int = DEFAULT_PAGE,
        most: int = MOST,
    ) -> Answer:
        """One page of a list; ``rows`` are all of it."""
        wanted = asked_for(request, default)
        every, size = rows(wanted), self.knobs.page_size(min(wanted.limit, most))
        body = page(request, name, every, wanted, size, lambda row: render(row, wanted))
        return 200, body | ({"count": self.knobs.counted(len(every))} if self.knobs.states_count else {})
