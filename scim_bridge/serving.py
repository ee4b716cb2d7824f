"""The HTTP server that the application runs in: uvicorn, which sends each answer at once."""

import asyncio
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, cast

from starlette.types import Message, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

MAX_HEAD_BYTES: Final = 128 * 1024
"""Of a request's line and fields, or of fields behind its body; what came along with the end of it is let through."""
HEAD_SECONDS: Final = 75.0
"""How long a client may take for them: as long as it may keep an idle connection."""
_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_CLOSE: Final = (b"connection", b"close")
_DECIDING: Final = (b"connection", b"transfer-encoding")
_PLAIN_NAME: Final = re.compile(rb"[a-z0-9-]+")
_CONTROLS: Final = bytes({*range(32), 127} - {9})
"""Control characters but the tabulator, which a value may hold (RFC 9110 section 5.5)."""


class JoinedWrites:
    """A transport that sends what is written in one turn of the event loop together.

    uvicorn writes an answer's head and its body one after the other, and uvloop sends each at once: two system calls
    and two packets, a fifth of what the server takes for a small answer.
    """

    __slots__ = ("_loop", "_parts", "_transport", "is_closing")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send bytes, at the latest in the loop's next turn."""
        self.writelines((data,))

    def writelines(self, parts: Sequence[bytes]) -> None:
        """The same for several, one after the other."""
        if not self._parts:
            self._loop.call_soon(self._send)
        self._parts += parts

    def close(self) -> None:
        """Close it once everything is sent."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        parts, self._parts = self._parts, []
        if parts and not self.is_closing():  # the client may be gone by now
            self._transport.writelines(parts)


class Sending:
    """How an answer leaves: one that comes whole in a single step, any other as uvicorn sends it.

    uvicorn looks at each field of a head by two regular expressions and many comparisons, at three times the cost.
    """

    __slots__ = ("_cycle", "_send", "_start")

    def __init__(self, cycle: RequestResponseCycle, send: Send) -> None:
        self._cycle = cycle
        self._send = send
        self._start: Message | None = None

    async def __call__(self, message: Message) -> None:
        """Take a message of ASGI. The head waits for the first part of the body, as ASGI has it."""
        if message["type"] == "http.response.start" and not self._cycle.response_started:
            self._start = message
            return
        start, self._start = self._start, None
        if start is not None:
            if self._sent_whole(start, message):
                return
            await self._send(start)
        await self._send(message)

    def _sent_whole(self, start: Message, message: Message) -> bool:
        """Send an answer that is all there and says how long it is, to a client that may go on asking."""
        cycle, content = self._cycle, message.get("body", b"")
        goes_on = cycle.keep_alive and not cycle.disconnected and _CLOSE not in cycle.scope["headers"]
        if message.get("more_body") or not goes_on or cycle.flow.write_paused or cycle.scope["method"] == "HEAD":
            return False
        head = head_of(start["status"], [*cycle.default_headers, *start["headers"]], len(content))
        if head is None:
            return False
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        cycle.transport.writelines((head, content))
        cycle.message_event.set()
        cycle.on_response()
        return True


def head_of(status: int, fields: Sequence[tuple[bytes, bytes]], size: int) -> bytes | None:
    """The head of an answer whose body has so many bytes; None where uvicorn has to look: at a field that decides how
    the body is sent, or that it would refuse (RFC 9112 sections 2.2 and 6)."""
    if (b"content-length", b"%d" % size) not in fields:
        return None
    parts = [STATUS_LINE[status]]
    for name, value in fields:
        if (start := _beginning(name)) is None:
            return None
        parts += (start, value, b"\r\n")
    parts.append(b"\r\n")
    head = b"".join(parts)
    breaks = 2 * (len(fields) + 2)
    # Any other control character, also one that would begin a field of its own, is more than the ends of lines are.
    return head if len(head) - len(head.translate(None, _CONTROLS)) == breaks else None


@lru_cache(maxsize=256)
def _beginning(name: bytes) -> bytes | None:
    """How the line of a field begins; None of one that uvicorn has to look at."""
    return name + b": " if _PLAIN_NAME.fullmatch(name) and name not in _DECIDING else None


class Http(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 with `Sending`, which takes no head of a request without end: the parser keeps all of it,
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

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        def together(scope: Any, receive: Any, send: Any) -> Any:
            return app(scope, receive, Sending(cycle, send))

        super()._start_asgi_task(cycle, together)

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
