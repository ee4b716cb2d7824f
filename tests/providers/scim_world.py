"""scim2-server as one more vendor: what it holds, read and written behind its API's back, and what it is asked."""

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

from starlette.requests import Request

from scim_bridge.providers.scim.sandbox import TOKEN, Sandbox
from scim_bridge.simulation import Log
from tests.providers import program
from tests.providers.meaning import exact, moment
from tests.providers.program import ENTERPRISE, USER, Vendor
from tests.providers.scim_server import BASE_URL
from tests.providers.sixty import DEPARTMENT, Planted


class Server:
    """A server that knows what it was asked."""

    def __init__(self, users: int) -> None:
        self.server = Sandbox(users)
        self.log = Log()

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        self.log.record(Request(scope), b"", scope["path"])
        await self.server(scope, receive, send)

    def users(self) -> list[Any]:
        """The stored models."""
        return [each for each in self.server.memory.resources if each.meta and each.meta.resource_type == "User"]


def people(server: Server) -> list[dict[str, Any]]:
    """All users as SCIM shows them, single values under their dotted names."""
    return [_flat(each.model_dump(mode="json")) for each in server.users()]


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    name, meta, extension = row.get("name") or {}, row["meta"], row.get(ENTERPRISE) or {}
    shown = {path: row.get(path) for path in ("userName", "displayName", "title", "active")}
    shown |= {path: row.get(path) or [] for path in ("emails", "phoneNumbers")}
    shown |= {f"name.{part}": name.get(part) for part in ("givenName", "familyName", "formatted")}
    shown |= {"id": exact(row["id"]), "externalId": exact(row.get("externalId"))}
    shown |= {f"meta.{each}": moment(meta[each]) for each in ("created", "lastModified")}
    return {**shown, DEPARTMENT: extension.get("department")}


def records(server: Server) -> dict[str, dict[str, Any]]:
    """All that it holds, by resource type and id."""
    found: dict[str, dict[str, Any]] = {}
    for row in (each.model_dump(mode="json") for each in server.server.memory.resources):
        found.setdefault(row["meta"]["resourceType"], {})[row["id"]] = row
    return found


def plant(server: Server, planted: Iterable[Planted]) -> None:
    """Make the first users such people."""
    changed = {user.id: _like(user, one) for user, one in zip(server.users(), planted, strict=False)}
    memory = server.server.memory
    memory.resources = [changed.get(each.id, each) for each in memory.resources]


def _like(user: Any, one: Planted) -> Any:
    """A user with nothing but what such a person has."""
    full = " ".join(filter(None, (one["given"], one["family"]))) or None
    body = {
        "schemas": [USER, ENTERPRISE] if one["department"] else [USER],
        "userName": one["user"],
        "name": {"givenName": one["given"], "familyName": one["family"]} if full else None,
        "displayName": full,
        "title": one["title"],
        "externalId": one["external"],
        "active": one["active"],
        "emails": [{"value": one["mail"], "type": "work"}] if one["mail"] else None,
        "phoneNumbers": [{"value": one["phone"], "type": "work"}] if one["phone"] else None,
        ENTERPRISE: {"department": one["department"]} if one["department"] else None,
    }
    made = type(user).model_validate({name: each for name, each in body.items() if each is not None})
    made.id, made.meta = user.id, user.meta
    made.meta.created, made.meta.last_modified = (datetime.fromisoformat(one[n]) for n in ("created", "changed"))
    return made


VENDOR: Vendor[Server] = Vendor(
    "scim",
    str,
    secrets=lambda server: [TOKEN],
)


def bridged(server: Server, **more: Any) -> AbstractAsyncContextManager[program.Bridge[Server]]:
    """The program with one connection, that has proven by then what the server answers."""
    return program.running(VENDOR, server, {"base_url": BASE_URL, "token": TOKEN}, **more)
