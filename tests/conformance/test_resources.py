"""The checks of creating, reading, replacing and deleting find servers that do it wrong."""

from typing import Any

import httpx
import pytest

from tests.conformance.faults import (
    body_of,
    both,
    pretends,
    refuses,
    shows,
    silent_about,
    takes,
    turns,
)
from tests.conformance.servers import Fault, Send, answers, result
from tests.protocol.memory import EXTRA

_POST, _PUT, _DELETE = "^POST .*/Users", "^PUT ", "^DELETE "
_UNKNOWN = "urn:example:params:scim:schemas:nowhere:1.0:Thing"
_NO_ATTRIBUTE = "conformanceNowhere"


def _named(body: Any) -> None:
    body.setdefault("userName", "somebody")


def _upper_case_is_another(body: Any) -> None:
    if str(body.get("userName")).startswith("CONF"):
        body["userName"] = f"other-{body['userName']}"


def _all_primary(row: Any) -> None:
    for each in row.get("emails", ()):
        each["primary"] = True


def _without_unknown(body: Any) -> None:
    body.pop(_UNKNOWN, None)
    body["schemas"] = [each for each in body["schemas"] if each != _UNKNOWN]


def _keeps_doubles() -> Fault:
    doubled: set[str] = set()

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        body, answer = body_of(request), send(request)
        if request.method == "POST" and body and len(body.get("phoneNumbers", ())) == 2:
            doubled.add(answer.json()["id"])
        if request.method != "GET" or request.url.path.rpartition("/")[2] not in doubled:
            return answer
        shown = answer.json()
        return httpx.Response(200, json={**shown, "phoneNumbers": shown["phoneNumbers"] * 2})

    return fault


def _creates_by_put(request: httpx.Request, send: Send) -> httpx.Response:
    if request.method != "PUT" or not request.url.path.endswith("nowhere"):
        return send(request)
    url = request.url.copy_with(path=request.url.path.rpartition("/")[0])
    return send(httpx.Request("POST", url, headers=request.headers, content=request.content))


def _ids_without_case(request: httpx.Request, send: Send) -> httpx.Response:
    start, _, last = request.url.path.rpartition("/")
    path = f"{start}/{last.lower()}" if request.method == "GET" and "/Users/" in request.url.path else request.url.path
    return send(
        httpx.Request(
            request.method, request.url.copy_with(path=path), headers=request.headers, content=request.content
        )
    )


def _old_names_stay_taken() -> Fault:
    names: dict[str, str] = {}

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        body = body_of(request) or {}
        if request.method == "POST" and body.get("userName") in names.values():
            return httpx.Response(409, json={})
        answer = send(request)
        if request.method == "POST" and answer.status_code == 201:
            names[answer.json()["id"]] = str(body.get("userName"))
        return answer

    return fault


def _no_defaults_overridden(body: Any) -> None:
    if body.get("nickName") is None:
        body["nickName"] = "Nick"


def _badge_ignored(body: Any) -> None:
    body.get(EXTRA.id, {}).pop("badge", None)


WRONG: list[tuple[str, str, Fault]] = [
    ("C-01", "no Location", silent_about("location", _POST)),
    ("C-01", "another status", turns(201, 200, _POST)),
    ("C-01", "not the stored resource", answers(lambda body: body.pop("emails"), _POST)),
    ("C-03", "refuses an id", refuses(lambda body: "id" in body, _POST)),
    ("C-03", "takes meta", shows(lambda row: row["meta"].update(created="2001-01-01T00:00:00Z"))),
    ("C-03", "takes groups", shows(lambda row: row.update(groups=[{"value": "x"}]))),
    ("C-04", "no scimType", turns(409, 409, _POST)),
    ("C-04", "another status", turns(409, 400, _POST, "uniqueness")),
    ("C-04", "names with case", takes(_upper_case_is_another, _POST)),
    ("C-05", "invents a userName", takes(_named, _POST)),
    ("C-05", "invents a displayName", takes(lambda body: body.setdefault("displayName", "x"), "^POST .*/Groups")),
    ("C-05", "breaks down", turns(400, 500, _POST)),
    (
        "C-06",
        "takes blanks",
        takes(lambda body: None if body["userName"].strip() else {**body, "userName": "x"}, _POST),
    ),
    ("C-07", "states no schemas", answers(lambda body: body.pop("schemas"), _POST)),
    ("C-08", "drops a name", takes(lambda body: body.pop("name") if isinstance(body["name"], str) else None, _POST)),
    ("C-08", "takes any truth", takes(lambda body: {**body, "active": bool(body.get("active", True))}, _POST)),
    ("C-09", "null is a value", takes(lambda body: {**body, "title": body.get("title", "x") or "x"}, _POST)),
    ("C-09", "defaults win", takes(_no_defaults_overridden, _POST)),
    ("C-09", "refuses null", refuses(lambda body: None in body.values(), _POST)),
    ("C-10", "shows it to GET", shows(lambda row: row.update(password="x"))),
    ("C-10", "shows it when created", answers(lambda body: body.update(password="x"), _POST)),
    ("C-12", "keeps both", shows(_all_primary)),
    ("C-15", "keeps it", both(takes(_without_unknown, _POST), shows(lambda row: row["schemas"].append(_UNKNOWN)))),
    ("C-15", "breaks down", turns(400, 500, _POST)),
    ("C-16", "keeps both", _keeps_doubles()),
    ("C-17", "deletes nothing", pretends(_DELETE)),
    ("C-17", "another status", turns(204, 200, _DELETE)),
    ("C-17", "names stay taken", _old_names_stay_taken()),
    ("C-20", "changes nothing", pretends(_PUT)),
    ("C-20", "no resource in the answer", turns(200, 204, _PUT)),
    ("C-20", "lists are lost", takes(lambda body: body.pop("phoneNumbers", None), _PUT)),
    ("C-21", "refuses meta", refuses(lambda body: "meta" in body, _PUT)),
    ("C-21", "ignores immutable", takes(_badge_ignored, _PUT)),
    ("C-22", "creates", _creates_by_put),
    ("C-22", "another status", turns(404, 400, _PUT)),
    ("C-23", "invents a userName", takes(_named, _PUT)),
    ("C-24", "no scimType", turns(409, 409, _PUT)),
    ("C-24", "breaks down", turns(409, 500, _PUT)),
    ("C-25", "null changes nothing", pretends(_PUT, lambda body: None in body.values())),
    ("C-25", "[] changes nothing", pretends(_PUT, lambda body: [] in body.values())),
    ("C-30", "another location", shows(lambda row: row["meta"].update(location="http://inner.test/Users/1"))),
    ("C-30", "another resource", shows(lambda row: row.update(id="x"), "^GET .*/Users/")),
    ("C-30", "no ETag", silent_about("etag", "^GET .*/Users/")),
    ("C-31", "without case", _ids_without_case),
    ("C-32", "keeps it", shows(lambda row: row.update({_NO_ATTRIBUTE: "x"}))),
    ("C-32", "refuses one of two", refuses(lambda body: _NO_ATTRIBUTE in body, _POST)),
]


@pytest.mark.parametrize(("id", "wrong", "fault"), WRONG, ids=lambda each: each if isinstance(each, str) else "")
def test_a_wrong_server_is_found(id: str, wrong: str, fault: Fault) -> None:
    found = result(id, fault)
    assert found.status == "failed", found.reason
    assert "could not be read" not in found.reason
