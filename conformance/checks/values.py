"""Values: their types, uniqueness, names and secrets (RFC 7643 sections 2.3, 4.1 and 7, RFC 7644 section 7)."""

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, Final

from scim_bridge.conformance.checks.identity import is_date_time
from scim_bridge.conformance.requirements import expect, requirement, skip
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.site import Attribute, Kind, put, read
from scim_bridge.conformance.wire import Answer

_WRONG: Final[Mapping[str, tuple[Any, ...]]] = {
    "boolean": ("perhaps",),
    "integer": (1.5, "many"),
    "decimal": ("much",),
    "dateTime": ("2026-01-02", "tomorrow"),
    "binary": ("QUJD!", "Ää=="),
    "complex": ("text",),
}
"""Per type, what is no value of it. Text for a boolean is not among it: Entra sends "True", which servers may take."""
_PROBES: Final = 12
_CERTIFICATE: Final = (
    "MIIBQjCB9aADAgECAhQ1wXpTdA3+xtbZg0dyQkrhEkTMdTAFBgMrZXAwFjEUMBIGA1UEAwwLY29uZm9ybWFuY2UwIBcNMjYxMTI1MTI1ODM1"
    "WhgPMjEyNjExMDExMjU4MzVaMBYxFDASBgNVBAMMC2NvbmZvcm1hbmNlMCowBQYDK2VwAyEAv0+vXzLnZO3VBnag16sXA8+zD7MOXZ8fHECf"
    "VLfqrK2jUzBRMB0GA1UdDgQWBBSg5CpzbU7QV2rcT0GyZs/w9oeF9DAfBgNVHSMEGDAWgBSg5CpzbU7QV2rcT0GyZs/w9oeF9DAPBgNVHRMB"
    "Af8EBTADAQH/MAUGAytlcANBAKJM0NMswG+v875GiqbAvVvvNH48HqM0KXPnKZFCDacoa6fb6YZ+Lzw17MiVv5RmieAwlCcD+haW6ggoFiYP"
    "oAk="
)
"""A certificate of nobody."""


@requirement("S-07", "M", "RFC 7643 section 2.3", "Values have their attribute's type, in answers and in what is taken")
def values_have_their_type(session: Session) -> None:
    for kind, rows in session.known():
        for resource in rows:
            for attribute in kind.attributes:
                _expect_typed(kind, resource, attribute)
    if session.write and not session.users.read_only:
        _expect_wrong_types_refused(session, session.users)


def _expect_typed(kind: Kind, resource: Mapping[str, Any], attribute: Attribute) -> None:
    value = read(resource, attribute.path)
    if value is None:
        return
    told = f"{kind.endpoint}/{resource.get('id')}: {attribute.path}"
    expect(
        isinstance(value, list) == attribute.multi_valued, f"{told} is {_brief(value)}, a list or not against /Schemas"
    )
    for each in value if isinstance(value, list) else [value]:
        if attribute.type == "complex":
            expect(isinstance(each, dict), f"{told} is complex, and holds {_brief(each)}")
            for sub in attribute.subs:
                _expect_typed_inside(told, each, sub)
        else:
            expect(_fits(attribute.type, each), f"{told} is {_brief(each)}, no {attribute.type}")


def _expect_typed_inside(told: str, element: Mapping[str, Any], sub: Attribute) -> None:
    value = read(element, sub.name)
    for each in value if isinstance(value, list) and sub.multi_valued else [value]:
        expect(each is None or _fits(sub.type, each), f"{told}.{sub.name} is {_brief(each)}, no {sub.type}")


def _fits(type: str, value: Any) -> bool:
    """Whether a decoded value is one of a simple type."""
    if type == "boolean":
        return isinstance(value, bool)
    if type in ("integer", "decimal"):
        return isinstance(value, int if type == "integer" else (int, float)) and not isinstance(value, bool)
    if type == "dateTime":
        return is_date_time(value)
    if type == "binary":
        return isinstance(value, str) and _bytes(value) is not None
    if type == "reference":
        return isinstance(value, str) and re.search(r"\s", value) is None
    return isinstance(value, str) or type not in ("string", "complex")


def _bytes(text: str) -> bytes | None:
    """What base64 stands for, in either alphabet (RFC 4648 sections 4 and 5); None for what is none."""
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return None


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _expect_wrong_types_refused(session: Session, kind: Kind) -> None:
    session.make(kind)
    for attribute, value in list(_wrong(kind))[:_PROBES]:
        top = attribute.parent or attribute
        element = value if top is attribute else {attribute.name: value}
        body = put(session.body(kind), top.path, [element] if top.multi_valued else element)
        answer = session.post(kind.endpoint, body)
        told = f"{answer.told} with {attribute.path} {value!r}, no {attribute.type}, answered {answer.status}, not 400"
        expect(answer.status == 400, told)
        answer.refused(400, types=["invalidValue", "invalidSyntax", ""])


def _wrong(kind: Kind) -> Iterator[tuple[Attribute, Any]]:
    """For each type an attribute or sub-attribute that can be written, with values that do not fit it."""
    seen: set[str] = set()
    for attribute in kind.attributes:
        for each in (attribute, *attribute.subs):
            if each.writable and each.type in _WRONG and each.type not in seen:
                seen.add(each.type)
                yield from ((each, value) for value in _WRONG[each.type])


