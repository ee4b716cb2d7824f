"""What each operation of a SCIM client costs in requests to OneLogin: the least that its API allows, in this order."""

from collections.abc import Callable
from dataclasses import dataclass
from time import process_time
from typing import Any

import pytest

from scim_bridge.providers.onelogin.sandbox import Sandbox
from scim_bridge.providers.onelogin.sandbox_account import Knobs
from tests.providers.onelogin.bridge import bridged, patch_of, step
from tests.providers.onelogin.support import made
from tests.providers.program import Ask, got, posted

PASSWORD = "s3cret-Passw0rd"
TOLD: dict[str, Any] = {"native_text_match": "insensitive", "wildcards": True}


@dataclass(frozen=True)
class Known:
    """An active user with a role, that role, a user without it."""

    user: int
    role: int
    stranger: int
    name: str


def known(sandbox: Sandbox) -> Known:
    store = sandbox.store
    role = next(iter(store.roles))
    user = next(
        each for each in store.members[role] if store.users[each]["username"] and store.users[each]["status"] == 1
    )
    stranger = next(each for each in store.users if each not in store.members[role])
    return Known(user, role, stranger, store.users[user]["username"])


def patched(kind: str, **values: Any) -> Callable[[Known], Ask]:
    which = "user" if kind == "User" else "role"
    change = {"op": "replace", "value": values}
    return lambda ids: ("PATCH", f"/{kind}s/{getattr(ids, which)}", patch_of(change))


def member(op: str, which: str) -> Callable[[Known], Ask]:
    def ask(ids: Known) -> Ask:
        user = str(getattr(ids, which))
        operation = (
            step("add", "members", [{"value": user}]) if op == "add" else step("remove", f'members[value eq "{user}"]')
        )
        return "PATCH", f"/Groups/{ids.role}", patch_of(operation)

    return ask


READ, ROLE, MEMBERS = "GET /2/users/{user}", "GET /2/roles/{role}", "GET /2/roles/{role}/users"
WRITE = "PUT /2/users/{user}"
BARE = "excludedAttributes=members"
Row = tuple[str, Callable[[Known], Ask], list[str]]
ROWS: list[Row] = [
    (
        "a user by name",
        got('/Users?filter=userName eq "{name}"'),
        ["GET /2/users?username={name}", "GET /2/users?email={name}"],
    ),
    ("a user by id", got("/Users/{user}"), [READ]),
    ("a user with groups and roles", got("/Users/{user}?attributes=groups,roles"), [READ]),
    ("a user by a filter on its id", got('/Users?filter=id eq "{user}"'), [READ]),
    (
        "users by their ids",
        got('/Users?filter=(id eq "{user}" or id eq "none" or id eq "{stranger}") and active pr'),
        ["GET /2/users?user_ids={user},{stranger}"],
    ),
    ("a page of users", got("/Users?count=50"), ["GET /2/users"]),
    ("a page of users with their groups", got("/Users?count=50&attributes=groups"), ["GET /2/users"]),
    ("how many users", got("/Users?count=0"), ["GET /2/users"]),
    (
        "users that changed since",
        got('/Users?filter=meta.lastModified gt "2099-01-01T00:00:00Z"'),
        ["GET /2/users?updated_since=2098-12-31T23:59:59.000Z"],
    ),
    ("a role", got("/Groups/{role}"), [ROLE, MEMBERS]),
    ("a role without members", got(f"/Groups/{{role}}?{BARE}"), [ROLE]),
    ("all roles without members", got(f"/Groups?{BARE}"), ["GET /2/roles"]),
    ("a role by name", got(f'/Groups?filter=displayName eq "Default"&{BARE}'), ["GET /2/roles?name=Default"]),
    ("activities of a user", got('/Activities?filter=target.value eq "{user}"'), ["GET /1/events?user_id={user}"]),
    (
        "activities of a type",
        got('/Activities?filter=type eq "user_created"'),
        ["GET /1/events?event_type_id=13"],
    ),
    ("a new user", posted("User", userName="ana@example.com"), ["POST /2/users"]),
    ("a new user, inactive", posted("User", userName="ana@example.com", active=False), ["POST /2/users"]),
    ("a title", patched("User", title="Boss"), [READ, WRITE]),
    ("nothing new", patched("User", active=True), [READ]),
    ("active, a title, the password", patched("User", active=False, title="B", password=PASSWORD), [READ, WRITE]),
    ("DELETE of a user", lambda ids: ("DELETE", f"/Users/{ids.user}", None), ["DELETE /2/users/{user}"]),
    ("a new role", posted("Group", displayName="New"), ["POST /2/roles"]),
    ("a role's name", patched("Group", displayName="New"), [ROLE, "PUT /2/roles/{role}"]),
    ("a new member", member("add", "stranger"), ["POST /2/roles/{role}/users"]),
    ("a member less", member("remove", "user"), ["DELETE /2/roles/{role}/users"]),
    ("DELETE of a role", lambda ids: ("DELETE", f"/Groups/{ids.role}", None), ["DELETE /2/roles/{role}"]),
]


