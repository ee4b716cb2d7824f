"""The SCIM endpoints over HTTP: who asks, for which connection, what it cost, and one line in the log."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Any, Final, Protocol

import orjson
from scim2_server.errors import MethodNotAllowedException
from starlette.types import Receive, Scope, Send

from scim_bridge.clock import SYSTEM_CLOCK, Clock
from scim_bridge.protocol.audit import Audit, RequestAudit, Trail
from scim_bridge.protocol.auth import CHALLENGE, READ, WRITE, Caller, TokenCheck
from scim_bridge.protocol.errors import ScimError, scim_error
from scim_bridge.protocol.media import PLAIN_JSON, media_type
from scim_bridge.protocol.profiles import Profile
from scim_bridge.protocol.requests import ScimRequest, ScimResponse, read_query
from scim_bridge.protocol.service import ScimService
from scim_bridge.upstream.deadline import within
from scim_bridge.upstream.trace import RequestTrace, tracing

DEADLINE_SECONDS: Final = 50.0
_NOT_STORED: Final = (b"cache-control", b"no-store")
_NO_TIMING: Final = 'upstream;dur=0.0;desc="0"'
_BODILESS: Final = ("GET", "HEAD")
"""Methods whose bodies mean nothing (RFC 9110 section 9.3.1); the server reads past them."""
MAX_BODY_BYTES: Final = 16 * 1024 * 1024
DESCRIPTION: Final = "/openapi.json"
_REQUEST_ID_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
_RUN: Final = secrets.token_hex(4)
"""Tells the requests of this process from those of others."""
_REQUESTS: Final = count(1)


class Opened(Protocol):
    """What the endpoints need of a connection."""

    tokens: TokenCheck
    profile: Profile

    async def service(self) -> ScimService: ...


Describe = Callable[[str, Mapping[str, Any], Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]], dict[str, Any]]
"""What derives an OpenAPI description from the base URL, ServiceProviderConfig, the resource types and the schemas."""


_FAILED: Final = ScimResponse(500)
Log = Callable[[Mapping[str, Any]], None]


@dataclass(slots=True)
class _Answer:
    """What goes out, and what the log says of it."""

    response: ScimResponse
    caller: Caller | None = None
    left_out: tuple[str, ...] = ()
    failure: Exception | None = None
    trail: Trail | None = None


def _not_there() -> ScimError:
    return ScimError(404, "There is no such connection")


class ScimEndpoint:
    """An ASGI application for ``/scim/{connection}/v2/…``; mounted where the path below it starts with the name.

    ``describe`` makes ``/scim/{connection}/openapi.json``, for those who may use the connection; ``log`` takes what is
    told of each request, and ``audit`` of each write and of who was refused; ``missing`` says what is answered where
    there is no connection of a name.
    """

    def __init__(
        self,
        connections: Mapping[str, Opened],
        describe: Describe,
        log: Log,
        *,
        public_url: str | None = None,
        clock: Clock = SYSTEM_CLOCK,
        audit: Audit | None = None,
        missing: Callable[[], ScimError] = _not_there,
    ) -> None:
        self._audit = audit
        self._missing = missing
        self._connections = connections
        self._describe = describe
        self._public_url = public_url.rstrip("/") if public_url else None
        self._clock = clock
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = header_fields(scope["headers"])
        request_id = id_of_request(headers)
        name, path = _split(scope)
        with tracing(self._clock, DEADLINE_SECONDS) as trace:
            answer = await self._guarded(scope, receive, headers, name, path, request_id)
            if (told := self._told(name, answer, request_id)) is not None:
                origin = (scope.get("client") or ("",))[0]
                await told.answered(scope["method"], path, answer.trail, answer.response, answer.failure, origin)
        connection = self._connections.get(name)
        response = answer.response
        body = _encoded(response.body)
        out = {
            "Content-Type": media_type(headers.get("accept"), connection.profile if connection else None),
            **response.headers,
            "Server-Timing": _timing(trace),
            "X-Request-Id": request_id,
        }
        await _send(send, response.status, out, body, bodiless=scope["method"] == "HEAD")
        self._log_line(scope, path, answer, name, request_id, trace, self._clock.now() - trace.started, len(body))

    async def _guarded(
        self, scope: Scope, receive: Receive, headers: Mapping[str, str], name: str, path: str, request_id: str
    ) -> _Answer:
        """The answer, whatever happens."""
        answer = _Answer(_FAILED)
        try:
            # The upstream client keeps the deadline; this one bounds what waits for no upstream: a lock, a database.
            await within(DEADLINE_SECONDS + 1, self._answered(answer, scope, receive, headers, name, path, request_id))
        except TimeoutError as failure:
            answer.failure = failure
            unknown = "" if scope["method"] in _BODILESS else ". Whether the write took effect is not known"
            error = ScimError(504, f"No answer in time{unknown} (request {request_id})")
            answer.response = ScimResponse(error.status, error.body())
        except Exception as failure:
            answer.failure = failure
            error = scim_error(failure, request_id, name)
            answer.response = ScimResponse(error.status, error.body(), dict(error.headers))
        return answer

    async def _answered(
        self,
        answer: _Answer,
        scope: Scope,
        receive: Receive,
        headers: Mapping[str, str],
        name: str,
        path: str,
        request_id: str,
    ) -> None:
        connection = self._connections.get(name)
        if connection is None:
            raise self._missing()
        caller = answer.caller = connection.tokens.caller(headers.get("authorization"))
        # What a client needs to know before it can sign in is open to all (RFC 7643 section 5).
        if caller is None and not (path == "/ServiceProviderConfig" and scope["method"] in ("GET", "HEAD")):
            raise ScimError(401, "The Authorization header brings no token of this connection", headers=dict(CHALLENGE))
        if caller is not None and READ not in caller.scopes:
            raise ScimError(403, "This token is not for SCIM")
        answer.trail = Trail()
        request = ScimRequest(
            method=scope["method"],
            path=path,
            base_url=self._base_url(scope, headers, name),
            query=read_query(scope["query_string"]),
            query_string=scope["query_string"],
            headers=headers,
            body=await _body(receive, headers) if scope["method"] not in _BODILESS else b"",
            request_id=request_id,
            connection=name,
            caller=f"{name}/{caller.name if caller else None}",
            may_write=caller is not None and WRITE in caller.scopes,
            audit=self._told(name, answer, request_id),
            trail=answer.trail,
        )
        try:
            service = await connection.service()
            if path == DESCRIPTION:
                answer.response = self._description(service, request)
            else:
                answer.response = await service.handle(request)
        finally:
            answer.left_out = tuple(request.left_out)

    def _told(self, name: str, answer: _Answer, request_id: str) -> RequestAudit | None:
        if self._audit is None or name not in self._connections:
            return None
        return RequestAudit(self._audit, name, answer.caller.name if answer.caller else "", request_id)

    def _description(self, service: ScimService, request: ScimRequest) -> ScimResponse:
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowedException(allowed=["GET"])
        return ScimResponse(200, self._describe(*service.discovered(request.base_url)), {"Content-Type": PLAIN_JSON})

    def _base_url(self, scope: Scope, headers: Mapping[str, str], name: str) -> str:
        origin = self._public_url or f"{scope['scheme']}://{headers.get('host', '')}"
        return f"{origin}/scim/{name}/v2"

    def _log_line(
        self,
        scope: Scope,
        path: str,
        answer: _Answer,
        name: str,
        request_id: str,
        trace: RequestTrace,
        seconds: float,
        size: int,
    ) -> None:
        """One line a request. Never the query: it holds names and addresses."""
        extra: dict[str, Any] = {
            "request_id": request_id,
            "connection": name,
            "method": scope["method"],
            "path": path,
            "status": answer.response.status,
            "seconds": round(seconds, 4),
            "bytes": size,
            "upstream_calls": len(trace.calls),
            "upstream_seconds": round(trace.upstream_seconds, 4) if trace.calls else 0.0,
            "token": answer.caller.name if answer.caller else None,
        }
        if trace.scan_rows:
            extra["scan_rows"] = trace.scan_rows
        if answer.left_out:
            extra["left_out"] = list(answer.left_out)
        self._log(extra)


def _timing(trace: RequestTrace) -> str:
    if not trace.calls:
        return _NO_TIMING
    return f'upstream;dur={trace.upstream_seconds * 1000:.1f};desc="{trace.upstream_count}"'


def _split(scope: Scope) -> tuple[str, str]:
    """The connection's name, and the percent-encoded path below ``/v2``; without that segment v2 is meant (H-06)."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    path = raw.decode("latin-1").removeprefix(scope.get("root_path", "")).lstrip("/")
    name, _, rest = path.partition("/")
    version, _, below = rest.partition("/")
    return name, f"/{below}" if version == "v2" else f"/{rest}"


