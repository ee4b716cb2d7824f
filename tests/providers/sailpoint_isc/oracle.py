"""What a SCIM client has to see of identities, in plain Python: written from the vendor's tables, sharing no code with
the provider, so that both can be compared."""

from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

from scim_bridge.providers.sailpoint_isc.sandbox import Sandbox
from tests.providers.meaning import AWKWARD, exact, moment
from tests.providers.sailpoint_isc.support import ENTERPRISE, USER_URN
from tests.providers.sixty import Planted

Row = Mapping[str, Any]
Shown = dict[str, Any]
MAPPED = {
    "enterprise.department": "department",
    "title": "title",
    "nickName": "attributes.nick",
    "externalId": "identificationNumber",
}
INACTIVE = ("DISABLED", "DEACTIVATED", "TERMINATED")


def translated(row: Row, sandbox: Sandbox) -> Shown:
    """A user as SCIM shows it, sub-attributes of single values under their dotted names."""
    values, boss, state = row["attributes"], row["managerRef"] or {}, row["lifecycleState"] or {}
    store = sandbox.store
    return {
        "id": exact(row["id"]),
        "userName": row["alias"],
        "displayName": row["name"],
        "name.formatted": row["name"],
        "name.givenName": values.get("firstname"),
        "name.familyName": values.get("lastname"),
        "title": values.get("title"),
        "nickName": values.get("nick"),
        "externalId": exact(values.get("identificationNumber")),
        f"{ENTERPRISE}:department": values.get("department"),
        f"{ENTERPRISE}:employeeNumber": values.get("identificationNumber"),
        f"{ENTERPRISE}:manager.value": exact(boss.get("id")),
        f"{ENTERPRISE}:manager.displayName": boss.get("name"),
        f"{USER_URN}:status": row["identityStatus"],
        f"{USER_URN}:lifecycleState": state.get("stateName"),
        f"{USER_URN}:sourceId": exact(values["cloudAuthoritativeSource"]),
        f"{USER_URN}:processingState": row["processingState"],
        "active": row["identityStatus"] not in INACTIVE,
        f"{USER_URN}:locked": row["identityStatus"] == "LOCKED",
        "meta.created": moment(row["created"]),
        "meta.lastModified": moment(row["modified"]),
        "emails": [{"value": row["emailAddress"], "type": "work"}] if row["emailAddress"] else [],
        "phoneNumbers": [{"value": values["phone"], "type": "work"}] if "phone" in values else [],
        "roles": [{"value": exact(each), "display": store.roles[each]["name"]} for each in store.roles_of(row["id"])],
        "groups": [
            {"value": exact(each), "display": store.workgroups[each]["name"]} for each in store.memberships[row["id"]]
        ],
    }


TEXTS = (
    "userName", "displayName", "name.formatted", "name.givenName", "name.familyName", "title", "nickName",
    "externalId", f"{ENTERPRISE}:department", f"{ENTERPRISE}:manager.displayName", f"{ENTERPRISE}:manager.value",
    f"{USER_URN}:status", f"{USER_URN}:lifecycleState", f"{USER_URN}:processingState", f"{USER_URN}:sourceId", "id",
)  # fmt: skip
TIMES = ("meta.created", "meta.lastModified")


def people(sandbox: Sandbox) -> list[Shown]:
    return [translated(each.data, sandbox) for each in sandbox.store.identities.values() if each.correlated]


def plant(sandbox: Sandbox, planted: Iterable[Planted]) -> None:
    """Make the first identities such people."""
    shown = [each for each in sandbox.store.identities.values() if each.correlated]
    for person, one in zip(shown, planted, strict=False):
        name = " ".join(filter(None, (one["given"], one["family"]))) or one["user"]
        person.data |= {"alias": one["user"], "name": name, "emailAddress": one["mail"]}
        person.data |= {"created": one["created"], "modified": one["changed"]}
        person.data["identityStatus"] = "ACTIVE" if one["active"] else "DISABLED"
        values = {"firstname": one["given"], "lastname": one["family"], "title": one["title"], "phone": one["phone"]}
        values |= {"department": one["department"], "identificationNumber": one["external"], "email": one["mail"]}
        values = {**person.data["attributes"], **values}
        person.data["attributes"] = {name: each for name, each in values.items() if each is not None}
    sandbox.store.changed()


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
