"""The checks of filters pass a right server, and find wrong ones."""

import re
from typing import Any

import httpx
import pytest

from scim_bridge.conformance.questions import instant, order
from scim_bridge.conformance.suites.own import judged
from tests.conformance.servers import (
    REQUIREMENTS,
    Fault,
    Send,
    answers,
    asks,
    each_row,
    ignores,
    listed,
    opened,
    reads,
    result,
    says,
)
from tests.protocol.memory import Bridge

NOBODY = 'id eq "nobody"'


def drop_last(body: Any) -> None:
    body["Resources"] = body.get("Resources", [])[:-1]
    body["totalResults"] = len(body["Resources"])


def knows_groups(request: httpx.Request, send: Send) -> httpx.Response:
    """The directory in memory keeps no groups of users: this finds them by the group's members."""
    found = re.search(r'groups.value eq "(\w+)"', request.url.params.get("filter", ""))
    if not found:
        return send(request)
    path = request.url.path.replace("/Users", f"/Groups/{found[1]}")
    group = send(httpx.Request("GET", request.url.copy_with(path=path, query=None), headers=request.headers)).json()
    members = " or ".join(f'id eq "{each["value"]}"' for each in group.get("members", ())) or NOBODY
    return asks(lambda params: params.update(filter=members))(request, send)


def lenient(request: httpx.Request, send: Send) -> httpx.Response:
    """A filter that cannot be read finds nothing."""
    answer = send(request)
    wrong = answer.status_code == 400 and "filter" in request.url.params
    return httpx.Response(200, json=listed()) if wrong else answer


WRONG: list[tuple[str, Fault]] = [
    ("F-01", reads(r'^id eq "(\w+)"', lambda found: found[0].lower())),
    ("F-01", reads(r'^userName eq "CONF.*', NOBODY)),
    ("F-01", reads(r'^externalId eq "(?i:ext)-(.*)', r'externalId eq "ext-\1 or externalId eq "EXT-\1')),
    ("F-03", says(400, "filter=USERNAME")),
    ("F-03", says(400, r"filter=.* AND ")),
    ("F-03", reads(r"^NOT \((.*)\) And.*", r"\1")),
    ("F-05", reads("^userName gt", "userName ge")),
    ("F-05", reads("^userName ew", "userName co")),
    ("F-05", says(501, "userName ne")),
    ("F-05", reads(r"and not \(.*", "")),
    ("F-06", reads("^nickName pr", "nickName pr or title pr")),
    ("F-06", reads("^name pr", NOBODY)),
    ("F-06", reads("^phoneNumbers pr", "id pr")),
    ("F-07", reads("^title eq null", "title pr")),
    ("F-07", reads("^nickName ne null", "id pr")),
    ("F-08", reads("^active eq false", "active pr")),
    ("F-08", reads(":level gt 9", ":level gt 10")),
    ("F-09", reads(r'\+14:00"', 'Z"')),
    ("F-09", says(400, r"\.\d{7}Z")),
    ("F-09", reads(r'lastModified gt "20\d\d.*', "id pr")),
    ("F-10", reads("^phoneNumbers eq", "phoneNumbers.type eq")),
    ("F-10", reads(r'^phoneNumbers.value (eq "\S+")', r'phoneNumbers[type eq "work" and value \1]')),
    ("F-11", reads(r"^(\w+)\[(.*) and (value .*)\]", r"\1[\2] and \1[\3]")),
    ("F-11", reads(r"^(\w+)\[not .*\]", rf"\1[{NOBODY[3:]}]")),
    ("F-12", reads(r"^(userName eq \S+) or (userName eq \S+) and", r"(\1 or \2) and")),
    ("F-12", reads(r"^not \((userName eq \S+)\) and (.*)", r"not (\1 and \2)")),
    ("F-12", reads(r"^\((.*) or (.*)\) and", r"\1 or \2 and")),
    ("F-13", says(400, "filter=URN:")),
    ("F-13", reads(r"(?i)^\S+enterprise\S+:User:.*", NOBODY)),
    ("F-14", reads('^meta.resourceType eq "Group"', "id pr")),
    ("F-14", reads("^schemas eq.*", NOBODY)),
    ("F-14", says(400, "filter=externalId")),
    ("F-15", reads(r'^nickName eq "(\w)[%_*]', r'nickName sw "\1" or nickName eq "')),
    ("F-15", reads(r"\\u", r"\\\\u")),
    ("F-15", says(500, "nickName eq \"O'")),
    ("F-17", reads("^userName le", "userName lt")),
    ("F-17", reads("^userName lt", "userName gt")),
    ("F-20", lenient),
    ("F-20", reads("userName eq 'x'", 'userName eq "x"')),
    ("F-21", lenient),
    ("F-21", reads("^active (gt|ge|lt|le) true", NOBODY)),
    ("F-22", ignores("filter", "conformanceNowhere.*")),
    ("F-22", says(500, "filter=urn:")),
    ("F-22", says(400, r"v2/\?filter")),
    ("F-23", says(404, "filter=userName")),
    ("F-23", ignores("filter")),
    ("F-24", reads("^password (sw|co|eq) .*", "userName pr")),
    ("F-24", reads("^password pr", "userName pr")),
    ("F-25", says(500, r"filter=\(\(\(")),
    ("F-25", ignores("filter", "not .*")),
    ("F-26", says(400, r"filter=members\[")),
    ("F-26", reads(r'^id eq "(\w+)" and .*', r'id eq "\1"')),
    ("F-26", reads("^members eq .*", NOBODY)),
    ("F-27", says(400, "filter=groups.value")),
    ("F-27", reads("^groups.value eq .*", NOBODY)),
    ("F-27", reads("^groups.value eq .*", "userName pr")),
    ("F-28", answers(each_row(lambda row: row.setdefault("locale", "en-US")), "GET .*/Users")),
    ("F-29", answers(drop_last, r"filter=not \(")),
    ("F-29", asks(lambda params: params.pop("filter", None) if " ew " in params.get("filter", "") else None)),
]


