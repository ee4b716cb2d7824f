"""`/openapi.json`: the description of the API (OpenAPI 3.1), made of what requests are read by."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, Literal

from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from scim_bridge import __version__
from scim_bridge.admin.api.models import Check
from scim_bridge.admin.api.operation import JSON, PROBLEM, Operation, Shape
from scim_bridge.admin.api.values import Given

Mode = Literal["validation", "serialization"]
Refs = Mapping[tuple[Any, Mode], dict[str, Any]]
_TEMPLATE: Final = "#/components/schemas/{model}"
_TEXT: Final = (
    "Connections, tokens of their clients, link sessions, mirrors and the audit log. Times are in UTC. Who asks brings"
    " one of `[server] admin_tokens`."
)
_FIELDS: Final = {
    429: ("Retry-After", "Seconds until it may be tried again."),
    401: ("WWW-Authenticate", "How to sign in."),
}
_ID: Final = {"description": "Names the request, in the log too.", "schema": {"type": "string"}}


class Problem(Given):
    """Why something was refused (RFC 9457)."""

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str = Field(description="For people; holds no secret.")
    request_id: str
    key: str = Field("", description="The member or parameter that it is about, as `settings.client_id`.")
    check: Check | None = Field(None, description="What the test found.")


def described(operations: Sequence[Operation]) -> dict[str, Any]:
    """The description of operations."""
    wanted = dict.fromkeys(each for operation in operations for each in _models(operation))
    known: list[tuple[Any, Mode]] = [*wanted, (Problem, "validation")]
    refs, definitions = models_json_schema(known, ref_template=_TEMPLATE)
    paths: dict[str, dict[str, Any]] = {}
    for each in operations:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, refs)
    return {
        "openapi": "3.1.0",
        "info": {"title": "scim_bridge administration", "version": __version__, "description": _TEXT},
        "servers": [{"url": "api/v1"}],  # beside this document, wherever a proxy has it
        "security": [{"admin_token": []}],
        "paths": paths,
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {"admin_token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _models(operation: Operation) -> list[tuple[type[BaseModel], Mode]]:
    taken: list[tuple[type[BaseModel], Mode]] = [(operation.body, "validation")] if operation.body else []
    shapes = operation.answers.values()
    return taken + [(each, "serialization") for each in shapes if isinstance(each, type)]


def _operation(operation: Operation, refs: Refs) -> dict[str, Any]:
    found: dict[str, Any] = {"operationId": operation.name, "summary": operation.summary}
    if operation.text:
        found["description"] = operation.text
    found["parameters"] = [*_variables(operation), *_query(operation), *_conditions(operation)]
    if operation.body is not None:
        schema = refs[operation.body, "validation"]
        content = {media: {"schema": schema} for media in operation.media}
        found["requestBody"] = {"required": not operation.optional_body, "content": content}
    answers = {str(status): _answer(status, shape, operation, refs) for status, shape in operation.answers.items()}
    found["responses"] = answers | {str(status): _refusal(status) for status in operation.all_refusals}
    return found


def _variables(operation: Operation) -> list[dict[str, Any]]:
    schema = {"type": "string", "minLength": 1}
    return [{"name": each, "in": "path", "required": True, "schema": schema} for each in operation.parameters]


def _query(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    properties = operation.query.model_json_schema()["properties"]
    return [_parameter(name, "query", schema) for name, schema in properties.items()]


def _parameter(name: str, place: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter that may be missing, which is not the same as null."""
    told = {"description": schema["description"]}
    kept = {each: value for each, value in schema.items() if each not in ("title", "description")}
    for option in kept.pop("anyOf", []):
        if option != {"type": "null"}:
            kept = {**kept, **option}
    if kept.get("default", "") is None:
        del kept["default"]
    return {"name": name, "in": place, **told, "schema": kept}


def _conditions(operation: Operation) -> list[dict[str, Any]]:
    if not operation.conditional:
        return []
    name = "If-None-Match" if operation.method == "GET" else "If-Match"
    return [_parameter(name, "header", {"type": "string", "description": "Entity tags, or *."})]


def _answer(status: int, shape: Shape, operation: Operation, refs: Refs) -> dict[str, Any]:
    found: dict[str, Any] = {"description": HTTPStatus(status).phrase, "headers": {"X-Request-Id": _ID}}
    if isinstance(shape, tuple):
        found["content"] = {media: {"schema": {"type": "string"}} for media in shape}
    elif shape is not None:
        found["content"] = {JSON: {"schema": refs[shape, "serialization"]}}
    if operation.conditional and status != 204:
        found["headers"]["ETag"] = {"schema": {"type": "string"}, "required": True}
    return found


def _refusal(status: int) -> dict[str, Any]:
    headers: dict[str, Any] = {"X-Request-Id": _ID}
    if status in _FIELDS:
        name, told = _FIELDS[status]
        headers[name] = {"description": told, "required": True, "schema": {"type": "string"}}
    schema = {"$ref": _TEMPLATE.format(model=Problem.__name__)}
    return {"description": HTTPStatus(status).phrase, "headers": headers, "content": {PROBLEM: {"schema": schema}}}
