"""What a SCIM client has to see of OneLogin, in plain Python: written from the vendor's facts, sharing no code with the
provider, so that both can be compared. Filters come as text together with their own meaning."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any
from unicodedata import normalize

from scim_bridge.providers.onelogin.sandbox import Sandbox
from tests.providers.onelogin.bridge import ENTERPRISE, URN
from tests.providers.pingone.oracle import AWKWARD, compare

Shown = Mapping[str, Any]
Case = tuple[str, Callable[[Shown], bool]]
TEXTS = {
    "externalId": "external_id",
    "name.givenName": "firstname",
    "name.familyName": "lastname",
    "title": "title",
    "preferredLanguage": "preferred_locale_code",
    f"{ENTERPRISE}:department": "department",
    f"{ENTERPRISE}:organization": "company",
    f"{URN}:comment": "comment",
    f"{URN}:samAccountName": "samaccountname",
    f"{URN}:userPrincipalName": "userprincipalname",
}
IDS = {
    "id": "id",
    f"{URN}:groupId": "group_id",
    f"{URN}:directoryId": "directory_id",
    f"{ENTERPRISE}:manager.value": "manager_user_id",
}
TIMES = {"meta.created": "created_at", "meta.lastModified": "updated_at", f"{URN}:lastLogin": "last_login"}
EXACT = {"externalId", *IDS}
"""Paths that SCIM compares with case."""
ALL_TEXTS = ("userName", "displayName", *TEXTS, *IDS, f"{ENTERPRISE}:employeeNumber", f"{ENTERPRISE}:costCenter")


def translated(row: Mapping[str, Any]) -> dict[str, Any]:
    """A user as SCIM shows it, single values under their dotted names; what is empty is not there."""
    shown: dict[str, Any] = {path: row[field] or None for path, field in {**TEXTS, **TIMES}.items()}
    shown |= {path: None if row[field] is None else str(row[field]) for path, field in IDS.items()}
    shown["userName"] = row["username"] or row["email"] or f"onelogin-{row['id']}"
    shown["displayName"] = " ".join(each for each in (row["firstname"], row["lastname"]) if each) or None
    shown["active"] = row["status"] == 1
    shown[f"{URN}:status"] = row["status"]
    shown[f"{ENTERPRISE}:employeeNumber"] = row["custom_attributes"].get("employee_number")
    shown[f"{ENTERPRISE}:costCenter"] = row["custom_attributes"].get("cost_center")
    if str(shown[f"{URN}:lastLogin"]).startswith("0001"):
        shown[f"{URN}:lastLogin"] = None
    for name, field in (("emails", "email"), ("phoneNumbers", "phone")):
        shown[name] = [{"value": row[field], "type": "work"}] if row[field] else []
    shown["groups"] = [{"value": str(each), "type": "direct"} for each in row["role_ids"]]
    return shown


def people(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [translated(each) for each in sandbox.store.users.values()]


# -- comparisons, as text and as what they mean ------------------------------------------------------------------------


def text(path: str, operator: str, literal: str) -> Case:
    def test(shown: Shown) -> bool:
        return compare(operator, shown[path], literal, exact=path in EXACT)

    return f"{path} {operator} {json.dumps(literal)}", test


def element(path: str, sub: str, operator: str, literal: str) -> Case:
    """``emails.value``: any of them; with `ne`, all."""

    def test(shown: Shown) -> bool:
        found = [compare(operator, each[sub], literal, exact=path == "groups") for each in shown[path]]
        return (all if operator == "ne" else any)(found or [operator == "ne"])

    return f"{path}.{sub} {operator} {json.dumps(literal)}", test


def within(path: str, *terms: tuple[str, str, str]) -> Case:
    """A value path: one element has to satisfy all."""
    told = " and ".join(f"{sub} {operator} {json.dumps(literal)}" for sub, operator, literal in terms)

    def test(shown: Shown) -> bool:
        exact = path == "groups"
        return any(
            all(
                compare(operator, each[sub], literal, exact=exact and sub == "value")
                for sub, operator, literal in terms
            )
            for each in shown[path]
        )

    return f"{path}[{told}]", test


def moment(path: str, operator: str, literal: str) -> Case:
    wanted = datetime.fromisoformat(literal)

    def test(shown: Shown) -> bool:
        if shown[path] is None:
            return operator == "ne"
        held = datetime.fromisoformat(shown[path])
        return {
            "eq": held == wanted,
            "ne": held != wanted,
            "gt": held > wanted,
            "ge": held >= wanted,
            "lt": held < wanted,
            "le": held <= wanted,
        }[operator]

    return f'{path} {operator} "{literal}"', test


def active(wanted: bool, operator: str = "eq") -> Case:
    told = str(wanted).lower()
    return f"active {operator} {told}", lambda shown: (shown["active"] is wanted) is (operator == "eq")


def present(path: str) -> Case:
    return f"{path} pr", lambda shown: bool(shown[path])


def both(*cases: Case) -> Case:
    return " and ".join(f"({each})" for each, _ in cases), lambda shown: all(test(shown) for _, test in cases)


def either(*cases: Case) -> Case:
    return " or ".join(f"({each})" for each, _ in cases), lambda shown: any(test(shown) for _, test in cases)


def no(case: Case) -> Case:
    return f"not ({case[0]})", lambda shown: not case[1](shown)


# -- random ones -------------------------------------------------------------------------------------------------------


class Filters:
    """Random filters over some users."""

    def __init__(self, random: Random, shown: Sequence[Shown]) -> None:
        self._random = random
        self._shown = shown

    def tree(self, depth: int = 0) -> Case:
        chance = self._random.random()
        if depth > 2 or chance < 0.5:
            return self._leaf()
        if chance < 0.6:
            return no(self.tree(depth + 1))
        parts = [self.tree(depth + 1) for _ in range(self._random.randint(2, 3))]
        return both(*parts) if chance < 0.8 else either(*parts)

    def _leaf(self) -> Case:
        match self._random.randrange(10):
            case 0:
                return active(self._random.random() < 0.5)
            case 1:
                return present(self._random.choice((*ALL_TEXTS, "emails", "phoneNumbers", "groups")))
            case 2:
                path = self._random.choice(tuple(TIMES))
                operator = self._random.choice("eq ne gt ge lt le".split())
                return moment(path, operator, self._known(path) or "2026-01-01T00:00:00Z")
            case 3 | 4:
                path = self._random.choice(("emails", "phoneNumbers", "groups"))
                return element(path, "value", self._operator(), self._literal(path))
            case 5:
                path = self._random.choice(("emails", "phoneNumbers"))
                return within(path, ("value", self._operator(), self._literal(path)), ("type", "eq", "work"))
        path = self._random.choice(ALL_TEXTS)
        return text(path, self._operator("gt le"), self._literal(path))

    def _operator(self, more: str = "") -> str:
        return self._random.choice(f"eq eq sw ew co ne {more}".split())

    def _known(self, path: str) -> str | None:
        """A value that somebody has."""
        held = [each[path] for each in self._shown if each[path]]
        one = self._random.choice(held) if held else None
        return self._random.choice(one)["value"] if isinstance(one, list) else one

    def _literal(self, path: str) -> str:
        """Such a value, or close to one, or awkward."""
        value = self._known(path) or "nobody"
        cut = self._random.randint(1, len(value))
        near = (
            value, value.upper(), value.swapcase(), normalize("NFD", value), f"{value}*", f'{value}"', f"{value}\\",
            f"%{value}", f"!{value}", f"{value},x", f"{value} ", self._random.choice(AWKWARD),
        )  # fmt: skip
        # A part of a value that ends before a combining mark is another letter to SCIM.
        parts = tuple(each for each in (value[:cut], value[cut - 1 :]) if value.isascii())
        return self._random.choice((*near, *parts))


def make_awkward(sandbox: Sandbox, random: Random) -> None:
    """Give people values that are hard to compare, and take some away."""
    odd = (*AWKWARD, "!no", "a,b", "*", "onelogin-5", "a&b=c", "a+b", "100%25")
    for number, user in enumerate(sandbox.store.users.values()):
        for field in ("title", "comment", "company", "firstname", "lastname", "samaccountname"):
            if random.random() < 0.3:
                user[field] = random.choice(odd)
        if random.random() < 0.2:
            user["external_id"] = random.choice(("hr-1", "HR-1", "Hr-1", "hr,1", "hr*"))
        if number % 19 == 3:
            user |= {"username": "", "email": None}
        if random.random() < 0.1:
            user["firstname"] = user["lastname"] = random.choice((None, ""))
    sandbox.store.changed()
