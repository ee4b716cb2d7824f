"""The people, groups and roles that a simulated tenant starts with: the same for the same seed."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from scim_bridge.providers.sailpoint_isc.sandbox_store import Person, Row, Store
from scim_bridge.simulation import timestamp

START: Final = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
FIRST: Final = (
    "Ana", "Bo", "Chloé", "Dmitri", "Émile", "Fatima", "Grace", "Hiro", "Ines", "João", "Kofi", "Lena", "Maja", "Nia",
    "Omar", "Priya", "Quinn", "Rosa", "Søren", "Tomás", "Uma", "Victor", "Wei", "Ximena", "Yara", "Zoë",
)  # fmt: skip
LAST: Final = (
    "Adams", "Brown", "Castillo", "Dubois", "Evans", "Fischer", "García", "Hansen", "Ivanova", "Jones", "Kim", "Lopez",
    "Müller", "Nakamura", "O'Brien", "Petrov", "Quint", "Ruiz", "Smith", "Tanaka", "Ueda", "van Dijk", "Weiß", "Young",
)  # fmt: skip
DEPARTMENTS: Final = ("Sales", "Engineering", "Finance", "R&D", "People", "Legal")
TITLES: Final = ("Analyst", "Engineer", "Senior Engineer", "Manager", "Director", "100% Remote Agent")
STATUSES: Final = ("ACTIVE",) * 14 + ("UNREGISTERED", "UNREGISTERED", "DISABLED", "DISABLED", "LOCKED", "TERMINATED")
GROUPS: Final = ("DB approvers", "Access reviewers", "Cloud Owners", "Data stewards", "R&D approvers", "Night shift")
ROLES: Final = ("Sales EMEA", "Sales APAC", "Engineer", "Auditor", "Help Desk", "Payroll 100%", "sales emea", "Zero")
STATES: Final = ("active", "inactive", "terminated", "prehire")
EMPLOYEES, NON_EMPLOYEES = "HR", "Non-Employees"


def hex_id(random: Random) -> str:
    """An id as identities have: 32 hex digits."""
    return f"{random.getrandbits(128):032x}"


def uuid(random: Random) -> str:
    text = hex_id(random)
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def populate(store: Store, random: Random, users: int, groups: int) -> None:
    """Two identity profiles with their lifecycle states, people of both, governance groups, roles, entitlements."""
    for name in (EMPLOYEES, NON_EMPLOYEES):
        profile(store, random, name)
    people = [_person(store, random, number) for number in range(users)]
    for person in people:
        if people and random.random() < 0.9:
            boss = people[random.randrange(max(1, len(people) // 10))]
            if boss is not person:
                person.data["managerRef"] = reference(boss.data)
                boss.data["isManager"] = True
    ids = list(store.identities)
    for number in range(groups if people else 0):
        _group(store, random, number, ids)
    for number, name in enumerate(ROLES):
        _role(store, random, number, name, ids)
    for identity in ids[:: max(1, len(ids) // 20)]:
        for each in range(random.randint(1, 3)):
            cn = f"CN=Entitlement {random.randrange(50)},DC=example"
            store.entitlements[identity].append(
                {"type": "ENTITLEMENT", "id": hex_id(random), "name": f"{cn},OU={each}"}
            )
    store.changed()


def profile(store: Store, random: Random, name: str) -> None:
    """An identity profile; each has lifecycle states of its own, with ids of their own."""
    made, source = timestamp(START - timedelta(days=900)), hex_id(random)
    identity_profile = hex_id(random)
    store.profiles[identity_profile] = {
        "id": identity_profile, "name": name, "created": made, "modified": made, "description": None,
        "priority": 10, "authoritativeSource": {"type": "SOURCE", "id": source, "name": name}, "identityCount": 0,
    }  # fmt: skip
    for state in STATES:
        store.states[identity_profile].append(
            {
                "id": hex_id(random),
                "name": state.capitalize(),
                "technicalName": state,
                "enabled": True,
                "created": made,
                "modified": made,
                "description": None,
                "identityCount": 0,
                "accountActions": [],
                "accessProfileIds": [],
                "identityState": None,
                "priority": None,
            }
        )


def reference(row: Row) -> Row:
    return {"type": "IDENTITY", "id": row["id"], "name": row["name"]}


def _source(store: Store, name: str) -> str:
    found: str = next(each["authoritativeSource"]["id"] for each in store.profiles.values() if each["name"] == name)
    return found


def _person(store: Store, random: Random, number: int) -> Person:
    first, last = random.choice(FIRST), random.choice(LAST)
    alias = f"{first}.{last}{number}".lower().replace("'", "").replace(" ", "")
    outside = number % 9 == 8
    values = {
        "firstname": first, "lastname": last, "email": f"{alias}@example.com", "phone": f"+1 555 {number:07}",
        "department": random.choice(DEPARTMENTS), "title": random.choice(TITLES),
        "identificationNumber": f"E{number:06}",
    }  # fmt: skip
    for name, share in (("email", 0.03), ("phone", 0.3), ("title", 0.2)):
        if random.random() < share:
            del values[name]
    identity = hex_id(random)
    person = identity_row(store, identity, alias, values, source=NON_EMPLOYEES if outside else EMPLOYEES)
    status = random.choice(STATUSES)
    born = START - timedelta(days=random.randrange(30, 900), milliseconds=random.randrange(10**7))
    person.data |= {"created": timestamp(born), "modified": timestamp(born + timedelta(days=random.randrange(30)))}
    person.data["processingState"] = random.choice((None,) * 17 + ("OK", "OK", "ERROR"))
    set_status(person, status)
    set_state(person, "active" if status in ("ACTIVE", "UNREGISTERED", "LOCKED") else "inactive", manual=False)
    if random.random() < 0.05:
        person.data["lifecycleState"] = None
        person.data["attributes"].pop("cloudLifecycleState")
    person.correlated = number % 20 != 19
    person.protected = number % 50 == 49
    store.identities[identity] = person
    if outside:
        record = uuid(random)
        store.records[record] = record_row(store, record, alias, values)
    return person


def identity_row(store: Store, identity: str, alias: str, values: Row, *, source: str) -> Person:
    """An identity as an authoritative account makes it."""
    name = " ".join(filter(None, (values.get("firstname"), values.get("lastname")))) or alias
    attributes = {
        "uid": alias, "displayName": name, **values, "cloudStatus": "ACTIVE", "internalCloudStatus": "ACTIVE",
        "cloudLifecycleState": "active", "identityState": "ACTIVE", "cloudAuthoritativeSource": _source(store, source),
    }  # fmt: skip
    made = timestamp(START)
    data: Row = {
        "id": identity, "name": name, "alias": alias, "emailAddress": values.get("email"), "created": made,
        "modified": made, "lastRefresh": made, "processingState": None, "identityStatus": "ACTIVE", "isManager": False,
        "managerRef": None, "attributes": attributes,
        "lifecycleState": {"stateName": "active", "manuallyUpdated": False},
    }  # fmt: skip
    return Person(data)


def record_row(store: Store, record: str, alias: str, values: Row) -> Row:
    made = timestamp(START)
    return {
        "id": record, "accountName": alias, "firstName": values["firstname"], "lastName": values["lastname"],
        "email": values.get("email", "unknown@example.com"), "phone": values.get("phone", "unknown"),
        "manager": "unknown", "sourceId": _source(store, NON_EMPLOYEES), "data": {},
        "startDate": "2026-01-01T00:00:00.000Z", "endDate": "2027-01-01T00:00:00.000Z",
        "created": made, "modified": made,
    }  # fmt: skip


def set_status(person: Person, status: str) -> None:
    person.data["identityStatus"] = status
    person.data["attributes"] |= {"cloudStatus": status, "internalCloudStatus": status}


def set_state(person: Person, state: str, *, manual: bool) -> None:
    person.data["lifecycleState"] = {"stateName": state, "manuallyUpdated": manual}
    person.data["attributes"]["cloudLifecycleState"] = state


def _group(store: Store, random: Random, number: int, ids: list[str]) -> None:
    owner = store.identities[random.choice(ids)].data
    name = GROUPS[number] if number < len(GROUPS) else f"Group {number}"
    made = timestamp(START - timedelta(days=random.randrange(400), seconds=random.randrange(10**4)))
    workgroup: dict[str, Any] = {
        "id": uuid(random), "name": name, "description": f"{name} of the tenant" if number % 3 else "",
        "owner": owner_row(owner), "created": made, "modified": made,
    }  # fmt: skip
    store.workgroups[workgroup["id"]] = workgroup
    size = (3, 55, 8, 20, 2, 40)[number % 6]
    store.join(workgroup["id"], random.sample(ids, min(max(1, len(ids) // 2), size)))


def owner_row(row: Row) -> Row:
    found = {**reference(row), "displayName": row["name"]}
    return found if row.get("emailAddress") is None else {**found, "emailAddress": row["emailAddress"]}


def _role(store: Store, random: Random, number: int, name: str, ids: list[str]) -> None:
    owner = reference(store.identities[ids[0]].data) if ids else {"type": "IDENTITY", "id": hex_id(random), "name": "x"}
    made = START - timedelta(days=100 - number, milliseconds=number * 137)
    role = hex_id(random)
    store.roles[role] = {
        "id": role, "name": name, "description": f"Work of {name}" if number % 2 else None, "owner": owner,
        "additionalOwners": [], "accessProfiles": [], "entitlements": [], "legacyMembershipInfo": None,
        "enabled": number != 5, "requestable": number % 3 == 0, "segments": [], "dimensional": False,
        "dimensionRefs": [], "created": timestamp(made), "modified": timestamp(made + timedelta(days=number)),
    }  # fmt: skip
    for identity in random.sample(ids, min(len(ids), (0, 3, 12, 70)[number % 4] if name != "Zero" else 0)):
        store.assign(role, identity, random.choice(("ROLE_MEMBERSHIP", "ACCESS_REQUEST")))
