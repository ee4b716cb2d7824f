"""The API over HTTP: who asks, for which operation, what is answered, and one line in the log."""

import logging
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from scim_bridge.admin.api.bodies import read_body, read_query, segments
from scim_bridge.admin.api.operation import PROBLEM, Answer, Call, Operation
from scim_bridge.admin.requests import address_of
from scim_bridge.admin.service import Administration
from scim_bridge.admin.service.desk import Actor, AdminError
from scim_bridge.clock import Clock
from scim_bridge.protocol.endpoint import header_fields, id_of_request

_log = logging.getLogger("scim_bridge.admin")
ROOT: Final = "/api/v1"
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="scim_bridge administration"'}
_LONGEST_PATH: Final = 300
Log = Callable[[Mapping[str, Any]], None]


class NotThere(AdminError):
    """A method that a path does not have; ``allowed`` are those that it has."""

    def __init__(self, methods: Sequence[str]) -> None:
        self.allowed = ", ".join(sorted({*methods, *(["HEAD"] if "GET" in methods else [])}))
        super().__init__(405, f"This address takes {self.allowed}")


class _Visit:
    """A request, and who turns out to ask."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.id = id_of_request(header_fields(request.scope["headers"]))
        self.method: str = "GET" if request.method == "HEAD" else request.method
        raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
        self.path = raw.decode("latin-1").removeprefix(request.scope.get("root_path", "")).removeprefix(ROOT)
        self.actor: Actor | None = None


class Api(BaseRoute):
    """All that is below `/api/v1`; ``log`` is told of each request.

    A route of its own kind: others leave paths with the end of a line in them to the application, which answers text.
    """

    def __init__(self, administration: Administration, operations: Sequence[Operation], log: Log, clock: Clock) -> None:
        self._administration = administration
        self._operations = [(each.path.split("/"), each) for each in operations]
        self._log = log
        self._clock = clock

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        path = scope["path"].removeprefix(scope.get("root_path", "")) if scope["type"] == "http" else ""
        return (Match.FULL if f"{path}/".startswith(f"{ROOT}/") else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, visit = self._clock.now(), _Visit(Request(scope, receive))
        response = _response(await self._guarded(visit), visit)
        whole = False
        try:
            await response(scope, receive, send)
            whole = True
        finally:
            self._tell(visit, response, self._clock.now() - started, whole)

    async def _guarded(self, visit: _Visit) -> Answer:
        """The answer, whatever happens."""
        try:
            return await self._answered(visit)
        except AdminError as refusal:
            return problem(refusal, visit.id)
        except Exception as error:
            _log.error("unexpected failure", exc_info=error, extra={"request_id": visit.id})
            return problem(AdminError(500, "Something unexpected happened, which the log tells more of"), visit.id)

    async def _answered(self, visit: _Visit) -> Answer:
        request = visit.request
        authorization = request.headers.get("Authorization")
        visit.actor = self._administration.sessions.actor(authorization, address_of(request))
        operation, variables = self._found(visit)
        query = read_query(request, operation.query)
        document, body = ({}, None) if visit.method == "GET" else await read_body(request, operation)
        call = Call(self._administration, visit.actor, request, variables, query, body, document)
        return await operation.run(call)

    def _found(self, visit: _Visit) -> tuple[Operation, Mapping[str, str]]:
        """The operation, and the variables of its path. Raises AdminError 404, 405."""
        parts = segments(visit.path)
        found = [(each, _variables(path, parts)) for path, each in self._operations]
        there = [(each, variables) for each, variables in found if variables is not None]
        if not there:
            raise AdminError(404, "There is nothing at this address")
        there.sort(key=lambda each: len(each[1]))  # of several paths that fit, the one with fewer variables is meant
        chosen = next((each for each in there if each[0].method == visit.method), None)
        if chosen is None:
            raise NotThere([each.method for each, _ in there if each.path == there[0][0].path])
        return chosen

    def _tell(self, visit: _Visit, response: Response, seconds: float, whole: bool) -> None:
        """One line a request. Never the query or a body: they hold names, and secrets."""
        told: dict[str, Any] = {
            "request_id": visit.id,
            "method": visit.request.method,
            "path": f"{ROOT}{visit.path}"[:_LONGEST_PATH],
            "status": response.status_code,
            "seconds": round(seconds, 4),
            "actor": visit.actor.name if visit.actor else None,
        }
        self._log(told if whole else {**told, "broken_off": True})


def _variables(path: Sequence[str], parts: Sequence[str]) -> dict[str, str] | None:
    """The values of a path's variables; None where it is another path."""
    if len(path) != len(parts):
        return None
    found = {}
    for wanted, part in zip(path, parts, strict=True):
        if wanted.startswith("{") and part:
            found[wanted[1:-1]] = part
        elif wanted != part:
            return None
    return found


def problem(refusal: AdminError, request_id: str) -> Answer:
    """A refusal in the words of RFC 9457."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(refusal.status).phrase,
        "status": refusal.status,
        "detail": refusal.detail,
        "request_id": request_id,
    }
    if refusal.key is not None:
        body["key"] = refusal.key
    if refusal.check is not None:
        found = refusal.check
        body["check"] = {"name": found.name, "provider": found.provider, "ok": found.ok, "told": found.told}
    return Answer(refusal.status, body, _headers_of(refusal), media=PROBLEM)


def _headers_of(refusal: AdminError) -> dict[str, str]:
    if isinstance(refusal, NotThere):
        return {"Allow": refusal.allowed}
    if refusal.status == 401:
        return dict(_CHALLENGE)
    wait = refusal.wait_seconds or (5 if refusal.status == 503 else None)
    return {"Retry-After": str(wait)} if wait else {}


def _response(answer: Answer, visit: _Visit) -> Response:
    headers = {**_HEADERS, "X-Request-Id": visit.id, **answer.headers}
    if answer.stream is not None and visit.request.method != "HEAD":
        return StreamingResponse(answer.stream, answer.status, headers, answer.media)
    content = encoded(answer.body) if answer.body is not None else b""
    if visit.request.method == "HEAD" and content:
        headers["Content-Length"], content = str(len(content)), b""
    media = answer.media if answer.body is not None or answer.stream is not None else None
    return Response(content, answer.status, headers, media)


def encoded(body: BaseModel | Mapping[str, Any]) -> bytes:
    """An object as JSON."""
    return orjson.dumps(body.model_dump(mode="json") if isinstance(body, BaseModel) else body)
