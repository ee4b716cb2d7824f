"""What a client asks for, read from an HTTP request independent of any web framework."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from scim_bridge.protocol.bodies import check_message, member
from scim_bridge.protocol.errors import invalid_value

SEARCH_REQUEST: Final = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
_NAMES: Final = (
    "attributes", "excludedAttributes", "filter", "sortBy", "sortOrder", "startIndex", "count", "cursor",
)  # fmt: skip


@dataclass(slots=True)
class ScimRequest:
    """One request to a connection's SCIM endpoints. ``path`` is percent-encoded and starts below ``/v2``."""

    method: str
    path: str
    base_url: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    body: bytes = b""
    request_id: str = ""
    caller: str = ""  # which of the connection's tokens asks
    left_out: list[str] = field(default_factory=list)  # what of the request was ignored, for the log


@dataclass(slots=True)
class ScimResponse:
    """The answer: a JSON object, or nothing."""

    status: int
    body: Mapping[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
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


def from_query(query: Mapping[str, str]) -> Search:
    """The search of a GET; parameters the server does not know are ignored (H-08)."""
    names = {name.lower(): name for name in _NAMES}
    given: dict[str, Any] = {names[key.lower()]: value for key, value in query.items() if key.lower() in names}
    for name in ("attributes", "excludedAttributes"):
        if name in given:
            given[name] = given[name].split(",")
    return _search(given)


def from_body(body: Mapping[str, Any], *, strict: bool) -> Search:
    """The search of a POST to ``.search`` (RFC 7644 section 3.4.3)."""
    check_message(body, SEARCH_REQUEST, strict=strict)
    return _search({name: value for name in _NAMES if (value := member(body, name)) is not None})


def _search(given: Mapping[str, Any]) -> Search:
    return Search(
        attributes=_names(given, "attributes"),
        excluded=_names(given, "excludedAttributes"),
        filter=_text(given, "filter") or None,
        sort_by=_text(given, "sortBy") or None,
        descending=_descending(given),
        start_index=max(1, _number(given, "startIndex", 1)),
        count=max(0, _number(given, "count", 0)) if given.get("count") not in (None, "") else None,
        cursor=_text(given, "cursor"),
    )


def _names(given: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, Iterable) or isinstance(value, str) or not all(isinstance(each, str) for each in value):
        raise invalid_value(f"{name} takes a list of attribute names")
    found = tuple(each.strip() for each in value if each.strip())
    return found or None


def _text(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid_value(f"{name} takes text")
    return value


def _number(given: Mapping[str, Any], name: str, default: int) -> int:
    value = given.get(name)
    if value in (None, ""):
        return default
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise invalid_value(f"{name} takes an integer")
    try:
        return int(value)
    except ValueError:
        raise invalid_value(f"{name} takes an integer") from None


def _descending(given: Mapping[str, Any]) -> bool:
    order = (_text(given, "sortOrder") or "ascending").lower()
    if order not in ("ascending", "descending"):
        raise invalid_value("sortOrder takes ascending or descending")
    return order == "descending"
