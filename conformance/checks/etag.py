"""Versions of resources and conditional requests (RFC 7644 section 3.14)."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from scim_bridge.conformance.requirements import expect, requirement, skip
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.site import Kind, put, read
from scim_bridge.conformance.wire import Answer

_ENTITY_TAG: Final = re.compile(r'(W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_OTHER: Final = 'W/"conformance-no-such-version"'
_AT_ONCE: Final = 4


def _kind(session: Session) -> Kind:
    session.site.needs("etag")
    return session.users


def _path(kind: Kind, resource: dict[str, Any]) -> str:
    return f"{kind.endpoint}/{resource['id']}"


def _tag(answer: Answer) -> str:
    """The ETag of an answer. Raises Failed where it has none."""
    found = answer.headers.get("etag")
    expect(found, f"{answer.told} has no ETag, though ServiceProviderConfig offers etag")
    return str(found)


def _made(session: Session) -> tuple[Kind, str, str]:
    """A new user: its kind, its path and its ETag as a GET shows it."""
    kind = _kind(session)
    path = _path(kind, session.make(kind))
    return kind, path, _tag(session.get(path).ok(200))


def _writes(session: Session, kind: Kind, path: str) -> list[Callable[[str], Answer]]:
    """PUT and PATCH, as they are offered: each changes the user if its version is the given one."""
    text = session.text(kind, kept=True)
    name = session.get(path).ok(200).object["userName"]

    def replace(version: str) -> Answer:
        body = put(session.body(kind, userName=name), text.path, f"Put {session.name()}")
        return session.put(path, body, headers={"If-Match": version})

    def patch(version: str) -> Answer:
        operation = {"op": "replace", "path": text.path, "value": f"Patched {session.name()}"}
        return session.patch(path, operation, headers={"If-Match": version})

    return [replace, patch] if session.site.supports("patch") else [replace]


@requirement("E-01", "M", "RFC 7644 section 3.14", "The ETag header is an entity tag and the same as meta.version")
def etag_is_the_version(session: Session) -> None:
    kind = _kind(session)
    for person in session.people[:3]:
        answer = session.get(_path(kind, person)).ok(200)
        tag, version = _tag(answer), read(answer.object, "meta.version")
        expect(_ENTITY_TAG.fullmatch(tag), f'{answer.told}: the ETag {tag} is no entity tag, as W/"x" is')
        expect(version == tag, f"{answer.told}: the ETag is {tag} and meta.version {version!r}")
    if session.write and not kind.read_only:
        made = session.post(kind.endpoint, session.body(kind))
        if made.status == 201:
            tag, version = _tag(made), read(made.object, "meta.version")
            expect(version == tag, f"{made.told}: the ETag is {tag} and meta.version {version!r}")


@requirement("E-02", "M", "RFC 7644 section 3.14", "If-None-Match of the current version is answered 304, without body")
def what_is_known_is_not_sent_again(session: Session) -> None:
    kind = _kind(session)
    path = _path(kind, session.people[0])
    tag = _tag(session.get(path).ok(200))
    other_strength = tag.removeprefix("W/") if tag.startswith("W/") else f"W/{tag}"
    for known in (tag, other_strength, f"{_OTHER}, {tag}", "*"):
        answer = session.wire.send("GET", path, headers={"If-None-Match": known})
        told = f"{answer.told} with If-None-Match: {known}"
        expect(answer.status == 304, f"{told} answered {answer.status} instead of 304")
        expect(not answer.content, f"{told} answered 304 with a body")
    answer = session.wire.send("GET", path, headers={"If-None-Match": _OTHER})
    expect(answer.status == 200, f"{answer.told} with If-None-Match of another version answered {answer.status}")


@requirement("E-03", "M", "RFC 7644 section 3.14", "If-Match of another version is refused with 412", writes=True)
def other_versions_are_not_changed(session: Session) -> None:
    kind, path, _ = _made(session)
    before = session.get(path).ok(200).object

    def delete(version: str) -> Answer:
        return session.delete(path, headers={"If-Match": version})

    for write in (*_writes(session, kind, path), delete):
        answer = write(_OTHER)
        told = f"{answer.told} with If-Match of another version"
        expect(answer.status == 412, f"{told} answered {answer.status} instead of 412")
        answer.refused(412)
        session.untouched(kind, before, answer)


@requirement(
    "E-04",
    "M",
    "RFC 7644 section 3.14",
    "If-Match of the current version works, each change makes a new one",
    writes=True,
)
def every_change_makes_a_version(session: Session) -> None:
    kind, path, tag = _made(session)
    for write in _writes(session, kind, path):
        again = _tag(session.get(path).ok(200))
        expect(again == tag, f"GET {path} twice: the ETag went from {tag} to {again} without a change")
        answer = write(tag).ok(200, 204)
        new = _tag(session.get(path).ok(200))
        expect(new != tag, f"{answer.told} changed the user, and its ETag is {tag} as before")
        stated = answer.headers.get("etag")
        expect(stated in (None, new), f"{answer.told} was answered with the ETag {stated}, and a GET shows {new}")
        write("*").ok(200, 204)
        tag = _tag(session.get(path).ok(200))
    session.delete(path, headers={"If-Match": tag}).ok(204)


@requirement("E-05", "S", "RFC 7644 section 3.5.2", "PATCH answered 204 tells the new ETag and Location", writes=True)
def an_empty_answer_tells_the_version(session: Session) -> None:
    kind, path, _ = _made(session)
    operation = {"op": "replace", "path": session.text(kind, kept=True).path, "value": "Patched"}
    answer = session.patch(path, operation, headers={"Prefer": "return=minimal"}).ok(200, 204)
    if answer.status == 200:
        skip("PATCH is answered 200 with the resource, even to Prefer: return=minimal")
    now = session.get(path).ok(200)
    stated, tag = answer.headers.get("etag"), _tag(now)
    expect(stated == tag, f"{answer.told} was answered 204 with the ETag {stated}, and a GET shows {tag}")
    stated, location = answer.headers.get("location"), read(now.object, "meta.location")
    expect(stated == location, f"{answer.told} was answered 204 with the Location {stated}, not {location}")


@requirement(
    "E-06", "M", "RFC 7644 section 3.14", "Of several writes with the same If-Match, one succeeds", writes=True
)
def one_of_several_writes_wins(session: Session) -> None:
    kind, path, tag = _made(session)
    write = _writes(session, kind, path)[-1]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(lambda _: write(tag), range(_AT_ONCE)))
    statuses = sorted(each.status for each in answers)
    won = sum(status in (200, 204) for status in statuses)
    told = f"{_AT_ONCE} writes to {path} at once, all with If-Match: {tag}"
    expect(won == 1, f"{told}: {won} of them succeeded ({', '.join(map(str, statuses))})")
    for each in answers:
        each.ok(200, 204, 412)
