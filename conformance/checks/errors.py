"""Errors (RFC 7644 section 3.12)."""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any, Final

from scim_bridge.conformance.requirements import expect, requirement, skip
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.site import Kind
from scim_bridge.conformance.wire import ERROR, Answer

_TRACES: Final = re.compile(
    r"Traceback \(most recent call last\)|File \"[^\"]+\", line \d+|\bat [\w.$]+\([\w$]+\.(?:java|kt|scala):\d+\)"
    r"|\bat .+ in .+\.cs:line \d+|\bat .+\.[jt]s:\d+:\d+|goroutine \d+ \["
)
"""How Python, Java, .NET, JavaScript and Go show where a program failed."""
_MAX_OPERATIONS: Final = 1000


@requirement(
    "X-01", "M", "RFC 7644 section 3.12", "An error has its schema, its status as text, and no made-up scimType"
)
def errors_have_their_form(session: Session) -> None:
    endpoint = session.users.endpoint
    for answer in (session.get(f"{endpoint}/{session.name()}"), session.get(endpoint, filter="userName zz 1")):
        if answer.status not in (403, 501) or session.site.supports("filter"):
            _expect_form(answer.refused(400, 404))
    if session.write and not session.users.read_only:
        _expect_form(session.post(endpoint, {"schemas": [session.users.schema]}).refused(400, 403, 405, 501))


def _expect_form(answer: Answer) -> None:
    body = answer.object
    expect(body.get("schemas") == [ERROR], f"{answer.told}: the error's schemas are {body.get('schemas')!r}")
    detail = body.get("detail")
    expect(detail is None or isinstance(detail, str), f"{answer.told}: the error's detail is {detail!r}, no text")


@requirement("X-02", "M", "RFC 7644 section 3.12", "What is not there is answered 404: endpoints and resources")
def what_is_not_there_is_not_found(session: Session) -> None:
    session.get(f"/Conformance{session.run}").refused(404)
    for kind in session.site.kinds:
        for wanted in (session.name(), str(uuid.uuid4())):
            session.get(f"{kind.endpoint}/{wanted}").refused(404)


@requirement("X-03", "M", "RFC 7644 section 3.12", "A 400 says what is wrong in the words of the RFC's table")
def errors_say_what_is_wrong(session: Session) -> None:
    judged = 0
    if session.site.supports("filter"):
        session.get(session.users.endpoint, filter="userName eq").refused(400, types=["invalidFilter"])
        judged += 1
    if session.write and not session.users.read_only:
        kind = session.users
        body = session.body(kind)
        user = session.create(kind, body)
        _expect_refused_bodies(session, kind, body)
        judged += 1
        if session.site.supports("patch"):
            _expect_refused_changes(session, kind, session.fetch(kind, user["id"]))
    if not judged:
        skip("nothing that the server offers could be asked wrongly without changing it")


def _expect_refused_bodies(session: Session, kind: Kind, body: dict[str, Any]) -> None:
    """What is no JSON, and a resource without what is required."""
    session.wire.send("POST", kind.endpoint, content=b"{").refused(400, types=["invalidSyntax"])
    lacking = {name: value for name, value in body.items() if name != "userName"}
    if (attribute := kind.attribute("userName")) is not None and attribute.required:
        session.post(kind.endpoint, lacking).refused(400, types=["invalidValue"])


def _expect_refused_changes(session: Session, kind: Kind, user: dict[str, Any]) -> None:
    operations: list[tuple[dict[str, Any], list[str]]] = [
        ({"op": "replace", "path": "emails[", "value": "x"}, ["invalidPath", "invalidFilter"]),
        ({"op": "remove"}, ["noTarget"]),
        ({"op": "replace", "path": "id", "value": "x"}, ["mutability"]),
    ]
    if kind.writable("active"):
        operations.append(({"op": "replace", "path": "active", "value": "perhaps"}, ["invalidValue"]))
    for operation, types in operations:
        refusal = session.patch(f"{kind.endpoint}/{user['id']}", operation)
        session.untouched(kind, user, refusal.refused(400, types=types))


@requirement("X-04", "S", "RFC 7644 section 3.12", "Failures have an error's form too, and show nothing of the program")
def failures_show_nothing_of_the_program(session: Session) -> None:
    for answer in _odd(session):
        expect(
            not _TRACES.search(_text(answer)), f"{answer.told} answers {answer.status} with where the program failed"
        )
        if answer.status >= 500:
            answer.refused(answer.status)


def _text(answer: Answer) -> str:
    """The body, and what its detail says without JSON's escapes."""
    text = answer.content.decode("utf-8", "replace")
    try:
        body = json.loads(text)
    except ValueError:
        return text
    return f"{text}\n{body.get('detail')}" if isinstance(body, dict) else text


def _odd(session: Session) -> Iterator[Answer]:
    """Answers to requests that are likely to make a server fail."""
    endpoint = session.users.endpoint
    for wanted in ("%00", "..%2F..%2F", "%F0%28", "'%20or%201=1--", "a" * 3000):
        yield session.get(f"{endpoint}/{wanted}")
    yield session.get(endpoint, filter='userName eq "' + "a" * 3000 + '"')
    yield session.get(endpoint, filter="(" * 500 + "userName pr" + ")" * 500)
    yield session.get(endpoint, startIndex="9" * 40, count="9" * 40)
    yield session.get(endpoint, attributes="a..b[,,")
    if session.write and not session.users.read_only:
        yield session.post(endpoint, {"schemas": {"a": 1}, "userName": {"b": [None]}, "emails": "x"})


@requirement(
    "X-05", "M", "RFC 7644 section 3.12", "Duplicates are 409, failed conditions 412, too much Bulk 413", writes=True
)
def conflicts_have_their_status(session: Session) -> None:
    kind = session.users
    body = session.body(kind)
    user = session.fetch(kind, session.create(kind, body)["id"])
    unique = kind.attribute("userName")
    if unique is not None and unique.uniqueness in ("server", "global"):
        session.post(kind.endpoint, body).refused(409, types=["uniqueness"])
    if session.site.supports("etag"):
        path, stale = f"{kind.endpoint}/{user['id']}", {"If-Match": 'W/"conformance-none"'}
        for refusal in (session.put(path, body, headers=stale), session.delete(path, headers=stale)):
            session.untouched(kind, user, refusal.refused(412))
    _expect_bulk_limit(session, kind)


def _expect_bulk_limit(session: Session, kind: Kind) -> None:
    """One operation too many, each of which would do nothing."""
    bulk = session.site.config.get("bulk")
    limit = bulk.get("maxOperations") if isinstance(bulk, dict) and session.site.supports("bulk") else None
    if not isinstance(limit, int) or not 0 < limit <= _MAX_OPERATIONS:
        return
    operation = {"method": "DELETE", "path": f"{kind.endpoint}/{session.name()}"}
    schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]
    answer = session.post("/Bulk", {"schemas": schemas, "Operations": [operation] * (limit + 1)})
    expect(answer.status == 413, f"{answer.told} with {limit + 1} operations answered {answer.status}, not 413")
    answer.refused(413)
