"""A question is answered as it was asked or refused: nothing of it is quietly left aside."""

from typing import Any

import pytest

from scim_bridge.protocol.search import Paging
from scim_bridge.upstream.errors import NotFound
from tests.protocol.memory import BASE, ENTERPRISE, EXTRA, USER_URN, Bridge, error_of

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


async def two_users(**how: Any) -> Bridge:
    bridge = Bridge(**how)
    await bridge.user("a", name={"familyName": "A"}, **{ENTERPRISE: {"manager": {"value": "u3"}}})
    await bridge.user("b")
    return bridge


async def total(bridge: Bridge, path: str) -> int:
    found: int = (await bridge.ask("GET", path)).json()["totalResults"]
    return found


# -- parameters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        'filter=userName eq "a"&filter=userName pr',
        'filter=userName eq "a"&FILTER=userName pr',
        "count=1&count=2",
        "startIndex=1&startIndex=2",
        "sortBy=userName&sortby=id",
        "cursor=&startIndex=2",
        "count=1_0",
        "count=%EF%BC%91",
        f"count={'9' * 50}",
        "filter=userName%20eq%20%22%FF%22",
    ],
)
@pytest.mark.parametrize("path", ["/Users", "/"])
async def test_an_ambiguous_query_is_refused(path: str, query: str) -> None:  # P-07, M-08, U-04
    assert error_of(await (await two_users()).ask("GET", f"{path}?{query}")) == (400, "invalidValue")


async def test_parameters_are_known_in_any_case_and_may_be_repeated_alike() -> None:  # H-08, V-02
    bridge = await two_users()
    assert await total(bridge, '/Users?FILTER=userName eq "a"') == 1
    assert await total(bridge, '/Users?filter=userName eq "a"&filter=userName eq "a"&other=1&other=2') == 1
    shown = (await bridge.ask("GET", "/Users?attributes=userName&attributes=name")).json()["Resources"][0]
    assert set(shown) == {"schemas", "id", "userName", "name"}


async def test_a_start_beyond_every_list_is_past_its_end() -> None:  # P-04, P-06
    bridge = await two_users()
    answer = await bridge.ask("GET", f"/Users?startIndex={'9' * 30}&count={'9' * 30}")
    assert (answer.status_code, answer.json()["Resources"], answer.json()["totalResults"]) == (200, [], 2)
    assert len((await bridge.ask("GET", f"/Users?startIndex=-{'9' * 30}")).json()["Resources"]) == 2


@pytest.mark.parametrize(
    ("body", "scim_type"),
    [
        ({"filter": 'userName eq "a"', "Filter": "userName pr"}, "invalidSyntax"),
        ({"attributes": {"userName": True}}, "invalidValue"),
        ({"attributes": "userName"}, "invalidValue"),
        ({"cursor": "", "startIndex": 1}, "invalidValue"),
    ],
)
async def test_an_ambiguous_search_request_is_refused(body: Any, scim_type: str) -> None:
    answer = await (await two_users()).ask("POST", "/Users/.search", {"schemas": [SEARCH], **body})
    assert error_of(answer) == (400, scim_type)


async def test_a_search_request_has_nothing_in_its_address() -> None:
    bridge = await two_users()
    for path in ("/Users/.search", "/.search"):
        answer = await bridge.ask("POST", f'{path}?filter=userName eq "a"', {"schemas": [SEARCH]})
        assert error_of(answer) == (400, "invalidValue")
        assert (await bridge.ask("POST", f"{path}?unknown=1", {"schemas": [SEARCH]})).status_code == 200  # H-08


async def test_a_search_request_may_join_names_by_commas() -> None:  # V-02
    bridge = await two_users()
    body = {"schemas": [SEARCH], "attributes": ["userName, name.familyName"]}
    found = (await bridge.ask("POST", "/Users/.search", body)).json()["Resources"]
    assert found[0]["name"] == {"familyName": "A"}


