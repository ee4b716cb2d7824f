"""The checks of HTTP, media types, errors, discovery, /Me and events pass a right server, and find wrong ones."""

import itertools
import json
import unicodedata
from typing import Any

import httpx
import pytest

from scim_bridge.conformance.results import Result
from scim_bridge.conformance.suites.own import judged
from tests.conformance.faults import both, refusal, shows, silent_about, takes, turns
from tests.conformance.servers import REQUIREMENTS, Fault, Send, answers, error, is_asked, opened, says
from tests.protocol.memory import EXTRA, Bridge

BASE = "https://server.test/scim/acme/v2"
SECTIONS = "HMXDJN"
USER_LIST = r"^GET \S*/Users\?"
READS = itertools.count()
SENSITIVE = {**error(403), "scimType": "sensitive"}
TRACE = 'Traceback (most recent call last):\n  File "/srv/app.py", line 7, in get'


def verdict(id: str, fault: Fault | None = None, *, base: str = BASE, write: bool = True) -> Result:
    with opened(fault=fault, base=base, write=write) as session:
        return judged(session, REQUIREMENTS[id])


# -- faults -----------------------------------------------------------------------------------------------------------


def signs_in(when: Any) -> Fault:
    """The server takes requests of such an Authorization header for signed in."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        if when(request.headers.get("authorization")):
            request.headers["authorization"] = "Bearer t0ken"
        return send(request)

    return fault


def before_anything(status: int, when: Any) -> Fault:
    """The server answers such requests with a status, whoever asks."""
    return lambda request, send: refusal(status) if when(request) else send(request)


def closed(request: httpx.Request, send: Send) -> httpx.Response:
    return send(request) if request.headers.get("authorization") else refusal(401)


def any_version(request: httpx.Request, send: Send) -> httpx.Response:
    url = request.url.copy_with(path=request.url.path.replace("/v98/", "/v2/"))
    return send(httpx.Request(request.method, url, headers=request.headers, content=request.content))


def trusting(request: httpx.Request, send: Send) -> httpx.Response:
    request.headers["host"] = request.headers.get("x-forwarded-host", request.headers["host"])
    return send(request)


def repeats_tokens(request: httpx.Request, send: Send) -> httpx.Response:
    answer = send(request)
    if answer.status_code != 401:
        return answer
    return httpx.Response(401, json=error(401) | {"detail": f"{request.headers.get('authorization')} is wrong"})


def with_header(name: str, value: str, where: str = "") -> Fault:
    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        answer = send(request)
        if is_asked(request, where):
            answer.headers[name] = value
        return answer

    return fault


def of_type(media_type: str, where: str = "", accept: str | None = "*") -> Fault:
    """Answers have another media type, those with such an Accept header only."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        answer = send(request)
        if is_asked(request, where) and accept in ("*", request.headers.get("accept")):
            answer.headers["content-type"] = media_type
        return answer

    return fault


def takes_any_type(request: httpx.Request, send: Send) -> httpx.Response:
    request.headers["content-type"] = "application/scim+json"
    return send(request)


def on_content(start: bytes, status: int, scim_type: str | None = None) -> Fault:
    """The server answers bodies that hold something with a status."""
    return lambda request, send: refusal(status, scim_type) if start in request.content else send(request)


def forgets(request: httpx.Request, send: Send) -> httpx.Response:
    """The server empties a user by a body of null, and only then refuses it."""
    if request.method == "PUT" and request.content == b"null":
        shown = send(httpx.Request("GET", request.url, headers=request.headers)).json()
        body = {"schemas": [shown["schemas"][0]], "userName": shown["userName"]}
        headers = {name: value for name, value in request.headers.items() if name != "content-length"}
        send(httpx.Request("PUT", request.url, headers=headers, content=json.dumps(body)))
    return send(request)


def text(change: Any) -> Fault:
    """Each text is stored otherwise."""
    return takes(lambda body: {name: change(each) if isinstance(each, str) else each for name, each in body.items()})


