"""The simulated actions of API v1 on one user: roles, state, password, lock.

Sources: "Get roles for user", "Add roles to user", "Remove roles from user", "Set state", "Lock user", "Log user out",
"Set password" (API v1).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scim_bridge.providers.onelogin.sandbox_account import Account
from scim_bridge.providers.onelogin.sandbox_fields import check_policy
from scim_bridge.providers.onelogin.sandbox_wire import SUCCESS, Answer, Inbound, Refusal, envelope, v1_refusal


def _bad(message: Any) -> Exception:
    return v1_refusal(400, "bad request", message)


@dataclass(frozen=True, slots=True)
class Actions:
    """The endpoints below /api/1/users/{id}."""

    account: Account

    def update(self, request: Inbound) -> Answer:
        """Of the v1 update only what it does not do: a status is set by v2."""
        self._user(request)
        if "status" in self._body(request):
            text = "status is an excluded attribute for put request for user"
            raise _bad({"description": text, "attribute": "status"})
        raise v1_refusal(404, "Not Found", "No Route Exists")

    def roles(self, request: Inbound) -> Answer:
        return Answer(200, envelope([self.account.role_ids(self._user(request))]))

    def add_roles(self, request: Inbound) -> Answer:
        user, wanted = self._user(request), self._role_ids(request)
        if set(wanted) <= set(user["role_ids"]):
            raise _bad("input role_id_array is already included as user roles")
        for role_id in wanted:
            self.account.store.join(role_id, [user["id"]], self.account.now())
        self.account.record(513, user, role=True)
        return Answer(200, SUCCESS)

    def remove_roles(self, request: Inbound) -> Answer:
        user, wanted = self._user(request), self._role_ids(request)
        if not set(wanted) <= set(user["role_ids"]):
            raise _bad("input role_id_array is not included as user roles")
        for role_id in wanted:
            self.account.store.leave(role_id, [user["id"]])
        self.account.record(514, user, role=True)
        return Answer(200, SUCCESS)

    def _role_ids(self, request: Inbound) -> list[int]:
        found = self._body(request).get("role_id_array")
        if not isinstance(found, list) or not found:
            raise _bad("role_id_array is empty")
        if not set(found) <= self.account.store.roles.keys():
            raise _bad(f"role_id_array should be a subset of -> {sorted(self.account.store.roles)}")
        return found

    def set_state(self, request: Inbound) -> Answer:
        user, state = self._user(request), self._body(request).get("state")
        if not isinstance(state, int) or isinstance(state, bool):
            raise _bad("state has incorrect data type. It should be -> integer")
        if state not in range(4):
            raise _bad("state is invalid")
        if state == user["state"]:
            raise _bad("user is already in this state")
        return self._done(user, state=state)

    def lock(self, request: Inbound) -> Answer:
        user = self._user(request)
        if not isinstance(self._body(request).get("locked_until"), int):
            raise _bad("locked_until is invalid")
        self.account.record(531, user)
        return self._done(user, status=3, locked_until=self.account.now())

    def logout(self, request: Inbound) -> Answer:
        self.account.record(516, self._user(request))
        return Answer(200, SUCCESS)

    def set_password(self, request: Inbound) -> Answer:
        """Unlike v2, the policy is not asked unless that is wished."""
        user, body = self._user(request), self._body(request)
        password = body.get("password")
        if not isinstance(password, str) or password != body.get("password_confirmation"):
            raise _bad("password_confirmation doesn't match password")
        if body.get("validate_policy") is True:
            try:
                check_policy(password)
            except Refusal as error:
                raise _bad(error.body["message"]) from None
        return self._done(user, password_changed_at=self.account.now())

    def _done(self, user: dict[str, Any], **changes: Any) -> Answer:
        user |= changes
        self.account.store.changed()
        return Answer(200, SUCCESS)

    def _user(self, request: Inbound) -> dict[str, Any]:
        found = self.account.store.users.get(request.ids["user"])
        if found is None:
            raise v1_refusal(404, "Not Found", f"User for id {request.ids['user']} was not found")
        return found

    def _body(self, request: Inbound) -> Mapping[str, Any]:
        if not isinstance(request.body, Mapping):
            raise _bad("The request body is not a JSON object")
        return request.body
