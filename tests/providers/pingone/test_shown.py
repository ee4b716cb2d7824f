"""Users and groups of PingOne as SCIM shows them."""

from typing import Any

import pytest

from scim_bridge.providers.pingone import PROVIDER, Settings
from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.query.capabilities import Resource
from scim_bridge.schemas import ResourceSchema, SchemaAttribute
from scim_bridge.upstream.redact import Secret
from tests.providers.pingone.bridge import bridged
from tests.providers.pingone.support import GROUP_URN, USER_URN, Connected, connected
from tests.providers.pingone.writing import (
    ENTERPRISE,
)
from tests.providers.program import USER


def someone(sandbox: Sandbox, **fields: Any) -> str:
    """A seeded user, with some fields changed."""
    item = list(sandbox.store.users.values())[30]
    item.data |= fields
    sandbox.store.changed()
    user_id: str = item.data["id"]
    return user_id


async def test_a_user_is_shown_as_the_sheet_translates_it(sandbox: Sandbox) -> None:
    """Section 12, both tables of users."""
    user_id = someone(
        sandbox,
        username="ana.lopez",
        externalId="hr-1001",
        name={
            "formatted": "Dr. Ana M. Lopez",
            "given": "Ana",
            "family": "Lopez",
            "middle": "M.",
            "honorificPrefix": "Dr.",
            "honorificSuffix": "PhD",
        },
        nickname="ana",
        title="Engineer",
        type="Employee",
        preferredLanguage="en",
        locale="en-GB",
        timezone="Europe/London",
        enabled=True,
        email="ana.lopez@example.com",
        emailVerified=True,
        primaryPhone="+44.1130000001",
        mobilePhone="+44.7700900001",
        photo={"href": "https://photos.example.com/ana.png"},
        address={
            "streetAddress": "1 Quay St",
            "locality": "Leeds",
            "region": "WY",
            "postalCode": "LS1 1AA",
            "countryCode": "GB",
        },
        accountId="A-1",
        account={"canAuthenticate": True, "status": "OK"},
        mfaEnabled=False,
        lastSignOn={"at": "2026-01-02T03:04:05.678Z", "remoteIp": "192.0.2.1"},
        createdAt="2025-02-03T10:11:12.345Z",
        updatedAt="2025-02-04T10:11:12.345Z",
        department="R&D",
    )
    async with connected(sandbox, attributes={"enterprise.department": "department"}) as connection:
        shown = await connection.users.reader.get(user_id, [])
    population = sandbox.store.users[user_id].data["population"]["id"]
    assert shown == {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE, USER_URN],
        "id": user_id,
        "externalId": "hr-1001",
        "userName": "ana.lopez",
        "displayName": "Dr. Ana M. Lopez",
        "name": {
            "formatted": "Dr. Ana M. Lopez",
            "familyName": "Lopez",
            "givenName": "Ana",
            "middleName": "M.",
            "honorificPrefix": "Dr.",
            "honorificSuffix": "PhD",
        },
        "nickName": "ana",
        "title": "Engineer",
        "userType": "Employee",
        "preferredLanguage": "en",
        "locale": "en-GB",
        "timezone": "Europe/London",
        "active": True,
        "emails": [{"value": "ana.lopez@example.com", "type": "work", "primary": True}],
        "phoneNumbers": [
            {"value": "+44.1130000001", "type": "work"},
            {"value": "+44.7700900001", "type": "mobile"},
        ],
        "photos": [{"value": "https://photos.example.com/ana.png", "type": "photo", "primary": True}],
        "addresses": [
            {
                "streetAddress": "1 Quay St",
                "locality": "Leeds",
                "region": "WY",
                "postalCode": "LS1 1AA",
                "country": "GB",
                "type": "work",
                "primary": True,
            }
        ],
        ENTERPRISE: {"department": "R&D"},
        USER_URN: {
            "populationId": population,
            "accountId": "A-1",
            "emailVerified": True,
            "accountStatus": "OK",
            "canAuthenticate": True,
            "lifecycleStatus": "ACCOUNT_OK",
            "mfaEnabled": False,
            "verifyStatus": "NOT_INITIATED",
            "identityProviderType": "PING_ONE",
            "lastSignOn": "2026-01-02T03:04:05.678Z",
        },
        "meta": {
            "resourceType": "User",
            "created": "2025-02-03T10:11:12.345Z",
            "lastModified": "2025-02-04T10:11:12.345Z",
        },
    }


async def test_a_display_name_is_the_full_name_or_none(sandbox: Sandbox) -> None:
    """PingOne has none: one that is made up could neither be filtered on nor be written back as it was read."""
    user_id = someone(sandbox, name={"given": "Ana", "family": "Lopez"})
    async with connected(sandbox) as connection:
        assert "displayName" not in await user(connection, user_id)
        assert await connection.find('displayName eq "Ana Lopez"') == []
        with_name = {each["id"] for each in await connection.find("displayName pr")}
        formatted = {each["id"] for each in await connection.find("name.formatted pr")}
    assert with_name == formatted


async def user(connection: Connected, user_id: str, *relations: str) -> Resource:
    found = await connection.users.reader.get(user_id, relations)
    assert found is not None
    return found


