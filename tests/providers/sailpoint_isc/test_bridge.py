"""The whole program over the simulated tenant: what SCIM clients are told, and what they leave behind."""

from copy import deepcopy
from typing import Any

import pytest

from scim_bridge.providers.sailpoint_isc.sandbox import Sandbox
from tests.providers.sailpoint_isc.bridge import USER, Bridge, bridged, checked
from tests.providers.sailpoint_isc.support import ENTERPRISE, GROUP_URN, ROLE_URN, USER_URN, sandbox_of

ROLE = "urn:okta:scim:schemas:core:1.0:Role"


@pytest.fixture
def sandbox() -> Sandbox:
    return sandbox_of(80)


def someone(sandbox: Sandbox) -> dict[str, Any]:
    return next(
        each.data
        for each in sandbox.store.identities.values()
        if each.correlated and each.data["identityStatus"] == "ACTIVE" and each.data["emailAddress"]
    )


async def test_the_first_call_of_a_client_shows_a_whole_user(sandbox: Sandbox) -> None:  # K-02
    async with bridged(sandbox) as bridge:
        found = await bridge.get("/Users", startIndex=1, count=1)
        (user,) = found["Resources"]
        data = sandbox.store.identities[user["id"]].data
        assert found["totalResults"] == 76
        assert (user["userName"], user["displayName"]) == (data["alias"], data["name"])
        assert user["name"]["givenName"] == data["attributes"]["firstname"]
        assert user[USER_URN]["status"] == data["identityStatus"]
        assert user["meta"]["location"].endswith(f"/Users/{user['id']}")


async def test_writes_of_identities_are_refused_whatever_they_hold(sandbox: Sandbox) -> None:
    """Trap 12: nothing that looks like a success."""
    user = someone(sandbox)
    before = deepcopy(user)
    async with bridged(sandbox) as bridge:
        answers = [
            await bridge.post("User", userName="new"),
            await bridge.put("User", user["id"], userName=user["alias"], active=False),
            await bridge.patch("User", user["id"], {"op": "replace", "value": {"active": False}}),
            await bridge.patch("User", user["id"], {"op": "replace", "path": "title", "value": "Boss"}),
            await bridge.ask("DELETE", f"/Users/{user['id']}"),
        ]
        assert [each.status_code for each in answers] == [501] * 5
        assert all("no way to" in each.json()["detail"] for each in answers)
        assert bridge.calls() == []
    assert user == before


async def test_discovery_says_so(sandbox: Sandbox) -> None:
    async with bridged(sandbox) as bridge:
        types = {each["name"]: each for each in (await bridge.get("/ResourceTypes"))["Resources"]}
        assert types.keys() == {"User", "Group", "Role"} and types["Role"]["schema"] == ROLE
        schemas = {each["id"]: each for each in (await bridge.get("/Schemas"))["Resources"]}
        assert {USER_URN, GROUP_URN, ROLE_URN, ROLE, ENTERPRISE} <= schemas.keys()
        for urn in (USER, USER_URN, ENTERPRISE, ROLE):
            assert {each["mutability"] for each in schemas[urn]["attributes"]} == {"readOnly"}, urn


async def test_active_is_switched_by_patch_and_by_put(sandbox: Sandbox) -> None:  # K-04
    user = someone(sandbox)
    async with bridged(sandbox, writes=["accounts"]) as bridge:
        off = await bridge.patch("User", user["id"], {"op": "replace", "value": {"active": False, "title": "x"}})
        assert checked(off, 200)["active"] is False and user["identityStatus"] == "DISABLED"
        on = await bridge.put("User", user["id"], userName=user["alias"], active=True)
        assert checked(on, 200)["active"] is True and user["identityStatus"] == "ACTIVE"
        strict = await bridge.post("User", userName="new")
        assert strict.status_code == 501


async def test_what_takes_too_long_is_a_failure_that_tells_what_is_under_way(sandbox: Sandbox) -> None:
    sandbox.knobs.effect_seconds = 300
    user = someone(sandbox)
    async with bridged(sandbox, writes=["accounts"]) as bridge:
        answer = await bridge.patch("User", user["id"], {"op": "replace", "value": {"active": False}})
        assert answer.status_code == 502
        assert f"/identities-accounts/v1/{user['id']}/disable" in answer.json()["detail"]


def recording(sandbox: Sandbox) -> dict[str, Any]:
    return {"writes": ["non-employee", "accounts"], "non_employee_source_id": sandbox.source("Non-Employees")}


