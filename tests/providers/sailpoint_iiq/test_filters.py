"""Filters through the whole program equal a plain reading of what the simulated site holds, totals included."""

from random import Random
from typing import Any

import pytest

from scim_bridge.providers.sailpoint_iiq.sandbox import Sandbox
from tests.providers.onelogin.oracle import Case, active, both, either, element, moment, no, present, within
from tests.providers.sailpoint_iiq.bridge import bridged
from tests.providers.sailpoint_iiq.oracle import Filters, listed, make_awkward, number, people, text
from tests.providers.sailpoint_iiq.support import ENTERPRISE, SP_USER

WORLDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "as seen": ({}, {}),
    "with case": ({}, {"insensitive": False}),
    "with case, and said so": ({"native_text_match": "sensitive"}, {"insensitive": False}),
    "more operators than known": ({}, {"operators": frozenset("eq ne sw co ew gt ge lt le pr".split())}),
    "eq alone": ({"native_text_match": "unknown"}, {"operators": frozenset({"eq"}), "logic": frozenset()}),
    "in no order, 7 a page": ({"detected_roles": True}, {"stable": False, "max_results": 7}),
    "short pages": ({}, {"page_size": lambda rows: max(1, rows - 3), "max_results": 20, "zulu": True}),
}
"""What the connection is told, and what the site is like."""
CHANGED = "2025-12-24T18:30:00+02:00"


def site(seed: int, **knobs: Any) -> Sandbox:
    sandbox = Sandbox(users=90, seed=seed)
    for name, value in knobs.items():
        setattr(sandbox.knobs, name, value)
    make_awkward(sandbox, Random(seed))
    return sandbox


def cases(sandbox: Sandbox) -> list[Case]:
    """Filters on what some users have, and on what may look like it."""
    someone = next(each for each in sandbox.site.identities.values() if each["userName"] == "adam.kennedy")
    boss = next(each["manager"] for each in sandbox.site.identities.values() if each["manager"])
    role, other = list(sandbox.site.records["Role"])[:2]
    entitlement = next(iter(sandbox.site.records["Entitlement"]))
    created = someone["created"].isoformat()
    return [
        *(
            text("userName", op, "adam.kennedy")
            for op in "eq ne sw ew co gt ge lt le".split()
            if op not in ("ge", "lt")
        ),
        *(text("userName", "eq", each) for each in ("ADAM.Kennedy", "corp\\JDOE", "o'brien", "a%b", "A_b", "a*")),
        *(text("userName", "eq", each) for each in ("Jürgen.Müller", "JÜRGEN.MÜLLER", "ju\u0308rgen.mu\u0308ller")),
        *(text("userName", op, "MS. BARBARA J JENSEN, III") for op in ("eq", "ne")),
        *(text("displayName", "eq", each) for each in ("john doe", "Mary.Johnson", 'Hana "Hana" Ito', "100% a_b *")),
        *(text("displayName", "co", each) for each in ("%", "_", "(1) and not", '"')),
        *(text("name.familyName", op, each) for op in ("eq", "sw", "co", "ew") for each in ("müller", "O'B")),
        *(text("name.givenName", "eq", each) for each in ("Straße", "STRASSE", "İstanbul", "\u212aelvin", "kelvin")),
        *(text("name.formatted", op, "jo") for op in ("sw", "co")),
        *(
            text("title", "eq", each)
            for each in ("helpdesk 50%", "back\\slash", "a*b", " lead", "trail ", "data_engineer")
        ),
        *(text("externalId", "eq", each) for each in ("hr-1", "HR-1", "100012", "nobody's")),
        *(text(f"{SP_USER}:employeeId", "eq", each) for each in ("hr-1", "100012")),
        *(text(f"{SP_USER}:phone", op, "+1 512 555 0012") for op in ("eq", "sw", "ne")),
        *(text(f"{ENTERPRISE}:department", op, "it") for op in ("eq", "ne", "co")),
        text(f"{SP_USER}:region", "sw", "asia-"),
        text(f"{ENTERPRISE}:manager.value", "eq", boss),
        text(f"{ENTERPRISE}:manager.displayName", "co", "administrator"),
        *(number(op, 500) for op in "eq ne gt ge lt le".split()),
        *(number(op, -1) for op in ("eq", "ge", "le")),
        *(listed(f"{SP_USER}:capabilities", op, "helpdesk") for op in ("eq", "ne", "co")),
        listed(f"{SP_USER}:costcenter", "eq", "CC01"),
        *(moment("meta.created", op, created) for op in "eq gt ge lt le".split()),
        *(moment("meta.lastModified", op, CHANGED) for op in ("gt", "le")),
        *(moment(f"{SP_USER}:lastRefresh", op, "2026-02-20T12:00:00Z") for op in "gt ge lt le".split()),
        active(True),
        active(False, "ne"),
        present("emails"),
        no(present(f"{SP_USER}:lastRefresh")),
        text("id", "eq", someone["id"]),
        text("id", "eq", someone["id"].upper()),
        either(*(text("id", "eq", each) for each in (someone["id"], boss, "adam.kennedy"))),
        element("emails", "value", "eq", "a.b@EXAMPLE.com"),
        element("emails", "value", "ew", "@example.com"),
        element("emails", "type", "eq", "work"),
        element("groups", "value", "eq", role),
        element("groups", "value", "ne", role),
        element("roles", "value", "eq", other),
        element("roles", "type", "eq", "business"),
        element("entitlements", "value", "eq", entitlement),
        both(element("groups", "value", "eq", role), active(True), text("userName", "co", "e")),
        within("emails", ("type", "eq", "work"), ("value", "sw", "adam")),
        within("roles", ("value", "eq", role), ("type", "eq", "it")),
        both(text("userName", "sw", "a"), no(text("title", "eq", "Benefits Clerk"))),
        both(text("name.givenName", "sw", "j"), text("name.familyName", "sw", "d")),
        either(text("userName", "eq", "spadmin"), text("displayName", "eq", "john doe"), active(False)),
        either(text("userName", "eq", "spadmin"), element("groups", "value", "eq", other)),
        no(either(text("userName", "co", "e"), present(f"{SP_USER}:department"))),
        both(either(text("userName", "eq", "spadmin"), text("userName", "eq", "svc-rpa-01")), active(True)),
    ]


