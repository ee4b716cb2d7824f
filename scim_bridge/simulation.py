"""What simulated upstreams have in common: a log of what arrives, faults on request, a present, tokens that end.

What a vendor's API answers, and how it words a refusal, is that vendor's, and stays in its sandbox.
"""

import base64
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response

from scim_bridge.clock import Clock

METHODS: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]
MAX_CALLS: Final = 100_000
"""Requests that are remembered; a demo runs for long."""
_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request as it arrived.

    - ``path``: without what stands before every path; ``version``: that of the API, where it is a part of that.
    - ``body``: decoded; None where there is none, and where it is not JSON: then it is ``garbled``.
    """

    method: str
    path: str
    query: Mapping[str, str]
    raw_query: str
    content_type: str
    body: Any
    garbled: bool
    version: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(slots=True)
class Log:
    """What arrived: requests to the API, and at the token endpoint how clients signed in."""

    calls: list[Recorded] = field(default_factory=list)
    sign_ins: list[str] = field(default_factory=list)

    def record(self, request: Request, content: bytes, path: str, version: str = "") -> Recorded:
        """A request, which is remembered from now on; ``path`` is what to call it by."""
        try:
            body, garbled = (orjson.loads(content) if content else None), False
        except orjson.JSONDecodeError:
            body, garbled = None, True
        query, raw = dict(request.query_params), request.url.query
        call = Recorded(request.method, path, query, raw, media_type(request), body, garbled, version)
        if len(self.calls) < MAX_CALLS:
            self.calls.append(call)
        return call

    def clear(self) -> None:
        self.calls.clear()
        self.sign_ins.clear()


@dataclass(slots=True)
class _Fault:
    request: re.Pattern[str]
    refusal: Exception
    times: int


@dataclass(slots=True)
class Faults:
    """Refusals to give instead of carrying out what is asked."""

    _waiting: list[_Fault] = field(default_factory=list)

    def add(self, request: str, refusal: Exception, times: int) -> None:
        """Refuse the next requests whose "METHOD /path" matches a pattern entirely."""
        self._waiting.append(_Fault(re.compile(request), refusal, times))

    def check(self, told: str) -> None:
        """Raise the refusal of a request whose turn it is."""
        for each in self._waiting:
            if each.times and each.request.fullmatch(told):
                each.times -= 1
                raise each.refusal

    def clear(self) -> None:
        self._waiting.clear()


@dataclass(slots=True)
class PerSecond:
    """Counts requests, from 1 again in each second."""

    clock: Clock
    _second: int = 0
    _count: int = 0

    def count(self) -> int:
        second = int(self.clock.now())
        self._second, self._count = second, self._count + 1 if second == self._second else 1
        return self._count


def present(clock: Clock, start: datetime) -> Callable[[], datetime]:
    """A simulation's present: it starts at a fixed date and goes with the clock."""
    began = clock.now()
    return lambda: start + timedelta(seconds=clock.now() - began)


def timestamp(moment: datetime) -> str:
    """A moment of UTC as most vendors write it, ``2026-03-02T08:00:00.000Z``."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True)
class Issued:
    """The tokens that were issued, each until its end."""

    clock: Clock
    _ends: dict[str, float] = field(default_factory=dict)

    def add(self, token: str, lifetime_seconds: float) -> None:
        self._ends[token] = self.clock.now() + lifetime_seconds

    def __contains__(self, token: str) -> bool:
        return token in self._ends and self._ends[token] > self.clock.now()

    def end(self) -> None:
        """Every token so far is no longer valid."""
        self._ends.clear()


def same(given: str | None, right: str) -> bool:
    """Whether a secret is the right one, in a time that tells nothing of it."""
    return hmac.compare_digest((given or "").encode(), right.encode())


def basic(request: Request) -> tuple[str, str]:
    """User and password of a Basic header (RFC 7617); empty ones without such a header."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    try:
        decoded = base64.b64decode(text, validate=True).decode() if scheme == "Basic" else ""
    except ValueError:
        decoded = ""
    user, _, password = decoded.partition(":")
    return user, password


async def form(request: Request) -> dict[str, str]:
    """The fields of an urlencoded body, none of another one; starlette's own parser needs another package."""
    text = (await request.body()).decode() if media_type(request) == _FORM else ""
    return dict(parse_qsl(text, keep_blank_values=True))


def media_type(request: Request) -> str:
    """In lower case and without parameters; "" where the request does not say."""
    kind: str = request.headers.get("Content-Type", "")
    return kind.partition(";")[0].strip().lower()


def answered(status: int, body: Any, kind: str, headers: Mapping[str, str] | None = None) -> Response:
    """An answer of JSON; a body of None is an empty one, without a media type."""
    content = orjson.dumps(body) if body is not None else b""
    return Response(content, status, dict(headers or {}), media_type=kind if content else None)
