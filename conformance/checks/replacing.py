"""Reading, replacing and deleting one resource (RFC 7644 sections 3.4.1, 3.5.1 and 3.6)."""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote

from scim_bridge.conformance.elements import holder
from scim_bridge.conformance.requirements import Failed, Skipped, expect, requirement, skip
from scim_bridge.conformance.session import PATCH_OP, Session
from scim_bridge.conformance.site import Kind, put, read

_WRONG: Final = ("invalidValue", "invalidSyntax", "")
_NOWHERE: Final = "conformance-nowhere"


def _kind(session: Session) -> Kind:
    if session.users.read_only:
        skip("User is read-only")
    return session.users


def _path(kind: Kind, resource: dict[str, Any]) -> str:
    return f"{kind.endpoint}/{resource['id']}"


def _sendable(kind: Kind, resource: dict[str, Any]) -> dict[str, Any]:
    """A resource as a GET shows it, without what a client cannot write."""
    written = {each.path.rpartition(":")[0] or each.name for each in kind.attributes if each.mutability != "readOnly"}
    kept = {"schemas", *written}
    return {name: value for name, value in resource.items() if name in kept}


@requirement(
    "C-17", "M", "RFC 7644 section 3.6", "What is deleted is gone: 404, in no query, its userName free", writes=True
)
def what_is_deleted_is_gone(session: Session) -> None:
    kind = _kind(session)
    made = session.make(kind)
    path, name = _path(kind, made), str(made["userName"])
    deleted = session.delete(path).ok(204)
    expect(not deleted.content, f"{deleted.told} was answered 204 with a body")
    body = session.body(kind, userName=name)
    session.get(path).refused(404)
    session.put(path, body).refused(404)
    session.delete(path).refused(404)
    if session.site.supports("patch"):
        operation = {"op": "replace", "path": session.text(kind, kept=True).path, "value": "x"}
        session.wire.send("PATCH", path, body={"schemas": [PATCH_OP], "Operations": [operation]}).refused(404)
    if session.site.supports("filter"):
        expect(not session.search(kind, f'userName eq "{name}"'), f"a deleted user is still found by userName {name}")
    again = session.post(kind.endpoint, body)
    expect(again.status == 201, f"the userName of a deleted user is not free: {again.told} answered {again.status}")


@requirement(
    "C-20",
    "M",
    "RFC 7644 section 3.5.1",
    "PUT answers 200 with the resource, whose values are those given",
    writes=True,
)
def put_replaces(session: Session) -> None:
    kind, (first, second) = _kind(session), session.texts(session.users, 2)
    before = session.made(kind, **{first.path: "Before", second.path: "Kept or cleared"})
    body = _sendable(kind, before)
    body = put(body, first.path, "After")
    if "." not in second.path:
        body.pop(second.name, None)
    answer = session.put(_path(kind, before), body).ok(200)
    stored = session.fetch(kind, before["id"])
    for shown, where in ((answer.object, answer.told), (stored, f"GET after {answer.told}")):
        found = read(shown, first.path)
        expect(found == "After", f"{where}: {first.path} is {found!r}, not 'After'")
        expect(shown.get("id") == before["id"], f"{where}: the id is {shown.get('id')!r}, not {before['id']!r}")
    left = read(stored, second.path)
    expect(left in (None, "", "Kept or cleared"), f"{answer.told} left {second.path} out, and made it {left!r}")
    differing = sorted(each for each in {*stored, *answer.object} if stored.get(each) != answer.object.get(each))
    expect(not differing, f"{answer.told} was answered with other {', '.join(differing)} than a GET shows")
    _lists_are_replaced(session, kind)


def _lists_are_replaced(session: Session, kind: Kind) -> None:
    try:
        held = holder(session, 2)
    except Skipped:
        return
    body = {**_sendable(kind, held.resource), held.name: [held.values[0]]}
    answer = session.put(_path(kind, held.resource), body).ok(200)
    found = read(session.fetch(kind, held.id), f"{held.name}.value")
    wanted = [held.values[0]["value"]]
    expect(found == wanted, f"{answer.told} replaced {held.name} by {wanted}, and a GET shows {found}")


@requirement(
    "C-21",
    "M",
    "RFC 7644 section 3.5.1",
    "PUT ignores read-only values and refuses to change immutable ones",
    writes=True,
)
def put_keeps_what_cannot_be_written(session: Session) -> None:
    kind = _kind(session)
    before = session.made(kind)
    meta = {"resourceType": "Nothing", "created": "2001-01-01T00:00:00Z", "location": "https://example.com/nowhere"}
    body = {**_sendable(kind, before), "id": _NOWHERE, "meta": meta}
    groups = kind.attribute("groups")
    if groups is not None and groups.mutability == "readOnly":
        body["groups"] = [{"value": _NOWHERE}]
    answer = session.put(_path(kind, before), body).ok(200)
    after = session.fetch(kind, before["id"])
    expect(after["id"] == before["id"], f"{answer.told} changed the id")
    for name in meta:
        expect(read(after, f"meta.{name}") == read(before, f"meta.{name}"), f"{answer.told} changed meta.{name}")
    expect(after.get("groups") == before.get("groups"), f"{answer.told} changed the read-only groups")
    _immutable_stays(session, kind)


