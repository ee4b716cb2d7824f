"""The checks of sorting, paging by index and by cursor, and searches pass a right server, and find wrong ones."""

import json
from typing import Any

import httpx
import pytest

from scim_bridge.conformance.suites.own import judged
from tests.conformance.servers import (
    REQUIREMENTS,
    Fault,
    Send,
    answers,
    asks,
    each_row,
    error,
    ignores,
    is_asked,
    listed,
    opened,
    result,
    says,
    sends,
)
from tests.protocol.memory import Bridge

USERS = "GET .*/Users\\?"


def case_counts(body: Any) -> None:
    """Sorted as bytes are."""
    body["Resources"] = sorted(body["Resources"], key=lambda row: row.get("title") or "~")


def turns(body: Any) -> None:
    body["Resources"] = body.get("Resources", [])[::-1]


def as_texts(body: Any) -> None:
    body["totalResults"] = str(body["totalResults"])


def shifted(params: dict[str, str]) -> None:
    """startIndex counts from 0."""
    if int(params.get("startIndex", 1)) > 1:
        params["startIndex"] = str(int(params["startIndex"]) + 1)


def total_of_the_page(body: Any) -> None:
    body["totalResults"] = len(body.get("Resources", []))


def every_second_time() -> Fault:
    """The order of a page is another one each second time that it is asked for."""
    seen: set[str] = set()
    turned = answers(turns, USERS)

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        again = str(request.url) in seen
        seen.add(str(request.url))
        return turned(request, send) if again else send(request)

    return fault


def starts_anew(request: httpx.Request, send: Send) -> httpx.Response:
    """A cursor that makes no sense is taken for the start."""
    answer = send(request)
    if answer.status_code == 400 and request.url.params.get("cursor"):
        return asks(lambda params: params.update(cursor=""))(request, send)
    return answer


def only_with(name: str) -> Fault:
    """A cursor page looks at nothing but the cursor and the count, and ``name``."""

    def change(params: dict[str, str]) -> None:
        if params.get("cursor"):
            for each in ("filter", "sortBy", "sortOrder"):
                params.pop(each if each != name else "", None)

    return asks(change)


def lets_cursors_in(request: httpx.Request, send: Send) -> httpx.Response:
    """Who has a cursor needs no token."""
    headers = {**request.headers, "authorization": "Bearer t0ken"}
    has_cursor = "cursor" in request.url.params
    return send(httpx.Request(request.method, request.url, headers=headers) if has_cursor else request)


def announces(name: str, value: Any) -> Fault:
    return answers(lambda body: body["pagination"].update({name: value}), "GET .*/ServiceProviderConfig")


def takes_any_message(request: httpx.Request, send: Send) -> httpx.Response:
    answer = send(request)
    wrong = answer.status_code == 400 and request.url.path.endswith(".search")
    return httpx.Response(200, json=listed()) if wrong else answer


def only(kind: str) -> Fault:
    """The root finds resources of one type."""

    def change(body: Any) -> None:
        body["Resources"] = [row for row in body["Resources"] if row["meta"]["resourceType"] == kind]
        total_of_the_page(body)

    return answers(change, r"/v2/(\.search)?\?")


