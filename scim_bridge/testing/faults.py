"""What an upstream in trouble answers, and what the bridge has to make of it ("Promises on every SCIM request")."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from scim_bridge.query.pagers import dig

Answer = Callable[[httpx.Request, str], httpx.Response]
"""The answer to a request; its body holds the text, a secret. Raises what httpx does where none comes."""


@dataclass(frozen=True, slots=True)
class Fault:
    """``told``: the statuses that a client may get for it."""

    name: str
    answer: Answer
    told: Collection[int]


def _refusal(status: int, headers: Mapping[str, str] | None = None) -> Answer:
    def answer(request: httpx.Request, secret: str) -> httpx.Response:
        text = f"refused {secret}"
        words = dict.fromkeys(("error", "error_description", "message", "detail", "description", "name"), text)
        body = {**words, "messages": [{"text": text}], "details": [{"message": text}]}
        return httpx.Response(status, json=body, headers=headers)

    return answer


def _page(status: int) -> Answer:
    return lambda request, secret: httpx.Response(status, html=f"<html><p>{secret}")


def _content(content: bytes) -> Answer:
    return lambda request, secret: httpx.Response(200, content=content, headers={"Content-Type": "application/json"})


class _Cut(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b'{"id":'
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


def _cut(request: httpx.Request, secret: str) -> httpx.Response:
    return httpx.Response(200, stream=_Cut(), headers={"Content-Type": "application/json", "Content-Length": "999"})


def _unreachable(request: httpx.Request, secret: str) -> httpx.Response:
    raise httpx.ConnectError("connection refused")


def _silent(request: httpx.Request, secret: str) -> httpx.Response:
    raise httpx.ReadTimeout("nothing came")


REFUSALS: Final = (
    Fault("400", _refusal(400), (400, 502)),
    Fault("401", _refusal(401), (502,)),
    Fault("403", _refusal(403), (502,)),
    Fault("404", _refusal(404), (502,)),  # of one resource, 404 is the answer: see `TroubleContract`
    Fault("409", _refusal(409), (400, 409, 502)),
    Fault("412", _refusal(412), (400, 409, 412, 502)),
    Fault("429 for an hour", _refusal(429, {"Retry-After": "3600"}), (429,)),
    Fault("429", _refusal(429), (429,)),
    Fault("500", _refusal(500), (503,)),
    Fault("502", _page(502), (503,)),
    Fault("503", _refusal(503), (503,)),
    Fault("a page with 404", _page(404), (502,)),
    Fault("no connection", _unreachable, (503,)),
)
"""The upstream did nothing, and said so or was not there."""
ODD: Final = tuple(Fault(f"{each!r}", _content(each.encode()), (502,)) for each in ("", "null", '"text"', "17"))
"""Successes that tell nothing: no answer to a read. A write may be believed to be done, as a status says so."""
BARE: Final = tuple(Fault(each, _content(each.encode()), (502,)) for each in ("{}", "[{}]"))
"""Successes with a body of JSON that lacks nearly everything; some writes ask for no more."""
UNCLEAR: Final = (
    Fault("a body cut short", _cut, (502,)),
    Fault("silence", _silent, (504,)),
    Fault("a page", _page(200), (502,)),
    *(Fault(f"{each!r}", _content(each.encode()), (502,)) for each in ("[", "{")),
    *ODD,
)
"""Nothing can be made of the answer, whatever the request was."""


@dataclass(frozen=True, slots=True)
class Deformed:
    """An answer of the upstream's own, in the wrong shape; None where it has no such part."""

    name: str
    deform: Callable[[Any, Collection[str]], Any]


def _contained(body: Any, rows: Collection[str]) -> Any:
    return {"rows": body} if isinstance(body, list) else [body]


def _without_rows(body: Any, rows: Collection[str]) -> Any:
    keys = {each.partition(".")[0] for each in rows if each not in ("", ".") and dig(body, each)}
    return {name: value for name, value in body.items() if name not in keys} if keys else None


def _hollow(body: Any, rows: Collection[str]) -> Any:
    """The same with rows that hold nothing."""
    for path in rows:
        held = dig(body, path) if path not in ("", ".") else None
        if held:
            return _replaced(body, path, [{} for _ in held])
    return [{} for _ in body] if isinstance(body, list) else {}


def _replaced(body: Mapping[str, Any], path: str, rows: list[Any]) -> dict[str, Any]:
    name, _, rest = path.partition(".")
    return {**body, name: _replaced(body[name], rest, rows) if rest else rows}


SHAPES: Final = (
    Deformed("in the wrong container", _contained),
    Deformed("without its rows", _without_rows),
    Deformed("of rows without an id", _hollow),
)


@dataclass
class From:
    """Gives the answers of a fault from the upstream request with a number on, counted from 0.

    ``alone``: only to requests like that one, so that what came before can be taken back.
    """

    number: int
    answer: Answer
    secret: str
    signs_in: Callable[[httpx.Request], bool]
    alone: bool = False
    requests: int = 0
    _first: tuple[str, str] | None = field(default=None)

    def __call__(self, request: httpx.Request) -> httpx.Response | None:
        if self.signs_in(request):
            return None
        told = request.method, request.url.path
        if self.requests == self.number:
            self._first = told
        self.requests += 1
        if self._first is None or (self.alone and told != self._first):
            return None
        return self.answer(request, self.secret)
