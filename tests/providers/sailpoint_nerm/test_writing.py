"""What is written lands in NERM as it takes it, nothing else changes, and what it refuses is told as SCIM has it."""

import re
from typing import Any

import pytest

from scim_bridge.providers.sailpoint_nerm.sandbox import Sandbox
from scim_bridge.providers.sailpoint_nerm.sandbox_store import Profile
from scim_bridge.store.database import Database
from tests.providers.program import patch_of
from tests.providers.sailpoint_nerm.bridge import ENTERPRISE, URN, Bridge, bridged
from tests.sharing.conftest import Way

ONE_TYPE: dict[str, Any] = {"people_profile_types": ["people_profile"]}
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
ORGANIZATION = f"{ENTERPRISE}:organization"


def person(sandbox: Sandbox, **wanted: Any) -> Profile:
    """An active person with nearly everything."""
    kind = next(each["id"] for each in sandbox.store.profile_types.values() if each["uid"] == "people_profile")
    needed = {"job_title", "organization", "sponsor", "end_date", "notes", "locations"}
    for each in sandbox.store.profiles.values():
        if each.type_id == kind and each.status == "Active" and needed <= each.values.keys():
            return each
    raise AssertionError("nobody has everything")


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(users=400)


def held(sandbox: Sandbox, profile: Profile) -> dict[str, Any]:
    """All that NERM keeps of a profile, times aside."""
    return {**sandbox.store.shown(profile), "values": dict(profile.values), "updated_at": None}


async def test_a_person_is_created_whole(sandbox: Sandbox) -> None:
    async with bridged(sandbox) as bridge:
        made = await bridge.create(
            "User",
            userName="ana.nunez",
            externalId="hr-9",
            name={"givenName": "Ana", "familyName": "Núñez"},
            emails=[{"value": "ana@example.com", "type": "work"}],
            title="Auditor",
            active=False,
            **{
                ENTERPRISE: {"employeeNumber": "77", "organization": "Müller & Söhne"},
                URN: {"end_date": "2027-02-28T00:00:00Z"},
            },
        )
    profile = sandbox.store.profiles[made["id"]]
    organization = next(each for each in sandbox.store.profiles.values() if each.name == "Müller & Söhne")
    assert profile.status == "Inactive" and profile.name == "Ana Núñez"
    assert sandbox.store.profile_types[profile.type_id]["name"] == "People"
    assert profile.values == {
        "login_name": "ana.nunez",
        "external_id": "hr-9",
        "personal_first_name": "Ana",
        "personal_last_name": "Núñez",
        "personal_email": "ana@example.com",
        "job_title": "Auditor",
        "employee_number": "77",
        "organization": organization.id,
        "end_date": "28-02-2027",
    }
    assert made["displayName"] == "Ana Núñez" and made["active"] is False
    assert made[ENTERPRISE]["organization"] == "Müller & Söhne" and made[URN]["end_date"] == "2027-02-28T00:00:00Z"


@pytest.mark.parametrize(
    ("values", "sent"),
    [
        ({"title": "Boss"}, {"attributes": {"job_title": "Boss"}}),
        ({"title": None}, {"attributes": {"job_title": ""}}),
        ({"active": False}, {"status": "Inactive"}),
        ({"name": {"familyName": "Boss"}}, {"attributes": {"personal_last_name": "Boss"}}),
        ({f"{URN}:end_date": "2026-12-31T00:00:00Z"}, {"attributes": {"end_date": "31-12-2026"}}),
        ({f"{URN}:end_date": "2026-12-31T02:00:00+02:00"}, {"attributes": {"end_date": "31-12-2026"}}),
        ({f"{URN}:work_mode": "yes, no"}, {"attributes": {"work_mode": "yes, no"}}),
    ],
    ids=str,
)
async def test_one_attribute_changes_and_nothing_else(sandbox: Sandbox, values: Any, sent: Any) -> None:
    one = person(sandbox)
    before = held(sandbox, one)
    async with bridged(sandbox) as bridge:
        if None in values.values():
            path = next(iter(values))
            assert (await bridge.patch("User", one.id, {"op": "remove", "path": path})).status_code == 200
        else:
            await bridge.change("User", one.id, **values)
        assert sandbox.calls[-1].method == "PATCH" and sandbox.calls[-1].body == {"profile": sent}
    changed = {"name", "attributes", "values", *({"status"} & sent.keys())}
    after = held(sandbox, one)
    assert {k: v for k, v in after.items() if k not in changed} == {k: v for k, v in before.items() if k not in changed}
    assert after["values"] == {**before["values"], **sent.get("attributes", {})}


