"""The profiles, portal users and roles that the simulated tenant starts with: the same for the same seed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any, Final
from uuid import UUID as Uuid

from scim_bridge.providers.sailpoint_nerm.sandbox_store import TYPES, Profile, Record, Store

START: Final = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
"""The simulation's present when it starts; seeded profiles were made in the two years before."""
ZONE: Final = timezone(timedelta(hours=-5))
PROFILE_TYPES: Final = (
    ("people_profile", "People", "non-employee"),
    ("volunteer_profile", "Volunteers", "non-employee"),
    ("organization_profile", "Organization", "organization"),
    ("assignment_profile", "Assignment", "assignment"),
    ("location_profile", "Location", "other"),
)
ATTRIBUTES: Final[tuple[tuple[str, str, str, dict[str, Any]], ...]] = (
    ("personal_first_name", "First Name", "text field", {}),
    ("personal_last_name", "Last Name", "text field", {}),
    ("personal_email", "Email", "text field", {}),
    ("phone_number", "Phone", "text field", {}),
    ("job_title", "Job Title", "text field", {}),
    ("employee_number", "Employee Number", "text field", {}),
    ("city", "City", "text field", {}),
    ("login_name", "Login", "text field", {}),
    ("external_id", "External ID", "text field", {}),
    ("notes", "Notes", "text area", {}),
    ("organization", "Organization", "profile select", {"of": "organization_profile"}),
    ("locations", "Locations", "profile search", {"of": "location_profile", "allow_multiple_selections": True}),
    ("sponsor", "Sponsor", "owner select", {}),
    ("work_mode", "Work Mode", "drop-down", {}),
    ("skills", "Skills", "tags", {}),
    ("start_date", "Start Date", "date", {"date_format": "mm/dd/yyyy"}),
    ("end_date", "End Date", "date", {"date_format": "dd-mm-yyyy"}),
    ("national_id", "National ID", "text field", {"crypt": True}),
    ("badge_photo", "Badge Photo", "attachment", {}),
    ("old_code", "Old Code", "text field", {"archived": True}),
)
ORGANIZATIONS: Final = ("Acme Staffing", "Müller & Söhne", "O'Brien Partners", "Nordwind, Inc.", "Zeta 100% Temps")
LOCATIONS: Final = ("Austin", "Boston", "Köln", "Łódź", "Paris, Texas")
GIVEN: Final = (
    "Olivia George Amelia Jürgen Käthe Zoé François José Lucía Łukasz Małgorzata Ελένη Νίκος 陽菜 蓮 Ana".split()
)
FAMILY: Final = (
    "Smith O'Brien Müller Weiß Dupont Lefèvre García Núñez Kowalski Wójcik Σταύρου 佐藤 Patel Nguyen".split()
)
TITLES: Final = ("Engineer", "Senior Engineer", "Forklift Driver", "Nurse", "Data Analyst", "Auditor", "Security Guard")
STATUSES: Final = ("Active",) * 7 + ("Inactive", "On Leave", "Terminated")
ROLES: Final[tuple[tuple[str, str, list[str]], ...]] = (
    ("NERM Admin", "NeprofileRole", ["ORG_ADMIN"]),
    ("Sponsors", "NeprofileRole", ["sponsors", "managers"]),
    ("Auditors", "NeprofileRole", []),
    ("Help Desk", "NeprofileRole", ["help-desk"]),
    ("Portal Users", "NeaccessRole", []),
    ("Registrants", "NeaccessRole", []),
)


def new_id(random: Random) -> str:
    return str(Uuid(int=random.getrandbits(128), version=4))


def new_uid(random: Random) -> str:
    return f"{random.getrandbits(128):032x}"


