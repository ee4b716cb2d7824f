"""What each operation of a SCIM client costs in requests to PingOne: the least that its API allows, in this order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from scim_bridge.providers.pingone.sandbox import Sandbox
from tests.providers.pingone.bridge import GROUP, USER, bridged, patch_of
from tests.providers.pingone.support import USER_URN
from tests.providers.program import Ask, got, posted

PASSWORD = "s3cret-Passw0rd"


@dataclass(frozen=True)
class Known:
    """Ids of the simulated environment: an active user of a group and a group, a user and a group outside of it."""

    user: str
    group: str
    stranger: str
    child: str
    name: str
    other: str  # a population that the user is not in


def known(sandbox: Sandbox) -> Known:
    store = sandbox.store
    group, child = list(store.groups)[:2]
    member = next(each for each in store.direct[group] if store.users[each].data["enabled"])
    stranger = next(each for each in store.users if each not in store.direct[group])
    row = store.users[member].data
    other = next(each for each in store.populations if each != row["population"]["id"])
    return Known(member, group, stranger, child, row["username"], other)


def patched(kind: str, resource_id: str, *operations: dict[str, Any]) -> Ask:
    return "PATCH", f"/{kind}s/{resource_id}", patch_of(*operations)


def replaced(**values: Any) -> dict[str, Any]:
    return {"op": "replace", "value": values}


def added(**element: str) -> dict[str, Any]:
    return {"op": "add", "path": "members", "value": [element]}


def removed(member: str) -> dict[str, Any]:
    return {"op": "remove", "path": f'members[value eq "{member}"]'}


MEMBERS = [
    'GET /users?memberOfGroups[id eq "{group}" and type eq "DIRECT"]',
    'GET /groups?memberOfGroups[id eq "{group}" and type eq "DIRECT"]',
]
READ, READ_GROUP = "GET /users/{user}", "GET /groups/{group}"
BARE = "excludedAttributes=members"
Row = tuple[str, Callable[[Known], Ask], list[str]]
READS: list[Row] = [
    ("a user by name", got('/Users?filter=userName eq "{name}"'), ['GET /users?username eq "{name}"']),
    ("a user by id", got("/Users/{user}"), [READ]),
    ("a user by a filter on its id", got('/Users?filter=id eq "{user}"'), [READ]),
    ("a user with its roles", got("/Users/{user}?attributes=roles"), [READ, READ + "/roleAssignments"]),
    ("a page of users", got("/Users?count=100"), ["GET /users"]),
    ("how many users", got("/Users?count=0"), ["GET /users"]),
    ("the users of a group", got('/Users?filter=groups eq "{group}"'), ['GET /users?memberOfGroups[id eq "{group}"]']),
    ("a group", got("/Groups/{group}"), [READ_GROUP, *MEMBERS]),
    ("a group without members", got(f"/Groups/{{group}}?{BARE}"), [READ_GROUP]),
    ("all groups without members", got(f"/Groups?count=1000&{BARE}"), ["GET /groups"]),
    (
        "the groups of a member",
        got(f'/Groups?filter=members.value eq "{{user}}"&{BARE}'),
        [READ + "/memberOfGroups", "GET /groups/{user}/memberOfGroups"],
    ),
]
WRITES: list[Row] = [
    ("a new user", posted("User", userName="ana"), ["POST /users"]),
    ("a new user with a password", posted("User", userName="ana", password=PASSWORD), ["POST /users"]),
    (
        "a new user, inactive",
        posted("User", userName="ana", active=False),
        ["POST /users", "PUT /users/{new}/enabled", "GET /users/{new}"],
    ),
    ("a title", lambda ids: patched("User", ids.user, replaced(title="Boss")), [READ, "PATCH /users/{user}"]),
    ("nothing new", lambda ids: patched("User", ids.user, replaced(active=True)), [READ]),
    (
        "active",
        lambda ids: patched("User", ids.user, replaced(active=False)),
        [READ, "PUT /users/{user}/enabled", READ],
    ),
    (
        "active and a title",
        lambda ids: patched("User", ids.user, replaced(active=False, title="Boss")),
        [READ, "PATCH /users/{user}", "PUT /users/{user}/enabled", READ],
    ),
    (
        "the password and the population",
        lambda ids: patched("User", ids.user, replaced(password=PASSWORD, **{f"{USER_URN}:populationId": ids.other})),
        [READ, "PUT /users/{user}/password", "PUT /users/{user}/population", READ],
    ),
    (
        "PUT of a user",
        lambda ids: ("PUT", f"/Users/{ids.user}", {"schemas": [USER], "userName": ids.name, "title": "Boss"}),
        [READ, "PATCH /users/{user}"],
    ),
    ("DELETE of a user", lambda ids: ("DELETE", f"/Users/{ids.user}", None), ["DELETE /users/{user}"]),
    ("a new group", posted("Group", displayName="New"), ["POST /groups"]),
    (
        "a group's name",
        lambda ids: patched("Group", ids.group, replaced(displayName="New")),
        [READ_GROUP, "PUT /groups/{group}"],
    ),
    (
        "a new member",
        lambda ids: patched("Group", ids.group, added(value=ids.stranger)),
        ["POST /users/{stranger}/memberOfGroups"],
    ),
    (
        "a member again",
        lambda ids: patched("Group", ids.group, added(value=ids.user)),
        ["POST /users/{user}/memberOfGroups", READ + "/memberOfGroups/{group}"],
    ),
    (
        "a new nested group",
        lambda ids: patched("Group", ids.group, added(value=ids.child, type="Group")),
        ["POST /groups/{child}/memberOfGroups"],
    ),
    (
        "a member less",
        lambda ids: patched("Group", ids.group, removed(ids.user)),
        ["DELETE /users/{user}/memberOfGroups/{group}"],
    ),
    ("DELETE of a group", lambda ids: ("DELETE", f"/Groups/{ids.group}", None), ["DELETE /groups/{group}"]),
]


@pytest.mark.parametrize(
    ("ask", "expected"), [row[1:] for row in READS + WRITES], ids=[row[0] for row in READS + WRITES]
)
async def test_an_operation_costs(ask: Callable[[Known], Ask], expected: list[str]) -> None:
    sandbox = Sandbox(users=150)
    ids = known(sandbox)
    async with bridged(sandbox) as bridge:
        answer = await bridge.ask(*ask(ids))
        assert answer.status_code < 300, answer.text
        names = {**vars(ids), "new": next(iter(reversed(sandbox.store.users)))}
        assert bridge.calls() == [each.format(**names) for each in expected]


async def test_a_nested_group_is_taken_out_without_telling_its_kind() -> None:
    sandbox = Sandbox(users=10)
    ids = known(sandbox)
    sandbox.store.nest(ids.child, ids.group)
    async with bridged(sandbox) as bridge:
        assert (await bridge.patch("Group", ids.group, removed(ids.child))).status_code == 204
        assert bridge.calls() == [
            f"DELETE /users/{ids.child}/memberOfGroups/{ids.group}",
            f"DELETE /groups/{ids.child}/memberOfGroups/{ids.group}",
        ]
    assert not sandbox.store.parents[ids.child]


async def test_a_scope_is_looked_at_before_a_deletion_and_only_then() -> None:
    sandbox = Sandbox(users=60)
    scope = list(sandbox.store.populations)[:1]
    inside, outside = (
        next(each for each, item in sandbox.store.users.items() if (item.data["population"]["id"] in scope) is shown)
        for shown in (True, False)
    )
    async with bridged(sandbox, population_ids=scope) as bridge:
        assert (await bridge.ask("DELETE", f"/Users/{outside}")).status_code == 404
        assert bridge.calls() == [f"GET /users/{outside}"]
        assert (await bridge.ask("DELETE", f"/Users/{inside}")).status_code == 204
        assert bridge.calls() == [f"GET /users/{inside}", f"DELETE /users/{inside}"]
    assert outside in sandbox.store.users


@pytest.mark.parametrize("kind", ["User", "Group"])
async def test_an_id_in_capitals_is_nobodys_and_costs_nothing(kind: str) -> None:
    """Whether PingOne would find it is not documented; a DELETE must not find whom a GET does not."""
    sandbox = Sandbox(users=10)
    ids = known(sandbox)
    resource_id = (ids.user if kind == "User" else ids.group).upper()
    body = {"schemas": [USER if kind == "User" else GROUP], "userName": "x", "displayName": "x"}
    change = added(value=ids.user) if kind == "Group" else replaced(title="x")
    async with bridged(sandbox) as bridge:
        for method, sent in (("GET", None), ("DELETE", None), ("PUT", body), ("PATCH", patch_of(change))):
            assert (await bridge.ask(method, f"/{kind}s/{resource_id}", sent)).status_code == 404, method
        assert bridge.calls() == []
    assert ids.user in sandbox.store.users and ids.group in sandbox.store.groups
