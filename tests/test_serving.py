"""How answers leave the server."""

import asyncio
from typing import Any, cast

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scim_bridge.app import SERVER_OPTIONS
from scim_bridge.serving import JoinedWrites
from tests.servers import running

LARGE = b"x" * 3_000_000


class Written:
    """A transport that only notes what it is told."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.closing = False

    def writelines(self, parts: list[bytes]) -> None:
        self.calls.append(parts)

    def close(self) -> None:
        self.closing = True
        self.calls.append("close")

    def is_closing(self) -> bool:
        return self.closing

    def get_extra_info(self, name: str) -> str:
        return f"the {name}"


def joined(written: Written) -> JoinedWrites:
    return JoinedWrites(cast(asyncio.Transport, written), asyncio.get_running_loop())


async def test_what_is_written_in_one_turn_is_sent_together() -> None:
    written = Written()
    transport = joined(written)
    transport.write(b"head")
    transport.write(b"body")
    assert written.calls == []
    await asyncio.sleep(0)
    transport.write(b"next")
    await asyncio.sleep(0)
    assert written.calls == [[b"head", b"body"], [b"next"]]


async def test_everything_is_sent_before_the_connection_is_closed() -> None:
    written = Written()
    transport = joined(written)
    transport.write(b"head")
    transport.close()
    await asyncio.sleep(0)
    assert written.calls == [[b"head"], "close"]


async def test_nothing_is_sent_to_a_client_that_is_gone() -> None:
    written = Written()
    transport = joined(written)
    transport.write(b"head")
    written.close()
    await asyncio.sleep(0)
    assert written.calls == ["close"]


async def test_everything_else_is_the_transports_own() -> None:
    assert joined(Written()).get_extra_info("socket") == "the socket"


async def answer(request: Request) -> Response:
    return Response(LARGE if request.url.path == "/large" else b"small")


APP = Starlette(routes=[Route("/{name}", answer)])


async def received(request: bytes) -> bytes:
    """All that a server with our options sends back until it closes the connection."""
    with running(APP, **SERVER_OPTIONS) as origin:
        return await _exchanged(int(origin.rpartition(":")[2]), request)


async def _exchanged(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    found = await reader.read(-1)
    writer.close()
    await writer.wait_closed()
    return found


def get(name: str, method: str = "GET", *fields: str) -> bytes:
    return "\r\n".join([f"{method} /{name} HTTP/1.1", "Host: a", *fields, "", ""]).encode()


async def test_answers_arrive_whole_and_in_order() -> None:
    asked = get("small") + get("large", "HEAD") + get("large") + get("small", "GET", "Connection: close")
    heads = (await received(asked)).split(b"HTTP/1.1 200 OK\r\n")
    assert [each.partition(b"\r\n\r\n")[2] for each in heads[1:]] == [b"small", b"", LARGE, b"small"]


async def test_what_is_no_http_is_answered_before_the_connection_closes() -> None:
    assert (await received(b"nonsense\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
