"""No write takes away, or hides, more than the client asked for (T-07 to T-39, C-20 to C-25, S-09)."""

from typing import Any

import pytest

from tests.protocol.memory import ENTERPRISE, EXTRA, GROUP_URN, USER_URN, Bridge, error_of

WORK = {"value": "b@work.example", "type": "work", "primary": True}
HOME = {"value": "b@home.example", "type": "home"}
START: dict[str, Any] = {
    "name": {"givenName": "Barbara", "familyName": "Jensen"},
    "title": "Guide",
    "active": True,
    "emails": [WORK, HOME],
    "addresses": [{"type": "work", "locality": "Bern"}, {"type": "home", "locality": "Basel"}],
    ENTERPRISE: {"department": "D", "manager": {"value": "m1"}},
    EXTRA.id: {"codes": ["a", "b"]},
}
SAYS_NOTHING = ["", {}, [{}], [None], [{"value": None}], [{"nope": "x"}], {"nope": "x"}]


async def tried(operation: Any, **how: Any) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """The answer to one operation on a user, and the user before and after."""
    bridge = Bridge(**how)
    await bridge.user(**START)
    before = (await bridge.ask("GET", "/Users/u1")).json()
    answer = await bridge.patch("/Users/u1", operation)
    return answer, before, (await bridge.ask("GET", "/Users/u1")).json()


@pytest.mark.parametrize("value", SAYS_NOTHING)
@pytest.mark.parametrize("path", ["emails", 'emails[type eq "work"]', 'emails[type eq "new"]'])
@pytest.mark.parametrize("op", ["add", "replace", "remove"])
async def test_a_value_that_says_nothing_takes_nothing_away(op: str, path: str, value: Any) -> None:  # T-11, T-32, T-39
    answer, before, after = await tried({"op": op, "path": path, "value": value})
    if op == "remove" and "[" in path:
        assert answer.status_code == 200  # the filter says what goes
        return
    scim_type = "noTarget" if (op, path) == ("replace", 'emails[type eq "new"]') else "invalidValue"
    assert error_of(answer) == (400, scim_type)
    assert after == before


@pytest.mark.parametrize(
    "path",
    ["title", "name", "name.givenName", "emails", "emails.type", 'emails[type eq "work"].value', "active", ENTERPRISE],
)
@pytest.mark.parametrize("profile", ["auto", "strict"])
async def test_to_add_nothing_is_no_way_to_remove(profile: str, path: str) -> None:  # T-01, T-23
    answer, before, after = await tried({"op": "add", "path": path, "value": None}, profile=profile)
    assert error_of(answer) == (400, "invalidValue")
    assert after == before


async def test_a_part_of_a_resource_adds_what_it_names_and_nothing_else() -> None:  # T-04
    value = {"title": None, "nickName": "Babs", "name": {"givenName": None, "middleName": "J"}, ENTERPRISE: None}
    answer, before, after = await tried({"op": "add", "value": value})
    assert answer.status_code == 200, answer.text
    assert after["nickName"] == "Babs"
    assert after["name"] == {**before["name"], "middleName": "J"}
    assert (after["title"], after[ENTERPRISE]) == (before["title"], before[ENTERPRISE])


async def test_null_replaces_what_is_there_by_nothing() -> None:  # T-07, S-09
    answer, _, after = await tried(
        {"op": "replace", "value": {"title": None, "name": {"givenName": None}, EXTRA.id: None}}
    )
    assert answer.status_code == 200, answer.text
    assert "title" not in after
    assert after["name"] == {"familyName": "Jensen"}
    assert EXTRA.id not in after
    answer, _, after = await tried({"op": "replace", "path": 'emails[type eq "work"]', "value": None})
    assert after["emails"] == [HOME]


