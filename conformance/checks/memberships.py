"""Groups and their members (RFC 7643 sections 4.1.2 and 4.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from scim_bridge.conformance.requirements import Failed, Skipped, expect, requirement, skip
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.site import Kind, read
from scim_bridge.conformance.wire import Answer


@dataclass(frozen=True, slots=True)
class _Pair:
    """A group and a user that is its member, by their ids."""

    group: str
    user: str


def _pair(session: Session) -> _Pair:
    """A pair of the run's own. Raises Skipped where that cannot be made."""
    _members(session)
    user = str(session.make(session.users)["id"])
    return _Pair(str(session.make(session.groups, members=[{"value": user}])["id"]), user)


def _members(session: Session) -> None:
    if not session.groups.writable("members"):
        skip("the members of a Group cannot be written")


def _some_pair(session: Session) -> _Pair:
    """The same, or one that is there."""
    if session.write:
        try:
            return _pair(session)
        except Skipped:
            pass
    for group in session.teams:
        for each in group.get("members") or ():
            if str(each.get("type", "User")).lower() == "user" and _is_user(session, each.get("value")):
                return _Pair(str(group["id"]), str(each["value"]))
    skip("no group that was looked at has a user as a member")


def _is_user(session: Session, wanted: Any) -> bool:
    return isinstance(wanted, str) and session.get(f"{session.users.endpoint}/{wanted}").status == 200


def _groups_of(session: Session, user: str) -> dict[str, dict[str, Any]]:
    """The groups that a user shows when asked for them, by id."""
    shown = session.fetch(session.users, user, attributes="groups").get("groups") or []
    return {str(each.get("value")): each for each in shown}


def _needs_groups(session: Session) -> None:
    if session.users.attribute("groups") is None:
        skip("User has no groups attribute")


def _leads_to(reference: Any, kind: Kind, wanted: str) -> bool:
    """Whether a `$ref`, absolute or relative to the service's root, is a resource's URI."""
    return f"/{unquote(str(reference)).lstrip('/')}".endswith(f"{kind.endpoint}/{wanted}")


@requirement("S-20", "M", "RFC 7643 section 4.1.2", "A user's groups are those that have it as a member, and read-only")
def groups_follow_from_members(session: Session) -> None:
    _needs_groups(session)
    mutability = getattr(session.users.attribute("groups"), "mutability", "")
    expect(mutability == "readOnly", f"/Schemas: User.groups is {mutability}, not readOnly")
    pair = _some_pair(session)
    held = _groups_of(session, pair.user)
    told = f"{session.users.endpoint}/{pair.user}: groups"
    if pair.group not in held:
        raise Failed(f"{told} are {sorted(held)}, without {pair.group}, which has it as a member")
    entry = held[pair.group]
    reference, kind = entry.get("$ref"), entry.get("type")
    right = reference is None or _leads_to(reference, session.groups, pair.group)
    expect(right, f"{told} refer to {pair.group} by {reference!r}")
    expect(kind in (None, "direct"), f"{told} have {pair.group} as {kind!r}, not direct")
    if session.write and not session.users.read_only:
        _expect_groups_not_written(session, pair)


def _expect_groups_not_written(session: Session, pair: _Pair) -> None:
    """Groups in a user's body make no members."""
    other = session.make(session.users, groups=[{"value": pair.group}])["id"]
    values = read(session.fetch(session.groups, pair.group), "members.value") or []
    expect(other not in values, f"POST {session.users.endpoint} with groups made the user a member of one")


@requirement("S-21", "S", "RFC 7643 section 4.2", "A member is told with its type and where it is")
def members_are_told_whole(session: Session) -> None:
    pair = _some_pair(session)
    members = session.fetch(session.groups, pair.group).get("members") or []
    told = f"{session.groups.endpoint}/{pair.group}"
    if not members:
        members = session.fetch(session.groups, pair.group, attributes="members").get("members") or []
    one = next((each for each in members if each.get("value") == pair.user), None)
    if one is None:
        raise Failed(f"{told} does not show its member {pair.user}")
    reference, kind, display = one.get("$ref"), one.get("type"), one.get("display")
    expect(_leads_to(reference, session.users, pair.user), f"{told}: the member {pair.user} has the $ref {reference!r}")
    expect(kind == session.users.name, f"{told}: the member {pair.user} has the type {kind!r}")
    expect(display is None or isinstance(display, str), f"{told}: the member {pair.user} has the display {display!r}")


