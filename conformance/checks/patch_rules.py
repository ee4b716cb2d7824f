"""What PATCH refuses, and what it answers (RFC 7644 section 3.5.2)."""

from collections.abc import Mapping
from typing import Any, Final

from scim_bridge.conformance.elements import holder
from scim_bridge.conformance.patches import expect_members, expect_value, expect_values, patchable, step, team
from scim_bridge.conformance.requirements import Skipped, expect, requirement, skip
from scim_bridge.conformance.session import PATCH_OP, Session
from scim_bridge.conformance.site import Kind, read

_NOWHERE: Final = "conformanceNowhere"
_WRONG: Final = ("invalidValue", "invalidSyntax", "")


def _refused(
    session: Session, kind: Kind, before: Mapping[str, Any], *operations: Mapping[str, Any], types: tuple[str, ...]
) -> None:
    """Raises Failed unless operations are refused with 400 and change nothing."""
    _expect_refusal(session, kind, before, {"schemas": [PATCH_OP], "Operations": list(operations)}, types)


def _expect_refusal(
    session: Session, kind: Kind, before: Mapping[str, Any], body: Any, types: tuple[str, ...], *statuses: int
) -> None:
    answer = session.wire.send("PATCH", f"{kind.endpoint}/{before['id']}", body=body)
    shown = body.get("Operations", body)
    expect(answer.status not in (200, 204), f"{answer.told} took {shown}: {answer.status} instead of 400")
    answer.refused(*(statuses or (400,)), types=types)
    session.untouched(kind, before, answer)


@requirement(
    "T-13",
    "M",
    "RFC 7644 section 3.5.2.3",
    "replace with a filter in the path that matches nothing is refused with noTarget",
    writes=True,
)
def replace_needs_a_target(session: Session) -> None:
    kind = patchable(session)
    held = holder(session, 1)
    nobody = f'{held.name}[value eq "{held.spare["value"]}"]'
    for path, value in ((f"{nobody}.value", held.spare["value"]), (nobody, held.spare)):
        _refused(session, kind, held.resource, step("replace", path, value), types=("noTarget",))


@requirement("T-18", "M", "RFC 7644 section 3.5.2.2", "remove without a path is refused with noTarget", writes=True)
def remove_needs_a_path(session: Session) -> None:
    kind = patchable(session)
    _refused(session, kind, session.made(kind), {"op": "remove"}, types=("noTarget",))


@requirement(
    "T-19", "M", "RFC 7644 section 3.5.2.2", "remove of a required attribute is refused with mutability", writes=True
)
def what_is_required_stays(session: Session) -> None:
    session.site.needs("patch")
    judged = False
    for kind, name in ((session.site.find("User"), "userName"), (session.site.find("Group"), "displayName")):
        attribute = kind.attribute(name) if kind is not None else None
        if kind is not None and attribute is not None and attribute.required and attribute.writable:
            _refused(session, kind, session.made(kind), step("remove", name), types=("mutability",))
            judged = True
    if not judged:
        skip("no userName or displayName that can be written is required")


@requirement(
    "T-20",
    "M",
    "RFC 7644 section 3.5.2",
    "Changing what is read-only, or immutable and set, is refused with mutability",
    writes=True,
)
def what_cannot_be_written_stays(session: Session) -> None:
    kind = patchable(session)
    before = session.made(kind)
    operations = [step("replace", "id", _NOWHERE), step("replace", "meta.created", "2001-01-01T00:00:00Z")]
    groups = kind.attribute("groups")
    if groups is not None and groups.mutability == "readOnly":
        operations.append(step("add", "groups", [{"value": _NOWHERE}]))
    for each in operations:
        _refused(session, kind, before, each, types=("mutability",))
    once = kind.immutable_text
    if once is not None:
        held = session.change(kind, before["id"], step("add", once.path, "once"))
        expect_value(held, once.path, "once", f"add of the immutable {once.path}, which had no value")
        _refused(session, kind, held, step("replace", once.path, "twice"), types=("mutability",))


@requirement("T-21", "M", "RFC 7644 section 3.12", "Malformed and unknown paths are refused with 400", writes=True)
def paths_are_checked(session: Session) -> None:
    kind = patchable(session)
    before = session.made(kind)
    many = next((each.name for each in kind.attributes if each.multi_valued and each.writable), "emails")
    for path in ("name..givenName", f'{many}[type eq "work"', f'{many}[type zz "work"].value', f"{many}[].value"):
        _refused(session, kind, before, step("replace", path, "x"), types=("invalidPath", "invalidFilter", ""))
    for path in (_NOWHERE, f"name.{_NOWHERE}", f"urn:example:nowhere:1.0:Thing:{_NOWHERE}"):
        _refused(session, kind, before, step("replace", path, "x"), types=("invalidPath", "noTarget", ""))


