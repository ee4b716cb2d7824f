"""Several operations in one request (RFC 7644 section 3.7)."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from scim_bridge.conformance.bulks import (
    NOWHERE,
    OTHER_VERSION,
    Outcome,
    bulk_groups,
    bulk_users,
    carried_out,
    creation,
    id_of,
    is_there,
    one,
    outcomes_of,
    send,
    told_of,
)
from scim_bridge.conformance.patches import expect_members, expect_value, step
from scim_bridge.conformance.requirements import expect, requirement
from scim_bridge.conformance.session import PATCH_OP, Session
from scim_bridge.conformance.site import Kind, put, read


@requirement(
    "B-01",
    "M",
    "RFC 7644 section 3.7",
    "POST, PUT, PATCH and DELETE in one request, each with its outcome",
    writes=True,
)
def every_operation_has_its_outcome(session: Session) -> None:
    kind, text = bulk_users(session), session.text(session.users, kept=True)
    replaced, changed, deleted = (session.make(kind) for _ in range(3))
    paths = [f"{kind.endpoint}/{each['id']}" for each in (replaced, changed, deleted)]
    body = put(session.body(kind, userName=replaced["userName"]), text.path, "Put")
    operations = [creation(session, kind, "one"), one("PUT", paths[0], body), one("DELETE", paths[2])]
    if session.site.supports("patch"):
        patch = {"schemas": [PATCH_OP], "Operations": [step("replace", text.path, "Patched")]}
        operations.append(one("PATCH", paths[1], patch))
    outcomes = carried_out(session, *operations)
    for operation in operations:
        _is_answered(outcomes, operation)
    session.fetch(kind, id_of(outcomes, "one"))
    expect_value(session.fetch(kind, replaced["id"]), text.path, "Put", "PUT in a Bulk")
    if session.site.supports("patch"):
        expect_value(session.fetch(kind, changed["id"]), text.path, "Patched", "PATCH in a Bulk")
    session.get(paths[2]).refused(404)
    _versions_are_those_of_a_get(session, kind, outcomes)


def _is_answered(outcomes: Sequence[Outcome], operation: Mapping[str, Any]) -> None:
    """An outcome has the operation's method, its bulkId, and a location that is the resource's."""
    method, path = operation["method"], operation["path"]
    found = next((each for each in outcomes if each.get("method") == method), None)
    expect(found is not None, f"POST /Bulk: no outcome has the method {method}")
    location = unquote(str((found or {}).get("location") or ""))
    expect(location, f"POST /Bulk: the outcome of {method} {path} has no location")
    if method == "POST":
        expect(f"{path}/" in location, f"POST /Bulk: the outcome of POST {path} has the location {location}")
    else:
        expect(location.endswith(path), f"POST /Bulk: the outcome of {method} {path} has the location {location}")


def _versions_are_those_of_a_get(session: Session, kind: Kind, outcomes: Sequence[Outcome]) -> None:
    for each in outcomes:
        version = each.get("version")
        if version is not None and each.get("method") != "DELETE":
            resource_id = unquote(str(each["location"]).rpartition("/")[2])
            shown = read(session.fetch(kind, resource_id), "meta.version")
            expect(version == shown, f"POST /Bulk: {each['method']} tells the version {version}, and a GET {shown}")


@requirement(
    "B-02", "M", "RFC 7644 section 3.7.2", "bulkId:x stands for the new id, in values and in paths", writes=True
)
def bulk_ids_become_ids(session: Session) -> None:
    groups = bulk_groups(session)
    operations = [
        creation(session, session.users, "person"),
        creation(session, groups, "full", members=[{"value": "bulkId:person"}]),
        creation(session, groups, "empty"),
    ]
    if session.site.supports("patch"):
        change = {"schemas": [PATCH_OP], "Operations": [step("add", "members", [{"value": "bulkId:person"}])]}
        operations.append(one("PATCH", f"{groups.endpoint}/bulkId:empty", change))
    outcomes = carried_out(session, *operations)
    person = id_of(outcomes, "person")
    expect_members(session, groups, id_of(outcomes, "full"), [person], "POST of a group with a member bulkId:person")
    if session.site.supports("patch"):
        expect_members(session, groups, id_of(outcomes, "empty"), [person], f"PATCH of {groups.endpoint}/bulkId:empty")


@requirement(
    "B-03",
    "M",
    "RFC 7644 section 3.7.1",
    "References to later operations, and in a circle, are resolved or answered 409",
    writes=True,
)
def references_may_look_ahead(session: Session) -> None:
    groups = bulk_groups(session)
    group = creation(session, groups, "group", members=[{"value": "bulkId:person"}])
    outcomes = _resolved(session, group, creation(session, session.users, "person"))
    if outcomes is not None:
        person, made = id_of(outcomes, "person"), id_of(outcomes, "group")
        expect_members(session, groups, made, [person], "POST of a group with a member that a later operation creates")
    if not _nests(session, groups):
        return
    circle = [
        creation(session, groups, "first", members=[{"value": "bulkId:second", "type": "Group"}]),
        creation(session, groups, "second", members=[{"value": "bulkId:first", "type": "Group"}]),
    ]
    outcomes = _resolved(session, *circle)
    if outcomes is not None:
        first, second = id_of(outcomes, "first"), id_of(outcomes, "second")
        expect_members(session, groups, first, [second], "the first of two groups that are members of each other")
        expect_members(session, groups, second, [first], "the second of two groups that are members of each other")


def _resolved(session: Session, *operations: Mapping[str, Any]) -> list[Outcome] | None:
    """The outcomes where all succeeded; None where one was answered 409, as is allowed."""
    answer = send(session, *operations)
    outcomes = outcomes_of(answer)
    for each in outcomes:
        allowed = str(each["status"]) == "409" or str(each["status"]).startswith("2")
        expect(allowed, f"{answer.told}: {told_of(each)}; references are resolved, or answered 409")
    return outcomes if all(str(each["status"]).startswith("2") for each in outcomes) else None


def _nests(session: Session, groups: Kind) -> bool:
    """Whether a group can be a member of a group here."""
    inner = session.make(groups)["id"]
    body = session.body(groups, members=[{"value": inner, "type": "Group"}])
    answer = session.post(groups.endpoint, body)
    return answer.status == 201 and read(session.fetch(groups, answer.object["id"]), "members.value") == [inner]


@requirement(
    "B-04",
    "M",
    "RFC 7644 section 3.7",
    "A failure stops nothing, unless there are as many as failOnErrors",
    writes=True,
)
def failures_stop_at_the_limit(session: Session) -> None:
    kind = bulk_users(session)
    bad = one("DELETE", f"{kind.endpoint}/{NOWHERE}")
    good = creation(session, kind, "good")
    answer = send(session, bad, good)
    outcomes = outcomes_of(answer)
    statuses = sorted(str(each["status"]) for each in outcomes)
    expect(statuses == ["201", "404"], f"{answer.told} of a failing and a good operation: the statuses are {statuses}")
    expect(session.get(f"{kind.endpoint}/{id_of(outcomes, 'good')}").status == 200, "the good one took no effect")
    late = creation(session, kind, "late")
    answer = send(session, bad, bad, late, failOnErrors=2)
    outcomes = outcomes_of(answer)
    told = f"{answer.told} with failOnErrors 2, two failures and a good operation"
    statuses = [str(each["status"]) for each in outcomes]
    expect(statuses == ["404", "404"], f"{told}: the statuses are {statuses}")
    expect(not is_there(session, kind, late["data"]["userName"]), f"{told}: the last one was carried out")
    answer = send(session, bad, late, failOnErrors=2)
    statuses = sorted(str(each["status"]) for each in outcomes_of(answer))
    expect(
        statuses == ["201", "404"], f"{answer.told} with failOnErrors 2 and one failure: the statuses are {statuses}"
    )


@requirement("B-10", "M", "RFC 7644 section 3.7", "The version of an operation acts as If-Match", writes=True)
def versions_are_conditions(session: Session) -> None:
    kind, text = bulk_users(session), session.text(session.users, kept=True)
    session.site.needs("etag")
    before = session.made(kind)
    path = f"{kind.endpoint}/{before['id']}"
    body = put(session.body(kind, userName=before["userName"]), text.path, "Put")
    for operation in (one("PUT", path, body), one("DELETE", path)):
        answer = send(session, {**operation, "version": OTHER_VERSION})
        found = [str(each["status"]) for each in outcomes_of(answer)]
        expect(found == ["412"], f"{answer.told}: {operation['method']} with another version has the status {found}")
        session.untouched(kind, before, answer)
    carried_out(session, {**one("PUT", path, body), "version": read(before, "meta.version")})
    expect_value(session.fetch(kind, before["id"]), text.path, "Put", "PUT in a Bulk with the current version")


@requirement(
    "B-12", "S", "RFC 7644 section 3.7", "Bulk with another schema than BulkRequest is refused with 400", writes=True
)
def messages_name_their_schema(session: Session) -> None:
    kind = bulk_users(session)
    kept = session.made(kind)
    operations = [one("DELETE", f"{kind.endpoint}/{kept['id']}")]
    answer = session.post("/Bulk", {"schemas": [PATCH_OP], "Operations": operations})
    expect(answer.status != 200, f"{answer.told} took a body whose schema is {PATCH_OP}")
    answer.refused(400, types=("invalidSyntax", "invalidValue", ""))
    session.untouched(kind, kept, answer)
    session.post("/Bulk", {"Operations": operations}).ok(200, 400)
