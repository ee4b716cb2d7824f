"""Lists that are not taken on trust: pages that have to go on where one ended, rows that must not come twice, lists
without an order, rows without their relations; and what is asked about others beside the record itself."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from scim_bridge.filters import parse
from scim_bridge.query.budget import Budget, ScanTooLarge
from scim_bridge.query.cache import QueryCache
from scim_bridge.query.capabilities import (
    FIRST,
    LAST,
    AccessPath,
    Call,
    Collection,
    Element,
    Kind,
    Params,
    Referrers,
    Relation,
    RelationRead,
    Row,
    Rule,
    Start,
    Steps,
    Text,
    Writes,
    ops,
)
from scim_bridge.query.directory import Directory
from scim_bridge.query.pagers import Offset, OnePage, Total
from scim_bridge.query.pages import Moved, every_page
from scim_bridge.query.plan import Branch, Query, Sort
from scim_bridge.query.relations import Record
from scim_bridge.query.run import Reader, ReadLimits
from scim_bridge.query.write import PartialWrite
from scim_bridge.schemas import GROUP
from scim_bridge.upstream.errors import BadAnswer, FilterRejected, NotFound, Rejected, Unavailable, UpstreamError
from scim_bridge.upstream.reply import Reply
from tests.clocks import FakeClock


@dataclass(frozen=True)
class Again:
    """A pager that asks for the last row of a page again, or says which page came before."""

    max_page: int = 3
    random_access: bool = False
    note: str = LAST

    def start(self, offset: int, limit: int) -> Start:
        return Start({"at": "0", "n": str(self.max_page)}, 0)

    def next(self, sent: Params, reply: Reply, rows: int) -> Params | None:
        if rows <= (LAST in sent):
            return None
        page = reply.body["rows"]
        at = int(sent["at"]) + rows - (self.note == LAST)
        return {"at": str(at), "n": sent["n"], self.note: page[-1 if self.note == LAST else 0]["id"]}

    def total(self, reply: Reply) -> int | None:
        return None


@dataclass
class Upstream:
    """A list of rows by offset, and what it was asked; ``change`` happens before each answer."""

    ids: list[str]
    change: Callable[[int, list[str]], None] = lambda number, ids: None
    clamps: bool = False
    key: str = "rows"
    asked: list[Mapping[str, str]] = field(default_factory=list)

    async def send(self, method: str, target: str, *, params: Mapping[str, str]) -> Reply:
        self.asked.append(params)
        self.change(len(self.asked), self.ids)
        at, size = int(params.get("at", "0")), int(params["n"])
        if at >= len(self.ids) and self.clamps:
            at = (len(self.ids) - 1) // size * size
        page = [{"id": each, "displayName": each} for each in self.ids[at : at + size]]
        return Reply(200, {self.key: page, "total": len(self.ids)}, httpx.Headers())


def collection(access: AccessPath, **more: Any) -> Collection:
    return Collection(GROUP, (access,), AccessPath("/rows/{id}", ".", OnePage()), lambda row: dict(row), **more)


def reader(upstream: Any, access: AccessPath, **more: Any) -> Reader:
    clock = FakeClock()
    return Reader(collection(access, **more), upstream.send, QueryCache(clock, 300), clock, ReadLimits(scan_rows=50))


def _record(name: str) -> Record:
    return Record({"id": name}, {})


LIST = AccessPath("/rows", "rows", Again(), identity=lambda row: str(row["id"]))
NUMBERED = replace(LIST, pager=Offset("at", "n", 3, total_at=Total(body="total")))


async def read(upstream: Upstream, access: AccessPath = LIST, ahead: int = 1) -> list[str]:
    async with aclosing(every_page(upstream.send, Branch(access, "/rows", {}, exact=True), ahead)) as pages:
        return [row["id"] async for page in pages for row in page.rows]


async def ids(found: Reader, **query: Any) -> list[str]:
    return [each["id"] for each in (await found.search(Query(**query))).resources]


# -- where a list goes on, and ends ------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", range(8))
async def test_a_row_that_comes_again_is_given_once_and_ends_the_list_when_it_comes_alone(length: int) -> None:
    upstream = Upstream([f"r{number}" for number in range(length)])
    assert await read(upstream) == upstream.ids
    assert all("#last" not in each for each in upstream.asked)


async def test_a_page_that_begins_with_another_row_is_no_continuation() -> None:
    def cut(number: int, rows: list[str]) -> None:
        if number == 2:
            del rows[0]

    with pytest.raises(Moved, match="does not go on with the row where it was left"):
        await read(Upstream(list("abcdefg"), cut))


async def test_a_page_without_the_row_that_was_left_is_no_end() -> None:
    def cut(number: int, rows: list[str]) -> None:
        if number == 2:
            del rows[2:]

    with pytest.raises(Moved):
        await read(Upstream(list("abcdefg"), cut))


async def test_a_window_over_a_list_that_moved_is_read_anew_from_the_start() -> None:
    upstream = Upstream(list("abcdefgh"))
    found = reader(upstream, LIST)
    assert await ids(found, count=3, need_total=False) == list("abc")
    upstream.ids.remove("c")
    assert await ids(found, offset=3, count=2, need_total=False) == list("ef")


async def test_a_page_that_is_the_one_before_again_ends_the_list_where_that_is_known_of_the_upstream() -> None:
    access = replace(LIST, pager=Again(note=FIRST))
    assert await read(Upstream(list("abcdef"), clamps=True), access) == list("abcdef")
    with pytest.raises(BadAnswer, match="sent a row twice"):
        await read(Upstream(list("abcdef"), clamps=True), replace(NUMBERED, pager=Offset("at", "n", 3)))


@pytest.mark.parametrize("ahead", [1, 4])
async def test_a_row_that_comes_twice_in_one_read_is_refused(ahead: int) -> None:
    def insert(number: int, rows: list[str]) -> None:
        if number == 3:
            rows.insert(0, "new")

    with pytest.raises(BadAnswer, match="sent a row twice: another one may be missing"):
        await read(Upstream(list("abcdefghijkl"), insert), NUMBERED, ahead)
    with pytest.raises(BadAnswer, match="sent a row twice"):
        await ids(reader(Upstream(list("abcdefghijkl"), insert), NUMBERED), count=12)
    unknown = replace(NUMBERED, identity=None)
    assert len(await read(Upstream(list("abcdefghijkl"), insert), unknown, ahead)) == 13


@pytest.mark.parametrize("key", ["rows", "Rows", "ROWS"])
async def test_rows_are_found_under_a_name_in_any_case(key: str) -> None:
    upstream = Upstream(list("ab"), key=key)
    assert await read(upstream, NUMBERED) == ["a", "b"]


async def test_a_reply_without_a_list_is_empty_where_the_provider_can_tell() -> None:
    async def send(method: str, target: str, *, params: Mapping[str, str]) -> Reply:
        return Reply(200, {"none": True}, httpx.Headers())

    branch = Branch(LIST, "/rows", {}, exact=True)
    with pytest.raises(BadAnswer):
        [page async for page in every_page(send, branch)]
    told = replace(branch, access=replace(LIST, empty=lambda reply: reply.body["none"]))
    assert [page.rows async for page in every_page(send, told)] == [[]]


# -- lists without an order --------------------------------------------------------------------------------------------


async def test_a_list_without_an_order_is_read_whole_and_cut_in_the_order_of_ids() -> None:
    def turn(number: int, rows: list[str]) -> None:
        rows.append(rows.pop(0))

    upstream = Upstream(list("dbac"), turn)
    found = reader(upstream, replace(NUMBERED, pager=Offset("at", "n", 9), ordered=False))
    assert found.planner.plan(Query()).strategy == "scan"
    assert await ids(found, count=2) == ["a", "b"]
    assert await ids(found, offset=2, count=2) == ["c", "d"]
    assert len(upstream.asked) == 2  # and an empty page each time it is read
    assert await ids(found, count=4, sort=Sort("displayName", descending=True)) == list("dcba")


# -- filters that are refused after all --------------------------------------------------------------------------------


NO = FilterRejected("", "no", status=400)
CRASH, OUTAGE = (Unavailable("", "down", status=status) for status in (500, 503))


@pytest.mark.parametrize(
    "fallible, error, done", [(True, NO, True), (False, NO, False), (True, CRASH, True), (True, OUTAGE, False)]
)
async def test_a_filter_that_is_refused_after_all_is_checked_here_where_that_may_be(
    fallible: bool, error: UpstreamError, done: bool
) -> None:
    upstream = Upstream(list("abcab"))

    async def send(method: str, target: str, *, params: Mapping[str, str]) -> Reply:
        if "q" in params:
            upstream.asked.append(params)
            raise error
        return await upstream.send(method, target, params=params)

    rule = Rule("displayName", ops("eq"), lambda operator, value: Text(f"name is {value}"), exact=False, folds=False)
    access = replace(NUMBERED, rules=(rule,), expression="q", fallible=fallible, identity=None)
    clock = FakeClock()
    found = Reader(collection(access), send, QueryCache(clock, 300), clock, ReadLimits())
    query = Query(parse('displayName eq "B"'), count=1)
    if not done:
        with pytest.raises(type(error)):
            await found.search(query)
        return
    page = await found.search(query)
    assert ([each["id"] for each in page.resources], page.total) == (["b"], 1)
    assert ["q" in each for each in upstream.asked] == [True, False, False]
    await found.search(replace(query, offset=1))
    assert len(upstream.asked) == 3  # the matches were kept


# -- rows without their relations --------------------------------------------------------------------------------------

EMPTY = Relation("members", (RelationRead(LIST, lambda row: None, known_empty=lambda row: True),), {})


async def test_rows_are_asked_for_without_relations_where_nobody_wants_one() -> None:
    upstream = Upstream(list("ab"))
    found = reader(upstream, replace(NUMBERED, lean={"without": "members"}), relations=(EMPTY,))
    page = await found.search(Query())
    assert upstream.asked == [{"without": "members", "at": "0", "n": "3"}]
    assert [each.known for each in page.records] == [{}, {}]  # not empty: unknown
    page = await found.search(Query(relations=frozenset({"members"})))
    assert upstream.asked[1:] == [{"at": "0", "n": "3"}]
    assert [each.known for each in page.records] == [{"members": []}] * 2
    upstream.asked.clear()
    await found.search(Query(parse('members.value eq "x"')))
    assert "without" not in upstream.asked[0]
    await found.search(Query(parse('displayName eq "a"')))
    assert upstream.asked[1]["without"] == "members"


async def test_rows_are_asked_for_with_relations_only_where_somebody_wants_one() -> None:
    upstream = Upstream(list("ab"))
    found = reader(upstream, replace(NUMBERED, rich={"with": "members"}), relations=(EMPTY,))
    await found.search(Query())
    await found.search(Query(relations=frozenset({"members"})))
    await found.search(Query(parse('members.value eq "x"')))
    await found.search(Query(parse('displayName eq "a"')))
    assert ["with" in each for each in upstream.asked] == [False, True, True, False]


async def test_a_scan_that_was_kept_without_relations_does_not_answer_who_wants_them() -> None:
    upstream = Upstream(list("abc"))
    found = reader(upstream, replace(NUMBERED, lean={"without": "members"}), relations=(EMPTY,))
    named = parse('displayName sw "a" or displayName pr')
    await found.search(Query(named, count=1))
    asked = len(upstream.asked)
    page = await found.search(Query(named, offset=1, count=1, relations=frozenset({"members"})))
    assert [each.known for each in page.records] == [{"members": []}]
    assert len(upstream.asked) > asked


# -- what is told about others -----------------------------------------------------------------------------------------


@dataclass
class Teams:
    """Teams that list their people, three a page; some only in their own record."""

    teams: dict[str, list[str]]
    silent: frozenset[str] = frozenset()
    people: Iterable[str] = ()
    asked: list[str] = field(default_factory=list)
    refuses: str = ""

    async def send(self, method: str, target: str, *, params: Mapping[str, str] | None = None, **sent: Any) -> Reply:
        self.asked.append(f"{method} {target}")
        if f"{method} {target}" == self.refuses:
            raise Rejected("", "no", status=400)
        kind, _, name = target.strip("/").partition("/")
        if not name:
            at = int((params or {}).get("at", 0))
            rows = [self._row(each) for each in list(self.teams)[at : at + 3]]
            return Reply(200, {"rows": rows, "total": len(self.teams)}, httpx.Headers())
        if method == "GET" and name not in (self.people if kind == "people" else self.teams):
            raise NotFound("", "gone", status=404)
        return Reply(200, {**self._row(name, whole=True), "called": name.upper()}, httpx.Headers())

    def _row(self, name: str, *, whole: bool = False) -> Row:
        return {"id": name, **({"people": self.teams.get(name)} if whole or name not in self.silent else {})}


def _element(row: Row) -> Element:
    return {"value": str(row["id"])}


TEAM = AccessPath("/teams/{id}", ".", OnePage())
TEAMS = RelationRead(
    AccessPath("/teams", "rows", Offset("at", "n", 3, total_at=Total(body="total"))),
    _element,
    owners=lambda row: row.get("people"),
    record=TEAM,
)
GROUPS = Relation("groups", (TEAMS,), references={})
HELD = {"t1": ["a", "b"], "t2": ["b", "b"], "t3": [], "t4": ["c"]}


async def test_one_list_of_all_owners_is_read_once_for_many_of_them() -> None:
    upstream = Teams(HELD)
    found = reader(upstream, LIST, relations=(GROUPS,))
    records = [_record(each) for each in "abcd"]
    await found.relations.load(records, ["groups"])
    assert [[one["value"] for one in each.known["groups"]] for each in records] == [["t1"], ["t1", "t2"], ["t4"], []]
    assert upstream.asked == ["GET /teams"] * 2


async def test_a_row_that_does_not_tell_its_owners_is_read_by_itself() -> None:
    upstream = Teams(HELD, silent=frozenset({"t2"}))
    found = reader(upstream, LIST, relations=(GROUPS,))
    assert await found.relations.elements(GROUPS, "b") == [{"value": "t1"}, {"value": "t2"}]
    assert upstream.asked == ["GET /teams", "GET /teams/t2", "GET /teams"]


async def test_what_the_elements_are_elements_of_is_indirect_and_circles_end() -> None:
    held = {"t1": ["a"], "t2": ["t1"], "t3": ["t2", "a"], "t4": ["t4"], "t5": ["t3", "t2"]} | {"t1": ["a", "t5"]}
    nested = Relation("groups", (replace(TEAMS, nested=True),), references={})
    upstream = Teams(held)
    found = reader(upstream, LIST, relations=(nested,))
    assert await found.relations.elements(nested, "a") == [
        {"value": "t1"},
        {"value": "t3"},
        {"value": "t2", "type": "indirect"},
        {"value": "t5", "type": "indirect"},
    ]
    assert await found.relations.elements(nested, "nobody") == []
    assert len(upstream.asked) == 2 * 3 + 2


async def test_another_list_is_read_where_the_upstream_refuses_one() -> None:
    upstream = Teams(HELD, refuses="GET /of")
    refused = RelationRead(AccessPath("/of", "rows", OnePage(), fixed={"member": "{id}"}), _element)
    found = reader(upstream, LIST, relations=(GROUPS,))
    either = Relation("groups", (replace(refused, instead=TEAMS),), references={})
    assert await found.relations.elements(either, "b") == [{"value": "t1"}, {"value": "t2"}]
    with pytest.raises(Rejected):
        await found.relations.elements(Relation("groups", (refused,), references={}), "b")


async def test_a_list_of_all_owners_is_read_on_a_budget_also_where_it_is_only_shown() -> None:
    found = reader(Teams({f"t{number}": ["a"] for number in range(51)}), LIST, relations=(GROUPS,))
    with pytest.raises(ScanTooLarge):
        await found.relations.load([_record("a")], ["groups"])
    with pytest.raises(ScanTooLarge):
        await found.relations.elements(GROUPS, "a", Budget(FakeClock(), 2, 9))


KINDS = {
    "Team": Kind(TEAM, lambda row: None),
    "Person": Kind(AccessPath("/people/{id}", ".", OnePage()), lambda row: str(row["called"])),
}


def _members(names: Sequence[str]) -> Relation:
    elements: list[Element] = [{"value": each} for each in names]
    return Relation("members", (), {}, inline=lambda row: [*elements, {"value": "z", "type": "Odd"}], kinds=KINDS)


async def test_elements_that_do_not_say_what_they_are_are_looked_up_where_they_are_shown() -> None:
    upstream = Teams({"t1": []}, people=("a",))
    relation = _members(["t1", "a", "nobody"])
    found = reader(upstream, LIST, relations=(relation,))
    record = _record("t1")
    await found.relations.load([record], ["members"])
    assert record.known["members"] == [
        {"value": "t1", "type": "Team"},
        {"value": "a", "type": "Person", "display": "A"},
        {"value": "nobody"},
        {"value": "z", "type": "Odd"},
    ]
    assert upstream.asked.count("GET /people/a") == 1
    decided = _record("t1")
    await found.relations.load([decided], ["members"], Budget(FakeClock(), 9, 9))
    assert decided.known["members"][0] == {"value": "t1"}


async def test_an_id_that_a_kind_refuses_is_none_of_that_kind() -> None:
    upstream = Teams({"t1": []}, people=("a",), refuses="GET /teams/a")
    found = reader(upstream, LIST, relations=(_members(["a"]),))
    record = _record("t1")
    await found.relations.load([record], ["members"])
    assert record.known["members"][0] == {"value": "a", "type": "Person", "display": "A"}


async def test_more_elements_than_are_worth_it_are_not_looked_up() -> None:
    upstream = Teams({"t1": []}, people=("a",))
    found = reader(upstream, LIST, relations=(_members([f"p{number}" for number in range(21)]),))
    record = _record("t1")
    await found.relations.load([record], ["members"])
    assert record.known["members"][0] == {"value": "p0"}
    assert upstream.asked == ["GET /rows/t1"]


# -- what still names who is deleted -----------------------------------------------------------------------------------


def _delete(name: str) -> Steps:
    yield Call("DELETE", f"/people/{name}")


def _remove(team: str, elements: Sequence[Element]) -> Steps:
    yield Call("PATCH", f"/teams/{team}", json=list(elements))


def people(upstream: Teams, read: RelationRead = TEAMS, scan_rows: int = 50) -> Directory:
    clock = FakeClock()
    shown = collection(LIST, writes=Writes(delete=_delete), referrers=(Referrers(read, _remove),))
    return Directory(shown, upstream.send, QueryCache(clock, 300), clock, ReadLimits(scan_rows=scan_rows))


async def test_who_is_deleted_is_taken_out_of_all_that_names_it() -> None:
    upstream = Teams(HELD)
    await people(upstream).delete("b")
    assert upstream.asked == ["DELETE /people/b", "GET /teams", "GET /teams", "PATCH /teams/t1", "PATCH /teams/t2"]


async def test_a_membership_that_stays_is_told_along_with_the_deletion() -> None:
    upstream = Teams(HELD, refuses="PATCH /teams/t2")
    with pytest.raises(PartialWrite) as failed:
        await people(upstream).delete("b")
    assert "DELETE /people/b" in failed.value.left


async def test_who_is_not_there_is_looked_for_nowhere() -> None:
    upstream = Teams(HELD, refuses="DELETE /people/b")
    with pytest.raises(Rejected):
        await people(upstream).delete("b")
    assert upstream.asked == ["DELETE /people/b"]


async def test_looking_for_memberships_ends_at_the_limits_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    upstream = Teams(HELD)
    await people(upstream, scan_rows=2).delete("b")
    assert "memberships of what was deleted may be left" in caplog.text
    assert upstream.asked == ["DELETE /people/b", "GET /teams"]
