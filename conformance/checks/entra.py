"""What Microsoft Entra ID needs of a server that it provisions."""

import json
from contextlib import suppress
from typing import Any, Final
from uuid import uuid4

from scim_bridge.conformance.patches import expect_members, step, team
from scim_bridge.conformance.questions import compare, element, holding, judge, within
from scim_bridge.conformance.requirements import Skipped, expect, requirement, skip
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.site import USER, read
from scim_bridge.conformance.wire import Answer

_PHONE: Final = "+1 (555) 010-9999"
_CHARACTERISTICS: Final = ("name", "type", "multiValued", "mutability", "returned")


@requirement("A-01", "I", "Entra ID", "Users are matched by userName, externalId and work address, joined by and")
def match_users(session: Session) -> None:
    users, people = session.users, session.people
    name = compare(users, "userName", "eq", people[0]["userName"])
    judge(session, users, name, people)
    for each in holding(people, "externalId")[:1]:
        judge(session, users, compare(users, "externalId", "eq", each["externalId"]), people)
    for each in holding(people, "active")[:1]:
        judge(session, users, name & compare(users, "active", "eq", each["active"]), people)
    for value in _work_addresses(people):
        is_work = element(users, "emails", "type", "eq", "work")
        question = within("emails", is_work & element(users, "emails", "value", "eq", value))
        judge(session, users, question.written(f'emails[type eq "work"].value eq {json.dumps(value)}'), people)
    with suppress(Skipped):  # a server without groups can still be given users
        name = compare(session.groups, "displayName", "eq", session.teams[0]["displayName"])
        judge(session, session.groups, name, session.teams)


def _first_members(teams: list[dict[str, Any]]) -> list[str]:
    """The id of a member, where any group shows one."""
    return [str(read(each, "members.value")[0]) for each in holding(teams, "members.value")][:1]


def _work_addresses(people: list[dict[str, Any]]) -> list[str]:
    """The first of them."""
    elements = [one for each in people for one in each.get("emails") or () if isinstance(one, dict)]
    return [str(each["value"]) for each in elements if each.get("type") == "work" and each.get("value")][:1]


@requirement("A-02", "I", "Entra ID", "Groups are read without their members, asked for one member, created empty")
def read_groups_without_members(session: Session) -> None:
    groups, teams = session.groups, session.teams
    name = json.dumps(teams[0]["displayName"])
    listed = session.get(groups.endpoint, excludedAttributes="members", filter=f"displayName eq {name}")
    single = session.get(f"{groups.endpoint}/{teams[0]['id']}", excludedAttributes="members")
    for row in [*listed.resources(), single.ok(200).object]:
        expect("members" not in row, f"{listed.told} shows members, which it must leave out")
    ids = [row.get("id") for row in listed.resources()]
    expect(teams[0]["id"] in ids, f"{listed.told} does not find the group")
    for member in _first_members(teams):
        for each in teams:
            question = compare(groups, "id", "eq", each["id"]) & compare(groups, "members.value", "eq", member)
            judge(session, groups, question.written(f'id eq "{each["id"]}" and members eq "{member}"'), teams)
    empty = session.make(groups)
    renamed = step("replace", "displayName", session.name())
    found = session.change(groups, empty["id"], renamed).get("displayName")
    expect(found == renamed["value"], f"a group renamed to {renamed['value']} is shown as {found!r}")


@requirement(
    "A-03", "I", "Entra ID", "Inactive users stay to be read; deleted ones are 404, the second time too", writes=True
)
def delete_softly_then_hard(session: Session) -> None:
    users = session.users
    session.writable(users, "active")
    made = session.made(users, active=False)
    path = f"{users.endpoint}/{made['id']}"
    expect(made.get("active") is False, f"GET {path} shows active {made.get('active')!r} of an inactive user")
    rows = session.search(users, f"userName eq {json.dumps(made['userName'])}")
    expect([each.get("id") for each in rows] == [made["id"]], "a filter by userName does not find an inactive user")
    session.delete(path).ok(204)
    session.get(path).refused(404)
    session.delete(path).refused(404)


