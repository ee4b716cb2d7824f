"""Filters through the whole program equal a plain reading of what the simulated account holds, totals included."""

from random import Random
from typing import Any

import pytest

from scim_bridge.providers.onelogin.sandbox import Sandbox
from scim_bridge.providers.onelogin.sandbox_account import Knobs
from scim_bridge.providers.onelogin.sandbox_search import SearchKnobs
from tests.providers.onelogin.bridge import ENTERPRISE, URN, bridged
from tests.providers.onelogin.oracle import (
    Case,
    Filters,
    active,
    both,
    either,
    element,
    make_awkward,
    moment,
    no,
    people,
    present,
    text,
    within,
)

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
        *(text("userName", op, literal) for op in "eq ne sw ew co gt le".split() for literal in (name, "ana")),
        *(text("userName", "eq", each) for each in (name.upper(), email, "onelogin-5", f"ONELOGIN-{nameless}", "a*")),
        *(text("userName", op, "n-1") for op in ("co", "sw", "ew")),
        *(
            text("name.familyName", op, each)
            for op in ("eq", "sw", "co", "ew")
            for each in ("müller", "mu\u0308ller", "O'B")
        ),
        *(text("name.givenName", "eq", each) for each in ("Straße", "STRASSE", "İstanbul", "\u212aelvin", "kelvin")),
        *(text("title", "eq", each) for each in ('say "x"', "back\\slash", "a%b", "a_b", "a*b", " lead", "trail ")),
        *(text("externalId", "eq", each) for each in ("hr-1", "HR-1", "hr,1", "hr*", "nobody's")),
        *(text(f"{URN}:samAccountName", "eq", each) for each in ("!no", "a,b", "a&b=c", "a+b", "100%25")),
        *(text(f"{ENTERPRISE}:employeeNumber", op, "100003") for op in ("eq", "ne", "sw", "gt")),
        *(text(f"{ENTERPRISE}:costCenter", "eq", each) for each in ("CC-1", "cc-1", "cc-*")),
        *(moment("meta.created", op, CREATED) for op in "eq ne gt ge lt le".split()),
        *(moment("meta.lastModified", op, CHANGED) for op in "gt le".split()),
        *(moment("meta.created", op, someone["created_at"]) for op in "eq gt ge lt le".split()),
        moment(f"{URN}:lastLogin", "lt", CREATED),
        both(moment("meta.created", "ge", "2025-01-01T00:00:00Z"), moment("meta.created", "lt", CREATED)),
        active(True),
        active(False, "ne"),
        present("title"),
        no(present("emails")),
        present(f"{URN}:lastLogin"),
        text(f"{URN}:groupId", "eq", "480000"),
        text(f"{URN}:directoryId", "eq", "2201"),
        text(f"{URN}:directoryId", "eq", "02201"),
        text(f"{ENTERPRISE}:manager.value", "eq", number),
        text("id", "eq", number),
        either(*(text("id", "eq", each) for each in (number, "130000014", "5"))),
        element("emails", "value", "eq", email),
        element("emails", "value", "ew", "@EXAMPLE.com"),
        element("emails", "type", "eq", "work"),
        element("groups", "value", "eq", "80031"),
        element("groups", "value", "ne", "80031"),
        both(element("groups", "value", "eq", "80031"), active(True), text("title", "co", "engineer")),
        within("emails", ("type", "eq", "work"), ("value", "sw", "ana")),
        within("groups", ("value", "eq", "80062"), ("type", "eq", "direct")),
        within("phoneNumbers", ("value", "co", "555"), ("type", "ne", "home")),
        both(text("userName", "sw", "a"), no(text("title", "eq", "Engineer"))),
        both(text("name.familyName", "eq", "Lee"), text("name.familyName", "eq", "LEE")),
        either(text("name.familyName", "eq", "Lee"), text("userName", "eq", name), active(False)),
        either(text("name.familyName", "eq", "Lee"), element("groups", "value", "eq", "80093")),
        no(either(text("userName", "co", "e"), present(f"{ENTERPRISE}:department"))),
        both(either(text("userName", "eq", "ana"), text("userName", "eq", name)), active(True)),
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
    await compared(sandbox, [filters.tree() for _ in range(150)], told)


async def compared(sandbox: Sandbox, tried: list[Case], told: dict[str, Any]) -> None:
    shown, empty = people(sandbox), 0
    async with bridged(sandbox, **told) as bridge:
        for filter, test in tried:
            expected = {each["id"] for each in shown if test(each)}
            found = await bridge.find("User", filter, attributes="id")
            assert {each["id"] for each in found} == expected, filter
            assert len(found) == len(expected), f"{filter}: somebody twice"
            empty += not expected
    assert empty < len(tried) / 2, "most filters find nobody: they would prove little"
