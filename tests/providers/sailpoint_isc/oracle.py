"""What a SCIM client has to see of identities, in plain Python: written from the vendor's tables, sharing no code with
the provider, so that both can be compared. Filters come as text together with their own meaning."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any
from unicodedata import normalize

from scim_bridge.providers.sailpoint_isc.sandbox import Sandbox
from tests.providers.sailpoint_isc.support import ENTERPRISE, USER_URN

Row = Mapping[str, Any]
Shown = dict[str, Any]
Test = Callable[[Shown], bool]
MAPPED = {
    "enterprise.department": "department",
    "title": "title",
    "nickName": "attributes.nick",
    "externalId": "identificationNumber",
}
INACTIVE = ("DISABLED", "DEACTIVATED", "TERMINATED")
AWKWARD = (
    "O'Brien", "MÜLLER", "mu\u0308ller", "Müller", "Straße", "STRASSE", "a%b", "a_b", "a*b", "a+b#c&d", 'say "x"',
    "back\\slash", "Ko\u0308ln", " lead", "trail ", "Σίσυφος", "İstanbul", "\ufb01ne", "\u212aelvin", "kelvin", "Ana",
    "ANA", "ana", "(a) and (b)", 'x" or name eq "y', "tab\tbed", "null", "true",
)  # fmt: skip


def translated(row: Row, sandbox: Sandbox) -> Shown:
    """A user as SCIM shows it, sub-attributes of single values under their dotted names."""
    values, boss, state = row["attributes"], row["managerRef"] or {}, row["lifecycleState"] or {}
    store = sandbox.store
    return {
        "id": row["id"],
        "userName": row["alias"],
        "displayName": row["name"],
        "name.formatted": row["name"],
        "name.givenName": values.get("firstname"),
        "name.familyName": values.get("lastname"),
        "title": values.get("title"),
        "nickName": values.get("nick"),
        "externalId": values.get("identificationNumber"),
        f"{ENTERPRISE}:department": values.get("department"),
        f"{ENTERPRISE}:employeeNumber": values.get("identificationNumber"),
        f"{ENTERPRISE}:manager.value": boss.get("id"),
        f"{ENTERPRISE}:manager.displayName": boss.get("name"),
        f"{USER_URN}:status": row["identityStatus"],
        f"{USER_URN}:lifecycleState": state.get("stateName"),
        f"{USER_URN}:sourceId": values["cloudAuthoritativeSource"],
        f"{USER_URN}:processingState": row["processingState"],
        "active": row["identityStatus"] not in INACTIVE,
        f"{USER_URN}:locked": row["identityStatus"] == "LOCKED",
        "meta.created": row["created"],
        "meta.lastModified": row["modified"],
        "emails": [{"value": row["emailAddress"], "type": "work"}] if row["emailAddress"] else [],
        "phoneNumbers": [{"value": values["phone"], "type": "work"}] if "phone" in values else [],
        "roles": [{"value": each, "display": store.roles[each]["name"]} for each in store.roles_of(row["id"])],
        "groups": [{"value": each, "display": store.workgroups[each]["name"]} for each in store.memberships[row["id"]]],
    }


TEXTS = (
    "userName", "displayName", "name.formatted", "name.givenName", "name.familyName", "title", "nickName",
    "externalId", f"{ENTERPRISE}:department", f"{ENTERPRISE}:manager.displayName", f"{ENTERPRISE}:manager.value",
    f"{USER_URN}:status", f"{USER_URN}:lifecycleState", f"{USER_URN}:processingState", f"{USER_URN}:sourceId", "id",
)  # fmt: skip
EXACT = {"id", "externalId", f"{ENTERPRISE}:manager.value", f"{USER_URN}:sourceId", "roles.value", "groups.value"}
SUBS = {"emails": ("value", "type"), "phoneNumbers": ("value", "type"), "roles": ("value",), "groups": ("value",)}
TIMES = ("meta.created", "meta.lastModified")
TRUTHS = ("active", f"{USER_URN}:locked")


def folded(value: str) -> str:
    return normalize("NFC", normalize("NFC", value).lower())


def compare(operator: str, value: str | None, literal: str, *, exact: bool = False) -> bool:
    """A comparison of text (RFC 7644 section 3.4.2.2)."""
    if value is None:
        return operator == "ne"
    one, other = (normalize("NFC", each) if exact else folded(each) for each in (value, literal))
    return {
        "eq": one == other,
        "ne": one != other,
        "co": other in one,
        "sw": one.startswith(other),
        "ew": one.endswith(other),
        "gt": one > other,
        "ge": one >= other,
        "lt": one < other,
        "le": one <= other,
    }[operator]


def text(path: str, operator: str, literal: str) -> tuple[str, Test]:
    exact = path in EXACT
    return f"{path} {operator} {json.dumps(literal)}", lambda row: compare(operator, row[path], literal, exact=exact)


def time(path: str, operator: str, literal: str) -> tuple[str, Test]:
    orders: Mapping[str, Callable[[Any, Any], bool]] = {
        "eq": lambda one, other: bool(one == other),
        "ne": lambda one, other: bool(one != other),
        "gt": lambda one, other: bool(one > other),
        "ge": lambda one, other: bool(one >= other),
        "lt": lambda one, other: bool(one < other),
        "le": lambda one, other: bool(one <= other),
    }
    wanted = datetime.fromisoformat(literal)
    return f'{path} {operator} "{literal}"', lambda row: orders[operator](datetime.fromisoformat(row[path]), wanted)


def truth(path: str, operator: str, wanted: bool) -> tuple[str, Test]:
    return f"{path} {operator} {str(wanted).lower()}", lambda row: (row[path] is wanted) is (operator == "eq")


def present(path: str) -> tuple[str, Test]:
    return f"{path} pr", lambda row: row[path] not in (None, "", [])


def sub(path: str, name: str, operator: str, literal: str) -> tuple[str, Test]:
    exact = f"{path}.{name}" in EXACT

    def test(row: Shown) -> bool:
        found = [compare(operator, each.get(name), literal, exact=exact) for each in row[path]]
        return (all if operator == "ne" else any)(found or [operator == "ne"])

    return f"{path}.{name} {operator} {json.dumps(literal)}", test


def element(path: str, *terms: tuple[str, str, str]) -> tuple[str, Test]:
    """A value path: one element has to satisfy all."""
    written = " and ".join(f"{name} {operator} {json.dumps(literal)}" for name, operator, literal in terms)

    def test(row: Shown) -> bool:
        return any(
            all(compare(op, each.get(name), literal, exact=f"{path}.{name}" in EXACT) for name, op, literal in terms)
            for each in row[path]
        )

    return f"{path}[{written}]", test


def both(*parts: tuple[str, Test]) -> tuple[str, Test]:
    return " and ".join(f"({each})" for each, _ in parts), lambda row: all(test(row) for _, test in parts)


def either(*parts: tuple[str, Test]) -> tuple[str, Test]:
    return " or ".join(f"({each})" for each, _ in parts), lambda row: any(test(row) for _, test in parts)


def no(part: tuple[str, Test]) -> tuple[str, Test]:
    return f"not ({part[0]})", lambda row: not part[1](row)


class Filters:
    """Random filters over some users, each with what it means."""

    def __init__(self, random: Random, shown: Sequence[Shown]) -> None:
        self._random = random
        self._shown = shown

    def tree(self, depth: int = 0) -> tuple[str, Test]:
        chance = self._random.random()
        if depth > 2 or chance < 0.5:
            return self._random.choice((self._truth, self._present, self._element, self._sub, *[self._text] * 4))()
        if chance < 0.6:
            return no(self.tree(depth + 1))
        parts = [self.tree(depth + 1) for _ in range(self._random.randint(2, 3))]
        return (both if chance < 0.8 else either)(*parts)

    def _truth(self) -> tuple[str, Test]:
        return truth(self._random.choice(TRUTHS), self._random.choice(("eq", "ne")), self._random.random() < 0.5)

    def _present(self) -> tuple[str, Test]:
        return present(self._random.choice((*TEXTS, "emails", "phoneNumbers", "roles")))

    def _text(self) -> tuple[str, Test]:
        path = self._random.choice(TEXTS)
        operator = self._random.choice("eq eq eq sw sw ew co ne gt le".split())
        return text(path, operator, self._literal([row[path] for row in self._shown]))

    def _sub(self) -> tuple[str, Test]:
        path, name = self._path()
        return sub(path, name, self._random.choice("eq eq sw co ne".split()), self._of(path, name))

    def _element(self) -> tuple[str, Test]:
        path, name = self._path()
        other = self._random.choice(SUBS[path])
        return element(path, (name, "eq", self._of(path, name)), (other, "sw", self._of(path, other)))

    def _path(self) -> tuple[str, str]:
        path = self._random.choice(tuple(SUBS))
        return path, self._random.choice(SUBS[path])

    def _of(self, path: str, name: str) -> str:
        return self._literal([each.get(name) for row in self._shown for each in row[path]])

    def _literal(self, values: Sequence[str | None]) -> str:
        """A value that somebody has, or close to one, or awkward."""
        value = self._random.choice([each for each in values if each] or ["nobody"])
        cut = self._random.randint(1, len(value))
        return self._random.choice(
            (
                value,
                value,
                value.upper(),
                value.swapcase(),
                normalize("NFD", value),
                value + "*",
                value + '"',
                f"%{value}",
                value + " ",
                value[:cut],
                value[cut - 1 :],
                self._random.choice(AWKWARD),
            )
        )


def make_awkward(sandbox: Sandbox, random: Random) -> None:
    """Give people values that are hard to compare, and take some away."""
    for number, person in enumerate(sandbox.store.identities.values()):
        data, values = person.data, person.data["attributes"]
        if random.random() < 0.4:
            data["name"] = random.choice(AWKWARD)
        for field in ("firstname", "lastname", "nick", "title"):
            if random.random() < 0.3:
                values[field] = random.choice(AWKWARD)
            elif random.random() < 0.1:
                values.pop(field, None)
        if number % 10 == 0:
            data["alias"] = random.choice(("Twin.One", "twin.one", "TWIN.ONE", "zoe\u0301", "ZOÉ", 'q"uote', "back\\s"))
        if number % 15 == 0:
            data["emailAddress"] = random.choice(("a+b%c@example.com", "A+B%C@Example.com", "o'x@example.com", None))
    sandbox.store.changed()
