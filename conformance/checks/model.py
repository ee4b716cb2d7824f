"""Attributes and their characteristics (RFC 7643 sections 2 and 7)."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from scim_bridge.conformance.requirements import expect, requirement, skip
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.site import Attribute, Kind, put, read

_MIXED: Final = "aBcDeF"


def _lists(kind: Kind) -> Iterator[Attribute]:
    """Optional multi-valued attributes that a client may set, whose elements need nothing but a value."""
    for name in ("phoneNumbers", "emails", "ims", "photos", "entitlements", "roles"):
        attribute = kind.attribute(name)
        if attribute is not None and attribute.writable and not attribute.required and attribute.multi_valued:
            yield attribute


@requirement("S-06", "M", "RFC 7643 section 2.1", "Names are known in any case, and answered in the schema's spelling")
def names_are_known_in_any_case(session: Session) -> None:
    kind, known = session.users, session.people[0]
    for each in session.people:
        _expect_spelling(kind, each)
    if session.site.supports("filter"):
        asked = f"{kind.schema.upper()}:USERNAME eq {json.dumps(known['userName'])}"
        for question in (f"USERNAME eq {json.dumps(known['userName'])}", asked):
            found = [each.get("id") for each in session.search(kind, question)]
            expect(known["id"] in found, f"the filter {question} does not find the user")
    shown = session.fetch(kind, known["id"], attributes="USERNAME")
    expect("userName" in shown, f"attributes=USERNAME shows {sorted(shown)} and no userName")
    if session.write and not kind.read_only:
        _expect_any_case_written(session, kind)


def _expect_spelling(kind: Kind, resource: Mapping[str, Any]) -> None:
    canonical = {each.path.lower(): each.path for each in kind.attributes}
    canonical |= {name.lower(): name for name in ("schemas", "id", "externalId", "meta", *kind.extensions)}
    for name in resource:
        wanted = canonical.get(name.lower(), name)
        expect(name == wanted, f"{kind.endpoint}/{resource.get('id')} spells {wanted} as {name}")


def _expect_any_case_written(session: Session, kind: Kind) -> None:
    first, attribute = session.body(kind), session.text(kind, kept=True)
    value = session.name()
    body = put(first, attribute.path, value)
    made = session.create(kind, {name if ":" in name else name.upper(): each for name, each in body.items()})
    shown = session.fetch(kind, made["id"])
    expect(read(shown, attribute.path) == value, f"{attribute.path.upper()} in a body was not read as {attribute.path}")
    _expect_spelling(kind, shown)
    if session.site.supports("patch"):
        operation = {"op": "replace", "path": attribute.path.upper(), "value": value[::-1]}
        found = read(session.change(kind, made["id"], operation), attribute.path)
        expect(found == value[::-1], f"PATCH of {attribute.path.upper()} left {attribute.path} {found!r}")


@requirement("S-08", "M", "RFC 7643 section 2.3.8", "A sub-attribute is never complex")
def there_are_two_levels(session: Session) -> None:
    for kind in session.site.kinds:
        for attribute in kind.attributes:
            for sub in attribute.subs:
                nested = sub.type == "complex" or bool(sub.raw.get("subAttributes"))
                expect(not nested, f"/Schemas: {sub.path} of {kind.name} is complex inside a complex attribute")
    for each in session.people:
        for name, value in each.items():
            _expect_flat(session.users, each, name, value)


def _expect_flat(kind: Kind, resource: Mapping[str, Any], name: str, value: Any) -> None:
    """No object inside an object, save below an extension's URN."""
    if ":" in name and isinstance(value, dict):
        for inner, each in value.items():
            _expect_flat(kind, resource, f"{name.replace(':', '_')}.{inner}", each)
        return
    for element in value if isinstance(value, list) else [value]:
        for inner, each in element.items() if isinstance(element, dict) else ():
            nested = isinstance(each, dict) or (isinstance(each, list) and any(isinstance(one, dict) for one in each))
            expect(not nested, f"{kind.endpoint}/{resource.get('id')}: {name}.{inner} is complex")


@requirement("S-09", "M", "RFC 7643 section 2.5", "null, [] and nothing at all are the same", writes=True)
def nothing_is_nothing(session: Session) -> None:
    kind, text = session.users, session.text(session.users)
    unset: dict[str, Any] = {text.path: None}
    unset |= {each.name: [] for each in list(_lists(kind))[:1]}
    shown = session.made(kind, **unset)
    for path in unset:
        expect(read(shown, path) in (None, []), f"{path}, sent as nothing, is {read(shown, path)!r}")
    if session.site.supports("filter"):
        question = f"userName eq {json.dumps(shown['userName'])} and {text.path} pr"
        expect(not session.search(kind, question), f"the filter {question} finds a user whose {text.path} is null")


