"""The settings a provider takes, as fields of a frozen dataclass: each with its help, and whether it is a secret."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, field, fields
from typing import Any, Final

_WRITTEN: Final = {"api": "API", "ca": "CA", "id": "ID", "ids": "IDs", "url": "URL"}


def setting(
    *,
    help: str,
    default: Any = MISSING,
    secret: bool = False,
    label: str = "",
    where: str = "",
    placeholder: str = "",
    group: str = "",
    choices: Mapping[Any, str] | None = None,
    advanced: bool = False,
    local: bool = False,
) -> Any:
    """A field of a settings dataclass; without a default it is required. The rest is for forms.

    ``label``: its name for people (default: made of the field's). ``where``: where its value is found in the vendor's
    own administration. ``group``: the title of what it belongs to, as one of several ways to sign in. ``choices``: what
    its values mean. ``advanced``: seldom changed. ``local``: names something on the bridge's own machine, so that only
    the configuration file may set it.
    """
    metadata = {
        "help": help,
        "secret": secret,
        "label": label,
        "where": where,
        "placeholder": placeholder,
        "group": group,
        "choices": choices or {},
        "advanced": advanced,
        "local": local,
    }
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


def is_local(each: Field[Any]) -> bool:
    return bool(each.metadata["local"])


def label_of(each: Field[Any]) -> str:
    """A setting's name for people: `client_id` is "Client ID" unless it says otherwise."""
    words = [_WRITTEN.get(word, word) for word in each.name.split("_")]
    text = " ".join(words)
    return each.metadata["label"] or text[0].upper() + text[1:]
