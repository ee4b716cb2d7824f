"""What a client is answered where the upstream's own words do not settle it, through the whole program."""

import pytest

from scim_bridge.providers.pingone.sandbox import Sandbox
from tests.providers.pingone.bridge import USER, bridged


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(users=30)


# -- groups of a user: ids come along, all else is read when it matters ------------------------------------------------


async def test_groups_are_shown_by_id_unless_more_is_asked_for(sandbox: Sandbox) -> None:
    user_id = next(iter(sandbox.store.joined))
    async with bridged(sandbox) as bridge:
        shown = (await bridge.get(f"/Users/{user_id}"))["groups"]
        assert len(bridge.calls()) == 1
        asked = (await bridge.get(f"/Users/{user_id}", attributes="groups"))["groups"]
        assert len(bridge.calls()) == 2
    assert {each["value"] for each in shown} == {each["value"] for each in asked}
    assert all({"value", "$ref"} == set(each) for each in shown)
    assert all({"value", "$ref", "display", "type"} == set(each) for each in asked)


async def test_a_filter_on_a_membership_is_decided_by_all_that_is_to_know_of_it(sandbox: Sandbox) -> None:
    async with bridged(sandbox) as bridge:
        for user_id, kinds in [(each, sandbox.store.groups_of_user(each)) for each in sorted(sandbox.store.users)]:
            for kind in ("DIRECT", "INDIRECT"):
                text = f'id eq "{user_id}" and groups.type eq "{kind.lower()}"'
                found = await bridge.find("User", filter=text)
                assert [each["id"] for each in found] == ([user_id] if kind in kinds.values() else [])


# -- writes that took effect -------------------------------------------------------------------------------------------


async def test_a_new_group_is_told_even_if_its_members_cannot_be_read(sandbox: Sandbox) -> None:
    user_id = next(iter(sandbox.store.users))
    async with bridged(sandbox) as bridge:
        sandbox.fail("GET /users$", 403, "ACCESS_FAILED", 9)
        made = await bridge.create("Group", displayName="New", members=[{"value": user_id}])
    assert [each["value"] for each in made["members"]] == [user_id]
    assert "version" not in made["meta"]
    assert list(sandbox.store.direct[made["id"]]) == [user_id]


# -- locked users that show as inactive --------------------------------------------------------------------------------


@pytest.mark.parametrize(("locked", "enabled"), [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_active_is_what_was_written_whatever_the_lock(
    sandbox: Sandbox, locked: bool, enabled: bool, wanted: bool, method: str
) -> None:
    """Who is disabled stays so when the lock ends."""
    user_id = next(iter(sandbox.store.users))
    data = sandbox.store.users[user_id].data
    data["enabled"] = enabled
    data["account"] = {"status": "LOCKED" if locked else "OK", "canAuthenticate": enabled and not locked}
    async with bridged(sandbox, locked_is_inactive=True) as bridge:
        body = {"schemas": [USER], "userName": data["username"], "active": wanted}
        operation = {"op": "replace", "path": "active", "value": wanted}
        if method == "PATCH":
            assert (await bridge.patch("User", user_id, operation)).status_code == 200
        else:
            await bridge.replace("User", user_id, **body)
        assert (await bridge.get(f"/Users/{user_id}"))["active"] is wanted
    after = sandbox.store.users[user_id].data
    assert after["enabled"] is wanted
    assert (after["account"]["status"] == "LOCKED") is (locked and not wanted)


async def test_a_locked_user_can_be_changed_without_a_word_on_active(sandbox: Sandbox) -> None:
    user_id = next(iter(sandbox.store.users))
    data = sandbox.store.users[user_id].data
    data["enabled"], data["account"] = True, {"status": "LOCKED", "canAuthenticate": False}
    async with bridged(sandbox, locked_is_inactive=True) as bridge:
        answer = await bridge.patch("User", user_id, {"op": "replace", "path": "title", "value": "T"})
        assert (answer.json()["title"], answer.json()["active"]) == ("T", False)
        removed = await bridge.patch("User", user_id, {"op": "remove", "path": "active"})
        assert (removed.status_code, removed.json()["scimType"]) == (400, "mutability")
    assert sandbox.store.users[user_id].data["account"]["status"] == "LOCKED"