def header_fields(fields: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """The header fields by their names in lower case; of several of one name the first counts."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(fields)}


def id_of_request(headers: Mapping[str, str]) -> str:
    """The client's own id of the request where it is one that may stand in a log, else a new one."""
    given = headers.get("x-request-id", "")
    if 0 < len(given) <= 64 and set(given) <= _REQUEST_ID_CHARACTERS:
        return given
    return f"{_RUN}{next(_REQUESTS):08x}"


async def _body(receive: Receive, headers: Mapping[str, str]) -> bytes:
    """The request's body. Raises ScimError 413 as soon as it is too large."""
    announced = headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > MAX_BODY_BYTES:
        raise _too_large()
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ScimError(400, "The request body was not sent whole", "invalidSyntax")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise _too_large()
        chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks)


def _too_large() -> ScimError:
    return ScimError(413, f"The request body is larger than {MAX_BODY_BYTES} bytes")


def _encoded(body: Mapping[str, Any] | bytes | None) -> bytes:
    return body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)


@lru_cache(maxsize=64)
def _field(name: str) -> bytes:
    return name.lower().encode("latin-1")


async def _send(send: Send, status: int, headers: Mapping[str, str], body: bytes, *, bodiless: bool) -> None:
    encoded = [(_field(name), value.encode("latin-1")) for name, value in headers.items()]
    encoded.append(_NOT_STORED)
    if status in (204, 304):
        encoded = [each for each in encoded if each[0] != b"content-type"]
    else:
        encoded.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": b"" if bodiless else body})
