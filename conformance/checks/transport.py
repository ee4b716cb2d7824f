"""HTTP, who signs in, and versions (RFC 7644 sections 2, 3.12, 3.13 and 7)."""

import base64
import re
from typing import Any, Final, NoReturn

import httpx

from scim_bridge.conformance.requirements import Failed, expect, requirement, skip
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.target import is_local
from scim_bridge.conformance.wire import Answer

_SECONDS: Final = 60
_ELSEWHERE: Final = "conformance.invalid"
_SCHEMES: Final = {
    "oauthbearertoken": "bearer",
    "oauth2": "bearer",
    "oauth": "oauth",
    "httpbasic": "basic",
    "httpdigest": "digest",
}
"""What WWW-Authenticate calls the types of authenticationSchemes (RFC 7643 section 5)."""
_CHALLENGE: Final = re.compile(r"(?:^|,\s*)([!#$%&'*+.^_`|~\w-]+)(?=\s|,|$)")


def _lists(session: Session) -> list[str]:
    """The endpoints of the resource types. Raises Skipped where there are none."""
    return [each.endpoint for each in session.site.kinds] or skip("the server has no resource types")


def _credentials(session: Session) -> tuple[str, str]:
    """The scheme and the rest of the Authorization header. Raises Skipped where requests bring none."""
    scheme, _, rest = (session.wire.authorization or "").partition(" ")
    if not rest:
        skip("no credentials were given, so that it is not known which the server takes")
    return scheme, rest.strip()


@requirement("H-01", "M", "RFC 7644 section 2", "A request without credentials is answered 401 and the schemes to use")
def without_credentials_nothing_is_shown(session: Session) -> None:
    _credentials(session)
    stated = session.site.config.get("authenticationSchemes")
    declared = {_SCHEMES.get(str(each.get("type")).lower()) for each in stated or () if isinstance(each, dict)}
    for path in _lists(session)[:2]:
        answer = session.wire.send("GET", path, headers={"Authorization": None}).refused(401)
        challenge = answer.headers.get("www-authenticate", "")
        expect(challenge, f"{answer.told} without credentials was answered 401 without WWW-Authenticate")
        missing = declared - {each.lower() for each in _CHALLENGE.findall(challenge)} - {None}
        expect(not missing, f"{answer.told}: WWW-Authenticate is {challenge!r}, without {', '.join(map(str, missing))}")


@requirement("H-02", "M", "RFC 7644 section 2", "Wrong credentials are answered 401 before anything else is looked at")
def wrong_credentials_are_refused(session: Session) -> None:
    scheme, _ = _credentials(session)
    endpoint = _lists(session)[0]
    for wrong in _wrong(session, scheme):
        for path in (endpoint, f"{endpoint}/{session.name()}"):
            _without_access(session, "GET", path, wrong)
    if session.write:
        _without_access(session, "POST", endpoint, _wrong(session, scheme)[0], content=b"{")


def _wrong(session: Session, scheme: str) -> list[str]:
    """Credentials that nobody has, the first of the scheme in use."""
    token = session.name()
    basic = f"Basic {base64.b64encode(f'{token}:{token}'.encode()).decode()}"
    bearer = f"Bearer {token}"
    return [basic, bearer] if scheme.lower() == "basic" else [bearer, basic, "Bearer"]


def _without_access(session: Session, method: str, path: str, authorization: str, **more: Any) -> None:
    answer = session.wire.send(method, path, headers={"Authorization": authorization}, **more)
    if answer.status != 401:
        shown = authorization.partition(" ")[0]
        raise Failed(f"{answer.told} with a {shown} header that nobody has answered {answer.status} instead of 401")
    answer.refused(401)


@requirement("H-03", "S", "RFC 7643 section 5", "What a client needs to sign in is shown without credentials")
def configuration_is_open(session: Session) -> None:
    answer = session.wire.send("GET", "/ServiceProviderConfig", headers={"Authorization": None})
    shown = answer.ok(200).object.get("authenticationSchemes")
    expect(isinstance(shown, list), f"{answer.told} without credentials shows no authenticationSchemes")


