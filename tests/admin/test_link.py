"""The link pages, as a browser without scripts and cookies uses them, over a stand-in for what keeps sessions."""

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from scim_bridge.admin.link import REQUESTS_A_MINUTE, TRIES_A_MINUTE, Link
from scim_bridge.admin.link_pages import LinkPages
from scim_bridge.admin.service.connections import Connections
from scim_bridge.admin.service.desk import AdminError
from scim_bridge.admin.service.links import Linked, Links, LinkView
from scim_bridge.checks import CheckResult
from scim_bridge.clock import SYSTEM_CLOCK, Clock
from scim_bridge.connections import provider_by_name, provider_names
from scim_bridge.settings import is_required, settings_of
from scim_bridge.upstream.errors import AuthRefused, HostNotFound, SignInRefused, UpstreamError
from scim_bridge.upstream.redact import Secret
from tests.admin.pages import Form, plain
from tests.clocks import FakeClock

TOKEN = "vV3-the-token-of-this-address_0"
OPEN = LinkView(
    id="link7",
    provider="pingone",
    label="Acme & <Sons>",
    redirect_url=None,
    connection=None,
    renews=False,
    state="open",
    created_at=0,
    created_by="admin-0",
    expires_at=1_700_000_000_000,
)
ENTRIES = {
    "settings.environment_id": "env-1",
    "settings.client_id": "client-1",
    "settings.client_secret": "s3cret-typed",
}
SCIM_TOKEN = "sb_the-clients-token"


@dataclass
class Kept:
    """The service's answers, and what it was asked to complete."""

    link: LinkView | AdminError = OPEN
    outcome: Linked | AdminError | Exception = field(default_factory=lambda: Linked("acme", Secret(SCIM_TOKEN)))
    settings: Mapping[str, Any] = field(default_factory=dict)
    completed: list[tuple[str, str, Mapping[str, Any], str]] = field(default_factory=list)

    async def open(self, token: str) -> LinkView:
        if token != TOKEN:
            raise AdminError(404, "There is no such link")
        if isinstance(self.link, AdminError):
            raise self.link
        return self.link

    async def complete(self, token: str, provider: str, settings: Mapping[str, Any], *, address: str) -> Linked:
        self.completed.append((token, provider, settings, address))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    async def one(self, name: str) -> Any:
        assert name == "acme"
        return self


def served(
    *,
    origins: tuple[str, ...] = (),
    public_url: str | None = None,
    clock: Clock = SYSTEM_CLOCK,
    lines: list[Mapping[str, Any]] | None = None,
) -> tuple[Kept, Sequence[Route]]:
    """The pages, and what stands behind them; ``lines`` is what they log."""
    kept = Kept()
    pages = LinkPages(provider_by_name, provider_names, origins=origins, public_url=public_url)
    log = (lines if lines is not None else []).append
    link = Link(cast(Links, kept), cast(Connections, kept), provider_by_name, pages, log, clock=clock)
    return kept, link.routes


