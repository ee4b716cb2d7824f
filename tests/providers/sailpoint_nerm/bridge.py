"""The whole program in front of the simulated NERM, as a SCIM client meets it over HTTP."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from scim2_server.cursor import Cursors

from scim_bridge.app import create_app
from scim_bridge.config import from_document
from scim_bridge.connections import Connection, provider_by_name
from scim_bridge.providers.sailpoint_nerm.fields import URN
from scim_bridge.providers.sailpoint_nerm.sandbox import Recorded, Sandbox
from tests.clocks import FakeClock
from tests.providers.sailpoint_nerm.support import ENTERPRISE, ORIGIN

TOKEN = "client-t0ken"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MAPPED = {
    "userName": "login_name",
    "externalId": "external_id",
    "enterprise.organization": "organization",
    'addresses[type eq "work"].locality': "city",
    f"{URN}:end_date": "end_date",
    f"{URN}:notes": "notes",
    f"{URN}:sponsor": "sponsor",
    f"{URN}:locations": "locations",
    f"{URN}:work_mode": "work_mode",
}
__all__ = ["ENTERPRISE", "MAPPED", "PATCH", "TOKEN", "URN", "USER", "Bridge", "bridged", "told"]


class Bridge:
    """A SCIM client of the program; `calls` are the requests that reached the sandbox since the last look."""

    def __init__(self, sandbox: Sandbox, client: httpx.AsyncClient, clock: FakeClock) -> None:
        self.sandbox = sandbox
        self.clock = clock
        self._client = client

    async def ask(self, method: str, path: str, json: Any = None, **query: Any) -> httpx.Response:
        """The answer; what it says of upstream requests is checked against what arrived."""
        before = len(self.sandbox.calls) + self.sandbox.log.sign_ins
        answer = await self._client.request(method, f"/scim/acme/v2{path}", json=json, params=query or None)
        arrived = len(self.sandbox.calls) + self.sandbox.log.sign_ins - before
        assert f'desc="{arrived}"' in answer.headers["Server-Timing"]
        secrets = (TOKEN, self.sandbox.api_key, self.sandbox.client_secret)
        assert not any(secret in answer.text for secret in secrets)
        return answer

    async def get(self, path: str, **query: Any) -> Any:
        return self._checked(await self.ask("GET", path, **query), 200)

    async def create(self, **body: Any) -> Any:
        return self._checked(await self.ask("POST", "/Users", {"schemas": [USER], **body}), 201)

    async def replace(self, resource_id: str, *schemas: str, **body: Any) -> Any:
        answer = await self.ask("PUT", f"/Users/{resource_id}", {"schemas": [USER, *schemas], **body})
        return self._checked(answer, 200)

    async def patch(self, resource_id: str, *operations: Mapping[str, Any]) -> httpx.Response:
        body = {"schemas": [PATCH], "Operations": list(operations)}
        return await self.ask("PATCH", f"/Users/{resource_id}", body)

    async def change(self, resource_id: str, **values: Any) -> Any:
        return self._checked(await self.patch(resource_id, {"op": "replace", "value": values}), 200)

    async def find(self, kind: str = "Users", **query: Any) -> list[Any]:
        """All matches in one page."""
        found = await self.get(f"/{kind}", count=1000, **query)
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


def told(call: Recorded) -> str:
    """Method and path, and what narrows a list: its parameters beside paging, or the operators of its rules."""
    paging = ("limit", "offset", "metadata", "order", "profile_type_id", "after_id", "exclude_attributes")
    terms = [f"{name}={value}" for name, value in call.query.items() if name not in paging]
    if call.path == "/advanced_search/run":
        rules = call.body["advanced_search"]["condition_rules_attributes"]
        terms += [
            f"{each['comparison_operator']}{each['value']}" for each in rules if each["type"] != "ProfileTypeRule"
        ]
    after = " after" if "after_id" in call.query else ""
    return f"{call}{after}" + (f"?{'&'.join(sorted(terms))}" if terms else "")


@asynccontextmanager
async def bridged(
    sandbox: Sandbox,
    *,
    limits: Any = None,
    profile: str = "auto",
    attributes: Any = MAPPED,
    transport: httpx.AsyncBaseTransport | None = None,
    **settings: Any,
) -> AsyncIterator[Bridge]:
    """The program with one connection, "acme", whose facts are read by then; ``transport``: another way to them."""
    sign_in = {} if "client_id" in settings else sandbox.settings
    document = {
        "provider": "sailpoint-nerm",
        "token": TOKEN,
        "client_profile": profile,
        "limits": limits or {},
        "settings": {"base_url": f"{ORIGIN}/api", "attributes": attributes, **sign_in, **settings},
    }
    config = from_document({"connections": {"acme": document}}, "test", provider_by_name)
    clock = FakeClock()
    transport = transport or httpx.ASGITransport(app=sandbox.app)
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