async def test_what_was_read_can_be_put_back(sandbox: Sandbox) -> None:
    """Trap 4: references read as names. Nothing is sent, as nothing changes."""
    one = person(sandbox)
    before = held(sandbox, one)
    async with bridged(sandbox) as bridge:
        shown = await bridge.get(f"/Users/{one.id}")
        bridge.calls()
        answer = await bridge.ask("PUT", f"/Users/{one.id}", shown)
        assert answer.status_code == 200 and bridge.calls() == [f"GET /profiles/{one.id}"]
        assert answer.json() == shown
    assert held(sandbox, one) == before


async def test_a_put_clears_what_it_leaves_out_and_keeps_what_is_not_mapped(sandbox: Sandbox) -> None:
    one = person(sandbox)
    one.status = "On Leave"
    kept = {uid: one.values[uid] for uid in ("sponsor", "locations", "organization", "notes", "end_date", "start_date")}
    async with bridged(sandbox) as bridge:
        shown = await bridge.replace("User", one.id, userName="ana", title="Boss")
    assert shown["title"] == "Boss" and "emails" not in shown
    assert one.values["personal_email"] == "" and one.values["job_title"] == "Boss"
    assert {uid: one.values[uid] for uid in kept} == kept and one.status == "On Leave"


@pytest.mark.parametrize(
    ("values", "detail"),
    [
        ({ORGANIZATION: "Nobody Ltd"}, "no profile is called so"),
        ({ORGANIZATION: "nordwind, inc."}, "no profile is called so"),
        ({ORGANIZATION: "Twins"}, "several profiles are called so"),
        ({f"{URN}:end_date": "2026-12-31T12:00:00Z"}, "midnight"),
    ],
    ids=str,
)
async def test_a_value_that_nerm_cannot_hold_is_refused(sandbox: Sandbox, values: Any, detail: str) -> None:
    sandbox.knobs.name_filter = "contains"  # its filter finds more than was asked for
    organizations = [
        each for each in sandbox.store.profiles.values() if each.name in ("Acme Staffing", "O'Brien Partners")
    ]
    for each in organizations:
        each.name = "Twins"
    sandbox.store.changed()
    one = person(sandbox)
    one.values["organization"] = next(
        each.id for each in sandbox.store.profiles.values() if each.name[:8] == "Nordwind"
    )
    before = held(sandbox, one)
    async with bridged(sandbox) as bridge:
        answer = await bridge.patch("User", one.id, {"op": "replace", "value": values})
    assert answer.status_code == 400 and answer.json()["scimType"] == "invalidValue"
    assert detail in answer.json()["detail"]
    assert held(sandbox, one) == before


async def test_several_references_and_owners_are_read_only(sandbox: Sandbox) -> None:
    one = person(sandbox)
    before = held(sandbox, one)
    async with bridged(sandbox) as bridge:
        for path in ("locations", "sponsor"):
            await bridge.change("User", one.id, **{f"{URN}:{path}": "x"})
        schema = await bridge.get(f"/Schemas/{URN}")
    assert held(sandbox, one) == before
    shown = {each["name"]: each for each in schema["attributes"]}
    assert shown["locations"]["mutability"] == shown["sponsor"]["mutability"] == "readOnly"
    assert shown["start_date"]["mutability"] == "readOnly" and shown["start_date"]["type"] == "dateTime"
    assert shown["end_date"]["mutability"] == shown["notes"]["mutability"] == "readWrite"
    assert "national_id" not in shown and "old_code" not in shown


