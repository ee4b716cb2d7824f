"""The whole program in front of the simulated site, as a SCIM client meets it over HTTP."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from scim2_server.cursor import Cursors

from scim_bridge.app import create_app
from scim_bridge.config import from_document
from scim_bridge.connections import Connection, provider_by_name
from scim_bridge.providers.sailpoint_iiq.sandbox import Sandbox
from tests.clocks import FakeClock
from tests.providers.sailpoint_iiq.support import CORE, ORIGIN

TOKEN = "client-t0ken"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MAPPED = {"externalId": "employeeId", "title": "JOBTITLE", "enterprise.department": "department"}


class Bridge:
    """A SCIM client of the program; ``calls`` are the requests that reached the sandbox since the last look."""

    def __init__(self, sandbox: Sandbox, client: httpx.AsyncClient, secret: str) -> None:
        self.sandbox = sandbox
        self._client = client
        self._secret = secret

    async def ask(self, method: str, path: str, json: Any = None, **query: Any) -> httpx.Response:
        """The answer; what it says of upstream requests is checked against what arrived."""
        before = len(self.sandbox.calls) + self.sandbox.sign_ins
        answer = await self._client.request(method, f"/scim/acme/v2{path}", json=json, params=query or None)
        arrived = len(self.sandbox.calls) + self.sandbox.sign_ins - before
        assert f'desc="{arrived}"' in answer.headers["Server-Timing"]
        assert TOKEN not in answer.text and self._secret not in answer.text and "localhost:8088" not in answer.text
        return answer

    async def get(self, path: str, **query: Any) -> Any:
        return checked(await self.ask("GET", path, **query), 200)

    async def create(self, **values: Any) -> Any:
        return checked(await self.ask("POST", "/Users", {"schemas": [CORE], **values}), 201)

    async def patch(self, resource_id: str, *operations: Mapping[str, Any]) -> httpx.Response:
        body = {"schemas": [PATCH], "Operations": list(operations)}
        return await self.ask("PATCH", f"/Users/{resource_id}", body)

    async def changed(self, resource_id: str, **values: Any) -> Any:
        """A user after a PATCH that replaces some attributes."""
        return checked(await self.patch(resource_id, *({"op": "replace", "value": values},)), 200)

    async def find(self, kind: str, **query: Any) -> list[Any]:
        """All matches in one page."""
        found = await self.get(f"/{kind}s", count=1000, **query)
        assert found["totalResults"] == found["itemsPerPage"] == len(found["Resources"])
        resources: list[Any] = found["Resources"]
        return resources

    def calls(self) -> list[str]:
        """Method and path of each request since the last look; of lists, with their filter."""
        seen = [
            f"{each}?{each.query['filter']}" if "filter" in each.query else str(each) for each in self.sandbox.calls
        ]
        self.sandbox.clear()
        return seen


def checked(answer: httpx.Response, status: int) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


@asynccontextmanager
async def bridged(
    sandbox: Sandbox,
    *,
    limits: Any = None,
    profile: str = "auto",
    clock: FakeClock | None = None,
    oauth: bool = False,
    transport: httpx.AsyncBaseTransport | None = None,
    **settings: Any,
) -> AsyncIterator[Bridge]:
    """The program with one connection, "acme", that has looked at the site."""
    signed_in = sandbox.client if oauth else sandbox.settings
    document = {
        "provider": "sailpoint-iiq",
        "token": TOKEN,
        "client_profile": profile,
        "limits": limits or {},
        "settings": {**signed_in, "base_url": f"{ORIGIN}{sandbox.context}", "attributes": MAPPED, **settings},
    }
    config = from_document({"connections": {"acme": document}}, "test", provider_by_name)
    connection = Connection(
        config.connections["acme"],
        Cursors(b"s" * 32),
        clock=clock or FakeClock(),
        transport=transport or httpx.ASGITransport(app=sandbox.app),
    )
    headers = {"Authorization": f"Bearer {TOKEN}"}
    app = httpx.ASGITransport(app=create_app({"acme": connection}))
    secret = next(value for name, value in signed_in.items() if name in ("password", "client_secret"))
    try:
        async with httpx.AsyncClient(transport=app, base_url="http://bridge.test", headers=headers) as client:
            await client.get("/scim/acme/v2/ResourceTypes")
            sandbox.clear()
            yield Bridge(sandbox, client, secret)
    finally:
        await connection.aclose()
