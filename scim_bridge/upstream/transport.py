"""HTTP/1.1 over aiohttp for httpx.

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
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Sequence
from contextlib import contextmanager

import aiohttp
import httpx
import yarl

from scim_bridge.upstream.address import web_address
from scim_bridge.upstream.errors import AddressRefused
from scim_bridge.upstream.guard import Guard, PrivateAddress, refusal
from scim_bridge.upstream.redact import Secret

KEEPALIVE_SECONDS = 30.0
PASSED = "scim_bridge.passed"
"""In the extensions of a request whose bodies, its own and the answer's, are passed on as they come."""


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
                data=await _content(request),
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
        headers = list(request.headers.multi_items())
        # a tunnel's CONNECT takes them from `proxy_headers`; aiohttp forgets them on plain http
        return headers if request.url.scheme == "https" else headers + list(self._proxy_headers.items())

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()


async def _content(request: httpx.Request) -> bytes | AsyncIterable[bytes] | None:
    """The body as aiohttp takes it; one that is passed on is read while it is sent."""
    stream = request.stream
    if PASSED in request.extensions and isinstance(stream, AsyncIterable) and not isinstance(stream, httpx.ByteStream):
        return stream
    return await request.aread() or None


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
