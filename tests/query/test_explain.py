"""What `explain` says is what is sent."""

from dataclasses import replace
from typing import Any

import pytest

from scim_bridge.filters import parse
from scim_bridge.query.explain import Explanation, explain
from scim_bridge.query.plan import Query, Sort
from tests.query.simulated import Manner, crowd
from tests.query.test_run import Bench

LISTED = Manner("offset", 200, totals="always")


def explained(bench: Bench, filter_text: str | None = None, sort: Sort | None = None, **told: Any) -> Explanation:
    node = parse(filter_text) if filter_text is not None else None
    found = explain(bench.reader.planner, Query(node, sort, **told))
    assert bench.cost() == [], "nothing is sent"
    return found


def test_a_window_names_its_first_request() -> None:
    found = explained(Bench(crowd(5), manner=LISTED), 'userName sw "us"', offset=100, count=50)
    assert found == Explanation(
        strategy="window",
        requests=('GET /people?q=login sw "us"&offset=100&limit=50',),
        pushed=('login sw "us"',),
        residual=None,
        sorted_here=False,
        residual_relations=(),
        expected_requests=1,
        considered=(),
    )


def test_no_rows_wanted_is_the_smallest_request() -> None:
    found = explained(Bench(crowd(5), manner=LISTED), offset=100, count=0)
    assert found.requests == ("GET /people?offset=0&limit=1",)


def test_a_walk_names_where_it_starts() -> None:
    found = explained(Bench(crowd(5)), offset=100, count=50)
    assert (found.strategy, found.requests, found.pushed) == ("walk", ("GET /people?limit=150",), ("",))


def test_pages_are_named_without_notes_of_our_own() -> None:
    found = explained(Bench(crowd(5), manner=Manner("page", 200)), offset=100, count=50)
    assert found.requests == ("GET /people?page=1&limit=50",), "how large pages are has to be learned first"


def test_a_scan_names_what_is_checked_here() -> None:
    found = explained(Bench(crowd(5)), 'userName sw "us" and displayName pr', Sort("title"))
    assert (found.strategy, found.sorted_here) == ("scan", True)
    assert found.requests == ('GET /people?q=login sw "us"&limit=200',)
    assert found.residual == 'userName sw "us" and displayName pr'


def test_each_read_of_a_union_is_named_readably() -> None:
    bench = Bench(crowd(5), memberships=True)
    found = explained(bench, 'groups.value eq "1 é" or id eq "u1"')
    assert found.requests[:3] == (
        "GET /teams/1 é/people?limit=200",
        "GET /teams/1 é/guests?limit=200",
        "GET /people/u1",
    )
    assert found.pushed == ("{team}=1 é", "{team}=1 é", "{id}=u1")
    assert found.considered == ("scan /people: 10050",)


def test_requests_for_each_row_are_patterns() -> None:
    found = explained(Bench(crowd(5)), relations=frozenset({"groups", "nothing"}))
    assert found.requests[1:] == ("GET /people/{id}/teams?limit=200 (for each row returned)",)
    found = explained(Bench(crowd(5)), "groups pr", relations=frozenset({"groups"}))
    assert found.requests[1:] == ("GET /people/{id}/teams?limit=200 (for each row read)",)
    assert found.residual_relations == ("groups",)


def test_a_relation_that_no_list_holds_is_read_with_the_record() -> None:
    bench = Bench(crowd(5))
    inline = replace(bench.collection.relations[0], reads=())
    bench.collection = replace(bench.collection, relations=(inline,))
    found = explained(bench, "groups pr")
    assert found.requests[1:] == ("GET /people/{id} (for each row read)",)
    assert found.expected_requests == 50 + 10_000


def test_a_filter_that_nothing_can_match_names_no_request() -> None:
    found = explained(Bench(crowd(5)), "userName co 5")
    assert (found.strategy, found.requests, found.expected_requests) == ("nothing", (), 0)


@pytest.mark.parametrize(
    "manner", [LISTED, Manner("page", 20), Manner("link", 200, totals="always"), Manner("index", 20), Manner("one")]
)
@pytest.mark.parametrize("filter_text", [None, 'userName eq "user7"', 'userName ew "7"', 'id eq "u7"'])
@pytest.mark.parametrize("page", [{}, {"count": 3}, {"offset": 40, "count": 10}])
async def test_the_first_request_is_the_one_that_is_sent(
    manner: Manner, filter_text: str | None, page: dict[str, Any]
) -> None:
    bench = Bench(crowd(60), manner=manner)
    said = explained(bench, filter_text, **page).requests[0]
    await bench.search(filter_text, **page)
    assert f"GET {bench.cost()[0]}" == said
