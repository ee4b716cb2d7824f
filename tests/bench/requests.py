"""What is asked of each server, in its own words."""

from itertools import count
from typing import Any

from tests.bench.measure import Arm
from tests.bench.people import ENTERPRISE, USER
from tests.bench.servers import Server

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_numbers = count(1)


def reads(server: Server, people: int) -> dict[str, list[str]]:
    """Requests that change nothing, by name."""
    return {
        "GET /Users/{id}": [server.request("GET", f"/Users/{each}") for each in server.ids],
        "userName eq": [server.request("GET", "/Users", filter=f'userName eq "{each}"') for each in server.names],
        "list of 100": [server.request("GET", "/Users", startIndex=1, count=100)],
        "last 100": [server.request("GET", "/Users", startIndex=people - 99, count=100)],
        "familyName sw, 50": [server.request("GET", "/Users", filter='name.familyName sw "A"', startIndex=1, count=50)],
        "Groups without members": [
            server.request("GET", "/Groups", startIndex=1, count=100, excludedAttributes="members")
        ],
    }


def reading(server: Server, requests: list[str], connections: int = 8) -> Arm:
    return lambda seconds: server.load(requests, connections, seconds)


def creating(server: Server) -> Arm:
    """POST of users with new names. The server ends with more people than it began with."""

    def run(seconds: float) -> float:
        bodies = [new_user(next(_numbers)) for _ in range(int(3000 * seconds) + 200)]
        return server.load([server.request("POST", "/Users", each) for each in bodies], 8, seconds)

    return run


def deactivating(server: Server) -> Arm:
    """PATCH of `active`, to and fro, so that it changes each time."""
    off, on = ([{"op": "replace", "path": "active", "value": value}] for value in (False, True))
    requests = [
        server.request("PATCH", f"/Users/{each}", {"schemas": [PATCH], "Operations": operations})
        for operations in (off, on)
        for each in server.ids
    ]
    return reading(server, requests)


def new_user(number: int) -> dict[str, Any]:
    name = f"created.{number}.{id(_numbers):x}@example.com"
    return {
        "schemas": [USER, ENTERPRISE],
        "userName": name,
        "name": {"familyName": "Created", "givenName": f"N{number}"},
        "displayName": f"Created {number}",
        "active": True,
        "emails": [{"value": name, "type": "work", "primary": True}],
        ENTERPRISE: {"department": "Sales", "employeeNumber": str(number)},
    }
