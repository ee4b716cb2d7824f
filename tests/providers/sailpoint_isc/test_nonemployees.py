"""Creating, changing and deleting people by non-employee records, where a connection allows it."""

from typing import Any

import pytest

from scim_bridge.providers.sailpoint_isc.sandbox import Sandbox
from scim_bridge.query.capabilities import Resource
from scim_bridge.query.write import PartialWrite
from scim_bridge.upstream.errors import Conflict, NotFound, Rejected
from tests.providers.sailpoint_isc.support import ENTERPRISE, PATCH, USER_URN, connected, sandbox_of
from tests.providers.sailpoint_isc.writing import change, create, data, sent, someone


@pytest.fixture
def sandbox() -> Sandbox:
    return sandbox_of(60)


NEW: Resource = {
    "userName": "new.one",
    "name": {"givenName": "New", "familyName": "One"},
    "emails": [{"value": "new.one@example.com", "type": "work"}],
    "phoneNumbers": [{"value": "+1 555", "type": "work"}],
    USER_URN: {"startDate": "2026-03-01T00:00:00Z", "endDate": "2026-09-01T00:00:00Z"},
}


def allowed(sandbox: Sandbox, *more: str) -> dict[str, Any]:
    source = sandbox.source("Non-Employees")
    return {"writes": ("non-employee", *more), "non_employee_source_id": source}


def new(sandbox: Sandbox, **changes: Any) -> Resource:
    return {**NEW, ENTERPRISE: {"manager": {"value": someone(sandbox)}}, **changes}


async def test_a_person_is_made_by_a_record_and_shown_as_its_identity(sandbox: Sandbox) -> None:
    """Traps 12, 20 and 22."""
    boss = data(sandbox, someone(sandbox))
    async with connected(sandbox, **allowed(sandbox)) as acme:
        made = await create(acme, new(sandbox), "users")
        ((told, body),) = sent(acme)
        assert told == "POST /non-employee-records"
        assert body == {
            "accountName": "new.one",
            "firstName": "New",
            "lastName": "One",
            "email": "new.one@example.com",
            "phone": "+1 555",
            "manager": boss["alias"],  # an account name, not an id
            "startDate": "2026-03-01T00:00:00Z",
            "endDate": "2026-09-01T00:00:00Z",
            "sourceId": sandbox.source("Non-Employees"),
        }
        assert made["id"] in sandbox.store.identities and made["userName"] == "new.one"
        assert made[ENTERPRISE]["manager"]["value"] == boss["id"]
        assert made["active"] is True
        with pytest.raises(Conflict):
            await create(acme, new(sandbox, userName="NEW.one"), "users")
        assert sent(acme) == []


async def test_a_person_made_inactive_is_switched_off_then(sandbox: Sandbox) -> None:
    async with connected(sandbox, **allowed(sandbox, "accounts")) as acme:
        made = await create(acme, new(sandbox, active=False), "users")
        assert made["active"] is False
        assert [told for told, _ in sent(acme)] == [
            "POST /non-employee-records",
            f"POST /identities-accounts/{made['id']}/disable",
        ]


@pytest.mark.parametrize(
    ("without", "told"),
    [
        ({"name": {"givenName": "New"}}, "name.familyName"),
        ({"emails": []}, "emails"),
        ({"phoneNumbers": []}, "phoneNumbers"),
        ({ENTERPRISE: {}}, "manager"),
        ({USER_URN: {"startDate": "2026-03-01T00:00:00Z"}}, "endDate"),
    ],
)
async def test_what_a_record_needs_is_named_before_anything_is_sent(
    sandbox: Sandbox, without: Resource, told: str
) -> None:
    async with connected(sandbox, **allowed(sandbox)) as acme:
        with pytest.raises(Rejected, match=f"needs {told}$"):
            await create(acme, new(sandbox, **without), "users")
        assert sent(acme) == []


async def test_a_manager_who_is_not_there_is_refused(sandbox: Sandbox) -> None:
    async with connected(sandbox, **allowed(sandbox)) as acme:
        with pytest.raises(Rejected, match="to be the manager"):
            await create(acme, new(sandbox, **{ENTERPRISE: {"manager": {"value": "0000"}}}), "users")
        assert sent(acme) == []


async def test_a_record_whose_identity_comes_late_is_not_made_twice(sandbox: Sandbox) -> None:
    """It may take an hour."""
    sandbox.knobs.aggregation_seconds = 3_600
    async with connected(sandbox, **allowed(sandbox)) as acme:
        with pytest.raises(PartialWrite, match="POST /non-employee-records/v1"):
            await create(acme, new(sandbox), "users")
        assert len(sent(acme)) == 1
        with pytest.raises(Conflict, match="without an identity yet"):
            await create(acme, new(sandbox), "users")
        assert sent(acme) == []
        acme.clock.advance(3_600)
        assert len(await acme.find('userName eq "new.one"')) == 1
        with pytest.raises(Conflict, match="taken"):
            await create(acme, new(sandbox), "users")


async def test_one_attribute_is_changed_and_nothing_else(sandbox: Sandbox) -> None:
    user = someone(sandbox, outside=True)
    record = next(
        each for each in sandbox.store.records.values() if each["accountName"] == data(sandbox, user)["alias"]
    )
    before = dict(record)
    async with connected(sandbox, **allowed(sandbox)) as acme:
        name = {"name": {"givenName": data(sandbox, user)["attributes"]["firstname"], "familyName": "Married"}}
        row = await change(acme, user, name, "users")
        call = next(each for each in sandbox.calls if each.method == "PATCH")
        assert (call.content_type, call.path) == (PATCH, f"/non-employee-records/{record['id']}")
        assert call.body == [{"op": "replace", "path": "/lastName", "value": "Married"}]
        assert row is not None and row["attributes"]["lastname"] == "Married"
    assert {each for each in record if record[each] != before[each]} - {"modified"} == {"lastName"}


