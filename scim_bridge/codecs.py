"""How single values are translated between an upstream and SCIM."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from scim_bridge.schemas import SchemaAttribute


@dataclass(frozen=True, slots=True)
class Codec:
    """How one value is translated. ``read`` gives None for a value that SCIM cannot show; ``write`` gets SCIM JSON."""

    read: Callable[[Any], Any]
    write: Callable[[Any], Any] = lambda value: value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _decimal(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def utc_timestamp(value: Any) -> str | None:
    """An ISO 8601 instant as xsd:dateTime in UTC; None for what is none (RFC 7643 section 2.3.5)."""
    if not isinstance(value, str):
        return None
    try:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is None:
            return None
        if len(value) == 24 and value[19] == "." and value[-1] == "Z":
            return value  # as nearly all are already
        return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError):  # the year 1 in a zone ahead of UTC is year 0 there
        return None


TEXT = Codec(_text)
BOOLEAN = Codec(_boolean)
INTEGER = Codec(_integer)
DECIMAL = Codec(_decimal)
TIMESTAMP = Codec(utc_timestamp)
_BY_TYPE: Final = {"boolean": BOOLEAN, "integer": INTEGER, "decimal": DECIMAL, "dateTime": TIMESTAMP}


def codec_of(attribute: SchemaAttribute) -> Codec:
    """How a field with values of an attribute's type is read; several may come as a list, or one alone."""
    one = _BY_TYPE.get(attribute.type, TEXT)
    if not attribute.multi_valued:
        return one

    def read(value: Any) -> list[Any] | None:
        found = map(one.read, value if isinstance(value, list) else [value])
        return [each for each in found if each is not None] or None

    return Codec(read)
