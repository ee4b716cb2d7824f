"""The sandbox lists as the vendor's pages and live clients have it: totals, ends as errors, `after_id`, filters."""

from typing import Any

import httpx
import pytest

from scim_bridge.providers.sailpoint_nerm.sandbox import Sandbox
from tests.clocks import FakeClock
from tests.providers.sailpoint_nerm.support import ORIGIN, Api, api_of, people_types


async def sign_in(sandbox: Sandbox, **form: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=sandbox.app)) as client:
        return await client.post(f"{ORIGIN}/oauth/token", data=form)


async def test_a_key_and_a_token_sign_in_and_nothing_else(sandbox: Sandbox) -> None:
    """Section 1."""
    pat = {"client_id": sandbox.client_id, "client_secret": sandbox.client_secret}
    granted = (await sign_in(sandbox, grant_type="client_credentials", **pat)).json()
    assert granted["expires_in"] == 749 and granted["token_type"] == "bearer"
    right = (f"Bearer {sandbox.api_key}", f"Token token={sandbox.api_key}", f"Bearer {granted['access_token']}")
    for authorization, status in [(each, 200) for each in right] + [("Bearer nobody", 401), ("Basic eDp5", 401)]:
        async with api_of(sandbox, authorization) as api:
            assert (await api("GET", "/users", limit=1)).status_code == status, authorization
    wrong = {**pat, "client_secret": "wrong"}
    assert (await sign_in(sandbox, grant_type="client_credentials", **wrong)).status_code == 401
    assert (await sign_in(sandbox, grant_type="password", **pat)).status_code == 400


async def test_a_token_ends() -> None:
    clock = FakeClock()
    sandbox = Sandbox(users=1, clock=clock)
    form = {"client_id": sandbox.client_id, "client_secret": sandbox.client_secret}
    token = (await sign_in(sandbox, grant_type="client_credentials", **form)).json()["access_token"]
    async with api_of(sandbox, f"Bearer {token}") as api:
        clock.advance(748)
        assert (await api("GET", "/users")).status_code == 200
        clock.advance(2)
        assert (await api("GET", "/users")).status_code == 401


async def test_metadata_comes_only_when_asked_for(api: Api, sandbox: Sandbox) -> None:
    (people, _) = people_types(sandbox)
    held = sum(each.type_id == people for each in sandbox.store.profiles.values())
    bare = (await api("GET", "/profiles", profile_type_id=people, limit=5)).json()
    told = (await api("GET", "/profiles", profile_type_id=people, limit=5, offset=5, metadata="true")).json()
    assert bare.keys() == {"profiles"} and len(bare["profiles"]) == 5
    assert told["_metadata"] == {
        "limit": 5,
        "offset": 5,
        "total": held,
        "next": "/profiles?limit=5&offset=10",
        "previous": "/profiles?limit=5&offset=0",
    }
    assert not {each["id"] for each in bare["profiles"]} & {each["id"] for each in told["profiles"]}


async def test_the_older_spelling_of_parameters_is_taken(api: Api) -> None:
    one = await api("GET", "/profiles", query={"query[limit]": 3, "query[offset]": 2, "query[order]": "created_at"})
    other = await api("GET", "/profiles", limit=3, offset=2, order="created_at")
    assert one.json() == other.json() and len(one.json()["profiles"]) == 3


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/profiles", 400, "no profiles found"),
        ("/users", 400, "no users found"),
        ("/roles", 400, "no roles found"),
        ("/user_roles", 200, "no user roles found"),
        ("/profile_types", 400, "no profile types found"),
    ],
)
async def test_the_end_of_a_list_is_an_error(api: Api, path: str, status: int, error: str) -> None:
    """Trap 1; so is an empty list."""
    answer = await api("GET", path, offset=5000)
    assert (answer.status_code, answer.json()) == (status, {"error": error})
    if path == "/profiles":
        nobody = await api("GET", path, name="Nobody At All")
        assert (nobody.status_code, nobody.json()) == (400, {"error": "no profiles found"})


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 501},
        {"limit": 0},
        {"offset": -1},
        {"order": "-name"},
        {"order": "title"},
        {"filter": "x"},
        {"status": "on leave"},
        {"updated_after": "03/01/2026"},
        {"metadata": "yes"},
        {"uid": "x"},
    ],
)
async def test_what_no_page_names_is_refused(api: Api, query: dict[str, Any]) -> None:
    assert (await api("GET", "/profiles", query=query)).status_code == 400


async def test_a_limit_may_be_cut_silently(api: Api, sandbox: Sandbox) -> None:
    sandbox.knobs.clamps_limit, sandbox.knobs.profile_page = True, 7
    found = (await api("GET", "/profiles", limit=50, metadata="true")).json()
    assert len(found["profiles"]) == 7 and found["_metadata"]["limit"] == 7


async def test_order_is_ascending(api: Api) -> None:
    rows = (await api("GET", "/profiles", limit=500, order="created_at")).json()["profiles"]
    times = [each["created_at"] for each in rows]
    assert times == sorted(times)
    assert all(each.endswith("-05:00") and len(each) == 29 for each in times)


