"""The people, groups and populations that the simulated environment starts with: the same for the same seed."""

import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from scim_bridge.providers.pingone.sandbox_store import Store
from scim_bridge.providers.pingone.sandbox_wire import Item
from scim_bridge.simulation import timestamp

START: Final = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
"""The simulation's present when it starts; seeded people were made in the two years before."""
# Country code, locale, phone prefix, time zone, cities with regions, given names, family names.
PLACES: Final = (
    ("GB", "en-GB", "+44", "Europe/London", "Leeds/WY London/GL Bristol/AV", "Olivia George Amelia Harry Isla Noah",
     "Smith Jones Taylor O'Brien Patel Walker Wright Shaw"),
    ("US", "en-US", "+1", "America/New_York", "Boston/MA Austin/TX Denver/CO", "Emma Liam Ava Mason Harper Logan",
     "Johnson Miller Davis Garcia Anderson Scott Sanders Nguyen"),
    ("DE", "de-DE", "+49", "Europe/Berlin", "Köln/NW München/BY Leipzig/SN", "Jürgen Käthe Björn Anke Sören Ute",
     "Müller Schröder Weiß Schulz Böhm Groß Köhler Stein"),
    ("FR", "fr-FR", "+33", "Europe/Paris", "Paris/IDF Lyon/ARA Nîmes/OCC", "Zoé François Chloé Léa Benoît Maël",
     "Dupont Lefèvre Moreau Garçon Simon Fournier Besançon Roux"),
    ("ES", "es-ES", "+34", "Europe/Madrid", "Madrid/MD Málaga/AN Bilbao/PV", "José Lucía Íñigo María Andrés Sofía",
     "García Núñez López Sánchez Peña Sáez Ibáñez Serrano"),
    ("PL", "pl-PL", "+48", "Europe/Warsaw", "Łódź/LD Kraków/MA Gdańsk/PM", "Łukasz Małgorzata Paweł Zofia Jan Ewa",
     "Kowalski Wójcik Zieliński Szymański Dąbrowska Nowak Sikora Ślęzak"),
    ("GR", "el-GR", "+30", "Europe/Athens", "Athens/I Patras/G", "Νίκος Ελένη Γιώργος Σοφία",
     "Παπαδόπουλος Σταύρου Δήμου"),
    ("JP", "ja-JP", "+81", "Asia/Tokyo", "Tokyo/13 Osaka/27", "陽菜 蓮 結衣 大翔", "佐藤 鈴木 高橋 田中"),
)  # fmt: skip
TITLES: Final = (
    "Engineer", "Senior Engineer", "Staff Engineer", "Sales Manager", "Account Executive", "Support Specialist",
    "Engineering Manager", "Data Analyst", "HR Partner", "Finance Controller", "Product Manager", "Head of Design",
)  # fmt: skip
DEPARTMENTS: Final = ("R&D", "Sales", "Customer Support", "Finance", "People", "IT", "Legal", "Marketing")
TYPES: Final = ("Employee", "Contractor", "Intern", "Partner")
POPULATIONS: Final = ("Employees", "Contractors", "Partners")
ROLES: Final = (
    ("Organization Admin", ["ORGANIZATION"]),
    ("Environment Admin", ["ORGANIZATION", "ENVIRONMENT"]),
    ("Identity Data Admin", ["ENVIRONMENT", "POPULATION"]),
    ("Identity Data Read Only", ["ENVIRONMENT", "POPULATION"]),
    ("Client Application Developer", ["ENVIRONMENT", "APPLICATION"]),
    ("Help Desk Admin", ["ENVIRONMENT", "POPULATION"]),
)
SHAPES: Final = ("environment", "population", "nested", "dynamic")
"""What groups are, in turn: of the environment, of one population, inside an earlier group, or made by a filter."""


def new_id(random: Random) -> str:
    return str(UUID(int=random.getrandbits(128), version=4))


def populate(store: Store, environment_id: str, random: Random, users: int, groups: int) -> None:
    """Fill an empty environment."""
    for index, name in enumerate(POPULATIONS):
        population_id = new_id(random)
        data = {"id": population_id, "name": name, "default": index == 0, "createdAt": timestamp(START)}
        store.populations[population_id] = Item(store.next_seq(), data)
    for name, scopes in ROLES:
        role = {"id": new_id(random), "name": name, "description": f"{name} role", "type": "PLATFORM"}
        store.roles[role["id"]] = Item(store.next_seq(), {**role, "applicableTo": scopes, "permissions": []})
    for person in people(random, users, list(store.populations)):
        store.put_user(person)
    _group(store, random, groups)
    for user_id in list(store.users)[:5]:
        _assign(store, environment_id, random, user_id)


def people(random: Random, count: int, populations: list[str]) -> Iterator[dict[str, Any]]:
    """Users as they are stored, in the order in which they were made."""
    for number in range(count):
        # The first ones come from a place each, so that their usernames need no number to be unique.
        place = PLACES[number] if number < len(PLACES) else random.choice(PLACES)
        given, family = random.choice(place[5].split()), random.choice(place[6].split())
        yield _person(random, number, place, given, family, populations)


