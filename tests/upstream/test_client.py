"""What is sent, what is sent again, and when; no socket and no real time."""

import asyncio
import gzip
import logging
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from scim_bridge.upstream.auth import Basic, Bearer
from scim_bridge.upstream.client import ClientOptions, UpstreamClient
from scim_bridge.upstream.errors import (
    AuthRefused,
    BadAnswer,
    Conflict,
    NotFound,
    RateLimited,
    Rejected,
    TimedOut,
    Unavailable,
    UpstreamError,
)
from scim_bridge.upstream.redact import Secret
from scim_bridge.upstream.reply import Reply
from scim_bridge.upstream.trace import tracing
from tests.clocks import FakeClock
from tests.upstream.stubs import BASE, Hanging, Stub, connected, failure, ok, status, together

# -- what goes out ----------------------------------------------------------------------------------------------------


async def test_a_request_is_sent_as_it_was_asked_for() -> None:
    stub = Stub(ok({"id": "1"}, X_Total="7"))
    async with connected(stub, options=ClientOptions(headers={"X-Api": "2"})) as client:
        reply = await client.send("GET", "/users", params={"q": "a b"}, headers={"If-None-Match": 'W/"1"'})
    assert (reply.status, reply.body, reply.headers["X-Total"]) == (200, {"id": "1"}, "7")
    (sent,) = stub.calls
    assert (sent.method, str(sent.url), sent.content) == ("GET", f"{BASE}/users?q=a%20b", b"")
    assert sent.headers["Accept"] == "application/json"
    assert sent.headers["User-Agent"].startswith("scim-bridge/")
    assert (sent.headers["X-Api"], sent.headers["If-None-Match"]) == ("2", 'W/"1"')
    assert "Content-Type" not in sent.headers


async def test_a_body_is_json_unless_another_type_is_named() -> None:
    stub = Stub(ok(), ok(), ok())
    vendor = "application/vnd.pingidentity.password.set+json"
    async with connected(stub, options=ClientOptions(headers={"accept": "application/scim+json"})) as client:
        await client.send("POST", "/users", json={"name": "é", "none": None})
        await client.send("PUT", "/users/1/password", json=[1], headers={"content-type": vendor})
        await client.send("POST", "/users/1/enable")
    assert stub.calls[0].content == '{"name":"é","none":null}'.encode()
    assert [each.headers.get("Content-Type") for each in stub.calls] == ["application/json", vendor, None]
    assert [each.headers["Accept"] for each in stub.calls] == ["application/scim+json"] * 3
    assert stub.calls[2].headers["Content-Length"] == "0"


async def test_no_parameters_leave_the_address_alone() -> None:
    stub = Stub(ok(), ok())
    async with connected(stub) as client:
        await client.send("GET", "/users", params={})
        await client.send("GET", f"{BASE}/users?cursor=a%2Bb")
    assert [str(each.url) for each in stub.calls] == [f"{BASE}/users", f"{BASE}/users?cursor=a%2Bb"]


@pytest.mark.parametrize(
    ("ask", "kind"),
    [
        ({"target": "https://evil.example/users"}, BadAnswer),
        ({"target": "/users/../admin"}, Rejected),
        ({"json": {"name": "\ud800"}}, Rejected),
        ({"json": {"number": 2**70}}, Rejected),
        ({"headers": {"If-Match": 'W/"é"'}}, Rejected),
        ({"headers": {"If-Match": "1\r\nX-Other: 2"}}, Rejected),
    ],
)
async def test_what_cannot_be_sent_as_it_is_is_refused_unsent(ask: dict[str, Any], kind: type[UpstreamError]) -> None:
    stub = Stub()
    async with connected(stub) as client:
        error = await failure(client, "POST", **ask)
    assert type(error) is kind
    assert (error.upstream, error.sent, stub.calls) == ("acme", False, [])
    assert error.__context__ is None


