"""Every kind of filter equals brute force over the raw records, totals included."""

from random import Random
from typing import Any

import pytest

from scim_bridge.providers.sailpoint_isc.sandbox import Sandbox
from tests.providers.meaning import AWKWARD, Case, Filters, both, either, no, present, term, within
from tests.providers.pages import differences
from tests.providers.sailpoint_isc.bridge import bridged
from tests.providers.sailpoint_isc.oracle import MAPPED, TEXTS, TIMES, Shown, make_awkward, people
from tests.providers.sailpoint_isc.support import ENTERPRISE, USER_URN, sandbox_of

MODES = ["insensitive", "sensitive", "unknown", "unknown, and sensitive"]


def world() -> tuple[Sandbox, list[Shown]]:
    sandbox = sandbox_of(60)
    make_awkward(sandbox, Random(5))
    return sandbox, people(sandbox)


def written(shown: list[Shown], sandbox: Sandbox) -> list[Case]:
    """Filters by hand: all operators, joins, value paths, dates, marks, twins, unicode."""
    one, other = shown[3], shown[7]
    role = max(sandbox.store.roles, key=lambda each: len(sandbox.store.assigned[each]))
    group = max(sandbox.store.workgroups, key=lambda each: len(sandbox.store.members[each]))
    department, created = f"{ENTERPRISE}:department", one["meta.created"]
    found = [term("userName", operator, one["userName"]) for operator in "eq ne co sw ew gt ge lt le".split()]
    found += [term("userName", operator, "TWIN.one") for operator in ("eq", "ne", "sw", "ew", "co")]
    found += [term(path, "eq", one[path]) for path in TEXTS if one[path]]
    found += [term(path, "sw", one[path][:2].upper()) for path in TEXTS if one[path]]
    found += [term("displayName", operator, each) for each in AWKWARD for operator in ("eq", "sw")]
    found += [term("name.familyName", operator, "m") for operator in ("sw", "co", "gt", "lt")]
    found += [term("name.givenName", "sw", "mu"), term("userName", "sw", "zoe"), term("userName", "eq", "zoé")]
    found += [present(path) for path in ("title", "nickName", "emails", "phoneNumbers", "roles", "groups", "userName")]
    found += [term(path, operator, created) for path in TIMES for operator in ("eq", "ne", "gt", "ge", "lt", "le")]
    found += [term("active", operator, value) for operator in ("eq", "ne") for value in (True, False)]
    found += [term(f"{USER_URN}:locked", "eq", True), term(f"{USER_URN}:status", "eq", "disabled")]
    found += [term(f"{USER_URN}:processingState", "eq", "error"), term(f"{USER_URN}:processingState", "ne", "OK")]
    found += [term("emails.value", operator, "a+b%c@example.com") for operator in ("eq", "ne", "sw", "co", "ew")]
    found += [
        term("emails.type", "eq", "work"),
        term("emails.type", "eq", "home"),
        term("phoneNumbers.value", "co", "5"),
    ]
    found += [
        within("emails", term("type", "eq", "work"), term("value", "sw", "a")),
        within("emails", term("type", "eq", "home")),
    ]
    found += [term("roles.value", "eq", each) for each in (role, role.upper(), "nobody")]
    found += [term("groups.value", "eq", each) for each in (group, group.upper(), "nobody")]
    found += [
        within("roles", term("value", "eq", role)),
        within("groups", term("value", "eq", group), term("value", "sw", "0")),
    ]
    found += [term("roles.value", "ne", role)]
    names = (term("userName", "eq", one["userName"]), term("userName", "eq", other["userName"]))
    found += [either(*names), both(*names), no(names[0]), either(names[0], term("active", "eq", False))]
    found += [both(term("name.familyName", "sw", "s"), term(department, "eq", "sales"))]
    found += [both(term("groups.value", "eq", group), term("roles.value", "eq", role))]
    found += [either(term("groups.value", "eq", group), term("roles.value", "eq", role), names[0])]
    found += [both(either(*names), present("title")), no(either(*names)), no(both(names[0], present("title")))]
    found += [no(term("emails.value", "eq", "a+b%c@example.com")), no(present("title"))]
    return found


def settings(mode: str, sandbox: Sandbox) -> dict[str, Any]:
    sandbox.knobs.sensitive = mode.endswith("sensitive") and not mode.startswith("insensitive")
    return {"native_text_match": mode.partition(",")[0], "attributes": MAPPED}


@pytest.mark.parametrize("mode", MODES)
async def test_written_filters_equal_brute_force(mode: str) -> None:
    sandbox, shown = world()
    filters = written(shown, sandbox)
    assert len(filters) > 150 and sum(any(map(test, shown)) for _, test in filters) > 100  # not by finding nobody
    async with bridged(sandbox, **settings(mode, sandbox)) as bridge:
        assert await differences(bridge, shown, filters) == []


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(3))
async def test_random_filters_equal_brute_force(mode: str, seed: int) -> None:
    sandbox, shown = world()
    filters = Filters(Random(seed), shown)
    async with bridged(sandbox, status_filter=seed == 1, **settings(mode, sandbox)) as bridge:
        assert await differences(bridge, shown, [filters.tree() for _ in range(40)]) == []
