"""The checks of PATCH find servers that do it wrong."""

import re
from typing import Any

import httpx
import pytest

from tests.conformance.faults import (
    answer,
    body_of,
    operates,
    pretends,
    refuses_operation,
    shows,
    takes,
    turns,
)
from tests.conformance.servers import Fault, Send, result
from tests.protocol.memory import ENTERPRISE

_PATCH = "^PATCH "
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def _add_replaces(operation: Any) -> None:
    operation["op"] = "replace" if operation.get("op") == "add" else operation.get("op")


def _replace_adds(operation: Any) -> None:
    operation["op"] = "add" if operation.get("op") == "replace" else operation.get("op")


def _filters_ignored(op: str) -> Fault:
    """A filter in the path of such an operation is not looked at."""

    def change(operation: Any) -> None:
        if operation.get("op") == op:
            operation["path"] = re.sub(r"\[.*?\]", "", operation.get("path", ""))

    return operates(change)


def _only_the_first(operation: Any) -> None:
    """Where a filter names several values, the first counts."""
    operation["path"] = re.sub(r" or .*?\]", "]", operation.get("path", ""))


def _clears_names(operation: Any) -> None:
    """A complex value without a family name takes it away."""
    value = operation.get("value")
    name = value if operation.get("path") == "name" else value.get("name") if isinstance(value, dict) else None
    if isinstance(name, dict):
        name.setdefault("familyName", None)


def _touching() -> Fault:
    """Every PATCH makes a new time of modification."""
    count = 0

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        nonlocal count
        count += request.method == "PATCH"
        modified = f"2026-02-01T00:00:{count:02}Z"
        return shows(lambda row: row["meta"].update(lastModified=modified))(request, send)

    return fault


def _adding_twice() -> Fault:
    """What is added is there twice if it was there before."""
    again = False

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        nonlocal again
        again = again or (request.method == "PATCH" and '"add"' in request.content.decode())
        double = shows(lambda row: row.update(phoneNumbers=row.get("phoneNumbers", []) * 2))
        return double(request, send) if again else send(request)

    return fault


def _all_primary(row: Any) -> None:
    for each in row.get("phoneNumbers", ()):
        each["primary"] = True


def _one_by_one(request: httpx.Request, send: Send) -> httpx.Response:
    """Operations are carried out until one fails."""
    body = body_of(request)
    if request.method != "PATCH" or not body.get("Operations"):
        return send(request)

    def alone(operation: Any) -> httpx.Response:
        return takes(lambda whole: {**whole, "Operations": [operation]})(request, send)

    found = alone(body["Operations"][0])
    for each in body["Operations"][1:]:
        found = found if found.status_code >= 400 else alone(each)
    return found


def _has_urn(operation: Any) -> bool:
    return "path" not in operation and ENTERPRISE in operation.get("value", {})


def _no_values_left(row: Any) -> None:
    row["schemas"] = [each for each in row["schemas"] if each != ENTERPRISE]


def _empty_answer(request: httpx.Request, send: Send) -> httpx.Response:
    found = send(request)
    named = request.method == "PATCH" and "attributes" in request.url.params
    return answer(204, None, found.headers) if named else found


def _other_answer(request: httpx.Request, send: Send) -> httpx.Response:
    found = send(request)
    wrong = request.method == "PATCH" and found.status_code == 200
    return answer(200, {**found.json(), "title": "Other"}, found.headers) if wrong else found


WRONG: list[tuple[str, str, Fault]] = [
    *(
        (id, "changes nothing", pretends(_PATCH))
        for id in "T-01 T-02 T-04 T-06 T-07 T-09 T-11 T-15 T-27 T-28 T-34 T-38".split()
    ),
    ("T-01", "only where there is none", refuses_operation(lambda each: each.get("value") == "Second")),
    ("T-02", "replaces", operates(_add_replaces)),
    ("T-02", "refuses one object", refuses_operation(lambda each: isinstance(each.get("value"), dict))),
    ("T-03", "another time", _touching()),
    ("T-03", "refuses", refuses_operation(lambda each: each.get("op") == "add")),
    ("T-03", "a second one", _adding_twice()),
    ("T-04", "clears the rest", operates(_clears_names)),
    ("T-06", "two primary values", shows(_all_primary)),
    ("T-07", "clears the rest", operates(_clears_names)),
    ("T-07", "adds to a list", operates(_replace_adds)),
    ("T-09", "nothing to replace", refuses_operation(lambda each: each.get("path") == "title", "noTarget")),
    ("T-11", "changes all", _filters_ignored("replace")),
    ("T-11", "changes one of two", operates(_only_the_first)),
    ("T-13", "silently nothing", turns(400, 204, _PATCH)),
    ("T-13", "another scimType", turns(400, 400, _PATCH, "invalidPath")),
    ("T-15", "removes all", _filters_ignored("remove")),
    ("T-17", "removes all", _filters_ignored("remove")),
    ("T-17", "another scimType", refuses_operation(lambda each: each.get("op") == "remove")),
    ("T-18", "silently nothing", turns(400, 204, _PATCH)),
    ("T-18", "another scimType", turns(400, 400, _PATCH, "invalidSyntax")),
    ("T-19", "silently nothing", turns(400, 204, _PATCH)),
    ("T-19", "another scimType", turns(400, 400, _PATCH, "invalidValue")),
    ("T-20", "silently nothing", turns(400, 204, _PATCH)),
    ("T-20", "another scimType", turns(400, 400, _PATCH, "invalidValue")),
    ("T-21", "breaks down", turns(400, 500, _PATCH)),
    ("T-21", "silently nothing", turns(400, 204, _PATCH)),
    ("T-23", "breaks down", turns(400, 500, _PATCH)),
    ("T-23", "silently nothing", turns(400, 200, _PATCH)),
    ("T-26", "one by one", _one_by_one),
    ("T-27", "the last first", takes(lambda body: {**body, "Operations": body["Operations"][::-1]}, _PATCH)),
    ("T-28", "schemas do not tell", shows(_no_values_left)),
    ("T-28", "no URN in a value", refuses_operation(_has_urn)),
    ("T-34", "paths have a case", refuses_operation(lambda each: each.get("path", "").isupper())),
    ("T-34", "no core URN", refuses_operation(lambda each: "core:2.0" in each.get("path", ""))),
    ("T-36", "any schema", takes(lambda body: {**body, "schemas": [PATCH_OP]}, _PATCH)),
    ("T-37", "breaks down", turns(409, 500, _PATCH)),
    ("T-37", "no scimType", turns(409, 409, _PATCH)),
    ("T-38", "removes all", _filters_ignored("remove")),
    ("T-38", "adds only", operates(_replace_adds)),
    ("T-38", "replaces only", operates(_add_replaces)),
    ("T-50", "204 though attributes are asked for", _empty_answer),
    ("T-50", "another answer", _other_answer),
    ("T-50", "another status", turns(200, 202, _PATCH)),
]


@pytest.mark.parametrize(("id", "wrong", "fault"), WRONG, ids=lambda each: each if isinstance(each, str) else "")
def test_a_wrong_server_is_found(id: str, wrong: str, fault: Fault) -> None:
    found = result(id, fault)
    assert found.status == "failed", found.reason
    assert "could not be read" not in found.reason