@dataclass
class World:
    kept: Kept
    clock: FakeClock
    lines: list[Mapping[str, Any]]
    client: httpx.AsyncClient

    async def get(self, query: str = "", token: str = TOKEN) -> httpx.Response:
        return await self.client.get(f"/link/{token}{query}")

    async def send(
        self, entries: Mapping[str, str] = ENTRIES, *, query: str = "", headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """The page's form, filled in and sent."""
        fields = Form((await self.get(query)).text).filled(entries)
        return await self.client.post(f"/link/{TOKEN}{query}", data=fields, headers=headers)


def made(*, origins: tuple[str, ...] = (), public_url: str | None = None) -> World:
    clock, lines = FakeClock(), list[Mapping[str, Any]]()
    kept, routes = served(origins=origins, public_url=public_url, clock=clock, lines=lines)
    transport = httpx.ASGITransport(app=Starlette(routes=routes), client=("203.0.113.9", 1))
    return World(kept, clock, lines, httpx.AsyncClient(transport=transport, base_url="https://bridge.example.com"))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    found = made()
    async with found.client:
        yield found


# -- the form ---------------------------------------------------------------------------------------------------------


async def test_the_form_says_what_to_create_what_to_enter_and_where_it_is_found(world: World) -> None:
    answer = await world.get()
    text = plain(answer.text)
    assert answer.status_code == 200
    assert "Connect PingOne for Acme & <Sons>" in text and "<Sons>" not in answer.text
    provider = provider_by_name("pingone")
    assert all(step in text for step in provider.guide)
    assert "Settings > Environment Properties" in text
    assert "until 2023-11-14 22:13 UTC" in text
    form = Form(answer.text)
    assert form.kinds["settings.client_secret"] == "password" and form.kinds["settings.region"] == "select"


async def test_a_page_needs_no_cookie_and_leaves_no_trace_elsewhere(world: World) -> None:
    for answer in (await world.get(), await world.send()):
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert TOKEN not in answer.text


async def test_a_session_without_a_provider_offers_all(world: World) -> None:
    world.kept.link = replace(OPEN, provider=None)
    answer = await world.get()
    for name in provider_names():
        assert f'href="?provider={name}"' in answer.text and provider_by_name(name).title in answer.text
    form = await world.get("?provider=onelogin")
    assert "Connect OneLogin" in form.text and 'href="?"' in form.text
    sent = {"settings.subdomain": "acme", "settings.client_id": "c", "settings.client_secret": "s"}
    assert (await world.send(sent, query="?provider=onelogin")).status_code == 200
    assert world.kept.completed == [
        (TOKEN, "onelogin", {"subdomain": "acme", "client_id": "c", "client_secret": "s"}, "203.0.113.9")
    ]


async def test_a_provider_that_is_not_there_leads_to_the_choice(world: World) -> None:
    world.kept.link = replace(OPEN, provider=None)
    answer = await world.get("?provider=<nothing>")
    assert answer.status_code == 404 and "What do you want to connect" in answer.text and "<nothing>" not in answer.text


async def test_a_session_of_one_provider_takes_no_other(world: World) -> None:
    assert "Connect PingOne" in (await world.get("?provider=onelogin")).text
    await world.send(query="?provider=onelogin")
    assert [provider for _, provider, *_ in world.kept.completed] == ["pingone"]


@pytest.mark.parametrize("name", provider_names())
async def test_every_providers_form_works_without_scripts(world: World, name: str) -> None:
    world.kept.link = replace(OPEN, provider=name)
    kind = provider_by_name(name).settings
    required = {f"settings.{each.name}": "x" for each in settings_of(kind) if is_required(each)}
    assert required
    assert (await world.send(required)).status_code == 200
    [(_, provider, settings, _)] = world.kept.completed
    assert provider == name
    assert settings == {key.removeprefix("settings."): "x" for key in required}


# -- success ----------------------------------------------------------------------------------------------------------


async def test_what_was_typed_is_tried_and_the_clients_values_are_shown_once(world: World) -> None:
    answer = await world.send()
    assert answer.status_code == 200
    expected = {"environment_id": "env-1", "client_id": "client-1", "client_secret": "s3cret-typed"}
    assert world.kept.completed == [(TOKEN, "pingone", expected, "203.0.113.9")]
    assert 'value="https://bridge.example.com/scim/acme/v2"' in answer.text
    assert answer.text.count(SCIM_TOKEN) == 1
    assert "s3cret-typed" not in answer.text
    world.kept.link = AdminError(410, "This link was used")
    again = await world.get()
    assert again.status_code == 410 and SCIM_TOKEN not in again.text


async def test_the_base_url_is_the_public_one() -> None:
    world = made(public_url="https://scim.example.com/idm/")
    async with world.client:
        assert 'value="https://scim.example.com/idm/scim/acme/v2"' in (await world.send()).text


async def test_it_leads_back_to_where_it_came_from_with_no_token() -> None:
    world = made(origins=("https://portal.example.com",))
    world.kept.link = replace(OPEN, redirect_url="https://portal.example.com/done?tab=2#top")
    async with world.client:
        page = await world.get()
        assert "link_session=link7&amp;status=cancelled" in page.text  # to go back without having done it
        answer = await world.send()
    assert answer.status_code == 303
    assert answer.headers["Location"] == (
        "https://portal.example.com/done?tab=2&link_session=link7&connection=acme&status=connected#top"
    )
    assert answer.headers["Referrer-Policy"] == "no-referrer" and SCIM_TOKEN not in str(answer.headers)
    policy = page.headers["Content-Security-Policy"].split("; ")
    assert "form-action 'self' https://portal.example.com" in policy  # or the browser would stop the way back


@pytest.mark.parametrize("origins", [(), ("https://other.example.com",), ("https://portal.example.com.evil.example",)])
async def test_it_leads_to_no_origin_that_is_not_named_any_more(origins: tuple[str, ...]) -> None:
    world = made(origins=origins)
    world.kept.link = replace(OPEN, redirect_url="https://portal.example.com/done")
    async with world.client:
        page, answer = await world.get(), await world.send()
    assert "portal.example.com" not in page.text + page.headers["Content-Security-Policy"].replace(
        " ".join(origins), ""
    )
    assert answer.status_code == 200 and "is connected" in answer.text and "You can close this page" in answer.text
    assert SCIM_TOKEN not in answer.text  # it was not for this person


# -- failure, and the next try ----------------------------------------------------------------------------------------


def failed(failure: UpstreamError) -> AdminError:
    return AdminError(422, "told", check=CheckResult("acme", "pingone", False, "told", failure))


async def test_a_wrong_secret_is_explained_and_everything_else_is_kept(world: World) -> None:
    world.kept.outcome = failed(SignInRefused("", "x", status=401, codes=("invalid_client",)))
    sent = {**ENTRIES, "settings.region": "eu", "settings.population_ids": "one\ntwo"}
    answer = await world.send(sent)
    text, form = plain(answer.text), Form(answer.text)
    assert answer.status_code == 422
    assert "The client ID or the client secret is not right" in text and "Client secret: was not accepted" in text
    kept = {key: value for key, value in sent.items() if key != "settings.client_secret"}
    assert {key: form.fields[key][0] for key in kept} == kept
    assert form.fields["settings.client_secret"] == [""] and "s3cret-typed" not in answer.text
    world.kept.outcome = Linked("acme", Secret(SCIM_TOKEN))
    corrected = form.filled({"settings.client_secret": "right"})
    done = await world.client.post(f"/link/{TOKEN}", data=corrected)
    assert done.status_code == 200 and SCIM_TOKEN in done.text
    assert world.kept.completed[-1][2] == {
        "environment_id": "env-1",
        "client_id": "client-1",
        "client_secret": "right",
        "region": "eu",
        "population_ids": ["one", "two"],
    }


async def test_a_secret_with_a_space_at_its_end_is_pointed_at(world: World) -> None:
    world.kept.outcome = failed(AuthRefused("", "x", status=401))
    spaced = await world.send({**ENTRIES, "settings.client_secret": "s3cret "})
    assert "There is a space before or after what you entered as Client secret." in plain(spaced.text)
    assert "There is a space" not in (await world.send()).text


async def test_another_failure_blames_no_secret(world: World) -> None:
    world.kept.outcome = failed(HostNotFound("", "x"))
    answer = await world.send()
    assert answer.status_code == 422 and "There is no such address" in answer.text
    assert "was not accepted" not in answer.text


async def test_what_is_missing_or_no_number_is_told_before_anything_is_tried(world: World) -> None:
    world.kept.link = replace(OPEN, provider="onelogin")
    sent = {"settings.subdomain": "acme", "settings.client_secret": "s", "settings.user_page_size": "many"}
    answer = await world.send(sent)
    text = plain(answer.text)
    assert answer.status_code == 422
    assert "Client ID: is needed" in text and "User page size: takes a whole number" in text
    assert 'href="#settings-user_page_size"' in answer.text and '<details class="more" open>' in answer.text
    assert Form(answer.text).fields["settings.user_page_size"] == ["many"]
    assert world.kept.completed == []


async def test_what_the_provider_objects_to_stands_at_its_field(world: World) -> None:
    world.kept.outcome = AdminError(400, "settings.population_id: takes ids", "settings.population_id")
    answer = await world.send()
    assert answer.status_code == 422 and "Population ID: takes ids" in plain(answer.text)


async def test_a_refusal_that_is_about_no_field_keeps_the_form(world: World) -> None:
    world.kept.outcome = AdminError(409, "There is a connection acme already: try again", "name")
    answer = await world.send()
    assert answer.status_code == 422 and "There is a connection acme already: try again." in answer.text
    assert Form(answer.text).fields["settings.client_id"] == ["client-1"]


# -- renewing ---------------------------------------------------------------------------------------------------------


async def test_renewing_begins_with_what_is_set_and_changes_the_connection(world: World) -> None:
    world.kept.link = replace(OPEN, connection="acme", renews=True)
    world.kept.settings = {"environment_id": "env-1", "client_id": "old", "attributes": {"title": "a", "nickName": "b"}}
    world.kept.outcome = Linked("acme", None)
    page = await world.get()
    form = Form(page.text)
    assert "Renew the credentials of PingOne" in page.text
    assert form.fields["settings.client_id"] == ["old"]
    assert form.fields["settings.attributes"] == ["title = a\nnickName = b"]
    sent = {"settings.client_id": "new", "settings.client_secret": "n3w", "settings.attributes": "title = c"}
    answer = await world.send(sent)
    assert answer.status_code == 200 and "clients keep their address and their tokens" in plain(answer.text)
    [(_, _, settings, _)] = world.kept.completed
    assert settings["client_id"] == "new" and settings["client_secret"] == "n3w"
    assert settings["attributes"] == {"title": "c", "nickName": None}
    assert settings["population_id"] is None


# -- sessions that are of no use ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refusal", "title"),
    [
        (AdminError(404, "There is no such link"), "There is no such link"),
        (AdminError(410, "This link was used"), "This link cannot be used any more"),
        (AdminError(410, "This link has expired"), "This link cannot be used any more"),
        (AdminError(503, "The database does not answer"), "This does not work at the moment"),
    ],
)
async def test_a_link_that_is_of_no_use_says_why(world: World, refusal: AdminError, title: str) -> None:
    fields = Form((await world.get()).text).filled(ENTRIES)
    world.kept.link = refusal
    for answer in (await world.get(), await world.client.post(f"/link/{TOKEN}", data=fields)):
        assert answer.status_code == refusal.status
        assert title in answer.text and refusal.detail in answer.text
        assert "<form" not in answer.text
    assert world.kept.completed == []