async def test_filters_are_plain_parameters(api: Api, sandbox: Sandbox) -> None:
    people, _ = people_types(sandbox)
    query = {"profile_type_id": people, "status": "On Leave", "limit": 500}
    rows = (await api("GET", "/profiles", query=query)).json()["profiles"]
    assert {each["status"] for each in rows} == {"On Leave"}
    assert {each["profile_type_id"] for each in rows} == {people}
    bare = (await api("GET", "/profiles", query={**query, "exclude_attributes": "true"})).json()["profiles"]
    assert [each["id"] for each in bare] == [each["id"] for each in rows]
    assert not any("attributes" in each for each in bare)


@pytest.mark.parametrize(("mode", "found"), [("sensitive", 0), ("insensitive", 1), ("contains", 1)])
async def test_how_names_compare_is_not_told(api: Api, sandbox: Sandbox, mode: Any, found: int) -> None:
    sandbox.knobs.name_filter = mode
    answer = await api("GET", "/profiles", name="acme staffing")
    assert len(answer.json().get("profiles", [])) == found


async def test_after_id_walks_everything_and_drops_other_filters(api: Api, sandbox: Sandbox) -> None:
    """Traps 5 and 6: archived profiles come with a flag, and a status filter is silently ignored."""
    people, _ = people_types(sandbox)
    one = next(each for each in sandbox.store.profiles.values() if each.type_id == people)
    one.archived = True
    sandbox.store.changed()
    seen: list[dict[str, Any]] = []
    after = ""
    while True:
        query = {"after_id": after, "profile_type_id": people, "limit": 20, "status": "Terminated", "order": "name"}
        answer = await api("GET", "/profiles", query=query)
        if answer.status_code != 200:
            assert answer.json() == {"error": "no profiles found"}
            break
        seen += answer.json()["profiles"]
        after = seen[-1]["id"]
    held = [each.id for each in sandbox.store.profiles.values() if each.type_id == people]
    assert [each["id"] for each in seen] == sorted(held)
    assert [each["id"] for each in seen if each["archived"]] == [one.id]
    assert len({each["status"] for each in seen}) > 1
    sandbox.knobs.after_id_refuses = True
    assert (await api("GET", "/profiles", after_id="", status="Active")).status_code == 400


async def test_after_id_may_end_with_an_empty_list(api: Api, sandbox: Sandbox) -> None:
    """Announced, then postponed."""
    sandbox.knobs.after_id_end = 200
    last = max(sandbox.store.profiles)
    answer = await api("GET", "/profiles", after_id=last, metadata="true")
    assert answer.status_code == 200
    assert answer.json()["profiles"] == [] and answer.json()["_metadata"]["after_id"] is None


async def test_updated_after_counts_days(api: Api, sandbox: Sandbox) -> None:
    one = next(iter(sandbox.store.profiles.values()))
    assert (await api("PATCH", f"/profiles/{one.id}", {"profile": {"status": "Inactive"}})).status_code == 200
    found = (await api("GET", "/profiles", updated_after="2026-03-02")).json()["profiles"]
    assert [each["id"] for each in found] == [one.id]
    assert (await api("GET", "/profiles", updated_after="2026-03-03")).status_code == 400


async def test_what_is_archived_is_in_no_list_and_not_found(api: Api, sandbox: Sandbox) -> None:
    """Trap 5: 400, not 404."""
    one = next(iter(sandbox.store.profiles.values()))
    assert (await api("PATCH", f"/profiles/{one.id}", {"profile": {"archived": True}})).status_code == 200
    answer = await api("GET", f"/profiles/{one.id}")
    assert (answer.status_code, answer.json()) == (400, {"error": "profile not found"})
    assert one.id not in {each["id"] for each in (await api("GET", "/profiles", limit=500)).json()["profiles"]}


async def test_users_hold_kinds_that_no_schema_names(api: Api) -> None:
    """Trap 13."""
    kinds = {each["type"] for each in (await api("GET", "/users", limit=100)).json()["users"]}
    assert kinds == {"NeprofileUser", "NeaccessUser", "DelegateUser"}


async def test_roles_are_not_found_by_name_and_hide_their_type(api: Api) -> None:
    """Trap 10."""
    assert (await api("GET", "/roles", name="Sponsors")).status_code == 400
    roles = (await api("GET", "/roles", type="NeaccessRole", order="name")).json()["roles"]
    assert [each["name"] for each in roles] == ["Portal Users", "Registrants"]
    assert roles[0].keys() == {"id", "uid", "name", "groups"}


async def test_types_and_attributes_are_read_by_id_and_by_uid(api: Api) -> None:
    """Trap 17: one path for both."""
    by_uid = (await api("GET", "/profile_types/people_profile")).json()["profile_type"]
    assert by_uid == (await api("GET", f"/profile_types/{by_uid['id']}")).json()["profile_type"]
    attribute = (await api("GET", "/ne_attributes/end_date")).json()["ne_attribute"]
    assert (attribute["type"], attribute["date_format"]) == ("DateAttribute", "dd-mm-yyyy")
    assert (await api("GET", "/ne_attributes/nobody")).json() == {"error": "ne attribute not found"}


async def test_faults_are_answered_as_the_vendor_words_them(api: Api, sandbox: Sandbox) -> None:
    sandbox.fail("GET /profiles", 500)
    sandbox.limit(1, "7")
    assert (await api("GET", "/profiles")).json() == {"error": "Sorry something went wrong"}
    limited = await api("GET", "/profiles")
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "7")
    assert (await api("GET", "/profiles")).status_code == 200
    assert (await api("GET", "/nowhere")).status_code == 404