@pytest.mark.parametrize("id, fault", WRONG, ids=[f"{id}-{number}" for number, (id, _) in enumerate(WRONG)])
def test_a_wrong_server_fails(id: str, fault: Fault) -> None:
    found = result(id, fault)
    assert found.status == "failed", found
    assert "could not be read" not in found.reason


def test_a_right_server_passes() -> None:
    found = {id: result(id, knows_groups) for id in dict.fromkeys(id for id, _ in WRONG)}
    assert {id: each.reason for id, each in found.items() if each.status == "failed"} == {}
    assert [id for id, each in found.items() if each.status == "skipped"] == ["F-28"]


def test_reading_alone_judges_and_changes_nothing() -> None:
    methods = []

    def seen(request: httpx.Request, send: Send) -> httpx.Response:
        methods.append(request.method)
        return knows_groups(request, send)

    app = Bridge().app
    with opened(app) as session:
        assert session.people and session.teams
    with opened(app, seen, write=False) as session:
        found = {id: judged(session, REQUIREMENTS[id]) for id in dict.fromkeys(id for id, _ in WRONG)}
    assert {id: each.reason for id, each in found.items() if each.status == "failed"} == {}
    assert {id for id, each in found.items() if each.status == "skipped"} == {"F-13", "F-28"}
    assert {*methods} == {"GET"}


@pytest.mark.parametrize(
    "one, other, wanted",
    [
        ("a", "b", -1),
        ("ab", "a", 1),
        ("a", "a", 0),
        ("a9", "aa", -1),
        ("A", "B", -1),
        ("a", "B", None),
        ("a-", "ab", None),
        ("é", "f", None),
    ],
)
def test_texts_are_ordered_only_where_all_collations_agree(one: str, other: str, wanted: int | None) -> None:
    assert order(one, other) == wanted


def test_instants_are_those_of_xsd() -> None:
    assert instant("2026-01-01T00:00:00.1234567Z") is not None
    assert instant("2026-01-01T00:00:00Z") == instant("2025-12-31T14:00:00-10:00")
    assert [instant(each) for each in ("2026-01-01", "2026-01-01T00:00:00", None, 3)] == [None] * 4
