"""Security events and answers that come later (RFC 9967)."""

from typing import Any

from scim_bridge.conformance.requirements import expect, requirement
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.site import Kind
from scim_bridge.conformance.wire import Answer

_REQUESTS = ("none", "long", "request")
_LATER = {"Prefer": "respond-async"}


@requirement("N-01", "Y", "RFC 9967", "Whoever offers no events answers at once; whoever does says which, and how")
def events_are_offered_or_not(session: Session) -> None:
    offered = session.site.config.get("securityEvents")
    if offered is not None:
        _expect_description(offered)
    later = isinstance(offered, dict) and offered.get("asyncRequest") in ("long", "request")
    answer = session.wire.send("GET", session.users.endpoint, params={"count": 1}, headers=_LATER)
    if not later:
        answer.resources()
    if session.write and not session.users.read_only:
        _expect_change(session, session.users, later=later)


def _expect_description(offered: Any) -> None:
    expect(isinstance(offered, dict), f"securityEvents is {offered!r}, no object")
    stated, uris = offered.get("asyncRequest"), offered.get("eventUris")
    expect(stated in _REQUESTS, f"securityEvents.asyncRequest is {stated!r}, not {' or '.join(_REQUESTS)}")
    named = isinstance(uris, list) and all(isinstance(each, str) and each.startswith("urn:") for each in uris)
    expect(named, f"securityEvents.eventUris is {uris!r}, no list of event URIs")


def _expect_change(session: Session, kind: Kind, *, later: bool) -> None:
    """A replacement that asks to be answered later, of a user of the run's own."""
    body = session.body(kind)
    made = session.create(kind, body)
    answer = session.put(f"{kind.endpoint}/{made['id']}", body, headers=_LATER)
    if not later:
        found = answer.ok(200).object.get("id")
        expect(found == made["id"], f"{answer.told} that asks to be answered later shows {found!r}, not the resource")
    elif answer.ok(200, 202).status == 202:
        _expect_receipt(answer)


def _expect_receipt(answer: Answer) -> None:
    expect(not answer.content, f"{answer.told} was answered 202 with a body")
    expect(answer.headers.get("set-txn"), f"{answer.told} was answered 202 without Set-Txn")
    applied = answer.headers.get("preference-applied", "")
    expect("respond-async" in applied, f"{answer.told} was answered 202 with Preference-Applied {applied!r}")
