"""Filters: values of each type, lists, memberships (RFC 7644 section 3.4.2.2)."""

from collections.abc import Iterator, Sequence
from datetime import UTC, timedelta, timezone
from typing import Any, Final

from scim_bridge.conformance.elements import holder
from scim_bridge.conformance.questions import Question, ask, compare, element, holding, instant, judge, within
from scim_bridge.conformance.requirements import Skipped, expect, requirement, skip
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.site import Attribute, Kind, read

_SOURCE: Final = "RFC 7644 section 3.4.2.2"
_LISTS: Final = ("emails", "phoneNumbers", "ims", "photos", "addresses", "roles", "entitlements")
_ODD: Final = 'O"Brien \\ 50%_*'


@requirement("F-08", "M", _SOURCE, "true and false are compared as booleans, numbers by their size")
def booleans_and_numbers_compare(session: Session) -> None:
    users, people = session.users, session.people
    has_boolean, numbered = bool(holding(people, "active")), _numbered(session)
    if has_boolean:
        judge(session, users, compare(users, "active", "eq", True), people)
        judge(session, users, compare(users, "active", "eq", False), people)
    if numbered:
        path, known = numbered
        for operator, value in (("eq", 10), ("gt", 9), ("lt", 10)):
            judge(session, users, compare(users, path, operator, value), known)
    elif not has_boolean:
        skip("no user at hand has a boolean or a number")


def _numbered(session: Session) -> tuple[str, list[dict[str, Any]]] | None:
    """A numeric attribute and users who hold 9 and 10, which text would order otherwise; None where that cannot be."""
    numbers = (each for each in session.users.attributes if each.type in ("integer", "decimal") and each.writable)
    attribute = next((each for each in numbers if not each.multi_valued and not each.canonical), None)
    if attribute is None or not session.write:
        return None
    made = [session.made(session.users, **{attribute.path: each}) for each in (9, 10)]
    return (attribute.path, made) if len(holding(made, attribute.path)) == 2 else None


@requirement("F-09", "M", _SOURCE, "A dateTime is compared as an instant, whatever its offset and fraction")
def instants_compare(session: Session) -> None:
    path = next((each for each in ("meta.lastModified", "meta.created") if holding(session.people, each)), None)
    moment = None if path is None else instant(read(holding(session.people, path)[0], path))
    if path is None or moment is None:
        skip("no user at hand shows when it was created or changed")
    utc = moment.astimezone(UTC)
    entra = f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond:06}0Z"
    east, west = (moment.astimezone(timezone(timedelta(hours=each))).isoformat() for each in (14, -12))
    for operator, written in (
        ("eq", entra),
        ("eq", east),
        ("ge", east),
        ("le", west),
        ("gt", west),
        ("lt", east),
    ):
        judge(session, session.users, compare(session.users, path, operator, written), session.people)
    later = (utc + timedelta(days=3650)).isoformat()
    rows = ask(session, session.users, f'{path} gt "{later}"')
    expect(not rows, f"{path} gt {later} finds {len(rows)} users, though that is years after the last change")


@requirement("F-10", "M", _SOURCE, "Of several values any may match; a list's bare name stands for its value")
def any_value_matches(session: Session) -> None:
    name, known = _listed(session)
    users = session.users
    for value in [str(each) for each in read(holding(known, f"{name}.value")[-1], f"{name}.value") if each]:
        for path, operator, part in (
            (f"{name}.value", "eq", value),
            (name, "eq", value),
            (name, "co", value[1:-1]),
        ):
            judge(session, users, compare(users, path, operator, part), known)


def _listed(session: Session, *, typed: bool = False) -> tuple[str, list[dict[str, Any]]]:
    """A multi-valued attribute and users, the last who holds it with two values where that can be made."""
    try:
        held = holder(session, typed=typed)
        return held.name, [*session.people, held.resource]
    except Skipped:
        paths = ["value", "type"] if typed else ["value"]
    for name in _LISTS:
        if all(holding(session.people, f"{name}.{each}") for each in paths):
            return name, session.people
    skip(f"no user at hand has a multi-valued attribute with {' and '.join(paths)}")


@requirement("F-11", "M", _SOURCE, "All conditions in a value path's brackets hold for the same element")
def brackets_mean_one_element(session: Session) -> None:
    """That `emails[type eq "work"].value eq "x"` works too is Entra's wish, and so its check's."""
    name, known = _listed(session, typed=True)
    users = session.users
    elements = [each for each in read(holding(known, f"{name}.type")[-1], name) if each.get("type")]
    first, last = elements[0], elements[-1]
    kind_of = element(users, name, "type", "eq", first["type"])
    other = first["type"] if len(elements) > 1 else _another_type(users, name, first["type"])
    value = element(users, name, "value", "eq", last["value"])
    for one in (
        kind_of & element(users, name, "value", "co", str(first["value"])[1:-1]),
        element(users, name, "type", "eq", other) & value,
        ~element(users, name, "type", "eq", other) & value,
        value & element(users, name, "type", "pr"),
    ):
        judge(session, users, within(name, one), known)


def _another_type(kind: Kind, name: str, type: str) -> str:
    attribute = kind.attribute(f"{name}.type")
    return next((str(each) for each in (attribute.canonical if attribute else ()) if each != type), "other")


