"""Bodies and queries of requests to the API: what they say is taken exactly, or refused."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn, TypeVar
from urllib.parse import unquote_to_bytes

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from scim_bridge.admin.api.operation import JSON, Operation
from scim_bridge.admin.api.values import LARGEST
from scim_bridge.admin.service.desk import AdminError

M = TypeVar("M", bound=BaseModel)
MAX_BODY_BYTES: Final = 1024 * 1024
_NO_TEXT: Final = re.compile("[\x00\ud800-\udfff]")
"""Characters that PostgreSQL, or UTF-8, does not have."""


async def read_body(request: Request, operation: Operation) -> tuple[Mapping[str, Any], BaseModel | None]:
    """The body as it was sent, and as the operation declares it. Raises AdminError 400, 413, 415."""
    content = await _content(request)
    if operation.body is None:
        if content:
            raise AdminError(400, "This request takes no body")
        return {}, None
    if not content and operation.optional_body:
        return {}, operation.body()
    _check_media(request, operation.media)
    document = decoded(content)
    return document, checked(operation.body, document)


def checked(kind: type[M], document: Mapping[str, Any]) -> M:
    """A document as a model. Raises AdminError 400, which names the member that it is about."""
    try:
        return kind.model_validate_json(json.dumps(document))
    except ValidationError as error:
        raise _told(error) from None


def read_query(request: Request, kind: type[M] | None) -> M | None:
    """The query as a model; the empty one has no members. Raises AdminError 400."""
    found: dict[str, str] = {}
    for pair in filter(None, request.scope["query_string"].split(b"&")):
        name, value = (_unquoted(each) for each in (pair.partition(b"=")[::2]))
        if name in found:
            raise AdminError(400, f"{name}: is given twice", name)
        found[name] = value
    unknown = sorted(found.keys() - (kind.model_fields.keys() if kind is not None else ()))
    if unknown:
        raise AdminError(400, f"{unknown[0]}: there is no such parameter", unknown[0])
    return checked(kind, found) if kind is not None else None


def segments(path: str) -> list[str]:
    """The parts of a percent-encoded path, decoded. Raises AdminError 400 for what is no text."""
    return [_unquoted(each.encode("latin-1"), plus=False) for each in path.split("/")]


def _unquoted(raw: bytes, *, plus: bool = True) -> str:
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ") if plus else raw).decode()
    except UnicodeDecodeError:
        raise AdminError(400, "The address holds what is no UTF-8") from None
    if "\0" in text:
        raise AdminError(400, "The address holds a NUL character")
    return text


async def _content(request: Request) -> bytes:
    """Raises AdminError 413 as soon as it is too long."""
    too_long = AdminError(413, f"The body has more than {MAX_BODY_BYTES} bytes")
    announced = request.headers.get("Content-Length", "0")
    if announced.isdecimal() and int(announced) > MAX_BODY_BYTES:
        raise too_long
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise too_long
    except ClientDisconnect:
        raise AdminError(400, "The body was not sent whole") from None
    return bytes(body)


def _check_media(request: Request, taken: Sequence[str]) -> None:
    kind, *parameters = (each.strip().lower() for each in request.headers.get("Content-Type", "").split(";"))
    if kind not in taken or not set(parameters) <= {"charset=utf-8", 'charset="utf-8"', ""}:
        raise AdminError(415, f"The body has to be {' or '.join(taken)} in UTF-8")


def decoded(content: bytes) -> dict[str, Any]:
    """The JSON object of a body.

    Raises AdminError 400 for what is none, and for what readers of JSON disagree on: names given twice, numbers without
    end or beyond 2^53, text that is no Unicode, NUL.
    """
    try:
        found = json.loads(
            content.decode(), object_pairs_hook=_object, parse_constant=_no_number, parse_int=_int, parse_float=_float
        )
        _check_texts(found)
    except UnicodeDecodeError:
        raise AdminError(400, "The body is not UTF-8") from None
    except (json.JSONDecodeError, RecursionError):  # from 3.13 on, Python reads what is too deep for its own functions
        raise AdminError(400, f"The body is not valid JSON, as {JSON} has to be") from None
    if not isinstance(found, dict):
        raise AdminError(400, "The body has to be a JSON object")
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise AdminError(400, "The body names a member twice")
    return found


def _no_number(text: str) -> NoReturn:
    raise AdminError(400, f"The body holds {text}, which is no number in JSON")


def _int(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > LARGEST:
        raise AdminError(400, "The body holds a number beyond 2^53")
    return int(text)


def _float(text: str) -> float:
    number = float(text)
    if abs(number) > LARGEST:
        raise AdminError(400, "The body holds a number beyond 2^53")
    return number


def _check_texts(value: Any) -> None:
    if isinstance(value, str) and _NO_TEXT.search(value):
        raise AdminError(400, "The body holds a NUL character, or half of a surrogate pair")
    if isinstance(value, Mapping):
        for name, each in value.items():
            _check_texts(name)
            _check_texts(each)
    elif isinstance(value, list):
        for each in value:
            _check_texts(each)


def _told(error: ValidationError) -> AdminError:
    """The first thing that is wrong; never the value, which may be a secret."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    key = ".".join(map(str, first["loc"])) or None
    said = first["msg"].removeprefix("Value error, ")
    text = said[0].lower() + said[1:]
    return AdminError(400, f"{key}: {text}" if key else text, key)
