"""Tokens of clients and link sessions through the API."""

from pathlib import Path
from typing import Any

from tests.admin.api.calls import Calls, api, bare
from tests.admin.api.test_connections import OWN

NO_TOKENS: list[tuple[dict[str, Any], str]] = [
    ({"scopes": []}, "scopes"),
    ({"scopes": ["root"]}, "scopes.0"),
    ({"label": "x" * 201}, "label"),
    ({"label": None}, "label"),
    ({"odd": 1}, "odd"),
]
NO_TIMES = [
    5,
    "",
    "2001-01-01T00:00:00Z",
    "2999-01-01",
    "2999-01-01T00:00:00",
    "2999-01-01 00:00:00Z",
    "2999-02-30T00:00:00Z",
    "2999-01-01T00:00:60Z",
    "2999-01-01T00:00:00+25:00",
    "9999-12-31T23:59:59-23:59",
    "20990101T000000Z",
]
NO_LINKS: list[tuple[dict[str, Any], int, str | None]] = [
    ({"provider": "pingtwo"}, 400, "provider"),
    ({"name": "A b"}, 400, "name"),
    ({"name": "own"}, 409, "name"),
    ({"redirect_url": "https://app.example/"}, 400, "redirect_url"),
    ({"expires_at": "2999-01-01T00:00:00Z"}, 400, "expires_at"),
    ({"connection": "own", "provider": "pingone"}, 400, "provider"),
    ({"connection": "own", "name": "other"}, 400, "name"),
    ({"connection": "own"}, 409, None),
    ({"connection": "none"}, 404, None),
]
NO_HOSTS = ["evil.example/path", "a b", "user@host", "", "h:1:2", "host:port", "a" * 300, "[::1", "a..b"]
HOSTS = ["scim.example", "scim.example:8443", "127.0.0.1:8000", "[::1]:8000", "localhost", "scim.example."]


async def test_a_token_is_shown_once_and_revoked(tmp_path: Path, url: str) -> None:
    async with api(tmp_path, database=url) as (ask, found):
        await ask("POST", "/connections", 201, json={"name": "acme", **found.document()})
        wanted = {"label": "Okta", "scopes": ["read"], "expires_at": "2999-01-01T01:00:00.5+01:00"}
        token = (await ask("POST", "/connections/acme/tokens", 201, json=wanted)).json()
        assert (token["scopes"], token["expires_at"]) == (["read"], "2999-01-01T00:00:00.500Z")
        assert (await found.users("acme", token["token"])).status_code == 200
        listed = await ask("GET", "/connections/acme/tokens", 200)
        assert [each["id"] for each in listed.json()["items"]] == [token["id"]]
        assert token["token"] not in listed.text
        await ask("DELETE", f"/connections/acme/tokens/{token['id']}", 204)
        assert (await found.users("acme", token["token"])).status_code == 401
        await ask.refused("DELETE", f"/connections/acme/tokens/{token['id']}", 404)
        entries = (await ask("GET", "/audit?action=token.created", 200)).json()["items"]
        assert entries[0]["details"]["expiresAt"] == "2999-01-01T00:00:00.500Z"


async def test_a_token_without_wishes_reads_and_writes_for_ever(tmp_path: Path) -> None:
    async with bare(tmp_path, connections=OWN) as ask:
        for content, headers in ((b"", {}), (b"{}", {"Content-Type": "application/json"})):
            answer = await ask("POST", "/connections/own/tokens", 201, content=content, headers=headers)
            token = answer.json()
            assert (token["scopes"], token["expires_at"], token["used_at"]) == (["read", "write"], None, None)
        for number in range(3):
            await ask("POST", "/connections/own/tokens", 201, json={"label": str(number)})
        first = (await ask("GET", "/connections/own/tokens?limit=3", 200)).json()
        rest = (await ask("GET", f"/connections/own/tokens?after={first['next']}", 200)).json()
        assert len(first["items"]) == 3 and rest["next"] is None
        assert sorted(each["label"] for each in first["items"] + rest["items"]) == ["", "", "0", "1", "2"]


