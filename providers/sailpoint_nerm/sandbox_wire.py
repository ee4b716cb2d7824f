"""The simulated NERM's manners: what a request brings, how lists page and end, how it refuses.

Sources: "Pagination, metadata and filtering", "Authentication", and what live clients report where these are silent.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DEFAULT_LIMIT: Final = 100
_LEGACY: Final = re.compile(r"query\[(\w+)\]")
_FLAGS: Final = {"true": True, "false": False}


class Refusal(Exception):
    """An answer with an ``error``; its status is not always one of an error."""

    def __init__(self, status: int, error: str, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(status, error)
        self.status = status
        self.headers = dict(headers or {})
        self.body = {"error": error, **more}


def bad_json() -> Refusal:
    return Refusal(400, "Invalid JSON syntax. Please check your syntax and try again.")


def unknown(words: str) -> Refusal:
    """How a record that is not there is answered: not with 404."""
    return Refusal(400, f"{words} not found")


def invalid(words: str, action: str, **errors: Any) -> Refusal:
    """A record that is not taken, with what is wrong by field."""
    return Refusal(400, f"The {words} failed to {action}", errors=errors)


@dataclass(frozen=True, slots=True)
class Inbound:
    """One request to the API after the checks that all endpoints share."""

    method: str
    path: str
    ids: Mapping[str, str]
    query: Mapping[str, str]
    body: Any = None

    def wrapped(self, key: str, kind: type) -> Any:
        """What a body holds under its wrapper key."""
        found = self.body.get(key) if isinstance(self.body, Mapping) else None
        if not isinstance(found, kind):
            raise Refusal(400, f"param is missing or the value is empty: {key}")
        return found

    def flag(self, name: str) -> bool:
        text = self.query.get(name, "false")
        if text not in _FLAGS:
            raise Refusal(400, f"{name} is invalid")
        return _FLAGS[text]

    def number(self, name: str, default: int, least: int) -> int:
        text = self.query.get(name, str(default))
        if not text.isascii() or not text.isdecimal() or int(text) < least:
            raise Refusal(400, f"{name} is invalid")
        return int(text)


def unbracketed(query: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Query parameters by name; ``query[limit]`` is an older spelling of ``limit``."""
    found: dict[str, str] = {}
    for name, value in query:
        legacy = _LEGACY.fullmatch(name)
        found[legacy[1] if legacy else name] = value
    return found


@dataclass(frozen=True, slots=True)
class Listing:
    """How one resource is listed: its plural, the largest page, what it is ordered and filtered by."""

    plural: str
    filters: frozenset[str] = frozenset()
    orders: frozenset[str] = frozenset({"created_at", "name"})
    most: int = 100
    ends_with: int = 400  # the status of "no ... found"

    @property
    def parameters(self) -> frozenset[str]:
        return self.filters | {"limit", "offset", "order", "metadata"}

    def window(self, request: Inbound, *, clamps: bool) -> tuple[int, int]:
        """Offset and limit; a limit beyond the largest page is cut or refused."""
        limit = request.number("limit", min(DEFAULT_LIMIT, self.most), 1)
        if limit > self.most and not clamps:
            raise Refusal(400, f"limit must be less than or equal to {self.most}")
        return request.number("offset", 0, 0), min(limit, self.most)

    def order(self, request: Inbound) -> str | None:
        """The field to order by, ascending: there is no other direction."""
        order = request.query.get("order")
        if order is not None and order not in self.orders:
            raise Refusal(400, f"order by {order} is not supported")
        return order

    def none_found(self) -> Refusal:
        """The end of a list, as an error."""
        return Refusal(self.ends_with, f"no {self.plural.replace('_', ' ')} found")

    def metadata(self, request: Inbound, offset: int, limit: int, total: int) -> dict[str, Any]:
        """Where a page lies; links are paths, and lack the filters."""

        def link(start: int) -> str | None:
            return f"/{self.plural}?{urlencode({'limit': limit, 'offset': start})}" if 0 <= start < total else None

        found = {"limit": limit, "offset": offset, "total": total}
        links = {"next": link(offset + limit), "previous": link(offset - limit)}
        return found | {name: each for name, each in links.items() if each is not None}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation: what answers it, the query parameters it knows."""

    answer: Any  # Callable[[Inbound], tuple[int, Any]]
    query: frozenset[str] = field(default_factory=frozenset)
