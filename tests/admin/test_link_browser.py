"""The link pages in a real browser: accessible, with and without scripts, in a frame, and the way back."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from scim_bridge.admin.assets import STATIC_ROUTE
from scim_bridge.admin.service.desk import AdminError
from scim_bridge.connections import provider_by_name, provider_names
from scim_bridge.upstream.errors import AuthRefused, SignInRefused
from tests.admin.test_link import OPEN, SCIM_TOKEN, TOKEN, Kept, failed, served
from tests.browser.browser import Browser, browser
from tests.servers import running

pytestmark = pytest.mark.slow
WRONG = SignInRefused("", "x", status=401, codes=("invalid_client",))


@contextmanager
def site(*origins: str) -> Iterator[tuple[str, Kept]]:
    """The link pages on a port, and what stands behind them."""
    kept, routes = served(origins=origins)
    with running(Starlette(routes=[STATIC_ROUTE, *routes])) as origin:
        yield f"{origin}/link/{TOKEN}", kept


@contextmanager
def portal() -> Iterator[str]:
    """Another site: `/` embeds a page, `/done` is where the way leads back to."""

    async def page(request: Request) -> HTMLResponse:
        if request.url.path == "/done":
            return HTMLResponse(f"<p id=done>{request.query_params['status']}</p>")
        return HTMLResponse(
            f"<!doctype html><iframe src='{request.query_params['src']}' width=700 height=900></iframe>"
        )

    with running(Starlette(routes=[Route("/{path:path}", page)])) as origin:
        yield origin


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as found:
        yield found


def judged(chromium: Browser, name: str) -> list[str]:
    """What is wrong with a page, but that the browser's console repeats the status of an answer."""
    return [each for each in chromium.judged(name) if "the server responded with a status of 4" not in each]


def fill_in(chromium: Browser, secret: str = "s3cret") -> None:
    chromium.fill("Environment ID", "env-1")
    chromium.fill("Client ID", "client-1")
    chromium.fill("Client secret", secret)


@pytest.mark.parametrize("name", provider_names())
def test_each_providers_form_is_accessible(chromium: Browser, name: str) -> None:
    with site() as (url, kept):
        kept.link = replace(OPEN, provider=name)
        assert chromium.goto(url) == 200
        chromium.step("open", selector="details")
        assert provider_by_name(name).title in chromium.text("h1")
        assert judged(chromium, f"link-{name}") == []


def test_every_other_page_is_accessible(chromium: Browser) -> None:
    with site() as (url, kept):
        kept.link = replace(OPEN, provider=None)
        chromium.goto(url)
        assert judged(chromium, "link-choice") == []
        chromium.press("PingOne", role="link")
        kept.outcome = failed(WRONG)
        fill_in(chromium)
        chromium.press("Test and connect")
        assert judged(chromium, "link-wrong-secret") == []
        kept.outcome = failed(AuthRefused("", "x", status=403))
        chromium.fill("Client secret", "s3cret")
        chromium.press("Test and connect")
        assert "may not do enough" in chromium.text(".alert.bad")
        assert judged(chromium, "link-no-rights") == []
        kept.outcome = Kept().outcome
        chromium.fill("Client secret", "right")
        chromium.press("Test and connect")
        chromium.step("open", selector="details")
        assert judged(chromium, "link-done") == []
        kept.link = AdminError(410, "This link was used")
        assert chromium.goto(url) == 410
        assert judged(chromium, "link-used") == []
        assert chromium.goto(f"{url}x") == 404
        assert judged(chromium, "link-unknown") == []


def test_a_keyboard_is_led_to_what_went_wrong_and_from_there_to_the_field(chromium: Browser) -> None:
    with site() as (url, kept):
        kept.outcome = failed(WRONG)
        chromium.goto(url)
        fill_in(chromium)
        chromium.step("key", keys="Enter")
        assert "is not right" in chromium.text(".alert.bad")
        assert 'class="alert bad"' in chromium.step("focused")
        chromium.step("key", keys="Tab")
        chromium.step("key", keys="Enter")
        assert 'id="settings-client_secret"' in chromium.step("focused")
        [(_, _, settings, _)] = kept.completed
        assert settings["client_secret"] == "s3cret"


def test_a_secret_can_be_shown_while_it_is_typed_and_the_token_be_copied(chromium: Browser) -> None:
    with site() as (url, _):
        chromium.goto(url)
        fill_in(chromium)
        assert chromium.step("count", selector="#settings-client_secret[type=password]") == 1
        chromium.press("Show: Client secret")
        assert chromium.step("count", selector="#settings-client_secret[type=text]") == 1
        chromium.press("Test and connect")
        chromium.press("Copy: Token")
        # The browser copies when it comes to it, and is waited for.
        chromium.text('[data-copy=token]:text-matches("^(Copied|Press Ctrl.C)$")')


def test_without_scripts_all_of_it_works() -> None:
    with site() as (url, kept), browser(javaScriptEnabled=False) as plain:
        kept.outcome = failed(WRONG)
        plain.goto(url)
        fill_in(plain)
        plain.press("Test and connect")
        assert "is not right" in plain.text(".alert.bad")
        kept.outcome = Kept().outcome
        plain.fill("Client secret", "right")
        plain.press("Test and connect")
        assert plain.step("count", selector=f"#token[value='{SCIM_TOKEN}']") == 1
        assert plain.step("count", selector="button:visible") == 0  # there is nothing that needs a script
    assert [settings["client_secret"] for _, _, settings, _ in kept.completed] == ["s3cret", "right"]


def test_it_leads_back_to_another_site() -> None:
    with portal() as origin, site(origin) as (url, kept), browser(bypassCSP=False) as strict:
        kept.link = replace(OPEN, redirect_url=f"{origin}/done?tab=2")
        strict.goto(url)
        fill_in(strict)
        strict.press("Test and connect")
        assert strict.text("#done") == "connected"
        assert strict.url == f"{origin}/done?tab=2&link_session=link7&connection=acme&status=connected"


def test_it_works_in_a_frame_of_a_site_that_is_named() -> None:
    with portal() as origin, site(origin) as (url, kept), browser(bypassCSP=False) as strict:
        kept.link = replace(OPEN, redirect_url=f"{origin}/done")
        kept.outcome = failed(WRONG)
        strict.goto(f"{origin}/?src={url}")
        strict.frame("iframe")
        fill_in(strict)
        strict.press("Test and connect")
        assert "is not right" in strict.text(".alert.bad")
        kept.outcome = Kept().outcome
        strict.fill("Client secret", "right")
        strict.press("Test and connect")
        assert strict.text("#done") == "connected"


def test_it_is_shown_in_no_frame_of_another_site() -> None:
    with portal() as origin, site() as (url, _), browser(bypassCSP=False, timeout=1000) as strict:
        strict.goto(f"{origin}/?src={url}")
        strict.frame("iframe")
        with pytest.raises(AssertionError, match="Timeout"):
            strict.fill("Environment ID", "env-1")
