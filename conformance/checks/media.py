"""Media types and JSON (RFC 7644 sections 3.1 and 3.8, RFC 8259)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from scim_bridge.conformance.requirements import Failed, expect, requirement, skip
from scim_bridge.conformance.session import PATCH_OP, Session
from scim_bridge.conformance.site import Kind, read
from scim_bridge.conformance.wire import SCIM_JSON, Answer

_JSON: Final = "application/json"
_SYNTAX: Final = ("invalidSyntax", "")
"""The scimType is optional (RFC 7644 section 3.12); that errors have one at all is judged by X-03."""
_SEARCH: Final = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
_TEXT: Final = "Zoë Ångström 張偉 \U0001f600 e\u0301 ½ “q”"
"""Letters of one to four bytes, one out of plane, one that Unicode would compose."""


@dataclass(frozen=True, slots=True)
class _Letterbox:
    """Where a body can be sent: to a collection, to a user of the run's own, or only to `.search`."""

    session: Session
    kind: Kind
    user: dict[str, Any] | None  # as a GET shows it

    @property
    def places(self) -> list[tuple[str, str]]:
        endpoint = self.kind.endpoint
        if self.user is None:
            return [("POST", f"{endpoint}/.search")]
        own = f"{endpoint}/{self.user['id']}"
        patch = [("PATCH", own)] if self.session.site.supports("patch") else []
        return [("POST", endpoint), ("PUT", own), *patch]

    def send(self, content: bytes, media_type: str = SCIM_JSON) -> Iterator[Answer]:
        """The answers to a body sent to each place, which must not have changed the user unless it was taken."""
        for method, path in self.places:
            answer = self.session.wire.send(method, path, content=content, headers={"Content-Type": media_type})
            if self.user is not None and answer.status >= 400:
                self.session.untouched(self.kind, self.user, answer)
            yield answer


def _letterbox(session: Session) -> _Letterbox:
    """Raises Skipped where the server takes no bodies without being changed, and must not be."""
    kind = session.users
    if session.write and not kind.read_only:
        return _Letterbox(session, kind, session.made(kind))
    if session.post(f"{kind.endpoint}/.search", {"schemas": [_SEARCH], "count": 1}).status != 200:
        skip("the server takes no body that would not change it")
    return _Letterbox(session, kind, None)


@requirement("M-01", "M", "RFC 7644 section 3.8", "Every body, errors included, is application/scim+json in UTF-8")
def every_body_is_scim_json(session: Session) -> None:
    endpoint = session.users.endpoint
    listed = session.get(endpoint, startIndex=1, count=2)
    for answer in (
        session.get("/ServiceProviderConfig"),
        session.get("/Schemas"),
        listed,
        *(session.get(f"{endpoint}/{each['id']}") for each in listed.resources()[:1]),
        session.get(f"{endpoint}/{session.name()}"),
        session.get(endpoint, filter="("),
    ):
        _expect_scim_json(answer)
    if session.write and not session.users.read_only:
        _expect_scim_json(session.post(endpoint, {"schemas": []}))


def _expect_scim_json(answer: Answer) -> None:
    stated = answer.headers.get("content-type", "")
    expect(answer.media_type == SCIM_JSON, f"{answer.told} ({answer.status}) has the type {stated!r}, not {SCIM_JSON}")
    charset = stated.lower().partition("charset=")[2].strip(' "')
    expect(charset in ("", "utf-8"), f"{answer.told} has the charset {charset!r}, not UTF-8")
    try:
        answer.content.decode("utf-8")
    except UnicodeDecodeError:
        raise Failed(f"{answer.told} answers with a body that is no UTF-8") from None


@requirement(
    "M-02", "M", "RFC 7644 section 3.1", "Bodies are taken as scim+json and json, with a charset or not", writes=True
)
def both_types_of_body_are_taken(session: Session) -> None:
    kind = session.users
    session.make(kind)  # skips where no users can be made
    for media_type in (SCIM_JSON, _JSON, f"{SCIM_JSON}; charset=utf-8", f"{_JSON};charset=UTF-8"):
        answer = session.post(kind.endpoint, session.body(kind), headers={"Content-Type": media_type})
        expect(answer.status == 201, f"{answer.told} with a body of {media_type} answered {answer.status}, not 201")


@requirement("M-03", "M", "RFC 7644 section 3.8", "The answer has the type asked for, scim+json if none is")
def answers_have_the_type_asked_for(session: Session) -> None:
    either = {SCIM_JSON, _JSON}
    for accept, wanted in (
        (SCIM_JSON, {SCIM_JSON}),
        (None, {SCIM_JSON}),
        (_JSON, either),
        ("*/*", either),
        (f"text/html, {SCIM_JSON};q=0.9, */*;q=0.1", {SCIM_JSON}),
        (f"{_JSON};q=0.5, {SCIM_JSON}", either),
    ):
        answer = session.wire.send("GET", session.users.endpoint, params={"count": 1}, headers={"Accept": accept})
        asked = f"{answer.told} with {'no Accept' if accept is None else f'Accept: {accept}'}"
        expect(answer.status == 200, f"{asked} answered {answer.status} instead of 200")
        expect(answer.media_type in wanted, f"{asked} came as {answer.media_type}, not {' or '.join(sorted(wanted))}")


