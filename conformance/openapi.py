"""An OpenAPI 3.1 description of a SCIM service provider, derived from what its discovery publishes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from scim_bridge.conformance.json_schema import (
    BULK_REQUEST,
    BULK_RESPONSE,
    ERROR,
    SEARCH_REQUEST,
    TEXT,
    Json,
    Shapes,
    list_response,
    ref,
)

SCIM_JSON: Final = "application/scim+json"
PLAIN_JSON: Final = "application/json"
_OPERATORS: Final = "eq|ne|co|sw|ew|gt|ge|lt|le"
_HTTP_SCHEMES: Final = {"oauth2": "bearer", "oauthbearertoken": "bearer", "httpbasic": "basic", "httpdigest": "digest"}


def derived(
    base_url: str,
    config: Mapping[str, Any],
    resource_types: Sequence[Mapping[str, Any]],
    schemas: Sequence[Mapping[str, Any]],
    *,
    title: str = "SCIM 2.0",
) -> Json:
    """The description of the service provider at ``base_url``, from its discovery documents.

    Operations that ServiceProviderConfig does not offer are not in it, nor writes of what the schemas call readOnly.
    """
    by_id = {str(each.get("id")).lower(): each for each in schemas}
    components: Json = {"Error": ERROR, "AnyListResponse": list_response({"type": "object", "required": ["schemas"]})}
    paths: Json = dict(_discovery())
    for each in resource_types:
        shapes = Shapes(each, by_id)
        components.update(shapes.components())
        paths.update(_ResourceType(shapes, str(each.get("endpoint")), config).paths())
    paths["/.search"] = {"post": _search(ref("AnyListResponse"), "every resource type", "search")}
    if _offered(config, "bulk"):
        paths["/Bulk"] = {"post": _bulk()}
    security = _security(config)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "2.0", "description": "Derived from /Schemas and /ResourceTypes."},
        "servers": [{"url": base_url}],
        "security": [{name: []} for name in security] or [{}],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": security},
    }


def _offered(config: Mapping[str, Any], feature: str) -> bool:
    stated = config.get(feature)
    return isinstance(stated, Mapping) and stated.get("supported") is True


def _security(config: Mapping[str, Any]) -> Json:
    """The schemes by which clients sign in (RFC 7643 section 5)."""
    listed = config.get("authenticationSchemes")
    stated = [str(each.get("type")) for each in listed or () if isinstance(each, Mapping)]
    return {each: {"type": "http", "scheme": _HTTP_SCHEMES[each]} for each in stated if each in _HTTP_SCHEMES}


class _ResourceType:
    """The operations on one resource type."""

    def __init__(self, shapes: Shapes, endpoint: str, config: Mapping[str, Any]) -> None:
        self._shapes = shapes
        self._name = shapes.name
        self._endpoint = "/" + endpoint.strip("/")
        self._patches = _offered(config, "patch")

    def paths(self) -> Json:
        many = ref(f"{self._name}ListResponse")
        collection = {"get": self._operation("list", "Find", _answer("200", many), parameters=self._query())}
        item = {"parameters": [_ID], "get": self._get()}
        if self._shapes.is_written:
            collection["post"] = self._create()
            item |= self._changes()
        search = _search(many, self._name, f"search{self._name}")
        return {
            self._endpoint: collection,
            f"{self._endpoint}/{{id}}": item,
            f"{self._endpoint}/.search": {"post": search},
        }

    def _operation(self, verb: str, summary: str, answers: Json, **more: Any) -> Json:
        return {
            "operationId": f"{verb}{self._name}",
            "tags": [self._name],
            "summary": f"{summary} {self._name}",
            **more,
            "responses": {**answers, "default": _REFUSAL},
        }

    def _get(self) -> Json:
        answers = {**self._resource("200"), "304": {"description": "Unchanged"}}
        return self._operation("get", "Read", answers, parameters=_PROJECTION)

    def _create(self) -> Json:
        answers = self._resource("201")
        answers["201"]["links"] = {
            f"{verb}{self._name}": {"operationId": f"{verb}{self._name}", "parameters": {"id": "$response.body#/id"}}
            for verb in ("get", "replace", "delete", *(("change",) if self._patches else ()))
        }
        body = _body(ref(f"{self._name}Write"))
        return self._operation("create", "Create", answers, requestBody=body, parameters=_PROJECTION)

    def _changes(self) -> Json:
        whole, patch = _body(ref(f"{self._name}Write")), _body(ref(f"{self._name}Patch"))
        shown, quiet = self._resource("200"), {"204": {"description": "Done"}}
        replace = self._operation("replace", "Replace", shown, requestBody=whole, parameters=_PROJECTION)
        change = self._operation("change", "Change", shown | quiet, requestBody=patch, parameters=_PROJECTION)
        delete = self._operation("delete", "Delete", quiet)
        return {"put": replace, **({"patch": change} if self._patches else {}), "delete": delete}

    def _resource(self, status: str) -> Json:
        return _answer(status, ref(self._name))

    def _query(self) -> list[Json]:
        """The query parameters of a list (RFC 7644 section 3.4.2, RFC 9865 section 2), with what likely finds rows."""
        texts = list(self._shapes.texts())
        compared = {"type": "string", "pattern": f'^({"|".join(texts)}) ({_OPERATORS}) "[ -!#-\\[\\]-~]{{0,8}}"$'}
        named = {"type": "string", "enum": texts}
        return [
            _parameter("filter", {"anyOf": [compared, TEXT]} if texts else TEXT),
            _parameter("sortBy", {"anyOf": [named, TEXT]} if texts else TEXT),
            _parameter("sortOrder", {"type": "string", "enum": ["ascending", "descending"]}),
            _parameter("startIndex", {"type": "integer"}),
            _parameter("count", {"type": "integer"}),
            _parameter("cursor", TEXT),
            *_PROJECTION,
        ]


def _search(many: Json, what: str, operation_id: str) -> Json:
    return {
        "operationId": operation_id,
        "tags": ["Search"],
        "summary": f"Search {what} by POST",
        "requestBody": _body(SEARCH_REQUEST),
        "responses": {**_answer("200", many), "default": _REFUSAL},
    }


def _bulk() -> Json:
    return {
        "operationId": "bulk",
        "tags": ["Bulk"],
        "summary": "Several writes in one request",
        "requestBody": _body(BULK_REQUEST),
        "responses": {**_answer("200", BULK_RESPONSE), "default": _REFUSAL},
    }


def _discovery() -> Iterator[tuple[str, Json]]:
    document = {"type": "object", "required": ["schemas"]}
    for name, shape in (
        ("ServiceProviderConfig", document),
        ("ResourceTypes", list_response(document)),
        ("Schemas", list_response(document)),
    ):
        responses = {**_answer("200", shape), "default": _REFUSAL}
        get = {"operationId": name, "tags": ["Discovery"], "summary": f"Read {name}", "responses": responses}
        yield f"/{name}", {"get": get}


def _answer(status: str, schema: Json) -> Json:
    return {status: {"description": "Done", "content": _content(schema)}}


def _content(schema: Json) -> Json:
    """A client may ask for either (RFC 7644 section 3.8)."""
    return {SCIM_JSON: {"schema": schema}, PLAIN_JSON: {"schema": schema}}


def _body(schema: Json) -> Json:
    return {"required": True, "content": {SCIM_JSON: {"schema": schema}}}


def _parameter(name: str, schema: Json) -> Json:
    return {"name": name, "in": "query", "schema": schema}


_ID: Final[Json] = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
_PROJECTION: Final[list[Json]] = [
    _parameter(name, {"type": "string", "description": "Attribute paths, separated by commas"})
    for name in ("attributes", "excludedAttributes")
]
_REFUSAL: Final[Json] = {"description": "A SCIM error (RFC 7644 section 3.12)", "content": _content(ref("Error"))}
