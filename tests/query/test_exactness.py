"""The engine answers as SCIM does, whatever the upstream can: compared with brute force by scim2-models."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scim2_models import ScimFilter, SearchRequest
from scim2_models.path import FilterNode, Not

from scim_bridge.query.cache import QueryCache
from scim_bridge.query.plan import Query, Sort
from scim_bridge.query.run import Reader
from scim_bridge.query.sources import Page
from scim_bridge.schemas import USER
from tests.clocks import FakeClock
from tests.query.simulated import Manner
from tests.query.worlds import World, complete, orders, terms, wanted, worlds
from tests.strategies import examples
from tests.test_filters import reference_models

MODEL = reference_models(USER)["User"]
# Fixed examples: a failure in CI is one that everybody gets. SCIM_BRIDGE_EXAMPLES asks for more of them.
FIXED = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


MEMORY = st.sampled_from(("of this node", "of another node", "longer than the upstream's"))
"""Whose cache serves the next page: the cursors in it may have expired upstream."""


LISTS = st.none() | wanted()
"""Whole lists as often as what filters find, as it is positions in them that are at stake."""


def matching(world: World, node: FilterNode | None) -> dict[str, Any]:
    """The people who match, complete, as models by id: decided by scim2-models alone."""
    generic: Any = ScimFilter
    reference = generic[MODEL](node) if node is not None else None
    shown = [each for each in world.upstream.people if world.scope == "all" or each["realm"] == "in"]
    models = [MODEL.model_validate(complete(each)) for each in shown]
    return {each.id: each for each in models if reference is None or reference.match(each)}


def reader(world: World) -> Reader:
    clock = FakeClock()
    return Reader(world.collection(), world.upstream.send, QueryCache(clock, 300), clock)


def assert_sorted(ids: Sequence[str], found: dict[str, Any], sort: Sort) -> None:
    """Sorting as scim2-models does changes nothing."""
    generic: Any = SearchRequest
    request = generic[MODEL](sort_by=sort.path, sort_order="descending" if sort.descending else "ascending")
    try:
        expected = [each.id for each in request.sort([found[each] for each in ids])]
    except TypeError:  # times with and without an offset, which the reference cannot order
        return
    assert list(ids) == expected


def assert_page(page: Page, found: dict[str, Any], query: Query) -> None:
    """Each row of a page matches and is complete, and there are as many as there should be."""
    assert len(page.records) == max(0, min(query.count, len(found) - query.offset))
    assert page.total == len(found) or (page.total is None and not query.need_total)
    for resource in page.resources:
        expected = found[resource["id"]].groups or []
        if "groups" in query.relations:
            assert [each["value"] for each in resource.get("groups", [])] == [each.value for each in expected]


NODES = st.lists(terms(even=True) | st.builds(Not, terms(even=True)) | wanted() | wanted(), min_size=5, max_size=12)


@settings(FIXED, max_examples=examples(500))
@given(worlds(st.just(Manner("one"))), NODES)
def test_filters_find_what_they_should_however_the_upstream_compares(
    loop: asyncio.Runner, world: World, nodes: list[FilterNode | None]
) -> None:
    for node in nodes:
        page = loop.run(reader(world).search(Query(node, count=100)))
        assert sorted(each["id"] for each in page.resources) == sorted(matching(world, node))


@settings(FIXED, max_examples=examples(800))
@given(worlds(), wanted(), orders(), st.integers(1, 6), MEMORY, st.booleans())
def test_a_crawl_by_start_index_gives_each_match_once_and_in_order(
    loop: asyncio.Runner, world: World, node: FilterNode | None, sort: Sort | None, count: int, memory: str, full: bool
) -> None:
    found = matching(world, node)
    crawler = reader(world)
    ids: list[str] = []
    while True:
        query = Query(node, sort, len(ids), count, frozenset({"groups"} if full else ()))
        page = loop.run((reader(world) if memory == "of another node" else crawler).search(query))
        assert_page(page, found, query)
        ids += [each["id"] for each in page.resources]
        if memory == "longer than the upstream's":
            world.upstream.forget()
        if not page.records:
            break
    assert sorted(ids) == sorted(found)
    if sort is not None:
        assert_sorted(ids, found, sort)


@settings(FIXED, max_examples=examples(500))
@given(worlds(), LISTS, orders(), st.integers(1, 6), MEMORY, st.booleans())
def test_a_crawl_by_cursor_gives_each_match_once_on_any_node(
    loop: asyncio.Runner, world: World, node: FilterNode | None, sort: Sort | None, count: int, memory: str, total: bool
) -> None:
    found = matching(world, node)
    crawler = reader(world)
    ids: list[str] = []
    position = None
    while True:
        query = Query(node, sort, 0, count, need_total=total)
        page = loop.run((reader(world) if memory == "of another node" else crawler).search(query, position))
        assert len(page.records) <= count
        if total:
            assert page.total == len(found)
        ids += [each["id"] for each in page.resources]
        if memory == "longer than the upstream's":
            world.upstream.forget()
        position = page.next
        if position is None:
            break
        assert position["o"] == len(ids) and len(page.records) == min(count, len(found) - len(ids) + len(page.records))
    assert sorted(ids) == sorted(found)
    if sort is not None:
        assert_sorted(ids, found, sort)


WINDOWS = st.lists(st.tuples(st.integers(0, 13), st.integers(0, 6), st.booleans()), min_size=3, max_size=9)


@settings(FIXED, max_examples=examples(800))
@given(worlds(), LISTS, orders(), WINDOWS)
def test_windows_in_any_order_are_parts_of_one_list(
    loop: asyncio.Runner,
    world: World,
    node: FilterNode | None,
    sort: Sort | None,
    windows: list[tuple[int, int, bool]],
) -> None:
    found = matching(world, node)
    whole = loop.run(reader(world).search(Query(node, sort, 0, 100)))
    ids = [each["id"] for each in whole.resources]
    assert sorted(ids) == sorted(found)
    jumper = reader(world)
    for offset, count, total in windows:
        query = Query(node, sort, offset, count, need_total=total)
        page = loop.run(jumper.search(query))
        assert_page(page, found, query)
        assert [each["id"] for each in page.resources] == ids[offset : offset + count]
