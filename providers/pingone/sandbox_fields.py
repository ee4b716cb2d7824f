"""What the simulated PingOne takes as values of users and groups: the documented sizes, patterns and formats.

Sources: "Users" (data model), "Groups" (data model), the vendor's published API description. The Unicode classes of its
patterns are spelled out, as Python's `re` has none.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final
from unicodedata import category

from scim_bridge.providers.pingone.sandbox_wire import Refusal, invalid

Check = Callable[[str, Any], None]
UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EMAIL: Final = re.compile(r"[^\s@<>()\[\],;:\\\"]+@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9-]+)*")
_URL: Final = re.compile(r"https?://[^\s/]+\S*")
_LANGUAGE_TAG: Final = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_LANGUAGE_RANGE: Final = r"([A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*|\*)(\s*;\s*q=[01](\.\d{1,3})?)?"
_ACCEPT_LANGUAGE: Final = re.compile(rf"{_LANGUAGE_RANGE}(\s*,\s*{_LANGUAGE_RANGE})*")
_BROAD: Final = ("L", "M", "Zs", "S", "N", "P")
_NAME: Final = (r"^[\p{L}\p{M}\p{N}' .-]*$", ("L", "M", "N"), "' .-")
_LINE: Final = (r"^[\p{L}\p{M}\p{Zs}\p{S}\p{N}\p{P}]*$", _BROAD, "")
_LINES: Final = (r"^[\p{L}\p{M}\p{N}\p{Zs}\p{P}\n\r]*$", ("L", "M", "N", "Zs", "P"), "\n\r")


def text(most: int, allowed: tuple[str, tuple[str, ...], str] | None = None) -> Check:
    """Text of 1 to ``most`` characters of some Unicode classes."""

    def check(name: str, value: Any) -> None:
        if not isinstance(value, str):
            raise invalid("INVALID_VALUE", name, "must be a string")
        if not value:
            raise invalid("EMPTY_VALUE", name, "must not be empty")
        if len(value) > most:
            message = f"size must be between 1 and {most}"
            raise invalid("SIZE_LIMIT_EXCEEDED", name, message, rangeMinimumValue=1, rangeMaximumValue=most)
        if allowed is not None and not _within(value, allowed[1], allowed[2]):
            raise invalid("INVALID_VALUE", name, f'must match "{allowed[0]}"', allowedPattern=allowed[0])

    return check


def _within(value: str, classes: Collection[str], extra: str) -> bool:
    return all(each in extra or category(each) in classes or category(each)[0] in classes for each in value)


def matching(pattern: re.Pattern[str], message: str, most: int = 256) -> Check:
    """Text of a format."""
    sized = text(most)

    def check(name: str, value: Any) -> None:
        sized(name, value)
        if not pattern.fullmatch(value):
            raise invalid("INVALID_VALUE", name, message, allowedPattern=pattern.pattern)

    return check


def flag(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise invalid("INVALID_VALUE", name, "must be true or false")


def identifier(name: str, value: Any) -> None:
    if not isinstance(value, str) or not UUID.fullmatch(value):
        raise invalid("INVALID_VALUE", name, "must be a UUID")


def structure(name: str, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise invalid("INVALID_VALUE", name, "must be an object")


def parts(checks: Mapping[str, Check], required: Iterable[str] = ()) -> Check:
    """An object with some fields; nulls stand for "not set"."""

    def check(name: str, value: Any) -> None:
        structure(name, value)
        for key, each in value.items():
            if key not in checks:
                raise invalid("INVALID_VALUE", f"{name}.{key}", "is not a known attribute")
            if each is not None:
                checks[key](f"{name}.{key}", each)
        for key in required:
            if value.get(key) is None:
                raise invalid("REQUIRED_VALUE", f"{name}.{key}", "must not be null")

    return check


_PHONE: Final = matching(re.compile(r"[^\d]*\d.*", re.DOTALL), "must have at least one number", 32)
PROFILE: Final[Mapping[str, Check]] = {
    "username": text(128, _LINE),
    "email": matching(_EMAIL, "must be a well-formed email address"),
    "name": parts(
        {
            "formatted": text(256, _NAME),
            "family": text(256, _NAME),
            "given": text(256, _LINE),
            "middle": text(256, _LINE),
            "honorificPrefix": text(256),
            "honorificSuffix": text(256),
        }
    ),
    "nickname": text(256, _LINE),
    "title": text(256, _LINE),
    "type": text(256, _LINE),
    "locale": matching(_LANGUAGE_TAG, "must be a language tag of RFC 5646"),
    "preferredLanguage": matching(_ACCEPT_LANGUAGE, "must have the syntax of Accept-Language"),
    "timezone": matching(re.compile(r"^\w+\/\w+$"), "must be an IANA time zone"),
    "primaryPhone": _PHONE,
    "mobilePhone": _PHONE,
    "address": parts(
        {
            "streetAddress": text(256, _LINES),
            "locality": text(256, _LINE),
            "region": text(256, _LINE),
            "postalCode": text(40, _LINE),
            "countryCode": matching(re.compile(r"[A-Z]{2}"), "must be two upper-case letters"),
        }
    ),
    "photo": parts({"href": matching(_URL, "must be an http or https URL", 2048)}, required=["href"]),
    "externalId": text(1024),
    "accountId": text(256),
}
"""The fields of a user that POST, PUT and PATCH set; custom attributes come to them."""
READ_ONLY: Final = frozenset(
    "id environment createdAt updatedAt lastSignOn account enabled verifyStatus memberOfGroupIDs memberOfGroupNames "
    "_links _embedded".split()
)
"""Fields of a user that are left as they are when a body brings them along."""
OWN_ENDPOINT: Final = frozenset("enabled population mfaEnabled password verifyStatus account lifecycle".split())
"""Fields that neither PUT nor PATCH of a user sets; each is written elsewhere, or by import only."""
ON_CREATE: Final[Mapping[str, Check]] = {
    "population": parts({"id": identifier}, required=["id"]),
    "identityProvider": parts({"id": identifier, "type": text(64)}),
    "mfaEnabled": flag,
    "emailVerified": flag,
}
ON_IMPORT: Final[Mapping[str, Check]] = {
    "password": parts({"value": text(1024), "forceChange": flag, "external": structure}),
    "lifecycle": parts({"status": text(64), "suppressVerificationCode": flag}),
}
GROUP: Final[Mapping[str, Check]] = {
    "name": text(256),
    "description": text(1024),
    "externalId": text(1024),
    "customData": structure,
    "population": parts({"id": identifier}, required=["id"]),
    "userFilter": text(4096),
}
GROUP_READ_ONLY: Final = frozenset(
    "id environment displayName directMemberCounts totalMemberCounts sourceId sourceType createdAt updatedAt "
    "_links _embedded".split()
)


def checked(body: Mapping[str, Any], checks: Mapping[str, Check], ignored: Collection[str]) -> dict[str, Any]:
    """The fields of a body that are set, nulls included. Refuses unknown names and values out of their format."""
    fields = {}
    for name, value in body.items():
        if name in checks:
            if value is not None:
                checks[name](name, value)
            fields[name] = value
        elif name not in ignored:
            raise invalid("INVALID_VALUE", name, "is not a known attribute")
    return fields


def without_nulls(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored: a null is the absence of a value, and an object without any is absent too."""
    kept = {}
    for name, value in fields.items():
        stored = without_nulls(value) if isinstance(value, Mapping) else value
        if stored is not None and stored != {}:
            kept[name] = stored
    return kept


def require(fields: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if fields.get(name) is None:
            raise _required(name)


def only(body: Mapping[str, Any], name: str, check: Check) -> Any:
    """The one field of a body."""
    checked(body, {name: check}, ["_links"])
    require(body, name)
    return body[name]


def _required(name: str) -> Refusal:
    return invalid("REQUIRED_VALUE", name, "must not be null")
