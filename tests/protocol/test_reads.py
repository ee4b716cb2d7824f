"""Reads by requirement: filters, sorting, paging by index and cursor, projection, `.search` and the root."""

from typing import Any

import pytest

from scim_bridge.protocol.search import Paging
from scim_bridge.query.run import ReadLimits
from tests.protocol.memory import BASE, ENTERPRISE, EXTRA, USER_URN, Bridge, error_of

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


async def people(bridge: Bridge, count: int = 7) -> list[str]:
    """Users u0, u1, … of alternating titles, straight in the upstream; their ids."""
    for number in range(count):
        bridge.upstream.records["users"][f"u{number}"] = {
            "id": f"u{number}",
            "userName": f"User{number}",
            "title": "AB"[number % 2],
            "name": {"familyName": f"F{count - number}"},
            "emails": [{"value": f"u{number}@x.test", "type": "work"}],
            "active": number % 3 == 0,
            "meta": {"created": "2026-01-01T00:00:00Z", "lastModified": f"2026-01-01T00:00:{number:02d}Z"},
        }
    return list(bridge.upstream.records["users"])


def names(response: Any) -> list[str]:
    assert response.status_code == 200, response.text
    return [each["id"] for each in response.json()["Resources"]]


async def found(bridge: Bridge, **parameters: Any) -> list[str]:
    return names(await bridge.ask("GET", "/Users", params=parameters))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('userName eq "USER3"', ["u3"]),
        ('title eq "a" and active eq true', ["u0", "u6"]),
        ('emails co "u1@"', ["u1"]),
        ('emails[type eq "work" and value sw "u2"]', ["u2"]),
        ('emails[type eq "work"].value eq "u2@x.test"', ["u2"]),
        ('meta.lastModified gt "2026-01-01T00:00:04.0000000Z"', ["u5", "u6"]),
        ('userName eq "nobody"', []),
        ('id eq "u4" or id eq "u2"', ["u4", "u2"]),
        ("not (title pr)", []),
        (f'{USER_URN}:userName eq "user1"', ["u1"]),
        (f"{ENTERPRISE}:department pr", []),
        (f'schemas eq "{USER_URN}" and userName ew "6"', ["u6"]),
    ],
)
async def test_filters_find_what_they_say(text: str, expected: list[str]) -> None:
    bridge = Bridge()
    await people(bridge)
    assert sorted(await found(bridge, filter=text)) == sorted(expected)
    answer = await bridge.ask("POST", "/Users/.search", {"schemas": [SEARCH], "filter": text})
    assert sorted(names(answer)) == sorted(expected)
    assert answer.json()["totalResults"] == len(expected)


@pytest.mark.parametrize(
    ("parameters", "scim_type"),
    [
        ({"filter": "userName eq"}, "invalidFilter"),  # F-20
        ({"filter": "userName eq 'x'"}, "invalidFilter"),
        ({"filter": "active gt true"}, "invalidFilter"),  # F-21
        ({"filter": 'password eq "x"'}, "invalidFilter"),  # F-24
        ({"filter": "(" * 60 + 'userName eq "x"' + ")" * 60}, "invalidFilter"),  # F-25
        ({"sortBy": "nope"}, "invalidValue"),
        ({"sortBy": "name"}, "invalidValue"),  # O-02
        ({"sortBy": "userName", "sortOrder": "up"}, "invalidValue"),  # O-04
        ({"startIndex": "one"}, "invalidValue"),  # P-07
        ({"count": "1.5"}, "invalidValue"),
        ({"attributes": "userName", "excludedAttributes": "name"}, "invalidValue"),  # V-05
    ],
)
@pytest.mark.parametrize("path", ["/Users", "/"])
async def test_what_cannot_be_asked_is_refused(path: str, parameters: Any, scim_type: str) -> None:
    bridge = Bridge()
    await people(bridge)
    assert error_of(await bridge.ask("GET", path, params=parameters)) == (400, scim_type)


