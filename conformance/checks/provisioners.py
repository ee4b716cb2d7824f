"""What SailPoint, Ping and OneLogin need of a server that they read or provision."""

import json
from typing import Any, Final

from scim_bridge.conformance.patches import expect_members, step, team
from scim_bridge.conformance.questions import compare, holding, judge
from scim_bridge.conformance.requirements import expect, requirement
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.site import read
from scim_bridge.conformance.wire import Answer

_CONFIG: Final = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
_TYPE: Final = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
_SCHEMA: Final = "urn:ietf:params:scim:schemas:core:2.0:Schema"
_JSON: Final = {"Accept": "application/json", "Content-Type": "application/json"}


# -- SailPoint --------------------------------------------------------------------------------------------------------


@requirement(
    "L-01", "I", "SailPoint", "ServiceProviderConfig, Schemas, ResourceTypes, and the type of users and groups"
)
def discovery_as_sailpoint_reads_it(session: Session) -> None:
    config = session.get("/ServiceProviderConfig").ok(200)
    _names(config, config.object, _CONFIG)
    for each in ("patch", "bulk", "filter", "changePassword", "sort", "etag"):
        stated = config.object.get(each)
        fits = isinstance(stated, dict) and isinstance(stated.get("supported"), bool)
        expect(fits, f"{config.told}: {each} does not say whether it is supported")
    schemas = session.get("/Schemas")
    for row in schemas.resources():
        _names(schemas, row, _SCHEMA)
        expect(row.get("id") and isinstance(row.get("attributes"), list), f"{schemas.told}: a schema has no attributes")
    for kind in session.site.kinds:
        if kind.schema.endswith((":User", ":Group")):
            answer = session.get(f"/ResourceTypes/{kind.name}").ok(200)
            _names(answer, answer.object, _TYPE)
            for name in ("name", "endpoint", "schema"):
                expect(answer.object.get(name), f"{answer.told} has no {name}")


def _names(answer: Answer, document: dict[str, Any], urn: str) -> None:
    schemas = document.get("schemas")
    expect(isinstance(schemas, list) and urn in schemas, f"{answer.told}: schemas is {schemas!r}, without {urn}")


@requirement("L-02", "I", "SailPoint", "Users are read in pages with named attributes, and since a date")
def aggregate_as_sailpoint_does(session: Session) -> None:
    users, people = session.users, session.people
    attributes = "userName,name.familyName,active"
    rows = session.crawl(users, count=100, attributes=attributes)
    shown = {str(row.get("id")): row for row in rows}
    for each in people:
        row = shown.get(str(each["id"]))
        if row is None:
            expect(False, f"{users.endpoint}?attributes={attributes} page by page leaves out {each['id']}")
            continue
        for path in attributes.split(","):
            expect(
                read(row, path) == read(each, path), f"{users.endpoint} shows another {path} of {each['id']} than a GET"
            )
        expect(not {*row} & {"emails", "title", "displayName"}, f"{users.endpoint}?attributes={attributes} shows more")
    for each in holding(people, "meta.lastModified")[:1]:
        since = compare(users, "meta.lastModified", "ge", each["meta"]["lastModified"])
        judge(session, users, since & compare(users, "userName", "eq", each["userName"]), people)
        judge(session, users, since & compare(users, "active", "eq", True), people)


# -- Ping -------------------------------------------------------------------------------------------------------------


@requirement(
    "G-01", "I", "Ping", "Look-up by userName and emails, users changed by PUT, groups by PATCH, one address twice"
)
def provision_as_ping_does(session: Session) -> None:
    users, people = session.users, session.people
    judge(session, users, compare(users, "userName", "eq", people[0]["userName"]), people)
    for each in holding(people, "emails.value")[:1]:
        judge(session, users, compare(users, "emails", "eq", read(each, "emails.value")[0]), people)
    text, name = session.text(users), session.name()
    made = session.made(users)
    answer = session.put(f"{users.endpoint}/{made['id']}", {**made, text.path: name}).ok(200)
    found = session.fetch(users, made["id"]).get(text.path)
    expect(found == name, f"after {answer.told}, {text.path} is {found!r}, not {name!r}")
    if users.writable("emails"):
        address = f"{session.name()}@example.com"
        twice = [{"value": address, "type": each, "primary": True} for each in ("work", "home")]
        held = read(session.made(users, emails=twice), "emails.value")
        expect(held and {*held} == {address}, f"an address sent as two primary ones is shown as {held!r}")
    groups, group, ids = team(session, 0)
    path, name = f"{groups.endpoint}/{group}", session.name()
    session.patch(path, step("replace", "displayName", name), step("add", "members", [{"value": ids[0]}])).ok(200, 204)
    expect_members(session, groups, group, ids[:1], "PATCH of a group's name and members")
    names = [each.get("displayName") for each in session.crawl(groups, excludedAttributes="members")]
    expect(name in names, f"{groups.endpoint} page by page does not show the group by its new name")


# -- OneLogin ---------------------------------------------------------------------------------------------------------


@requirement(
    "W-01",
    "I",
    "OneLogin",
    "A user's and a group's life from a template with nulls and odd keys, in plain JSON",
    writes=True,
)
def provision_as_onelogin_does(session: Session) -> None:
    users, name = session.users, session.name()
    session.site.needs("filter")
    expect(session.people, "the server has no users")
    absent = session.get(users.endpoint, filter=f"userName eq {json.dumps(name)}").ok(200, 404)
    expect(absent.status == 404 or absent.total == 0, f"{absent.told} finds {absent.total} users, not none")
    text = session.text(users)
    body = session.body(users)
    odd = {"id": None, "meta": {"resourceType": "User"}, "conformanceTemplate": "{$parameters.none}", text.path: None}
    made = session.post(users.endpoint, {**body, **odd}, headers=_JSON).ok(201)
    _is_plain(made)
    path = f"{users.endpoint}/{made.object['id']}"
    session.post(users.endpoint, body, headers=_JSON).refused(409)
    changed = session.put(path, {**body, **odd, text.path: name}, headers=_JSON).ok(200)
    _is_plain(changed)
    shown = session.wire.send("GET", path, headers={"Accept": "application/json"}).ok(200)
    _is_plain(shown)
    expect(shown.object.get(text.path) == name, f"after {changed.told}, {text.path} is {shown.object.get(text.path)!r}")
    expect(len(session.search(users, f"userName eq {json.dumps(body['userName'])}")) == 1, "the new user is not found")
    groups, group, ids = team(session, 1)
    session.patch(f"{groups.endpoint}/{group}", step("add", "members", [{"value": ids[1]}]), headers=_JSON).ok(200, 204)
    expect_members(session, groups, group, ids[:2], "PATCH that adds a member, in plain JSON")
    session.delete(path).ok(204)
    session.get(path).refused(404)


def _is_plain(answer: Answer) -> None:
    found = answer.media_type
    expect(found == "application/json", f"{answer.told}, asked for application/json, answers {found}")
