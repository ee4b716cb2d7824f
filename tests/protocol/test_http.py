"""The HTTP side by requirement: authentication, media types, errors, discovery, Bulk, and what every answer carries."""

import json
import logging
from typing import Any

import httpx
import pytest

from scim_bridge.protocol.endpoint import MAX_BODY_BYTES
from scim_bridge.protocol.errors import scim_error
from scim_bridge.query.budget import ScanTooLarge
from scim_bridge.query.directory import Unsupported
from scim_bridge.query.write import PartialWrite
from scim_bridge.upstream.errors import (
    AuthRefused,
    BadAnswer,
    Conflict,
    FilterRejected,
    NotFound,
    RateLimited,
    Rejected,
    TimedOut,
    Unavailable,
    UpstreamError,
)
from tests.protocol.memory import BASE, ENTERPRISE, EXTRA, GROUP_URN, USER_URN, Bridge, error_of

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"

# -- authentication ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer"}, {"Authorization": "Basic dDBrZW4="},
     {"Authorization": ""}, {"Authorization": b"Bearer t0ken\xc3\xa9"}],
)  # fmt: skip
async def test_without_a_token_of_the_connection_nothing_is_answered(headers: Any) -> None:  # H-01, H-02
    bridge = Bridge()
    for method, path in [("GET", "/Users"), ("POST", "/Users"), ("GET", "/Schemas"), ("GET", "/nope")]:
        response = await bridge.ask(method, path, token=None, headers=headers, content=b"{")
        assert error_of(response) == (401, None)
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert bridge.upstream.calls == []


@pytest.mark.parametrize("value", ["Bearer t0ken", "bearer t0ken", "BEARER  t0ken", "t0ken", "Bearer other"])
async def test_the_token_is_taken_in_every_form_clients_send(value: str) -> None:  # H-05, K-08
    response = await Bridge().ask("GET", "/Users", token=None, headers={"Authorization": value})
    assert response.status_code == 200


async def test_the_configuration_is_open_to_all() -> None:  # H-03
    bridge = Bridge()
    assert (await bridge.ask("GET", "/ServiceProviderConfig", token=None)).status_code == 200
    assert (await bridge.ask("POST", "/ServiceProviderConfig", {}, token=None)).status_code == 401


async def test_an_unknown_connection_is_not_found() -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=Bridge().app), base_url="http://b") as client:
        assert error_of(await client.get("/scim/nope/v2/Users")) == (404, None)
        assert error_of(await client.get("/scim/acme/v3/Users", headers={"Authorization": "t0ken"})) == (404, None)
        assert (await client.get("/scim/acme/Users", headers={"Authorization": "t0ken"})).status_code == 200  # H-06


# -- media types and methods ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "application/scim+json"),
        ("*/*", "application/scim+json"),
        ("application/scim+json", "application/scim+json"),
        ("application/json", "application/json"),
        ("text/html, application/json;q=0.9, */*;q=0.1", "application/json"),
        ("application/json, application/scim+json", "application/scim+json"),
    ],
)
async def test_the_answer_has_the_type_asked_for(accept: str | None, expected: str) -> None:  # M-01, M-03
    headers = {"Accept": accept} if accept else {}
    for path in ("/Users", "/nope"):
        assert (await Bridge().ask("GET", path, headers=headers)).headers["Content-Type"] == expected


async def test_onelogin_gets_plain_json() -> None:  # W-01
    response = await Bridge(profile="onelogin").ask("GET", "/Users", headers={"Accept": "*/*"})
    assert response.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/Users", "GET, POST"),  # H-12
        ("POST", "/Schemas", "GET"),  # D-05
        ("PUT", "/ServiceProviderConfig", "GET"),
        ("GET", "/Bulk", "POST"),
    ],
)
async def test_a_method_that_is_not_there_names_those_that_are(method: str, path: str, allowed: str) -> None:
    response = await Bridge().ask(method, path)
    assert error_of(response) == (405, None)
    assert response.headers["Allow"] == allowed


