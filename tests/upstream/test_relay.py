"""Exchanges that are passed through: as they are, streamed, with the connection's credentials, sent once."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from scim_bridge.upstream.auth import Bearer, ClientCredentials
from scim_bridge.upstream.client import ClientOptions, UpstreamClient
from scim_bridge.upstream.errors import (
    BadAnswer,
    RateLimited,
    Rejected,
    SignInRefused,
    TimedOut,
    Unavailable,
    UpstreamError,
)
from scim_bridge.upstream.exchange import CredentialUse, unobserved
from scim_bridge.upstream.observed import MAX_REFUSAL_BYTES
from scim_bridge.upstream.redact import Secret
from scim_bridge.upstream.relay import KEPT_BYTES, Headers
from scim_bridge.upstream.trace import tracing
from tests.clocks import FakeClock
from tests.servers import free_port
from tests.upstream import faults
from tests.upstream.faults import FaultServer, Step, Wire, answer, message, upstream

CHUNK = b"x" * 65536


async def body_of(*chunks: bytes) -> AsyncIterator[bytes]:
    for each in chunks:
        yield each


@asynccontextmanager
async def passing(
    *steps: Step,
    sign_ins: tuple[Step, ...] | None = None,
    clock: FakeClock | None = None,
    options: ClientOptions = ClientOptions(),
    uses: list[CredentialUse] | None = None,
) -> AsyncIterator[tuple[UpstreamClient, FaultServer]]:
    """A client of a server with a token endpoint; only the socket takes real time."""
    clock = clock or FakeClock()
    tokens = (faults.token("token-1"), faults.token("token-2")) if sign_ins is None else sign_ins
    async with upstream(*steps, paths={"/token": tokens}) as server:
        auth = ClientCredentials(f"{server.origin}/token", "id", Secret("sesame"), clock=clock)
        client = UpstreamClient(
            "acme",
            f"{server.origin}/v1",
            auth=auth,
            options=options,
            clock=clock,
            observe=unobserved if uses is None else uses.append,
        )
        try:
            yield client, server
        finally:
            await client.aclose()


async def passed(
    client: UpstreamClient,
    method: str = "GET",
    path: str = "/users",
    query: str = "",
    headers: Headers = (),
    body: AsyncIterator[bytes] | None = None,
) -> tuple[int, dict[bytes, bytes], bytes]:
    """The whole answer."""
    async with client.relay(method, path, query, headers, body) as response:
        content = b"".join([each async for each in response.body])
        return response.status, {name.lower(): value for name, value in response.headers}, content


async def refused(client: UpstreamClient, method: str = "GET", **rest: Any) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await passed(client, method, **rest)
    return caught.value


def _to_api(server: FaultServer) -> list[str]:
    return [f"{each.method} {each.target}" for each in server.requests if each.path != "/token"]


# -- what goes out, and what comes back -------------------------------------------------------------------------------


async def test_a_request_goes_out_as_it_is_with_our_credentials_alone() -> None:
    headers = [(b"X-One", b"a"), (b"x-one", b"b"), (b"Accept", b"*/*"), (b"X-Name", "é".encode())]
    async with passing(answer()) as (client, server):
        await passed(client, path="/users/a%2fb%3Bc;d//e", query="f=a%20b+c&g", headers=headers)
        sent = server.to("/v1/users/a%2fb%3Bc;d//e")[0]
    assert sent.target == "/v1/users/a%2fb%3Bc;d//e?f=a%20b+c&g"
    assert sent.headers == {
        "host": f"127.0.0.1:{server.port}",
        "x-one": "b",
        "accept": "*/*",
        "x-name": "Ã©",  # the same bytes, read as Latin-1
        "authorization": "Bearer token-1",
    }


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET", "PROPFIND"])
@pytest.mark.parametrize("headers", [[], [(b"Content-Length", b"10")]])
async def test_a_body_goes_out_as_it_is_with_and_without_a_length(method: str, headers: Headers) -> None:
    async with passing(answer()) as (client, server):
        await passed(client, method, headers=headers, body=body_of(b"\x00\xff123", b"", b"45678"))
        sent = server.to("/v1/users")[0]
    assert (sent.method, sent.body) == (method, b"\x00\xff12345678")
    assert ("content-length" in sent.headers) is bool(headers)
    assert "content-type" not in sent.headers


@pytest.mark.parametrize("status", [200, 201, 207, 302, 304, 400, 403, 404, 409, 418, 500, 503])
async def test_an_answer_comes_back_as_it_is_whatever_its_status(status: int) -> None:
    content = b"" if status == 304 else b"not json \x00\xff"
    fields = {"Content-Type": "text/html", "Location": "https://other.example.com/", "ETag": 'W/"1"'}
    if content:
        fields["Content-Length"] = str(len(content))
    async with passing(faults.raw(message(status, fields, content))) as (client, server):
        got = await passed(client)
        assert len(_to_api(server)) == 1
    assert got == (status, {name.lower().encode(): value.encode() for name, value in fields.items()}, content)


async def test_an_encoded_answer_stays_encoded() -> None:
    content = gzip.compress(b"{}" * 100)
    fields = {"Content-Encoding": "gzip", "Content-Length": str(len(content))}
    async with passing(faults.raw(message(200, fields, content))) as (client, _):
        _, headers, got = await passed(client, headers=[(b"Accept-Encoding", b"gzip")])
    assert (got, headers[b"content-encoding"]) == (content, b"gzip")


async def test_an_answer_to_head_keeps_its_length_and_has_no_body() -> None:
    head = faults.raw(message(200, {"Content-Length": "1000"}, b""))
    async with passing(head, answer()) as (client, server):
        status, headers, content = await passed(client, "HEAD")
        assert (status, headers[b"content-length"], content) == (200, b"1000", b"")
        await passed(client)
        assert server.connections == 1


@pytest.mark.parametrize("value", ["token-1", "Bearer token-1", "x=sesame;"])
async def test_a_header_that_gives_our_secrets_back_is_left_out(value: str) -> None:
    async with passing(answer(200, {}, X_Echo=value, X_Other="1")) as (client, _):
        _, headers, _ = await passed(client)
    assert b"x-echo" not in headers
    assert headers[b"x-other"] == b"1"


async def test_nothing_is_sent_where_the_path_leads_elsewhere() -> None:
    async with passing() as (client, server):
        error = await refused(client, path="/../other")
        assert (type(error), error.upstream, server.requests) == (Rejected, "acme", [])


# -- signing in -------------------------------------------------------------------------------------------------------


async def test_a_token_that_is_refused_is_renewed_once() -> None:
    uses: list[CredentialUse] = []
    async with passing(answer(401), answer(200, {"id": "1"}), uses=uses) as (client, server):
        status, _, content = await passed(client)
        assert (status, content) == (200, b'{"id":"1"}')
        assert [each.headers["authorization"] for each in server.to("/v1/users")] == [
            "Bearer token-1",
            "Bearer token-2",
        ]
    assert [(each.signing_in, each.status) for each in uses] == [(True, 200), (False, 401), (True, 200)]


async def test_a_second_401_is_the_answer_as_it_is() -> None:
    async with passing(answer(401, {"n": 1}), answer(401, {"n": 2}, WWW_Authenticate="Bearer")) as (client, _):
        status, headers, content = await passed(client)
    assert (status, content, headers[b"www-authenticate"]) == (401, b'{"n":2}', b"Bearer")


async def test_a_401_to_fixed_credentials_is_the_answer_with_its_body() -> None:
    async with upstream(answer(401, {"n": 1})) as server:
        client = UpstreamClient("acme", server.origin, auth=Bearer(Secret("t")), clock=FakeClock())
        assert (await passed(client))[::2] == (401, b'{"n":1}')
        await client.aclose()


async def test_a_small_body_is_sent_again_with_the_new_token() -> None:
    async with passing(answer(401), answer(201)) as (client, server):
        half = b"y" * (KEPT_BYTES // 2)
        assert (await passed(client, "POST", body=body_of(half, half)))[0] == 201
        assert [each.body for each in server.to("/v1/users")] == [half + half] * 2


async def test_a_large_body_is_sent_once_and_the_new_token_is_for_the_next() -> None:
    async with passing(answer(401, {"n": 1}), answer(201)) as (client, server):
        status, _, content = await passed(client, "POST", body=body_of(b"y" * KEPT_BYTES, b"z"))
        assert (status, content, len(server.to("/token"))) == (401, b'{"n":1}', 2)
        assert (await passed(client, "POST", body=body_of(b"1")))[0] == 201
        assert [each.headers["authorization"] for each in server.to("/v1/users")] == [
            "Bearer token-1",
            "Bearer token-2",
        ]


async def test_a_401_of_any_size_is_not_kept() -> None:
    async with passing(answer(401, "x" * MAX_REFUSAL_BYTES)) as (client, _):
        assert type(await refused(client)) is BadAnswer
        assert client.usage.in_flight == 0


async def test_a_refused_sign_in_is_an_error_without_secrets() -> None:
    async with passing(sign_ins=(answer(401, {"error": "invalid_client"}),)) as (client, server):
        error = await refused(client, "POST", body=body_of(b"1"))
        assert (type(error), error.codes, error.sent, _to_api(server)) == (
            SignInRefused,
            ("invalid_client",),
            False,
            [],
        )
    assert "sesame" not in f"{error!r}"
    assert error.__context__ is None


async def test_one_connection_is_enough_for_a_401_and_a_new_sign_in() -> None:
    """A 401 that waited for the sign-in on its only connection would wait for ever."""
    async with passing(answer(401), answer(), options=ClientOptions(max_concurrency=1)) as (client, _):
        async with asyncio.timeout(5):
            assert (await passed(client))[0] == 200


# -- faults -----------------------------------------------------------------------------------------------------------

_QUICK = ClientOptions(timeout_seconds=0.25)

UNANSWERED: list[tuple[str, Callable[[], Step], type[UpstreamError]]] = [
    ("cut headers", faults.cut_headers, Unavailable),
    ("disconnect", faults.disconnect, Unavailable),
    ("reset", faults.reset, Unavailable),
    ("garbage", faults.garbage, BadAnswer),
    ("silence", faults.silence, TimedOut),
]


@pytest.mark.parametrize(("fault", "kind"), [each[1:] for each in UNANSWERED], ids=[each[0] for each in UNANSWERED])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_was_sent_is_never_sent_again(
    fault: Callable[[], Step], kind: type[UpstreamError], method: str
) -> None:
    async with passing(fault(), options=_QUICK) as (client, server):
        error = await refused(client, method)
        assert (type(error), error.sent) == (kind, method == "POST")
        assert len(_to_api(server)) == 1
        assert client.usage.in_flight == 0


async def test_what_could_not_be_sent_is_tried_again() -> None:
    clock = FakeClock()
    client = UpstreamClient("acme", f"http://127.0.0.1:{free_port()}", clock=clock)
    error = await refused(client, "POST", body=body_of(b"1"))
    await client.aclose()
    assert (type(error), error.sent, client.usage.retries) == (Unavailable, False, 3)


BROKEN: list[tuple[str, Callable[[], Step], type[UpstreamError]]] = [
    ("cut body", faults.cut_body, BadAnswer),
    ("stalled body", faults.stall, TimedOut),
    (
        "cut chunk",
        lambda: faults.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", close=True),
        BadAnswer,
    ),
]


@pytest.mark.parametrize(("fault", "kind"), [each[1:] for each in BROKEN], ids=[each[0] for each in BROKEN])
async def test_an_answer_that_breaks_off_does_not_look_whole(
    fault: Callable[[], Step], kind: type[UpstreamError]
) -> None:
    async with passing(fault(), options=_QUICK) as (client, _), client.relay("GET", "/users", "", []) as response:
        assert response.status == 200
        with pytest.raises(kind) as caught:
            async for _chunk in response.body:
                pass
    assert (caught.value.upstream, caught.value.status) == ("acme", 200)
    assert client.usage.in_flight == 0


async def test_an_upstream_that_takes_no_more_ends_the_upload() -> None:
    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            writer.close()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield CHUNK

    listener = await asyncio.start_server(hold, "127.0.0.1", 0)
    client = UpstreamClient(
        "acme", f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", options=_QUICK, clock=FakeClock()
    )
    error = await refused(client, "POST", body=endless())
    await client.aclose()
    listener.close()
    assert (type(error), error.detail, error.sent) == (TimedOut, "takes no more of the request", True)


class Gone(Exception):
    """The client is."""


async def test_what_the_client_fails_with_is_told_as_it_is_and_the_upstream_gets_no_whole_request() -> None:
    async def cut() -> AsyncIterator[bytes]:
        yield b"begun"
        raise Gone

    async with passing(answer()) as (client, server):
        with pytest.raises(Gone):
            await passed(client, "POST", body=cut())
        assert _to_api(server) == []
        assert client.usage.in_flight == 0


async def test_an_exchange_that_is_left_closes_its_connection() -> None:
    ended = asyncio.Event()

    async def step(wire: Wire, request: Any) -> None:
        try:
            await faults.endless()(wire, request)
        finally:
            ended.set()

    async with passing(step) as (client, _):
        async with client.relay("GET", "/users", "", []) as response:
            assert await anext(response.body)
        async with asyncio.timeout(5):
            await ended.wait()
        assert client.usage.in_flight == 0


# -- how much at a time -----------------------------------------------------------------------------------------------


async def test_an_upload_is_read_no_faster_than_the_upstream_takes_it() -> None:
    read, taking = 0, asyncio.Event()

    async def large() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(1600):
            read += len(CHUNK)
            yield CHUNK

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await taking.wait()
        while b"0\r\n\r\n" not in await reader.read(1 << 20):
            pass
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    client = UpstreamClient("acme", f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", clock=FakeClock())
    sending = asyncio.create_task(passed(client, "PUT", body=large()))
    before = -1
    while read != before:
        before = read
        await asyncio.sleep(0.1)
    assert 0 < read < 40 * 1024 * 1024  # what the two sockets hold
    taking.set()
    assert (await sending)[0] == 204
    assert read == 1600 * len(CHUNK)
    await client.aclose()
    listener.close()


async def test_a_download_is_read_no_faster_than_it_is_taken() -> None:
    written = 0

    async def step(wire: Wire, request: Any) -> None:
        nonlocal written
        await wire.write(message(200, {"Content-Length": str(1600 * len(CHUNK))}, b""))
        for _ in range(1600):
            await wire.write(CHUNK)
            written += len(CHUNK)

    async with passing(step) as (client, _), client.relay("GET", "/users", "", []) as response:
        before = -1
        while written != before:
            before = written
            await asyncio.sleep(0.1)
        assert written < 40 * 1024 * 1024
        assert sum([len(each) async for each in response.body]) == 1600 * len(CHUNK)


async def test_slow_readers_leave_half_of_the_connections_to_others() -> None:
    options = ClientOptions(max_concurrency=2, longest_wait_seconds=0.05)
    steps = (faults.endless(), answer(200, {"id": "1"}))
    async with passing(*steps, options=options) as (client, _), client.relay("GET", "/users", "", []):
        error = await refused(client)
        assert (type(error), error.retry_after_seconds) == (RateLimited, 1)
        assert (await client.send("GET", "/users/1")).body == {"id": "1"}


async def test_it_counts_against_the_same_rate_budget() -> None:
    clock = FakeClock()
    options = ClientOptions(requests_per_second=0.1, longest_wait_seconds=5)
    async with passing(answer(), clock=clock, options=options) as (client, server):
        await client.send("GET", "/users/1")
        error = await refused(client)
        assert (type(error), error.retry_after_seconds, error.sent) == (RateLimited, 10, False)
        assert len(_to_api(server)) == 1


async def test_a_429_is_passed_on_and_others_wait_as_long_as_it_says() -> None:
    clock = FakeClock()
    async with passing(answer(429, {}, Retry_After="7"), answer(), clock=clock) as (client, _):
        status, headers, _ = await passed(client)
        assert (status, headers[b"retry-after"], clock.slept) == (429, b"7", [])
        await client.send("GET", "/users/1")
        assert clock.slept == [7]


async def test_exchanges_are_counted_and_traced_once_their_body_was_read() -> None:
    clock = FakeClock()
    async with passing(answer(), clock=clock) as (client, _):
        with tracing(clock) as trace:
            async with client.relay("GET", "/users", "a=b", []) as response:
                assert [each.path for each in trace.calls] == ["/token"]
                assert client.usage.in_flight == 1
                clock.advance(3)
                async for _chunk in response.body:
                    pass
        assert [(each.method, each.path, each.status, each.seconds) for each in trace.calls[1:]] == [
            ("GET", "/v1/users", 200, 3)
        ]
        assert client.usage.calls == {("sign_in", 200): 1, ("api", 200): 1}
        assert client.usage.in_flight == 0


async def test_it_works_over_any_transport() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=httpx.ByteStream(request.url.raw_path)))
    client = UpstreamClient("acme", "https://api.example.com/v1", transport=transport, clock=FakeClock())
    assert (await passed(client, query="a=%20"))[2] == b"/v1/users?a=%20"
