"""The simulated identities keep the vendor's facts: what happens later, what is refused, what search sees."""

from typing import Any

import pytest

from scim_bridge.providers.sailpoint_isc.sandbox import Sandbox
from tests.clocks import FakeClock
from tests.providers.sailpoint_isc.support import PATCH, api_of, code, sandbox_of


@pytest.fixture
def sandbox() -> Sandbox:
    return sandbox_of(60)


def wait(sandbox: Sandbox, seconds: float) -> None:
    clock = sandbox.store.clock
    assert isinstance(clock, FakeClock)
    clock.advance(seconds)


def someone(sandbox: Sandbox, status: str = "ACTIVE") -> str:
    return next(key for key, each in sandbox.store.identities.items() if each.data["identityStatus"] == status)


async def test_disabling_is_accepted_now_and_done_later(sandbox: Sandbox) -> None:
    """Trap 13."""
    user = someone(sandbox)
    async with api_of(sandbox) as api:
        answer = await api("POST", f"/identities-accounts/{user}/disable")
        assert (answer.status_code, answer.json()["type"]) == (202, "TASK_RESULT")
        assert (await api("GET", f"/identities/{user}")).json()["identityStatus"] == "ACTIVE"
        wait(sandbox, 2)
        shown = (await api("GET", f"/identities/{user}")).json()
        assert (shown["identityStatus"], shown["attributes"]["cloudStatus"]) == ("DISABLED", "DISABLED")
        await api("POST", f"/identities-accounts/{user}/enable")
        wait(sandbox, 2)
        assert (await api("GET", f"/identities/{user}")).json()["identityStatus"] == "ACTIVE"
        assert (await api("POST", "/identities-accounts/0/enable")).status_code == 404


async def test_a_lifecycle_state_is_one_of_the_identitys_own_profile(sandbox: Sandbox) -> None:
    """Trap 14."""
    store, user = sandbox.store, someone(sandbox)
    source = store.identities[user].data["attributes"]["cloudAuthoritativeSource"]
    own = next(key for key, each in store.profiles.items() if each["authoritativeSource"]["id"] == source)
    other = next(key for key in store.profiles if key != own)
    async with api_of(sandbox) as api:
        states = (await api("GET", f"/identity-profiles/{own}/lifecycle-states")).json()
        others = (await api("GET", f"/identity-profiles/{other}/lifecycle-states")).json()
        path = f"/identities/{user}/set-lifecycle-state"
        wanted = next(each["id"] for each in states if each["technicalName"] == "terminated")
        foreign = next(each["id"] for each in others if each["technicalName"] == "terminated")
        assert code(await api("POST", path, {"lifecycleStateId": foreign})) == "400.1.3 Illegal value"
        assert code(await api("POST", path, {})) == "400.1.0 Required data missing or empty"
        answer = await api("POST", path, {"lifecycleStateId": wanted})
        activity = answer.json()["accountActivityId"]
        assert answer.status_code == 200
        assert (await api("GET", f"/account-activities/{activity}")).json()["completionStatus"] == "PENDING"
        wait(sandbox, 2)
        state = (await api("GET", f"/identities/{user}")).json()["lifecycleState"]
        assert state == {"stateName": "terminated", "manuallyUpdated": True}
        assert (await api("GET", f"/account-activities/{activity}")).json()["completionStatus"] == "SUCCESS"


async def test_who_owns_something_cannot_be_deleted(sandbox: Sandbox) -> None:
    """Trap 24, in a shape of its own."""
    user, guarded = list(sandbox.store.identities)[:2]
    sandbox.store.identities[user].owns.append({"id": "r1", "name": "Sales EMEA", "type": "ROLE"})
    sandbox.store.identities[guarded].protected = True
    async with api_of(sandbox) as api:
        answer = await api("DELETE", f"/identities/{user}")
        assert answer.status_code == 400
        assert answer.json()["associationDetails"][0]["entities"][0]["name"] == "Sales EMEA"
        assert (await api("DELETE", f"/identities/{guarded}")).status_code == 400
        sandbox.store.identities[user].owns.clear()
        assert (await api("DELETE", f"/identities/{user}")).status_code == 204
        assert (await api("DELETE", f"/identities/{user}")).status_code == 404


RECORD = {
    "accountName": "new.one", "firstName": "New", "lastName": "One", "email": "new.one@example.com",
    "phone": "+1 555", "startDate": "2026-03-01T00:00:00Z", "endDate": "2026-09-01T00:00:00Z",
}  # fmt: skip


def record(sandbox: Sandbox, **changes: Any) -> dict[str, Any]:
    boss = next(iter(sandbox.store.identities.values())).data["alias"]
    return {**RECORD, "manager": boss, "sourceId": sandbox.source("Non-Employees"), **changes}