def refuses(name: str, where: Any) -> Fault:
    """A page that is asked for with a number that the server does not like is an error."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        given = request.url.params.get(name, "x").removeprefix("-")
        bad = given.isdigit() and where(int(request.url.params[name]))
        return httpx.Response(400, json=error(400, "invalidValue")) if bad else send(request)

    return fault


def without_cursor(body: Any) -> None:
    body.pop("nextCursor", None)


def named(name: str, value: Any) -> Any:
    return lambda body: body.update({name: value})


WRONG: list[tuple[str, Fault]] = [
    ("O-01", ignores("sortOrder", "descending")),
    ("O-01", ignores("sortBy", "title")),
    ("O-01", asks(lambda params: params.setdefault("sortOrder", "descending") if "sortBy" in params else None)),
    ("O-02", ignores("sortBy", "name")),
    ("O-02", ignores("sortBy", "name.familyName")),
    ("O-02", says(400, "sortBy=urn")),
    ("O-03", asks(lambda params: params.update(sortBy="userName") if "emails" in params.get("sortBy", "") else None)),
    ("O-03", ignores("sortBy", "emails.*")),
    ("O-04", answers(case_counts, "sortBy=title&startIndex")),
    ("O-04", ignores("sortOrder", "sideways")),
    ("O-04", answers(turns, "sortBy=meta")),
    ("O-05", every_second_time()),
    ("O-05", ignores("startIndex", "[35]")),
    ("P-01", refuses("startIndex", lambda start: start < 1)),
    ("P-01", asks(lambda params: params.update(startIndex="2") if params.get("startIndex") == "0" else None)),
    ("P-02", ignores("count", "0")),
    ("P-02", answers(total_of_the_page, "count=0")),
    ("P-03", refuses("count", lambda count: count < 0)),
    ("P-03", ignores("count", "-.*")),
    ("P-04", says(404, r"startIndex=\d\d\d\d")),
    ("P-04", asks(lambda params: params.update(startIndex="1") if params.get("startIndex") == "5" else None)),
    ("P-05", asks(shifted)),
    ("P-05", ignores("count", "2")),
    ("P-05", answers(named("itemsPerPage", 100), USERS)),
    ("P-05", answers(total_of_the_page, "startIndex=3")),
    ("P-05", ignores("startIndex", "3")),
    ("P-06", refuses("count", lambda count: count > 1000)),
    ("P-06", asks(lambda params: params.update(count="0") if params.get("count") == "1000000" else None)),
    ("P-07", ignores("count", "one")),
    ("P-07", ignores("startIndex", "1.5")),
    ("P-08", answers(as_texts, USERS)),
    ("P-08", answers(lambda body: body.pop("itemsPerPage", None), USERS)),
    ("P-08", answers(named("startIndex", 1), USERS)),
    ("P-09", says(400, USERS + "$", error(400, "invalidValue"))),
    ("P-09", says(500, USERS + "$")),
    ("U-01", announces("index", "yes")),
    ("U-01", announces("maxPageSize", 0)),
    ("U-01", answers(lambda body: body.pop("pagination"), "GET .*/ServiceProviderConfig")),
    ("U-02", answers(without_cursor, "cursor=&")),
    ("U-02", answers(lambda body: body.update(nextCursor=body["nextCursor"] + "="), "cursor=&")),
    ("U-02", answers(named("previousCursor", "x"), "cursor=&")),
    ("U-02", asks(lambda params: params.update(cursor="") if "cursor" in params else None)),
    ("U-03", starts_anew),
    ("U-03", says(500, "cursor=conformance")),
    ("U-04", only_with("sortBy")),
    ("U-04", only_with("filter")),
    ("U-05", sends(lambda body: body.pop("cursor", None), path=r"\.search")),
    ("U-06", announces("defaultPaginationMethod", "cursor")),
    ("U-06", answers(named("nextCursor", "x"), USERS + "count=2$")),
    ("U-07", lets_cursors_in),
    ("U-08", starts_anew),
    ("Q-01", sends(lambda body: body.pop("filter", None), path=r"\.search")),
    ("Q-01", sends(lambda body: body.pop("attributes", None), path=r"\.search")),
    ("Q-01", sends(lambda body: body.pop("sortBy", None), path=r"\.search")),
    ("Q-01", sends(lambda body: body.pop("startIndex", None), path=r"\.search")),
    ("Q-02", only("User")),
    ("Q-02", answers(each_row(lambda row: row.pop("meta", None)), r"/v2/\.search")),
    ("Q-03", only("Group")),
    ("Q-03", asks(lambda params: params.pop("filter", None) if "resourceType" in params.get("filter", "") else None)),
    ("Q-04", takes_any_message),
]


@pytest.mark.parametrize("id, fault", WRONG, ids=[f"{id}-{number}" for number, (id, _) in enumerate(WRONG)])
def test_a_wrong_server_fails(id: str, fault: Fault) -> None:
    found = result(id, fault)
    assert found.status == "failed", found
    assert "could not be read" not in found.reason


def test_a_right_server_passes() -> None:
    found = {id: result(id) for id in dict.fromkeys(id for id, _ in WRONG)}
    assert {id: each.reason for id, each in found.items() if each.status == "failed"} == {}
    assert [id for id, each in found.items() if each.status == "skipped"] == ["P-09"]


def test_reading_alone_judges_and_changes_nothing() -> None:
    asked = []

    def seen(request: httpx.Request, send: Send) -> httpx.Response:
        asked.append(request)
        return send(request)

    app = Bridge().app
    with opened(app) as session:
        assert session.people and session.teams
    with opened(app, seen, write=False) as session:
        found = {id: judged(session, REQUIREMENTS[id]) for id in dict.fromkeys(id for id, _ in WRONG)}
    assert {id: each.reason for id, each in found.items() if each.status == "failed"} == {}
    assert [id for id, each in found.items() if each.status == "skipped"] == ["P-09"]
    assert all(each.method == "GET" or is_asked(each, r"POST .*/\.search") for each in asked)


@pytest.mark.parametrize("id", ["O-01", "O-03", "U-02", "U-05", "Q-01", "Q-02", "Q-03"])
def test_what_is_not_offered_is_skipped(id: str) -> None:
    def lacks(request: httpx.Request, send: Send) -> httpx.Response:
        if is_asked(request, r"\.search|/v2/\?"):
            return httpx.Response(501, json=error(501))
        answer = send(request)
        if not request.url.path.endswith("/ServiceProviderConfig"):
            return answer
        config = {**json.loads(answer.content), "sort": {"supported": False}}
        config.pop("pagination")
        return httpx.Response(200, json=config)

    assert result(id, lacks).status == "skipped"


def test_a_result_too_large_is_refused_as_such() -> None:
    assert result("P-09", says(400, USERS + "$", error(400, "tooMany"))).status == "passed"
