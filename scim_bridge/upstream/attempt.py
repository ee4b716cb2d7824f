"""How one attempt at a request failed: as an error, and whether there may be another."""

from dataclasses import dataclass

import httpx

from scim_bridge.upstream.errors import (
    AddressRefused,
    BadAnswer,
    HostNotFound,
    NotTrusted,
    RateLimited,
    TimedOut,
    Unavailable,
    UpstreamError,
)
from scim_bridge.upstream.observed import Progress
from scim_bridge.upstream.pace import retry_after_seconds
from scim_bridge.upstream.reply import Reply
from scim_bridge.upstream.transport import HostNameError, TlsError

_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_UNREACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)


@dataclass(frozen=True, slots=True)
class Failure:
    """``passing``: the same request may succeed later. ``untouched``: the upstream has not acted on this attempt."""

    error: UpstreamError
    passing: bool
    untouched: bool


def broken(error: httpx.RequestError, progress: Progress) -> Failure:
    """The connection failed, or what came over it is no HTTP."""
    untouched = isinstance(error, _UNREACHED) or _untouched(progress)
    return Failure(_broken(error, progress), passing=True, untouched=untouched)


def _broken(error: httpx.RequestError, progress: Progress) -> UpstreamError:
    where = "" if progress.handed_over else "the sign-in: "
    # The text of the library's error is the class name of the one beneath, so it holds no address.
    why = f"({error})"
    if isinstance(error, httpx.ProxyError):
        return Unavailable("", f"{where}not reachable through the proxy {why}")
    if isinstance(error, _UNREACHED):
        return _unreached(error)("", f"{where}not reachable {why}")
    if isinstance(error, httpx.TimeoutException):
        return TimedOut("", f"{where}stopped answering {why}", status=progress.status)
    if isinstance(error, httpx.RemoteProtocolError | httpx.DecodingError) or progress.status is not None:
        return BadAnswer("", f"{where}cut off or garbled its answer {why}", status=progress.status)
    return Unavailable("", f"{where}broke the connection {why}")


def _unreached(error: httpx.RequestError) -> type[Unavailable]:
    if isinstance(error, HostNameError):
        return HostNotFound
    return NotTrusted if isinstance(error, TlsError) else Unavailable


def overdue(progress: Progress) -> Failure:
    """The deadline of the client's request came first."""
    error = TimedOut("", "did not answer before the deadline of the request", status=progress.status)
    return Failure(error, passing=False, untouched=_untouched(progress))


def unusable(error: UpstreamError, progress: Progress) -> Failure:
    """The answer cannot be used, or there was no sign-in to send the request with, or no address to send it to."""
    untouched = isinstance(error, AddressRefused) or _untouched(progress)
    return Failure(error, passing=_passes(error, error.status), untouched=untouched)


def refused(error: UpstreamError, reply: Reply) -> Failure:
    """A whole answer that is an error, by the vendor's code or by its status; its Retry-After goes into the error."""
    error.retry_after_seconds = error.retry_after_seconds or retry_after_seconds(reply.headers)
    if error.status is None:
        error.status = reply.status
    # a success that holds an error is for the provider to judge: it sets `sent`
    untouched = (
        reply.status < 300
        or _says_nothing_done(reply.status)
        or isinstance(error, RateLimited)
        or (reply.status == 503 and error.retry_after_seconds > 0)
    )
    return Failure(error, passing=_passes(error, reply.status), untouched=untouched)


def _passes(error: UpstreamError, status: int | None) -> bool:
    return isinstance(error, RateLimited) or (isinstance(error, Unavailable | TimedOut) and status in _PASSING)


def _untouched(progress: Progress) -> bool:
    """Whether the request did not leave, or was refused: the 401 before a new sign-in, an error whose body was cut."""
    return not progress.handed_over or (progress.status is not None and _says_nothing_done(progress.status))


def _says_nothing_done(status: int) -> bool:
    return (400 <= status < 500 and status != 408) or status == 501
