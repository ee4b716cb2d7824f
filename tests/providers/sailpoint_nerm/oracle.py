"""What a SCIM client has to see of NERM, in plain Python over the sandbox's own records: written from the vendor's
tables, sharing no code with the provider, so that both can be compared."""

from collections.abc import Iterable
from datetime import datetime
from random import Random
from typing import Any

from scim_bridge.providers.sailpoint_nerm.sandbox import Sandbox
from scim_bridge.providers.sailpoint_nerm.sandbox_store import Profile
from tests.providers.meaning import AWKWARD, Case, exact, moment, no, present, term, within
from tests.providers.sailpoint_nerm.bridge import ENTERPRISE, URN
from tests.providers.sixty import Planted

Shown = dict[str, Any]


def translated(sandbox: Sandbox, profile: Profile) -> Shown:
    """A person as SCIM shows it, single values under their dotted names."""
    held, store = profile.values, sandbox.store
    organization = store.profiles.get(held.get("organization", ""))
    slots = {"emails": "personal_email", "phoneNumbers": "phone_number"}
    return {
        "id": exact(profile.id),
        "userName": held.get("login_name"),
        "externalId": exact(held.get("external_id") or None),
        "displayName": profile.name or None,
        "name.formatted": profile.name or None,
        "name.givenName": held.get("personal_first_name"),
        "name.familyName": held.get("personal_last_name"),
        "title": held.get("job_title") or None,
        "active": profile.status == "Active",
        "userType": store.profile_types[profile.type_id]["name"],
        "meta.created": moment(profile.created.isoformat(timespec="milliseconds")),
        "meta.lastModified": moment(profile.updated.isoformat(timespec="milliseconds")),
        f"{ENTERPRISE}:employeeNumber": held.get("employee_number"),
        f"{ENTERPRISE}:organization": organization.name if organization else None,
        f"{URN}:status": profile.status,
        f"{URN}:profileTypeId": exact(profile.type_id),
        f"{URN}:uid": profile.uid,
        f"{URN}:start_date": _day(held.get("start_date", ""), "mdy"),
        f"{URN}:end_date": _day(held.get("end_date", ""), "dmy"),
        f"{URN}:notes": held.get("notes") or None,
        f"{URN}:work_mode": held.get("work_mode"),
        **{path: [{"value": held[uid], "type": "work"}] if held.get(uid) else [] for path, uid in slots.items()},
        "addresses": [{"locality": held["city"], "type": "work"}] if held.get("city") else [],
    }


def _day(text: str, order: str) -> str | None:
    """Midnight of a day; ``order``: where year, month and day are in the text."""
    parts = text.replace("/", "-").split("-")
    return moment("-".join(parts[order.index(each)] for each in "ymd") + "T00:00:00Z") if len(parts) == 3 else None


def people(sandbox: Sandbox) -> list[Shown]:
    return [translated(sandbox, each) for each in _profiles(sandbox)]


def _profiles(sandbox: Sandbox) -> list[Profile]:
    types = [each["id"] for each in sandbox.store.profile_types.values() if each["category"] == "non-employee"]
    return [each for each in sandbox.store.profiles.values() if each.type_id in types and not each.archived]


def plant(sandbox: Sandbox, planted: Iterable[Planted]) -> None:
    """Make the first profiles such people; notes are for departments, which NERM has none of."""
    for profile, one in zip(_profiles(sandbox), planted, strict=False):
        profile.name = " ".join(filter(None, (one["given"], one["family"]))) or one["user"]
        profile.status = "Active" if one["active"] else "Inactive"
        profile.created, profile.updated = (datetime.fromisoformat(one[each]) for each in ("created", "changed"))
        values = {"login_name": one["user"], "personal_first_name": one["given"], "personal_last_name": one["family"]}
        values |= {"personal_email": one["mail"], "phone_number": one["phone"], "job_title": one["title"]}
        values |= {"external_id": one["external"], "notes": one["department"]}
        values |= dict.fromkeys(("employee_number", "organization"))
        profile.values = {uid: each for uid, each in {**profile.values, **values}.items() if each is not None}
    sandbox.store.changed()