async def test_a_duplicate_is_a_conflict(sandbox: Sandbox) -> None:
    """Trap 14."""
    address = person(sandbox).values["personal_email"]
    body = {"schemas": [], "userName": "twin", "emails": [{"value": address, "type": "work"}]}
    async with bridged(sandbox) as bridge:
        answer = await bridge.ask("POST", "/Users", {**body, "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"]})
    assert answer.status_code == 409 and answer.json()["scimType"] == "uniqueness"


async def test_a_write_that_was_only_queued_is_no_success(sandbox: Sandbox) -> None:
    """Trap 11: a 200 that holds no record."""
    one = person(sandbox)
    queued = {"info": "job has started", "job_status": {"job_id": "3ce8", "status": "queued"}, "status": 200}
    async with bridged(sandbox) as bridge:
        sandbox.answer("PATCH /profiles/.*", queued)
        answer = await bridge.patch("User", one.id, {"op": "replace", "value": {"title": "x"}})
        bulk = {
            "method": "PATCH",
            "path": f"/Users/{one.id}",
            "data": patch_of({"op": "replace", "value": {"title": "y"}}),
        }
        sandbox.answer("PATCH /profiles/.*", queued)
        operations = await bridge.ask("POST", "/Bulk", {"schemas": [BULK], "Operations": [bulk]})
    assert answer.status_code == 502 and "queued as a job" in answer.json()["detail"]
    (told,) = operations.json()["Operations"]
    for error in (answer.json(), told["response"]):
        assert error["status"] == "502" and re.match(r"Upstream acme: .* \(request \S+\)", error["detail"])


# -- deleting ----------------------------------------------------------------------------------------------------------


async def gone(bridge: Bridge, profile_id: str) -> None:
    """Nowhere to be seen."""
    for method in ("GET", "DELETE"):
        assert (await bridge.ask(method, f"/Users/{profile_id}")).status_code == 404
    assert (await bridge.patch("User", profile_id, {"op": "replace", "value": {"active": True}})).status_code == 404
    everybody = await bridge.find("User")
    assert profile_id not in {each["id"] for each in everybody}
    assert await bridge.find("User", filter=f'id eq "{profile_id}"') == []
    inactive = await bridge.find("User", filter="active eq false")
    assert profile_id not in {each["id"] for each in inactive}
    total = (await bridge.get("/Users", count=1))["totalResults"]
    assert total == len(everybody)
    assert (await bridge.get("/Users", count=0))["totalResults"] == total


@pytest.mark.parametrize("policy", ["terminate", "archive", "hard"])
async def test_who_is_deleted_is_gone(sandbox: Sandbox, policy: str) -> None:
    one = person(sandbox)
    async with bridged(sandbox, delete_policy=policy) as bridge:
        assert (await bridge.ask("DELETE", f"/Users/{one.id}")).status_code == 204
        await gone(bridge, one.id)
    assert (one.id in sandbox.store.profiles) is (policy != "hard")
    assert one.archived is (policy == "archive")
    assert one.status == ("Terminated" if policy == "terminate" else "Active")


async def test_who_was_terminated_is_back_when_nerm_changes_the_profile(sandbox: Sandbox) -> None:
    one = person(sandbox)
    async with bridged(sandbox) as bridge:
        assert (await bridge.ask("DELETE", f"/Users/{one.id}")).status_code == 204
        one.status, one.updated = "Active", sandbox.now()
        sandbox.store.changed()
        assert (await bridge.get(f"/Users/{one.id}"))["active"] is True
        assert one.id in {each["id"] for each in await bridge.find("User")}
        # and lists are pages of NERM's again
        bridge.calls()
        await bridge.get("/Users", count=1)
        assert len(bridge.calls()) == 2
        assert (await bridge.ask("DELETE", f"/Users/{one.id}")).status_code == 204


