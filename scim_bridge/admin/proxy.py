"""`/proxy/{connection}/{path}`: the upstream's own API, as it is, with the connection's credentials put in.

One request in is one request out, below the connection's base URL and nowhere else, streamed both ways. It needs a
token with the scope `proxy`, counts against the same rate budget as SCIM, and is logged, counted and audited as that.
"""

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Protocol
from urllib.parse import quote

import orjson
from starlette.types import Receive, Scope, Send

from scim_bridge.admin.client import Client, ClientGone
from scim_bridge.admin.fields import OWN, Fields, brings_body, downward, locations, upward
from scim_bridge.clock import SYSTEM_CLOCK, Clock
from scim_bridge.config import ConnectionConfig
from scim_bridge.protocol.audit import Audit, Event
from scim_bridge.protocol.auth import PROXY, Caller, TokenCheck
from scim_bridge.protocol.endpoint import header_fields, id_of_request
from scim_bridge.protocol.errors import ScimError, scim_error
from scim_bridge.upstream.client import UpstreamClient
from scim_bridge.upstream.errors import BadAnswer, Rejected, UpstreamError
from scim_bridge.upstream.relay import SAFE, Relayed
from scim_bridge.upstream.trace import RequestTrace, tracing

ACTION: Final = "proxy.request"
ELSEWHERE: Final = "proxy.elsewhere"
"""In the audit log: a request that changes something, and one whose path leads elsewhere."""
CLIENT_GONE: Final = 499
"""In the log alone: the status of an answer that nobody waited for."""
_METHODS: Final = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_NEVER: Final = frozenset({"TRACE", "CONNECT"})
"""TRACE would send our credentials back to the client (RFC 9110 section 9.3.8); CONNECT is no request for a path."""
_MAX_AUDITED_PATH: Final = 512
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="proxy"'}
"""Not Basic, though it is taken: a browser that asked for a password would send it along with what other sites ask of
it from then on."""


class Served(Protocol):
    """A connection that is known, be it usable or not."""

    tokens: TokenCheck


class Usable(Protocol):
    """A connection with a way to its upstream."""

    config: ConnectionConfig
    client: UpstreamClient


class Registry(Protocol):
    """The connections there are now."""

    @property
    def served(self) -> Mapping[str, Served]: ...

    @property
    def connections(self) -> Mapping[str, Usable]: ...

    def missing(self) -> ScimError:
        """What is answered where there is no connection of a name."""
        ...


@dataclass(slots=True)
class _Passage:
    """One request on its way, and what is told of it."""

    name: str
    method: str
    path: str
    query: str
    fields: Fields
    client: Client
    request_id: str
    root: str
    origin: str
    caller: Caller | None = None
    writes: bool = False  # and may have been sent
    audited: bool = False
    status: int = CLIENT_GONE
    size: int = 0
    complete: bool = False
    failure: Exception | None = None


class _Elsewhere(ScimError):
    """A request that tried to lead elsewhere than its connection does."""