async def test_dates_and_managers_are_changed_in_the_record(sandbox: Sandbox) -> None:
    user, boss = someone(sandbox, outside=True), someone(sandbox)
    async with connected(sandbox, **allowed(sandbox)) as acme:
        await change(acme, user, {USER_URN: {"endDate": "2027-06-01T00:00:00Z"}}, "users")
        assert sent(acme)[0][1] == [{"op": "replace", "path": "/endDate", "value": "2027-06-01T00:00:00Z"}]
        await change(acme, user, {ENTERPRISE: {"manager": {"value": boss}}}, "users")
        assert data(sandbox, user)["managerRef"]["id"] == boss
        with pytest.raises(Rejected, match="needs manager"):
            await change(acme, user, {ENTERPRISE: {}}, "users")


async def test_a_change_that_fails_afterwards_is_taken_back(sandbox: Sandbox) -> None:
    user = someone(sandbox, outside=True)
    last = data(sandbox, user)["attributes"]["lastname"]
    name = {"givenName": data(sandbox, user)["attributes"]["firstname"], "familyName": "Married"}
    async with connected(sandbox, **allowed(sandbox, "accounts")) as acme:
        sandbox.fail("POST /identities-accounts/.*", status=400, code="400.1 Bad request content")
        with pytest.raises(Rejected):
            await change(acme, user, {"name": name, "active": False}, "users")
        assert sent(acme)[-1][1] == [{"op": "replace", "path": "/lastName", "value": last}]


async def test_a_change_that_shows_late_is_told_and_stays(sandbox: Sandbox) -> None:
    sandbox.knobs.aggregation_seconds = 3_600
    user = someone(sandbox, outside=True)
    name = {"givenName": data(sandbox, user)["attributes"]["firstname"], "familyName": "Married"}
    async with connected(sandbox, **allowed(sandbox)) as acme:
        with pytest.raises(PartialWrite, match="PATCH /non-employee-records"):
            await change(acme, user, {"name": name}, "users")
        assert len(sent(acme)) == 1


async def test_employees_are_none_of_the_sources_and_read_only(sandbox: Sandbox) -> None:
    user = someone(sandbox)
    async with connected(sandbox, **allowed(sandbox)) as acme:
        with pytest.raises(Rejected, match="no non-employee"):
            await change(acme, user, {"name": {"givenName": "X", "familyName": "Y"}}, "users")
        with pytest.raises(Rejected, match="no non-employee"):
            await acme.users.delete(user)
        assert sent(acme) == []
    assert user in sandbox.store.identities


async def test_a_non_employee_is_deleted_with_its_record(sandbox: Sandbox) -> None:
    user = someone(sandbox, outside=True)
    async with connected(sandbox, **allowed(sandbox)) as acme:
        count = len(sandbox.store.records)
        await acme.users.delete(user)
        told = [each for each, _ in sent(acme)]
        assert told[0] == f"DELETE /identities/{user}" and told[1].startswith("DELETE /non-employee-records/")
        assert user not in sandbox.store.identities and len(sandbox.store.records) == count - 1
        with pytest.raises(NotFound):
            await acme.users.delete(user)


async def test_who_owns_something_is_not_deleted_and_is_told_what(sandbox: Sandbox) -> None:
    """Trap 24."""
    user = someone(sandbox, outside=True)
    sandbox.store.identities[user].owns.append({"id": "r", "name": "Sales EMEA", "type": "ROLE"})
    async with connected(sandbox, **allowed(sandbox)) as acme:
        count = len(sandbox.store.records)
        with pytest.raises(Conflict, match="ROLE_OWNER Sales EMEA"):
            await acme.users.delete(user)
    assert user in sandbox.store.identities and len(sandbox.store.records) == count


async def test_a_deletion_that_leaves_the_record_says_so(sandbox: Sandbox) -> None:
    user = someone(sandbox, outside=True)
    async with connected(sandbox, **allowed(sandbox)) as acme:
        sandbox.fail("DELETE /non-employee-records/.*", status=400, code="400.1 Bad request content")
        with pytest.raises(PartialWrite, match=f"DELETE /identities/v1/{user}"):
            await acme.users.delete(user)


async def test_records_are_found_page_by_page(sandbox: Sandbox) -> None:
    many = sandbox_of(30)
    source = many.source("Non-Employees")
    for number in range(600):
        key = many.uuid()
        many.store.records[key] = {"id": key, "accountName": f"a{number:04}", "sourceId": source}
    user = someone(many, outside=True)
    async with connected(many, **allowed(many)) as acme:
        await acme.users.delete(user)
        assert [each for each in acme.calls() if each.startswith("GET /non-employee-records")] == [
            f'GET /non-employee-records?sourceId eq "{source}"'
        ] * 3


async def test_two_records_of_one_name_are_not_guessed_between(sandbox: Sandbox) -> None:
    user = someone(sandbox, outside=True)
    row = next(each for each in sandbox.store.records.values() if each["accountName"] == data(sandbox, user)["alias"])
    sandbox.store.records["twin"] = {**row, "id": "twin"}
    async with connected(sandbox, **allowed(sandbox)) as acme:
        with pytest.raises(Conflict, match="2 non-employee records"):
            await acme.users.delete(user)
        assert sent(acme) == []
