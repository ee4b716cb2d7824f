"""Creating resources (RFC 7644 section 3.3)."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from scim_bridge.conformance.elements import holder
from scim_bridge.conformance.requirements import expect, requirement, skip
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.site import Attribute, Kind, read
from scim_bridge.conformance.wire import Answer

_WRONG: Final = ("invalidValue", "invalidSyntax", "")
_UNKNOWN: Final = "urn:example:params:scim:schemas:nowhere:1.0:Thing"
_NO_ATTRIBUTE: Final = "conformanceNowhere"


def _kind(session: Session) -> Kind:
    """Users, if they can be created at all."""
    if session.users.read_only:
        skip("User is read-only")
    return session.users


def _is_required(kind: Kind, name: str) -> bool:
    attribute = kind.attribute(name)
    return attribute is not None and attribute.required and attribute.writable


def _nothing_made(session: Session, kind: Kind, body: Mapping[str, Any], refusal: Answer) -> None:
    """Raises Failed where a refused creation left a resource behind."""
    if session.site.supports("filter"):
        found = session.search(kind, f'userName eq "{body["userName"]}"')
        expect(not found, f"{refusal.told} was answered {refusal.status}, yet the user is there")


def _is_unassigned(value: Any) -> bool:
    return value in (None, [], {})


@requirement("C-01", "M", "RFC 7644 section 3.3", "Creation answers 201, Location and the stored resource", writes=True)
def creation_answers_the_stored_resource(session: Session) -> None:
    kind, text = _kind(session), session.text(session.users, kept=True)
    value = session.name()
    answer = session.post(kind.endpoint, session.body(kind, **{text.path: value}))
    if answer.status in (403, 405, 501):
        skip(f"User cannot be created: the server answers {answer.status}")
    made = answer.ok(201).object
    expect(made.get("id"), f"{answer.told}: the resource in the answer has no id")
    location, stated = answer.headers.get("location"), read(made, "meta.location")
    expect(location, f"{answer.told} was answered 201 without a Location header")
    expect(location == stated, f"{answer.told}: Location is {location!r} and meta.location {stated!r}")
    path = unquote(str(location))
    expect(path.endswith(f"{kind.endpoint}/{made['id']}"), f"{answer.told}: Location is {location!r}, not the user's")
    expect(read(made, text.path) == value, f"{answer.told}: {text.path} is {read(made, text.path)!r}, not {value!r}")
    stored = session.fetch(kind, made["id"])
    differing = sorted(each for each in {*made, *stored} if made.get(each) != stored.get(each))
    expect(not differing, f"{answer.told} was answered with other {', '.join(differing)} than a GET shows")


@requirement(
    "C-03", "M", "RFC 7644 section 3.3", "Read-only values in a creation are ignored, not refused", writes=True
)
def read_only_values_are_ignored(session: Session) -> None:
    kind = _kind(session)
    chosen = session.name()
    meta = {"resourceType": "Nothing", "created": "2001-01-01T00:00:00Z", "location": "https://example.com/nowhere"}
    given: dict[str, Any] = {"id": chosen, "meta": meta}
    groups = kind.attribute("groups")
    if groups is not None and groups.mutability == "readOnly":
        given["groups"] = [{"value": chosen}]
    made = session.made(kind, **given)
    expect(made["id"] != chosen, "the server took the id that the client sent with a creation")
    for name, value in meta.items():
        expect(read(made, f"meta.{name}") != value, f"the server took the meta.{name} that the client sent")
    expect(_is_unassigned(made.get("groups")), "the server took the read-only groups that the client sent")


@requirement(
    "C-04", "M", "RFC 7644 section 3.3", "A userName that is taken, in whatever case, is refused with 409", writes=True
)
def a_taken_name_is_refused(session: Session) -> None:
    kind = _kind(session)
    attribute = kind.attribute("userName")
    if attribute is None or attribute.uniqueness == "none":
        skip("the schema does not make userName unique")
    name = str(session.make(kind)["userName"])
    for taken in [name] if attribute.case_exact else [name, name.upper()]:
        body = session.body(kind, userName=taken)
        session.post(kind.endpoint, body).refused(409, types=["uniqueness"])
    if session.site.supports("filter"):
        found = session.search(kind, f'userName eq "{name}"')
        expect(len(found) == 1, f"after refusing a taken userName there are {len(found)} users of that name")


@requirement("C-05", "M", "RFC 7644 section 3.12", "A missing required attribute is refused with 400", writes=True)
def what_is_required_must_be_given(session: Session) -> None:
    kinds = [(session.site.find("User"), "userName"), (session.site.find("Group"), "displayName")]
    judged = [(kind, name) for kind, name in kinds if kind is not None and _is_required(kind, name)]
    if not judged:
        skip("no userName or displayName that can be written is required")
    for kind, name in judged:
        session.make(kind)  # proves that a complete one can be created
        body = session.body(kind)
        del body[name]
        answer = session.post(kind.endpoint, body)
        expect(answer.status != 201, f"{answer.told} made a resource without {name}, which is required")
        answer.refused(400, types=_WRONG)


@requirement("C-06", "M", "RFC 7643 section 4.1.1", "An empty or blank userName is refused with 400", writes=True)
def a_name_must_say_something(session: Session) -> None:
    kind = _kind(session)
    if not _is_required(kind, "userName"):
        skip("userName is not required, or cannot be written")
    session.make(kind)
    for name in ("", "   "):
        answer = session.post(kind.endpoint, session.body(kind, userName=name))
        expect(answer.status != 201, f"{answer.told} made a user whose userName is {name!r}")
        answer.refused(400, types=_WRONG)


@requirement(
    "C-07",
    "S",
    "RFC 7643 section 3",
    "A creation without schemas is refused with 400, or they are filled in",
    writes=True,
)
def schemas_are_stated(session: Session) -> None:
    kind = _kind(session)
    body = session.body(kind)
    body.pop("schemas")
    answer = session.post(kind.endpoint, body).ok(201, 400)
    if answer.status == 400:
        answer.refused(400, types=_WRONG)
        return
    stated = [str(each).lower() for each in answer.object.get("schemas") or ()]
    expect(kind.schema.lower() in stated, f"{answer.told} without schemas made a resource whose schemas are {stated}")


@requirement("C-08", "M", "RFC 7644 section 3.12", "A value of the wrong JSON type is refused with 400", writes=True)
def types_are_checked(session: Session) -> None:
    kind, text = _kind(session), session.text(session.users, kept=True)
    session.make(kind)
    wrong: dict[str, Any] = {"userName": {"nested": "x"}, text.path: [{"nested": "x"}]}
    if kind.writable("name"):
        wrong["name"] = "not an object"
    if kind.writable("active"):
        wrong["active"] = {"nested": True}
    if kind.writable("emails"):
        wrong["emails"] = 5
    for path, value in wrong.items():
        answer = session.post(kind.endpoint, session.body(kind, **{path: value}))
        expect(answer.status != 201, f"{answer.told} took {value!r} as the value of {path}")
        answer.refused(400, types=_WRONG)


def _defaulted(kind: Kind, sent: Mapping[str, Any], shown: Mapping[str, Any]) -> list[Attribute]:
    """Attributes that a client may set or leave, did not send, and that the server filled in."""
    return [
        each
        for each in kind.attributes
        if each.mutability == "readWrite"
        and not each.required
        and read(sent, each.path) is None
        and not _is_unassigned(read(shown, each.path))
    ]


@requirement(
    "C-09", "M", "RFC 7644 section 3.3", "null and [] leave an attribute unassigned, whatever its default", writes=True
)
def null_overrides_defaults(session: Session) -> None:
    kind, text = _kind(session), session.text(session.users)
    body = session.body(kind)
    chosen = [text, *_defaulted(kind, body, session.fetch(kind, session.create(kind, body)["id"]))]
    phones = kind.attribute("phoneNumbers")
    if phones is not None and phones.writable and phones.multi_valued:
        chosen.append(phones)
    nothing: dict[str, Any] = {each.path: [] if each.multi_valued else None for each in chosen}
    made = session.made(kind, **nothing)
    for path in nothing:
        value = read(made, path)
        expect(_is_unassigned(value), f"{path} was created as unassigned, and a GET shows {value!r}")


@requirement("C-10", "M", "RFC 7643 section 7", "A password, and what else is never returned, is in no answer")
def secrets_stay_inside(session: Session) -> None:
    kind = session.users
    hidden = [each for each in kind.attributes if each.returned == "never"]
    if not hidden:
        skip("no User attribute is declared as never returned")
    person = session.people[0]
    answers = [session.get(f"{kind.endpoint}/{person['id']}")]
    answers += [session.get(f"{kind.endpoint}/{person['id']}", attributes=each.path) for each in hidden]
    answers += [session.get(kind.endpoint, attributes=hidden[0].path, count=2)]
    for answer in answers:
        _hold_back(answer, hidden)
    if session.write and kind.writable("password") and not kind.read_only:
        _password_stays_inside(session, kind, hidden)


def _password_stays_inside(session: Session, kind: Kind, hidden: list[Attribute]) -> None:
    secret = f"Xk9!{session.run}-Zq7"
    made = session.post(kind.endpoint, session.body(kind, password=secret))
    if made.status != 201:
        return  # a password policy of its own
    path = f"{kind.endpoint}/{made.object['id']}"
    again = session.get(path, attributes="password")
    for answer in (made, again):
        _hold_back(answer, hidden)
        expect(secret.encode() not in answer.content, f"{answer.told} was answered with the user's password in it")


def _hold_back(answer: Answer, hidden: list[Attribute]) -> None:
    if answer.ok(200, 201, 400).status == 400:
        return  # it refuses the very question
    body = answer.object
    for resource in body.get("Resources", [body]):
        shown = [each.path for each in hidden if read(resource, each.path) is not None]
        expect(not shown, f"{answer.told} shows {', '.join(shown)}, which is never returned")


@requirement(
    "C-12", "M", "RFC 7643 section 2.4", "Two primary values are refused with 400, or one of them is kept", writes=True
)
def one_value_is_primary(session: Session) -> None:
    kind = _kind(session)
    attribute = session.writable(kind, "emails", "phoneNumbers")
    values = [{"value": f"{session.name()}@example.com", "type": each, "primary": True} for each in ("work", "home")]
    if attribute.name == "phoneNumbers":
        values = [{**each, "value": f"+1201555010{number}"} for number, each in enumerate(values)]
    answer = session.post(kind.endpoint, session.body(kind, **{attribute.path: values}))
    if answer.status != 201:
        answer.refused(400, types=_WRONG)
        return
    held = session.fetch(kind, answer.object["id"]).get(attribute.name) or []
    primary = [each for each in held if isinstance(each, dict) and each.get("primary") is True]
    expect(len(primary) < 2, f"{attribute.name} was created with two primary values, and both are shown as primary")


@requirement(
    "C-15", "M", "RFC 7643 section 3", "An unknown URN in schemas is refused with 400, or left out", writes=True
)
def unknown_schemas_are_not_kept(session: Session) -> None:
    kind = _kind(session)
    body = session.body(kind)
    body["schemas"] = [*body["schemas"], _UNKNOWN]
    body[_UNKNOWN] = {"colour": "blue"}
    answer = session.post(kind.endpoint, body)
    if answer.status != 201:
        answer.refused(400, types=_WRONG)
        _nothing_made(session, kind, body, answer)
        return
    made = session.fetch(kind, answer.object["id"])
    for each in (answer.object, made):
        kept = _UNKNOWN in each or _UNKNOWN in (each.get("schemas") or ())
        expect(not kept, f"{answer.told} kept {_UNKNOWN}, which is no schema of User")


@requirement("C-16", "S", "RFC 7643 section 2.4", "The same value of the same type is not returned twice", writes=True)
def values_are_distinct(session: Session) -> None:
    kind = _kind(session)
    held = holder(session, 1)
    twice = [held.spare, held.spare]
    answer = session.post(kind.endpoint, session.body(kind, **{held.name: twice}))
    if answer.status != 201:
        answer.refused(400, types=_WRONG)
        return
    shown = session.fetch(kind, answer.object["id"]).get(held.name) or []
    found = [(each.get("value"), each.get("type")) for each in shown if isinstance(each, dict)]
    expect(len(set(found)) == len(found), f"{held.name} was created with one value given twice, and shows {found}")


@requirement(
    "C-32",
    "Y",
    "RFC 7644 section 3.1",
    "An attribute that no schema has is ignored or refused, on creation as on replacement, and never kept",
    writes=True,
)
def unknown_attributes_are_not_kept(session: Session) -> None:
    kind = _kind(session)
    made = session.make(kind)
    path = f"{kind.endpoint}/{made['id']}"
    body = session.body(kind, **{_NO_ATTRIBUTE: "x"})
    replaced = session.put(path, {**body, "userName": made["userName"]}).ok(200, 400)
    # Another body, as e-mail addresses may be unique too.
    created = session.post(kind.endpoint, session.body(kind, **{_NO_ATTRIBUTE: "x"})).ok(201, 400)
    for answer in (created, replaced):
        if answer.status == 400:
            answer.refused(400, types=("invalidSyntax", "invalidValue", "invalidPath", ""))
        elif answer.content:
            expect(_NO_ATTRIBUTE not in answer.object, f"{answer.told} shows an attribute that no schema has")
    expect(_NO_ATTRIBUTE not in session.fetch(kind, made["id"]), f"PUT {path} kept an attribute that no schema has")
    same = (created.status == 400) == (replaced.status == 400)
    expect(same, f"an unknown attribute is answered {created.status} on POST and {replaced.status} on PUT")
