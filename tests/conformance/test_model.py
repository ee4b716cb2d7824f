"""The checks of the resource model pass a right server, and find wrong ones."""

import json
import unicodedata
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from scim_bridge.conformance.results import Result
from scim_bridge.conformance.suites.own import judged
from scim_bridge.providers.scim.sandbox import TOKEN, Sandbox
from tests.conformance.faults import answer, body_of, both, refusal, refuses, shows, takes, turns
from tests.conformance.servers import BASE, REQUIREMENTS, Fault, Send, answers, is_asked, opened, says
from tests.protocol.memory import ENTERPRISE, EXTRA, GROUP_URN, USER_URN, Bridge

OURS = [id for id in REQUIREMENTS if id.startswith("S-")]
CREATION = r"^POST \S*/Users\?"
USERS = "^GET .*/Users"
GROUPS = "^GET .*/Groups"


# -- a directory that knows the groups of its users -------------------------------------------------------------------


def related(request: httpx.Request, send: Send) -> httpx.Response:
    """What the directory in memory leaves to its upstream: the groups of users, and no members that are gone."""
    if request.method == "DELETE":
        _leave_all(request, send)
    found = send(request)
    path, asked = request.url.path, request.url.params.get("attributes", "")
    if request.method != "GET" or "groups" not in asked or found.status_code != 200 or "/Users/" not in path:
        return found
    resource = found.json()
    resource["groups"] = list(_groups_of(request, send, resource["id"]))
    return answer(200, resource, found.headers)


def _teams(request: httpx.Request, send: Send) -> dict[str, list[str]]:
    """The members of each group."""
    url = httpx.URL(f"{BASE}/Groups", params={"count": 1000})
    rows = send(httpx.Request("GET", url, headers=_signed(request))).json()["Resources"]
    return {each["id"]: [one["value"] for one in each.get("members", ())] for each in rows}


def _signed(request: httpx.Request) -> dict[str, str]:
    return {"authorization": request.headers["authorization"]}


def _groups_of(request: httpx.Request, send: Send, user: str) -> Iterator[dict[str, Any]]:
    teams = _teams(request, send)
    direct = {each for each, members in teams.items() if user in members}
    held, more = set(direct), set(direct)
    while more:
        more = {each for each, members in teams.items() if more & set(members)} - held
        held |= more
    for each in sorted(held):
        yield {"value": each, "$ref": f"{BASE}/Groups/{each}", "type": "direct" if each in direct else "indirect"}


def _leave_all(request: httpx.Request, send: Send) -> None:
    gone = request.url.path.rpartition("/")[2]
    for group, members in _teams(request, send).items():
        if gone in members:
            operation = {"op": "remove", "path": f'members[value eq "{gone}"]'}
            body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]}
            send(httpx.Request("PATCH", f"{BASE}/Groups/{group}", headers=_signed(request), content=json.dumps(body)))


def verdict(id: str, fault: Fault | None = None, *, write: bool = True) -> Result:
    with opened(fault=related if fault is None else both(fault, related), write=write) as session:
        return judged(session, REQUIREMENTS[id])


# -- faults -----------------------------------------------------------------------------------------------------------


def without(*names: str) -> Any:
    return lambda row: [row.pop(name, None) for name in names]


def sets(**values: Any) -> Any:
    return lambda row: row.update(values)


def of_meta(**values: Any) -> Any:
    return lambda row: row["meta"].update(values)


def element(name: str, **values: Any) -> Any:
    """Each value of an attribute says something else; None leaves it out."""

    def change(row: dict[str, Any]) -> None:
        for each in row.get(name) or ():
            for key, value in values.items():
                each.pop(key, None) if value is None else each.update({key.replace("ref", "$ref"): value})

    return change


def moves(urn: str, name: str) -> Any:
    """What an extension holds stands beside it."""
    return lambda row: row.update({name: row[urn].pop(name)}) if name in row.get(urn, ()) else None


def takes_ids(request: httpx.Request, send: Send) -> httpx.Response:
    wanted = (body_of(request) or {}).get("id") if request.method == "POST" else None
    found = send(request)
    if wanted is None or found.status_code != 201:
        return found
    return answer(201, found.json() | {"id": wanted}, found.headers)


def remembers_meta(request: httpx.Request, send: Send) -> httpx.Response:
    """The server keeps the meta that the first client sent."""
    sent = (body_of(request) or {}).get("meta") if request.method == "POST" else None
    found = send(request)
    if sent:
        META.update(sent)
    if META and request.method == "GET" and found.status_code == 200 and "/Users/" in request.url.path:
        body = found.json()
        return answer(200, {**body, "meta": {**body["meta"], **META}}, found.headers)
    return found


META: dict[str, Any] = {}


