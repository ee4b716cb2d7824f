"""Writing through a connection: what a PATCH comes to, and the writes that arrived."""

from copy import deepcopy
from typing import Any

from scim_bridge.providers.sailpoint_isc.sandbox import Sandbox
from scim_bridge.query.capabilities import Element, Resource, Row
from scim_bridge.query.directory import Changes, MemberChanges, Told
from scim_bridge.query.relations import Record, record_of
from tests.providers.sailpoint_isc.support import Connected


async def create(connection: Connected, values: Resource, kind: str = "groups", **members: Any) -> Resource:
    directory = getattr(connection, kind)
    record: Record = await directory.create(directory.collection.written(deepcopy(values), None), members)
    return record.resource


async def change(connection: Connected, resource_id: str, values: Resource, kind: str = "groups") -> Row | None:
    """What a PATCH that replaces these attributes (None: removes them) does."""
    directory = getattr(connection, kind)
    row = await directory.row(resource_id)
    before = record_of(directory.collection, row).resource
    after = deepcopy({name: value for name, value in {**before, **values}.items() if value is not None})
    connection.calls()
    changes = Changes(before, directory.collection.written(after, before))
    found: Told | None = await directory.change(resource_id, row, changes)
    return None if found is None else found.row


def sent(connection: Connected) -> list[tuple[str, Any]]:
    """The writes that arrived, and their bodies."""
    found = [(str(each), each.body) for each in connection.sandbox.calls if each.method != "GET"]
    connection.calls()
    return found


def users(ids: list[str]) -> tuple[Element, ...]:
    return tuple({"value": each, "type": "User"} for each in ids)


async def members(connection: Connected, group: str, **changes: Any) -> None:
    await connection.groups.change(group, None, Changes(members={"members": MemberChanges(**changes)}))


def someone(sandbox: Sandbox, status: str = "ACTIVE", *, outside: bool = False) -> str:
    """A visible identity with that status and a lifecycle state; ``outside``: a non-employee."""
    names = {each["accountName"] for each in sandbox.store.records.values()}
    return next(
        key
        for key, each in sandbox.store.identities.items()
        if each.correlated
        and each.data["identityStatus"] == status
        and each.data["lifecycleState"]
        and (each.data["alias"] in names) is outside
    )


def data(sandbox: Sandbox, user: str) -> dict[str, Any]:
    return sandbox.store.identities[user].data
