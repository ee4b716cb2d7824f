"""Tokens of SCIM clients: shown once, with scope and expiry, and revoked on all nodes."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from scim_bridge.admin.service.desk import AdminError
from scim_bridge.protocol.auth import token_digest
from scim_bridge.registry import LOOK_SECONDS
from tests.admin.test_connections import made
from tests.admin.world import ACTOR, bridge, world


async def test_a_token_is_kept_as_its_digest_only(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        token = await made(found)
        assert token.startswith("sb_") and len(token) > 40
        [row] = await found.administration.desk.read(lambda sql: sql.rows("SELECT * FROM store_tokens"))
        assert token_digest(token) in [bytes(each) for each in row if isinstance(each, bytes | memoryview)]
        assert token not in str(row)


async def test_a_token_revoked_on_one_node_is_refused_on_the_other(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        token = await made(found)
        headers = {"Authorization": f"Bearer {token}"}
        async with bridge(tmp_path) as (_, other):
            assert (await other.get("/scim/acme/v2/Users", headers=headers)).status_code == 200
            [view] = await found.administration.tokens.all("acme")
            await found.administration.tokens.revoke(ACTOR, "acme", view.id)
            assert (await found.users("acme", token)).status_code == 401
            await asyncio.sleep(LOOK_SECONDS + 0.5)  # the bar is two seconds
            assert (await other.get("/scim/acme/v2/Users", headers=headers)).status_code == 401


@pytest.mark.parametrize(
    ("scopes", "kept", "reads", "writes"),
    [(["read"], ("read",), 200, 403), (["write"], ("read", "write"), 200, 404), (["proxy"], ("proxy",), 403, 403)],
)
async def test_a_token_is_good_for_its_scopes(
    tmp_path: Path, scopes: list[str], kept: tuple[str, ...], reads: int, writes: int
) -> None:
    async with world(tmp_path) as found:
        await made(found)
        view, token = await found.administration.tokens.create(ACTOR, "acme", scopes=scopes)
        assert view.scopes == kept
        assert (await found.users("acme", token.reveal())).status_code == reads
        headers = {"Authorization": f"Bearer {token.reveal()}"}
        path = "/scim/acme/v2/Users/00000000-0000-4000-8000-000000000000"
        assert (await found.client.delete(path, headers=headers)).status_code == writes


async def test_a_connection_of_the_file_has_tokens_of_both(tmp_path: Path) -> None:
    async with world(tmp_path) as outer:
        own = {"acme": {"provider": "pingone", "token": "of-the-file", "settings": dict(outer.settings["pingone"])}}
        folder = tmp_path / "second"
        folder.mkdir()
        async with world(folder, connections=own) as found:
            _, token = await found.administration.tokens.create(ACTOR, "acme", label="second")
            for each in ("of-the-file", token.reveal()):
                assert (await found.users("acme", each)).status_code == 200
            [view] = await found.administration.tokens.all("acme")
            await found.administration.tokens.revoke(ACTOR, "acme", view.id)
            assert (await found.users("acme", token.reveal())).status_code == 401
            assert (await found.users("acme", "of-the-file")).status_code == 200


async def test_the_last_use_is_kept_when_the_node_ends(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        token = await made(found)
        async with bridge(tmp_path) as (_, other):
            await other.get("/scim/acme/v2/Users", headers={"Authorization": f"Bearer {token}"})
        [view] = await found.administration.tokens.all("acme")
        assert view.used_at is not None and view.used_at >= view.created_at


@pytest.mark.parametrize(
    ("wanted", "key"),
    [({"scopes": []}, "scopes"), ({"scopes": ["root"]}, "scopes"), ({"expires_at": 1}, "expires_at"),
     ({"label": "x" * 201}, "label"), ({"label": "a\nb"}, "label")],
)  # fmt: skip
async def test_what_no_token_can_be_is_refused(tmp_path: Path, wanted: dict[str, Any], key: str) -> None:
    async with world(tmp_path) as found:
        await made(found)
        with pytest.raises(AdminError) as caught:
            await found.administration.tokens.create(ACTOR, "acme", **wanted)
        assert (caught.value.status, caught.value.key) == (400, key)
        for token_id in ("nope", "0" * 12):
            with pytest.raises(AdminError) as caught:
                await found.administration.tokens.revoke(ACTOR, "acme", token_id)
            assert caught.value.status == 404


async def test_a_change_of_the_connection_forgets_no_use(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        token = await made(found)
        assert (await found.users("acme", token)).status_code == 200
        for paused in (True, False):
            await found.administration.connections.pause(ACTOR, "acme", paused)
        await found.administration.connections.change(ACTOR, "acme", {"access": "read-only"})
        await found.administration.desk.registry._note_use()
        [view] = await found.administration.tokens.all("acme")
        assert view.used_at is not None
