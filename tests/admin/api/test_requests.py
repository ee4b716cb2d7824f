"""Who may ask the API, what of a request is refused, and what the log tells of it."""

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from scim_bridge.admin.api import OPERATIONS, routes
from scim_bridge.admin.api.bodies import MAX_BODY_BYTES
from scim_bridge.admin.service.sessions import FAILURES_A_MINUTE, Sessions
from scim_bridge.admin.throttle import Throttle
from scim_bridge.store.database import DatabaseUnavailable
from tests.admin.api.calls import PATHS, TOKEN, bare
from tests.admin.api.test_connections import OWN
from tests.admin.world import bridge
from tests.clocks import FakeClock

JSON = {"Content-Type": "application/json"}
NO_JSON = [
    b"",
    b"{",
    b"[]",
    b'"x"',
    b"null",
    b"\xff",
    b"\xef\xbb\xbf{}",
    b'{"a": 1, "a": 1}',
    b'{"settings": {"a": 1, "a": 2}}',
    b'{"settings": {"a": NaN}}',
    b'{"settings": {"a": -Infinity}}',
    b'{"settings": {"a": 1e400}}',
    b'{"settings": {"a": 9007199254740992}}',
    b'{"settings": {"a": ' + b"9" * 5000 + b"}}",
    b'{"settings": {"a": "\\u0000"}}',
    b'{"settings": {"\\u0000": 1}}',
    b'{"settings": {"a": ["\\ud800"]}}',
    b'{"a":' * 100_000,
    b'{"settings": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"settings": ' + b"[" * 3000 + b"]" * 3000 + b"}",  # which Python 3.13 reads, and cannot walk through
]

# -- who asks ---------------------------------------------------------------------------------------------------------


async def test_nothing_is_answered_without_an_admin_token(tmp_path: Path) -> None:
    asked = [("GET", "/connections"), ("DELETE", "/connections/own"), ("GET", "/none"), ("PUT", "/")]
    async with bare(tmp_path, connections=OWN) as ask:
        for authorization in (None, "", "Bearer", "Bearer x", "Basic YWRtaW46YWRtMW4tdDBrZW4=", "Bearer t"):
            headers = {} if authorization is None else {"Authorization": authorization}
            for method, path in asked if authorization is None else asked[:1]:
                answer = await ask.client.request(method, f"/api/v1{path}", headers=headers)
                assert answer.status_code == 401
                assert answer.headers["WWW-Authenticate"].startswith("Bearer realm=")
                assert answer.json()["status"] == 401


async def test_after_some_failures_an_address_has_to_wait(tmp_path: Path) -> None:
    clock = FakeClock()
    async with bridge(tmp_path) as (app, _):
        assert app.administration is not None
        sessions = Sessions(app.administration.desk, Throttle(FAILURES_A_MINUTE, 60, clock))
        own = Starlette(routes=routes(replace(app.administration, sessions=sessions), _nothing))

        async def status(token: str | None, address: str = "192.0.2.1") -> httpx.Response:
            transport = httpx.ASGITransport(app=own, client=(address, 1))
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            async with httpx.AsyncClient(transport=transport, base_url="http://bridge.test") as client:
                return await client.get("/api/v1/providers", headers=headers)

        right = TOKEN["Authorization"].split()[1]
        for _ in range(FAILURES_A_MINUTE + 1):
            assert (await status(None)).status_code == 401  # which is no guess
        for _ in range(FAILURES_A_MINUTE):
            assert (await status("guess")).status_code == 401
        clock.advance(20)
        for token in ("guess", right):
            answer = await status(token)
            assert (answer.status_code, answer.headers["Retry-After"]) == (429, "40")
        assert (await status(right, "192.0.2.2")).status_code == 200
        clock.advance(40)
        assert (await status(right)).status_code == 200


def _nothing(told: Mapping[str, Any]) -> None:
    pass


async def test_without_admin_tokens_there_is_no_api(tmp_path: Path) -> None:
    async with bridge(tmp_path, admin_tokens=None) as (_, client):
        for path in ("/api/v1", "/api/v1/connections", "/openapi.json"):
            assert (await client.get(path, headers=TOKEN)).status_code == 404


# -- addresses and methods --------------------------------------------------------------------------------------------


