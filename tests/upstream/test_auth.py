"""Signing in with client credentials: how, how often, and what a failure of it means."""

import asyncio
import base64
import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from scim_bridge.upstream.auth import ClientCredentials
from scim_bridge.upstream.client import ClientOptions
from scim_bridge.upstream.errors import (
    AuthRefused,
    BadAnswer,
    RateLimited,
    SignInRefused,
    TimedOut,
    Unavailable,
    UpstreamError,
)
from scim_bridge.upstream.redact import Secret
from scim_bridge.upstream.reply import Reply
from tests.clocks import FakeClock
from tests.upstream.stubs import BASE, TOKEN_URL, Stub, connected, failure, ok, status, together, token

API = f"{BASE}/users"
_WIDE = ClientOptions(max_concurrency=50)


def _auth(clock: FakeClock, **options: Any) -> ClientCredentials:
    return ClientCredentials(TOKEN_URL, "client", Secret("sesame"), clock=clock, **options)


class Upstream(Stub):
    """A token endpoint with a script, in front of an API that takes the last token only; it knows no other path."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        super().__init__(handler=self._answer)
        self.sign_ins = list(answers)
        self.valid = ""

    def _answer(self, request: httpx.Request) -> httpx.Response | Exception:
        if str(request.url) != TOKEN_URL:
            return ok() if request.headers["Authorization"] == f"Bearer {self.valid}" else status(401)
        answer = self.sign_ins.pop(0)
        if isinstance(answer, httpx.Response) and answer.status_code == 200:
            self.valid = answer.json()["access_token"]
        return answer

    @property
    def counts(self) -> tuple[int, int]:
        """Token requests, API requests."""
        return len(self.to(TOKEN_URL)), len(self.to(API))


# -- the token request ------------------------------------------------------------------------------------------------


async def test_basic_carries_both_form_encoded() -> None:
    clock, stub = FakeClock(), Stub(token(), ok())
    auth = ClientCredentials(TOKEN_URL, "id:1 ü", Secret("a+b/c %"), scope="x y", clock=clock)
    async with connected(stub, auth=auth, clock=clock) as client:
        await client.send("GET", "/users")
    sign_in, call = stub.calls
    scheme, _, credentials = sign_in.headers["Authorization"].partition(" ")
    assert (scheme, base64.b64decode(credentials)) == ("Basic", b"id%3A1+%C3%BC:a%2Bb%2Fc+%25")
    assert (sign_in.method, str(sign_in.url)) == ("POST", TOKEN_URL)
    assert sign_in.content == b"grant_type=client_credentials&scope=x+y"
    assert sign_in.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert sign_in.headers["User-Agent"] == call.headers["User-Agent"]
    assert call.headers["Authorization"] == "Bearer token-1"


async def test_post_carries_both_in_the_form() -> None:
    clock, stub = FakeClock(), Stub(token(), ok())
    auth = ClientCredentials(TOKEN_URL, "id&1", Secret("a+b c"), method="client_secret_post", clock=clock)
    async with connected(stub, auth=auth, clock=clock) as client:
        await client.send("GET", "/users")
    assert stub.calls[0].content == b"grant_type=client_credentials&client_id=id%261&client_secret=a%2Bb+c"
    assert "Authorization" not in stub.calls[0].headers


async def test_a_sign_in_may_be_json() -> None:
    clock, stub = FakeClock(), Stub(token(), ok())
    async with connected(stub, auth=_auth(clock, body="json"), clock=clock) as client:
        await client.send("GET", "/users")
    assert stub.calls[0].content == b'{"grant_type":"client_credentials"}'
    assert stub.calls[0].headers["Content-Type"] == "application/json"
    assert stub.calls[0].headers["Authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("created_at", "date", "lasts"),
    [
        ("2026-03-02T08:00:00.035Z", "Mon, 02 Mar 2026 08:50:00 GMT", 540),  # 10 of 60 minutes are left, less one
        ("2026-03-02T08:00:00.035Z", None, 3540),
        ("2026-03-02T08:00:00.035Z", "yesterday", 3540),
        ("2026-03-02T08:00:00", "Mon, 02 Mar 2026 08:50:00 GMT", 3540),
        ("2026-03-02T08:00:00Z", "Mon, 02 Mar 2026 11:00:00 GMT", 3540),  # it would be over: their clocks differ
        ("2026-03-02T12:00:00Z", "Mon, 02 Mar 2026 11:00:00 GMT", 3540),
        (1772438400, "Mon, 02 Mar 2026 08:50:00 GMT", 3540),
        (None, "Mon, 02 Mar 2026 08:50:00 GMT", 3540),
    ],
)
async def test_a_token_that_is_given_again_ends_when_it_would_have(
    created_at: Any, date: str | None, lasts: int
) -> None:
    given = {"access_token": "token-1", "expires_in": 3600, "created_at": created_at}
    answer = httpx.Response(200, json=given, headers={"Date": date} if date else {})
    clock, upstream = FakeClock(), Upstream(answer, token("token-2"))
    async with connected(upstream, auth=_auth(clock), clock=clock) as client:
        await client.send("GET", "/users")
        clock.advance(lasts - 2)
        await client.send("GET", "/users")
        assert upstream.counts == (1, 2)
        clock.advance(3)
        await client.send("GET", "/users")
        assert upstream.counts == (2, 3)


async def test_a_sign_in_keeps_to_the_time_limits_of_the_request() -> None:
    clock, stub = FakeClock(), Stub(token(), ok())
    async with connected(stub, auth=_auth(clock), clock=clock) as client:
        await client.send("GET", "/users")
    sign_in, call = stub.calls
    assert sign_in.extensions["timeout"] == call.extensions["timeout"]
    assert call.extensions["timeout"]["read"] == 30.0


@pytest.mark.parametrize("url", ["", "auth.example.com/token", "ftp://h/token", "https://h:sesame/"])
def test_a_token_url_that_is_none_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(ValueError, match="the token URL") as caught:
        ClientCredentials(url, "client", Secret("sesame"))
    assert "sesame" not in str(caught.value)


# -- how often --------------------------------------------------------------------------------------------------------


async def test_fifty_requests_on_a_cold_client_sign_in_once() -> None:
    clock, stub = FakeClock(), Upstream(token())
    async with connected(stub, auth=_auth(clock), clock=clock) as client:
        outcomes = await together(client, 50)
    assert all(isinstance(each, Reply) for each in outcomes)
    assert stub.counts == (1, 50)


async def test_fifty_requests_with_a_wrong_secret_are_one_failed_login() -> None:
    clock, stub = FakeClock(), Upstream(status(401, {"error": "invalid_client"}))
    async with connected(stub, auth=_auth(clock), clock=clock) as client:
        outcomes = await together(client, 50)
    assert {(type(each), each.detail, each.codes, each.upstream, each.sent) for each in outcomes} == {
        (SignInRefused, "the sign-in was refused: invalid_client, 401", ("invalid_client",), "acme", False)
    }
    assert len({id(each) for each in outcomes}) == 50
    assert stub.counts == (1, 0)


async def test_a_refusal_stands_for_a_while_and_is_then_put_to_the_test_again() -> None:
    clock, stub = FakeClock(), Upstream(status(401), token())
    async with connected(stub, auth=_auth(clock), clock=clock) as client:
        await failure(client)
        clock.advance(4.9)
        assert (await failure(client)).retry_after_seconds == 0
        assert stub.counts == (1, 0)
        clock.advance(0.1)
        await client.send("GET", "/users")
    assert stub.counts == (2, 1)


@pytest.mark.parametrize(
    ("expires_in", "used_until"),
    [
        (3600, 3540),
        (120, 60),
        (100, 50),
        ("3600", 3540),
        (3600.5, 3540.5),
        (None, 240),
        (0, 240),
        (-1, 240),
        (True, 240),
        ("", 240),
        ("soon", 240),
        ("inf", 240),
        ("nan", 240),
        ([3600], 240),
    ],
)
async def test_a_token_is_renewed_in_time(expires_in: object, used_until: float) -> None:
    clock, stub = FakeClock(), Upstream(token("one", expires_in=expires_in), token("two"))
    async with connected(stub, auth=_auth(clock), clock=clock) as client:
        await client.send("GET", "/users")
        clock.advance(used_until - 0.01)
        await client.send("GET", "/users")
        assert stub.counts == (1, 2)
        clock.advance(0.01)
        await client.send("GET", "/users")
    assert stub.counts == (2, 3)
    assert stub.calls[-1].headers["Authorization"] == "Bearer two"


async def test_a_token_without_any_lifetime_counts_as_five_minutes() -> None:
    clock, stub = FakeClock(), Upstream(ok({"access_token": "one"}), token("two"))
    async with connected(stub, auth=_auth(clock), clock=clock) as client:
        await client.send("GET", "/users")
        clock.advance(239.9)
        await client.send("GET", "/users")
        clock.advance(0.2)
        await client.send("GET", "/users")
    assert stub.counts == (2, 3)


async def test_fifty_requests_whose_token_was_revoked_renew_it_once() -> None:
    clock, stub = FakeClock(), Upstream(token("one"), token("two"))
    async with connected(stub, auth=_auth(clock), clock=clock, options=_WIDE) as client:
        await client.send("POST", "/users")
        stub.valid = "another"
        outcomes = await together(client, 50)
    assert all(isinstance(each, Reply) for each in outcomes)
    assert stub.counts == (2, 1 + 50 + 50)


async def test_a_write_refused_with_401_is_sent_again_with_a_fresh_token() -> None:
    clock, stub = FakeClock(), Upstream(token("one"), token("two"))
    async with connected(stub, auth=_auth(clock), clock=clock) as client:
        await client.send("GET", "/users")
        stub.valid = "another"
        await client.send("POST", "/users", json={"a": 1})
    assert stub.counts == (2, 3)
    assert [each.content for each in stub.to(API)] == [b"", b'{"a":1}', b'{"a":1}']


async def test_401_to_a_fresh_token_is_final() -> None:
    clock = FakeClock()
    stub = Stub(handler=lambda request: token() if str(request.url) == TOKEN_URL else status(401))
    async with connected(stub, auth=_auth(clock), clock=clock) as client:
        error = await failure(client, "PUT")
    assert (type(error), error.status, error.sent) == (AuthRefused, 401, False)
    assert (len(stub.to(TOKEN_URL)), len(stub.to(API))) == (2, 2)


async def test_a_cancelled_sign_in_leaves_the_next_request_to_sign_in() -> None:
    clock, gate = FakeClock(), asyncio.Event()

    class Slow(Upstream):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await super().handle_async_request(request)
            await gate.wait()
            return response

    stub = Slow(token("one"), token("two"))
    async with connected(stub, auth=_auth(clock), clock=clock) as client:
        first = asyncio.create_task(client.send("GET", "/users"))
        second = asyncio.create_task(client.send("GET", "/users"))
        for _ in range(10):
            await asyncio.sleep(0)
        assert stub.counts == (1, 0)
        first.cancel()
        gate.set()
        assert (await second).status == 200
    assert first.cancelled()
    assert stub.counts == (2, 1)
    assert stub.calls[-1].headers["Authorization"] == "Bearer two"


# -- what a failure means ---------------------------------------------------------------------------------------------


def _page(code: int) -> httpx.Response:
    return httpx.Response(code, html="<p>Log in")


@pytest.mark.parametrize(
    ("make", "kind", "code", "tries"),
    [
        (lambda: status(400, {"error": "invalid_scope"}), SignInRefused, 400, 1),
        (lambda: status(403), SignInRefused, 403, 1),
        (lambda: status(404, {"error": "no such tenant <sesame>"}), SignInRefused, 404, 1),
        (lambda: status(409), SignInRefused, 409, 1),
        (lambda: status(401, ["sesame"]), SignInRefused, 401, 1),
        (lambda: _page(401), SignInRefused, 401, 1),
        (lambda: _page(404), BadAnswer, 404, 1),
        (lambda: _page(200), BadAnswer, 200, 1),
        (lambda: status(302, Location="https://evil.example/token"), BadAnswer, 302, 1),
        (lambda: ok({"token": "sesame"}), BadAnswer, 200, 1),
        (lambda: ok({"access_token": ""}), BadAnswer, 200, 1),
        (lambda: ok({"access_token": "ses\r\name"}), BadAnswer, 200, 1),
        (lambda: ok({"access_token": "sesamé"}), BadAnswer, 200, 1),
        (lambda: ok(["sesame"]), BadAnswer, 200, 1),
        (lambda: status(200), BadAnswer, 200, 1),
        (lambda: httpx.Response(200, content=b'{"access_token":'), BadAnswer, 200, 1),
        (lambda: status(500), Unavailable, 500, 4),
        (lambda: _page(503), Unavailable, 503, 4),
        (lambda: status(501), Unavailable, 501, 1),
        (lambda: status(408), TimedOut, 408, 4),
        (lambda: status(429), RateLimited, 429, 4),
        (lambda: httpx.ConnectError("x"), Unavailable, None, 4),
        (lambda: httpx.ReadError("x"), Unavailable, None, 4),
        (lambda: httpx.ReadTimeout("x"), TimedOut, None, 4),
    ],
)
async def test_without_a_sign_in_nothing_is_sent_and_its_fault_is_told(
    make: Callable[[], Any],
    kind: type[UpstreamError],
    code: int | None,
    tries: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, stub = FakeClock(), Stub(handler=lambda request: make())
    with caplog.at_level(logging.DEBUG):
        async with connected(stub, auth=_auth(clock), clock=clock) as client:
            error = await failure(client, "POST")
    assert (type(error), error.status, error.sent) == (kind, code, False)
    assert error.detail.startswith("the sign-in")
    assert [str(each.url) for each in stub.calls] == [TOKEN_URL] * tries
    assert error.__context__ is None
    assert "ses" not in f"{error!r}{error.codes}{caplog.text}"


async def test_too_many_sign_ins_are_waited_for_once() -> None:
    clock, stub = FakeClock(), Upstream(status(429, Retry_After="7"), token())
    async with connected(stub, auth=_auth(clock), clock=clock) as client:
        outcomes = await together(client, 50)
    assert all(isinstance(each, Reply) for each in outcomes)
    assert stub.counts == (2, 50)
    assert 7.0 <= clock.slept[0] <= 7.25
    assert stub.to(TOKEN_URL)[0] is stub.calls[0]
    assert stub.to(TOKEN_URL)[1] is stub.calls[1]


async def test_too_many_sign_ins_for_longer_are_told_at_once_and_not_asked_about_again() -> None:
    clock, stub = FakeClock(), Upstream(status(429, Retry_After="90"), token())
    async with connected(stub, auth=_auth(clock), clock=clock) as client:
        assert (await failure(client, "POST")).retry_after_seconds == 90
        clock.advance(60.5)
        later = await failure(client, "POST")
        assert (type(later), later.retry_after_seconds, stub.counts) == (RateLimited, 30, (1, 0))
        clock.advance(30.0)
        await client.send("GET", "/users")
    assert stub.counts == (2, 1)
    assert clock.slept == []


async def test_an_absurd_retry_after_does_not_end_the_connection_for_good() -> None:
    clock, stub = FakeClock(), Upstream(status(429, Retry_After="999999999"), token())
    async with connected(stub, auth=_auth(clock), clock=clock) as client:
        await failure(client)
        clock.advance(600.0)
        await client.send("GET", "/users")
    assert stub.counts == (2, 1)


async def test_fifty_requests_share_an_outage_of_the_token_endpoint() -> None:
    clock, stub = FakeClock(), Upstream(status(500), token())
    async with connected(stub, auth=_auth(clock), clock=clock, options=_WIDE) as client:
        outcomes = await together(client, 50)
    assert all(isinstance(each, Reply) for each in outcomes)
    assert stub.counts == (2, 50)
    assert len(clock.slept) == 50


async def test_a_write_whose_new_sign_in_is_refused_has_not_happened() -> None:
    clock, stub = FakeClock(), Upstream(token("one"), status(401))
    async with connected(stub, auth=_auth(clock), clock=clock) as client:
        await client.send("GET", "/users")
        stub.valid = "another"
        error = await failure(client, "POST")
    assert (type(error), error.sent, stub.counts) == (SignInRefused, False, (2, 2))


async def test_a_write_that_breaks_after_a_new_sign_in_may_have_happened() -> None:
    clock, stub = FakeClock(), Stub(token("one"), status(401), token("two"), httpx.ReadError("x"))
    async with connected(stub, auth=_auth(clock), clock=clock) as client:
        error = await failure(client, "POST")
    assert (type(error), error.sent, len(stub.calls)) == (Unavailable, True, 4)


@pytest.mark.parametrize("outage", [httpx.ReadTimeout("x"), httpx.ConnectError("x"), status(503)])
async def test_a_write_whose_new_sign_in_breaks_is_sent_again(outage: httpx.Response | Exception) -> None:
    clock, stub = FakeClock(), Upstream(token("one"), outage, token("three"))
    async with connected(stub, auth=_auth(clock), clock=clock) as client:
        await client.send("GET", "/users")
        stub.valid = "another"
        await client.send("POST", "/users")
    # after the outage, once more with the old token, since nothing told that attempt of the 401
    assert stub.counts[0] == 3
    assert [each.headers["Authorization"] for each in stub.to(API)][-1] == "Bearer three"


async def test_all_that_is_secret_is_known() -> None:
    clock, stub = FakeClock(), Upstream(token("one"), token("two"))
    auth = _auth(clock)
    assert [each.reveal() for each in auth.secrets()] == ["sesame", base64.b64encode(b"client:sesame").decode()]
    async with connected(stub, auth=auth, clock=clock) as client:
        await client.send("GET", "/users")
        clock.advance(4000.0)
        await client.send("GET", "/users")
    assert [each.reveal() for each in auth.secrets()][2:] == ["two", "one"]
    assert "sesame" not in repr(auth)
