"""The simulated users of API v2, their custom attributes, and what is done to one user by API v1.

Sources: "List users" to "Delete user", "Unlock user", "Custom attributes" (API v2); "Set state", "Lock user",
"Log user out", "Set password", "Add roles to user" (API v1).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from scim_bridge.providers.onelogin import sandbox_fields as fields
from scim_bridge.providers.onelogin.sandbox_account import Account
from scim_bridge.providers.onelogin.sandbox_people import blank
from scim_bridge.providers.onelogin.sandbox_search import Search, fields_of
from scim_bridge.providers.onelogin.sandbox_wire import Answer, Inbound, bad_request, invalid, page, refusal

DEFAULT_PAGE: Final = 50
MAPPINGS: Final = ("async", "sync", "disabled")


@dataclass(frozen=True, slots=True)
class Users:
    """The endpoints of v2 users."""

    account: Account

    def read_all(self, request: Inbound) -> Answer:
        knobs = self.account.knobs
        rows = Search(self.account.store, knobs.search).rows(request)
        names = fields_of(request.query) or fields.LISTED
        answer = page(
            request,
            rows,
            lambda row: self._shown(row, names),
            default=DEFAULT_PAGE,
            most=knobs.user_page_max,
            clamps=knobs.clamps,
            ordered={},
        )
        kept = {name: value for name, value in answer.headers.items() if knobs.totals or name != "Total-Count"}
        return Answer(200, answer.body, kept)

    def read(self, request: Inbound) -> Answer:
        return Answer(200, self._shown(self.account.user(request.ids["user"])))

    def create(self, request: Inbound) -> Answer:
        given = self._given(request)
        self._check_named(given)
        now = self.account.now()
        new = blank() | {"id": self.account.store.new_id(), "created_at": now, "updated_at": now}
        new["status"] = fields.PASSWORD_PENDING if "password" not in given else 1
        new |= {name: value for name, value in given.items() if name not in {*fields.SECRETS, "custom_attributes"}}
        new["custom_attributes"] = (
            {**dict.fromkeys(self.account.store.custom), **(given["custom_attributes"] or {})}
            if ("custom_attributes" in given)
            else dict.fromkeys(self.account.store.custom)
        )
        new |= {"password_changed_at": now} if "password" in given else {}
        self.account.store.put_user(new)
        self.account.record(533, new)
        return Answer(201, self._shown(new))

    def update(self, request: Inbound) -> Answer:
        """Only the fields that are sent change."""
        old = self.account.user(request.ids["user"])
        given = self._given(request)
        if old["state"] == fields.UNLICENSED and given.get("state", old["state"]) != old["state"]:
            raise invalid("State of an unlicensed user is changed by set_state")
        new = {**old, "updated_at": self.account.now()}
        for name, value in given.items():
            if name == "custom_attributes":
                new[name] = self._custom(old[name], value or {})
            elif name not in fields.SECRETS:
                new[name] = old[name] if self._ignored(name, value) else value
        if "password" in given:
            new["password_changed_at"] = new["updated_at"]
            new["status"] = given.get("status", 1 if old["status"] in (4, 5, 7) else old["status"])
        self._check_named(new, before=old)
        self.account.store.put_user(new)
        self.account.record(529, new)
        return Answer(200, self._shown(new))

    def delete(self, request: Inbound) -> Answer:
        user = self.account.user(request.ids["user"])
        self.account.store.remove_user(user["id"])
        self.account.record(530, user)
        return Answer(204)

    def apps(self, request: Inbound) -> Answer:
        held = self.account.user(request.ids["user"])["role_ids"]
        found = sorted({each for role in held for each in self.account.store.roles[role]["apps"]})
        facts = {"icon_url": None, "extension": False, "login_id": None, "provisioning_enabled": False}
        facts |= {"provisioning_status": None, "provisioning_state": None}
        return Answer(200, [{"id": each, "name": f"App {each}", **facts} for each in found])

    def unlock(self, request: Inbound) -> Answer:
        user = self.account.user(request.ids["user"])
        if user["status"] != 3:
            raise refusal(422, "UnprocessableEntityError", "User cannot be unlocked")
        user |= {"status": 1, "locked_until": None}
        self.account.store.changed()
        return Answer(200, {"messsage": "User unlocked"})

    # -- custom attributes ------------------------------------------------------------------------------------------

    def list_custom(self, request: Inbound) -> Answer:
        return Answer(200, [_definition(name, number) for name, number in self.account.store.custom.items()])

    def define_custom(self, request: Inbound) -> Answer:
        body = request.body.get("user_field") if isinstance(request.body, Mapping) else None
        if not isinstance(body, Mapping) or not isinstance(body.get("shortname"), str):
            raise bad_request("user_field is missing")
        store = self.account.store
        if body["shortname"] in store.custom:
            raise invalid("Shortname has already been taken")
        store.custom[body["shortname"]] = max(store.custom.values(), default=500) + 1
        for user in store.users.values():
            user["custom_attributes"].setdefault(body["shortname"], None)
        store.changed()
        return Answer(201, _definition(body["shortname"], store.custom[body["shortname"]]))

    # -- what they share --------------------------------------------------------------------------------------------

    def _shown(self, user: dict[str, Any], names: Any = fields.SINGLE) -> dict[str, Any]:
        shown = fields.shown(user, names)
        if "role_ids" in shown:
            shown["role_ids"] = self.account.role_ids(user)
        return shown

    def _given(self, request: Inbound) -> dict[str, Any]:
        """The fields of a body that may be written, checked."""
        if request.query.get("mappings", "async") not in MAPPINGS:
            raise bad_request("mappings is invalid")
        store, knobs = self.account.store, self.account.knobs
        given = dict(fields.check_body(request.body, store.custom, refuses_read_only=knobs.refuses_read_only))
        if "password" in given and request.query.get("validate_policy", "true") == "true":
            fields.check_policy(given["password"])
        for name, kind, held in (("group_id", "Group", store.groups), ("manager_user_id", "Manager", store.users)):
            if given.get(name) is not None and given[name] not in held:
                raise invalid(f"The associated {kind} with ID {given[name]} could not be found")
        given.pop("role_ids", None)  # roles are given and taken by calls of their own
        return given

    def _check_named(self, user: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> None:
        """Refuses a new user without a name or an address, and a change that takes one away."""
        names = [name for name in ("username", "email") if not user.get(name)]
        lost = [name for name in names if before is None or before.get(name)]
        if lost and (self.account.knobs.email_required or len(names) == 2):
            raise invalid(f"{lost[0].capitalize()} can't be blank")

    def _ignored(self, name: str, value: Any) -> bool:
        """Whether a value that is to clear a text does nothing."""
        if name not in fields.TEXTS or value not in (None, ""):
            return False
        return self.account.knobs.clears_with not in ("both", "null" if value is None else "empty")

    def _custom(self, held: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        if self.account.knobs.custom_merges:
            return {**held, **given}
        return {**dict.fromkeys(self.account.store.custom), **given}


def _definition(name: str, number: int) -> dict[str, Any]:
    return {"name": name.replace("_", " ").title(), "id": number, "position": number - 499, "shortname": name}
