"""Faults of a real socket, on loopback ports: a retried success or the promised error, and nothing twice."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from scim_bridge.upstream.auth import ClientCredentials
from scim_bridge.upstream.client import ClientOptions, UpstreamClient
from scim_bridge.upstream.errors import (
    BadAnswer,
    HostNotFound,
    NotFound,
    RateLimited,
    SignInRefused,
    TimedOut,
    Unavailable,
    UpstreamError,
)
from scim_bridge.upstream.redact import Secret
from scim_bridge.upstream.reply import Reply
from scim_bridge.upstream.trace import tracing
from tests.clocks import FakeClock
from tests.upstream import faults
from tests.upstream.faults import FaultServer, Step, answer, upstream
from tests.upstream.stubs import failure, together

SECRETS = ("sesame", "token-1", "token-2", "c2VzYW1l")


@asynccontextmanager
async def _signed_in(
    *steps: Step,
    clock: FakeClock | None = None,
    sign_ins: tuple[Step, ...] | None = None,
    options: ClientOptions = ClientOptions(),
) -> AsyncIterator[tuple[UpstreamClient, FaultServer]]:
    """A client of a server that has a token endpoint at /token; only the socket takes real time."""
    clock = clock or FakeClock()
    tokens = (faults.token("token-1"), faults.token("token-2")) if sign_ins is None else sign_ins
    async with upstream(*steps, paths={"/token": tokens}) as server:
        auth = ClientCredentials(f"{server.origin}/token", "id", Secret("sesame"), clock=clock)
        client = UpstreamClient("acme", f"{server.origin}/v1", auth=auth, options=options, clock=clock)
        try:
            yield client, server
        finally:
            await client.aclose()


def _api(server: FaultServer) -> list[str]:
    return [each.method for each in server.requests if each.path != "/token"]


@pytest.fixture(autouse=True)
def _no_secret_in_the_log(caplog: pytest.LogCaptureFixture) -> Any:
    caplog.set_level(logging.DEBUG)
    yield
    logged = caplog.text + "".join(str(each.__dict__) for each in caplog.records)
    assert not any(secret in logged for secret in SECRETS)


# -- each fault, to a read and to a write -----------------------------------------------------------------------------

FAULTS: list[tuple[str, Callable[[], Step], type[UpstreamError], bool]] = [
    ("cut body", faults.cut_body, BadAnswer, True),
    ("cut body of an error", lambda: faults.cut_body(500), BadAnswer, True),
    ("cut headers", faults.cut_headers, Unavailable, True),
    ("disconnect", faults.disconnect, Unavailable, True),
    ("reset", faults.reset, Unavailable, True),
    ("garbage", faults.garbage, BadAnswer, True),
    ("silence", faults.silence, TimedOut, True),
    ("stalled body", faults.stall, TimedOut, True),
    ("500", lambda: answer(500), Unavailable, True),
    ("503 page", lambda: faults.page(503), Unavailable, True),
    ("HTML", faults.page, BadAnswer, False),
    ("404 page", lambda: faults.page(404), BadAnswer, False),
    ("invalid JSON", lambda: faults.raw(b'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n{"a"'), BadAnswer, False),
    ("too large", lambda: answer(200, "x" * 3000), BadAnswer, False),
    ("endless", faults.endless, BadAnswer, False),
    ("redirect", lambda: answer(307, Location="/v1/elsewhere"), BadAnswer, False),
    ("huge header", lambda: answer(200, X_Large="x" * 100_000), BadAnswer, True),
    ("404", lambda: answer(404), NotFound, False),
]
_TABLE = pytest.mark.parametrize(
    ("fault", "kind", "passing"), [each[1:] for each in FAULTS], ids=[f[0] for f in FAULTS]
)
_LIMITS = ClientOptions(timeout_seconds=0.25, max_body_bytes=2000)


@_TABLE
async def test_a_read_is_repeated_when_that_may_help_and_succeeds(
    fault: Callable[[], Step], kind: type[UpstreamError], passing: bool
) -> None:
    async with _signed_in(fault(), answer(200, {"id": "1"}), options=_LIMITS) as (client, server):
        if passing:
            assert (await client.send("GET", "/users/1")).body == {"id": "1"}
        else:
            assert type(await failure(client)) is kind
        assert _api(server) == ["GET"] * (2 if passing else 1)
        assert len(server.to("/token")) == 1


@_TABLE
async def test_a_read_that_goes_on_failing_ends_in_the_promised_error(
    fault: Callable[[], Step], kind: type[UpstreamError], passing: bool
) -> None:
    async with _signed_in(fault(), fault(), options=replace(_LIMITS, attempts=2)) as (client, server):
        error = await failure(client)
        assert (type(error), error.upstream, error.sent) == (kind, "acme", False)
        assert _api(server) == ["GET"] * (2 if passing else 1)
        assert not any(secret in f"{error!r} {error}" for secret in SECRETS)


@_TABLE
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_write_that_may_have_happened_is_never_repeated_and_says_so(
    fault: Callable[[], Step], kind: type[UpstreamError], passing: bool, method: str
) -> None:
    async with _signed_in(fault(), answer(201), options=_LIMITS) as (client, server):
        error = await failure(client, method, json={"userName": "joe"})
        assert type(error) is kind
        assert error.sent is (error.status not in (404,))
        assert _api(server) == [method]


# -- connections ------------------------------------------------------------------------------------------------------


async def test_a_kept_connection_is_used_again() -> None:
    async with _signed_in(*[answer()] * 3) as (client, server):
        for _ in range(3):
            await client.send("GET", "/users")
        assert server.connections == 1


async def test_a_connection_the_peer_closed_while_idle_is_replaced_also_for_a_write() -> None:
    async with _signed_in(faults.then_close(answer()), answer(201)) as (client, server):
        await client.send("GET", "/users")
        await asyncio.sleep(0.02)
        await client.send("POST", "/users", json={})
        assert _api(server) == ["GET", "POST"]
        assert server.connections == 2


async def test_a_connection_that_is_closed_on_the_next_request_is_not_used_to_send_it_twice() -> None:
    async with _signed_in(answer(), faults.disconnect(), answer(201)) as (client, server):
        await client.send("GET", "/users")
        error = await failure(client, "POST")
        assert (type(error), error.sent) == (Unavailable, True)
        assert _api(server) == ["GET", "POST"]
        assert server.requests[-1].connection == 1


async def test_nobody_listening_is_unavailable_and_nothing_was_sent() -> None:
    async with upstream() as server:
        origin = server.origin
    clock = FakeClock()
    client = UpstreamClient("acme", origin, clock=clock)
    error = await failure(client, "POST")
    await client.aclose()
    assert (type(error), error.sent, len(clock.slept)) == (Unavailable, False, 3)
    assert str(error) == "acme: not reachable (ClientConnectorError)"


async def test_a_name_that_does_not_resolve_is_unavailable() -> None:
    client = UpstreamClient("acme", "http://acme.invalid", clock=FakeClock(), options=ClientOptions(attempts=1))
    error = await failure(client, "POST")
    await client.aclose()
    assert isinstance(error, Unavailable)
    assert (type(error), error.sent) == (HostNotFound, False)


async def test_closing_the_client_ends_what_is_under_way() -> None:
    async with _signed_in(faults.silence(), options=ClientOptions(attempts=1)) as (client, server):
        task = asyncio.create_task(failure(client, "PUT"))
        while not _api(server):
            await asyncio.sleep(0.001)
        await client.aclose()
        error = await task
    assert (type(error), error.sent) == (Unavailable, True)


async def test_a_cancelled_request_leaves_its_connection_to_nobody() -> None:
    async with _signed_in(faults.silence(), answer(200, {"id": "2"}), options=ClientOptions(max_concurrency=1)) as (
        client,
        server,
    ):
        task = asyncio.create_task(client.send("GET", "/users/1"))
        while not _api(server):
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert (await client.send("GET", "/users/2")).body == {"id": "2"}
        assert server.connections == 2


async def test_a_slow_trickle_ends_at_the_deadline() -> None:
    async with _signed_in(answer(), faults.trickle()) as (client, server):
        await client.send("GET", "/users")
        with tracing(FakeClock(), 0.2) as trace:
            error = await failure(client, "PUT")
        assert (type(error), error.sent, error.status) == (TimedOut, True, 200)
        assert _api(server) == ["GET", "PUT"]
        assert [each.status for each in trace.calls] == [200]


async def test_the_address_arrives_word_for_word() -> None:
    async with upstream(answer(), answer()) as server:
        client = UpstreamClient("acme", f"{server.origin}/v1", clock=FakeClock())
        await client.send("GET", "/users/a%2Fb%3Bc%2e", params={"filter": 'a eq "b;c"', "x": "1+2"})
        link = f"{server.origin}/v1/users?cursor=a%2Fb+c%3b~'(d)!*&e;f"
        await client.send("GET", link)
        await client.aclose()
    targets = [each.target for each in server.requests]
    assert targets == [
        "/v1/users/a%2Fb%3Bc%2e?filter=a%20eq%20%22b%3Bc%22&x=1%2B2",
        "/v1/users?cursor=a%2Fb+c%3b~'(d)!*&e;f",
    ]


async def test_cookies_are_not_kept() -> None:
    async with upstream(answer(Set_Cookie="session=1; Path=/"), answer()) as server:
        # by name, as cookies of a bare address are refused anyway
        client = UpstreamClient("acme", f"http://localhost:{server.port}", clock=FakeClock())
        await client.send("GET", "/users")
        await client.send("GET", "/users")
        await client.aclose()
    assert [each.headers.get("cookie") for each in server.requests] == [None, None]


async def test_a_link_to_another_port_gets_neither_request_nor_token() -> None:
    async with upstream(answer()) as other, _signed_in(answer(200, {"next": "x"})) as (client, server):
        await client.send("GET", "/users")
        error = await failure(client, "GET", f"{other.origin}/v1/users?cursor=2")
        assert (type(error), error.sent) == (BadAnswer, False)
        assert _api(server) == ["GET"]
        assert (other.connections, other.requests) == (0, [])


async def test_a_redirect_to_another_port_is_not_followed() -> None:
    async with upstream(answer()) as other:
        away = answer(302, Location=f"{other.origin}/v1/users")
        async with _signed_in(away, sign_ins=(faults.token("token-1"),)) as (client, _):
            assert type(await failure(client)) is BadAnswer
        async with _signed_in(sign_ins=(away,)) as (client, _):
            assert type(await failure(client)) is BadAnswer
        assert other.connections == 0


# -- sign-in ----------------------------------------------------------------------------------------------------------


async def test_fifty_requests_on_a_cold_client_sign_in_once() -> None:
    async with _signed_in(*[answer()] * 50) as (client, server):
        outcomes = await together(client, 50)
        assert all(isinstance(each, Reply) for each in outcomes)
        assert len(server.to("/token")) == 1
        assert len(_api(server)) == 50
        assert {each.headers["authorization"] for each in server.to("/v1/users")} == {"Bearer token-1"}
        assert server.connections <= 16


async def test_fifty_requests_with_a_wrong_secret_are_one_failed_login() -> None:
    async with _signed_in(sign_ins=(answer(401, {"error": "invalid_client"}),)) as (client, server):
        outcomes = await together(client, 50)
        assert {type(each) for each in outcomes} == {SignInRefused}
        assert not any(secret in str(outcomes) for secret in SECRETS)
        assert len(server.requests) == 1


async def test_401_in_the_middle_is_answered_by_a_fresh_token() -> None:
    async with _signed_in(answer(), answer(401), answer(201), answer()) as (client, server):
        await client.send("GET", "/users")
        assert (await client.send("POST", "/users", json={"a": 1})).status == 201
        await client.send("GET", "/users")
        sent = [each.headers["authorization"].split()[1] for each in server.requests if each.path != "/token"]
        assert sent == ["token-1", "token-1", "token-2", "token-2"]
        assert _api(server) == ["GET", "POST", "POST", "GET"]


async def test_401_with_a_body_over_the_limit_is_not_read_to_its_end() -> None:
    async with _signed_in(answer(401, "x" * 5000), options=ClientOptions(max_body_bytes=2000)) as (client, server):
        error = await failure(client, "PUT")
        assert (type(error), error.status, error.sent) == (BadAnswer, 401, False)
        assert len(server.to("/token")) == 1


@pytest.mark.parametrize(
    "fault", [faults.cut_body, faults.cut_headers, faults.reset, faults.disconnect, faults.silence, lambda: answer(500)]
)
async def test_a_broken_sign_in_is_repeated_also_for_a_write(fault: Callable[[], Step]) -> None:
    sign_ins = (fault(), faults.token("token-1"))
    async with _signed_in(answer(201), sign_ins=sign_ins, options=ClientOptions(timeout_seconds=0.25)) as (
        client,
        server,
    ):
        assert (await client.send("POST", "/users")).status == 201
        assert (len(server.to("/token")), _api(server)) == (2, ["POST"])


async def test_a_login_page_in_place_of_a_token_is_a_bad_answer() -> None:
    async with _signed_in(sign_ins=(faults.page(),)) as (client, server):
        error = await failure(client, "POST")
        assert (type(error), error.sent, len(server.requests)) == (BadAnswer, False, 1)


# -- limits of the upstream -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry_After": "3"},
        {"Retry_After": "Wed, 21 Oct 2015 07:28:03 GMT", "Date": "Wed, 21 Oct 2015 07:28:00 GMT"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_too_many_requests_are_waited_for(headers: dict[str, str], method: str) -> None:
    clock = FakeClock()
    async with _signed_in(answer(429, **headers), answer(), clock=clock) as (client, server):
        await client.send(method, "/users")
        assert _api(server) == [method, method]
    assert 3.0 <= clock.slept[0] <= 3.25


async def test_too_many_requests_for_too_long_are_told_at_once() -> None:
    async with _signed_in(answer(429, Retry_After="60")) as (client, server):
        error = await failure(client, "POST")
        assert (type(error), error.retry_after_seconds, error.sent) == (RateLimited, 60, False)
        assert _api(server) == ["POST"]


async def test_500_then_200_is_a_success() -> None:
    async with _signed_in(answer(500), answer(502), answer(200, {"id": "1"})) as (client, server):
        assert (await client.send("PUT", "/users/1", json={})).body == {"id": "1"}
        assert _api(server) == ["PUT", "PUT", "PUT"]