@pytest.mark.parametrize("status", [410, 429, 503])
async def test_a_session_that_ends_while_the_form_is_sent_says_so(world: World, status: int) -> None:
    world.kept.outcome = AdminError(status, "This link was used meanwhile")
    answer = await world.send()
    assert answer.status_code == status and "This link was used meanwhile" in answer.text


@pytest.mark.parametrize("token", ["x", "a" * 5000, "%00", "..%2F..%2Fetc", "%0d%0aSet-Cookie:a=b", "%ff"])
async def test_any_other_address_is_no_link(world: World, token: str) -> None:
    answer = await world.get(token=token)
    assert answer.status_code == 404 and "Set-Cookie" not in answer.headers


async def test_other_methods_are_refused(world: World) -> None:
    assert (await world.client.put(f"/link/{TOKEN}")).status_code == 405
    assert (await world.client.head(f"/link/{TOKEN}")).status_code == 200


# -- forms of strangers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example.com"},
        {"Origin": "https://bridge.example.com.evil.example"},
        {"Origin": "nonsense"},
        {"Origin": "https://[nonsense"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
    ],
)
async def test_a_form_that_another_site_sends_is_refused(world: World, headers: Mapping[str, str]) -> None:
    assert (await world.send(headers=headers)).status_code == 403
    assert world.kept.completed == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},  # what a browser sends without a referrer
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://bridge.example.com"},
        {"Origin": "https://scim.example.com"},
    ],
)
async def test_our_own_form_is_taken(headers: Mapping[str, str]) -> None:
    world = made(public_url="https://scim.example.com")
    async with world.client:
        assert (await world.send(headers=headers)).status_code == 200


