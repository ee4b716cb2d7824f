"""PATCH and POST bodies as named clients send them, which no RFC asks a server to take."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from scim_bridge.conformance.elements import holder
from scim_bridge.conformance.patches import expect_members, expect_value, patchable, step, team
from scim_bridge.conformance.requirements import expect, requirement, skip
from scim_bridge.conformance.session import PATCH_OP, Session
from scim_bridge.conformance.site import ENTERPRISE, Attribute, Kind

ENTRA: Final = "Entra ID"
_ADSCIM_GROUP: Final = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"


def _enterprise(kind: Kind) -> Attribute:
    """A text of the enterprise extension that a client may set. Raises Skipped."""
    paths = (f"{ENTERPRISE}:{each}" for each in ("employeeNumber", "department", "costCenter", "division"))
    found = (kind.attribute(path) for path in paths)
    usable = (each for each in found if each is not None and each.writable and not each.canonical)
    return next(usable, None) or skip("no text of the enterprise extension can be written")


def _inner(kind: Kind) -> Attribute:
    found = (kind.attribute(f"name.{each}") for each in ("givenName", "familyName"))
    return next((each for each in found if each is not None and each.writable), None) or skip(
        "neither name.givenName nor name.familyName can be written"
    )


def _sent(session: Session, kind: Kind, resource_id: str, body: Mapping[str, Any]) -> str:
    """Send a PATCH body as it is, which must succeed; returns how to call it."""
    answer = session.wire.send("PATCH", f"{kind.endpoint}/{resource_id}", body=body)
    told = f"{answer.told} {body.get('Operations')}"
    replace(answer, told=told).ok(200, 204)
    return told


def _patched(session: Session, kind: Kind, resource_id: str, operation: Mapping[str, Any]) -> str:
    return _sent(session, kind, resource_id, {"schemas": [PATCH_OP], "Operations": [operation]})


@requirement("T-29", "I", ENTRA, "Without a path, keys are paths: name.givenName, URN:employeeNumber", writes=True)
def keys_are_paths(session: Session) -> None:
    kind = patchable(session)
    texts = [_inner(kind)] + [
        each for each in (kind.attribute(f"{ENTERPRISE}:employeeNumber"),) if each and each.writable
    ]
    made = session.make(kind)
    for op in ("add", "replace"):
        told = _patched(session, kind, made["id"], {"op": op, "value": {each.path: op for each in texts}})
        after = session.fetch(kind, made["id"])
        for each in texts:
            expect_value(after, each.path, op, told)
        if len(texts) > 1:
            expect(ENTERPRISE in after.get("schemas", ()), f"{told}: schemas lacks {ENTERPRISE}, which has values")


@requirement("T-30", "I", ENTRA, "Operations may be spelled Add, Replace and Remove", writes=True)
def operations_have_no_case(session: Session) -> None:
    kind, text = patchable(session), session.text(session.users)
    made = session.make(kind)
    for op, wanted in (("Add", "Added"), ("Replace", "Replaced"), ("Remove", None)):
        operation = {"op": op, "path": text.path, **({"value": wanted} if wanted is not None else {})}
        told = _patched(session, kind, made["id"], operation)
        expect_value(session.fetch(kind, made["id"]), text.path, wanted, told)


@requirement("T-31", "I", ENTRA, 'active may be the text "False" or "True"', writes=True)
def booleans_may_be_text(session: Session) -> None:
    kind = patchable(session)
    if not kind.writable("active"):
        skip("active cannot be written")
    made = session.make(kind, active=True)
    for text, wanted in (("False", False), ("True", True)):
        for operation in (
            {"op": "Replace", "path": "active", "value": text},
            {"op": "replace", "value": {"active": text}},
        ):
            told = _patched(session, kind, made["id"], operation)
            found = session.fetch(kind, made["id"]).get("active")
            expect(found is wanted, f"{told}: active is {found!r}, not {wanted!r}")


@requirement("T-32", "I", ENTRA, "add to a value of a type that is not there yet makes the value", writes=True)
def a_filter_makes_the_value(session: Session) -> None:
    kind = patchable(session)
    held = holder(session, 1, typed=True)
    kind_of, value = held.spare["type"], held.spare["value"]
    told = _patched(
        session, kind, held.id, {"op": "Add", "path": f'{held.name}[type eq "{kind_of}"].value', "value": value}
    )
    shown = session.fetch(kind, held.id).get(held.name) or []
    found = sorted((str(each.get("type")), str(each.get("value"))) for each in shown)
    wanted = sorted((each["type"], each["value"]) for each in (*held.values, held.spare))
    expect(found == wanted, f"{told}: {held.name} are {found}, not {wanted}")


@requirement("T-33", "I", ENTRA, "manager may be a bare id, or a list of one object", writes=True)
def the_manager_may_be_a_bare_id(session: Session) -> None:
    kind = patchable(session)
    path = f"{ENTERPRISE}:manager"
    if not kind.writable(f"{path}.value"):
        skip("manager cannot be written")
    made = session.make(kind)
    for value in (lambda one: one, lambda one: [{"$ref": f"../Users/{one}", "value": one}]):
        manager = session.make(kind)["id"]
        told = _patched(session, kind, made["id"], {"op": "Add", "path": path, "value": value(manager)})
        expect_value(session.fetch(kind, made["id"]), f"{path}.value", manager, told)


@requirement("T-39", "I", ENTRA, "remove of members with a value removes those, never all", writes=True)
def only_named_members_are_removed(session: Session) -> None:
    kind, group, ids = team(session, 3)
    told = _patched(session, kind, group, {"op": "Remove", "path": "members", "value": [{"value": ids[0]}]})
    expect_members(session, kind, group, ids[1:3], told)
    told = _patched(
        session, kind, group, {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": ids[1]}]}
    )
    expect_members(session, kind, group, ids[2:3], told)


@requirement("T-40", "I", ENTRA, "A member may be given with a $ref of null", writes=True)
def a_reference_may_be_null(session: Session) -> None:
    kind, group, ids = team(session, 1)
    told = _patched(session, kind, group, {"op": "Add", "path": "members", "value": [{"$ref": None, "value": ids[1]}]})
    expect_members(session, kind, group, ids[:2], told)


@requirement("T-41", "I", "Okta", "A group is renamed by an operation without path that holds its id", writes=True)
def a_group_is_renamed(session: Session) -> None:
    kind, group, ids = team(session, 1)
    if not kind.writable("displayName"):
        skip("displayName of a Group cannot be written")
    name = session.name()
    told = _patched(session, kind, group, {"op": "replace", "value": {"id": group, "displayName": name}})
    after = session.fetch(kind, group)
    expect_value(after, "displayName", name, told)
    expect_value(after, "id", group, told)
    expect_members(session, kind, group, ids[:1], told)


@requirement(
    "T-43", "I", ENTRA, "A group is created though its body names Microsoft's own group schema too", writes=True
)
def a_vendor_schema_is_taken(session: Session) -> None:
    kind = session.groups
    session.make(kind)  # proves that one can be created without it
    body = session.body(kind)
    body["schemas"] = [*body["schemas"], _ADSCIM_GROUP]
    answer = session.post(kind.endpoint, body)
    made = session.fetch(kind, answer.ok(201).object["id"])
    expect_value(made, "displayName", body["displayName"], answer.told)
    expect(_ADSCIM_GROUP not in made.get("schemas", ()), f"{answer.told}: schemas names {_ADSCIM_GROUP}, not published")


@requirement("T-44", "I", "reference clients", "More members in an operation or in the body do no harm", writes=True)
def more_than_needed_may_be_said(session: Session) -> None:
    kind, text = patchable(session), session.text(session.users, kept=True)
    made = session.make(kind)
    operation = step("replace", text.path, "One")
    told = _patched(session, kind, made["id"], {**operation, "name": "replaceText"})
    expect_value(session.fetch(kind, made["id"]), text.path, "One", told)
    operation = step("replace", text.path, "Two")
    body = {"id": made["id"], "schemas": [PATCH_OP], "Operations": [operation]}
    told = _sent(session, kind, made["id"], body)
    expect_value(session.fetch(kind, made["id"]), text.path, "Two", told)


@requirement("T-45", "I", ENTRA, "A path may have a dot between the extension's URN and the attribute", writes=True)
def a_dot_may_follow_the_urn(session: Session) -> None:
    kind = patchable(session)
    manager = f"{ENTERPRISE}.manager"
    if kind.writable(f"{ENTERPRISE}:manager.value"):
        value = session.make(kind)["id"]
        made = session.make(kind)
        told = _patched(session, kind, made["id"], {"op": "Add", "path": manager, "value": {"value": value}})
        expect_value(session.fetch(kind, made["id"]), f"{ENTERPRISE}:manager.value", value, told)
        return
    text = _enterprise(kind)
    made = session.make(kind)
    told = _patched(session, kind, made["id"], step("Add", f"{ENTERPRISE}.{text.name}", "Conformance"))
    expect_value(session.fetch(kind, made["id"]), text.path, "Conformance", told)
