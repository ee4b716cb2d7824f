"""What a SCIM client has to see of NERM, in plain Python over the sandbox's own records: written from the vendor's
tables, sharing no code with the provider, so that both can be compared. Filters come with their own meaning."""

from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any
from unicodedata import normalize

from scim_bridge.providers.sailpoint_nerm.sandbox import Sandbox
from scim_bridge.providers.sailpoint_nerm.sandbox_store import Profile
from tests.providers.pingone.oracle import AWKWARD, folded
from tests.providers.sailpoint_nerm.bridge import ENTERPRISE, URN

Shown = dict[str, Any]
Test = Callable[[Shown], bool]


def translated(sandbox: Sandbox, profile: Profile) -> Shown:
    """A person as SCIM shows it, by paths."""
    held, store = profile.values, sandbox.store

    def day(uid: str, order: str) -> str | None:
        """``order``: where year, month and day are in the text."""
        parts = held.get(uid, "").replace("/", "-").split("-")
        return "-".join(parts[order.index(each)] for each in "ymd") + "T00:00:00Z" if len(parts) == 3 else None

    organization = store.profiles.get(held.get("organization", ""))
    return {
        "id": profile.id,
        "userName": held.get("login_name"),
        "externalId": held.get("external_id") or None,
        "displayName": profile.name or None,
        "name.givenName": held.get("personal_first_name"),
        "name.familyName": held.get("personal_last_name"),
        "title": held.get("job_title") or None,
        "emails": held.get("personal_email"),
        "phone": held.get("phone_number"),
        "locality": held.get("city") or None,
        "employeeNumber": held.get("employee_number"),
        "organization": organization.name if organization else None,
        "active": profile.status == "Active",
        "status": profile.status,
        "type": store.profile_types[profile.type_id]["name"],
        "type_id": profile.type_id,
        "uid": profile.uid,
        "created": profile.created,
        "updated": profile.updated,
        "start": day("start_date", "mdy"),
        "end": day("end_date", "dmy"),
        "notes": held.get("notes") or None,
        "work_mode": held.get("work_mode"),
    }


def people(sandbox: Sandbox) -> list[Shown]:
    types = [each["id"] for each in sandbox.store.profile_types.values() if each["category"] == "non-employee"]
    rows = [each for each in sandbox.store.profiles.values() if each.type_id in types and not each.archived]
    return [translated(sandbox, each) for each in rows]


def compare(operator: str, value: str | None, literal: str, *, exact: bool) -> bool:
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


def text(path: str, key: str, operator: str, literal: str, *, exact: bool = False) -> tuple[str, Test]:
    """A comparison of one text."""
    quoted = literal.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'{path} {operator} "{quoted}"', lambda row: compare(operator, row[key], literal, exact=exact)


