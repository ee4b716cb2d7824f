"""How identities are written, as far as a connection allows it: switched on and off, or by non-employee records.

The API creates and changes no identity. What it accepts it carries out later, so each write waits until the identity
shows it, for as long as the connection says; what is not there by then is told as a failure, and stays in effect.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from scim_bridge.attributes import AttributeMap
from scim_bridge.providers.sailpoint_isc.common import Api, literal
from scim_bridge.providers.sailpoint_isc.nonemployees import Records
from scim_bridge.query.capabilities import Call, Params, Resource, Row, Steps, Writes
from scim_bridge.query.pagers import dig
from scim_bridge.upstream.errors import BadAnswer, Conflict, NotFound, Rejected, TimedOut

if TYPE_CHECKING:
    from scim_bridge.providers.sailpoint_isc import Settings

Lifecycle = Mapping[str, str]
"""The ids of one identity profile's lifecycle states, by technical name."""
FIRST_LOOK_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 5.0


class UserWrites:
    """The calls that switch an identity, and those that create, change and delete a non-employee."""

    def __init__(
        self,
        table: AttributeMap,
        api: Api,
        settings: "Settings",
        states: Mapping[str, Lifecycle],
        decode: Callable[[Row], Resource],
        shown: Params,
    ) -> None:
        """``states``: of each profile, by the source it is for; ``shown``: which identities lists hold."""
        self._table = table
        self._api = api
        self._settings = settings
        self._states = states
        self._decode = decode
        self._shown = shown
        self._records = Records(api, settings.non_employee_source_id, self._one)

    def writes(self) -> Writes:
        if "non-employee" in self._settings.writes:
            return Writes(create=self.create, update=self.update, delete=self.delete)
        return Writes(update=self.update)

    # -- non-employees ------------------------------------------------------------------------------------------------

    def create(self, values: Resource) -> Steps:
        """A record, then the wait for its identity; that has an id of its own, so there is nothing to show before."""
        fields = self._table.fields(values)
        active = fields.pop("active", None)
        alias = fields.get("alias", "")
        if (yield from self._one("alias", alias, shown={"defaultFilter": "NONE"})) is not None:
            raise Conflict("", f"the user name {alias!r} is taken")
        yield from self._records.create(fields)
        row = yield from self._wait("alias", alias, lambda found: True)
        if active is not None and self._decode(row).get("active") is not active:
            row = yield from self._switch(row, active)
        return row

    def delete(self, user_id: str) -> Steps:
        """The identity, which may be refused, then the record, or the next aggregation would bring it back."""
        row = yield from self._one("id", user_id)
        if row is None:
            raise NotFound("", f"there is no identity {user_id!r}")
        record = yield from self._records.of(row)
        yield Call("DELETE", self._api("identities", f"/{user_id}"))
        yield from self._records.delete(record)

    # -- changes ------------------------------------------------------------------------------------------------------

    def update(self, row: Row, before: Resource, after: Resource) -> Steps:
        """The record first, as that can be taken back."""
        changes = self._table.changed(before, after)
        active = changes.pop("active", None)
        if changes:
            keep: list[bool] = []
            yield from self._records.update(row, changes, keep)
            row = yield from self._wait("id", row["id"], self._shows(changes), keep)
        if active is not None:
            row = yield from self._switch(row, active)
        return row

    def _shows(self, changes: Mapping[str, Any]) -> Callable[[Row], bool]:
        """Whether an identity shows what was written to its record."""
        wanted = {name: value for name, value in changes.items() if name not in ("startDate", "endDate")}
        return lambda row: all(dig(row, name) == value for name, value in wanted.items())

    def _switch(self, row: Row, active: bool) -> Steps:
        yield self._move(row, active) if "lifecycle" in self._settings.writes else self._enable(row, active)
        return (yield from self._wait("id", row["id"], lambda found: self._decode(found).get("active") is active))

    def _enable(self, row: Row, active: bool) -> Call:
        path = f"/{row['id']}/{'enable' if active else 'disable'}"
        return Call("POST", self._api("identities-accounts", path), idempotent=True)

    def _move(self, row: Row, active: bool) -> Call:
        """To a state of the identity's own profile: the same name has another id in each.

        A state that is set so overrides the tenant's rules until they agree with it.
        """
        name = self._settings.active_state if active else self._settings.inactive_state
        states = self._states.get(str(dig(row, "attributes.cloudAuthoritativeSource")), {})
        if name not in states:
            raise Rejected(
                "", f"the identity's profile has no lifecycle state {name!r} that is enabled", target="active"
            )
        path = self._api("identities", f"/{row['id']}/set-lifecycle-state")
        return Call("POST", path, json={"lifecycleStateId": states[name]}, idempotent=True)

    # -- looking ------------------------------------------------------------------------------------------------------

    def _one(self, field: str, value: str, delay_seconds: float = 0.0, shown: Params | None = None) -> Steps:
        """The identity with an id or an alias; None where there is none among those ``shown``."""
        params = {"filters": f"{field} eq {literal(value)}", **(self._shown if shown is None else shown)}
        rows = (yield Call("GET", self._api("identities"), params=params, delay_seconds=delay_seconds)).body
        if not isinstance(rows, Sequence) or not all(isinstance(each, Mapping) for each in rows):
            raise BadAnswer("", "identities did not answer a list of records")
        return next((each for each in rows if _same(each.get(field), value)), None)

    def _wait(self, field: str, value: str, done: Callable[[Row], bool], keep: list[bool] | None = None) -> Steps:
        """The identity once it shows what was written. Raises TimedOut; ``keep`` is then told not to undo it."""
        waited, pause = 0.0, FIRST_LOOK_SECONDS
        while waited < self._settings.settle_seconds:
            waited, pause = waited + pause, min(pause + 1, LONGEST_PAUSE_SECONDS)
            row = yield from self._one(field, value, pause)
            if row is not None and done(row):
                return row
        if keep is not None:
            keep.append(True)
        raise TimedOut("", f"accepted the change, and did not carry it out within {waited:.0f} s", sent=True)


def _same(one: Any, other: str) -> bool:
    return isinstance(one, str) and one.casefold() == other.casefold()
