"""Bulk requests and what they are answered (RFC 7644 section 3.7)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote

from scim_bridge.conformance.requirements import expect, skip
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.site import Kind
from scim_bridge.conformance.wire import ERROR, Answer

BULK_REQUEST: Final = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
BULK_RESPONSE: Final = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
NOWHERE: Final = "conformance-nowhere"
OTHER_VERSION: Final = 'W/"conformance-no-such-version"'

Outcome = Mapping[str, Any]


def bulk_users(session: Session) -> Kind:
    """Users. Raises Skipped where they cannot be written, or Bulk is not offered."""
    session.site.needs("bulk")
    if session.users.read_only:
        skip("User is read-only")
    return session.users


def bulk_groups(session: Session) -> Kind:
    """Groups whose members can be written. Raises Skipped."""
    bulk_users(session)
    kind = session.groups
    return kind if kind.writable("members") else skip("the members of a Group cannot be written")


def one(method: str, path: str, data: Any = None, **more: Any) -> dict[str, Any]:
    """An operation."""
    return {"method": method, "path": path, **({} if data is None else {"data": data}), **more}


def creation(session: Session, kind: Kind, bulk_id: str, **values: Any) -> dict[str, Any]:
    """An operation that creates a resource."""
    return one("POST", kind.endpoint, session.body(kind, **values), bulkId=bulk_id)


def send(session: Session, *operations: Mapping[str, Any], **more: Any) -> Answer:
    """The answer to a Bulk request with these operations."""
    return session.post("/Bulk", {"schemas": [BULK_REQUEST], **more, "Operations": list(operations)})


def outcomes_of(answer: Answer) -> list[Outcome]:
    """The operations of a BulkResponse. Raises Failed where it is none, or a failure does not say why."""
    body = answer.ok(200).object
    expect(BULK_RESPONSE in (body.get("schemas") or ()), f"{answer.told}: the answer is no BulkResponse")
    rows = body.get("Operations")
    expect(isinstance(rows, list), f"{answer.told}: the answer has no list of Operations")
    found: list[Outcome] = [dict(each) for each in rows or ()]
    for each in found:
        status = each.get("status")
        numeric = isinstance(status, str) and status.isdecimal()
        expect(numeric, f"{answer.told}: the status of an operation is {status!r}, not text as '201'")
        if not str(status).startswith("2"):
            reason = each.get("response")
            told = isinstance(reason, Mapping) and ERROR in (reason.get("schemas") or ())
            expect(told, f"{answer.told}: an operation failed with {status}, and its response is no SCIM error")
    return found


def carried_out(session: Session, *operations: Mapping[str, Any]) -> list[Outcome]:
    """The outcomes of operations that must all succeed, in the order of the operations."""
    answer = send(session, *operations)
    found = outcomes_of(answer)
    expect(len(found) == len(operations), f"{answer.told}: {len(found)} outcomes of {len(operations)} operations")
    for each in found:
        expect(str(each["status"]).startswith("2"), f"{answer.told}: {told_of(each)}")
    return found


def told_of(outcome: Outcome) -> str:
    """An outcome as a person is told of it."""
    response = outcome.get("response")
    detail = f": {response.get('detail')}" if isinstance(response, Mapping) else ""
    name = " ".join(str(outcome[each]) for each in ("method", "bulkId") if each in outcome)
    return f"{name} has the status {outcome.get('status')}{detail}"


def id_of(outcomes: Sequence[Outcome], bulk_id: str) -> str:
    """The id of what an operation created, by its location. Raises Failed."""
    found = next((each for each in outcomes if each.get("bulkId") == bulk_id), None)
    expect(found is not None, f"POST /Bulk: no outcome has the bulkId {bulk_id}")
    location = str((found or {}).get("location") or "")
    expect(location, f"POST /Bulk: the outcome of the bulkId {bulk_id} has no location")
    return unquote(location.rstrip("/").rpartition("/")[2])


def is_there(session: Session, kind: Kind, name: str) -> bool:
    """Whether there is a resource of that userName or displayName; False where no filters are offered to find it."""
    attribute = "userName" if kind is session.users else "displayName"
    return session.site.supports("filter") and bool(session.search(kind, f'{attribute} eq "{name}"'))
