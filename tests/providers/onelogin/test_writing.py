"""Writing users through the whole program: what reaches OneLogin, and what stays as it was."""

from typing import Any

import pytest

from scim_bridge.providers.onelogin.sandbox import Sandbox
from tests.providers.onelogin.bridge import ENTERPRISE, URN, USER, bridged, step
from tests.providers.onelogin.support import made

PASSWORD = "s3cret-Passw0rd"
ANA: dict[str, Any] = {
    "schemas": [USER, ENTERPRISE, URN],
    "userName": "ana.lopez",
    "externalId": "HR-9001",
    "name": {"givenName": "Ana", "familyName": "López"},
    "title": "Engineer",
    "preferredLanguage": "en-GB",
    "active": True,
    "emails": [{"value": "ana.lopez@example.com", "type": "work"}],
    "phoneNumbers": [{"value": "+15550001", "type": "work"}],
    ENTERPRISE: {
        "department": "R&D",
        "organization": "Acme",
        "employeeNumber": "E-1",
        "costCenter": "CC-9",
        "manager": {"value": "130000007"},
    },
    URN: {"groupId": "480013", "comment": "hello", "samAccountName": "alopez", "distinguishedName": "CN=Ana"},
}
AS_SENT = {
    "username": "ana.lopez",
    "external_id": "HR-9001",
    "firstname": "Ana",
    "lastname": "López",
    "title": "Engineer",
    "preferred_locale_code": "en-GB",
    "status": 1,
    "email": "ana.lopez@example.com",
    "phone": "+15550001",
    "department": "R&D",
    "company": "Acme",
    "manager_user_id": 130_000_007,
    "group_id": 480_013,
    "comment": "hello",
    "samaccountname": "alopez",
    "distinguished_name": "CN=Ana",
    "custom_attributes": {"employee_number": "E-1", "cost_center": "CC-9"},
}


@pytest.fixture
def sandbox() -> Sandbox:
    return made(60)


def sent(sandbox: Sandbox) -> list[tuple[str, Any]]:
    """The writes that arrived, and their bodies."""
    found = [(f"{each.method} {each.path}", each.body) for each in sandbox.calls if each.method != "GET"]
    sandbox.log.clear()
    return found


def stored(sandbox: Sandbox, resource: Any) -> dict[str, Any]:
    return sandbox.store.users[int(resource["id"])]


def someone(sandbox: Sandbox, **known: Any) -> dict[str, Any]:
    """A user of whom all is known, and this."""
    user = next(
        each
        for each in sandbox.store.users.values()
        if all(each[name] for name in ("username", "email", "title", "department", "external_id", "phone"))
        and each["custom_attributes"]["employee_number"]
    )
    user |= {"comment": "kept", "group_id": 480_000, "status": 1, **known}
    sandbox.store.changed()
    return user


# -- creating ----------------------------------------------------------------------------------------------------------


async def test_a_new_user_goes_in_one_call_and_reads_back(sandbox: Sandbox) -> None:
    async with bridged(sandbox) as bridge:
        created = await bridge.create("User", **ANA)
        assert sent(sandbox) == [("POST /api/2/users", AS_SENT)]
        shown = await bridge.get(f"/Users/{created['id']}")
    for name in set(ANA) - {"emails", "phoneNumbers", ENTERPRISE}:
        assert shown[name] == ANA[name], name
    assert shown["displayName"] == "Ana López"
    manager = shown[ENTERPRISE].pop("manager")
    assert shown[ENTERPRISE] == {name: each for name, each in ANA[ENTERPRISE].items() if name != "manager"}
    assert manager["value"] == "130000007" and manager["$ref"].endswith("/Users/130000007")
    assert [each["value"] for each in shown["emails"]] == ["ana.lopez@example.com"]


async def test_a_user_name_that_is_an_address_is_the_address_too(sandbox: Sandbox) -> None:
    async with bridged(sandbox) as bridge:
        await bridge.create("User", userName="bo@example.com")
        assert sent(sandbox) == [("POST /api/2/users", {"username": "bo@example.com", "email": "bo@example.com"})]
        refused = await bridge.ask("POST", "/Users", {"schemas": [USER], "userName": "bo"})
    assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidValue")


async def test_either_name_is_enough_where_the_account_says_so() -> None:
    sandbox = made(5, email_required=False)
    async with bridged(sandbox, email_required=False) as bridge:
        created = await bridge.create("User", userName="bo")
    assert "emails" not in created and stored(sandbox, created)["email"] is None


