"""The simulated IdentityIQ's discovery, sign-in, lists and projections, as the vendor and captures have them."""

import httpx
import pytest

from scim_bridge.providers.sailpoint_iiq.sandbox import Sandbox
from scim_bridge.providers.sailpoint_iiq.sandbox_site import Extended
from tests.clocks import FakeClock
from tests.providers.sailpoint_iiq.support import CORE, ENTERPRISE, SP_USER, Api, api_of, error


async def test_the_configuration_is_the_bare_object_and_needs_no_sign_in() -> None:
    async with api_of(Sandbox(users=3), signed_in=False) as api:
        found = await api.listed("/ServiceProviderConfig")
        assert found["filter"] == {"maxResults": 1000, "supported": True}
        assert [found[each]["supported"] for each in ("patch", "bulk", "sort", "etag", "changePassword")] == [
            False, False, True, True, True,
        ]  # fmt: skip
        assert {each["type"] for each in found["authenticationSchemes"]} == {"httpbasic", "oauthbearertoken"}
        for path in ("/ResourceTypes", "/Schemas", "/Users?count=1"):
            assert error(await api("GET", path)) == (401, None, None)


async def test_discovery_lists_twelve_types_without_start_index() -> None:
    async with api_of(Sandbox(users=3)) as api:
        found = await api.listed("/ResourceTypes")
        assert found["totalResults"] == 12 and set(found) == {"totalResults", "schemas", "Resources"}
        types = {each["name"]: each for each in found["Resources"]}
        assert types["User"]["schemaExtensions"] == [
            {"schema": ENTERPRISE, "required": True},
            {"schema": SP_USER, "required": True},
        ]
        assert types["ObjectConfig"]["endpoint"] == "/ObjectConfig" and "Group" not in types
        assert "Active Directory:account" in types["Account"]["schemaExtensions"][0]["schema"]


async def test_site_attributes_are_published_in_the_schema_and_in_the_object_config() -> None:
    extended = (Extended("Department"), Extended("empId"), Extended("costcenter", multi=True, column=False))
    sandbox = Sandbox(users=3, extended=extended)
    async with api_of(sandbox) as api:
        schema = await api.listed(f"/Schemas/{SP_USER}")
        by_name = {each["name"]: each for each in schema["attributes"]}
        assert by_name["Department"]["mutability"] == "readWrite" and by_name["costcenter"]["multiValued"] is True
        assert by_name["roles"]["returned"] == by_name["entitlements"]["returned"] == "request"
        config = (await api.listed("/ObjectConfigs"))["Resources"][0]
        assert config["name"] == "Identity"
        assert [each["extendedNumber"] for each in config["objectAttributes"]] == [1, 2, 0]
        assert error(await api("GET", "/ObjectConfig"))[0] == 404
        sandbox.knobs.plural_config = False
        assert (await api.listed("/ObjectConfig/Identity"))["name"] == "Identity"
        assert error(await api("GET", "/ObjectConfigs"))[0] == 404


async def test_what_is_not_offered() -> None:
    async with api_of(Sandbox(users=3)) as api:
        user = (await api.listed("/Users", count=1))["Resources"][0]["id"]
        for method, path in (("PATCH", f"/Users/{user}"), ("POST", "/Roles"), ("GET", "/CheckedPolicyViolations")):
            assert error(await api(method, path, {})) == (405, None, None), path
        for path in ("/Groups", "/Me", "/Bulk", "/Users/.search/x"):
            assert (await api("GET", path)).status_code == 404, path


async def test_tokens_live_for_a_while_and_open_scim_alone() -> None:
    clock = FakeClock()
    sandbox = Sandbox(users=3, clock=clock)
    async with api_of(sandbox, signed_in=False) as api:
        granted = (await api.sign_in()).json()
        assert granted["expires_in"] == 1200 and granted["token_type"] == "bearer"
        headers = {"Authorization": f"Bearer {granted['access_token']}"}
        assert (await api("GET", "/Users?count=1", headers=headers)).status_code == 200
        anyone = next(iter(sandbox.site.identities))
        assert (await api("GET", f"/rest/identities/{anyone}", headers=headers)).status_code == 401
        clock.advance(1200)
        assert (await api("GET", "/Users?count=1", headers=headers)).status_code == 401
        assert (await api.sign_in(secret="wrong")).status_code == 401
        assert (await api.sign_in(grant_type="password")).status_code == 400


# -- lists -------------------------------------------------------------------------------------------------------------


async def test_a_list_has_a_total_a_start_and_no_items_per_page() -> None:
    async with api_of(Sandbox(users=25)) as api:
        found = await api.listed("/Users", startIndex=21, count=10)
        assert set(found) == {"totalResults", "startIndex", "schemas", "Resources"}
        assert (found["totalResults"], found["startIndex"], len(found["Resources"])) == (25, 21, 5)
        beyond = await api.listed("/Users", startIndex=26)
        assert (beyond["totalResults"], beyond["Resources"]) == (25, [])
        empty = await api.listed("/Users", filter='userName eq "nobody"')
        assert empty == {"totalResults": 0, "startIndex": 1, "schemas": found["schemas"], "Resources": []}


async def test_a_page_has_a_thousand_rows_unless_the_site_says_otherwise() -> None:
    sandbox = Sandbox(users=1100)
    async with api_of(sandbox) as api:
        assert len((await api.listed("/Users"))["Resources"]) == 1000
        assert len((await api.listed("/Users", count=2000))["Resources"]) == 1000
        sandbox.knobs.max_results = 40
        assert len((await api.listed("/Users", count=100))["Resources"]) == 40
        assert error(await api("GET", "/Users?count=many"))[:2] == (400, "invalidValue")


