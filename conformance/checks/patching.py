"""What PATCH operations make of a resource (RFC 7644 section 3.5.2)."""

from scim_bridge.conformance.elements import holder
from scim_bridge.conformance.patches import expect_value, expect_values, patchable, select, step
from scim_bridge.conformance.requirements import expect, requirement, skip
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.site import ENTERPRISE, Kind, read


def _inner(session: Session, kind: Kind) -> tuple[str, str]:
    """Two sub-attributes of name that can be written."""
    subs = [each for each in ("givenName", "familyName", "middleName") if kind.writable(f"name.{each}")]
    return (subs[0], subs[1]) if len(subs) > 1 else skip("name has no two sub-attributes that can be written")


@requirement(
    "T-01", "M", "RFC 7644 section 3.5.2.1", "add to a single-valued attribute sets or replaces it", writes=True
)
def add_sets_a_value(session: Session) -> None:
    kind, text = patchable(session), session.text(session.users, kept=True)
    made = session.make(kind)
    for value in ("First", "Second"):
        after = session.change(kind, made["id"], step("add", text.path, value))
        expect_value(after, text.path, value, f"add of {text.path} {value!r}")


@requirement(
    "T-02",
    "M",
    "RFC 7644 section 3.5.2.1",
    "add to a multi-valued attribute appends, a list or one object",
    writes=True,
)
def add_appends(session: Session) -> None:
    patchable(session)
    for value in (lambda spare: [spare], lambda spare: spare):
        held = holder(session, 1, room=True)
        given = value(held.spare)
        after = session.change(session.users, held.id, step("add", held.name, given))
        expect_values(after, held, [*held.values, held.spare], f"add of {given!r} to {held.name}")


@requirement(
    "T-03", "M", "RFC 7644 section 3.5.2.1", "add of a value that is there succeeds and changes nothing", writes=True
)
def add_of_what_is_there_changes_nothing(session: Session) -> None:
    kind = patchable(session)
    held = holder(session, 1)
    text = session.text(kind, kept=True)
    before = session.change(kind, held.id, step("replace", text.path, "There"))
    for operation in (step("add", held.name, held.values), step("add", text.path, "There")):
        after = session.change(kind, held.id, operation)
        told = f"add of a value of {operation['path']} that is there"
        expect_values(after, held, held.values, told)
        for path in ("meta.lastModified", "meta.version"):
            expect(read(after, path) == read(before, path), f"{told} changed {path}")


@requirement(
    "T-04", "M", "RFC 7644 section 3.5.2.1", "Without a path the value is a partial resource, merged", writes=True
)
def operations_without_path_merge(session: Session) -> None:
    kind, (text, other) = patchable(session), session.texts(session.users, 2, outside="name")
    first, second = _inner(session, kind)
    before = session.made(kind, **{other.path: "Kept", f"name.{first}": "Ann", f"name.{second}": "Berg"})
    for op, value in (("add", "Added"), ("replace", "Replaced")):
        change = {"op": op, "value": {text.path: value, "name": {first: value}}}
        after = session.change(kind, before["id"], change)
        told = f"{op} without path of {change['value']}"
        expect_value(after, text.path, value, told)
        expect_value(after, f"name.{first}", value, told)
        expect_value(after, f"name.{second}", "Berg", told)
        expect_value(after, other.path, "Kept", told)
        expect_value(after, "userName", before["userName"], told)


@requirement("T-06", "M", "RFC 7644 section 3.5.2", "Setting one value primary ends that of the others", writes=True)
def a_new_primary_ends_the_old(session: Session) -> None:
    kind = patchable(session)
    held = holder(session, 2, primary=True)
    chosen = held.values[1]
    after = session.change(kind, held.id, step("replace", f"{held.name}{select(chosen)}.primary", True))
    primary = [each.get("value") for each in after.get(held.name, []) if each.get("primary") is True]
    expect(primary == [chosen["value"]], f"after {chosen['value']} was made primary, primary are {primary}")
    more = {**held.spare, "primary": True}
    after = session.change(kind, held.id, step("add", held.name, [more]))
    primary = [each.get("value") for each in after.get(held.name, []) if each.get("primary") is True]
    expect(primary == [more["value"]], f"after {more['value']} was added as primary, primary are {primary}")


