"""The sandbox takes what the vendor's schema takes: values by data type, merged one by one, and jobs for many."""

from typing import Any

import pytest

from scim_bridge.providers.sailpoint_nerm.sandbox import Sandbox
from scim_bridge.providers.sailpoint_nerm.sandbox_store import Profile
from tests.providers.sailpoint_nerm.support import Api, people_types


def person(sandbox: Sandbox, attribute: str = "personal_email") -> Profile:
    people, _ = people_types(sandbox)
    return next(each for each in sandbox.store.profiles.values() if each.type_id == people and attribute in each.values)


def of_type(sandbox: Sandbox, uid: str) -> list[Profile]:
    type_id = next(each["id"] for each in sandbox.store.profile_types.values() if each["uid"] == uid)
    return [each for each in sandbox.store.profiles.values() if each.type_id == type_id]


async def made(api: Api, sandbox: Sandbox, **values: str) -> dict[str, Any]:
    body = {"profile": {"profile_type_id": people_types(sandbox)[0], "status": "Active", "attributes": values}}
    answer = await api("POST", "/profile", body)
    assert answer.status_code == 200, answer.text  # not 201: trap 12
    found: dict[str, Any] = answer.json()["profile"]
    return found


async def test_a_profile_is_made_and_named_by_its_attributes(api: Api, sandbox: Sandbox) -> None:
    profile = await made(api, sandbox, personal_first_name="Ana", personal_last_name="Núñez", job_title="")
    assert profile["name"] == "Ana Núñez" and profile["status"] == "Active"
    assert profile["attributes"] == {"personal_first_name": "Ana", "personal_last_name": "Núñez"}
    assert "archived" not in profile and len(profile["uid"]) == 32


async def test_a_type_without_namings_takes_the_name_as_it_comes(api: Api, sandbox: Sandbox) -> None:
    type_id = of_type(sandbox, "location_profile")[0].type_id
    body = {"profile": {"profile_type_id": type_id, "status": "Active", "name": "Oslo"}}
    assert (await api("POST", "/profile", body)).json()["profile"]["name"] == "Oslo"


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"profile_type_id": "can't be blank"}),
        ({"status": None}, {"status": "can't be blank"}),
        ({"status": "Leave of absence"}, {"status": "is not included in the list"}),
        ({"profile_type_id": "x"}, {"profile_type": "must exist"}),
        ({"nickname": "x"}, {"nickname": "is not a known field"}),
        ({"attributes": {"nobody": "x"}}, {"nobody": "is not an attribute"}),
        ({"attributes": {"old_code": "x"}}, {"old_code": "is not an attribute"}),
        ({"attributes": {"city": 7}}, {"city": ["is not a string"]}),
        ({"attributes": {"end_date": "2026-01-31"}}, {"end_date": "must be a date in the format dd-mm-yyyy"}),
        ({"attributes": {"organization": "Acme Staffing"}}, {"organization": "is invalid"}),
        ({"attributes": {"badge_photo": "x"}}, {"badge_photo": "must be uploaded"}),
    ],
)
async def test_what_does_not_fit_is_refused(api: Api, sandbox: Sandbox, body: Any, errors: Any) -> None:
    whole = {"profile_type_id": people_types(sandbox)[0], "status": "Active", **body} if body else {}
    answer = await api("POST", "/profile", {"profile": {k: v for k, v in whole.items() if v is not None}})
    assert answer.status_code == 400
    assert answer.json() == {"error": "The profile failed to create", "errors": errors}


async def test_json_is_read_and_a_wrapper_needed(api: Api, sandbox: Sandbox) -> None:
    answer = await api._client.post("https://acme.nerm.test/api/profile", content=b"{")
    assert answer.json() == {"error": "Invalid JSON syntax. Please check your syntax and try again."}
    assert (await api("POST", "/profile", {"status": "Active"})).status_code == 400
    assert (await api("POST", "/profiles", {"profile": {}})).status_code == 400


async def test_a_change_merges_values_one_by_one(api: Api, sandbox: Sandbox) -> None:
    one = person(sandbox, "job_title")
    before = sandbox.store.shown(one)
    answer = await api("PATCH", f"/profiles/{one.id}", {"profile": {"attributes": {"city": "Oslo", "job_title": ""}}})
    after = answer.json()["profile"]
    assert after["attributes"] == {k: v for k, v in before["attributes"].items() if k != "job_title"} | {"city": "Oslo"}
    assert after["updated_at"] > before["updated_at"] and after["created_at"] == before["created_at"]


@pytest.mark.parametrize("spaced", [False, True])
async def test_references_read_as_names_and_write_as_ids(api: Api, sandbox: Sandbox, spaced: bool) -> None:
    """Trap 4; the separator differs between the vendor's sample and live tenants."""
    sandbox.knobs.spaced_references = spaced
    organization, (one, other, *_) = of_type(sandbox, "organization_profile")[3], of_type(sandbox, "location_profile")
    profile = await made(api, sandbox, organization=organization.id, locations=f"{one.id}, {other.id}")
    assert profile["attributes"]["organization"] == "Nordwind, Inc."
    assert profile["attributes"]["locations"] == f"{one.name}{', ' if spaced else ','}{other.name}"
    path = f"/profiles/{profile['id']}"
    for echoed in ("organization", "locations"):
        body = {"profile": {"attributes": {echoed: profile["attributes"][echoed]}}}
        assert (await api("PATCH", path, body)).status_code == 400
    user = next(iter(sandbox.store.users.values()))
    changed = await api("PATCH", path, {"profile": {"attributes": {"sponsor": user["id"]}}})
    assert changed.json()["profile"]["attributes"]["sponsor"] == f"{user['name']} ({user['email']})"


