"""How answers leave the server."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scim_bridge import serving
from scim_bridge.app import SERVER_OPTIONS
from scim_bridge.serving import _TOO_LARGE, JoinedWrites
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


SAME = Starlette(
    routes=[
        Route(
            "/{status:int}",
            lambda request: Response(
                b"x" * 10 if request.path_params["status"] == 200 else None,
                request.path_params["status"],
                {"ETag": 'W/"1"', "X-Tab": "a\tb", "X-Latin": "\xe4"},
            ),
            methods=["GET", "HEAD"],
        )
    ]
)


@pytest.mark.parametrize("asked", ["200", "204", "304", "404"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_answers_are_those_of_uvicorn_byte_for_byte(asked: str, method: str) -> None:
    request = get(asked, method) + get(asked, "GET", "Connection: close")
    found = []
    for options in (SERVER_OPTIONS, {**SERVER_OPTIONS, "http": "httptools"}):
        with running(SAME, **options, date_header=False) as origin:
            found.append(await _exchanged(int(origin.rpartition(":")[2]), request))
    assert found[0] == found[1]
    assert found[0].count(f"HTTP/1.1 {asked} ".encode()) == 2


Start = dict[str, Any]


def started(*fields: tuple[bytes, bytes]) -> Start:
    return {"type": "http.response.start", "status": 200, "headers": fields}


@pytest.mark.parametrize(
    "start",
    [
        started((b"content-length", b"2"), (b"x-a", b"b\r\nx-injected: c")),
        started((b"content-length", b"2"), (b"x-a", b"b\nx-injected: c")),
        started((b"content-length", b"2"), (b"x-a\r\nx-injected", b"c")),
        started((b"content-length", b"2"), (b"x-injected\x7f", b"c")),
        started((b"content-length", b"2"), (b"x-injected", b"\0")),
        started((b"content-length", b"1")),
    ],
)
async def test_an_answer_that_would_be_read_as_another_one_is_not_sent_whole(start: Start) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start)
        await send({"type": "http.response.body", "body": b"{}"})

    with running(app, **{**SERVER_OPTIONS, "lifespan": "off"}) as origin:
        found = await _exchanged(int(origin.rpartition(":")[2]), get(""))
    assert b"x-injected" not in found
    assert not found.endswith(b"{}")


async def test_an_answer_without_a_length_is_sent_in_pieces() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(started((b"content-type", b"text/plain")))
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await send({"type": "http.response.body", "body": b"two"})

    with running(app, **{**SERVER_OPTIONS, "lifespan": "off"}) as origin:
        found = await _exchanged(int(origin.rpartition(":")[2]), get("", "GET", "Connection: close"))
    assert found.endswith(b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")


async def test_an_application_that_fails_after_the_head_is_answered_with_500() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(started((b"content-length", b"2")))
        raise LookupError("body")

    with running(app, **{**SERVER_OPTIONS, "lifespan": "off"}) as origin:
        found = await _exchanged(int(origin.rpartition(":")[2]), get(""))
    assert found.startswith(b"HTTP/1.1 500 ")


def answered(origin: str, *pieces: bytes) -> bytes:
    """What a client is sent until the server closes the connection."""
    address = urlsplit(origin)
    assert address.hostname and address.port
    with socket.create_connection((address.hostname, address.port), timeout=20) as client:
        with suppress(ConnectionError):
            for each in pieces:
                client.sendall(each)
        found = b""
        with suppress(ConnectionError):
            while chunk := client.recv(65_536):
                found += chunk
        return found


@pytest.fixture
def origin() -> Iterator[str]:
    async def length(request: Request) -> Response:
        return Response(str(len(await request.body())))

    with running(Starlette(routes=[Route("/", length, methods=["GET", "POST"])]), **SERVER_OPTIONS) as found:
        yield found


HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"
PIECES = [b"a" * 65_536] * 64


@pytest.mark.parametrize(
    "begun",
    [
        [b"GET /?", *PIECES],
        [HEAD, b"X-A: ", *PIECES],
        [HEAD, *(b"X-%d: %s\r\n" % (number, b"a" * 60_000) for number in range(64))],
    ],
)
def test_a_head_without_end_is_refused(origin: str, begun: list[bytes]) -> None:
    assert answered(origin, *begun) in (_TOO_LARGE, b"")  # nothing, where it was still sent when we closed


@pytest.mark.parametrize("around", [b"5;", b"0\r\nX-A: "])
def test_nor_may_there_be_anything_without_end_around_a_body(origin: str, around: bytes) -> None:
    found = answered(origin, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + around, *PIECES)
    assert b"200 OK" not in found


def test_long_heads_and_bodies_are_taken(origin: str) -> None:
    head = b"X-A: %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (b"a" * 60_000, len(LARGE))
    assert answered(origin, HEAD + head, LARGE).endswith(b"\r\n\r\n3000000")


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-A: "])
def test_who_does_not_end_a_head_is_not_waited_for(origin: str, begun: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "HEAD_SECONDS", 0.05)
    assert answered(origin, begun) == b""
