"""Writing through a connection: a person with everything, the calls that a change becomes, members."""

from copy import deepcopy
from typing import Any

from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.query.capabilities import Resource, Row
from scim_bridge.query.directory import Changes, MemberChanges
from scim_bridge.query.relations import Record, record_of
from tests.providers.pingone.support import USER_URN, Connected

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PASSWORD = "s3cret-Passw0rd"
ANA: Resource = {
    "userName": "ana.lopez",
    "externalId": "hr-1001",
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
    "emails": [{"value": "ana.lopez@example.com", "type": "work"}],
    "phoneNumbers": [{"value": "+44.1130000001", "type": "work"}, {"value": "+44.7700900001", "type": "mobile"}],
    "photos": [{"value": "https://photos.example.com/ana.png", "type": "photo"}],
    "addresses": [
        {
            "streetAddress": "1 Quay St",
            "locality": "Leeds",
            "region": "WY",
            "postalCode": "LS1 1AA",
            "country": "GB",
            "type": "work",
        }
    ],
    USER_URN: {"accountId": "A-1"},
    ENTERPRISE: {"department": "R&D"},
}
AS_STORED: Row = {
    "username": "ana.lopez",
    "externalId": "hr-1001",
    "name": {
        "formatted": "Dr. Ana M. Lopez",
        "family": "Lopez",
        "given": "Ana",
        "middle": "M.",
        "honorificPrefix": "Dr.",
        "honorificSuffix": "PhD",
    },
    "nickname": "ana",
    "title": "Engineer",
    "type": "Employee",
    "preferredLanguage": "en",
    "locale": "en-GB",
    "timezone": "Europe/London",
    "email": "ana.lopez@example.com",
    "primaryPhone": "+44.1130000001",
    "mobilePhone": "+44.7700900001",
    "photo": {"href": "https://photos.example.com/ana.png"},
    "address": {
        "streetAddress": "1 Quay St",
        "locality": "Leeds",
        "region": "WY",
        "postalCode": "LS1 1AA",
        "countryCode": "GB",
    },
    "accountId": "A-1",
    "department": "R&D",
}


async def create(connection: Connected, values: Resource, kind: str = "users", **members: Any) -> Resource:
    directory = getattr(connection, kind)
    record: Record = await directory.create(directory.collection.written(deepcopy(values), None), members)
    return record.resource


async def change(connection: Connected, resource_id: str, values: Resource, kind: str = "users") -> Resource:
    """What a PATCH that replaces these attributes (None: removes them) leaves."""
    directory = getattr(connection, kind)
    row = await directory.row(resource_id)
    before = record_of(directory.collection, row).resource
    after = deepcopy({name: value for name, value in {**before, **values}.items() if value is not None})
    connection.calls()
    await directory.change(resource_id, row, Changes(before, directory.collection.written(after, None)))
    return record_of(directory.collection, connection.sandbox_row(resource_id, kind)).resource


def stored(sandbox: Sandbox, user: Resource) -> dict[str, Any]:
    return sandbox.store.users[user["id"]].data


def sent(connection: Connected) -> list[tuple[str, Any]]:
    """The writes that arrived, without the ids in their paths, and their bodies."""
    found = [
        (each.method, each.path.split("/"), each.body) for each in connection.sandbox.calls if each.method != "GET"
    ]
    connection.calls()
    return [("/".join([method, path[1], *path[3:]]), body) for method, path, body in found]


def people(sandbox: Sandbox, *numbers: int) -> list[str]:
    everyone = list(sandbox.store.users)
    return [everyone[number] for number in numbers]


def users(ids: list[str]) -> tuple[Resource, ...]:
    return tuple({"value": each, "type": "User"} for each in ids)


async def members(acme: Connected, group: Resource, **changes: Any) -> None:
    await acme.groups.change(group["id"], None, Changes(members={"members": MemberChanges(**changes)}))
