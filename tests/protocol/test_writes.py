"""POST, PUT and DELETE by requirement (RFC 7644 sections 3.3, 3.5.1, 3.6 and 3.14): C, S, E and V."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from scim_bridge.query.capabilities import Writes
from scim_bridge.upstream.errors import NotFound, RateLimited, Unavailable
from tests.protocol.memory import BASE, ENTERPRISE, EXTRA, GROUP_URN, USER_URN, Bridge, error_of, users

FULL: dict[str, Any] = {
    "schemas": [USER_URN, ENTERPRISE],
    "userName": "bjensen",
    "externalId": "hr-1",
    "name": {"givenName": "Bárbara", "familyName": "Jensen"},
    "active": True,
    "emails": [{"value": "b@work.example", "type": "work", "primary": True}],
    ENTERPRISE: {"department": "D", "manager": {"value": "m1", "$ref": f"{BASE}/Users/m1"}},
}


async def test_a_created_resource_is_returned_as_stored() -> None:  # C-01, S-02 to S-05, M-07
    bridge = Bridge()
    response = await bridge.ask("POST", "/Users", FULL)
    body = response.json()
    assert response.status_code == 201
    assert response.headers["Location"] == body["meta"]["location"] == f"{BASE}/Users/{body['id']}"
    assert response.headers["ETag"] == body["meta"]["version"]
    assert body["meta"]["created"] == body["meta"]["lastModified"]
    assert {name: body[name] for name in FULL} == FULL
    assert (await bridge.ask("GET", f"/Users/{body['id']}")).json() == body


@pytest.mark.parametrize(
    ("change", "attribute", "expected"),
    [
        ({"id": "mine", "meta": {"location": "x"}, "groups": [{"value": "g"}]}, "groups", None),  # C-03
        ({"title": None, "emails": []}, "emails", None),  # C-09
        ({"active": "true"}, "active", True),
        ({"active": ["False"]}, "active", False),
        ({"USERNAME": "bjensen", "userName": None} | {}, "userName", None),
        ({"DisplayName": "B"}, "displayName", "B"),  # S-06
        ({"emails": [{"VALUE": "x@y", "Type": "work"}]}, "emails", [{"value": "x@y", "type": "work"}]),
        ({"emails": {"value": "x@y"}}, "emails", [{"value": "x@y"}]),
        ({"emails": ["x@y"]}, "emails", [{"value": "x@y"}]),
        ({"emails": [{"value": "x", "type": "work"}, {"value": "x", "type": "WORK"}]}, "emails",
         [{"value": "x", "type": "work"}]),  # C-16
        ({"emails": [{"value": "x", "primary": True}, {"value": "y", "primary": True}]}, "emails",
         [{"value": "x", "primary": True}, {"value": "y", "primary": False}]),  # C-12, G-01
        (
            {ENTERPRISE: {"manager": {"managerId": "m", "displayName": "M"}}},  # as SCIM 1.1 called it
            ENTERPRISE,
            {"manager": {"value": "m", "$ref": f"{BASE}/Users/m"}},
        ),
        ({"unknown": 1, "x509Certificates": None}, "unknown", None),  # C-32
        ({"profileUrl": "https://x.test"}, "profileUrl", None),
        ({"schemas": [USER_URN, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/User"]},
         "schemas", [USER_URN]),  # T-43
        ({"schemas": None}, "schemas", [USER_URN]),  # C-07
    ],
)  # fmt: skip
async def test_bodies_are_read_as_clients_send_them(change: Any, attribute: str, expected: Any) -> None:
    body = {"schemas": [USER_URN], "userName": "bjensen", **change}
    response = await Bridge().ask("POST", "/Users", {key: value for key, value in body.items() if key != "userName"} |
                                  ({"userName": body["userName"]} if body["userName"] else {}))  # fmt: skip
    if attribute == "userName":
        attribute, expected = "userName", "bjensen"
    assert response.status_code == 201, response.text
    assert response.json().get(attribute) == expected


async def test_what_is_ignored_is_said_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    body = {**FULL, "unknown": 1, "profileUrl": "https://x.test", "name": {"nope": "x", "givenName": "B"}}
    with caplog.at_level("INFO", "scim_bridge.access"):
        await Bridge().ask("POST", "/Users", body)
    assert vars(caplog.records[-1])["left_out"] == ["name.nope", "unknown", "profileUrl"]


@pytest.mark.parametrize(
    ("change", "scim_type"),
    [
        ({"userName": None}, "invalidValue"),  # C-05
        ({"userName": "  "}, "invalidValue"),  # C-06
        ({"userName": 7}, "invalidValue"),  # C-08
        ({"userName": "a\u0000b"}, "invalidValue"),  # M-08
        ({"active": "maybe"}, "invalidValue"),
        ({"name": "text"}, "invalidValue"),
        ({"emails": [7]}, "invalidValue"),
        ({EXTRA.id: {"level": "7"}}, "invalidValue"),  # S-07
        ({EXTRA.id: {"level": 1.5}}, "invalidValue"),
        ({EXTRA.id: {"level": True}}, "invalidValue"),
        ({EXTRA.id: {"ratio": "1"}}, "invalidValue"),
        ({EXTRA.id: {"since": "2026-01-01"}}, "invalidValue"),
        ({EXTRA.id: {"key": "a"}}, "invalidValue"),
        ({EXTRA.id: {"site": "no uri"}}, "invalidValue"),
        ({EXTRA.id: "text"}, "invalidValue"),
        ({"schemas": [USER_URN, "urn:example:unknown"]}, "invalidValue"),  # C-15
        ({"schemas": [ENTERPRISE]}, "invalidValue"),
        ({"schemas": []}, "invalidSyntax"),
        ({"schemas": "text"}, "invalidSyntax"),
        ({"USERNAME": "twice"}, "invalidSyntax"),
    ],
)
async def test_a_body_that_does_not_fit_is_refused(change: Any, scim_type: str) -> None:
    bridge = Bridge()
    assert error_of(await bridge.ask("POST", "/Users", {**FULL, **change})) == (400, scim_type)
    assert bridge.upstream.calls == []


@pytest.mark.parametrize(
    "change",
    [
        {"schemas": None},
        {"unknown": 1},
        {"name.givenName": "B"},
        {f"{ENTERPRISE}:department": "D"},
        {"active": "true"},
        {"emails": {"value": "x"}},
        {"emails": [{"value": "x", "primary": True}, {"value": "y", "primary": True}]},
        {"emails": [{"value": "x", "odd": "y"}]},
        {"profileUrl": "https://x.test"},
        {"schemas": [USER_URN, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/User"]},
    ],
)
async def test_strict_reading_takes_the_rfc_alone(change: Any) -> None:
    bridge = Bridge(profile="strict")
    status, _ = error_of(await bridge.ask("POST", "/Users", {**FULL, **change}))
    assert (status, bridge.upstream.calls) == (400, [])


async def test_strict_reading_takes_every_type() -> None:
    extra = {"level": 7, "since": "2026-01-01T00:00:00Z", "key": "aGk=", "site": "https://x.test/", "ratio": 1.5}
    response = await Bridge(profile="strict").ask("POST", "/Users", {**FULL, EXTRA.id: extra})
    assert response.status_code == 201, response.text
    assert response.json()[EXTRA.id] == extra


async def test_a_taken_user_name_is_a_conflict_in_any_case() -> None:  # C-04, C-24
    bridge = Bridge()
    await bridge.user("bjensen")
    other = await bridge.user("other")
    taken = {"schemas": [USER_URN], "userName": "BJENSEN"}
    assert error_of(await bridge.ask("POST", "/Users", taken)) == (409, "uniqueness")
    assert error_of(await bridge.ask("PUT", f"/Users/{other['id']}", taken)) == (409, "uniqueness")


async def test_a_user_name_is_taken_in_any_spelling_of_its_letters() -> None:  # S-15
    bridge = Bridge()
    own, other = await bridge.user("zo\u00e9"), await bridge.user("other")
    taken = {"schemas": [USER_URN], "userName": "ZOE\u0301"}
    rename = {"op": "replace", "path": "userName", "value": "zoe\u0301"}
    assert error_of(await bridge.ask("POST", "/Users", taken)) == (409, "uniqueness")
    assert error_of(await bridge.ask("PUT", f"/Users/{other['id']}", taken)) == (409, "uniqueness")
    assert error_of(await bridge.patch(f"/Users/{other['id']}", rename)) == (409, "uniqueness")
    assert (await bridge.ask("GET", f"/Users/{other['id']}")).json()["userName"] == "other"
    assert (await bridge.ask("PUT", f"/Users/{own['id']}", taken)).status_code == 200  # one's own name is free


async def test_only_a_name_that_has_two_spellings_costs_a_look_up() -> None:
    bridge = Bridge()
    await bridge.user("bjensen")
    assert bridge.upstream.calls == ["POST /users"]
    await bridge.user("zo\u00e9")
    assert bridge.upstream.calls[1:] == ["GET /users", "POST /users"]


@pytest.mark.parametrize(
    ("content", "content_type", "expected"),
    [
        (b"{", "application/scim+json", (400, "invalidSyntax")),  # M-05
        (b"[]", "application/scim+json", (400, "invalidSyntax")),  # M-06
        (b'"x"', "application/json", (400, "invalidSyntax")),
        (b"\xff{}", "application/json", (400, "invalidSyntax")),  # M-08
        (b'{"userName": "\\ud800"}', "application/json", (400, "invalidSyntax")),
        (b"[" * 5000, "application/json", (400, "invalidSyntax")),
        (b"<a/>", "text/xml", (415, None)),  # M-04
        (b" " * (17 * 1024 * 1024), "application/json", (413, None)),
    ],
)
async def test_what_is_no_json_object_is_refused(content: bytes, content_type: str, expected: Any) -> None:
    headers = {"Content-Type": content_type}
    assert error_of(await Bridge().ask("POST", "/Users", content=content, headers=headers)) == expected


async def test_both_media_types_are_taken_with_parameters() -> None:  # M-02
    for content_type in ("application/json; charset=utf-8", "application/scim+json;charset=UTF-8"):
        content = json.dumps({**FULL, "userName": content_type.replace(" ", "")}).encode()
        response = await Bridge().ask("POST", "/Users", content=content, headers={"Content-Type": content_type})
        assert response.status_code == 201


# -- PUT --------------------------------------------------------------------------------------------------------------


async def test_a_replaced_resource_keeps_only_what_the_body_says() -> None:  # C-20, C-25, contract section 5
    bridge = Bridge()
    made = await bridge.user(**{**FULL, "title": "Guide", "schemas": [USER_URN, ENTERPRISE]})
    body = {"schemas": [USER_URN], "userName": "new", "name": {"givenName": "B"}, "emails": []}
    response = await bridge.ask("PUT", f"/Users/{made['id']}", body)
    after = response.json()
    assert response.status_code == 200
    assert response.headers["ETag"] == after["meta"]["version"] != made["meta"]["version"]
    assert (after["userName"], after["name"]) == ("new", {"givenName": "B"})
    assert not {"title", "emails", "externalId"} & set(after)
    assert after["active"] is True  # an omitted `active` stays
    assert after[ENTERPRISE] == FULL[ENTERPRISE]  # so does an extension the body does not name
    assert after["meta"]["created"] == made["meta"]["created"]  # C-21
    assert (await bridge.ask("GET", f"/Users/{made['id']}")).json() == after


async def test_a_named_extension_is_cleared_and_readonly_values_are_ignored() -> None:
    bridge = Bridge()
    made = await bridge.user(**FULL)
    body = {"schemas": [USER_URN, ENTERPRISE], "userName": "bjensen", "id": "x", "groups": [], "meta": {"version": "x"}}
    after = (await bridge.ask("PUT", f"/Users/{made['id']}", body)).json()
    assert after["id"] == made["id"]
    assert ENTERPRISE not in after


async def test_an_immutable_value_may_be_repeated_but_not_changed() -> None:  # C-21
    bridge = Bridge()
    made = await bridge.user(**{EXTRA.id: {"badge": "1"}})
    body = {"schemas": [USER_URN, EXTRA.id], "userName": "bjensen", EXTRA.id: {"badge": "1", "level": 3}}
    assert (await bridge.ask("PUT", f"/Users/{made['id']}", body)).status_code == 200
    body[EXTRA.id] = {"badge": "2"}
    assert error_of(await bridge.ask("PUT", f"/Users/{made['id']}", body)) == (400, "mutability")
    body[EXTRA.id] = {"level": 4}
    after = (await bridge.ask("PUT", f"/Users/{made['id']}", body)).json()
    assert after[EXTRA.id] == {"badge": "1", "level": 4}  # what is left out is no other value


async def test_put_never_creates_and_needs_what_is_required() -> None:  # C-22, C-23
    bridge = Bridge()
    made = await bridge.user()
    assert error_of(await bridge.ask("PUT", "/Users/none", FULL)) == (404, None)
    body = {"schemas": [USER_URN], "title": "x"}
    assert error_of(await bridge.ask("PUT", f"/Users/{made['id']}", body)) == (400, "invalidValue")


async def test_put_replaces_the_members_of_a_group_by_their_difference() -> None:
    bridge = Bridge()
    first, second, third = [(await bridge.user(name))["id"] for name in ("a", "b", "c")]
    group = (await bridge.group("Staff", first, second))["id"]
    bridge.upstream.calls.clear()
    body = {"schemas": [GROUP_URN], "displayName": "Staff", "members": [{"value": second}, {"value": third}]}
    after = (await bridge.ask("PUT", f"/Groups/{group}", body)).json()
    assert sorted(each["value"] for each in after["members"]) == [second, third]
    writes = [call for call in bridge.upstream.calls if not call.startswith("GET")]
    assert writes == [f"POST /groups/{group}/members"] * 2  # one removal, one addition; the name did not change


async def test_put_without_members_leaves_none() -> None:  # C-20
    bridge = Bridge()
    group = (await bridge.group("Staff", (await bridge.user())["id"]))["id"]
    after = (await bridge.ask("PUT", f"/Groups/{group}", {"schemas": [GROUP_URN], "displayName": "Staff"})).json()
    assert "members" not in after


# -- groups -----------------------------------------------------------------------------------------------------------


async def test_members_come_with_type_and_reference() -> None:  # S-21
    bridge = Bridge()
    user = (await bridge.user())["id"]
    made = await bridge.group("Staff", user)
    assert made["members"] == [{"value": user, "type": "User", "$ref": f"{BASE}/Users/{user}"}]


async def test_a_group_whose_member_does_not_exist_is_not_made() -> None:  # S-23
    bridge = Bridge()
    body = {"schemas": [GROUP_URN], "displayName": "Staff", "members": [{"value": "nobody"}]}
    assert error_of(await bridge.ask("POST", "/Groups", body)) == (400, "invalidValue")
    assert bridge.upstream.records["groups"] == {}  # the group that was made first is taken back


async def test_a_group_needs_a_name() -> None:  # S-25
    body = {"schemas": [GROUP_URN], "members": []}
    assert error_of(await Bridge().ask("POST", "/Groups", body)) == (400, "invalidValue")


async def test_what_could_not_be_undone_is_said() -> None:
    bridge = Bridge()
    bridge.upstream.fail = {
        "POST /groups/g1/members": NotFound("up", "there is no such user"),
        "DELETE /groups/g1": Unavailable("up", "down"),
    }
    body = {"schemas": [GROUP_URN], "displayName": "Staff", "members": [{"value": "nobody"}]}
    response = await bridge.ask("POST", "/Groups", body)
    assert error_of(response) == (502, None)
    assert "POST /groups" in response.json()["detail"]


async def test_a_change_whose_result_cannot_be_read_is_not_told_as_refused() -> None:
    bridge = Bridge()
    user, group = (await bridge.user())["id"], (await bridge.group())["id"]
    bridge.upstream.fail = {"GET": RateLimited("up", "slow", retry_after_seconds=5)}
    add = {"op": "add", "path": "members", "value": [{"value": user}]}
    response = await bridge.patch(f"/Groups/{group}?attributes=members", add)
    assert error_of(response) == (502, None)
    assert "took effect" in response.json()["detail"]
    assert list(bridge.upstream.members[group]) == [user]


async def test_a_new_group_is_told_even_if_its_members_cannot_be_read() -> None:
    bridge = Bridge()
    user = (await bridge.user())["id"]
    bridge.upstream.fail = {"GET": RateLimited("up", "slow", retry_after_seconds=5)}
    made = await bridge.group("Staff", user)
    assert [each["value"] for each in made["members"]] == [user]
    assert "version" not in made["meta"]


# -- DELETE and conditions --------------------------------------------------------------------------------------------


async def test_a_deleted_resource_is_gone_everywhere() -> None:  # C-17
    bridge = Bridge()
    made = (await bridge.user())["id"]
    bridge.upstream.calls.clear()
    response = await bridge.ask("DELETE", f"/Users/{made}")
    assert (response.status_code, response.content) == (204, b"")
    assert bridge.upstream.calls == [f"DELETE /users/{made}"]  # not read first
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        body: Any = FULL if method == "PUT" else {"Operations": [{"op": "remove", "path": "title"}]}
        answer = await bridge.ask(method, f"/Users/{made}", None if method in ("GET", "DELETE") else body)
        assert error_of(answer) == (404, None)
    assert (await bridge.ask("GET", "/Users")).json()["totalResults"] == 0
    assert (await bridge.user())["userName"] == "bjensen"


async def test_an_id_is_compared_with_its_case() -> None:  # C-31
    bridge = Bridge()
    made = (await bridge.user())["id"]
    assert error_of(await bridge.ask("GET", f"/Users/{made.upper()}")) == (404, None)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("kind", ["Users", "Groups"])
async def test_a_write_with_another_version_is_not_carried_out(method: str, kind: str) -> None:  # E-03, E-04
    bridge = Bridge()
    user = await bridge.user()
    made = user if kind == "Users" else await bridge.group("Staff", user["id"])
    path = f"/{kind}/{made['id']}"
    patch = {"Operations": [{"op": "replace", "path": "displayName", "value": "New"}]}
    put = {**made, "displayName": "New"}
    body: Any = {"PUT": put, "PATCH": patch, "DELETE": None}[method]
    refused = await bridge.ask(method, path, body, headers={"If-Match": 'W/"other"'})
    assert error_of(refused) == (412, None)
    assert (await bridge.ask("GET", path)).json() == made
    for start in ("", '"x", '):
        tag = f"{start}{made['meta']['version']}"
        answer = await bridge.ask(method, path, body, headers={"If-Match": tag})
        assert answer.status_code in (200, 204)
        if method == "DELETE":
            break
        made = (await bridge.ask("GET", path)).json()


async def test_any_version_is_one_that_exists() -> None:
    bridge = Bridge()
    made = (await bridge.user())["id"]
    operation = {"op": "add", "path": "title", "value": "x"}
    assert (await bridge.patch(f"/Users/{made}", operation, headers={"If-Match": "*"})).status_code == 200
    assert error_of(await bridge.patch(f"/Users/{made}", operation, headers={"If-None-Match": "*"})) == (412, None)


async def test_the_version_of_a_group_changes_with_its_members() -> None:  # E-04
    bridge = Bridge()
    user, group = (await bridge.user())["id"], (await bridge.group())["id"]
    versions = [(await bridge.ask("GET", f"/Groups/{group}")).headers["ETag"]]
    add = {"op": "add", "path": "members", "value": [{"value": user}]}
    for _ in range(2):
        await bridge.patch(f"/Groups/{group}", add)
        versions.append((await bridge.ask("GET", f"/Groups/{group}")).headers["ETag"])
    assert versions[0] != versions[1] == versions[2]
    assert "ETag" not in (await bridge.ask("GET", f"/Groups/{group}?excludedAttributes=members")).headers


async def test_one_of_two_writes_with_the_same_version_wins() -> None:  # E-06
    bridge = Bridge()
    made = await bridge.user()
    answers = await asyncio.gather(
        *(
            bridge.patch(
                f"/Users/{made['id']}",
                {"op": "replace", "path": "title", "value": title},
                headers={"If-Match": made["meta"]["version"]},
            )
            for title in ("one", "two")
        )
    )
    assert sorted(each.status_code for each in answers) == [200, 412]


async def test_a_read_with_the_current_version_is_not_answered_again() -> None:  # E-01, E-02
    bridge = Bridge()
    made = await bridge.user()
    path, version = f"/Users/{made['id']}", made["meta"]["version"]
    for tag in (version, f'"x", {version}', "*", version.removeprefix("W/")):
        response = await bridge.ask("GET", path, headers={"If-None-Match": tag})
        assert (response.status_code, response.content, response.headers["ETag"]) == (304, b"", version)
    assert (await bridge.ask("GET", path, headers={"If-None-Match": '"x"'})).status_code == 200


async def test_attributes_choose_what_every_write_shows() -> None:  # V-04
    bridge = Bridge()
    made = await bridge.ask("POST", "/Users?attributes=userName", FULL)
    assert set(made.json()) == {"schemas", "id", "userName"}
    path = f"/Users/{made.json()['id']}"
    put = await bridge.ask("PUT", f"{path}?excludedAttributes=name,emails", FULL)
    assert not {"name", "emails"} & set(put.json())
    patched = await bridge.patch(f"{path}?attributes=title", {"op": "add", "path": "title", "value": "x"})
    assert patched.json() == {"schemas": [USER_URN, ENTERPRISE], "id": made.json()["id"], "title": "x"}


async def test_what_is_returned_on_request_is_shown_to_who_wrote_it() -> None:  # V-09
    bridge = Bridge()
    made = await bridge.user(**{EXTRA.id: {"hint": "h", "level": 1}})
    assert made[EXTRA.id] == {"hint": "h", "level": 1}
    path = f"/Users/{made['id']}"
    assert (await bridge.ask("GET", path)).json()[EXTRA.id] == {"level": 1}
    assert (await bridge.ask("GET", f"{path}?attributes={EXTRA.id}:hint")).json()[EXTRA.id] == {"hint": "h"}


async def test_a_password_is_never_shown() -> None:  # C-10, S-17
    bridge = Bridge()
    made = await bridge.ask("POST", "/Users?attributes=userName,password", {**FULL, "password": "s3cret!"})
    assert made.status_code == 201
    for path in ("/Users", f"/Users/{made.json()['id']}", "/Users?attributes=password"):
        assert "s3cret" not in (await bridge.ask("GET", path)).text
    assert "s3cret" not in made.text


async def test_a_read_only_connection_refuses_writes() -> None:  # D-09, H-04
    bridge = Bridge(writable=False)
    for method, path in [("POST", "/Users"), ("PUT", "/Users/u1"), ("PATCH", "/Users/u1"), ("DELETE", "/Users/u1")]:
        assert error_of(await bridge.ask(method, path, {})) == (403, None)
    assert error_of(await bridge.ask("POST", "/Bulk", {})) == (403, None)
    assert bridge.upstream.calls == []


async def test_a_type_of_which_nothing_can_be_changed_refuses_even_what_would_change_nothing() -> None:
    bridge = Bridge(collections=[replace(users(), writes=Writes())])
    body = {"schemas": [USER_URN], "userName": "bjensen"}
    for method, path in [("POST", "/Users"), ("PUT", "/Users/u1"), ("DELETE", "/Users/u1")]:
        assert error_of(await bridge.ask(method, path, body)) == (501, None)
    assert error_of(await bridge.patch("/Users/u1", {"op": "replace", "value": {"active": False}})) == (501, None)
    assert [each for each in bridge.upstream.calls if not each.startswith("GET")] == []
