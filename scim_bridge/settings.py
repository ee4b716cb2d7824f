"""The settings a provider takes, as fields of a frozen dataclass: each with its help, and whether it is a secret."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, field, fields
from typing import Any


def setting(*, help: str, default: Any = MISSING, secret: bool = False) -> Any:
    """A field of a settings dataclass; without a default it is required."""
    metadata = {"help": help, "secret": secret}
    if isinstance(default, Mapping):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def settings_of(kind: type[Any]) -> tuple[Field[Any], ...]:
    """The settings a provider declares, in order."""
    return fields(kind)


def is_required(each: Field[Any]) -> bool:
    return each.default is MISSING and each.default_factory is MISSING


def is_secret(each: Field[Any]) -> bool:
    return bool(each.metadata["secret"])
