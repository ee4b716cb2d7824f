"""Connections as documents: what JSON merge patches do to them, and where their secrets are kept apart."""

from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any

from scim_bridge.config import TOKENS, ConnectionConfig
from scim_bridge.query.provider import Provider
from scim_bridge.settings import is_secret, settings_of
from scim_bridge.upstream.redact import Secret


def merged(document: Any, changes: Any) -> Any:
    """A document with a merge patch applied (RFC 7396): objects are merged, None takes a member away."""
    if not isinstance(changes, Mapping):
        return changes
    found = dict(document) if isinstance(document, Mapping) else {}
    for name, value in changes.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name), value)
    return found


def apart(document: Mapping[str, Any], provider: Provider[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A valid document without its secrets, and the secrets among its settings."""
    settings = document.get("settings", {})
    names = secret_names(provider) & set(settings)
    plain = {name: value for name, value in settings.items() if name not in names}
    return {**document, "settings": plain}, {name: settings[name] for name in names}


def secret_names(provider: Provider[Any]) -> frozenset[str]:
    """The settings of a provider that are secrets."""
    return frozenset(each.name for each in settings_of(provider.settings) if is_secret(each))


def shown(config: ConnectionConfig) -> dict[str, Any]:
    """A configuration with its defaults as plain values; of secrets, only which are set."""
    table = {name: value for name, value in _plain(config.table).items() if name not in TOKENS}
    settings = {each.name: getattr(config.settings, each.name) for each in settings_of(config.provider.settings)}
    names = secret_names(config.provider)
    return {
        **table,
        "limits": _plain(config.limits),
        "mirror": _plain(config.mirror),
        "settings": {name: _jsonable(value) for name, value in settings.items() if name not in names},
        "secrets": sorted(name for name in names if settings[name]),
    }


def _plain(table: Any) -> dict[str, Any]:
    assert is_dataclass(table)
    return {each.name: _jsonable(getattr(table, each.name)) for each in fields(table)}


def _jsonable(value: Any) -> Any:
    if isinstance(value, Secret):
        return str(value)
    if isinstance(value, tuple):
        return [_jsonable(each) for each in value]
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return dict(value) if isinstance(value, Mapping) else value
