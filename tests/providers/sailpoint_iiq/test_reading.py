"""What of a site is shown, and the traps of its dialect: each is simulated, and must not show."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from scim_bridge.providers.sailpoint_iiq.sandbox import Sandbox
from scim_bridge.providers.sailpoint_iiq.sandbox_site import Extended
from tests.clocks import FakeClock
from tests.providers.sailpoint_iiq.bridge import bridged
from tests.providers.sailpoint_iiq.oracle import people
from tests.providers.sailpoint_iiq.support import CORE, ENTERPRISE, SP_USER, related

GROUP_URN = "urn:scim-bridge:schemas:1.0:sailpoint-iiq:Group"
ROLE_URN = "urn:scim-bridge:schemas:1.0:Role"
OKTA_ROLE = "urn:okta:scim:schemas:core:1.0:Role"


def named(sandbox: Sandbox, name: str) -> Any:
    return sandbox.site.identities[sandbox.site.by_name[name.lower()]]


async def test_discovery_publishes_what_the_site_defined() -> None:
    extended = (
        Extended("Department"),
        Extended("empId"),
        Extended("costcenter", multi=True),
        Extended("owner", "identity"),
    )
    sandbox = Sandbox(users=20, extended=extended)
    async with bridged(sandbox, attributes={"enterprise.department": "DEPARTMENT", "externalId": "empid"}) as bridge:
        types = {each["name"]: each for each in (await bridge.get("/ResourceTypes"))["Resources"]}
        assert set(types) == {
            "User", "Group", "Role", "Application", "Account", "Entitlement", "Workflow", "TaskResult", "ObjectConfig",
            "LaunchedWorkflow", "PolicyViolation", "Alert",
        }  # fmt: skip
        assert types["Role"]["schema"] == OKTA_ROLE and types["ObjectConfig"]["endpoint"] == "/ObjectConfigs"
        schema = {each["name"]: each for each in (await bridge.get(f"/Schemas/{SP_USER}"))["attributes"]}
        assert "roles" not in schema and "entitlements" not in schema
        assert schema["empId"]["mutability"] == "readOnly", "it is written as externalId"
        assert schema["costcenter"]["multiValued"] is True and schema["owner"]["type"] == "complex"
        assert schema["riskScore"] | {"returned": "request"} == schema["riskScore"]
        core = {each["name"]: each for each in (await bridge.get(f"/Schemas/{CORE}"))["attributes"]}
        assert core["userName"]["mutability"] == "immutable" and core["nickName"]["mutability"] == "readOnly"
        assert [each for each in core if core[each]["required"]] == ["userName", "name", "displayName", "active"]
        assert {core[each]["returned"] for each in ("groups", "roles", "entitlements")} == {"request"}
        for urn in ("urn:ietf:params:scim:schemas:sailpoint:1.0:Account", OKTA_ROLE, ROLE_URN, GROUP_URN):
            attributes = (await bridge.get(f"/Schemas/{urn}"))["attributes"]
            assert {each["mutability"] for each in attributes} == {"readOnly"}, urn
        config = await bridge.get("/ServiceProviderConfig")
        assert config["patch"]["supported"] is config["sort"]["supported"] is True


async def test_people_are_shown_as_the_vendors_facts_have_it() -> None:
    sandbox = Sandbox(users=60)
    asked = ["roles", "entitlements", "groups"]
    names = f"userName,emails,active,displayName,name,externalId,title,userType,{','.join(asked)},{SP_USER}:riskScore"
    async with bridged(sandbox) as bridge:
        found = {each["id"]: each for each in await bridge.find("User", attributes=names)}
        for expected in people(sandbox):
            shown = found[expected["id"]]
            for path in ("userName", "displayName", "active", "externalId", "title", "userType"):
                assert shown.get(path) == expected[path], path
            assert shown.get(SP_USER, {}).get("riskScore") == expected[f"{SP_USER}:riskScore"]
            assert [each["value"] for each in shown.get("emails", [])] == [each["value"] for each in expected["emails"]]
            for path in asked:
                one, other = (
                    Counter((each["value"], each["type"]) for each in where)
                    for where in (shown.get(path, []), expected[path])
                )
                assert one == other, path


async def test_little_is_made_of_an_identity_that_is_little_more_than_a_name() -> None:
    """An e-mail entry without an address, empty references, lists without values, no change since the creation."""
    sandbox = Sandbox(users=20)
    identity = named(sandbox, "Mary.Johnson")
    identity |= {"capabilities": [], "modified": None, "userType": None, "accounts": []}
    identity["extended"].clear()
    sandbox.site.changes += 1
    async with bridged(sandbox) as bridge:
        shown = await bridge.get(f"/Users/{identity['id']}")
        assert shown.keys() == {"schemas", "id", "meta", "userName", "displayName", "name", "active"}
        assert shown["meta"]["lastModified"] == shown["meta"]["created"] and shown["meta"]["created"].endswith("Z")


@pytest.mark.parametrize("knob", [{"zulu": True}, {"primary": "true"}, {"bare_extension": True}, {"zone_hours": 5}])
async def test_versions_that_write_otherwise_show_the_same(knob: dict[str, Any]) -> None:
    plain, other = Sandbox(users=30), Sandbox(users=30)
    for name, value in knob.items():
        setattr(other.knobs, name, value)
    async with bridged(plain) as one, bridged(other) as two:
        for path in ("/Users", "/Groups", "/Roles", "/Entitlements"):
            assert await one.get(path, count=50) == await two.get(path, count=50), path


async def test_addresses_are_the_bridges_own() -> None:
    sandbox = Sandbox(users=60)
    boss = named(sandbox, "spadmin")["id"]
    named(sandbox, "adam.kennedy")["manager"] = boss
    async with bridged(sandbox) as bridge:  # which looks for the site's own host in each answer
        shown = (await bridge.find("User", filter='userName eq "adam.kennedy"'))[0]
        assert shown["meta"]["location"] == f"http://bridge.test/scim/acme/v2/Users/{shown['id']}"
        assert shown[ENTERPRISE]["manager"]["$ref"] == f"http://bridge.test/scim/acme/v2/Users/{boss}"
        for kind in ("Account", "Entitlement", "PolicyViolation", "Application", "Group", "Role", "ObjectConfig"):
            assert await bridge.find(kind), kind


async def test_who_is_named_as_another_is_numbered_is_not_taken_for_them() -> None:
    """`/Users/{x}` finds by name as well: whoever comes back must have that id."""
    sandbox = Sandbox(users=20)
    missing = "0" * 32
    sandbox.site.put({**named(sandbox, "adam.kennedy"), "id": "f" * 32, "userName": missing})
    async with bridged(sandbox) as bridge:
        assert (await bridge.ask("GET", f"/Users/{missing}")).status_code == 404
        assert (
            await bridge.patch("User", missing, {"op": "replace", "path": "active", "value": False})
        ).status_code == 404
        assert await bridge.find("User", filter=f'id eq "{missing}"') == []
        assert (await bridge.get(f"/Users/{'f' * 32}"))["userName"] == missing


# -- roles -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("detected", [False, True])
async def test_groups_are_roles_with_those_who_have_them(detected: bool) -> None:
    sandbox = Sandbox(users=60)
    sandbox.knobs.max_results = 20
    expected = related(sandbox, "Group", detected=detected)["members"]
    async with bridged(sandbox, detected_roles=detected) as bridge:
        assert all("members" not in each for each in await bridge.find("Group"))
        found = await bridge.find("Group", attributes="displayName,members")
        assert {each["id"]: {one["value"] for one in each.get("members", ())} for each in found} == expected
        some = next(each for each in found if each.get("members"))
        one = await bridge.get(f"/Groups/{some['id']}", attributes="members")
        assert {each["value"] for each in one["members"]} == expected[some["id"]]
        member = one["members"][0]
        assert member["type"] == "User" and member["$ref"].endswith(f"/Users/{member['value']}") and member["display"]
        groups = related(sandbox, "User", detected=detected)["groups"]
        for user in await bridge.find("User", attributes="groups"):
            assert {each["value"] for each in user.get("groups", ())} == groups[user["id"]]


async def test_a_role_is_shown_twice_and_with_what_is_known_of_it() -> None:
    sandbox = Sandbox(users=20)
    role = next(each for each in sandbox.site.records["Role"].values() if each["name"] == "Benefits Manager")
    async with bridged(sandbox) as bridge:
        shown = await bridge.get(f"/Roles/{role['id']}")
        assert shown["schemas"] == [OKTA_ROLE, ROLE_URN]
        assert (shown["displayName"], shown["type"]) == ("Benefits Manager", "business")
        assert shown["description"].startswith("Manages benefits")
        details = shown[ROLE_URN]
        assert details["active"] is True and details["type"]["displayName"] == "Business"
        assert {each["displayName"] for each in details["inheritance"]} == {"Accounting General Access - IT"}
        assert (await bridge.get(f"/Groups/{role['id']}"))[GROUP_URN] == details
        nameless = next(each for each in sandbox.site.records["Role"].values() if not each["displayableName"])
        assert (await bridge.get(f"/Groups/{nameless['id']}"))["displayName"] == nameless["name"]


async def test_a_site_that_tells_no_roles_shows_none() -> None:
    sandbox = Sandbox(users=20)
    sandbox.knobs.scim_roles = False
    async with bridged(sandbox) as bridge:
        found = await bridge.find("User", attributes="userName,groups,roles")
        assert all(not {"groups", "roles"} & each.keys() for each in found)
        assert all("members" not in each for each in await bridge.find("Group", attributes="displayName,members"))


# -- what is looked at, and when ---------------------------------------------------------------------------------------


async def test_what_the_site_adds_is_found_at_the_next_look() -> None:
    clock = FakeClock()
    sandbox = Sandbox(users=20, clock=clock)
    async with bridged(sandbox, clock=clock, discovery_seconds=3600) as bridge:
        sandbox.site.extended += (Extended("badge"),)
        identity = named(sandbox, "adam.kennedy")
        identity["extended"]["badge"] = "B-17"
        sandbox.site.changes += 1
        assert "badge" not in (await bridge.get(f"/Users/{identity['id']}"))[SP_USER]
        clock.advance(3600)
        await bridge.get("/ResourceTypes")
        for _ in range(5000):
            await asyncio.sleep(0)  # it is looked at behind the answer
        assert (await bridge.get(f"/Users/{identity['id']}"))[SP_USER]["badge"] == "B-17"


async def test_an_empty_site_is_looked_at_again_soon() -> None:
    from scim_bridge.providers.sailpoint_iiq import PROVIDER, Settings
    from scim_bridge.providers.sailpoint_iiq.site import Facts, assumed

    settings = Settings("https://iiq.example.com/identityiq")
    facts = assumed()
    assert PROVIDER.refresh(settings, facts) == 60
    enough = Facts(facts.user, facts.role, facts.proof, enough=True)
    assert PROVIDER.refresh(settings, enough) == 86_400
    async with bridged(Sandbox(users=0)) as bridge:
        assert await bridge.find("User", filter='userName eq "x"') == []


async def test_long_attribute_lists_are_not_sent() -> None:
    """A site with hundreds of attributes: roles are then read user by user."""
    extended = tuple(Extended(f"attributeWithARatherLongName{number:03}") for number in range(60))
    sandbox = Sandbox(users=20, extended=extended)
    expected = related(sandbox, "User")["groups"]
    async with bridged(sandbox, attributes={}) as bridge:
        found = await bridge.get("/Users", attributes="userName,groups", count=5)
        assert len(bridge.calls()) == 6
        for user in found["Resources"]:
            assert {each["value"] for each in user.get("groups", ())} == expected[user["id"]]


async def test_behind_the_end_of_every_list_there_is_nothing() -> None:
    search = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "startIndex": 1970}
    async with bridged(Sandbox(users=20)) as bridge:
        names = [each["endpoint"] for each in await bridge.find("ResourceType")]
        assert len(names) == 12
        for path in names:
            answer = await bridge.ask("GET", path, startIndex=1970)
            assert (answer.status_code, answer.json()["Resources"]) == (200, []), path
        everything = await bridge.ask("POST", "/.search", search)
        assert (everything.status_code, everything.json()["Resources"]) == (200, [])