async def test_a_record_is_no_identity_until_it_is_aggregated(sandbox: Sandbox) -> None:
    async with api_of(sandbox) as api:
        made = await api("POST", "/non-employee-records", record(sandbox))
        assert made.status_code == 200
        found = {"filters": 'alias eq "new.one"'}
        assert (await api("GET", "/identities", **found)).json() == []
        wait(sandbox, 2)
        (identity,) = (await api("GET", "/identities", **found)).json()
        assert identity["id"] != made.json()["id"]
        assert identity["managerRef"]["id"] == next(iter(sandbox.store.identities))  # by account name (trap 22)
        taken = await api("POST", "/non-employee-records", record(sandbox))
        assert taken.status_code == 400


@pytest.mark.parametrize("name", [*RECORD, "manager", "sourceId"])
async def test_a_record_needs_all_nine(sandbox: Sandbox, name: str) -> None:
    body = record(sandbox)
    del body[name]
    async with api_of(sandbox) as api:
        assert code(await api("POST", "/non-employee-records", body)) == "400.1.0 Required data missing or empty"


async def test_records_are_changed_and_deleted_and_the_identity_stays(sandbox: Sandbox) -> None:
    row = next(iter(sandbox.store.records.values()))
    path = f"/non-employee-records/{row['id']}"
    async with api_of(sandbox) as api:
        change = [{"op": "replace", "path": "/lastName", "value": "Changed"}]
        assert (await api("PATCH", path, change, kind=PATCH)).json()["lastName"] == "Changed"
        wait(sandbox, 2)
        (identity,) = (
            await api("GET", "/identities", filters=f'alias eq "{row["accountName"]}"', defaultFilter="NONE")
        ).json()
        assert identity["attributes"]["lastname"] == "Changed"
        nothing = [{"op": "replace", "path": "/sourceId", "value": "x"}]
        assert code(await api("PATCH", path, nothing, kind=PATCH)) == "400.1.1 Illegal update attempt"
        whole = {name: row[name] for name in (*RECORD, "manager", "sourceId")}
        assert (await api("PUT", path, {**whole, "firstName": "Whole"})).json()["firstName"] == "Whole"
        assert (await api("PUT", path, {"firstName": "Alone"})).status_code == 400
        assert (await api("DELETE", path)).status_code == 204
        assert (await api("GET", path)).status_code == 404
        assert (await api("GET", f"/identities/{identity['id']}")).status_code == 200


async def test_search_names_things_in_its_own_way_and_sees_changes_late(sandbox: Sandbox) -> None:
    """Traps 1 and 10."""
    user = someone(sandbox)
    data = sandbox.store.identities[user].data
    query = {"indices": ["identities"], "query": {"query": f'attributes.uid.exact:"{data["alias"]}"'}}
    async with api_of(sandbox) as api:
        (document,) = (await api("POST", "/search", query)).json()
        assert (document["name"], document["displayName"]) == (data["alias"], data["name"])
        await api("POST", f"/identities-accounts/{user}/disable")
        wait(sandbox, 3)
        assert (await api("GET", f"/identities/{user}")).json()["identityStatus"] == "DISABLED"
        assert (await api("POST", "/search", query)).json()[0]["status"] == "ACTIVE"
        wait(sandbox, 120)
        assert (await api("POST", "/search", query)).json()[0]["status"] == "DISABLED"


async def test_search_pages_within_a_window_and_beyond_it_by_the_last_values() -> None:
    """Trap 9."""
    sandbox = sandbox_of(300)
    query = {"indices": ["identities"], "query": {"query": "*"}, "sort": ["id"]}
    async with api_of(sandbox) as api:
        first = await api("POST", "/search", query, count="true")
        assert (len(first.json()), first.headers["X-Total-Count"]) == (250, "300")
        assert (await api("POST", "/search", query, offset="9900", limit="250")).status_code == 400
        rest = await api("POST", "/search", {**query, "searchAfter": [first.json()[-1]["id"]]})
        assert {row["id"] for row in (*first.json(), *rest.json())} == set(sandbox.store.identities)
        assert (await api("POST", "/search", {"searchAfter": ["x"], "query": {"query": "*"}})).status_code == 400
        counted = await api("POST", "/search/count", query)
        assert (counted.status_code, counted.headers["X-Total-Count"]) == (204, "300")


async def test_public_identities_have_pairs_where_others_have_a_map(sandbox: Sandbox) -> None:
    """Trap 27."""
    async with api_of(sandbox) as api:
        rows = (await api("GET", "/public-identities")).json()
        assert len(rows) == 60 and {each["key"] for each in rows[0]["attributes"]} == {"department", "phone"}
        assert len((await api("GET", "/public-identities", **{"add-core-filters": "true"})).json()) < 60


async def test_the_catalogue_and_the_entitlements_are_told(sandbox: Sandbox) -> None:
    user = next(each for each, held in sandbox.store.entitlements.items() if held)
    async with api_of(sandbox) as api:
        assert {each["name"] for each in (await api("GET", "/identity-attributes")).json()} >= {"uid", "department"}
        assert (await api("GET", "/identity-attributes", limit="1")).status_code == 400  # it has no pages
        rows = (await api("GET", f"/entitlements/identities/{user}/entitlements")).json()
        assert [row["type"] for row in rows] == ["ENTITLEMENT"] * len(sandbox.store.entitlements[user])
