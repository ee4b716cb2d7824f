"""The simulated IdentityIQ's manners: its list parameters, its ListResponse, how it refuses.

Sources: captures of an 8.1 server (demisto/content, SailPointIdentityIQ, test_data), the vendor's OpenAPI document.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

LIST_URN: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR_URN: Final = "urn:ietf:params:scim:api:messages:2.0:Error"
SCIM_JSON: Final = "application/scim+json"
JSON: Final = "application/json"
DEFAULT_COUNT: Final = 1000


class Refusal(Exception):
    """An answer that is no success. ``detail`` may be missing, as with 405."""

    def __init__(
        self,
        status: int,
        scim_type: str | None = None,
        detail: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, scim_type, detail)
        self.status = status
        self.headers = dict(headers or {})
        stated = {"scimType": scim_type, "detail": detail, "status": str(status)}
        self.body = {"schemas": [ERROR_URN], **{name: value for name, value in stated.items() if value is not None}}


def not_found(resource_id: str) -> Refusal:
    return Refusal(404, None, f"Resource {resource_id} not found.")


def invalid_value(detail: str) -> Refusal:
    return Refusal(400, "invalidValue", detail)


def not_allowed() -> Refusal:
    return Refusal(405)


@dataclass(frozen=True, slots=True)
class Inbound:
    """One request: the parameters it names, the id or name in its path, its body."""

    query: Mapping[str, str]
    id: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def by_name(self) -> bool:
        return self.query.get("lookupByName", "").lower() == "true"

    def number(self, name: str, default: int) -> int:
        """A whole number; refuses anything else."""
        text = self.query.get(name, str(default))
        try:
            return int(text)
        except ValueError:
            raise invalid_value(f"Invalid {name}: {text}") from None


def names(text: str | None) -> frozenset[str]:
    """The attributes of a comma-separated parameter, in lower case."""
    return frozenset(each.strip().lower() for each in (text or "").split(",") if each.strip())


def list_response(rows: Sequence[Any], total: int, start: int | None) -> dict[str, Any]:
    """A ListResponse as this server sends it: never with itemsPerPage; without startIndex in discovery."""
    numbered = {} if start is None else {"startIndex": start}
    return {"totalResults": total, **numbered, "schemas": [LIST_URN], "Resources": list(rows)}
