"""Carrying out writes: a provider's steps, one upstream call after the other, undone when a later one fails."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from scim_bridge.clock import SYSTEM_CLOCK, Clock
from scim_bridge.query.capabilities import Call, Nothing, Steps
from scim_bridge.query.pages import Send, understood
from scim_bridge.upstream.errors import UpstreamError
from scim_bridge.upstream.reply import Reply

_log = logging.getLogger("scim_bridge.write")
_AT_ONCE: Final = 8
"""Upstream writes of one request that run at the same time."""


class PartialWrite(Exception):
    """A write of several upstream calls failed half-way and could not be undone entirely.

    ``cause`` is the failure; ``left`` names the calls that are still in effect, with "(perhaps)" where the upstream did
    not tell.
    """

    def __init__(self, cause: Exception, left: Sequence[str]) -> None:
        super().__init__(f"{cause}; still in effect upstream: {', '.join(left)}")
        self.cause = cause
        self.left = tuple(left)


@dataclass(slots=True)
class Transaction:
    """The upstream calls of one client request. Use `run` for each part, `undo` when the request fails.

    ``makes_owner``: the first call makes what all others are about, so that they are gone with it.
    """

    send: Send
    makes_owner: bool = False
    clock: Clock = SYSTEM_CLOCK
    _done: list[tuple[Call, Reply]] = field(default_factory=list)
    _unknown: list[Call] = field(default_factory=list)

    async def run(self, steps: Steps) -> Any:
        """Carry out steps and return their result; the steps may catch an upstream's refusal and go on."""
        try:
            call = next(steps)
            while True:
                try:
                    reply = await self._carry_out(call)
                except UpstreamError as error:
                    call = steps.throw(error)
                else:
                    with understood(call.path):
                        call = steps.send(reply)
        except StopIteration as end:
            return end.value

    async def run_all(self, parts: Sequence[Steps]) -> None:
        """Carry out independent steps, a few at a time; raises the first failure.

        What has begun by then is carried out to its end, as cutting off a write leaves its outcome unknown; the rest is
        not begun.
        """
        gate = asyncio.Semaphore(_AT_ONCE)
        failures: list[Exception] = []

        async def one(steps: Steps) -> None:
            async with gate:
                if failures:
                    steps.close()
                    return
                try:
                    await self.run(steps)
                except Exception as error:
                    failures.append(error)

        await asyncio.gather(*(one(steps) for steps in parts))
        if failures:
            raise failures[0]

    async def _carry_out(self, call: Call) -> Reply:
        try:
            reply = await self._send(call)
        except UpstreamError as error:
            if error.sent:
                self._unknown.append(call)
            raise
        if call.method != "GET":
            self._done.append((call, reply))
        return reply

    async def _send(self, call: Call) -> Reply:
        if call.delay_seconds > 0:
            await self.clock.sleep(call.delay_seconds)
        return await self.send(
            call.method,
            call.path,
            params=call.params or None,
            json=call.json,
            headers=call.headers or None,
            idempotent=call.idempotent,
        )

    async def undo(self, cause: Exception) -> None:
        """Take back what was done, last first; raises PartialWrite when something stays, or may have.

        A single call whose outcome is unknown is no partial write: its own failure says so.
        """
        done, unknown = self._done, self._unknown
        self._done, self._unknown = [], []
        left = [call for call, reply in reversed(done) if not await self._take_back(call, reply)]
        if self.makes_owner and done and done[0][0] not in left:
            left, unknown = [], []
        if left or (unknown and (done or len(unknown) > 1)):
            raise PartialWrite(cause, [*map(str, left), *(f"{call} (perhaps)" for call in unknown)]) from None

    async def _take_back(self, call: Call, reply: Reply) -> bool:
        try:
            undo = call.undo(reply) if callable(call.undo) else call.undo
            if undo is None:
                return False
            if not isinstance(undo, Nothing):
                await self._send(undo)
        except Exception as error:  # whatever goes wrong, the rest has to be taken back, and what stays be told
            _log.warning("an upstream call could not be undone", extra={"call": str(call), "error": str(error)})
            return False
        return True