async def test_a_password_is_sent_twice_and_never_shown(sandbox: Sandbox) -> None:
    async with bridged(sandbox) as bridge:
        created = await bridge.create("User", userName="bo@example.com", password=PASSWORD)
        body = sent(sandbox)[0][1]
        assert (body["password"], body["password_confirmation"]) == (PASSWORD, PASSWORD)
        assert PASSWORD not in str(created) and created["active"] is True
        weak = await bridge.ask("POST", "/Users", {"schemas": [USER], "userName": "c@example.com", "password": "x"})
    assert weak.status_code == 400 and "password policy" in weak.json()["detail"]


async def test_how_mappings_and_policies_run_is_told() -> None:
    async with bridged(made(5), mappings="disabled", validate_policy=False) as bridge:
        created = await bridge.create("User", userName="c@example.com", password="x")
        await bridge.patch("User", created["id"], step("replace", "title", "T"))
        asked = [each.query for each in bridge.sandbox.calls if each.method != "GET"]
    assert asked == [{"mappings": "disabled", "validate_policy": "false"}] * 2


async def test_who_waits_for_a_password_is_shown_as_what_upstream_made_of_it(sandbox: Sandbox) -> None:
    async with bridged(sandbox) as bridge:
        pending = await bridge.create("User", userName="bo@example.com")
        suspended = await bridge.create("User", userName="cy@example.com", active=False)
    assert (pending["active"], stored(sandbox, pending)["status"]) == (False, 7)
    assert (suspended["active"], stored(sandbox, suspended)["status"]) == (False, 2)


@pytest.mark.parametrize("twin", [{"userName": "ANA.LOPEZ"}, {"emails": [{"value": "Ana.Lopez@example.com"}]}])
async def test_what_is_taken_is_a_conflict(sandbox: Sandbox, twin: dict[str, Any]) -> None:
    async with bridged(sandbox) as bridge:
        await bridge.create("User", **ANA)
        other = {"userName": "other", "emails": [{"value": "other@example.com"}], **twin}
        answer = await bridge.ask("POST", "/Users", {"schemas": [USER], **other})
    assert (answer.status_code, answer.json()["scimType"]) == (409, "uniqueness")


# -- changing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        (step("replace", "title", "Boss"), {"title": "Boss"}),
        (step("remove", "title"), {"title": None}),
        (step("replace", "name.familyName", "Roe"), {"lastname": "Roe"}),
        (step("replace", "active", False), {"status": 2}),
        (step("replace", "active", "False"), {"status": 2}),
        (step("remove", f"{URN}:groupId"), {"group_id": None}),
        (step("replace", f"{URN}:groupId", "480026"), {"group_id": 480_026}),
        (step("replace", f"{ENTERPRISE}:manager", {"value": "130000014"}), {"manager_user_id": 130_000_014}),
        (step("replace", f"{ENTERPRISE}:manager", {"$ref": "../Users/130000014"}), {"manager_user_id": 130_000_014}),
        (step("replace", 'emails[type eq "work"].value', "new@example.com"), {"email": "new@example.com"}),
        (step("remove", "phoneNumbers"), {"phone": None}),
        (
            step("replace", "password", PASSWORD),
            {"password": PASSWORD, "password_confirmation": PASSWORD},
        ),
    ],
    ids=lambda each: each.get("path") if isinstance(each, dict) and "path" in each else "",
)
async def test_a_patch_changes_one_field_and_nothing_else(
    sandbox: Sandbox, operation: dict[str, Any], body: dict[str, Any]
) -> None:
    user = someone(sandbox, manager_user_id=None)
    before = dict(user)
    async with bridged(sandbox) as bridge:
        answer = await bridge.patch("User", user["id"], operation)
        assert answer.status_code == 200, answer.text
        assert sent(sandbox) == [(f"PUT /api/2/users/{user['id']}", body)]
    after = sandbox.store.users[user["id"]]
    changed = {name for name in after if after[name] != before[name]}
    assert changed - {"updated_at", "password_changed_at"} == set(body) - {"password", "password_confirmation"}


