"""The checks of what named clients need pass a right server, and find wrong ones."""

import json
from typing import Any

import httpx
import pytest

from scim_bridge.conformance.suites.own import judged
from tests.conformance.faults import shows
from tests.conformance.servers import (
    REQUIREMENTS,
    Fault,
    Send,
    answers,
    each_row,
    error,
    ignores,
    is_asked,
    listed,
    opened,
    reads,
    result,
    says,
    sends,
)
from tests.protocol.memory import Bridge

OKTA_ROLE = "urn:okta:scim:schemas:core:1.0:Role"
NOBODY = 'id eq "nobody"'


def without(*names: str) -> Any:
    return each_row(lambda row: [row.pop(name, None) for name in names])


def only_the_first(body: dict[str, Any]) -> None:
    body["Operations"] = body["Operations"][:1]


def forgets_whom_to_remove(body: dict[str, Any]) -> None:
    """Removal of some members is taken for that of all."""
    for each in body["Operations"]:
        if each.get("path") == "members" and each["op"].lower() == "remove":
            each.pop("value", None)


def nulls(row: dict[str, Any]) -> None:
    row["nickName"] = None


def digits_only(body: dict[str, Any]) -> None:
    for each in body.get("phoneNumbers", ()):
        each["value"] = "".join(one for one in each["value"] if one.isdigit())


def cut(name: str) -> Fault:
    """The server takes requests without something that they have."""
    return sends(lambda body: body.pop(name, None))


def conflicts_badly(request: httpx.Request, send: Send) -> httpx.Response:
    answer = send(request)
    return httpx.Response(409, json=error(409)) if answer.status_code == 409 else answer


def deletes_twice(request: httpx.Request, send: Send) -> httpx.Response:
    answer = send(request)
    gone = request.method == "DELETE" and answer.status_code == 404
    return httpx.Response(204) if gone else answer


def hides_the_inactive(body: Any) -> None:
    if "Resources" in body:
        body["Resources"] = [row for row in body["Resources"] if row.get("active") is not False]
        body["totalResults"] = len(body["Resources"])


def always_scim_json(request: httpx.Request, send: Send) -> httpx.Response:
    answer = send(request)
    headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
    if answer.content:
        headers["content-type"] = "application/scim+json"
    return httpx.Response(answer.status_code, headers=headers, content=answer.content)


def refuses_bodies_with(name: str, value: str) -> Fault:
    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        sent = json.loads(request.content or b"{}")
        bad = isinstance(sent, dict) and value in json.dumps(sent.get(name))
        return httpx.Response(400, json=error(400, "invalidValue")) if bad and name in sent else send(request)

    return fault


def both_primary(request: httpx.Request, send: Send) -> httpx.Response:
    emails = json.loads(request.content or b"{}").get("emails") or []
    bad = sum(each.get("primary") is True for each in emails) > 1
    return httpx.Response(400, json=error(400, "invalidValue")) if bad else send(request)


def lacks_a_supported(body: Any) -> None:
    body["sort"].pop("supported")


def attributes_without_mutability(body: Any) -> None:
    for schema in body.get("Resources", ()):
        for each in schema.get("attributes", ()):
            each.pop("mutability", None)


def roles(*rows: dict[str, Any], always: bool = False) -> Fault:
    """The server has roles as Okta discovers them; ``always``: it has no other page than the first."""
    types = {"name": "Role", "endpoint": "/Roles", "schema": OKTA_ROLE}
    schema = {"id": OKTA_ROLE, "attributes": [{"name": "displayName", "type": "string"}]}

    def more(one: dict[str, Any]) -> Any:
        return lambda body: body["Resources"].append(one)

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        start = int(request.url.params.get("startIndex", 1)) - 1
        if request.url.path.endswith("/Roles"):
            page = rows[:2] if always else rows[start : start + 2]
            return httpx.Response(200, json={**listed(*page), "totalResults": len(rows)})
        extra = types if request.url.path.endswith("/ResourceTypes") else schema
        return answers(more(extra), "GET .*/(ResourceTypes|Schemas)\\?")(request, send)

    return fault


def role(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"r{number}", "displayName": f"Role {number}", "description": "", **more}


ROLES = [role(number) for number in range(3)]

