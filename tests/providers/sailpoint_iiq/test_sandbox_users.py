"""What users of the simulated IdentityIQ look like and how they are written: PUT nulls what it does not name."""

from datetime import datetime
from typing import Any

import pytest

from scim_bridge.providers.sailpoint_iiq.sandbox import Sandbox
from tests.clocks import FakeClock
from tests.providers.sailpoint_iiq.support import CORE, ENTERPRISE, SP_USER, Api, api_of, error

NEW = {"schemas": [CORE], "userName": "New.Person"}


async def one(api: Api, name: str, **query: Any) -> Any:
    return await api.listed(f"/Users/{name}", lookupByName="true", **query)


async def test_a_user_who_is_little_more_than_a_name() -> None:
    """As captured: an e-mail without a value, empty references, names that fall back on the user name."""
    async with api_of(Sandbox(users=10)) as api:
        user = await one(api, "Mary.Johnson")
        assert user["emails"] == [{"type": "work", "primary": True}]
        assert user["displayName"] == "Mary.Johnson" and user["name"] == {"formatted": "Mary.Johnson"}
        assert user[ENTERPRISE] == {"manager": {}}
        extension = user[SP_USER]
        assert extension["administrator"] == extension["regionOwner"] == {} and extension["accounts"] != {}
        assert "lastRefresh" not in extension and extension["costcenter"] == []
        assert user["schemas"] == [SP_USER, CORE, ENTERPRISE]


async def test_addresses_are_those_the_server_believes_in() -> None:
    async with api_of(Sandbox(users=30)) as api:
        for user in (await api.listed("/Users"))["Resources"]:
            assert user["meta"]["location"] == f"http://localhost:8088/iiq/scim/v2/Users/{user['id']}"
            modified = datetime.fromisoformat(user["meta"].get("lastModified", user["meta"]["created"]))
            assert user["meta"]["version"] == f'W/"{int(modified.timestamp() * 1000)}"'
            assert modified.utcoffset() is not None and not user["meta"]["created"].endswith("Z")


async def test_the_value_of_a_role_does_not_tell_which_one_it_is() -> None:
    sandbox = Sandbox(users=30)
    async with api_of(sandbox) as api:
        users = (await api.listed("/Users", attributes=f"{SP_USER}:roles"))["Resources"]
        roles = [role for each in users for role in each[SP_USER]["roles"]]
        assert {each["value"] for each in roles} == {"assignedRoles", "detectedRoles"}
        assert {each["$ref"].rpartition("/")[2] for each in roles} <= sandbox.site.records["Role"].keys()
        assert {each["acquired"] for each in roles} == {"Assigned", "Detected"}


async def test_a_user_is_found_by_id_and_by_name_although_nobody_asked_for_that() -> None:
    sandbox = Sandbox(users=10)
    async with api_of(sandbox) as api:
        by_name = await api.listed("/Users/adam.kennedy")
        assert by_name["userName"] == "adam.kennedy" and await api.listed(f"/Users/{by_name['id']}") == by_name
        sandbox.knobs.name_in_path = False
        assert error(await api("GET", "/Users/adam.kennedy")) == (404, None, "Resource adam.kennedy not found.")
        assert (await one(api, "adam.kennedy"))["id"] == by_name["id"]


async def test_creating_needs_a_name_that_is_free() -> None:
    clock = FakeClock()
    sandbox = Sandbox(users=10, clock=clock)
    async with api_of(sandbox) as api:
        clock.advance(10)
        made = await api("POST", "/Users", {**NEW, "password": "s3cret", "emails": [{"value": "new@example.com"}]})
        assert made.status_code == 201 and made.headers["ETag"] == made.json()["meta"]["version"]
        assert made.json()["emails"] == [{"type": "work", "value": "new@example.com", "primary": True}]
        assert "password" not in made.json() and made.json()["active"] is True
        taken = await api("POST", "/Users", {**NEW, "userName": "new.person"})
        assert error(taken) == (409, "uniqueness", "Resource already exists:new.person")
        assert error(await api("POST", "/Users", {"schemas": [CORE]}))[0] == 400
        narrowed = await api("POST", "/Users?attributes=userName", {**NEW, "userName": "other"})
        assert set(narrowed.json()) == {"id", "schemas", "meta", "userName"}


async def test_put_nulls_what_is_left_out_and_makes_somebody_active() -> None:
    async with api_of(Sandbox(users=10)) as api:
        extension = {"capabilities": ["HelpDesk"], "jobTitle": "Clerk", "costcenter": ["A", "B"]}
        body = {**NEW, "active": False, "displayName": "New", "userType": "employee", SP_USER: extension}
        made = (await api("POST", "/Users", {**body, "password": "kept"})).json()
        assert made["active"] is False and made[SP_USER]["costcenter"] == ["A", "B"]
        left = (await api("PUT", f"/Users/{made['id']}", NEW)).json()
        assert left["active"] is True and left["displayName"] == "New.Person" and "userType" not in left
        assert left[SP_USER]["capabilities"] == [] and "jobTitle" not in left[SP_USER]
        assert left["meta"]["lastModified"]