@pytest.mark.parametrize(
    "operation", [{"path": EXTRA.id, "value": {"codes": ["c"]}}, {"value": {EXTRA.id: {"codes": ["c"]}}}]
)
async def test_an_extension_as_a_whole_adds_to_its_lists(operation: Any) -> None:  # T-02, T-28
    answer, _, after = await tried({"op": "add", **operation})
    assert answer.status_code == 200, answer.text
    assert after[EXTRA.id] == {"codes": ["a", "b", "c"]}
    _, _, after = await tried({"op": "replace", **operation})
    assert after[EXTRA.id] == {"codes": ["c"]}


async def test_an_unknown_name_in_an_extension_is_told() -> None:  # C-32, T-21
    operation = {"op": "add", "path": EXTRA.id, "value": {"nope": 1}}
    assert error_of((await tried(operation, profile="strict"))[0]) == (400, "invalidPath")
    answer, before, after = await tried(operation)
    assert answer.status_code == 200 and after == before  # nothing to do, so the version stays (T-03)


@pytest.mark.parametrize("value", ["", [None], [""]])
async def test_a_manager_without_an_id_is_none(value: Any) -> None:  # T-33
    answer, before, after = await tried({"op": "Replace", "path": f"{ENTERPRISE}:manager", "value": value})
    assert error_of(answer) == (400, "invalidValue")
    assert after == before


async def test_adding_an_empty_list_is_no_change() -> None:  # T-03
    answer, before, after = await tried({"op": "add", "path": f"{EXTRA.id}:codes", "value": []})
    assert answer.status_code == 200 and after == before


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ([{"type": "work"}], ["home"]),
        ([{"locality": "Basel"}], ["work"]),
        ([{"type": "work", "locality": "Basel"}], ["work", "home"]),
        ([], ["work", "home"]),
    ],
)
async def test_values_without_a_value_are_named_by_all_that_is_given(value: Any, left: list[str]) -> None:  # T-39
    _, _, after = await tried({"op": "Remove", "path": "addresses", "value": value})
    assert [each["type"] for each in after["addresses"]] == left


@pytest.mark.parametrize(("value", "left"), [("a", ["b"]), (["a", "b"], []), ("z", ["a", "b"])])
async def test_simple_values_are_removed_one_by_one(value: Any, left: list[str]) -> None:  # T-39
    _, _, after = await tried({"op": "Remove", "path": f"{EXTRA.id}:codes", "value": value})
    assert after.get(EXTRA.id, {}).get("codes", []) == left


async def test_two_values_made_equal_are_one_and_at_most_one_is_primary() -> None:  # C-16, S-10
    operation = {
        "op": "replace",
        "path": 'emails[type eq "work" or type eq "home"]',
        "value": {**HOME, "primary": True},
    }
    for profile in ("auto", "strict"):
        _, _, after = await tried(operation, profile=profile)
        assert after["emails"] == [{**HOME, "primary": True}]


async def test_a_value_given_twice_is_the_primary_one_if_either_is() -> None:  # C-12, C-16
    again = [{"value": "a@b", "type": "work"}, {"value": "a@b", "type": "work", "primary": True}]
    assert (await Bridge().user(emails=again))["emails"] == [again[1]]


@pytest.mark.parametrize("value", [["x"], [USER_URN, "urn:x"], [], "", None, 5])
async def test_the_schemas_are_not_for_clients_to_choose(value: Any) -> None:  # S-01, T-20
    answer, before, after = await tried({"op": "replace", "path": "schemas", "value": value})
    assert error_of(answer) == (400, "invalidValue")
    answer, before, after = await tried({"op": "remove", "path": 'schemas[value sw "urn"]'})
    assert error_of(answer) == (400, "mutability")
    answer, before, after = await tried({"op": "replace", "path": "schemas", "value": [USER_URN]})
    assert answer.status_code == 200 and after == before


