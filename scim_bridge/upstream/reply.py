"""An upstream's answer: read within limits, decoded, and judged by its status where no vendor code decides."""

import re
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from scim_bridge.upstream.errors import (
    AuthRefused,
    BadAnswer,
    Conflict,
    NotFound,
    RateLimited,
    Rejected,
    TimedOut,
    Unavailable,
    UpstreamError,
)

_JSON = re.compile(r"(application|text)/([\w.+-]+\+)?json", re.ASCII)
_PAGES = ("text/html", "application/xhtml+xml")


@dataclass(slots=True)
class Reply:
    """``body`` is the decoded JSON; None for an empty body, and for an error's body that is not JSON."""

    status: int
    body: Any = field(repr=False)
    headers: httpx.Headers = field(repr=False)


async def read_body(response: httpx.Response, max_bytes: int) -> bytes:
    """The decompressed body. BadAnswer once it is larger than ``max_bytes``, or announces that it will be."""
    announced = response.headers.get("Content-Length", "")
    if announced.isdecimal() and int(announced) > max_bytes and response.request.method != "HEAD":
        raise _too_large(response, max_bytes)
    if response.is_closed:  # it did not come through a socket
        if len(response.content) > max_bytes:
            raise _too_large(response, max_bytes)
        return response.content
    chunks, size = [], 0
    async for chunk in response.aiter_bytes() if "Content-Encoding" in response.headers else response.aiter_raw():
        size += len(chunk)
        if size > max_bytes:
            raise _too_large(response, max_bytes)
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large(response: httpx.Response, max_bytes: int) -> BadAnswer:
    return BadAnswer("", f"the answer is larger than {max_bytes} bytes", status=response.status_code)


def decode(response: httpx.Response, content: bytes) -> Reply:
    """The reply with its JSON. BadAnswer for a success that is something else, whole or in part.

    A read that brings nothing at all is one of them: a broken connection can look like that, and no record like "none".
    """
    body, fault = _json(media_type(response.headers), content)
    if not content and response.request.method == "GET" and response.status_code != 204:
        fault = "answered nothing instead of JSON"
    if fault and response.is_success:
        raise BadAnswer("", fault, status=response.status_code)
    return Reply(response.status_code, body, response.headers)


def _json(kind: str, content: bytes) -> tuple[Any, str]:
    """The value and "", or None and what is wrong with it. Without a Content-Type the content itself decides."""
    if not content:
        return None, ""
    if kind and not _JSON.fullmatch(kind):
        return None, f"answered {kind} instead of JSON"
    try:
        return orjson.loads(content), ""
    except orjson.JSONDecodeError:  # holds the whole body, so no error of ours is raised in here
        return None, "answered invalid JSON"


def media_type(headers: httpx.Headers) -> str:
    """In lower case and without parameters; "" where the answer does not say."""
    kind: str = headers.get("Content-Type", "")
    return kind.partition(";")[0].strip().lower()


def is_page(reply: Reply) -> bool:
    """Whether HTML came: the word of a gateway, a login form or a wrong address, not of the API."""
    return media_type(reply.headers) in _PAGES


def error_by_status(reply: Reply) -> UpstreamError | None:
    """What the status alone says of a reply; None for success.

    A page of HTML with 404 is not the API saying that a thing is not there, and with 400 or 409 not its judgement of a
    value: an outage must not look like either.
    """
    status = reply.status
    if status < 300:
        return None
    if status < 400:
        return BadAnswer("", f"answered {status}, and redirects are not followed", status=status)
    kind = _by_status(status)
    if kind in (NotFound, Conflict, Rejected) and is_page(reply):
        return BadAnswer("", f"answered {status} with a page instead of JSON", status=status)
    return kind("", f"answered {status}", status=status)


def _by_status(status: int) -> type[UpstreamError]:
    match status:
        case 401 | 403:
            return AuthRefused
        case 404 | 410:
            return NotFound
        case 408:
            return TimedOut
        case 409:
            return Conflict
        case 429:
            return RateLimited
        case _:
            return Unavailable if status >= 500 else Rejected
