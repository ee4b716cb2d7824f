"""What a SCIM client has to see of PingOne, in plain Python: written from the sheet's tables, sharing no code with the
provider, so that both can be compared. Filters come as text together with their own meaning."""

import json
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any
from unicodedata import normalize

from scim_bridge.providers.pingone.sandbox import Sandbox
from tests.providers.pingone.bridge import ENTERPRISE
from tests.providers.pingone.support import USER_URN

Row = Mapping[str, Any]
Test = Callable[[dict[str, Any]], bool]
PLAIN = {
    "userName": "username",
    "externalId": "externalId",
    "nickName": "nickname",
    "title": "title",
    "userType": "type",
    "preferredLanguage": "preferredLanguage",
    "locale": "locale",
    "timezone": "timezone",
}
NAME = {
    "formatted": "formatted",
    "familyName": "family",
    "givenName": "given",
    "middleName": "middle",
    "honorificPrefix": "honorificPrefix",
    "honorificSuffix": "honorificSuffix",
}
ADDRESS = {
    "streetAddress": "streetAddress",
    "locality": "locality",
    "region": "region",
    "postalCode": "postalCode",
    "country": "countryCode",
}
AWKWARD = (
    "O'Brien", "MÜLLER", "mu\u0308ller", "Müller", "Straße", "STRASSE", "a%b", "a_b", "a*b", 'say "x"', "back\\slash",
    "Ko\u0308ln", " lead", "trail ", "Σίσυφος", "İstanbul", "\ufb01ne", "\u212aelvin", "kelvin", "Ana", "ANA", "ana",
)  # fmt: skip


def translated(row: Row) -> dict[str, Any]:
    """A user as SCIM shows it, sub-attributes of single values under their dotted names."""
    name, address = row.get("name") or {}, row.get("address") or {}
    shown: dict[str, Any] = {scim: row.get(field) for scim, field in PLAIN.items()}
    shown |= {f"name.{scim}": name.get(field) for scim, field in NAME.items()}
    shown |= {"id": row["id"], "displayName": name.get("formatted"), "active": row["enabled"]}
    shown |= {"meta.created": row["createdAt"], "meta.lastModified": row["updatedAt"]}
    shown |= {f"{ENTERPRISE}:department": row.get("department")}
    shown |= {f"{USER_URN}:populationId": row["population"]["id"], f"{USER_URN}:accountId": row.get("accountId")}
    shown["emails"] = [{"value": row["email"], "type": "work"}] if "email" in row else []
    phones = (("primaryPhone", "work"), ("mobilePhone", "mobile"))
    shown["phoneNumbers"] = [{"value": row[field], "type": kind} for field, kind in phones if field in row]
    shown["photos"] = [{"value": row["photo"]["href"], "type": "photo"}] if "photo" in row else []
    parts = {scim: address[field] for scim, field in ADDRESS.items() if field in address}
    shown["addresses"] = [{**parts, "type": "work"}] if parts else []
    return shown


SUBS = {
    "emails": ("value", "type"),
    "phoneNumbers": ("value", "type"),
    "addresses": ("streetAddress", "locality", "region", "country", "type"),
}
TEXTS = (
    *PLAIN,
    *(f"name.{each}" for each in NAME),
    "displayName",
    "id",
    f"{USER_URN}:populationId",
    f"{USER_URN}:accountId",
    f"{ENTERPRISE}:department",
)
CASE_EXACT = {"id", "externalId", f"{USER_URN}:populationId"}


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
        "le": one <= other,
    }[operator]


