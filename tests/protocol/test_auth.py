"""Tokens: in every form that clients send, for what they were made, and no longer than that."""

import base64
from typing import Any

import pytest

from scim_bridge.protocol.auth import PROXY, READ, SCIM, Caller, Grant, TokenCheck, granted, token_digest
from scim_bridge.upstream.redact import Secret
from tests.protocol.memory import USER_URN, Bridge


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


def check(*grants: Grant, now: int = 0) -> TokenCheck:
    return TokenCheck(grants, user="acme", wall=lambda: now)


def grant(token: str, name: str, *scopes: str, expires_at: int | None = None) -> Grant:
    return Grant(token_digest(token), Caller(name, frozenset(scopes)), expires_at)


@pytest.mark.parametrize(
    "value", ["Bearer t", "bearer  t ", "t", basic("acme:t"), basic("acme:t").replace("Basic", "bAsIc")]
)
def test_a_token_is_known_in_each_form(value: str) -> None:  # H-05, K-08
    assert check(grant("t", "a1", READ)).caller(value) == Caller("a1", frozenset({READ}))


@pytest.mark.parametrize(
    "value",
    [None, "", "Bearer", "Bearer u", basic("acme:u"), basic("other:t"), basic("t"), basic(":t"), basic("t:"), "Basic",
     "Basic t", "Basic ÿ", f"Bearer {basic('acme:t')}", "Digest t", "T"],
)  # fmt: skip
def test_nothing_else_is(value: str | None) -> None:
    assert check(grant("t", "a1", READ)).caller(value) is None


def test_a_colon_belongs_to_the_token() -> None:  # RFC 7617: only the user name has none
    assert check(grant("t:u", "a1", READ)).caller(basic("acme:t:u")) is not None


def test_without_a_user_name_there_is_no_basic() -> None:
    assert TokenCheck(granted([Secret("t")])).caller(basic(":t")) is None


@pytest.mark.parametrize(("now", "known"), [(9, True), (10, False), (11, False)])
def test_a_token_ends_when_it_says(now: int, known: bool) -> None:
    tokens = check(grant("t", "a1", READ, expires_at=10), now=now)
    assert (tokens.caller("Bearer t") is not None) is known
    assert tokens.used == ({"a1": now} if known else {})


def test_tokens_that_are_replaced_are_good_for_nothing() -> None:
    tokens = check(grant("old", "a1", READ))
    tokens.replace([grant("new", "a2", READ)])
    assert tokens.caller("Bearer old") is None
    assert tokens.caller("Bearer new") == Caller("a2", frozenset({READ}))


def test_tokens_of_the_configuration_are_named_by_their_place() -> None:
    assert [each.caller for each in granted([Secret("a"), Secret("b")])] == [Caller("0", SCIM), Caller("1", SCIM)]


BULK: Any = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
    "Operations": [
        {"method": "POST", "path": "/Users", "bulkId": "1", "data": {"schemas": [USER_URN], "userName": "x"}}
    ],
}


async def test_a_token_for_reading_reads_and_writes_nothing() -> None:
    bridge = Bridge()
    bridge.opened.tokens.replace([grant("reader", "a1", READ)])
    assert (await bridge.ask("GET", "/Users", token="reader")).status_code == 200
    assert (await bridge.ask("POST", "/Users/.search", token="reader", json={})).status_code == 200
    before = len(bridge.upstream.calls)
    for method, path in [("POST", "/Users"), ("PUT", "/Users/1"), ("PATCH", "/Users/1"), ("DELETE", "/Users/1")]:
        body = {"schemas": [USER_URN], "userName": "x"} if method != "DELETE" else None
        refused = await bridge.ask(method, path, token="reader", json=body)
        assert (refused.status_code, refused.json()["detail"]) == (403, "This token is for reading only")
    assert (await bridge.ask("POST", "/Bulk", token="reader", json=BULK)).status_code == 403
    assert len(bridge.upstream.calls) == before


async def test_a_token_for_the_proxy_is_none_for_scim() -> None:
    bridge = Bridge()
    bridge.opened.tokens.replace([grant("p", "a1", PROXY)])
    for path in ("/Users", "/ServiceProviderConfig", "/nope"):
        assert (await bridge.ask("GET", path, token="p")).status_code == 403
    assert bridge.upstream.calls == []
