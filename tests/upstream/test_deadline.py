"""The time limit of a request: what it cuts short, and what it leaves alone."""

import asyncio

import pytest

from scim_bridge.protocol import endpoint
from scim_bridge.upstream.deadline import deadline, within
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


async def after(turns: int) -> int:
    for _ in range(turns):
        await asyncio.sleep(0)
    return turns


async def failing(turns: int) -> None:
    raise LookupError(await after(turns))


@pytest.mark.parametrize("turns", [0, 1, 3])
async def test_a_coroutine_in_time_ends_as_it_would_alone(turns: int) -> None:
    assert await within(60, after(turns)) == turns
    with pytest.raises(LookupError):
        await within(60, failing(turns))


async def test_no_timer_runs_for_a_coroutine_that_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio.get_running_loop(), "call_later", None)
    assert await within(60, after(0)) == 0


async def test_a_coroutine_that_waits_too_long_is_cut_short() -> None:
    with pytest.raises(TimeoutError):
        await within(0, asyncio.Event().wait())
    task = asyncio.current_task()
    assert task is not None and not task.cancelling()
    await asyncio.sleep(0)


async def test_a_coroutine_may_still_put_things_in_order_when_it_is_cut_short() -> None:
    done = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await after(2)
            done.append("in order")

    with pytest.raises(TimeoutError):
        await within(0, work())
    assert done == ["in order"]


@pytest.mark.parametrize("seconds", [0, 60])
async def test_a_cancellation_from_elsewhere_reaches_a_coroutine_as_one(seconds: float) -> None:
    found: list[BaseException] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except BaseException as error:
            found.append(error)
            raise

    async def wait() -> None:
        await within(seconds, work())

    task = asyncio.create_task(wait())
    task.get_loop().call_soon(task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [type(each) for each in found] == [asyncio.CancelledError]


async def test_a_coroutine_that_is_given_up_is_closed() -> None:
    closed = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            closed.append("closed")

    steps = within(60, work()).__await__()
    next(steps)
    steps.close()
    assert closed == ["closed"]


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
