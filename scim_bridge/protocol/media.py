"""The media type of answers, by what a client accepts (RFC 9110 section 12.5.1)."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from scim_bridge.protocol.profiles import Profile

SCIM_JSON: Final = "application/scim+json"
PLAIN_JSON: Final = "application/json"


@lru_cache(maxsize=256)
def media_type(accept: str | None, profile: Profile | None) -> str:
    """``application/json`` for those who ask for it rather than for SCIM's own type (RFC 7644 section 3.8)."""
    ranges = [each.strip().lower().partition(";") for each in (accept or "").split(",")]
    quality = {kind.strip(): _quality(parameters) for kind, _, parameters in ranges}
    scim, plain = _wanted(SCIM_JSON, quality), _wanted(PLAIN_JSON, quality)
    if scim != plain:
        return max((scim, SCIM_JSON), (plain, PLAIN_JSON))[1]
    return profile.media_type if profile is not None else SCIM_JSON


def _wanted(kind: str, quality: Mapping[str, float]) -> tuple[float, bool]:
    """How much a media type is wanted, and whether it is named itself: that outweighs ``*/*``."""
    for name in (kind, "application/*", "*/*"):
        if name in quality:
            return quality[name], name == kind and quality[name] > 0
    return 0.0, False


def _quality(parameters: str) -> float:
    """The weight of a media range (RFC 9110 section 12.4.2); one that cannot be read counts as none."""
    stated = next((each.strip()[2:] for each in parameters.split(";") if each.strip().startswith("q=")), "1")
    try:
        return float(stated)
    except ValueError:
        return 1.0