def newcomer(boss: dict[str, Any]) -> dict[str, Any]:
    return {
        "schemas": [USER, USER_URN, ENTERPRISE],
        "userName": "new.one",
        "name": {"givenName": "New", "familyName": "One"},
        "emails": [{"value": "new.one@example.com"}],
        "phoneNumbers": [{"value": "+1 555", "type": "work"}],
        "active": True,
        ENTERPRISE: {"manager": {"value": boss["id"]}},
        USER_URN: {"startDate": "2026-03-01T00:00:00Z", "endDate": "2026-09-01T00:00:00Z"},
    }


REQUIRED = (
    *("userName", "name", "name.givenName", "name.familyName", "emails", "emails.value", "phoneNumbers"),
    *("phoneNumbers.value", f"{ENTERPRISE}:manager", f"{ENTERPRISE}:manager.value"),
    *(f"{USER_URN}:startDate", f"{USER_URN}:endDate"),
)


@pytest.mark.parametrize("creates", [True, False])
async def test_what_new_people_need_is_published_as_required(sandbox: Sandbox, creates: bool) -> None:
    settings = recording(sandbox) if creates else {"writes": ["accounts"]}
    async with bridged(sandbox, **settings) as bridge:
        schemas = {each["id"]: each["attributes"] for each in (await bridge.get("/Schemas"))["Resources"]}
    required: set[str] = set()
    for urn in (USER, ENTERPRISE, USER_URN):
        for each in schemas[urn]:
            path = each["name"] if urn == USER else f"{urn}:{each['name']}"
            subs = [f"{path}.{sub['name']}" for sub in each.get("subAttributes", ()) if sub["required"]]
            required.update([path] if each["required"] else [], subs)
    assert required == (set(REQUIRED) if creates else {"userName"})


@pytest.mark.parametrize("path", [each for each in REQUIRED if "value" not in each])
async def test_nobody_is_made_without_what_is_required(sandbox: Sandbox, path: str) -> None:
    body = newcomer(someone(sandbox))
    urn, _, rest = path.rpartition(":")
    name, _, sub = rest.partition(".")
    held = body[urn] if urn else body
    (held[name] if sub else held).pop(sub or name)
    async with bridged(sandbox, **recording(sandbox)) as bridge:
        answer = await bridge.post("User", **body)
        assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidValue")
        assert (sub or name) in answer.json()["detail"]
        assert not any(each.startswith("POST") for each in bridge.calls())


async def test_who_lacks_what_is_required_of_new_people_is_switched_all_the_same(sandbox: Sandbox) -> None:
    user = someone(sandbox)
    user["attributes"].pop("phone", None)
    user["managerRef"] = None
    async with bridged(sandbox, **recording(sandbox)) as bridge:
        off = await bridge.patch("User", user["id"], {"op": "replace", "path": "active", "value": False})
        assert checked(off, 200)["active"] is False
        whole = await bridge.get(f"/Users/{user['id']}")
        assert "phoneNumbers" not in whole and "manager" not in whole.get(ENTERPRISE, {})
        assert (await bridge.replace("User", user["id"], **{**whole, "active": True}))["active"] is True
        gone = {name: each for name, each in whole.items() if name != "name"}
        refused = await bridge.put("User", user["id"], **gone)
        assert (refused.status_code, refused.json()["detail"]) == (400, "name is required")


async def test_a_non_employee_lives_from_post_to_delete(sandbox: Sandbox) -> None:
    body = newcomer(someone(sandbox))
    async with bridged(sandbox, **recording(sandbox)) as bridge:
        made = checked(await bridge.post("User", **body), 201)
        user = made["id"]
        assert made["emails"][0]["value"] == "new.one@example.com" and "endDate" not in made[USER_URN]
        again = await bridge.post("User", **body)
        assert (again.status_code, again.json()["scimType"]) == (409, "uniqueness")
        changed = await bridge.patch("User", user, {"op": "replace", "path": "name.familyName", "value": "Two"})
        assert checked(changed, 200)["name"]["familyName"] == "Two"
        renamed = await bridge.patch("User", user, {"op": "replace", "path": "userName", "value": "other"})
        assert (renamed.status_code, renamed.json()["scimType"]) == (400, "mutability")
        missing = await bridge.post("User", userName="new.two", name={"givenName": "A", "familyName": "B"})
        assert missing.status_code == 400 and "emails is required" in missing.json()["detail"]
        assert (await bridge.ask("DELETE", f"/Users/{user}")).status_code == 204
        assert (await bridge.ask("GET", f"/Users/{user}")).status_code == 404
        assert (await bridge.ask("DELETE", f"/Users/{user}")).status_code == 404