async def test_cookies_are_not_kept() -> None:
    stub = Stub(ok(Set_Cookie="session=1; Path=/"), ok())
    async with connected(stub) as client:
        await client.send("GET", "/users")
        await client.send("GET", "/users")
    assert "Cookie" not in stub.calls[1].headers


@pytest.mark.parametrize(
    ("auth", "header"),
    [(Bearer(Secret("t-1")), "Bearer t-1"), (Basic("joé", Secret("p:w")), "Basic am/DqTpwOnc=")],
)
async def test_fixed_credentials_go_with_every_request(auth: httpx.Auth, header: str) -> None:
    stub = Stub(status(401), ok())
    async with connected(stub, auth=auth) as client:
        assert type(await failure(client)) is AuthRefused
        await client.send("GET", "/users")
    assert [each.headers["Authorization"] for each in stub.calls] == [header, header]


def test_credentials_that_no_header_can_carry_are_refused_without_quoting_them() -> None:
    for wrong in ("", "ses ame", "sesame\n", "sesamé"):
        with pytest.raises(ValueError, match="the token") as caught:
            Bearer(Secret(wrong))
        assert "ses" not in str(caught.value)
    with pytest.raises(ValueError, match="colon"):
        Basic("a:b", Secret("sesame"))


# -- what is sent again -----------------------------------------------------------------------------------------------

_ALL, _ONE = 4, 1


def _repeat(make: Callable[[], httpx.Response | Exception]) -> Stub:
    return Stub(handler=lambda request: make())


@pytest.mark.parametrize(
    ("method", "make", "kind", "calls", "sent"),
    [
        ("GET", lambda: status(500), Unavailable, _ALL, False),
        ("HEAD", lambda: status(500), Unavailable, _ALL, False),
        ("PUT", lambda: status(502), Unavailable, _ALL, True),
        ("DELETE", lambda: status(504), Unavailable, _ALL, True),
        ("POST", lambda: status(500), Unavailable, _ONE, True),
        ("PATCH", lambda: status(500), Unavailable, _ONE, True),
        ("GET", lambda: status(501), Unavailable, _ONE, False),
        ("PUT", lambda: status(501), Unavailable, _ONE, False),
        ("PUT", lambda: status(505), Unavailable, _ONE, True),
        ("POST", lambda: status(503), Unavailable, _ONE, True),
        ("POST", lambda: status(503, Retry_After="1"), Unavailable, _ALL, False),
        ("POST", lambda: status(429), RateLimited, _ALL, False),
        ("GET", lambda: status(408), TimedOut, _ALL, False),
        ("POST", lambda: status(408), TimedOut, _ONE, True),
        ("PUT", lambda: status(400), Rejected, _ONE, False),
        ("PUT", lambda: status(401), AuthRefused, _ONE, False),
        ("PUT", lambda: status(403), AuthRefused, _ONE, False),
        ("DELETE", lambda: status(404), NotFound, _ONE, False),
        ("PUT", lambda: status(409), Conflict, _ONE, False),
        ("GET", lambda: status(302, Location="https://h:port/"), BadAnswer, _ONE, False),
        ("POST", lambda: status(303, Location="/v1/users/1"), BadAnswer, _ONE, True),
        ("GET", lambda: httpx.Response(200, html="<p>"), BadAnswer, _ONE, False),
        ("POST", lambda: httpx.Response(201, html="<p>"), BadAnswer, _ONE, True),
        ("GET", lambda: httpx.ConnectError(""), Unavailable, _ALL, False),
        ("POST", lambda: httpx.ConnectError(""), Unavailable, _ALL, False),
        ("POST", lambda: httpx.ConnectTimeout(""), Unavailable, _ALL, False),
        ("POST", lambda: httpx.ProxyError(""), Unavailable, _ALL, False),
        ("GET", lambda: httpx.ReadError(""), Unavailable, _ALL, False),
        ("PUT", lambda: httpx.ReadError(""), Unavailable, _ALL, True),
        ("POST", lambda: httpx.ReadError(""), Unavailable, _ONE, True),
        ("GET", lambda: httpx.ReadTimeout(""), TimedOut, _ALL, False),
        ("PATCH", lambda: httpx.ReadTimeout(""), TimedOut, _ONE, True),
        ("GET", lambda: httpx.RemoteProtocolError(""), BadAnswer, _ALL, False),
        ("POST", lambda: httpx.RemoteProtocolError(""), BadAnswer, _ONE, True),
    ],
)
async def test_only_what_cannot_happen_twice_is_sent_again(
    method: str, make: Callable[[], Any], kind: type[UpstreamError], calls: int, sent: bool
) -> None:
    stub = _repeat(make)
    async with connected(stub) as client:
        error = await failure(client, method)
    assert (type(error), len(stub.calls), error.sent) == (kind, calls, sent)