async def test_pages_have_an_order_of_their_own_only_where_the_database_has() -> None:
    sandbox = Sandbox(users=60)
    async with api_of(sandbox) as api:
        first = [each["id"] for each in (await api.listed("/Users"))["Resources"]]
        assert [each["id"] for each in (await api.listed("/Users"))["Resources"]] == first
        sandbox.knobs.stable = False
        assert [each["id"] for each in (await api.listed("/Users"))["Resources"]] != first
        ordered = [each["userName"] for each in (await api.listed("/Users", sortBy="userName"))["Resources"]]
        assert ordered == sorted(ordered, key=str.lower)
        down = await api.listed("/Users", sortBy="userName", sortOrder="descending")
        assert [each["userName"] for each in down["Resources"]] == ordered[::-1]
        assert error(await api("GET", "/Users?sortBy=phone"))[0] == 400  # no database column


async def test_projections() -> None:
    sandbox = Sandbox(users=30)
    async with api_of(sandbox) as api:
        plain = (await api.listed("/Users", filter='userName eq "adam.kennedy"'))["Resources"][0]
        assert not {"roles", "entitlements"} & plain[SP_USER].keys() and "capabilities" in plain[SP_USER]
        path = f"/Users/{plain['id']}"
        assert (await api.listed(path))[SP_USER] == plain[SP_USER]
        roles = await api.listed(path, attributes=f"userName,{SP_USER}:roles")
        assert set(roles) == {"id", "schemas", "meta", "userName", SP_USER} and set(roles[SP_USER]) == {"roles"}
        assert set(await api.listed(path, attributes="roles")) == {"id", "schemas", "meta"}
        sandbox.knobs.bare_extension = True
        assert "roles" in (await api.listed(path, attributes="roles"))[SP_USER]
        both = await api.listed(path, attributes=f"{CORE}:name.familyName", excludedAttributes="name")
        assert both["name"] == {"familyName": "Kennedy"}
        without = await api.listed(path, excludedAttributes=f"id,name,{SP_USER}:accounts")
        assert "name" not in without and "id" in without and "accounts" not in without[SP_USER]


@pytest.mark.parametrize(
    "endpoint, schema",
    [
        ("/Roles", "Role"),
        ("/Accounts", "Account"),
        ("/Entitlements", "Entitlement"),
        ("/Applications", "Application"),
        ("/PolicyViolations", "PolicyViolation"),
        ("/Workflows", "Workflow"),
        ("/TaskResults", "TaskResult"),
        ("/Alerts", "Alert"),
    ],
)
async def test_other_types_are_listed_and_read(endpoint: str, schema: str) -> None:
    async with api_of(Sandbox(users=30)) as api:
        rows = (await api.listed(endpoint))["Resources"]
        assert rows and all(f"urn:ietf:params:scim:schemas:sailpoint:1.0:{schema}" in each["schemas"] for each in rows)
        assert await api.listed(f"{endpoint}/{rows[0]['id']}") == rows[0]
        assert error(await api("GET", f"{endpoint}/nothing")) == (404, None, "Resource nothing not found.")


async def test_a_role_is_found_by_name_and_tells_no_members() -> None:
    async with api_of(Sandbox(users=5)) as api:
        role = await api.listed("/Roles/User - IT")
        assert role["displayableName"] == "User - IT" and role["type"]["name"] == "it" and "members" not in role
        nameless = await api.listed("/Roles/AP_Logins", lookupByName="true")
        assert "displayableName" not in nameless and nameless["identAttr"] == {}


async def test_faults_are_answered_once_and_never_slow_down_real_time() -> None:
    clock = FakeClock()
    sandbox = Sandbox(users=3, clock=clock)
    async with api_of(sandbox) as api:
        sandbox.fail("GET /Users", 503)
        assert (await api("GET", "/Users")).status_code == 503
        user = (await api.listed("/Users", count=1))["Resources"][0]
        sandbox.knobs.put_delay_seconds = 61
        body = {"schemas": [CORE], "userName": user["userName"]}
        assert (await api("PUT", f"/Users/{user['id']}", body)).status_code == 200
        assert clock.slept == [61]


async def test_requests_are_remembered_as_they_came() -> None:
    sandbox = Sandbox(users=3)
    async with api_of(sandbox) as api:
        await api.listed("/Users", filter='userName eq "x"', count=1)
        call = sandbox.calls[-1]
        assert (str(call), call.query["filter"]) == ("GET /Users", 'userName eq "x"')


async def test_another_context_and_dates_of_another_version() -> None:
    sandbox = Sandbox(users=3, context="/iiq")
    sandbox.knobs.zulu, sandbox.knobs.primary = True, "true"
    async with api_of(sandbox) as api:
        user = (await api.listed("/Users"))["Resources"][0]
        assert user["meta"]["created"].endswith("Z") and user["emails"][0]["primary"] == "true"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=sandbox.app)) as client:
        assert (await client.get("http://iiq.test/identityiq/scim/v2/ServiceProviderConfig")).status_code == 404


async def test_the_same_seed_makes_the_same_people() -> None:
    assert Sandbox(users=40).shown() == Sandbox(users=40).shown()
    assert Sandbox(users=40).shown().keys() != Sandbox(users=40, seed=2).shown().keys()


async def crawled(api: Api, count: int) -> int:
    """Rows that pages of a size bring altogether."""
    rows = 0
    while page := (await api.listed("/Users", startIndex=rows + 1, count=count, sortBy="userName"))["Resources"]:
        rows += len(page)
    return rows


async def test_pages_that_are_shorter_than_asked_for_still_make_a_whole() -> None:
    sandbox = Sandbox(users=50)
    sandbox.knobs.page_size = lambda rows: max(1, rows - 3)
    async with api_of(sandbox) as api:
        assert await crawled(api, 10) == 50
