"""SCIM servers for the tests of the `scim` provider: a real one in memory, also made worse, and what it is asked."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import httpx
from scim2_models import ScimProvider
from scim2_server.utils import (
    load_default_resource_types,
    load_default_schemas,
    load_default_service_provider_config,
)

from scim_bridge.providers.scim import PROVIDER, Settings
from scim_bridge.providers.scim.sandbox import TOKEN, Sandbox
from scim_bridge.query.directory import Directory
from scim_bridge.query.run import ReadLimits
from scim_bridge.upstream.errors import NotFound
from scim_bridge.upstream.redact import Secret
from scim_bridge.upstream.reply import Reply
from tests.clocks import FakeClock
from tests.providers.engine import NO_LIMITS, opened

Fault = Callable[[httpx.Request, httpx.Response], httpx.Response]
Refusal = Callable[[httpx.Request], httpx.Response | None]
BASE_URL = "https://scim.example/v2"


def offering(*, max_results: int = 1000, filters: bool = True, patch: bool = True) -> ScimProvider:
    """scim2-server's own resource types with another service provider configuration."""
    config = load_default_service_provider_config()
    assert config.filter is not None and config.patch is not None
    config.filter.max_results, config.filter.supported, config.patch.supported = max_results, filters, patch
    types = load_default_resource_types().values()
    return ScimProvider.from_discovery(load_default_schemas().values(), types, config=config)


class Wire(httpx.AsyncBaseTransport):
    """The way to an in-process server; ``calls`` are the requests that took it.

    ``fault`` changes its answers; what ``refuse`` answers never gets there.
    """

    def __init__(self, server: Any, fault: Fault | None, refuse: Refusal) -> None:
        self._inner = httpx.ASGITransport(app=server)
        self._fault = fault
        self._refuse = refuse
        self.calls: list[str] = []
        self.bodies: list[Any] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(f"{request.method} {unquote(str(request.url)).removeprefix(BASE_URL)}")
        self.bodies.append(json.loads(request.content) if request.content else None)
        refused = self._refuse(request)
        if refused is not None:
            return refused
        response = await self._inner.handle_async_request(request)
        if self._fault is None:
            return response
        await response.aread()
        return self._fault(request, response)


@dataclass
class Bridge:
    """The provider, opened in front of a server."""

    wire: Wire
    directories: Mapping[str, Directory]
    discovery: list[str] = field(default_factory=list)

    @property
    def users(self) -> Directory:
        return self.directories["/Users"]

    @property
    def groups(self) -> Directory:
        return self.directories["/Groups"]

    def spent(self) -> list[str]:
        """The upstream requests since the last time."""
        calls = self.wire.calls[:]
        self.wire.calls.clear()
        self.wire.bodies.clear()
        return calls


def _refuse_nothing(request: httpx.Request) -> httpx.Response | None:
    return None


async def bridge(
    server: Any = None,
    *,
    fault: Fault | None = None,
    refuse: Refusal = _refuse_nothing,
    limits: ReadLimits = NO_LIMITS,
    **settings: Any,
) -> Bridge:
    """The provider in front of a server (25 people by default), discovery done."""
    wire = Wire(server or Sandbox(25), fault, refuse)
    chosen = Settings(base_url=BASE_URL, token=Secret(TOKEN), **settings)
    directories, _ = await opened(PROVIDER, chosen, FakeClock(), wire, limits)
    found = Bridge(wire, {each.collection.resource.endpoint: each for each in directories})
    found.discovery = found.spent()
    return found


def answer(body: Any, status: int = 200) -> httpx.Response:
    """An answer in place of a server's own."""
    return httpx.Response(status, json=body, headers={"Content-Type": "application/scim+json"})


def comparing_case(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    """A server whose filters compare case: rows without the very texts of the filter are not found."""
    texts = re.findall(r'"([^"]*)"', request.url.params.get("filter", ""))
    if not texts or response.status_code != 200:
        return response
    body = response.json()
    rows = [row for row in body["Resources"] if all(text in json.dumps(row, ensure_ascii=False) for text in texts)]
    return answer({**body, "Resources": rows, "totalResults": len(rows)})


class Documents:
    """A `Send` that answers documents by path; a number is an error status, an exception is raised."""

    def __init__(self, documents: Mapping[str, Any]) -> None:
        self._documents = documents
        self.calls: list[str] = []

    async def __call__(
        self, method: str, target: str, *, params: Mapping[str, str] | None = None, **sent: Any
    ) -> Reply:
        self.calls.append(f"{target}{json.dumps(dict(params))}" if params else target)
        found = self._documents.get(target, NotFound("", "", status=404))
        if callable(found):
            found = found(dict(params or {}))
        if isinstance(found, Exception):
            raise found
        return Reply(200, found, httpx.Headers())