@pytest.mark.parametrize("world", WORLDS)
async def test_filters_find_what_brute_force_finds(world: str) -> None:
    told, knobs = WORLDS[world]
    sandbox = site(1, **knobs)
    tried = cases(sandbox)
    assert len({each for each, _ in tried}) == len(tried) >= 60
    await compared(sandbox, tried, told)


@pytest.mark.parametrize("world", WORLDS)
async def test_random_filters_find_what_brute_force_finds(world: str) -> None:
    told, knobs = WORLDS[world]
    sandbox = site(2, **knobs)
    filters = Filters(Random(f"2 {world}"), people(sandbox, detected="detected_roles" in told))
    await compared(sandbox, [filters.tree() for _ in range(120)], told)


async def compared(sandbox: Sandbox, tried: list[Case], told: dict[str, Any]) -> None:
    shown, empty = people(sandbox, detected="detected_roles" in told), 0
    async with bridged(sandbox, **told) as bridge:
        for filter, test in tried:
            expected = {each["id"] for each in shown if test(each)}
            found = await bridge.find("User", filter=filter, attributes="id")
            assert {each["id"] for each in found} == expected, filter
            assert len(found) == len(expected), f"{filter}: somebody twice"
            empty += not expected
    assert empty < len(tried) / 2, "most filters find nobody: they would prove little"


async def test_groups_and_roles_are_filtered() -> None:
    sandbox = site(1)
    roles = sandbox.site.records["Role"].values()
    someone = next(each for each in sandbox.site.identities.values() if len(each["assigned"]) > 1)
    wanted: dict[str, set[str]] = {
        'displayName eq "benefits clerk"': {
            each["id"] for each in roles if each["displayableName"].lower() == "benefits clerk"
        },
        'displayName eq "AP_Logins"': {each["id"] for each in roles if each["name"] == "AP_Logins"},
        f'members.value eq "{someone["id"]}"': set(someone["assigned"]),
        f'members[value eq "{someone["id"]}" and type eq "User"]': set(someone["assigned"]),
        f'members.value eq "{someone["userName"]}"': set(),  # a name is no id
        f'members.value eq "{"0" * 32}"': set(),
    }
    async with bridged(sandbox) as bridge:
        for filter, expected in wanted.items():
            assert {each["id"] for each in await bridge.find("Group", filter=filter)} == expected, filter
        found = await bridge.find("Role", filter='type eq "it" and description co "\'AP\' \\"logins"')
        assert [each["displayName"] for each in found] == ["AP_Logins"]


PASSING: dict[tuple[str, str], Any] = {
    ("Account", 'application.displayName eq "human resources"'): lambda row, named: (
        named["application"] == "Human Resources"
    ),
    ("Account", 'identity.userName sw "a"'): lambda row, named: named["identity"].lower().startswith("a"),
    ("Account", "active eq false"): lambda row, named: not row["active"],
    ("Account", 'active eq true and nativeIdentity co "an"'): lambda row, named: (
        row["active"] and "an" in row["nativeIdentity"].lower()
    ),
    ("Entitlement", 'displayableName eq "ap_logins"'): lambda row, named: row["displayableName"] == "AP_Logins",
    ("Application", 'type eq "jdbc"'): lambda row, named: row["type"] == "JDBC",
    ("PolicyViolation", 'identity.displayName eq "The Administrator"'): lambda row, named: (
        named["identity"] == "spadmin"
    ),
}


@pytest.mark.parametrize("kind, filter", PASSING)
async def test_what_passes_through_is_filtered(kind: str, filter: str) -> None:
    sandbox = site(3)
    records, people = sandbox.site.records, sandbox.site.identities

    def named(row: Any) -> dict[str, Any]:
        application = records["Application"].get(row.get("application"), {})
        return {"application": application.get("name"), "identity": people.get(row.get("identity"), {}).get("userName")}

    async with bridged(sandbox) as bridge:
        wanted = {each["id"] for each in records[kind].values() if PASSING[kind, filter](each, named(each))}
        assert wanted and {each["id"] for each in await bridge.find(kind, filter=filter)} == wanted
