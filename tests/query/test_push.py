"""What of a filter goes to the upstream, and whether what comes back has to be checked again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from scim_bridge.filters import parse
from scim_bridge.query.capabilities import NOTHING, AccessPath, Either, Rendered, Rule, Text, TextMatch, ops
from scim_bridge.query.pagers import OnePage
from scim_bridge.query.push import MAX_BRANCHES, Splitter, attribute_names
from scim_bridge.schemas import ENTERPRISE_USER, GROUP, USER
from tests.strategies import RICH_USER, TYPED


def text(name: str) -> Any:
    return lambda operator, value: Text(f"{name} {operator} {json.dumps(value)}" if operator != "pr" else f"{name} pr")


def parameter(name: str) -> Any:
    return lambda operator, value: {name: str(value)}


RULES = (
    Rule("userName", ops("eq sw co pr"), text("login"), negatable=True),
    Rule("title", ops("eq ne gt"), text("job")),
    Rule("displayName", ops("co"), text("name"), exact=False, negatable=True),
    Rule("active", ops("eq"), text("on"), negatable=True),
    Rule("emails.value", ops("eq co"), text("mail"), negatable=True),
    Rule("emails.type", ops("eq"), text("kind"), negatable=True),
    Rule("externalId", ops("eq ne lt"), text("ext")),
    Rule("meta.lastModified", ops("ge"), text("changed")),
    Rule(
        "id",
        ops("eq"),
        lambda operator, value: NOTHING if value == "never" else text("id")(operator, value),
        folds=False,
    ),
    Rule("nickName", ops("eq"), lambda operator, value: None),
    Rule("nickName", ops("eq"), text("nick")),
    Rule(f"{ENTERPRISE_USER.id}:department", ops("eq"), text("dept")),
)
PATH = AccessPath("/users", "", OnePage(), RULES, "q", ops("and or not"), text_match="insensitive")

Pushed = list[tuple[str | Mapping[str, str], bool]]


def pushed(filter_text: str, path: AccessPath = PATH) -> Pushed | None:
    """The reads for a filter, each with what it sends and whether that is exact."""
    found = Splitter(path, RICH_USER).push(parse(filter_text))
    return None if found is None else [(each.text or each.params, each.exact) for each in found]


@pytest.mark.parametrize(
    ("filter_text", "expected"),
    [
        ('userName eq "bj"', [('login eq "bj"', True)]),
        ('USERNAME Eq "bj"', [('login eq "bj"', True)]),
        ("userName pr", [("login pr", True)]),
        ('userName ew "bj"', None),
        ('nickName eq "bj"', [('nick eq "bj"', True)]),
        ('locale eq "en"', None),
        ('nobody eq "x"', None),
        ("active eq true", [("on eq true", True)]),
        ('displayName co "x"', [('name co "x"', False)]),
        ('emails eq "x@y.z"', [('mail eq "x@y.z"', True)]),
        ("emails pr", None),
        (f'{ENTERPRISE_USER.id}:department eq "x"', [('dept eq "x"', True)]),
        ('meta.lastModified ge "2024-05-01T10:00:00Z"', [('changed ge "2024-05-01T10:00:00Z"', True)]),
        # what upstreams see differently from each other stays here
        ("userName eq null", None),
        ('userName eq ""', None),
        # a part of what is no text matches nothing
        ("userName co 5", []),
        ("active co true", []),
        ('meta.lastModified sw "2024"', []),
        ('id eq "never"', []),
    ],
)
def test_a_comparison_goes_as_its_rule_renders_it(filter_text: str, expected: Pushed | None) -> None:
    assert pushed(filter_text) == expected


@pytest.mark.parametrize(
    ("match", "filter_text", "exact"),
    [
        # not case-exact in SCIM
        ("insensitive", 'userName eq "bj"', True),
        ("sensitive", 'userName eq "bj"', None),
        ("unknown", 'userName eq "bj"', None),
        ("sensitive", 'userName eq "100%"', True),
        ("unknown", 'userName eq "100%"', False),
        # beyond ASCII an upstream may ignore accents, or tell Unicode forms apart
        ("insensitive", 'userName eq "Émile"', False),
        ("sensitive", 'userName eq "日本"', None),
        ("unknown", 'userName eq "日本"', None),
        # case-exact in SCIM
        ("insensitive", 'externalId eq "X"', False),
        ("sensitive", 'externalId eq "X"', True),
        ("unknown", 'externalId eq "X"', False),
        ("insensitive", 'externalId eq "1"', True),
        # what is wider for equality is narrower for its opposite
        ("insensitive", 'title ne "x"', True),
        ("unknown", 'title ne "1"', None),
        ("insensitive", 'externalId ne "X"', None),
        ("sensitive", 'externalId ne "X"', True),
        # an order is that of SCIM only where both go by code points
        ("insensitive", 'title gt "x"', None),
        ("sensitive", 'title gt "1"', None),
        ("sensitive", 'externalId lt "X"', True),
        ("insensitive", 'externalId lt "1"', None),
        # case plays no part
        ("unknown", 'id eq "x"', True),
        ("unknown", "active eq true", True),
        ("unknown", 'meta.lastModified ge "2024-05-01T10:00:00Z"', True),
        ("unknown", "userName pr", True),
    ],
)
def test_text_goes_as_far_as_the_upstream_compares_it_as_scim_does(
    match: TextMatch, filter_text: str, exact: bool | None
) -> None:
    found = pushed(filter_text, replace(PATH, text_match=match))
    assert (found and found[0][1]) == exact


@pytest.mark.parametrize(
    ("filter_text", "expected"),
    [
        ('userName eq "a" and title eq "b"', [('login eq "a" and job eq "b"', True)]),
        ('userName eq "a" and locale eq "b"', [('login eq "a"', False)]),
        ('userName eq "a" and displayName co "b"', [('login eq "a" and name co "b"', False)]),
        ('locale eq "a" and timezone eq "b"', None),
        ('locale eq "a" and id eq "never"', []),
        ('userName eq "a" or title eq "b"', [('login eq "a" or job eq "b"', True)]),
        ('userName eq "a" or displayName co "b"', [('login eq "a" or name co "b"', False)]),
        ('userName eq "a" or locale eq "b"', None),
        ('userName eq "a" or id eq "never"', [('login eq "a"', True)]),
        ('id eq "never" or id eq "never"', []),
        (
            '(userName eq "a" or userName eq "b") and (title eq "c" or title eq "d")',
            [('(login eq "a" or login eq "b") and (job eq "c" or job eq "d")', True)],
        ),
        (
            'userName eq "a" or (title eq "b" and active eq true)',
            [('login eq "a" or (job eq "b" and on eq true)', True)],
        ),
        # negation turns wider into narrower
        ('not (userName eq "a")', [('not (login eq "a")', True)]),
        ('not (userName eq "a" and active eq true)', [('not (login eq "a" and on eq true)', True)]),
        ('not (userName eq "Émile")', None),
        ('not (displayName co "a")', None),
        ('not (userName eq "a" and locale eq "b")', None),
        ('not (id eq "never")', None),
        ('not (locale eq "a")', None),
        # a missing title is not counted as "no"
        ('not (title eq "a")', None),
        ('not (userName eq "a" or title eq "b")', None),
        # a value path implies its parts, save those that speak of all values
        ('emails[type eq "work" and value eq "a"]', [('kind eq "work" and mail eq "a"', False)]),
        ('emails[type eq "work" or value eq "a"]', [('kind eq "work" or mail eq "a"', False)]),
        ('emails[type eq "work" and value ne "a"]', [('kind eq "work"', False)]),
        ('emails[type eq "work" and not (value eq "a")]', [('kind eq "work"', False)]),
        ('emails[type eq "work" or value ne "a"]', None),
        ('emails[value ne "a"]', None),
        ('emails[display eq "a"]', None),
        ('emails[value.display eq "a"]', None),
        ('emails[type eq "work" and value co 5]', []),
        ('not (emails[type eq "work"])', None),
        ('nobody[type eq "work"]', None),
        (f'{TYPED.id}:codes[value eq "a"]', None),
    ],
)
def test_terms_go_together_as_far_as_the_result_can_be_made_exact(filter_text: str, expected: Pushed | None) -> None:
    assert pushed(filter_text) == expected


@pytest.mark.parametrize(
    ("logic", "filter_text", "expected"),
    [
        ("", 'userName eq "a" and title eq "b"', [('login eq "a"', False)]),
        ("", 'userName eq "a" or title eq "b"', [('login eq "a"', True), ('job eq "b"', True)]),
        ("", 'not (userName eq "a")', None),
        ("or", '(userName eq "a" or title eq "b") and active eq true', [('login eq "a" or job eq "b"', False)]),
        (
            "and",
            '(userName eq "a" or title eq "b") and active eq true',
            [('login eq "a" and on eq true', True), ('job eq "b" and on eq true', True)],
        ),
    ],
)
def test_text_holds_only_the_logic_that_the_upstream_takes(
    logic: str, filter_text: str, expected: Pushed | None
) -> None:
    assert pushed(filter_text, replace(PATH, logic=ops(logic))) == expected


PARAMETERS = replace(
    PATH,
    expression=None,
    logic=frozenset(),
    rules=(
        Rule("userName", ops("eq sw"), parameter("login")),
        Rule("title", ops("eq"), parameter("job")),
        Rule("displayName", ops("eq"), lambda operator, value: Either(({"full": value}, {"nick": value}))),
    ),
)


@pytest.mark.parametrize(
    ("filter_text", "expected"),
    [
        ('userName eq "a" and title eq "b"', [({"login": "a", "job": "b"}, True)]),
        ('userName eq "a" and userName sw "b"', [({"login": "a"}, False)]),
        ('userName eq "a" or title eq "b"', [({"login": "a"}, True), ({"job": "b"}, True)]),
        ('displayName eq "a"', [({"full": "a"}, True), ({"nick": "a"}, True)]),
        (
            'displayName eq "a" and title eq "b"',
            [({"full": "a", "job": "b"}, True), ({"nick": "a", "job": "b"}, True)],
        ),
        ('not (userName eq "a")', None),
    ],
)
def test_predicates_that_are_parameters_go_one_each(filter_text: str, expected: Pushed | None) -> None:
    assert pushed(filter_text, PARAMETERS) == expected


def test_text_and_parameters_go_together() -> None:
    path = replace(PATH, rules=(*RULES, Rule("locale", ops("eq"), parameter("lang"))))
    found = Splitter(path, USER).push(parse('userName eq "a" and locale eq "b"'))
    assert found is not None and [(each.text, each.params) for each in found] == [('login eq "a"', {"lang": "b"})]
    found = Splitter(path, USER).push(parse('userName eq "a" or locale eq "b" or title eq "c"'))
    assert found is not None and [(each.text, each.params) for each in found] == [
        (None, {"lang": "b"}),
        ('login eq "a" or job eq "c"', {}),
    ]
    assert pushed('not (locale eq "b")', path) is None


def test_more_alternatives_than_are_sent_one_by_one_are_not_pushed() -> None:
    few = " or ".join(f'userName eq "{number}"' for number in range(MAX_BRANCHES))
    assert len(pushed(few, PARAMETERS) or ()) == MAX_BRANCHES
    assert pushed(f'{few} or userName eq "x"', PARAMETERS) is None
    both = "(" + few + ') and (title eq "a" or title eq "b")'
    assert [exact for _, exact in pushed(both, PARAMETERS) or ()] == [False] * MAX_BRANCHES


def _together(values: Sequence[Any]) -> dict[str, str]:
    return {"ids": ",".join(values)}


SEVERAL = replace(
    PATH,
    logic=ops("and"),
    rules=(
        Rule(
            "id",
            ops("eq"),
            lambda operator, value: NOTHING if value == "never" else None if "," in value else {"ids": value},
            folds=False,
            unique=True,
            several=_together,
            chunk=3,
        ),
        Rule("title", ops("eq"), text("job")),
    ),
)


@pytest.mark.parametrize(
    ("filter_text", "expected"),
    [
        ('id eq "1"', [({"ids": "1"}, True, 1)]),
        ('id eq "1" or id eq "2"', [({"ids": "1,2"}, True, 2)]),
        ('id eq "1" or (id eq "2" or id eq "1")', [({"ids": "1"}, True, 1), ({"ids": "2,1"}, True, 2)]),
        ('id eq "1" or id eq "1"', [({"ids": "1"}, True, 1)]),
        (
            'id eq "1" or id eq "2" or id eq "3" or id eq "4"',
            [({"ids": "1,2,3"}, True, 3), ({"ids": "4"}, True, 1)],
        ),
        ('id eq "1" or id eq "never"', [({"ids": "1"}, True, 1)]),
        ('id eq "never" or id eq "never"', []),
        ('id eq "1" or id eq "2,3"', None),
        ('id eq "1" or id sw "2"', None),
        ('id eq "1" or title eq "x" or id eq "2"', [({"ids": "1,2"}, True, 2), ('job eq "x"', True, None)]),
        ('(id eq "1" or id eq "2") and userType eq "x"', [({"ids": "1,2"}, False, 2)]),
        ('(id eq "1" or id eq "2") and id eq "2"', [({"ids": "1,2"}, False, 2)]),
        ('not (id eq "1" or id eq "2")', None),
    ],
)
def test_values_of_one_attribute_go_together_where_a_request_takes_several(filter_text: str, expected: Any) -> None:
    found = Splitter(SEVERAL, RICH_USER).push(parse(filter_text))
    told = found if found is None else [(each.text or each.params, each.exact, each.most) for each in found]
    assert told == expected


def test_text_that_is_too_long_is_sent_in_parts() -> None:
    path = replace(PATH, max_text=80, always="org eq 1")
    found = pushed(" or ".join(f'userName eq "{number}"' for number in range(5)), path)
    assert found == [(f'login eq "{number}"', True) for number in range(5)]
    wider = replace(PATH, max_text=80)
    assert pushed(" or ".join(f'userName eq "{number}"' for number in range(5)), wider) == [
        ('login eq "0" or login eq "1"', True),
        ('login eq "2" or login eq "3"', True),
        ('login eq "4"', True),
    ]


def test_text_that_is_too_long_to_be_joined_stays_here() -> None:
    path = replace(PATH, max_text=60)
    assert pushed('userName eq "a" and title eq "b" and active eq true', path) == [('login eq "a"', False)]
    assert pushed(f'userName eq "{"x" * 99}"', path) is None


def test_a_rule_may_have_nothing_to_say_of_a_value_and_another_one_may() -> None:
    def even(operator: str, value: Any) -> Rendered:
        return Text(f"even {value}") if value % 2 == 0 else None

    path = replace(
        PATH, rules=(Rule(f"{TYPED.id}:count", ops("eq"), even), Rule(f"{TYPED.id}:count", ops("eq"), text("n")))
    )
    assert pushed(f"{TYPED.id}:count eq 2", path) == [("even 2", True)]
    assert pushed(f"{TYPED.id}:count eq 3", path) == [("n eq 3", True)]


def test_a_filter_speaks_of_base_attributes() -> None:
    node = parse(
        'userName eq "a" and not (EMAILS[type eq "work"] or groups.value pr) and nobody pr '
        f'and {ENTERPRISE_USER.id}:department eq "x"'
    )
    assert attribute_names(node, USER) == {"userName", "emails", "groups"}
    assert attribute_names(parse('members eq "x"'), GROUP) == {"members"}