@requirement(
    "T-07",
    "M",
    "RFC 7644 section 3.5.2.3",
    "replace: a value, a sub-attribute, a whole list, a complex value",
    writes=True,
)
def replace_sets_what_it_names(session: Session) -> None:
    kind, text = patchable(session), session.text(session.users)
    first, second = _inner(session, kind)
    made = session.make(kind, **{text.path: "Before", f"name.{first}": "Ann", f"name.{second}": "Berg"})
    for path, value, wanted in (
        (text.path, "After", {text.path: "After"}),
        (f"name.{first}", "Eva", {f"name.{first}": "Eva", f"name.{second}": "Berg"}),
        ("name", {first: "Ida"}, {f"name.{first}": "Ida", f"name.{second}": "Berg"}),
    ):
        after = session.change(kind, made["id"], step("replace", path, value))
        for each, shown in wanted.items():
            expect_value(after, each, shown, f"replace of {path} by {value!r}")
    held = holder(session, 1)
    after = session.change(kind, held.id, step("replace", held.name, [held.spare]))
    expect_values(after, held, [held.spare], f"replace of {held.name} by one other value")


@requirement("T-09", "M", "RFC 7644 section 3.5.2.3", "replace of what is not there acts as add", writes=True)
def replace_adds_what_is_not_there(session: Session) -> None:
    kind, text = patchable(session), session.text(session.users)
    made = session.made(kind)
    if read(made, text.path) is not None:
        skip(f"the server gives {text.path} a value of its own")
    after = session.change(kind, made["id"], step("replace", text.path, "New"))
    expect_value(after, text.path, "New", f"replace of {text.path}, which had no value")
    held = holder(session, 1)
    emptied = session.change(kind, held.id, step("remove", held.name))
    expect_values(emptied, held, [], f"remove of {held.name}")
    after = session.change(kind, held.id, step("replace", held.name, held.values))
    expect_values(after, held, held.values, f"replace of {held.name}, which had no value")


@requirement(
    "T-11",
    "M",
    "RFC 7644 section 3.5.2.3",
    "replace with a filter in the path changes all that match, and only these",
    writes=True,
)
def replace_changes_what_matches(session: Session) -> None:
    kind = patchable(session)
    held = holder(session, 2)
    chosen, other = held.values
    new = held.spare["value"]
    after = session.change(kind, held.id, step("replace", f"{held.name}{select(chosen)}.value", new))
    expect_values(after, held, [held.spare, other], f"replace of the value of one of two {held.name}")
    kept = next(each for each in after[held.name] if each["value"] == new)
    expect(kept.get("type") == chosen.get("type"), f"replace of the value of a {held.name} changed its type")
    back = {**chosen, "value": chosen["value"]}
    after = session.change(kind, held.id, step("replace", f'{held.name}[value eq "{new}"]', back))
    expect_values(after, held, [chosen, other], f"replace of one of two {held.name}, whole")
    _all_that_match(session, kind)


def _all_that_match(session: Session, kind: Kind) -> None:
    """A sub-attribute of every element that a filter matches, where one is free to write."""
    held = holder(session, 2)
    sub = held.attribute.sub("display")
    if sub is None or not sub.writable:
        return
    both = " or ".join(f'value eq "{each["value"]}"' for each in held.values)
    after = session.change(kind, held.id, step("replace", f"{held.name}[{both}].display", "Both"))
    found = read(after, f"{held.name}.display")
    expect(found == ["Both", "Both"], f"replace of display in both {held.name}: they are {found}")


