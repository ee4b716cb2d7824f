"""The rate limit of an upstream, kept by several nodes together, and the pauses it asks one of them for."""

import asyncio
from itertools import pairwise
from typing import Any

from scim_bridge.sharing.pace import HELD_SECONDS, SharedPace
from scim_bridge.sharing.reach import ALONE_SECONDS, Reach
from scim_bridge.upstream.client import ClientOptions, UpstreamClient
from scim_bridge.upstream.pace import Turn
from tests.sharing.conftest import Nodes
from tests.upstream.stubs import BASE, Stub, ok, status


def paces(nodes: Nodes, rate: float | None, count: int = 2) -> list[SharedPace]:
    return [nodes.node().pace("acme", rate) for _ in range(count)]


async def at_once(pace: SharedPace, most: int) -> int:
    """How many requests it lets through without a wait."""
    count = 0
    while count < most and await pace.take(0.0) == Turn():
        count += 1
    return count


async def test_nodes_share_one_second_worth_of_requests(nodes: Nodes) -> None:
    one, two = paces(nodes, 5.0)
    assert [await at_once(one, 3), await at_once(two, 9), await at_once(one, 9)] == [3, 2, 0]


async def test_nodes_that_ask_at_the_same_time_get_no_turn_twice(nodes: Nodes) -> None:
    turns = await asyncio.gather(*(pace.take(60.0) for pace in paces(nodes, 0.5, 4)))
    waits = sorted(each.seconds for each in turns)
    assert waits[0] == 0 and all(later - earlier > 1.5 for earlier, later in pairwise(waits))


async def test_the_bucket_refills_with_the_time_of_the_database(nodes: Nodes) -> None:
    one, two = paces(nodes, 2.0)
    assert await at_once(one, 9) == 2
    await nodes.pass_by(1.0, "shared_pace.filled")
    assert await at_once(two, 9) == 2


async def test_a_wait_that_is_too_long_takes_nothing(nodes: Nodes) -> None:
    one, two = paces(nodes, 0.1)
    assert await one.take(0.0) == Turn()
    waits = [(await pace.take(1.0)).seconds for pace in (one, two, one)]
    assert all(9 < each <= 10 for each in waits)


AND_SOME = range(36, 40)
"""The rest of a bucket of 40, and what drips into it meanwhile: the time is the database's own."""


async def test_a_node_takes_a_few_turns_at_a_time_which_are_good_for_a_second(nodes: Nodes) -> None:
    one, two = paces(nodes, 40.0)
    assert await one.take(0.0) == Turn()  # and three more are held
    assert await at_once(two, 99) in AND_SOME
    assert await at_once(one, 99) == 3
    await nodes.pass_by(1.0, "shared_pace.filled")
    assert await one.take(0.0) == Turn()
    nodes.clock.advance(HELD_SECONDS)
    assert await at_once(two, 99) in AND_SOME
    assert await at_once(one, 99) == 0, "what was not used is lost"


async def test_a_pause_of_one_node_is_one_of_all(nodes: Nodes) -> None:
    one, two = paces(nodes, None)
    assert await two.take(20.0) == Turn()
    await one.pause(10.0)
    assert await one.take(20.0) == Turn(10.0, paused=True)
    assert await two.take(20.0) == Turn(), "it learns of it within a second"
    nodes.clock.advance(HELD_SECONDS)
    turn = await two.take(20.0)
    assert turn.paused and 9 < turn.seconds <= 10
    assert (await two.take(5.0)).seconds > 5


async def test_a_pause_holds_with_a_limit_of_our_own_too_and_a_shorter_one_does_not_end_it(nodes: Nodes) -> None:
    one, two = paces(nodes, 2.0)
    await one.pause(10.0)
    await one.pause(1.0)
    turn = await two.take(20.0)
    assert turn.paused and 9 < turn.seconds <= 10


async def test_pauses_end(nodes: Nodes) -> None:
    one, two = paces(nodes, None)
    await one.pause(10.0)
    await nodes.pass_by(10.0, "shared_pace.paused")
    assert await two.take(0.0) == Turn()


async def test_connections_have_limits_of_their_own(nodes: Nodes) -> None:
    node = nodes.node()
    assert await node.pace("acme", 0.1).take(0.0) == Turn()
    assert await node.pace("other", 0.1).take(0.0) == Turn()


async def test_a_refusal_of_one_nodes_request_makes_the_others_wait(nodes: Nodes) -> None:
    first, second = Stub(status(429, Retry_After="5")), Stub(ok())
    clients = [
        UpstreamClient(
            "acme",
            BASE,
            transport=stub,
            clock=nodes.clock,
            options=ClientOptions(attempts=1),
            pace=nodes.node().pace("acme", None),
        )
        for stub in (first, second)
    ]
    await asyncio.gather(clients[0].send("GET", "/users"), return_exceptions=True)
    await clients[1].send("GET", "/users")
    [waited] = nodes.clock.slept
    assert 4 < waited <= 5


async def test_without_the_database_a_node_keeps_the_limit_by_itself_until_it_answers_again(nodes: Nodes) -> None:
    one, two = paces(nodes, 2.0)
    assert await at_once(two, 9) == 2
    nodes.ways[0].cut = True
    assert await at_once(one, 9) == 2
    assert nodes.ways[0].calls == 1, "a database that does not answer is not asked for each request"
    await one.pause(5.0)
    assert (await one.take(20.0)).paused
    nodes.ways[0].cut = False
    nodes.clock.advance(ALONE_SECONDS)
    await nodes.pass_by(0.5, "shared_pace.filled")
    assert await at_once(one, 9) == 1, "with the others again"


async def test_a_database_that_hangs_keeps_nobody_waiting(nodes: Nodes) -> None:
    nodes.node()
    way: Any = nodes.ways[0]
    way.endless = True
    pace = SharedPace("acme", None, Reach(way, nodes.clock, answer_seconds=0.01))
    assert await pace.take(20.0) == Turn()
