"""Signing in to the console: who may, for how long, and that no other site can make somebody do anything there."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from scim_bridge.admin.console.frame import COOKIE, own_path
from scim_bridge.admin.service.desk import AdminError
from scim_bridge.admin.service.sessions import FAILURES_A_MINUTE, Sessions
from scim_bridge.store.audit import Criteria
from tests.admin.console import Operator, console, form_token, plain
from tests.admin.world import ADMIN, World, bridge


@pytest.fixture
async def found(tmp_path: Path) -> AsyncIterator[World]:
    async with bridge(tmp_path) as (app, client):
        yield World(app, client, {})


async def test_who_is_not_signed_in_is_asked_to_and_led_back_after(found: World) -> None:
    answer = await found.client.get("/console/audit?actor=x")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/console/sign-in?next=%2Fconsole%2Faudit%3Factor%3Dx"
    page = await found.client.get(answer.headers["Location"])
    assert 'name="next" value="/console/audit?actor=x"' in page.text
    signed_in = await Operator(found).sign_in(next="/console/audit?actor=x")
    assert signed_in.headers["Location"] == "/console/audit?actor=x"
    assert (await found.client.get("/console/sign-in")).headers["Location"] == "/console"


async def test_a_sessions_cookie_is_for_the_console_alone_and_no_script_reads_it(found: World) -> None:
    cookie = (await Operator(found).sign_in()).headers.get_list("Set-Cookie")[0]
    name, *attributes = cookie.split("; ")
    assert name.startswith(f"{COOKIE}=")
    assert {each.lower() for each in attributes} == {"httponly", "samesite=strict", "path=/console", "max-age=43200"}
    assert ADMIN not in cookie


@pytest.mark.parametrize(("origin", "public_url"), [("https://b.test", None), ("http://b.test", "https://b.test")])
async def test_behind_https_the_cookie_is_sent_nowhere_else(
    tmp_path: Path, origin: str, public_url: str | None
) -> None:
    async with bridge(tmp_path, public_url=public_url) as (app, _):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=origin) as client:
            page = await client.get("/console/sign-in")
            cookies = {"Cookie": page.headers["Set-Cookie"].partition(";")[0]}
            form = {"form_token": form_token(page.text), "token": ADMIN}
            answer = await client.post("/console/sign-in", data=form, headers=cookies)
    assert answer.status_code == 303
    assert all("Secure" in each for each in (page.headers["Set-Cookie"], answer.headers.get_list("Set-Cookie")[0]))


async def test_another_token_is_refused_in_words_and_audited(found: World) -> None:
    answer = await Operator(found).sign_in("gu3ss")
    assert answer.status_code == 401
    assert "This is not an admin token of this bridge." in plain(answer.text)
    assert 'aria-describedby="token-error"' in answer.text and "gu3ss" not in answer.text
    assert COOKIE not in found.client.cookies
    await Operator(found).sign_in()
    kept = await found.administration.history.page(Criteria(action="admin"), 5)
    assert [each.entry.action for each in kept] == ["admin.refused"]


async def test_failures_of_one_address_are_counted_together_with_those_of_the_api(found: World) -> None:
    operator, guess = Operator(found), {"Authorization": "Bearer gu3ss"}
    assert (await found.client.get("/api/v1/connections", headers=guess)).status_code == 401
    for _ in range(FAILURES_A_MINUTE - 1):
        assert (await operator.sign_in("gu3ss")).status_code == 401
    answer = await operator.sign_in()
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0
    assert "Too many tries" in answer.text
    assert (await found.client.get("/api/v1/connections", headers=guess)).status_code == 429


async def test_while_the_database_is_away_nobody_is_told_that_a_token_is_wrong(
    found: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(token: str, address: str) -> None:
        raise AdminError(503, "The database does not answer")

    operator = Operator(found)
    form = form_token((await operator.client.get("/console/sign-in")).text)
    monkeypatch.setattr(Sessions, "sign_in", staticmethod(away))
    answer = await operator.client.post("/console/sign-in", data={"form_token": form, "token": ADMIN})
    assert answer.status_code == 503 and "The database does not answer" in answer.text
    assert "not an admin token" not in answer.text


async def test_after_signing_out_the_cookie_is_worth_nothing(tmp_path: Path) -> None:
    async with console(tmp_path) as operator:
        cookie = operator.client.cookies[COOKIE]
        assert (await operator.post("/console/sign-out")).headers["Location"] == "/console/sign-in"
        assert COOKIE not in operator.client.cookies
        answer = await operator.client.get("/console", headers={"Cookie": f"{COOKIE}={cookie}"})
        assert answer.headers["Location"] == "/console/sign-in"


async def test_a_session_ends_after_twelve_hours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with console(tmp_path) as operator:
        desk = operator.world.administration.desk
        now = desk.wall()
        object.__setattr__(desk, "wall", lambda: now + 12 * 3600 * 1000 + 1)
        assert (await operator.client.get("/console")).status_code == 303
        answer = await operator.client.post("/console/sign-out", data={})
        assert answer.status_code == 401 and "nothing was changed" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://bridge.test.evil.example"},
    ],
)
async def test_forms_of_other_sites_are_refused(tmp_path: Path, headers: dict[str, str]) -> None:
    async with console(tmp_path) as operator:
        token = form_token(await operator.get("/console"))
        for path in ("/console/sign-out", "/console/sign-in"):
            answer = await operator.client.post(path, data={"form_token": token}, headers=headers)
            assert answer.status_code == 403, path
        assert "Connections" in await operator.get("/console")


@pytest.mark.parametrize("token", [None, "", "0" * 64])
async def test_a_form_without_the_sessions_own_text_is_refused(tmp_path: Path, token: str | None) -> None:
    async with console(tmp_path) as operator:
        form = {"next": "/console", **({} if token is None else {"form_token": token})}
        for path in ("/console/sign-out", "/console/sign-in"):
            assert (await operator.client.post(path, data=form)).status_code == 403
        assert "Connections" in await operator.get("/console")


async def test_the_form_of_one_session_is_none_of_another(tmp_path: Path) -> None:
    async with console(tmp_path) as operator:
        token = form_token(await operator.get("/console"))
        operator.client.cookies.clear()
        await operator.sign_in()
        assert (await operator.client.post("/console/sign-out", data={"form_token": token})).status_code == 403


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/console",
        "//evil.example/console",
        "/\\evil.example",
        "/console\\..\\..\\evil",
        "/console/../link/x",
        "/console/%2e%2e/link/x",
        "/console/%252e%252e/link",
        "/console//evil.example",
        "/consoleevil",
        "/console\r\nSet-Cookie: x=y",
        "javascript:alert(1)",
        "/scim/x",
        "/",
        "",
    ],
)
async def test_signing_in_leads_nowhere_else(found: World, target: str) -> None:
    answer = await Operator(found).sign_in(next=target)
    assert answer.headers["Location"] == "/console"


def test_behind_a_path_of_a_proxy_the_way_back_is_below_it() -> None:
    assert own_path("/idm/console/links?x=//y", "/idm") == "/idm/console/links?x=//y"
    assert own_path("/console/links", "/idm") == "/idm/console"


async def test_behind_a_path_of_a_proxy_all_of_it_is_below_that_path(tmp_path: Path) -> None:
    async with bridge(tmp_path) as (app, _):
        transport = httpx.ASGITransport(app=app, root_path="/idm")
        async with httpx.AsyncClient(transport=transport, base_url="http://bridge.test") as client:
            first = await client.get("/idm/console/links")
            assert first.headers["Location"] == "/idm/console/sign-in?next=%2Fidm%2Fconsole%2Flinks"
            page = await client.get(first.headers["Location"])
            form = {"form_token": form_token(page.text), "token": ADMIN, "next": "/idm/console/links"}
            answer = await client.post("/idm/console/sign-in", data=form)
            assert answer.headers["Location"] == "/idm/console/links"
            assert all("Path=/idm/console" in each for each in answer.headers.get_list("Set-Cookie"))
            text = (await client.get("/idm/console/links")).text
    targets = re.findall(r'(?:href|action|src)="(/[^"]*)"', text)
    assert targets and all(each.startswith("/idm/") for each in targets)


async def test_without_admin_tokens_there_is_no_console(tmp_path: Path) -> None:
    async with bridge(tmp_path, admin_tokens=None) as (_, client):
        for path in ("/console", "/console/sign-in", "/console/connections/x"):
            assert (await client.get(path)).status_code == 404


async def test_pages_that_are_not_there_say_so(tmp_path: Path) -> None:
    async with console(tmp_path) as operator:
        for path in ("/console/nothing", "/console/connections/none", "/console/audit/nine"):
            assert "There is no" in plain(await operator.get(path, 404)), path


async def test_what_fails_unexpectedly_is_told_with_the_id_of_the_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console(tmp_path) as operator:

        async def broken() -> None:
            raise RuntimeError("sesame")

        monkeypatch.setattr(operator.world.administration.connections, "all", broken)
        answer = await operator.client.get("/console")
    assert answer.status_code == 500 and "sesame" not in answer.text
    assert answer.headers["X-Request-Id"] in answer.text


async def test_who_leaves_within_a_form_is_no_failure_of_ours(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with console(tmp_path) as operator:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def leave() -> Any:
            return {"type": "http.disconnect"}

        kind = (b"content-type", b"application/x-www-form-urlencoded")
        for path in ("/console/sign-in", "/link/none"):
            scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "root_path": ""}
            await operator.world.app({**scope, "query_string": b"", "headers": [kind]}, leave, send)
        assert [each["status"] for each in sent if "status" in each] == [400, 400]
    assert [each.message for each in caplog.records if each.levelname == "ERROR"] == []
