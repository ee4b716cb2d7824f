"""Random directories behind random upstreams, as providers would declare them, and queries over them."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from scim2_models.path import (
    AttrPath,
    CompareOperator,
    Comparison,
    FilterNode,
    LogicalExpr,
    LogicalOperator,
    Present,
    ValuePath,
)

from scim_bridge.query.capabilities import (
    NOTHING,
    AccessPath,
    Collection,
    Either,
    Pager,
    Relation,
    RelationRead,
    Rendered,
    Resource,
    Row,
    Rule,
    Text,
    TextMatch,
    ops,
)
from scim_bridge.query.pagers import BodyCursor, Link, Offset, OnePage, PageNumber, Total
from scim_bridge.query.plan import Sort
from scim_bridge.schemas import USER
from scim_bridge.upstream.errors import NotFound, UpstreamError
from tests.query.language import Match
from tests.query.simulated import Manner, Person, Upstream
from tests.strategies import INSTANTS, TYPES, filters, joined

ATTRIBUTES = ("userName", "title", "active", "emails", "groups")
TEAMS = ("t1", "T1", "t2", "Émile", "e\u0301MILE")


@dataclass(frozen=True)
class World:
    """An upstream and what its provider declares of it."""

    upstream: Upstream
    declared: TextMatch
    scope: str = "all"  # all rows; "asked" for by text; or "dropped" here, as they come all the same
    sorts: bool = False
    memberships: bool = False  # teams tell their people, in two lists
    by_team: bool = False  # people can be filtered by team
    past_end_declared: bool = True

    def collection(self) -> Collection:
        upstream = self.upstream
        people = AccessPath(
            "/people",
            rows="people",
            pager=pager(upstream.manner, "people.-1.uid"),
            rules=tuple(self._rules()),
            expression="q" if upstream.text else None,
            logic=upstream.logic,
            always='realm eq "in"' if self.scope == "asked" else None,
            sorts={("userName", "ascending"): {"order": "login"}, ("userName", "descending"): {"order": "-login"}}
            if self.sorts
            else {},
            text_match=self.declared,
            in_scope=self.scope != "dropped",
            absent=_past_end if self.past_end_declared else None,
            max_text=upstream.max_text,
        )
        return Collection(
            resource=USER,
            reads=(people, *([self._membership("people", self._membership("guests"))] if self.memberships else [])),
            item=AccessPath("/people/{id}", rows=".", pager=OnePage(), rules=(BY_ID,)),
            decode=decoded,
            relations=(
                Relation(
                    "groups",
                    (RelationRead(self._teams(), _team, known_empty=lambda row: row["job"] == "alone"),),
                    references={},
                    shown="request",
                    inline=lambda row: [_element(each) for each in row["teams"]] if "teams" in row else None,
                ),
            ),
            visible=(lambda row: row["realm"] == "in") if self.scope != "all" else (lambda row: True),
            is_id=bool,
        )

    def _membership(self, kind: str, *also: AccessPath) -> AccessPath:
        return AccessPath(
            f"/teams/{{team}}/{kind}",
            rows=kind,
            pager=pager(self.upstream.manner, f"{kind}.-1.key"),
            rules=(Rule("groups.value", ops("eq"), lambda operator, value: {"{team}": value}),),
            text_match=self.declared,
            unwrap=lambda row: row["person"] if row["state"] == "in" else None,
            in_scope=self.scope == "all",
            also=also,
            absent=lambda error: _past_end(error) or isinstance(error, NotFound),
        )

    def _teams(self) -> AccessPath:
        pages = pager(self.upstream.manner, "teams.-1.key")
        return AccessPath("/people/{id}/teams", rows="teams", pager=pages, absent=_past_end)

    def _rules(self) -> list[Rule]:
        term = _text if self.upstream.text else _parameter
        logic = self.upstream.logic
        keeps_missing = not self.upstream.sql
        exact = not self.upstream.loose
        rules = [
            Rule("userName", ops("eq sw"), _login if not self.upstream.text else term("login"), negatable=True),
            Rule("title", ops("eq sw co gt lt"), term("job"), exact=exact, negatable=keeps_missing),
            Rule("active", ops("eq"), term("on"), negatable=keeps_missing),
            Rule("emails.value", ops("eq co ew"), term("mail"), exact=exact),
            Rule("emails.type", ops("eq"), term("kind"), negatable=keeps_missing),
            Rule("externalId", ops("eq ew"), term("ext"), negatable=keeps_missing),
            Rule("meta.lastModified", ops("gt ge lt le"), term("changed"), negatable=keeps_missing),
            Rule("meta.lastModified", ops("eq"), lambda operator, value: None),
        ]
        if keeps_missing and self.upstream.text:
            rules += [Rule("title", ops("ne pr"), term("job"), exact=exact)] if exact else []
            rules += [Rule("externalId", ops("ne gt lt le ge"), term("ext"))]
        if self.by_team:
            rules += [Rule("groups.value", ops("eq"), term("team"), negatable=True)]
        return [rule for rule in rules if logic or rule.attribute != "emails.type"]


BY_ID = Rule(
    "id",
    ops("eq"),
    lambda operator, value: {"{id}": value} if re.fullmatch("[uU][0-9]+", value) else NOTHING,
    exact=False,
    folds=False,
    unique=True,
)


def _past_end(error: UpstreamError) -> bool:
    return "PAST_END" in error.codes


def _text(name: str) -> Callable[[str, Any], Rendered]:
    return lambda operator, value: Text(
        f"{name} {operator}" if operator == "pr" else f"{name} {operator} {_json(value)}"
    )


def _parameter(name: str) -> Callable[[str, Any], Rendered]:
    return lambda operator, value: {f"{name}.{operator}": _json(value) if isinstance(value, bool) else value}


def _login(operator: str, value: str) -> Rendered:
    """A user name is the login, or an alias where there is none."""
    return Either(({f"login.{operator}": value}, {f"alias.{operator}": value}))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _element(team: str) -> dict[str, Any]:
    return {"value": team, "type": "direct"}


def _team(row: Row) -> dict[str, Any]:
    return _element(row["key"])


def pager(manner: Manner, last: str) -> Pager:
    """The pager a provider would declare for a list, as far as the upstream's habits are known.

    ``last``: where the last row's key is in a reply.
    """
    limit = manner.limit
    header = Total(header="Total") if manner.totals != "never" else Total()
    body = Total(body="total") if manner.totals != "never" else Total()
    match manner.paging:
        case "link":
            return Link("next", "limit", limit, body)
        case "cursor":
            return BodyCursor("after", "next", "limit", limit, body)
        case "last":
            return BodyCursor("after", last, "limit", limit, body)
        case "offset":
            return Offset("offset", "limit", limit, total_at=header)
        case "index":
            return Offset("offset", "limit", limit, base=1, total_at=body)
        case "page":
            return PageNumber("page", "limit", limit, total_at=header)
    return OnePage()


def decoded(row: Row) -> Resource:
    """A person as SCIM."""
    name = row["alias"] if row["login"] is None else row["login"]
    resource: Resource = {
        "schemas": [USER.base.id],
        "id": row["uid"],
        "userName": name,
        "meta": {"resourceType": "User"},
    }
    told = {"title": row["job"], "active": row["on"], "externalId": row["ext"], "emails": row["mails"] or None}
    resource |= {name: value for name, value in told.items() if value is not None}
    if row["changed"]:
        resource["meta"]["lastModified"] = row["changed"]
    return resource


def complete(person: Person) -> Resource:
    """A person as SCIM, with the groups that only other endpoints tell."""
    groups = [_element(each) for each in person["teams"]]
    return {**decoded(person), **({"groups": groups} if groups else {})}


# -- at random --------------------------------------------------------------------------------------------------------


def people() -> st.SearchStrategy[list[Person]]:
    """People with case twins among their names and ids, missing values, and several e-mail addresses."""
    several = {"value": MAIL, "type": st.sampled_from(TYPES)}
    emails = st.lists(st.fixed_dictionaries({}, optional=several), max_size=3).map(_one_primary)
    person = st.fixed_dictionaries(
        {
            "login": TEXT,
            "alias": st.none(),
            "job": st.none() | TEXT | st.just("alone"),
            "on": st.none() | st.booleans(),
            "mails": emails,
            "changed": st.none() | st.sampled_from(INSTANTS),
            "ext": st.none() | TEXT,
            "realm": st.sampled_from(("in", "in", "in", "out")),
            "teams": st.lists(st.sampled_from(TEAMS), unique=True, max_size=3),
            "left": st.lists(st.sampled_from(TEAMS), unique=True, max_size=1),
        }
    )
    return (
        st.sampled_from((0, 1, 3, 6, 9, 10, 11))
        .flatmap(lambda n: st.lists(person, min_size=n, max_size=n))
        .map(_settled)
    )


TEXT = st.sampled_from(
    ("bjensen", "BJENSEN", "bjensen", "straße", "STRASSE", "Émile", "E\u0301mile", "İstanbul", 'say "hi"', "_b", "100%")
)
MAIL = st.sampled_from(("bjensen", "BJENSEN", "Émile"))


def _one_primary(emails: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last one is primary, if it is anything else; what is empty is no address."""
    found = [each for each in emails if each]
    return [{**each, "primary": True} if each is found[-1] else each for each in found]