@requirement("S-10", "M", "RFC 7643 section 2.4", "At most one value is the primary one")
def one_value_is_primary(session: Session) -> None:
    for each in session.people:
        _expect_one_primary(session.users, each)
    if not session.write or session.users.read_only:
        return
    kind = session.users
    for attribute in _lists(kind):
        primary = attribute.sub("primary")
        if primary is not None and primary.writable:
            _expect_primaries_kept_apart(session, kind, attribute)
            return


def _expect_one_primary(kind: Kind, resource: Mapping[str, Any]) -> None:
    for name, value in resource.items():
        elements = [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
        count = sum(each.get("primary") is True for each in elements)
        expect(count < 2, f"{kind.endpoint}/{resource.get('id')}: {count} values of {name} are primary")


def _expect_primaries_kept_apart(session: Session, kind: Kind, attribute: Attribute) -> None:
    """Two primaries are refused, or become one; a value that says nothing is not primary."""
    types = attribute.sub("type")
    names = [str(each) for each in types.canonical] if types is not None and types.canonical else ["work", "home"]
    values: list[dict[str, Any]] = [
        {"value": f"{session.name()}@example.com", "type": names[0], "primary": True},
        {"value": f"{session.name()}@example.com", "type": names[-1]},
    ]
    for second in (False, True):
        given = [values[0], {**values[1], "primary": True} if second else values[1]]
        answer = session.post(kind.endpoint, session.body(kind, **{attribute.name: given}))
        if answer.status == 400:
            answer.refused(400)
        elif answer.status == 201:
            shown = session.fetch(kind, answer.object["id"])
            _expect_one_primary(kind, shown)
            primary = [each.get("value") for each in shown.get(attribute.name) or () if each.get("primary")]
            expected = second or primary in ([], [values[0]["value"]])
            expect(expected, f"{answer.told}: {primary} of {attribute.name} became primary without saying so")


@requirement("S-11", "M", "RFC 7643 section 7", "What is case-exact keeps its case", writes=True)
def case_is_kept(session: Session) -> None:
    kind = session.users
    given: dict[str, Any] = {"externalId": f"{_MIXED}-{session.name()}"}
    for attribute in kind.attributes:
        free = attribute.writable and not attribute.canonical and not attribute.multi_valued
        if free and attribute.case_exact and attribute.returned in ("default", "always"):
            if attribute.type == "reference":
                given[attribute.path] = f"https://example.com/{_MIXED}"
            elif attribute.type == "string":
                given[attribute.path] = _MIXED
    external = kind.attribute("externalId")
    if external is not None and not external.writable:
        del given["externalId"]
    shown = session.made(kind, **given)
    kept = {path: read(shown, path) for path in given}
    if not any(kept.values()):
        skip("no case-exact attribute of User can be written")
    for path, value in given.items():
        found = kept[path]
        expect(found in (value, None), f"{path} is case-exact; sent as {value!r} it came back as {found!r}")


@requirement(
    "S-12", "M", "RFC 7643 section 3.3", "What an extension holds stands under its URN; a required one is there"
)
def extensions_stand_under_their_urn(session: Session) -> None:
    required = _required_extensions(session)
    kind = session.users
    own = {each.name.lower() for each in kind.attributes if ":" not in each.path}
    foreign = {each.name.lower() for each in kind.attributes if ":" in each.path} - own
    for each in session.people:
        stray = sorted(name for name in each if name.lower() in foreign)
        expect(not stray, f"{kind.endpoint}/{each['id']}: {', '.join(stray)} of an extension stand outside its URN")
        _expect_extensions(kind, each, required)
    if session.write and not kind.read_only:
        _expect_extension_written(session, kind)
        _expect_required_extension(session, kind, required)


def _required_extensions(session: Session) -> set[str]:
    """The URNs that every User must have data of."""
    rows = session.get("/ResourceTypes").resources()
    listed = next((each.get("schemaExtensions", ()) for each in rows if each.get("name") == session.users.name), ())
    return {str(each.get("schema")) for each in listed if each.get("required") is True}


def _expect_extensions(kind: Kind, resource: Mapping[str, Any], required: set[str]) -> None:
    told = f"{kind.endpoint}/{resource.get('id')}"
    for urn in required:
        expect(isinstance(read_extension(resource, urn), dict), f"{told} lacks the required extension {urn}")
        for attribute in kind.attributes:
            if attribute.required and attribute.path.lower().startswith(f"{urn}:".lower()):
                expect(read(resource, attribute.path) is not None, f"{told} lacks {attribute.path}, which is required")


def read_extension(resource: Mapping[str, Any], urn: str) -> Any:
    """What a resource holds under a URN, which may have another case."""
    return next((value for name, value in resource.items() if name.lower() == urn.lower()), None)


def _expect_extension_written(session: Session, kind: Kind) -> None:
    text = _extension_text(kind)
    if text is None:
        return
    value, urn = session.name(), text.path.rpartition(":")[0]
    shown = session.made(kind, **{text.path: value})
    expect(read(shown, text.path) == value, f"{text.path} sent as {value!r} came back as {read(shown, text.path)!r}")
    named = [str(each).lower() for each in shown.get("schemas") or ()]
    expect(urn.lower() in named, f"a user with {text.path} names {urn} not in its schemas")


def _extension_text(kind: Kind) -> Attribute | None:
    for each in kind.attributes:
        free = each.type == "string" and not each.multi_valued and not each.canonical and not each.required
        if ":" in each.path and free and each.writable and each.returned == "default":
            return each
    return None


def _expect_required_extension(session: Session, kind: Kind, required: set[str]) -> None:
    """A user without it is refused, or made with what the server puts there."""
    if not required:
        return
    body = {name: value for name, value in session.body(kind).items() if name not in required}
    body["schemas"] = [each for each in body["schemas"] if each not in required]
    answer = session.post(kind.endpoint, body)
    if answer.status == 201:
        _expect_extensions(kind, session.fetch(kind, answer.object["id"]), required)
    else:
        answer.refused(400)


@requirement(
    "S-13", "M", "RFC 7643 section 7", "mutability and returned hold for every schema, a server's own ones too"
)
def characteristics_hold(session: Session) -> None:
    for kind, rows in session.known():
        for each in rows:
            _expect_returned(kind, each)
        known = rows[0]["id"]
        for attribute in [each for each in kind.attributes if each.returned == "never"][:3]:
            shown = session.fetch(kind, known, attributes=attribute.path)
            found = read(shown, attribute.path)
            expect(
                found is None, f"{kind.endpoint}/{known}: {attribute.path} is returned never, but shown if asked for"
            )
    if session.write and not session.users.read_only:
        _expect_read_only_ignored(session, session.users)
        _expect_immutable_kept(session, session.users)


def _expect_returned(kind: Kind, resource: Mapping[str, Any]) -> None:
    for attribute in kind.attributes:
        for each in (attribute, *attribute.subs):
            if each.returned not in ("never", "request") and each.mutability != "writeOnly":
                continue
            found = read(resource, each.path)
            values = [one for one in found if one is not None] if isinstance(found, list) else found
            told = f"{kind.endpoint}/{resource.get('id')}"
            expect(values in (None, []), f"{told} shows {each.path}, which is returned {each.returned}")


def _expect_read_only_ignored(session: Session, kind: Kind) -> None:
    """What nobody can write, of every schema, sent with a creation."""
    marker, body = session.name(), session.body(kind)
    for attribute in kind.attributes:
        if attribute.mutability == "readOnly" and attribute.type in ("string", "reference", "complex"):
            body = put(body, attribute.path, _marked(attribute, marker))
    answer = session.post(kind.endpoint, body)
    expect(answer.status == 201, f"{answer.told} with read-only values is answered {answer.status}, not 201")
    shown = session.fetch(kind, answer.object["id"])
    for attribute in kind.attributes:
        kept = marker in json.dumps(read(shown, attribute.path), ensure_ascii=False)
        expect(not kept, f"{answer.told} took a value of {attribute.path}, which is readOnly")


def _marked(attribute: Attribute, marker: str) -> Any:
    one: Any = f"https://example.com/{marker}" if attribute.type == "reference" else marker
    if attribute.type == "complex":
        one = {each.name: marker for each in attribute.subs if each.type == "string" and not each.canonical}
    return [one] if attribute.multi_valued else one


def _expect_immutable_kept(session: Session, kind: Kind) -> None:
    """A single text that can be set once is set, and then another one sent."""
    for each in kind.attributes:
        if each.mutability == "immutable" and each.type == "string" and not each.multi_valued and not each.canonical:
            body = put(session.body(kind), each.path, "first")
            made = session.create(kind, body)
            before = session.fetch(kind, made["id"])
            refusal = session.put(f"{kind.endpoint}/{made['id']}", put(body, each.path, "second"))
            session.untouched(kind, before, refusal.refused(400, types=["mutability"]))
            return
