"""What a SCIM client has to see of IdentityIQ, in plain Python: written from the vendor's facts, sharing no code with
the provider, so that both can be compared. Filters come as text together with their own meaning."""

import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any
from unicodedata import normalize

from scim_bridge.providers.sailpoint_iiq.sandbox import Sandbox
from tests.providers.onelogin.oracle import Case, active, both, either, element, moment, no, present, within
from tests.providers.pingone.oracle import AWKWARD, compare
from tests.providers.sailpoint_iiq.support import ENTERPRISE, SP_USER

Shown = Mapping[str, Any]
EXACT = {"id", "externalId", f"{ENTERPRISE}:manager.value", f"{SP_USER}:administrator.value"}
"""Paths that SCIM compares with case."""
EXTENDED = ("jobTitle", "department", "employeeId", "phone", "location", "region", "contractEndDate")
TEXTS = (
    "id",
    "userName",
    "externalId",
    "displayName",
    "name.formatted",
    "name.givenName",
    "name.familyName",
    "userType",
    "title",
    f"{ENTERPRISE}:department",
    f"{ENTERPRISE}:manager.value",
    f"{ENTERPRISE}:manager.displayName",
    *(f"{SP_USER}:{each}" for each in EXTENDED),
)
TIMES = ("meta.created", "meta.lastModified", f"{SP_USER}:lastRefresh")
LISTS = (f"{SP_USER}:capabilities", f"{SP_USER}:costcenter")


def people(sandbox: Sandbox, *, detected: bool = False) -> list[dict[str, Any]]:
    """All users as SCIM shows them, single values under their dotted names."""
    return [_translated(sandbox, each, detected=detected) for each in sandbox.site.identities.values()]


def _translated(sandbox: Sandbox, row: Mapping[str, Any], *, detected: bool) -> dict[str, Any]:
    site, extended = sandbox.site, row["extended"]
    display = row["displayName"] or row["userName"]
    manager = site.identities.get(row["manager"] or "")
    shown: dict[str, Any] = {
        "id": row["id"],
        "userName": row["userName"],
        "externalId": extended.get("employeeId"),
        "displayName": display,
        "name.formatted": row["formatted"] or display,
        "name.givenName": row["first"],
        "name.familyName": row["last"],
        "userType": row["userType"],
        "title": extended.get("jobTitle"),
        "active": not row["inactive"],
        f"{ENTERPRISE}:department": extended.get("department"),
        f"{ENTERPRISE}:manager.value": row["manager"],
        f"{ENTERPRISE}:manager.displayName": manager and (manager["displayName"] or manager["userName"]),
        "meta.created": row["created"].isoformat(),
        "meta.lastModified": (row["modified"] or row["created"]).isoformat(),
        f"{SP_USER}:lastRefresh": row["lastRefresh"] and row["lastRefresh"].isoformat(),
        f"{SP_USER}:riskScore": row["riskScore"],
        f"{SP_USER}:isManager": row["isManager"],
        f"{SP_USER}:capabilities": row["capabilities"],
        f"{SP_USER}:costcenter": extended.get("costcenter") or [],
        "emails": [{"value": row["email"], "type": "work"}] if row["email"] else [],
    }
    shown |= {f"{SP_USER}:{each}": extended.get(each) for each in EXTENDED}
    groups = dict.fromkeys([*row["assigned"], *(row["detected"] if detected else ())])
    shown["groups"] = [{"value": each, "type": "direct"} for each in groups]
    kinds = site.records["Role"]
    given = dict.fromkeys([*row["assigned"], *row["detected"]])
    shown["roles"] = [{"value": each, "type": kinds[each]["type"]["name"]} for each in given]
    shown["entitlements"] = [{"value": each, "type": "Entitlement"} for each in row["entitlements"]]
    return shown


def text(path: str, operator: str, literal: str) -> Case:
    def test(shown: Shown) -> bool:
        return compare(operator, shown[path], literal, exact=path in EXACT)

    return f"{path} {operator} {json.dumps(literal, ensure_ascii=False)}", test


def listed(path: str, operator: str, literal: str) -> Case:
    """A text of several: any of them; with `ne`, all."""

    def test(shown: Shown) -> bool:
        found = [compare(operator, each, literal) for each in shown[path]]
        return (all if operator == "ne" else any)(found or [operator == "ne"])

    return f"{path} {operator} {json.dumps(literal)}", test


def number(operator: str, literal: int) -> Case:
    def test(shown: Shown) -> bool:
        held: int | None = shown[f"{SP_USER}:riskScore"]
        if held is None:
            return operator == "ne"
        return {
            "eq": held == literal,
            "ne": held != literal,
            "gt": held > literal,
            "ge": held >= literal,
            "lt": held < literal,
            "le": held <= literal,
        }[operator]

    return f"{SP_USER}:riskScore {operator} {literal}", test


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
        match self._random.randrange(11):
            case 0:
                return active(self._random.random() < 0.5)
            case 1:
                return present(self._random.choice((*TEXTS, *LISTS, "emails", "groups", "roles")))
            case 2:
                path = self._random.choice(TIMES)
                operator = self._random.choice("eq ne gt ge lt le".split())
                return moment(path, operator, self._known(path) or "2026-01-01T00:00:00Z")
            case 3:
                return element("emails", "value", self._operator(), self._literal("emails"))
            case 4:
                return element("groups", "value", "eq", self._known("groups") or "nobody")
            case 5:
                return within("emails", ("value", self._operator(), self._literal("emails")), ("type", "eq", "work"))
            case 6:
                return number(self._random.choice("eq ne gt ge lt le".split()), self._random.randrange(-2, 1000))
            case 7:
                path = self._random.choice(LISTS)
                return listed(path, self._operator(), self._known(path) or "HelpDesk")
        path = self._random.choice(TEXTS)
        return text(path, self._operator("gt le"), self._literal(path))

    def _operator(self, more: str = "") -> str:
        return self._random.choice(f"eq eq sw ew co ne {more}".split())

    def _known(self, path: str) -> str | None:
        """A value that somebody has."""
        held = [each[path] for each in self._shown if each[path]]
        one = self._random.choice(held) if held else None
        one = self._random.choice(one) if isinstance(one, list) else one
        return one["value"] if isinstance(one, Mapping) else one

    def _literal(self, path: str) -> str:
        """Such a value, or close to one, or awkward."""
        value = self._known(path) or "nobody"
        cut = self._random.randint(1, len(value))
        near = (
            value, value.upper(), value.swapcase(), normalize("NFD", value), f"{value}*", f'{value}"', f"{value}\\",
            f"%{value}", f"{value} ", self._random.choice(AWKWARD),
        )  # fmt: skip
        # A part of a value that ends before a combining mark is another letter to SCIM.
        parts = tuple(each for each in (value[:cut], value[cut - 1 :]) if value.isascii())
        return self._random.choice((*near, *parts))


def make_awkward(sandbox: Sandbox, random: Random) -> None:
    """Give people values that are hard to compare, and take some away."""
    for identity in list(sandbox.site.identities.values())[10:]:
        for field in ("first", "last", "displayName", "userType"):
            if random.random() < 0.3:
                identity[field] = random.choice(AWKWARD)
        for name in ("jobTitle", "department", "location"):
            if random.random() < 0.3:
                identity["extended"][name] = random.choice(AWKWARD)
        if random.random() < 0.2:
            identity["extended"]["employeeId"] = random.choice(("hr-1", "HR-1", "Hr-1"))
    sandbox.site.changes += 1
