"""The simulated governance groups and roles keep the vendor's facts."""

import pytest

from scim_bridge.providers.sailpoint_isc.sandbox import Sandbox
from tests.providers.sailpoint_isc.support import PATCH, api_of, code, sandbox_of


@pytest.fixture
def sandbox() -> Sandbox:
    return sandbox_of(60)


def one(sandbox: Sandbox) -> str:
    return next(iter(sandbox.store.workgroups))


def people(sandbox: Sandbox, count: int) -> list[str]:
    group = one(sandbox)
    return [each for each in sandbox.store.identities if each not in sandbox.store.members[group]][:count]


async def test_a_group_is_made_with_200_and_has_no_members_inline(sandbox: Sandbox) -> None:
    """Trap 20."""
    owner = next(iter(sandbox.store.identities))
    async with api_of(sandbox) as api:
        body = {"name": "New", "description": "x", "owner": {"type": "IDENTITY", "id": owner}}
        made = await api("POST", "/workgroups", body)
        assert made.status_code == 200
        shown = made.json()
        assert shown["owner"]["displayName"] == sandbox.store.identities[owner].data["name"]
        assert (shown["memberCount"], shown["connectionCount"], "members" in shown) == (0, 0, False)
        assert (await api("GET", f"/workgroups/{shown['id']}")).json() == shown
        assert code(await api("POST", "/workgroups", {"description": "x"})) == "400.1.0 Required data missing or empty"
        unknown = {"name": "x", "owner": {"type": "IDENTITY", "id": "0"}}
        assert code(await api("POST", "/workgroups", unknown)) == "400.1.3 Illegal value"
        assert (await api("POST", "/workgroups", {"name": "No owner"})).status_code == 200
        sandbox.knobs.group_owner_required = True
        assert (await api("POST", "/workgroups", {"name": "No owner"})).status_code == 400


async def test_only_name_description_and_owner_are_patched(sandbox: Sandbox) -> None:
    group = one(sandbox)
    path, before = f"/workgroups/{group}", dict(sandbox.store.workgroups[group])
    async with api_of(sandbox) as api:
        change = [{"op": "replace", "path": "/description", "value": "new"}]
        answer = await api("PATCH", path, change, kind=PATCH)
        assert (answer.status_code, answer.json()["description"], answer.json()["name"]) == (200, "new", before["name"])
        for name in ("/memberCount", "/id", "/created"):
            wrong = await api("PATCH", path, [{"op": "replace", "path": name, "value": 1}], kind=PATCH)
            assert code(wrong) == "400.1.1 Illegal update attempt"
        assert code(await api("PATCH", path, change)) == "400.0 Bad request syntax"  # another content type
        assert code(await api("PATCH", path, change[0], kind=PATCH)) == "400.0 Bad request syntax"
        assert (await api("PUT", path, before)).status_code == 405


async def test_members_are_answered_one_by_one(sandbox: Sandbox) -> None:
    """Trap 16: 207 says nothing."""
    group, new = one(sandbox), people(sandbox, 2)
    path = f"/workgroups/{group}/members"
    named = [{"type": "IDENTITY", "id": each} for each in (*new, "0000")]
    async with api_of(sandbox) as api:
        first = await api("POST", f"{path}/bulk-add", named)
        assert (first.status_code, [each["status"] for each in first.json()]) == (207, [201, 201, 404])
        again = await api("POST", f"{path}/bulk-add", named[:1])
        assert (again.status_code, again.json()[0]["status"]) == (207, 409)
        gone = await api("POST", f"{path}/bulk-delete", named)
        assert [each["status"] for each in gone.json()] == [204, 204, 404]
        assert (await api("POST", f"{path}/bulk-add", [{"id": new[0]}])).status_code == 400
        assert (await api("POST", f"{path}/bulk-add", {"ids": new})).status_code == 400
        sandbox.knobs.members_per_call = 1
        assert (await api("POST", f"{path}/bulk-add", named)).status_code == 400


async def test_members_have_id_name_and_maybe_an_email(sandbox: Sandbox) -> None:
    group = one(sandbox)
    async with api_of(sandbox) as api:
        rows = (await api("GET", f"/workgroups/{group}/members")).json()
    assert {row["id"] for row in rows} == set(sandbox.store.members[group])
    assert all(set(row) <= {"type", "id", "name", "email"} and row["type"] == "IDENTITY" for row in rows)


async def test_groups_are_found_by_their_members(sandbox: Sandbox) -> None:
    member = next(each for each, held in sandbox.store.memberships.items() if held)
    async with api_of(sandbox) as api:
        rows = (await api("GET", "/workgroups", filters=f'memberships.identityId eq "{member}"')).json()
    assert {row["id"] for row in rows} == set(sandbox.store.memberships[member])


@pytest.mark.parametrize(("in_use", "unknown"), [(409, 404), (400, 400)])
async def test_a_group_in_use_stays(sandbox: Sandbox, in_use: int, unknown: int) -> None:
    group, other = list(sandbox.store.workgroups)[:2]
    sandbox.knobs.group_in_use, sandbox.knobs.unknown_group = in_use, unknown
    sandbox.store.connections[group].append({"id": "c", "name": "x"})
    async with api_of(sandbox) as api:
        assert (await api("DELETE", f"/workgroups/{group}")).status_code == in_use
        assert (await api("DELETE", f"/workgroups/{other}")).status_code == 204
        assert (await api("DELETE", f"/workgroups/{other}")).status_code == unknown
        assert (await api("GET", f"/workgroups/{other}")).status_code == unknown
        several = await api(
            "POST", "/workgroups/bulk-delete", {"ids": [group, other, list(sandbox.store.workgroups)[-1]]}
        )
        assert (several.status_code, [each["status"] for each in several.json()]) == (207, [409, 404, 204])
        assert (await api("POST", "/workgroups/bulk-delete", {"ids": ["x"] * 101})).status_code == 400


async def test_roles_are_listed_and_tell_who_has_them_by_names_of_their_own(sandbox: Sandbox) -> None:
    role = max(sandbox.store.roles, key=lambda each: len(sandbox.store.assigned[each]))
    async with api_of(sandbox) as api:
        shown = (await api("GET", f"/roles/{role}")).json()
        assert shown["owner"]["type"] == "IDENTITY" and shown["requestable"] in (True, False)
        rows = (await api("GET", f"/roles/{role}/assigned-identities")).json()
        assert {row["id"] for row in rows} == set(sandbox.store.assigned[role])
        name = rows[0]["aliasName"]  # not alias (trap 2)
        found = (await api("GET", f"/roles/{role}/assigned-identities", filters=f'aliasName eq "{name}"')).json()
        assert [row["id"] for row in found] == [rows[0]["id"]]
        contains = await api("GET", f"/roles/{role}/assigned-identities", filters='name co "a"')
        assert contains.status_code == 200
        assert (await api("GET", "/roles/0/assigned-identities")).status_code == 404


async def test_assignments_are_references_until_a_role_is_named(sandbox: Sandbox) -> None:
    role, held = next((role, held) for role, held in sandbox.store.assigned.items() if held)
    identity = next(iter(held))
    async with api_of(sandbox) as api:
        every = (await api("GET", f"/identities/{identity}/role-assignments")).json()
        assert {row["role"]["id"] for row in every} == set(sandbox.store.roles_of(identity))
        assert "addedDate" in every[0] and "assignmentSource" not in every[0]
        one_role = (await api("GET", f"/identities/{identity}/role-assignments", roleId=role)).json()
        assert [row["role"]["id"] for row in one_role] == [role] and "assignmentSource" in one_role[0]
