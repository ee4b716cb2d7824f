"""What a client asks for, read from an HTTP request independent of any web framework."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote, unquote_to_bytes

from scim_bridge.protocol.audit import RequestAudit, Trail
from scim_bridge.protocol.bodies import check_message, member
from scim_bridge.protocol.errors import invalid_value

SEARCH_REQUEST: Final = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
_NAMES: Final = (
    "attributes", "excludedAttributes", "filter", "sortBy", "sortOrder", "startIndex", "count", "cursor",
)  # fmt: skip
_BY_LOWER_CASE: Final = {name.lower(): name for name in _NAMES}
_CANONICAL: Final = {name: name for name in _NAMES}
"""The spelling that nearly all clients use."""
PROJECTIONS: Final = ("attributes", "excludedAttributes")
_INTEGER: Final = re.compile(r"\s*[+-]?[0-9]{1,40}\s*", re.ASCII)
_PLAIN_NUMBER: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_LARGEST: Final = 2**63 - 1
"""What an answer can repeat; no list is as long."""


@dataclass(slots=True)
class ScimRequest:
    """One request to a connection's SCIM endpoints. ``path`` is percent-encoded and starts below ``/v2``."""

    method: str
    path: str
    base_url: str
    query: Mapping[str, str] = field(default_factory=dict)  # as `read_query` gives it
    query_string: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    body: bytes = b""
    request_id: str = ""
    connection: str = ""  # its name
    caller: str = ""  # which of the connection's tokens asks
    may_write: bool = True  # whether that token is for writes, too
    left_out: list[str] = field(default_factory=list)  # what of the request was ignored, for the log
    audit: RequestAudit | None = None
    trail: Trail = field(default_factory=Trail)  # what the audit log is told of a write


@dataclass(slots=True)
class ScimResponse:
    """The answer: a JSON object, as such or already as text, or nothing."""

    status: int
    body: Mapping[str, Any] | bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Search:
    """The parameters of a GET query or a SearchRequest; absent ones are None."""

    attributes: tuple[str, ...] | None = None
    excluded: tuple[str, ...] | None = None
    filter: str | None = None
    sort_by: str | None = None
    descending: bool = False
    start_index: int = 1
    count: int | None = None
    cursor: str | None = None  # "" starts paging by cursor


def read_query(query_string: bytes) -> dict[str, str]:
    """The parameters of SCIM in a query string, in canonical spelling; others are ignored (H-08).

    Raises ScimError 400 for one that is given twice with different values, and for what is no UTF-8: which of them was
    meant is nobody's guess. Lists are joined.
    """
    if not query_string:
        return {}
    found: dict[str, str] = {}
    for pair in query_string.decode("latin-1").split("&"):
        key, _, value = pair.partition("=")
        name = _CANONICAL.get(key) or _BY_LOWER_CASE.get(_unquoted(key).lower())
        if name is None:
            continue
        value = _unquoted(value)
        if name in PROJECTIONS and name in found:
            found[name] += f",{value}"
        elif found.setdefault(name, value) != value:
            raise invalid_value(f"{name} is given twice")
    return found


def _unquoted(text: str) -> str:
    if "+" in text:
        text = text.replace("+", " ")
    if "%" not in text:
        return text
    try:
        # Of ASCII, both give the same, and the first in half the time.
        return unquote_to_bytes(text).decode() if text.isascii() else unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise invalid_value("The query is not encoded as UTF-8") from None


def from_query(query: Mapping[str, str]) -> Search:
    """The search of a GET, its parameters as `read_query` gives them."""
    return _search({name: value.split(",") if name in PROJECTIONS else value for name, value in query.items()})


def from_body(body: Mapping[str, Any], *, strict: bool) -> Search:
    """The search of a POST to ``.search`` (RFC 7644 section 3.4.3)."""
    check_message(body, SEARCH_REQUEST, strict=strict)
    return _search({name: value for name in _NAMES if (value := member(body, name)) is not None})


def _search(given: Mapping[str, Any]) -> Search:
    if given.get("cursor") is not None and given.get("startIndex") not in (None, ""):
        raise invalid_value("startIndex and cursor cannot be combined")
    # What is not given is not read: of eight parameters that is most.
    return Search(**{_READ[name][0]: _READ[name][1](given, name) for name in given if name in _READ})


def _names(given: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise invalid_value(f"{name} takes a list of attribute names")
    found = tuple(each.strip() for text in value for each in text.split(",") if each.strip())
    return found or None


def _text(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid_value(f"{name} takes text")
    return value


def _text_or_none(given: Mapping[str, Any], name: str) -> str | None:
    return _text(given, name) or None


def _start(given: Mapping[str, Any], name: str) -> int:
    found = _number(given, name)
    return 1 if found is None else max(1, found)


def _count(given: Mapping[str, Any], name: str) -> int | None:
    found = _number(given, name)
    return None if found is None else max(0, found)


def _number(given: Mapping[str, Any], name: str) -> int | None:
    value = given.get(name)
    if value is None or value == "":
        return None
    if value.__class__ is str and _PLAIN_NUMBER.fullmatch(value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | str) or not _INTEGER.fullmatch(str(value)):
        raise invalid_value(f"{name} takes an integer")
    return max(-_LARGEST, min(int(value), _LARGEST))


def _descending(given: Mapping[str, Any], name: str) -> bool:
    order = (_text(given, name) or "ascending").lower()
    if order not in ("ascending", "descending"):
        raise invalid_value("sortOrder takes ascending or descending")
    return order == "descending"


_READ: Final[Mapping[str, tuple[str, Callable[[Mapping[str, Any], str], Any]]]] = {
    "attributes": ("attributes", _names),
    "excludedAttributes": ("excluded", _names),
    "filter": ("filter", _text_or_none),
    "sortBy": ("sort_by", _text_or_none),
    "sortOrder": ("descending", _descending),
    "startIndex": ("start_index", _start),
    "count": ("count", _count),
    "cursor": ("cursor", _text),
}
"""Where each parameter goes, and what reads it."""