def hoards() -> Fault:
    """The server never lets go of a user name."""
    names: set[str] = set()

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        body = body_of(request) or {}
        name = body.get("userName") if is_asked(request, CREATION) else None
        if name in names:
            return refusal(409, "uniqueness")
        found = send(request)
        if name and found.status_code == 201:
            names.add(name)
        return found

    return fault


def external_ids_are_unique() -> Fault:
    seen: set[str] = set()

    def taken(body: Any) -> bool:
        value = body.get("externalId")
        known = value in seen
        seen.add(value)
        return known and value is not None

    return refuses(taken, CREATION, 409, "uniqueness")


def spreads(when: Any) -> Fault:
    """The server stores user names that it should find taken under a name that is free."""
    return takes(
        lambda body: body.update(userName=f"2{body['userName']}") if when(body["userName"]) else None, CREATION
    )


def drops(name: str, when: Any) -> Fault:
    """The server leaves out what it should refuse."""
    return takes(lambda body: [body.pop(name)] if name in body and when(body[name]) else None, CREATION)


def changes_badges(request: httpx.Request, send: Send) -> httpx.Response:
    body = body_of(request) or {}
    if request.method != "PUT" or EXTRA.id not in body:
        return send(request)
    shown = send(httpx.Request("GET", request.url, headers=request.headers))
    return answer(200, {**shown.json(), EXTRA.id: body[EXTRA.id]}, {})


def makes_members(request: httpx.Request, send: Send) -> httpx.Response:
    """Groups in a user's body are carried out."""
    found = send(request)
    for each in (body_of(request) or {}).get("groups") or () if is_asked(request, CREATION) else ():
        operation = {"op": "add", "path": "members", "value": [{"value": found.json()["id"]}]}
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]}
        url = f"{BASE}/Groups/{each['value']}"
        send(httpx.Request("PATCH", url, headers=_signed(request), content=json.dumps(body)))
    return found


def keeps_members(request: httpx.Request, send: Send) -> httpx.Response:
    """Nobody leaves a group by being deleted."""
    if request.method == "DELETE":
        GONE.append(request.url.path.rpartition("/")[2])
    return shows(lambda row: row.get("members", []).extend({"value": each} for each in GONE), GROUPS)(request, send)


GONE: list[str] = []


def nested(body: Any) -> None:
    """/Schemas has an attribute of three levels."""
    for schema in body["Resources"]:
        for attribute in schema["attributes"]:
            if attribute["name"] == "name":
                attribute["subAttributes"].append({"name": "former", "type": "complex", "subAttributes": []})


def described(urn: str, name: str, **values: Any) -> Fault:
    def change(body: Any) -> None:
        for schema in body["Resources"]:
            for attribute in schema["attributes"]:
                if schema["id"] == urn and attribute["name"] == name:
                    attribute.update(values)

    return answers(change, "/Schemas")


def is_decomposed(name: str) -> bool:
    return not name.isascii() and name != unicodedata.normalize("NFC", name)


def tells_password_as_title(request: httpx.Request, send: Send) -> httpx.Response:
    return answers(sets(title=(body_of(request) or {}).get("password")), "^PUT")(request, send)


def tells_password(request: httpx.Request, send: Send) -> httpx.Response:
    found = send(request)
    secret = (body_of(request) or {}).get("password")
    if not secret or found.status_code != 409:
        return found
    return answer(409, found.json() | {"detail": f"{request.content.decode()} is taken"}, found.headers)