async def test_an_attribute_that_no_type_has_is_refused_at_a_type_and_matches_nothing_at_the_root() -> None:  # F-22
    bridge = Bridge()
    await people(bridge)
    parameters = {"filter": 'nope eq "x"'}
    assert error_of(await bridge.ask("GET", "/Users", params=parameters)) == (400, "invalidFilter")
    assert (await bridge.ask("GET", "/", params=parameters)).json()["totalResults"] == 0


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, ["u0", "u1", "u2", "u3", "u4", "u5", "u6"]),
        ({"count": 2}, ["u0", "u1"]),
        ({"startIndex": 3, "count": 2}, ["u2", "u3"]),
        ({"startIndex": 6, "count": 5}, ["u5", "u6"]),
        ({"startIndex": 0, "count": 1}, ["u0"]),  # P-01
        ({"startIndex": -5, "count": 1}, ["u0"]),
        ({"count": 0}, []),  # P-02
        ({"count": -1}, []),  # P-03
        ({"startIndex": 8}, []),  # P-04
        ({"startIndex": 800, "count": 1}, []),
        ({"sortBy": "userName", "sortOrder": "descending", "count": 2}, ["u6", "u5"]),
        ({"sortBy": "name.familyName", "startIndex": 2, "count": 2}, ["u5", "u4"]),
        ({"sortBy": "emails", "count": 1}, ["u0"]),  # O-03
        ({"STARTINDEX": 2, "Count": 1, "odd": "x"}, ["u1"]),  # H-08
        ({"startIndex": "", "count": "", "filter": ""}, ["u0", "u1", "u2", "u3", "u4", "u5", "u6"]),
    ],
)
async def test_pages_are_cut_exactly(parameters: Any, expected: list[str]) -> None:
    bridge = Bridge()
    await people(bridge)
    body = (await bridge.ask("GET", "/Users", params=parameters)).json()
    assert [each["id"] for each in body["Resources"]] == expected
    assert (body["totalResults"], body["itemsPerPage"]) == (7, len(expected))  # P-05, P-08
    assert body["schemas"] == [LIST]
    assert body["startIndex"] == max(1, int(parameters.get("startIndex") or parameters.get("STARTINDEX") or 1))


async def test_page_sizes_have_a_default_and_a_maximum() -> None:  # P-06
    bridge = Bridge(paging=Paging(default_count=2, max_count=3))
    await people(bridge)
    assert len(await found(bridge)) == 2
    assert len(await found(bridge, count=100)) == 3


async def test_a_query_that_reads_too_much_is_refused_and_not_shortened() -> None:  # F-29, P-09
    bridge = Bridge(limits=ReadLimits(scan_rows=5))
    await people(bridge)
    assert error_of(await bridge.ask("GET", "/Users", params={"filter": 'title co "a"'})) == (400, "tooMany")
    assert error_of(await bridge.ask("GET", "/", params={"sortBy": "title"})) == (400, "tooMany")
    assert len(await found(bridge)) == 7


# -- cursors (RFC 9865) -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parameters", [{}, {"filter": 'title co "a"'}, {"sortBy": "userName"}])
async def test_cursors_lead_through_every_page_once(parameters: Any) -> None:  # U-02
    bridge = Bridge()
    everyone = await people(bridge)
    expected = everyone if "filter" not in parameters else everyone[::2]
    seen, cursor = [], ""
    while True:
        body = (await bridge.ask("GET", "/Users", params={**parameters, "count": 3, "cursor": cursor})).json()
        assert "startIndex" not in body
        assert "previousCursor" not in body
        seen += [each["id"] for each in body["Resources"]]
        if "nextCursor" not in body:
            break
        cursor = body["nextCursor"]
        assert set(cursor) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
    assert seen == expected


async def test_cursors_work_in_a_search_request_and_at_the_root() -> None:  # U-05
    bridge = Bridge()
    everyone = await people(bridge)
    for path in ("/Users/.search", "/.search"):
        first = (await bridge.ask("POST", path, {"schemas": [SEARCH], "count": 4, "cursor": ""})).json()
        body = {"schemas": [SEARCH], "count": 4, "cursor": first["nextCursor"]}
        second = (await bridge.ask("POST", path, body)).json()
        assert [each["id"] for each in first["Resources"] + second["Resources"]] == everyone


@pytest.mark.parametrize(
    ("change", "scim_type"),
    [
        ({"cursor": "forged"}, "invalidCursor"),  # U-03
        ({"filter": "title pr"}, "invalidCursor"),  # U-04
        ({"sortBy": "title"}, "invalidCursor"),
        ({"count": 2}, "invalidCount"),
    ],
)
async def test_a_cursor_is_good_for_its_query_alone(change: Any, scim_type: str) -> None:
    bridge = Bridge()
    await people(bridge)
    first = (await bridge.ask("GET", "/Users", params={"cursor": "", "count": 3})).json()
    parameters = {"cursor": first["nextCursor"], "count": 3, **change}
    assert error_of(await bridge.ask("GET", "/Users", params=parameters)) == (400, scim_type)