async def test_who_was_terminated_stays_gone_after_a_restart(sandbox: Sandbox, database: Database) -> None:
    one = person(sandbox)
    async with bridged(sandbox, database=database) as bridge:
        assert (await bridge.ask("DELETE", f"/Users/{one.id}")).status_code == 204
    async with bridged(sandbox, database=database) as bridge:
        await gone(bridge, one.id)


async def test_who_was_terminated_is_gone_on_all_nodes_and_back_on_all(sandbox: Sandbox, database: Database) -> None:
    one = person(sandbox)
    async with bridged(sandbox, database=database) as node, bridged(sandbox, database=database) as other:
        everybody = len(await other.find("User"))
        assert (await node.ask("DELETE", f"/Users/{one.id}")).status_code == 204
        await gone(other, one.id)
        await gone(node, one.id)
        one.status, one.updated = "Active", sandbox.now()
        sandbox.store.changed()
        for each in (other, node):
            assert (await each.get(f"/Users/{one.id}"))["active"] is True
            assert len(await each.find("User")) == everybody


async def test_nobody_is_shown_or_deleted_while_it_is_not_known_who_is_gone(
    sandbox: Sandbox, database: Database
) -> None:
    one, way = person(sandbox), Way(database)
    async with bridged(sandbox, database=way) as bridge:
        two = sandbox.store.profiles[next(each["id"] for each in await bridge.find("User") if each["id"] != one.id)]
        status = two.status
        assert (await bridge.ask("DELETE", f"/Users/{one.id}")).status_code == 204
        way.cut = True
        bridge.calls()
        for method, path in (("GET", "/Users"), ("GET", f"/Users/{one.id}"), ("DELETE", f"/Users/{two.id}")):
            answer = await bridge.ask(method, path)
            assert answer.status_code == 503, answer.text
            assert answer.json()["detail"].startswith("Upstream the bridge's database: it does not answer (request ")
        assert all(each.startswith("GET ") for each in bridge.calls()) and two.status == status
        way.cut = False
        await gone(bridge, one.id)
        assert (await bridge.get(f"/Users/{two.id}"))["id"] == two.id


async def test_rows_that_were_read_before_a_deletion_bring_nobody_back(sandbox: Sandbox) -> None:
    one = person(sandbox)
    before = sandbox.store.shown(one)
    async with bridged(sandbox) as bridge:
        assert (await bridge.ask("DELETE", f"/Users/{one.id}")).status_code == 204
        sandbox.answer(f"GET /profiles/{one.id}", {"profile": before})
        assert (await bridge.ask("GET", f"/Users/{one.id}")).status_code == 404
        await gone(bridge, one.id)


async def test_terminated_by_others_is_inactive_and_there(sandbox: Sandbox) -> None:
    one = person(sandbox)
    one.status = "Terminated"
    sandbox.store.changed()
    async with bridged(sandbox) as bridge:
        assert (await bridge.get(f"/Users/{one.id}"))["active"] is False
        await bridge.change("User", one.id, active=False)
        assert [each for each in bridge.calls() if "PATCH" in each] == []  # it is inactive already
        await bridge.change("User", one.id, active=True)
    assert one.status == "Active"


async def test_inactive_may_mean_terminated(sandbox: Sandbox) -> None:
    one = person(sandbox)
    async with bridged(sandbox, inactive_status="Terminated") as bridge:
        await bridge.change("User", one.id, active=False)
        assert one.status == "Terminated"
        assert (await bridge.get(f"/Users/{one.id}"))["active"] is False


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("composes", [True, False])
async def test_a_name_is_written_where_nerm_does_not_make_it(composes: bool) -> None:
    sandbox = Sandbox(users=10, composes_names=composes)
    async with bridged(sandbox) as bridge:
        made = await bridge.create("User", userName="ana", displayName="The Ana", name={"givenName": "Ana"})
        assert made["displayName"] == ("Ana" if composes else "The Ana")
        schemas = await bridge.get("/Schemas/urn:ietf:params:scim:schemas:core:2.0:User")
    shown = next(each for each in schemas["attributes"] if each["name"] == "displayName")
    assert shown["mutability"] == ("readOnly" if composes else "readWrite")
