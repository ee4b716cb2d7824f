"""How connections and mirrors stand, through the API."""

import asyncio
from pathlib import Path
from typing import Any

from tests.admin.api.calls import Calls, api, bare
from tests.admin.api.test_connections import OWN, made


async def refreshed(ask: Calls, name: str) -> list[dict[str, Any]]:
    """How the mirror stands once nobody refreshes it any more."""
    while True:
        told = (await ask("GET", f"/connections/{name}/mirror", 200)).json()
        if not told["running"]:
            return list(told["resources"])
        await asyncio.sleep(0.01)


async def test_a_mirror_is_refreshed_when_asked_to(tmp_path: Path) -> None:
    async with api(tmp_path) as (ask, found):
        await made(ask, found, mode="mirror")
        assert (await ask("POST", "/connections/acme/mirror/refresh", 202)).json()["running"] is True
        await ask.refused("POST", "/connections/acme/mirror/refresh", 409, json={"full": True})
        resources = await refreshed(ask, "acme")
        assert {each["resource"] for each in resources} == {"User", "Group"}
        assert all(each["complete"] and each["held"] == 0 and each["fresh_at"].endswith("Z") for each in resources)
        await ask("POST", "/connections/acme/mirror/refresh", 202, json={"full": True, "approve": True})
        await refreshed(ask, "acme")
        status = (await ask("GET", "/connections/acme/status", 200)).json()
        assert status["mirror"]["resources"] and status["open"] is True
        actions = [each["action"] for each in (await ask("GET", "/audit?action=mirror", 200)).json()["items"]]
        assert actions == ["mirror.approved", "mirror.refresh"]


async def test_what_has_no_mirror_says_so(tmp_path: Path) -> None:
    async with bare(tmp_path, connections=OWN) as ask:
        assert (await ask("GET", "/connections/own/mirror", 200)).json() == {"running": False, "resources": []}
        await ask.refused("POST", "/connections/own/mirror/refresh", 409)
        await ask.refused("POST", "/connections/own/mirror/refresh", 400, "full", json={"full": "yes"})
        for path in ("mirror", "status"):
            await ask.refused("GET", f"/connections/none/{path}", 404)
        await ask.refused("POST", "/connections/none/mirror/refresh", 404)


async def test_the_last_errors_of_an_upstream_are_told_without_its_secrets(tmp_path: Path) -> None:
    async with api(tmp_path) as (ask, found):
        await made(ask, found)
        token = (await ask("POST", "/connections/acme/tokens", 201)).json()["token"]
        assert (await found.users("acme", token)).status_code == 200
        status = (await ask("GET", "/connections/acme/status", 200)).json()
        assert status["upstream"]["last_errors"] == [] and status["mirror"] is None
        assert {"kind": "sign_in", "status": 200, "count": 1} in status["upstream"]["calls"]
        await ask("PATCH", "/connections/acme", 200, json={"settings": {"client_secret": "wr0ng-s3cret"}})
        assert (await found.users("acme", token)).status_code == 502
        answer = await ask("GET", "/connections/acme/status", 200)
        error = answer.json()["upstream"]["last_errors"][0]
        assert error["status"] == 401 and "invalid_client" in error["detail"] and error["at"].endswith("Z")
        assert "wr0ng-s3cret" not in answer.text


async def test_a_paused_connection_has_no_upstream(tmp_path: Path) -> None:
    async with api(tmp_path) as (ask, found):
        await made(ask, found, mode="mirror")
        await ask("POST", "/connections/acme/pause", 200)
        status = (await ask("GET", "/connections/acme/status", 200)).json()
        assert (status["paused"], status["open"], status["upstream"], status["mirror"]) == (True, False, None, None)
