"""Exchanges with an upstream that are passed through: streamed both ways, with nothing changed but the credentials."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from scim_bridge.upstream.attempt import Failure, broken, unusable
from scim_bridge.upstream.errors import RateLimited, TimedOut, UpstreamError
from scim_bridge.upstream.exchange import Observe, exchanged
from scim_bridge.upstream.observed import PROGRESS, Progress
from scim_bridge.upstream.pace import retry_after_seconds
from scim_bridge.upstream.redact import Secret
from scim_bridge.upstream.target import below
from scim_bridge.upstream.transport import PASSED
from scim_bridge.upstream.turns import Turns

KEPT_BYTES: Final = 64 * 1024
"""A body that is no larger can be sent a second time, after a new sign-in."""
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Relayed:
    """An answer as the upstream gave it: its header fields, save for those that hold a secret of ours, and its body,
    still content-encoded, as it comes. Iterating raises UpstreamError where the body breaks off."""

    status: int
    headers: Headers
    body: AsyncIterator[bytes]


class Upload(httpx.AsyncByteStream):
    """A request's body on its way up. ``failure`` is what its source raised, which the libraries between wrap.

    While the upstream takes nothing, ``limit`` runs.
    """

    def __init__(self, source: AsyncIterable[bytes], silence_seconds: float) -> None:
        self.failure: Exception | None = None
        self.limit: asyncio.Timeout | None = None
        self._source = source
        self._silence_seconds = silence_seconds
        self._kept: bytearray | None = bytearray()
        self._started = self._ended = False

    @property
    def repeatable(self) -> bool:
        """Whether it can be sent once more: nothing was read of it yet, or all of it, and that was kept."""
        return not self._started or (self._ended and self._kept is not None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._ended:
            yield bytes(self._kept or b"")
            return
        self._started = True
        try:
            async for chunk in self._source:
                if chunk:  # an empty one would be taken for the end
                    self._keep(chunk)
                    self._watch(self._silence_seconds)
                    yield chunk
                    self._watch(None)
        except Exception as failure:
            self.failure = failure
            raise
        self._ended = True

    def _keep(self, chunk: bytes) -> None:
        if self._kept is not None:
            self._kept += chunk
            if len(self._kept) > KEPT_BYTES:
                self._kept = None

    def _watch(self, seconds: float | None) -> None:
        if self.limit is not None and not self.limit.expired():
            self.limit.reschedule(None if seconds is None else asyncio.get_running_loop().time() + seconds)


@dataclass(frozen=True, slots=True)
class Relay:
    """Passes exchanges through to one upstream, ``room`` of them at a time: those who read slowly must not keep others
    from the upstream, so that is not all that ``gate`` has."""

    base: httpx.URL
    auth: httpx.Auth
    transport: httpx.AsyncBaseTransport
    observe: Observe
    turns: Turns
    gate: asyncio.Semaphore
    room: asyncio.Semaphore
    timeout: dict[str, Any]
    silence_seconds: float
    longest_wait_seconds: float
    secrets: Callable[[], Sequence[Secret]]
    fit_to_show: Callable[[UpstreamError], UpstreamError] = field(repr=False)

    @asynccontextmanager
    async def open(
        self, method: str, path: str, query: str, headers: Headers, body: AsyncIterable[bytes] | None
    ) -> AsyncIterator[Relayed]:
        """What `UpstreamClient.relay` says."""
        upload = None if body is None else Upload(body, self.silence_seconds)
        async with AsyncExitStack() as held:
            try:
                url = below(self.base, path, query)
                await self._room(held)
                outcome = await self._outcome(method, url, headers, upload)
            except UpstreamError as error:
                outcome = error
            if isinstance(outcome, UpstreamError):
                # raised out here, or it would keep what it was made from as its context
                raise self.fit_to_show(outcome)
            held.push_async_callback(outcome.aclose)
            body = self._body(outcome, upload)
            held.push_async_callback(body.aclose)
            yield Relayed(outcome.status_code, self._clean(outcome.headers), body)

    async def _room(self, held: AsyncExitStack) -> None:
        try:
            async with asyncio.timeout(self.longest_wait_seconds):
                await held.enter_async_context(self.room)
                await held.enter_async_context(self.gate)
        except TimeoutError:
            raise RateLimited("", "too many requests are passed through at a time", retry_after_seconds=1) from None

    async def _outcome(
        self, method: str, url: httpx.URL, headers: Headers, upload: Upload | None
    ) -> httpx.Response | UpstreamError:
        """The answer, or what became of the last attempt: there is another only where nothing was sent."""
        attempt = 1
        while True:
            result = await self.turns.take() or await self._attempt(method, url, headers, upload)
            if isinstance(result, httpx.Response):
                if result.status_code == 429:
                    await self.turns.heed(retry_after_seconds(result.headers))
                return result
            result.error.sent = method not in SAFE and not result.untouched
            unsent = result.untouched and (upload is None or upload.repeatable)
            if not unsent or not await self.turns.again(attempt, result, repeatable=False):
                return result.error
            attempt += 1

    async def _attempt(
        self, method: str, url: httpx.URL, headers: Headers, upload: Upload | None
    ) -> httpx.Response | Failure:
        progress = Progress()
        extensions = {PROGRESS: progress, PASSED: True, "timeout": self.timeout}
        request = httpx.Request(method, url, headers=list(headers), stream=upload, extensions=extensions)

        def may_repeat() -> bool:
            return upload is None or upload.repeatable

        try:
            async with asyncio.timeout(None) as limit:
                if upload is not None:
                    upload.limit = limit
                return await exchanged(request, self.auth, self.transport, self.observe, may_repeat)
        except TimeoutError:
            return Failure(TimedOut("", "takes no more of the request"), passing=False, untouched=False)
        except httpx.RequestError as error:
            failure = broken(error, progress)
        except UpstreamError as error:
            failure = unusable(error, progress)
        finally:
            if upload is not None:
                upload.limit = None
        if upload is not None and upload.failure is not None:
            raise upload.failure
        return failure

    async def _body(self, response: httpx.Response, upload: Upload | None) -> AsyncGenerator[bytes, None]:
        assert isinstance(response.stream, httpx.AsyncByteStream)
        progress = Progress()
        progress.handed_over, progress.status = True, response.status_code
        try:
            async for chunk in response.stream:
                yield chunk
            return
        except httpx.RequestError as error:
            failure = broken(error, progress).error
        if upload is not None and upload.failure is not None:
            raise upload.failure
        raise self.fit_to_show(failure)

    def _clean(self, headers: httpx.Headers) -> Headers:
        """Without what an upstream sends back of the credentials it was sent."""
        secrets = [each.reveal().encode() for each in self.secrets() if each]
        return [each for each in headers.raw if not any(secret in each[1] for secret in secrets)]
