"""What a SCIM client has to see of PingOne, in plain Python: written from the sheet's tables, sharing no code with the
provider, so that both can be compared."""

from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

from scim_bridge.providers.pingone.sandbox import Sandbox
from tests.providers.meaning import AWKWARD, exact, moment
from tests.providers.pingone.bridge import ENTERPRISE
from tests.providers.pingone.support import USER_URN
from tests.providers.sixty import Planted

Row = Mapping[str, Any]
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


def translated(row: Row) -> dict[str, Any]:
    """A user as SCIM shows it, sub-attributes of single values under their dotted names."""
    name, address = row.get("name") or {}, row.get("address") or {}
    shown: dict[str, Any] = {scim: row.get(field) for scim, field in PLAIN.items()}
    shown |= {f"name.{scim}": name.get(field) for scim, field in NAME.items()}
    shown["externalId"] = exact(row.get("externalId"))
    shown |= {"id": exact(row["id"]), "displayName": name.get("formatted"), "active": row["enabled"]}
    shown |= {"meta.created": moment(row["createdAt"]), "meta.lastModified": moment(row["updatedAt"])}
    shown |= {f"{ENTERPRISE}:department": row.get("department")}
    shown |= {f"{USER_URN}:populationId": exact(row["population"]["id"]), f"{USER_URN}:accountId": row.get("accountId")}
    shown["emails"] = [{"value": row["email"], "type": "work"}] if "email" in row else []
    phones = (("primaryPhone", "work"), ("mobilePhone", "mobile"))
    shown["phoneNumbers"] = [{"value": row[field], "type": kind} for field, kind in phones if field in row]
    shown["photos"] = [{"value": exact(row["photo"]["href"]), "type": "photo"}] if "photo" in row else []
    parts = {scim: address[field] for scim, field in ADDRESS.items() if field in address}
    shown["addresses"] = [{**parts, "type": "work"}] if parts else []
    return shown


def people(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [translated(item.data) for item in sandbox.store.users.values()]


def plant(sandbox: Sandbox, planted: Iterable[Planted]) -> None:
    """Make the first users such people."""
    for item, one in zip(list(sandbox.store.users.values()), planted, strict=False):
        full = " ".join(filter(None, (one["given"], one["family"]))) or None
        name = {"given": one["given"], "family": one["family"], "formatted": full}
        fields = {"title": one["title"], "externalId": one["external"], "department": one["department"]}
        fields |= {"email": one["mail"], "primaryPhone": one["phone"], "mobilePhone": None}
        fields |= {"name": {part: each for part, each in name.items() if each is not None} or None}
        times = {"createdAt": one["created"], "updatedAt": one["changed"]}
        data = {**item.data, **fields, **times, "username": one["user"], "enabled": one["active"]}
        sandbox.store.put_user({field: each for field, each in data.items() if each is not None})


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
