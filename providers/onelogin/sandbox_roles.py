"""The simulated roles of API v2, and the groups of both versions.

Sources: "List roles" to "Delete role", "Get role users", "Add role users", "Remove role users" (API v2); "Get groups"
(API v1).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from scim_bridge.providers.onelogin.sandbox_account import Account
from scim_bridge.providers.onelogin.sandbox_store import full_name
from scim_bridge.providers.onelogin.sandbox_wire import (
    Answer,
    Inbound,
    envelope,
    page,
    refusal,
    role_refusal,
    v1_page,
    v1_refusal,
)

ORDER: Final = {"sort": "id", "sort_direction": "asc"}
DEFAULT_MEMBERS: Final = 50


def _bad(description: str) -> Exception:
    return role_refusal(400, "BadRequestError", description)


@dataclass(frozen=True, slots=True)
class Roles:
    """The endpoints of v2 roles."""

    account: Account

    def read_all(self, request: Inbound) -> Answer:
        store, knobs = self.account.store, self.account.knobs
        rows = sorted(store.roles.values(), key=lambda each: each["id"])
        wanted = request.query.get(knobs.role_name_parameter)
        if wanted is not None:
            rows = [each for each in rows if self._named(each["name"], wanted)]
        if "app_id" in request.query:
            rows = [each for each in rows if request.query["app_id"] in map(str, each["apps"])]
        most = knobs.role_page_max
        clamps = knobs.clamps
        return page(request, rows, self._listed, default=most, most=most, clamps=clamps, ordered=ORDER)

    def read(self, request: Inbound) -> Answer:
        role = self._role(request)
        if self.account.knobs.role_arrays:
            return Answer(200, self._listed(role))
        return Answer(200, {"id": role["id"], "name": role["name"]})

    def create(self, request: Inbound) -> Answer:
        given = self._given(request)
        if not given.get("name"):
            raise refusal(422, "UnprocessableEntityError", "Validation failed: Name can't be blank")
        store = self.account.store
        role = {"id": store.new_id(), "name": given["name"]}
        role |= {name: list(given.get(name, ())) for name in ("apps", "admins")}
        self._known(given.get("users", []))
        store.put_role(role)
        self._join(role["id"], given.get("users", []))
        made = {"id": role["id"]}
        return Answer(201, made if self.account.knobs.made_role == "object" else [made])

    def update(self, request: Inbound) -> Answer:
        """What is sent is replaced, a list of users as a whole."""
        role, given = self._role(request), self._given(request)
        if "users" in given and (given["users"] or not self.account.knobs.empty_array_ignored):
            wanted = self._known(given["users"])
            self._leave(role["id"], [each for each in self.account.store.members[role["id"]] if each not in wanted])
            self._join(role["id"], wanted)
        role |= {name: value for name, value in given.items() if name != "users"}
        self.account.store.changed()
        return Answer(200, {"id": role["id"]})

    def delete(self, request: Inbound) -> Answer:
        role_id = self._role(request)["id"]
        self.account.will_settle(list(self.account.store.members[role_id]))
        self.account.store.remove_role(role_id)
        return Answer(204)

    # -- members ----------------------------------------------------------------------------------------------------

    def members(self, request: Inbound) -> Answer:
        store, knobs, role = self.account.store, self.account.knobs, self._role(request)
        held = store.members[role["id"]]
        everyone = request.query.get("include_unassigned") == "true"
        ids = store.kept(("members", role["id"], everyone), lambda: sorted(store.users if everyone else held))
        name = request.query.get("name", "").lower()
        if name:
            ids = [each for each in ids if any(name in text.lower() for text in _names(store.users[each]))]

        def shown(user_id: int) -> dict[str, Any]:
            user = store.users[user_id]
            body = {"id": user_id, "name": full_name(user), "username": user["username"], "email": user["email"]}
            membership = held.get(user_id, {"added_by": None, "added_at": None})
            return {**body, **membership, "assigned": user_id in held}

        most = knobs.member_page_max
        return page(
            request, ids, shown, default=min(most, DEFAULT_MEMBERS), most=most, clamps=knobs.clamps, ordered=ORDER
        )

    def add_members(self, request: Inbound) -> Answer:
        role_id = self._role(request)["id"]
        wanted = self._known(_ids(request.body))
        self._join(role_id, wanted)
        return Answer(200, [{"id": each} for each in wanted])

    def remove_members(self, request: Inbound) -> Answer:
        role_id = self._role(request)["id"]
        self._leave(role_id, _ids(request.body))
        return Answer(204)

    def apps(self, request: Inbound) -> Answer:
        return Answer(200, [{"id": each, "name": f"App {each}"} for each in self._role(request)["apps"]])

    def _join(self, role_id: int, user_ids: list[int]) -> None:
        new = [each for each in user_ids if each not in self.account.store.members[role_id]]
        self.account.will_settle(new)
        self.account.store.join(role_id, new, self.account.now())
        for each in new:
            self.account.record(513, self.account.store.users[each], role=True)

    def _leave(self, role_id: int, user_ids: list[int]) -> None:
        held = [each for each in user_ids if each in self.account.store.members[role_id]]
        self.account.will_settle(held)
        self.account.store.leave(role_id, held)
        for each in held:
            self.account.record(514, self.account.store.users[each], role=True)

    def _known(self, user_ids: list[int]) -> list[int]:
        """The users there are; refuses others where the account does."""
        unknown = [each for each in user_ids if each not in self.account.store.users]
        if unknown and self.account.knobs.unknown_member == "refused":
            text = f"Validation failed: The associated User with ID {unknown[0]} could not be found"
            raise refusal(422, "UnprocessableEntityError", text)
        return [each for each in dict.fromkeys(user_ids) if each not in unknown]

    # -- what they share --------------------------------------------------------------------------------------------

    def _role(self, request: Inbound) -> dict[str, Any]:
        found = self.account.store.roles.get(request.ids["role"])
        if found is None:
            raise refusal(404, "NotFoundError", "The resource with the given id could not be found")
        return found

    def _given(self, request: Inbound) -> dict[str, Any]:
        if not isinstance(request.body, Mapping):
            raise _bad("Expected object in request")
        for name, value in request.body.items():
            if name not in ("name", "apps", "users", "admins"):
                raise _bad(f"unknown attribute: {name}")
            if not (isinstance(value, str) if name == "name" else isinstance(value, list)):
                raise _bad(f"{name} is invalid")
        return dict(request.body)

    def _listed(self, role: dict[str, Any]) -> dict[str, Any]:
        body = {"id": role["id"], "name": role["name"], "apps": role["apps"]}
        if self.account.knobs.role_arrays:
            body |= {"users": sorted(self.account.store.members[role["id"]]), "admins": role["admins"]}
        return body

    def _named(self, name: str, wanted: str) -> bool:
        if self.account.knobs.search.text_match == "insensitive":
            name, wanted = name.lower(), wanted.lower()
        return wanted in name if self.account.knobs.role_name_partial else wanted == name


def _ids(body: Any) -> list[int]:
    """The ids of a bare array; text that is a number passes."""
    if not isinstance(body, list):
        raise _bad("Expected array in request")
    if not all(str(each).isdecimal() for each in body):
        raise _bad("Expected array of ids in request")
    return list(map(int, body))


def _names(user: Mapping[str, Any]) -> list[str]:
    return [user[name] or "" for name in ("firstname", "lastname", "username", "email")]


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups that carry security policies; a user is in one at most."""

    account: Account

    def read_all(self, request: Inbound) -> Answer:
        rows = [_group(number, name) for number, name in self.account.store.groups.items()]
        return v1_page(request, rows, self.account.id)

    def read(self, request: Inbound) -> Answer:
        number = request.ids["group"]
        if number not in self.account.store.groups:
            raise v1_refusal(404, "Not Found", f"Group for id {number} was not found")
        return Answer(200, envelope([_group(number, self.account.store.groups[number])]))

    def read_all_v2(self, request: Inbound) -> Answer:
        return Answer(200, [_group(number, name) for number, name in self.account.store.groups.items()])

    def create(self, request: Inbound) -> Answer:
        """A reference is taken and dropped."""
        body = request.body
        if not isinstance(body, Mapping) or not isinstance(body.get("name"), str):
            raise refusal(422, "UnprocessableEntityError", "Validation failed: Name can't be blank")
        number = self.account.store.new_id()
        self.account.store.groups[number] = body["name"]
        return Answer(201, _group(number, body["name"]))


def _group(number: int, name: str) -> dict[str, Any]:
    return {"id": number, "name": name, "reference": None}
