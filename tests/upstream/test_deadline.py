"""The time limit of a request: what it cuts short, and what it leaves alone."""

import asyncio

import pytest

from scim_bridge.protocol import endpoint
from scim_bridge.upstream.deadline import deadline
from tests.protocol.memory import Bridge, error_of


async def test_a_block_in_time_is_left_alone() -> None:
    with deadline(60):
        await asyncio.sleep(0)
    task = asyncio.current_task()
    assert task is not None and not task.cancelling()


async def test_a_block_that_waits_too_long_is_cut_short() -> None:
    with pytest.raises(TimeoutError), deadline(0):
        await asyncio.Event().wait()
    task = asyncio.current_task()
    assert task is not None and not task.cancelling()
    await asyncio.sleep(0)  # nothing of the cancellation is left


async def test_an_error_of_the_block_stays_itself() -> None:
    with pytest.raises(LookupError), deadline(60):
        raise LookupError


async def test_a_block_within_another_is_cut_short_alone() -> None:
    with deadline(60):
        with pytest.raises(TimeoutError), deadline(0):
            await asyncio.Event().wait()
        await asyncio.sleep(0)


@pytest.mark.parametrize("inner", [0, 60])
async def test_a_block_around_another_is_cut_short_with_it(inner: float) -> None:
    with pytest.raises(TimeoutError), deadline(0), deadline(inner):
        await asyncio.Event().wait()
    task = asyncio.current_task()
    assert task is not None and not task.cancelling()
    await asyncio.sleep(0)


@pytest.mark.parametrize("seconds", [0, 60])
async def test_a_cancellation_from_elsewhere_stays_one(seconds: float) -> None:
    async def wait() -> None:
        with deadline(seconds):
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    task.get_loop().call_soon(task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(("method", "unknown"), [("GET", False), ("POST", True), ("DELETE", True)])
async def test_a_request_that_waits_for_no_upstream_ends_all_the_same(
    monkeypatch: pytest.MonkeyPatch, method: str, unknown: bool
) -> None:
    monkeypatch.setattr(endpoint, "DEADLINE_SECONDS", -1)
    bridge = Bridge()

    async def never() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(bridge.opened, "service", never)
    response = await bridge.ask(method, "/Users/1")
    assert error_of(response) == (504, None)
    assert ("Whether the write took effect is not known" in response.json()["detail"]) == unknown