def filters(rows: list[Shown]) -> list[Case]:
    """Every operator and kind of attribute, and what is awkward to compare."""
    one = rows[0]
    number, day = one[f"{ENTERPRISE}:employeeNumber"] or "100001", "2025-06-15T00:00:00Z"
    middle = rows[len(rows) // 2]["meta.created"]
    return [
        *(term("userName", each, one["userName"]) for each in "eq ne co sw ew gt ge lt le".split()),
        term("userName", "eq", one["userName"].swapcase()),
        *(term("externalId", *each) for each in (("eq", "hr-1"), ("eq", "HR-1"), ("ne", "hr-1"))),
        *(term("name.familyName", each, "O'Brien") for each in ("eq", "sw", "co", "ew")),
        *(term("title", operator, each) for each in AWKWARD for operator in ("eq", "co")),
        *(term("title", "sw", each) for each in ("a%", "a_", "a*", "nur", "NUR")),
        term("displayName", "eq", one["displayName"].upper()),
        term("name.formatted", "eq", one["displayName"]),
        term("displayName", "co", "ll"),
        term("emails.value", "eq", one["emails"][0]["value"].lower() if one["emails"] else "none"),
        term("emails", "ew", "@EXAMPLE.com"),
        term("phoneNumbers.value", "co", "555"),
        term(f"{ENTERPRISE}:employeeNumber", "eq", number),
        term(f"{ENTERPRISE}:employeeNumber", "sw", number[:4]),
        term(f"{ENTERPRISE}:organization", "eq", "nordwind, INC."),
        term(f"{ENTERPRISE}:organization", "co", "100%"),
        term("addresses.locality", "eq", "paris, texas"),
        *(term("userType", *each) for each in (("eq", "VOLUNTEERS"), ("eq", "nobody"), ("ne", "People"))),
        term(f"{URN}:profileTypeId", "eq", one[f"{URN}:profileTypeId"]),
        term(f"{URN}:profileTypeId", "eq", one[f"{URN}:profileTypeId"].upper()),
        *(term(f"{URN}:status", "eq", each) for each in ("on LEAVE", "Leave of absence")),
        term(f"{URN}:status", "co", "active"),
        term(f"{URN}:notes", "co", "Note 1\nSecond"),
        term(f"{URN}:work_mode", "eq", "remote"),
        *(term("id", *each) for each in (("eq", one["id"]), ("eq", one["id"].upper()), ("sw", one["id"][:2]))),
        *(term("active", *each) for each in (("eq", True), ("eq", False), ("ne", True))),
        *(present(path) for path in ("title", "externalId", "emails", f"{URN}:end_date")),
        *(no(present(path)) for path in ("title", "externalId", "emails", f"{URN}:end_date")),
        within("emails", term("type", "eq", "work"), term("value", "co", "1")),
        within("emails", term("type", "eq", "home")),
        within("addresses", term("locality", "eq", "Boston")),
        term("title", "eq", None),
        *(term(f"{URN}:end_date", each, day) for each in "eq ne gt ge lt le".split()),
        *(term(f"{URN}:start_date", each, "2025-06-15T13:00:00+02:00") for each in ("gt", "le")),
        *(term("meta.lastModified", each, one["meta.lastModified"]) for each in ("gt", "ge", "lt")),
        term("meta.created", "le", middle),
    ]


def make_awkward(sandbox: Sandbox, random: Random) -> None:
    """Give people values that are hard to compare, and take some away."""
    for profile in sandbox.store.profiles.values():
        if "login_name" not in profile.values:
            continue
        if random.random() < 0.4:
            profile.values["job_title"] = random.choice(AWKWARD)
        if random.random() < 0.2:
            profile.values["external_id"] = random.choice(("hr-1", "HR-1", "Hr-1", ""))
        if random.random() < 0.1:
            profile.values.pop("personal_email", None)
        if random.random() < 0.05:
            profile.archived = True
    sandbox.store.changed()