WRONG: list[tuple[str, Fault]] = [
    ("K-01", reads('^userName eq "CONF.*', NOBODY)),
    ("K-01", ignores("filter")),
    ("K-01", says(400, 'userName eq "conformance-[^@]*"')),
    ("K-02", answers(without("emails"), r"GET .*/Users\?count=1")),
    ("K-02", answers(without("userName"), r"GET .*/Users\?count=1")),
    ("K-02", ignores("count", "1")),
    ("K-02", answers(without("name"), r"GET .*/Users\?filter")),
    ("K-03", conflicts_badly),
    ("K-03", shows(lambda row: row.update(externalId=f"{row.get('externalId', '')}x"))),
    ("K-03", cut("name")),
    ("K-03", refuses_bodies_with("groups", "[]")),
    ("K-03", answers(without("id", "userName"), "POST")),
    ("K-04", cut("active")),
    ("K-04", answers(lambda body: body.update(active=True), "PUT")),
    ("K-04", sends(lambda body: body["Operations"][0].update(value={}), "PATCH")),
    ("K-04", answers(hides_the_inactive, "filter")),
    ("K-05", sends(only_the_first, "PATCH")),
    ("K-05", sends(lambda body: [each.update(op="add") for each in body["Operations"] if "value" in each], "PATCH")),
    ("K-07", roles(role(1), role(2), role(3, displayName=None))),
    ("K-07", roles(role(1, description="x" * 1001))),
    ("K-07", roles(*ROLES, always=True)),
    ("K-08", says(503, "count=100")),
    ("K-08", says(429, "count=100")),
    ("A-01", says(400, r"filter=emails\[")),
    ("A-01", reads("^externalId eq .*", NOBODY)),
    ("A-01", reads(" and active eq .*", " and active pr and active eq false")),
    ("A-01", reads("^displayName eq .*", "id pr")),
    ("A-02", ignores("excludedAttributes")),
    ("A-02", reads(' and members eq ".*', "")),
    ("A-02", sends(lambda body: body["Operations"].clear(), "PATCH")),
    ("A-03", deletes_twice),
    ("A-03", answers(hides_the_inactive, "filter")),
    ("A-04", answers(each_row(nulls), "GET .*/Users")),
    ("A-04", sends(digits_only)),
    ("A-05", says(404, 'filter=userName eq "')),
    ("A-05", says(404, 'filter=displayName eq "')),
    ("A-05", ignores("filter", "displayName.*")),
    ("A-06", sends(forgets_whom_to_remove, "PATCH")),
    ("A-06", refuses_bodies_with("Operations", '"False"')),
    ("A-06", says(400, "aadOptscim062020")),
    ("A-07", answers(attributes_without_mutability, "/Schemas")),
    ("L-01", says(404, "/ResourceTypes/Group")),
    ("L-01", answers(lacks_a_supported, "/ServiceProviderConfig")),
    ("L-01", answers(without("schemas"), "/ResourceTypes/User")),
    ("L-02", ignores("attributes")),
    ("L-02", answers(without("active"), "attributes=")),
    ("L-02", says(400, "filter=meta.lastModified")),
    ("L-02", reads('^meta.lastModified ge "20', 'meta.lastModified ge "30')),
    ("G-01", reads("^emails eq .*", NOBODY)),
    ("G-01", both_primary),
    ("G-01", sends(only_the_first, "PATCH")),
    ("G-01", says(501, "PUT ")),
    ("W-01", always_scim_json),
    ("W-01", refuses_bodies_with("conformanceTemplate", "parameters")),
    ("W-01", refuses_bodies_with("id", "null")),
    ("W-01", ignores("filter")),
    ("W-01", says(200, "DELETE ")),
]


@pytest.mark.parametrize("id, fault", WRONG, ids=[f"{id}-{number}" for number, (id, _) in enumerate(WRONG)])
def test_a_wrong_server_fails(id: str, fault: Fault) -> None:
    found = result(id, fault)
    assert found.status == "failed", found
    assert "could not be read" not in found.reason


def test_a_right_server_passes() -> None:
    found = {id: result(id) for id in dict.fromkeys(id for id, _ in WRONG)}
    assert {id: each.reason for id, each in found.items() if each.status == "failed"} == {}
    assert [id for id, each in found.items() if each.status == "skipped"] == ["K-07"]
    assert result("K-07", roles(*ROLES)).status == "passed"


def test_reading_alone_changes_nothing() -> None:
    methods = []

    def seen(request: httpx.Request, send: Send) -> httpx.Response:
        methods.append(request.method)
        return send(request)

    app = Bridge().app
    with opened(app) as session:
        assert session.people and session.teams
    with opened(app, seen, write=False) as session:
        found = {id: judged(session, REQUIREMENTS[id]) for id in dict.fromkeys(id for id, _ in WRONG)}
    assert {id: each.reason for id, each in found.items() if each.status == "failed"} == {}
    passed = {id for id, each in found.items() if each.status == "passed"}
    assert passed == {"K-01", "K-02", "K-08", "A-01", "A-05", "A-07", "L-01", "L-02"}
    assert {*methods} == {"GET"}


@pytest.mark.parametrize("wait, status", [("30", "passed"), ("Wed, 01 Jan 2025 00:00:00 GMT", "failed")])
def test_a_limit_says_in_seconds_when_to_come_back(wait: str, status: str) -> None:
    def limited(request: httpx.Request, send: Send) -> httpx.Response:
        if is_asked(request, "count=100"):
            return httpx.Response(429, json=error(429), headers={"Retry-After": wait})
        return send(request)

    assert result("K-08", limited).status == status
