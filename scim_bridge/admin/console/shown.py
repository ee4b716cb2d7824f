"""Values as pages show them: settings, and what resources hold."""

from collections.abc import Mapping
from typing import Any, Final

from scim_bridge.admin.service.connections import ConnectionView
from scim_bridge.settings import is_secret, label_of, settings_of

NOTHING: Final = "\N{EN DASH}"


def settings_shown(kind: type[Any] | None, view: ConnectionView) -> list[tuple[str, str]]:
    """Labels and values of a provider's settings, of secrets only whether they are set; ``kind`` None: by their keys,
    as nobody knows what they are."""
    if kind is None:
        return [(name, text(value)) for name, value in view.settings.items()]
    return [
        (label_of(each), secret(each.name, view) if is_secret(each) else text(view.settings.get(each.name)))
        for each in settings_of(kind)
    ]


def secret(name: str, view: ConnectionView) -> str:
    return "set" if name in view.secrets else "not set"


def text(value: Any) -> str:
    """A value in a line, or in several."""
    if value is None or value == "" or value == [] or value == {}:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "\n".join(f"{name} = {text(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(text(each) for each in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
