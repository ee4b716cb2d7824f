"""What the simulated account holds: users, roles and who has them, groups, custom attributes, events."""

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from scim_bridge.providers.onelogin.sandbox_wire import invalid

MAX_KEPT: Final = 32
"""Results of searches that are kept until the next write, for the next pages of a list."""
ID_STEP: Final = 7
"""Ids are not dense: those of other accounts lie between them."""


@dataclass(slots=True)
class Store:
    """One account. Usernames and e-mail addresses are unique without regard to case, empty ones aside."""

    subdomain: str
    users: dict[int, dict[str, Any]] = field(default_factory=dict)
    roles: dict[int, dict[str, Any]] = field(default_factory=dict)  # id, name, apps, admins
    members: dict[int, dict[int, dict[str, Any]]] = field(default_factory=dict)  # by role and user: added_by, added_at
    groups: dict[int, str] = field(default_factory=dict)
    custom: dict[str, int] = field(default_factory=dict)  # ids of custom attributes by shortname
    events: list[dict[str, Any]] = field(default_factory=list)  # oldest first
    mapped: set[tuple[int, int]] = field(default_factory=set)  # (role, user): given by a mapping, and given again
    user_ids: list[int] = field(default_factory=list)  # in order
    _taken: dict[tuple[str, str], int] = field(default_factory=dict)  # user by field and folded value
    _last_id: int = 130_000_000
    _kept: "OrderedDict[Any, list[Any]]" = field(default_factory=OrderedDict)

    def new_id(self) -> int:
        self._last_id += ID_STEP
        return self._last_id

    def changed(self) -> None:
        """Forget what was derived from the state before a write."""
        self._kept.clear()

    def kept(self, key: Any, made: Callable[[], list[Any]]) -> list[Any]:
        """A list that is made once between two writes."""
        if key not in self._kept:
            self._kept[key] = made()
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return self._kept[key]

    # -- users ------------------------------------------------------------------------------------------------------

    def check_unique(self, user_id: int | None, data: dict[str, Any]) -> None:
        """Refuses what another user has."""
        for name in ("username", "email"):
            holder = self._taken.get((name, (data[name] or "").lower()))
            if data[name] and holder not in (None, user_id):
                raise invalid(f"{name.capitalize()} must be unique within {self.subdomain}")

    def put_user(self, data: dict[str, Any]) -> None:
        """Add a user, or replace the one with its id."""
        self.check_unique(data["id"], data)
        if data["id"] in self.users:
            self._release(self.users[data["id"]])
        else:
            insort(self.user_ids, data["id"])
        self.users[data["id"]] = data
        for name in ("username", "email"):
            if data[name]:
                self._taken[name, data[name].lower()] = data["id"]
        self.changed()

    def remove_user(self, user_id: int) -> None:
        self._release(self.users.pop(user_id))
        del self.user_ids[bisect_left(self.user_ids, user_id)]
        for members in self.members.values():
            members.pop(user_id, None)
        self.changed()

    def _release(self, data: dict[str, Any]) -> None:
        for name in ("username", "email"):
            self._taken.pop((name, (data[name] or "").lower()), None)

    def holder(self, name: str, value: str) -> int | None:
        """Who has a username or an e-mail address, in any case."""
        return self._taken.get((name, value.lower()))

    # -- roles ------------------------------------------------------------------------------------------------------

    def put_role(self, role: dict[str, Any]) -> None:
        self.roles[role["id"]] = role
        self.members.setdefault(role["id"], {})
        self.changed()

    def remove_role(self, role_id: int) -> None:
        del self.roles[role_id]
        for user_id in self.members.pop(role_id):
            self.users[user_id]["role_ids"].remove(role_id)
        self.changed()

    def join(self, role_id: int, user_ids: Iterable[int], added_at: str) -> None:
        """Give a role; who has it keeps it as it is."""
        members = self.members[role_id]
        for user_id in user_ids:
            if user_id not in members:
                members[user_id] = {"added_by": {"id": 1, "name": "API"}, "added_at": added_at}
                insort(self.users[user_id]["role_ids"], role_id)
        self.changed()

    def leave(self, role_id: int, user_ids: Iterable[int]) -> None:
        """Take a role away; who does not have it, and who has it by a mapping, is left as they are."""
        members = self.members[role_id]
        for user_id in user_ids:
            if user_id in members and (role_id, user_id) not in self.mapped:
                del members[user_id]
                self.users[user_id]["role_ids"].remove(role_id)
        self.changed()


def full_name(user: dict[str, Any]) -> str:
    """How events and roles name a user: by first and last name, else by e-mail address."""
    return " ".join(filter(None, (user["firstname"], user["lastname"]))) or user["email"] or ""
