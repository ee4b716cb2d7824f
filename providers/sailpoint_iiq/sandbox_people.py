"""The people and things that the simulated site starts with: the same for the same seed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from scim_bridge.providers.sailpoint_iiq.sandbox_site import Row, Site

START: Final = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
"""The simulation's present when it starts."""
GIVEN: Final = (
    "Adam Aisha Björn Carlos Chloé Denise Elif Frank Grace Hana Íñigo Jürgen Kofi Lena Łukasz Mary Nadia Omar Paula "
    "Quentin Rosa Søren Tomás Uma Viktor Wendy Xenia Yusuf Zoë"
).split()
FAMILY: Final = (
    "Andersen Barnes Çelik Dąbrowski Eze Ferguson García Hansen Ito Johnson Kennedy Lefèvre Müller Nguyen O'Brien "
    "Patel Quiroz Rivera Smith Tanaka Ueda Vogel Wood Young Żak"
).split()
TITLES: Final = (
    "Accounts Payable Analyst",
    "Benefits Clerk",
    "Internal Audit Manager",
    "HelpDesk 50%",
    "Data_Engineer",
)
DEPARTMENTS: Final = ("Accounting", "Human Resources", "IT", "Regional Operations", "R&D")
LOCATIONS: Final = ("Austin", "Brussels", "München", "Raleigh", "São Paulo", "Singapore")
REGIONS: Final = ("Americas", "Asia-Pacific", "Europe")
CAPABILITIES: Final = ("SCIMExecutor", "HelpDesk", "AccessManager")
APPLICATIONS: Final = (("Active Directory", "Active Directory - Direct"), ("Human Resources", "JDBC"))
# name, displayableName, type, type shown, description
ROLES: Final = (
    ("Accounting General Access", "Accounting General Access - IT", "it", "IT", "General access to accounting."),
    ("Benefits Clerk", "Benefits Clerk", "business", "Business", "Handles benefits."),
    ("Benefits Manager", "Benefits Manager", "business", "Business", "Manages benefits; needs the clerk's role."),
    ("Data Analyst", "Data Analyst", "business", "Business", "Reads data."),
    ("User - IT", "User - IT", "it", "IT", "Has a user account on the company database."),
    ("Finance & Accounting", "Finance & Accounting", "organizational", "Organizational", ""),
    ("benefits clerk (old)", "BENEFITS CLERK", "business", "Business", "Was renamed."),
    ("AP_Logins", "", "it", "IT", "50% of 'AP' \"logins\""),
)
# userName, first name, last name, display name, e-mail: what trips up filters and mappings
ODD: Final = (
    ("spadmin", None, None, "The Administrator", None),
    ("Mary.Johnson", None, None, None, None),
    ("Ms. Barbara J Jensen, III", "Barbara", "Jensen", "Barbara Jensen", "Barbara.Jensen@example.com"),
    ("CORP\\jdoe", "John", "Doe", "John Doe", "jdoe@example.com"),
    ("o'brien", "Seán", "O'Brien", "JOHN DOE", "obrien@example.com"),
    ("say.hello", "Hana", 'Ito "Hana"', 'Hana "Hana" Ito', "hana@example.com"),
    ("a%b", "Percent", "Under_score", "100% a_b *", "A.B@Example.com"),
    ("Jürgen.Müller", "Jürgen", "Müller", "Jürgen Müller", "juergen.mueller@example.com"),
    ("adam.kennedy", "Adam", "Kennedy", "Adam Kennedy", "adam.kennedy@example.com"),
    ("svc-rpa-01", None, "Bot", "RPA Bot (1) and not", None),
)


def new_id(random: Random) -> str:
    """Ids are 32 hexadecimal digits, without dashes and in lower case."""
    return f"{random.getrandbits(128):032x}"


def populate(site: Site, random: Random, users: int) -> None:
    """Fill an empty site."""
    site.records["Application"] = {each["id"]: each for each in _applications(random)}
    site.records["Role"] = {each["id"]: each for each in _roles(random)}
    site.records["Entitlement"] = {each["id"]: each for each in _entitlements(site, random)}
    for identity in _people(site, random, users):
        site.put(identity)
    _manage(site)
    site.records["Account"] = {each["id"]: each for each in _accounts(site, random)}
    _own(site)
    site.records |= {kind: {each["id"]: each for each in made} for kind, made in _rest(site, random).items()}


def _record(random: Random, **values: Any) -> Row:
    """A record; half of them were never changed."""
    created = START - timedelta(days=random.randrange(30, 900), milliseconds=random.randrange(10**6))
    modified = created + timedelta(days=3, milliseconds=17) if random.random() < 0.5 else None
    return {"id": new_id(random), "created": created, "modified": modified, **values}


def _applications(random: Random) -> Iterator[Row]:
    for name, kind in APPLICATIONS:
        yield _record(random, name=name, type=kind, description=f"The {name} domain")


def _roles(random: Random) -> Iterator[Row]:
    made: list[str] = []
    for number, (name, shown, kind, kind_shown, description) in enumerate(ROLES):
        role = _record(random, name=name, displayableName=shown, active=number != 6, description=description)
        role |= {"type": {"name": kind, "displayName": kind_shown, "manualAssignment": kind == "business"}}
        role |= {"inheritance": made[:1] if number == 2 else [], "requirements": made[1:2] if number == 2 else []}
        made.append(role["id"])
        yield role


