"""Which way a query takes, and that all its pages take the same one."""

from dataclasses import replace
from typing import Any

import pytest

from scim_bridge.filters import parse
from scim_bridge.query.capabilities import (
    NOTHING,
    AccessPath,
    Collection,
    Params,
    Relation,
    RelationRead,
    Rule,
    Text,
    ops,
)
from scim_bridge.query.pagers import Link, Offset, OnePage
from scim_bridge.query.plan import Plan, Planner, Query, Sort
from scim_bridge.schemas import USER

LINKS = Link("next", "limit", 100)
NUMBERS = Offset("offset", "limit", 250)


def text(name: str) -> Any:
    return lambda operator, value: Text(f'{name} {operator} "{value}"')


def variable(name: str) -> Any:
    return lambda operator, value: {name: value}


ITEM = AccessPath(
    "/users/{id}", ".", OnePage(), (Rule("id", ops("eq"), variable("{id}"), exact=False, folds=False, unique=True),)
)
USERS = AccessPath(
    "/users",
    "",
    LINKS,
    (
        Rule("userName", ops("eq sw"), text("login"), unique=True),
        Rule("title", ops("eq"), text("job"), exact=False),
        Rule("active", ops("eq"), text("on")),
        Rule("nickName", ops("eq"), lambda operator, value: NOTHING),
    ),
    "q",
    ops("and or"),
    text_match="insensitive",
    fixed={"fields": "all"},
    sorts={("userName", "ascending"): {"sort": "login"}},
)
OF_GROUP = AccessPath(
    "/groups/{group}/users", "", LINKS, (Rule("groups.value", ops("eq"), variable("{group}"), folds=False),)
)
GROUPS = Relation("groups", (RelationRead(AccessPath("/users/{id}/groups", "", LINKS), dict),), references={})


def collection(*reads: AccessPath, **told: Any) -> Collection:
    return Collection(USER, reads or (USERS, OF_GROUP), ITEM, dict, relations=(GROUPS,), **told)


def plan(
    filter_text: str | None = None, sort: Sort | None = None, reads: tuple[AccessPath, ...] = (), **told: Any
) -> Plan:
    node = parse(filter_text) if filter_text is not None else None
    return Planner(collection(*reads)).plan(Query(node, sort, **told))


def sent(found: Plan) -> list[tuple[str, Params]]:
    return [(branch.path, branch.params) for branch in found.branches]


@pytest.mark.parametrize(
    ("filter_text", "strategy", "paths", "residual"),
    [
        (None, "walk", ["/users"], None),
        ('id eq "a b/c"', "lookup", ["/users/a%20b%2Fc"], 'id eq "a b/c"'),
        ('id eq "1" or id eq "2"', "lookup", ["/users/1", "/users/2"], 'id eq "1" or id eq "2"'),
        ('id eq "1" or userName eq "x"', "lookup", ["/users/1", "/users"], 'id eq "1" or userName eq "x"'),
        ('userName eq "x"', "lookup", ["/users"], None),
        ('userName eq "x" or userName eq "y"', "walk", ["/users"], None),
        ('userName sw "x"', "walk", ["/users"], None),
        ('title eq "x"', "scan", ["/users"], 'title eq "x"'),
        ('groups.value eq "g"', "walk", ["/groups/g/users"], None),
        ('groups.value eq "g" and title eq "x"', "scan", ["/groups/g/users"], 'groups.value eq "g" and title eq "x"'),
        ('groups.value eq "g" or userName eq "x"', "scan", ["/groups/g/users", "/users"], None),
        ('(groups.value eq "g" or id eq "1") and active eq true', "scan", ["/groups/g/users", "/users/1"], "all"),
        ('locale eq "en"', "scan", ["/users"], 'locale eq "en"'),
        ('nickName eq "x"', "nothing", [], None),
        ('groups.value eq "g" or nickName eq "x"', "walk", ["/groups/g/users"], None),
        # no path leads to what climbs out of it
        ('id eq ".."', "scan", ["/users"], 'id eq ".."'),
        ('id eq ""', "scan", ["/users"], 'id eq ""'),
        ('groups.value eq "."', "scan", ["/users"], 'groups.value eq "."'),
    ],
)
def test_a_filter_takes_the_way_of_fewest_requests(
    filter_text: str | None, strategy: str, paths: list[str], residual: str | None
) -> None:
    found = plan(filter_text)
    assert (found.strategy, [branch.path for branch in found.branches]) == (strategy, paths)
    if residual == "all":
        residual = str(parse(filter_text or ""))
    assert (None if found.residual is None else str(found.residual)) == residual


def test_a_read_sends_what_is_fixed_with_what_is_pushed() -> None:
    assert sent(plan('userName sw "x"')) == [("/users", {"fields": "all", "q": 'login sw "x"'})]
    scoped = replace(USERS, always="org eq 1 or org eq 2")
    assert sent(plan(None, None, (scoped,)))[0][1]["q"] == "org eq 1 or org eq 2"
    both = 'userName sw "x" or active eq true'
    assert sent(plan(both, None, (scoped,)))[0][1]["q"] == '(org eq 1 or org eq 2) and (login sw "x" or on eq "True")'


def test_a_list_of_numbered_rows_is_a_window() -> None:
    assert plan(reads=(replace(USERS, pager=NUMBERS),)).strategy == "window"


