"""The whole program in front of the simulated tenant, as a SCIM client meets it over HTTP."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from scim2_server.cursor import Cursors

from scim_bridge.app import create_app
from scim_bridge.config import from_document
from scim_bridge.connections import Connection, provider_by_name
from scim_bridge.providers.sailpoint_isc.sandbox import Sandbox
from tests.providers.sailpoint_isc.support import ORIGIN, told

TOKEN = "client-t0ken"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Bridge:
    """A SCIM client of the program; ``calls`` are the requests that reached the sandbox since the last look."""

    def __init__(self, sandbox: Sandbox, client: httpx.AsyncClient) -> None:
        self.sandbox = sandbox
        self._client = client

    async def ask(self, method: str, path: str, json: Any = None, **query: Any) -> httpx.Response:
        """The answer; what it says of upstream requests is checked against what arrived."""
        before = len(self.sandbox.calls) + self.sandbox.log.sign_ins
        answer = await self._client.request(method, f"/scim/acme/v2{path}", json=json, params=query or None)
        arrived = len(self.sandbox.calls) + self.sandbox.log.sign_ins - before
        assert f'desc="{arrived}"' in answer.headers["Server-Timing"]
        assert TOKEN not in answer.text and self.sandbox.client_secret not in answer.text
        return answer

    async def get(self, path: str, **query: Any) -> Any:
        return checked(await self.ask("GET", path, **query), 200)

    async def create(self, kind: str, body: Mapping[str, Any]) -> httpx.Response:
        return await self.ask("POST", f"/{kind}s", {"schemas": [core(kind)], **body})

    async def replace(self, kind: str, resource_id: str, body: Mapping[str, Any]) -> httpx.Response:
        return await self.ask("PUT", f"/{kind}s/{resource_id}", {"schemas": [core(kind)], **body})

    async def patch(self, kind: str, resource_id: str, *operations: Mapping[str, Any]) -> httpx.Response:
        return await self.ask("PATCH", f"/{kind}s/{resource_id}", patch_of(*operations))

    def calls(self) -> list[str]:
        seen = [told(each) for each in self.sandbox.calls]
        self.sandbox.log.clear()
        return seen


def checked(answer: httpx.Response, status: int) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


def core(kind: str) -> str:
    return USER if kind == "User" else GROUP


def patch_of(*operations: Mapping[str, Any]) -> dict[str, Any]:
    return {"schemas": [PATCH], "Operations": list(operations)}


@asynccontextmanager
async def bridged(
    sandbox: Sandbox, *, limits: Any = None, profile: str = "auto", **settings: Any
) -> AsyncIterator[Bridge]:
    """The program with one connection, "acme", that is open already."""
    document = {
        "provider": "sailpoint-isc",
        "token": TOKEN,
        "client_profile": profile,
        "limits": limits or {},
        "settings": {**sandbox.settings, "api_url": ORIGIN, **settings},
    }
    config = from_document({"connections": {"acme": document}}, "test", provider_by_name)
    transport = httpx.ASGITransport(app=sandbox.app)
    connection = Connection(
        config.connections["acme"], Cursors(b"s" * 32), clock=sandbox.store.clock, transport=transport
    )
    headers = {"Authorization": f"Bearer {TOKEN}"}
    app = httpx.ASGITransport(app=create_app({"acme": connection}))
    try:
        async with httpx.AsyncClient(transport=app, base_url="http://bridge.test", headers=headers) as client:
            await client.get("/scim/acme/v2/Users?count=1")
            sandbox.log.clear()
            yield Bridge(sandbox, client)
    finally:
        await connection.aclose()