def _settled(found: list[Person]) -> list[Person]:
    """Each with an id of its own, by pairs that differ in case alone; some with an alias for a login."""
    settled = []
    for index, each in enumerate(found):
        person = {"uid": f"{'uU'[index % 2]}{index // 2}", **each}
        if index % 3 == 2:
            person |= {"login": None, "alias": each["login"]}
        if person["job"] == "alone":
            person["teams"] = []
        person["left"] = [team for team in person["left"] if team not in person["teams"]]
        settled.append(person)
    return settled


MANNERS = st.builds(
    Manner,
    paging=st.sampled_from(("link", "cursor", "last", "offset", "offset", "index", "page", "page", "one")),
    limit=st.integers(1, 5),
    cap=st.sampled_from((100, 100, 1, 2, 3)),
    least=st.sampled_from((1, 1, 1, 2, 4)),
    uneven=st.booleans(),
    totals=st.sampled_from(("never", "first", "always", "always")),
    past_end=st.sampled_from(("empty", "refused")),
)


MATCHES: tuple[Match, ...] = ("insensitive", "insensitive", "sensitive")


@st.composite
def worlds(draw: st.DrawFn, manners: st.SearchStrategy[Manner] = MANNERS) -> World:
    text = draw(st.sampled_from((True, True, False)))
    match: Match = draw(st.sampled_from(MATCHES))
    logic = draw(st.sampled_from(("and or not", "and or not", "and or", "and", "or", ""))) if text else ""
    upstream = Upstream(
        people=draw(people()),
        manner=draw(manners),
        match=match,
        logic=ops(logic),
        text=text,
        sql=draw(st.booleans()),
        loose=draw(st.sampled_from((False, False, False, True))),
        max_text=draw(st.sampled_from((4000, 160, 110))),
        inline=draw(st.booleans()),
    )
    scopes = (*4 * ("all",), "dropped", *(2 * ("asked",) if text and "and" in logic else ()))
    always = upstream.manner.totals == "always"
    return World(
        upstream,
        declared=draw(st.sampled_from((match, match, match, "unknown"))),
        scope=draw(st.sampled_from(scopes)),
        sorts=draw(st.booleans()),
        memberships=draw(st.booleans()),
        by_team=text and draw(st.booleans()),
        past_end_declared=draw(st.booleans()) if always else True,
    )


