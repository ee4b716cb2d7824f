"""How far a connection bends for its SCIM client: the ``client_profile`` of the configuration.

``strict`` is the RFC to the letter; ``auto`` takes the shapes that real clients are known to send, where they cannot
be mistaken for something else; a client's own profile adds what would be ambiguous for others.
"""

from dataclasses import dataclass
from typing import Final, Literal

PatchResponse = Literal["auto", "representation", "minimal"]

VENDOR_SCHEMAS: Final = frozenset(
    each.casefold()
    for each in (
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "urn:scim:schemas:extension:enterprise:1.0",
        "urn:ietf:params:scim:schemas:sailpoint:1.0",
        "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group",
        "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/User",
    )
)
"""Schemas that known clients name whether or not the service publishes them; what they hold is left out."""


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """One client's habits. Each is known by its identity, as it is looked up with every answer."""

    strict: bool = False
    creates_on_replace: bool = False  # `replace` of an unmatched value path makes the value (Entra)
    page_numbers: bool = False  # startIndex counts pages, not rows (midPoint)
    media_type: str = "application/scim+json"  # for clients that name none


PROFILES: Final = {
    "auto": Profile(),
    "okta": Profile(),
    "entra": Profile(creates_on_replace=True),
    "onelogin": Profile(media_type="application/json"),
    "ping": Profile(),
    "sailpoint": Profile(),
    "midpoint": Profile(page_numbers=True),
    "strict": Profile(strict=True),
}