async def test_a_cursor_is_good_for_its_caller_alone() -> None:  # U-07
    bridge = Bridge()
    await people(bridge)
    first = (await bridge.ask("GET", "/Users", params={"cursor": "", "count": 3})).json()
    parameters = {"cursor": first["nextCursor"], "count": 3}
    assert error_of(await bridge.ask("GET", "/Users", params=parameters, token="other")) == (400, "invalidCursor")


async def test_a_cursor_ends() -> None:  # U-03
    bridge = Bridge(paging=Paging(cursor_seconds=-1))
    await people(bridge)
    first = (await bridge.ask("GET", "/Users", params={"cursor": "", "count": 3})).json()
    parameters = {"cursor": first["nextCursor"], "count": 3}
    assert error_of(await bridge.ask("GET", "/Users", params=parameters)) == (400, "expiredCursor")


# -- projection -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"attributes": "userName"}, {"schemas", "id", "userName"}),  # V-01
        ({"attributes": " USERNAME , emails.value"}, {"schemas", "id", "userName", "emails"}),  # V-02
        ({"attributes": f"{USER_URN}:userName"}, {"schemas", "id", "userName"}),
        ({"attributes": "nope"}, {"schemas", "id"}),  # V-06
        ({"attributes": "meta"}, {"schemas", "id", "meta"}),
        ({"attributes": ENTERPRISE}, {"schemas", "id", ENTERPRISE}),  # V-08
        ({"attributes": f"{ENTERPRISE}:manager.value"}, {"schemas", "id", ENTERPRISE}),
        ({"excludedAttributes": f"emails,name,id,schemas,{ENTERPRISE},{EXTRA.id}"},
         {"schemas", "id", "userName", "meta"}),  # V-03
    ],
)  # fmt: skip
async def test_the_attributes_asked_for_are_shown(parameters: Any, expected: set[str]) -> None:
    bridge = Bridge()
    enterprise = {"department": "D", "manager": {"value": "m", "displayName": "M"}}
    made = await bridge.user(
        emails=[{"value": "x@y", "type": "work"}],
        name={"givenName": "B"},
        **{"schemas": [USER_URN], ENTERPRISE: enterprise, EXTRA.id: {"level": 1}},
    )
    single = (await bridge.ask("GET", f"/Users/{made['id']}", params=parameters)).json()
    listed = (await bridge.ask("GET", "/Users", params=parameters)).json()["Resources"][0]
    assert single == listed
    assert set(single) == expected


async def test_parts_are_shown_alone() -> None:
    bridge = Bridge()
    made = await bridge.user(emails=[{"value": "x@y", "type": "work"}], name={"givenName": "B", "familyName": "J"})
    shown = (await bridge.ask("GET", f"/Users/{made['id']}?attributes=emails.value,name.givenName")).json()
    assert (shown["emails"], shown["name"]) == ([{"value": "x@y"}], {"givenName": "B"})
    shown = (await bridge.ask("GET", f"/Users/{made['id']}?excludedAttributes=emails.value,name.givenName")).json()
    assert (shown["emails"], shown["name"]) == ([{"type": "work"}], {"familyName": "J"})


@pytest.mark.parametrize("path", ["/Groups", "/Groups/.search", "/Groups/g1"])
async def test_members_that_are_not_shown_are_not_read(path: str) -> None:  # V-07
    bridge = Bridge()
    await people(bridge, 1)
    bridge.upstream.records["groups"]["g1"] = {"id": "g1", "displayName": "G", "meta": {}}
    bridge.upstream.members["g1"] = {"u0": {"value": "u0", "type": "User"}}
    for name, value in (("excludedAttributes", "members"), ("attributes", "displayName")):
        body: Any = {name: [value]} if path.endswith(".search") else None
        parameters = {} if body else {name: value}
        answer = await bridge.ask("POST" if body else "GET", path, body, params=parameters)
        assert answer.status_code == 200
        assert "members" not in answer.text
    assert not [call for call in bridge.upstream.calls if call.endswith("/members")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('members.value eq "u0"', ["g1"]),  # F-26
        ('members eq "u0"', ["g1"]),
        ('members[value eq "u0"]', ["g1"]),
        ('id eq "g1" and members eq "u0"', ["g1"]),
        ('id eq "g2" and members eq "u0"', []),
    ],
)
async def test_a_membership_is_found(text: str, expected: list[str]) -> None:
    bridge = Bridge()
    for group in ("g1", "g2"):
        bridge.upstream.records["groups"][group] = {"id": group, "displayName": group, "meta": {}}
    bridge.upstream.members["g1"] = {"u0": {"value": "u0", "type": "User"}}
    assert names(await bridge.ask("GET", "/Groups", params={"filter": text})) == expected


