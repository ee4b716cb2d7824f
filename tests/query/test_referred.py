"""Lists whose rows only name the records, which are then read where they are."""

from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest

from scim_bridge.filters import parse
from scim_bridge.query.cache import QueryCache
from scim_bridge.query.capabilities import AccessPath, Collection, Referral, Rule, ops
from scim_bridge.query.explain import explain
from scim_bridge.query.pagers import OnePage, PageNumber
from scim_bridge.query.plan import Query
from scim_bridge.query.run import Reader, ReadLimits
from scim_bridge.schemas import USER
from scim_bridge.upstream.errors import NotFound, UpstreamError
from scim_bridge.upstream.reply import Reply
from tests.clocks import FakeClock


class Upstream:
    """Teams that name their people by id, people by id or several at once; ``hides``: left out of lists of several."""

    def __init__(self, size: int, hides: frozenset[str] = frozenset()) -> None:
        self.people = {str(number): {"id": str(number), "userName": f"user{number}"} for number in range(size)}
        self.team = [*self.people, "1"]  # somebody twice
        self.hides = hides
        self.calls: list[str] = []

    async def send(self, method: str, path: str, **sent: Any) -> Reply:
        params = sent.get("params") or {}
        self.calls.append(path + (f"?{params['ids'].count(',') + 1}" if "ids" in params else ""))
        match path.strip("/").split("/"):
            case ["people"]:
                ids = [each for each in params.get("ids", "").split(",") if each in self.people]
                return self._answer([self.people[each] for each in ids if each not in self.hides])
            case ["people", one]:
                if one not in self.people:
                    raise NotFound("", "gone")
                return self._answer(self.people[one])
            case ["teams", "red", "people"]:
                start = (int(params["page"]) - 1) * int(params["limit"])
                return self._answer([{"person": each} for each in self.team[start : start + int(params["limit"])]])
        raise NotFound("", "gone")

    def _answer(self, body: Any) -> Reply:
        return Reply(200, body, httpx.Headers())


PEOPLE = AccessPath("/people", "", OnePage())


def reader(upstream: Upstream, *, several: bool = True, joined: Callable[[Sequence[str]], str] = ",".join) -> Reader:
    referral = Referral(lambda row: [row["person"]], PEOPLE, "ids", chunk=10, joined=joined)
    if not several:
        referral = Referral(lambda row: [row["person"]])
    team = Rule("groups.value", ops("eq"), lambda operator, value: {"{team}": value}, folds=False)
    pages = PageNumber("page", "limit", 20)
    collection = Collection(
        USER,
        (AccessPath("/teams/{team}/people", "", pages, (team,), refers=referral),),
        AccessPath("/people/{id}", ".", OnePage()),
        lambda row: dict(row),
    )
    clock = FakeClock()
    return Reader(collection, upstream.send, QueryCache(clock, 300), clock, ReadLimits())


RED = Query(parse('groups.value eq "red"'), count=7)


async def test_records_that_rows_name_are_read_several_at_once() -> None:
    upstream = Upstream(25)
    page = await reader(upstream).search(RED)
    assert (page.total, [each["userName"] for each in page.resources]) == (25, [f"user{n}" for n in range(7)])
    assert upstream.calls == [
        "/teams/red/people", "/people?10", "/people?10", "/teams/red/people", "/people?6", "/teams/red/people",
    ]  # fmt: skip


async def test_later_pages_cost_nothing() -> None:
    upstream = Upstream(25)
    team = reader(upstream)
    first = await team.search(RED)
    upstream.calls.clear()
    second = await team.search(RED, first.next)
    assert [each["id"] for each in second.resources] == list(map(str, range(7, 14)))
    assert upstream.calls == []


async def test_records_are_looked_up_one_by_one_where_no_list_has_several() -> None:
    upstream = Upstream(3)
    page = await reader(upstream, several=False).search(RED)
    assert page.total == 3
    assert upstream.calls == ["/teams/red/people", "/people/0", "/people/1", "/people/2", "/teams/red/people"]


async def test_a_record_that_a_list_leaves_out_is_looked_up_before_it_counts_as_gone() -> None:
    upstream = Upstream(3, hides=frozenset({"1", "2"}))
    del upstream.people["2"]
    page = await reader(upstream).search(RED)
    assert [each["id"] for each in page.resources] == ["0", "1"]
    assert [each for each in upstream.calls if each.startswith("/people/")] == ["/people/1", "/people/2"]


async def test_a_failure_of_one_read_fails_the_whole() -> None:
    upstream = Upstream(30)

    async def send(method: str, path: str, **sent: Any) -> Reply:
        if path == "/people" and "29" in sent["params"]["ids"]:
            raise UpstreamError("", "down")
        return await upstream.send(method, path, **sent)

    failing = reader(upstream)
    failing._send = send
    with pytest.raises(UpstreamError, match="down"):
        await failing.search(RED)


async def test_a_list_that_only_names_is_no_window_and_says_what_it_takes() -> None:
    found = explain(reader(Upstream(3)).planner, RED)
    assert found.strategy == "scan"
    assert found.requests == ("GET /teams/red/people?page=1&limit=20", "GET /people?ids={ids} (for 10 rows read)")
    assert found.expected_requests == 8  # 50 are expected: three pages of them, five reads of ten
    single = explain(reader(Upstream(3), several=False).planner, RED)
    assert single.requests[1] == "GET /people/{id} (for each row read)"


async def test_a_list_may_take_several_ids_in_words_of_its_own() -> None:
    upstream, asked = Upstream(12), []

    async def send(method: str, path: str, **sent: Any) -> Reply:
        asked.append((sent.get("params") or {}).get("ids"))
        return await upstream.send(method, path, **sent)

    team = reader(upstream, joined=lambda ids: ",".join(reversed(ids)))
    team._send = send
    assert (await team.search(RED)).total == 12
    assert [each for each in asked if each is not None] == ["9,8,7,6,5,4,3,2,1,0", "11,10"]