# -- what answers alone hold ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/Users", f'meta.location eq "{BASE}/Users/u1"'),
        ("/Users", "not (meta.version pr)"),
        ("/Users", f'userName eq "a" or {ENTERPRISE}:manager.$ref pr'),
        ("/Groups", f'members.$ref eq "{BASE}/Users/u1"'),
        ("/Groups", 'members[value eq "u1" and $ref co "Users"]'),
        ("/", "meta.version pr"),
    ],
)
async def test_what_answers_make_up_cannot_be_filtered_on(path: str, text: str) -> None:  # F-20, F-29
    bridge = await two_users()
    await bridge.group("Staff", "u1")
    bridge.upstream.calls.clear()
    assert error_of(await bridge.ask("GET", path, params={"filter": text})) == (400, "invalidFilter")
    assert bridge.upstream.calls == []


@pytest.mark.parametrize(
    "attribute", ["meta.version", "meta.location", f"{ENTERPRISE}:manager.$ref", "nope", "password"]
)
@pytest.mark.parametrize("path", ["/Users", "/"])
async def test_what_has_no_order_cannot_be_sorted_by(path: str, attribute: str) -> None:  # O-02
    answer = await (await two_users()).ask("GET", path, params={"sortBy": attribute})
    assert error_of(answer) == (400, "invalidValue")


# -- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_what_is_no_endpoint_is_not_found_by_any_method(method: str) -> None:  # X-02, H-12
    assert error_of(await Bridge().ask(method, "/Nope", {} if method != "GET" else None)) == (404, None)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/Users/.search", "/.search"])
async def test_search_is_no_resource(path: str, method: str) -> None:  # H-12
    bridge = Bridge()
    answer = await bridge.ask(method, path, {} if method != "GET" else None)
    assert error_of(answer) == (405, None)
    assert answer.headers["Allow"] == "POST"
    assert bridge.upstream.calls == []


@pytest.mark.parametrize("path", ["/ServiceProviderConfig", "/Schemas", "/ResourceTypes/User"])
async def test_no_discovery_endpoint_takes_a_filter(path: str) -> None:  # D-03
    assert error_of(await Bridge().ask("GET", f"{path}?Filter=id pr")) == (403, None)


@pytest.mark.parametrize("path", ["/Users", "/", '/Users?filter=userName eq "a"', "/Users?cursor="])
async def test_a_list_that_is_gone_upstream_is_trouble_and_not_an_answer(path: str) -> None:  # X-02, contract section 6
    bridge = await two_users()
    bridge.upstream.fail["GET /users"] = NotFound("up", "answered 404", status=404)
    assert error_of(await bridge.ask("GET", path)) == (502, None)
    bridge.upstream.fail["POST /users"] = NotFound("up", "answered 404", status=404)
    assert error_of(await bridge.ask("POST", "/Users", {"userName": "c"})) == (502, None)


# -- projection -------------------------------------------------------------------------------------------------------


async def test_values_of_which_nothing_is_shown_are_not_shown() -> None:  # V-01, A-04
    bridge = Bridge()
    emails = [{"value": "a@b", "primary": True}, {"value": "c@d"}]
    await bridge.user(emails=emails)
    group = (await bridge.group("Staff", "u1"))["id"]
    shown = (await bridge.ask("GET", "/Users/u1?attributes=emails.primary")).json()
    assert shown["emails"] == [{"primary": True}]
    shown = (await bridge.ask("GET", f"/Groups/{group}?attributes=members.display")).json()
    assert shown == {"schemas": shown["schemas"], "id": group}


async def test_sub_attributes_of_extensions_are_chosen_by_their_urn() -> None:  # V-02, V-08
    bridge = await two_users()
    for name in (f"{ENTERPRISE}:manager.value", f"{ENTERPRISE.upper()}:MANAGER.VALUE"):
        shown = (await bridge.ask("GET", f"/Users/u1?attributes={name}")).json()
        assert shown[ENTERPRISE] == {"manager": {"value": "u3"}}
        shown = (await bridge.ask("GET", f"/Users/u1?excludedAttributes={name}")).json()
        assert shown[ENTERPRISE] == {"manager": {"$ref": f"{BASE}/Users/u3"}}