async def test_head_answers_as_get_without_a_body() -> None:  # H-13
    bridge = Bridge()
    made = await bridge.user()
    response = await bridge.ask("HEAD", f"/Users/{made['id']}")
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["ETag"] == made["meta"]["version"]
    assert int(response.headers["Content-Length"]) > 100


async def test_nobody_is_me() -> None:  # J-01
    for method in ("GET", "PUT", "PATCH", "DELETE", "POST"):
        assert error_of(await Bridge().ask(method, "/Me")) == (501, None)


@pytest.mark.parametrize("path", ["/nope", "/Users/none", "/Users/a/b/c", "/Schemas/none", "/ResourceTypes/none"])
async def test_what_is_not_there_is_not_found(path: str) -> None:
    assert error_of(await Bridge().ask("GET", path)) == (404, None)


async def test_an_id_may_hold_any_character() -> None:
    bridge = Bridge()
    bridge.upstream.records["users"]["a/b ä%"] = {"id": "a/b ä%", "userName": "x", "meta": {}}
    response = await bridge.ask("GET", "/Users/a%2Fb%20%C3%A4%25")
    assert response.json()["meta"]["location"] == f"{BASE}/Users/a%2Fb%20%C3%A4%25"


# -- what every answer carries ----------------------------------------------------------------------------------------


async def test_every_answer_says_what_it_cost_and_who_it_was(caplog: pytest.LogCaptureFixture) -> None:
    bridge = Bridge()
    with caplog.at_level(logging.INFO, "scim_bridge.access"):
        response = await bridge.ask("GET", '/Users?filter=userName eq "secret.name"', headers={"X-Request-Id": "abc-1"})
        other = await bridge.ask("GET", "/Users", headers={"X-Request-Id": "a b\tc"})
    assert response.headers["Server-Timing"] == 'upstream;dur=0.0;desc="0"'  # this upstream is no HTTP client
    assert response.headers["X-Request-Id"] == "abc-1"
    assert other.headers["X-Request-Id"] not in ("", "a b\tc")
    line = vars(caplog.records[0])
    assert (line["request_id"], line["connection"], line["path"], line["status"]) == ("abc-1", "acme", "/Users", 200)
    assert "secret.name" not in str(line)
    assert "t0ken" not in str(line)


class Boom(Exception):
    pass


async def test_a_fault_of_ours_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    bridge = Bridge()
    bridge.upstream.fail = {"GET": Boom("inner words")}  # type: ignore[dict-item] # no upstream error on purpose
    response = await bridge.ask("GET", "/Users")
    assert error_of(response) == (500, None)
    assert "inner words" not in response.text
    assert response.headers["X-Request-Id"] in response.json()["detail"]
    assert "inner words" in caplog.text


@pytest.mark.parametrize(
    ("error", "status", "scim_type", "headers"),
    [
        (RateLimited("up", "slow", retry_after_seconds=7), 429, None, {"Retry-After": "7"}),  # H-10
        (RateLimited("up", "slow"), 429, None, {"Retry-After": "1"}),
        (Unavailable("up", "down"), 503, None, {}),
        (Unavailable("up", "busy", retry_after_seconds=9), 503, None, {"Retry-After": "9"}),
        (TimedOut("up", "late"), 504, None, {}),
        (AuthRefused("up", "no"), 502, None, {}),
        (BadAnswer("up", "html"), 502, None, {}),
        (UpstreamError("up", "odd"), 502, None, {}),
        (NotFound("up", "gone"), 404, None, {}),
        (Conflict("up", "taken"), 409, "uniqueness", {}),
        (Rejected("up", "bad"), 400, "invalidValue", {}),
        (FilterRejected("up", "bad"), 400, "invalidFilter", {}),
        (ScanTooLarge("rows"), 400, "tooMany", {}),
        (Unsupported("no way"), 501, None, {}),
        (PartialWrite(Unavailable("up", "down"), ["POST /x"]), 502, None, {}),
    ],
)
def test_each_failure_has_one_error(error: Exception, status: int, scim_type: Any, headers: Any) -> None:
    found = scim_error(error, "req-1", "other")
    assert (found.status, found.scim_type, found.headers) == (status, scim_type, headers)
    if isinstance(error, UpstreamError):
        assert "up" in found.detail
        assert "req-1" in found.detail


