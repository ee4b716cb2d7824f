"""What every resource has: schemas, id, externalId, meta (RFC 7643 section 3)."""

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote, urljoin

from scim_bridge.conformance.questions import instant
from scim_bridge.conformance.requirements import expect, requirement, skip
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.site import Kind, read

_DATE_TIME: Final = re.compile(r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")


def _resources(session: Session) -> Iterator[tuple[Kind, dict[str, Any]]]:
    return ((kind, each) for kind, rows in session.known() for each in rows)


def _told(kind: Kind, resource: dict[str, Any]) -> str:
    return f"{kind.endpoint}/{resource.get('id')}"


@requirement("S-01", "M", "RFC 7643 section 3", "A resource's schemas are its type's and those extensions that it has")
def schemas_are_those_of_the_type(session: Session) -> None:
    for kind, each in _resources(session):
        stated, told = each.get("schemas"), _told(kind, each)
        expect(isinstance(stated, list) and stated, f"{told}: schemas is {stated!r}")
        named = [str(urn).lower() for urn in stated or ()]
        allowed = {urn.lower() for urn in (kind.schema, *kind.extensions)}
        expect(len(named) == len(set(named)), f"{told}: schemas names one twice: {stated}")
        expect(kind.schema.lower() in named, f"{told}: schemas lack {kind.schema}")
        expect(set(named) <= allowed, f"{told}: {sorted(set(named) - allowed)} are no schemas of {kind.name}")
        held = {name.lower() for name, value in each.items() if ":" in name and value not in (None, {}, [])}
        expect(held <= set(named), f"{told}: it holds {sorted(held - set(named))}, which its schemas do not name")


@requirement(
    "S-02", "M", "RFC 7643 section 3.1", "An id is the server's, its resource's alone, always the same and shown"
)
def ids_are_the_servers(session: Session) -> None:
    known = session.people[0]
    for kind in session.site.kinds:
        ids = [each.get("id") for each in session.get(kind.endpoint, startIndex=1, count=100).resources()]
        expect(len(ids) == len({str(each) for each in ids}), f"{kind.endpoint} lists an id twice")
        for each in ids:
            expect(isinstance(each, str) and each, f"{kind.endpoint} lists a resource with the id {each!r}")
            expect("bulkid" not in str(each).lower(), f"{kind.endpoint} lists the id {each!r}, a word of Bulk")
    kind = session.users
    for params in ({}, {"attributes": "userName"}, {"excludedAttributes": "id"}):
        found = session.fetch(kind, known["id"], **params).get("id")
        expect(found == known["id"], f"{_told(kind, known)} shows the id {found!r} when asked with {params}")
    if session.write and not kind.read_only:
        _expect_own_ids(session, kind)


def _expect_own_ids(session: Session, kind: Kind) -> None:
    """An id that a client sends is not taken, and one that was used is not used again."""
    chosen = session.name()
    body = session.body(kind) | {"id": chosen}
    first = session.create(kind, body)
    expect(first["id"] != chosen, f"POST {kind.endpoint} took the id that the client sent")
    session.delete(_told(kind, first)).ok(204)
    second = session.create(kind, body)
    expect(first["id"] != second["id"], f"POST {kind.endpoint} gave the id of a deleted resource again")


@requirement(
    "S-03", "M", "RFC 7643 section 3.1", "externalId is the client's: kept as sent, shared, never made up", writes=True
)
def external_ids_are_the_clients(session: Session) -> None:
    kind = session.users
    attribute = kind.attribute("externalId")
    if attribute is not None and not attribute.writable:
        skip("externalId cannot be written")
    value = f"Ext-{session.name()}-aBc"
    first = session.made(kind, externalId=value)
    if attribute is None and "externalId" not in first:
        skip("the server keeps no externalId, and its schema has none")
    expect(first.get("externalId") == value, f"externalId sent as {value!r} came back as {first.get('externalId')!r}")
    answer = session.post(kind.endpoint, session.body(kind, externalId=value))
    expect(answer.status == 201, f"{answer.told}: a second user with the same externalId is answered {answer.status}")
    without = session.made(kind)
    expect(not without.get("externalId"), f"a user without externalId was given {without.get('externalId')!r}")


@requirement(
    "S-04", "M", "RFC 7643 section 3.1", "meta is the server's: resource type, location, when made and changed"
)
def meta_is_the_servers(session: Session) -> None:
    for kind, each in _resources(session):
        _expect_meta(kind, each)
    if session.write and not session.users.read_only:
        _expect_own_meta(session, session.users)


def _expect_meta(kind: Kind, resource: dict[str, Any]) -> None:
    told, meta = _told(kind, resource), resource.get("meta")
    expect(isinstance(meta, dict), f"{told}: meta is {meta!r}")
    found = read(resource, "meta.resourceType")
    expect(found == kind.name, f"{told}: meta.resourceType is {found!r}, not {kind.name!r}")
    expect(isinstance(read(resource, "meta.location"), str), f"{told}: meta.location is missing")
    times = [read(resource, f"meta.{name}") for name in ("created", "lastModified")]
    for value in times:
        expect(value is None or is_date_time(value), f"{told}: meta has {value!r}, no date and time")
    created, modified = map(instant, times)
    if created is not None and modified is not None:
        expect(created <= modified, f"{told}: changed {times[1]}, before it was made {times[0]}")


def is_date_time(value: Any) -> bool:
    """Whether a value is a dateTime of XML Schema, with date and time (RFC 7643 section 2.3.5)."""
    return isinstance(value, str) and _DATE_TIME.fullmatch(value) is not None


def _expect_own_meta(session: Session, kind: Kind) -> None:
    """What a client sends is ignored; what changes is the time of the last change alone."""
    sent = {
        "resourceType": "Conformance",
        "created": "2001-01-01T00:00:00Z",
        "lastModified": "2001-01-01T00:00:00Z",
        "location": "https://conformance.invalid/1",
    }
    body = session.body(kind, meta=sent)
    made = session.create(kind, body)
    before = session.fetch(kind, made["id"])
    for name, value in sent.items():
        expect(read(before, f"meta.{name}") != value, f"{_told(kind, made)} took the meta.{name} that the client sent")
    created, modified = read(made, "meta.created"), read(made, "meta.lastModified")
    expect(created == modified, f"{_told(kind, made)}: never changed, but created {created} and modified {modified}")
    session.put(_told(kind, made), session.body(kind) | {"userName": body.get("userName")}).ok(200)
    now = read(session.fetch(kind, made["id"]), "meta.created")
    expect(now == read(before, "meta.created"), f"{_told(kind, made)}: a change set meta.created to {now}")


@requirement("S-05", "M", "RFC 7643 section 3.1", "meta.location is where the client reached the resource")
def locations_are_where_the_resource_is(session: Session) -> None:
    base = f"{session.wire.url}/"
    for kind, _ in session.known():
        for row in session.get(kind.endpoint, startIndex=1, count=3).resources():
            answer = session.get(f"{kind.endpoint}/{row.get('id')}")
            one, wanted = answer.ok(200).object, urljoin(base, f"{kind.endpoint[1:]}/{row.get('id')}")
            for place, stated in (("in the list", read(row, "meta.location")), ("alone", read(one, "meta.location"))):
                found = unquote(urljoin(base, str(stated)))
                expect(found == wanted, f"{answer.told}: meta.location {place} is {stated!r}, not {wanted!r}")
            for header in ("location", "content-location"):
                told = answer.headers.get(header)
                same = told is None or urljoin(base, told) == urljoin(base, str(read(one, "meta.location")))
                expect(same, f"{answer.told}: {header} is {told!r}, and meta.location {read(one, 'meta.location')!r}")
