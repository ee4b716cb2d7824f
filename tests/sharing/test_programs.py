"""Nodes in processes of their own on one PostgreSQL, one of which is killed."""

from pathlib import Path
from typing import Any

import pytest

from scim_bridge.providers.pingone.sandbox import Sandbox
from tests.mirror.conftest import server, shared
from tests.mirror.test_nodes import _until, config, node, started
from tests.servers import free_port, running

__all__ = ["server", "shared"]
pytestmark = pytest.mark.slow


class Tokens:
    """The simulated PingOne, which does not answer the first sign-in; counts them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._app = sandbox.app
        self.sign_ins = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].endswith("/token"):
            self.sign_ins += 1
            if self.sign_ins == 1:
                while (await receive())["type"] != "http.disconnect":
                    pass
                return
        await self._app(scope, receive, send)


def cost(answer: Any) -> int:
    return int(answer.headers["Server-Timing"].rpartition('desc="')[2].rstrip('"'))


def test_a_node_that_dies_signing_in_holds_nobody_up_and_the_others_share_token_and_positions(
    shared: str, tmp_path: Path
) -> None:
    sandbox = Sandbox(users=500, groups=3)
    tokens = Tokens(sandbox)
    with running(tokens) as origin:
        path = config(tmp_path, sandbox, origin, shared, mode="live")
        first = started(path, free_port())
        try:
            _until(lambda: tokens.sign_ins == 1)
        finally:
            first.kill()
            first.wait()
        with node(path) as (_, one), node(path) as (_, two):
            seen: list[str] = []
            for index in range(5):
                answer = (one, two)[index % 2].get("/Users", params={"startIndex": len(seen) + 1, "count": 100})
                assert cost(answer) == 1
                seen += [each["id"] for each in answer.json()["Resources"]]
            assert sorted(seen) == sorted(sandbox.store.users)
            assert tokens.sign_ins == 2
