"""HTTP/1.1 over aiohttp for httpx, and the place where every exchange is counted.

Why aiohttp: httpx's own pool costs about four times the CPU per call at 16 connections, and more with each further one.

Why not httpx-aiohttp 0.2.0, which is the same idea: over loopback it failed on what matters most here.
- It reports each broken connection as `ConnectTimeout`, also a reset after the request was sent, so that a write that
  may have happened looks like one that can be sent again.
- It hands the URL over as text and yarl rewrites it: `a%3Bb` becomes `a;b`, which a Java server cuts to `a`, another
  record; `%2E%2E` climbs out of the path.
- It keeps cookies, and a proxy with a password raises a DeprecationWarning of aiohttp.
"""

import base64
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from logging import DEBUG, getLogger

import aiohttp
import httpx
import yarl

from scim_bridge.clock import Clock
from scim_bridge.upstream.address import web_address
from scim_bridge.upstream.errors import AddressRefused
from scim_bridge.upstream.guard import Guard, PrivateAddress, refusal
from scim_bridge.upstream.redact import Secret
from scim_bridge.upstream.reply import read_body
from scim_bridge.upstream.trace import UpstreamCall, current_trace
from scim_bridge.upstream.usage import Usage

KEEPALIVE_SECONDS = 30.0

_log = getLogger("scim_bridge.upstream")


class HostNameError(httpx.ConnectError):
    """A host's name leads to no address."""


class TlsError(httpx.ConnectError):
    """No TLS came about."""


# The first match counts, so the narrow classes stand first. ProxyError, ConnectError and ConnectTimeout say "nothing
# was sent"; RemoteProtocolError says "what came is no whole answer".
_TRANSLATIONS: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (aiohttp.ClientProxyConnectionError, httpx.ProxyError),
    (aiohttp.ClientHttpProxyError, httpx.ProxyError),
    (aiohttp.ClientConnectorDNSError, HostNameError),
    (aiohttp.ClientSSLError, TlsError),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
    (aiohttp.ServerDisconnectedError, httpx.ReadError),
    (aiohttp.ClientPayloadError, httpx.RemoteProtocolError),
    (aiohttp.ClientResponseError, httpx.RemoteProtocolError),
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol),
    (TimeoutError, httpx.ReadTimeout),
)


@contextmanager
def _as_httpx() -> Iterator[None]:
    """Errors of aiohttp and of the socket as those of httpx: what has no better name is a `ReadError`."""
    try:
        yield
    except (aiohttp.ClientError, OSError) as error:
        kind = next((to for of, to in _TRANSLATIONS if isinstance(error, of)), httpx.ReadError)
        # the class alone: the texts of aiohttp's errors hold URLs
        raise kind(type(error).__name__) from None


@contextmanager
def _refusals(host: str) -> Iterator[None]:
    """What the guard refused, which aiohttp wraps, as AddressRefused."""
    try:
        yield
    except aiohttp.ClientConnectorError as error:
        if not isinstance(error.os_error, PrivateAddress):
            raise
        what = "the proxy" if isinstance(error, aiohttp.ClientProxyConnectionError) else host
        raise AddressRefused("", refusal(what)) from None


