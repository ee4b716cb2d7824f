"""What each operation of a SCIM client costs in requests to Identity Security Cloud: the least that its API allows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from scim_bridge.providers.sailpoint_isc.sandbox import Sandbox
from tests.providers.program import Ask, got
from tests.providers.sailpoint_isc.bridge import GROUP, bridged, patch_of
from tests.providers.sailpoint_isc.support import GROUP_URN, sandbox_of


@dataclass(frozen=True)
class Known:
    """Ids of the simulated tenant: an active employee in a group, the group, someone outside of it, a role."""

    user: str
    name: str
    group: str
    stranger: str
    role: str


def known(sandbox: Sandbox) -> Known:
    store = sandbox.store
    group = next(iter(store.workgroups))
    people = [
        each.data
        for each in store.identities.values()
        if each.correlated and each.data["identityStatus"] == "ACTIVE" and each.data["alias"].isascii()
    ]
    user = people[0]
    store.join(group, [user["id"]])
    stranger = next(each["id"] for each in people if each["id"] not in store.members[group])
    return Known(user["id"], user["alias"], group, stranger, next(iter(store.roles)))


def patched(kind: str, which: str, *operations: Mapping[str, Any]) -> Callable[[Known], Ask]:
    def ask(ids: Known) -> Ask:
        filled = [{**each, "value": _filled(each.get("value"), ids)} for each in operations]
        return "PATCH", f"/{kind}s/{getattr(ids, which)}", patch_of(*filled)

    return ask


def _filled(value: Any, ids: Known) -> Any:
    return [{"value": getattr(ids, each)} for each in value] if isinstance(value, list) else value


READ = 'GET /identities?id eq "{user}"'
READ_GROUP = 'GET /workgroups?id eq "{group}"'
BARE = "excludedAttributes=members"
ROWS: list[tuple[str, Callable[[Known], Ask], list[str]]] = [
    ("a user by name", got('/Users?filter=userName eq "{name}"'), ['GET /identities?alias eq "{name}"']),
    ("a user by id", got("/Users/{user}"), [READ]),
    ("a user by a filter on its id", got('/Users?filter=id eq "{user}"'), [READ]),
    (
        "a user with its groups",
        got("/Users/{user}?attributes=groups"),
        [READ, 'GET /workgroups?memberships.identityId eq "{user}"'],
    ),
    ("a user with its roles", got("/Users/{user}?attributes=roles"), [READ, "GET /identities/{user}/role-assignments"]),
    ("a page of users", got("/Users?count=100"), ["GET /identities"]),
    ("how many users", got("/Users?count=0"), ["GET /identities"]),
    ("a group", got("/Groups/{group}"), [READ_GROUP, "GET /workgroups/{group}/members"]),
    ("a group without members", got(f"/Groups/{{group}}?{BARE}"), [READ_GROUP]),
    ("a group by name", got(f'/Groups?filter=displayName eq "X"&{BARE}'), ['GET /workgroups?name eq "X"']),
    ("all groups without members", got(f"/Groups?count=1000&{BARE}"), ["GET /workgroups"]),
    (
        "the groups of a member",
        got(f'/Groups?filter=members.value eq "{{user}}"&{BARE}'),
        ['GET /workgroups?memberships.identityId eq "{user}"'],
    ),
    ("a page of roles", got("/Roles?count=50"), ["GET /roles"]),
    (
        "a new group",
        lambda ids: ("POST", "/Groups?attributes=id", {"schemas": [GROUP], "displayName": "New"}),
        ["POST /workgroups"],
    ),
    (
        "a group's name",
        patched("Group", "group", {"op": "replace", "path": "displayName", "value": "New"}),
        [READ_GROUP, "PATCH /workgroups/{group}"],
    ),
    (
        "a group's description",
        patched("Group", "group", {"op": "replace", "path": f"{GROUP_URN}:description", "value": "New"}),
        [READ_GROUP, "PATCH /workgroups/{group}"],
    ),
    (
        "a new member",
        patched("Group", "group", {"op": "add", "path": "members", "value": ["stranger"]}),
        ["POST /workgroups/{group}/members/bulk-add"],
    ),
    (
        "a member again",
        patched("Group", "group", {"op": "add", "path": "members", "value": ["user"]}),
        ["POST /workgroups/{group}/members/bulk-add"],
    ),
    (
        "a member less",
        patched("Group", "group", {"op": "remove", "path": "members", "value": ["user"]}),
        ["POST /workgroups/{group}/members/bulk-delete"],
    ),
    ("DELETE of a group", lambda ids: ("DELETE", f"/Groups/{ids.group}", None), ["DELETE /workgroups/{group}"]),
    ("nothing new", patched("User", "user", {"op": "replace", "value": {"active": True}}), [READ]),
    (
        "active",
        patched("User", "user", {"op": "replace", "value": {"active": False}}),
        [READ, "POST /identities-accounts/{user}/disable", READ],
    ),
]


@pytest.mark.parametrize(("ask", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
async def test_an_operation_costs(ask: Callable[[Known], Ask], expected: list[str]) -> None:
    sandbox = sandbox_of(60)
    sandbox.knobs.effect_seconds = 1
    ids = known(sandbox)
    async with bridged(sandbox, writes=["accounts"]) as bridge:
        answer = await bridge.ask(*ask(ids))
        assert answer.status_code < 300, answer.text
        assert bridge.calls() == [each.format(**vars(ids)) for each in expected]
