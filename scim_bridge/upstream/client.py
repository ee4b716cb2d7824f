"""The client of one upstream: signs in, paces, repeats what may be repeated, and tells failures as `UpstreamError`."""

import asyncio
import math
import random
from collections.abc import AsyncIterable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import httpx
import orjson

from scim_bridge.clock import SYSTEM_CLOCK, Clock
from scim_bridge.upstream.address import address, base_address
from scim_bridge.upstream.attempt import Failure, broken, overdue, refused, unusable
from scim_bridge.upstream.auth import USER_AGENT, HoldsSecrets, HoldsToken
from scim_bridge.upstream.deadline import deadline
from scim_bridge.upstream.errors import RateLimited, Rejected, UpstreamError
from scim_bridge.upstream.exchange import CredentialUse, exchanged, unobserved
from scim_bridge.upstream.guard import Guard
from scim_bridge.upstream.observed import PROGRESS, ObservedTransport, Progress
from scim_bridge.upstream.pace import OwnPace, Pace
from scim_bridge.upstream.redact import Secret, safe_text, silence_http_library
from scim_bridge.upstream.relay import Headers, Relay, Relayed
from scim_bridge.upstream.reply import Reply, decode, error_by_status
from scim_bridge.upstream.transport import AiohttpTransport
from scim_bridge.upstream.trust import trust
from scim_bridge.upstream.turns import Turns, remaining_seconds
from scim_bridge.upstream.usage import Usage

_SAFE = frozenset({"GET", "HEAD"})
_IDEMPOTENT = _SAFE | {"PUT", "DELETE"}
_WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})
"""What tells its length also where there is none (RFC 9110 section 8.6)."""
MAX_REMEMBERED = 32
"""Sets of headers that are kept."""


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """How to talk to an upstream.

    - ``timeout_seconds``: silence on the socket that ends one attempt.
    - ``max_body_bytes``: of one answer, decompressed; sign-ins too.
    - ``requests_per_second``: our own limit; None: none.
    - ``attempts``: how often one request is sent at most.
    - ``longest_wait_seconds``: a longer wait for a rate limit is RateLimited at once.
    - ``ca_bundle``: PEM file of the only authorities trusted; None: the well-known ones.
    - ``client_cert``: PEM file with our certificate and its unencrypted key.
    - ``proxy``: `http://user:password@host:port`.
    - ``public_only``: whoever wrote the addresses is not trusted with ours: private ones are AddressRefused.
    - ``headers``: sent with every request; not for secrets, which an `httpx.Auth` keeps out of errors.
    """

    timeout_seconds: float = 30.0
    connect_timeout_seconds: float = 10.0
    max_body_bytes: int = 64 * 1024 * 1024
    max_concurrency: int = 16
    requests_per_second: float | None = None
    attempts: int = 4
    longest_wait_seconds: float = 20.0
    ca_bundle: str | None = None
    client_cert: str | None = None
    proxy: str | None = field(default=None, repr=False)
    public_only: bool = False
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(slots=True)
class _Call:
    """A request as each attempt sends it."""

    method: str
    url: httpx.URL
    headers: httpx.Headers
    content: bytes | None
    idempotent: bool


def _unclassified(reply: Reply) -> UpstreamError | None:
    return None


