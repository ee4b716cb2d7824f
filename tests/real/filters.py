"""Filters, and what each means in plain Python over the raw records of a server: nothing of the bridge decides it."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from tests.real.people import ENTERPRISE, GROUP, USER, Row

Check = Callable[[Row], bool]


def all_of(row: Row, *names: str) -> list[Any]:
    """The values at a path, through lists."""
    found: list[Any] = [row]
    for name in names:
        found = [inner for each in found if isinstance(each, Mapping) for inner in _several(each.get(name))]
    return found


def _several(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        yield from value
    elif value is not None:
        yield value


def low(row: Row, *names: str) -> list[str]:
    """The texts at a path, to be compared without case."""
    return [each.lower() for each in all_of(row, *names)]


def work(row: Row) -> list[str]:
    return [each["value"].lower() for each in row.get("emails", []) if each.get("type") == "work"]


def dept(row: Row) -> list[str]:
    return low(row, ENTERPRISE, "department")


def number(row: Row) -> list[str]:
    return low(row, ENTERPRISE, "employeeNumber")


def when(row: Row, name: str) -> datetime:
    return datetime.fromisoformat(row["meta"][name])


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def active(row: Row, value: bool) -> bool:
    return row.get("active") is value


COMPARISONS: Final[Mapping[str, Check]] = {
    'userName eq "PERSON.1@corp.example"': lambda u: "person.1@corp.example" in low(u, "userName"),
    'USERNAME EQ "user.3@Corp.Example"': lambda u: "user.3@corp.example" in low(u, "userName"),
    'userName ne "Person.1@Corp.example"': lambda u: "person.1@corp.example" not in low(u, "userName"),
    'userName sw "USER."': lambda u: any(each.startswith("user.") for each in low(u, "userName")),
    'userName co "4@P"': lambda u: any("4@p" in each for each in low(u, "userName")),
    'userName ew "@CORP.example"': lambda u: any(each.endswith("@corp.example") for each in low(u, "userName")),
    'userName gt "person.5"': lambda u: any(each > "person.5" for each in low(u, "userName")),
    'userName lt "PERSON.5"': lambda u: any(each < "person.5" for each in low(u, "userName")),
    'displayName ge "Lena"': lambda u: any(each >= "lena" for each in low(u, "displayName")),
    'displayName le "lena"': lambda u: any(each <= "lena" for each in low(u, "displayName")),
    'displayName co "Ö"': lambda u: any("ö" in each for each in low(u, "displayName")),
    'title eq "ENGINEER"': lambda u: "engineer" in low(u, "title"),
    'title eq "Sales Manager"': lambda u: "sales manager" in low(u, "title"),
    'title ne "engineer"': lambda u: "engineer" not in low(u, "title"),
    'title co "%"': lambda u: any("%" in each for each in low(u, "title")),
    'title eq "VP, 100% \\"sales\\""': lambda u: 'vp, 100% "sales"' in low(u, "title"),
    'title ew "\\u0022"': lambda u: any(each.endswith('"') for each in low(u, "title")),
    "title pr": lambda u: "title" in u,
    "not (title pr)": lambda u: "title" not in u,
    "title eq null": lambda u: "title" not in u,
    "title ne null": lambda u: "title" in u,
    "nickName PR": lambda u: "nickName" in u,
    'preferredLanguage sw "EN"': lambda u: any(each.startswith("en") for each in low(u, "preferredLanguage")),
    "active eq true": lambda u: active(u, True),
    "active eq false": lambda u: active(u, False),
    "active ne true": lambda u: not active(u, True),
    "active pr": lambda u: "active" in u,
}
"""One comparison of a simple attribute."""

NAMED: Final[Mapping[str, Check]] = {
    'name.familyName eq "jensen"': lambda u: "jensen" in low(u, "name", "familyName"),
    'name.familyName sw "J"': lambda u: any(each.startswith("j") for each in low(u, "name", "familyName")),
    'name.familyName eq "O\'Neil"': lambda u: "o'neil" in low(u, "name", "familyName"),
    'name.givenName eq "CHLOÉ"': lambda u: "chloé" in low(u, "name", "givenName"),
    "name.middleName pr": lambda u: bool(low(u, "name", "middleName")),
    "name pr": lambda u: "name" in u,
    'emails.value co "PERSON.1"': lambda u: any("person.1" in each for each in low(u, "emails", "value")),
    'emails co "9@mail"': lambda u: any("9@mail" in each for each in low(u, "emails", "value")),
    'emails eq "person.6@corp.example"': lambda u: "person.6@corp.example" in low(u, "emails", "value"),
    'emails.type eq "OTHER"': lambda u: "other" in low(u, "emails", "type"),
    "emails pr": lambda u: "emails" in u,
    "not (emails pr)": lambda u: "emails" not in u,
    'phoneNumbers.value sw "+49 30 01"': lambda u: any(
        each.startswith("+49 30 01") for each in low(u, "phoneNumbers", "value")
    ),
    'addresses.locality eq "MALMÖ"': lambda u: "malmö" in low(u, "addresses", "locality"),
    'addresses.postalCode ge "10100"': lambda u: any(each >= "10100" for each in low(u, "addresses", "postalCode")),
    f'{USER}:userName sw "user.1"': lambda u: any(each.startswith("user.1") for each in low(u, "userName")),
    f'{USER.upper()}:NAME.familyName eq "ito"': lambda u: "ito" in low(u, "name", "familyName"),
    f'{ENTERPRISE}:department eq "SALES"': lambda u: "sales" in dept(u),
    f'{ENTERPRISE}:department eq "R&D"': lambda u: "r&d" in dept(u),
    f"{ENTERPRISE}:department pr": lambda u: bool(dept(u)),
    f'{ENTERPRISE}:department ne "sales"': lambda u: "sales" not in dept(u),
    f'{ENTERPRISE}:employeeNumber eq "1017"': lambda u: "1017" in number(u),
    f'{ENTERPRISE}:employeeNumber ge "1100"': lambda u: any(each >= "1100" for each in number(u)),
    f'{ENTERPRISE.lower()}:COSTCENTER eq "4140"': lambda u: "4140" in low(u, ENTERPRISE, "costCenter"),
    f"{ENTERPRISE}:manager pr": lambda u: bool(all_of(u, ENTERPRISE, "manager")),
    f"{ENTERPRISE}:manager.value pr": lambda u: bool(all_of(u, ENTERPRISE, "manager", "value")),
}
"""Comparisons below complex attributes and extensions."""

SELECTED: Final[Mapping[str, Check]] = {
    'emails[type eq "WORK"]': lambda u: bool(work(u)),
    'emails[type eq "work" and value co "PERSON.1"]': lambda u: any("person.1" in each for each in work(u)),
    'emails[not (type eq "home")]': lambda u: any(each.get("type") != "home" for each in u.get("emails", [])),
    'emails[type eq "home" or type eq "other"]': lambda u: bool({"home", "other"} & set(low(u, "emails", "type"))),
    'emails[type eq "work"].value eq "Person.4@corp.example"': lambda u: "person.4@corp.example" in work(u),
    'addresses[type eq "home" and locality eq "Accra"]': lambda u: any(
        each.get("type") == "home" and each.get("locality") == "Accra" for each in u.get("addresses", [])
    ),
    'not (emails[type eq "work"])': lambda u: not work(u),
}
"""Value paths: conditions on one and the same value."""

JOINED: Final[Mapping[str, Check]] = {
    'title eq "engineer" or title ew "ANALYST"': lambda u: any(
        each == "engineer" or each.endswith("analyst") for each in low(u, "title")
    ),
    'name.familyName sw "s" or name.familyName sw "m"': lambda u: any(
        each[0] in "sm" for each in low(u, "name", "familyName")
    ),
    'active eq true and title pr and userName sw "person"': lambda u: (
        active(u, True) and "title" in u and u["userName"].lower().startswith("person")
    ),
    'userType eq "employee" and not (active eq true)': lambda u: (
        "employee" in low(u, "userType") and not active(u, True)
    ),
    'not (userType eq "employee" or active eq true)': lambda u: (
        "employee" not in low(u, "userType") and not active(u, True)
    ),
    'not (userType eq "employee" and active eq true)': lambda u: (
        not ("employee" in low(u, "userType") and active(u, True))
    ),
    'active eq false or title eq "engineer" and userType eq "contractor"': lambda u: (
        active(u, False) or ("engineer" in low(u, "title") and "contractor" in low(u, "userType"))
    ),
    '(active eq false or title eq "engineer") and userType eq "contractor"': lambda u: (
        (active(u, False) or "engineer" in low(u, "title")) and "contractor" in low(u, "userType")
    ),
    '(title eq "engineer" or title eq "data analyst") and (active eq true or nickName pr)': lambda u: (
        bool({"engineer", "data analyst"} & set(low(u, "title"))) and (active(u, True) or "nickName" in u)
    ),
    'userName eq "user.0@partner.example" or externalId eq "E00002" or userName eq "user.3@corp.example"': lambda u: (
        u["userName"] in ("user.0@partner.example", "user.3@Corp.example") or u.get("externalId") == "E00002"
    ),
    f'{ENTERPRISE}:department eq "finance" and emails[type eq "work"] and addresses.locality eq "berlin"': lambda u: (
        "finance" in dept(u) and bool(work(u)) and "berlin" in low(u, "addresses", "locality")
    ),
    f"not ({ENTERPRISE}:department pr) or not ({ENTERPRISE}:costCenter pr)": lambda u: (
        not dept(u) or not low(u, ENTERPRISE, "costCenter")
    ),
    'userName sw "user." and userName ew "@corp.example"': lambda u: (
        u["userName"].lower().startswith("user.") and u["userName"].lower().endswith("@corp.example")
    ),
    'not (not (title co "sales"))': lambda u: any("sales" in each for each in low(u, "title")),
}
"""`and`, `or`, `not` and brackets."""

WHOLE: Final[Mapping[str, Check]] = {
    'externalId eq "E00013"': lambda u: u.get("externalId") == "E00013",
    'externalId eq "e00013"': lambda u: u.get("externalId") == "e00013",
    "externalId pr": lambda u: "externalId" in u,
    f'schemas eq "{USER}"': lambda u: True,
    'meta.resourceType eq "User"': lambda u: True,
    'meta.resourceType eq "Group"': lambda u: False,
    'meta.lastModified gt "2020-01-01T00:00:00Z"': lambda u: (
        when(u, "lastModified") > moment("2020-01-01T00:00:00+00:00")
    ),
    'meta.created lt "2020-01-01T02:00:00.0000000+02:00"': lambda u: (
        when(u, "created") < moment("2020-01-01T00:00:00+00:00")
    ),
    'userName eq "nobody"': lambda u: False,
    'userName eq ""': lambda u: False,
    'title eq "engineer" and title eq "data analyst"': lambda u: False,
    'emails[type eq "work" and value co "@mail"]': lambda u: any("@mail" in each for each in work(u)),
    'emails[type eq "home" and primary eq true]': lambda u: any(
        each.get("type") == "home" and each.get("primary") is True for each in u.get("emails", [])
    ),
}
"""What every user has, or none: of the values that match one condition, none may match the other."""

ALL: Final[Mapping[str, Check]] = {**COMPARISONS, **NAMED, **SELECTED, **JOINED, **WHOLE}
SORTS: Final = ("userName", "title", "name.familyName", "nickName", f"{ENTERPRISE}:employeeNumber", "meta.created")
GROUP_FILTERS: Final[Mapping[str, Check]] = {
    'displayName eq "EVERYBODY"': lambda g: g["displayName"] == "Everybody",
    'displayName co "(ALL)"': lambda g: "(all)" in g["displayName"].lower(),
    "members pr": lambda g: bool(g.get("members")),
    "not (members pr)": lambda g: not g.get("members"),
    f'schemas eq "{GROUP}"': lambda g: True,
}