@requirement(
    "T-23",
    "M",
    "RFC 7644 section 3.5.2",
    "Wrong values, unknown operations and none at all are refused with 400",
    writes=True,
)
def operations_are_checked(session: Session) -> None:
    kind, text = patchable(session), session.text(session.users, kept=True)
    before = session.made(kind)
    wrong = [step("replace", text.path, {"nested": {"x": 1}}), step("frobnicate", text.path, "x")]
    if kind.writable("active"):
        wrong.append(step("replace", "active", "perhaps"))
    if kind.writable("name.givenName"):
        wrong.append(step("replace", "name", "not an object"))
    for each in wrong:
        _refused(session, kind, before, each, types=_WRONG)
    for operations in ([], None, "replace", [{"path": text.path, "value": "x"}]):
        _expect_refusal(session, kind, before, {"schemas": [PATCH_OP], "Operations": operations}, _WRONG)
    _expect_refusal(session, kind, before, {"schemas": [PATCH_OP]}, _WRONG)


@requirement("T-26", "M", "RFC 7644 section 3.5.2", "One operation that fails leaves everything as it was", writes=True)
def all_operations_or_none(session: Session) -> None:
    kind, text = patchable(session), session.text(session.users, kept=True)
    before = session.made(kind, **{text.path: "Before"})
    good, bad = step("replace", text.path, "After"), step("replace", _NOWHERE, "x")
    any_type = ("invalidPath", "noTarget", "")
    _refused(session, kind, before, good, bad, types=any_type)
    _refused(session, kind, before, good, step("remove", text.path), bad, types=any_type)
    try:
        group_kind, group, ids = team(session, 1)
    except Skipped:
        return
    held = session.fetch(group_kind, group)
    _refused(session, group_kind, held, step("add", "members", [{"value": ids[1]}]), bad, types=any_type)
    expect_members(session, group_kind, group, ids[:1], "add of a member and an operation that fails")


@requirement(
    "T-36", "S", "RFC 7644 section 3.5.2", "PATCH with another schema than PatchOp is refused with 400", writes=True
)
def messages_name_their_schema(session: Session) -> None:
    kind, text = patchable(session), session.text(session.users, kept=True)
    before = session.made(kind)
    operations = [step("replace", text.path, "Patched")]
    _expect_refusal(session, kind, before, {"schemas": [kind.schema], "Operations": operations}, _WRONG)
    path = f"{kind.endpoint}/{before['id']}"
    answer = session.wire.send("PATCH", path, body={"Operations": operations}).ok(200, 204, 400)
    wanted = read(before, text.path) if answer.status == 400 else "Patched"
    expect_value(
        session.fetch(kind, before["id"]), text.path, wanted, f"{answer.told} without schemas: {answer.status}"
    )


@requirement(
    "T-37", "M", "RFC 7644 section 3.12", "PATCH to a userName that is taken is refused with uniqueness", writes=True
)
def patch_respects_uniqueness(session: Session) -> None:
    kind = patchable(session)
    name = kind.attribute("userName")
    if name is None or name.uniqueness == "none" or not name.writable:
        skip("the schema has no userName that is unique and can be written")
    taken, before = session.make(kind)["userName"], session.made(kind)
    body = {"schemas": [PATCH_OP], "Operations": [step("replace", "userName", taken)]}
    _expect_refusal(session, kind, before, body, ("uniqueness",), 409, 400)


@requirement(
    "T-34", "M", "RFC 7644 section 3.10", "Paths have no case, and may begin with the core schema's URN", writes=True
)
def paths_have_no_case(session: Session) -> None:
    kind, text = patchable(session), session.text(session.users)
    made = session.make(kind)
    core = f"{kind.schema}:{text.path}"
    for number, path in enumerate((text.path.upper(), text.path.lower(), core, core.lower())):
        after = session.change(kind, made["id"], step("replace", path, f"Value {number}"))
        expect_value(after, text.path, f"Value {number}", f"replace of {path}")
    held = holder(session, 1)
    chosen = f'{held.name.upper()}[VALUE EQ "{held.values[0]["value"]}"]'
    after = session.change(kind, held.id, step("remove", chosen))
    expect_values(after, held, [], f"remove of {chosen}")


@requirement(
    "T-50",
    "M",
    "RFC 7644 section 3.5.2",
    "PATCH answers 200 with the resource or 204; 200 where attributes is given",
    writes=True,
)
def patch_answers_what_it_may(session: Session) -> None:
    kind, text = patchable(session), session.text(session.users, kept=True)
    path = f"{kind.endpoint}/{session.make(kind)['id']}"
    answer = session.patch(path, step("replace", text.path, "First")).ok(200, 204)
    stored = session.get(path).ok(200).object
    if answer.status == 204:
        expect(not answer.content, f"{answer.told} was answered 204 with a body")
    else:
        differing = sorted(each for each in {*stored, *answer.object} if stored.get(each) != answer.object.get(each))
        expect(not differing, f"{answer.told} was answered with other {', '.join(differing)} than a GET shows")
    body = {"schemas": [PATCH_OP], "Operations": [step("replace", text.path, "Second")]}
    named = session.wire.send("PATCH", path, body=body, params={"attributes": "userName"})
    expect(named.status == 200, f"{named.told} was answered {named.status}; with attributes it has to be 200")
    expect(named.object.get("userName") == stored.get("userName"), f"{named.told} does not show the userName")
