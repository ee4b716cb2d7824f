"""The console in a real browser: each page accessible, light and dark, wide and narrow, with and without scripts."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from scim_bridge.app import open_bridge
from scim_bridge.config import from_document
from scim_bridge.connections import provider_by_name
from tests.admin.world import ADMIN, KEY
from tests.browser.browser import Browser, browser
from tests.servers import running

pytestmark = pytest.mark.slow
FILE = ("onelogin", "scim")
"""Providers of connections of the file; `acme`, to PingOne, is made in the console."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, Any]]]:
    """The address of a bridge over sandboxes, and the settings that connect to PingOne's."""
    folder: Path = tmp_path_factory.mktemp("console")
    with ExitStack() as stack:
        settings = {}
        for name in ("pingone", *FILE):
            simulation = provider_by_name(name).simulation
            assert simulation is not None
            simulated = simulation(60)
            settings[name] = simulated.settings(stack.enter_context(running(simulated.app)))
        connections = {name: {"provider": name, "token": f"t-{name}", "settings": settings[name]} for name in FILE}
        connections["scim"]["mode"] = "mirror"
        connections["away"] = {**connections["scim"], "settings": {"base_url": "http://127.0.0.1:9", "token": "x"}}
        server = {
            "database": f"sqlite:///{folder}/bridge.db",
            "encryption_key": KEY,
            "admin_tokens": [ADMIN],
            "allow_private_upstreams": True,
        }
        document = {"server": server, "connections": connections}
        app = open_bridge(from_document(document, "test", provider_by_name))
        yield stack.enter_context(running(app)), dict(settings["pingone"])


@pytest.fixture(scope="module")
def chromium(site: tuple[str, dict[str, Any]]) -> Iterator[Browser]:
    """Signed in, with a connection made in the console."""
    with browser() as found:
        sign_in(found, site[0])
        connect(found, *site)
        yield found


def sign_in(found: Browser, origin: str) -> None:
    found.goto(f"{origin}/console")
    found.fill("Admin token", ADMIN)
    found.press("Sign in")
    assert found.url == f"{origin}/console"


def connect(found: Browser, origin: str, settings: dict[str, Any], name: str = "acme") -> None:
    found.goto(f"{origin}/console/new/pingone")
    found.step("open", selector="details")
    found.fill("Name", name)
    for each in ("environment_id", "client_id", "client_secret", "api_url", "auth_url"):
        found.enter(f"settings.{each}", [settings[each]])
    found.press("Test and connect")
    assert "The connection is there" in found.text("main"), found.text("main")


def judged(found: Browser, name: str) -> list[str]:
    """What is wrong with a page, but that the browser's console repeats the status of an answer."""
    return [each for each in found.judged(f"console-{name}") if "the server responded with a status of" not in each]


PAGES = {
    "overview": "",
    "connection": "/connections/acme",
    "connection-file": "/connections/onelogin",
    "connection-mirror": "/connections/scim",
    "connection-away": "/connections/away",
    "users": "/connections/acme/directory/Users?filter=active+eq+true&sortBy=userName",
    "groups": "/connections/acme/directory/Groups",
    "activities": "/connections/onelogin/directory/Activities",
    "nobody": "/connections/acme/directory/Users?filter=userName+eq+%22nobody%22",
    "capabilities": "/connections/acme/capabilities",
    "edit": "/connections/acme/edit",
    "delete": "/connections/acme/delete",
    "choice": "/new",
    "new": "/new/sailpoint-iiq",
    "links": "/links",
    "audit": "/audit",
    "entry": "/audit/1",
    "providers": "/providers",
    "provider": "/providers/pingone",
}
REFUSED = {
    "missing": ("/nothing", 404),
    "wrong-filter": ("/connections/acme/directory/Users?filter=userName+eq", 400),
    "no-such-user": ("/connections/acme/directory/Users/nobody", 404),
    "away": ("/connections/away/directory/Users", 503),
    "wrong-time": ("/audit?since=yesterday", 400),
}


@pytest.mark.parametrize("name", PAGES)
def test_each_page_is_accessible(chromium: Browser, site: tuple[str, dict[str, Any]], name: str) -> None:
    assert chromium.goto(f"{site[0]}/console{PAGES[name]}") == 200
    chromium.step("open", selector="details")
    assert judged(chromium, name) == []


