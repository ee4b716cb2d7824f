"""A bridge with a proxy on a loopback port, in front of an upstream on another; and clients that send bytes."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from scim2_server.cursor import Cursors
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from scim_bridge.admin.proxy import Proxy
from scim_bridge.config import from_document
from scim_bridge.connections import Connection, provider_by_name
from scim_bridge.protocol.audit import Event
from scim_bridge.registry import Registry
from scim_bridge.serving import Http

TOKEN = "pr0xy-t0ken"
SCIM_TOKEN = "scim-t0ken"
SECRET = "upstream-s3cret"


@dataclass
class Recorded:
    """An audit log that keeps what it is told; ``works``: whether it could store anything."""

    events: list[Event] = field(default_factory=list)
    counted: list[tuple[Event, str]] = field(default_factory=list)
    settled_at: list[int] = field(default_factory=list)
    works: bool = True
    redact: Sequence[str] = ()

    async def ready(self) -> bool:
        return self.works

    def append(self, event: Event) -> None:
        self.events.append(event)

    def count(self, event: Event, origin: str = "") -> None:
        self.counted.append((event, origin))

    async def settled(self) -> None:
        self.settled_at.append(len(self.events))


async def unanswered(scope: Scope, receive: Receive, send: Send) -> None:
    """No application."""


@dataclass
class Bridge:
    """A running one."""

    registry: Registry
    told: list[Mapping[str, Any]] = field(default_factory=list)
    audit: Recorded = field(default_factory=Recorded)
    app: ASGIApp = unanswered
    port: int = 0

    def forget(self) -> None:
        """All that was told."""
        for each in (self.told, self.audit.events, self.audit.counted, self.audit.settled_at):
            each.clear()

    async def line(self) -> Mapping[str, Any]:
        """The only line of the log, once it is there: it comes after the answer."""
        async with asyncio.timeout(5):
            while not self.told:
                await asyncio.sleep(0.005)
        assert len(self.told) == 1
        return self.told[0]


def opened(name: str, provider: str, settings: Mapping[str, Any], **table: Any) -> Connection:
    document = {"provider": provider, "token": SCIM_TOKEN, "proxy_tokens": [TOKEN], "settings": settings, **table}
    config = from_document({"connections": {name: document}}, "test", provider_by_name)
    return Connection(config.connections[name], Cursors(b"s" * 32))


def bridge_to(connection: Connection, *, public_url: str | None = None) -> Bridge:
    """The application in front of one connection."""
    bridge = Bridge(Registry({connection.config.name: connection}))
    proxy = Proxy(bridge.registry, bridge.audit, bridge.told.append, public_url=public_url)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await proxy({**scope, "root_path": "/proxy"}, receive, send)

    bridge.app = app
    return bridge


@asynccontextmanager
async def listening(app: ASGIApp) -> AsyncIterator[int]:
    """A port that the application answers at, as the program serves it, in the loop of the test."""
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", server_header=False)
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(lambda: Http(config, state, {}), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for each in list(state.connections):
            each.transport.abort()
        await asyncio.gather(*state.tasks, return_exceptions=True)


@asynccontextmanager
async def serving(
    base_url: str, *, public_url: str | None = None, settings: Mapping[str, Any] | None = None, **table: Any
) -> AsyncIterator[Bridge]:
    """A bridge to what speaks anything at ``base_url``."""
    given = {"base_url": base_url, "token": SECRET, **(settings or {})}
    connection = opened("acme", "scim", given, **table)
    bridge = bridge_to(connection, public_url=public_url)
    try:
        async with listening(bridge.app) as bridge.port:
            yield bridge
    finally:
        await connection.aclose()


def head(method: str, target: str, *fields: str, token: str | None = TOKEN, host: str = "bridge.test") -> bytes:
    """The head of a request, as it goes over the wire."""
    known = [f"Authorization: Bearer {token}"] if token else []
    lines = (f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close", *known, *fields)
    return "\r\n".join((*lines, "", "")).encode("latin-1")


@dataclass(frozen=True, slots=True)
class Got:
    """An answer as it came over the wire; ``whole``: whether it ended as it had announced."""

    status: int
    fields: Sequence[tuple[str, str]]
    body: bytes
    whole: bool

    def __getitem__(self, name: str) -> str | None:
        found = [value for key, value in self.fields if key == name]
        assert len(found) < 2, found
        return found[0] if found else None


async def asked(port: int, request: bytes) -> Got:
    """What a client gets that sends these bytes and reads to the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    raw = await reader.read()
    writer.close()
    return parsed(raw, is_head=request.startswith(b"HEAD "))


def parsed(raw: bytes, *, is_head: bool = False) -> Got:
    raw = raw.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    start, _, body = raw.partition(b"\r\n\r\n")
    line, *lines = start.decode("latin-1").split("\r\n")
    fields = [(name.lower(), value.strip()) for name, _, value in (each.partition(":") for each in lines)]
    status, known = int(line.split()[1]), dict(fields)
    if is_head or status in (204, 304):
        return Got(status, fields, body, body == b"")
    if known.get("transfer-encoding") == "chunked":
        return Got(status, fields, *_dechunked(body))
    return Got(status, fields, body, len(body) == int(known["content-length"]))


def _dechunked(raw: bytes) -> tuple[bytes, bool]:
    body = b""
    while raw:
        size, _, rest = raw.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            return body, rest == b"\r\n"
        body, raw = body + rest[:length], rest[length + 2 :]
    return body, False