@pytest.mark.parametrize(("method", "idempotent", "calls"), [("POST", True, _ALL), ("GET", False, _ONE)])
async def test_the_caller_may_say_what_is_idempotent(method: str, idempotent: bool, calls: int) -> None:
    stub = _repeat(lambda: status(500))
    async with connected(stub) as client:
        await failure(client, method, idempotent=idempotent)
    assert len(stub.calls) == calls


async def test_an_attempt_that_succeeds_ends_it_and_each_sends_the_same() -> None:
    stub = Stub(httpx.ConnectError(""), status(429), status(503, Retry_After="0.5"), ok({"id": 1}))
    async with connected(stub) as client:
        assert (await client.send("POST", "/users", json={"a": 1})).body == {"id": 1}
    assert {(each.method, str(each.url), each.content) for each in stub.calls} == {
        ("POST", f"{BASE}/users", b'{"a":1}')
    }


async def test_a_delete_whose_first_answer_was_lost_tells_so_beside_the_404() -> None:
    stub = Stub(httpx.ReadError(""), status(404))
    async with connected(stub) as client:
        error = await failure(client, "DELETE")
    assert (type(error), error.sent) == (NotFound, True)


async def test_a_put_that_may_have_happened_says_so_though_later_attempts_never_left() -> None:
    stub = Stub(*[httpx.ReadError("")], *[httpx.ConnectError("")] * 3)
    async with connected(stub) as client:
        error = await failure(client, "PUT")
    assert (type(error), error.sent, len(stub.calls)) == (Unavailable, True, 4)


async def test_the_number_of_attempts_is_an_option() -> None:
    stub = _repeat(lambda: status(500))
    async with connected(stub, options=ClientOptions(attempts=2)) as client:
        await failure(client)
    assert len(stub.calls) == 2


# -- when it is sent again --------------------------------------------------------------------------------------------


async def test_waits_grow_with_full_jitter() -> None:
    clock = FakeClock()
    async with connected(_repeat(lambda: status(500)), clock=clock, rng=random.Random(7)) as client:
        await failure(client)
    expected = random.Random(7)
    assert clock.slept == [expected.uniform(0.0, most) for most in (0.25, 0.5, 1.0)]


@pytest.mark.parametrize("code", [429, 503, 500])
@pytest.mark.parametrize(
    "headers",
    [
        {"Retry_After": "5"},
        {"Retry_After": "Wed, 21 Oct 2015 07:28:05 GMT", "Date": "Wed, 21 Oct 2015 07:28:00 GMT"},
    ],
)
async def test_retry_after_is_waited_for_and_a_little_longer(code: int, headers: dict[str, str]) -> None:
    clock, stub = FakeClock(), Stub(status(code, **headers), ok())
    async with connected(stub, clock=clock) as client:
        await client.send("GET", "/users")
    (slept,) = clock.slept
    assert 5.0 <= slept <= 5.25


@pytest.mark.parametrize(("code", "kind"), [(429, RateLimited), (503, Unavailable)])
@pytest.mark.parametrize(("asked", "seconds"), [("21", 21), ("20.1", 21)])
async def test_a_retry_after_we_cannot_wait_for_fails_at_once(
    code: int, kind: type[UpstreamError], asked: str, seconds: int
) -> None:
    clock, stub = FakeClock(), Stub(status(code, Retry_After=asked))
    async with connected(stub, clock=clock) as client:
        error = await failure(client)
    assert (type(error), error.retry_after_seconds, clock.slept) == (kind, seconds, [])


