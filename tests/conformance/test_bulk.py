"""The checks of Bulk find servers that do it wrong."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.faults import takes, turns
from tests.conformance.servers import Fault, answers, result

_BULK = "^POST .*/Bulk"
BULK_REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


def _outcomes(change: Callable[[dict[str, Any]], object]) -> Fault:
    """The outcome of each operation is told otherwise."""

    def each(body: Any) -> None:
        for outcome in body.get("Operations", ()):
            change(outcome)

    return answers(each, _BULK)


def _operations(change: Callable[[dict[str, Any]], object]) -> Fault:
    """Each operation is taken otherwise."""

    def each(body: Any) -> None:
        for operation in body.get("Operations", ()):
            change(operation)

    return takes(each, _BULK)


def _reads(text: str, instead: str) -> Fault:
    return takes(lambda body: json.loads(json.dumps(body).replace(text, instead)), _BULK)


def _without(method: str) -> Fault:
    """Operations of a method are left out."""

    def change(body: Any) -> None:
        body["Operations"] = [each for each in body["Operations"] if each.get("method") != method]

    return takes(change, _BULK)


def _no_members(operation: Any) -> None:
    if operation.get("method") == "POST":
        operation.get("data", {}).pop("members", None)


WRONG: list[tuple[str, str, Fault]] = [
    ("B-01", "status is a number", _outcomes(lambda each: each.update(status=int(each["status"])))),
    ("B-01", "no location", _outcomes(lambda each: each.pop("location", None))),
    ("B-01", "another location", _outcomes(lambda each: each.update(location="http://inner.test/1"))),
    ("B-01", "no bulkId", _outcomes(lambda each: each.pop("bulkId", None))),
    ("B-01", "no method", _outcomes(lambda each: each.pop("method", None))),
    ("B-01", "another version", _outcomes(lambda each: each.update(version='W/"x"'))),
    ("B-01", "no PATCH", _without("PATCH")),
    ("B-01", "PUT ignored", _reads('"title": "Put"', '"title": "Other"')),
    ("B-02", "not in values", _reads("bulkId:person", "person")),
    ("B-02", "members are lost", _operations(_no_members)),
    ("B-02", "not in paths", _reads("/bulkId:empty", "/empty")),
    ("B-03", "members are lost", _operations(_no_members)),
    ("B-03", "not resolved, and not 409", _reads("bulkId:person", "person")),
    ("B-04", "failOnErrors is not known", takes(lambda body: body.pop("failOnErrors", None), _BULK)),
    ("B-04", "the first failure stops all", takes(lambda body: {**body, "failOnErrors": 1}, _BULK)),
    ("B-04", "failures say nothing", _outcomes(lambda each: each.pop("response", None))),
    ("B-05", "another status", turns(413, 400, _BULK)),
    ("B-05", "the limit is not named", turns(413, 413, _BULK)),
    ("B-06", "another status", turns(413, 400, _BULK)),
    ("B-07", "no bulkId needed", _operations(lambda each: each.setdefault("bulkId", "x"))),
    ("B-07", "breaks down", turns(200, 500, _BULK)),
    ("B-07", "an operation breaks down", _outcomes(lambda each: each.update(status="500"))),
    ("B-08", "left out", _operations(_no_members)),
    ("B-10", "not looked at", _operations(lambda each: each.pop("version", None))),
    ("B-10", "another status", _outcomes(lambda each: each.update(status=each["status"].replace("412", "409")))),
    ("B-11", "more rights", _outcomes(lambda each: each.update(status="201"))),
    ("B-12", "any schema", takes(lambda body: {**body, "schemas": [BULK_REQUEST]}, _BULK)),
]


@pytest.mark.parametrize(("id", "wrong", "fault"), WRONG, ids=lambda each: each if isinstance(each, str) else "")
def test_a_wrong_server_is_found(id: str, wrong: str, fault: Fault) -> None:
    found = result(id, fault)
    assert found.status == "failed", found.reason
    assert "could not be read" not in found.reason
