"""Pages of live lists that come from different nodes: the same answers, at the cost of one node."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from scim2_server.cursor import Cursors

from scim_bridge.app import create_app
from scim_bridge.config import from_document
from scim_bridge.connections import Connection, provider_by_name
from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.query.cache import QueryCache
from scim_bridge.registry import Registry
from scim_bridge.sharing import pages as limits
from scim_bridge.sharing.node import Sharing
from tests.sharing.conftest import Nodes

PEOPLE = 60
Json = dict[str, Any]


class Node:
    """A bridge in front of a sandbox, and how many requests its answers took upstream."""

    def __init__(self, sandbox: Sandbox, nodes: Nodes, sharing: Sharing | None, **settings: Any) -> None:
        given = {**sandbox.settings, "api_url": "http://up.test/v1", "auth_url": "http://up.test", **settings}
        document = {"connections": {"acme": {"provider": "pingone", "token": "t", "settings": given}}}
        config = from_document(document, "test", provider_by_name).connections["acme"]
        upstream = httpx.ASGITransport(app=sandbox.app)
        self.connection = Connection(config, Cursors(b"s" * 32), clock=nodes.clock, transport=upstream, sharing=sharing)
        app = httpx.ASGITransport(app=create_app(Registry({"acme": self.connection})))
        headers = {"Authorization": "Bearer t"}
        self.client = httpx.AsyncClient(transport=app, base_url="http://bridge.test/scim/acme/v2", headers=headers)
        self.calls = 0

    async def aclose(self) -> None:
        await self.client.aclose()
        await self.connection.aclose()

    async def get(self, start: int, count: int = 10, **query: Any) -> Json:
        """A page of users by its number."""
        answer = await self.client.get("/Users", params={"startIndex": start, "count": count, **query})
        assert answer.status_code == 200, answer.text
        self.calls = int(answer.headers["Server-Timing"].rpartition('desc="')[2].rstrip('"'))
        found: Json = answer.json()
        return found


class World:
    """Nodes in front of one sandbox."""

    def __init__(self, nodes: Nodes, stack: AsyncExitStack) -> None:
        self.nodes = nodes
        self.sandbox = Sandbox(users=PEOPLE, groups=3)
        self._stack = stack

    async def node(self, *, alone: bool = False, **settings: Any) -> Node:
        made = Node(self.sandbox, self.nodes, None if alone else self.nodes.node(), **settings)
        self._stack.push_async_callback(made.aclose)
        await made.connection.service()
        return made


@pytest.fixture
async def world(nodes: Nodes) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        yield World(nodes, stack)


def ids(*pages: Json) -> list[str]:
    return [each["id"] for page in pages for each in page["Resources"]]


async def crawled(nodes: Sequence[Node], **query: Any) -> tuple[list[str], list[int]]:
    """The ids of all pages, asked of one node after the other, and what each page cost."""
    found: list[str] = []
    costs: list[int] = []
    while True:
        node = nodes[len(costs) % len(nodes)]
        page = await node.get(len(found) + 1, **query)
        costs.append(node.calls)
        found += ids(page)
        if len(found) >= page["totalResults"]:
            return found, costs


@pytest.mark.parametrize(
    "query",
    [
        {},  # positions in the upstream's list
        {"filter": "active eq true or title pr", "sortBy": "name.familyName"},  # a scan, sorted here
        {"filter": 'not (name.familyName eq "nobody")'},
    ],
)
async def test_pages_from_different_nodes_are_those_of_one_node_and_cost_the_same(world: World, query: Json) -> None:
    one, two, single = await world.node(), await world.node(), await world.node(alone=True)
    found, costs = await crawled([one, two], **query)
    assert (found, costs) == await crawled([single], **query)
    assert len(found) == len(set(found)) > 30


async def test_an_own_write_on_any_node_ends_what_all_nodes_keep(world: World) -> None:
    one, two = await world.node(), await world.node()
    query: Json = {"filter": 'title co "e" or active eq true', "sortBy": "displayName"}
    first = await one.get(1, **query)
    gone = ids(first)[0]
    assert (await two.client.delete(f"/Users/{gone}")).status_code == 204
    for node, reads_anew in [(one, True), (two, False)]:
        page = await node.get(11, **query)
        assert page["totalResults"] == first["totalResults"] - 1
        assert (node.calls > 0) is reads_anew


async def test_a_write_that_the_others_could_not_be_told_of_is_told_later(world: World) -> None:
    one, two = await world.node(), await world.node()
    query: Json = {"filter": 'not (userName eq "nobody")', "sortBy": "title"}
    before = (await one.get(1, **query))["totalResults"]
    world.nodes.ways[1].cut = True
    gone = next(iter(world.sandbox.store.users))
    assert (await two.client.delete(f"/Users/{gone}")).status_code == 204
    world.nodes.ways[1].cut = False
    world.nodes.clock.advance(10)
    await two.get(1)
    assert (await one.get(11, **query))["totalResults"] == before - 1


async def test_without_the_database_pages_are_right_and_nothing_old_is_used(world: World) -> None:
    one, two = await world.node(), await world.node()
    query: Json = {"filter": 'not (userName eq "nobody")', "sortBy": "title"}
    first = await one.get(1, **query)
    world.nodes.ways[0].cut = True
    await two.client.delete(f"/Users/{ids(first)[0]}")
    assert (await one.get(11, **query))["totalResults"] == first["totalResults"] - 1


async def test_what_pages_left_is_stored_encrypted(world: World) -> None:
    node = await world.node()
    page = await node.get(1, filter='name.familyName pr or title eq "Zeppelin"', sortBy="title")
    await node.get(1)
    stored = repr(await world.nodes.stored("shared_pages"))
    assert len(await world.nodes.stored("shared_pages")) == 2
    for each in page["Resources"]:
        assert each["userName"] not in stored and each["id"] not in stored
    assert "Zeppelin" not in stored and "familyName" not in stored


async def test_nodes_with_other_settings_do_not_take_each_others_rows(world: World) -> None:
    one = await world.node()
    other = await world.node(attributes={"displayName": "title"})
    query: Json = {"filter": 'not (userName eq "nobody")', "sortBy": "userName"}
    await one.get(1, **query)
    await other.get(11, **query)
    assert other.calls > 0


async def test_what_pages_left_ends_with_its_time_and_is_taken_away(world: World) -> None:
    one, two = await world.node(), await world.node()
    query: Json = {"filter": 'not (userName eq "nobody")', "sortBy": "userName"}
    await one.get(1, **query)
    await world.nodes.pass_by(301, "shared_pages.ends")
    await two.get(11, **query)
    assert two.calls > 0
    await world.nodes.pass_by(301, "shared_pages.ends")
    await two.get(1)
    assert len(await world.nodes.stored("shared_pages")) == 1


async def test_how_much_is_kept_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_BYTES", 1000)
    monkeypatch.setattr("scim_bridge.query.cache.PART_ROWS", 20)
    node = await world.node()
    await node.get(1, filter='not (userName eq "nobody")', sortBy="userName")
    assert await world.nodes.stored("shared_pages") == []


async def test_a_page_out_of_several_parts_is_whole(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scim_bridge.query.cache.PART_ROWS", 7)
    one, two, single = await world.node(), await world.node(), await world.node(alone=True)
    query: Json = {"filter": 'not (userName eq "nobody")', "sortBy": "userName"}
    await one.get(1, **query)
    for start, count in [(2, 30), (8, 7), (15, 1), (50, 40), (61, 5)]:
        assert await two.get(start, count, **query) == await single.get(start, count, **query)
        assert two.calls == 0, (start, count)
    await world.nodes.run("DELETE FROM shared_pages WHERE part = '2'")
    await two.get(15, 5, **query)
    assert two.calls > 0


async def test_a_page_costs_two_calls_of_the_database_where_the_node_knows_the_list_and_three_where_not(
    world: World,
) -> None:
    one, two = await world.node(), await world.node()
    costs: list[int] = []
    for node, way, start in [(one, 0, 1), (one, 0, 11), (two, 1, 21)]:
        way_of = world.nodes.ways[way]
        before = way_of.calls
        await node.get(start)
        costs.append(way_of.calls - before)
    assert costs == [2, 2, 3]


async def test_an_old_chain_of_one_node_learns_what_another_node_added(world: World) -> None:
    one, two = await world.node(), await world.node()
    for node, start in [(one, 1), (two, 11), (two, 21), (one, 31)]:
        await node.get(start)
        assert node.calls == 1, start


def test_a_cache_without_a_shelf_asks_nobody(nodes: Nodes) -> None:
    cache = QueryCache(nodes.clock, 300)
    chain = cache.new_chain("list", 10)
    for coroutine in (cache.catch_up(), cache.learn("list", 10, 10), cache.share(chain), cache.matches("q", 10, 10)):
        with pytest.raises(StopIteration):
            coroutine.send(None)
