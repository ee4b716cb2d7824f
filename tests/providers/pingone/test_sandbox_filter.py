"""The simulated PingOne's filters: what section 4 of the fact sheet lists works, everything else is refused."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from scim_bridge.providers.pingone.sandbox import Sandbox
from tests.providers.pingone.support import Api, api_of, detail


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(users=200)


@pytest.fixture
async def api(sandbox: Sandbox) -> AsyncIterator[Api]:
    async with api_of(sandbox) as found:
        yield found


async def found(api: Api, path: str, filter: str) -> list[dict[str, Any]]:
    answer = await api("GET", path, filter=filter, limit=1000)
    assert answer.status_code == 200, answer.json()
    body = answer.json()
    rows: list[dict[str, Any]] = next(iter(body.get("_embedded", {"": []}).values()))
    assert body["count"] == len(rows)
    return rows


Row = dict[str, Any]
ONES: list[tuple[str, Callable[[Row], bool]]] = [
    ('title sw "ENG"', lambda row: row.get("title", "").startswith("Eng")),
    ('(title sw "Eng")', lambda row: row.get("title", "").startswith("Eng")),
    ('name.family ew "ez"', lambda row: row["name"]["family"].endswith("ez")),
    ('name.given co "o"', lambda row: "o" in row["name"]["given"].lower()),
    ('name.family eq "müller"', lambda row: row["name"]["family"] == "Müller"),
    ("enabled eq false", lambda row: not row["enabled"]),
    ('enabled eq "false"', lambda row: not row["enabled"]),
    ('address.countryCode eq "de"', lambda row: row.get("address", {}).get("countryCode") == "DE"),
    ('department eq "Sales"', lambda row: row.get("department") == "Sales"),
    (
        'name.family sw "S" AND title sw "Eng" or type eq "Intern"',
        lambda row: (row["name"]["family"][0] == "S" and row.get("title", "")[:3] == "Eng") or row["type"] == "Intern",
    ),
    (
        'name.family sw "S" and (title sw "Eng" OR type eq "Intern")',
        lambda row: row["name"]["family"][0] == "S" and (row.get("title", "")[:3] == "Eng" or row["type"] == "Intern"),
    ),
]


@pytest.mark.parametrize(("filter", "expected"), ONES)
async def test_filters_find_what_they_say(
    api: Api, sandbox: Sandbox, filter: str, expected: Callable[..., bool]
) -> None:
    wanted = [item.data["id"] for item in reversed(sandbox.store.users.values()) if expected(item.data)]
    assert 0 < len(wanted) < 200
    assert [row["id"] for row in await found(api, "/users", filter)] == wanted


@pytest.mark.parametrize(
    "filter",
    [
        'userName eq "x"',  # trap 17: PingOne's own names only
        'username ew "x"',
        'username co "x"',  # trap 18
        'username ne "x"',
        "username pr",
        'not (username eq "x")',
        'title gt "a"',
        'createdAt ge "2025-01-01T00:00:00.000Z"',
        'updatedAt ge "2025-01-01T00:00:00.000Z"',
        'lifecycle.status eq "ACCOUNT_OK"',
        "mfaEnabled eq true",
        'emailVerified eq "true"',
        'identityProvider.type eq "PING_ONE"',
        'population.id sw "0"',
        'memberOfGroups eq "x"',
        'memberOfGroups[name eq "x"]',
        'memberOfGroups[id sw "x"]',
        'memberOfGroups[type eq "DIRECT"]',
        'memberOfGroups[id eq "x" and type eq "OTHER"]',
        "username eq x",
        "username eq 'x'",  # double-quoted text only
        'username eq "x',
        'username eq "x" and',
        'username eq "x" title eq "y"',
        '(username eq "x"',
        "username eq true",
        'enabled eq "yes"',
        "username",
        "",
    ],
)
async def test_everything_else_is_refused(api: Api, filter: str) -> None:
    answer = await api("GET", "/users", filter=filter or " ")
    assert answer.status_code == 400
    assert detail(answer) == ("INVALID_FILTER", "filter")
    inner = answer.json()["details"][0]["innerError"]
    assert "username" in inner["supportedAttributes"] and "memberOfGroups" in inner["supportedAttributes"]
    assert inner["supportedOperators"] == ["co", "eq", "ew", "sw"]


@pytest.mark.parametrize("filter", ['description eq "x"', 'name co "x"', 'name ew "x"', 'id sw "x"'])
async def test_groups_are_filtered_by_less(api: Api, filter: str) -> None:
    assert detail(await api("GET", "/groups", filter=filter)) == ("INVALID_FILTER", "filter")


async def test_groups_are_found_by_name_external_id_and_population(api: Api, sandbox: Sandbox) -> None:
    groups = [item.data for item in sandbox.store.groups.values()]
    some = next(each for each in groups if "externalId" in each)
    assert await found(api, "/groups", f'name eq "{some["name"].upper()}"')
    assert [row["id"] for row in await found(api, "/groups", f'externalId eq "{some["externalId"]}"')] == [some["id"]]
    assert [row["id"] for row in await found(api, "/groups", f'displayName eq "{some["name"]}"')] == [some["id"]]
    population = next(each["population"]["id"] for each in groups if "population" in each)
    wanted = [each["id"] for each in groups if each.get("population") == {"id": population}]
    assert [row["id"] for row in await found(api, "/groups", f'population.id eq "{population}"')] == wanted


async def test_populations_are_found_by_name(api: Api) -> None:
    assert [row["name"] for row in await found(api, "/populations", 'name sw "C"')] == ["Contractors"]
    assert detail(await api("GET", "/populations", filter='description eq "x"')) == ("INVALID_FILTER", "filter")


async def test_eq_ignores_case_unless_told_otherwise(api: Api, sandbox: Sandbox) -> None:
    """Section 4: inferred from the vendor's own tool, so a knob."""
    username = next(iter(sandbox.store.users.values())).data["username"]
    assert await found(api, "/users", f'username eq "{username.upper()}"')
    sandbox.store.case_sensitive = True
    sandbox.store.changed()
    assert not await found(api, "/users", f'username eq "{username.upper()}"')
    assert await found(api, "/users", f'username eq "{username}"')