def in_order(name: str) -> Fault:
    """The server reads a member only where it comes first."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        body = json.loads(request.content) if request.method in ("POST", "PATCH") else {}
        wrong = name in body and next(iter(body)) != name
        return refusal(400, "invalidSyntax") if wrong else send(request)

    return fault


def errors(change: Any, where: str = "") -> Fault:
    """Errors have another body."""
    return answers(lambda body: change(body) if "detail" in body else None, where)


def config(**features: Any) -> Fault:
    """ServiceProviderConfig states other features; None leaves one out."""

    def change(body: Any) -> None:
        for name, value in features.items():
            body[name] = value
            if value is None:
                del body[name]

    return answers(change, "ServiceProviderConfig")


def schemas(change: Any) -> Fault:
    """/Schemas describes the attributes otherwise: ``change`` edits each, and each sub-attribute."""

    def edit(body: Any) -> None:
        for schema in body.get("Resources", [body]):
            for attribute in schema["attributes"]:
                change(schema["name"], attribute)
                for sub in attribute.get("subAttributes", ()):
                    change(f"{schema['name']}.{attribute['name']}", sub)

    return answers(edit, "/Schemas")


def described(path: str, **values: Any) -> Fault:
    """One attribute, named with its schema, is described otherwise."""
    parent, _, name = path.rpartition(".")
    return schemas(lambda above, raw: raw.update(values) if (above, raw["name"]) == (parent, name) else None)


def lets_write_discovery(request: httpx.Request, send: Send) -> httpx.Response:
    wrong = request.method == "PUT" and request.url.path.endswith("/ServiceProviderConfig")
    return httpx.Response(200, json={}) if wrong else send(request)


def first_page(body: Any) -> None:
    body["Resources"] = body["Resources"][:1]


def unknown_extension(body: Any) -> None:
    body["Resources"][0]["schemaExtensions"].append({"schema": "urn:example:unknown", "required": False})


def me(status: int, location: str | None = None, **body: Any) -> Fault:
    headers = {} if location is None else {"location": location}
    return lambda request, send: (
        httpx.Response(status, json=body, headers=headers) if request.url.path.endswith("/Me") else send(request)
    )


def later(status: int, headers: Any = None, content: bytes = b"") -> Fault:
    """Changes that ask to be answered later are."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        if request.method == "PUT" and "prefer" in request.headers:
            return httpx.Response(status, headers=headers, content=content)
        return send(request)

    return fault


