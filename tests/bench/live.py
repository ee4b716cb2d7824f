"""The live path: what a request costs that an upstream answers, and how many upstream requests operations take.

B6 and B7 run in one process without sockets. The upstream is a simulated PingOne whose answers to GET are replayed, so
that its own cost counts on neither side.
"""

import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from rich.console import Console
from scim2_server.cursor import Cursors

from scim_bridge.app import create_app
from scim_bridge.config import from_document
from scim_bridge.connections import Connection, provider_by_name
from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.registry import Registry
from tests.bench.measure import Ratio, measured
from tests.bench.requests import reading
from tests.bench.servers import Server, application, started
from tests.servers import free_port

ROUNDS = 9
SECONDS = 0.3
Action = Callable[[], Awaitable[Any]]


async def cost(action: Action) -> float:
    """CPU seconds of one action, over about SECONDS of it."""
    await action()
    runs, started, until = 0, time.process_time(), time.perf_counter() + SECONDS
    while time.perf_counter() < until:
        await action()
        runs += 1
    return (time.process_time() - started) / runs


async def ratio(one: Action, other: Action) -> float:
    """The median of one side's cost over the other's, round by round."""
    return statistics.median([await cost(one) / await cost(other) for _ in range(ROUNDS)])


class Replayed(httpx.AsyncBaseTransport):
    """Another transport whose answers to GET are given again, until something is written."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self._answers: dict[str, tuple[int, httpx.Headers, bytes]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = str(request.url)
        if request.method != "GET":
            self._answers.clear()
            return await self._inner.handle_async_request(request)
        if url not in self._answers:
            response = await self._inner.handle_async_request(request)
            self._answers[url] = response.status_code, response.headers, await response.aread()
        status, headers, body = self._answers[url]
        return httpx.Response(status, headers=headers, content=body)


class Bench:
    """A bridge over a simulated PingOne with 10,000 users and groups of 10 and of 10,000 members."""

    def __init__(self) -> None:
        self.sandbox = Sandbox(users=10_000)
        settings = {**self.sandbox.settings, "api_url": "http://up.test/v1", "auth_url": "http://up.test"}
        document = {"connections": {"acme": {"provider": "pingone", "token": "t", "settings": settings}}}
        config = from_document(document, "bench", provider_by_name)
        transport = Replayed(httpx.ASGITransport(app=self.sandbox.app))
        self.connection = Connection(config.connections["acme"], Cursors(b"s" * 32), transport=transport)
        app = create_app(Registry({"acme": self.connection}))
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url="http://bridge.test/scim/acme/v2",
            headers={"Authorization": "Bearer t"},
        )

    async def ask(self, method: str, path: str, body: Any = None, **parameters: Any) -> httpx.Response:
        response = await self.client.request(method, path, json=body, params=parameters)
        assert response.status_code < 300, response.text
        return response

    async def group(self, members: list[str]) -> str:
        """A group with members; its id."""
        body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": f"G{len(members)}"}
        made: str = (await self.ask("POST", "/Groups", body)).json()["id"]
        for each in members:
            self.sandbox.store.join(each, made)
        return made


def upstream_requests(response: httpx.Response) -> int:
    return int(response.headers["Server-Timing"].rpartition('desc="')[2].rstrip('"'))


async def ratios(bench: Bench) -> list[Ratio]:
    everyone = sorted(bench.sandbox.store.users)
    small, large = await bench.group(everyone[:10]), await bench.group(everyone[:-1])

    def toggled(group: str) -> Action:
        add = {"Operations": [{"op": "add", "path": "members", "value": [{"value": everyone[-1]}]}]}
        remove = {"Operations": [{"op": "remove", "path": f'members[value eq "{everyone[-1]}"]'}]}

        async def action() -> None:
            await bench.ask("PATCH", f"/Groups/{group}", add)
            await bench.ask("PATCH", f"/Groups/{group}", remove)

        return action

    return [
        Ratio("B7", "PATCH one member: group of 9,999 / of 10", await ratio(toggled(large), toggled(small)), 2.0, True),
    ]


async def requests(bench: Bench) -> list[tuple[str, int, int]]:
    """Operation, upstream requests it took, and the fewest that the vendor's API allows."""
    listed = (await bench.ask("GET", "/Users", count=2)).json()["Resources"]
    user, name = listed[0]["id"], listed[0]["userName"]
    group = await bench.group([user])
    add = {"Operations": [{"op": "add", "path": "members", "value": [{"value": listed[1]["id"]}]}]}
    title = {"Operations": [{"op": "replace", "path": "title", "value": f"T{time.time()}"}]}
    body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": f"new{time.time()}"}
    made = await bench.ask("POST", "/Users", body)
    asked = [
        ("GET /Users/{id}", await bench.ask("GET", f"/Users/{user}"), 1),
        ('filter=userName eq "x"', await bench.ask("GET", "/Users", filter=f'userName eq "{name}"'), 1),
        ("list of 100", await bench.ask("GET", "/Users", count=100), 1),
        ("list of 1,000 (200 a page)", await bench.ask("GET", "/Users", count=1000), 5),
        ("POST /Users", made, 1),
        ("PATCH title", await bench.ask("PATCH", f"/Users/{user}", title), 2),
        ("PATCH add a member", await bench.ask("PATCH", f"/Groups/{group}", add), 1),
        ("GET /Groups without members", await bench.ask("GET", "/Groups", excludedAttributes="members"), 1),
        ("DELETE /Users/{id}", await bench.ask("DELETE", f"/Users/{made.json()['id']}"), 1),
    ]
    return [(name, upstream_requests(response), fewest) for name, response, fewest in asked]


