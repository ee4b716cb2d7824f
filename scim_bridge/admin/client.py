"""The client's side of a request that is passed on: what it sends and is sent, a piece at a time, while it is there."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

from starlette.types import Message, Receive, Send

from scim_bridge.admin.fields import Fields

_T = TypeVar("_T")
SILENCE_SECONDS: Final = 60.0
"""So long may a client neither send the next piece of its request nor take the next one of its answer."""


class ClientGone(Exception):
    """The client closed its connection, or did nothing for too long."""


class Client:
    """One client, from its request to the end of its answer; ``brings_body``: `body` has to be read before anything
    else can be heard of it. Methods raise ClientGone."""

    def __init__(
        self, receive: Receive, send: Send, *, brings_body: bool, silence_seconds: float = SILENCE_SECONDS
    ) -> None:
        self.begun = False
        self._receive = receive
        self._send = send
        self._silence_seconds = silence_seconds
        self._read = asyncio.Event()
        if not brings_body:
            self._read.set()

    async def body(self) -> AsyncIterator[bytes]:
        """The request's body as it comes; no faster than it is taken."""
        more = True
        while more:
            message = await self._within(self._receive())
            if message["type"] == "http.disconnect":
                raise ClientGone("the client went away before its request was whole")
            more = message.get("more_body", False)
            if not more:
                self._read.set()
            yield message.get("body", b"")

    async def start(self, status: int, fields: Fields) -> None:
        self.begun = True
        await self._put({"type": "http.response.start", "status": status, "headers": list(fields)})

    async def send(self, chunk: bytes) -> None:
        await self._put({"type": "http.response.body", "body": chunk, "more_body": True})

    async def end(self) -> None:
        await self._put({"type": "http.response.body", "body": b""})

    async def unless_gone(self, work: Coroutine[Any, Any, None], done: Callable[[], bool]) -> None:
        """Do some work that ends at once when the client goes away, unless it is ``done`` by then."""
        working, watching = asyncio.ensure_future(work), asyncio.ensure_future(self._gone())
        try:
            await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
        finally:
            watching.cancel()
            if not working.done() and not done():
                working.cancel()
            await asyncio.wait((working, watching))
        if working.cancelled():
            raise ClientGone("the client went away")
        working.result()

    async def _gone(self) -> None:
        """Return once the client is gone; before its body was read, whoever reads that is told."""
        await self._read.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _put(self, message: Message) -> None:
        await self._within(self._send(message))

    async def _within(self, move: Awaitable[_T]) -> _T:
        try:
            async with asyncio.timeout(self._silence_seconds):
                return await move
        except TimeoutError:
            raise ClientGone("the client did nothing for too long") from None