async def test_what_is_not_there_is_404_and_leads_nowhere(tmp_path: Path) -> None:
    paths = [
        "",
        "/",
        "/connections/",
        "//connections",
        "/connections/a/b/c",
        "/connections/a%2Ftokens",
        "/v1",
        "/a%0Ab",
    ]
    async with bare(tmp_path) as ask:
        for path in paths:
            answer = await ask("GET", path, 404, headers={"Host": "evil.example"})
            assert "Location" not in answer.headers and "evil" not in answer.text
        for other in ("/api/v1x", "/healthz/", "/api/"):
            found = await ask.client.get(other, headers=TOKEN)
            assert (found.status_code, found.headers.get("Location")) == (404, None)


async def test_methods_that_an_address_does_not_take_are_told(tmp_path: Path) -> None:
    async with bare(tmp_path, connections=OWN) as ask:
        for path, allowed in (
            ("/connections", "GET, HEAD, POST"),
            ("/connections/own", "DELETE, GET, HEAD, PATCH"),
            ("/connections/own/pause", "POST"),
            ("/connections/check", "POST"),
            ("/audit", "GET, HEAD"),
        ):
            for method in ("PUT", "OPTIONS", "TRACE", "ODD"):
                answer = await ask(method, path, 405)
                assert answer.headers["Allow"] == allowed
                assert not any(name.lower().startswith("access-control-") for name in answer.headers)


async def test_a_connection_may_be_called_as_what_is_done_with_them(tmp_path: Path) -> None:
    async with bare(tmp_path, connections={"check": OWN["own"]}) as ask:
        assert (await ask.client.get("/api/v1/connections/check", headers=TOKEN)).json()["name"] == "check"


async def test_head_has_the_headers_of_get(tmp_path: Path) -> None:
    async with bare(tmp_path, connections=OWN) as ask:
        for path in ("/connections/own", "/audit/export"):
            got = await ask("GET", path, 200)
            answer = await ask.client.head(f"/api/v1{path}", headers=TOKEN)
            names = set(got.headers) - {"x-request-id", "transfer-encoding"}
            assert (answer.status_code, answer.content) == (200, b"")
            assert {name: answer.headers[name] for name in names} == {name: got.headers[name] for name in names}


async def test_a_query_means_one_thing_or_is_refused(tmp_path: Path) -> None:
    async with bare(tmp_path) as ask:
        for query in ("odd=1", "limit=1&limit=1", "limit", "after=", "Limit=1"):
            await ask.refused("GET", f"/connections?{query}", 400, query.partition("=")[0])


async def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    async with bare(tmp_path) as ask:
        for path in ("/connections/%FF", "/connections/%00", "/connections?after=%FF", "/audit?actor=%00"):
            await ask.refused("GET", path, 400)
        await ask.refused("GET", "/connections/own?x=1", 400, "x")
        await ask.refused("POST", "/connections?test=yes", 400, "test", json={})


# -- bodies -----------------------------------------------------------------------------------------------------------


async def test_what_readers_of_json_disagree_on_is_refused(tmp_path: Path) -> None:
    async with bare(tmp_path, connections=OWN) as ask:
        for body in NO_JSON:
            await ask.refused("POST", "/connections/check", 400, content=body, headers=JSON)


