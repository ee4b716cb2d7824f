"""The whole program in front of the simulated PingOne, as a SCIM client meets it over HTTP."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from scim2_server.cursor import Cursors

from scim_bridge.app import create_app
from scim_bridge.config import from_document
from scim_bridge.connections import Connection, provider_by_name
from scim_bridge.providers.pingone.sandbox import Recorded, Sandbox
from tests.clocks import FakeClock
from tests.providers.pingone.support import ORIGIN

TOKEN = "client-t0ken"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Bridge:
    """A SCIM client of the program; ``calls`` are the requests that reached the sandbox since the last look."""

    def __init__(self, sandbox: Sandbox, client: httpx.AsyncClient, clock: FakeClock) -> None:
        self.sandbox = sandbox
        self.clock = clock
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

    async def create(self, kind: str, body: Mapping[str, Any]) -> Any:
        answer = await self.ask("POST", f"/{kind}s", {"schemas": [_core(kind)], **body})
        return self._checked(answer, 201)

    async def replace(self, kind: str, resource_id: str, body: Mapping[str, Any]) -> Any:
        answer = await self.ask("PUT", f"/{kind}s/{resource_id}", {"schemas": [_core(kind)], **body})
        return self._checked(answer, 200)

    async def patch(self, kind: str, resource_id: str, *operations: Mapping[str, Any]) -> httpx.Response:
        return await self.ask("PATCH", f"/{kind}s/{resource_id}", patch_of(*operations))

    async def find(self, kind: str, **query: Any) -> list[Any]:
        """All matches in one page."""
        found = await self.get(f"/{kind}s", count=1000, **query)
        assert found["totalResults"] == found["itemsPerPage"] == len(found["Resources"])
        resources: list[Any] = found["Resources"]
        return resources

    def calls(self) -> list[str]:
        seen = [told(each) for each in self.sandbox.calls]
        self.sandbox.log.clear()
        return seen

    @staticmethod
    def _checked(answer: httpx.Response, status: int) -> Any:
        assert answer.status_code == status, answer.text
        return answer.json()


def _core(kind: str) -> str:
    return USER if kind == "User" else GROUP


def patch_of(*operations: Mapping[str, Any]) -> dict[str, Any]:
    return {"schemas": [PATCH], "Operations": list(operations)}


def told(call: Recorded) -> str:
    """Method, path and filter of a request."""
    return f"{call}?{call.query['filter']}" if "filter" in call.query else str(call)


@asynccontextmanager
async def bridged(
    sandbox: Sandbox, *, limits: Any = None, profile: str = "auto", **settings: Any
) -> AsyncIterator[Bridge]:
    """The program with one connection, "acme"; it has read the populations by then, as a warm one has."""
    document = {
        "provider": "pingone",
        "token": TOKEN,
        "client_profile": profile,
        "limits": limits or {},
        "settings": {**sandbox.settings, "api_url": f"{ORIGIN}/v1", "auth_url": ORIGIN, **settings},
    }
    config = from_document({"connections": {"acme": document}}, "test", provider_by_name)
    clock = FakeClock()
    transport = httpx.ASGITransport(app=sandbox.app)
    connection = Connection(config.connections["acme"], Cursors(b"s" * 32), clock=clock, transport=transport)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    app = httpx.ASGITransport(app=create_app({"acme": connection}))
    try:
        async with httpx.AsyncClient(transport=app, base_url="http://bridge.test", headers=headers) as client:
            await client.get("/scim/acme/v2/ResourceTypes")
            sandbox.log.clear()
            yield Bridge(sandbox, client, clock)
    finally:
        await connection.aclose()
