"""Filters through the whole program equal a plain reading of what the simulated site holds, totals included."""

from random import Random
from typing import Any

import pytest

from scim_bridge.providers.sailpoint_iiq.sandbox import Sandbox
from tests.providers.meaning import Case, Filters, both, either, no, present, term, within
from tests.providers.pages import differences
from tests.providers.sailpoint_iiq.bridge import bridged
from tests.providers.sailpoint_iiq.oracle import make_awkward, people
from tests.providers.sailpoint_iiq.support import ENTERPRISE, SP_USER
from tests.strategies import examples

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
            term("userName", op, "adam.kennedy")
            for op in "eq ne sw ew co gt ge lt le".split()
            if op not in ("ge", "lt")
        ),
        *(term("userName", "eq", each) for each in ("ADAM.Kennedy", "corp\\JDOE", "o'brien", "a%b", "A_b", "a*")),
        *(term("userName", "eq", each) for each in ("Jürgen.Müller", "JÜRGEN.MÜLLER", "ju\u0308rgen.mu\u0308ller")),
        *(term("userName", op, "MS. BARBARA J JENSEN, III") for op in ("eq", "ne")),
        *(term("displayName", "eq", each) for each in ("john doe", "Mary.Johnson", 'Hana "Hana" Ito', "100% a_b *")),
        *(term("displayName", "co", each) for each in ("%", "_", "(1) and not", '"')),
        *(term("name.familyName", op, each) for op in ("eq", "sw", "co", "ew") for each in ("müller", "O'B")),
        *(term("name.givenName", "eq", each) for each in ("Straße", "STRASSE", "İstanbul", "\u212aelvin", "kelvin")),
        *(term("name.formatted", op, "jo") for op in ("sw", "co")),
        *(
            term("title", "eq", each)
            for each in ("helpdesk 50%", "back\\slash", "a*b", " lead", "trail ", "data_engineer")
        ),
        *(term("externalId", "eq", each) for each in ("hr-1", "HR-1", "100012", "nobody's")),
        *(term(f"{SP_USER}:employeeId", "eq", each) for each in ("hr-1", "100012")),
        *(term(f"{SP_USER}:phone", op, "+1 512 555 0012") for op in ("eq", "sw", "ne")),
        *(term(f"{ENTERPRISE}:department", op, "it") for op in ("eq", "ne", "co")),
        term(f"{SP_USER}:region", "sw", "asia-"),
        term(f"{ENTERPRISE}:manager.value", "eq", boss),
        term(f"{ENTERPRISE}:manager.displayName", "co", "administrator"),
        *(term(f"{SP_USER}:riskScore", op, 500) for op in "eq ne gt ge lt le".split()),
        *(term(f"{SP_USER}:riskScore", op, -1) for op in ("eq", "ge", "le")),
        *(term(f"{SP_USER}:capabilities", op, "helpdesk") for op in ("eq", "ne", "co")),
        term(f"{SP_USER}:costcenter", "eq", "CC01"),
        *(term("meta.created", op, created) for op in "eq gt ge lt le".split()),
        *(term("meta.lastModified", op, CHANGED) for op in ("gt", "le")),
        *(term(f"{SP_USER}:lastRefresh", op, "2026-02-20T12:00:00Z") for op in "gt ge lt le".split()),
        term("active", "eq", True),
        term("active", "ne", False),
        present("emails"),
        no(present(f"{SP_USER}:lastRefresh")),
        term("id", "eq", someone["id"]),
        term("id", "eq", someone["id"].upper()),
        either(*(term("id", "eq", each) for each in (someone["id"], boss, "adam.kennedy"))),
        term("emails.value", "eq", "a.b@EXAMPLE.com"),
        term("emails.value", "ew", "@example.com"),
        term("emails.type", "eq", "work"),
        term("groups.value", "eq", role),
        term("groups.value", "ne", role),
        term("roles.value", "eq", other),
        term("roles.type", "eq", "business"),
        term("entitlements.value", "eq", entitlement),
        both(term("groups.value", "eq", role), term("active", "eq", True), term("userName", "co", "e")),
        within("emails", term("type", "eq", "work"), term("value", "sw", "adam")),
        within("roles", term("value", "eq", role), term("type", "eq", "it")),
        both(term("userName", "sw", "a"), no(term("title", "eq", "Benefits Clerk"))),
        both(term("name.givenName", "sw", "j"), term("name.familyName", "sw", "d")),
        either(term("userName", "eq", "spadmin"), term("displayName", "eq", "john doe"), term("active", "eq", False)),
        either(term("userName", "eq", "spadmin"), term("groups.value", "eq", other)),
        no(either(term("userName", "co", "e"), present(f"{SP_USER}:department"))),
        both(
            either(term("userName", "eq", "spadmin"), term("userName", "eq", "svc-rpa-01")), term("active", "eq", True)
        ),
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
    await compared(sandbox, [filters.tree() for _ in range(examples(60))], told)


async def compared(sandbox: Sandbox, tried: list[Case], told: dict[str, Any]) -> None:
    shown = people(sandbox, detected="detected_roles" in told)
    async with bridged(sandbox, **told) as bridge:
        assert await differences(bridge, shown, tried) == []
    empty = sum(not any(map(test, shown)) for _, test in tried)
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