@pytest.mark.parametrize("token", [None, "", "0" * 64, "\u00e4"])
async def test_a_form_without_the_text_of_our_page_is_refused(world: World, token: str | None) -> None:
    fields = Form((await world.get()).text).filled(ENTRIES)
    fields.pop("form_token")
    answer = await world.client.post(
        f"/link/{TOKEN}", data={**fields, **({} if token is None else {"form_token": token})}
    )
    assert answer.status_code == 403 and world.kept.completed == []


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b"{}", 415),
        ("multipart/form-data; boundary=x", b"--x--", 415),
        ("text/plain", b"form_token=x", 415),
        ("application/x-www-form-urlencoded", b"a=" + b"x" * 70_000, 413),
        ("application/x-www-form-urlencoded", b"a=%ff", 400),
        ("application/x-www-form-urlencoded", b"&".join([b"a=b"] * 600), 400),
    ],
)
async def test_what_is_no_form_is_refused(world: World, kind: str, body: bytes, status: int) -> None:
    answer = await world.client.post(f"/link/{TOKEN}", content=body, headers={"Content-Type": kind})
    assert answer.status_code == status and world.kept.completed == []


# -- embedding --------------------------------------------------------------------------------------------------------


async def test_nobody_may_embed_the_page_unless_named(world: World) -> None:
    answer = await world.get()
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    named = made(origins=("https://portal.example.com",))
    async with named.client:
        for answer in (await named.get(), await named.send(), await named.get(token="x")):
            assert "frame-ancestors https://portal.example.com" in answer.headers["Content-Security-Policy"]
            assert "X-Frame-Options" not in answer.headers


