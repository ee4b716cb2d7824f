"""How people are written: a POST, one PATCH with what changes, and a deletion of the kind that the connection wants."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from scim_bridge.attributes import AttributeMap
from scim_bridge.comparison import instant
from scim_bridge.providers.sailpoint_nerm.common import is_id, record
from scim_bridge.providers.sailpoint_nerm.errors import none_found
from scim_bridge.providers.sailpoint_nerm.facts import Facts, NeAttribute
from scim_bridge.providers.sailpoint_nerm.fields import VALUES, is_reference
from scim_bridge.query.capabilities import Call, Resource, Row, Steps, Writes
from scim_bridge.query.pagers import dig
from scim_bridge.query.remembered import Remembered
from scim_bridge.upstream.errors import BadAnswer, NotFound, Rejected

if TYPE_CHECKING:
    from scim_bridge.providers.sailpoint_nerm import Settings

_NAMESAKES: Final = 100
"""Profiles of one name that are looked at to find the one a reference means."""


def is_as_left(row: Row, mark: str) -> bool:
    """Whether a profile is as a DELETE left it, or was read before that.

    The mark is the time of that change; NERM tells milliseconds.
    """
    told = _mark(row)
    if told == mark:
        return row.get("status") == "Terminated"
    read, left = instant(told), instant(mark)
    comparable = all(isinstance(each, datetime) and each.tzinfo is not None for each in (read, left))
    return comparable and bool(read < left)


def _mark(row: Row) -> str:
    return str(row.get("updated_at") or "")


class UserWrites:
    """The calls that create, change and delete a person."""

    def __init__(self, settings: "Settings", facts: Facts, table: AttributeMap, remembered: Remembered) -> None:
        self._settings = settings
        self._facts = facts
        self._table = table
        self._remembered = remembered

    def writes(self) -> Writes:
        return Writes(create=self.create, update=self.update, delete=self.delete)

    # -- create and change ------------------------------------------------------------------------------------------

    def create(self, values: Resource) -> Steps:
        """A profile of the first of the connection's types; it is active unless the client says otherwise."""
        fields = self._table.fields(values)
        status = self._status(fields) or "Active"
        profile = {"profile_type_id": self._facts.people[0].id, "status": status}
        profile |= yield from self._written(fields)
        made = yield Call("POST", "/profile", json={"profile": profile}, undo=_undone)
        return record(made, "profile")

    def update(self, row: Row, before: Resource, after: Resource) -> Steps:
        """One PATCH: attribute values that it does not name stay as they are."""
        changes = self._table.changed(before, after)
        status = self._status(changes)
        profile = yield from self._written(changes)
        if status is not None:
            profile["status"] = status
        if not profile:
            return row
        path = f"/profiles/{row['id']}"
        undo = Call("PATCH", path, json={"profile": _former(row, profile)}, idempotent=True)
        # A name is no id, so a reference cannot be put back by what the profile showed.
        restorable = not any(is_reference(self._facts.attributes[uid]) for uid in profile.get("attributes", {}))
        call = Call("PATCH", path, json={"profile": profile}, undo=undo if restorable else None, idempotent=True)
        return record((yield call), "profile")

    def _status(self, fields: dict[str, Any]) -> str | None:
        """The status that `active` asks for, which is taken out of the fields; None where it is not among them.

        What everybody has cannot be cleared, and stays.
        """
        active = fields.pop("active", None)
        return None if active is None else "Active" if active else self._settings.inactive_status

    def _written(self, fields: Mapping[str, Any]) -> Steps:
        """The part of a profile that holds fields; what is cleared is an empty text."""
        profile: dict[str, Any] = {}
        for name, value in fields.items():
            if not name.startswith(VALUES):
                profile[name] = "" if value is None else value
                continue
            uid = name.removeprefix(VALUES)
            attribute = self._facts.attributes[uid]
            if value is not None and is_reference(attribute):
                value = yield from _referred(attribute, str(value))
            profile.setdefault("attributes", {})[uid] = "" if value is None else value
        return profile

    # -- delete -----------------------------------------------------------------------------------------------------

    def delete(self, profile_id: str) -> Steps:
        """By the connection's policy. Raises NotFound for who is deleted already."""
        path = f"/profiles/{profile_id}"
        if self._settings.delete_policy == "hard":
            yield Call("DELETE", path)
            return
        if self._settings.delete_policy == "archive":
            yield Call("PATCH", path, json={"profile": {"archived": True}}, idempotent=True)
            return
        mark = self._remembered.mark(profile_id)
        if mark is not None and is_as_left(record((yield Call("GET", path)), "profile"), mark):
            raise NotFound("", f"there is no profile {profile_id!r}")
        ended = yield Call("PATCH", path, json={"profile": {"status": "Terminated"}}, idempotent=True)
        self._remembered.add(profile_id, _mark(record(ended, "profile")))


def _undone(made: Any) -> Call:
    return Call("DELETE", f"/profiles/{record(made, 'profile')['id']}")


def _former(row: Row, profile: Mapping[str, Any]) -> dict[str, Any]:
    """What takes a change back."""
    values = profile.get("attributes", {})
    former = {name: row.get(name) or "" for name in profile if name != "attributes"}
    return former | ({"attributes": {uid: dig(row, f"attributes.{uid}") or "" for uid in values}} if values else {})


def _referred(attribute: NeAttribute, name: str) -> Steps:
    """The id of the one profile that a reference names; an id is taken as it is.

    Raises Rejected where no profile or several have the name: NERM's own filter may find more than it asks for.
    """
    if is_id(name):
        return name
    params = {"name": name, "exclude_attributes": "true", "limit": str(_NAMESAKES)}
    if attribute.target is not None:
        params["profile_type_id"] = attribute.target
    try:
        found = dig((yield Call("GET", "/profiles", params=params)).body, "profiles")
    except NotFound as error:
        if not none_found(error):
            raise
        found = []
    if not isinstance(found, list):
        raise BadAnswer("", "/profiles did not answer a list of records")
    fitting = [each["id"] for each in found if isinstance(each, Mapping) and each.get("name") == name]
    if len(found) >= _NAMESAKES:
        raise Rejected("", "too many profiles are called so to tell them apart", target=attribute.uid)
    if len(fitting) != 1:
        raise Rejected("", f"{'several profiles are' if fitting else 'no profile is'} called so", target=attribute.uid)
    return fitting[0]
