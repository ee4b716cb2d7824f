"""The simulated PingOne's groups and roles, against sections 6 and 7 of the fact sheet and its traps."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from scim_bridge.providers.pingone.sandbox import Sandbox
from tests.clocks import FakeClock
from tests.providers.pingone.support import Api, api_of, detail


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(users=60, groups=0, clock=FakeClock())


@pytest.fixture
async def api(sandbox: Sandbox) -> AsyncIterator[Api]:
    async with api_of(sandbox) as found:
        yield found


async def make(api: Api, name: str, **fields: Any) -> str:
    answer = await api("POST", "/groups", {"name": name, **fields})
    assert answer.status_code == 201
    group_id: str = answer.json()["id"]
    return group_id


async def members(api: Api, group_id: str, kind: str | None = None, path: str = "/users") -> list[str]:
    inner = f' and type eq "{kind}"' if kind else ""
    body = (await api("GET", path, filter=f'memberOfGroups[id eq "{group_id}"{inner}]')).json()
    return [each["id"] for each in next(iter(body.get("_embedded", {"": []}).values()))]


def someone(sandbox: Sandbox, number: int = 0) -> str:
    return list(sandbox.store.users)[number]


async def test_a_group_holds_what_the_vendor_lists(api: Api, sandbox: Sandbox) -> None:
    body = {"name": "Managers", "description": "People managers", "externalId": "ad-77", "customData": {"a": [1]}}
    made = (await api("POST", "/groups", body)).json()
    assert {name: made[name] for name in body} == body
    assert made["displayName"] == "Managers"
    assert made["directMemberCounts"] == {"users": 0}
    assert "totalMemberCounts" not in made
    assert (await api("GET", f"/groups/{made['id']}")).json() == made


async def test_groups_have_times_in_responses_but_not_in_the_published_schema(api: Api, sandbox: Sandbox) -> None:
    """Section 6 has none; clients of live tenants declare both, so a knob."""
    group_id = await make(api, "Managers")
    shown = (await api("PUT", f"/groups/{group_id}", {"name": "Bosses"})).json()
    assert shown["createdAt"] == shown["updatedAt"] == "2026-03-02T08:00:00.000Z"
    sandbox.knobs.group_times = False
    assert not (await api("GET", f"/groups/{group_id}")).json().keys() & {"createdAt", "updatedAt"}


async def test_put_of_a_group_replaces_everything(api: Api) -> None:
    """Trap 7: a wiped userFilter turns a dynamic group static."""
    group_id = await make(api, "Engineers", userFilter="title sw 'Eng'", description="x", customData={"a": 1})
    assert await members(api, group_id)
    answer = await api("PUT", f"/groups/{group_id}", {"name": "Engineers 2"})
    assert answer.status_code == 200
    assert not answer.json().keys() & {"userFilter", "description", "customData"}
    assert await members(api, group_id) == []


async def test_a_population_is_set_when_a_group_is_made(api: Api, sandbox: Sandbox) -> None:
    one, other = list(sandbox.store.populations)[:2]
    group_id = await make(api, "Of one", population={"id": one})
    kept = (await api("PUT", f"/groups/{group_id}", {"name": "Renamed"})).json()
    assert kept["population"] == {"id": one}
    assert detail(await api("PUT", f"/groups/{group_id}", {"name": "x", "population": {"id": other}})) == (
        "INVALID_VALUE",
        "population",
    )


async def test_names_are_reused_across_populations_only(api: Api, sandbox: Sandbox) -> None:
    one, other = list(sandbox.store.populations)[:2]
    await make(api, "Readers", population={"id": one})
    await make(api, "Readers", population={"id": other})
    for population in ({}, {"population": {"id": one}}):
        answer = await api("POST", "/groups", {"name": "readers", **population})
        assert detail(answer) == ("UNIQUENESS_VIOLATION", "name")


@pytest.mark.parametrize(
    ("body", "code", "target"),
    [
        ({}, "REQUIRED_VALUE", "name"),
        ({"name": "x", "members": []}, "INVALID_VALUE", "members"),
        ({"name": "x", "customData": "y"}, "INVALID_VALUE", "customData"),
        ({"name": "x", "userFilter": "userName eq 'x'"}, "INVALID_FILTER", "filter"),
        ({"name": "x", "userFilter": 'memberOfGroups[id eq "y"]'}, "INVALID_FILTER", "filter"),
    ],
)
async def test_groups_are_checked(api: Api, body: dict[str, Any], code: str, target: str) -> None:
    answer = await api("POST", "/groups", body)
    assert answer.status_code == 400
    assert detail(answer) == (code, target)


async def test_memberships_live_under_the_user(api: Api, sandbox: Sandbox) -> None:
    """Trap 8."""
    group_id, user_id = await make(api, "Managers"), someone(sandbox)
    answer = await api("POST", f"/users/{user_id}/memberOfGroups", {"id": group_id})
    assert answer.status_code == 201
    assert {name: answer.json()[name] for name in ("id", "name", "type")} == {
        "id": group_id,
        "name": "Managers",
        "type": "DIRECT",
    }
    assert await members(api, group_id) == [user_id]
    assert (await api("GET", f"/groups/{group_id}")).json()["directMemberCounts"] == {"users": 1}
    assert (await api("DELETE", f"/users/{user_id}/memberOfGroups/{group_id}")).status_code == 204
    assert (await api("DELETE", f"/users/{user_id}/memberOfGroups/{group_id}")).status_code == 404
    assert await members(api, group_id) == []


async def test_members_of_unknown_groups_are_refused(api: Api, sandbox: Sandbox) -> None:
    answer = await api("POST", f"/users/{someone(sandbox)}/memberOfGroups", {"id": sandbox.new_id()})
    assert answer.status_code == 404
    assert detail(await api("POST", f"/users/{someone(sandbox)}/memberOfGroups", {"id": "x"})) == (
        "INVALID_VALUE",
        "id",
    )


@pytest.mark.parametrize("status", [400, 201])
async def test_whether_a_member_can_be_added_again_is_open(api: Api, sandbox: Sandbox, status: int) -> None:
    sandbox.knobs.repeated_membership = status
    group_id, user_id = await make(api, "Managers"), someone(sandbox)
    for expected in (201, status):
        answer = await api("POST", f"/users/{user_id}/memberOfGroups", {"id": group_id})
        assert answer.status_code == expected
    assert await members(api, group_id) == [user_id]


async def test_a_group_of_a_population_takes_only_its_users(api: Api, sandbox: Sandbox) -> None:
    one, other = list(sandbox.store.populations)[:2]
    group_id = await make(api, "Of one", population={"id": one})
    for item in sandbox.store.users.values():
        expected = 201 if item.data["population"]["id"] == one else 400
        answer = await api("POST", f"/users/{item.data['id']}/memberOfGroups", {"id": group_id})
        assert answer.status_code == expected
    assert any(item.data["population"]["id"] == other for item in sandbox.store.users.values())


async def test_dynamic_members_are_indirect_and_cannot_be_taken_out(api: Api, sandbox: Sandbox) -> None:
    """Trap 9; how the attempt is refused is UNVERIFIED, so a knob."""
    group_id = await make(api, "Engineers", userFilter="title sw 'Eng' and enabled eq true")
    wanted = [
        item.data["id"]
        for item in reversed(sandbox.store.users.values())
        if item.data.get("title", "").startswith("Eng") and item.data["enabled"]
    ]
    assert wanted
    assert await members(api, group_id) == await members(api, group_id, "INDIRECT") == wanted
    assert await members(api, group_id, "DIRECT") == []
    body = (await api("GET", f"/users/{wanted[0]}/memberOfGroups")).json()
    assert [(each["id"], each["type"]) for each in body["_embedded"]["groupMemberships"]] == [(group_id, "INDIRECT")]
    assert (await api("DELETE", f"/users/{wanted[0]}/memberOfGroups/{group_id}")).status_code == 400
    sandbox.knobs.indirect_removal = 404
    assert (await api("DELETE", f"/users/{wanted[0]}/memberOfGroups/{group_id}")).status_code == 404
    await api("PATCH", f"/users/{wanted[0]}", {"title": None})
    assert wanted[0] not in await members(api, group_id)


async def test_the_group_of_the_url_becomes_a_member_of_the_group_of_the_body(api: Api, sandbox: Sandbox) -> None:
    """Trap 12, as the vendor's text has it."""
    child, parent, top = [await make(api, name) for name in ("Child", "Parent", "Top")]
    user_id = someone(sandbox)
    await api("POST", f"/users/{user_id}/memberOfGroups", {"id": child})
    for inner, outer in ((child, parent), (parent, top)):
        assert (await api("POST", f"/groups/{inner}/memberOfGroups", {"id": outer})).status_code == 201
    # Trap 10: without a type, indirect members come too.
    assert await members(api, top) == [user_id]
    assert await members(api, top, "DIRECT") == []
    assert await members(api, top, "DIRECT", "/groups") == [parent]
    assert await members(api, top, path="/groups") == [child, parent]
    body = (await api("GET", f"/users/{user_id}/memberOfGroups", expand="group")).json()
    shown = [(each["_embedded"]["group"]["name"], each["type"]) for each in body["_embedded"]["groupMemberships"]]
    assert shown == [("Child", "DIRECT"), ("Parent", "INDIRECT"), ("Top", "INDIRECT")]
    assert (await api("GET", f"/groups/{top}")).json()["directMemberCounts"] == {"users": 0}
    counted = (await api("GET", f"/groups/{top}", include="totalMemberCounts")).json()
    assert counted["totalMemberCounts"] == {"users": 1}
    assert (await api("DELETE", f"/groups/{child}/memberOfGroups/{parent}")).status_code == 204
    assert await members(api, top) == []