WRONG: list[tuple[str, Fault]] = [
    ("S-01", shows(sets(schemas=[]))),
    ("S-01", shows(sets(schemas=[ENTERPRISE]))),
    ("S-01", shows(sets(schemas=[USER_URN, USER_URN]))),
    ("S-01", shows(sets(schemas=[USER_URN, GROUP_URN]))),
    ("S-01", shows(sets(**{ENTERPRISE: {"department": "R&D"}}))),
    ("S-02", shows(sets(id=7))),
    ("S-02", shows(sets(id="same"), r"^GET \S*/Users\?.*count=100")),
    ("S-02", shows(without("id"), "attributes=userName")),
    ("S-02", answers(without("id"), "excludedAttributes=id")),
    ("S-02", takes_ids),
    ("S-03", shows(lambda row: row.update(externalId=row.get("externalId", "").lower()))),
    ("S-03", shows(lambda row: row.setdefault("externalId", row["id"]))),
    ("S-03", external_ids_are_unique()),
    ("S-04", shows(of_meta(resourceType="Person"))),
    ("S-04", shows(of_meta(created="2026-01-01"))),
    ("S-04", shows(of_meta(created="2099-01-01T00:00:00Z"))),
    ("S-04", shows(lambda row: row["meta"].pop("location"))),
    ("S-04", shows(without("meta"))),
    ("S-04", remembers_meta),
    ("S-04", answers(of_meta(lastModified="2099-01-01T00:00:00Z"), CREATION)),
    ("S-05", shows(of_meta(location="http://inner.test/v2/Users/1"), "^GET .*/Users/")),
    ("S-05", shows(of_meta(location=f"{BASE}/Users"), r"^GET .*/Users\?")),
    ("S-05", shows(lambda row: row["meta"].pop("location"))),
    ("S-06", says(400, "filter=USERNAME")),
    ("S-06", says(400, "filter=URN:IETF")),
    ("S-06", answers(without("userName"), "attributes=USERNAME")),
    ("S-06", shows(lambda row: row.update(username=row.pop("userName", None)))),
    ("S-06", refuses(lambda body: "USERNAME" in body, CREATION)),
    ("S-06", refuses(lambda body: body["Operations"][0]["path"].isupper(), "^PATCH", scim_type="invalidPath")),
    ("S-07", shows(sets(active="true"))),
    ("S-07", shows(sets(title=5))),
    ("S-07", shows(sets(emails={"value": "a@example.com"}))),
    ("S-07", shows(element("emails", primary="yes"))),
    ("S-07", shows(sets(name="Barbara"))),
    ("S-07", shows(sets(**{EXTRA.id: {"since": "2026-01-01"}, "schemas": [USER_URN, EXTRA.id]}))),
    ("S-07", shows(sets(**{EXTRA.id: {"key": "no base64!"}}))),
    ("S-07", shows(sets(**{EXTRA.id: {"level": 1.5}}))),
    ("S-07", shows(sets(**{EXTRA.id: {"site": "no uri"}}))),
    ("S-07", drops("active", lambda value: value == "perhaps")),
    ("S-07", drops("x509Certificates", lambda value: value == [{"value": "QUJD!"}])),
    ("S-07", drops(EXTRA.id, lambda value: value.get("since") == "2026-01-02")),
    ("S-07", drops(EXTRA.id, lambda value: value.get("level") == 1.5)),
    ("S-08", answers(nested, "/Schemas")),
    ("S-08", shows(sets(name={"former": {"familyName": "Jensen"}}))),
    ("S-08", shows(sets(addresses=[{"geo": [{"lat": 1}]}]))),
    ("S-09", refuses(lambda body: None in body.values() or [] in body.values(), CREATION)),
    ("S-09", takes(lambda body: {name: "null" if each is None else each for name, each in body.items()}, CREATION)),
    ("S-10", shows(sets(emails=[{"value": "a", "primary": True}, {"value": "b", "primary": True}]))),
    ("S-10", shows(lambda row: [each.update(primary="@" in each["value"]) for each in row.get("phoneNumbers", ())])),
    ("S-11", shows(lambda row: row.update(externalId=row.get("externalId", "").lower()))),
    ("S-11", takes(lambda body: body.get(EXTRA.id, {}).update(site="https://example.com/abcdef"), CREATION)),
    ("S-12", shows(moves(ENTERPRISE, "employeeNumber"))),
    ("S-12", shows(lambda row: row.update(department="Sales"))),
    ("S-12", takes(lambda body: body.pop(ENTERPRISE, None), CREATION)),
    ("S-12", shows(sets(schemas=[USER_URN]))),
    ("S-12", answers(lambda body: body["Resources"][0]["schemaExtensions"][0].update(required=True), "/ResourceTypes")),
    ("S-13", shows(sets(**{EXTRA.id: {"hint": "h"}}))),
    ("S-13", answers(sets(password="secret"), "attributes=password")),
    ("S-13", refuses(lambda body: "groups" in body, CREATION)),
    ("S-13", shows(lambda row: row.update(profileUrl=f"https://example.com/{row['userName'].partition('@')[0]}"))),
    ("S-13", changes_badges),
    ("S-14", spreads(str.isupper)),
    ("S-14", turns(409, 400)),
    ("S-14", turns(409, 409)),
    ("S-14", hoards()),
    ("S-15", spreads(is_decomposed)),
    ("S-15", spreads(lambda name: name.isupper() and not name.isascii() and not is_decomposed(name))),
    ("S-16", shows(sets(x509Certificates=[{"value": "aGVsbG8="}]))),
    ("S-16", shows(element("x509Certificates", value="MAA="))),
    ("S-16", drops("x509Certificates", lambda value: value == [{"value": "no certificate!"}])),
    ("S-17", answers(sets(password="secret"), "attributes=password")),
    ("S-17", shows(sets(password="secret"), "attributes=password,userName")),
    ("S-17", tells_password_as_title),
    ("S-17", tells_password),
    ("S-20", answers(without("groups"), "attributes=groups")),
    ("S-20", answers(element("groups", ref=f"{BASE}/Groups/other"), "attributes=groups")),
    ("S-20", answers(element("groups", type="indirect"), "attributes=groups")),
    ("S-20", described(USER_URN, "groups", mutability="readWrite")),
    ("S-20", makes_members),
    ("S-21", shows(element("members", type=None), GROUPS)),
    ("S-21", shows(lambda row: [each.pop("$ref") for each in row.get("members", ())], GROUPS)),
    ("S-21", shows(element("members", ref=f"{BASE}/Groups/1"), GROUPS)),
    ("S-21", shows(without("members"), GROUPS)),
    ("S-22", keeps_members),
    ("S-22", shows(without("members"), GROUPS)),
    ("S-23", turns(400, 200, "^PATCH")),
    ("S-23", says(500, "^PATCH")),
    ("S-24", answers(element("groups", type="direct"), "attributes=groups")),
    ("S-24", answers(lambda row: row.update(groups=row["groups"][:1]), "attributes=groups")),
    ("S-24", says(500, "^PATCH")),
    ("S-24", shows(without("members"), GROUPS)),
    ("S-25", described(GROUP_URN, "displayName", required=False)),
    ("S-25", shows(without("displayName"), GROUPS)),
    ("S-25", takes(lambda body: body.setdefault("displayName", "Unnamed"), r"^POST \S*/Groups\?")),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _forgetful() -> None:
    META.clear()
    GONE.clear()


@pytest.mark.parametrize("id, fault", WRONG, ids=[f"{id}-{number}" for number, (id, _) in enumerate(WRONG)])
def test_a_wrong_server_fails(id: str, fault: Fault) -> None:
    found = verdict(id, fault)
    assert found.status == "failed", found.reason


def test_the_section_is_whole() -> None:
    assert [f"S-{number:02}" for number in (*range(1, 18), *range(20, 26))] == OURS


def test_a_right_server_passes() -> None:
    with opened(fault=related) as session:
        found = [judged(session, REQUIREMENTS[id]) for id in OURS]
        assert session.cleanup() == []
    assert [(each.id, each.status, each.reason) for each in found if each.status != "passed"] == []


def test_reading_alone_judges_what_is_there() -> None:
    app = Bridge().app
    with opened(app) as session:
        assert session.teams  # and the people in them
    with opened(app, related, write=False) as session:
        found = {id: judged(session, REQUIREMENTS[id]) for id in OURS}
    assert {id for id, each in found.items() if each.status == "failed"} == set()
    changing = {id for id in OURS if REQUIREMENTS[id].writes}
    assert {id for id, each in found.items() if each.status == "skipped"} == changing


def test_a_read_only_server_is_judged_by_what_it_shows() -> None:
    bridge = Bridge()
    with opened(bridge.app) as session:
        assert session.teams
    closed = Bridge(writable=False)
    closed.upstream.records, closed.upstream.members = bridge.upstream.records, bridge.upstream.members
    with opened(closed.app, related) as session:
        found = [judged(session, REQUIREMENTS[id]) for id in OURS]
    assert [(each.id, each.reason) for each in found if each.status == "failed"] == []
    assert {each.id for each in found if each.status == "passed"} >= set("S-01 S-02 S-04 S-05 S-07 S-20 S-21".split())


def test_the_gaps_of_scim2_server_are_found() -> None:
    def signed_in(request: httpx.Request, send: Send) -> httpx.Response:
        request.headers["authorization"] = f"Bearer {TOKEN}"
        return send(request)

    with opened(Sandbox(3), signed_in, base="http://server.test/v2") as session:
        found = [judged(session, REQUIREMENTS[id]) for id in OURS]
    failed = {each.id for each in found if each.status == "failed"}
    assert failed == set("S-07 S-20 S-21 S-22 S-24".split())


def test_one_rule_for_unknown_members_is_as_good_as_another() -> None:  # S-23
    def lenient(request: httpx.Request, send: Send) -> httpx.Response:
        found = send(request)
        return answer(201, {"id": "1"}, {}) if found.status_code == 400 else found

    assert verdict("S-23", lenient).status == "passed"


def test_a_server_that_nests_no_groups_is_not_judged_by_nested_ones() -> None:  # S-24
    flat = refuses(lambda body: any(each.get("type") == "Group" for each in body.get("members", ())), "^POST")
    assert verdict("S-24", flat).status == "skipped"


def test_user_names_in_ascii_alone_are_not_judged_beyond() -> None:  # S-15
    narrow = refuses(lambda body: not body.get("userName", "").isascii(), CREATION)
    assert verdict("S-15", narrow).status == "skipped"
