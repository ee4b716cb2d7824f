"""How identities are written: by PUT of the whole record, as there is no PATCH and what a PUT leaves out is nulled.

So a change is read, merged and put back, the site's attributes, capabilities and whatever else the record holds with
it. A PUT may run workflows and take a minute: it is never sent twice.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from scim_bridge.attributes import AttributeMap, nested
from scim_bridge.providers.sailpoint_iiq.site import SP_USER, Facts
from scim_bridge.providers.scim.dialect import Dialect, Keys
from scim_bridge.providers.scim.shape import EMPTY, Moves, held
from scim_bridge.providers.scim.writes import ResourceWrites
from scim_bridge.query.capabilities import Call, Resource, Row, Steps, Writes
from scim_bridge.query.plan import quoted
from scim_bridge.query.remembered import Remembered
from scim_bridge.schemas import ENTERPRISE_USER
from scim_bridge.upstream.errors import BadAnswer

DeletePolicy = Literal["delete", "deactivate"]
_VERSION: Final = re.compile(r'W/"([0-9]{1,18})"')
_FILLED_IN: Final = frozenset({("displayName",), ("name",)})
"""What falls back on the user name where there is nothing."""


class UserWrites:
    """The calls that write identities; with the policy "deactivate", who was deleted here is hidden until IdentityIQ
    changes the identity again."""

    def __init__(self, table: AttributeMap, facts: Facts, *, delete_policy: DeletePolicy) -> None:
        self._table = table
        self._policy = delete_policy
        dialect = Dialect(self._encoded, _stored, _is_unassigned, repeats=False)
        self._whole = ResourceWrites(
            facts.user, Moves(), patch=False, relations=frozenset(), unseen=(), dialect=dialect
        )
        self.remembered = Remembered()

    def writes(self) -> Writes:
        delete = self._whole.delete if self._policy == "delete" else self._deactivate
        return Writes(self._whole.create, self._update, delete)

    def visible(self, row: Row) -> bool:
        """Whether an identity was not deleted here, or has changed since."""
        resource_id = held(row, "id")
        mark = self.remembered.mark(resource_id)
        if mark is None or _is_as_left(row, mark):
            return mark is None
        self.remembered.forget(str(resource_id))
        return True

    def _update(self, row: Row, before: Resource, after: Resource) -> Steps:
        return self._whole.update(row, *_without_fallbacks(before, after))

    def _encoded(self, resource: Resource) -> Resource:
        """A resource as IdentityIQ holds it."""
        found = nested(self._table.fields(resource))
        email, own, enterprise = (found.pop(each, None) for each in ("email", "sp", "enterprise"))
        if email is not None:
            found["emails"] = [{"type": "work", "value": email, "primary": True}]
        extensions = {SP_USER: own, ENTERPRISE_USER.id: enterprise}
        return {**found, **{urn: values for urn, values in extensions.items() if values}}

    def _deactivate(self, resource_id: str) -> Steps:
        """Somebody deleted here is made inactive there."""
        row = (yield Call("GET", f"/Users/{quoted(resource_id)}")).body
        if not isinstance(row, Mapping) or held(row, "id") != resource_id:
            raise BadAnswer("", "did not answer the identity that was asked for")
        after = yield from self._whole.update(row, {"active": True}, {"active": False})
        self.remembered.add(resource_id, _version(after if after is not None else row))


def _is_as_left(row: Row, mark: str) -> bool:
    """Whether an identity is as a DELETE left it, or was read before that: versions tell the time of the change."""
    version = _version(row)
    read, left = _VERSION.fullmatch(version), _VERSION.fullmatch(mark)
    return version == mark or (read is not None and left is not None and int(read[1]) < int(left[1]))


def _version(row: Row) -> str:
    meta = held(row, "meta")
    return str(held(meta, "version") or "") if isinstance(meta, Mapping) else ""


def _stored(row: Row) -> Row:
    """A record without names that only repeat others: they may be made up of these, and are again when left out."""
    found, name = dict(row), row.get("name")
    if isinstance(name, Mapping) and name.get("formatted") == row.get("displayName"):
        found["name"] = {key: value for key, value in name.items() if key != "formatted"}
    if row.get("displayName") == row.get("userName"):
        found.pop("displayName", None)
    return found


def _without_fallbacks(before: Resource, after: Resource) -> tuple[Resource, Resource]:
    """Two states of a user without such names, where the change leaves them as they are."""
    made_up = _stored(before)
    states = [dict(before), dict(after)]
    for each in states:
        if each.get("displayName") == before.get("displayName") and "displayName" not in made_up:
            each.pop("displayName", None)
        name, former = each.get("name") or {}, before.get("name") or {}
        if name.get("formatted") == former.get("formatted") and "formatted" not in (made_up.get("name") or {}):
            each["name"] = {key: value for key, value in name.items() if key != "formatted"}
    return states[0], states[1]


def _is_unassigned(keys: Keys, value: Any) -> bool:
    if keys == ("emails",):
        return not any(isinstance(each, Mapping) and each.get("value") for each in value or ())
    return keys in _FILLED_IN or value in EMPTY
