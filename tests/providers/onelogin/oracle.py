"""What a SCIM client has to see of OneLogin, in plain Python: written from the vendor's facts, sharing no code with the
provider, so that both can be compared."""

from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

from scim_bridge.providers.onelogin.sandbox import Sandbox
from tests.providers.meaning import AWKWARD, exact, moment
from tests.providers.onelogin.bridge import ENTERPRISE, URN
from tests.providers.sixty import Planted

TEXTS = {
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


def translated(row: Mapping[str, Any]) -> dict[str, Any]:
    """A user as SCIM shows it, single values under their dotted names; what is empty is not there."""
    shown: dict[str, Any] = {path: row[field] or None for path, field in TEXTS.items()}
    shown |= {path: moment(row[field]) for path, field in TIMES.items()}
    shown |= {path: exact(row[field]) for path, field in IDS.items()}
    shown["externalId"] = exact(row["external_id"] or None)
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
    shown["groups"] = [{"value": exact(each), "type": "direct"} for each in row["role_ids"]]
    return shown


def people(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [translated(each) for each in sandbox.store.users.values()]


def plant(sandbox: Sandbox, planted: Iterable[Planted]) -> None:
    """Make the first users such people."""
    for user, one in zip(list(sandbox.store.users.values()), planted, strict=False):
        fields = {"username": one["user"], "firstname": one["given"], "lastname": one["family"], "title": one["title"]}
        fields |= {"external_id": one["external"], "department": one["department"], "email": one["mail"]}
        fields |= {"phone": one["phone"], "status": 1 if one["active"] else 2}
        fields |= {"created_at": one["created"], "updated_at": one["changed"]}
        sandbox.store.put_user({**user, **fields})


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