@requirement(
    "T-15",
    "M",
    "RFC 7644 section 3.5.2.2",
    "remove: an attribute, a sub-attribute, all or matching values",
    writes=True,
)
def remove_takes_away_what_it_names(session: Session) -> None:
    kind, text = patchable(session), session.text(session.users)
    first, second = _inner(session, kind)
    made = session.make(kind, **{text.path: "Before", f"name.{first}": "Ann", f"name.{second}": "Berg"})
    after = session.change(kind, made["id"], step("remove", text.path), step("remove", f"name.{first}"))
    expect_value(after, text.path, None, f"remove of {text.path}")
    expect_value(after, f"name.{first}", None, f"remove of name.{first}")
    expect_value(after, f"name.{second}", "Berg", f"remove of name.{first}")
    held = holder(session, 2)
    chosen, other = held.values
    after = session.change(kind, held.id, step("remove", f"{held.name}{select(chosen)}"))
    expect_values(after, held, [other], f"remove of one of two {held.name}")
    after = session.change(kind, held.id, step("remove", f"{held.name}{select(other)}"))
    expect(not after.get(held.name), f"remove of the last of {held.name} left {after.get(held.name)!r}")
    _remove_inside(session, kind)


def _remove_inside(session: Session, kind: Kind) -> None:
    """A sub-attribute of the matching element, then all elements."""
    held = holder(session, 2)
    chosen, other = held.values
    sub = held.attribute.sub("display")
    if sub is not None and sub.writable:
        value = [{**chosen, "display": "One"}, {**other, "display": "Two"}]
        operations = (
            step("replace", held.name, value),
            step("remove", f"{held.name}{select(chosen)}.display"),
        )
        after = session.change(kind, held.id, *operations)
        shown = {each["value"]: each.get("display") for each in after[held.name]}
        wanted = {chosen["value"]: None, other["value"]: "Two"}
        expect(shown == wanted, f"remove of display of one of two {held.name}: they are {shown}, not {wanted}")
    after = session.change(kind, held.id, step("remove", held.name))
    expect(not after.get(held.name), f"remove of {held.name} left {after.get(held.name)!r}")


@requirement(
    "T-27", "M", "RFC 7644 section 3.5.2", "Operations apply in order, each on what the one before left", writes=True
)
def operations_apply_in_order(session: Session) -> None:
    kind, text = patchable(session), session.text(session.users)
    held = holder(session, 1)
    after = session.change(
        kind,
        held.id,
        step("remove", held.name),
        step("add", held.name, [held.spare]),
        step("replace", text.path, "First"),
        step("replace", text.path, "Second"),
    )
    expect_values(after, held, [held.spare], f"remove of {held.name}, then add")
    expect_value(after, text.path, "Second", f"two replacements of {text.path}")
    after = session.change(
        kind,
        held.id,
        step("add", text.path, "Third"),
        step("remove", text.path),
        step("replace", held.name, held.values),
        step("remove", f"{held.name}{select(held.values[0])}"),
    )
    expect_value(after, text.path, None, f"add of {text.path}, then remove")
    expect_values(after, held, [], f"replace of {held.name}, then remove of that value")


@requirement(
    "T-28", "M", "RFC 7644 section 3.5.2", "An extension is created by a URN path or by a URN in the value", writes=True
)
def an_extension_is_created(session: Session) -> None:
    kind = patchable(session)
    texts = (each for each in kind.attributes if ":" in each.path and each.type == "string" and each.writable)
    free = [each for each in texts if not each.multi_valued and not each.canonical and each.returned == "default"]
    text = next((each for each in free if each.path.startswith(ENTERPRISE)), free[0] if free else None)
    if text is None:
        skip("User has no schema extension with a text that can be written")
    urn = text.path.rpartition(":")[0]
    for operation in (
        {"op": "add", "path": text.path, "value": "Conformance"},
        {"op": "add", "value": {urn: {text.name: "Conformance"}}},
    ):
        made = session.make(kind)
        after = session.change(kind, made["id"], operation)
        expect_value(after, text.path, "Conformance", f"PATCH with {operation}")
        expect(urn in after.get("schemas", []), f"PATCH with {operation}: schemas lacks {urn}, which has values")