def _entitlements(site: Site, random: Random) -> Iterator[Row]:
    application = next(iter(site.records["Application"]))
    for name in ("HelpDesk_AD", "AP_Logins", "Payroll"):
        value = f"CN={name},OU=demoGroups,DC=example,DC=com"
        named = {"displayableName": name, "value": value, "attribute": "memberOf", "type": "group"}
        yield _record(random, application=application, requestable=True, aggregated=True, **named)


def _people(site: Site, random: Random, count: int) -> Iterator[Row]:
    roles, entitlements = list(site.records["Role"]), list(site.records["Entitlement"])
    for number in range(count):
        given, family = random.choice(GIVEN), random.choice(FAMILY)
        login = f"{given[0]}{family}{number}".lower()
        login = login if login.isascii() else f"user.{number}"
        usual = (login, given, family, f"{given} {family}", f"{login}@example.com" if number % 9 else None)
        name, first, last, display, email = ODD[number] if number < len(ODD) else usual
        identity = _record(random, userName=name, first=first, last=last, displayName=display, email=email)
        identity |= {"formatted": None, "inactive": random.random() < 0.1, "password": None, "administrator": None}
        identity |= {"userType": random.choice(("employee", "contractor", None)), "softwareVersion": None}
        identity |= _of_identityiq(random, number, roles, entitlements)
        identity["extended"] = dict(_extended(site, random, number))
        yield identity


def _of_identityiq(random: Random, number: int, roles: list[str], entitlements: list[str]) -> Row:
    """What the product itself knows: nobody refreshed the first ones yet."""
    refreshed = START - timedelta(days=random.randrange(30), milliseconds=random.randrange(10**6))
    return {
        "capabilities": random.sample(CAPABILITIES, number % 3) if number % 5 == 0 else [],
        "riskScore": random.randrange(1000) if number % 4 else None,
        "lastRefresh": refreshed if number > 1 and number % 7 else None,
        "manager": None,
        "isManager": False,
        "accounts": [],
        "entitlements": random.sample(entitlements, number % 3),
        "assigned": random.sample(roles, number % 4),
        "detected": random.sample(roles, number % 2),
    }


def _extended(site: Site, random: Random, number: int) -> Iterator[tuple[str, Any]]:
    values: dict[str, Any] = {
        "jobTitle": random.choice(TITLES),
        "department": random.choice(DEPARTMENTS),
        "employeeId": f"{100_000 + number}",
        "phone": f"+1 512 555 {number % 10_000:04}",
        "location": random.choice(LOCATIONS),
        "region": random.choice(REGIONS),
        "contractEndDate": "2026-12-31",
        "costcenter": ["CC01", f"CC{number % 7:02}"][: 1 + number % 2],
    }
    for each in site.extended:
        if number > 1 and each.name in values and random.random() < 0.8:
            yield each.name, values[each.name]


def _manage(site: Site) -> None:
    """Some manage others, and own regions."""
    everyone = list(site.identities.values())
    for number, identity in enumerate(everyone):
        if number > 8 and number % 10:
            manager = everyone[number // 20]
            identity["manager"], manager["isManager"] = manager["id"], True
        if number % 4 == 2 and any(each.name == "regionOwner" for each in site.extended):
            identity["extended"]["regionOwner"] = everyone[0]["id"]


def _accounts(site: Site, random: Random) -> Iterator[Row]:
    applications = list(site.records["Application"])
    for number, identity in enumerate(site.identities.values()):
        for application in applications[: number % 3]:
            native = f"CN={identity['userName']},OU=people"
            seen = {"refreshed": START - timedelta(days=number % 90), "active": number % 11 > 0}
            shown = identity["displayName"] or identity["userName"]
            account = _record(random, identity=identity["id"], application=application, displayName=shown)
            identity["accounts"].append(account["id"])
            yield {**account, "nativeIdentity": native, **seen}


def _own(site: Site) -> None:
    owner = next(iter(site.identities), None)
    for kind in ("Role", "Application", "Entitlement"):
        for record in site.records[kind].values():
            record["owner"] = owner


def _rest(site: Site, random: Random) -> dict[str, list[Row]]:
    """A few of what passes through."""
    people = list(site.identities)[:2]
    violations = [_record(random, identity=each, policyName="SOD Policy", status="Open") for each in people]
    launched = {"launched": START - timedelta(days=1), "completed": START - timedelta(hours=23)}
    task = _record(random, name="Refresh Identity Cube", type="IdentityRefresh", completionStatus="Success", **launched)
    workflows = [_record(random, name=each, type=each) for each in ("LCM Provisioning", "LCM Registration")]
    alert = _record(random, name="0000000001", displayName="Hello World!", lastProcessed=START - timedelta(days=2))
    return {
        "PolicyViolation": violations,
        "TaskResult": [task],
        "LaunchedWorkflow": [],
        "Workflow": workflows,
        "Alert": [alert],
    }
