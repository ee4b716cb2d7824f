"""The simulated PingOne, called directly, and a connection to it as the program makes one."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx

from scim_bridge.providers.pingone import PROVIDER, Settings
from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.query.capabilities import Row
from scim_bridge.query.directory import Directory
from scim_bridge.query.pages import Send
from scim_bridge.simulation import Recorded
from scim_bridge.upstream.redact import Secret
from tests.clocks import FakeClock
from tests.providers import engine
from tests.providers.engine import opened

ORIGIN = "https://pingone.test"
JSON = "application/json"
USER_URN = "urn:scim-bridge:schemas:1.0:pingone:User"
GROUP_URN = "urn:scim-bridge:schemas:1.0:pingone:Group"


class Api:
    """The vendor's API, called as its own documentation has it, signed in."""

    def __init__(self, client: httpx.AsyncClient, environment_id: str, token: str) -> None:
        self._client = client
        self._base = f"{ORIGIN}/v1/environments/{environment_id}"
        self.headers = {"Authorization": f"Bearer {token}"}

    async def __call__(
        self, method: str, path: str, body: Any = None, *, kind: str = JSON, **query: Any
    ) -> httpx.Response:
        """``path``: below the environment, or a whole link."""
        url = path if path.startswith("http") else self._base + path
        content: dict[str, Any] = {} if body is None else {"json": body}
        headers = {**self.headers, **({"Content-Type": kind} if body is not None or kind != JSON else {})}
        return await self._client.request(method, url, params=query or None, headers=headers, **content)


@asynccontextmanager
async def api_of(sandbox: Sandbox) -> AsyncIterator[Api]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=sandbox.app)) as client:
        answer = await sign_in(client, sandbox)
        yield Api(client, sandbox.environment_id, answer.json()["access_token"])
    sandbox.log.clear()


async def sign_in(client: httpx.AsyncClient, sandbox: Sandbox, **form: str) -> httpx.Response:
    """The token endpoint's answer; ``form``: the client's credentials in the body instead of the header."""
    url = f"{ORIGIN}/{sandbox.environment_id}/as/token"
    auth = httpx.Auth() if form else httpx.BasicAuth(sandbox.client_id, sandbox.client_secret)
    return await client.post(url, data={"grant_type": "client_credentials", **form}, auth=auth)


def detail(answer: httpx.Response) -> tuple[str, str | None]:
    """The code and the target of a refusal's first detail."""
    found = answer.json()["details"][0]
    return found["code"], found.get("target")


class Connected(engine.Connected[Sandbox]):
    """The directories of a connection, and what it was made of."""

    def __init__(self, sandbox: Sandbox, settings: Settings, send: Send, directories: Sequence[Directory]) -> None:
        super().__init__(sandbox, directories, told)
        self.send = send
        self.settings = settings

    def sandbox_row(self, resource_id: str, kind: str = "users") -> Row:
        """A record as the sandbox holds it, read behind the API's back."""
        data: Row = getattr(self.sandbox.store, kind)[resource_id].data
        return data

    async def names(self, filter: str) -> set[str]:
        return {each["userName"] for each in await self.find(filter)}


def told(call: Recorded) -> str:
    """Method, path and filter of a request."""
    filter = call.query.get("filter")
    return f"{call}?{filter}" if filter else str(call)


@asynccontextmanager
async def connected(
    sandbox: Sandbox,
    clock: FakeClock | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    **settings: Any,
) -> AsyncIterator[Connected]:
    """A connection as the program makes one, without its protocol layer; ``transport``: another way to the sandbox."""
    sandbox.log.clear()
    clock = clock or FakeClock()
    given: Mapping[str, Any] = {**sandbox.settings, "api_url": f"{ORIGIN}/v1", "auth_url": ORIGIN, **settings}
    made = Settings(**{**given, "client_secret": Secret(given["client_secret"])})
    way = transport or httpx.ASGITransport(app=sandbox.app)
    directories, client = await opened(PROVIDER, made, clock, way, discovering=False)
    try:
        yield Connected(sandbox, made, client.send, directories)
    finally:
        await client.aclose()