# -- how often, and what is logged -------------------------------------------------------------------------------------


async def test_one_session_is_not_tried_too_often(world: World) -> None:
    world.kept.outcome = failed(SignInRefused("", "x", status=401))
    for _ in range(TRIES_A_MINUTE):
        assert (await world.send()).status_code == 422
    answer = await world.send()
    assert answer.status_code == 429 and answer.headers["Retry-After"] == "60"
    assert Form(answer.text).fields["settings.client_id"] == ["client-1"]
    assert len(world.kept.completed) == TRIES_A_MINUTE
    world.clock.advance(60)
    assert (await world.send()).status_code == 422


async def test_one_address_does_not_ask_too_often(world: World) -> None:
    for _ in range(REQUESTS_A_MINUTE):
        await world.get(token="guess")
    answer = await world.get()
    assert answer.status_code == 429 and answer.headers["Retry-After"] == "60"
    world.clock.advance(60)
    assert (await world.get()).status_code == 200


async def test_the_log_names_the_session_by_its_id_alone(world: World) -> None:
    await world.get()
    await world.send()
    await world.get(token="unknown")
    assert [(each["method"], each["path"], each["link"], each["status"]) for each in world.lines] == [
        ("GET", "/link", "link7", 200),
        ("GET", "/link", "link7", 200),
        ("POST", "/link", "link7", 200),
        ("GET", "/link", None, 404),
    ]
    assert TOKEN not in str(world.lines) and "unknown" not in str(world.lines)


async def test_what_nobody_expected_is_logged_and_told_as_little_of(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.kept.outcome = RuntimeError("no words for strangers")
    with caplog.at_level(logging.ERROR):
        answer = await world.send()
    assert answer.status_code == 500 and "no words" not in answer.text and "s3cret-typed" not in answer.text
    [record] = [each for each in caplog.records if each.name == "scim_bridge.link"]
    assert record.__dict__["link"] == "link7" and record.exc_info
    told = logging.Formatter().format(record)
    assert TOKEN not in told and "s3cret-typed" not in told