def populate(store: Store, random: Random, users: int, *, composes_names: bool) -> None:
    """Fill an empty tenant; ``composes_names``: the types of people make names of attributes."""
    for label, points in (("Low", 10), ("Medium", 50), ("High", 90)):
        level_id = new_id(random)
        level = {"id": level_id, "uid": new_uid(random), "label": label, "points": points, "order": points // 40}
        store.risk_levels[level_id] = level
    _describe(store, random, composes_names=composes_names)
    _staff(store, random)
    types = {each["uid"]: each["id"] for each in store.profile_types.values()}
    made = START - timedelta(days=800)
    for uid, names in (("organization_profile", ORGANIZATIONS), ("location_profile", LOCATIONS)):
        for name in names:
            _put(store, random, types[uid], name, "Active", made, {})
    for profile in people(store, random, types, users):
        store.profiles[profile.id] = profile
    for number in range(users // 20):
        _put(store, random, types["assignment_profile"], f"Assignment {number}", "Active", made, {})


def _describe(store: Store, random: Random, *, composes_names: bool) -> None:
    """Profile types and attributes."""
    ids = {uid: new_id(random) for uid, _, _ in PROFILE_TYPES}
    for uid, label, data_type, more in ATTRIBUTES:
        record = _attribute(random, uid, label, data_type) | {k: v for k, v in more.items() if k != "of"}
        record["profile_type_id"] = ids.get(str(more.get("of")))
        store.attributes[record["id"]] = record
    by_uid = store.by_uid
    for uid, name, category in PROFILE_TYPES:
        people = category == "non-employee"
        namings = ("personal_first_name", "personal_last_name") if people and composes_names else ()
        duplicates = ("personal_email",) if uid == "people_profile" else ()
        store.profile_types[ids[uid]] = {
            "id": ids[uid],
            "uid": uid,
            "name": name,
            "category": category,
            "bypass_dup_protection": False,
            "archived": False,
            "permitted_role_ids": [],
            "isc_synced": people,
            "profile_type_dup_attributes": [_pairing(random, ids[uid], by_uid[each]["id"]) for each in duplicates],
            "profile_type_namings": [
                _pairing(random, ids[uid], by_uid[each]["id"]) | {"order": order} for order, each in enumerate(namings)
            ],
        }


def _attribute(random: Random, uid: str, label: str, data_type: str) -> Record:
    made = START.isoformat(timespec="milliseconds")
    return {
        "id": new_id(random),
        "uid": uid,
        "label": label,
        "description": None,
        "tool_tip": None,
        "crypt": False,
        "archived": False,
        "archived_on": None,
        "created_at": made,
        "updated_at": made,
        "date_format": None,
        "selectable_status": None,
        "risk_type": "OverallRisk",
        "ownership_driven": False,
        "allow_multiple_selections": False,
        "filtered_by_ne_attribute": False,
        "filtering_ne_attribute_id": None,
        "ne_attribute_filter_id": None,
        "reverse_association_attribute": None,
        "profile_type_id": None,
        "data_type": data_type,
        "type": TYPES[data_type],
    }


def _pairing(random: Random, type_id: str, attribute_id: str) -> Record:
    pair = {"profile_type_id": type_id, "ne_attribute_id": attribute_id}
    return {"id": new_id(random), "uid": new_uid(random), **pair}


def _staff(store: Store, random: Random) -> None:
    """Portal users, with those that only live lists show, and who has which role."""
    kinds = ["NeprofileUser"] * 12 + ["NeaccessUser"] * 26 + ["DelegateUser", "DelegateUser"]
    for number, kind in enumerate(kinds):
        given, family = GIVEN[number % len(GIVEN)], FAMILY[number % len(FAMILY)]
        user = portal_user(random, f"{given} {family}", f"user{number}@example.com", f"user{number}", kind)
        store.users[user["id"]] = user
    for name, kind, groups in ROLES:
        role_id = new_id(random)
        role = {"id": role_id, "uid": name.lower().replace(" ", "_"), "name": name, "groups": groups}
        store.roles[role_id] = role | {"type": kind, "archived": False}
    users = [each["id"] for each in store.users.values() if each["type"] != "DelegateUser"]
    for index, role_id in enumerate(store.roles):
        for user_id in random.sample(users, index * 7 % 17):
            join(store, random, user_id, role_id)


def portal_user(random: Random, name: str, email: str, login: str, kind: str) -> Record:
    return {
        "id": new_id(random),
        "uid": new_uid(random),
        "name": name,
        "email": email,
        "type": kind,
        "title": "Manager",
        "status": "Active",
        "login": login,
        "last_login": None,
        "cookies_accepted_at": None,
        "preferred_language": "en",
        "locale": "en",
        "group_strings": "",
        "sailpoint_identity_id": None,
    }


def join(store: Store, random: Random, user_id: str, role_id: str) -> Record:
    """Give somebody a role: the pairing has an id of its own."""
    pairing = {"id": new_id(random), "uid": new_uid(random), "user_id": user_id, "role_id": role_id}
    store.user_roles[pairing["id"]] = pairing
    return pairing


def _put(
    store: Store, random: Random, type_id: str, name: str, status: str, made: datetime, values: dict[str, str]
) -> Profile:
    profile = Profile(new_id(random), new_uid(random), type_id, name, status, "pending", made, made, values)
    store.profiles[profile.id] = profile
    return profile


def people(store: Store, random: Random, types: dict[str, str], count: int) -> Iterator[Profile]:
    """People in the order in which they were made; every eighth is a volunteer."""
    references = {
        uid: [each.id for each in store.profiles.values() if each.type_id == types[uid]]
        for uid in ("organization_profile", "location_profile")
    }
    sponsors = list(store.users)[:12]
    levels = list(store.risk_levels)
    for number in range(count):
        made = START - timedelta(hours=17_000 - 17_000 * number / 100_000, seconds=random.random() * 500)
        values = _values(random, number, references, sponsors)
        yield Profile(
            id=new_id(random),
            uid=new_uid(random),
            type_id=types["volunteer_profile" if number % 8 == 7 else "people_profile"],
            name=f"{values['personal_first_name']} {values['personal_last_name']}",
            status=random.choice(STATUSES),
            proofing=random.choice(("pending", "pass", "fail")),
            created=made,
            updated=made,
            values=values,
            risk_level_id=random.choice(levels),
        )


def _values(random: Random, number: int, references: dict[str, list[str]], sponsors: list[str]) -> dict[str, str]:
    """What a person's attributes hold; not everybody has all of them."""
    given, family = random.choice(GIVEN), random.choice(FAMILY)
    ascii_name = f"{given}.{family}" if f"{given}{family}".isascii() else "Person"
    mail = f"{ascii_name.replace(chr(39), '')}{number}@Example.com"
    start = START + timedelta(days=random.randrange(-900, 60))
    values = {
        "personal_first_name": given,
        "personal_last_name": family,
        "personal_email": mail if number % 3 else mail.lower(),
        "login_name": mail.partition("@")[0],
    }
    more: list[tuple[float, dict[str, str]]] = [
        (0.8, {"phone_number": f"+1 555 {random.randrange(1000, 9999)}", "city": random.choice(LOCATIONS)}),
        (0.9, {"job_title": random.choice(TITLES), "employee_number": f"{100_000 + number}"}),
        (0.8, {"organization": random.choice(references["organization_profile"])}),
        (0.4, {"locations": ", ".join(random.sample(references["location_profile"], 2))}),
        (0.5, {"sponsor": random.choice(sponsors), "work_mode": random.choice(("on site", "remote"))}),
        (0.3, {"skills": "yes, no", "notes": f"Note {number}\nSecond line"}),
        (0.9, {"start_date": start.strftime("%m/%d/%Y")}),
        (0.7, {"end_date": (start + timedelta(days=365)).strftime("%d-%m-%Y")}),
        (0.2, {"national_id": "AQICAHi/encrypted=="}),
    ]
    for chance, part in more:
        if random.random() < chance:
            values |= part
    return values
