"""How OneLogin users are written: one call each, with the fields that change and no others."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from scim_bridge.attributes import AttributeMap, nested
from scim_bridge.providers.onelogin.common import new_id
from scim_bridge.query.capabilities import Call, Resource, Row, Steps, Writes
from scim_bridge.query.pagers import dig

if TYPE_CHECKING:
    from scim_bridge.providers.onelogin import Settings

USERS: Final = "/api/2/users"
CUSTOM: Final = "custom_attributes"
NUMBERS: Final = frozenset({"status", "group_id", "manager_user_id"})
_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+")


class UserWrites:
    """The calls that create, change and delete a user."""

    def __init__(self, table: AttributeMap, settings: "Settings") -> None:
        self._table = table
        self._cleared = None if settings.clear_with == "null" else ""
        self._email_required = settings.email_required
        mappings = {} if settings.mappings == "async" else {"mappings": settings.mappings}
        self._params = mappings if settings.validate_policy else {**mappings, "validate_policy": "false"}

    def writes(self) -> Writes:
        return Writes(create=self.create, update=self.update, delete=self.delete)

    def create(self, values: Resource) -> Steps:
        """A user without an e-mail address gets the username for one, where it is one."""
        fields = self._table.fields(values)
        if "email" not in fields and _ADDRESS.fullmatch(str(fields.get("username"))):
            fields["email"] = fields["username"]
        sent = _with_confirmation(nested(fields))
        return (
            yield Call("POST", USERS, json=sent, params=self._params, undo=lambda made: _deletion(new_id(made)))
        ).body

    def update(self, row: Row, before: Resource, after: Resource) -> Steps:
        """One PUT, which changes what it names. What every user has to have cannot be cleared and stays as it is."""
        changes = self._table.changed(before, after)
        needed = {"username", "status", "password", *(["email"] if self._email_required else [])}
        changes = {
            name: value
            for name, value in changes.items()
            if value != dig(row, name) and not (value is None and name in needed)
        }
        if not changes:
            return row
        return (yield self._put(row, changes)).body

    def _put(self, row: Row, changes: Mapping[str, Any]) -> Call:
        path = f"{USERS}/{row['id']}"
        sent = _with_confirmation(self._body(row, changes))
        back = self._body(row, {name: dig(row, name) for name in changes})
        # The old password is not known, so a call that sets a new one cannot be taken back.
        undo = None if "password" in changes else Call("PUT", path, json=back, params=self._params)
        return Call("PUT", path, json=sent, params=self._params, undo=undo)

    def _body(self, row: Row, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Custom attributes go whole: what a PUT leaves out of them may be lost."""
        body = {name: self._value(name, value) for name, value in changes.items() if not name.startswith(CUSTOM)}
        custom = {name.partition(".")[2]: value for name, value in changes.items() if name.startswith(CUSTOM)}
        return {**body, CUSTOM: {**(row.get(CUSTOM) or {}), **custom}} if custom else body

    def _value(self, name: str, value: Any) -> Any:
        return self._cleared if value is None and name not in NUMBERS else value

    def delete(self, user_id: str) -> Steps:
        yield _deletion(user_id)


def _with_confirmation(body: dict[str, Any]) -> dict[str, Any]:
    """A password is taken only twice."""
    return {**body, "password_confirmation": body["password"]} if "password" in body else body


def _deletion(user_id: str) -> Call:
    return Call("DELETE", f"{USERS}/{user_id}")