# -- paging -----------------------------------------------------------------------------------------------------------


async def test_midpoint_counts_pages() -> None:  # clients.md: startIndex=2&count=25 means page 2
    bridge = Bridge(profile="midpoint", paging=Paging(default_count=2))
    for number in range(5):
        await bridge.user(f"u{number}")
    for query, expected in (("startIndex=2&count=3", ["u3", "u4"]), ("startIndex=2", ["u2", "u3"]), ("", ["u0", "u1"])):
        found = (await bridge.ask("GET", f"/Users?{query}")).json()
        assert [each["userName"] for each in found["Resources"]] == expected
    body = {"schemas": [SEARCH], "startIndex": 3, "count": 2}
    found = (await bridge.ask("POST", "/Users/.search", body)).json()
    assert ([each["userName"] for each in found["Resources"]], found["startIndex"]) == (["u4"], 5)


async def test_no_rows_by_cursor_come_with_their_number() -> None:  # P-02, U-02
    found = (await (await two_users()).ask("GET", "/Users?cursor=&count=0")).json()
    assert (found["Resources"], found["totalResults"]) == ([], 2)


# -- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/json;q=0.4, application/scim+json;q=0.5", "application/scim+json"),
        ("application/scim+json;q=0.4, application/json;q=0.5", "application/json"),
        ("application/json;q=0", "application/scim+json"),
        ("application/scim+json;q=0, */*", "application/json"),
        ("application/json, text/plain, */*", "application/json"),
        ("application/*;q=0.5", "application/scim+json"),
        ("application/json;q=much, application/scim+json;q=0.9", "application/json"),
        ("text/html", "application/scim+json"),
    ],
)
async def test_the_type_wanted_most_is_sent(accept: str, expected: str) -> None:  # M-03
    answer = await Bridge().ask("GET", "/Users", headers={"Accept": accept})
    assert answer.headers["Content-Type"] == expected


async def test_a_preference_may_be_quoted() -> None:  # T-50
    bridge = await two_users()
    operation = {"op": "replace", "path": "title", "value": "x"}
    answer = await bridge.patch("/Users/u1", operation, headers={"Prefer": 'return="minimal"'})
    assert answer.status_code == 204


async def test_entra_filters_on_booleans_as_text() -> None:  # T-31
    bridge = Bridge()
    await bridge.user(roles=[{"value": "a", "primary": True}, {"value": "b"}])
    text = 'roles[primary eq "True" and not (value eq "b")].display'
    operation = {"op": "Replace", "path": text, "value": "A"}
    shown = (await bridge.patch("/Users/u1", operation)).json()
    assert shown["roles"][0] == {"value": "a", "primary": True, "display": "A"}
    strict = Bridge(profile="strict")
    await strict.user(roles=[{"value": "a", "primary": True}])
    assert error_of(await strict.patch("/Users/u1", {**operation, "op": "replace"})) == (400, "invalidFilter")


async def test_immutable_parts_of_a_complex_value_are_guarded() -> None:  # S-13, C-21, T-20
    made = Bridge()
    await made.user(**{EXTRA.id: {"badge": "1"}})
    for operation in (
        {"op": "replace", "path": EXTRA.id, "value": {"badge": "2"}},
        {"op": "replace", "path": EXTRA.id, "value": None},
        {"op": "remove", "path": EXTRA.id},
    ):
        assert error_of(await made.patch("/Users/u1", operation)) == (400, "mutability")
    body = {"schemas": [USER_URN, EXTRA.id], "userName": "bjensen", EXTRA.id: {"badge": None}}
    assert (await made.ask("PUT", "/Users/u1", body)).json()[EXTRA.id] == {"badge": "1"}
