"""From a new link session to a client that lists people, by HTTP alone, over each vendor's sandbox."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from scim_bridge.admin.forms import entries_of
from scim_bridge.admin.service.links import LinkRequest
from scim_bridge.connections import provider_by_name, provider_names
from scim_bridge.settings import is_secret, settings_of
from tests.admin.pages import Form, plain
from tests.admin.world import ACTOR, World, bridge, world


def typed(provider: str, settings: Mapping[str, Any]) -> dict[str, list[str]]:
    """What a person types to give these settings."""
    kind = provider_by_name(provider).settings
    secrets = {
        each.name: [settings[each.name]] for each in settings_of(kind) if is_secret(each) and each.name in settings
    }
    entries = {**entries_of(kind, settings), **secrets}
    return {f"settings.{key}": list(texts) for key, texts in entries.items()}


async def link(found: World, **wanted: Any) -> str:
    _, token = await found.administration.links.create(ACTOR, LinkRequest(**wanted))
    return f"/link/{token.reveal()}"


@pytest.mark.parametrize("name", provider_names())
async def test_a_wrong_secret_is_explained_then_corrected_and_a_client_lists_people(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with world(tmp_path, name) as found:
        path = await link(found, provider=name, label="Acme Inc.")
        right = typed(name, found.settings[name])
        kind = provider_by_name(name).settings
        secret = next(
            f"settings.{each.name}"
            for each in settings_of(kind)
            if is_secret(each) and f"settings.{each.name}" in right
        )
        form = Form((await found.client.get(path)).text)
        refused = await found.client.post(path, data=form.filled({**right, secret: "wr0ng-secret"}))
        assert refused.status_code == 422
        assert "was not accepted" in plain(refused.text) and "wr0ng-secret" not in refused.text
        again = Form(refused.text)
        done = await found.client.post(path, data=again.filled({secret: right[secret]}))
        assert done.status_code == 200, plain(done.text)
        base, token = (Form(done.text).value(each) for each in ("base-url", "token"))
        assert base == "http://bridge.test/scim/acme-inc/v2"
        users = await found.client.get(f"{base}/Users?count=2", headers={"Authorization": f"Bearer {token}"})
        assert users.status_code == 200 and users.json()["totalResults"] >= 1
        assert (await found.client.get(path)).status_code == 410
    lines = [vars(each) for each in caplog.records if each.name == "scim_bridge.access"]
    assert [(each["path"], each["status"]) for each in lines if each["path"] == "/link"] == [
        ("/link", status) for status in (200, 422, 200, 410)
    ]
    records = [each for each in caplog.records if each.name != "httpx"]  # the client of this test
    written = str([(each.getMessage(), vars(each)) for each in records])
    for kept_out in (path.rpartition("/")[2], token, "wr0ng-secret", *right[secret]):
        assert kept_out not in written


async def test_who_is_led_back_leaves_no_token_behind_that_nobody_knows(tmp_path: Path) -> None:
    async with world(tmp_path, link_origins=["https://app.example.com"]) as found:
        path = await link(found, provider="pingone", label="Acme", redirect_url="https://app.example.com/done")
        form = Form((await found.client.get(path)).text)
        answer = await found.client.post(path, data=form.filled(typed("pingone", found.settings["pingone"])))
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("https://app.example.com/done?link_session=")
        assert (await found.administration.connections.one("acme")).problem is None
        assert await found.administration.tokens.all("acme") == []


async def test_without_admin_tokens_there_is_no_link_page(tmp_path: Path) -> None:
    async with bridge(tmp_path, admin_tokens=[]) as (_, client):
        for path in ("/link/x", "/static/0/style.css"):
            assert (await client.get(path)).status_code == 404


async def test_credentials_for_a_private_address_are_explained_and_refused(tmp_path: Path) -> None:
    async with world(tmp_path, "scim", network=True, allow_private_upstreams=False) as found:
        path = await link(found, provider="scim")
        form = Form((await found.client.get(path)).text)
        answer = await found.client.post(path, data=form.filled(typed("scim", found.settings["scim"])))
    assert answer.status_code == 422 and "This address is not a public one" in answer.text


async def test_a_host_that_is_none_is_shown_to_nobody(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        path = await link(found, provider="pingone")
        form = Form((await found.client.get(path)).text)
        forged = {"Host": "evil.example/x?"}
        filled = form.filled(typed("pingone", found.settings["pingone"]))
        answer = await found.client.post(path, data=filled, headers=forged)
        assert answer.status_code == 400 and "evil" not in answer.text
        assert (await found.client.post(path, data=filled)).status_code == 200  # nothing was used up