def target(schema: ResourceSchema, path: str) -> SchemaAttribute:
    """What a path of a resource type names."""
    found = schema.resolve(path)
    assert found is not None
    return found.target


async def test_what_pingone_cannot_hold_is_not_advertised_as_writable() -> None:
    """Section 12: these have no place, or are read only."""
    async with connected(Sandbox(users=1)) as connection:
        schema = connection.users.collection.resource
        assert [each.schema.id for each in schema.extensions] == [USER_URN]
    for name in ("profileUrl", "ims", "entitlements", "x509Certificates", "roles", "groups", "addresses.formatted"):
        assert target(schema, name).mutability == "readOnly"
    for name in "userName displayName name emails phoneNumbers addresses photos active timezone".split():
        assert target(schema, name).mutability == "readWrite"
    assert target(schema, "password").mutability == "writeOnly"
    assert target(schema, "emails.type").canonical_values == ("work",)
    assert set(target(schema, "phoneNumbers.type").canonical_values) == {"work", "mobile"}
    extension = schema.extensions[0].schema
    writable = [each.name for each in extension.attributes if each.mutability != "readOnly"]
    assert writable == ["populationId", "accountId"]


async def test_what_is_required_and_filled_in_may_lack_in_a_body_and_in_no_user(sandbox: Sandbox) -> None:
    """RFC 7643 section 6: a required extension is in every resource."""
    async with bridged(sandbox) as bridge:
        (user,) = (each for each in (await bridge.get("/ResourceTypes"))["Resources"] if each["name"] == "User")
        assert {each["schema"]: each["required"] for each in user["schemaExtensions"]}[USER_URN] is True
        for urn, required in ((USER, {"userName", "active"}), (USER_URN, {"populationId"})):
            schema = await bridge.get(f"/Schemas/{urn}")
            assert {each["name"] for each in schema["attributes"] if each["required"]} == required
        assert all(each[USER_URN]["populationId"] for each in await bridge.find("User"))
        made = await bridge.create("User", userName="ana")
        shown = await bridge.get(f"/Users/{made['id']}")
        assert made["active"] is shown["active"] is True and shown[USER_URN]["populationId"]
        for path in ("active", USER_URN, f"{USER_URN}:populationId"):
            taken = await bridge.patch("User", made["id"], {"op": "remove", "path": path})
            assert taken.status_code == 400 and "required" in taken.json()["detail"]
        after = await bridge.get(f"/Users/{made['id']}")
        assert (after["active"], after[USER_URN]) == (True, shown[USER_URN])


def test_what_pingone_always_has_is_required_but_filled_in() -> None:
    users = PROVIDER.collections(Settings("env", "client", Secret("x")), None)[0]
    for path in ("active", f"{USER_URN}:populationId"):
        assert target(users.resource, path).required
    assert users.supplied == {"active", USER_URN, f"{USER_URN}:populationId"}


async def test_the_populations_are_offered_as_values(sandbox: Sandbox) -> None:
    async with connected(sandbox) as connection:
        found = await PROVIDER.discover(connection.settings, connection.send)
        assert list(found) == list(sandbox.store.populations)
        users = PROVIDER.collections(connection.settings, found)[0]
        assert target(users.resource, f"{USER_URN}:populationId").canonical_values == found
        sandbox.fail("GET /populations", status=403, code="ACCESS_FAILED")
        assert await PROVIDER.discover(connection.settings, connection.send) == ()


@pytest.mark.parametrize("locked_is_inactive", [False, True])
async def test_locked_users_are_inactive_where_told_so(sandbox: Sandbox, locked_is_inactive: bool) -> None:
    rows = [item.data for item in sandbox.store.users.values()]
    for row in rows[10:14]:
        row["account"] = {"canAuthenticate": False, "status": "LOCKED"}
    sandbox.store.changed()
    locked = {row["id"] for row in rows if row["account"]["status"] == "LOCKED"} if locked_is_inactive else set()
    active = {row["id"] for row in rows if row["enabled"]} - locked
    async with connected(sandbox, locked_is_inactive=locked_is_inactive) as connection:
        assert {each["id"] for each in await connection.find("active eq true")} == active
        assert connection.calls() == ["GET /users?enabled eq true"]
        inactive = await connection.find("active eq false")
        assert {each["id"] for each in inactive} == sandbox.store.users.keys() - active
        assert connection.calls() == ["GET /users" if locked_is_inactive else "GET /users?enabled eq false"]


async def test_a_group_is_shown_as_the_sheet_translates_it(sandbox: Sandbox) -> None:
    population = next(iter(sandbox.store.populations))
    data = {"name": "Managers", "description": "People managers", "externalId": "ad-77", "userFilter": "title sw 'E'"}
    sandbox.store.put_group({"id": (group_id := sandbox.new_id()), **data, "population": {"id": population}})
    async with connected(sandbox) as connection:
        shown = await connection.groups.reader.get(group_id, [])
    assert shown == {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group", GROUP_URN],
        "id": group_id,
        "displayName": "Managers",
        "externalId": "ad-77",
        GROUP_URN: {"description": "People managers", "populationId": population, "userFilter": "title sw 'E'"},
        "meta": {"resourceType": "Group"},
    }
