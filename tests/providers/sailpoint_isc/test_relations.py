"""Groups, roles and entitlements of identities, members of groups, and roles themselves: read as seldom as may be."""

from typing import Any

import pytest

from scim_bridge.providers.sailpoint_isc.sandbox import Sandbox
from tests.providers.sailpoint_isc.support import ROLE_URN, connected, sandbox_of


@pytest.fixture
def sandbox() -> Sandbox:
    return sandbox_of(120)


async def test_relations_are_read_only_when_asked_for(sandbox: Sandbox) -> None:
    async with connected(sandbox) as connection:
        assert all(not {"groups", "roles", "entitlements"} & each.keys() for each in await connection.find(""))
        assert len(connection.calls()) == 1
        user = next(each for each in sandbox.store.entitlements if sandbox.store.identities[each].correlated)
        shown = await connection.users.reader.get(user, ("groups", "roles", "entitlements"))
        assert shown is not None
        assert sorted(connection.calls()) == [
            f"GET /entitlements/identities/{user}/entitlements",
            f"GET /identities/{user}/role-assignments",
            f'GET /identities?id eq "{user}"',
            f'GET /workgroups?memberships.identityId eq "{user}"',
        ]
    store = sandbox.store
    told: dict[str, Any] = {name: {each["value"] for each in shown.get(name, ())} for name in ("groups", "roles")}
    assert told == {"groups": set(store.memberships[user]), "roles": set(store.roles_of(user))}
    names = [each["display"] for each in shown["entitlements"]]
    assert names == [each["name"] for each in store.entitlements[user]]


async def test_entitlements_are_read_in_both_published_shapes(sandbox: Sandbox) -> None:
    user = next(each for each in sandbox.store.identities if sandbox.store.identities[each].correlated)
    flat = {"type": "ENTITLEMENT", "id": "e1", "name": "One"}
    sandbox.store.entitlements[user] = [flat, {"objectRef": {**flat, "id": "e2"}, "tags": []}]
    async with connected(sandbox) as connection:
        assert [each["value"] for each in await connection.users.members(user, "entitlements")] == ["e1", "e2"]


async def test_the_users_of_a_group_are_found_by_its_members(sandbox: Sandbox) -> None:
    group = max(sandbox.store.members, key=lambda each: len(sandbox.store.members[each]))
    shown = {each for each in sandbox.store.members[group] if sandbox.store.identities[each].correlated}
    async with connected(sandbox) as connection:
        assert await connection.ids(f'groups.value eq "{group}"') == shown
        hidden = len(sandbox.store.members[group]) - len(shown)
        calls = connection.calls()
        assert calls[0] == f"GET /workgroups/{group}/members"
        assert len(calls) == 2 + 2 + hidden  # two pages of members, the identities of each, those not there one by one
        assert await connection.ids('groups.value eq "nobodys"') == set()


async def test_the_users_of_a_role_are_found_by_who_has_it(sandbox: Sandbox) -> None:
    role = max(sandbox.store.assigned, key=lambda each: len(sandbox.store.assigned[each]))
    async with connected(sandbox, identities="all") as connection:
        assert await connection.ids(f'roles.value eq "{role}"') == set(sandbox.store.assigned[role])
        assert connection.calls()[0] == f"GET /roles/{role}/assigned-identities"


async def test_the_groups_of_a_member_are_found_in_one_request(sandbox: Sandbox) -> None:
    member = max(sandbox.store.memberships, key=lambda each: len(sandbox.store.memberships[each]))
    async with connected(sandbox) as connection:
        found = await connection.ids(f'members[value eq "{member}"]', "groups")
        assert found == set(sandbox.store.memberships[member])
        assert connection.calls()[0] == f'GET /workgroups?memberships.identityId eq "{member}"'
        assert await connection.ids(f'members.value eq "{member}"', "groups") == found
        assert connection.calls() == [f'GET /workgroups?memberships.identityId eq "{member}"']


async def test_roles_are_shown_as_clients_discover_them(sandbox: Sandbox) -> None:
    async with connected(sandbox) as connection:
        shown = {each["id"]: each for each in await connection.find("", "roles")}
        assert shown.keys() == sandbox.store.roles.keys()
        for key, row in sandbox.store.roles.items():
            found = shown[key]
            assert (found["displayName"], found.get("description"), found["type"]) == (
                row["name"],
                row["description"],
                "Role",
            )
            assert found[ROLE_URN]["owner"] == {"value": row["owner"]["id"], "displayName": row["owner"]["name"]}
            assert (found[ROLE_URN]["enabled"], found[ROLE_URN]["requestable"]) == (row["enabled"], row["requestable"])


@pytest.mark.parametrize(
    ("filter", "native"),
    [
        ('displayName eq "SALES EMEA"', 'name eq "SALES EMEA"'),
        ('meta.created gt "2025-11-23T08:59:59.800Z"', "created ge 2025-11-23T08:59:59Z"),
        ('meta.lastModified le "2025-11-27T09:00:00Z"', "modified le 2025-11-27T09:00:01Z"),
        (f"{ROLE_URN}:requestable eq true", "requestable eq true"),
    ],
)
async def test_roles_are_filtered_as_far_as_the_api_can(sandbox: Sandbox, filter: str, native: str) -> None:
    async with connected(sandbox) as connection:
        found = await connection.find(filter, "roles")
        assert connection.calls() == [f"GET /roles?{native}"]
        assert 0 < len(found) < len(sandbox.store.roles)


async def test_a_group_without_members_asked_costs_no_more(sandbox: Sandbox) -> None:
    async with connected(sandbox) as connection:
        assert len(await connection.find("", "groups")) == 12
        assert connection.calls() == ["GET /workgroups"]
        await connection.find('displayName eq "X" or displayName eq "Y"', "groups")
        # No list says that it takes `or`, save that of identities.
        assert connection.calls() == ['GET /workgroups?name eq "X"', 'GET /workgroups?name eq "Y"']