@requirement(
    "S-14",
    "M",
    "RFC 7643 section 7",
    "What is unique is so by its case rule, and free again once given up",
    writes=True,
)
def unique_values_are_unique(session: Session) -> None:
    kind = session.users
    attribute = _unique(kind)
    body = session.body(kind)
    first, name = session.create(kind, body), str(read(body, attribute.path))
    swapped = name.swapcase()
    answer = _with(session, kind, attribute, swapped)
    if attribute.case_exact:
        expect(answer.status == 201, f"{answer.told}: {attribute.path} is case-exact, yet {swapped!r} is taken")
    else:
        _expect_taken(answer, attribute, swapped)
    _expect_taken(_with(session, kind, attribute, name), attribute, name)
    other = f"x{name}"
    session.put(f"{kind.endpoint}/{first['id']}", put(body, attribute.path, other)).ok(200)
    _expect_free(_with(session, kind, attribute, name), attribute, name, "renamed")
    session.delete(f"{kind.endpoint}/{first['id']}").ok(204)
    _expect_free(_with(session, kind, attribute, other), attribute, other, "deleted")


def _unique(kind: Kind) -> Attribute:
    """userName, or another text that may be there once. Raises Skipped."""
    unique = [
        each
        for each in kind.attributes
        if each.uniqueness in ("server", "global") and each.writable and each.type == "string" and each.required
    ]
    found = sorted(unique, key=lambda each: each.name != "userName")
    return found[0] if found else skip("no attribute of User that can be written is declared unique")


def _with(session: Session, kind: Kind, attribute: Attribute, value: str) -> Answer:
    return session.post(kind.endpoint, put(session.body(kind), attribute.path, value))


def _expect_taken(answer: Answer, attribute: Attribute, value: str) -> None:
    expect(answer.status == 409, f"{answer.told}: {attribute.path} {value!r} is taken, yet answered {answer.status}")
    answer.refused(409, types=["uniqueness"])


def _expect_free(answer: Answer, attribute: Attribute, value: str, done: str) -> None:
    told = f"{answer.told}: {attribute.path} {value!r} was given up by what was {done}, yet answered {answer.status}"
    expect(answer.status == 201, told)


@requirement(
    "S-15",
    "M",
    "RFC 7644 section 7.8",
    "User names are prepared before they are compared: case and composition",
    writes=True,
)
def names_are_prepared(session: Session) -> None:
    kind = session.users
    attribute = _unique(kind)
    if attribute.name != "userName" or attribute.case_exact:
        skip("userName is not declared unique regardless of case")
    name = f"zoé.{session.name()}@example.com"
    session.make(kind)
    answer = _with(session, kind, attribute, name)
    if answer.status == 400:
        skip("the server takes no user names beyond ASCII")
    found = read(session.fetch(kind, answer.ok(201).object["id"]), "userName")
    expect(unicodedata.normalize("NFC", str(found)) == name, f"userName sent as {name!r} came back as {found!r}")
    _expect_taken(_with(session, kind, attribute, name.upper()), attribute, name.upper())
    apart = unicodedata.normalize("NFD", name)
    _expect_taken(_with(session, kind, attribute, apart), attribute, f"{apart} (in two code points)")


@requirement("S-16", "M", "RFC 7643 section 4.1.2", "x509Certificates hold one certificate each: DER in base64")
def certificates_are_certificates(session: Session) -> None:
    kind = session.users
    value = kind.attribute("x509Certificates.value") or skip("User has no x509Certificates")
    for resource in session.people:
        for each in read(resource, "x509Certificates.value") or ():
            _expect_der(f"{kind.endpoint}/{resource['id']}", each)
    if not value.writable:
        skip("x509Certificates cannot be written; those of the users that were looked at are DER in base64, if any")
    if session.write:
        shown = session.made(kind, x509Certificates=[{"value": _CERTIFICATE}])
        found = read(shown, "x509Certificates.value") or []
        expect(found == [_CERTIFICATE], f"a certificate in x509Certificates came back as {_brief(found)}")
        answer = session.post(kind.endpoint, session.body(kind, x509Certificates=[{"value": "no certificate!"}]))
        expect(answer.status == 400, f"{answer.told} with a certificate that is not base64 answered {answer.status}")


def _expect_der(told: str, value: Any) -> None:
    decoded = _bytes(value) if isinstance(value, str) else None
    expect(
        decoded is not None and decoded[:1] == b"\x30", f"{told} has the x509Certificates value {_brief(value)}, no DER"
    )


@requirement("S-17", "M", "RFC 7643 section 4.1.1", "A password is never shown, whatever is asked")
def passwords_are_not_shown(session: Session) -> None:
    kind, known = session.users, session.people[0]
    _expect_silent(session.get(f"{kind.endpoint}/{known['id']}", attributes="password"))
    _expect_silent(session.get(kind.endpoint, startIndex=1, count=3, attributes="password,userName"))
    if session.write and kind.writable("password"):
        secret = f"Pw-{session.name()}-9!x"
        body = session.body(kind, password=secret)
        answers = [session.post(kind.endpoint, body)]
        if answers[0].status != 201:
            skip(f"a user with a password is answered {answers[0].status}")
        path = f"{kind.endpoint}/{answers[0].object['id']}"
        answers += [session.put(path, body), session.get(path), session.get(path, attributes="password")]
        answers.append(session.post(kind.endpoint, body))  # refused as a duplicate: an error may not repeat it either
        for each in answers:
            _expect_silent(each)
            shown = each.content.decode("utf-8", "replace")
            expect(secret not in shown, f"{each.told}, answered {each.status}, shows the password that was sent")


def _expect_silent(answer: Answer) -> None:
    if answer.status != 200:
        answer.refused(400, 403, 404, 409, 501) if answer.status >= 400 else answer.ok(201)
        return
    rows = answer.object.get("Resources") or [answer.object]
    expect(not any("password" in each for each in rows), f"{answer.told} shows password")
