"""The HTTP server that the application runs in: uvicorn, which sends each answer at once."""

import asyncio
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES: Final = 128 * 1024
"""Of a request's line and fields, or of fields behind its body; what came along with the end of it is let through."""
HEAD_SECONDS: Final = 75.0
"""How long a client may take for them: as long as it may keep an idle connection."""
_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


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
    """uvicorn's HTTP/1.1 with `JoinedWrites`, which takes no head of a request without end: the parser keeps all of it,
    and copies a field anew with each piece that comes, which keeps everybody else waiting."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn wants any transport
        super().connection_made(cast(asyncio.Transport, JoinedWrites(transport, self.loop)))
        self._unread = 0
        self._late: asyncio.TimerHandle | None = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._understood()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unread += len(data)
        super().data_received(data)
        if self._unread > MAX_HEAD_BYTES:
            self._refuse()
        elif self._unread and self._late is None:
            self._late = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def on_headers_complete(self) -> None:
        self._understood()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._understood()
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._understood()
        super().on_message_complete()

    def _understood(self) -> None:
        """Take note that what came was more than a part of a head, or of what is around a body's pieces."""
        self._unread = 0
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _refuse(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(_TOO_LARGE)
        self.transport.close()
