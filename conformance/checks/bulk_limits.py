"""What Bulk refuses (RFC 7644 sections 3.7 and 3.7.4)."""

import json
from collections.abc import Mapping
from typing import Any, Final

from scim_bridge.conformance.bulks import (
    BULK_REQUEST,
    NOWHERE,
    bulk_groups,
    bulk_users,
    creation,
    is_there,
    one,
    outcomes_of,
    send,
)
from scim_bridge.conformance.requirements import expect, requirement, skip
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.site import read

_MOST_OPERATIONS: Final = 5000
_MOST_BYTES: Final = 8 * 1024 * 1024


def _limit(session: Session, name: str, most: int) -> int:
    """A limit that ServiceProviderConfig states. Raises Skipped where there is none, or it is too high to reach."""
    found = read(session.site.config, f"bulk.{name}")
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        skip(f"ServiceProviderConfig states no bulk.{name}")
    return found if found <= most else skip(f"bulk.{name} is {found}: too much to send")


@requirement(
    "B-05",
    "M",
    "RFC 7644 section 3.7.4",
    "More than maxOperations are refused with 413, which names the limit",
    writes=True,
)
def too_many_operations_are_refused(session: Session) -> None:
    kind = bulk_users(session)
    most = _limit(session, "maxOperations", _MOST_OPERATIONS)
    kept = session.made(kind)
    missing = [one("DELETE", f"{kind.endpoint}/{NOWHERE}")] * most
    answer = send(session, one("DELETE", f"{kind.endpoint}/{kept['id']}"), *missing)
    told = f"{answer.told} with {most + 1} operations, where maxOperations is {most},"
    expect(answer.status == 413, f"{told} was answered {answer.status} instead of 413")
    answer.refused(413)
    session.untouched(kind, kept, answer)
    named = str(most).encode() in answer.content or b"maxOperations" in answer.content
    expect(named, f"{told} was answered 413, and the error does not name the limit")


@requirement("B-06", "M", "RFC 7644 section 3.7.4", "A body above maxPayloadSize is refused with 413", writes=True)
def too_long_bodies_are_refused(session: Session) -> None:
    kind = bulk_users(session)
    most = _limit(session, "maxPayloadSize", _MOST_BYTES)
    kept = session.made(kind)
    deletion = one("DELETE", f"{kind.endpoint}/{kept['id']}")
    body = json.dumps({"schemas": [BULK_REQUEST], "Operations": [deletion]}).encode()
    answer = session.wire.send("POST", "/Bulk", content=body.ljust(most + 1))
    told = f"{answer.told} with {most + 1} bytes, where maxPayloadSize is {most},"
    expect(answer.status == 413, f"{told} was answered {answer.status} instead of 413")
    answer.refused(413)
    session.untouched(kind, kept, answer)


@requirement(
    "B-07",
    "M",
    "RFC 7644 section 3.7",
    "A wrong method or path, or no bulkId, fails the operation or the request",
    writes=True,
)
def operations_are_checked(session: Session) -> None:
    kind = bulk_users(session)
    kept = session.made(kind)
    path = f"{kind.endpoint}/{kept['id']}"
    nameless = one("POST", kind.endpoint, session.body(kind))
    for operation in (
        one("FROBNICATE", path),
        one("DELETE", "/Nowhere/1"),
        one("POST", path, session.body(kind), bulkId="a"),
        one("DELETE", kind.endpoint),
        {"method": "DELETE"},
        {"path": path},
        nameless,
    ):
        _is_refused(session, operation, 400, 404, 405, 501)
    session.fetch(kind, kept["id"])
    name = nameless["data"]["userName"]
    expect(not is_there(session, kind, name), "POST /Bulk: a POST without bulkId was carried out")


def _is_refused(session: Session, operation: Mapping[str, Any], *statuses: int) -> None:
    """Raises Failed unless the request is refused, or the operation is."""
    answer = send(session, operation)
    shown = {name: value for name, value in operation.items() if name != "data"}
    if answer.status != 200:
        answer.refused(400)
        return
    found = [str(each["status"]) for each in outcomes_of(answer)]
    fits = len(found) == 1 and found[0] in map(str, statuses)
    expect(fits, f"{answer.told} of {shown}: the statuses are {found}, not {' or '.join(map(str, statuses))}")


@requirement(
    "B-08",
    "M",
    "RFC 7644 section 3.7.2",
    "A bulkId that no operation has fails the operation that names it",
    writes=True,
)
def unknown_bulk_ids_fail(session: Session) -> None:
    groups = bulk_groups(session)
    operation = creation(session, groups, "group", members=[{"value": "bulkId:nobody"}])
    _is_refused(session, operation, 400, 409)
    name = operation["data"]["displayName"]
    expect(not is_there(session, groups, name), "POST /Bulk: a group with an unknown bulkId as member was created")


@requirement(
    "B-11", "M", "RFC 7644 section 2", "An operation in a Bulk may do no more than the same request alone", writes=True
)
def operations_get_no_more_rights(session: Session) -> None:
    bulk_users(session)
    forbidden: list[tuple[str, dict[str, Any]]] = [("/Schemas", {}), ("/ResourceTypes", {})]
    forbidden += [(each.endpoint, session.body(each)) for each in session.site.kinds if each.read_only]
    judged = 0
    for endpoint, body in forbidden:
        alone = session.post(endpoint, body)
        if alone.status < 300:
            continue
        answer = send(session, one("POST", endpoint, body, bulkId="a"))
        found = [str(each["status"]) for each in outcomes_of(answer)] if answer.status == 200 else [str(answer.status)]
        refused = all(each.startswith(("4", "5")) for each in found)
        expect(refused, f"POST {endpoint} is answered {alone.status} alone, and {', '.join(found)} in a Bulk")
        judged += 1
    if not judged:
        skip("nothing that this client may not do was found")
