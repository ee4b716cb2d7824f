"""Queries and look-ups end to end over a simulated upstream: results, and requests."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest

from scim_bridge.filters import parse
from scim_bridge.query.budget import ScanTooLarge
from scim_bridge.query.cache import QueryCache
from scim_bridge.query.capabilities import AccessPath, Collection
from scim_bridge.query.pagers import OnePage
from scim_bridge.query.plan import Query, Sort
from scim_bridge.query.run import Reader, ReadLimits
from scim_bridge.query.sources import Page
from scim_bridge.upstream.errors import BadAnswer, Unavailable
from scim_bridge.upstream.reply import Reply
from tests.clocks import FakeClock
from tests.query.simulated import Manner, Person, Upstream, crowd
from tests.query.worlds import World

ALL = frozenset({"groups"})


class Bench:
    """A reader over people in a link-paged list that filters by text, and the requests it makes."""

    def __init__(self, people: list[Person], limits: ReadLimits | None = None, **told: Any) -> None:
        manner = told.pop("manner", Manner("link", 200, totals="always"))
        upstream: dict[str, Any] = {"logic": frozenset({"and", "or", "not"}), **told.pop("upstream", {})}
        self.upstream = Upstream(people, manner, **upstream)
        self.collection: Collection = World(self.upstream, "insensitive", **told).collection()
        self.clock = FakeClock()
        self.cache = QueryCache(self.clock, 300)
        self.limits = limits or ReadLimits()

    @property
    def reader(self) -> Reader:
        return Reader(self.collection, self.upstream.send, self.cache, self.clock, self.limits)

    async def search(
        self,
        filter_text: str | None = None,
        sort: Sort | None = None,
        position: Mapping[str, Any] | None = None,
        **told: Any,
    ) -> Page:
        node = parse(filter_text) if filter_text is not None else None
        return await self.reader.search(Query(node, sort, **told), position)

    def cost(self) -> list[str]:
        calls = list(self.upstream.calls)
        self.upstream.calls.clear()
        return calls


def ids(page: Page) -> list[str]:
    return [each["id"] for each in page.resources]


# -- one resource -----------------------------------------------------------------------------------------------------


async def test_a_resource_is_read_by_its_id_in_one_request() -> None:
    bench = Bench(crowd(3, teams=["t1"]))
    found = await bench.reader.get("u1", ())
    assert found is not None and found["userName"] == "user1" and "groups" not in found
    row, record = await bench.reader.row("u1"), await bench.reader.record("u1")
    assert row is not None and row["login"] == "user1"
    assert record is not None and record.id == "u1"
    assert bench.cost() == ["/people/u1"] * 3


async def test_a_resource_is_read_with_its_relations() -> None:
    bench = Bench(crowd(3, teams=["t1"]))
    found = await bench.reader.get("u1", ["groups", "nothing"])
    assert found is not None and found["groups"] == [{"value": "t1", "type": "direct"}]
    assert bench.cost() == ["/people/u1", "/people/u1/teams?limit=200"]


async def test_a_look_up_that_is_not_there_itself_is_trouble_and_no_missing_resource() -> None:
    bench = Bench(crowd(3))
    item = replace(bench.collection.item, absent=lambda error: False)
    bench.collection = replace(bench.collection, item=item)
    with pytest.raises(BadAnswer):
        await bench.reader.get("nobody", ())


@pytest.mark.parametrize("resource_id", ["u9", "U1", ".", "..", ""])
async def test_there_is_no_resource_with_another_id(resource_id: str) -> None:
    bench = Bench(crowd(3))
    assert await bench.reader.get(resource_id, ALL) is None
    assert len(bench.cost()) == (1 if len(resource_id) == 2 and resource_id != ".." else 0)


async def test_a_look_up_that_finds_by_another_case_or_name_is_checked() -> None:
    bench = Bench(crowd(3))

    async def send(method: str, target: str, **other: Any) -> Reply:
        return Reply(200, [{**bench.upstream.people[0], "uid": "U1"}, bench.upstream.people[1]], httpx.Headers())

    item = AccessPath("/people?name={id}", "", OnePage())
    reader = Reader(replace(bench.collection, item=item), send, bench.cache, bench.clock)
    row = await reader.row("u1")
    assert row is not None and row["uid"] == "u1"
    assert await reader.row("u0") is None


async def test_a_resource_out_of_scope_does_not_exist() -> None:
    bench = Bench([*crowd(1), {**crowd(2)[1], "realm": "out"}], scope="dropped")
    assert await bench.reader.row("u0") is not None
    assert await bench.reader.row("u1") is None
    assert ids(await bench.search('id eq "u1" or id eq "u0"')) == ["u0"]


def test_a_collection_knows_whether_rows_are_hidden() -> None:
    bench = Bench(crowd(1), scope="dropped")
    everything = Collection(bench.collection.resource, (), bench.collection.item, dict)
    assert bench.collection.scoped and not everything.scoped


async def test_a_record_without_an_id_is_an_error_and_no_resource() -> None:
    bench = Bench(crowd(1))
    with pytest.raises(BadAnswer, match="User came without an id"):
        await Reader(
            replace(bench.collection, decode=lambda row: {}), bench.upstream.send, bench.cache, bench.clock
        ).search(Query())


# -- what queries cost ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filter_text", "requests"),
    [
        ('id eq "u7"', ["/people/u7"]),
        ('id eq "u7" and active eq true', ["/people/u7"]),
        ('userName eq "USER7"', ['/people?q=login eq "USER7"&limit=100']),
        ('userName eq "user7" or userName eq "user8"', ['/people?q=login eq "user7" or login eq "user8"&limit=100']),
        ('id eq "u7" or id eq "u8"', ["/people/u7", "/people/u8"]),
        ('id eq "nobody"', []),
        ("active eq true and title co 5", []),
    ],
)
async def test_a_selective_filter_takes_few_requests(filter_text: str, requests: list[str]) -> None:
    bench = Bench(crowd(1000, on=True))
    await bench.search(filter_text)
    assert bench.cost() == requests


async def test_a_unique_value_takes_one_request_even_where_no_page_says_it_is_the_last() -> None:
    bench = Bench(crowd(1000), manner=Manner("offset", 200))
    people = bench.collection.reads[0]
    rules = tuple(replace(each, unique=True) if each.attribute == "userName" else each for each in people.rules)
    bench.collection = replace(bench.collection, reads=(replace(people, rules=rules),))
    found = await bench.search('userName eq "user7"')
    assert (ids(found), found.total, found.next) == (["u7"], 1, None)
    assert bench.cost() == ['/people?q=login eq "user7"&offset=0&limit=200']
    assert (await bench.search('userName eq "nobody"')).total == 0
    assert len(bench.cost()) == 1


async def test_the_second_page_of_a_scan_costs_nothing() -> None:
    bench = Bench([{**each, "ext": "x" if index % 3 else "y"} for index, each in enumerate(crowd(900))])
    text = 'externalId ne "y" and displayName eq null'  # nothing of it can be pushed
    first = await bench.search(text, count=100)
    assert (len(first.records), first.total) == (100, 600)
    assert len(bench.cost()) == 5
    second = await bench.search(text, offset=100, count=100)
    assert (ids(second)[0], second.total) == ("u151", 600)
    assert bench.cost() == []
    await bench.search(text, count=100)
    assert len(bench.cost()) == 5, "the first page reads anew"


async def test_the_second_page_of_a_sort_costs_nothing() -> None:
    bench = Bench(crowd(900))
    sort = Sort("userName", descending=True)
    assert ids(await bench.search(sort=sort, count=2)) == ["u99", "u98"]
    assert len(bench.cost()) == 5
    assert ids(await bench.search(sort=sort, offset=2, count=2)) == ["u97", "u96"]
    assert bench.cost() == []
    await bench.search(sort=Sort("userName"), offset=2, count=2)
    assert len(bench.cost()) == 5, "another order is another list"


async def test_what_a_scan_keeps_is_not_changed_by_who_reads_it() -> None:
    bench = Bench(crowd(5, teams=["t1"]))
    await bench.search(sort=Sort("title"), count=2, relations=ALL)
    page = await bench.search(sort=Sort("title"), offset=2, count=2, relations=ALL)
    page.resources[0]["userName"] = "changed"
    again = await bench.search(sort=Sort("title"), offset=2, count=2)
    assert again.resources[0]["userName"] == "user2" and "groups" not in again.resources[0]


async def test_a_write_ends_what_a_scan_kept() -> None:
    bench = Bench(crowd(5))
    await bench.search(sort=Sort("title"), count=2)
    bench.cache.clear()
    bench.cost()
    await bench.search(sort=Sort("title"), offset=2, count=2)
    assert len(bench.cost()) == 1


async def test_a_crawl_by_start_index_takes_one_request_a_page() -> None:
    bench = Bench(crowd(1000))
    for start in range(0, 1000, 100):
        page = await bench.search(offset=start, count=100)
        assert ids(page) == [f"u{number}" for number in range(start, start + 100)]
    assert len(bench.cost()) == 10


async def test_a_cursor_is_good_on_another_node() -> None:
    bench = Bench(crowd(250), manner=Manner("link", 200, totals="always"))
    found, position = [], None
    while True:
        page = await bench.search(position=position, count=100, need_total=False)
        found += ids(page)
        position = page.next
        bench.cache = QueryCache(bench.clock, 300)
        if position is None:
            break
    assert found == [f"u{number}" for number in range(250)]
    assert len(bench.cost()) == 3


async def test_a_cursor_of_a_scan_is_good_on_another_node() -> None:
    bench = Bench(crowd(5))
    first = await bench.search(sort=Sort("title"), count=3)
    assert first.next == {"o": 3}
    bench.cache = QueryCache(bench.clock, 300)
    second = await bench.search(sort=Sort("title"), count=3, position=first.next)
    assert (ids(second), second.next) == (["u3", "u4"], None)


async def test_no_rows_wanted_of_a_scan_is_the_total() -> None:
    page = await Bench(crowd(5)).search(sort=Sort("title"), count=0)
    assert (page.records, page.total, page.next) == ([], 5, {"o": 0})


# -- relations --------------------------------------------------------------------------------------------------------


async def test_relations_are_loaded_for_the_rows_returned_alone() -> None:
    bench = Bench(crowd(50, teams=["t1", "t2"]))
    page = await bench.search(count=3, relations=ALL)
    assert [len(each["groups"]) for each in page.resources] == [2, 2, 2]
    assert len(bench.cost()) == 1 + 3
    await bench.search(count=3)
    assert len(bench.cost()) == 1


async def test_a_relation_that_decides_is_loaded_for_every_row_once() -> None:
    bench = Bench([{**each, "teams": ["t1"] if index % 2 else []} for index, each in enumerate(crowd(50))])
    page = await bench.search('groups.value eq "t1"', count=10, relations=ALL)
    assert page.total == 25
    assert all(each["groups"] == [{"value": "t1", "type": "direct"}] for each in page.resources)
    assert len(bench.cost()) == 1 + 50
    page = await bench.search('groups.value eq "t1"', offset=10, count=10)
    assert len(page.records) == 10 and "groups" not in page.resources[0]
    assert bench.cost() == []


async def test_a_relation_known_to_be_empty_or_brought_along_is_not_loaded() -> None:
    alone = Bench(crowd(5, job="alone"))
    assert (await alone.search("groups.value pr", relations=ALL)).total == 0
    assert len(alone.cost()) == 1
    inline = Bench(crowd(5, teams=["t1"]), upstream={"inline": True})
    page = await inline.search(count=2, relations=ALL)
    assert page.resources[0]["groups"] == [{"value": "t1", "type": "direct"}]
    assert len(inline.cost()) == 1
    assert "groups" not in (await inline.search(count=2)).resources[0]


async def test_a_membership_is_found_from_the_other_side() -> None:
    people = [{**each, "teams": ["1"] if index < 3 else [], "left": ["1"]} for index, each in enumerate(crowd(50))]
    bench = Bench(people, memberships=True)
    page = await bench.search('groups.value eq "1"')
    assert (sorted(ids(page)), page.total) == (["u0", "u1", "u2"], 3)
    assert bench.cost() == ["/teams/1/people?limit=200", "/teams/1/guests?limit=200"]
    assert (await bench.search('groups.value eq "none"')).total == 0


async def test_a_failure_of_one_relation_is_a_failure_of_the_page() -> None:
    bench = Bench(crowd(50, teams=["t1"]))

    async def send(method: str, target: str, *, params: Mapping[str, str] | None = None) -> Reply:
        if target == "/people/u3/teams":
            raise Unavailable("", "down")
        return await bench.upstream.send(method, target, params=params)

    with pytest.raises(Unavailable):
        await Reader(bench.collection, send, bench.cache, bench.clock).search(Query(relations=ALL))


# -- budgets ----------------------------------------------------------------------------------------------------------


async def test_a_scan_beyond_the_rows_allowed_is_refused_not_shortened() -> None:
    bench = Bench(crowd(1000), ReadLimits(scan_rows=1000))
    assert (await bench.search(sort=Sort("title"))).total == 1000
    bench.limits = ReadLimits(scan_rows=999)
    with pytest.raises(ScanTooLarge, match=r"more than 999 upstream rows .* \(limits.scan_rows\)"):
        await bench.search(sort=Sort("title"))


async def test_elements_that_decide_count_as_rows_and_those_returned_do_not() -> None:
    bench = Bench(crowd(10, teams=["t1", "t2"]), ReadLimits(scan_rows=30))
    assert (await bench.search('groups.value eq "t1"')).total == 10
    bench.limits = ReadLimits(scan_rows=29)
    with pytest.raises(ScanTooLarge):
        await bench.search('groups.value eq "t1"')
    bench.limits = ReadLimits(scan_rows=0)
    assert len((await bench.search(relations=ALL)).records) == 10


async def test_a_scan_that_takes_too_long_is_refused() -> None:
    bench = Bench(crowd(1000), ReadLimits(scan_seconds=3))

    async def send(method: str, target: str, *, params: Mapping[str, str] | None = None) -> Reply:
        bench.clock.advance(1)
        return await bench.upstream.send(method, target, params=params)

    with pytest.raises(ScanTooLarge, match=r"longer than 3 s .* \(limits.scan_seconds\)"):
        await Reader(bench.collection, send, bench.cache, bench.clock, bench.limits).search(Query(sort=Sort("title")))
