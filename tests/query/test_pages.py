"""Windows over upstream lists: what they show, and what they cost in upstream requests."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest

from scim_bridge.query.budget import Budget, ScanTooLarge
from scim_bridge.query.cache import QueryCache
from scim_bridge.query.capabilities import AccessPath, Pager, Params
from scim_bridge.query.pagers import BodyCursor, Link, Offset, OnePage, PageNumber, Total
from scim_bridge.query.pages import Moved, every_page, read_page
from scim_bridge.query.plan import Branch
from scim_bridge.query.windows import ListReader, Window
from scim_bridge.upstream.errors import BadAnswer, NotFound, Rejected, Unavailable
from scim_bridge.upstream.reply import Reply
from tests.clocks import FakeClock
from tests.query.simulated import Manner, Paging, Upstream, crowd
from tests.query.test_distrust import NUMBERED as LISTED
from tests.query.test_distrust import Upstream as ListedUpstream
from tests.query.test_distrust import read
from tests.query.worlds import pager


class Bench:
    """A list of numbered people behind one access path, with the cache that windows share."""

    def __init__(self, count: int, manner: Manner, scan_rows: int = 100_000) -> None:
        self.upstream = Upstream(crowd(count), manner)
        self.clock = FakeClock()
        self.cache = QueryCache(self.clock, 300)
        self.scan_rows = scan_rows
        access = AccessPath("/people", "people", pager(manner, "people.-1.uid"))
        self.branch = Branch(access, "/people", {}, exact=True)

    async def window(
        self, offset: int, count: int, need_total: bool = True, resume: tuple[int, Params] | None = None
    ) -> Window:
        """A window, checked to hold the right rows and total."""
        people = self.upstream.people
        lists = ListReader(self.upstream.send, self.branch, self.cache, Budget(self.clock, self.scan_rows, 40))
        found = await lists.window(offset, count, need_total=need_total, resume=resume)
        assert [row["uid"] for row in found.rows] == [each["uid"] for each in people[offset : offset + count]]
        assert found.total == len(people) or (found.total is None and not need_total)
        return found

    def cost(self) -> list[str]:
        """The requests since the last time, without the path."""
        calls = [each.partition("?")[2] or each for each in self.upstream.calls]
        self.upstream.calls.clear()
        return calls


def bench(count: int, paging: Paging, limit: int = 200, totals: Any = "always", **told: Any) -> Bench:
    return Bench(count, Manner(paging, limit, totals=totals, **told))


CURSORS: tuple[Paging, ...] = ("link", "cursor", "last")
NUMBERED: tuple[Paging, ...] = ("offset", "index", "page")


# -- crawling ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("paging", [*CURSORS, *NUMBERED])
async def test_a_crawl_takes_one_request_a_page(paging: Paging) -> None:
    lists = bench(1000, paging)
    for start in range(0, 1000, 100):
        await lists.window(start, 100)
        (request,) = lists.cost()
        assert "limit=100" in request or request.startswith("/next/")


async def test_a_crawl_may_end_in_a_smaller_page() -> None:
    lists = bench(950, "link")
    for start in range(0, 900, 100):
        await lists.window(start, 100)
    await lists.window(900, 50)
    assert len(lists.cost()) == 10


async def test_a_larger_page_does_not_go_in_the_steps_of_a_smaller_one() -> None:
    lists = bench(1000, "link")
    await lists.window(0, 10)
    await lists.window(10, 400)
    assert lists.cost() == ["limit=10", "limit=200", "/next/t1", "/next/t2"]


@pytest.mark.parametrize("paging", CURSORS)
async def test_where_no_total_is_stated_a_crawl_takes_one_walk_more(paging: Paging) -> None:
    lists = bench(1000, paging, totals="never")
    await lists.window(0, 100)
    walk = 1000 // 200 + (paging == "last")  # by the last row's id, only an empty page tells the end
    assert len(lists.cost()) == 1 + walk
    for start in range(100, 1000, 100):
        await lists.window(start, 100)
        assert len(lists.cost()) == 1


async def test_numbered_rows_without_a_total_are_counted_to_the_empty_page() -> None:
    lists = bench(1000, "offset", totals="never")
    await lists.window(0, 100)
    assert len(lists.cost()) == 1 + 6
    await lists.window(100, 100)
    assert lists.cost() == ["offset=100&limit=100"]


async def test_a_total_that_only_the_first_page_states_is_asked_for_there() -> None:
    lists = bench(1000, "offset", totals="first")
    await lists.window(500, 100)
    assert lists.cost() == ["offset=500&limit=100", "offset=0&limit=200"]
    await lists.window(600, 100)
    assert lists.cost() == ["offset=600&limit=100"]


async def test_a_page_larger_than_the_upstream_allows_is_put_together() -> None:
    lists = bench(1000, "link")
    await lists.window(0, 500)
    assert len(lists.cost()) == 3
    await lists.window(500, 500)
    assert len(lists.cost()) == 2, "the rest of the third page was kept"


async def test_rows_beyond_a_page_are_kept_for_the_next() -> None:
    lists = bench(300, "link", least=200)
    await lists.window(0, 100)
    assert len(lists.cost()) == 1
    await lists.window(100, 100)
    assert lists.cost() == []


async def test_the_first_row_starts_anew() -> None:
    lists = bench(300, "link", least=300)
    await lists.window(0, 100)
    await lists.window(0, 100)
    assert len(lists.cost()) == 2


async def test_a_list_in_one_reply_is_read_once_for_all_its_pages() -> None:
    lists = bench(300, "one")
    for start in range(0, 400, 100):
        await lists.window(start, 100)
    assert lists.cost() == ["/people"]


# -- entering a list --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paging", "request_"), [("offset", "offset=500&limit=100"), ("index", "offset=501&limit=100")]
)
async def test_a_row_in_the_middle_is_reached_by_its_number(paging: Paging, request_: str) -> None:
    lists = bench(1000, paging)
    await lists.window(500, 100)
    assert lists.cost() == [request_]


async def test_a_row_in_the_middle_of_a_numbered_page_takes_the_first_page_and_two_more() -> None:
    lists = bench(1000, "page")
    await lists.window(550, 100)
    assert lists.cost() == ["page=1&limit=100", "page=6&limit=100", "page=7&limit=100"]
    await lists.window(800, 100)
    assert lists.cost() == ["page=9&limit=100"]


@pytest.mark.parametrize("paging", CURSORS)
async def test_a_row_in_the_middle_is_walked_to_in_the_largest_steps(paging: Paging) -> None:
    lists = bench(1000, paging)
    await lists.window(500, 100)
    assert len(lists.cost()) == 3
    await lists.window(700, 100)
    assert len(lists.cost()) == 1, "where the walk came by is known"


async def test_pages_that_are_capped_silently_are_not_taken_for_the_last() -> None:
    lists = bench(400, "page", cap=50)
    await lists.window(0, 100)
    assert len(lists.cost()) == 2
    await lists.window(100, 100)
    assert len(lists.cost()) == 2


async def test_the_size_of_capped_pages_is_learned_before_pages_are_counted() -> None:
    lists = bench(400, "page", cap=50)
    await lists.window(300, 100)
    assert lists.cost() == ["page=1&limit=100", "page=7&limit=50", "page=8&limit=50"]
    await lists.window(350, 100)
    assert lists.cost() == ["page=8&limit=50"]
    await lists.window(150, 100)
    assert lists.cost() == ["page=4&limit=50", "page=5&limit=50"]


async def test_a_full_page_is_no_proof_that_the_ones_before_it_are_as_large() -> None:
    lists = bench(3, "page", limit=1, least=2)
    await lists.window(1, 1)


async def test_where_pages_are_larger_than_may_be_asked_for_rows_are_walked_to() -> None:
    lists = bench(40, "page", limit=2, least=4)
    await lists.window(20, 2)
    assert len(lists.cost()) == 6


# -- the end ----------------------------------------------------------------------------------------------------------


async def test_a_start_past_the_end_is_an_empty_page_with_the_total() -> None:
    for paging in NUMBERED:
        lists = bench(120, paging)
        found = await lists.window(500, 100)
        assert found.resume is None
        assert len(lists.cost()) == 1 + (paging == "page")  # an empty page is no proof of the size of others
        await lists.window(600, 100)
        assert len(lists.cost()) == 0


async def test_a_start_past_the_end_of_a_walk_tells_the_total_too() -> None:
    lists = bench(120, "link", totals="never")
    found = await lists.window(500, 100)
    assert found.resume is None
    assert len(lists.cost()) == 1


async def test_a_start_past_the_end_without_a_total_is_counted() -> None:
    lists = bench(120, "offset", totals="never")
    await lists.window(500, 100)
    assert lists.cost() == ["offset=500&limit=100", "offset=0&limit=200", "offset=120&limit=200"]


async def test_a_refusal_past_the_end_is_the_end_where_it_is_declared() -> None:
    lists = bench(120, "offset", past_end="refused")
    access = replace(lists.branch.access, absent=lambda error: "PAST_END" in error.codes)
    lists.branch = replace(lists.branch, access=access)
    await lists.window(500, 100)
    assert lists.cost() == ["offset=500&limit=100", "offset=0&limit=200"]


async def test_a_refusal_past_the_end_that_is_not_declared_is_found_out_by_walking() -> None:
    lists = bench(120, "offset", past_end="refused")
    await lists.window(500, 100)
    assert lists.cost() == ["offset=500&limit=100", "offset=0&limit=200"]


async def test_a_refusal_past_the_end_costs_one_page_where_the_list_states_its_length() -> None:
    lists = bench(1_000, "offset", past_end="refused")
    await lists.window(5_000, 100)
    assert lists.cost() == ["offset=5000&limit=100", "offset=0&limit=200"]


async def test_a_row_that_is_refused_within_the_stated_length_is_reached_by_walking() -> None:
    lists = bench(500, "offset")
    send = lists.upstream.send

    async def refusing(method: str, path: str, **sent: Any) -> Reply:
        if (sent.get("params") or {}).get("offset") == "450":
            lists.upstream.calls.append("refused")
            raise Rejected("", "no such offset")
        return await send(method, path, **sent)

    lists.upstream.send = refusing  # type: ignore[method-assign, assignment] # on purpose
    await lists.window(450, 10)
    assert lists.cost() == ["refused", "offset=0&limit=200", "offset=200&limit=200", "offset=400&limit=200"]


@pytest.mark.parametrize("paging", [*CURSORS, *NUMBERED, "one"])
async def test_an_empty_list_is_empty(paging: Paging) -> None:
    for totals in ("never", "always"):
        lists = bench(0, paging, totals=totals)
        found = await lists.window(0, 100)
        assert found.resume is None
        assert len(lists.cost()) == 1


# -- totals -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("paging", [*CURSORS, *NUMBERED])
async def test_no_rows_wanted_takes_one_request_for_the_total(paging: Paging) -> None:
    lists = bench(1000, paging)
    await lists.window(0, 0)
    (request,) = lists.cost()
    assert "limit=1" in request.split("&")


async def test_no_rows_wanted_and_no_total_stated_takes_a_walk() -> None:
    lists = bench(1000, "link", totals="never")
    await lists.window(0, 0)
    assert len(lists.cost()) == 1 + 5


async def test_no_rows_wanted_of_a_single_one_is_told_by_the_smallest_page() -> None:
    lists = bench(1, "link", totals="never")
    await lists.window(0, 0)
    assert lists.cost() == ["limit=1"]


async def test_a_total_that_nobody_wants_is_told_where_it_is_stated_anyway() -> None:
    assert (await bench(500, "link").window(0, 100, need_total=False)).total == 500
    assert (await bench(500, "link", totals="never").window(0, 100, need_total=False)).total is None


async def test_no_total_wanted_costs_nothing() -> None:
    lists = bench(1000, "link", totals="never")
    await lists.window(0, 100, need_total=False)
    assert len(lists.cost()) == 1
    assert (await lists.window(0, 0, need_total=False)).resume == (0, {"limit": "1"})
    assert lists.cost() == []


class Scripted:
    """An upstream that answers what it is told to, in order, and counts."""

    def __init__(self, *replies: Any) -> None:
        self.replies = list(replies)
        self.sent: list[Mapping[str, str] | str] = []

    async def send(self, method: str, target: str, *, params: Mapping[str, str] | None = None) -> Reply:
        self.sent.append(target if params is None else params)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return Reply(200, reply, httpx.Headers())

    def lists(self, pages: Pager, rows: str = "rows", path: str = "/list", **budget: Any) -> ListReader:
        clock = FakeClock()
        branch = Branch(AccessPath(path, rows, pages), path, {}, exact=True)
        return ListReader(self.send, branch, QueryCache(clock, 300), Budget(clock, budget.get("rows", 1000), 40))


def rows(*numbers: int) -> list[dict[str, int]]:
    return [{"n": number} for number in numbers]


LINK = Link("next", "limit", 2, Total(body="total"))
OFFSET = Offset("offset", "limit", 2, total_at=Total(body="total"))


async def test_rows_read_to_the_end_are_believed_before_a_total() -> None:
    upstream = Scripted({"rows": rows(1, 2), "total": 9, "next": "/b"}, {"rows": rows(3), "total": 9})
    found = await upstream.lists(LINK).window(0, 5, need_total=True)
    assert (len(found.rows), found.total) == (3, 3)


async def test_a_total_that_rows_disprove_is_not_believed() -> None:
    upstream = Scripted(
        {"rows": rows(1, 2), "total": 1, "next": "/b"},
        {"rows": rows(1, 2), "total": 1, "next": "/b"},
        {"rows": rows(3), "total": 1},
    )
    found = await upstream.lists(LINK).window(0, 2, need_total=True)
    assert found.total == 3


async def test_a_total_that_turns_up_later_does_not_end_the_count() -> None:
    first, second = {"rows": rows(1, 2), "next": "/b"}, {"rows": rows(3), "total": 9}
    found = await Scripted(first, first, second).lists(LINK).window(0, 2, need_total=True)
    assert found.total == 3


async def test_numbered_rows_go_on_past_a_total_that_is_too_low() -> None:
    pages = [{"rows": rows(1, 2), "total": 1}, {"rows": rows(3), "total": 1}, {"rows": [], "total": 1}]
    found = await Scripted(*pages).lists(OFFSET).window(0, 9, need_total=True)
    assert (len(found.rows), found.total) == (3, 3)


async def test_numbered_rows_end_where_none_come_whatever_the_total_says() -> None:
    found = (
        await Scripted({"rows": rows(1), "total": 5}, {"rows": [], "total": 5})
        .lists(OFFSET)
        .window(0, 9, need_total=True)
    )
    assert (len(found.rows), found.total) == (1, 1)


# -- what a list must not be ------------------------------------------------------------------------------------------


async def test_a_page_that_names_itself_as_the_next_is_an_error() -> None:
    pages = BodyCursor("after", "next", "limit", 2)
    upstream = Scripted({"rows": rows(1, 2), "next": "a"}, {"rows": rows(3, 4), "next": "a"})
    with pytest.raises(BadAnswer, match="same page"):
        await upstream.lists(pages).window(0, 9, need_total=True)


async def test_pages_in_a_circle_are_an_error_in_a_window_and_in_a_scan() -> None:
    circle: Sequence[Any] = [
        {"rows": rows(1), "next": "/b"},
        {"rows": rows(2), "next": "/c"},
        {"rows": rows(3), "next": "/b"},
    ]
    with pytest.raises(BadAnswer, match="circle"):
        await Scripted(*circle).lists(LINK).window(0, 9, need_total=True)
    branch = Branch(AccessPath("/list", "rows", LINK), "/list", {}, exact=True)
    with pytest.raises(BadAnswer, match="circle"):
        async for _ in every_page(Scripted(*circle).send, branch):
            pass


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"message": "maintenance"}, "rows"),
        ([], "rows"),
        (None, "rows"),
        ({"rows": None}, "rows"),
        ({"rows": {"n": 1}}, "rows"),
        ({"rows": [1]}, "rows"),
        ({"rows": []}, ""),
        ([], "."),
        (None, "."),
    ],
)
async def test_json_that_is_no_list_does_not_pass_for_an_empty_one(body: Any, path: str) -> None:
    with pytest.raises(BadAnswer, match="did not answer a"):
        await Scripted(body).lists(LINK, path).window(0, 9, need_total=True)


async def test_a_list_may_be_left_out_where_the_reply_states_its_total() -> None:
    found = await Scripted({"total": 0}).lists(LINK).window(0, 9, need_total=True)
    assert (found.rows, found.total) == ([], 0)


async def test_a_list_within_a_record_may_be_left_out() -> None:
    access = AccessPath("/teams/{id}", "members", OnePage())
    page = await read_page(Scripted({"id": "1"}).send, Branch(access, "/teams/1", {}, exact=True), {})
    assert page.rows == []


async def test_what_a_path_names_may_be_missing_but_only_from_the_start_on() -> None:
    branch = Branch(AccessPath("/teams/{id}/people", "rows", LINK), "/teams/1/people", {}, exact=True)
    gone = NotFound("", "gone")
    assert (await read_page(Scripted(gone).send, branch, {"limit": "2"})).rows == []
    with pytest.raises(NotFound):
        await read_page(Scripted(gone).send, branch, {"@": "/b"}, at_start=False)
    with pytest.raises(NotFound):
        await read_page(Scripted(gone).send, replace(branch, access=AccessPath("/teams", "rows", LINK)), {})


async def test_an_outage_on_the_second_page_is_no_end() -> None:
    with pytest.raises(Unavailable):
        await (
            Scripted({"rows": rows(1, 2), "next": "/b"}, Unavailable("", "down"))
            .lists(LINK)
            .window(0, 9, need_total=True)
        )


# -- positions --------------------------------------------------------------------------------------------------------


async def crawl(lists: Bench, count: int, cold: bool) -> int:
    """All pages by the positions each gives; how many there were."""
    offset, resume, pages = 0, None, 0
    while True:
        if cold:
            lists.cache = QueryCache(lists.clock, 300)
        found = await lists.window(offset, count, need_total=False, resume=resume)
        pages += 1
        offset, resume = offset + len(found.rows), found.resume
        if resume is None:
            return pages


@pytest.mark.parametrize("paging", [*CURSORS, *NUMBERED, "one"])
@pytest.mark.parametrize("cold", [False, True])
async def test_positions_lead_through_the_list_on_any_node(paging: Paging, cold: bool) -> None:
    lists = bench(500, paging)
    assert await crawl(lists, 100, cold) == 5 + (paging == "last")
    assert len(lists.cost()) == (5 if cold else 1) if paging == "one" else 5 + (paging == "last")


@pytest.mark.parametrize("paging", [*CURSORS, *NUMBERED])
async def test_a_position_in_the_middle_of_an_upstream_page_leads_on(paging: Paging) -> None:
    lists = bench(100, paging, limit=40, least=30)
    assert await crawl(lists, 25, cold=True) == 4 + (paging == "last")


async def test_a_position_that_has_expired_is_walked_to_anew() -> None:
    lists = bench(500, "link")
    await lists.window(0, 100)
    await lists.window(100, 100)
    lists.cost()
    lists.upstream.refuses = True
    with pytest.raises(Rejected):
        await lists.window(200, 100)
    assert lists.cost() == ["/next/t1", "limit=200", "/next/t2"], "not twice: the upstream refuses whatever it gives"
    lists.upstream.refuses = False
    lists.upstream.forget()
    await lists.window(200, 100)
    assert lists.cost() == ["/next/t2", "limit=200", "/next/t3"]


async def test_a_position_of_another_node_that_has_expired_is_walked_to_anew() -> None:
    lists = bench(500, "link")

    async def send(method: str, target: str, *, params: Mapping[str, str] | None = None) -> Reply:
        if target == "/next/old":
            raise NotFound("", "gone", status=410)
        return await lists.upstream.send(method, target, params=params)

    reader = ListReader(send, lists.branch, lists.cache, Budget(lists.clock, 1000, 40))
    found = await reader.window(200, 100, need_total=False, resume=(200, {"@": "/next/old"}))
    assert [row["uid"] for row in found.rows] == [f"u{number}" for number in range(200, 300)]
    assert len(lists.cost()) == 2


async def test_an_outage_does_not_make_a_position_expire() -> None:
    upstream = Scripted({"rows": rows(1, 2), "next": "/b"}, Unavailable("", "down"))
    lists = upstream.lists(LINK)
    with pytest.raises(Unavailable):
        await lists.window(0, 4, need_total=False)
    assert len(upstream.sent) == 2


async def test_empty_pages_in_the_middle_are_passed_over() -> None:
    upstream = Scripted(
        {"rows": [], "next": "/b"}, {"rows": rows(1), "next": "/c"}, {"rows": [], "next": "/d"}, {"rows": rows(2)}
    )
    found = await upstream.lists(LINK).window(0, 9, need_total=True)
    assert ([row["n"] for row in found.rows], found.total) == ([1, 2], 2)


# -- several at once, and change --------------------------------------------------------------------------------------


async def test_two_clients_crawl_the_same_list_and_keep_their_ways() -> None:
    lists = bench(1000, "link")
    for start in range(0, 600, 100):
        await lists.window(start, 100)
    await lists.window(0, 100)  # another client begins
    lists.cost()
    for start in range(600, 1000, 100):
        await lists.window(start, 100)
        await lists.window(start - 500, 100)
    assert len(lists.cost()) == 8


async def test_pages_asked_for_at_the_same_time_are_each_right() -> None:
    lists = bench(1000, "link", uneven=True)
    await lists.window(0, 100)
    await asyncio.gather(*(lists.window(start, 100) for start in (100, 100, 300, 200, 0, 900)))


async def test_a_write_during_a_read_leaves_nothing_of_it_behind() -> None:
    lists = bench(500, "link")

    async def send(method: str, target: str, *, params: Mapping[str, str] | None = None) -> Reply:
        reply = await lists.upstream.send(method, target, params=params)
        lists.cache.clear()
        return reply

    reader = ListReader(send, lists.branch, lists.cache, Budget(lists.clock, 1000, 40))
    await reader.window(0, 100, need_total=True)
    lists.cost()
    await lists.window(100, 100)
    assert lists.cost() == ["limit=200"], "no position of before the write"


async def test_a_crawl_goes_on_however_long_it_takes() -> None:
    lists = bench(1000, "link")
    for start in range(0, 1000, 100):
        await lists.window(start, 100)
        lists.clock.advance(200)
    assert len(lists.cost()) == 10


async def test_what_is_not_used_is_forgotten() -> None:
    lists = bench(1000, "link")
    await lists.window(0, 100)
    lists.clock.advance(301)
    lists.cost()
    await lists.window(100, 100)
    assert lists.cost() == ["limit=200"]


async def test_a_row_that_came_after_the_end_was_seen_is_found_in_time() -> None:
    lists = bench(120, "offset")
    await lists.window(0, 100)
    await lists.window(100, 100)
    lists.upstream.people = crowd(130)
    lists.clock.advance(200)
    with pytest.raises(AssertionError):
        await lists.window(120, 100)  # kept from before
    lists.clock.advance(200)
    await lists.window(120, 100)


async def test_a_list_that_shrank_is_not_taken_for_as_long_as_it_was() -> None:
    lists = bench(500, "offset", totals="never")
    await lists.window(400, 100)
    await lists.window(500, 100)
    lists.upstream.people = crowd(80)
    lists.clock.advance(200)
    with pytest.raises(AssertionError):
        await lists.window(500, 100)
    lists.clock.advance(200)
    await lists.window(500, 100)


async def test_rows_that_leave_or_come_between_pages_move_no_cursor() -> None:
    lists = bench(300, "last")
    first = await lists.window(0, 100)
    lists.upstream.people = [*crowd(400)[350:], *lists.upstream.people[10:]]
    reader = ListReader(lists.upstream.send, lists.branch, lists.cache, Budget(lists.clock, 1000, 40))
    second = await reader.window(100, 100, need_total=True)
    assert [row["uid"] for row in second.rows] == [f"u{number}" for number in range(100, 200)]
    assert first.rows[-1]["uid"] == "u99"


# -- budgets ----------------------------------------------------------------------------------------------------------


async def test_only_rows_that_are_not_returned_count() -> None:
    lists = Bench(1000, Manner("link", 200, totals="always"), scan_rows=400)
    for start in range(0, 1000, 100):
        await lists.window(start, 100)
    await lists.window(0, 1000)
    await lists.window(500, 100)
    lists.cache.clear()
    await lists.window(500, 100)  # two pages of 200 are walked over
    lists.cache.clear()
    with pytest.raises(ScanTooLarge, match="more than 400 upstream rows"):
        await lists.window(700, 100)


async def test_a_count_that_would_take_too_long_is_refused() -> None:
    lists = Bench(1000, Manner("link", 200), scan_rows=999)
    with pytest.raises(ScanTooLarge):
        await lists.window(0, 100)
    lists.scan_rows = 1000
    await lists.window(0, 100)


# -- reading everything -----------------------------------------------------------------------------------------------


async def scanned(lists: Bench, ahead: int = 4) -> list[str]:
    return [row["uid"] async for page in every_page(lists.upstream.send, lists.branch, ahead) for row in page.rows]


@pytest.mark.parametrize("paging", [*CURSORS, *NUMBERED, "one"])
@pytest.mark.parametrize("manner", [{}, {"cap": 7}, {"least": 300}, {"uneven": True}])
async def test_a_scan_reads_every_row_once(paging: Paging, manner: dict[str, Any]) -> None:
    for totals in ("never", "first", "always"):
        lists = bench(410, paging, limit=49, totals=totals, **manner)
        assert await scanned(lists) == [each["uid"] for each in lists.upstream.people]


@pytest.mark.parametrize("paging", NUMBERED)
async def test_pages_of_a_scan_are_read_side_by_side_where_rows_are_numbered(paging: Paging) -> None:
    lists = bench(1000, paging, limit=100)
    under_way = most = 0

    async def send(method: str, target: str, *, params: Mapping[str, str] | None = None) -> Reply:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return await lists.upstream.send(method, target, params=params)

    read = [len(page.rows) async for page in every_page(send, lists.branch, 4)]
    assert read == [100] * 10
    assert (most, len(lists.cost())) == (4, 10)


async def test_a_failure_side_by_side_ends_the_others() -> None:
    lists = bench(1000, "offset", limit=100)
    ended = 0

    async def send(method: str, target: str, *, params: Mapping[str, str]) -> Reply:
        nonlocal ended
        if params["offset"] == "100":
            raise Unavailable("", "down")
        if params["offset"] != "0":
            try:
                await asyncio.Event().wait()
            finally:
                ended += 1
        return await lists.upstream.send(method, target, params=params)

    with pytest.raises(Unavailable):
        async for _ in every_page(send, lists.branch, 4):
            await asyncio.sleep(0)
    assert ended == 3


async def test_page_numbers_take_up_where_a_short_page_ends() -> None:
    pages = PageNumber("page", "limit", 2, total_at=Total(body="total"))
    upstream = Scripted({"rows": rows(1), "total": 3}, {"rows": rows(2), "total": 3}, {"rows": rows(3), "total": 3})
    found = await upstream.lists(pages).window(0, 9, need_total=True)
    assert (len(found.rows), found.total) == (3, 3)
    assert [each["page"] for each in upstream.sent if isinstance(each, Mapping)] == ["1", "2", "3"]


@pytest.mark.parametrize("ahead", [1, 4])
async def test_a_list_that_gets_shorter_while_it_is_read_is_refused(ahead: int) -> None:
    """Who stands behind the one that left moves up, into a page that was read before."""

    def leave(number: int, rows: list[str]) -> None:
        if number == 3:
            rows.remove("a")

    with pytest.raises(Moved, match="got shorter while it was read"):
        await read(ListedUpstream(list("abcdefghijkl"), leave), LISTED, ahead)

    def come(number: int, rows: list[str]) -> None:
        if number == 3:
            rows.append("new")

    assert await read(ListedUpstream(list("abcdefghijkl"), come), LISTED, ahead) == [*"abcdefghijkl", "new"]