async def test_a_group_lives_from_post_to_delete(sandbox: Sandbox) -> None:
    owner, users = someone(sandbox), [key for key, each in sandbox.store.identities.items() if each.correlated]
    async with bridged(sandbox, group_owner_id=owner["id"]) as bridge:
        body = {"displayName": "New", "members": [{"value": each} for each in users[:60]]}
        group = checked(await bridge.post("Group", **body), 201)["id"]
        assert len((await bridge.get(f"/Groups/{group}"))["members"]) == 60
        take = {"op": "remove", "path": f'members[value eq "{users[0]}"]'}
        give = {"op": "add", "path": "members", "value": [{"value": users[60]}]}
        assert (await bridge.patch("Group", group, take, give)).status_code == 204
        assert set(sandbox.store.members[group]) == set(users[1:61])
        wrong = {"op": "add", "path": "members", "value": [{"value": "nobody"}]}
        refused = await bridge.patch("Group", group, wrong)
        assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidValue")
        whole = await bridge.put("Group", group, displayName="Renamed", members=[{"value": users[5]}])
        assert checked(whole, 200)["displayName"] == "Renamed" and set(sandbox.store.members[group]) == {users[5]}
        held = sandbox.store.workgroups[group]
        assert held["owner"]["id"] == owner["id"]  # PUT names no extension, so what is in it stays
        assert (await bridge.ask("DELETE", f"/Groups/{group}")).status_code == 204
        assert (await bridge.ask("DELETE", f"/Groups/{group}")).status_code == 404
        ghost = await bridge.patch("Group", group, give)
        assert ghost.status_code == 404


async def test_a_membership_is_tested_as_entra_does(sandbox: Sandbox) -> None:
    group, held = next(iter(sandbox.store.members.items()))
    async with bridged(sandbox) as bridge:
        for member, total in ((next(iter(held)), 1), ("nobody", 0)):
            filter = f'id eq "{group}" and members eq "{member}"'
            found = await bridge.get("/Groups", filter=filter, excludedAttributes="members")
            assert found["totalResults"] == total


async def test_a_crawl_ends_with_everybody(sandbox: Sandbox) -> None:
    sandbox.knobs.listing.past_end = "400"
    async with bridged(sandbox) as bridge:
        ids = await crawled(bridge, 30)
        assert sorted(ids) == sorted(key for key, each in sandbox.store.identities.items() if each.correlated)
        past = await bridge.get("/Users", startIndex=1_000, count=10)
        assert (past["totalResults"], past.get("Resources", [])) == (76, [])


async def crawled(bridge: Bridge, count: int) -> list[str]:
    found: list[str] = []
    while True:
        page = await bridge.get("/Users", startIndex=len(found) + 1, count=count)
        found += [each["id"] for each in page.get("Resources", [])]
        if len(found) >= page["totalResults"]:
            return found


async def test_a_role_shows_what_clients_discover(sandbox: Sandbox) -> None:  # K-07
    async with bridged(sandbox) as bridge:
        found = await bridge.get("/Roles", startIndex=1, count=3)
        assert (found["totalResults"], found["itemsPerPage"]) == (8, 3)
        assert all({"id", "displayName", "type"} <= each.keys() for each in found["Resources"])
        refused = await bridge.ask("DELETE", f"/Roles/{found['Resources'][0]['id']}")
        assert refused.status_code == 501


@pytest.mark.parametrize(("status", "told"), [(500, 503), (403, 502), (404, 502)])
async def test_trouble_is_never_a_404(sandbox: Sandbox, status: int, told: int) -> None:
    async with bridged(sandbox) as bridge:
        for path in ("/Users", '/Users?filter=userName eq "x"', "/Users/05805975ed2f89d94a2f20aaf3c64af7"):
            sandbox.fail("GET /identities", status=status, times=40)
            assert (await bridge.ask("GET", path)).status_code == told
            sandbox.faults.clear()


async def test_a_rate_limit_reaches_the_client_with_its_seconds(sandbox: Sandbox) -> None:
    async with bridged(sandbox) as bridge:
        sandbox.limit(1, retry_after="90")
        answer = await bridge.ask("GET", "/Users")
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "90")
