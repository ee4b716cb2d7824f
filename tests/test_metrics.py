"""What is counted of requests and upstreams, and under which labels."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml
from scim2_server.cursor import Cursors

from scim_bridge.app import create_app
from scim_bridge.config import from_document
from scim_bridge.connections import Connection, provider_by_name
from scim_bridge.exposition import exposition
from scim_bridge.metrics import FAMILIES, Metrics, merged
from scim_bridge.mirror.standing import Standing
from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.registry import Registry
from tests.clocks import FakeClock
from tests.mirror.world import world
from tests.samples import Parsed, of, parsed

SETTINGS = {"api_url": "http://up.test/v1", "auth_url": "http://up.test"}
DOCS: Final = Path(__file__).parent.parent / "docs" / "operations.md"
PINGONE = {"connection": "acme", "provider": "pingone"}


def connection(sandbox: Sandbox, name: str = "acme") -> Connection:
    document = {"provider": "pingone", "token": "t", "settings": {**sandbox.settings, **SETTINGS}}
    config = from_document({"connections": {name: document}}, "test", provider_by_name).connections[name]
    return Connection(config, Cursors(b"s" * 32), clock=FakeClock(), transport=httpx.ASGITransport(app=sandbox.app))


async def samples(metrics: Metrics) -> Parsed:
    found = merged([metrics.counters()], [metrics.gauges()]) | await metrics.shared()
    return parsed(exposition(FAMILIES, found).decode())


def told(path: str = "/Users", name: str = "acme", **more: Any) -> dict[str, Any]:
    return {"connection": name, "method": "GET", "path": path, "status": 200, "seconds": 0.002, **more}


@pytest.fixture
async def acme() -> AsyncIterator[Connection]:
    found = connection(Sandbox(users=30))
    yield found
    await found.aclose()


async def test_requests_and_what_they_cost_upstream_are_counted(acme: Connection) -> None:
    app = create_app(Registry({"acme": acme}))
    transport, headers = httpx.ASGITransport(app=app), {"Authorization": "Bearer t"}
    async with httpx.AsyncClient(transport=transport, base_url="http://b.test", headers=headers) as client:
        await client.get("/scim/acme/v2/Users", params={"filter": 'title co "x" and name.familyName co "a"'})
        await client.get("/scim/acme/v2/Users/nobody")
        await client.get("/scim/acme/v2/Users/nobody", headers={"Authorization": "Bearer wrong"})
        answer = await client.get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = parsed(answer.text)
    about = {"connection": "acme", "method": "GET", "resource": "Users"}
    assert of(found, "requests_total", **about, status="2xx") == 1
    assert of(found, "requests_total", **about, status="4xx") == 2
    assert of(found, "request_seconds_count", **about) == 3
    assert of(found, "scan_rows_total", connection="acme") == 30
    assert of(found, "upstream_calls_total", **PINGONE, kind="sign_in", status="200") == 1
    api = [
        value for (name, labels), value in found.items() if name.endswith("calls_total") and ("kind", "api") in labels
    ]
    assert sum(api) + 1 == of(found, "upstream_call_seconds_count", **PINGONE)
    assert of(found, "upstream_retries_total", **PINGONE) == 0
    assert of(found, "upstream_in_flight", **PINGONE) == 0
    assert of(found, "connection_open", **PINGONE) == 1
    assert of(found, "upstream_token_age_seconds", **PINGONE) == 0
    assert of(found, "workers") == 1


@pytest.mark.parametrize(
    ("line", "labels"),
    [
        (told("/Users/4711"), ("acme", "GET", "Users", "2xx")),
        (told("/users/.search", method="POST"), ("acme", "POST", "Users", "2xx")),
        (told("/Agreements"), ("acme", "GET", "other", "2xx")),
        (told("/"), ("acme", "GET", "other", "2xx")),
        (told("/Schemas/urn:x", status=404), ("acme", "GET", "Schemas", "4xx")),
        (told(method="BREW", status=405), ("acme", "other", "Users", "4xx")),
        (told(name="../../etc", status=404), ("other", "GET", "other", "4xx")),
    ],
)
async def test_labels_hold_no_words_of_the_client(acme: Connection, line: Any, labels: tuple[str, ...]) -> None:
    metrics = Metrics({"acme": acme})
    metrics(line)
    metrics(line)
    keys = dict(zip(("connection", "method", "resource", "status"), labels, strict=True))
    assert of(await samples(metrics), "requests_total", **keys) == 2


async def test_made_up_paths_make_no_more_series(acme: Connection) -> None:
    metrics = Metrics({"acme": acme})
    for number in range(1000):
        metrics(told(f"/{number}/x", status=404))
        metrics(told("/Users", name=f"n{number}", method=f"M{number}", status=404))
    assert metrics._series.keys() == {("acme", "GET", "other", 4), ("other", "other", "other", 4)}


async def test_resource_types_of_the_upstream_have_names_of_their_own_once_it_was_opened() -> None:
    provider = provider_by_name("onelogin")
    assert provider.simulation is not None
    simulation = provider.simulation(3)
    document = {"provider": "onelogin", "token": "t", "settings": dict(simulation.settings("http://up.test"))}
    config = from_document({"connections": {"hr": document}}, "test", provider_by_name).connections["hr"]
    transport = httpx.ASGITransport(app=simulation.app)
    opened = Connection(config, Cursors(b"s" * 32), clock=FakeClock(), transport=transport)
    metrics = Metrics({"hr": opened})
    metrics(told("/Activities", name="hr"))
    await opened.service()
    metrics(told("/activities", name="hr"))
    found = await samples(metrics)
    for resource in ("other", "Activities"):
        assert of(found, "requests_total", connection="hr", method="GET", resource=resource, status="2xx") == 1
    await opened.aclose()


async def test_what_a_connection_counted_stays_when_it_is_replaced_or_deleted() -> None:
    sandbox = Sandbox(users=3)
    first, second = connection(sandbox), connection(sandbox)
    connections = {"acme": first}
    metrics = Metrics(connections)
    counts = []
    for current in (first, second):
        connections["acme"] = current
        metrics.counters()
        await (await current.service()).directory("Users").reader.row("nobody")
        found = await samples(metrics)
        counts.append(of(found, "upstream_call_seconds_count", **PINGONE))
    del connections["acme"]
    found = await samples(metrics)
    assert of(found, "upstream_call_seconds_count", **PINGONE) == counts[1] == 2 * counts[0] > 0
    assert not any(name == "scim_bridge_connection_open" for name, _ in found)
    for each in (first, second):
        await each.aclose()


async def test_a_mirror_tells_its_age_and_what_it_holds_back(tmp_path: Path) -> None:
    sandbox = Sandbox(users=20)
    settings = {**sandbox.settings, **SETTINGS}
    async with world("pingone", sandbox.app, settings, f"sqlite:///{tmp_path}/m.db", refresh_seconds=60) as at:
        metrics = Metrics({"acme": at.connection}, wall=at.wall)
        assert not [each for each in await samples(metrics) if "mirror" in each[0]]  # not opened yet
        await at.sync()
        users = {"connection": "acme", "resource": "User"}
        assert of(await samples(metrics), "mirror_complete", **users) == 0
        await at.refresh()
        at.clock.advance(90)
        found = await samples(metrics)
        assert of(found, "mirror_complete", **users) == 1
        assert of(found, "mirror_age_seconds", **users) == of(found, "mirror_full_age_seconds", **users) == 90
        assert of(found, "mirror_held_resources", **users) == 0
        for each in list(sandbox.store.users):
            sandbox.store.remove_user(each)
        await at.refresh(full=True)
        assert of(await samples(metrics), "mirror_held_resources", **users) == 20


def test_every_metric_is_documented() -> None:
    text = DOCS.read_text("utf-8")
    for each in FAMILIES:
        assert f"| `{each.name}` |" in text, each.name


def test_alerts_ask_for_metrics_that_there_are() -> None:
    blocks = map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL))
    rules = [rule for block in blocks for group in block.get("groups", ()) for rule in group["rules"]]
    assert len(rules) > 5
    known = {name for each in FAMILIES for name in each.samples}
    for rule in rules:
        assert rule["alert"]
        assert set(re.findall(r"scim_bridge_\w+", rule["expr"].replace('job="scim_bridge"', ""))) <= known, rule


async def test_a_database_that_is_silent_keeps_nobody_from_the_rest(acme: Connection) -> None:
    class Waits:
        def __init__(self) -> None:
            self.config, self.client, self.refreshes, self.opened = acme.config, acme.client, acme.refreshes, None

        async def standing(self) -> list[Standing]:
            await asyncio.Event().wait()
            return []

    metrics = Metrics({"acme": acme, **{f"m{number}": Waits() for number in range(3)}}, shared_seconds=0.01)
    metrics(told())
    async with asyncio.timeout(10):
        found = await samples(metrics)
    assert of(found, "requests_total", connection="acme", method="GET", resource="Users", status="2xx") == 1