async def test_what_no_token_can_be_is_named(tmp_path: Path) -> None:
    async with bare(tmp_path, connections=OWN) as ask:
        for wanted, key in NO_TOKENS:
            await ask.refused("POST", "/connections/own/tokens", 400, key, json=wanted)
        for text in NO_TIMES:
            await ask.refused("POST", "/connections/own/tokens", 400, "expires_at", json={"expires_at": text})
        assert (await ask("GET", "/connections/own/tokens", 200)).json()["items"] == []


async def test_tokens_of_no_connection_are_404(tmp_path: Path) -> None:
    async with bare(tmp_path) as ask:
        await ask.refused("GET", "/connections/none/tokens", 404)
        await ask.refused("POST", "/connections/none/tokens", 404, json={})
        await ask.refused("DELETE", "/connections/none/tokens/1", 404)


async def test_a_link_session_leads_to_its_page_and_ends(tmp_path: Path, url: str) -> None:
    async with bare(tmp_path, database=url) as ask:
        answer = await ask("POST", "/link-sessions", 201, json={"provider": "pingone", "label": "Acme"})
        link = answer.json()
        assert link["url"].startswith("http://bridge.test/link/") and link["state"] == "open"
        assert (await ask.client.get(link["url"])).status_code == 200
        location = answer.headers["Location"].removeprefix("/api/v1")
        shown = await ask("GET", location, 200)
        assert shown.json() == {name: value for name, value in link.items() if name != "url"}
        await ask("DELETE", location, 204)
        assert (await ask.client.get(link["url"])).status_code == 410
        assert (await ask("GET", location, 200)).json()["state"] == "revoked"
        await ask.refused("DELETE", location, 409)
        for method in ("GET", "DELETE"):
            await ask.refused(method, "/link-sessions/none", 404)


async def test_link_sessions_are_told_the_newest_first(tmp_path: Path) -> None:
    async with bare(tmp_path) as ask:
        made = [await ask("POST", "/link-sessions", 201, json={"label": str(number)}) for number in range(3)]
        first = (await ask("GET", "/link-sessions?limit=2", 200)).json()
        rest = (await ask("GET", f"/link-sessions?limit=2&after={first['next']}", 200)).json()
        seen = [each["created_at"] for each in first["items"] + rest["items"]]
        assert seen == sorted(seen, reverse=True) and rest["next"] is None
        assert {each["id"] for each in first["items"] + rest["items"]} == {each.json()["id"] for each in made}


async def test_what_no_link_session_can_be_is_refused(tmp_path: Path) -> None:
    async with bare(tmp_path, connections=OWN) as ask:
        for wanted, status, key in NO_LINKS:
            await ask.refused("POST", "/link-sessions", status, key, json=wanted)
        assert (await ask("GET", "/link-sessions", 200)).json()["items"] == []


async def test_a_host_that_is_none_is_in_no_address(tmp_path: Path) -> None:
    async with bare(tmp_path) as ask:
        for host in NO_HOSTS:
            await ask.refused("POST", "/link-sessions", 400, json={}, headers={"Host": host})
        assert (await ask("GET", "/link-sessions", 200)).json()["items"] == []


async def test_without_a_public_url_an_address_begins_as_the_request_does(tmp_path: Path) -> None:
    async with bare(tmp_path) as ask:
        for host in HOSTS:
            assert await link_url(ask, host) == f"http://{host}"


async def test_with_a_public_url_the_host_is_of_no_account(tmp_path: Path) -> None:
    async with bare(tmp_path, public_url="https://scim.example/base/") as ask:
        assert await link_url(ask, "evil.example") == "https://scim.example/base"


async def link_url(ask: Calls, host: str) -> str:
    answer = await ask("POST", "/link-sessions", 201, json={}, headers={"Host": host})
    assert "example" not in answer.headers["Location"]
    return str(answer.json()["url"]).partition("/link/")[0]