class UpstreamClient:
    """Sends requests to one upstream, over one pool of connections; ``observe`` is told of sign-ins and refusals.
    ``pace``: when to send, if others send to it too.

    ``classify`` judges each reply by vendor code; what it leaves alone (None) is judged by its status. ValueError for a
    base URL, proxy or certificate file that cannot be used.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        auth: httpx.Auth | None = None,
        options: ClientOptions = ClientOptions(),
        classify: Callable[[Reply], UpstreamError | None] = _unclassified,
        clock: Clock = SYSTEM_CLOCK,
        transport: httpx.AsyncBaseTransport | None = None,
        rng: random.Random | None = None,
        observe: Callable[[CredentialUse], None] = unobserved,
        pace: Pace | None = None,
    ) -> None:
        if not options.timeout_seconds > 0:  # 0 is none to the HTTP library
            raise ValueError("timeout_seconds is too small")
        self._name = name
        self._base = base_address(base_url)
        self._options = options
        self._classify = classify
        self._observe = observe
        self._gate = asyncio.Semaphore(options.max_concurrency)
        host = self._base.netloc.decode("ascii")
        headers = httpx.Headers({"Host": host, "Accept": "application/json", "User-Agent": USER_AGENT})
        headers.update(options.headers)
        inner = transport or _transport(name, options)
        parts: tuple[object, ...] = (auth, inner)
        self._secret_holders = [each for each in parts if isinstance(each, HoldsSecrets)]
        self._auth = auth or httpx.Auth()
        self._headers = headers
        # What is sent along is nearly always the same.
        self._sent_headers = lru_cache(MAX_REMEMBERED)(self._with_headers)
        # as many connections as the gate lets through, so none waits for the pool
        timeout = httpx.Timeout(options.timeout_seconds, connect=options.connect_timeout_seconds, pool=None)
        self._timeout = timeout.as_dict()
        self.usage = Usage(requests_per_second=options.requests_per_second)
        self._turns = Turns(
            pace or OwnPace(options.requests_per_second, clock),
            clock,
            self.usage,
            rng or random.Random(),
            attempts=options.attempts,
            longest_wait_seconds=options.longest_wait_seconds,
        )
        self._transport = ObservedTransport(inner, name, clock, options.max_body_bytes, self.usage)
        self._relay = Relay(
            self._base,
            self._auth,
            self._transport,
            observe,
            self._turns,
            self._gate,
            asyncio.Semaphore(max(1, options.max_concurrency // 2)),
            self._timeout,
            options.timeout_seconds,
            options.longest_wait_seconds,
            self._secrets,
            self._fit_to_show,
        )
        silence_http_library()

    async def send(
        self,
        method: str,
        target: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
    ) -> Reply:
        """The reply to a request that succeeded; raises `UpstreamError` and nothing else.

        ``target`` is a path below the base URL, already percent-encoded, or a link as the upstream wrote it (see
        `address`). ``json`` None sends no body. ``idempotent`` None: by the method. What is not idempotent is sent
        again only where the upstream cannot have acted on it. The deadline of the current trace bounds all of it.
        """
        failure: UpstreamError
        try:
            repeatable = method in _IDEMPOTENT if idempotent is None else idempotent
            outcome = await self._outcome(self._call(method, target, params, json, headers, repeatable))
            if isinstance(outcome, Reply):
                return outcome
            failure = outcome
        except UpstreamError as error:
            failure = error
        # raised out here, or it would keep the library's exception, which holds the request, as its context
        raise self._fit_to_show(failure)

    def relay(
        self, method: str, path: str, query: str, headers: Headers, body: AsyncIterable[bytes] | None = None
    ) -> AbstractAsyncContextManager[Relayed]:
        """One exchange passed through, with the credentials put in, open until the block ends.

        ``path`` is below the base URL, as `target.below` takes it, and goes out as it is, as do ``query``, ``headers``
        (without those of the connection, and none of our own are added) and ``body``; None sends none. It is sent once,
        or again after a new sign-in where ``body`` is small. Any status is an answer; raises UpstreamError where there
        is none, and what ``body`` raises. No limit on the whole time, but on silence.
        """
        return self._relay.open(method, path, query, headers, body)

    @property
    def base(self) -> httpx.URL:
        """The base URL, without a slash at its end."""
        return self._base

    def token_age_seconds(self) -> float | None:
        """How old the token is that requests carry; None where they carry none, or one that was never fetched."""
        return self._auth.token_age_seconds() if isinstance(self._auth, HoldsToken) else None

    async def aclose(self) -> None:
        """Close the connections; what is under way fails."""
        await self._transport.aclose()

    def _call(
        self,
        method: str,
        target: str,
        params: Mapping[str, str] | None,
        json: Any,
        headers: Mapping[str, str] | None,
        idempotent: bool,
    ) -> _Call:
        url = address(self._base, target, params or {})
        try:
            sent = self._sent_headers(json is not None, tuple((headers or {}).items()))
            content = None if json is None else orjson.dumps(json)
        except (UnicodeError, orjson.JSONEncodeError):
            raise Rejected("", "a value cannot be part of a request") from None
        return _Call(method, url, sent, content, idempotent)

    def _with_headers(self, typed: bool, headers: tuple[tuple[str, str], ...]) -> httpx.Headers:
        sent = self._headers.copy()
        if typed:
            sent["Content-Type"] = "application/json"
        sent.update(dict(headers))
        if any(not value.isprintable() for value in sent.values()):
            raise Rejected("", "a value cannot be part of a header")
        return sent

    async def _outcome(self, call: _Call) -> Reply | UpstreamError:
        """What became of all attempts."""
        in_doubt, attempt = False, 1
        while True:
            result = await self._turns.take() or await self._attempt(call)
            if isinstance(result, Reply):
                return result
            in_doubt = in_doubt or not result.untouched
            if isinstance(result.error, RateLimited):
                await self._turns.heed(result.error.retry_after_seconds)
            if not await self._turns.again(attempt, result, call.idempotent):
                result.error.sent = call.method not in _SAFE and (in_doubt or result.error.sent)
                return result.error
            attempt += 1

    async def _attempt(self, call: _Call) -> Reply | Failure:
        progress = Progress()
        remaining = remaining_seconds()
        extensions = {PROGRESS: progress, "timeout": self._timeout}
        request = _request(call, extensions)
        try:
            with nullcontext() if math.isinf(remaining) else deadline(remaining):
                async with self._gate:
                    response = await exchanged(request, self._auth, self._transport, self._observe)
            reply = decode(response, response.content)
        except TimeoutError:
            return overdue(progress)
        except httpx.RequestError as error:
            return broken(error, progress)
        except UpstreamError as error:
            return unusable(error, progress)
        failure = self._classify(reply) or error_by_status(reply)
        return reply if failure is None else refused(failure, reply)

    def _secrets(self) -> Sequence[Secret]:
        return [secret for holder in self._secret_holders for secret in holder.secrets()]

    def _fit_to_show(self, error: UpstreamError) -> UpstreamError:
        """The error with our name, without secrets, and without what it was raised from; it is kept in `usage`."""
        secrets = self._secrets()
        error.reword(self._name, safe_text(error.detail, secrets))
        error.codes = tuple(safe_text(code, secrets) for code in error.codes)
        error.target = None if error.target is None else safe_text(error.target, secrets)
        if isinstance(error, RateLimited):
            error.retry_after_seconds = max(1, error.retry_after_seconds)
        error.__cause__ = error.__context__ = None
        self.usage.failed(error)
        return error.with_traceback(None)


def _request(call: _Call, extensions: dict[str, Any]) -> httpx.Request:
    """The request as httpx makes it of a content; to have it do so takes as long as all else for a call (measured)."""
    body = httpx.ByteStream(call.content or b"")
    request = httpx.Request(call.method, call.url, headers=call.headers, stream=body, extensions=extensions)
    if call.content is not None or call.method in _WITH_LENGTH:
        request.headers["Content-Length"] = str(len(call.content or b""))
    request.read()  # so that its content is there for who signs in
    return request


def _transport(name: str, options: ClientOptions) -> AiohttpTransport:
    return AiohttpTransport(
        trust(options.ca_bundle, options.client_cert),
        max_connections=options.max_concurrency,
        proxy=options.proxy,
        guard=Guard(name) if options.public_only else None,
    )