# -- PUT and POST -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"emails": [{"nope": "x"}]},
        {"name": {"givenName": "a", "GIVENNAME": "b"}},
        {"name": {"givenName": "a"}, "name.givenName": "b"},
        {"name.givenName": "a", "name": {"givenName": "b"}},
        {"name.givenName": "a", "NAME.GIVENNAME": "a"},
        {"emails.value": "a@b"},
    ],
)
async def test_a_body_that_contradicts_itself_is_refused(change: Any) -> None:  # M-09, C-08
    bridge = Bridge()
    await bridge.user(**START)
    before = (await bridge.ask("GET", "/Users/u1")).json()
    for method, path in (("PUT", "/Users/u1"), ("POST", "/Users")):
        answer = await bridge.ask(method, path, {"schemas": [USER_URN], "userName": "other", **change})
        assert error_of(answer)[0] == 400
    assert (await bridge.ask("GET", "/Users/u1")).json() == before


async def test_dotted_names_and_the_object_make_one_value() -> None:  # T-29
    for body in (
        {"name.givenName": "a", "name": {"familyName": "b"}},
        {"name": {"familyName": "b"}, "name.givenName": "a"},
    ):
        assert (await Bridge().user(**body))["name"] == {"givenName": "a", "familyName": "b"}


async def test_nulls_under_unknown_names_are_borne() -> None:  # W-01
    made = await Bridge().user(emails=[{"$odd": None, "value": None}], name={"odd": None})
    assert "emails" not in made and "name" not in made


async def test_a_replacement_keeps_what_can_only_be_set_once() -> None:  # C-21
    bridge = Bridge()
    await bridge.user(**{EXTRA.id: {"badge": "1", "level": 3}})
    body: dict[str, Any] = {"schemas": [USER_URN, EXTRA.id], "userName": "bjensen"}
    after = (await bridge.ask("PUT", "/Users/u1", body)).json()
    assert after[EXTRA.id] == {"badge": "1"}  # the URN is named and its other values are not
    after = (await bridge.ask("PUT", "/Users/u1", {**body, "schemas": [USER_URN]})).json()
    assert after[EXTRA.id] == {"badge": "1"}


# -- members ----------------------------------------------------------------------------------------------------------


async def group_of_two(**how: Any) -> Bridge:
    bridge = Bridge(**how)
    await bridge.group("Staff", (await bridge.user("a"))["id"], (await bridge.user("b"))["id"])
    bridge.upstream.calls.clear()
    return bridge


async def members_of(bridge: Bridge, group: str = "g5") -> list[str]:
    shown = (await bridge.ask("GET", f"/Groups/{group}")).json()
    return sorted(each["value"] for each in shown.get("members", []))


def put_of(members: Any) -> dict[str, Any]:
    return {"schemas": [GROUP_URN], "displayName": "Staff", "members": members}


@pytest.mark.parametrize(
    "members", ["", {}, [{}], [None], [{"value": None}], [{"value": ""}], [{"nope": "x"}], [{"display": "x"}]]
)
async def test_members_that_name_nobody_empty_no_group(members: Any) -> None:  # T-38, T-39, C-25
    bridge = await group_of_two()
    for op in ("add", "replace", "remove"):
        operation = {"op": op, "path": "members", "value": members}
        assert error_of(await bridge.patch("/Groups/g5", operation)) == (400, "invalidValue")
    assert error_of(await bridge.ask("PUT", "/Groups/g5", put_of(members))) == (400, "invalidValue")
    assert error_of(await bridge.ask("POST", "/Groups", put_of(members))) == (400, "invalidValue")
    assert not [call for call in bridge.upstream.calls if not call.startswith("GET")]


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "members", "value": None},
        {"op": "replace", "value": {"displayName": "New", "members": None}},
        {"op": "remove", "path": "members", "value": None},
    ],
)
async def test_null_members_empty_no_group(operation: Any) -> None:  # K-05, T-39
    bridge = await group_of_two()
    assert error_of(await bridge.patch("/Groups/g5", operation)) == (400, "invalidValue")
    assert not [call for call in bridge.upstream.calls if not call.startswith("GET")]
    assert error_of(await bridge.ask("PUT", "/Groups/g5", put_of(None))) == (400, "invalidValue")
    assert await members_of(bridge) == ["u1", "u3"]