@requirement(
    "M-04", "S", "RFC 7644 section 3.12", "A body of another media type is refused with 415 or 400", writes=True
)
def other_types_of_body_are_refused(session: Session) -> None:
    kind = session.users
    session.make(kind)
    for media_type, content in (
        ("text/plain", json.dumps(session.body(kind)).encode()),
        ("application/xml", b"<User><userName>conformance</userName></User>"),
        ("application/x-www-form-urlencoded", b"userName=conformance"),
    ):
        answer = session.wire.send("POST", kind.endpoint, content=content, headers={"Content-Type": media_type})
        expect(answer.status in (400, 415), f"{answer.told} with {media_type} answered {answer.status}, not 415 or 400")
        answer.refused(400, 415)


@requirement("M-05", "M", "RFC 7644 section 3.12", "A body that is not JSON is refused with 400 invalidSyntax")
def what_is_not_json_is_refused(session: Session) -> None:
    letterbox = _letterbox(session)
    for content in (b'{"schemas": [', b"<User/>"):
        for answer in letterbox.send(content):
            answer.refused(400, types=_SYNTAX)


@requirement(
    "M-06", "M", "RFC 7644 section 3.12", "A body that is JSON but no object is refused with 400 invalidSyntax"
)
def what_is_no_object_is_refused(session: Session) -> None:
    letterbox = _letterbox(session)
    for content in (b"[]", b"null", b'"x"', b"3"):
        for answer in letterbox.send(content):
            expect(answer.status == 400, f"{answer.told} with the body {content.decode()} answered {answer.status}")
            answer.refused(400, types=_SYNTAX)


@requirement("M-07", "M", "RFC 7644 section 3.8", "Text in any script comes back as it was sent", writes=True)
def text_comes_back_as_sent(session: Session) -> None:
    kind, attribute = session.users, session.text(session.users, kept=True)
    for escaped in (False, True):
        content = json.dumps(session.body(kind, **{attribute.path: _TEXT}), ensure_ascii=escaped).encode()
        answer = session.wire.send("POST", kind.endpoint, content=content)
        if answer.status in (403, 405, 501):
            skip(f"User cannot be created: the server answers {answer.status}")
        found = read(session.fetch(kind, answer.ok(201).object["id"]), attribute.path)
        expect(found == _TEXT, f"{attribute.path} sent as {_TEXT!r} came back as {found!r}")


@requirement("M-08", "M", "RFC 7644 section 3.8", "Broken text and deep nesting are refused, and never a server error")
def broken_bodies_break_nothing(session: Session) -> None:
    letterbox = _letterbox(session)
    deep = b'{"schemas": ' + b"[" * 20_000 + b"]" * 20_000 + b"}"
    for name, content in (("text that is no UTF-8", b'{"schemas": ["\xff\xfe"]}'), ("20,000 nested lists", deep)):
        for answer in letterbox.send(content):
            expect(400 <= answer.status < 500, f"{answer.told} with {name} answered {answer.status} instead of 400")
    if letterbox.user is not None:
        for name, text in (("NUL", "\x00"), ("half a surrogate pair", "\ud800")):
            _expect_refused_or_kept(session, letterbox.kind, name, text)


def _expect_refused_or_kept(session: Session, kind: Kind, name: str, text: str) -> None:
    """JSON may hold such text; a server that takes it has to be able to show it again."""
    attribute = session.text(kind, kept=True)
    content = json.dumps(session.body(kind, **{attribute.path: f"a{text}b"})).encode()
    answer = session.wire.send("POST", kind.endpoint, content=content)
    expect(answer.status < 500, f"{answer.told} with {name} in {attribute.path} answered {answer.status}")
    if answer.status == 201:
        found = read(session.fetch(kind, answer.object["id"]), attribute.path)
        expect(found == f"a{text}b", f"{answer.told}: {attribute.path} sent with {name} came back as {found!r}")


@requirement("M-09", "M", "RFC 7643 section 2.3.8", "The order of an object's members means nothing", writes=True)
def order_means_nothing(session: Session) -> None:
    kind, attribute = session.users, session.text(session.users, kept=True)
    value = session.name()
    body = session.body(kind, **{attribute.path: "first"})
    made = session.create(kind, dict(reversed(list(body.items()))))
    path = f"{kind.endpoint}/{made['id']}"
    if session.site.supports("patch"):
        operation = {"value": value, "path": attribute.path, "op": "replace"}
        answer = session.wire.send("PATCH", path, body={"Operations": [operation], "schemas": [PATCH_OP]}).ok(200, 204)
    else:
        replaced = session.body(kind, **{attribute.path: value}) | {"userName": made["userName"]}
        answer = session.put(path, dict(reversed(list(replaced.items())))).ok(200)
    found = read(session.fetch(kind, made["id"]), attribute.path)
    expect(found == value, f"{answer.told} with the members in another order left {attribute.path} {found!r}")
