"""PATCH operations, and what they must have left (RFC 7644 section 3.5.2)."""

from collections.abc import Mapping, Sequence
from typing import Any

from scim_bridge.conformance.elements import Holder
from scim_bridge.conformance.requirements import expect, skip
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.site import Kind, read


def step(op: str, path: str, value: Any = None) -> dict[str, Any]:
    """An operation; one that removes has no value."""
    return {"op": op, "path": path} if op == "remove" else {"op": op, "path": path, "value": value}


def patchable(session: Session) -> Kind:
    """Users. Raises Skipped where they, or the server, take no PATCH."""
    session.site.needs("patch")
    if session.users.read_only:
        skip("User is read-only")
    return session.users


def expect_value(resource: Mapping[str, Any], path: str, wanted: Any, told: str) -> None:
    """Raises Failed unless the resource has the value at the path; None stands for none."""
    found = read(resource, path)
    unassigned = wanted is None and found in (None, "", [], {})
    expect(found == wanted or unassigned, f"{told}: {path} is {found!r}, not {wanted!r}")


def expect_values(resource: Mapping[str, Any], held: Holder, wanted: Sequence[Mapping[str, Any]], told: str) -> None:
    """Raises Failed unless the multi-valued attribute has just these values, in whatever order."""
    found = sorted(map(str, read(resource, f"{held.name}.value") or []))
    values = sorted(str(each["value"]) for each in wanted)
    expect(found == values, f"{told}: the values of {held.name} are {found}, not {values}")


def select(element: Mapping[str, Any]) -> str:
    """The filter in a path that selects a value."""
    return f'[value eq "{element["value"]}"]'


def team(session: Session, count: int) -> tuple[Kind, str, list[str]]:
    """The resource type Group, a new group's id, and ids of people: so many members, then two that are none.

    Raises Skipped where members cannot be written.
    """
    session.site.needs("patch")
    kind = session.groups
    if not kind.writable("members"):
        skip("the members of a Group cannot be written")
    if session.users.read_only:
        ids = [str(each["id"]) for each in session.people[: count + 2]]
        if len(ids) < count + 2:
            skip("there are too few users to put into a group")
    else:
        ids = [str(session.make(session.users)["id"]) for _ in range(count + 2)]
    members = {"members": [{"value": each} for each in ids[:count]]} if count else {}
    return kind, str(session.make(kind, **members)["id"]), ids


def expect_members(session: Session, kind: Kind, group_id: str, wanted: Sequence[str], told: str) -> None:
    """Raises Failed unless a group has just these members."""
    members = kind.attribute("members")
    asked = {"attributes": "members"} if members is not None and members.returned == "request" else {}
    found = sorted(map(str, read(session.fetch(kind, group_id, **asked), "members.value") or []))
    expect(found == sorted(wanted), f"{told}: the members are {found}, not {sorted(wanted)}")
