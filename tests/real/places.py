"""Where real clients are tried: connections of one bridge, and what their upstreams hold, seen behind its back."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.providers.pingone.users import URN
from tests.programs import scim2_server, serve
from tests.real.worlds import TOKEN, client, config, pages
from tests.servers import running


@dataclass(frozen=True, slots=True)
class User:
    """What of a user the clients write."""

    name: str
    family: str | None
    active: bool | None


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    members: frozenset[str]


@dataclass(frozen=True, slots=True)
class Place:
    """A connection: its SCIM base URL and token; ``users`` and ``groups`` are what its upstream holds by id.

    ``required``: extensions that its discovery says each user has. Clients that go by discovery send them.
    """

    name: str
    base: str
    token: str
    users: Callable[[], dict[str, User]]
    groups: Callable[[], dict[str, Group]]
    required: Mapping[str, Any] = field(default_factory=dict)


@contextmanager
def places(folder: Path) -> Iterator[dict[str, Place]]:
    """A bridge in front of scim2-server and of the simulated PingOne."""
    sandbox = Sandbox(users=20)
    with scim2_server(TOKEN) as base, client(base, TOKEN) as upstream, running(sandbox.app) as ping:
        settings = {**sandbox.settings, "api_url": f"{ping}/v1", "auth_url": ping}
        path = config(
            folder,
            scim={"provider": "scim", "settings": {"base_url": base, "token": TOKEN}},
            pingone={"provider": "pingone", "settings": settings},
        )
        with serve(path) as origin:
            found = (_scim(upstream, origin), _pingone(sandbox, origin))
            yield {each.name: each for each in found}


def _scim(upstream: httpx.Client, origin: str) -> Place:
    def users() -> dict[str, User]:
        rows = pages(upstream, "/Users")
        return {
            row["id"]: User(row["userName"], row.get("name", {}).get("familyName"), row.get("active")) for row in rows
        }

    def groups() -> dict[str, Group]:
        rows = pages(upstream, "/Groups")
        return {
            row["id"]: Group(row["displayName"], frozenset(each["value"] for each in row.get("members", [])))
            for row in rows
        }

    return Place("scim", f"{origin}/scim/scim/v2", "t-scim", users, groups)


def _pingone(sandbox: Sandbox, origin: str) -> Place:
    store = sandbox.store

    def users() -> dict[str, User]:
        rows = {id: item.data for id, item in store.users.items()}
        return {
            id: User(row["username"], row.get("name", {}).get("family"), row["enabled"]) for id, row in rows.items()
        }

    def groups() -> dict[str, Group]:
        rows = {id: item.data for id, item in store.groups.items()}
        return {id: Group(row["name"], frozenset(store.direct.get(id, ()))) for id, row in rows.items()}

    population = next(id for id, item in store.populations.items() if item.data["default"])
    required = {URN: {"populationId": population}}
    return Place("pingone", f"{origin}/scim/pingone/v2", "t-pingone", users, groups, required)