async def engine(console: Console) -> list[Ratio]:
    """B6 and B7, in this process: how many upstream requests operations take, and what the size of a group costs."""
    bench = Bench()
    await bench.connection.service()
    counted, found = await requests(bench), await ratios(bench)
    await bench.client.aclose()
    await bench.connection.aclose()
    for name, taken, fewest in counted:
        console.print(f"  {name:<45} {taken:>12} upstream requests of at least {fewest}", highlight=False)
    many = sum(taken > fewest for _, taken, fewest in counted)
    return [Ratio("B6", "operations on PingOne that take more requests than they must", many, 0, True), *found]


@contextmanager
def _served(name: str, path: Path, ready: str, base: str = "", **environment: str) -> Iterator[Server]:
    port = free_port()
    commands = {
        "live": [str(Path(sys.executable).parent / "scim-bridge"), "serve", "--config", str(path), "--port", str(port)],
        "bare": [sys.executable, "-m", "tests.bench.apps", "bare", str(port), "0"],
    }
    with started(name, commands[name], port, ready, base=base, environment=environment) as server:
        yield server


def live(console: Console, rounds: int, seconds: float) -> list[Ratio]:
    """B5: a live GET, over sockets, against the same upstream call in a bare endpoint of the framework."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        upstream = stack.enter_context(application("pingone", PEOPLE, "/"))
        path = folder / "live.toml"
        database = f'[server]\ndatabase = "sqlite:///{folder}/bridge.db"\n'
        path.write_text(database + pingone_config(upstream.origin), "utf-8")
        own = stack.enter_context(_served("live", path, "/readyz", "/scim/acme/v2"))
        bare = stack.enter_context(_served("bare", path, "/", CONFIG=str(path)))
        own.learn()
        get = [own.request("GET", f"/Users/{each}") for each in own.ids]
        calls = [bare.request("GET", f"/{each}") for each in own.ids]
        arms = {f"live GET, {number} connections": reading(own, get, number) for number in (1, 8, 32)}
        arms["bare call and endpoint, 8 connections"] = reading(bare, calls, 8)
        costs = measured(arms, rounds, seconds)
    for arm in arms:
        console.print(f"  {arm:<45} {(costs.of(arm) or 0) * 1e6:>12,.0f} us of CPU a request", highlight=False)
    to_bare = costs.ratio("live GET, 8 connections", "bare call and endpoint, 8 connections")
    to_one = costs.ratio("live GET, 32 connections", "live GET, 1 connections")
    return [
        Ratio("B5", "live GET / bare call and Starlette endpoint", to_bare, 1.6, True),
        Ratio("B5", "live GET at 32 connections / at 1", to_one, 1.3, True),
    ]


PEOPLE = 1000


def pingone_config(origin: str) -> str:
    settings = {**Sandbox(users=1).settings, "api_url": f"{origin}/v1", "auth_url": origin}
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    return "\n".join(
        ["[connections.acme]", 'provider = "pingone"', 'token = "t"', "[connections.acme.settings]", *lines]
    )
