"""The `scim` provider in front of a server with weaknesses: it answers as brute force over the truth does, or refuses.

Each case states what it may refuse; everything else has to be exact, and what it states has to be refused indeed.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from scim_bridge.filters import parse, predicate, sort_key
from scim_bridge.query.budget import ScanTooLarge
from scim_bridge.query.directory import Changes, Directory, MemberChanges
from scim_bridge.query.plan import Query, Sort
from scim_bridge.query.run import ReadLimits
from scim_bridge.query.write import PartialWrite
from scim_bridge.schemas import GROUP, USER, ResourceSchema
from scim_bridge.upstream.errors import BadAnswer, UpstreamError
from tests.clocks import FakeClock
from tests.providers.program import client_of
from tests.providers.scim_server import Bridge, bridge
from tests.providers.weak_scim import ENTERPRISE, VENDOR, Weak, WeakServer, server

USERS = (
    'userName eq "ann.moe0"',
    'userName eq "ANN.MOE0"',
    'userName eq "nn.moe0"',
    'userName eq "nobody"',
    'userName sw "ANN"',
    'userName co "."',
    'userName ew "1"',
    'userName ne "ann.moe0"',
    'userName gt "d"',
    'externalId eq "x1"',
    'externalId eq "X1"',
    "externalId pr",
    "not (externalId pr)",
    'id eq "7100"',
    'id eq "7100" or id eq "7093" or id eq "nobody"',
    'title eq "engineer"',
    'title eq "Engineer"',
    'title co "MAN"',
    "title pr",
    "not (title pr)",
    'not (title eq "boss")',
    "active eq true",
    "active eq false",
    "active ne true",
    'emails.value eq "12@HOME.example"',
    'emails co "@home"',
    'emails.type eq "HOME"',
    'emails[type eq "work" and value ew "2@corp.example"]',
    'emails[type eq "home"] and active eq true',
    "emails.primary eq true",
    'name.familyName eq "noll" and name.givenName sw "b"',
    'name.familyName eq "noll" or name.familyName eq "ORR"',
    '(name.familyName eq "noll" or title pr) and active eq true',
    'name.givenName eq "ann" or not (active eq true) and title co "e"',
    f'{ENTERPRISE}:department eq "sales" and {ENTERPRISE}:employeeNumber ge "010"',
    f'{ENTERPRISE}:employeeNumber eq "007"',
    'meta.lastModified gt "2026-01-12T03:00:00Z"',
    'meta.lastModified le "2026-01-12T07:00:00+05:00" and meta.created ge "2026-01-03T00:00:00Z"',
    'groups.value eq "501"',
    'displayName eq "none" or userName eq "bob.poe1" or userName eq "gus.quinn6"',
)
GROUPS = (
    'displayName eq "team b"',
    'displayName eq "TEAM C" or displayName eq "team e"',
    'members.value eq "7100"',
    'members.value eq "500"',
    'members[value eq "7093"]',
    "not (members pr)",
    'displayName sw "team" and members.value eq "7086"',
)
SORTS = ("userName", "name.familyName", "title", "meta.lastModified", "externalId", "emails.value")
Ids = list[str]


@dataclass(frozen=True)
class Case:
    """A server, and the kinds of questions that may be refused in front of it."""

    weak: Weak
    refuses: frozenset[str] = frozenset()
    users: int = 23
    proves: tuple[str, ...] = field(default=())  # filters that are pushed all the same
    share: int = 1  # of the filters it is asked: all, half, a third

    @property
    def name(self) -> str:
        plain = Weak()
        changed = [each for each in Weak.__slots__ if getattr(self.weak, each) != getattr(plain, each)]
        told = [f"{each}={getattr(self.weak, each)}".replace(" ", "-") for each in changed]
        return ",".join([*told, *([f"users={self.users}"] if self.users != 23 else [])]) or "none"


LISTS = frozenset({"crawl", "filters", "sorts", "totals", "shown"})

ALONE = [
    Case(Weak(), proves=('userName eq "x"', 'userName co "x"', 'title eq "a" and active eq true')),
    Case(Weak(sort="ignored")),
    Case(Weak(sort="not announced")),
    Case(Weak(patch="refused")),
    Case(Weak(patch="not announced")),
    Case(Weak(put="keeps", patch="not announced")),
    Case(Weak(filters="not announced")),
    Case(Weak(filters="refused")),
    Case(Weak(filters="ignored")),
    Case(Weak(filters="empty")),
    Case(
        Weak(operators="eq", other_operators="refused"), proves=('userName eq "x"', 'title eq "x" and active eq true')
    ),
    Case(Weak(operators="eq", other_operators="empty"), proves=('userName eq "x"', 'title eq "x"')),
    Case(Weak(operators="eq", other_operators="ignored"), proves=('userName eq "x"', 'title eq "x"')),
    Case(Weak(logic="and", other_logic="refused"), proves=('userName eq "x" and title eq "x"',)),
    Case(Weak(logic="and", other_logic="empty"), proves=('userName eq "x" and title eq "x"',)),
    Case(Weak(logic="and", other_logic="first arm"), proves=('userName eq "x" and title eq "x"',)),
    Case(Weak(logic="and", other_logic="last arm"), proves=('userName eq "x" and title eq "x"',)),
    Case(Weak(logic="", other_logic="refused"), proves=('userName eq "x"', 'title eq "x"')),
    Case(Weak(logic="", other_logic="empty"), proves=('userName eq "x"',)),
    Case(Weak(logic="", other_logic="ignored"), proves=('userName eq "x"',)),
    Case(Weak(logic="", other_logic="first arm"), proves=('userName eq "x"',)),
    Case(Weak(logic="", other_logic="last arm"), proves=('userName eq "x"',)),
    Case(Weak(logic="or", other_logic="first arm"), proves=('userName eq "x"',)),
    Case(Weak(cased=True), proves=('userName eq "7"', 'externalId eq "x7"')),
    Case(Weak(co_is_eq=True), proves=('userName eq "x"', 'userName sw "x"')),
    Case(Weak(eq_is_co=True)),
    Case(Weak(booleans=False), proves=('userName eq "x"',)),
    Case(Weak(dates_as_text=True), proves=('userName eq "x"',)),
    Case(Weak(first_value_only=True), proves=('userName eq "x"',)),
    Case(Weak(totals="page")),
    Case(Weak(totals="missing")),
    Case(Weak(totals="large")),
    Case(Weak(totals="huge")),
    Case(Weak(totals="small")),
    Case(Weak(totals="all")),
    Case(Weak(cap=3)),
    Case(Weak(cap=2)),
    Case(Weak(cap=1)),
    Case(Weak(count=False)),
    Case(Weak(start="page")),
    Case(Weak(start="ignored", count=False)),
    Case(Weak(start="ignored")),
    Case(Weak(start="from zero"), LISTS),
    Case(Weak(past_end="last")),
    Case(Weak(past_end="first")),
    Case(Weak(order="unstable")),
    Case(Weak(order="unstable", sort="ignored")),
    Case(Weak(states_page=False)),
    Case(Weak(key="resources")),
    Case(Weak(hosts=True)),
    Case(Weak(discovery="404")),
    Case(Weak(discovery="501")),
    Case(Weak(discovery="html")),
    Case(Weak(discovery="500")),
    Case(Weak(ids="numbers")),
    Case(Weak(names="mixed")),
    Case(Weak(user_groups="missing")),
    Case(Weak(user_groups="unpublished")),
    Case(Weak(members="bare")),
    Case(Weak(members="cut")),
    Case(Weak(members="single")),
    Case(Weak(members="asked")),
    Case(Weak(projects=False)),
    Case(Weak(dangling=True)),
]
PAIRS = [
    Case(Weak(totals="page", cap=3)),
    Case(Weak(totals="missing", cap=3)),
    Case(Weak(totals="missing", cap=1)),
    Case(Weak(totals="missing", past_end="last")),
    Case(Weak(totals="page", past_end="last", cap=3)),
    Case(Weak(totals="huge", past_end="last", cap=4)),
    Case(Weak(totals="large", past_end="last", cap=4)),
    Case(Weak(totals="small", past_end="last", cap=3)),
    Case(Weak(totals="missing", past_end="first", cap=3)),
    Case(Weak(totals="large", past_end="first", cap=4)),
    Case(Weak(totals="page", past_end="first", cap=1), LISTS),
    Case(Weak(start="page", past_end="first", cap=3)),
    Case(Weak(start="page", past_end="first", totals="missing", cap=3), LISTS),
    Case(Weak(totals="missing", count=False)),
    Case(Weak(start="page", cap=3)),
    Case(Weak(start="page", cap=2)),
    Case(Weak(start="page", cap=1)),
    Case(Weak(start="page", totals="page", cap=3)),
    Case(Weak(start="page", totals="missing", past_end="last", cap=3)),
    Case(Weak(start="page", totals="large", past_end="last", cap=2)),
    Case(Weak(start="page", cap=4, states_page=False, key="resources")),
    Case(Weak(start="page", count=False, cap=4), LISTS),
    Case(Weak(start="ignored", count=False, totals="missing"), LISTS),
    Case(Weak(start="ignored", cap=3), LISTS),
    Case(Weak(order="unstable", sort="ignored", cap=3), LISTS),
    Case(Weak(order="unstable", cap=3)),
    Case(Weak(order="unstable", sort="ignored", totals="missing"), LISTS),
    Case(Weak(order="unstable", sort="ignored", totals="page", start="page"), LISTS),
    Case(Weak(totals="all", cap=3)),
    Case(Weak(totals="all", filters="ignored")),
    Case(Weak(eq_is_co=True, cap=1)),
    Case(Weak(eq_is_co=True, logic="", other_logic="empty", cap=2, totals="page")),
    Case(Weak(cased=True, operators="eq", other_operators="empty", logic="and", other_logic="first arm")),
    Case(Weak(user_groups="missing", filters="not announced", cap=2)),
    Case(Weak(user_groups="missing", members="single", filters="empty")),
    Case(Weak(user_groups="missing", members="cut", filters="empty", patch="not announced")),
    Case(Weak(dangling=True, filters="not announced", patch="not announced", cap=2)),
    Case(Weak(ids="numbers", names="mixed", patch="not announced")),
    Case(Weak(members="asked", patch="not announced", put="keeps")),
]
EVERYTHING = Weak(
    sort="ignored",
    patch="refused",
    filters="right",
    operators="eq",
    other_operators="empty",
    logic="",
    other_logic="first arm",
    cased=True,
    co_is_eq=True,
    booleans=False,
    dates_as_text=True,
    first_value_only=True,
    totals="page",
    cap=3,
    start="page",
    past_end="last",
    states_page=False,
    key="resources",
    hosts=True,
    ids="numbers",
    names="mixed",
    user_groups="missing",
    members="bare",
    projects=False,
    dangling=True,
)
TOGETHER = [
    Case(EVERYTHING),
    Case(replace(EVERYTHING, discovery="html")),
    Case(replace(EVERYTHING, start="row", totals="missing", members="single")),
    Case(replace(EVERYTHING, start="row", other_logic="empty", other_operators="ignored", totals="large", put="keeps")),
    Case(replace(EVERYTHING, order="unstable"), LISTS),
    Case(replace(EVERYTHING, start="ignored", count=False, cap=None, totals="right", user_groups="unpublished")),
]
FEW = [
    Case(replace(weak, sort="ignored"), users=users)
    for users in (0, 1, 2, 3)
    for weak in (
        Weak(),
        Weak(totals="missing"),
        Weak(totals="page"),
        Weak(past_end="last"),
        Weak(past_end="first"),
        Weak(past_end="first", totals="missing"),
        Weak(start="page"),
        Weak(start="page", totals="page"),
        Weak(filters="empty", logic="", other_logic="empty"),
    )
]


LONGER = [*(replace(each, share=2) for each in PAIRS), *(replace(each, share=3) for each in FEW)]
CASES = [*ALONE, *TOGETHER, *LONGER]
NUMBERS = {each: number for number, each in enumerate(CASES)}


def case_name(case: Case) -> str:
    return case.name


# -- reading -----------------------------------------------------------------------------------------------------------


@dataclass
class Answers:
    """What came of the questions to one server: by kind, how many were refused."""

    refused: dict[str, int] = field(default_factory=dict)
    exact: dict[str, int] = field(default_factory=dict)

    async def ask(self, kind: str, question: Awaitable[Any], expected: Any) -> None:
        try:
            answer = await question
        except (UpstreamError, ScanTooLarge) as error:
            assert isinstance(error, BadAnswer), error
            self.refused[kind] = self.refused.get(kind, 0) + 1
        else:
            assert answer == expected
            self.exact[kind] = self.exact.get(kind, 0) + 1


async def crawled(directory: Directory, count: int, text: str | None = None) -> tuple[Ids, int]:
    """The ids of all pages, sorted, and the total that each of them states; no page has more rows than asked for."""
    ids: Ids = []
    totals = set()
    while True:
        page = await directory.reader.search(Query(parse(text) if text else None, offset=len(ids), count=count))
        assert len(page.resources) <= count
        totals.add(page.total)
        if not page.resources:
            [total] = totals
            assert total is not None
            return sorted(ids), total
        ids += [each["id"] for each in page.resources]


async def window(directory: Directory, offset: int, count: int) -> Ids:
    return [each["id"] for each in (await directory.reader.search(Query(offset=offset, count=count))).resources]


async def total(directory: Directory, text: str | None = None) -> int | None:
    return (await directory.reader.search(Query(parse(text) if text else None, count=0))).total


async def keys(directory: Directory, sort: Sort, key: Callable[[Any], Any], count: int) -> list[Any]:
    found: list[Any] = []
    while True:
        page = await directory.reader.search(Query(sort=sort, offset=len(found), count=count))
        found += [key(each) for each in page.resources]
        if not page.resources:
            return found


def matching(truth: Iterable[Mapping[str, Any]], schema: ResourceSchema, text: str) -> Ids:
    check = predicate(parse(text), schema)
    return sorted(each["id"] for each in truth if check(each))


@pytest.mark.parametrize(
    "case",
    [*ALONE, *TOGETHER, *(pytest.param(each, marks=pytest.mark.slow) for each in LONGER)],
    ids=case_name,
)
async def test_reading_is_exact_or_refused(case: Case) -> None:
    weak = server(case.weak, case.users)
    opened = await bridge(weak)
    answers = Answers()
    for directory, kind, schema, filters in (
        (opened.users, "Users", USER, USERS),
        (opened.groups, "Groups", GROUP, GROUPS),
    ):
        truth = [weak.truth(kind, each) for each in weak.table(kind)]
        ids = sorted(each["id"] for each in truth)
        for count in (1, 7, 100):
            await answers.ask("crawl", crawled(directory, count), (ids, len(ids)))
        await answers.ask("totals", total(directory), len(ids))
        # All of them to each weakness alone and to all together; the many combinations share them.
        for text in filters[NUMBERS[case] % case.share :: case.share]:
            expected = matching(truth, schema, text)
            await answers.ask("filters", crawled(directory, 100, text), (expected, len(expected)))
    for text in USERS[::6]:
        expected = matching([weak.truth("Users", each) for each in weak.users], USER, text)
        await answers.ask("filters", crawled(opened.users, 2, text), (expected, len(expected)))
        await answers.ask("totals", total(opened.users, text), len(expected))
    await _sorted(opened, weak, answers)
    await _shown(opened, weak, answers)
    assert set(answers.refused) <= case.refuses, answers
    assert set(answers.refused) == case.refuses or case.users < 23, answers


async def _sorted(opened: Bridge, weak: WeakServer, answers: Answers) -> None:
    truth = [weak.truth("Users", each) for each in weak.users]
    for number, path in enumerate(SORTS):
        key, descending = sort_key(path, USER), number % 2 > 0
        expected = sorted(map(key, truth), reverse=descending)
        await answers.ask("sorts", keys(opened.users, Sort(path, descending), key, 7), expected)


async def _shown(opened: Bridge, weak: WeakServer, answers: Answers) -> None:
    """Whole resources, with relations: listed, and looked up."""
    query = Query(count=1000, relations=frozenset({"groups"}))

    async def listed() -> list[Any]:
        return sorted((await opened.users.reader.search(query)).resources, key=lambda each: str(each["id"]))

    people = [_as_shown(weak.truth("Users", each)) for each in sorted(weak.users)]
    await answers.ask("shown", listed(), people)
    for each in people[:2]:
        assert await opened.users.reader.get(each["id"], ()) is not None
    teams = {name: _members(weak.truth("Groups", name)) for name in weak.groups}

    async def members() -> dict[str, Any]:
        page = await opened.groups.reader.search(Query(relations=frozenset({"members"})))
        return {each["id"]: _members(each) for each in page.resources}

    await answers.ask("shown", members(), teams)
    for name, expected in teams.items():
        found = await opened.groups.reader.get(name, ("members",))
        assert found is not None
        assert _members(found) == expected
        assert all(each.get("type") for each in found.get("members", ())), "members tell what they are"


def _members(group: Mapping[str, Any]) -> Ids:
    return [each["value"] for each in group.get("members", ())]


def _as_shown(user: dict[str, Any]) -> dict[str, Any]:
    """A user of the truth as the provider shows it: without what no schema speaks of."""
    kept = {name: value for name, value in user.items() if name not in ("vendorColour", VENDOR)}
    return {**kept, "schemas": [USER.base.id, ENTERPRISE]}


# -- what is pushed all the same ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [each for each in ALONE if each.proves], ids=case_name)
async def test_what_a_server_gets_right_is_left_to_it(case: Case) -> None:
    opened = await bridge(server(case.weak))
    for text in case.proves:
        [branch] = opened.users.reader.planner.plan(Query(parse(text))).branches
        assert branch.params.get("filter") == text


async def test_what_clients_ask_all_day_is_one_request_also_of_a_server_that_knows_nothing_else() -> None:
    opened = await bridge(server(Weak(operators="eq", logic="", other_operators="empty", other_logic="empty", cap=3)))
    for text in ('userName eq "ann.moe0"', 'externalId eq "x1"', 'userName eq "nobody"'):
        await opened.users.reader.search(Query(parse(text)))
    assert len(opened.spent()) == 3 + 1  # an externalId may be there twice, so the total is not taken for granted


async def test_a_list_without_a_total_takes_one_request_more_to_its_proven_end() -> None:
    opened = await bridge(server(Weak(totals="missing")))
    assert (await opened.users.reader.search(Query(count=100))).total == 23
    assert opened.spent() == ["GET /Users?startIndex=1&count=100", "GET /Users?startIndex=23&count=100"]
    opened = await bridge(server())
    assert (await opened.users.reader.search(Query(count=100))).total == 23
    assert opened.spent() == ["GET /Users?startIndex=1&count=100"]


async def test_members_are_not_sent_to_who_does_not_want_them_where_the_server_can_leave_them_out() -> None:
    for weak, sent in (
        (Weak(), ["GET /Groups?excludedAttributes=members&startIndex=1&count=100"]),
        (Weak(projects=False), ["GET /Groups?startIndex=1&count=100"]),
    ):
        opened = await bridge(server(weak))
        page = await opened.groups.reader.search(Query())
        assert len(page.records) == 5
        assert opened.spent() == sent
        assert [each.known for each in page.records] == [{}] * 5 or not weak.projects


async def test_a_list_that_grows_after_nothing_was_there_to_prove_is_read_to_its_end_or_refused() -> None:
    for weak in (
        Weak(totals="page", cap=3),
        Weak(totals="missing", start="page", cap=3),
        Weak(order="unstable", sort="ignored", cap=3),
    ):
        small = server(weak, users=1, groups=1)
        opened = await bridge(small)
        small.users.update(server(users=23).users)
        truth = sorted(small.users)
        try:
            assert await crawled(opened.users, 100) == (truth, 23)
        except BadAnswer:
            assert weak.start == "page" or weak.order == "unstable"


async def test_a_server_that_looks_at_first_values_is_not_believed_for_rows_that_have_but_one() -> None:
    weak = server(Weak(first_value_only=True))
    for each in list(weak.users.values())[:9]:
        del each["emails"][1:]
    opened = await bridge(weak)
    assert await crawled(opened.users, 9, 'emails.value eq "12@home.example"') == (["7016"], 1)


async def test_a_list_that_is_cut_while_it_is_read_is_read_again_from_its_start() -> None:
    weak = server(Weak(totals="missing", cap=5))
    opened = await bridge(weak)
    first = await opened.users.reader.search(Query(count=5, need_total=False))
    del weak.users[first.resources[-1]["id"]]
    weak.forget()
    second = await opened.users.reader.search(Query(offset=5, count=5, need_total=False))
    assert [each["id"] for each in second.resources] == list(weak.users)[5:10]


# -- writing -----------------------------------------------------------------------------------------------------------

WRITTEN = [
    Weak(),
    Weak(patch="refused"),
    Weak(patch="not announced"),
    Weak(patch="not announced", put="keeps"),
    Weak(patch="not announced", names="mixed", ids="numbers"),
    Weak(patch="not announced", members="single", user_groups="missing"),
    Weak(patch="not announced", members="cut"),
    Weak(patch="not announced", members="asked", put="keeps"),
    Weak(discovery="404"),
    Weak(filters="not announced", dangling=True),
    Weak(dangling=True),
    Weak(dangling=True, cap=2, totals="page", operators="eq", other_operators="empty"),
    EVERYTHING,
    replace(EVERYTHING, put="keeps", start="row"),
]


def _settled(user: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in user.items() if name not in ("meta", "schemas")}


@pytest.mark.parametrize("weak", WRITTEN, ids=lambda weak: Case(weak).name)
async def test_writes_change_what_they_say_and_nothing_else(weak: Weak) -> None:
    upstream = server(weak)
    opened = await bridge(upstream)
    name, other = list(upstream.users)[:2]
    before = {each: dict(user) for each, user in upstream.users.items()}
    row = await opened.users.row(name)
    assert row is not None
    shown = opened.users.collection.decode(row)
    after = {**shown, "active": False, "name": {"familyName": "Neu"}, ENTERPRISE: {"department": "Board"}}
    del after["title"]
    await opened.users.change(name, row, Changes(shown, after))
    expected = {**before[name], "active": False, "name": {"familyName": "Neu"}, ENTERPRISE: {"department": "Board"}}
    del expected["title"]
    assert _settled(upstream.users[name]) == _settled(expected)
    assert {each: user for each, user in upstream.users.items() if each != name} == {
        each: user for each, user in before.items() if each != name
    }
    await _membership(opened, upstream, other)


async def _membership(opened: Bridge, upstream: WeakServer, name: str) -> None:
    """Members come and go, and one that is deleted is in no group any more."""
    held = dict(upstream.groups["500"])
    added = ({"value": name, "type": "User"},)
    await opened.groups.change("500", None, Changes(members={"members": MemberChanges(added=added)}))
    assert sorted(_members(upstream.groups["500"])) == sorted([*_members(held), name])
    gone = ({"value": _members(held)[0]}, {"value": "nobody"})
    await opened.groups.change("500", None, Changes(members={"members": MemberChanges(removed=gone)}))
    assert sorted(_members(upstream.groups["500"])) == sorted([*_members(held)[1:], name])
    assert {**upstream.groups["500"], "members": ()} == {**held, "members": ()}
    in_groups = [each for each, group in upstream.groups.items() if name in _members(group)]
    assert "500" in in_groups
    if upstream.weak.members in ("shown", "bare") or not upstream.weak.dangling:
        await opened.users.delete(name)
        assert [each for each, group in upstream.groups.items() if name in _members(group)] == []


async def test_a_deleted_member_costs_one_look_and_a_request_for_each_group_it_was_left_in() -> None:
    upstream = server(Weak(dangling=True))
    opened = await bridge(upstream)
    name = next(iter(upstream.users))
    await opened.users.delete(name)
    assert opened.spent() == [
        f"DELETE /Users/{name}",
        f'GET /Groups?excludedAttributes=members&filter=members.value eq "{name}"&startIndex=1&count=1000',
        "PATCH /Groups/500",
    ]
    await opened.groups.delete("500")  # which another group has as a member
    assert _members(upstream.groups["503"]) == []


async def test_groups_that_cannot_be_looked_through_within_the_limits_keep_a_deleted_member_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    upstream = server(Weak(dangling=True, filters="not announced"))
    opened = await bridge(upstream, limits=ReadLimits(scan_rows=3))
    name = next(iter(upstream.users))
    await opened.users.delete(name)
    assert name not in upstream.users
    assert name in _members(upstream.groups["500"])
    assert "memberships of what was deleted may be left" in caplog.text


async def test_a_server_that_stops_taking_patch_is_told_of() -> None:
    upstream = server()
    opened = await bridge(upstream)
    upstream.weak = Weak(patch="refused")
    name = next(iter(upstream.users))
    row = await opened.users.row(name)
    assert row is not None
    shown = opened.users.collection.decode(row)
    with pytest.raises(BadAnswer, match="refuses PATCH, which it announces"):
        await opened.users.change(name, row, Changes(shown, {**shown, "active": False}))
    with pytest.raises(BadAnswer, match="refuses PATCH, which it announces"):
        change = MemberChanges(removed=({"value": name},))
        await opened.groups.change("500", None, Changes(members={"members": change}))


async def test_a_server_that_cannot_take_away_an_attribute_is_told_of() -> None:
    upstream = server(Weak(patch="not announced", put="keeps"))
    opened = await bridge(upstream)

    def stubborn(body: Any, schema: ResourceSchema) -> Any:
        return {name: value for name, value in body.items() if value is not None}

    upstream.read = stubborn
    name = next(iter(upstream.users))
    row = await opened.users.row(name)
    assert row is not None
    shown = opened.users.collection.decode(row)
    with pytest.raises(PartialWrite, match="did not take away title"):
        await opened.users.change(name, row, Changes(shown, {each: shown[each] for each in shown if each != "title"}))


# -- as clients see it -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weak", [Weak(hosts=True), EVERYTHING], ids=lambda weak: Case(weak).name)
async def test_no_inner_address_reaches_a_client(weak: Weak) -> None:
    async with client(server(weak)) as asked:
        for path in ("/Users", "/Groups", "/Users/7100", "/Groups/500", "/Groups/503"):
            response = await asked.get(path)
            assert response.status_code == 200
            assert "inner.test" not in response.text
        group = (await asked.get("/Groups/503")).json()
        team = "http://bridge.test/scim/acme/v2/Groups/500"
        assert group["members"][0].items() >= {"value": "500", "type": "Group", "$ref": team}.items()
        assert group["meta"]["location"] == "http://bridge.test/scim/acme/v2/Groups/503"
        user = (await asked.get("/Users/7100", params={"attributes": "groups"})).json()
        shown = [(each["value"], each["$ref"], each["type"]) for each in user["groups"]]
        assert shown == [("500", team, "direct"), ("503", team.replace("500", "503"), "indirect")]


async def test_a_new_group_is_shown_with_the_members_it_was_made_with() -> None:
    async with client(server()) as asked:
        body = {"schemas": [GROUP.base.id], "displayName": "New", "members": [{"value": "7100"}]}
        made = (await asked.post("/Groups", json=body)).json()
        assert [(each["value"], each["type"], each["display"]) for each in made["members"]] == [
            ("7100", "User", "Ann.Moe0")
        ]
        assert (await asked.get(f"/Groups/{made['id']}")).json() == made


async def test_members_that_do_not_tell_what_they_are_are_looked_up() -> None:
    upstream = server(Weak(members="bare"))
    async with client(upstream) as asked:
        group = (await asked.get("/Groups/500")).json()
        assert [each["type"] for each in group["members"]] == ["User"] * 6
        assert group["members"][0]["display"] == "Ann.Moe0"
        assert all(each["$ref"].endswith(f"/Users/{each['value']}") for each in group["members"])
        nested = (await asked.get("/Groups/503")).json()
        assert [(each["type"], each["display"]) for each in nested["members"]] == [("Group", "Team A")]
        upstream.groups["500"]["members"] = [{"value": each} for each in upstream.users][:21]
        upstream.forget()
        upstream.calls.clear()
        many = (await asked.get("/Groups/500")).json()
        assert [set(each) for each in many["members"]] == [{"value"}] * 21
        assert upstream.calls == ["GET Groups/500"]


def client(upstream: WeakServer) -> AbstractAsyncContextManager[httpx.AsyncClient]:
    """A SCIM client of a bridge in front of a server."""
    document = {"provider": "scim", "settings": {"base_url": "https://scim.example/v2", "token": "t0ken"}}
    return client_of(document, httpx.ASGITransport(app=upstream), FakeClock())
