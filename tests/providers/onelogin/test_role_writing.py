"""Writing roles and their members through the whole program: what reaches OneLogin, and what is taken back."""

import pytest

from scim_bridge.providers.onelogin.sandbox import Sandbox
from scim_bridge.providers.onelogin.sandbox_wire import Refusal
from tests.providers.onelogin.bridge import bridged, patch_of, step
from tests.providers.onelogin.support import made
from tests.providers.onelogin.test_writing import sent


@pytest.fixture
def sandbox() -> Sandbox:
    return made(60)


@pytest.mark.parametrize("made_role", ["object", "array"])
async def test_a_role_is_made_with_members_renamed_and_deleted(made_role: str) -> None:
    sandbox = made(30, made_role=made_role)
    users = sandbox.store.user_ids[:3]
    async with bridged(sandbox) as bridge:
        group = await bridge.create("Group", displayName="New", members=[{"value": str(each)} for each in users])
        path = f"/api/2/roles/{group['id']}"
        assert sent(sandbox) == [("POST /api/2/roles", {"name": "New"}), (f"POST {path}/users", users)]
        assert [each["value"] for each in group["members"]] == list(map(str, users))
        await bridge.patch("Group", group["id"], step("replace", "displayName", "Newer"))
        assert sent(sandbox) == [(f"PUT {path}", {"name": "Newer"})], "an array that it named would replace the members"
        assert list(sandbox.store.members[int(group["id"])]) == users
        shown = await bridge.get(f"/Groups/{group['id']}")
        assert (shown["displayName"], len(shown["members"])) == ("Newer", 3)
        assert shown["members"][0]["$ref"].endswith(f"/Users/{users[0]}")
        assert (await bridge.ask("DELETE", f"/Groups/{group['id']}")).status_code == 204
        assert (await bridge.ask("GET", f"/Groups/{group['id']}")).status_code == 404


@pytest.mark.parametrize("member", [{"value": "abc"}, {"value": "5"}, {"value": "80031", "type": "Group"}])
async def test_who_is_no_user_cannot_be_a_member(sandbox: Sandbox, member: dict[str, str]) -> None:
    role = next(iter(sandbox.store.roles))
    held = dict(sandbox.store.members[role])
    async with bridged(sandbox) as bridge:
        answer = await bridge.patch("Group", role, step("add", "members", [member]))
        assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidValue")
    assert sandbox.store.members[role] == held


async def test_removing_who_is_no_member_succeeds_and_an_unknown_role_is_not_found(sandbox: Sandbox) -> None:
    role = next(iter(sandbox.store.roles))
    stranger = next(each for each in sandbox.store.users if each not in sandbox.store.members[role])
    async with bridged(sandbox) as bridge:
        for value in (str(stranger), "abc"):
            removal = step("remove", f'members[value eq "{value}"]')
            assert (await bridge.patch("Group", role, removal)).status_code == 204
            assert (await bridge.patch("Group", 5, removal)).status_code == 404
        assert (await bridge.patch("Group", "abc", removal)).status_code == 404


async def test_members_go_in_parts_that_a_call_takes() -> None:
    sandbox = made(260)
    async with bridged(sandbox) as bridge:
        everyone = [{"value": str(each)} for each in sandbox.store.user_ids]
        await bridge.create("Group", displayName="Everyone", members=everyone)
        parts = [len(body) for call, body in sent(sandbox) if call.endswith("/users")]
    assert sorted(parts) == [60, 100, 100]


# -- undoing -----------------------------------------------------------------------------------------------------------

REFUSED = Refusal(400, {"status": 400, "error": "BadRequestError", "description": "no"})


async def test_a_role_whose_members_are_refused_is_not_left_behind(sandbox: Sandbox) -> None:
    sandbox.fail("POST /api/2/roles/.*/users", REFUSED)
    roles = dict(sandbox.store.roles)
    async with bridged(sandbox) as bridge:
        member = {"value": str(sandbox.store.user_ids[0])}
        body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "New", "members": [member]}
        assert (await bridge.ask("POST", "/Groups", body)).status_code == 400
    assert sandbox.store.roles == roles


async def test_a_name_is_taken_back_when_members_are_refused(sandbox: Sandbox) -> None:
    role = next(iter(sandbox.store.roles))
    name = sandbox.store.roles[role]["name"]
    sandbox.fail("POST /api/2/roles/.*/users", REFUSED)
    async with bridged(sandbox) as bridge:
        change = step("add", "members", [{"value": str(sandbox.store.user_ids[0])}])
        answer = await bridge.patch("Group", role, step("replace", "displayName", "X"), change)
        assert answer.status_code == 400
    assert sandbox.store.roles[role]["name"] == name


async def test_members_are_put_back_when_a_replacement_fails_half_way(sandbox: Sandbox) -> None:
    role = next(iter(sandbox.store.roles))
    held, wanted = dict(sandbox.store.members[role]), sandbox.store.user_ids[-5:]
    sandbox.fail("DELETE /api/2/roles/.*/users", REFUSED)
    async with bridged(sandbox) as bridge:
        body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Default"}
        members = [{"value": str(each)} for each in wanted]
        assert (await bridge.ask("PUT", f"/Groups/{role}", {**body, "members": members})).status_code == 400
    assert set(sandbox.store.members[role]) == set(held)


async def test_who_was_a_member_before_is_not_taken_out_to_undo_an_addition(sandbox: Sandbox) -> None:
    role = next(iter(sandbox.store.roles))
    held = list(sandbox.store.members[role])
    sandbox.fail("DELETE /api/2/roles/.*/users", REFUSED)
    async with bridged(sandbox) as bridge:
        operations = patch_of(
            step("add", "members", [{"value": str(held[0])}]), step("remove", f'members[value eq "{held[1]}"]')
        )
        answer = await bridge.ask("PATCH", f"/Groups/{role}", operations)
    assert answer.status_code == 502 and f"POST /api/2/roles/{role}/users" in answer.json()["detail"]
    assert list(sandbox.store.members[role]) == held