def day(path: str, key: str, operator: str, literal: str) -> tuple[str, Test]:
    """A comparison of a time; nobody without one matches."""
    wanted = datetime.fromisoformat(literal)

    def test(row: Shown) -> bool:
        held = datetime.fromisoformat(row[key]) if isinstance(row[key], str) else row[key]
        if held is None:
            return operator == "ne"
        held = held.astimezone(UTC).replace(microsecond=held.microsecond // 1000 * 1000)
        return {
            "eq": held == wanted,
            "ne": held != wanted,
            "gt": held > wanted,
            "ge": held >= wanted,
            "lt": held < wanted,
            "le": held <= wanted,
        }[operator]

    return f'{path} {operator} "{literal}"', test


def filters(rows: list[Shown]) -> list[tuple[str, Test]]:
    """Every operator and kind of attribute, and what is awkward to compare."""
    one = rows[0]
    number, moment = one["employeeNumber"] or "100001", "2025-06-15T00:00:00Z"
    texts = [
        *(text("userName", "userName", each, one["userName"]) for each in "eq ne co sw ew gt ge lt le".split()),
        text("userName", "userName", "eq", one["userName"].swapcase()),
        text("externalId", "externalId", "eq", "hr-1", exact=True),
        text("externalId", "externalId", "eq", "HR-1", exact=True),
        text("externalId", "externalId", "ne", "hr-1", exact=True),
        *(text("name.familyName", "name.familyName", each, "O'Brien") for each in ("eq", "sw", "co", "ew")),
        *(text("title", "title", operator, each) for each in AWKWARD for operator in ("eq", "co")),
        *(text("title", "title", "sw", each) for each in ("a%", "a_", "a*", "nur", "NUR")),
        text("displayName", "displayName", "eq", one["displayName"].upper()),
        text("name.formatted", "displayName", "eq", one["displayName"]),
        text("displayName", "displayName", "co", "ll"),
        text("emails.value", "emails", "eq", str(one["emails"]).lower()),
        text("emails", "emails", "ew", "@EXAMPLE.com"),
        text("phoneNumbers.value", "phone", "co", "555"),
        text(f"{ENTERPRISE}:employeeNumber", "employeeNumber", "eq", number),
        text(f"{ENTERPRISE}:employeeNumber", "employeeNumber", "sw", number[:4]),
        text(f"{ENTERPRISE}:organization", "organization", "eq", "nordwind, INC."),
        text(f"{ENTERPRISE}:organization", "organization", "co", "100%"),
        text("addresses.locality", "locality", "eq", "paris, texas"),
        text("userType", "type", "eq", "VOLUNTEERS"),
        text("userType", "type", "eq", "nobody"),
        text("userType", "type", "ne", "People"),
        text(f"{URN}:profileTypeId", "type_id", "eq", one["type_id"], exact=True),
        text(f"{URN}:profileTypeId", "type_id", "eq", one["type_id"].upper(), exact=True),
        text(f"{URN}:status", "status", "eq", "on LEAVE"),
        text(f"{URN}:status", "status", "eq", "Leave of absence"),
        text(f"{URN}:status", "status", "co", "active"),
        text(f"{URN}:notes", "notes", "co", "Note 1\nSecond"),
        text(f"{URN}:work_mode", "work_mode", "eq", "remote"),
        text("id", "id", "eq", one["id"], exact=True),
        text("id", "id", "eq", one["id"].upper(), exact=True),
        text("id", "id", "sw", one["id"][:2], exact=True),
    ]
    present = {"title": "title", "externalId": "externalId", "emails": "emails", f"{URN}:end_date": "end"}
    plain: list[tuple[str, Test]] = [
        ("active eq true", lambda row: row["active"]),
        ("active eq false", lambda row: not row["active"]),
        ("active ne true", lambda row: not row["active"]),
        *((f"{path} pr", _has(key)) for path, key in present.items()),
        *((f"not ({path} pr)", _has(key, wanted=False)) for path, key in present.items()),
        ('emails[type eq "work" and value co "1"]', lambda row: "1" in (row["emails"] or "")),
        ('emails[type eq "home"]', lambda row: False),
        ('addresses[locality eq "Boston"]', lambda row: row["locality"] == "Boston"),
        ("title eq null", lambda row: row["title"] is None),
    ]
    days = [
        *(day(f"{URN}:end_date", "end", each, moment) for each in "eq ne gt ge lt le".split()),
        *(day(f"{URN}:start_date", "start", each, "2025-06-15T13:00:00+02:00") for each in ("gt", "le")),
        *(
            day("meta.lastModified", "updated", each, one["updated"].isoformat(timespec="milliseconds"))
            for each in ("gt", "ge", "lt")
        ),
        day("meta.created", "created", "le", rows[len(rows) // 2]["created"].isoformat(timespec="milliseconds")),
    ]
    return [*texts, *plain, *days]


def _has(key: str, *, wanted: bool = True) -> Test:
    return lambda row: (row[key] is not None) is wanted


def tree(random: Random, leaves: list[tuple[str, Test]], depth: int = 0) -> tuple[str, Test]:
    """A random combination."""
    chance = random.random()
    if depth > 2 or chance < 0.4:
        return random.choice(leaves)
    if chance < 0.55:
        told, inner = tree(random, leaves, depth + 1)
        return f"not ({told})", lambda row: not inner(row)
    parts = [tree(random, leaves, depth + 1) for _ in range(random.randint(2, 3))]
    word, joined = ("and", all) if chance < 0.8 else ("or", any)
    return f" {word} ".join(f"({each})" for each, _ in parts), lambda row: joined(test(row) for _, test in parts)


def make_awkward(sandbox: Sandbox, random: Random) -> None:
    """Give people values that are hard to compare, and take some away."""
    for profile in sandbox.store.profiles.values():
        if "login_name" not in profile.values:
            continue
        if random.random() < 0.4:
            profile.values["job_title"] = random.choice(AWKWARD)
        if random.random() < 0.2:
            profile.values["external_id"] = random.choice(("hr-1", "HR-1", "Hr-1", ""))
        if random.random() < 0.1:
            profile.values.pop("personal_email", None)
        if random.random() < 0.05:
            profile.archived = True
    sandbox.store.changed()