# What upstreams evaluate, often with a value that some row has in this or another case.
_CASES: tuple[Callable[[str], str], ...] = (str, str, str.lower, str.upper)
_ANY_CASE = st.builds(lambda case, text: case(text), st.sampled_from(_CASES), TEXT)
_LITERALS: Mapping[str, st.SearchStrategy[Any]] = {
    "userName": _ANY_CASE,
    "title": _ANY_CASE,
    "externalId": _ANY_CASE,
    "emails": MAIL,
    "emails.value": MAIL,
    "emails.type": st.sampled_from(TYPES),
    "active": st.booleans(),
    "id": st.builds("{}{}".format, st.sampled_from("uU"), st.integers(0, 6)) | st.just("nobody"),
    "groups.value": st.sampled_from(TEAMS),
    "groups": st.sampled_from(TEAMS),
    "meta.lastModified": st.sampled_from(INSTANTS),
}


@st.composite
def _comparisons(draw: st.DrawFn, path: str, name: str, even: bool = False) -> FilterNode:
    """A comparison of a path, which is spelled as ``name``; mostly by equality, or by each operator as often."""
    attribute = AttrPath(*name.split("."))
    if draw(st.sampled_from((*9 * (False,), True))):  # integers and booleans are not drawn evenly
        return Present(attribute)
    textual = path not in ("active", "id", "groups", "groups.value")
    others = tuple(CompareOperator) if textual else (CompareOperator.ne,)
    equal = (CompareOperator.eq,) if even else 3 * len(others) * (CompareOperator.eq,)
    operator = draw(st.sampled_from((*equal, *others)))
    unassigned = draw(st.sampled_from((*19 * (False,), True)))
    return Comparison(attribute, operator, None if unassigned else draw(_LITERALS[path]))