EVENTS = config(securityEvents={"asyncRequest": "request", "eventUris": ["urn:ietf:params:scim:event:prov:delete"]})
RECEIPT = {"set-txn": "7", "preference-applied": "respond-async"}
WRONG: list[tuple[str, Fault]] = [
    ("H-01", signs_in(lambda given: given is None)),
    ("H-01", silent_about("www-authenticate")),
    ("H-01", with_header("www-authenticate", 'Basic realm="x"')),
    ("H-01", before_anything(403, lambda request: "authorization" not in request.headers)),
    ("H-02", signs_in(lambda given: (given or "").startswith("Bearer conformance"))),
    ("H-02", signs_in(lambda given: (given or "").startswith("Basic"))),
    ("H-02", before_anything(400, lambda request: request.content == b"{")),
    ("H-02", before_anything(404, lambda request: "/Users/conformance" in request.url.path)),
    ("H-03", closed),
    ("H-05", before_anything(401, lambda request: (request.headers.get("authorization") or "").startswith("bearer"))),
    ("H-06", any_version),
    ("H-06", says(500, "/v98/")),
    ("H-07", trusting),
    ("H-08", says(400, "conformance=1")),
    ("H-08", answers(lambda body: body.update(Resources=[{"id": "1"}]), "Users.*conformance=1")),
    ("H-09", repeats_tokens),
    ("H-11", says(403, "filter=")),
    ("H-11", both(says(403, "GET .*filter=", SENSITIVE), says(501, "/.search"))),
    ("H-12", silent_about("allow")),
    ("H-12", with_header("allow", "DELETE", "PUT")),
    ("H-12", says(404, r"^PUT \S*/Users\?")),
    ("H-12", says(200, r"^PATCH \S*/Users\?", {})),
    ("H-13", with_header("access-control-allow-origin", "*")),
    ("H-13", with_header("access-control-allow-origin", "https://conformance.invalid")),
    ("H-13", says(500, "^HEAD")),
    ("H-15", shows(lambda row: row["meta"].update(version=f"{next(READS)}"))),
    ("M-01", of_type("application/json", "Users/conformance")),
    ("M-01", of_type("text/html; charset=utf-8", "filter=")),
    ("M-01", of_type("application/scim+json; charset=latin-1", "ServiceProviderConfig")),
    ("M-02", before_anything(415, lambda request: request.headers.get("content-type") == "application/json")),
    ("M-02", before_anything(415, lambda request: "; charset" in request.headers.get("content-type", ""))),
    ("M-03", before_anything(406, lambda request: request.headers.get("accept") == "*/*")),
    ("M-03", before_anything(406, lambda request: "q=0.9" in request.headers.get("accept", ""))),
    ("M-03", of_type("application/json", USER_LIST, None)),
    ("M-03", of_type("application/json", USER_LIST, "application/scim+json")),
    ("M-04", takes_any_type),
    ("M-04", turns(415, 500)),
    ("M-05", turns(400, 500)),
    ("M-05", turns(400, 400, scim_type="invalidPath")),
    ("M-05", turns(400, 422)),
    ("M-05", on_content(b"<User", 400, "invalidValue")),
    ("M-06", on_content(b"null", 500)),
    ("M-06", turns(400, 200, "^PUT")),
    ("M-06", forgets),
    ("M-07", text(lambda value: unicodedata.normalize("NFC", value))),
    ("M-07", text(lambda value: value.encode("ascii", "replace").decode())),
    ("M-08", on_content(b"\xff", 500)),
    ("M-08", on_content(b"[[[[", 500)),
    ("M-08", turns(400, 200, "^PUT")),
    ("M-08", on_content(b"\\u0000", 500)),
    ("M-08", on_content(b"\\ud800", 503)),
    ("M-09", in_order("schemas")),
    ("X-01", errors(lambda body: body.update(status=int(body["status"])))),
    ("X-01", errors(lambda body: body.update(schemas=[*body["schemas"], EXTRA.id]))),
    ("X-01", errors(lambda body: body.update(scimType="badFilter"))),
    ("X-01", errors(lambda body: body.update(detail={"text": "wrong"}))),
    ("X-01", says(404, "Users/conformance", {"error": "not found"})),
    ("X-02", says(404, "/Conformance", {"message": "no route"})),
    ("X-02", says(200, "/Conformance", {})),
    ("X-02", says(400, "Users/conformance")),
    ("X-02", says(500, r"Groups/\w{8}-\w{4}-")),
    ("X-03", errors(lambda body: body.pop("scimType", None), "filter=")),
    ("X-03", turns(400, 400, r"^POST \S*/Users\?", "uniqueness")),
    ("X-03", turns(400, 400, "^PATCH", "invalidSyntax")),
    ("X-03", turns(400, 204, "^PATCH")),
    ("X-04", errors(lambda body: body.update(detail=TRACE))),
    ("X-04", errors(lambda body: body.update(detail="\tat com.example.Users.find(Users.java:42)"))),
    ("X-04", says(500, "startIndex=9", {"error": "out of range"})),
    ("X-05", turns(409, 400)),
    ("X-05", turns(409, 409)),
    ("X-05", turns(412, 409)),
    ("X-05", turns(413, 400)),
    ("D-01", config(etag=None)),
    ("D-01", config(sort={"supported": "true"})),
    ("D-01", config(filter={"supported": True})),
    ("D-01", config(authenticationSchemes=[])),
    ("D-01", config(authenticationSchemes=[{"type": "bearer", "name": "a", "description": "b"}])),
    ("D-01", config(authenticationSchemes=[{"type": "oauthbearertoken", "name": "a"}])),
    ("D-01", config(schemas=["urn:ietf:params:scim:schemas:core:1.0"])),
    ("D-02", answers(first_page, "/ResourceTypes[?]$")),
    ("D-02", answers(lambda body: body.update(name="Other"), "/Schemas/")),
    ("D-02", says(404, "/Schemas/urn")),
    ("D-02", says(200, "/ResourceTypes/conformance", {})),
    ("D-03", says(200, "/Schemas.filter=", {"schemas": [], "Resources": []})),
    ("D-04", answers(first_page, "/Schemas.*count=1")),
    ("D-05", lets_write_discovery),
    ("D-05", turns(405, 404)),
    ("D-06", schemas(lambda above, raw: raw.pop("mutability"))),
    ("D-06", described("User.name.givenName", caseExact=None)),
    ("D-06", described("User.userName", mutability="READ_WRITE")),
    ("D-06", described("User.active", multiValued="false")),
    ("D-06", described("User.name", subAttributes=[])),
    ("D-06", schemas(lambda above, raw: raw.pop("uniqueness", None))),
    ("D-07", described("Group.displayName", required=False)),
    ("D-07", described("User.groups.$ref", referenceTypes=["User", "Group"])),
    ("D-07", described("EnterpriseUser.manager.value", caseExact=False)),
    ("D-07", described("User.emails", uniqueness="server")),
    ("D-08", says(404, "/ResourceTypes/User")),
    ("D-08", answers(unknown_extension, "/ResourceTypes")),
    ("D-08", says(404, r"/Groups\?")),
    ("D-09", silent_about("etag")),
    ("D-09", says(501, "/Bulk")),
    ("D-09", says(501, "sortBy=")),
    ("D-09", says(501, "^PATCH")),
    ("D-09", config(patch={"supported": False})),
    ("J-01", says(404, "/Me")),
    ("J-01", me(308)),
    ("J-01", me(308, f"{BASE}/Me")),
    ("J-01", me(200, f"{BASE}/Users/1", id="2")),
    ("J-01", me(501)),
    ("N-01", config(securityEvents={"asyncRequest": "sometimes", "eventUris": []})),
    ("N-01", config(securityEvents={"asyncRequest": "none", "eventUris": "urn:x"})),
    ("N-01", later(202, RECEIPT)),
    ("N-01", both(EVENTS, later(202))),
    ("N-01", both(EVENTS, later(202, RECEIPT, b"{}"))),
]  # fmt: skip