@pytest.mark.parametrize(("ask", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
async def test_an_operation_costs(ask: Callable[[Known], Ask], expected: list[str]) -> None:
    sandbox = made(150)
    ids = known(sandbox)
    async with bridged(sandbox, **TOLD) as bridge:
        answer = await bridge.ask(*ask(ids))
        assert answer.status_code < 300, answer.text
        assert bridge.calls() == [each.format(**vars(ids)) for each in expected]


async def test_a_membership_is_looked_up_from_either_side() -> None:
    sandbox = made(150)
    ids = known(sandbox)
    held = sandbox.store.users[ids.user]["role_ids"]
    async with bridged(sandbox, **TOLD) as bridge:
        assert await bridge.ids("Group", f'members.value eq "{ids.user}"') == set(map(str, held))
        assert sorted(bridge.calls()) == sorted(
            [f"GET /2/users/{ids.user}", *(f"GET /2/roles/{each}" for each in held)]
        )
        members = sandbox.store.members[ids.role]
        assert await bridge.ids("User", f'groups.value eq "{ids.role}"') == set(map(str, members))
        asked = bridge.calls()
    assert asked[0] == f"GET /2/roles/{ids.role}/users" and asked[1].startswith("GET /2/users?user_ids=")
    assert len(asked) == 2


async def test_a_name_takes_one_walk_where_it_is_not_known_how_text_compares() -> None:
    sandbox = made(150)
    ids = known(sandbox)
    async with bridged(sandbox) as bridge:
        assert await bridge.ids("User", f'userName eq "{ids.name}"') == {str(ids.user)}
        assert bridge.calls() == ["GET /2/users"] * 3
        # A name in one case only, or an attribute that tells cases apart, needs none.
        assert await bridge.ids("User", 'externalId eq "nobody"') == set()
        assert bridge.calls() == ["GET /2/users?external_id=nobody"]


@pytest.mark.parametrize("kind", ["User", "Group", "Activitie"])
@pytest.mark.parametrize("resource_id", ["abc", "0", "0130000007", "1" * 30, "-5", "1.5", "٣"])
async def test_what_is_no_number_is_nobodys_id_and_costs_nothing(kind: str, resource_id: str) -> None:
    async with bridged(made(5)) as bridge:
        assert (await bridge.ask("GET", f"/{kind}s/{resource_id}")).status_code == 404
        if kind != "Activitie":
            assert (await bridge.ask("DELETE", f"/{kind}s/{resource_id}")).status_code == 404
        assert bridge.calls() == []


# -- crawls ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page_size", "knobs", "most"),
    [
        (50, {}, 210),  # the vendor's page holds half of what the client asks for
        (100, {"user_page_max": 100}, 105),
        (100, {}, 210),  # it is smaller than it was thought to be
        (50, {"totals": False}, 411),  # and no list tells its length: one walk more
    ],
)
async def test_ten_thousand_users_are_read_page_by_page(page_size: int, knobs: dict[str, Any], most: int) -> None:
    sandbox = Sandbox(users=10_000, knobs=Knobs(calls_per_hour=None, **knobs))
    found: list[str] = []
    async with bridged(sandbox, user_page_size=page_size) as bridge:
        started = process_time()
        while True:
            page = await bridge.get("/Users", startIndex=len(found) + 1, count=100, attributes="id")
            found += [each["id"] for each in page["Resources"]]
            if len(found) >= page["totalResults"]:
                break
        assert process_time() - started < 20
        assert len(bridge.calls()) <= most
    assert found == [str(each) for each in sandbox.store.user_ids]


async def test_a_member_list_is_paged_and_changed_by_the_difference() -> None:
    sandbox = Sandbox(users=400)
    role = next(iter(sandbox.store.roles))
    before = sandbox.store.user_ids[:250]
    sandbox.store.join(role, before, sandbox.timestamp())
    sandbox.store.leave(role, [each for each in sandbox.store.members[role] if each not in before])
    wanted = [*before[10:], *sandbox.store.user_ids[300:305]]
    async with bridged(sandbox) as bridge:
        members = [{"value": str(each)} for each in wanted]
        await bridge.replace("Group", role, displayName=sandbox.store.roles[role]["name"], members=members)
        writes = [each for each in sandbox.calls if each.method != "GET"]
    assert [(each.method, each.body) for each in writes] == [
        ("POST", sandbox.store.user_ids[300:305]),
        ("DELETE", before[:10]),
    ]
    assert set(sandbox.store.members[role]) == set(wanted)
