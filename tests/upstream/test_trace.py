"""What a client's request costs upstream, and its deadline."""

import asyncio
import logging

import pytest

from scim_bridge.upstream.auth import ClientCredentials
from scim_bridge.upstream.redact import Secret
from scim_bridge.upstream.trace import RequestTrace, UpstreamCall, current_trace, tracing
from tests.clocks import FakeClock
from tests.upstream.stubs import TOKEN_URL, Stub, connected, ok, status, token


def _call(started: float, seconds: float) -> UpstreamCall:
    return UpstreamCall("GET", "/", 200, seconds, started)


def test_calls_side_by_side_count_their_time_once() -> None:
    trace = RequestTrace(FakeClock(), 0.0, 50.0)
    trace.calls += [_call(5.0, 1.0), _call(1.0, 2.0), _call(2.0, 2.0), _call(2.5, 0.5)]
    assert trace.upstream_count == 4
    assert trace.upstream_seconds == 4.0


def test_the_deadline_counts_down_on_the_clock_of_the_trace() -> None:
    clock = FakeClock()
    with tracing(clock, 30.0) as trace:
        clock.advance(10.0)
        assert trace.remaining_seconds == 20.0
        clock.advance(25.0)
        assert trace.remaining_seconds == -5.0


async def test_a_task_started_inside_shares_the_trace_and_nothing_leaks_out() -> None:
    async def inner() -> RequestTrace | None:
        return current_trace()

    with tracing(FakeClock()) as trace:
        assert await asyncio.create_task(inner()) is trace
    assert current_trace() is None


async def test_every_exchange_is_traced_and_logged_without_its_query(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    auth = ClientCredentials(TOKEN_URL, "id", Secret("sesame"), clock=clock)
    stub = Stub(token(), status(500), ok())
    with caplog.at_level(logging.DEBUG), tracing(clock) as trace:
        async with connected(stub, auth=auth, clock=clock) as client:
            await client.send("GET", "/users/a%2Fb", params={"filter": "joe"})
    calls = [(each.method, each.path, each.status) for each in trace.calls]
    assert calls == [("POST", "/token", 200), ("GET", "/v1/users/a%2Fb", 500), ("GET", "/v1/users/a%2Fb", 200)]
    logged = [each.__dict__ for each in caplog.records if each.name == "scim_bridge.upstream"]
    assert [(each["upstream"], each["path"], each["status"]) for each in logged] == [
        ("acme", path, code) for _, path, code in calls
    ]
    assert not any(word in str(logged) + caplog.text for word in ("joe", "sesame", "token-1"))