@requirement("H-04", "M", "RFC 7644 section 2", "What a client may not do is answered 403")
def what_is_not_allowed_is_forbidden(session: Session) -> None:
    skip("takes a second client that may do less than this one; which that is only the server's operator can say")


@requirement("H-05", "M", "RFC 7644 section 2", "The name of the scheme is read in any case: bearer, Bearer")
def schemes_are_read_in_any_case(session: Session) -> None:
    scheme, rest = _credentials(session)
    for written in (scheme.lower(), scheme.upper()):
        answer = session.wire.send(
            "GET", _lists(session)[0], params={"count": 1}, headers={"Authorization": f"{written} {rest}"}
        )
        expect(answer.status == 200, f"{answer.told} signed in with {written!r} answered {answer.status}")


@requirement("H-06", "M", "RFC 7644 section 3.13", "A version that the server does not have is refused")
def other_versions_are_refused(session: Session) -> None:
    base, _, version = session.wire.url.rpartition("/")
    if not re.fullmatch(r"v\d+", version):
        skip("the base URL names no version")
    answer = session.get(f"{base}/v98{_lists(session)[0]}", count=1)
    expect(
        400 <= answer.status < 500 or answer.status == 501,
        f"{answer.told}, a version that does not exist, answered {answer.status} instead of 400 or 404",
    )
    if answer.status == 400:
        answer.refused(400, types=["invalidVers", ""])


@requirement("H-07", "M", "RFC 7644 section 7.2", "TLS is used, and what clients say of the host shapes no location")
def hosts_are_not_taken_from_anybody(session: Session) -> None:
    url = httpx.URL(session.wire.url)
    # The client speaks TLS 1.2 or newer only, so that an answer proves it.
    expect(url.scheme == "https" or is_local(str(url)), f"{url.host} is spoken to without TLS")
    path = _some_path(session)
    told = {"X-Forwarded-Host": _ELSEWHERE, "Forwarded": f"host={_ELSEWHERE}", "X-Forwarded-Prefix": f"/{_ELSEWHERE}"}
    answer = session.wire.send("GET", path, headers=told).ok(200)
    shown = answer.content.decode("utf-8", "replace") + answer.headers.get("location", "")
    expect(_ELSEWHERE not in shown, f"{answer.told} with a forwarded host that a client made up answers with that host")


def _some_path(session: Session) -> str:
    """A resource, or what is always there."""
    for each in session.site.kinds:
        rows = session.get(each.endpoint, startIndex=1, count=1).resources()
        if rows and rows[0].get("id"):
            return f"{each.endpoint}/{rows[0]['id']}"
    return "/ResourceTypes"


@requirement("H-08", "S", "RFC 7644 section 3.4.2", "Query parameters that the server does not know are ignored")
def unknown_parameters_are_ignored(session: Session) -> None:
    for path in _lists(session)[:2]:
        plain = session.get(path, startIndex=1, count=3)
        more = session.get(path, startIndex=1, count=3, aadOptscim062020="", conformance="1")
        ids = [each.get("id") for each in plain.resources()]
        expect([each.get("id") for each in more.resources()] == ids, f"{more.told} finds others than {plain.told}")


@requirement("H-09", "M", "RFC 7644 section 7.4", "Tokens are hard to guess, short-lived, and repeated nowhere")
def tokens_are_not_repeated(session: Session) -> None:
    scheme, _ = _credentials(session)
    for wrong in _wrong(session, scheme):
        answer = session.wire.send("GET", _lists(session)[0], headers={"Authorization": wrong})
        secret = wrong.partition(" ")[2]
        repeated = secret and secret in f"{answer.headers}{answer.content.decode('utf-8', 'replace')}"
        expect(not repeated, f"{answer.told} repeats the token that it refuses")
    skip("no error repeats a token; how tokens are made, kept and logged cannot be seen from outside")


