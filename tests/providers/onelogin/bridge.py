"""The whole program in front of the simulated OneLogin, as a SCIM client meets it over HTTP."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from scim2_server.cursor import Cursors

from scim_bridge.app import create_app
from scim_bridge.config import from_document
from scim_bridge.connections import Connection, provider_by_name
from scim_bridge.providers.onelogin.sandbox import Recorded, Sandbox
from tests.clocks import FakeClock
from tests.providers.onelogin.support import ORIGIN

TOKEN = "client-t0ken"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
URN = "urn:scim-bridge:schemas:1.0:onelogin:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
CUSTOM = {
    "enterprise.employeeNumber": "custom_attributes.employee_number",
    "enterprise.costCenter": "custom_attributes.cost_center",
}


class Bridge:
    """A SCIM client of the program; `calls` are the requests that reached the sandbox since the last look."""

    def __init__(self, sandbox: Sandbox, client: httpx.AsyncClient) -> None:
        self.sandbox = sandbox
        self._client = client

    async def ask(self, method: str, path: str, json: Any = None, **query: Any) -> httpx.Response:
        """The answer; what it says of upstream requests is checked against what arrived."""
        before = len(self.sandbox.calls) + len(self.sandbox.log.sign_ins)
        answer = await self._client.request(method, f"/scim/acme/v2{path}", json=json, params=query or None)
        arrived = len(self.sandbox.calls) + len(self.sandbox.log.sign_ins) - before
        assert f'desc="{arrived}"' in answer.headers["Server-Timing"]
        assert TOKEN not in answer.text and self.sandbox.client_secret not in answer.text
        return answer

    async def get(self, path: str, **query: Any) -> Any:
        return self._checked(await self.ask("GET", path, **query), 200)

    async def create(self, kind: str, **values: Any) -> Any:
        answer = await self.ask("POST", f"/{kind}s", {"schemas": [core(kind)], **values})
        return self._checked(answer, 201)

    async def replace(self, kind: str, resource_id: Any, **values: Any) -> Any:
        answer = await self.ask("PUT", f"/{kind}s/{resource_id}", {"schemas": [core(kind)], **values})
        return self._checked(answer, 200)

    async def patch(self, kind: str, resource_id: Any, *operations: Mapping[str, Any]) -> httpx.Response:
        return await self.ask("PATCH", f"/{kind}s/{resource_id}", patch_of(*operations))

    async def find(self, kind: str, filter: str, **query: Any) -> list[Any]:
        """All matches, in one page."""
        path = "/Activities" if kind == "Activity" else f"/{kind}s"
        asked = {"filter": filter} if filter else {}
        found = await self.get(path, count=1000, **asked, **query)
        assert found["totalResults"] == found["itemsPerPage"] == len(found["Resources"])
        resources: list[Any] = found["Resources"]
        return resources

    async def ids(self, kind: str, filter: str) -> set[str]:
        return {each["id"] for each in await self.find(kind, filter, attributes="id")}

    def calls(self) -> list[str]:
        """Method, path and what is asked for, but for columns, order and page."""
        seen = [told(each) for each in self.sandbox.calls]
        self.sandbox.log.clear()
        return seen

    @staticmethod
    def _checked(answer: httpx.Response, status: int) -> Any:
        assert answer.status_code == status, answer.text
        return answer.json()


def core(kind: str) -> str:
    return USER if kind == "User" else GROUP


def patch_of(*operations: Mapping[str, Any]) -> dict[str, Any]:
    return {"schemas": [PATCH], "Operations": list(operations)}


def step(op: str, path: str, value: Any = None) -> dict[str, Any]:
    return {"op": op, "path": path, **({} if value is None else {"value": value})}


def told(call: Recorded) -> str:
    query = {name: value for name, value in call.query.items() if name not in ("fields", "sort", "limit", "page")}
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    path = call.path.removeprefix("/api")
    return f"{call.method} {path}?{asked}" if asked else f"{call.method} {path}"


@asynccontextmanager
async def bridged(
    sandbox: Sandbox, *, limits: Any = None, profile: str = "auto", clock: FakeClock | None = None, **settings: Any
) -> AsyncIterator[Bridge]:
    """The program with one connection, "acme"; it has read groups and types of events by then, as a warm one has."""
    document = {
        "provider": "onelogin",
        "token": TOKEN,
        "client_profile": profile,
        "limits": limits or {},
        "settings": {**sandbox.settings, "base_url": ORIGIN, "attributes": CUSTOM, **settings},
    }
    config = from_document({"connections": {"acme": document}}, "test", provider_by_name)
    transport = httpx.ASGITransport(app=sandbox.app)
    connection = Connection(
        config.connections["acme"], Cursors(b"s" * 32), clock=clock or FakeClock(), transport=transport
    )
    headers = {"Authorization": f"Bearer {TOKEN}"}
    app = httpx.ASGITransport(app=create_app({"acme": connection}))
    try:
        async with httpx.AsyncClient(transport=app, base_url="http://bridge.test", headers=headers) as client:
            await client.get("/scim/acme/v2/ResourceTypes")
            sandbox.log.clear()
            yield Bridge(sandbox, client)
    finally:
        await connection.aclose()