def _immutable_stays(session: Session, kind: Kind) -> None:
    """An immutable text takes its own value again and no other, where the schema has one."""
    attribute = kind.immutable_text
    if attribute is None:
        return
    before = session.made(kind, **{attribute.path: "once"})
    if read(before, attribute.path) != "once":
        return
    body = _sendable(kind, before)
    session.put(_path(kind, before), body).ok(200)
    answer = session.put(_path(kind, before), put(body, attribute.path, "twice"))
    expect(answer.status != 200, f"{answer.told} took another value of the immutable {attribute.path}")
    answer.refused(400, types=["mutability"])
    held = read(session.fetch(kind, before["id"]), attribute.path)
    expect(held == "once", f"{answer.told} was refused, yet the immutable {attribute.path} is {held!r}")


@requirement("C-22", "M", "RFC 7644 section 3.5.1", "PUT to an unknown id answers 404 and creates nothing", writes=True)
def put_never_creates(session: Session) -> None:
    kind = _kind(session)
    body = session.body(kind)
    answer = session.put(f"{kind.endpoint}/{_NOWHERE}", body)
    made = answer.status in (200, 201)
    if made:
        session.delete(f"{kind.endpoint}/{answer.object.get('id', _NOWHERE)}")
    expect(not made, f"{answer.told} answered {answer.status} and created what was not there")
    answer.refused(404)
    session.get(f"{kind.endpoint}/{_NOWHERE}").refused(404)
    if session.site.supports("filter"):
        found = session.search(kind, f'userName eq "{body["userName"]}"')
        expect(not found, f"{answer.told} was answered 404, and the user is there")


@requirement("C-23", "M", "RFC 7644 section 3.5.1", "PUT without a required attribute is refused with 400", writes=True)
def put_needs_what_is_required(session: Session) -> None:
    kind = _kind(session)
    name = kind.attribute("userName")
    if name is None or not name.required:
        skip("userName is not required")
    before = session.made(kind)
    body = _sendable(kind, before)
    del body["userName"]
    answer = session.put(_path(kind, before), body).refused(400, types=(*_WRONG, "mutability"))
    session.untouched(kind, before, answer)


@requirement("C-24", "M", "RFC 7644 section 3.12", "PUT with a userName that is taken is refused with 409", writes=True)
def put_respects_uniqueness(session: Session) -> None:
    kind = _kind(session)
    name = kind.attribute("userName")
    if name is None or name.uniqueness == "none":
        skip("the schema does not make userName unique")
    if name.mutability == "immutable":
        skip("the schema does not let userName be changed")
    taken = session.make(kind)["userName"]
    before = session.made(kind)
    answer = session.put(_path(kind, before), {**_sendable(kind, before), "userName": taken})
    expect(answer.status != 200, f"{answer.told} gave a user the userName of another")
    answer.refused(409, types=["uniqueness"])
    session.untouched(kind, before, answer)


@requirement("C-25", "M", "RFC 7644 section 3.5.1", "null and [] in a PUT clear the attribute", writes=True)
def put_clears(session: Session) -> None:
    kind, text = _kind(session), session.text(session.users)
    before = session.made(kind, **{text.path: "Something"})
    body = put(_sendable(kind, before), text.path, None)
    answer = session.put(_path(kind, before), body).ok(200)
    found = read(session.fetch(kind, before["id"]), text.path)
    expect(found in (None, ""), f"{answer.told} set {text.path} to null, and a GET shows {found!r}")
    held = holder(session, 1)
    answer = session.put(_path(kind, held.resource), {**_sendable(kind, held.resource), held.name: []}).ok(200)
    left = session.fetch(kind, held.id).get(held.name)
    expect(not left, f"{answer.told} set {held.name} to [], and a GET shows {left!r}")


@requirement("C-30", "M", "RFC 7644 section 3.4.1", "A GET answers 200 with the resource and where it is")
def a_resource_is_read(session: Session) -> None:
    judged = 0
    for kind, rows in (
        (session.site.find("User"), lambda: session.people),
        (session.site.find("Group"), lambda: session.teams),
    ):
        if kind is not None:
            for resource in _there(rows)[:2]:
                _is_read(session, kind, resource)
                judged += 1
    if not judged:
        skip("the server has no users or groups to look at")


def _there(rows: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Resources to look at; none where there are none, or none could be made, which other checks tell."""
    try:
        return rows()
    except (Skipped, Failed):
        return []


def _is_read(session: Session, kind: Kind, resource: dict[str, Any]) -> None:
    answer = session.get(_path(kind, resource)).ok(200)
    body = answer.object
    expect(body.get("id") == resource["id"], f"{answer.told} answered the resource {body.get('id')!r}")
    location = read(body, "meta.location")
    fits = isinstance(location, str) and unquote(location).endswith(_path(kind, resource))
    expect(fits, f"{answer.told}: meta.location is {location!r}")
    for name in ("location", "content-location"):
        stated = answer.headers.get(name)
        expect(stated in (None, location), f"{answer.told}: {name} is {stated!r} and meta.location {location!r}")
    if session.site.supports("etag"):
        expect(answer.headers.get("etag"), f"{answer.told} has no ETag, though ServiceProviderConfig offers etag")


@requirement("C-31", "M", "RFC 7643 section 3.1", "ids are compared with their case")
def ids_have_a_case(session: Session) -> None:
    kind = session.users
    ids = [str(each["id"]) for each in session.people]
    chosen = next((each for each in ids if each.swapcase() != each), None) or skip("the ids here hold no letters")
    other = chosen.swapcase()
    answer = session.get(f"{kind.endpoint}/{other}").ok(200, 404)
    if answer.status == 200:
        found = answer.object.get("id")
        expect(found == other, f"{answer.told} answered the resource {found}, whose id has another case")