@requirement("H-10", "I", "Okta", "An answer 429 or 503 says in whole seconds when to come back")
def retry_after_is_a_number(session: Session) -> None:
    for each in session.wire.put_off:
        stated = each.headers.get("retry-after", "")
        expect(
            re.fullmatch(r"\s*\d+\s*", stated),
            f"{each.told} answered {each.status} with Retry-After {stated!r}, not a whole number of seconds",
        )
    if not session.wire.put_off:
        skip("no answer so far was 429 or 503, and a server is not overloaded on purpose")


@requirement(
    "H-11", "S", "RFC 7644 section 7.5.2", "Personal data in a query is found, or sent to POST .search by a 403"
)
def personal_data_in_queries(session: Session) -> None:
    session.site.needs("filter")
    endpoint, question = session.users.endpoint, f'userName eq "{session.name()}"'
    answer = session.get(endpoint, filter=question)
    if answer.status != 403:
        answer.resources()
        return
    answer.refused(403, types=["sensitive"])
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": question}
    session.post(f"{endpoint}/.search", body).resources()


@requirement("H-12", "M", "RFC 7644 section 3.12", "Methods that an endpoint does not have are answered 405 with Allow")
def other_methods_are_refused(session: Session) -> None:
    endpoint = _lists(session)[0]
    asked = [("GET", "/Bulk")] if session.site.supports("bulk") else []
    if session.write:
        asked += [("PUT", endpoint), ("PATCH", endpoint)]
    if not asked:
        skip("only requests that could change the server would show it, and it does not offer bulk")
    for method, path in asked:
        content = None if method == "GET" else b'{"schemas": []}'
        _expect_no_method(session.wire.send(method, path, content=content), "POST" if path == "/Bulk" else "GET")


def _expect_no_method(answer: Answer, real: str) -> None:
    answer.refused(405, 501)
    if answer.status == 405:
        allowed = {each.strip().upper() for each in answer.headers.get("allow", "").split(",")} - {""}
        expect(real in allowed, f"{answer.told} was answered 405 with Allow {sorted(allowed)}, which lacks {real}")


@requirement("H-13", "Y", "RFC 9110 section 9.3.2", "No web page of others may read along; HEAD, if taken, is as GET")
def no_foreign_origins_and_head(session: Session) -> None:
    path = "/ServiceProviderConfig"
    answer = session.wire.send("GET", path, headers={"Origin": f"https://{_ELSEWHERE}"})
    allowed = answer.headers.get("access-control-allow-origin")
    expect(
        allowed is None or (allowed != "*" and _ELSEWHERE not in allowed),
        f"{answer.told} lets web pages of any origin read the answer: Access-Control-Allow-Origin is {allowed!r}",
    )
    head = session.wire.send("HEAD", path).ok(answer.status, 405, 501)
    if head.status == answer.status:
        expect(head.media_type == answer.media_type, f"{head.told} answers {head.media_type}, GET {answer.media_type}")


@requirement("H-14", "I", "Okta", f"An answer comes within {_SECONDS} seconds")
def answers_come_in_time(session: Session) -> None:
    for path in _lists(session):
        answer = session.get(path, startIndex=1, count=100).ok(200)
        expect(answer.seconds < _SECONDS, f"{answer.told} took {answer.seconds:.0f} s; Okta waits {_SECONDS} s")


@requirement("H-15", "M", "RFC 7644 section 3", "Reading changes nothing, and what was written can be read at once")
def reading_changes_nothing(session: Session) -> None:
    kind = session.users
    known = session.made(kind) if session.write and not kind.read_only else session.people[0]
    again = session.get(f"{kind.endpoint}/{known['id']}")
    if again.ok(200).object != known:
        _expect_unchanged(again, known)


def _expect_unchanged(again: Answer, known: dict[str, Any]) -> NoReturn:
    now = again.object
    names = sorted(name for name in {*known, *now} if known.get(name) != now.get(name))
    raise Failed(f"{again.told}, asked again, has other {', '.join(names)} though nothing was written in between")