async def test_a_body_is_of_its_media_type(tmp_path: Path) -> None:
    async with bare(tmp_path, connections=OWN) as ask:
        for kind in ("", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"):
            await ask.refused("POST", "/connections", 415, content=b"{}", headers={"Content-Type": kind})
        merge = {"Content-Type": "application/merge-patch+json"}
        await ask.refused("POST", "/connections", 415, content=b"{}", headers=merge)
        await ask.refused("PATCH", "/connections/own", 409, content=b"{}", headers=merge)
        utf8 = {"Content-Type": 'Application/JSON; charset="UTF-8"'}
        await ask.refused("PATCH", "/connections/own", 409, content=b"{}", headers=utf8)
        await ask.refused("POST", "/connections/own/pause", 400, content=b"{}", headers=JSON)


async def test_a_body_has_an_end(tmp_path: Path) -> None:
    async def endless() -> Any:
        while True:
            yield b" " * 65536

    async with bare(tmp_path) as ask:
        await ask.refused("POST", "/connections", 413, content=b" " * (MAX_BODY_BYTES + 1), headers=JSON)
        await ask.refused("POST", "/connections", 413, content=endless(), headers=JSON)
        fits = b'{"name":"x","provider":"' + b"p" * (MAX_BODY_BYTES - 26) + b'"}'
        await ask.refused("POST", "/connections", 400, "provider", content=fits, headers=JSON)


# -- what is told -----------------------------------------------------------------------------------------------------


async def test_a_line_tells_of_each_request_and_no_token(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with bare(tmp_path, connections=OWN) as ask:
        with caplog.at_level(logging.INFO, "scim_bridge.access"):
            made = await ask("POST", "/connections/own/tokens", 201, headers={"X-Request-Id": "mine-1"})
            await ask("DELETE", f"/connections/own/tokens/{made.json()['id']}", 204)
            link = await ask("POST", "/link-sessions?", 201, json={"label": "person@example.test"})
            await ask.client.get("/api/v1/connections?after=person@example.test")
        lines = [vars(each) for each in caplog.records if each.name == "scim_bridge.access"]
        told = [(each["method"], each["path"], each["status"], each["actor"]) for each in lines]
        assert told == [
            ("POST", "/api/v1/connections/own/tokens", 201, "admin-0"),
            ("DELETE", f"/api/v1/connections/own/tokens/{made.json()['id']}", 204, "admin-0"),
            ("POST", "/api/v1/link-sessions", 201, "admin-0"),
            ("GET", "/api/v1/connections", 401, None),
        ]
        assert lines[0]["request_id"] == made.headers["X-Request-Id"] == "mine-1"
        secrets = (made.json()["token"], link.json()["url"].rpartition("/")[2], TOKEN["Authorization"].split()[1])
        assert not any(each in json.dumps(lines, default=str) for each in (*secrets, "person@example.test"))


async def test_what_is_unexpected_is_told_to_the_log_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(*_: Any) -> None:
        raise LookupError("s3cret of ours")

    async with bare(tmp_path) as ask:
        monkeypatch.setattr("scim_bridge.admin.service.connections.Connections.all", failing)
        answer = await ask("GET", "/connections", 500)
        assert "s3cret" not in answer.text
        assert answer.headers["X-Request-Id"] in [vars(each).get("request_id") for each in caplog.records]


async def test_a_database_that_does_not_answer_is_503(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unavailable(*_: Any, **__: Any) -> None:
        raise DatabaseUnavailable("gone")

    async with bare(tmp_path, connections=OWN) as ask:
        monkeypatch.setattr("scim_bridge.store.sqlite.SqliteDatabase.read", unavailable)
        answer = await ask("GET", "/connections/own/tokens", 503)
        assert answer.headers["Retry-After"] == "5"


def test_every_operation_is_described_and_nothing_else() -> None:
    described = {(method.upper(), path) for path, methods in PATHS.items() for method in methods}
    assert described == {(each.method, each.path) for each in OPERATIONS}
    names = [each.name for each in OPERATIONS]
    assert len(names) == len(set(names)) == len(described)


async def test_every_operation_answers_at_its_address(tmp_path: Path) -> None:
    async with bare(tmp_path) as ask:
        for path, methods in PATHS.items():
            for method in methods:
                address = path.replace("{name}", "none").replace("{id}", "1")
                answer = await ask.client.request(method, f"/api/v1{address}", headers=TOKEN)
                assert answer.status_code not in (401, 405, 500), (method, path)
                assert answer.status_code != 404 or "nothing at this address" not in answer.text, (method, path)


async def test_a_proxy_may_have_taken_the_beginning_off_the_path(tmp_path: Path) -> None:
    async with bridge(tmp_path) as (app, _):
        transport = httpx.ASGITransport(app=app, root_path="/base")
        async with httpx.AsyncClient(transport=transport, base_url="http://bridge.test", headers=TOKEN) as client:
            for path in ("/base/api/v1/link-sessions", "/api/v1/link-sessions"):  # as servers tell it, and as they did
                answer = await client.post(path, json={})
                assert answer.status_code == 201
                assert answer.headers["Location"] == f"/base/api/v1/link-sessions/{answer.json()['id']}"
                assert answer.json()["url"].startswith("http://bridge.test/base/link/")