@st.composite
def _of_one_address(draw: st.DrawFn) -> FilterNode:
    value, kind = _comparisons("emails.value", "value"), _comparisons("emails.type", "type")
    if draw(st.sampled_from((False, False, True))):
        return draw(joined(value | kind, 3))
    return LogicalExpr(LogicalOperator.and_, (draw(value), draw(kind)))


@st.composite
def terms(draw: st.DrawFn, even: bool = False, path: str | None = None) -> FilterNode:
    """One comparison or value path of what upstreams evaluate, for most of the paths."""
    path = path or draw(st.sampled_from((*_LITERALS, "id", "userName", *3 * ("emails[]",))))
    if path == "emails[]":
        return ValuePath(AttrPath("emails"), draw(_of_one_address()))
    return draw(_comparisons(path, path, even))


@st.composite
def _several(draw: st.DrawFn, operator: str) -> FilterNode:
    """Two or three terms, sometimes of the same path."""
    path = draw(st.sampled_from((None, None, "userName", "title")))
    found = draw(st.lists(terms(path=path), min_size=2, max_size=3))
    return LogicalExpr(LogicalOperator(operator), tuple(found))


@st.composite
def wanted(draw: st.DrawFn) -> FilterNode | None:
    """A filter: most often of what upstreams evaluate, or whatever else one may say; None is everything."""
    kinds = (*3 * ("one",), *2 * ("and",), *3 * ("or",), "both", "both", "any", "other", "none")
    match draw(st.sampled_from(kinds)):
        case "one":
            return draw(terms())
        case "and" | "or" as operator:
            return draw(_several(operator))
        case "both":
            return LogicalExpr(LogicalOperator.and_, (draw(_several("or")), draw(terms() | _several("or"))))
        case "any":
            return draw(joined(terms(), 5))
        case "other":
            return draw(filters(USER, ATTRIBUTES))
    return None


@st.composite
def orders(draw: st.DrawFn) -> Sort | None:
    """An order, or none; often by what some upstreams sort themselves."""
    others = ("title", "active", "emails.value", "meta.lastModified", "groups.value")
    path = draw(st.sampled_from((*11 * ("",), *3 * ("userName",), *others)))
    return Sort(path, draw(st.booleans())) if path else None
