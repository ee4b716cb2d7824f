"""Filters through the whole program equal a plain reading of what the simulated account holds, totals included."""

from random import Random
from typing import Any

import pytest

from scim_bridge.providers.onelogin.sandbox import Sandbox
from scim_bridge.providers.onelogin.sandbox_account import Knobs
from scim_bridge.providers.onelogin.sandbox_search import SearchKnobs
from tests.providers.meaning import Case, Filters, both, either, no, present, term, within
from tests.providers.onelogin.bridge import ENTERPRISE, URN, bridged
from tests.providers.onelogin.oracle import make_awkward, people
from tests.providers.pages import differences
from tests.strategies import examples

WORLDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "as declared": ({"native_text_match": "insensitive", "wildcards": True, "group_id_filter": True}, {}),
    "nothing known": ({}, {"search": SearchKnobs("sensitive", wildcards=False, inclusive=False, group_id=False)}),
    "sensitive": (
        {"native_text_match": "sensitive", "wildcards": True},
        {"search": SearchKnobs("sensitive", inclusive=False)},
    ),
    "small pages without totals": (
        {"native_text_match": "insensitive", "wildcards": True, "user_page_size": 100},
        {"user_page_max": 7, "totals": False},
    ),
}
"""What the connection is told, and what the account is like."""
CREATED, CHANGED = "2025-06-01T00:00:00Z", "2024-12-24T18:30:00+02:00"


def cases(sandbox: Sandbox) -> list[Case]:
    """Filters on what some users have, and on what may look like it."""
    users = sandbox.store.users.values()
    someone = next(each for each in users if each["username"] and each["email"])
    nameless = next(each["id"] for each in users if not each["username"] and not each["email"])
    name, email, number = someone["username"], someone["email"], str(someone["id"])
    return [
        *(term("userName", op, literal) for op in "eq ne sw ew co gt le".split() for literal in (name, "ana")),
        *(term("userName", "eq", each) for each in (name.upper(), email, "onelogin-5", f"ONELOGIN-{nameless}", "a*")),
        *(term("userName", op, "n-1") for op in ("co", "sw", "ew")),
        *(
            term("name.familyName", op, each)
            for op in ("eq", "sw", "co", "ew")
            for each in ("müller", "mu\u0308ller", "O'B")
        ),
        *(term("name.givenName", "eq", each) for each in ("Straße", "STRASSE", "İstanbul", "\u212aelvin", "kelvin")),
        *(term("title", "eq", each) for each in ('say "x"', "back\\slash", "a%b", "a_b", "a*b", " lead", "trail ")),
        *(term("externalId", "eq", each) for each in ("hr-1", "HR-1", "hr,1", "hr*", "nobody's")),
        *(term(f"{URN}:samAccountName", "eq", each) for each in ("!no", "a,b", "a&b=c", "a+b", "100%25")),
        *(term(f"{ENTERPRISE}:employeeNumber", op, "100003") for op in ("eq", "ne", "sw", "gt")),
        *(term(f"{ENTERPRISE}:costCenter", "eq", each) for each in ("CC-1", "cc-1", "cc-*")),
        *(term("meta.created", op, CREATED) for op in "eq ne gt ge lt le".split()),
        *(term("meta.lastModified", op, CHANGED) for op in "gt le".split()),
        *(term("meta.created", op, someone["created_at"]) for op in "eq gt ge lt le".split()),
        term(f"{URN}:lastLogin", "lt", CREATED),
        both(term("meta.created", "ge", "2025-01-01T00:00:00Z"), term("meta.created", "lt", CREATED)),
        term("active", "eq", True),
        term("active", "ne", False),
        present("title"),
        no(present("emails")),
        present(f"{URN}:lastLogin"),
        term(f"{URN}:groupId", "eq", "480000"),
        term(f"{URN}:directoryId", "eq", "2201"),
        term(f"{URN}:directoryId", "eq", "02201"),
        term(f"{ENTERPRISE}:manager.value", "eq", number),
        term("id", "eq", number),
        either(*(term("id", "eq", each) for each in (number, "130000014", "5"))),
        term("emails.value", "eq", email),
        term("emails.value", "ew", "@EXAMPLE.com"),
        term("emails.type", "eq", "work"),
        term("groups.value", "eq", "80031"),
        term("groups.value", "ne", "80031"),
        both(term("groups.value", "eq", "80031"), term("active", "eq", True), term("title", "co", "engineer")),
        within("emails", term("type", "eq", "work"), term("value", "sw", "ana")),
        within("groups", term("value", "eq", "80062"), term("type", "eq", "direct")),
        within("phoneNumbers", term("value", "co", "555"), term("type", "ne", "home")),
        both(term("userName", "sw", "a"), no(term("title", "eq", "Engineer"))),
        both(term("name.familyName", "eq", "Lee"), term("name.familyName", "eq", "LEE")),
        either(term("name.familyName", "eq", "Lee"), term("userName", "eq", name), term("active", "eq", False)),
        either(term("name.familyName", "eq", "Lee"), term("groups.value", "eq", "80093")),
        no(either(term("userName", "co", "e"), present(f"{ENTERPRISE}:department"))),
        both(either(term("userName", "eq", "ana"), term("userName", "eq", name)), term("active", "eq", True)),
    ]


def account(seed: int, **knobs: Any) -> Sandbox:
    sandbox = Sandbox(users=90, seed=seed, knobs=Knobs(**knobs))
    make_awkward(sandbox, Random(seed))
    return sandbox


@pytest.mark.parametrize("world", WORLDS)
async def test_filters_find_what_brute_force_finds(world: str) -> None:
    told, knobs = WORLDS[world]
    sandbox = account(1, **knobs)
    tried = cases(sandbox)
    assert len({each for each, _ in tried}) == len(tried) >= 60
    await compared(sandbox, tried, told)


@pytest.mark.parametrize("world", WORLDS)
async def test_random_filters_find_what_brute_force_finds(world: str) -> None:
    told, knobs = WORLDS[world]
    sandbox = account(2, **knobs)
    filters = Filters(Random(f"2 {world}"), people(sandbox))
    await compared(sandbox, [filters.tree() for _ in range(examples(75))], told)


async def compared(sandbox: Sandbox, tried: list[Case], told: dict[str, Any]) -> None:
    shown = people(sandbox)
    async with bridged(sandbox, **told) as bridge:
        assert await differences(bridge, shown, tried) == []
    empty = sum(not any(map(test, shown)) for _, test in tried)
    assert empty < len(tried) / 2, "most filters find nobody: they would prove little"
