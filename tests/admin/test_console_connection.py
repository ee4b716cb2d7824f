"""The page of a connection: what it shows, and what is done there."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from scim_bridge.mirror.standing import Standing
from scim_bridge.store.audit import Criteria
from scim_bridge.upstream.errors import Unavailable
from tests.admin.console import Operator, console, plain
from tests.admin.world import ACTOR

PAGE = "/console/connections/acme"


@pytest.fixture
async def operator(tmp_path: Path) -> AsyncIterator[Operator]:
    async with console(tmp_path, "pingone") as found:
        await found.world.administration.connections.create(ACTOR, "acme", found.world.document(), label="Acme")
        yield found


async def actions(operator: Operator, kind: str) -> list[tuple[str, str]]:
    """Who did what, the newest first."""
    kept = await operator.world.administration.history.page(Criteria(action=kind), 20)
    return [(each.entry.actor, each.entry.action) for each in kept]


async def test_it_shows_the_settings_and_of_secrets_only_that_they_are_set(operator: Operator) -> None:
    page = await operator.get(PAGE)
    settings = operator.world.settings["pingone"]
    assert f"Environment ID {settings['environment_id']}" in plain(page)
    assert "Client secret set" in plain(page)
    assert settings["client_secret"] not in page
    assert 'value="http://bridge.test/scim/acme/v2"' in page


async def test_a_new_connection_says_that_it_needs_a_token(operator: Operator) -> None:
    assert "without a token, no client can ask" in await operator.get(PAGE)


async def test_a_token_is_shown_once_works_and_is_gone_when_revoked(operator: Operator) -> None:
    fields = {"label": "Okta <b>", "scopes": ["read"], "expires": "30"}
    answer = await operator.post(f"{PAGE}/tokens", fields, 200, PAGE)
    found = re.search(r'id="new-token" value="(sb_[\w-]+)"', answer.text)
    assert found and "<b>" not in answer.text
    assert (await operator.world.users("acme", found[1])).status_code == 200
    page = await operator.get(PAGE)
    assert found[1] not in page
    (token,) = await operator.world.administration.tokens.all("acme")
    assert token.scopes == ("read",) and token.label == "Okta <b>" and token.created_by == "admin-0"
    assert token.expires_at is not None and token.id in page
    await operator.post(f"{PAGE}/tokens/{token.id}/revoke")
    assert (await operator.world.users("acme", found[1])).status_code == 401
    assert "It is revoked" in await operator.get(f"{PAGE}?done=revoked")
    assert await actions(operator, "token") == [("admin-0", "token.revoked"), ("admin-0", "token.created")]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"label": "x", "expires": ""}, "scopes-error"),
        ({"label": "x\x07", "scopes": "read", "expires": ""}, "label-error"),
        ({"label": "x", "scopes": "read", "expires": "9999999999999999999"}, "expires-error"),
    ],
)
async def test_what_is_wrong_with_a_token_stands_at_its_field(
    operator: Operator, fields: dict[str, str], told: str
) -> None:
    answer = await operator.post(f"{PAGE}/tokens", fields, 400)
    assert f'aria-describedby="{told}"' in answer.text.replace("label-help label-error", "label-error")
    assert f'id="{told}"' in answer.text and not await operator.world.administration.tokens.all("acme")


async def test_testing_says_what_was_found(operator: Operator) -> None:
    answer = await operator.post(f"{PAGE}/test", status=200)
    assert "The test succeeded The bridge signed in and read one row of Users" in plain(answer.text)


async def test_a_test_that_fails_is_explained(operator: Operator) -> None:
    settings = {"client_secret": "wr0ng"}
    await operator.world.administration.connections.change(ACTOR, "acme", {"settings": settings})
    answer = await operator.post(f"{PAGE}/test", status=200)
    assert "The client ID or the client secret is not right" in answer.text
    assert "wr0ng" not in answer.text


async def test_a_connection_is_paused_and_resumed(operator: Operator) -> None:
    answer = await operator.post(f"{PAGE}/pause", {"paused": "true"})
    page = plain(await operator.get(answer.headers["Location"]))
    assert "Paused" in page and "Resume" in page and "Browse the directory" not in page
    answer = await operator.post(f"{PAGE}/pause", {"paused": "false"})
    assert "serves again" in await operator.get(answer.headers["Location"])
    assert [action for _, action in await actions(operator, "connection")][:2] == [
        "connection.resumed",
        "connection.paused",
    ]


async def test_deleting_takes_its_name_to_confirm(operator: Operator) -> None:
    assert "Its name, to confirm" in await operator.get(f"{PAGE}/delete")
    answer = await operator.post(f"{PAGE}/delete", {"confirmed": "acm"}, 400)
    assert 'aria-describedby="confirmed-error"' in answer.text
    assert (await operator.client.get(PAGE)).status_code == 200
    answer = await operator.post(f"{PAGE}/delete", {"confirmed": "acme"})
    assert "The connection is deleted" in await operator.get(answer.headers["Location"])
    await operator.get(PAGE, 404)


async def test_errors_and_waits_of_the_upstream_are_shown(operator: Operator) -> None:
    client = operator.world.administration.desk.registry.connections["acme"].client
    client.usage.failed(Unavailable("acme", "it broke <i>", status=500))
    client.usage.waited["retry_after"] += 7.0
    page = await operator.get(PAGE)
    assert "Unavailable 500 it broke <i>" in plain(page) and "<i>" not in page
    assert "7.0 s as the upstream asked" in plain(page)


async def test_connections_of_the_file_are_shown_and_left_alone(tmp_path: Path) -> None:
    settings = {"base_url": "http://127.0.0.1:1", "token": "upstr3am"}
    connections = {"acme": {"provider": "scim", "token": "f1le-t0ken", "settings": settings}}
    async with console(tmp_path, connections=connections) as operator:
        page = await operator.get(PAGE)
        assert "the configuration file, where it is changed" in page
        assert f"{PAGE}/edit" not in page and f"{PAGE}/delete" not in page and f"{PAGE}/pause" not in page
        assert "f1le-t0ken" not in page and "upstr3am" not in page
        for path, fields in (("pause", {"paused": "true"}), ("delete", {"confirmed": "acme"})):
            answer = await operator.post(f"{PAGE}/{path}", fields, 409)
            assert "is in the configuration file" in answer.text
        await operator.get(f"{PAGE}/delete", 409)


async def test_what_is_not_there_is_404(operator: Operator) -> None:
    for path in ("test", "pause", "tokens", "mirror", "delete"):
        await operator.post(
            f"/console/connections/none/{path}", {"what": "full", "scopes": "read", "confirmed": "none"}, 404
        )
    await operator.post(f"{PAGE}/tokens/0123456789ab/revoke", status=404)


# -- mirrors ----------------------------------------------------------------------------------------------------------


async def test_a_mirror_shows_how_it_stands_and_is_refreshed(tmp_path: Path) -> None:
    async with console(tmp_path, "pingone") as operator:
        document = operator.world.document(mode="mirror", mirror={"max_shrink_percent": 0.0})
        await operator.world.administration.connections.create(ACTOR, "acme", document)
        mirrors = operator.world.administration.mirrors
        while not all(each.complete for each in await mirrors.standing("acme")) or not await mirrors.standing("acme"):
            await asyncio.sleep(0.02)
        page = plain(await operator.get(PAGE))
        assert "User yes 20" in page and "Refresh now" in page
        answer = await operator.post(f"{PAGE}/mirror", {"what": "full"})
        assert "The mirror is being refreshed" in await operator.get(answer.headers["Location"])
        assert await actions(operator, "mirror") == [("admin-0", "mirror.refresh")]
        await operator.post(f"{PAGE}/mirror", {"what": "nonsense"}, 400)
        assert "Nothing is held back" in await operator.get(f"{PAGE}/held")


async def test_what_a_mirror_holds_back_is_shown_and_approved(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    mirrors = operator.world.administration.mirrors

    async def standing(name: str) -> list[Standing]:
        return [Standing("User", True, 1_700_000_000_000_000, None, 1234)]

    async def refresh(actor: object, name: str, **how: bool) -> None:
        asked.append((name, how))

    async def held(name: str, most: int) -> dict[str, list[str]]:
        return {"Users": ["u1", "a/b"]}

    for each in (standing, refresh, held):
        monkeypatch.setattr(mirrors, each.__name__, each)
    await operator.world.administration.connections.change(ACTOR, "acme", {"mode": "mirror"})
    page = plain(await operator.get(PAGE))
    assert "1,234 resources seem to be gone upstream" in page
    assert "User yes 2023-11-14 22:13 UTC never 1,234" in page
    assert f'href="{PAGE}/held"' in await operator.get(PAGE)
    page = await operator.get(f"{PAGE}/held")
    assert f'href="{PAGE}/directory/Users/a%2Fb"' in page and "take 1,234 away" in page
    await operator.post(f"{PAGE}/mirror", {"what": "approve"})
    assert asked == [("acme", {"approve": True})]
    await operator.world.administration.desk.registry.connections["acme"].service()
    assert "Changes held" in await operator.get("/console")


async def test_what_cannot_be_refreshed_says_so(operator: Operator) -> None:
    answer = await operator.post(f"{PAGE}/mirror", {"what": "refresh"}, 409)
    assert "has no mirror" in answer.text