async def test_groups_cannot_contain_themselves(api: Api) -> None:
    child, parent = await make(api, "Child"), await make(api, "Parent")
    await api("POST", f"/groups/{child}/memberOfGroups", {"id": parent})
    for inner, outer in ((parent, child), (child, child)):
        answer = await api("POST", f"/groups/{inner}/memberOfGroups", {"id": outer})
        assert detail(answer) == ("CONSTRAINT_VIOLATION", "id")


async def test_external_groups_have_no_editable_members(api: Api, sandbox: Sandbox) -> None:
    group_id = await make(api, "From AD")
    sandbox.store.groups[group_id].data["sourceType"] = "GATEWAY"
    answer = await api("POST", f"/users/{someone(sandbox)}/memberOfGroups", {"id": group_id})
    assert detail(answer) == ("CONSTRAINT_VIOLATION", "id")


async def test_deleting_ends_memberships(api: Api, sandbox: Sandbox) -> None:
    child, parent = await make(api, "Child"), await make(api, "Parent")
    one, other = someone(sandbox), someone(sandbox, 1)
    for user_id in (one, other):
        await api("POST", f"/users/{user_id}/memberOfGroups", {"id": child})
    await api("POST", f"/groups/{child}/memberOfGroups", {"id": parent})
    await api("DELETE", f"/users/{one}")
    assert await members(api, parent) == [other]
    await api("DELETE", f"/groups/{child}")
    assert await members(api, parent) == []
    assert (await api("GET", f"/users/{other}", include="memberOfGroupIDs")).json()["memberOfGroupIDs"] == []


