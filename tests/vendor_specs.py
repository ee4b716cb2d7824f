"""Vendors' own OpenAPI documents as judges of requests and answers: of our adapters, and of the sandboxes.

They are no part of the project: `pytest --vendor-specs DIR` names a folder of ``NAME.openapi.yaml``.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

import httpx
import jsonschema_rs
import yaml

_VARIABLE: Final = re.compile(r"\{[^}]+\}")


@dataclass(frozen=True, slots=True)
class Correction:
    """A place where the vendor's document is known to be wrong: a JSON pointer, the right value, the evidence.

    A value of None removes what is there.
    """

    pointer: str
    value: Any
    why: str


@dataclass(frozen=True, slots=True)
class _Operation:
    told: str  # "GET /users/{id}"
    pattern: re.Pattern[str]
    document: Mapping[str, Any]
    parameters: tuple[Mapping[str, Any], ...]


@dataclass(slots=True)
class VendorSpec:
    """One vendor's document. ``base``: the part of a path before the document's own paths, "" or as "/v1"."""

    document: dict[str, Any]
    base: str = ""
    seen: set[str] = field(default_factory=set)  # the operations that were judged
    _operations: list[tuple[str, _Operation]] = field(default_factory=list)

    @classmethod
    def load(cls, path: Path, *, base: str = "", corrections: Iterable[Correction] = ()) -> "VendorSpec":
        """The document of a file. Raises LookupError for a correction of what is not there."""
        document = yaml.load(path.read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        for each in corrections:
            _correct(document, each)
        spec = cls(_as_json_schema(document), base)
        spec._operations = list(spec._read())
        return spec

    def _read(self) -> Iterable[tuple[str, _Operation]]:
        for path, item in self.document["paths"].items():
            pattern = "[^/]+".join(map(re.escape, _VARIABLE.split(path)))
            for method in ("get", "post", "put", "patch", "delete"):
                if method in item:
                    listed = [*item.get("parameters", ()), *item[method].get("parameters", ())]
                    parameters = tuple(self._resolved(each) for each in listed)
                    told = f"{method.upper()} {path}"
                    yield method.upper(), _Operation(told, re.compile(pattern + "/?"), item[method], parameters)

    def _resolved(self, node: Any) -> Any:
        while isinstance(node, Mapping) and "$ref" in node:
            pointer, node = str(node["$ref"]).removeprefix("#"), self.document
            node = _at(node, pointer)
        return node

    def problems(self, request: httpx.Request, response: httpx.Response) -> list[str]:
        """What of a request and its answer does not fit the document; both have been read."""
        operation = self._operation(request)
        if operation is None:
            return [f"{request.method} {request.url.path}: the vendor has no such operation"]
        self.seen.add(operation.told)
        found = [*self._query(operation, request), *self._sent(operation, request), *self._shown(operation, response)]
        return [f"{operation.told}: {each}" for each in found]

    def _operation(self, request: httpx.Request) -> _Operation | None:
        path = request.url.raw_path.decode("ascii").partition("?")[0].removeprefix(self.base)
        fitting = [
            each for method, each in self._operations if method == request.method and each.pattern.fullmatch(path)
        ]
        # A path without variables is meant before one with them.
        return min(fitting, key=lambda each: each.told.count("{"), default=None)

    def _query(self, operation: _Operation, request: httpx.Request) -> Iterable[str]:
        known = {str(each["name"]): each for each in operation.parameters if each.get("in") == "query"}
        given = parse_qsl(request.url.query.decode("ascii"), keep_blank_values=True)
        for name, text in given:
            if name not in known and f"{name.partition('[')[0]}" not in known:
                yield f"the query parameter {name} is not the vendor's"
            elif name in known:
                yield from self._judged(f"query parameter {name}", known[name].get("schema", {}), _typed(text))
        for name, each in known.items():
            if each.get("required") is True and name not in dict(given):
                yield f"the query parameter {name} is missing"

    def _sent(self, operation: _Operation, request: httpx.Request) -> Iterable[str]:
        body = self._resolved(operation.document.get("requestBody"))
        if not request.content:
            if body is not None and body.get("required") is True:
                yield "the body is missing"
            return
        kind = request.headers.get("content-type", "").partition(";")[0]
        if body is None:
            yield "the vendor takes no body"
        elif kind not in body["content"]:
            yield f"the body is {kind}, not {' or '.join(body['content'])}"
        elif kind.endswith("json"):
            schema = body["content"][kind].get("schema", {})
            yield from self._judged("body", schema, json.loads(request.content))

    def _shown(self, operation: _Operation, response: httpx.Response) -> Iterable[str]:
        answers = operation.document.get("responses", {})
        answer = self._resolved(answers.get(str(response.status_code), answers.get("default")))
        if answer is None:
            yield f"the vendor documents no answer {response.status_code}"
            return
        content = answer.get("content", {})
        kind = response.headers.get("content-type", "").partition(";")[0]
        if not response.content or not content:
            return
        chosen = content.get(kind) or content.get("*/*")
        if chosen is None:
            yield f"the answer {response.status_code} is {kind}, not {' or '.join(content)}"
        elif kind.endswith("json"):
            yield from self._judged(f"answer {response.status_code}", chosen.get("schema", {}), response.json())

    def _judged(self, what: str, schema: Any, instance: Any) -> Iterable[str]:
        root = {**schema, "components": self.document.get("components", {})}
        validator = jsonschema_rs.Draft4Validator(root)
        for error in validator.iter_errors(instance):
            yield f"{what} at {'/'.join(map(str, error.instance_path)) or 'its root'}: {error.message[:300]}"


def _correct(document: Any, correction: Correction) -> None:
    parent, _, last = correction.pointer.rpartition("/")
    node = _at(document, parent)
    key = _unescaped(last)
    if correction.value is None:
        if key not in node:
            raise LookupError(f"nothing to correct at {correction.pointer}")
        del node[key]
    elif isinstance(node, list):
        node.insert(int(key), correction.value) if int(key) >= len(node) else node.__setitem__(
            int(key), correction.value
        )
    else:
        node[key] = correction.value


def _at(document: Any, pointer: str) -> Any:
    """What a JSON pointer (RFC 6901) names. Raises LookupError."""
    node = document
    for part in pointer.split("/")[1:]:
        node = node[int(part)] if isinstance(node, list) else node[_unescaped(part)]
    return node


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


def _as_json_schema(node: Any) -> Any:
    """OpenAPI 3.0 schemas as JSON Schema draft 4: `nullable` allows null, and what only describes is left out."""
    if isinstance(node, list):
        return [_as_json_schema(each) for each in node]
    if not isinstance(node, dict):
        return node
    found = {str(key): _as_json_schema(value) for key, value in node.items() if key not in ("example", "examples")}
    if found.pop("nullable", False) is True:
        if isinstance(found.get("enum"), list):
            found["enum"] = [*found["enum"], None]
        if isinstance(found.get("type"), str):
            found["type"] = [found["type"], "null"]
        elif set(found) & {"$ref", "allOf", "oneOf", "anyOf"}:
            return {"anyOf": [found, {"type": "null"}]}
    return found


def _typed(text: str) -> Any:
    """A query parameter as JSON would have it: what reads as a number or a boolean may be meant as text too."""
    return int(text) if re.fullmatch(r"-?\d+", text) else {"true": True, "false": False}.get(text, text)


class Watched(httpx.AsyncBaseTransport):
    """A way to a sandbox on which every request and answer is judged."""

    def __init__(self, inner: httpx.AsyncBaseTransport, spec: VendorSpec, unjudged: Sequence[str] = ()) -> None:
        """``unjudged``: path endings of what the document does not describe, such as a token endpoint."""
        self._inner = inner
        self._spec = spec
        self._unjudged = tuple(unjudged)
        self.problems: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        await response.aread()
        if not (self._unjudged and request.url.path.endswith(self._unjudged)):
            self.problems += self._spec.problems(request, response)
        return response