async def test_null_members_are_none_where_there_are_none_and_in_strict_reading() -> None:  # S-09, C-25
    bridge = await group_of_two()
    await bridge.patch("/Groups/g5", {"op": "remove", "path": "members"})
    assert (await bridge.ask("PUT", "/Groups/g5", put_of(None))).status_code == 200
    assert (await bridge.patch("/Groups/g5", {"op": "replace", "path": "members", "value": None})).status_code == 204
    strict = await group_of_two(profile="strict")
    assert (await strict.ask("PUT", "/Groups/g5", put_of(None))).status_code == 200
    assert await members_of(strict) == []


@pytest.mark.parametrize("op", ["add", "replace", "remove"])
@pytest.mark.parametrize(
    "path", ["members.value", "members.type", 'members[value eq "u1"].value', "members[type pr].display"]
)
async def test_what_a_member_is_cannot_be_changed(path: str, op: str) -> None:  # T-20
    bridge = await group_of_two()
    operation = {"op": op, "path": path, **({} if op == "remove" else {"value": "u3"})}
    for operations in ([operation], [{"op": "remove", "path": 'members[type eq "x"]'}, operation]):
        assert error_of(await bridge.patch("/Groups/g5", *operations)) == (400, "mutability")


async def test_no_member_becomes_another_one() -> None:  # T-20
    bridge = await group_of_two()
    await bridge.user("c")
    value = {"value": "u7"}
    answer = await bridge.patch("/Groups/g5", {"op": "add", "path": 'members[value eq "u1"]', "value": value})
    assert error_of(answer) == (400, "mutability")
    answer = await bridge.patch(
        "/Groups/g5", {"op": "replace", "path": 'members[type eq "User"]', "value": {"display": "x"}}
    )
    assert error_of(answer) == (400, "invalidValue")
    answer = await bridge.patch("/Groups/g5", {"op": "replace", "path": 'members[value eq "u1"]', "value": value})
    assert answer.status_code == 204
    assert await members_of(bridge) == ["u3", "u7"]


async def test_a_reference_is_no_way_to_select_members() -> None:  # T-21
    bridge = await group_of_two()
    operation = {"op": "remove", "path": 'members[$ref co "Users" or not ($ref pr)]'}
    assert error_of(await bridge.patch("/Groups/g5", operation)) == (400, "invalidFilter")


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_an_unknown_member_does_not_make_the_group_unknown(method: str) -> None:  # S-23, X-02
    bridge = await group_of_two()
    add = {"op": "add", "path": "members", "value": [{"value": "nobody"}]}
    members = [{"value": "u1"}, {"value": "u3"}, {"value": "nobody"}]
    for group, expected in (("g5", (400, "invalidValue")), ("g404", (404, None))):
        if method == "PATCH":
            answer = await bridge.patch(f"/Groups/{group}", add)
        else:
            answer = await bridge.ask("PUT", f"/Groups/{group}", put_of(members))
        assert error_of(answer) == expected
    assert await members_of(bridge) == ["u1", "u3"]


async def test_a_thousand_members_change_by_their_difference() -> None:  # T-38
    bridge = Bridge()
    users = [(await bridge.user(f"u{number}"))["id"] for number in range(1000)]
    group = (await bridge.group("Staff", *users))["id"]
    bridge.upstream.calls.clear()
    body = put_of([{"value": each} for each in users[3:]])
    answer = await bridge.ask("PUT", f"/Groups/{group}?excludedAttributes=members", body)
    assert answer.status_code == 200
    assert [call for call in bridge.upstream.calls if not call.startswith("GET")] == [f"POST /groups/{group}/members"]
    assert await members_of(bridge, group) == sorted(users[3:])