async def test_memberships_page(api: Api, sandbox: Sandbox) -> None:
    user_id = someone(sandbox)
    groups = [await make(api, f"Group {number}") for number in range(5)]
    for group_id in groups:
        await api("POST", f"/users/{user_id}/memberOfGroups", {"id": group_id})
    body = (await api("GET", f"/users/{user_id}/memberOfGroups", limit=3)).json()
    rest = (await api("GET", body["_links"]["next"]["href"])).json()
    shown = [each["id"] for page in (body, rest) for each in page["_embedded"]["groupMemberships"]]
    assert shown == groups


async def test_one_population_is_the_default_one(api: Api, sandbox: Sandbox) -> None:
    body = (await api("GET", "/populations")).json()
    found = body["_embedded"]["populations"]
    assert [each["default"] for each in found] == [True, False, False]
    assert sum(each["userCount"] for each in found) == 60
    assert (await api("GET", f"/populations/{found[1]['id']}")).json() == found[1]


async def test_roles_and_their_assignments_are_read(api: Api, sandbox: Sandbox) -> None:
    """Section 7: a role means something only with its scope."""
    roles = (await api("GET", "/roles")).json()["_embedded"]["roles"]
    assert "Identity Data Admin" in [each["name"] for each in roles]
    body = (await api("GET", f"/users/{someone(sandbox)}/roleAssignments")).json()
    found = body["_embedded"]["roleAssignments"]
    assert {each["scope"]["type"] for each in found} == {"ENVIRONMENT", "POPULATION"}
    assert {each["role"]["id"] for each in found} <= {each["id"] for each in roles}
    assert (await api("GET", f"/users/{someone(sandbox)}/roleAssignments/{found[0]['id']}")).json() == found[0]
    assert (await api("GET", f"/users/{someone(sandbox, 20)}/roleAssignments")).json()["size"] == 0
    assert (await api("GET", '/roles?filter=type eq "PLATFORM"')).json()["size"] == len(roles)


async def test_built_in_roles_are_read_outside_any_environment(api: Api, sandbox: Sandbox) -> None:
    base = "https://pingone.test/v1/roles"
    roles = (await api("GET", base)).json()["_embedded"]["roles"]
    assert (await api("GET", f"{base}/{roles[0]['id']}")).json() == roles[0]
