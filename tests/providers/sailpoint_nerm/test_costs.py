"""What each operation of a SCIM client costs in requests to NERM, in this order."""

from typing import Any

import pytest

from scim_bridge.providers.sailpoint_nerm.sandbox import Sandbox
from scim_bridge.providers.sailpoint_nerm.sandbox_people import join
from tests.providers.sailpoint_nerm.bridge import PATCH, URN, USER, bridged

PROFILE = "GET /profiles/{id}"
ONE_TYPE: dict[str, Any] = {"people_profile_types": ["People"]}
READS = [
    ("a person by id", "/Users/{id}", [PROFILE]),
    ("a person by a filter on the id", '/Users?filter=id eq "{id}"', [PROFILE]),
    ("an id that cannot be", "/Users/nobody", []),
    ("a page", "/Users?count=100", ["GET /profiles"]),
    ("how many", "/Users?count=0", ["GET /profiles"]),
    ("the active", "/Users?filter=active eq true", ["GET /profiles?status=Active"]),
    (
        "the inactive",
        "/Users?filter=active eq false",
        ["GET /profiles?status=Inactive", "GET /profiles?status=On Leave", "GET /profiles?status=Terminated"],
    ),
    ("another type", '/Users?filter=userType eq "Volunteers"', []),
    (
        "by an attribute without letters, the last page proven empty",
        '/Users?filter=urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq "100001"',
        ["POST /advanced_search/run?==100001"] * 2,
    ),
    (
        "both at once",
        '/Users?filter=active eq false and phoneNumbers.value co "555"',
        ["POST /advanced_search/run?!=Active&include?555"] * 2,
    ),
    ("by name, with letters", '/Users?filter=displayName eq "Nobody"', ["GET /profiles after"] * 2),
    (
        "changed since",
        '/Users?filter=meta.lastModified gt "2030-01-02T00:00:00Z"',
        ["GET /profiles?updated_after=2030-01-01"],
    ),
    ("a role", "/Groups/{role}", ["GET /roles/{role}", "GET /user_roles?role_id={role}"]),
    ("a role without its members", "/Groups/{role}?excludedAttributes=members", ["GET /roles/{role}"]),
    ("all roles without members", "/Groups?excludedAttributes=members", ["GET /roles"]),
    ("all Roles", "/Roles", ["GET /roles"]),
    (
        "the roles of a portal user",
        '/Groups?filter=members.value eq "{user}"&excludedAttributes=members',
        ["GET /user_roles?user_id={user}", "GET /roles/{role}"],
    ),
]


def known(sandbox: Sandbox) -> dict[str, str]:
    """An active person with an employee number, a role, and a portal user who has that role alone."""
    store = sandbox.store
    people = next(each["id"] for each in store.profile_types.values() if each["name"] == "People")
    person = next(each for each in store.profiles.values() if each.type_id == people and each.status == "Active")
    role, user = next(iter(store.roles)), next(iter(store.users))
    store.user_roles = {key: each for key, each in store.user_roles.items() if each["user_id"] != user}
    join(store, sandbox._random, user, role)
    return {"id": person.id, "role": role, "user": user}


@pytest.mark.parametrize(("path", "expected"), [row[1:] for row in READS], ids=[row[0] for row in READS])
async def test_a_read_costs(path: str, expected: list[str]) -> None:
    sandbox = Sandbox(users=60)
    ids = known(sandbox)
    async with bridged(sandbox, **ONE_TYPE) as bridge:
        answer = await bridge.ask("GET", path.format(**ids))
        assert answer.status_code == (404 if path.endswith("nobody") else 200), answer.text
        assert sorted(bridge.calls()) == sorted(each.format(**ids) for each in expected)


@pytest.mark.parametrize(("match", "cost"), [("insensitive", 2), ("unknown", 21)])
async def test_a_look_up_by_name_is_a_search_or_a_scan_remembered(match: str, cost: int) -> None:
    """The scan: 20 pages of 500, each full, and their end; what it found serves the next pages."""
    sandbox = Sandbox(users=11_300)
    sandbox.knobs.sensitive_search = match == "unknown"
    name = next(each.values["login_name"] for each in sandbox.store.profiles.values() if "login_name" in each.values)
    async with bridged(sandbox, native_text_match=match, **ONE_TYPE) as bridge:
        (found,) = await bridge.find("User", filter=f'userName eq "{name.upper()}"')
        assert found["userName"] == name
        calls = bridge.calls()
        assert len(calls) == cost, calls[:3]
        await bridge.get("/Users", filter=f'userName eq "{name.upper()}"', startIndex=2)
        assert bridge.calls() == []


def patched(**values: Any) -> Any:
    return {"schemas": [PATCH], "Operations": [{"op": "replace", "value": values}]}


WRITES = [
    ("a new person", "POST", "/Users", {"schemas": [USER], "userName": "ana"}, ["POST /profile"]),
    ("a title", "PATCH", "/Users/{id}", patched(title="Boss"), [PROFILE, "PATCH /profiles/{id}"]),
    ("nothing new", "PATCH", "/Users/{id}", patched(active=True), [PROFILE]),
    ("active and a title", "PATCH", "/Users/{id}", patched(active=False, title="x"), [PROFILE, "PATCH /profiles/{id}"]),
    (
        "a reference",
        "PATCH",
        "/Users/{id}",
        patched(**{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization": "Nordwind, Inc."}),
        [PROFILE, "GET /profiles?name=Nordwind, Inc.", "PATCH /profiles/{id}"],
    ),
    ("what is read only", "PATCH", "/Users/{id}", patched(**{f"{URN}:status": "Terminated"}), [PROFILE]),
    (
        "PUT",
        "PUT",
        "/Users/{id}",
        {"schemas": [USER], "userName": "ana", "title": "Boss"},
        [PROFILE, "PATCH /profiles/{id}"],
    ),
    ("DELETE", "DELETE", "/Users/{id}", None, [PROFILE, "PATCH /profiles/{id}"]),
]


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"), [row[1:] for row in WRITES], ids=[row[0] for row in WRITES]
)
async def test_a_write_costs(method: str, path: str, body: Any, expected: list[str]) -> None:
    sandbox = Sandbox(users=60)
    ids = known(sandbox)
    person = sandbox.store.profiles[ids["id"]]
    person.values.pop("organization", None)
    async with bridged(sandbox, **ONE_TYPE) as bridge:
        answer = await bridge.ask(method, path.format(**ids), body)
        assert answer.status_code < 300, answer.text
        assert bridge.calls() == [each.format(**ids) for each in expected]
