"""A right server in memory, made to answer wrong in one way, so that a check can be seen to find it."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from scim_bridge.conformance.requirements import registered
from scim_bridge.conformance.results import Result
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.suites.own import judged
from tests.protocol.memory import Bridge

Send = Callable[[httpx.Request], httpx.Response]
Fault = Callable[[httpx.Request, Send], httpx.Response]
BASE = "http://server.test/scim/acme/v2"
HEADERS = {"Authorization": "Bearer t0ken", "Accept": "application/scim+json"}
REQUIREMENTS = {each.id: each for each in registered()}


class Faulty(httpx.BaseTransport):
    """An ASGI application spoken to without a socket; a fault stands between it and the client."""

    def __init__(self, app: Any, fault: Fault | None = None) -> None:
        self._inner = httpx.ASGITransport(app=app)
        self._loop = asyncio.Runner()
        self._fault = fault

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        answer = self._send(request) if self._fault is None else self._fault(request, self._send)
        # as a stream that is yet to be read, since only that makes httpx measure the time
        stream = httpx.ByteStream(answer.content)
        return httpx.Response(answer.status_code, headers=answer.headers, stream=stream)

    def _send(self, request: httpx.Request) -> httpx.Response:
        return self._loop.run(self._answer(request))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        return httpx.Response(answer.status_code, headers=answer.headers, content=await answer.aread())

    def close(self) -> None:
        self._loop.close()


@contextmanager
def opened(app: Any = None, fault: Fault | None = None, *, base: str = BASE, write: bool = True) -> Any:
    """A session with a server, by default a bridge over a directory in memory; discovery is read."""
    transport = Faulty(app if app is not None else Bridge().app, fault)
    with httpx.Client(transport=transport, base_url=base, headers=HEADERS) as client:
        session = Session(client, write=write)
        session.open()
        yield session


def result(id: str, fault: Fault | None = None) -> Result:
    """What the check of a requirement says of a server with a fault."""
    with opened(fault=fault) as session:
        return judged(session, REQUIREMENTS[id])


# -- faults -----------------------------------------------------------------------------------------------------------


def asks(change: Callable[[dict[str, str]], object]) -> Fault:
    """The server takes other query parameters than were sent: ``change`` edits them."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        params = dict(request.url.params)
        change(params)
        url = request.url.copy_with(params=params)
        return send(httpx.Request(request.method, url, headers=request.headers, content=request.content))

    return fault


def ignores(name: str, value: str = ".*") -> Fault:
    """A query parameter is not looked at where its value matches."""
    return asks(lambda params: params.pop(name) if re.fullmatch(value, params.get(name, "\n")) else None)


def reads(pattern: str, replacement: str | Callable[[re.Match[str]], str]) -> Fault:
    """A filter is taken for another one."""

    def change(params: dict[str, str]) -> None:
        if "filter" in params:
            params["filter"] = re.sub(pattern, replacement, params["filter"])

    return asks(change)


def sends(change: Callable[[dict[str, Any]], object], method: str = "POST|PUT|PATCH", path: str = ".*") -> Fault:
    """The server takes another body than was sent: ``change`` edits it."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        if not re.fullmatch(method, request.method) or not re.search(path, request.url.path):
            return send(request)
        body = json.loads(request.content)
        change(body)
        headers = {name: value for name, value in request.headers.items() if name != "content-length"}
        return send(httpx.Request(request.method, request.url, headers=headers, content=json.dumps(body)))

    return fault


def answers(change: Callable[[Any], object], where: str = "GET .*") -> Fault:
    """The server answers another body: ``change`` edits it. ``where``: "METHOD path?query", as a person reads it."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        answer = send(request)
        if not is_asked(request, where) or not answer.content:
            return answer
        body = answer.json()
        change(body)
        return httpx.Response(answer.status_code, headers=_kept(answer.headers), content=json.dumps(body).encode())

    return fault


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "content-length"}


def is_asked(request: httpx.Request, where: str) -> bool:
    query = "&".join(f"{name}={value}" for name, value in request.url.params.multi_items())
    return re.search(where, f"{request.method} {request.url.path}?{query}") is not None


def says(status: int, where: str, body: Any = None) -> Fault:
    """The server answers requests that match with a status; unless a body is given, with a SCIM error."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        if not is_asked(request, where):
            return send(request)
        return httpx.Response(status, json=error(status) if body is None else body)

    return fault


def error(status: int, scim_type: str | None = None) -> dict[str, Any]:
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": str(status), "detail": "wrong"}
    return body if scim_type is None else {**body, "scimType": scim_type}


def listed(*rows: Mapping[str, Any]) -> dict[str, Any]:
    """A ListResponse of these."""
    urn = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
    return {"schemas": [urn], "totalResults": len(rows), "itemsPerPage": len(rows), "startIndex": 1, "Resources": rows}


def each_row(change: Callable[[dict[str, Any]], object]) -> Callable[[Any], None]:
    """Edits each resource of an answer, be it a list or a single one."""

    def edit(body: Any) -> None:
        for row in body.get("Resources", [body]):
            change(row)

    return edit