@pytest.mark.parametrize("id, fault", WRONG, ids=[f"{id}-{number}" for number, (id, _) in enumerate(WRONG)])
def test_a_wrong_server_fails(id: str, fault: Fault) -> None:
    found = verdict(id, fault)
    assert found.status == "failed", found.reason
    assert "could not be read" not in found.reason


def test_these_sections_are_whole() -> None:
    counts = {section: sum(id[0] == section for id in REQUIREMENTS) for section in "HMXDJ"}
    assert counts == {"H": 15, "M": 9, "X": 5, "D": 9, "J": 1}
    assert "N-01" in REQUIREMENTS


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize("writable", [True, False])
def test_a_right_server_passes(write: bool, writable: bool) -> None:
    with opened(Bridge(writable=writable).app, base=BASE, write=write) as session:
        found = [judged(session, each) for id, each in REQUIREMENTS.items() if id[0] in SECTIONS]
        assert session.cleanup() == []
    assert [(each.id, each.reason) for each in found if each.status == "failed"] == []
    unseen, skipped = {"H-04", "H-09", "H-10"}, {each.id for each in found if each.status == "skipped"}
    changing = {each.id for each in REQUIREMENTS.values() if each.writes} | {"H-12", "H-15"}  # it holds nobody yet
    assert unseen <= skipped <= unseen | (set() if write and writable else changing)


