"""What the simulated endpoints share: one account, and what its documentation leaves open."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from scim_bridge.providers.onelogin.sandbox_events import event
from scim_bridge.providers.onelogin.sandbox_search import SearchKnobs
from scim_bridge.providers.onelogin.sandbox_store import Store
from scim_bridge.providers.onelogin.sandbox_wire import missing


@dataclass(slots=True)
class Knobs:
    """What the vendor's documentation leaves open, contradicts, or has changed over time; tests turn these."""

    search: SearchKnobs = field(default_factory=SearchKnobs)
    calls_per_hour: int | None = 5_000
    v2_counts: bool = True  # the newest page words the limit for v1 alone
    user_page_max: int = 50  # 100 by the OpenAPI document
    role_page_max: int = 650
    member_page_max: int = 100
    clamps: bool = True  # a larger limit is cut down; False: it is refused
    totals: bool = True  # Total-Count in the headers of v2 lists
    email_required: bool = True  # older text: either a username or an e-mail address
    refuses_read_only: bool = True  # what a GET shows and nobody may write is refused in a body
    clears_with: Literal["null", "empty", "both"] = "both"  # what takes a text away; the other leaves it
    custom_merges: bool = False  # custom attributes that a PUT leaves out stay
    made_role: Literal["object", "array"] = "object"
    role_arrays: bool = False  # users and admins come with roles, as they did
    empty_array_ignored: bool = False  # PUT of a role with users: [] removes nobody
    role_name_parameter: Literal["name", "role_name"] = "name"
    role_name_partial: bool = False  # the role filter takes parts of names
    unknown_member: Literal["refused", "ignored"] = "refused"
    settle_seconds: float = 0.0  # until role_ids of a user show what a role's members have become
    unknown_v2_path: int = 401  # a typo in a path looks like a refused token
    groups_v2: bool = True
    dated: bool = False  # answers have a Date of the simulation's own


@dataclass(slots=True)
class Account:
    """One account as its endpoints see it."""

    id: int
    store: Store
    knobs: Knobs
    now: Callable[[], str]
    seconds: Callable[[], float]
    _settling: dict[int, tuple[float, list[int]]] = field(default_factory=dict)

    def user(self, user_id: int) -> dict[str, Any]:
        """A user by its id; refuses with 404."""
        found = self.store.users.get(user_id)
        if found is None:
            raise missing()
        return found

    def role_ids(self, user: dict[str, Any]) -> list[int]:
        """The roles of a user, as far as the background jobs have got."""
        due, held = self._settling.get(user["id"], (0.0, []))
        return held if self.seconds() < due else list(user["role_ids"])

    def will_settle(self, user_ids: list[int]) -> None:
        """Call before the roles of users change."""
        if self.knobs.settle_seconds:
            due = self.seconds() + self.knobs.settle_seconds
            for each in user_ids:
                self._settling[each] = (due, list(self.store.users[each]["role_ids"]))

    def record(self, kind: int, user: dict[str, Any] | None, *, role: bool = False) -> None:
        """An event of the API."""
        self.store.events.append(event(self.store, kind, self.now(), user, role=role))