async def test_custom_attributes_go_whole_whatever_the_account_does_with_the_rest() -> None:
    """Trap 22: a map that is replaced would lose what it does not name."""
    for merges in (True, False):
        sandbox = made(60, custom_merges=merges)
        user = someone(sandbox)
        before = {**user["custom_attributes"], "badge": "B-1"}
        user["custom_attributes"] = dict(before)
        async with bridged(sandbox) as bridge:
            await bridge.patch("User", user["id"], step("replace", f"{ENTERPRISE}:costCenter", "CC-7"))
            assert sent(sandbox)[0][1] == {"custom_attributes": {**before, "cost_center": "CC-7"}}
            await bridge.patch("User", user["id"], step("remove", f"{ENTERPRISE}:employeeNumber"))
        after = sandbox.store.users[user["id"]]["custom_attributes"]
        assert after == {"employee_number": None, "cost_center": "CC-7", "badge": "B-1"}


async def test_a_put_clears_what_it_leaves_out_and_keeps_what_every_user_needs(sandbox: Sandbox) -> None:
    user = someone(sandbox)
    async with bridged(sandbox) as bridge:
        await bridge.replace("User", user["id"], userName=user["username"])
        body = sent(sandbox)[0][1]
    assert body == {
        "external_id": None,
        "firstname": None,
        "lastname": None,
        "title": None,
        "phone": None,
        **({"preferred_locale_code": None} if user["preferred_locale_code"] else {}),
    }
    after = sandbox.store.users[user["id"]]
    kept = ("email", "status", "comment", "department", "custom_attributes", "group_id")
    assert {name: after[name] for name in kept} == {name: user[name] for name in kept}


async def test_a_put_that_names_an_extension_clears_in_it(sandbox: Sandbox) -> None:
    user = someone(sandbox)
    async with bridged(sandbox) as bridge:
        body = {"schemas": [USER, URN], "userName": user["username"], "title": user["title"], URN: {"comment": "new"}}
        await bridge.ask("PUT", f"/Users/{user['id']}", body)
        changes = sent(sandbox)[0][1]
    assert changes["comment"] == "new" and changes["group_id"] is None and "department" not in changes


@pytest.mark.parametrize(("clear_with", "value"), [("null", None), ("empty", "")])
async def test_a_text_is_cleared_as_the_account_wants_it(clear_with: str, value: str | None) -> None:
    sandbox = made(60, clears_with=clear_with)
    user = someone(sandbox)
    async with bridged(sandbox, clear_with=clear_with) as bridge:
        answer = await bridge.patch("User", user["id"], step("remove", "title"), step("remove", f"{URN}:groupId"))
        assert "title" not in answer.json()
        assert sent(sandbox)[0][1] == {"title": value, "group_id": None}


async def test_a_text_that_does_not_clear_is_shown_as_it_is() -> None:
    sandbox = made(60, clears_with="empty")
    user = someone(sandbox)
    async with bridged(sandbox) as bridge:
        answer = await bridge.patch("User", user["id"], step("remove", "title"))
    assert answer.json()["title"] == user["title"]


# -- active ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [0, 2, 3, 4, 5, 7, 8])
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_a_status_stays_where_active_does_not_change(sandbox: Sandbox, status: int, method: str) -> None:
    """Trap 12: who is locked, or waits for a password, is not to be suspended because a client says what it sees."""
    user = someone(sandbox, status=status)
    async with bridged(sandbox) as bridge:
        if method == "PATCH":
            change = step("replace", "active", False)
            assert (await bridge.patch("User", user["id"], change, step("replace", "title", "X"))).status_code == 200
        else:
            await bridge.replace("User", user["id"], userName=user["username"], active=False, title="X")
        assert "status" not in sent(sandbox)[0][1]
    assert sandbox.store.users[user["id"]]["status"] == status


@pytest.mark.parametrize("status", [2, 3, 7])
async def test_activating_writes_one(sandbox: Sandbox, status: int) -> None:
    user = someone(sandbox, status=status)
    async with bridged(sandbox) as bridge:
        answer = await bridge.patch("User", user["id"], step("replace", "active", True))
        assert answer.json()["active"] is True and sent(sandbox)[0][1] == {"status": 1}


async def test_more_statuses_may_show_as_active(sandbox: Sandbox) -> None:
    user = someone(sandbox, status=3)
    async with bridged(sandbox, active_statuses=[1, 3, 4, 5, 7, 8]) as bridge:
        assert (await bridge.get(f"/Users/{user['id']}"))["active"] is True
        await bridge.patch("User", user["id"], step("replace", "active", True))
        assert sent(sandbox) == []
        found = await bridge.ids("User", "active eq false")
    assert found == {str(each["id"]) for each in sandbox.store.users.values() if each["status"] in (0, 2)}