def test_a_read_only_server_keeps_its_word() -> None:  # D-09
    with opened(Bridge(writable=False).app, config(patch={"supported": True}), base=BASE) as session:
        assert judged(session, REQUIREMENTS["D-09"]).status == "failed"
    with opened(Bridge(writable=False).app, says(201, "^POST", {"id": "1"}), base=BASE) as session:
        assert judged(session, REQUIREMENTS["D-09"]).status == "failed"


def test_no_tls_is_found_except_on_this_machine() -> None:  # H-07
    assert verdict("H-07", base="http://server.test/scim/acme/v2").status == "failed"
    assert verdict("H-07", base="http://127.0.0.1/scim/acme/v2").status == "passed"


@pytest.mark.parametrize(
    "stated, status", [("30", "passed"), ("Wed, 21 Oct 2026 07:28:00 GMT", "failed"), (None, "failed")]
)
def test_being_put_off_is_said_in_seconds(stated: str | None, status: str) -> None:  # H-10
    headers = {} if stated is None else {"retry-after": stated}
    busy = httpx.Response(429, json=error(429), headers=headers)
    fault: Fault = lambda request, send: busy if is_asked(request, "filter=") else send(request)  # noqa: E731 - typed by Fault
    with opened(fault=fault, base=BASE) as session:
        session.get("/Users", filter="id pr")
        assert judged(session, REQUIREMENTS["H-10"]).status == status


def test_personal_data_may_be_sent_to_a_search() -> None:  # H-11
    assert verdict("H-11", says(403, "^GET .*filter=", SENSITIVE)).status == "passed"


def test_an_answer_that_takes_too_long_is_found(monkeypatch: pytest.MonkeyPatch) -> None:  # H-14
    def silent(request: httpx.Request, send: Send) -> httpx.Response:
        if is_asked(request, "count=100"):
            raise httpx.ReadTimeout("slow", request=request)
        return send(request)

    assert verdict("H-14", silent).reason.endswith("got no answer: ReadTimeout")
    minutes = itertools.count(0, 70)
    monkeypatch.setattr("httpx._client.time.perf_counter", lambda: float(next(minutes)))
    assert "took 70 s" in verdict("H-14").reason


def test_what_cannot_be_printed_is_written_out() -> None:
    found = verdict("X-04", says(500, "Users/\x00", {}))
    assert "\\x00" in found.reason and "\x00" not in found.reason
    assert all(each.request.replace("\n", "").isprintable() for each in found.exchanges)


@pytest.mark.parametrize(
    "fault",
    [
        me(308, f"{BASE}/Users/1"),
        me(200, f"{BASE}/Users/1", id="1", meta={"location": f"{BASE}/Users/1"}),
    ],
)
def test_whoever_is_signed_in_may_be_shown(fault: Fault) -> None:  # J-01
    assert verdict("J-01", fault).status == "passed"


def test_a_change_may_be_answered_later_where_that_is_offered() -> None:  # N-01
    assert verdict("N-01", both(EVENTS, later(202, RECEIPT))).status == "passed"


def test_a_client_without_credentials_is_judged_as_far_as_possible() -> None:  # H-01
    def open_to_all(request: httpx.Request, send: Send) -> httpx.Response:
        request.headers["authorization"] = "Bearer t0ken"
        return send(request)

    with opened(fault=open_to_all, base=BASE) as session:
        session.wire._client.headers.pop("authorization")
        found = {id: judged(session, REQUIREMENTS[id]).status for id in ("H-01", "H-02", "H-03", "H-05", "H-09")}
    assert found == {"H-01": "skipped", "H-02": "skipped", "H-03": "passed", "H-05": "skipped", "H-09": "skipped"}
