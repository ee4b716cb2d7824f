"""The place where every exchange with an upstream is counted, traced and logged."""

from collections.abc import AsyncIterator, Callable
from logging import DEBUG, getLogger

import httpx

from scim_bridge.clock import Clock
from scim_bridge.upstream.errors import BadAnswer
from scim_bridge.upstream.reply import read_body
from scim_bridge.upstream.trace import UpstreamCall, current_trace
from scim_bridge.upstream.transport import PASSED
from scim_bridge.upstream.usage import Usage

_log = getLogger("scim_bridge.upstream")


class Progress:
    """How far one request came; travels in ``request.extensions[PROGRESS]``, which sign-ins do not carry."""

    __slots__ = ("handed_over", "status")

    def __init__(self) -> None:
        self.handed_over = False
        self.status: int | None = None


PROGRESS = "scim_bridge.progress"
MAX_REFUSAL_BYTES = 64 * 1024
"""Of a 401 to such a request, which is kept until it is clear whether a new sign-in helps."""


class _Told(httpx.AsyncByteStream):
    """A body that tells when it is closed, once."""

    def __init__(self, inner: httpx.AsyncByteStream, ended: Callable[[], None]) -> None:
        self._inner = inner
        self._ended: Callable[[], None] | None = ended

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            yield chunk

    async def aclose(self) -> None:
        ended, self._ended = self._ended, None
        try:
            await self._inner.aclose()
        finally:
            if ended is not None:
                ended()


class ObservedTransport(httpx.AsyncBaseTransport):
    """Another transport, with each exchange (sign-ins too) traced, counted and logged, and its answer read whole,
    unless it is to be passed on: then it is over when its body is closed.

    The answer is read and decompressed here, within ``max_body_bytes``, since httpx itself reads the body of a 401 that
    is answered by a new sign-in, without any limit.
    """

    def __init__(
        self, inner: httpx.AsyncBaseTransport, name: str, clock: Clock, max_body_bytes: int, usage: Usage
    ) -> None:
        self._inner = inner
        self._usage = usage
        self._name = name
        self._clock = clock
        self._max_body_bytes = max_body_bytes

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        progress: Progress = request.extensions.get(PROGRESS) or Progress()
        # the status may be left from the 401 before a new sign-in
        progress.handed_over, progress.status = True, None
        ended = self._begun(request, progress)
        if PASSED in request.extensions:
            return await self._passed(request, progress, ended)
        try:
            answer = await self._inner.handle_async_request(request)
            progress.status, is_whole = answer.status_code, answer.is_closed
            content = await self._content(answer, request)
        finally:
            ended()
        headers = _headers(answer)
        if is_whole and headers is answer.headers:
            return answer
        return httpx.Response(answer.status_code, headers=headers, content=content)

    def _begun(self, request: httpx.Request, progress: Progress) -> Callable[[], None]:
        """Count a request as under way; what is to be called at its end."""
        exchange = _Exchange(self._name, request, self._clock)
        self._usage.in_flight += 1

        def ended() -> None:
            self._usage.in_flight -= 1
            seconds = exchange.end(progress.status)
            self._usage.ended("api" if PROGRESS in request.extensions else "sign_in", progress.status, seconds)

        return ended

    async def _passed(self, request: httpx.Request, progress: Progress, ended: Callable[[], None]) -> httpx.Response:
        """The answer with a body that is still to come, as it is; that of a 401 is here."""
        try:
            answer = await self._inner.handle_async_request(request)
            progress.status = answer.status_code
        except BaseException:
            ended()
            raise
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        stream: httpx.AsyncByteStream = _Told(answer.stream, ended)
        if answer.status_code == 401:
            stream = await _refusal(stream)
        return httpx.Response(answer.status_code, headers=answer.headers, stream=stream)

    async def _content(self, answer: httpx.Response, request: httpx.Request) -> bytes:
        answer.request = request
        try:
            return await read_body(answer, self._max_body_bytes)
        finally:
            await answer.aclose()

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _refusal(stream: httpx.AsyncByteStream) -> httpx.ByteStream:
    """A body read whole, still content-encoded. BadAnswer where it is too large."""
    content = bytearray()
    try:
        async for chunk in stream:
            content += chunk
            if len(content) > MAX_REFUSAL_BYTES:
                raise BadAnswer("", f"the answer is larger than {MAX_REFUSAL_BYTES} bytes", status=401)
    finally:
        await stream.aclose()
    return httpx.ByteStream(bytes(content))


def _headers(answer: httpx.Response) -> httpx.Headers:
    """The headers that are true of the decompressed answer."""
    dropped = {b"content-encoding", b"content-length"} if "Content-Encoding" in answer.headers else set()
    if 300 <= answer.status_code < 400:
        # never followed, but httpx would parse it all the same, and quote it where it is malformed
        dropped.add(b"location")
    if not dropped:
        return answer.headers
    return httpx.Headers([each for each in answer.headers.raw if each[0].lower() not in dropped])


class _Exchange:
    """One request and its answer, from the first byte sent to the last one read."""

    def __init__(self, name: str, request: httpx.Request, clock: Clock) -> None:
        self._name = name
        self._method = request.method
        # never the query: it holds user names and filters
        self._path = request.url.raw_path.partition(b"?")[0].decode("ascii")
        self._clock = clock
        self._started = clock.now()

    def end(self, status: int | None) -> float:
        """Tell what became of it; how many seconds it took."""
        seconds = self._clock.now() - self._started
        if trace := current_trace():
            trace.calls.append(UpstreamCall(self._method, self._path, status, seconds, self._started))
        if _log.isEnabledFor(DEBUG):
            self._told(status, seconds)
        return seconds

    def _told(self, status: int | None, seconds: float) -> None:
        _log.debug(
            "upstream call",
            extra={
                "upstream": self._name,
                "method": self._method,
                "path": self._path,
                "status": status,
                "seconds": round(seconds, 6),
            },
        )
