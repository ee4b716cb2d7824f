"""How PingOne users are written: one call for the profile, one for each thing that has an endpoint of its own."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from scim_bridge.attributes import AttributeMap, nested
from scim_bridge.providers.pingone.common import Scope, new_id, population_of
from scim_bridge.query.capabilities import Call, Resource, Row, Steps, Writes
from scim_bridge.query.pagers import dig

if TYPE_CHECKING:
    from scim_bridge.providers.pingone import Settings

IMPORT: Final = "application/vnd.pingidentity.user.import+json"
SET_PASSWORD: Final = "application/vnd.pingidentity.password.set+json"
LOCK: Final = "application/vnd.pingidentity.account.lock+json"
UNLOCK: Final = "application/vnd.pingidentity.account.unlock+json"
WHOLE: Final = ("name", "address", "photo")
"""Sub-objects that PATCH gets complete: whether PingOne merges inside them is not documented."""


class UserWrites:
    """The calls that create, change and delete a user."""

    def __init__(self, table: AttributeMap, scope: Scope, settings: "Settings") -> None:
        self._table = table
        self._scope = scope
        # Where only some populations are shown, a user in the environment's default one might vanish from here.
        self._home = settings.population_id or next(iter(settings.population_ids), None)
        self._unlocks = settings.locked_is_inactive

    def writes(self) -> Writes:
        return Writes(create=self.create, update=self.update, delete=self.delete)

    def create(self, values: Resource) -> Steps:
        """POST, then `enabled` by its own endpoint. A password makes it an import; that sends no mail by default."""
        fields = self._table.fields(values)
        enabled = fields.pop("enabled", None)
        population = fields.setdefault("population.id", self._home)
        self._scope.check_population(population, "population")
        sent = nested({name: value for name, value in fields.items() if value is not None})
        headers = {"Content-Type": IMPORT} if "password.value" in fields else {}
        made = yield Call("POST", "/users", json=sent, headers=headers, undo=lambda reply: _deletion(new_id(reply)))
        if enabled is not False:
            return made.body
        path = f"/users/{new_id(made)}"
        yield _switch(path, enabled=False)
        return (yield Call("GET", path)).body

    def update(self, row: Row, before: Resource, after: Resource) -> Steps:
        """PATCH for the profile, then the endpoints of their own; last those that nothing undoes.

        What every user has (`enabled`, a population, a password) cannot be cleared and stays as it is. Returns None
        where the new record has to be read again.
        """
        changes = self._table.changed(before, after)
        enabled, population, password = (
            changes.pop(name, None) for name in ("enabled", "population.id", "password.value")
        )
        self._scope.check_population(population, "population")
        path = f"/users/{row['id']}"
        changes = {name: value for name, value in changes.items() if value != dig(row, name)}
        result = (yield _modification(path, row, changes)).body if changes else row
        calls = [*self._activation(path, row, enabled), *_password(path, password), *_move(path, row, population)]
        for call in calls:  # noqa: UP028 - a list takes no replies
            yield call
        return None if calls else result

    def _activation(self, path: str, row: Row, enabled: bool | None) -> list[Call]:
        """Unlocking before enabling: right after it PingOne may answer 415 to what concerns locks."""
        calls = []
        if enabled and self._unlocks and dig(row, "account.status") == "LOCKED":
            undo = Call("POST", path, headers={"Content-Type": LOCK}, idempotent=True)
            calls.append(Call("POST", path, headers={"Content-Type": UNLOCK}, undo=undo, idempotent=True))
        if enabled is not None and row.get("enabled") is not enabled:
            calls.append(_switch(path, enabled=enabled))
        return calls

    def delete(self, user_id: str) -> Steps:
        yield _deletion(user_id)


def _modification(path: str, row: Row, changes: Mapping[str, Any]) -> Call:
    """The PATCH of some fields, and the one that takes it back."""
    back = {name: dig(row, name) for name in changes}
    undo = Call("PATCH", path, json=_merge_patch(row, back), idempotent=True)
    return Call("PATCH", path, json=_merge_patch(row, changes), undo=undo, idempotent=True)


def _merge_patch(row: Row, changes: Mapping[str, Any]) -> dict[str, Any]:
    """A PATCH body that means the same whether or not PingOne merges within sub-objects.

    They go whole, with null for each part that is cleared; one without any part left is null itself, as a photo needs
    its address.
    """
    body = nested(changes)
    for name in body.keys() & set(WHOLE):
        parts = {**(row.get(name) or {}), **body[name]}
        body[name] = parts if any(value is not None for value in parts.values()) else None
    return body


def _switch(path: str, *, enabled: bool) -> Call:
    """The call that enables or disables a user, and the one that takes it back."""
    undo = Call("PUT", f"{path}/enabled", json={"enabled": not enabled})
    return Call("PUT", f"{path}/enabled", json={"enabled": enabled}, undo=undo)


def _move(path: str, row: Row, population: str | None) -> list[Call]:
    """The user also leaves the groups of the old population, which moving back would not undo."""
    if population in (None, population_of(row)):
        return []
    return [Call("PUT", f"{path}/population", json={"id": population})]


def _password(path: str, value: str | None) -> list[Call]:
    if value is None:
        return []
    body = {"value": value, "forceChange": False}
    return [Call("PUT", f"{path}/password", json=body, headers={"Content-Type": SET_PASSWORD})]


def _deletion(user_id: str) -> Call:
    return Call("DELETE", f"/users/{user_id}")