@requirement("F-14", "M", _SOURCE, "Common attributes filter: schemas, meta.resourceType, dates, id, externalId")
def common_attributes_filter(session: Session) -> None:
    users, people = session.users, session.people
    for path in ("id", "externalId", "meta.resourceType"):
        for each in holding(people, path)[:1]:
            judge(session, users, compare(users, path, "eq", read(each, path)), people)
    judge(session, users, compare(users, "schemas", "eq", users.schema), people)
    for path, value in (("meta.resourceType", "Group"), ("schemas", "urn:example:params:scim:schemas:none")):
        judge(session, users, compare(users, path, "eq", value), people)
    for each in holding(people, "meta.lastModified")[:1]:
        judge(session, users, compare(users, "meta.lastModified", "gt", "2001-01-01T00:00:00Z"), people)
        judge(session, users, compare(users, "meta.lastModified", "gt", read(each, "meta.lastModified")), people)


@requirement("F-15", "M", _SOURCE, "Text in a filter is a JSON string: escapes are read, no character is a wildcard")
def text_is_json(session: Session) -> None:
    path, known = _odd_text(session)
    users = session.users
    for each in holding(known, path)[-2:]:
        value = str(read(each, path))
        question = compare(users, path, "eq", value)
        escaped = "".join(f"\\u{unit:04x}" for unit in _units(value))
        judge(session, users, question, known)
        judge(session, users, question.written(f'{path} eq "{escaped}"'), known)
        for wild in "%_*":
            judge(session, users, compare(users, path, "eq", f"{value[:1]}{wild}{value[2:]}"), known)
    for operator, value in (("co", "%"), ("sw", "_"), ("ew", "*"), ("eq", f"O'{session.name()}")):
        judge(session, users, compare(users, path, operator, value), known)


def _units(text: str) -> Iterator[int]:
    """UTF-16 code units, as JSON's escapes want them."""
    encoded = text.encode("utf-16-be")
    return (int.from_bytes(encoded[each : each + 2]) for each in range(0, len(encoded), 2))


def _odd_text(session: Session) -> tuple[str, list[dict[str, Any]]]:
    """An attribute of which a user holds a text full of special characters; userName where none can be given one."""
    for path in ("nickName", "displayName", "title"):
        if any(read(each, path) == _ODD for each in session.people):
            return path, session.people
    try:
        text = session.text(session.users)
        made = session.made(session.users, **{text.path: _ODD})
    except Skipped:
        return "userName", session.people
    return text.path, [*session.people, made]


@requirement("F-26", "M", _SOURCE, "Groups are found by a member: members.value, members, members[value eq ...]")
def groups_are_found_by_member(session: Session) -> None:
    groups = session.groups
    teams = _with_members(session)
    held = holding(teams, "members.value")
    if not held:
        skip("no group at hand has members")
    member = str(read(held[0], "members.value")[0])
    question = compare(groups, "members.value", "eq", member)
    own, other = (compare(groups, "id", "eq", each["id"]) for each in (held[0], teams[-1]))
    for written in (question.filter, f'members eq "{member}"', f'members[value eq "{member}"]'):
        judge(session, groups, question.written(written), teams)
    for each in (own, other):
        judge(session, groups, (each & question).written(f'{each.filter} and members eq "{member}"'), teams)
    judge(session, groups, compare(groups, "members.value", "eq", session.name()), teams)


def _with_members(session: Session) -> list[dict[str, Any]]:
    """The groups at hand with their members, also where a GET shows these only when asked."""
    if session.groups.attribute("members") is None:
        skip("the schema of groups has no members")
    if holding(session.teams, "members"):
        return session.teams
    return [session.fetch(session.groups, each["id"], attributes="displayName,members") for each in session.teams]


@requirement("F-27", "M", _SOURCE, 'Users are found by their group: groups.value eq "..."')
def users_are_found_by_group(session: Session) -> None:
    if session.users.attribute("groups") is None:
        skip("the schema of users has no groups")
    held = [(each, _user_members(session, each)) for each in _with_members(session)]
    for team, members in held:
        own = f"{session.groups.endpoint}/{team['id']}" in session.ledger
        if members or own:
            _judge_membership(session, team["id"], members, own)
    if not any(members for _, members in held):
        skip("no group at hand has users as members")


def _user_members(session: Session, team: dict[str, Any]) -> list[str]:
    """The ids of a group's members who are users for sure."""
    known = {each["id"] for each in session.people}
    members = [each for each in team.get("members") or () if isinstance(each, dict)]
    return [str(each["value"]) for each in members if each.get("type") == "User" or each.get("value") in known]


def _judge_membership(session: Session, team: str, members: Sequence[str], own: bool) -> None:
    """Of a group of the run's own, everybody else is no member; of others, a nested group may make them one."""

    def verdict(resource: Any) -> bool | None:
        return True if resource["id"] in members else False if own else None

    rows = judge(session, session.users, Question(f'groups.value eq "{team}"', verdict), session.people)
    missing = [each for each in members if each not in [row["id"] for row in rows]]
    told = f'{session.users.endpoint}?filter=groups.value eq "{team}"'
    expect(not missing, f"{told} does not find {len(missing)} of the group's {len(members)} members")


@requirement("F-28", "M", _SOURCE, "A default that the server fills in is found by the value it shows", writes=True)
def defaults_are_found(session: Session) -> None:
    users = session.users
    body = session.body(users)
    filled = session.fetch(users, session.create(users, body)["id"])
    found = [each for each in users.attributes if _is_defaulted(each, body, filled)]
    if not found:
        skip("the server shows no default of its own in a user that was created without it")
    name = compare(users, "userName", "eq", filled["userName"])
    for each in found:
        question = compare(users, each.path, "eq", read(filled, each.path))
        judge(session, users, question & name, [filled])


def _is_defaulted(attribute: Attribute, body: Any, filled: Any) -> bool:
    simple = attribute.type in ("string", "boolean", "integer", "decimal") and not attribute.multi_valued
    return simple and read(body, attribute.path) is None and holding([filled], attribute.path) != []