async def test_a_retry_after_beyond_the_deadline_fails_at_once() -> None:
    clock, stub = FakeClock(), Stub(status(429, Retry_After="5"))
    async with connected(stub, clock=clock) as client:
        with tracing(clock, 4.0):
            error = await failure(client)
    assert (type(error), error.retry_after_seconds, clock.slept) == (RateLimited, 5, [])


async def test_limited_always_says_for_how_long() -> None:
    async with connected(_repeat(lambda: status(429))) as client:
        assert (await failure(client)).retry_after_seconds == 1


# -- the deadline -----------------------------------------------------------------------------------------------------


async def test_past_the_deadline_nothing_is_sent() -> None:
    clock, stub = FakeClock(), Stub(ok())
    async with connected(stub, clock=clock) as client:
        with tracing(clock, 10.0):
            clock.advance(10.0)
            error = await failure(client, "POST")
    assert (type(error), error.sent, stub.calls) == (TimedOut, False, [])


async def test_all_calls_of_one_request_share_its_deadline() -> None:
    clock = FakeClock()

    def slow(request: httpx.Request) -> httpx.Response:
        clock.advance(20.0)
        return ok()

    stub = Stub(handler=slow)
    async with connected(stub, clock=clock) as client:
        with tracing(clock, 50.0):
            for _ in range(3):
                await client.send("GET", "/users")
            error = await failure(client)
    assert (type(error), len(stub.calls)) == (TimedOut, 3)


async def test_no_attempt_begins_that_the_deadline_leaves_no_time_to_wait_for() -> None:
    clock = FakeClock()

    def slow(request: httpx.Request) -> httpx.Response:
        clock.advance(9.0)
        return status(503, Retry_After="2")

    stub = Stub(handler=slow)
    async with connected(stub, clock=clock) as client:
        with tracing(clock, 10.0):
            error = await failure(client)
    assert (type(error), len(stub.calls)) == (Unavailable, 1)


async def test_an_attempt_ends_at_the_deadline_and_is_not_repeated() -> None:
    clock, hanging = FakeClock(), Hanging()
    async with connected(hanging, clock=clock) as client:
        with tracing(clock, 0.02):
            error = await failure(client, "PUT")
    assert (type(error), error.sent, hanging.calls, hanging.open) == (TimedOut, True, 1, 0)


async def test_waiting_for_other_requests_ends_at_the_deadline_with_nothing_sent() -> None:
    clock, hanging = FakeClock(), Hanging()
    async with connected(hanging, clock=clock, options=ClientOptions(max_concurrency=1)) as client:
        first = asyncio.create_task(client.send("GET", "/users"))
        await asyncio.sleep(0)
        with tracing(clock, 0.02):
            error = await failure(client, "PUT")
        hanging.release.set()
        await first
    assert (type(error), error.sent, hanging.calls) == (TimedOut, False, 1)


# -- limits -----------------------------------------------------------------------------------------------------------


async def test_no_more_requests_run_at_once_than_allowed() -> None:
    hanging = Hanging()
    async with connected(hanging, options=ClientOptions(max_concurrency=3)) as client:
        waiting = asyncio.ensure_future(together(client, 10))
        for _ in range(20):
            await asyncio.sleep(0)
        assert hanging.open == 3
        hanging.release.set()
        await waiting
    assert (hanging.calls, hanging.most) == (10, 3)


async def test_cancelled_requests_give_their_places_back() -> None:
    hanging = Hanging()
    async with connected(hanging, options=ClientOptions(max_concurrency=2)) as client:
        tasks = [asyncio.create_task(client.send("GET", "/users")) for _ in range(5)]
        for _ in range(20):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert all(task.cancelled() for task in tasks)
        hanging.release.set()
        assert all(isinstance(each, Reply) for each in await together(client, 4))


