"""What a client counts of its upstream."""

import asyncio

import httpx
import pytest

from scim_bridge.upstream.auth import Bearer, ClientCredentials
from scim_bridge.upstream.client import ClientOptions
from scim_bridge.upstream.errors import RateLimited, Rejected, Unavailable, UpstreamError
from scim_bridge.upstream.redact import Secret
from scim_bridge.upstream.reply import Reply
from scim_bridge.upstream.usage import BOUNDS, MAX_TROUBLES, Durations
from tests.clocks import FakeClock
from tests.upstream.stubs import TOKEN_URL, Hanging, Stub, connected, ok, status, token


@pytest.mark.parametrize(
    ("seconds", "place"), [(0.0, 0), (BOUNDS[0], 0), (BOUNDS[0] * 1.01, 1), (BOUNDS[-1], -2), (BOUNDS[-1] + 1, -1)]
)
def test_a_duration_falls_into_the_first_class_whose_end_it_does_not_pass(seconds: float, place: int) -> None:
    durations = Durations()
    durations.add(seconds)
    assert durations.counts[place] == sum(durations.counts) == 1
    assert durations.seconds == seconds


async def test_exchanges_are_counted_by_status_and_sign_ins_apart() -> None:
    clock = FakeClock()
    auth = ClientCredentials(TOKEN_URL, "id", Secret("sesame"), clock=clock)
    stub = Stub(token(), status(500), httpx.ConnectError("refused"), ok())
    async with connected(stub, auth=auth, clock=clock) as client:
        await client.send("GET", "/users")
        usage = client.usage
    assert usage.calls == {("sign_in", 200): 1, ("api", 500): 1, ("api", None): 1, ("api", 200): 1}
    assert sum(usage.durations.counts) == 4
    assert (usage.retries, usage.in_flight) == (2, 0)


async def test_waits_are_counted_by_their_reason() -> None:
    clock = FakeClock()
    limited = status(429, Retry_After="7")
    options = ClientOptions(requests_per_second=1.0)
    async with connected(Stub(limited, ok(), ok()), options=options, clock=clock) as client:
        before = clock.now()
        await client.send("GET", "/users")
        await client.send("GET", "/users")
        waited = client.usage.waited
        assert sum(waited.values()) == pytest.approx(clock.now() - before)
    assert waited["retry_after"] == 7
    assert 0.0 <= waited["backoff"] <= 0.25
    assert waited["own_limit"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("answer", "error"), [(status(429, Retry_After="900"), RateLimited), (status(503, Retry_After="900"), Unavailable)]
)
async def test_a_wait_that_is_too_long_is_none(answer: httpx.Response, error: type[Exception]) -> None:
    async with connected(Stub(answer)) as client:
        with pytest.raises(error):
            await client.send("GET", "/users")
        assert (client.usage.retries, dict(client.usage.waited)) == (0, {})


async def test_what_is_under_way_is_counted_until_it_ends() -> None:
    upstream = Hanging()
    async with connected(upstream) as client:
        asked = [asyncio.create_task(client.send("GET", "/users")) for _ in range(3)]
        while upstream.open < 3:
            await asyncio.sleep(0)
        assert client.usage.in_flight == 3
        asked.pop().cancel()
        upstream.release.set()
        await asyncio.gather(*asked)
        await asyncio.sleep(0)
        assert client.usage.in_flight == 0


async def test_a_fetched_token_has_an_age_and_a_fixed_one_none() -> None:
    clock = FakeClock()
    auth = ClientCredentials(TOKEN_URL, "id", Secret("sesame"), clock=clock)
    async with connected(Stub(token(), ok()), auth=auth, clock=clock) as client:
        assert client.token_age_seconds() is None
        await client.send("GET", "/users")
        clock.advance(42.0)
        assert client.token_age_seconds() == 42.0
    async with connected(Stub(), auth=Bearer(Secret("fixed"))) as client:
        assert client.token_age_seconds() is None


async def test_a_token_that_was_made_before_it_was_asked_for_is_that_much_older() -> None:
    clock = FakeClock()
    body = {"access_token": "t", "expires_in": 3600, "created_at": "2026-01-01T00:00:00+00:00"}
    answer = httpx.Response(200, json=body, headers={"Date": "Thu, 01 Jan 2026 00:10:00 GMT"})
    auth = ClientCredentials(TOKEN_URL, "id", Secret("sesame"), clock=clock)
    async with connected(Stub(answer, ok()), auth=auth, clock=clock) as client:
        await client.send("GET", "/users")
        assert client.token_age_seconds() == 600.0


async def test_the_last_failures_are_kept_without_secrets_and_answers_are_none() -> None:
    refused = httpx.Response(400, json={"message": "no such field for sesame"})
    options = ClientOptions(attempts=1, requests_per_second=50.0)
    auth = Bearer(Secret("sesame"))
    stub = Stub(status(404), status(409), refused, httpx.ConnectError("refused"), *[status(500)] * MAX_TROUBLES)
    async with connected(stub, auth=auth, options=options, classify=_quoting) as client:
        for _ in range(4):
            with pytest.raises(UpstreamError):
                await client.send("GET", "/users")
        first, second = client.usage.troubles
        for _ in range(MAX_TROUBLES):
            with pytest.raises(Unavailable):
                await client.send("GET", "/users")
    assert (first.kind, first.status, first.text) == ("Rejected", 400, "no such field for ***")
    assert (second.kind, second.status) == ("Unavailable", None)
    assert first.at <= second.at
    assert [each.status for each in client.usage.troubles] == [500] * MAX_TROUBLES
    assert client.usage.requests_per_second == 50.0


def _quoting(reply: Reply) -> UpstreamError | None:
    return Rejected("", reply.body["message"], status=400) if reply.status == 400 else None
