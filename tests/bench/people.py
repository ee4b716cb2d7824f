"""Deterministic people and groups: enterprise users of some 1.4 kB of JSON, as directories hold them."""

from typing import Any, Final

USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
GROUPS: Final = 100
GIVEN: Final = (
    "Ada Alan Barbara Carlos Chen Dana Eero Fatima Grace Hana Ivan Jamal Kofi Lena Mei Noor Olu Priya Quinn Rosa "
    "Sven Tariq Uma Viktor Wei Ximena Yuki Zoe"
).split()
FAMILY: Final = (
    "Abbott Becker Cruz Diaz Evans Fischer Garcia Hoffmann Ivanova Jensen Khan Larsen Meyer Novak Okafor Patel Quist "
    "Rossi Silva Tanaka Ueda Vargas Weber Xu Yilmaz Zhang"
).split()


def user(number: int) -> dict[str, Any]:
    """One user; the same each time, with the id that ``number`` stands for."""
    given, family = GIVEN[number % len(GIVEN)], FAMILY[number // len(GIVEN) % len(FAMILY)]
    name = f"{given}.{family}{number}".lower()
    street = f"Example Street {number % 200}"
    return {
        "schemas": [USER, ENTERPRISE],
        "id": identifier(number),
        "externalId": f"E{number:07d}",
        "meta": {
            "resourceType": "User",
            "created": "2024-01-01T00:00:00Z",
            "lastModified": f"2024-05-{number % 28 + 1:02d}T10:00:00Z",
        },
        "userName": f"{name}@example.com",
        "name": {"formatted": f"{given} {family}", "familyName": family, "givenName": given},
        "displayName": f"{given} {family}",
        "nickName": given,
        "title": "Engineer",
        "userType": "Employee",
        "preferredLanguage": "en-US",
        "locale": "en-US",
        "timezone": "Europe/Berlin",
        "active": number % 10 != 0,
        "emails": [
            {"value": f"{name}@example.com", "type": "work", "primary": True},
            {"value": f"{name}@home.example", "type": "home"},
        ],
        "phoneNumbers": [
            {"value": f"+49 30 {number:07d}", "type": "work"},
            {"value": f"+49 170 {number:07d}", "type": "mobile"},
        ],
        "addresses": [
            {
                "type": "work",
                "formatted": f"{street}, 10115 Berlin, Germany",
                "streetAddress": street,
                "locality": "Berlin",
                "region": "BE",
                "postalCode": "10115",
                "country": "DE",
            }
        ],
        ENTERPRISE: {
            "employeeNumber": f"{number:07d}",
            "costCenter": "4130",
            "organization": "Example",
            "division": "Research",
            "department": "Tour Operations",
            "manager": {"value": identifier(number // 10), "displayName": "Barbara Smith"},
        },
    }


def identifier(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{number:012x}"


def group(number: int, people: int) -> dict[str, Any]:
    """One group, of which every hundredth of the people is a member."""
    members = [{"value": identifier(each), "type": "User"} for each in range(number, people, GROUPS)]
    return {
        "schemas": [GROUP],
        "id": f"group-{number:04d}",
        "displayName": f"Group {number:04d}",
        "meta": {"resourceType": "Group", "created": "2024-01-01T00:00:00Z", "lastModified": "2024-01-01T00:00:00Z"},
        "members": members,
    }
