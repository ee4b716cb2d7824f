"""Link sessions in the console."""

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import pytest

from scim_bridge.admin.console.linking import DAY
from tests.admin.console import Operator, console, plain
from tests.admin.world import ACTOR

LINKS = "/console/links"
FIELDS = {"label": "Acme <b>", "provider": "pingone", "connection": "", "name": "acme", "expires_at": "7"}


@pytest.fixture
async def operator(tmp_path: Path) -> AsyncIterator[Operator]:
    async with console(tmp_path, "pingone", link_origins=["https://app.example.com"]) as found:
        yield found


async def test_a_link_is_shown_once_and_opens_the_form(operator: Operator) -> None:
    assert "None was made yet" in await operator.get(LINKS)
    answer = await operator.post(LINKS, FIELDS, 200)
    found = re.search(r'id="new-link" value="http://bridge.test(/link/[^"]+)"', answer.text)
    assert found and "<b>" not in answer.text
    assert "Connect PingOne for Acme" in plain(await operator.get(found[1]))
    page = await operator.get(LINKS)
    assert found[1] not in page and "open" in plain(page) and "Acme <b>" in plain(page)
    (view,) = await operator.world.administration.links.all()
    assert (view.provider, view.connection, view.created_by) == ("pingone", "acme", "admin-0")
    assert view.expires_at - view.created_at == pytest.approx(7 * DAY, abs=10_000)


async def test_a_link_is_withdrawn(operator: Operator) -> None:
    answer = await operator.post(LINKS, FIELDS, 200)
    found = re.search(r'(/link/[^"]+)"', answer.text)
    (view,) = await operator.world.administration.links.all()
    answer = await operator.post(f"{LINKS}/{view.id}/revoke")
    page = plain(await operator.get(answer.headers["Location"]))
    assert "The link session is withdrawn" in page and "revoked" in page
    assert found and "withdrawn" in await operator.get(found[1], 410)
    await operator.post(f"{LINKS}/{view.id}/revoke", status=409)
    await operator.post(f"{LINKS}/000000000000/revoke", status=404)


async def test_the_credentials_of_a_connection_are_renewed_by_link(operator: Operator) -> None:
    await operator.world.administration.connections.create(ACTOR, "acme", operator.world.document())
    assert '<option value="acme" selected>' in await operator.get(LINKS, connection="acme")
    answer = await operator.post(LINKS, {**FIELDS, "name": "", "connection": "acme"}, 200)
    link = re.search(r'(/link/[^"]+)"', answer.text)
    assert link and "Renew the credentials of PingOne" in await operator.get(link[1])
    assert "renews it" in await operator.get(LINKS)


@pytest.mark.parametrize(
    ("typed", "field", "told"),
    [
        ({"name": "Acme!"}, "name", "lower-case"),
        ({"label": "x" * 201}, "label", "200 characters"),
        ({"provider": "nothing"}, "provider", "there is no provider"),
        ({"redirect_url": "https://evil.example/"}, "redirect_url", "link_origins"),
        ({"expires_at": "9999"}, "expires_at", "none of the times"),
        ({"expires_at": ""}, "expires_at", "none of the times"),
    ],
)
async def test_what_is_wrong_stands_at_its_field(
    operator: Operator, typed: dict[str, str], field: str, told: str
) -> None:
    answer = await operator.post(LINKS, {**FIELDS, **typed}, 400)
    assert f'<a href="#{field}">' in answer.text
    assert told in unescape(answer.text[answer.text.index(f'id="{field}-error"') :])[:200]
    assert not await operator.world.administration.links.all()
    assert "/link/" not in answer.text


async def test_where_it_leads_back_to_is_asked_only_where_that_is_allowed(operator: Operator, tmp_path: Path) -> None:
    assert 'name="redirect_url"' in await operator.get(LINKS)
    await operator.post(LINKS, {**FIELDS, "redirect_url": "https://app.example.com/done"}, 200)
    other = tmp_path / "other"
    other.mkdir()
    async with console(other) as plain_one:
        assert 'name="redirect_url"' not in await plain_one.get(LINKS)


async def test_credentials_of_the_file_are_renewed_there_alone(tmp_path: Path) -> None:
    own = {"provider": "scim", "token": "t", "settings": {"base_url": "http://127.0.0.1:1", "token": "x"}}
    async with console(tmp_path, connections={"fixed": own}) as operator:
        assert "fixed" not in plain(await operator.get(LINKS))
        answer = await operator.post(LINKS, {**FIELDS, "name": "", "connection": "fixed"}, 409)
        assert "is in the configuration file" in answer.text
