"""PATCH by requirement (RFC 7644 section 3.5.2): T-01 to T-50."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from scim_bridge.query.capabilities import Collection, Resource, Row, Steps
from scim_bridge.upstream.errors import Unavailable
from tests.protocol.memory import BASE, ENTERPRISE, EXTRA, GROUP_URN, USER_URN, Bridge, error_of, users

WORK = {"value": "b@work.example", "type": "work"}
HOME = {"value": "b@home.example", "type": "home"}
MANAGER = {"value": "m1", "$ref": f"{BASE}/Users/m1"}
START: dict[str, Any] = {
    "name": {"givenName": "Barbara", "familyName": "Jensen"},
    "title": "Guide",
    "active": True,
    "emails": [{**WORK, "primary": True}, HOME],
}


async def patched(bridge: Bridge, *operations: Any, **start: Any) -> dict[str, Any]:
    """The user after operations, as the answer and a later read both show it."""
    made = await bridge.user(**{**START, **start})
    response = await bridge.patch(f"/Users/{made['id']}", *operations)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    read = (await bridge.ask("GET", f"/Users/{made['id']}")).json()
    extra = {name: value for name, value in body.get(EXTRA.id, {}).items() if name != "hint"}  # on request only
    shown = {name: value for name, value in body.items() if name != EXTRA.id} | ({EXTRA.id: extra} if extra else {})
    assert read == shown
    return body


@pytest.mark.parametrize(
    ("operation", "attribute", "expected"),
    [
        ({"op": "add", "path": "title", "value": "Boss"}, "title", "Boss"),  # T-01
        ({"op": "add", "path": "emails", "value": [{"value": "x@y"}]}, "emails", [*START["emails"], {"value": "x@y"}]),
        ({"op": "add", "path": "emails", "value": {"value": "x@y"}}, "emails", [*START["emails"], {"value": "x@y"}]),
        ({"op": "add", "path": "emails", "value": [WORK]}, "emails", START["emails"]),  # T-03
        ({"op": "replace", "path": "title", "value": "Boss"}, "title", "Boss"),  # T-07
        ({"op": "replace", "path": "nickName", "value": "Babs"}, "nickName", "Babs"),  # T-09
        ({"op": "replace", "path": "name.givenName", "value": "B"}, "name", {"givenName": "B", "familyName": "Jensen"}),
        ({"op": "replace", "path": "name", "value": {"givenName": "B"}}, "name",
         {"givenName": "B", "familyName": "Jensen"}),
        ({"op": "add", "path": "name", "value": {"middleName": "J"}}, "name",
         {"givenName": "Barbara", "familyName": "Jensen", "middleName": "J"}),
        ({"op": "replace", "path": "name", "value": {"givenName": None}}, "name", {"familyName": "Jensen"}),
        ({"op": "replace", "path": "emails", "value": [HOME]}, "emails", [HOME]),
        ({"op": "replace", "path": 'emails[type eq "home"].value', "value": "n@home"}, "emails",
         [START["emails"][0], {**HOME, "value": "n@home"}]),  # T-11
        ({"op": "replace", "path": 'emails[type eq "home"]', "value": {"value": "n@home"}}, "emails",
         [START["emails"][0], {**HOME, "value": "n@home"}]),
        ({"op": "add", "path": 'emails[type eq "home"]', "value": {"display": "Home"}}, "emails",
         [START["emails"][0], {**HOME, "display": "Home"}]),
        ({"op": "add", "path": 'emails[type eq "home"].primary', "value": True}, "emails",
         [{**WORK, "primary": False}, {**HOME, "primary": True}]),  # T-06
        ({"op": "add", "path": "emails", "value": [{"value": "x@y", "primary": True}]}, "emails",
         [{**WORK, "primary": False}, HOME, {"value": "x@y", "primary": True}]),
        ({"op": "replace", "path": "emails.display", "value": "E"}, "emails",
         [{**START["emails"][0], "display": "E"}, {**HOME, "display": "E"}]),
        ({"op": "remove", "path": "title"}, "title", None),  # T-15
        ({"op": "remove", "path": "name.givenName"}, "name", {"familyName": "Jensen"}),
        ({"op": "remove", "path": "emails"}, "emails", None),
        ({"op": "remove", "path": 'emails[type eq "home"]'}, "emails", [START["emails"][0]]),
        ({"op": "remove", "path": 'emails[type eq "home"].value'}, "emails", [START["emails"][0], {"type": "home"}]),
        ({"op": "remove", "path": 'emails[type eq "other"]'}, "emails", START["emails"]),  # T-17
        ({"op": "remove", "path": "emails", "value": [HOME]}, "emails", [START["emails"][0]]),  # T-39
        ({"op": "remove", "path": "emails", "value": [{"value": "b@home.example"}]}, "emails", [START["emails"][0]]),
        ({"op": "replace", "path": "title", "value": None}, "title", None),
        ({"op": "replace", "path": "emails", "value": []}, "emails", None),
        ({"op": "Replace", "path": "ACTIVE", "value": "False"}, "active", False),  # T-30, T-31, T-34
        ({"op": "replace", "path": f"{USER_URN}:title", "value": "Boss"}, "title", "Boss"),
        ({"op": "add", "path": 'emails[type eq "other"].value', "value": "o@x"}, "emails",
         [*START["emails"], {"type": "other", "value": "o@x"}]),  # T-32
        ({"op": "add", "path": 'emails[type eq "other" and primary eq true]', "value": {"value": "o@x"}}, "emails",
         [{**WORK, "primary": False}, HOME, {"type": "other", "primary": True, "value": "o@x"}]),
        ({"op": "add", "path": f"{ENTERPRISE}:manager", "value": "m1"}, ENTERPRISE, {"manager": MANAGER}),
        ({"op": "add", "path": f"{ENTERPRISE}:manager", "value": [{"$ref": None, "value": "m1"}]}, ENTERPRISE,
         {"manager": MANAGER}),  # T-33, T-40
        ({"op": "add", "path": f"{ENTERPRISE}.department", "value": "D"}, ENTERPRISE, {"department": "D"}),  # T-45
        ({"op": "add", "path": f"{ENTERPRISE}:department", "value": "D"}, ENTERPRISE, {"department": "D"}),  # T-28
        ({"op": "add", "path": ENTERPRISE, "value": {"department": "D"}}, ENTERPRISE, {"department": "D"}),
        ({"op": "add", "value": {ENTERPRISE: {"department": "D"}}}, ENTERPRISE, {"department": "D"}),
        ({"op": "add", "value": {f"{ENTERPRISE}:department": "D"}}, ENTERPRISE, {"department": "D"}),  # T-29
        ({"op": "replace", "value": {"name.givenName": "B"}}, "name", {"givenName": "B", "familyName": "Jensen"}),
        ({"op": "replace", "value": {"name": {"givenName": "B"}}}, "name",
         {"givenName": "B", "familyName": "Jensen"}),  # T-04
        ({"op": "replace", "path": "title", "value": "Boss", "name": "extra"}, "title", "Boss"),  # T-44
        ({"op": "add", "path": f"{EXTRA.id}:badge", "value": "1"}, EXTRA.id, {"badge": "1"}),  # T-20
        ({"op": "add", "path": f"{EXTRA.id}:hint", "value": "h"}, EXTRA.id, {"hint": "h"}),  # V-09
        ({"op": "add", "path": f"{EXTRA.id}:codes", "value": ["a", "b", "a"]}, EXTRA.id, {"codes": ["a", "b"]}),
        ({"op": "replace", "path": "profileUrl", "value": "https://x.test"}, "profileUrl", None),  # no place: a no-op
    ],
)  # fmt: skip
async def test_an_operation_does_what_it_says(operation: Any, attribute: str, expected: Any) -> None:
    body = await patched(Bridge(), operation)
    assert body.get(attribute) == expected


async def test_operations_apply_in_order_each_on_the_result_of_the_one_before() -> None:  # T-27
    body = await patched(
        Bridge(),
        {"op": "remove", "path": "emails"},
        {"op": "add", "path": "emails", "value": [HOME]},
        {"op": "replace", "path": 'emails[type eq "home"].value', "value": "z@home"},
    )
    assert body["emails"] == [{**HOME, "value": "z@home"}]


async def test_an_extension_comes_and_goes_with_its_urn() -> None:  # T-28
    bridge = Bridge()
    body = await patched(bridge, {"op": "add", "path": f"{ENTERPRISE}:department", "value": "D"})
    assert body["schemas"] == [USER_URN, ENTERPRISE]
    response = await bridge.patch(f"/Users/{body['id']}", {"op": "remove", "path": f"{ENTERPRISE}:department"})
    assert response.json()["schemas"] == [USER_URN]
    assert ENTERPRISE not in response.json()


@pytest.mark.parametrize(
    ("operation", "scim_type"),
    [
        ({"op": "replace", "path": 'emails[type eq "other"].value', "value": "x"}, "noTarget"),  # T-13
        ({"op": "replace", "path": 'emails[type eq "other"]', "value": {"value": "x"}}, "noTarget"),
        ({"op": "add", "path": 'emails[type ne "work" and value co "q"].value', "value": "x"}, "noTarget"),
        ({"op": "replace", "path": "phoneNumbers.value", "value": "1"}, "noTarget"),
        ({"op": "remove"}, "noTarget"),  # T-18
        ({"op": "remove", "path": "userName"}, "mutability"),  # T-19
        ({"op": "replace", "path": "userName", "value": " "}, "invalidValue"),
        ({"op": "replace", "path": "id", "value": "x"}, "mutability"),  # T-20
        ({"op": "replace", "path": "meta.created", "value": "2026-01-01T00:00:00Z"}, "mutability"),
        ({"op": "add", "path": "groups", "value": [{"value": "g"}]}, "mutability"),
        ({"op": "replace", "path": f"{EXTRA.id}:badge", "value": "2"}, "mutability"),
        ({"op": "remove", "path": f"{EXTRA.id}:badge"}, "mutability"),
        ({"op": "replace", "value": {"id": "other"}}, "mutability"),
        ({"op": "replace", "path": "emails[type eq", "value": 1}, "invalidPath"),  # T-21
        ({"op": "replace", "path": "emails[type zz 1]", "value": 1}, "invalidPath"),
        ({"op": "replace", "path": 'emails[nope eq "x"]', "value": {"value": "x"}}, "invalidFilter"),
        ({"op": "replace", "path": "nope", "value": 1}, "invalidPath"),
        ({"op": "replace", "path": "name.nope", "value": 1}, "invalidPath"),
        ({"op": "replace", "path": 'name[givenName eq "x"]', "value": 1}, "invalidPath"),
        ({"op": "replace", "path": 'emails[type eq "work"].nope', "value": 1}, "invalidPath"),
        ({"op": "replace", "path": 'title eq "x"', "value": 1}, "invalidPath"),
        ({"op": "replace", "path": 7, "value": 1}, "invalidPath"),
        ({"op": "replace", "path": "title", "value": 7}, "invalidValue"),  # T-23
        ({"op": "replace", "path": "active", "value": "maybe"}, "invalidValue"),
        ({"op": "replace", "path": "emails", "value": ["x", 7]}, "invalidValue"),
        ({"op": "replace", "path": "name", "value": 7}, "invalidValue"),
        ({"op": "replace", "path": 'emails[type eq "work"].value', "value": 7}, "invalidValue"),
        ({"op": "replace", "value": "text"}, "invalidValue"),
        ({"op": "replace", "path": "title"}, "invalidValue"),
        ({"op": "move", "path": "title", "value": "x"}, "invalidSyntax"),
        ("text", "invalidSyntax"),
    ],
)
async def test_what_cannot_be_done_is_refused_and_changes_nothing(operation: Any, scim_type: str) -> None:  # T-26
    bridge = Bridge()
    made = await bridge.user(**START, **{EXTRA.id: {"badge": "1"}})
    before = (await bridge.ask("GET", f"/Users/{made['id']}")).json()
    response = await bridge.patch(f"/Users/{made['id']}", {"op": "replace", "path": "title", "value": "Z"}, operation)
    assert error_of(response) == (400, scim_type)
    assert (await bridge.ask("GET", f"/Users/{made['id']}")).json() == before
    assert not [call for call in bridge.upstream.calls if call.startswith("PUT")]


@pytest.mark.parametrize("operations", [None, [], "x", {}])
async def test_operations_are_a_list_with_something_in_it(operations: Any) -> None:  # T-23
    bridge = Bridge()
    made = await bridge.user()
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations}
    assert error_of(await bridge.ask("PATCH", f"/Users/{made['id']}", body)) == (400, "invalidSyntax")


async def test_a_change_that_is_none_is_not_sent() -> None:  # T-03
    bridge = Bridge()
    made = await bridge.user(**START)
    bridge.upstream.calls.clear()
    response = await bridge.patch(f"/Users/{made['id']}", {"op": "add", "path": "emails", "value": [WORK]})
    assert response.json()["meta"] == made["meta"]
    assert bridge.upstream.calls == [f"GET /users/{made['id']}"]


async def test_a_taken_name_is_a_conflict() -> None:  # T-37
    bridge = Bridge()
    await bridge.user("taken")
    made = await bridge.user("free")
    response = await bridge.patch(f"/Users/{made['id']}", {"op": "replace", "path": "userName", "value": "TAKEN"})
    assert error_of(response) == (409, "uniqueness")


async def test_a_missing_resource_is_not_found_whatever_the_operation() -> None:
    bridge = Bridge()
    cases: list[tuple[str, dict[str, Any]]] = [
        ("/Users/none", {"op": "replace", "path": "title", "value": "x"}),
        ("/Groups/none", {"op": "add", "path": "members", "value": [{"value": "u1"}]}),
        ("/Groups/none", {"op": "add", "path": "members", "value": []}),
    ]
    for path, operation in cases:
        assert error_of(await bridge.patch(path, operation)) == (404, None)


# -- by profile -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "scim_type"),
    [
        ({"op": "Replace", "path": "title", "value": "x"}, "invalidSyntax"),
        ({"op": "replace", "path": "active", "value": "False"}, "invalidValue"),
        ({"op": "add", "path": 'emails[type eq "other"].value', "value": "x"}, "noTarget"),
        ({"op": "add", "path": f"{ENTERPRISE}:manager", "value": "m1"}, "invalidValue"),
        ({"op": "add", "path": f"{ENTERPRISE}.department", "value": "D"}, "invalidPath"),
        ({"op": "replace", "value": {"nope": "x"}}, "invalidPath"),
        ({"op": "replace", "value": {"name.familyName": "x"}}, "invalidPath"),  # T-29
        ({"op": "replace", "value": {f"{ENTERPRISE}:department": "x"}}, "invalidPath"),
        ({"op": "replace", "value": {ENTERPRISE: {"manager.value": "x"}}}, "invalidPath"),
        ({"op": "replace", "path": 'userName eq "x"', "value": "x"}, "invalidPath"),  # T-21
        ({"op": "replace", "path": "", "value": {"title": "x"}}, "invalidPath"),
        ({"op": "replace", "path": "profileUrl", "value": "https://x.test"}, "mutability"),
        ({"op": "remove", "path": "emails", "value": [HOME]}, "invalidSyntax"),
    ],
)
async def test_strict_reading_takes_no_client_shapes(operation: Any, scim_type: str) -> None:
    bridge = Bridge(profile="strict")
    made = await bridge.user(**START)
    assert error_of(await bridge.patch(f"/Users/{made['id']}", operation)) == (400, scim_type)


@pytest.mark.parametrize("profile", ["auto", "strict"])
async def test_one_value_is_added_without_a_list(profile: str) -> None:  # T-02
    body = await patched(
        Bridge(profile=profile), {"op": "add", "path": "phoneNumbers", "value": {"value": "+12015550100"}}
    )
    assert body["phoneNumbers"] == [{"value": "+12015550100"}]


@pytest.mark.parametrize("profile", ["auto", "strict"])
async def test_one_member_is_added_without_a_list(profile: str) -> None:  # T-38
    bridge = Bridge(profile=profile)
    user, group = await bridge.user(), await bridge.group()
    operation = {"op": "add", "path": "members", "value": {"value": user["id"]}}
    assert (await bridge.patch(f"/Groups/{group['id']}", operation)).status_code == 204
    members = (await bridge.ask("GET", f"/Groups/{group['id']}")).json()["members"]
    assert [each["value"] for each in members] == [user["id"]]


async def test_strict_reading_replaces_a_selected_value_whole() -> None:
    body = await patched(
        Bridge(profile="strict"), {"op": "replace", "path": 'emails[type eq "home"]', "value": {"value": "n@home"}}
    )
    assert body["emails"] == [START["emails"][0], {"value": "n@home"}]


async def test_strict_reading_wants_the_schema_of_the_message() -> None:  # T-36
    bridge = Bridge(profile="strict")
    made = await bridge.user()
    body: Any = {"Operations": [{"op": "add", "path": "title", "value": "x"}]}
    assert error_of(await bridge.ask("PATCH", f"/Users/{made['id']}", body)) == (400, "invalidSyntax")
    body["schemas"] = [USER_URN]
    assert error_of(await Bridge().ask("PATCH", f"/Users/{made['id']}", body)) == (400, "invalidSyntax")


async def test_entra_replaces_what_is_not_there_yet() -> None:  # T-32
    operation = {"op": "Replace", "path": 'emails[type eq "other"].value', "value": "o@x"}
    body = await patched(Bridge(profile="entra"), operation)
    assert body["emails"][2] == {"type": "other", "value": "o@x"}


# -- groups -----------------------------------------------------------------------------------------------------------


async def members_of(bridge: Bridge, group: str) -> list[str]:
    read = (await bridge.ask("GET", f"/Groups/{group}")).json()
    return [each["value"] for each in read.get("members", [])]


@pytest.mark.parametrize(
    ("operations", "expected", "reads_members"),
    [
        ([{"op": "add", "path": "members", "value": [{"value": "u3"}]}], ["u1", "u2", "u3"], False),
        ([{"op": "add", "path": "members", "value": [{"value": "u1"}]}], ["u1", "u2"], False),
        ([{"op": "remove", "path": 'members[value eq "u1"]'}], ["u2"], False),
        ([{"op": "remove", "path": 'members[value eq "u1" or value eq "u2"]'}], [], False),
        ([{"op": "Remove", "path": "members", "value": [{"$ref": None, "value": "u1"}]}], ["u2"], False),  # T-39
        ([{"op": "remove", "path": 'members[value eq "u9"]'}], ["u1", "u2"], False),  # T-17
        ([{"op": "remove", "path": 'members[value eq "u1"]'}, {"op": "add", "path": "members", "value": [
            {"value": "u3"}]}], ["u2", "u3"], False),  # K-05
        ([{"op": "add", "path": "members", "value": [{"value": "u3"}]},
          {"op": "remove", "path": 'members[value eq "u3"]'}], ["u1", "u2"], False),
        ([{"op": "remove", "path": 'members[value eq "u1"]'},
          {"op": "add", "path": "members", "value": [{"value": "u1"}]}], ["u1", "u2"], False),
        ([{"op": "add", "value": {"members": [{"value": "u3"}]}}], ["u1", "u2", "u3"], False),
        ([{"op": "replace", "path": "members", "value": [{"value": "u2"}, {"value": "u3"}]}], ["u2", "u3"], True),
        ([{"op": "replace", "path": "members", "value": [{"value": "u3"}]},
          {"op": "add", "path": "members", "value": [{"value": "u1"}]}], ["u1", "u3"], True),
        ([{"op": "replace", "path": "members", "value": [{"value": "u3"}]},
          {"op": "remove", "path": 'members[value eq "u3"]'}], [], True),
        ([{"op": "remove", "path": "members"}], [], True),
        ([{"op": "remove", "path": 'members[type eq "User"]'}], [], True),
        ([{"op": "remove", "path": 'members[not (value eq "u1")]'}], ["u1"], True),
        ([{"op": "add", "path": "members", "value": [{"value": "u3"}]},
          {"op": "remove", "path": 'members[value sw "u" and value ne "u2"]'}], ["u2"], True),
    ],
)  # fmt: skip
async def test_members_change_and_are_read_only_where_the_change_depends_on_them(
    operations: Any, expected: list[str], reads_members: bool
) -> None:  # T-38
    bridge = Bridge()
    for identifier in ("u1", "u2", "u3"):
        bridge.upstream.records["users"][identifier] = {"id": identifier, "userName": identifier, "meta": {}}
    group = (await bridge.group("Staff", "u1", "u2"))["id"]
    bridge.upstream.calls.clear()
    response = await bridge.patch(f"/Groups/{group}", *operations)
    assert response.status_code == 204, response.text
    reads = [call for call in bridge.upstream.calls if call == f"GET /groups/{group}/members"]
    assert bool(reads) is reads_members
    assert sorted(await members_of(bridge, group)) == expected


async def test_one_member_is_added_with_one_upstream_request() -> None:
    bridge = Bridge()
    user = (await bridge.user())["id"]
    group = (await bridge.group())["id"]
    bridge.upstream.calls.clear()
    await bridge.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": user}]})
    assert bridge.upstream.calls == [f"POST /groups/{group}/members"]


async def test_a_group_is_renamed_and_its_members_changed_in_one_request() -> None:  # T-41
    bridge = Bridge()
    user = (await bridge.user())["id"]
    group = (await bridge.group())["id"]
    response = await bridge.patch(
        f"/Groups/{group}",
        {"op": "replace", "value": {"id": group, "displayName": "New", "schemas": [GROUP_URN], "meta": {}}},
        {"op": "add", "path": "members", "value": [{"value": user}]},
    )
    assert response.status_code == 204
    read = (await bridge.ask("GET", f"/Groups/{group}")).json()
    assert (read["displayName"], [each["value"] for each in read["members"]]) == ("New", [user])


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "members", "value": [{"display": "nobody"}]},
        {"op": "add", "path": "members", "value": [7]},
    ],
)
async def test_a_member_without_a_value_is_refused(operation: Any) -> None:
    bridge = Bridge()
    group = (await bridge.group())["id"]
    assert error_of(await bridge.patch(f"/Groups/{group}", operation)) == (400, "invalidValue")


# -- the answer (T-50) ------------------------------------------------------------------------------------------------

RENAME = {"op": "replace", "path": "displayName", "value": "New"}


@pytest.mark.parametrize(
    ("setting", "headers", "query", "users", "groups"),
    [
        ("auto", {}, "", 200, 204),
        ("representation", {}, "", 200, 200),
        ("minimal", {}, "", 204, 204),
        ("minimal", {}, "?attributes=displayName", 200, 200),
        ("minimal", {"Prefer": "return=representation"}, "", 200, 200),
        ("representation", {"Prefer": "return=minimal"}, "", 204, 204),
    ],
)
async def test_a_patch_is_answered_as_asked_for(
    setting: Any, headers: Any, query: str, users: int, groups: int
) -> None:
    bridge = Bridge(patch_response=setting)
    user, group = (await bridge.user())["id"], (await bridge.group())["id"]
    answers = [
        await bridge.patch(f"{path}{query}", RENAME, headers=headers) for path in (f"/Users/{user}", f"/Groups/{group}")
    ]
    assert [each.status_code for each in answers] == [users, groups]
    for each, path in zip(answers, (f"/Users/{user}", f"/Groups/{group}"), strict=True):
        assert each.headers["Location"].endswith(path)
        if each.status_code == 204:
            assert each.content == b""
            assert "Content-Type" not in each.headers
        else:
            assert each.json()["displayName"] == "New"


def _silent_users(then: Callable[[], None] = lambda: None) -> Collection:
    """Users of an upstream that answers a change with nothing; ``then`` happens after one."""
    found = users()
    change = found.writes.update
    assert change is not None

    def update(row: Row, before: Resource, after: Resource) -> Steps:
        yield from change(row, before, after)
        then()

    return replace(found, writes=replace(found.writes, update=update))


async def test_an_empty_answer_tells_the_version_that_a_read_then_shows() -> None:  # E-05
    bridge = Bridge(collections=(_silent_users(),), patch_response="minimal")
    path = f"/Users/{(await bridge.user())['id']}"
    answer = await bridge.patch(path, RENAME)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["ETag"] == (await bridge.ask("GET", path)).headers["ETag"]


async def test_a_change_is_done_though_its_version_cannot_be_read() -> None:
    def end() -> None:
        bridge.upstream.fail["GET"] = Unavailable("Upstream", "down")

    bridge = Bridge(collections=(_silent_users(end),), patch_response="minimal")
    user = (await bridge.user())["id"]
    answer = await bridge.patch(f"/Users/{user}", RENAME)
    assert (answer.status_code, answer.headers.get("ETag")) == (204, None)
    assert bridge.upstream.records["users"][user]["displayName"] == "New"


async def test_members_are_not_read_to_tell_a_version() -> None:
    bridge = Bridge()
    group, user = (await bridge.group())["id"], (await bridge.user())["id"]
    bridge.upstream.calls.clear()
    await bridge.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": user}]})
    assert bridge.upstream.calls == [f"POST /groups/{group}/members"]