@requirement("S-22", "I", "RFC 7643 section 2.3.7", "What is deleted is no member and no group of anybody", writes=True)
def deletion_ends_memberships(session: Session) -> None:
    pair = _pair(session)
    staying = str(session.make(session.users)["id"])
    team = session.make(session.groups, members=[{"value": pair.user}, {"value": staying}])["id"]
    session.delete(f"{session.users.endpoint}/{pair.user}").ok(204)
    found = read(session.fetch(session.groups, team), "members.value") or []
    expect(
        pair.user not in found, f"{session.groups.endpoint}/{team} still has the deleted user {pair.user} as a member"
    )
    expect(found == [staying], f"deleting one of two members left {session.groups.endpoint}/{team} with {found}")
    session.delete(f"{session.groups.endpoint}/{team}").ok(204)
    if session.users.attribute("groups") is not None:
        held = _groups_of(session, staying)
        expect(team not in held, f"{session.users.endpoint}/{staying} still shows the deleted group {team}")


@requirement(
    "S-23",
    "Y",
    "RFC 7643 section 2.3.7",
    "A member that does not exist is always refused, or always taken",
    writes=True,
)
def unknown_members_are_treated_alike(session: Session) -> None:
    _members(session)
    kind, unknown = session.groups, {"value": session.name()}
    group = session.made(kind)
    answer = session.post(kind.endpoint, session.body(kind, members=[unknown]))
    taken = _is_taken(answer)
    if not session.site.supports("patch"):
        return
    operation = {"op": "add", "path": "members", "value": [unknown]}
    change = session.patch(f"{kind.endpoint}/{group['id']}", operation)
    if not _is_taken(change):
        session.untouched(kind, group, change)
    words = {True: "taken", False: "refused"}
    expect(
        taken == _is_taken(change),
        f"{answer.told} with an unknown member is {words[taken]}, {change.told} is {words[not taken]}",
    )


def _is_taken(answer: Answer) -> bool:
    if answer.status in (200, 201, 204):
        return True
    answer.refused(400, 409)
    return False


@requirement("S-24", "Y", "RFC 7643 section 4.2", "Groups may hold groups, even in a circle", writes=True)
def groups_hold_groups(session: Session) -> None:
    pair, kind = _pair(session), session.groups
    answer = session.post(kind.endpoint, session.body(kind, members=[{"value": pair.group, "type": kind.name}]))
    if answer.status == 400:
        answer.refused(400)
        skip("the server takes no groups as members")
    outer = str(answer.ok(201).object["id"])
    found = read(session.fetch(kind, outer), "members.value") or []
    expect(found == [pair.group], f"{kind.endpoint}/{outer}, made with a group as a member, has {found}")
    if session.users.attribute("groups") is not None:
        _expect_indirect(session, pair, outer)
    if session.site.supports("patch"):
        _expect_circle(session, pair, outer)


def _expect_indirect(session: Session, pair: _Pair, outer: str) -> None:
    held = _groups_of(session, pair.user)
    told = f"{session.users.endpoint}/{pair.user}: groups"
    if outer not in held:
        raise Failed(f"{told} are {sorted(held)}, without {outer}, which holds a group that has it as a member")
    stated = held[outer].get("type")
    expect(stated in (None, "indirect"), f"{told} have {outer} as {stated!r}, not indirect")


def _expect_circle(session: Session, pair: _Pair, outer: str) -> None:
    """A circle is taken or refused; either way everything can still be read."""
    operation: Mapping[str, Any] = {"op": "add", "path": "members", "value": [{"value": outer, "type": "Group"}]}
    answer = session.patch(f"{session.groups.endpoint}/{pair.group}", operation)
    if not _is_taken(answer):
        return
    found = read(session.fetch(session.groups, pair.group), "members.value") or []
    expect(set(found) == {pair.user, outer}, f"{answer.told} left the members {found}")
    if session.users.attribute("groups") is not None:
        held = _groups_of(session, pair.user)
        expect({pair.group, outer} <= set(held), f"in a circle of groups, a member's groups are {sorted(held)}")


@requirement("S-25", "M", "RFC 7643 section 8.7.1", "A group has a displayName")
def groups_have_names(session: Session) -> None:
    kind = session.groups
    attribute = kind.attribute("displayName")
    if attribute is None:
        raise Failed("/Schemas: Group has no displayName")
    expect(attribute.required, "/Schemas: displayName of Group is not required (erratum 5368)")
    for each in session.teams:
        expect(each.get("displayName"), f"{kind.endpoint}/{each['id']} has no displayName")
    if session.write and not kind.read_only:
        session.make(kind)
        body = {name: value for name, value in session.body(kind).items() if name != "displayName"}
        session.post(kind.endpoint, body).refused(400)
