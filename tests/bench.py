"""``make bench``: what a request costs, as ratios of CPU time measured in one run, and as upstream requests.

Everything runs in one process, without sockets. The upstream is a simulated PingOne whose answers to GET are replayed,
so that its own cost counts on neither side. Rounds of the two sides of a ratio alternate, and the median counts. Times
themselves mean nothing beyond the machine they were taken on.
"""

import asyncio
import json
import platform
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table
from scim2_models import User
from scim2_server.cursor import Cursors
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from scim_bridge.app import create_app
from scim_bridge.config import from_document
from scim_bridge.connections import Connection, provider_by_name
from scim_bridge.providers.pingone.sandbox import Sandbox

ROUNDS = 9
SECONDS = 0.3
Action = Callable[[], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Ratio:
    """One measured ratio and the bar it is held to: at most, or at least."""

    name: str
    ratio: float
    bar: float
    at_most: bool = True

    @property
    def met(self) -> bool:
        return self.ratio <= self.bar if self.at_most else self.ratio >= self.bar


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
        app = create_app({"acme": self.connection})
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
    user, page = everyone[0], (await bench.ask("GET", "/Users", count=100)).json()["Resources"]
    small, large = await bench.group(everyone[:10]), await bench.group(everyone[:-1])

    async def bare() -> None:
        await bench.connection.client.send("GET", f"/users/{user}", params={"include": "memberOfGroupIDs"})
        await starlette.get("/")

    raw = json.dumps(page[0]).encode()
    app = Starlette(routes=[Route("/", lambda request: Response(raw, media_type="application/scim+json"))])
    starlette = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://s.test")

    async def models() -> None:
        for each in page:
            User.model_validate(
                {name: value for name, value in each.items() if not name.startswith("urn:")}
            ).model_dump()

    def toggled(group: str) -> Action:
        add = {"Operations": [{"op": "add", "path": "members", "value": [{"value": everyone[-1]}]}]}
        remove = {"Operations": [{"op": "remove", "path": f'members[value eq "{everyone[-1]}"]'}]}

        async def action() -> None:
            await bench.ask("PATCH", f"/Groups/{group}", add)
            await bench.ask("PATCH", f"/Groups/{group}", remove)

        return action

    found = [
        Ratio(
            "live GET / (bare upstream call + Starlette endpoint)",
            await ratio(lambda: bench.ask("GET", f"/Users/{user}"), bare),
            1.6,
        ),
        Ratio(
            "live list of 100 / scim2-models validating and dumping the same 100",
            await ratio(lambda: bench.ask("GET", "/Users", count=100), models),
            1.0,
        ),
        Ratio("PATCH one member: group of 9,999 / group of 10", await ratio(toggled(large), toggled(small)), 2.0),
    ]
    await starlette.aclose()
    return found


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


def show(console: Console, measured: list[Ratio], counted: list[tuple[str, int, int]]) -> None:
    console.print(
        f"{platform.platform()}, Python {platform.python_version()}, {ROUNDS} alternating rounds of {SECONDS} s"
    )
    table = Table("CPU per request", "ratio", "bar", "met", title="Ratios", title_justify="left")
    for each in measured:
        sign = "<=" if each.at_most else ">="
        table.add_row(each.name, f"{each.ratio:.2f}", f"{sign} {each.bar}", "yes" if each.met else "NO")
    console.print(table)
    table = Table("operation (PingOne)", "upstream requests", "fewest", title="Requests", title_justify="left")
    for name, taken, fewest in counted:
        table.add_row(name, str(taken), str(fewest))
    console.print(table)


async def main() -> int:
    bench = Bench()
    await bench.connection.service()
    counted, measured = await requests(bench), await ratios(bench)
    await bench.client.aclose()
    await bench.connection.aclose()
    show(Console(width=120), measured, counted)
    result = {
        "ratios": {each.name: round(each.ratio, 3) for each in measured},
        "requests": {name: taken for name, taken, _ in counted},
    }
    print(json.dumps(result))
    good = all(each.met for each in measured) and all(taken <= fewest for _, taken, fewest in counted)
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
