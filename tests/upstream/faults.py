"""An upstream over a real loopback port that answers each request by the next step of a script, faults included.

    async with upstream(page, cut_body(), answer(200, {"id": "1"})) as server:
        ...  # server.origin, server.requests

The script may also be a mapping from path to steps, for a token endpoint beside an API. A request past the end of its
script is answered 418, so that a test that allowed too few of them fails.
"""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came over the wire; ``target`` is the raw request target, header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    connection: int
    peer_certificate: Mapping[str, Any] | None = None

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass(slots=True)
class Wire:
    """The connection a step writes its answer to; it is kept for the next request unless ``close`` is set."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    close: bool = False

    async def write(self, content: bytes) -> None:
        self.writer.write(content)
        await self.writer.drain()


Step = Callable[[Wire, Received], Awaitable[None]]
Script = Sequence[Step] | Mapping[str, Sequence[Step]]


@dataclass(slots=True)
class FaultServer:
    """What has arrived so far."""

    origin: str = ""
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    def to(self, path: str) -> list[Received]:
        """The requests for one path."""
        return [each for each in self.requests if each.path == path]


@asynccontextmanager
async def upstream(
    *steps: Step, paths: Mapping[str, Sequence[Step]] | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[FaultServer]:
    """A running server. ``paths`` gives paths a script of their own; the others share ``steps``."""
    server = FaultServer()
    scripts = {path: list(script) for path, script in (paths or {}).items()}
    shared = list(steps)
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        server.connections += 1
        try:
            await _serve(server, Wire(reader, writer), scripts, shared, server.connections)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            running.discard(task)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    server.origin = f"{'https' if tls else 'http'}://127.0.0.1:{server.port}"
    try:
        yield server
    finally:
        listener.close()
        for task in tuple(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _serve(
    server: FaultServer, wire: Wire, scripts: Mapping[str, list[Step]], shared: list[Step], connection: int
) -> None:
    while not wire.close:
        request = await _receive(wire, connection)
        server.requests.append(request)
        script = scripts.get(request.path, shared)
        step = script.pop(0) if script else answer(418)
        await step(wire, request)


async def _receive(wire: Wire, connection: int) -> Received:
    head = (await wire.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *fields = head.rstrip("\r\n").split("\r\n")
    method, target, _ = line.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in fields)}
    if headers.get("transfer-encoding") == "chunked":
        body = await _chunks(wire.reader)
    else:
        body = await wire.reader.readexactly(int(headers.get("content-length", "0")))
    peer = wire.writer.get_extra_info("peercert")
    return Received(method, target, headers, body, connection, peer or None)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)
    return body


def message(status: int, headers: Mapping[str, str], body: bytes) -> bytes:
    """An HTTP answer in whole."""
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Text\r\n{fields}\r\n".encode("latin-1") + body


def _json(status: int, body: Any, headers: Mapping[str, str]) -> bytes:
    content = orjson.dumps(body)
    given = {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}
    return message(status, given, content)


# -- steps: sound answers ---------------------------------------------------------------------------------------------


def answer(status: int = 200, body: Any = None, **headers: str) -> Step:
    """JSON; a header's name with ``_`` for ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def step(wire: Wire, request: Received) -> None:
        await wire.write(_json(status, {} if body is None else body, named))

    return step


def page(status: int = 200, text: str = "<html>Sign in</html>") -> Step:
    """HTML, as a gateway or a login form answers."""
    content = text.encode()
    return raw(
        message(status, {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(content))}, content)
    )


def raw(content: bytes, *, close: bool = False) -> Step:
    """Bytes as they are."""

    async def step(wire: Wire, request: Received) -> None:
        await wire.write(content)
        wire.close = close

    return step


def after(wait: asyncio.Event, then: Step) -> Step:
    """Another step, once an event has happened."""

    async def step(wire: Wire, request: Received) -> None:
        await wait.wait()
        await then(wire, request)

    return step


def then_close(step: Step) -> Step:
    """A sound answer that does not say that the connection ends with it."""

    async def closing(wire: Wire, request: Received) -> None:
        await step(wire, request)
        wire.close = True

    return closing


# -- steps: faults ----------------------------------------------------------------------------------------------------


def cut_body(status: int = 200) -> Step:
    """The connection ends in the middle of the body."""
    return raw(_json(status, {"id": "1", "userName": "joe"}, {})[:-9], close=True)


def cut_headers() -> Step:
    """The connection ends in the middle of the headers."""
    return raw(b"HTTP/1.1 200 OK\r\nContent-Type: applic", close=True)


def disconnect() -> Step:
    """The connection ends without an answer."""
    return raw(b"", close=True)


def reset() -> Step:
    """The request arrived whole, and the connection is reset (RST) without an answer."""

    async def step(wire: Wire, request: Received) -> None:
        wire.close = True
        wire.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wire.writer.transport.abort()

    return step


def garbage() -> Step:
    """Something that is not HTTP."""
    return raw(b"\x16\x03\x01\x02\x00 not http at all\r\n\r\n", close=True)


def silence() -> Step:
    """No answer, and the connection stays open."""

    async def step(wire: Wire, request: Received) -> None:
        await wire.reader.read()
        wire.close = True

    return step


def trickle(interval_seconds: float = 0.01, status: int = 200) -> Step:
    """A body that never stays silent and never ends."""

    async def step(wire: Wire, request: Received) -> None:
        await wire.write(message(status, {"Content-Type": "application/json", "Content-Length": "1000000"}, b"["))
        while True:
            await wire.write(b" ")
            await asyncio.sleep(interval_seconds)

    return step


def stall(status: int = 200) -> Step:
    """Half a body, then silence."""

    async def step(wire: Wire, request: Received) -> None:
        await wire.write(message(status, {"Content-Type": "application/json", "Content-Length": "100"}, b'{"id":'))
        await wire.reader.read()
        wire.close = True

    return step


def endless() -> Step:
    """A chunked body of any size, as fast as it is taken."""

    async def step(wire: Wire, request: Received) -> None:
        await wire.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await wire.write(b"1000\r\n" + b" " * 4096 + b"\r\n")

    return step


def token(value: str = "token-1", **fields: Any) -> Step:
    """A token endpoint's answer."""
    return answer(200, {"access_token": value, "token_type": "Bearer", "expires_in": 3600, **fields})


def tunnel() -> Step:
    """A proxy's part of CONNECT: bytes pass both ways until one side ends."""

    async def step(wire: Wire, request: Received) -> None:
        host, _, port = request.target.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        await wire.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            await asyncio.gather(_pass_on(wire.reader, writer), _pass_on(reader, wire.writer))
        finally:
            writer.close()
            wire.close = True

    return step


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while content := await reader.read(65536):
        writer.write(content)
        await writer.drain()
    writer.close()
