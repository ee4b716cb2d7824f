"""What of a resource is answered: ``attributes`` and ``excludedAttributes`` (RFC 7644 section 3.9)."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from scim_bridge.conformance.requirements import expect, requirement, skip
from scim_bridge.conformance.session import PATCH_OP, Session
from scim_bridge.conformance.site import Kind, put, read
from scim_bridge.conformance.wire import Answer

SEARCH_REQUEST: Final = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
_NOWHERE: Final = "conformanceNowhere"
_SHOWN: Final = "userName name displayName title nickName active emails".split()


def _someone(session: Session, *needed: str) -> dict[str, Any]:
    """A person who has these, and at least two attributes to tell apart. Raises Skipped."""
    for each in session.people:
        if all(read(each, path) not in (None, []) for path in needed) and len(_names(each)) > 1:
            return each
    skip(f"no user shows {' and '.join(needed) or 'two attributes'}")


def _names(resource: Mapping[str, Any]) -> list[str]:
    return [each for each in _SHOWN if resource.get(each) not in (None, [], {})]


def _always(kind: Kind) -> set[str]:
    """What is in every answer: id, and what the schema says so of; schemas tells what the rest is."""
    return {"id", "schemas", *(each.name for each in kind.attributes if each.returned == "always")}


def _views(session: Session, kind: Kind, resource: Mapping[str, Any], **params: Any) -> Iterator[tuple[str, Any]]:
    """The resource as each way to read shows it, and what a person calls that way."""
    answer = session.get(f"{kind.endpoint}/{resource['id']}", **params)
    yield answer.told, answer.ok(200).object
    if session.site.supports("filter"):
        answer = session.get(kind.endpoint, filter=f'id eq "{resource["id"]}"', **params)
        rows = answer.resources()
        expect(len(rows) == 1, f"{answer.told}: {len(rows)} resources, not the one with that id")
        yield answer.told, rows[0]


def _expect_names(told: str, shown: Mapping[str, Any], wanted: Collection[str], more: Collection[str] = ()) -> None:
    """Raises Failed unless what is shown has the wanted names and no others, save for these."""
    missing = sorted(set(wanted) - set(shown))
    expect(not missing, f"{told} lacks {', '.join(missing)}")
    extra = sorted(set(shown) - set(wanted) - set(more))
    expect(not extra, f"{told} shows {', '.join(extra)} as well")


@requirement("V-01", "M", "RFC 7644 section 3.9", "attributes: what is always shown, what is named, and nothing else")
def attributes_names_all_that_is_shown(session: Session) -> None:
    kind, person = session.users, _someone(session)
    for name in _names(person)[:2]:
        for told, shown in _views(session, kind, person, attributes=name):
            _expect_names(told, shown, {"id", name}, _always(kind))
            expect(shown[name] == person[name], f"{told}: {name} is {shown[name]!r}, and {person[name]!r} without it")


@requirement("V-02", "M", "RFC 7644 section 3.10", "Projections take a.b, URNs, any case, and lists with spaces")
def attributes_are_named_in_every_notation(session: Session) -> None:
    kind, person = session.users, _someone(session, "userName")
    inner = next((each for each in ("givenName", "familyName") if read(person, f"name.{each}")), None)
    spellings = [("userName", "USERNAME"), ("userName", f"{kind.schema}:userName")]
    spellings += [("userName", f"{kind.schema.upper()}:username"), ("userName", f" {_names(person)[-1]} ,  userName ")]
    for name, spelling in spellings:
        for told, shown in _views(session, kind, person, attributes=spelling):
            expect(shown.get(name) == person[name], f"{told}: {name} is {shown.get(name)!r}, not {person[name]!r}")
            expect(len(set(shown) - _always(kind)) <= 2, f"{told} shows {', '.join(sorted(shown))}")
    if inner is not None:
        for spelling in (f"name.{inner}", f"NAME.{inner.lower()}", f"{kind.schema}:name.{inner}"):
            for told, shown in _views(session, kind, person, attributes=spelling):
                _expect_names(told, shown, {"id", "name"}, _always(kind))
                _expect_names(f"{told}: name", shown["name"] or {}, {inner})


@requirement("V-03", "M", "RFC 7644 section 3.9", "excludedAttributes takes away what it names, never the id")
def excluded_attributes_are_left_out(session: Session) -> None:
    kind, person = session.users, _someone(session)
    name = _names(person)[-1]
    plain, narrowed = _views(session, kind, person), _views(session, kind, person, excludedAttributes=f"id,{name}")
    for (_, whole), (told, shown) in zip(plain, narrowed, strict=True):
        expect(shown.get("id") == person["id"], f"{told} lacks the id, which is always returned")
        _expect_names(told, shown, set(whole) - {name}, _always(kind))
    inner = next((each for each in ("givenName", "familyName") if read(person, f"name.{each}")), None)
    if inner is not None:
        for told, shown in _views(session, kind, person, excludedAttributes=f"name.{inner}"):
            left = {key: value for key, value in person["name"].items() if key != inner}
            found = {key: value for key, value in (shown.get("name") or {}).items() if key != "formatted"}
            left.pop("formatted", None)  # a server may put it together from what is there
            expect(found == left, f"{told}: name is {found}, not {left}")


@requirement("V-04", "M", "RFC 7644 section 3.9", "Projection works on every operation that answers a resource")
def every_operation_takes_a_projection(session: Session) -> None:
    kind, person = session.users, _someone(session, "userName")
    for told, shown in _views(session, kind, person, attributes="userName"):
        _expect_names(told, shown, {"id", "userName"}, _always(kind))
    for told, shown in _views(session, kind, person, excludedAttributes="userName"):
        expect("userName" not in shown, f"{told} shows userName")
    _search_is_projected(session, kind, person)
    if session.write and not kind.read_only:
        _writes_are_projected(session, kind)


def _search_is_projected(session: Session, kind: Kind, person: Mapping[str, Any]) -> None:
    query = {"filter": f'id eq "{person["id"]}"'} if session.site.supports("filter") else {"count": 1}
    body = {"schemas": [SEARCH_REQUEST], "attributes": ["userName"], **query}
    answer = session.post(f"{kind.endpoint}/.search", body)
    if answer.status in (404, 405, 501):
        return  # it has no search by POST
    for shown in answer.resources():
        _expect_names(answer.told, shown, {"id", "userName"}, _always(kind))


def _writes_are_projected(session: Session, kind: Kind) -> None:
    body = session.body(kind)
    made = session.post(kind.endpoint, body, params={"attributes": "userName"})
    if made.status in (403, 405, 501):
        return
    resource = made.ok(201).object
    _is_projected(made, kind)
    path = f"{kind.endpoint}/{resource['id']}"
    _is_projected(session.put(path, body, params={"attributes": "userName"}).ok(200), kind)
    answer = session.put(path, body, params={"excludedAttributes": "userName"}).ok(200)
    expect("userName" not in answer.object, f"{answer.told} shows userName")
    if session.site.supports("patch"):
        operation = {"op": "replace", "path": session.text(kind, kept=True).path, "value": "Patched"}
        answer = session.patch(path, operation, params={"attributes": "userName"}).ok(200, 204)
        if answer.status == 200:
            _is_projected(answer, kind)


def _is_projected(answer: Answer, kind: Kind) -> None:
    _expect_names(answer.told, answer.object, {"id", "userName"}, _always(kind))


@requirement("V-05", "M", "RFC 7644 section 3.9", "attributes and excludedAttributes together are refused with 400")
def one_projection_at_a_time(session: Session) -> None:
    kind = session.users
    both = {"attributes": "userName", "excludedAttributes": "emails"}
    session.get(kind.endpoint, count=1, **both).refused(400)
    session.get(f"{kind.endpoint}/{session.people[0]['id']}", **both).refused(400)


@requirement("V-06", "Y", "RFC 7644 section 3.9", "Unknown names in a projection are ignored or refused with 400")
def unknown_names_do_no_harm(session: Session) -> None:
    kind, person = session.users, _someone(session)
    path = f"{kind.endpoint}/{person['id']}"
    for name in (_NOWHERE, f"name.{_NOWHERE}", "urn:example:nowhere:1.0:Thing:colour", "..", "emails[", "é"):
        for parameter in ("attributes", "excludedAttributes"):
            answer = session.get(path, **{parameter: name})
            if answer.status != 200:
                answer.refused(400)
                continue
            expect(answer.object.get("id") == person["id"], f"{answer.told} answered another resource")
            kept = parameter == "attributes" or set(_names(person)) <= set(answer.object)
            expect(kept, f"{answer.told} leaves out what it does not name")


@requirement("V-07", "I", "Entra ID", "Groups can be read without their members")
def groups_are_read_without_members(session: Session) -> None:
    kind = session.groups
    group = next((each for each in session.teams if each.get("members")), session.teams[0])
    for told, shown in _views(session, kind, group, excludedAttributes="members"):
        expect("members" not in shown, f"{told} shows members")
        name = shown.get("displayName")
        expect(name == group.get("displayName"), f"{told}: displayName is {name!r}, not {group.get('displayName')!r}")


@requirement("V-08", "M", "RFC 7644 section 3.10", "A whole extension can be asked for by its URN, and excluded")
def an_extension_is_named_by_its_urn(session: Session) -> None:
    kind = session.users
    if not kind.extensions:
        skip("User has no schema extension")
    person, urn = _extended(session, kind)
    for told, shown in _views(session, kind, person, attributes=urn):
        _expect_names(told, shown, {"id", urn}, _always(kind))
        expect(shown[urn] == person[urn], f"{told}: it is {shown[urn]}, and {person[urn]} without it")
    for told, shown in _views(session, kind, person, excludedAttributes=urn):
        kept = set(shown.get(urn) or {}) & {each.name for each in kind.attributes if each.returned != "always"}
        expect(not kept, f"{told} shows {', '.join(sorted(kept))} of the extension")


def _extended(session: Session, kind: Kind) -> tuple[dict[str, Any], str]:
    """A user with values of an extension, and its URN. Raises Skipped."""
    for person in session.people:
        for urn in kind.extensions:
            if person.get(urn):
                return person, urn
    free = (each for each in kind.attributes if ":" in each.path and each.writable and not each.canonical)
    texts = (each for each in free if each.type == "string" and not each.multi_valued and each.returned == "default")
    text = next(texts, None) or skip("no user has values of an extension")
    made = session.made(kind, **{text.path: "Conformance"})
    urn = text.path.rpartition(":")[0]
    return (made, urn) if made.get(urn) else skip(f"{text.path} is not kept, and no user has values of an extension")


@requirement("V-09", "M", "RFC 7643 section 7", "What is returned on request is shown when asked for, or just written")
def what_is_returned_on_request(session: Session) -> None:
    kind = session.users
    asked = [each for each in kind.attributes if each.returned == "request"]
    if not asked:
        skip("no User attribute is declared as returned on request")
    person = session.people[0]
    for told, shown in _views(session, kind, person):
        extra = [each.path for each in asked if read(shown, each.path) is not None]
        expect(not extra, f"{told} shows {', '.join(extra)} unasked")
    texts = [each for each in asked if each.type == "string" and not each.multi_valued and not each.canonical]
    writable = next((each for each in texts if each.writable), None)
    if session.write and writable is not None:
        _shown_when_written(session, kind, writable.path)
    else:
        _shown_when_asked(session, kind, person, [each.path for each in asked])


def _shown_when_asked(session: Session, kind: Kind, person: Mapping[str, Any], paths: list[str]) -> None:
    answer = session.get(f"{kind.endpoint}/{person['id']}", attributes=",".join(paths)).ok(200)
    found = [each for each in paths if read(answer.object, each) is not None]
    if not found:
        skip(f"{', '.join(paths)}: returned on request, and this user shows none of them, as if there were no value")


def _shown_when_written(session: Session, kind: Kind, path: str) -> None:
    answer = session.post(kind.endpoint, session.body(kind, **{path: "once"})).ok(201)
    made = answer.object
    expect(read(made, path) == "once", f"{answer.told} wrote {path}, and the answer does not show it")
    where = f"{kind.endpoint}/{made['id']}"
    plain, named = session.get(where).ok(200), session.get(where, attributes=path).ok(200)
    expect(read(plain.object, path) is None, f"{plain.told} shows {path} unasked")
    expect(read(named.object, path) == "once", f"{named.told} does not show {path}")
    body = put(session.body(kind, userName=made["userName"]), path, "twice")
    replaced = session.put(where, body).ok(200)
    expect(read(replaced.object, path) == "twice", f"{replaced.told} wrote {path}, and the answer does not show it")
    if session.site.supports("patch"):
        operation = {"op": "replace", "path": path, "value": "thrice"}
        patched = session.wire.send("PATCH", where, body={"schemas": [PATCH_OP], "Operations": [operation]})
        if patched.ok(200, 204).status == 200:
            expect(read(patched.object, path) == "thrice", f"{patched.told} wrote {path}, and does not show it")
