"""One collection kept in several upstream lists, and lists that are read by POST."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from scim_bridge.attributes import Attribute, AttributeMap
from scim_bridge.filters import parse
from scim_bridge.query.cache import QueryCache
from scim_bridge.query.capabilities import NOTHING, AccessPath, Collection, Either, Params, Rendered, Rule, ops
from scim_bridge.query.explain import explain
from scim_bridge.query.pagers import Offset, OnePage, Total
from scim_bridge.query.plan import Planner, Query, Sort
from scim_bridge.query.remembered import Remembered
from scim_bridge.query.run import Reader
from scim_bridge.query.sources import Page
from scim_bridge.schemas import USER
from scim_bridge.upstream.reply import Reply
from tests.clocks import FakeClock

SIZES = {"staff": 7, "guest": 5, "robot": 0, "alumni": 4}
STATES = ("on", "away", "off")


@dataclass
class Upstream:
    """People in one list each kind; a request names the kind, or its JSON body does."""

    people: list[dict[str, str]] = field(
        default_factory=lambda: [
            {"id": f"{kind}{number}", "name": f"n{number % 3}", "kind": kind, "state": STATES[number % 3]}
            for kind, size in SIZES.items()
            for number in range(size)
        ]
    )
    calls: list[str] = field(default_factory=list)

    async def send(
        self, method: str, target: str, *, params: Mapping[str, str], json: Any = None, idempotent: bool | None = None
    ) -> Reply:
        assert (method == "POST") is (json is not None) is (idempotent is True)
        asked = dict(params)
        offset, limit = int(asked.pop("offset")), int(asked.pop("limit"))
        wanted = json if json is not None else asked
        assert wanted.keys() <= {"kind", "state", "name"} and "kind" in wanted, wanted
        self.calls.append(f"{method} {wanted['kind']} {offset}+{limit}")
        rows = [each for each in self.people if all(each[name] == value for name, value in wanted.items())]
        body = {"rows": rows[offset : offset + limit], "total": len(rows)}
        return Reply(200, body, httpx.Headers())

    def taken(self) -> list[str]:
        calls, self.calls = self.calls, []
        return calls


def state(operator: str, value: Any) -> Rendered:
    """Active is one state, inactive two."""
    return {"state": "on"} if value else Either(({"state": "away"}, {"state": "off"}), apart=True)


def kind(operator: str, value: Any) -> Rendered:
    return {"kind": value} if value in SIZES else NOTHING


def collection(
    body: Any = None, hidden: Remembered | None = None, partitions: tuple[Params, ...] | None = None
) -> Collection:
    kinds = tuple({"kind": each} for each in SIZES) if partitions is None else partitions
    table = AttributeMap(USER, [Attribute("id", "id"), Attribute("userName", "name"), Attribute("userType", "kind")])
    rules = (
        Rule("active", ops("eq"), state, folds=False),
        Rule("userType", ops("eq"), kind, folds=False),
        Rule("userName", ops("eq"), lambda operator, value: {"name": value}),
    )
    pager = Offset("offset", "limit", 3, total_at=Total("total"))
    listed = AccessPath("/people", "rows", pager, rules, partitions=kinds, body=body, text_match="insensitive")
    remembered = hidden or Remembered()
    return Collection(
        table.resource,
        (listed,),
        AccessPath("/people/{id}", ".", OnePage()),
        lambda row: {**table.decode(row), "active": row["state"] == "on"},
        visible=lambda row: remembered.mark(row["id"]) is None,
        remembered=remembered,
    )


class Bench:
    """A reader over them, and what it asks."""

    def __init__(self, **told: Any) -> None:
        self.upstream = Upstream()
        clock = FakeClock()
        self.reader = Reader(collection(**told), self.upstream.send, QueryCache(clock, 300), clock)

    async def page(self, offset: int, count: int, text: str = "", **told: Any) -> Page:
        return await self.reader.search(Query(parse(text) if text else None, offset=offset, count=count, **told))

    def ids(self, text: str = "") -> list[str]:
        """What matches, in the order of the lists."""
        wanted: Mapping[str, Callable[[dict[str, str]], bool]] = {
            "": lambda each: True,
            "active eq true": lambda each: each["state"] == "on",
            "active eq false": lambda each: each["state"] != "on",
            'userType eq "guest"': lambda each: each["kind"] == "guest",
            'userType eq "nobody"': lambda each: False,
        }
        return [each["id"] for each in self.upstream.people if wanted[text](each)]


FILTERS = ["", "active eq true", "active eq false", 'userType eq "guest"', 'userType eq "nobody"']


@pytest.mark.parametrize("text", FILTERS)
@pytest.mark.parametrize("count", [1, 2, 3, 5, 16, 100])
async def test_pages_of_any_size_hold_every_row_once(text: str, count: int) -> None:
    bench, found = Bench(), []
    expected = bench.ids(text)
    for offset in range(0, len(expected) + count, count):
        page = await bench.page(offset, count, text)
        assert page.total == len(expected)
        assert len(page.resources) == min(count, max(0, len(expected) - offset))
        found += [each["id"] for each in page.resources]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("offset", [0, 6, 7, 8, 11, 12, 15, 16, 40])
async def test_a_window_is_entered_anywhere(offset: int) -> None:
    bench = Bench()
    page = await bench.page(offset, 4)
    assert [each["id"] for each in page.resources] == bench.ids()[offset : offset + 4]
    assert page.total == 16


async def test_a_crawl_asks_the_lengths_once() -> None:
    bench = Bench()
    for offset in range(0, 16, 2):
        await bench.page(offset, 2)
    calls = bench.upstream.taken()
    # Eight pages, one of them across an end; the first page asks the other lists how long they are.
    assert calls[:4] == ["GET staff 0+2", "GET guest 0+1", "GET robot 0+1", "GET alumni 0+1"]
    assert len(calls) == 8 + 3 + 1, calls


async def test_the_first_page_sees_what_changed() -> None:
    bench = Bench()
    await bench.page(0, 2)
    bench.upstream.people.insert(0, {"id": "new", "name": "n", "kind": "staff", "state": "on"})
    page = await bench.page(0, 2)
    assert page.total == 17 and page.resources[0]["id"] == "new"


async def test_a_contradicted_list_is_not_read() -> None:
    bench = Bench()
    await bench.page(0, 100, 'userType eq "guest"')
    assert {each.split()[1] for each in bench.upstream.taken()} == {"guest"}
    assert (await bench.page(0, 100, 'userType eq "nobody"')).total == 0
    assert bench.upstream.taken() == []


async def test_without_a_total_wanted_no_list_behind_the_page_is_asked() -> None:
    bench = Bench()
    page = await bench.page(0, 3, need_total=False)
    assert len(page.resources) == 3 and page.total is None and page.next == {"o": 3}
    assert bench.upstream.taken() == ["GET staff 0+3"]


async def test_alternatives_that_may_share_rows_are_no_one_list() -> None:
    bench = Bench()
    text = 'active eq true or userName eq "n0"'
    assert bench.reader.planner.plan(Query(parse(text))).strategy == "scan"
    page = await bench.page(0, 100, text)
    assert page.total == len({each["id"] for each in page.resources}) == len(page.resources)


async def test_an_order_over_several_lists_is_made_here() -> None:
    bench = Bench()
    page = await bench.page(0, 100, sort=Sort("userName"))
    assert [each["userName"] for each in page.resources] == sorted(each["name"] for each in bench.upstream.people)


async def test_what_is_hidden_for_now_is_neither_listed_nor_counted() -> None:
    hidden = Remembered()
    bench = Bench(hidden=hidden)
    assert (await bench.page(0, 3)).total == 16
    hidden.add("staff1", "left")
    for offset in (0, 3, 14):
        page = await bench.page(offset, 3)
        left = [each for each in bench.ids() if each != "staff1"]
        assert [each["id"] for each in page.resources] == left[offset : offset + 3] and page.total == 15
    hidden.forget("staff1")
    assert (await bench.page(0, 3)).total == 16


async def test_a_list_is_read_by_post() -> None:
    def body(params: Params) -> tuple[Params, Any]:
        paging = ("offset", "limit")
        return (
            {name: params[name] for name in paging},
            {name: value for name, value in params.items() if name not in paging},
        )

    bench = Bench(body=body)
    page = await bench.page(0, 100, 'active eq true and userType eq "guest"')
    assert [each["id"] for each in page.resources] == ["guest0", "guest3"]
    assert bench.upstream.taken() == ["POST guest 0+3"]
    found = explain(bench.reader.planner, Query(parse('userType eq "guest"'), count=2))
    assert found.requests == ('POST /people?offset=0&limit=2 {"kind":"guest"}',)
    assert bench.upstream.taken() == []


async def test_a_list_that_does_not_tell_its_length_costs_counting() -> None:
    """The planner takes the one that tells, though it takes more requests for a page."""
    told = collection()
    (listed,) = (replace(each, pager=Offset("offset", "limit", 1000, total_at=Total("total"))) for each in told.reads)
    silent = replace(listed, path="/silent", states_total=False, partitions=({"kind": "staff"},))
    planner = Planner(replace(told, reads=(silent, listed)))
    assert {branch.path for branch in planner.plan(Query()).branches} == {"/people"}
    # What is expected to be few rows is counted in no time.
    assert {branch.path for branch in planner.plan(Query(parse('userName eq "n1"'))).branches} == {"/silent"}