# -- the root ---------------------------------------------------------------------------------------------------------


async def rooted() -> Bridge:
    bridge = Bridge()
    await people(bridge, 3)
    bridge.upstream.records["groups"]["g1"] = {"id": "g1", "displayName": "Alpha", "meta": {}}
    return bridge


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, ["u0", "u1", "u2", "g1"]),
        ({"filter": 'meta.resourceType eq "Group"'}, ["g1"]),
        ({"filter": 'meta.resourceType eq "group"'}, []),
        ({"filter": 'not (meta.resourceType eq "Group")'}, ["u0", "u1", "u2"]),
        ({"filter": 'userName eq "user1" or displayName eq "alpha"'}, ["u1", "g1"]),
        ({"filter": "nope pr"}, []),
        ({"filter": 'meta.resourceType eq "User" or displayName pr'}, ["u0", "u1", "u2", "g1"]),
        ({"startIndex": 3, "count": 2}, ["u2", "g1"]),
        ({"startIndex": 4, "count": 2}, ["g1"]),
        ({"count": 2}, ["u0", "u1"]),
        ({"sortBy": "displayName"}, ["g1", "u0", "u1", "u2"]),
        ({"sortBy": "userName", "sortOrder": "descending"}, ["g1", "u2", "u1", "u0"]),
        ({"sortBy": "members.value", "count": 1}, ["g1"]),
    ],
)
async def test_the_root_searches_every_type(parameters: Any, expected: list[str]) -> None:
    bridge = await rooted()
    bridge.upstream.members["g1"] = {"u0": {"value": "u0", "type": "User"}}
    answer = await bridge.ask("GET", "/", params=parameters)
    assert names(answer) == expected
    if not {"count", "startIndex"} & set(parameters):
        assert answer.json()["totalResults"] == len(expected)
    body = {"schemas": [SEARCH], **parameters}
    assert names(await bridge.ask("POST", "/.search", body)) == expected


async def test_a_type_that_cannot_match_is_not_read() -> None:
    bridge = await rooted()
    bridge.upstream.calls.clear()
    await bridge.ask("GET", "/", params={"filter": 'meta.resourceType eq "Group" and displayName eq "alpha"'})
    assert not [call for call in bridge.upstream.calls if call.startswith("GET /users")]


@pytest.mark.parametrize(
    ("body", "scim_type"),
    [
        ({"schemas": [USER_URN], "filter": "userName pr"}, "invalidSyntax"),
        ({"schemas": [SEARCH], "filter": 7}, "invalidValue"),
        ({"schemas": [SEARCH], "attributes": "userName"}, "invalidValue"),
        ({"schemas": [SEARCH], "count": True}, "invalidValue"),
        ({"schemas": [SEARCH], "count": [1]}, "invalidValue"),
    ],
)
async def test_a_search_request_that_cannot_be_read_is_refused(body: Any, scim_type: str) -> None:
    assert error_of(await Bridge().ask("POST", "/Users/.search", body)) == (400, scim_type)


async def test_a_search_request_without_schemas_is_borne() -> None:
    assert (await Bridge().ask("POST", "/Users/.search", {"count": 1})).status_code == 200
    assert error_of(await Bridge(profile="strict").ask("POST", "/Users/.search", {"count": 1})) == (
        400,
        "invalidSyntax",
    )


async def test_references_start_with_the_public_url() -> None:
    bridge = Bridge(public_url="https://scim.example.com/")
    made = await bridge.user()
    assert made["meta"]["location"] == f"https://scim.example.com/scim/acme/v2/Users/{made['id']}"
    assert (await Bridge().user())["meta"]["location"].startswith(BASE)
