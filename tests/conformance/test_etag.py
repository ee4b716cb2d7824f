"""The checks of versions find servers that do it wrong."""

import httpx
import pytest

from tests.conformance.faults import both, deaf_to, in_turn, pretends, shows, silent_about, turns
from tests.conformance.servers import Fault, Send, result


def _tags(change: str) -> Fault:
    """ETags in another form: ``change`` has {} for the text between the quotes."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        answer = send(request)
        if "etag" in answer.headers:
            answer.headers["etag"] = change.format(answer.headers["etag"].removeprefix("W/").strip('"'))
        return answer

    return fault


def _knows_only(pattern: str) -> Fault:
    """If-None-Match counts only in one form: it starts and ends so."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        known = request.headers.get("if-none-match", "")
        if not known.startswith(pattern) or "," in known:
            request.headers.pop("if-none-match", None)
        return send(request)

    return fault


WRONG: list[tuple[str, str, Fault]] = [
    ("E-01", "no ETag", silent_about("etag")),
    ("E-01", "another version", shows(lambda row: row["meta"].update(version='W/"x"'))),
    ("E-01", "no entity tag", both(_tags("{}"), shows(lambda row: row["meta"].update(version="x")))),
    ("E-01", "another one when made", silent_about("etag", "^POST ")),
    ("E-02", "not looked at", deaf_to("if-none-match")),
    ("E-02", "no lists, no *", _knows_only('W/"')),
    ("E-02", "anything is known", turns(200, 304, "^GET .*/Users/")),
    ("E-03", "not looked at", deaf_to("if-match")),
    ("E-03", "another status", turns(412, 409, "^PATCH ")),
    ("E-03", "another status for DELETE", turns(412, 400, "^DELETE ")),
    ("E-04", "never another version", both(_tags('W/"1"'), deaf_to("if-match"))),
    ("E-04", "never the right one", turns(200, 412, "^PUT ")),
    ("E-04", "nothing is changed", pretends("^PUT ")),
    ("E-05", "no ETag", silent_about("etag", "^PATCH ")),
    ("E-05", "no Location", silent_about("location", "^PATCH ")),
    ("E-06", "all of them win", both(in_turn(), deaf_to("if-match"))),
    ("E-06", "none of them wins", both(in_turn(), turns(200, 412, "^PATCH "))),
]


@pytest.mark.parametrize(("id", "wrong", "fault"), WRONG, ids=lambda each: each if isinstance(each, str) else "")
def test_a_wrong_server_is_found(id: str, wrong: str, fault: Fault) -> None:
    found = result(id, fault)
    assert found.status == "failed", found.reason
    assert "could not be read" not in found.reason
