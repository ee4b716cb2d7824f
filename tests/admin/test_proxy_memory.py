"""What the proxy needs for bodies of any size: the same few kilobytes, measured on the program as it is started."""

import asyncio
import hashlib
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.admin.passing import SECRET, TOKEN, head
from tests.programs import program
from tests.servers import free_port

BLOCK = random.Random(6).randbytes(64 * 1024)
BLOCKS = 1600
SIZE = BLOCKS * len(BLOCK)
"""100 MB."""
MOST = 16 * 1024 * 1024
"""Of growth, for buffers of both sockets and what the allocator keeps; the bodies are six times as large."""


def block(number: int) -> bytes:
    return number.to_bytes(4, "big") + BLOCK[4:]


def whole() -> str:
    digest = hashlib.sha256()
    for number in range(BLOCKS):
        digest.update(block(number))
    return digest.hexdigest()


@asynccontextmanager
async def upstream() -> AsyncIterator[int]:
    """Gives the whole body, or takes one and says its digest; a request for a connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received = await reader.readuntil(b"\r\n\r\n")
        assert f"Authorization: Bearer {SECRET}\r\n".encode().lower() in received.lower()
        if received.startswith(b"GET /v2/large "):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
            for number in range(BLOCKS):
                writer.write(block(number))
                await writer.drain()
        elif received.startswith(b"PUT /v2/large "):
            length = re.search(rb"(?i)content-length: (\d+)", received)
            text = await (_sized(reader, int(length[1])) if length else _chunked(reader))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text.encode()))
        else:
            writer.write(b"HTTP/1.1 503 Not now\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        yield listener.sockets[0].getsockname()[1]


async def _sized(reader: asyncio.StreamReader, left: int) -> str:
    digest = hashlib.sha256()
    while left:
        part = await reader.read(min(left, 1 << 16))
        digest.update(part)
        left -= len(part)
    return digest.hexdigest()


async def _chunked(reader: asyncio.StreamReader) -> str:
    digest = hashlib.sha256()
    while size := int(await reader.readuntil(b"\r\n"), 16):
        digest.update((await reader.readexactly(size + 2))[:-2])
    return digest.hexdigest()


async def download(port: int) -> str:
    """The digest of what a client gets."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head("GET", "/proxy/acme/large"))
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    digest, size = hashlib.sha256(), 0
    while part := await reader.read(1 << 16):
        digest.update(part)
        size += len(part)
    writer.close()
    assert size == SIZE
    return digest.hexdigest()


async def upload(port: int, *, sized: bool) -> str:
    """The digest of what the upstream got from a client."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    field = f"Content-Length: {SIZE}" if sized else "Transfer-Encoding: chunked"
    writer.write(head("PUT", "/proxy/acme/large", field))
    for number in range(BLOCKS):
        content = block(number)
        writer.write(content if sized else b"%x\r\n%b\r\n" % (len(content), content))
        await writer.drain()
    writer.write(b"" if sized else b"0\r\n\r\n")
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 200 ")
    return answer.partition(b"\r\n\r\n")[2].decode()


def _memory(process: int, what: str) -> int:
    """Bytes of resident memory: ``VmRSS`` now, ``VmHWM`` at most."""
    found = re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text("ascii"))
    assert found
    return int(found[1]) * 1024


CONFIG = """
[connections.acme]
provider = "scim"
token = "client-t0ken"
proxy_tokens = ["{token}"]
[connections.acme.settings]
base_url = "http://127.0.0.1:{port}/v2"
token = "{secret}"
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is read from Linux' /proc")
async def test_a_hundred_megabytes_pass_both_ways_in_constant_memory(tmp_path: Path) -> None:
    async with upstream() as up:
        config, port = tmp_path / "bridge.toml", free_port()
        config.write_text(CONFIG.format(token=TOKEN, port=up, secret=SECRET), "utf-8")
        command = ["scim-bridge", "serve", "--config", str(config), "--port", str(port)]
        running = program(command, f"http://127.0.0.1:{port}/healthz", folder=tmp_path)
        process = await asyncio.to_thread(running.__enter__)
        try:
            before = _memory(process.pid, "VmRSS")
            Path(f"/proc/{process.pid}/clear_refs").write_text("5", "ascii")  # VmHWM begins anew
            digests = {
                await download(port),
                await upload(port, sized=True),
                await upload(port, sized=False),
                *await asyncio.gather(*(download(port) for _ in range(2)), upload(port, sized=False)),
            }
            grown = _memory(process.pid, "VmHWM") - before
        finally:
            await asyncio.to_thread(running.__exit__, None, None, None)
    assert digests == {whole()}
    assert grown < MOST
