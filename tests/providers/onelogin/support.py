"""The simulated OneLogin, called directly as its documentation has it, signed in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from scim_bridge.providers.onelogin.sandbox import Sandbox
from scim_bridge.providers.onelogin.sandbox_account import Knobs
from tests.clocks import FakeClock

ORIGIN = "https://sandbox.onelogin.test"
TOKEN = "/auth/oauth2/v2/token"
GRANT = {"grant_type": "client_credentials"}


class Api:
    """The vendor's API; ``headers`` may be changed by a test."""

    def __init__(self, sandbox: Sandbox, client: httpx.AsyncClient, token: str) -> None:
        self.sandbox = sandbox
        self.client = client
        self.headers = {"Authorization": f"Bearer {token}"}

    async def __call__(self, method: str, path: str, body: Any = None, **query: Any) -> httpx.Response:
        content: dict[str, Any] = {} if body is None else {"json": body}
        return await self.client.request(method, path, params=query or None, headers=self.headers, **content)

    async def ids(self, **query: Any) -> list[int]:
        """The ids of the users that a filter finds."""
        answer = await self("GET", "/api/2/users", **query)
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()]


def made(users: int = 60, clock: FakeClock | None = None, **knobs: Any) -> Sandbox:
    """A sandbox on a clock that stands still; ``knobs`` are turned before it starts."""
    return Sandbox(users=users, clock=clock or FakeClock(), knobs=Knobs(**knobs))


@asynccontextmanager
async def unsigned(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=sandbox.app), base_url=ORIGIN) as client:
        yield client


@asynccontextmanager
async def api_of(sandbox: Sandbox) -> AsyncIterator[Api]:
    async with unsigned(sandbox) as client:
        answer = await client.post(TOKEN, json=GRANT, auth=(sandbox.client_id, sandbox.client_secret))
        sandbox.log.clear()
        yield Api(sandbox, client, answer.json()["access_token"])
