"""Several nodes over one database: what is done on one holds on all."""

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx

from scim_bridge.admin.service.desk import AdminError
from scim_bridge.admin.service.links import Linked, LinkRequest
from scim_bridge.registry import LOOK_SECONDS
from tests.admin.test_connections import made
from tests.admin.world import ACTOR, bridge, world

SOON = LOOK_SECONDS + 0.9
"""Within two seconds, which is what is promised."""


async def until(client: httpx.AsyncClient, token: str, status: int) -> None:
    """Return once a client is answered so; AssertionError where that takes too long."""
    ends = time.monotonic() + SOON
    while (found := await asked(client, token)) != status:
        assert time.monotonic() < ends, f"still {found}"
        await asyncio.sleep(0.05)


async def asked(client: httpx.AsyncClient, token: str) -> int:
    answer = await client.get("/scim/acme/v2/Users?count=1", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code


async def test_what_is_done_on_one_node_holds_on_the_other_soon(tmp_path: Path, url: str) -> None:
    async with world(tmp_path, database=url) as found, bridge(tmp_path, database=url) as (_, other):
        connections, tokens = found.administration.connections, found.administration.tokens
        token = await made(found, mode="mirror")
        await until(other, token, 200)
        await connections.pause(ACTOR, "acme", True)
        await until(other, token, 503)
        await connections.pause(ACTOR, "acme", False)
        await until(other, token, 200)
        [view] = await tokens.all("acme")
        await tokens.revoke(ACTOR, "acme", view.id)
        assert await asked(found.client, token) == 401
        await until(other, token, 401)
        await connections.delete(ACTOR, "acme")
        await until(other, token, 404)


async def test_of_two_nodes_that_complete_a_link_one_does(tmp_path: Path, url: str) -> None:
    async with world(tmp_path, database=url) as found, bridge(tmp_path, database=url) as (app, _):
        assert app.administration is not None
        _, token = await found.administration.links.create(ACTOR, LinkRequest(provider="pingone", name="acme"))

        async def complete(links: Any) -> Linked | int:
            try:
                done: Linked = await links.complete(token.reveal(), "pingone", found.settings["pingone"], address="")
            except AdminError as error:
                return error.status
            return done

        results = await asyncio.gather(complete(found.administration.links), complete(app.administration.links))
        [done] = [each for each in results if isinstance(each, Linked)]
        assert [each for each in results if isinstance(each, int)] == [410]
        assert done.token is not None
        await until(found.client, done.token.reveal(), 200)  # either node may have been the one
        assert len(await found.administration.tokens.all("acme")) == 1


async def test_of_two_changes_at_once_none_is_lost(tmp_path: Path, url: str) -> None:
    async with world(tmp_path, database=url) as found, bridge(tmp_path, database=url) as (app, _):
        assert app.administration is not None
        await made(found)
        await app.administration.connections.one("acme")
        changes = [
            found.administration.connections.change(ACTOR, "acme", {"access": "read-only"}),
            app.administration.connections.change(ACTOR, "acme", {"limits": {"max_count": 500}}),
        ]
        results = await asyncio.gather(*changes, return_exceptions=True)
        refused = [each for each in results if isinstance(each, AdminError)]
        view = await found.administration.connections.one("acme")
        assert len(refused) < 2 and all(each.status == 409 for each in refused)
        assert view.revision == 3 - len(refused)
        assert (view.access == "read-only") + (view.limits["max_count"] == 500) == 2 - len(refused)
