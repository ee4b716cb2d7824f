"""A person's whole way in a real browser: from a link to a client that lists people, and the console."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from scim_bridge.app import open_bridge
from scim_bridge.config import from_document
from scim_bridge.connections import provider_by_name, provider_names
from scim_bridge.settings import is_secret, settings_of
from tests.admin.test_link_way import typed
from tests.admin.world import ADMIN, KEY
from tests.browser.browser import Browser, browser
from tests.servers import running

pytestmark = pytest.mark.slow
AS_ADMIN = {"Authorization": f"Bearer {ADMIN}"}


@pytest.mark.parametrize("provider", provider_names())
def test_a_wrong_secret_is_explained_and_corrected_and_people_are_listed(provider: str, tmp_path: Path) -> None:
    simulation = provider_by_name(provider).simulation
    assert simulation is not None
    simulated = simulation(5)
    server = {
        "database": f"sqlite:///{tmp_path}/bridge.db",
        "encryption_key": KEY,
        "admin_tokens": [ADMIN],
        "allow_private_upstreams": True,
    }
    app = open_bridge(from_document({"server": server}, "test", provider_by_name))
    with running(simulated.app) as upstream, running(app) as bridge, browser() as page:
        url = linked(bridge, provider)
        entries, secret = wanted(provider, simulated.settings(upstream))
        assert page.goto(url) == 200
        for name, texts in {**entries, secret: ["wr0ng-s3cret"]}.items():
            page.enter(name, texts)
        assert page.judged(f"link-{provider}") == []
        page.press("Test and connect")
        assert "was not accepted" in page.text("main")
        assert "wr0ng-s3cret" not in page.step("html")
        told = [each for each in page.judged(f"link-{provider}-wrong") if "status of 422" not in each]
        assert told == []
        page.enter(secret, entries[secret])
        page.press("Test and connect")
        assert "is connected" in page.text("h1")
        assert page.judged(f"link-{provider}-done") == []
        base, token = page.step("value", selector="#base-url"), page.step("value", selector="#token")
        users = httpx.get(f"{base}/Users?count=2", headers={"Authorization": f"Bearer {token}"})
        assert users.status_code == 200 and users.json()["totalResults"] >= 1
        seen_in_the_console(page, bridge)


def linked(bridge: str, provider: str) -> str:
    """The address of a new link session."""
    wanted = {"provider": provider, "label": "Acme"}
    made = httpx.post(f"{bridge}/api/v1/link-sessions", json=wanted, headers=AS_ADMIN)
    assert made.status_code == 201, made.text
    return str(made.json()["url"])


def wanted(provider: str, settings: Mapping[str, Any]) -> tuple[dict[str, list[str]], str]:
    """What a person types, by name of the field; and the name of the field of a secret."""
    entries = {name: texts for name, texts in typed(provider, settings).items() if any(texts)}
    kind = provider_by_name(provider).settings
    secrets = [f"settings.{each.name}" for each in settings_of(kind) if is_secret(each)]
    return entries, next(each for each in secrets if each in entries)


def seen_in_the_console(page: Browser, bridge: str) -> None:
    page.goto(f"{bridge}/console")
    page.fill("Admin token", ADMIN)
    page.press("Sign in")
    assert "acme" in page.text("main")
    assert page.judged("console") == []
