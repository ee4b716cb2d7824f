"""Every failure as one SCIM error (RFC 7644 section 3.12): status, scimType, detail, headers."""

import logging
from dataclasses import dataclass, field
from typing import Any, Final

from scim2_models import SCIMException
from scim2_server.errors import MethodNotAllowedException

from scim_bridge.filters import InvalidFilter, InvalidPath
from scim_bridge.query.budget import ScanTooLarge
from scim_bridge.query.directory import Unsupported
from scim_bridge.query.write import PartialWrite
from scim_bridge.upstream.errors import (
    AddressRefused,
    AuthRefused,
    BadAnswer,
    Conflict,
    FilterRejected,
    NotFound,
    RateLimited,
    Rejected,
    TimedOut,
    Unavailable,
    UpstreamError,
)

ERROR_SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:Error"
_log = logging.getLogger("scim_bridge.protocol")


@dataclass(slots=True)
class ScimError(Exception):
    """A refusal in SCIM's own words."""

    status: int
    detail: str
    scim_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The Error message; ``status`` is text (RFC 7644 section 3.12)."""
        typed = {"scimType": self.scim_type} if self.scim_type else {}
        return {"schemas": [ERROR_SCHEMA], "status": str(self.status), **typed, "detail": self.detail}


def invalid_syntax(detail: str) -> ScimError:
    return ScimError(400, detail, "invalidSyntax")


def invalid_value(detail: str) -> ScimError:
    return ScimError(400, detail, "invalidValue")


def not_found(resource_type: str, resource_id: str) -> ScimError:
    return ScimError(404, f"{resource_type} {resource_id!r} not found")


def scim_error(failure: Exception, request_id: str, connection: str) -> ScimError:
    """What a client is told of a failure; what is unexpected is logged with its traceback and told as little of.

    ``connection`` is the upstream of those that do not name theirs, as it was understood wrongly outside its client.
    """
    match failure:
        case ScimError():
            return failure
        case UpstreamError():
            return _upstream(failure, request_id, connection)
        case PartialWrite():
            cause = scim_error(failure.cause, request_id, connection)
            return ScimError(502, f"{cause.detail}. Still in effect upstream: {', '.join(failure.left)}")
        case ScanTooLarge():
            return ScimError(400, f"Too much to read for an exact answer: {failure}", "tooMany")
        case InvalidFilter():
            return ScimError(400, str(failure), "invalidFilter")
        case InvalidPath():
            return ScimError(400, str(failure), "invalidPath")
        case Unsupported():
            return ScimError(501, str(failure))
        case MethodNotAllowedException():
            return ScimError(405, failure.detail, headers={"Allow": ", ".join(failure.allowed)})
        case SCIMException():
            return ScimError(int(failure.status), failure.detail, failure.scim_type or None)
    _log.error("unexpected failure", exc_info=failure, extra={"request_id": request_id})
    return ScimError(500, f"Internal error (request {request_id})")


def _upstream(error: UpstreamError, request_id: str, connection: str) -> ScimError:
    """An upstream's failure: its name and the request id, so that an operator finds it."""
    told = f"Upstream {error.upstream or connection}: {error.detail} (request {request_id})"
    if error.sent:
        told += ". Whether the write took effect is not known"
    again = {"Retry-After": str(error.retry_after_seconds)} if error.retry_after_seconds else {}
    match error:
        case RateLimited():
            # Without a number of seconds Okta waits five minutes, and longer each time.
            return ScimError(429, told, headers=again or {"Retry-After": "1"})
        case TimedOut():
            return ScimError(504, told)
        case Unavailable():
            return ScimError(503, told, headers=again)
        case NotFound():
            return ScimError(404, told)
        case Conflict():
            return ScimError(409, told, "uniqueness")
        case FilterRejected():
            return ScimError(400, told, "invalidFilter")
        case Rejected():
            return ScimError(400, told, "invalidValue")
        case AuthRefused() | AddressRefused() | BadAnswer():
            return ScimError(502, told)
    return ScimError(502, told)
