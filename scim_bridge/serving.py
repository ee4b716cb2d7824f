"""The HTTP server that the application runs in: uvicorn, which sends each answer at once."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class JoinedWrites:
    """A transport that sends what is written in one turn of the event loop together.

    uvicorn writes an answer's head and its body one after the other, and uvloop sends each at once: two system calls
    and two packets, a fifth of what the server takes for a small answer.
    """

    __slots__ = ("_loop", "_parts", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send bytes, at the latest in the loop's next turn."""
        if not self._parts:
            self._loop.call_soon(self._send)
        self._parts.append(data)

    def close(self) -> None:
        """Close it once everything is sent."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        parts, self._parts = self._parts, []
        if parts and not self._transport.is_closing():  # the client may be gone by now
            self._transport.writelines(parts)


class Http(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 with `JoinedWrites`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn wants any transport
        super().connection_made(cast(asyncio.Transport, JoinedWrites(transport, self.loop)))
