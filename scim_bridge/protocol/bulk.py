"""Bulk requests (RFC 7644 section 3.7): scim2-server plans their order and resolves bulkIds, over plain JSON."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import orjson
from scim2_models import BulkOperation, Group, Resource
from scim2_server.bulk import BulkPlan, BulkStep

from scim_bridge.protocol.audit import BULK, Trail, action_of
from scim_bridge.protocol.bodies import check_message, member
from scim_bridge.protocol.errors import ScimError, invalid_syntax, invalid_value, scim_error
from scim_bridge.protocol.requests import ScimRequest, ScimResponse

BULK_REQUEST: Final = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
BULK_RESPONSE: Final = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
MAX_OPERATIONS: Final = 1000
MAX_PAYLOAD_BYTES: Final = 1024 * 1024

if TYPE_CHECKING:
    _Operation = BulkOperation[Resource[Any]]
Handle = Callable[[ScimRequest], Awaitable[ScimResponse]]


def read_plan(body: Mapping[str, Any], *, strict: bool) -> BulkPlan:
    """The operations of a request in the order in which they run.

    Raises ScimError: 413 above MAX_OPERATIONS, 400 for a message that cannot be read.
    """
    check_message(body, BULK_REQUEST, strict=strict)
    operations = member(body, "Operations")
    if not isinstance(operations, list) or not all(isinstance(each, Mapping) for each in operations):
        raise invalid_syntax("Operations takes a list of operations")
    if len(operations) > MAX_OPERATIONS:
        raise ScimError(413, f"A bulk request takes at most {MAX_OPERATIONS} operations")
    limit = member(body, "failOnErrors")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise invalid_value("failOnErrors takes a positive integer")
    return BulkPlan([_operation(each) for each in operations], limit)


def _operation(raw: Mapping[str, Any]) -> "_Operation":
    """An operation without pydantic's validation: its data is read as that of a single request."""
    version = member(raw, "version")
    if version is not None and not (isinstance(version, str) and version.strip()):
        raise invalid_value("version takes text")  # left aside, the operation would be carried out unguarded
    method = str(member(raw, "method")).upper()
    known = method in BulkOperation.Method.__members__.values()
    # The type parameter serves validation alone, which is not used.
    operation: Any = BulkOperation[Group].model_construct(
        method=BulkOperation.Method(method) if known else None,
        bulk_id=_text(member(raw, "bulkId")),
        path=_text(member(raw, "path")),
        version=version,
        data=member(raw, "data"),
    )
    return operation  # type: ignore[no-any-return] # of whatever resource type


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


async def run(plan: BulkPlan, request: ScimRequest, handle: Handle) -> dict[str, Any]:
    """Carry out the operations as single requests; returns the BulkResponse."""
    for step in plan:
        result, created = await _step(plan, step, request, handle)
        plan.record(step, result, created)
    return {"schemas": [BULK_RESPONSE], "Operations": [_outcome(each) for each in plan.outcomes()]}


async def _step(plan: BulkPlan, step: BulkStep, request: ScimRequest, handle: Handle) -> tuple[dict[str, Any], Any]:
    operation = plan.operation(step)
    result: dict[str, Any] = {"method": str(operation.method or ""), "bulk_id": operation.bulk_id}
    trail = Trail()
    try:
        _check(operation)
        single = _single(plan.resolve(step), request, trail)
        response = await handle(single)
        _audit(operation, request, trail, response, None)
    except asyncio.CancelledError as end:
        _audit(operation, request, trail, ScimResponse(504), end)
        raise
    except Exception as failure:
        error = scim_error(failure, request.request_id, request.connection)
        _audit(operation, request, trail, ScimResponse(error.status, error.body()), failure)
        return {
            **result,
            "status": error.status,
            "response": error.body(),
            "location": _location(operation, request),
        }, None
    location = response.headers.get("Location") or f"{request.base_url}{single.path}"
    result |= {"status": response.status, "location": location, "version": response.headers.get("ETag")}
    return result, SimpleNamespace(id=unquote(location.rpartition("/")[2]))


def _audit(
    operation: "_Operation",
    request: ScimRequest,
    trail: Trail,
    response: ScimResponse,
    failure: BaseException | None,
) -> None:
    """Tell the audit log of one operation; one whose method is none has no name there but that of the whole."""
    if request.audit is not None:
        action = action_of(str(operation.method or ""), "") or BULK
        request.audit.wrote(action, trail, response.status, response.body, failure)


def _check(operation: "_Operation") -> None:
    if operation.method is None:
        raise invalid_syntax("method takes POST, PUT, PATCH or DELETE")
    if not _fits(operation):
        raise invalid_value(f"path does not fit an operation {operation.method}")
    if operation.method is BulkOperation.Method.post and not operation.bulk_id:
        raise invalid_value("An operation POST needs a bulkId")
    if operation.method is not BulkOperation.Method.delete and not isinstance(operation.data, Mapping):
        raise invalid_syntax("data takes an object")


def _fits(operation: "_Operation") -> bool:
    """Whether the path is one that the method applies to: a resource type's for POST, else a resource's."""
    path = operation.path or ""
    segments = path.strip("/").split("/")
    length = 1 if operation.method is BulkOperation.Method.post else 2
    return path.startswith("/") and len(segments) == length and all(segments) and ".search" not in segments


def _single(operation: "_Operation", request: ScimRequest, trail: Trail) -> ScimRequest:
    """The request that an operation stands for; its version acts as If-Match."""
    headers = {"content-type": "application/scim+json"}
    if operation.version:
        headers["if-match"] = operation.version
    body = b"" if operation.data is None else orjson.dumps(operation.data)
    return ScimRequest(
        method=str(operation.method),
        path=operation.path or "",
        base_url=request.base_url,
        headers=headers,
        body=body,
        request_id=request.request_id,
        connection=request.connection,
        caller=request.caller,
        may_write=request.may_write,
        left_out=request.left_out,
        audit=request.audit,
        trail=trail,
    )


def _location(operation: "_Operation", request: ScimRequest) -> str | None:
    """Where a failed operation was aimed; a POST has no location then (RFC 7644 section 3.7.3)."""
    aimed = operation.method is not BulkOperation.Method.post and _fits(operation)
    return f"{request.base_url}{operation.path}" if aimed else None


def _outcome(result: Mapping[str, Any]) -> dict[str, Any]:
    shown = {"bulkId": result["bulk_id"], **{name: result.get(name) for name in ("method", "location", "version")}}
    shown |= {"status": str(result["status"]), "response": result.get("response")}
    return {name: value for name, value in shown.items() if value is not None}