def _person(
    random: Random, number: int, place: tuple[str, ...], given: str, family: str, populations: list[str]
) -> dict[str, Any]:
    made = timestamp(START - timedelta(hours=17_000 - 17_000 * number / 100_000, seconds=random.random() * 3_000))
    username = _username(given, family, number)
    enabled, locked = random.random() > 0.05, random.random() < 0.02
    person: dict[str, Any] = {
        "id": new_id(random),
        "account": account(enabled=enabled, locked=locked),
        "createdAt": made,
        "enabled": enabled,
        "identityProvider": {"type": "PING_ONE"},
        "lifecycle": {"status": "ACCOUNT_OK"},
        "mfaEnabled": random.random() < 0.3,
        "name": {"given": given, "family": family},
        "population": {"id": populations[0 if random.random() < 0.7 else random.randrange(len(populations))]},
        "updatedAt": made,
        "username": username,
        "verifyStatus": "NOT_INITIATED",
    }
    person |= {name: value for name, value in _optional(random, number, place, given, family, username)}
    return person


def _optional(
    random: Random, number: int, place: tuple[str, ...], given: str, family: str, username: str
) -> Iterator[tuple[str, Any]]:
    """What many people have, but not all."""
    country, locale, prefix, zone, cities = place[:5]
    if random.random() < 0.97:
        yield "email", username if "@" in username else f"{username}@example.com"
        yield "emailVerified", random.random() < 0.5
    if random.random() < 0.8:
        yield "name", {"formatted": f"{given} {family}", "given": given, "family": family}
    if random.random() < 0.9:
        yield "title", random.choice(TITLES)
        yield "department", random.choice(DEPARTMENTS)
    if random.random() < 0.8:
        yield "externalId", f"hr-{number:06}"
        yield "employeeNumber", f"{100_000 + number}"
    if random.random() < 0.7:
        city, region = random.choice(cities.split()).split("/")
        street = f"{random.randrange(1, 200)} {family} Street"
        yield "address", {"streetAddress": street, "locality": city, "region": region, "countryCode": country}
        yield "timezone", zone
    if random.random() < 0.6:
        yield "mobilePhone", f"{prefix}.{random.randrange(10**8, 10**9)}"
        yield "locale", locale
        yield "preferredLanguage", locale.partition("-")[0]
    if random.random() < 0.3:
        yield "primaryPhone", f"{prefix}.{random.randrange(10**8, 10**9)}"
        yield "nickname", given
        yield "photo", {"href": f"https://photos.example.com/{number}.png"}
    yield "type", random.choice(TYPES)


def account(*, enabled: bool, locked: bool) -> dict[str, Any]:
    """Whether somebody can sign on: not when disabled, and not when locked."""
    return {"canAuthenticate": enabled and not locked, "status": "LOCKED" if locked else "OK"}


def _username(given: str, family: str, number: int) -> str:
    """Most are plain, some are e-mail addresses, some have capitals."""
    plain = [_ascii(each) or f"user{number}" for each in (given, family)]
    name = f"{plain[0]}.{plain[1]}{number}" if number >= len(PLACES) else f"{plain[0]}.{plain[1]}"
    return (f"{name.lower()}@example.com", name, name.lower())[min(number % 10, 2)]


def _ascii(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.replace("ł", "l").replace("Ł", "L").replace("ß", "ss"))
    return "".join(each for each in decomposed if each.isascii() and each.isalnum())


def _group(store: Store, random: Random, count: int) -> None:
    users, populations = list(store.users), list(store.populations)
    made: list[str] = []
    for number in range(count):
        shape = SHAPES[number % len(SHAPES)]
        data: dict[str, Any] = {"id": new_id(random), "name": f"{DEPARTMENTS[number % 8]} {number + 1}"}
        data |= dict.fromkeys(("createdAt", "updatedAt"), timestamp(START - timedelta(days=400 - number % 400)))
        data |= {"description": f"Group {number + 1}", "externalId": f"ad-{number + 1}"} if number % 3 else {}
        if shape == "population":
            data["population"] = {"id": populations[number % len(populations)]}
        if shape == "dynamic":
            data["userFilter"] = f"title eq '{TITLES[number % len(TITLES)]}'"
        store.put_group(data)
        if shape == "nested" and made:
            store.nest(data["id"], made[0])
        if shape != "dynamic" and users:
            _fill(store, random, data, random.sample(users, min(len(users), 3 + number * 5 % 40)))
        made.append(data["id"])


def _fill(store: Store, random: Random, group: dict[str, Any], users: list[str]) -> None:
    population = group.get("population", {}).get("id")
    for user_id in users:
        if population in (None, store.users[user_id].data["population"]["id"]):
            store.join(user_id, group["id"])


def _assign(store: Store, environment_id: str, random: Random, user_id: str) -> None:
    """An administrator's roles: one for the environment, one for a population."""
    roles = [each for each in store.roles.values() if "POPULATION" in each.data["applicableTo"]]
    scopes = [("ENVIRONMENT", environment_id), ("POPULATION", next(iter(store.populations)))]
    store.assignments[user_id] = [
        Item(
            store.next_seq(),
            {
                "id": new_id(random),
                "role": {"id": random.choice(roles).data["id"]},
                "scope": {"id": scope_id, "type": kind},
                "readOnly": False,
            },
        )
        for kind, scope_id in scopes
    ]