@pytest.mark.parametrize("wrapped", [False, True], ids=["alone", "of a write half done"])
def test_an_answer_that_was_misunderstood_outside_the_client_names_the_upstream_too(wrapped: bool) -> None:
    error: Exception = BadAnswer("", "no list")
    found = scim_error(PartialWrite(error, ["POST /x"]) if wrapped else error, "req-1", "acme")
    assert found.status == 502 and found.detail.startswith("Upstream acme: no list (request req-1)")


def test_a_write_whose_outcome_is_unknown_says_so() -> None:
    for error in (
        TimedOut("up", "late", sent=True),
        Unavailable("up", "cut", sent=True),
        BadAnswer("up", "cut", sent=True),
    ):
        assert "not known" in scim_error(error, "r", "acme").detail


# -- discovery --------------------------------------------------------------------------------------------------------


async def test_the_configuration_names_every_feature() -> None:  # D-01, U-01
    body = (await Bridge().ask("GET", "/ServiceProviderConfig")).json()
    features = ("patch", "bulk", "filter", "changePassword", "sort", "etag")
    assert all(body[name]["supported"] for name in features)
    assert body["filter"]["maxResults"] == 1000
    assert {"maxOperations", "maxPayloadSize"} <= set(body["bulk"])
    assert body["authenticationSchemes"][0]["type"] == "oauthbearertoken"
    assert body["pagination"]["cursor"] is body["pagination"]["index"] is True
    assert body["pagination"]["defaultPaginationMethod"] == "index"  # U-06
    assert body["meta"]["location"] == f"{BASE}/ServiceProviderConfig"
    assert "null" not in json.dumps(body)


async def test_a_read_only_connection_offers_nothing_that_writes() -> None:  # D-09
    bridge = Bridge(writable=False)
    body = (await bridge.ask("GET", "/ServiceProviderConfig")).json()
    assert not any(body[name]["supported"] for name in ("patch", "bulk", "changePassword", "etag"))
    for schema in (await bridge.ask("GET", "/Schemas")).json()["Resources"]:
        assert {each["mutability"] for each in schema["attributes"]} == {"readOnly"}


async def test_resource_types_and_schemas_fit_together() -> None:  # D-02, D-08
    bridge = Bridge()
    types = (await bridge.ask("GET", "/ResourceTypes")).json()
    schemas = (await bridge.ask("GET", "/Schemas")).json()
    assert {each["id"] for each in types["Resources"]} == {"User", "Group"}
    assert types["totalResults"] == len(types["Resources"])
    known = {each["id"] for each in schemas["Resources"]}
    assert known == {USER_URN, ENTERPRISE, EXTRA.id, GROUP_URN}
    for each in types["Resources"]:
        assert {each["schema"], *(one["schema"] for one in each.get("schemaExtensions", ()))} <= known
        single = await bridge.ask("GET", f"/ResourceTypes/{each['id']}")
        assert single.json() == each
        assert single.headers["Location"] == each["meta"]["location"]
        assert (await bridge.ask("GET", each["endpoint"])).status_code == 200
    for each in schemas["Resources"]:
        assert (await bridge.ask("GET", f"/Schemas/{each['id']}")).json() == each
        assert "null" not in json.dumps(each)


async def test_discovery_takes_no_filter_and_ignores_paging() -> None:  # D-03, D-04
    bridge = Bridge()
    for path in ("/Schemas", "/ResourceTypes"):
        assert error_of(await bridge.ask("GET", path, params={"filter": "id pr"})) == (403, None)
        everything = (await bridge.ask("GET", path)).json()
        assert (
            await bridge.ask("GET", path, params={"count": 1, "startIndex": 2, "sortBy": "id"})
        ).json() == everything


# -- Bulk -------------------------------------------------------------------------------------------------------------