async def test_what_put_refuses() -> None:
    sandbox = Sandbox(users=10)
    async with api_of(sandbox) as api:
        user = await one(api, "adam.kennedy")
        path = f"/Users/{user['id']}"
        assert error(await api("PUT", path, {**NEW}))[1] == "mutability"  # no rename
        assert error(await api("PUT", path, user))[1] == "mutability"  # accounts and more are readOnly
        assert error(await api("PUT", path, {"userName": "adam.kennedy", "nickName": "x"}))[1] == "invalidSyntax"
        assert error(await api("PUT", path, {"userName": "adam.kennedy", "active": "yes"}))[1] == "invalidValue"
        assert error(await api("PUT", path, [1]))[1] == "invalidSyntax"
        manager = {ENTERPRISE: {"manager": {"value": "nobody"}}}
        assert error(await api("PUT", path, {"userName": "adam.kennedy", **manager}))[1] == "invalidValue"
        assert error(await api("PUT", "/Users/nobody", NEW)) == (404, None, "Resource nobody not found.")
        sandbox.knobs.refuses_read_only = False
        assert (await api("PUT", path, user)).json() == {**user, "meta": sandbox.shown()[user["id"]]["meta"]}


async def test_one_mail_address_is_all_there_is() -> None:
    async with api_of(Sandbox(users=10)) as api:
        emails = [{"value": "a@example.com", "type": "home"}, {"value": "b@example.com", "primary": True}]
        made = (await api("POST", "/Users", {**NEW, "emails": emails})).json()
        assert made["emails"] == [{"type": "work", "value": "b@example.com", "primary": True}]


async def test_versions_are_matched_only_where_the_site_does_so() -> None:
    sandbox = Sandbox(users=10)
    async with api_of(sandbox) as api:
        user = await one(api, "adam.kennedy")
        body, stale = {"userName": "adam.kennedy"}, {"If-Match": 'W/"1"'}
        assert (await api("PUT", f"/Users/{user['id']}", body, headers=stale)).status_code == 200
        sandbox.knobs.matching_versions = True
        assert (await api("PUT", f"/Users/{user['id']}", body, headers=stale)).status_code == 412


async def test_delete_is_for_good() -> None:
    async with api_of(Sandbox(users=10)) as api:
        user = await one(api, "adam.kennedy")
        gone = await api("DELETE", f"/Users/{user['id']}")
        assert (gone.status_code, gone.content) == (204, b"")
        assert error(await api("DELETE", f"/Users/{user['id']}"))[0] == 404
        assert (await api("POST", "/Users", {**NEW, "userName": "adam.kennedy"})).status_code == 201


# -- roles are given by workflows --------------------------------------------------------------------------------------


def plan(operation: str, role: str) -> str:
    request = f'<AttributeRequest name="assignedRoles" op="{operation}" value="{role}"/>'
    return (
        f'<ProvisioningPlan><AccountRequest application="IIQ" op="Modify">{request}</AccountRequest></ProvisioningPlan>'
    )


def launch(identity: str, text: str) -> dict[str, Any]:
    urn = "urn:ietf:params:scim:schemas:sailpoint:1.0:LaunchedWorkflow"
    given = [{"key": "identityName", "value": identity}, {"key": "plan", "value": text, "type": "application/xml"}]
    return {"schemas": [urn], urn: {"workflowName": "LCM Provisioning", "input": given}}


@pytest.mark.parametrize("operation", ["Add", "Remove"])
async def test_a_launched_workflow_assigns_a_role_in_its_own_time(operation: str) -> None:
    clock = FakeClock()
    sandbox = Sandbox(users=10, clock=clock)
    sandbox.knobs.workflow_seconds = 30
    async with api_of(sandbox) as api:
        identity = next(each for each in sandbox.site.identities.values() if each["userName"] == "adam.kennedy")
        role = next(each for each in sandbox.site.records["Role"].values() if each["name"] == "Data Analyst")
        identity["assigned"] = [role["id"]] if operation == "Remove" else []
        task = (await api("POST", "/LaunchedWorkflows", launch("adam.kennedy", plan(operation, "Data Analyst")))).json()
        assert "completionStatus" not in task and len(task["schemas"]) == 2
        clock.advance(30)
        assert (await api.listed(f"/LaunchedWorkflows/{task['id']}"))["completionStatus"] == "Success"
        assigned = (await api.listed(f"/rest/identities/{identity['id']}"))["assignedRoles"]
        assert [each["id"] for each in assigned] == ([role["id"]] if operation == "Add" else [])


async def test_a_workflow_may_wait_for_an_approval() -> None:
    sandbox = Sandbox(users=10)
    sandbox.knobs.approval = True
    async with api_of(sandbox) as api:
        body = launch("adam.kennedy", plan("Add", "Data Analyst"))
        task = (await api("POST", "/LaunchedWorkflows", body)).json()
        assert "completionStatus" not in (await api.listed(f"/LaunchedWorkflows/{task['id']}"))
        for wrong in (launch("nobody", plan("Add", "Data Analyst")), launch("adam.kennedy", plan("Add", "No such"))):
            assert error(await api("POST", "/LaunchedWorkflows", wrong))[1] == "invalidValue"
        for text in ("<x", "<!DOCTYPE x>"):
            assert (await api("POST", "/LaunchedWorkflows", launch("adam.kennedy", text))).status_code == 400
