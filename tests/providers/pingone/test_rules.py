"""Every comparison that the declaration pushes down, against a plain reading of the simulated environment's records.

The expected answer knows nothing of the declaration: it compares raw fields as SCIM compares the attribute they stand
for. Each filter is run on an upstream that ignores case, on one that does not, and on one of which nothing is known.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from scim_bridge.providers.pingone import PROVIDER, Settings
from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.query.capabilities import Collection, Rule
from scim_bridge.upstream.redact import Secret
from tests.providers.pingone.support import GROUP_URN, USER_URN, connected

CUSTOM = {"enterprise.department": "department", "enterprise.costCenter": "costCenter", "title": "employeeNumber"}
OPTIONS: dict[str, Any] = {"attributes": CUSTOM, "updated_at_filter": True, "name_contains_filter": True}
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
USER_FIELDS: Mapping[str, tuple[str, ...]] = {
    "id": ("id",),
    "userName": ("username",),
    "externalId": ("externalId",),
    "displayName": ("name.formatted",),
    "name.formatted": ("name.formatted",),
    "name.familyName": ("name.family",),
    "name.givenName": ("name.given",),
    "name.middleName": ("name.middle",),
    "name.honorificPrefix": ("name.honorificPrefix",),
    "name.honorificSuffix": ("name.honorificSuffix",),
    "nickName": ("nickname",),
    "title": ("employeeNumber",),  # mapped elsewhere: PingOne's own title must not be asked
    "userType": ("type",),
    "preferredLanguage": ("preferredLanguage",),
    "locale": ("locale",),
    "timezone": ("timezone",),
    "active": ("enabled",),
    "emails.value": ("email",),
    "phoneNumbers.value": ("primaryPhone", "mobilePhone"),
    "photos.value": ("photo.href",),
    "addresses.streetAddress": ("address.streetAddress",),
    "addresses.locality": ("address.locality",),
    "addresses.region": ("address.region",),
    "addresses.postalCode": ("address.postalCode",),
    "addresses.country": ("address.countryCode",),
    "meta.lastModified": ("updatedAt",),
    f"{USER_URN}:accountId": ("accountId",),
    f"{USER_URN}:populationId": ("population.id",),
    f"{ENTERPRISE}:department": ("department",),
    f"{ENTERPRISE}:costCenter": ("costCenter",),
}
GROUP_FIELDS: Mapping[str, tuple[str, ...]] = {
    "id": ("id",),
    "displayName": ("name",),
    "externalId": ("externalId",),
    f"{GROUP_URN}:populationId": ("population.id",),
}
EXACT = {"id", "externalId", "photos.value", f"{USER_URN}:populationId", f"{GROUP_URN}:populationId"}
"""Paths that SCIM compares with case (RFC 7643; `photos.value` is a reference)."""
COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda held, wanted: bool(held == wanted),
    "sw": lambda held, wanted: bool(held.startswith(wanted)),
    "ew": lambda held, wanted: bool(held.endswith(wanted)),
    "co": lambda held, wanted: bool(wanted in held),
    "ge": lambda held, wanted: bool(held >= wanted),
    "le": lambda held, wanted: bool(held <= wanted),
}


def declared(**settings: Any) -> list[Collection]:
    """The collections of a connection that is never opened."""
    found = Settings("env", "client", Secret("x"), **{**OPTIONS, **settings})
    return list(PROVIDER.collections(found, None))


def rules(collection: Collection) -> list[tuple[str, str]]:
    """Each path and operator that a list of the collection evaluates."""
    return sorted({(rule.attribute, op) for rule in collection.reads[0].rules for op in rule.operators})


USERS, GROUPS = declared()
USER_RULES = [each for each in rules(USERS) if each[0] != "groups.value"]
GROUP_RULES = rules(GROUPS)


@pytest.fixture
def sandbox() -> Sandbox:
    """People of whom each field has several values, a few with marks that filters might trip over."""
    sandbox = Sandbox(users=120)
    sandbox.knobs.updated_at_filter = True
    extra: Mapping[int, dict[str, Any]] = {
        3: {"accountId": "ACC-3", "name": {"given": "Jo", "family": "Smith-Jones", "middle": "Lee"}},
        4: {"accountId": "acc-4", "name": {"given": "JO", "family": "SMITH", "middle": "lee"}},
        5: {"address": {"postalCode": "LS1 1AA", "locality": "YORK"}, "name": {"honorificPrefix": "Dr."}},
        6: {"address": {"postalCode": "ls1 9zz", "locality": "york"}, "name": {"honorificPrefix": "dr."}},
        7: {"name": {"honorificSuffix": "III", "formatted": "Jo III"}, "externalId": "HR-000001", "costCenter": "C1"},
        8: {
            "name": {"honorificSuffix": "iii", "formatted": "jo iii"},
            "photo": {"href": "https://photos.example.com/A"},
        },
        9: {"photo": {"href": "https://photos.example.com/a"}, "costCenter": "c1", "nickname": 'The "Boss" \\ o/'},
    }
    for number, item in enumerate(sandbox.store.users.values()):
        item.data |= extra.get(number, {})
        if number % 40 == 39:
            del item.data["name"]
    sandbox.store.changed()
    return sandbox


def read(row: Mapping[str, Any], field: str) -> Any:
    outer, _, inner = field.partition(".")
    return (row.get(outer) or {}).get(inner) if inner else row.get(outer)


def values(rows: list[dict[str, Any]], fields: tuple[str, ...]) -> list[Any]:
    """Some of what the records hold: the first ones, the rare ones, and what has more than letters."""
    held = [value for field in fields for row in rows if (value := read(row, field)) is not None]
    by_count = sorted(set(held), key=lambda value: (held.count(value), str(value)))
    unusual = [value for value in by_count if isinstance(value, str) and not value.isascii()]
    return list(dict.fromkeys([*held[:1], *by_count[:2], *by_count[-1:], *unusual[:1]]))


def operands(operator: str, value: Any) -> Iterator[Any]:
    """What to compare with so that a value matches, or nearly does."""
    if not isinstance(value, str) or operator in ("ge", "le"):
        yield value
        return
    part = {"sw": value[:3], "ew": value[-3:], "co": value[1:4]}.get(operator, value)
    yield from {part, part.upper(), part.lower(), f"{part}~"}


def expected(rows: list[dict[str, Any]], path: str, fields: tuple[str, ...], operator: str, wanted: Any) -> set[str]:
    folds = path not in EXACT and isinstance(wanted, str)

    def fold(value: Any) -> Any:
        return value.lower() if folds else value

    return {
        row["id"]
        for row in rows
        for field in fields
        if (held := read(row, field)) is not None and COMPARE[operator](fold(held), fold(wanted))
    }


def literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


WAYS = [("insensitive", False), ("sensitive", True), ("unknown", False), ("unknown", True)]


@pytest.mark.parametrize(("text_match", "case_sensitive"), WAYS)
@pytest.mark.parametrize(("path", "operator"), USER_RULES)
async def test_users_are_found_as_scim_says(
    sandbox: Sandbox, path: str, operator: str, text_match: str, case_sensitive: bool
) -> None:
    fields, rows = USER_FIELDS[path], [item.data for item in sandbox.store.users.values()]
    sandbox.store.case_sensitive = case_sensitive
    sandbox.store.changed()
    found = values(rows, fields)
    assert found, "no user has such a value, so nothing would be tested"
    async with connected(sandbox, **OPTIONS, native_text_match=text_match) as connection:
        for wanted in [each for value in found for each in operands(operator, value)]:
            shown = await connection.find(f"{path} {operator} {literal(wanted)}")
            assert {each["id"] for each in shown} == expected(rows, path, fields, operator, wanted), wanted


@pytest.mark.parametrize(("path", "operator"), GROUP_RULES)
async def test_groups_are_found_as_scim_says(sandbox: Sandbox, path: str, operator: str) -> None:
    fields, rows = GROUP_FIELDS[path], [item.data for item in sandbox.store.groups.values()]
    async with connected(sandbox, **OPTIONS) as connection:
        for wanted in [each for value in values(rows, fields) for each in operands(operator, value)]:
            shown = await connection.find(f"{path} {operator} {literal(wanted)}", "groups")
            assert {each["id"] for each in shown} == expected(rows, path, fields, operator, wanted), wanted


def test_the_declared_comparisons_are_those_that_the_vendor_lists() -> None:
    """Section 4 of the fact sheet; what is contested or UNVERIFIED needs a setting."""
    plain = declared(attributes={}, updated_at_filter=False, name_contains_filter=False)
    listed = {
        (path, operator)
        for path in USER_FIELDS
        if not path.startswith(ENTERPRISE) and path != "meta.lastModified"
        for operator in ("eq", "sw")
        if operator == "eq" or path not in ("id", "active", f"{USER_URN}:populationId")
    }
    listed |= {("emails.value", "ew"), ("name.givenName", "ew"), ("name.familyName", "ew"), ("groups.value", "eq")}
    assert set(rules(plain[0])) == listed
    contested = {("name.givenName", "co"), ("name.familyName", "co")}
    assert set(rules(declared(attributes={}, updated_at_filter=False)[0])) == listed | contested
    assert set(rules(plain[1])) == set(GROUP_RULES)


@pytest.mark.parametrize(
    "filter",
    [
        'userName ew "n"',
        'title ne "x"',
        "emails pr",
        'not (userName eq "x")',
        'name.givenName co "a"',
        'meta.created gt "2025-01-01T00:00:00Z"',
        'meta.lastModified ge "2025-01-01T00:00:00Z"',
        f'{USER_URN}:accountStatus eq "LOCKED"',
        f"{USER_URN}:mfaEnabled eq true",
        'userName sw "a\\"b"',
        'userName sw "a\\\\b"',
    ],
)
async def test_what_is_not_listed_is_checked_here(sandbox: Sandbox, filter: str) -> None:
    """Trap 18; and quotes, as nobody documents how to escape them."""
    async with connected(sandbox) as connection:
        await connection.find(filter)
        assert connection.calls()[0] == "GET /users"


async def test_quotes_are_pushed_down_where_escapes_are_known_to_work(sandbox: Sandbox) -> None:
    wanted = r'nickName eq "THE \"boss\" \\ O/"'
    async with connected(sandbox, escaped_quotes=True) as connection:
        assert len(await connection.find(wanted)) == 1
        assert connection.calls() == [r'GET /users?nickname eq "THE \"boss\" \\ O/"']
    async with connected(sandbox) as connection:
        assert len(await connection.find(wanted)) == 1
        assert connection.calls() == ["GET /users"]


async def test_a_custom_attribute_that_holds_a_core_one_is_what_is_asked(sandbox: Sandbox) -> None:
    """`title` mapped to a custom attribute: PingOne's own title says nothing of it."""
    title = next(item.data["title"] for item in sandbox.store.users.values() if "title" in item.data)
    async with connected(sandbox, attributes={"title": "employeeNumber"}) as connection:
        assert await connection.find(f'title eq "{title}"') == []
        assert connection.calls() == [f'GET /users?employeeNumber eq "{title}"']


