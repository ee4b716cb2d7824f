"""The people and groups that real servers are filled with: every attribute is missing for somebody."""

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any, Final

Row = dict[str, Any]

USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PEOPLE: Final = 150

GIVEN: Final = "Ada Björn Chloé Dana Emma Finn Grace Hugo Íñigo Jana Kofi Lena Mika Nora Otto Paula".split()
FAMILY: Final = "Abel Brandt Cruz Dupont Eze Fischer García Hansen Ito Jensen Kowalski Lopez Müller O'Neil Öz".split()
TITLES: Final = ("Engineer", "engineer", "Sales Manager", "Data Analyst", 'VP, 100% "Sales"', None)
LANGUAGES: Final = ("en-US", "de", "sv-SE", None)
KINDS: Final = ("Employee", "Contractor", None)
DEPARTMENTS: Final = ("R&D", "Sales", "sales", "Finance", "People", None)
CITIES: Final = ("Berlin", "Malmö", "Accra", "New York")
GROUPS: Final = ("Everybody", "Engineers", "Sales", "Leads (all)", "Nobody")


def people() -> Iterator[Row]:
    """Users to be created in this order; the manager of one is the userName of an earlier one, see `posted`."""
    random = Random(11)
    names: list[str] = []
    for number in range(PEOPLE):
        given, family = random.choice(GIVEN), random.choice(FAMILY)
        login = f"{'Person' if number % 3 else 'user'}.{number}@{'Corp' if number % 2 else 'partner'}.example"
        manager = random.choice(names) if names and random.random() < 0.5 else None
        enterprise = {
            "department": random.choice(DEPARTMENTS),
            "employeeNumber": str(1000 + number) if number % 10 else None,
            "costCenter": random.choice(("4130", "4140", None)),
            "manager": {"value": manager} if manager else None,
        }
        named = {"givenName": given, "familyName": family, "middleName": "Q" if number % 7 == 0 else None}
        extension = _assigned(**enterprise)
        yield _assigned(
            schemas=[USER, ENTERPRISE] if extension else [USER],
            userName=login,
            externalId=f"E{number:05}" if number % 4 else None,
            name=_assigned(**named, formatted=f"{given} {family}") if number % 9 else None,
            displayName=f"{given} {family}" if number % 6 else None,
            nickName=random.choice((given.lower(), None)),
            title=random.choice(TITLES),
            userType=random.choice(KINDS),
            preferredLanguage=random.choice(LANGUAGES),
            active=random.choice((True, True, False, None)),
            emails=list(_emails(random, number)),
            phoneNumbers=[{"value": f"+49 30 {number:04}", "type": "mobile"}] if number % 5 == 0 else None,
            addresses=list(_addresses(random, number)),
            **{ENTERPRISE: extension},
        )
        names.append(login)


def _emails(random: Random, number: int) -> Iterator[Row]:
    for place in random.choice(((), ("work",), ("work", "home"), ("home", "other"))):
        domain = "Corp.example" if place == "work" else "mail.example"
        yield {"value": f"Person.{number}@{domain}", "type": place, "primary": place == "work"}


def _addresses(random: Random, number: int) -> Iterator[Row]:
    for place in random.choice(((), ("work",), ("work", "home"))):
        yield {"type": place, "locality": random.choice(CITIES), "postalCode": f"{10000 + number}"}


def _assigned(**values: Any) -> Row:
    return {name: value for name, value in values.items() if value not in (None, [], {})}


def fill(create: Callable[[str, Row], Row]) -> None:
    """Create all people, then groups of them, by ``create(path, body)``, which gives what was made."""
    ids: dict[str, str] = {}
    for each in people():
        ids[each["userName"]] = create("/Users", posted(each, ids))["id"]
    everybody = list(ids.values())
    members: tuple[list[str], ...] = (everybody, everybody[::3], everybody[1::7], everybody[:4], [])
    for name, values in zip(GROUPS, members, strict=True):
        body = {"schemas": [GROUP], "displayName": name, "members": [{"value": each} for each in values]}
        create("/Groups", body)


def posted(person: Row, ids: Mapping[str, str]) -> Row:
    """A user as it is created, the manager by id."""
    enterprise = person.get(ENTERPRISE, {})
    if "manager" not in enterprise:
        return person
    return {**person, ENTERPRISE: {**enterprise, "manager": {"value": ids[enterprise["manager"]["value"]]}}}