class _Body(httpx.AsyncByteStream):
    """The body as it comes off the socket, still content-encoded."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx():
            async for chunk in self._answer.content.iter_any():
                yield chunk

    async def aclose(self) -> None:
        # `release` closes the connection instead of keeping it when the body was not read to its end
        self._answer.release()


class AiohttpTransport(httpx.AsyncBaseTransport):
    """One pool of connections; opened by the first request, in its event loop.

    ``proxy`` is `http://user:password@host:port`, also for https upstreams (CONNECT). ValueError for another scheme.
    ``guard`` decides which addresses may be connected to; None: all.
    """

    def __init__(
        self,
        ssl_context: ssl.SSLContext,
        *,
        max_connections: int,
        proxy: str | None = None,
        guard: Guard | None = None,
    ) -> None:
        self._guard = guard
        self._ssl_context = ssl_context
        self._max_connections = max_connections
        self._proxy, self._proxy_secrets = _proxy(proxy)
        basic = self._proxy_secrets[0].reveal() if self._proxy_secrets else None
        self._proxy_headers = {} if basic is None else {"Proxy-Authorization": f"Basic {basic}"}
        self._session: aiohttp.ClientSession | None = None

    def secrets(self) -> Sequence[Secret]:
        """The proxy's credentials."""
        return self._proxy_secrets

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        session = self._open()
        if self._guard is not None:
            self._guard.check(request.url.host)
        timeout = request.extensions.get("timeout", {})
        with _as_httpx(), _refusals(request.url.host):
            answer = await session.request(
                request.method,
                _verbatim(request.url),
                headers=self._headers(request),
                data=await request.aread() or None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=None,
                    connect=timeout.get("pool"),
                    sock_connect=timeout.get("connect"),
                    sock_read=timeout.get("read"),
                ),
                proxy=self._proxy,
                proxy_headers=self._proxy_headers or None,
            )
        return httpx.Response(answer.status, headers=list(answer.raw_headers), stream=_Body(answer))

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                ssl=self._ssl_context,
                limit=self._max_connections,
                keepalive_timeout=KEEPALIVE_SECONDS,
                socket_factory=self._guard.socket if self._guard is not None else None,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            )
            # aiohttp repeats GET, PUT and DELETE on a broken connection by itself: uncounted, and even where the
            # caller says that the request must not be repeated. It has no public switch.
            self._session._retry_connection = False
        return self._session

    def _headers(self, request: httpx.Request) -> list[tuple[str, str]]:
        headers = list(request.headers.items())
        # a tunnel's CONNECT takes them from `proxy_headers`; aiohttp forgets them on plain http
        return headers if request.url.scheme == "https" else headers + list(self._proxy_headers.items())

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()


def _verbatim(url: httpx.URL) -> yarl.URL:
    """The URL with each percent escape as it stands."""
    path, _, query = url.raw_path.decode("ascii").partition("?")
    return yarl.URL.build(scheme=url.scheme, host=url.host, port=url.port, path=path, query_string=query, encoded=True)


def _proxy(proxy: str | None) -> tuple[str | None, tuple[Secret, ...]]:
    """The proxy's address without credentials; then its credentials as Basic takes them, and the password."""
    if proxy is None:
        return None, ()
    url = web_address(proxy, "the proxy")
    address = str(url.copy_with(username=None, password=None, raw_path=b"/"))
    if not url.userinfo:
        return address, ()
    credentials = base64.b64encode(f"{url.username}:{url.password}".encode()).decode("ascii")
    return address, (Secret(credentials), Secret(url.password))


class Progress:
    """How far one request came; travels in ``request.extensions[PROGRESS]``, which sign-ins do not carry."""

    __slots__ = ("handed_over", "status")

    def __init__(self) -> None:
        self.handed_over = False
        self.status: int | None = None


PROGRESS = "scim_bridge.progress"


class ObservedTransport(httpx.AsyncBaseTransport):
    """Another transport, with each exchange (sign-ins too) traced, counted and logged, and its answer read whole.

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
        exchange = _Exchange(self._name, request, self._clock)
        self._usage.in_flight += 1
        try:
            answer = await self._inner.handle_async_request(request)
            progress.status, is_whole = answer.status_code, answer.is_closed
            content = await self._content(answer, request)
        finally:
            self._usage.in_flight -= 1
            seconds = exchange.end(progress.status)
            self._usage.ended("api" if PROGRESS in request.extensions else "sign_in", progress.status, seconds)
        headers = _headers(answer)
        if is_whole and headers is answer.headers:
            return answer
        return httpx.Response(answer.status_code, headers=headers, content=content)

    async def _content(self, answer: httpx.Response, request: httpx.Request) -> bytes:
        answer.request = request
        try:
            return await read_body(answer, self._max_body_bytes)
        finally:
            await answer.aclose()

    async def aclose(self) -> None:
        await self._inner.aclose()


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
