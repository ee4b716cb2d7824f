"""The people, roles, groups and events that the simulated account starts with: the same for the same seed."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from scim_bridge.providers.onelogin.sandbox_events import event
from scim_bridge.providers.onelogin.sandbox_fields import PASSWORD_PENDING, SINGLE
from scim_bridge.providers.onelogin.sandbox_store import Store
from scim_bridge.simulation import timestamp

START: Final = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
"""The simulation's present when it starts; seeded people were made in the two years before."""
NEVER: Final = "0001-01-01T00:00:00.000Z"
"""The last login of some who never logged in."""
LOCALES: Final = ("en-US", "en-GB", "de-DE", "fr-FR", "es-ES", "pl-PL", "ja-JP", "el-GR")
GIVEN: Final = (
    "Olivia George Emma Liam Jürgen Käthe Zoé François José Lucía Łukasz Małgorzata Νίκος Ελένη 陽菜 蓮 Ana Maël "
    "Siobhán Noah"
).split()
FAMILY: Final = (
    "Smith O'Brien Johnson Miller Müller Weiß Dupont Lefèvre García Núñez Kowalski Wójcik Σταύρου 佐藤 Taylor Novák "
    "Smith-Jones Lee"
).split()
TITLES: Final = ("Engineer", "Senior Engineer", "Sales Manager", "Data Analyst", "HR Partner", "Head of Design")
DEPARTMENTS: Final = ("R&D", "Sales", "Customer Support", "Finance", "IT", "Legal")
COMPANIES: Final = ("Acme", "Acme GmbH", "Contoso")
GROUPS: Final = ("Default", "Contractors", "Administrators")
ROLES: Final = ("Default", "Engineering", "Sales", "Finance", "IT Admins", "Contractors", "VPN Users", "München")
CUSTOM: Final = ("employee_number", "cost_center", "badge")
_STATUSES: Final = (1,) * 16 + (2, 3, 4, 5, 7, 8, 0)


def blank() -> dict[str, Any]:
    """A user of whom nothing is known."""
    return {**dict.fromkeys(SINGLE), "invalid_login_attempts": 0, "state": 1, "role_ids": [], "custom_attributes": {}}


def populate(store: Store, random: Random, users: int, roles: int) -> None:
    """Fill an empty account."""
    for number, name in enumerate(GROUPS):
        store.groups[480_000 + 13 * number] = name
    for number, name in enumerate(CUSTOM):
        store.custom[name] = 500 + number
    for number in range(users):
        store.put_user(_person(store, random, number))
    for number in range(roles):
        name = ROLES[number] if number < len(ROLES) else f"{DEPARTMENTS[number % 6]} {number}"
        store.put_role({"id": 80_000 + 31 * number, "name": name, "apps": [7000 + number], "admins": []})
    _assign(store, random)
    _log_in(store, random)


def _person(store: Store, random: Random, number: int) -> dict[str, Any]:
    user_id, given, family = store.new_id(), random.choice(GIVEN), random.choice(FAMILY)
    login = f"{_plain(given) or 'user'}.{_plain(family) or 'x'}{number}"
    made = START - timedelta(hours=17_000 - 17_000 * number / 100_000, seconds=random.random() * 3_000)
    status = random.choice(_STATUSES)
    person = blank() | {
        "id": user_id,
        "username": (login.lower(), login, f"{login.lower()}@example.com")[random.randrange(3)],
        "email": f"{login.lower()}@example.com",
        "firstname": given,
        "lastname": family,
        "status": status,
        "created_at": timestamp(made),
        "updated_at": timestamp(made + timedelta(seconds=random.randrange(10**7))),
        "group_id": random.choice([None, None, *store.groups]),
        "custom_attributes": dict.fromkeys(CUSTOM),
    }
    if number % 17 == 5:  # such users are there in live accounts
        person["username"] = ""
    elif number % 23 == 7:
        person["email"] = None
    person |= _profile(store, random, number)
    return person | _sign_ins(random, made, status) | (_directory(login, number) if number % 9 == 4 else {})


def _profile(store: Store, random: Random, number: int) -> dict[str, Any]:
    """What many people have, but not all; what is not there is null or empty."""
    known = random.random() < 0.85
    custom = {"employee_number": str(100_000 + number), "cost_center": random.choice(("CC-1", "cc-2", None))}
    return {
        "title": random.choice(TITLES) if known else random.choice((None, "")),
        "department": random.choice(DEPARTMENTS) if known else None,
        "company": random.choice(COMPANIES) if known else "",
        "external_id": random.choice((f"hr-{number:05}", f"HR-{number:05}")) if random.random() < 0.7 else None,
        "phone": f"+1555{random.randrange(10**7):07}" if random.random() < 0.6 else None,
        "preferred_locale_code": random.choice(LOCALES) if random.random() < 0.4 else None,
        "comment": "Came with the merger" if random.random() < 0.1 else None,
        "manager_user_id": random.choice(store.user_ids[:20]) if store.user_ids and random.random() < 0.5 else None,
        "custom_attributes": {**dict.fromkeys(CUSTOM), **(custom if known else {})},
    }


def _sign_ins(random: Random, made: datetime, status: int) -> dict[str, Any]:
    if status == PASSWORD_PENDING:
        return {"last_login": random.choice((None, NEVER)), "invitation_sent_at": timestamp(made)}
    seen = made + timedelta(seconds=random.randrange(10**7))
    moments = {"activated_at": timestamp(made), "password_changed_at": timestamp(made), "last_login": timestamp(seen)}
    if status == 3 or random.random() < 0.05:  # a lock's end stays where it was after it has passed
        moments["locked_until"] = timestamp(START + timedelta(minutes=30 if status == 3 else -4_000))
    return moments


def _directory(login: str, number: int) -> dict[str, Any]:
    """Who comes from a directory."""
    name = login.replace(".", "")[:20]
    groups = f"CN=Staff,DC=example,DC=com;CN=Floor{number % 4},DC=example,DC=com"
    return {
        "directory_id": 2_200 + number % 2,
        "samaccountname": name,
        "userprincipalname": f"{login}@corp.example.com",
        "distinguished_name": f"CN={login},OU=Staff,DC=example,DC=com",
        "member_of": groups,
        "manager_ad_id": str(number),
    }


def _plain(name: str) -> str:
    return "".join(each for each in name if each.isascii() and each.isalnum())


def _assign(store: Store, random: Random) -> None:
    for number, role_id in enumerate(store.roles):
        count = min(len(store.user_ids), 3 + number * 11 % 60)
        store.join(role_id, random.sample(store.user_ids, count), timestamp(START - timedelta(days=90)))


def _log_in(store: Store, random: Random) -> None:
    """The last hours of the account: who logged in, and who was changed."""
    for number in range(min(2 * len(store.user_ids), 2_000)):
        moment = START - timedelta(seconds=17 * (2_000 - number), milliseconds=random.randrange(1000))
        user = store.users[random.choice(store.user_ids)]
        kind = random.choice((5, 5, 5, 6, 7, 8, 11, 13, 147, 529, 532))
        store.events.append(event(store, kind, timestamp(moment), user, app=kind == 8, role=kind == 147))