async def test_a_display_name_of_its_own_is_asked_as_it_is(sandbox: Sandbox) -> None:
    next(iter(sandbox.store.users.values())).data["costCenter"] = "Anna"
    sandbox.store.changed()
    async with connected(sandbox, attributes={"displayName": "costCenter"}) as connection:
        assert [each["displayName"] for each in await connection.find('displayName eq "anna"')] == ["Anna"]
        assert connection.calls() == ['GET /users?costCenter eq "anna"']
        assert len(await connection.find("displayName pr")) == 3


def test_only_one_rule_gives_at_most_one_row() -> None:
    unique = {rule.attribute for collection in (USERS, GROUPS) for rule in _all_rules(collection) if rule.unique}
    assert unique == {"id", "userName"}


def _all_rules(collection: Collection) -> list[Rule]:
    return [rule for access in (collection.item, *collection.reads) for rule in access.rules]


async def test_times_are_compared_in_the_form_that_pingone_writes(sandbox: Sandbox) -> None:
    moment = next(iter(sandbox.store.users.values())).data["updatedAt"]
    for text in (moment, moment.replace("Z", "000Z"), moment.replace("Z", "+00:00")):
        async with connected(sandbox, **OPTIONS) as connection:
            assert await connection.find(f'meta.lastModified ge "{text}" and meta.lastModified le "{text}"')
            assert connection.calls() == [f'GET /users?updatedAt ge "{moment}" and updatedAt le "{moment}"']
            assert await connection.find(f'meta.lastModified ge "{moment[:-1]}"') == []  # of no zone: no order
            assert connection.calls() == ["GET /users"]
