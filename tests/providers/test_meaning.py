"""What filters mean to the tests of providers, row by row, as RFC 7644 section 3.4.2.2 has it."""

import pytest

from tests.providers.meaning import Case, Exact, Moment, both, either, no, present, term, within

SHOWN = {
    "userName": "Ana",
    "title": None,
    "externalId": Exact("hr-1"),
    "active": False,
    "age": 7,
    "meta.created": Moment("2024-03-01T00:00:00.000Z"),
    "emails": [{"value": "ana@example.com", "type": "work"}, {"value": "a@home.example", "type": "home"}],
    "phoneNumbers": [],
    "tags": ["Red", "blue"],
}
TRUE: list[Case] = [
    term("userName", "eq", "ANA"),
    term("userName", "sw", "a"),
    term("userName", "ew", "NA"),
    term("userName", "co", "n"),
    term("userName", "gt", "AMY"),
    term("title", "ne", "x"),
    term("title", "eq", None),
    term("userName", "ne", None),
    term("nickName", "ne", "x"),
    term("externalId", "eq", "hr-1"),
    term("externalId", "ne", "HR-1"),
    term("active", "eq", False),
    term("age", "ge", 7),
    term("meta.created", "eq", "2024-02-29T18:30:00-05:30"),
    term("meta.created", "gt", "2024-02-29T23:59:59.9999999Z"),
    term("emails", "co", "HOME"),
    term("emails.type", "eq", "home"),
    term("phoneNumbers.value", "ne", "1"),
    term("tags", "eq", "red"),
    present("active"),
    present("emails.value"),
    within("emails", term("type", "eq", "work"), term("value", "sw", "ana@")),
    within("emails", no(term("type", "eq", "work"))),
    both(present("userName"), either(present("title"), present("tags"))),
]
FALSE: list[Case] = [
    term("title", "eq", "x"),
    term("title", "ne", None),
    term("title", "co", ""),
    term("externalId", "eq", "HR-1"),
    term("emails.type", "ne", "home"),
    term("phoneNumbers", "eq", "1"),
    term("tags", "ne", "BLUE"),
    term("meta.created", "lt", "2024-03-01T00:00:00Z"),
    term("age", "gt", 7),
    present("title"),
    present("phoneNumbers"),
    present("nickName"),
    within("emails", term("type", "eq", "home"), term("value", "sw", "ana@")),
    within("phoneNumbers", no(term("value", "eq", "1"))),
    no(present("userName")),
    both(present("userName"), present("title")),
    either(present("title"), present("nickName")),
]


@pytest.mark.parametrize("case", TRUE, ids=lambda case: case[0])
def test_it_matches(case: Case) -> None:
    assert case[1](SHOWN)


@pytest.mark.parametrize("case", FALSE, ids=lambda case: case[0])
def test_it_does_not_match(case: Case) -> None:
    assert not case[1](SHOWN)


@pytest.mark.parametrize(
    ("case", "text"),
    [
        (term("title", "eq", 'say "x"\\'), 'title eq "say \\"x\\"\\\\"'),
        (term("active", "ne", True), "active ne true"),
        (term("title", "eq", None), "title eq null"),
        (within("emails", term("type", "eq", "é"), present("value")), 'emails[(type eq "é") and (value pr)]'),
        (no(either(present("a"), present("b"))), "not ((a pr) or (b pr))"),
    ],
)
def test_it_is_written_as_clients_write_it(case: Case, text: str) -> None:
    assert case[0] == text