class Proxy:
    """An ASGI application; mounted where the path below it starts with the connection's name."""

    def __init__(
        self,
        registry: Registry,
        audit: Audit | None,
        telling: Callable[[Mapping[str, Any]], None],
        clock: Clock = SYSTEM_CLOCK,
        *,
        public_url: str | None = None,
    ) -> None:
        self._registry = registry
        self._audit = audit
        self._tell = telling
        self._clock = clock
        self._public_url = public_url.rstrip("/") if public_url else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        passage = _passage(scope, receive, send)
        started = self._clock.now()
        with tracing(self._clock, math.inf) as trace:  # its parts have limits of their own
            try:
                await self._answered(passage)
            finally:
                self._tell(_told(passage, trace, self._clock.now() - started))

    async def _answered(self, passage: _Passage) -> None:
        """Answer, whatever happens. What was begun and cannot be ended breaks off: the server closes the connection of
        an answer that is left before its end."""
        try:
            await passage.client.unless_gone(self._passed(passage), lambda: passage.complete)
        except ClientGone as failure:
            passage.failure = failure
        except Exception as failure:
            passage.failure = failure
            error = scim_error(failure, passage.request_id, passage.name)  # which also logs what is unexpected
            if not passage.client.begun:
                with suppress(ClientGone):
                    await self._refuse(passage, error)
        finally:
            if passage.writes:  # nobody knows of its answer
                self._append(passage, "unknown")

    async def _passed(self, passage: _Passage) -> None:
        upstream = await self._admitted(passage)
        fields = upward(passage.fields)
        if fields is None:
            raise _Elsewhere(400, "The header fields are not those of one request")
        body = passage.client.body() if brings_body(passage.fields) else None
        if passage.method not in ("GET", "HEAD"):
            await self._check_audit(passage)
            passage.writes = True
        async with upstream.relay(passage.method, passage.path, passage.query, fields, body) as answer:
            passage.status = answer.status
            out = self._headers(passage, upstream, answer)
            await self._keep(passage, "done" if answer.status < 400 else "refused" if answer.status < 500 else "failed")
            await self._stream(passage, answer, out)

    async def _admitted(self, passage: _Passage) -> UpstreamClient:
        """The way to the upstream, for those who may go it. Raises ScimError."""
        known = self._registry.served.get(passage.name)
        if known is None:
            raise self._registry.missing()
        caller = passage.caller = known.tokens.caller(header_fields(passage.fields).get("authorization"))
        if caller is None:
            raise ScimError(401, "The Authorization header brings no token of this connection", headers=_CHALLENGE)
        if PROXY not in caller.scopes:
            raise ScimError(403, "This token is not for the proxy")
        if passage.method in _NEVER:
            raise ScimError(405, f"{passage.method} is not passed on", headers={"Allow": _METHODS})
        usable = self._registry.connections.get(passage.name)
        if usable is None:
            raise ScimError(503, "This connection is not in use")
        if usable.config.table.access == "read-only" and passage.method not in SAFE:
            raise ScimError(403, "This connection is read-only")
        return usable.client

    def _headers(self, passage: _Passage, upstream: UpstreamClient, answer: Relayed) -> Fields:
        """The header fields of the answer. Raises BadAnswer where it cannot be passed on."""
        kept = downward(answer.headers, answer.status)
        if kept is None or not 200 <= answer.status <= 599:
            raise BadAnswer(passage.name, "its answer cannot be passed on", status=answer.status, sent=passage.writes)
        root = f"{self._public_url}/proxy" if self._public_url else passage.root
        found = locations(answer.headers, upstream.base, passage.path, f"{root}/{passage.name}")
        return [*kept, *found, *_own(passage)]

    async def _stream(self, passage: _Passage, answer: Relayed, headers: Fields) -> None:
        await passage.client.start(answer.status, headers)
        async for chunk in answer.body:
            await passage.client.send(chunk)
            passage.size += len(chunk)
        passage.complete = True
        await passage.client.end()

    async def _refuse(self, passage: _Passage, error: ScimError) -> None:
        """Answer in our own words (RFC 9457)."""
        passage.status = error.status
        await self._keep_refusal(passage)
        body = orjson.dumps(
            {
                "type": "about:blank",
                "title": HTTPStatus(error.status).phrase,
                "status": error.status,
                "detail": error.detail,
                "request_id": passage.request_id,
            }
        )
        fields = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
        fields += [(name.lower().encode(), value.encode("latin-1")) for name, value in error.headers.items()]
        passage.complete = True
        await passage.client.start(error.status, [*fields, *_own(passage)])
        if passage.method != "HEAD":
            await passage.client.send(body)
            passage.size = len(body)
        await passage.client.end()

    # -- what is kept and told ----------------------------------------------------------------------------------------

    async def _check_audit(self, passage: _Passage) -> None:
        if self._audit is not None and not await self._audit.ready():
            detail = f"The audit log cannot be written, so nothing was sent (request {passage.request_id})"
            raise ScimError(503, detail, headers={"Retry-After": "5"})

    async def _keep(self, passage: _Passage, outcome: str) -> None:
        """Have the audit log keep a request that may change something; returns once it is kept."""
        if passage.writes and self._audit is not None:
            self._append(passage, outcome)
            await self._audit.settled()

    def _append(self, passage: _Passage, outcome: str) -> None:
        if self._audit is not None and not passage.audited:
            passage.audited = True
            details = {"method": passage.method, "path": passage.path[:_MAX_AUDITED_PATH]}
            self._audit.append(_event(ACTION, passage, outcome, passage.request_id, details))

    async def _keep_refusal(self, passage: _Passage) -> None:
        """Have the audit log keep what we refuse: who is not known or may not do that, and who leads elsewhere."""
        failure = passage.failure
        if isinstance(failure, UpstreamError) and not isinstance(failure, Rejected):
            await self._keep(passage, "unknown" if failure.sent else "failed")
            return
        passage.writes = False  # nothing was sent
        if self._audit is None or passage.name not in self._registry.served:
            return
        if isinstance(failure, Rejected | _Elsewhere):
            self._audit.count(_event(ELSEWHERE, passage, "refused"), passage.origin)
        elif passage.status in (401, 403):
            self._audit.count(_event("client.refused", passage, "refused"), passage.origin)


def _event(
    action: str, passage: _Passage, outcome: str, request_id: str = "", details: Mapping[str, Any] | None = None
) -> Event:
    caller = passage.caller.name if passage.caller else ""
    status = 0 if passage.status == CLIENT_GONE else passage.status
    return Event(action, passage.name, caller, "", "", outcome, status, request_id, details or {})


def _passage(scope: Scope, receive: Receive, send: Send) -> _Passage:
    """A request; its path is the raw one, percent escapes and all, below the connection's name."""
    root: str = scope.get("root_path", "")
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    name, slash, rest = raw.decode("latin-1").removeprefix(root).removeprefix("/").partition("/")
    return _Passage(
        name=name,
        method=scope["method"],
        path=f"{slash}{rest}",
        query=scope["query_string"].decode("latin-1"),
        fields=scope["headers"],
        client=Client(receive, send, brings_body=brings_body(scope["headers"])),
        request_id=id_of_request(header_fields(scope["headers"])),
        root=root,
        origin=str((scope.get("client") or ("",))[0]),
    )


def _own(passage: _Passage) -> Fields:
    return (*OWN, (b"x-request-id", passage.request_id.encode()))


def _told(passage: _Passage, trace: RequestTrace, seconds: float) -> dict[str, Any]:
    """One line of the log. Never the query: it holds names and addresses."""
    told: dict[str, Any] = {
        "request_id": passage.request_id,
        "connection": passage.name,
        "method": passage.method,
        "path": f"/proxy{passage.path}",
        "status": passage.status,
        "seconds": round(seconds, 4),
        "bytes": passage.size,
        "upstream_calls": len(trace.calls),
        "upstream_seconds": round(trace.upstream_seconds, 4) if trace.calls else 0.0,
        "token": passage.caller.name if passage.caller else None,
    }
    if passage.failure is not None:
        told["failure"] = _words(passage.failure)
    if not passage.complete:
        told["broken_off"] = True
    return told


def _words(failure: Exception) -> str:
    """A failure in words that hold no secret."""
    known = isinstance(failure, ScimError | UpstreamError | ClientGone)
    detail = failure.detail if isinstance(failure, ScimError) else str(failure)
    return detail if known else type(failure).__name__
