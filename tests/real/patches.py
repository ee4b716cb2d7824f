"""PATCH requests as clients send them, and what each makes of the record that the server holds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.real.people import ENTERPRISE, USER, Row

Change = Callable[[Row], None]


@dataclass(frozen=True, slots=True)
class Patch:
    """Operations, and the change of the raw record that they come to."""

    operations: list[Row]
    change: Change


def person(name: str) -> Row:
    """What is patched: some of everything."""
    return {
        "schemas": [USER, ENTERPRISE],
        "userName": name,
        "externalId": f"ext-{name}",
        "name": {"givenName": "Ann", "familyName": "Old", "middleName": "M"},
        "displayName": "Ann Old",
        "nickName": "annie",
        "title": "Clerk",
        "active": True,
        "emails": [
            {"value": "ann@work.example", "type": "work", "primary": True},
            {"value": "ann@home.example", "type": "home"},
        ],
        "phoneNumbers": [{"value": "+49 1", "type": "work"}],
        "addresses": [{"type": "work", "locality": "Berlin", "postalCode": "10115"}],
        ENTERPRISE: {"department": "Sales", "costCenter": "4130", "employeeNumber": "7"},
    }


def op(name: str, path: str | None = None, *value: Any) -> Row:
    """One operation, with a path and a value where they are given."""
    return {"op": name, **({"path": path} if path is not None else {}), **({"value": value[0]} if value else {})}


def set_to(value: Any, *keys: str) -> Change:
    """Puts a value at nested keys; None takes it away, and what it leaves empty."""

    def change(row: Row) -> None:
        *outer, last = keys
        inner = row
        for key in outer:
            inner = inner.setdefault(key, {})
        inner.pop(last, None) if value is None else inner.update({last: value})
        if outer and not inner:
            del row[outer[0]]

    return change


def both(*changes: Change) -> Change:
    def change(row: Row) -> None:
        for each in changes:
            each(row)

    return change


def nothing(row: Row) -> None:
    """No change."""


WORK: Final = {"value": "ann@work.example", "type": "work", "primary": True}
HOME: Final = {"value": "ann@home.example", "type": "home"}
OTHER: Final = {"value": "ann@other.example", "type": "other"}
DEPARTMENT: Final = f"{ENTERPRISE}:department"

PATCHES: Final[Mapping[str, Patch]] = {
    "replace a text": Patch([op("replace", "title", "Chief")], set_to("Chief", "title")),
    "add without a path": Patch(
        [op("add", None, {"title": "Chief", "userType": "E"})], both(set_to("Chief", "title"), set_to("E", "userType"))
    ),
    "Replace active as text": Patch([op("Replace", "active", "False")], set_to(False, "active")),
    "replace active without a path": Patch([op("replace", None, {"active": False})], set_to(False, "active")),
    "remove a text": Patch([op("remove", "nickName")], set_to(None, "nickName")),
    "replace a part of the name": Patch([op("replace", "name.familyName", "New")], set_to("New", "name", "familyName")),
    "replace the name in part": Patch(
        [op("replace", "name", {"familyName": "New"})], set_to("New", "name", "familyName")
    ),
    "remove a part of the name": Patch([op("remove", "name.middleName")], set_to(None, "name", "middleName")),
    "dotted keys": Patch(
        [op("replace", None, {"name.familyName": "New", DEPARTMENT: "HR"})],
        both(set_to("New", "name", "familyName"), set_to("HR", ENTERPRISE, "department")),
    ),
    "add an e-mail": Patch([op("add", "emails", [OTHER])], set_to([WORK, HOME, OTHER], "emails")),
    "add an e-mail that is there": Patch([op("add", "emails", HOME)], nothing),
    "replace the e-mails": Patch([op("replace", "emails", [OTHER])], set_to([OTHER], "emails")),
    "remove an e-mail by its type": Patch([op("remove", 'emails[type eq "home"]')], set_to([WORK], "emails")),
    "replace the value of an e-mail": Patch(
        [op("replace", 'emails[type eq "work"].value', "new@work.example")],
        set_to([{**WORK, "value": "new@work.example"}, HOME], "emails"),
    ),
    "add the value of an e-mail that is not there": Patch(
        [op("Add", 'emails[type eq "other"].value', "ann@other.example")], set_to([WORK, HOME, OTHER], "emails")
    ),
    "remove all e-mails": Patch([op("remove", "emails")], set_to(None, "emails")),
    "replace a part of an address": Patch(
        [op("replace", 'addresses[type eq "work"].locality', "Malmö")],
        set_to([{"type": "work", "locality": "Malmö", "postalCode": "10115"}], "addresses"),
    ),
    "replace the department": Patch([op("replace", DEPARTMENT, "HR")], set_to("HR", ENTERPRISE, "department")),
    "remove the department": Patch([op("remove", DEPARTMENT)], set_to(None, ENTERPRISE, "department")),
    "an extension as a value": Patch(
        [op("add", None, {ENTERPRISE: {"division": "North"}})], set_to("North", ENTERPRISE, "division")
    ),
    "manager as a bare id": Patch(
        [op("add", f"{ENTERPRISE}:manager", "m1")], set_to({"value": "m1"}, ENTERPRISE, "manager")
    ),
    "several operations, each on what the one before left": Patch(
        [
            op("remove", "emails"),
            op("add", "emails", [OTHER]),
            op("replace", "title", "A"),
            op("replace", "title", "B"),
        ],
        both(set_to([OTHER], "emails"), set_to("B", "title")),
    ),
    "the same again": Patch([op("replace", "title", "Clerk"), op("replace", "active", True)], nothing),
    "text that needs care": Patch(
        [op("replace", "displayName", 'Zoë "Z" \\ O\'Neil, 100 % 🙂')],
        set_to('Zoë "Z" \\ O\'Neil, 100 % 🙂', "displayName"),
    ),
}

REFUSED: Final[Mapping[str, tuple[list[Row], str]]] = {
    "a later operation without a target": (
        [op("replace", "title", "X"), op("replace", 'addresses[type eq "home"].locality', "Y")],
        "noTarget",
    ),
    "another id": ([op("replace", "id", "other")], "mutability"),
    "the user name away": ([op("remove", "userName")], "mutability"),
    "an attribute that is none": ([op("replace", "shoeSize", 44)], "invalidPath"),
    "a number as a title": ([op("replace", "title", 44)], "invalidValue"),
    "a path that is none": ([op("replace", "emails[type eq", "x")], "invalidPath"),
    "remove without a path": ([op("remove")], "noTarget"),
}
"""What is refused leaves the record as it was."""
