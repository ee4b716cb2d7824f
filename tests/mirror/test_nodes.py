"""Several nodes on one PostgreSQL: one refreshes, another takes over, and no answer is wrong meanwhile."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from scim_bridge.providers.pingone.sandbox import Sandbox
from tests.servers import free_port, running

PEOPLE = 3000
PAGE = 200
pytestmark = pytest.mark.slow


class Slow:
    """The simulated PingOne, a while for each page of users."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._app = sandbox.app
        self.pages = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].endswith("/users"):
            self.pages += 1
            await asyncio.sleep(0.3)
        await self._app(scope, receive, send)


def started(path: Path, port: int) -> "subprocess.Popen[bytes]":
    command = [str(Path(sys.executable).parent / "scim-bridge"), "serve", "--config", str(path), "--port", str(port)]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


@contextmanager
def node(path: Path) -> Iterator[tuple["subprocess.Popen[bytes]", httpx.Client]]:
    """A bridge in a process of its own, and a client of it."""
    port = free_port()
    process = started(path, port)
    base, headers = f"http://127.0.0.1:{port}/scim/acme/v2", {"Authorization": "Bearer t"}
    try:
        with httpx.Client(base_url=base, headers=headers, timeout=60) as client:
            _until(lambda: _answers(client))
            yield process, client
    finally:
        process.kill()
        process.wait()


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/ServiceProviderConfig").status_code == 200
    except httpx.TransportError:
        return False


def _until(condition: Any, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.1)


def config(folder: Path, sandbox: Sandbox, origin: str, database: str, mode: str = "mirror") -> Path:
    settings = {**sandbox.settings, "api_url": f"{origin}/v1", "auth_url": origin}
    lines = [
        "[server]",
        f'database = "{database}"',
        f'encryption_key = "{"A" * 43}="',
        "[connections.acme]",
        'provider = "pingone"',
        'token = "t"',
        f'mode = "{mode}"',
        "mirror = { refresh_seconds = 3600 }",
        "[connections.acme.settings]",
        *(f"{key} = {json.dumps(value)}" for key, value in settings.items()),
    ]
    path = folder / "bridge.toml"
    path.write_text("\n".join(lines), "utf-8")
    return path


def everybody(client: httpx.Client) -> list[str]:
    """All ids, by pages that may come from different nodes."""
    seen: list[str] = []
    while True:
        page = client.get("/Users", params={"startIndex": len(seen) + 1, "count": 1000}).json()
        seen += [each["id"] for each in page["Resources"]]
        if len(seen) >= page["totalResults"]:
            return seen


def answers_from_a_mirror(client: httpx.Client) -> bool:
    told = client.get("/ServiceProviderConfig").json()["urn:scim-bridge:schemas:1.0:Freshness"]
    return bool(told["Users"]["answersFrom"] == "mirror")


def test_a_node_that_dies_in_a_refresh_is_taken_over_from(shared: str, tmp_path: Path) -> None:
    sandbox = Sandbox(users=PEOPLE, groups=3)
    slow = Slow(sandbox)
    expected = sorted(sandbox.store.users)
    with running(slow) as origin:
        path = config(tmp_path, sandbox, origin, shared)
        with node(path) as (first, _), node(path) as (_, other):
            _until(lambda: slow.pages >= 4)
            os.kill(first.pid, signal.SIGKILL)
            first.wait()
            assert not answers_from_a_mirror(other)
            assert sorted(everybody(other)) == expected  # from the upstream, as there is no whole copy yet
            _until(lambda: answers_from_a_mirror(other))
            assert sorted(everybody(other)) == expected
            answer = other.get("/Users", params={"count": 1})
            assert 'desc="0"' in answer.headers["Server-Timing"] and "Age" in answer.headers


def test_pages_of_one_list_may_come_from_different_nodes(shared: str, tmp_path: Path) -> None:
    sandbox = Sandbox(users=400, groups=3)
    with running(sandbox.app) as origin:
        path = config(tmp_path, sandbox, origin, shared)
        with node(path) as (_, one), node(path) as (_, two):
            _until(lambda: answers_from_a_mirror(one) and answers_from_a_mirror(two))
            seen: list[str] = []
            cursor, clients = "", [one, two]
            while True:
                query = {"cursor": cursor, "count": "60", "sortBy": "userName"}
                page = clients[len(seen) // 60 % 2].get("/Users", params=query).json()
                seen += [each["id"] for each in page["Resources"]]
                if "nextCursor" not in page:
                    break
                cursor = page["nextCursor"]
            assert sorted(seen) == sorted(sandbox.store.users)
            # What one node writes, the other one shows at once.
            user = seen[7]
            change = {"Operations": [{"op": "replace", "path": "title", "value": "Seen"}]}
            assert one.patch(f"/Users/{user}", json=change).status_code == 200
            assert two.get(f"/Users/{user}").json()["title"] == "Seen"
            assert two.get("/Users", params={"filter": 'title eq "seen"'}).json()["totalResults"] == 1
