"""What a SCIM client has to see of IdentityIQ, in plain Python: written from the vendor's facts, sharing no code with
the provider, so that both can be compared."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from random import Random
from typing import Any

from scim_bridge.providers.sailpoint_iiq.sandbox import Sandbox
from tests.providers.meaning import AWKWARD, exact, moment
from tests.providers.sailpoint_iiq.support import ENTERPRISE, SP_USER
from tests.providers.sixty import Planted

EXTENDED = ("jobTitle", "department", "employeeId", "phone", "location", "region", "contractEndDate")


def people(sandbox: Sandbox, *, detected: bool = False) -> list[dict[str, Any]]:
    """All users as SCIM shows them, single values under their dotted names."""
    return [_translated(sandbox, each, detected=detected) for each in sandbox.site.identities.values()]


def _translated(sandbox: Sandbox, row: Mapping[str, Any], *, detected: bool) -> dict[str, Any]:
    site, extended = sandbox.site, row["extended"]
    display = row["displayName"] or row["userName"]
    manager = site.identities.get(row["manager"] or "")
    shown: dict[str, Any] = {
        "id": exact(row["id"]),
        "userName": row["userName"],
        "externalId": exact(extended.get("employeeId")),
        "displayName": display,
        "name.formatted": row["formatted"] or display,
        "name.givenName": row["first"],
        "name.familyName": row["last"],
        "userType": row["userType"],
        "title": extended.get("jobTitle"),
        "active": not row["inactive"],
        f"{ENTERPRISE}:department": extended.get("department"),
        f"{ENTERPRISE}:manager.value": exact(row["manager"]),
        f"{ENTERPRISE}:manager.displayName": manager and (manager["displayName"] or manager["userName"]),
        "meta.created": moment(row["created"]),
        "meta.lastModified": moment(row["modified"] or row["created"]),
        f"{SP_USER}:lastRefresh": moment(row["lastRefresh"]),
        f"{SP_USER}:riskScore": row["riskScore"],
        f"{SP_USER}:isManager": row["isManager"],
        f"{SP_USER}:capabilities": row["capabilities"],
        f"{SP_USER}:costcenter": extended.get("costcenter") or [],
        "emails": [{"value": row["email"], "type": "work"}] if row["email"] else [],
    }
    shown |= {f"{SP_USER}:{each}": extended.get(each) for each in EXTENDED}
    groups = dict.fromkeys([*row["assigned"], *(row["detected"] if detected else ())])
    shown["groups"] = [{"value": exact(each), "type": "direct"} for each in groups]
    kinds = site.records["Role"]
    given = dict.fromkeys([*row["assigned"], *row["detected"]])
    shown["roles"] = [{"value": each, "type": kinds[each]["type"]["name"]} for each in given]
    shown["entitlements"] = [{"value": each, "type": "Entitlement"} for each in row["entitlements"]]
    return shown


def plant(sandbox: Sandbox, planted: Iterable[Planted]) -> None:
    """Make such people of identities, but for the first ones, which the site's records name."""
    site = sandbox.site
    for identity, one in zip(list(site.identities.values())[10:], planted, strict=False):
        site.by_name.pop(identity["userName"].lower(), None)
        full = " ".join(filter(None, (one["given"], one["family"]))) or None
        identity |= {"userName": one["user"], "first": one["given"], "last": one["family"], "displayName": full}
        identity |= {"email": one["mail"], "inactive": not one["active"]}
        identity |= {"created": datetime.fromisoformat(one["created"])}
        identity |= {"modified": datetime.fromisoformat(one["changed"])}
        extended = {"jobTitle": one["title"], "department": one["department"], "employeeId": one["external"]}
        identity["extended"] = {name: each for name, each in extended.items() if each is not None}
        site.put(identity)


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