async def bulk(bridge: Bridge, *operations: Any, **more: Any) -> list[dict[str, Any]]:
    response = await bridge.ask("POST", "/Bulk", {"schemas": [BULK], "Operations": list(operations), **more})
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["Operations"]
    return found


def create(name: str, identifier: str) -> dict[str, Any]:
    return {"method": "POST", "path": "/Users", "bulkId": identifier, "data": {"userName": name, "schemas": [USER_URN]}}


async def test_operations_of_every_kind_are_carried_out() -> None:  # B-01
    bridge = Bridge()
    made, gone = await bridge.user("a"), await bridge.user("b")
    patch = {"Operations": [{"op": "add", "path": "title", "value": "x"}]}
    results = await bulk(
        bridge,
        create("c", "new"),
        {"method": "PUT", "path": f"/Users/{made['id']}", "data": {"schemas": [USER_URN], "userName": "a2"}},
        {"method": "patch", "path": f"/Users/{made['id']}", "data": patch},
        {"method": "DELETE", "path": f"/Users/{gone['id']}"},
    )
    assert [each["status"] for each in results] == ["201", "200", "200", "204"]
    assert [each["method"] for each in results] == ["POST", "PUT", "PATCH", "DELETE"]
    assert results[0]["bulkId"] == "new"
    assert results[0]["location"].startswith(f"{BASE}/Users/")
    assert results[0]["version"].startswith("W/")
    assert results[3]["location"] == f"{BASE}/Users/{gone['id']}"
    after = (await bridge.ask("GET", f"/Users/{made['id']}")).json()
    assert (after["userName"], after["title"]) == ("a2", "x")


async def test_bulk_ids_are_resolved_also_before_what_makes_them() -> None:  # B-02, B-03
    bridge = Bridge()
    group = {
        "method": "POST",
        "path": "/Groups",
        "bulkId": "g",
        "data": {"schemas": [GROUP_URN], "displayName": "G", "members": [{"value": "bulkId:u"}]},
    }
    results = await bulk(bridge, group, create("a", "u"))
    assert [each["status"] for each in results] == ["201", "201"]
    user = results[1]["location"].rpartition("/")[2]
    read = (await bridge.ask("GET", "/Groups")).json()["Resources"][0]
    assert [each["value"] for each in read["members"]] == [user]


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        ({"method": "PUT", "path": "/Users/bulkId:none", "data": {}}, "409"),  # B-08
        ({"method": "JUMP", "path": "/Users/u1"}, "400"),  # B-07
        ({"method": "POST", "path": "/Users", "data": {}}, "400"),
        ({"method": "POST", "path": "Users", "bulkId": "x", "data": {}}, "400"),
        ({"method": "POST", "path": "/Users/u1", "bulkId": "x", "data": {}}, "400"),
        ({"method": "DELETE", "path": "/Users"}, "400"),
        ({"method": "PATCH", "path": "/Users/u1", "data": "text"}, "400"),
        ({"method": "POST", "path": "/Nope", "bulkId": "x", "data": {}}, "404"),
        ({"method": "POST", "path": "/Bulk", "bulkId": "x", "data": {}}, "400"),
        ({"method": "DELETE", "path": "/Users/none"}, "404"),
        ({"path": 7}, "400"),
    ],
)
async def test_a_failed_operation_does_not_stop_the_others(operation: Any, status: str) -> None:  # B-04
    results = await bulk(Bridge(), operation, create("a", "u"))
    assert [each["status"] for each in results] == [status, "201"]
    assert results[0]["response"]["status"] == status


async def test_failures_stop_at_the_number_given() -> None:  # B-04
    missing = {"method": "DELETE", "path": "/Users/none"}
    results = await bulk(Bridge(), create("a", "u"), missing, create("b", "v"), failOnErrors=1)
    assert [each["status"] for each in results] == ["201", "404"]