async def test_duplicates_are_refused_unless_bypassed(api: Api, sandbox: Sandbox) -> None:
    """Trap 14."""
    one = person(sandbox)
    body = {"profile_type_id": one.type_id, "status": "Active", "attributes": {"personal_email": "x"}}
    body["attributes"] = {"personal_email": one.values["personal_email"].upper()}
    answer = await api("POST", "/profile", {"profile": body})
    assert answer.json()["errors"] == {"possible_duplicates": [[{"id": one.id}]]}
    sandbox.store.profile_types[one.type_id]["bypass_dup_protection"] = True
    assert (await api("POST", "/profile", {"profile": body})).status_code == 200


async def test_a_profile_is_deleted_for_good(api: Api, sandbox: Sandbox) -> None:
    one = person(sandbox)
    answer = await api("DELETE", f"/profiles/{one.id}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await api("DELETE", f"/profiles/{one.id}")).json() == {"error": "profile not found"}


async def test_vendor_scripts_write_a_status_by_number(api: Api, sandbox: Sandbox) -> None:
    one = person(sandbox)
    answer = await api("PATCH", f"/profiles/{one.id}", {"profile": {"status": 1}})
    assert answer.json()["profile"]["status"] == "Active"


async def test_many_at_once_are_done_or_become_a_job(api: Api, sandbox: Sandbox) -> None:
    """Trap 11: a 200 may merely say that something was queued."""
    sandbox.knobs.job_threshold = 2
    ids = [each.id for each in sandbox.store.profiles.values()][:3]
    few = await api("PATCH", "/profiles", {"profiles": [{"id": each, "status": "Inactive"} for each in ids[:2]]})
    assert [each["status"] for each in few.json()["profiles"]] == ["Inactive", "Inactive"]
    many = await api("DELETE", "/profiles", {"profiles": [{"id": each} for each in (*ids[:2], "nobody")]})
    job = many.json()["job_status"]
    assert many.status_code == 200 and job["status"] == "queued" and len(job["job_id"]) == 24
    looks = [(await api("GET", "/job_status", job_id=job["job_id"])).json() for _ in range(2)]
    assert [each["status"] for each in looks] == ["queued", "complete"]
    assert [each["errors"] for each in looks[1]["job_data"]] == [[], [], ["profile not found"]]


async def test_users_and_pairings_are_written_on_singular_paths(api: Api, sandbox: Sandbox) -> None:
    user = {"name": "Ana", "email": "ana@example.com", "type": "NeprofileUser", "login": "ana", "password": "x"}
    created = (await api("POST", "/user", {"user": user})).json()["user"]
    assert created["status"] == "Pending" and "password" not in created and "created_at" not in created
    again = (await api("POST", "/user", {"user": user})).json()
    assert again["errors"] == {"login": ["has already been taken"]}
    role = next(iter(sandbox.store.roles))
    pair = {"user_role": {"user_id": created["id"], "role_id": role}}
    pairing = (await api("POST", "/user_role", pair)).json()["user_role"]
    listed = (await api("GET", "/user_roles", user_id=created["id"])).json()["user_roles"]
    assert listed == [pairing] and pairing["id"] not in (created["id"], role)
    assert (await api("DELETE", f"/user_role/{pairing['id']}")).json() == {}
    gone = await api("DELETE", f"/users/{created['id']}")
    assert (gone.status_code, gone.json()) == (200, {"info": "User deleted"})


async def test_the_audit_tells_what_was_done_within_its_limits(api: Api, sandbox: Sandbox) -> None:
    one = person(sandbox)
    await api("PATCH", f"/profiles/{one.id}", {"profile": {"status": "Inactive"}})
    await api("DELETE", f"/profiles/{one.id}")
    asked: dict[str, Any] = {"sort_by": "created_at", "order": "desc", "filters": {"subject_id": one.id}}
    events = (await api("POST", "/audit_events/query", {"audit_events": asked})).json()["audit_events"]
    assert [each["type"] for each in events] == ["AuditableProfileDestroy", "AuditableProfileUpdate"]
    created = {"gt": "2026-01-01", "lt": "2027-01-01", "eq": "x"}
    for wrong in ({"limit": 101}, {"filters": {"created_at": created, "type": "x", "subject_id": "y", "data": {}}}):
        status = (await api("POST", "/audit_events/query", {"audit_events": {**asked, **wrong}})).status_code
        assert status == (400 if "limit" in wrong else 200)
    six = {"created_at": created, "type": "x", "subject_id": "y", "data": {"profile_id": "z"}}
    answer = await api("POST", "/audit_events/query", {"audit_events": {"filters": six}})
    assert answer.status_code == 400