async def test_a_rate_limit_of_ours_spreads_requests_and_counts_repeats() -> None:
    clock, stub = FakeClock(), Stub(ok(), status(429, Retry_After="1"), ok(), ok())
    async with connected(stub, clock=clock, options=ClientOptions(requests_per_second=0.5)) as client:
        await client.send("GET", "/users")
        await client.send("GET", "/users")
        await client.send("GET", "/users")
    first, asked, second, third = clock.slept
    assert first == 2.0
    assert 1.0 <= asked <= 1.25
    assert second == pytest.approx(2.0 - asked)
    assert third == 2.0


@pytest.mark.parametrize(("deadline", "longest"), [(50.0, 9.0), (9.0, 20.0)])
async def test_a_rate_limit_of_ours_that_takes_too_long_fails_at_once(deadline: float, longest: float) -> None:
    clock, stub = FakeClock(), Stub(ok())
    options = ClientOptions(requests_per_second=0.1, longest_wait_seconds=longest)
    async with connected(stub, clock=clock, options=options) as client:
        with tracing(clock, deadline):
            await client.send("GET", "/users")
            error = await failure(client, "POST")
    assert (type(error), error.retry_after_seconds, error.sent) == (RateLimited, 10, False)
    assert (len(stub.calls), clock.slept) == (1, [])


async def test_a_pause_that_the_upstream_asks_for_holds_for_all_requests() -> None:
    clock, stub = FakeClock(), Stub(status(429, Retry_After="5"), ok())
    async with connected(stub, clock=clock, options=ClientOptions(attempts=1)) as client:
        await failure(client)
        clock.advance(2)
        await client.send("GET", "/users")
        assert (clock.slept, client.usage.waited["retry_after"]) == ([3.0], 3.0)


async def test_a_pause_that_nobody_can_wait_for_is_told_without_asking_again() -> None:
    clock, stub = FakeClock(), Stub(status(429, Retry_After="5"), ok())
    async with connected(stub, clock=clock, options=ClientOptions(attempts=1)) as client:
        await failure(client)
        with tracing(clock, 4.0):
            error = await failure(client, "POST")
    assert (type(error), error.retry_after_seconds, error.sent) == (RateLimited, 5, False)
    assert (len(stub.calls), clock.slept) == (1, [])


@pytest.mark.parametrize("refusal", [status(429, Retry_After="21"), status(503, Retry_After="5")])
async def test_neither_an_outage_nor_a_long_pause_shuts_out_other_requests(refusal: httpx.Response) -> None:
    clock, stub = FakeClock(), Stub(refusal, ok())
    async with connected(stub, clock=clock, options=ClientOptions(attempts=1)) as client:
        await failure(client)
        await client.send("GET", "/users")
    assert clock.slept == []


def _gzipped(content: bytes) -> httpx.Response:
    async def stream() -> AsyncIterator[bytes]:
        yield content

    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip", "Content-Length": str(len(content))}
    return httpx.Response(200, headers=headers, content=stream())


async def test_a_compressed_answer_is_read_and_its_headers_tell_no_encoding() -> None:
    async with connected(Stub(_gzipped(gzip.compress(b'{"id": 1}')))) as client:
        reply = await client.send("GET", "/users")
    assert reply.body == {"id": 1}
    assert "Content-Encoding" not in reply.headers
    assert reply.headers["Content-Length"] == "9"


async def test_a_small_answer_that_unpacks_into_a_large_one_is_refused() -> None:
    bomb = gzip.compress(b" " * 1_000_000)
    async with connected(Stub(_gzipped(bomb)), options=ClientOptions(max_body_bytes=10_000)) as client:
        error = await failure(client)
    assert len(bomb) < 10_000
    assert (type(error), error.status, error.detail) == (BadAnswer, 200, "the answer is larger than 10000 bytes")