@requirement("A-04", "I", "Entra ID", "Values are kept as sent; answers hold no nulls, and each type once in a list")
def values_are_kept(session: Session) -> None:
    for each in session.people:
        path = _null_in(each)
        expect(path is None, f"GET of {each['id']} shows {path} as null")
        for name, held in each.items():
            types = [one.get("type") for one in held if isinstance(one, dict)] if isinstance(held, list) else []
            twice = {one for one in types if one is not None and types.count(one) > 1}
            listed = name in ("emails", "phoneNumbers", "addresses", "ims", "photos")
            expect(
                not (listed and twice), f"GET of {each['id']} shows several {name} of type {', '.join(sorted(twice))}"
            )
    phones = session.writable(session.users, "phoneNumbers")
    made = session.made(session.users, **{phones.path: [{"value": _PHONE, "type": "work"}]})
    found = read(made, "phoneNumbers.value")
    expect(found == [_PHONE], f"a phone number was sent as {_PHONE!r} and is shown as {found!r}")


def _null_in(value: Any, path: str = "") -> str | None:
    """Where a JSON value holds a null; None where it holds none."""
    if value is None:
        return path
    inner: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        inner = [(f"{path}.{name}".lstrip("."), each) for name, each in value.items()]
    elif isinstance(value, list):
        inner = [(f"{path}[{number}]", each) for number, each in enumerate(value)]
    return next((found for name, each in inner if (found := _null_in(each, name)) is not None), None)


@requirement("A-05", "I", "Entra ID", "The connection test, a look-up of a random name, is an empty list with 200")
def connection_test(session: Session) -> None:
    paths = [(session.users, "userName")]
    with suppress(Skipped):  # a server that is empty, or without groups, can still be tested
        expect(session.people, "the server has no users")
        paths += [(session.groups, "displayName")] if session.teams else []
    for kind, path in paths:
        session.site.needs("filter")
        answer = session.get(kind.endpoint, filter=f'{path} eq "{uuid4()}"').ok(200)
        expect(answer.total == 0 and not answer.resources(), f"{answer.told} finds {answer.total} resources")


@requirement(
    "A-06",
    "I",
    "Entra ID",
    "Both of Entra's ways to write a PATCH are taken, the old one and that of RFC 7644",
    writes=True,
)
def both_ways_to_patch(session: Session) -> None:
    """Each shape has a check of its own, T-29 to T-45; this one sends them as the two modes mix them."""
    users, text = session.users, session.text(session.users, kept=True)
    session.writable(users, "active")
    made = session.made(users, active=True)
    path, old, new = f"{users.endpoint}/{made['id']}", session.name(), session.name()
    deactivate = {"op": "Replace", "path": "active", "value": "False"}
    answer = session.patch(path, deactivate, {"op": "Add", "path": text.path, "value": old}).ok(200, 204)
    _shows(session, made["id"], answer, {"active": False, text.path: old})
    values = {"active": True, text.path: new}
    flag = {"aadOptscim062020": ""}
    answer = session.patch(path, {"op": "replace", "value": values}, params=flag).ok(200, 204)
    _shows(session, made["id"], answer, values)
    groups, group, ids = team(session, 3)
    path = f"{groups.endpoint}/{group}"
    removal = {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": ids[0]}]}
    session.patch(path, removal).ok(200, 204)
    expect_members(session, groups, group, ids[1:3], "Remove of members with the value of one")
    session.patch(path, step("remove", f'members[value eq "{ids[1]}"]'), params=flag).ok(200, 204)
    expect_members(session, groups, group, ids[2:3], "remove of a member by filter")


def _shows(session: Session, user: str, answer: Answer, wanted: dict[str, Any]) -> None:
    shown = session.fetch(session.users, user)
    for path, value in wanted.items():
        expect(read(shown, path) == value, f"after {answer.told}, {path} is {read(shown, path)!r}, not {value!r}")


@requirement("A-07", "I", "Entra ID", "The list of /Schemas describes users and their attributes")
def schemas_are_read(session: Session) -> None:
    """One long-lived token is what this run signs in with; how TLS is set up shows only on the way to the server."""
    answer = session.get("/Schemas")
    users = [each for each in answer.resources() if str(each.get("id", "")).lower() == USER.lower()]
    if not users and session.users.schema != USER:
        skip(f"the server's users have the schema {session.users.schema}")
    expect(len(users) == 1, f"{answer.told} has {len(users)} schemas {USER}")
    attributes = users[0].get("attributes") or []
    expect(attributes, f"{answer.told}: the schema of users has no attributes")
    for each in attributes:
        missing = [name for name in _CHARACTERISTICS if each.get(name) is None]
        expect(not missing, f"{answer.told}: {each.get('name')} lacks {', '.join(missing)}")