async def test_quotes_are_escaped_or_not(api: Api, sandbox: Sandbox) -> None:
    """Section 4: escaping is not documented, so a knob."""
    user = next(iter(sandbox.store.users.values())).data
    user["title"] = 'The "Boss"'
    sandbox.store.changed()
    assert [row["id"] for row in await found(api, "/users", r'title eq "The \"Boss\""')] == [user["id"]]
    sandbox.knobs.escapes = False
    assert detail(await api("GET", "/users", filter=r'title eq "The \"Boss\""'))[0] == "INVALID_FILTER"


async def test_updated_at_is_an_optional_capability(api: Api, sandbox: Sandbox) -> None:
    """Section 4: ge and le are implied by one note, denied by a third party."""
    sandbox.knobs.updated_at_filter = True
    moments = sorted(item.data["updatedAt"] for item in sandbox.store.users.values())
    assert len(await found(api, "/users", f'updatedAt ge "{moments[150]}"')) == 50
    assert len(await found(api, "/users", f'updatedAt le "{moments[150]}"')) == 151
    sandbox.store.users[next(iter(sandbox.store.users))].data["updatedAt"] = "2031-01-01T00:00:00.000Z"
    sandbox.store.changed()
    assert len(await found(api, "/users", 'updatedAt ge "2031-01-01T01:00:00+01:00"')) == 1
    for value in ("soon", "2026-01-01T00:00:00"):
        assert detail(await api("GET", "/users", filter=f'updatedAt ge "{value}"'))[0] == "INVALID_FILTER"


async def test_memberships_combine_with_and_and_or(api: Api, sandbox: Sandbox) -> None:
    store = sandbox.store
    one, other = [each for each in store.groups if len(store.users_in(each)) > 5][:2]
    first, second = store.users_in(one), store.users_in(other)
    both = await found(api, "/users", f'memberOfGroups[id eq "{one}"] and memberOfGroups[id eq "{other}"]')
    either = await found(api, "/users", f'memberOfGroups[id eq "{one}"] OR memberOfGroups[id eq "{other}"]')
    assert {row["id"] for row in both} == first & second
    assert {row["id"] for row in either} == first | second