@pytest.mark.parametrize("name", REFUSED)
def test_each_refusal_is_accessible(chromium: Browser, site: tuple[str, dict[str, Any]], name: str) -> None:
    path, status = REFUSED[name]
    assert chromium.goto(f"{site[0]}/console{path}") == status
    assert judged(chromium, name) == []


def test_one_person_is_found_and_shown(chromium: Browser, site: tuple[str, dict[str, Any]]) -> None:
    chromium.goto(f"{site[0]}/console/connections/acme")
    chromium.press("Browse the directory", role="link")
    chromium.enter("filter", ['userName sw "a"'])
    chromium.press("Search")
    assert "Evaluated there" in chromium.text("main")
    person = chromium.text("tbody th a")
    chromium.press(person, role="link")
    assert f'"userName": "{person}"' in chromium.text("pre")
    assert f'"username": "{person}"' in chromium.text("[aria-labelledby=raw] pre")
    assert judged(chromium, "person") == []


def test_what_is_wrong_in_a_form_is_accessible_and_focused(chromium: Browser, site: tuple[str, dict[str, Any]]) -> None:
    chromium.goto(f"{site[0]}/console/connections/acme/edit")
    chromium.enter("settings.client_secret", ["wr0ng"])
    chromium.press("Test and save")
    assert "is not right" in chromium.text(".alert.bad")
    assert 'class="alert bad"' in chromium.step("focused")
    assert judged(chromium, "edit-wrong") == []
    chromium.goto(f"{site[0]}/console/links")
    chromium.enter("name", ["Not a name"])
    chromium.press("Make a link")
    assert judged(chromium, "link-wrong") == []


def test_what_is_shown_once_is_accessible(chromium: Browser, site: tuple[str, dict[str, Any]]) -> None:
    chromium.goto(f"{site[0]}/console/links")
    chromium.enter("label", ["Acme Inc."])
    chromium.press("Make a link")
    assert chromium.step("count", selector=f"#new-link[value^='{site[0]}/link/']") == 1
    assert judged(chromium, "link-made") == []
    chromium.goto(f"{site[0]}/console/connections/acme")
    chromium.step("open", selector="details")
    chromium.enter("label", ["Okta"])
    chromium.press("Make a token")
    assert chromium.step("count", selector="#new-token[value^='sb_']") == 1
    chromium.step("open", selector="details")
    assert judged(chromium, "token-made") == []


def test_the_first_key_leads_past_the_navigation(chromium: Browser, site: tuple[str, dict[str, Any]]) -> None:
    chromium.goto(f"{site[0]}/console/audit")
    chromium.step("key", keys="Tab")
    assert 'class="skip"' in chromium.step("focused")
    chromium.step("key", keys="Enter")
    chromium.step("key", keys="Tab")
    assert 'id="connection"' in chromium.step("focused")


def test_without_scripts_all_of_it_works(site: tuple[str, dict[str, Any]]) -> None:
    origin, settings = site
    with browser(javaScriptEnabled=False) as found:
        sign_in(found, origin)
        connect(found, origin, settings, "plain")
        found.press("Pause")
        assert "The connection is paused" in found.text("main")
        found.press("Resume")
        assert "serves again" in found.text("main")
        found.goto(f"{origin}/console/connections/plain/delete")
        found.fill("Its name, to confirm", "plain")
        found.press("Delete it")
        assert "The connection is deleted" in found.text("main")
        found.press("Sign out")
        assert found.url == f"{origin}/console/sign-in"
        assert judged_without_scripts(found) == []


def judged_without_scripts(found: Browser) -> list[str]:
    """Buttons that need a script are not there without one."""
    return [each for each in ("Copy", "Show") if found.step("count", selector=f"button:visible:text-is('{each}')")]


def test_signing_in_is_accessible(site: tuple[str, dict[str, Any]]) -> None:
    with browser() as found:
        found.goto(f"{site[0]}/console")
        assert judged(found, "sign-in") == []
        found.fill("Admin token", "gu3ss")
        found.press("Sign in")
        assert "This is not an admin token" in found.text("main")
        assert judged(found, "sign-in-refused") == []