class Filters:
    """Random filters over some users, each with what it means."""

    def __init__(self, random: Random, shown: Sequence[dict[str, Any]]) -> None:
        self._random = random
        self._shown = shown

    def tree(self, depth: int = 0) -> tuple[str, Test]:
        chance = self._random.random()
        if depth > 2 or chance < 0.5:
            return self._leaf()
        if chance < 0.6:
            text, inner = self.tree(depth + 1)
            return f"not ({text})", lambda row: not inner(row)
        parts = [self.tree(depth + 1) for _ in range(self._random.randint(2, 3))]
        word, joined = ("and", all) if chance < 0.8 else ("or", any)
        text = f" {word} ".join(f"({each})" for each, _ in parts)
        return text, lambda row: joined(test(row) for _, test in parts)

    def _leaf(self) -> tuple[str, Test]:
        kinds = (self._active, self._present, self._element, self._sub, self._text, self._text, self._text)
        return self._random.choice(kinds)()

    def _active(self) -> tuple[str, Test]:
        wanted = self._random.random() < 0.5
        return f"active eq {str(wanted).lower()}", lambda row: row["active"] is wanted

    def _present(self) -> tuple[str, Test]:
        path = self._random.choice((*TEXTS, *SUBS))
        return f"{path} pr", lambda row: bool(row[path])

    def _text(self) -> tuple[str, Test]:
        path, operator = self._random.choice(TEXTS), self._operator("gt le")
        literal, exact = self._literal([row[path] for row in self._shown]), path in CASE_EXACT
        text = f"{path} {operator} {json.dumps(literal)}"
        return text, lambda row: compare(operator, row[path], literal, exact=exact)

    def _sub(self) -> tuple[str, Test]:
        path, sub, operator = *self._sub_path(), self._operator()
        literal = self._literal([each.get(sub) for row in self._shown for each in row[path]])

        def test(row: dict[str, Any]) -> bool:
            found = [compare(operator, each.get(sub), literal) for each in row[path]]
            return (all if operator == "ne" else any)(found or [operator == "ne"])

        return f"{path}.{sub} {operator} {json.dumps(literal)}", test

    def _element(self) -> tuple[str, Test]:
        """A value path: one element has to satisfy both."""
        path, one = self._sub_path()
        other, operators = self._random.choice(SUBS[path]), (self._operator(), self._operator())
        literals = [self._literal([e.get(sub) for row in self._shown for e in row[path]]) for sub in (one, other)]
        terms = list(zip((one, other), operators, literals, strict=True))
        text = " and ".join(f"{sub} {operator} {json.dumps(literal)}" for sub, operator, literal in terms)

        def test(row: dict[str, Any]) -> bool:
            return any(
                all(compare(operator, each.get(sub), literal) for sub, operator, literal in terms) for each in row[path]
            )

        return f"{path}[{text}]", test

    def _sub_path(self) -> tuple[str, str]:
        path = self._random.choice(tuple(SUBS))
        return path, self._random.choice(SUBS[path])

    def _operator(self, more: str = "") -> str:
        return self._random.choice(f"eq eq sw sw ew co ne {more}".split())

    def _literal(self, values: Sequence[str | None]) -> str:
        """A value that somebody has, or close to one, or awkward."""
        value = self._random.choice([each for each in values if each] or ["nobody"])
        cut = self._random.randint(1, len(value))
        near = (
            value, value.upper(), value.swapcase(), normalize("NFD", value), value + "*", value + '"', value + "\\",
            f"%{value}", value + " ", "x" * 700, self._random.choice(AWKWARD),
        )  # fmt: skip
        # A part of a value that ends before a combining mark is another letter to SCIM; see the pushed `sw` and `co`.
        parts = tuple(each for each in (value[:cut], value[cut - 1 :]) if value.isascii())
        return self._random.choice((*near, *parts))


def make_awkward(sandbox: Sandbox, random: Random) -> None:
    """Give people values that are hard to compare, and take some away."""
    for item in sandbox.store.users.values():
        data = item.data
        for field in ("title", "nickname", "accountId"):
            if random.random() < 0.3:
                data[field] = random.choice(AWKWARD)
        if random.random() < 0.1:
            data.pop("name")
        elif random.random() < 0.3:
            family = random.choice(("O'Brien", "Müller", "mu\u0308ller", "MU\u0308LLER", "Straße", "ana", "ANA"))
            data["name"] = {**data["name"], "family": family}
        if random.random() < 0.2:
            data["externalId"] = random.choice(("hr-1", "HR-1", "Hr-1"))
    sandbox.store.changed()
