"""The simulated tenant, called directly, and a connection to it as the program makes one."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx

from scim_bridge.providers.sailpoint_isc import PROVIDER, Settings
from scim_bridge.providers.sailpoint_isc.sandbox import Sandbox
from scim_bridge.query.directory import Directory
from scim_bridge.query.run import ReadLimits
from scim_bridge.simulation import Recorded
from scim_bridge.testing.simulated import Related
from scim_bridge.upstream.redact import Secret
from tests.clocks import FakeClock
from tests.providers import engine
from tests.providers.engine import NO_LIMITS, opened

ORIGIN = "https://acme.api.identitynow.test"
USER_URN = "urn:scim-bridge:schemas:1.0:sailpoint-isc:User"
GROUP_URN = "urn:scim-bridge:schemas:1.0:sailpoint-isc:Group"
ROLE_URN = "urn:scim-bridge:schemas:1.0:Role"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "application/json-patch+json"


def sandbox_of(users: int = 60, **more: Any) -> Sandbox:
    """A tenant whose clock stands still until something waits, without a rate limit."""
    sandbox = Sandbox(users=users, clock=FakeClock(), **more)
    sandbox.knobs.requests_per_window = None
    return sandbox


class Api:
    """The vendor's API, called as its own documentation has it, signed in."""

    def __init__(self, client: httpx.AsyncClient, token: str, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self.headers = {"Authorization": f"Bearer {token}"}

    async def __call__(
        self, method: str, path: str, body: Any = None, *, kind: str = "application/json", **query: Any
    ) -> httpx.Response:
        """``path``: without a version, which is the one of this API."""
        service, _, rest = path.removeprefix("/").partition("/")
        versioned = f"/{service}/v1/{rest}".rstrip("/") if self._prefix == "v1" else f"/{self._prefix}{path}"
        content: dict[str, Any] = {} if body is None else {"json": body}
        headers = {**self.headers, **({"Content-Type": kind} if body is not None else {})}
        return await self._client.request(
            method, f"{ORIGIN}{versioned}", params=query or None, headers=headers, **content
        )


@asynccontextmanager
async def api_of(sandbox: Sandbox, prefix: str = "v1") -> AsyncIterator[Api]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=sandbox.app)) as client:
        answer = await sign_in(client, sandbox)
        yield Api(client, answer.json()["access_token"], prefix)
    sandbox.log.clear()


async def sign_in(client: httpx.AsyncClient, sandbox: Sandbox, **changes: str) -> httpx.Response:
    """The token endpoint's answer."""
    form = {"grant_type": "client_credentials", "client_id": sandbox.client_id, "client_secret": sandbox.client_secret}
    return await client.post(f"{ORIGIN}/oauth/token", data={**form, **changes})


def code(answer: httpx.Response) -> str:
    """The detail code of a refusal."""
    return str(answer.json()["detailCode"])


class Connected(engine.Connected[Sandbox]):
    """The directories of a connection, and its clock."""

    def __init__(self, sandbox: Sandbox, directories: Sequence[Directory], clock: FakeClock) -> None:
        super().__init__(sandbox, directories, told)
        self.clock = clock
        self.roles = self.directories["Role"]


def told(call: Recorded) -> str:
    filter = call.query.get("filters")
    return f"{call}?{filter}" if filter else str(call)


@asynccontextmanager
async def connected(
    sandbox: Sandbox, transport: httpx.AsyncBaseTransport | None = None, limits: ReadLimits | None = None, **more: Any
) -> AsyncIterator[Connected]:
    """A connection as the program makes one, without its protocol layer; ``transport``: another way to the sandbox."""
    clock = sandbox.store.clock
    assert isinstance(clock, FakeClock)
    given: Mapping[str, Any] = {**sandbox.settings, "api_url": ORIGIN, **more}
    settings = Settings(**{**given, "client_secret": Secret(given["client_secret"])})
    assert PROVIDER.check(settings) is None
    way = transport or httpx.ASGITransport(app=sandbox.app)
    directories, client = await opened(PROVIDER, settings, clock, way, limits or NO_LIMITS)
    sandbox.log.clear()
    try:
        yield Connected(sandbox, directories, clock)
    finally:
        await client.aclose()


def raw(sandbox: Sandbox, kind: str, *, everybody: bool = False) -> dict[str, dict[str, Any]]:
    """The records of a resource type as single reads answer them."""
    store = sandbox.store
    if kind == "User":
        return {key: each.data for key, each in store.identities.items() if each.correlated or everybody}
    if kind == "Group":
        return {key: store.shown_workgroup(each) for key, each in store.workgroups.items()}
    return dict(store.roles)


def related(sandbox: Sandbox, kind: str) -> Related:
    """What relations hold, by relation and owner."""
    store = sandbox.store
    if kind == "Group":
        return {"members": {each: frozenset(store.members[each]) for each in store.workgroups}}
    if kind == "Role":
        return {}
    people = store.identities
    return {
        "groups": {each: frozenset(store.memberships[each]) for each in people},
        "roles": {each: frozenset(store.roles_of(each)) for each in people},
        "entitlements": {each: frozenset(row["id"] for row in store.entitlements[each]) for each in people},
    }