@pytest.mark.parametrize("told", [{"in_scope": False}, {"unwrap": lambda row: row}])
def test_a_list_with_rows_that_are_dropped_has_no_windows(told: dict[str, Any]) -> None:
    found = plan(reads=(replace(USERS, pager=NUMBERS, **told),))
    assert (found.strategy, found.residual) == ("scan", None)


def test_lists_that_hold_the_rows_together_are_all_read() -> None:
    guests = AccessPath("/guests", "", NUMBERS)
    found = plan('userName sw "x"', None, (replace(USERS, also=(guests,)),))
    assert sent(found) == [("/users", {"fields": "all", "q": 'login sw "x"'}), ("/guests", {})]
    assert (found.strategy, str(found.residual)) == ("scan", 'userName sw "x"'), "the other list takes no text"
    with_variable = replace(OF_GROUP, also=(replace(OF_GROUP, path="/nested/{group}/users"),))
    found = plan('groups.value eq "g"', None, (USERS, with_variable))
    assert [branch.path for branch in found.branches] == ["/groups/g/users", "/nested/g/users"]
    assert found.residual is None


# -- sorting ----------------------------------------------------------------------------------------------------------


def test_an_order_that_the_upstream_has_is_asked_for() -> None:
    found = plan('userName sw "x"', Sort("userName"))
    assert (found.strategy, found.sorted_here) == ("walk", False)
    assert found.branches[0].params["sort"] == "login"


@pytest.mark.parametrize("sort", [Sort("userName", descending=True), Sort("title")])
def test_another_order_is_made_here(sort: Sort) -> None:
    found = plan('userName sw "x"', sort)
    assert (found.strategy, found.sorted_here, found.residual) == ("scan", True, None)
    assert "sort" not in found.branches[0].params


def test_several_reads_are_sorted_here_even_if_each_could_be() -> None:
    found = plan('userName sw "x" or id eq "1"', Sort("userName"))
    assert found.sorted_here


def test_an_order_by_a_relation_takes_its_elements() -> None:
    assert plan(sort=Sort("groups.value")).residual_relations == ("groups",)
    assert plan(sort=Sort("title")).residual_relations == ()


# -- what decides -----------------------------------------------------------------------------------------------------


def test_a_relation_that_decides_is_read_for_each_row() -> None:
    found = plan('groups.value eq "g" or title eq "x"')
    assert (found.strategy, found.residual_relations) == ("scan", ("groups",))
    assert found.expected_requests == 2 + 50 + 100, "two lists, and one request for each row of them"


def test_a_relation_that_is_pushed_does_not_decide() -> None:
    assert plan('groups.value eq "g"').residual_relations == ()


def test_alternatives_that_come_to_one_request_are_read_once() -> None:
    path = replace(USERS, logic=frozenset())
    found = plan('userName eq "x" or userName eq "x"', None, (path,))
    assert (len(found.branches), found.residual) == (1, None)
    wider = replace(path, rules=(Rule("userName", ops("eq"), text("job")), *USERS.rules))
    found = plan('userName eq "x" or title eq "x"', None, (wider,))
    assert (len(found.branches), str(found.residual)) == (1, 'userName eq "x" or title eq "x"')


def test_a_filter_of_many_alternatives_is_planned_in_no_time() -> None:
    pairs = " and ".join(f'(title eq "{number}" or groups.value eq "g")' for number in range(40))
    assert plan(pairs).strategy == "scan"
    many = " or ".join(f'groups.value eq "{number}"' for number in range(40))
    assert [branch.path for branch in plan(many).branches] == ["/users"]


def test_an_alternative_within_another_is_one_more() -> None:
    found = plan('id eq "1" or (groups.value eq "g" or (id eq "2" or userName eq "x"))')
    assert [branch.path for branch in found.branches] == ["/users/1", "/groups/g/users", "/users/2", "/users"]


# -- cost -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reads", "told", "requests"),
    [
        ((USERS,), {}, 1),
        ((USERS,), {"count": 250}, 3),
        ((USERS,), {"offset": 450, "count": 100}, 6),
        ((replace(USERS, pager=NUMBERS),), {"offset": 450, "count": 100}, 1),
        ((USERS,), {"count": 0}, 1),
    ],
)
def test_a_page_is_expected_to_cost_what_a_cold_start_does(
    reads: tuple[AccessPath, ...], told: dict[str, Any], requests: int
) -> None:
    assert plan(reads=reads, **told).expected_requests == requests


def test_what_is_expected_is_told_with_what_was_considered() -> None:
    found = plan('groups.value eq "g" and userName sw "x"')
    assert found.expected_requests == 1 + 50
    assert found.considered == ("scan /users: 505",)
    assert plan('nickName eq "x"').expected_requests == 0


def test_a_larger_page_makes_a_scan_cheaper() -> None:
    wide = replace(USERS, path="/export", pager=replace(LINKS, max_page=5000), rules=())
    assert plan('locale eq "x"', None, (USERS, wide)).branches[0].path == "/export"


def test_all_pages_of_a_query_take_the_same_way() -> None:
    walk = AccessPath("/walk", "", Link("next", "limit", 1))
    planner = Planner(collection(walk, replace(USERS, in_scope=False)))
    first = planner.plan(Query())
    for offset in (0, 9_999):
        assert all(planner.plan(Query(offset=offset, count=count)).branches == first.branches for count in (1, 5_000))


def test_a_collection_that_cannot_be_listed_is_said_to_be() -> None:
    with pytest.raises(ValueError, match="User cannot be listed"):
        plan(reads=(OF_GROUP,))
    assert plan('groups.value eq "g"', None, (OF_GROUP,)).strategy == "walk"
