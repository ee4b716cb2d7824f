"""The client's side of a request that is passed on."""

import asyncio
from collections.abc import Callable

import pytest
from starlette.types import Message

from scim_bridge.admin.client import Client, ClientGone


async def _never(*_: object) -> Message:
    await asyncio.sleep(3600)
    return {}


async def _forgotten(message: Message) -> None:
    """Sent to nobody."""


def _received(*messages: Message) -> Callable[[], object]:
    left = list(messages)

    async def receive() -> Message:
        return left.pop(0) if left else await _never()

    return receive


def _client(*messages: Message, brings_body: bool = False, silence_seconds: float = 0.02) -> Client:
    receive = _received(*messages)
    return Client(receive, _forgotten, brings_body=brings_body, silence_seconds=silence_seconds)  # type: ignore[arg-type] # ASGI's own types are wider


async def test_a_body_comes_in_pieces() -> None:
    pieces = ({"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.request", "body": b"b"})
    assert [each async for each in _client(*pieces, brings_body=True).body()] == [b"a", b"b"]


async def test_a_client_that_sends_nothing_for_too_long_is_given_up() -> None:
    client = _client({"type": "http.request", "body": b"a", "more_body": True}, brings_body=True)
    with pytest.raises(ClientGone, match="too long"):
        async for each in client.body():
            assert each == b"a"


async def test_a_client_that_takes_nothing_for_too_long_is_given_up() -> None:
    client = Client(_never, _never, brings_body=False, silence_seconds=0.02)  # type: ignore[arg-type] # the same
    with pytest.raises(ClientGone, match="too long"):
        await client.send(b"a")


async def test_work_ends_with_the_client() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await _never()
        finally:
            ended.set()

    client = _client({"type": "http.request"}, {"type": "http.disconnect"})
    with pytest.raises(ClientGone):
        await client.unless_gone(work(), lambda: False)
    assert ended.is_set()


async def test_work_that_is_done_may_end() -> None:
    steps: list[str] = []

    async def work() -> None:
        steps.append("answered")
        await asyncio.sleep(0.02)
        steps.append("put away")

    await _client({"type": "http.disconnect"}).unless_gone(work(), lambda: bool(steps))
    assert steps == ["answered", "put away"]


async def test_what_the_work_raises_is_raised() -> None:
    async def work() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await _client().unless_gone(work(), lambda: False)


async def test_work_that_is_cancelled_from_elsewhere_ends() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await _never()
        finally:
            ended.set()

    task = asyncio.ensure_future(_client().unless_gone(work(), lambda: False))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()
