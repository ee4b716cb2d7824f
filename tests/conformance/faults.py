"""Ways in which servers get writes wrong, beside those of `servers`."""

import json
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

import httpx

from tests.conformance.servers import Fault, Send, answers, each_row, error, is_asked

When = Callable[[Any], object]
WRITES = "^(POST|PUT|PATCH) "


def body_of(message: httpx.Request | httpx.Response) -> Any:
    """The decoded body; None where it is no JSON."""
    try:
        return json.loads(message.content)
    except ValueError:
        return None


def refusal(status: int, scim_type: str | None = None) -> httpx.Response:
    return httpx.Response(status, json=error(status, scim_type))


def answer(status: int, body: Any, headers: Mapping[str, str]) -> httpx.Response:
    """An answer with the headers of another one."""
    kept = {name: value for name, value in headers.items() if name != "content-length"}
    content = b"" if body is None or status == 204 else json.dumps(body).encode()
    return httpx.Response(status, headers=kept, content=content)


def in_turn() -> Fault:
    """No fault: requests that come at once are answered one after the other."""
    lock = Lock()

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        with lock:
            return send(request)

    return fault


def both(first: Fault, second: Fault) -> Fault:
    """A server with two faults."""
    return lambda request, send: first(request, lambda passed: second(passed, send))


def shows(change: Callable[[dict[str, Any]], object], where: str = "^GET .*/Users") -> Fault:
    """The server shows its resources otherwise, alone and in lists."""
    return answers(each_row(lambda row: change(row) if "id" in row else None), where)


def turns(found: int, into: int, where: str = WRITES, scim_type: str | None = None) -> Fault:
    """The server answers one status where another is due; as an error it is a SCIM error."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        right = send(request)
        if right.status_code != found or not is_asked(request, where):
            return right
        return refusal(into, scim_type) if into >= 400 else answer(into, body_of(right), right.headers)

    return fault


def refuses(when: When, where: str = WRITES, status: int = 400, scim_type: str = "invalidValue") -> Fault:
    """The server refuses bodies that it should take."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        wrong = is_asked(request, where) and when(body_of(request))
        return refusal(status, scim_type) if wrong else send(request)

    return fault


def pretends(where: str, when: When = lambda body: True) -> Fault:
    """The server answers such writes as done, and does nothing."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        if not is_asked(request, where) or not when(body_of(request)):
            return send(request)
        if request.method == "DELETE":
            return httpx.Response(204)
        return send(httpx.Request("GET", request.url, headers=request.headers))

    return fault


def deaf_to(header: str) -> Fault:
    """The server does not look at a header."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        request.headers.pop(header, None)
        return send(request)

    return fault


def silent_about(header: str, where: str = "") -> Fault:
    """The server leaves a header of its answer away."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        found = send(request)
        if is_asked(request, where):
            found.headers.pop(header, None)
        return found

    return fault


def takes(change: Callable[[dict[str, Any]], Any], where: str = WRITES) -> Fault:
    """The server takes another body than was sent: ``change`` edits it, or returns another object."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        body = body_of(request)
        if not isinstance(body, dict) or not is_asked(request, where):
            return send(request)
        changed = change(body)
        headers = {name: value for name, value in request.headers.items() if name != "content-length"}
        content = json.dumps(changed if isinstance(changed, dict) else body)
        return send(httpx.Request(request.method, request.url, headers=headers, content=content))

    return fault


def operates(change: Callable[[dict[str, Any]], object]) -> Fault:
    """The server takes each operation of a PATCH otherwise: ``change`` edits it."""

    def each(body: dict[str, Any]) -> None:
        for operation in body.get("Operations") or ():
            if isinstance(operation, dict):
                change(operation)

    return takes(each, "^PATCH ")


def refuses_operation(when: Callable[[dict[str, Any]], object], scim_type: str = "invalidValue") -> Fault:
    """The server refuses a PATCH with such an operation."""

    def any_of(body: Any) -> bool:
        operations = body.get("Operations") if isinstance(body, dict) else None
        return any(when(each) for each in operations or () if isinstance(each, dict))

    return refuses(any_of, "^PATCH ", scim_type=scim_type)


def blind_to(name: str, where: str) -> Fault:
    """The server does not look at a query parameter of such requests."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        if not is_asked(request, where) or name not in request.url.params:
            return send(request)
        url = request.url.copy_remove_param(name)
        return send(httpx.Request(request.method, url, headers=request.headers, content=request.content))

    return fault