async def test_a_version_guards_an_operation() -> None:  # B-10
    bridge = Bridge()
    made = await bridge.user()
    remove = {"method": "DELETE", "path": f"/Users/{made['id']}"}
    results = await bulk(bridge, {**remove, "version": 'W/"x"'}, {**remove, "version": made["meta"]["version"]})
    assert [each["status"] for each in results] == ["412", "204"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"schemas": [USER_URN], "Operations": []}, (400, "invalidSyntax")),  # B-12
        ({"schemas": [BULK]}, (400, "invalidSyntax")),
        ({"schemas": [BULK], "Operations": ["x"]}, (400, "invalidSyntax")),
        ({"schemas": [BULK], "Operations": [], "failOnErrors": 0}, (400, "invalidValue")),
        ({"schemas": [BULK], "Operations": [{}] * 1001}, (413, None)),  # B-05
        ({"schemas": [BULK], "Operations": [{"data": "x" * 1024 * 1024}]}, (413, None)),  # B-06
    ],
)
async def test_a_bulk_request_that_cannot_be_read_is_refused(body: Any, expected: Any) -> None:
    assert error_of(await Bridge().ask("POST", "/Bulk", body)) == expected


@pytest.mark.parametrize("version", [5, "", " ", [], True])
async def test_a_version_that_cannot_be_read_carries_out_nothing(version: Any) -> None:  # B-10
    bridge = Bridge()
    made = await bridge.user()
    operation = {"method": "DELETE", "path": f"/Users/{made['id']}", "version": version}
    answer = await bridge.ask("POST", "/Bulk", {"schemas": [BULK], "Operations": [operation]})
    assert error_of(answer) == (400, "invalidValue")
    assert (await bridge.ask("GET", f"/Users/{made['id']}")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/.search"), ("DELETE", "/Users/.search"), ("DELETE", f"{BASE}/Users/u1"), ("DELETE", "Users/u1")],
)
async def test_an_operation_on_what_is_no_resource_fails_without_a_location(method: str, path: str) -> None:  # B-07
    bridge = Bridge()
    await bridge.user()
    bridge.upstream.calls.clear()
    (result,) = await bulk(bridge, {"method": method, "path": path, "bulkId": "1", "data": {}})
    assert (result["status"], "location" in result) == ("400", False)
    assert bridge.upstream.calls == []


async def test_a_member_given_twice_in_a_message_is_refused() -> None:  # S-06
    body = {"schemas": [BULK], "Operations": [], "operations": [{"method": "DELETE", "path": "/Users/u1"}]}
    assert error_of(await Bridge().ask("POST", "/Bulk", body)) == (400, "invalidSyntax")


# -- bodies that come in pieces, or not at all ------------------------------------------------------------------------


async def posted(bridge: Bridge, *messages: dict[str, Any], headers: Any = ()) -> int:
    """The status of the answer to a POST of a user whose body arrives in these messages."""
    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": "/scim/acme/v2/Users",
        "raw_path": b"/scim/acme/v2/Users",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"authorization", b"t0ken"), (b"host", b"bridge.test"), *headers],
    }
    waiting, out = list(messages), []

    async def receive() -> Any:
        return waiting.pop(0)

    async def send(message: Any) -> None:
        out.append(message)

    await bridge.app(scope, receive, send)
    status: int = out[0]["status"]
    return status


async def test_a_body_may_come_in_pieces_but_has_to_come_whole() -> None:  # C-01, M-08
    bridge = Bridge()
    start, end = {"type": "http.request", "body": b'{"userName":', "more_body": True}, {"body": b'"a"}'}
    assert await posted(bridge, start, {"type": "http.request", **end}) == 201
    assert await posted(bridge, start, {"type": "http.disconnect"}) == 400
    assert len(bridge.upstream.records["users"]) == 1


async def test_a_body_that_is_too_large_is_not_read_to_its_end() -> None:
    piece = {"type": "http.request", "body": b" " * (MAX_BODY_BYTES + 1), "more_body": True}
    assert await posted(Bridge(), piece) == 413
    assert await posted(Bridge(), headers=[(b"content-length", str(MAX_BODY_BYTES + 1).encode())]) == 413
