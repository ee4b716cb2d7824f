"""An upstream without a socket: answers by a script, or by a function, and counts what it was sent."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from scim_bridge.upstream.client import UpstreamClient
from scim_bridge.upstream.errors import UpstreamError
from tests.clocks import FakeClock

BASE = "https://api.example.com/v1"
TOKEN_URL = "https://auth.example.com/token"

Answer = httpx.Response | Exception
Handler = Callable[[httpx.Request], Answer]


class Stub(httpx.AsyncBaseTransport):
    """Gives the next answer of a script, 418 after its end; ``calls`` are the requests it got."""

    def __init__(self, *answers: Answer, handler: Handler | None = None) -> None:
        self.calls: list[httpx.Request] = []
        self._answers = list(answers)
        self._handler = handler or (lambda request: self._answers.pop(0) if self._answers else status(418))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.calls.append(request)
        await asyncio.sleep(0)  # as a socket would, let the others run
        answer = self._handler(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def to(self, url: str) -> list[httpx.Request]:
        return [each for each in self.calls if str(each.url) == url]


class Hanging(httpx.AsyncBaseTransport):
    """Answers nothing until ``release`` is set; ``open`` counts the requests under way, ``most`` their maximum."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.open = self.most = self.calls = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            await self.release.wait()
        finally:
            self.open -= 1
        return ok()


def ok(body: Any = None, **headers: str) -> httpx.Response:
    return status(200, {} if body is None else body, **headers)


def status(code: int, body: Any = None, **headers: str) -> httpx.Response:
    """A JSON answer, without a body if ``body`` is None; a header's name with ``_`` for ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(code, json=body, headers=named) if body is not None else httpx.Response(code, headers=named)


def token(value: str = "token-1", **fields: Any) -> httpx.Response:
    return ok({"access_token": value, "token_type": "Bearer", "expires_in": 3600, **fields})


@asynccontextmanager
async def connected(
    transport: httpx.AsyncBaseTransport | None, *, base: str = BASE, clock: FakeClock | None = None, **options: Any
) -> AsyncIterator[UpstreamClient]:
    """A client named "acme" on a clock that needs no time."""
    client = UpstreamClient("acme", base, transport=transport, clock=clock or FakeClock(), **options)
    try:
        yield client
    finally:
        await client.aclose()


async def failure(client: UpstreamClient, method: str = "GET", target: str = "/users", **rest: Any) -> UpstreamError:
    """The error of a request that has to fail."""
    with pytest.raises(UpstreamError) as caught:
        await client.send(method, target, **rest)
    return caught.value


async def together(client: UpstreamClient, count: int) -> Sequence[Any]:
    """The outcomes of as many requests at once."""
    return await asyncio.gather(*(client.send("GET", "/users") for _ in range(count)), return_exceptions=True)