async def test_an_answer_that_does_not_unpack_is_a_bad_answer() -> None:
    stub = _repeat(lambda: _gzipped(b"not gzip"))
    async with connected(stub) as client:
        error = await failure(client)
    assert (type(error), error.status, len(stub.calls)) == (BadAnswer, 200, 4)


# -- what is told -----------------------------------------------------------------------------------------------------


async def test_the_vendors_code_decides_before_the_status() -> None:
    def classify(reply: Reply) -> UpstreamError | None:
        if isinstance(reply.body, dict) and reply.body.get("code") == "TAKEN":
            return Conflict("", "taken", codes=("TAKEN",), target="username")
        return None

    stub = Stub(status(500, {"code": "TAKEN"}), status(400, {"code": "OTHER"}), status(207, {"code": "TAKEN"}), ok())
    async with connected(stub, classify=classify) as client:
        taken = await failure(client, "PUT")
        other = await failure(client, "PUT")
        inside = await failure(client, "PUT")
        await client.send("PUT", "/users")
    assert (type(taken), taken.status, taken.codes, taken.target) == (Conflict, 500, ("TAKEN",), "username")
    assert type(other) is Rejected
    assert (type(inside), inside.status, inside.sent) == (Conflict, 207, False)
    assert len(stub.calls) == 4


@pytest.mark.parametrize("code", [403, 500])
async def test_a_vendors_own_way_to_say_too_many_is_waited_for(code: int) -> None:
    def classify(reply: Reply) -> UpstreamError | None:
        return RateLimited("", "quota", retry_after_seconds=3) if reply.status == code else None

    clock, stub = FakeClock(), Stub(status(code), ok())
    async with connected(stub, classify=classify, clock=clock) as client:
        await client.send("POST", "/users")
    assert 3.0 <= clock.slept[0] <= 3.25


async def test_a_vendors_code_may_tell_that_a_write_has_happened_in_part() -> None:
    def classify(reply: Reply) -> UpstreamError | None:
        return Rejected("", "one of two", sent=True)

    async with connected(Stub(status(207), ok()), classify=classify) as client:
        assert (await failure(client, "PATCH")).sent
        assert not (await failure(client, "GET")).sent


async def test_nothing_an_error_tells_holds_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    def classify(reply: Reply) -> UpstreamError:
        return Rejected("other", f"bad {reply.body}\r\nsesame", codes=("c-sesame",), target="t-sesame")

    stub = Stub(status(400, {"you sent": "c2VzYW1l", "at": "ses%C3%A1me"}))
    with caplog.at_level(logging.DEBUG):
        async with connected(stub, auth=Bearer(Secret("sesame")), classify=classify) as client:
            error = await failure(client, params={"filter": "joe"})
    assert error.detail == "bad {'you sent': '***', 'at': 'ses%C3%A1me'}  ***"
    assert (error.upstream, error.codes, error.target) == ("acme", ("c-***",), "t-***")
    assert not any(word in f"{error!r}{error}{caplog.text}" for word in ("sesame", "c2VzYW1l", "joe"))
    assert "sesame" not in repr(client)


@pytest.mark.parametrize(
    "make", [lambda: httpx.ReadError("x"), lambda: _gzipped(b"no"), lambda: httpx.Response(200, html="<p>")]
)
async def test_an_error_keeps_nothing_of_the_library(make: Callable[[], Any]) -> None:
    async with connected(Stub(make())) as client:
        error = await failure(client, "POST", json={"password": "x"})
    assert error.__cause__ is None
    assert error.__context__ is None


def test_options_do_not_show_what_may_be_secret() -> None:
    shown = repr(ClientOptions(proxy="http://u:sesame@p", headers={"X-Key": "sesame"}))
    assert "sesame" not in shown


def test_an_unusable_address_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="the base URL"):
        UpstreamClient("acme", "api.example.com")
    with pytest.raises(ValueError, match="the proxy") as caught:
        UpstreamClient("acme", BASE, options=ClientOptions(proxy="http://user:ses#ame@proxy"))
    assert "ses" not in str(caught.value)
