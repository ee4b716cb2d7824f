"""Tables of the configuration as dataclasses: an unknown key, a missing one and a value of another type are errors."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from scim_bridge.settings import is_local, is_required, settings_of
from scim_bridge.upstream.redact import Secret

T = TypeVar("T")


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names file, table and key, and never a secret.

    ``key`` is that of the table, with the names of tables within a connection before it: ``settings.client_id``.
    """

    def __init__(self, message: str, key: str = "", problem: str = "") -> None:
        super().__init__(message)
        self.key = key
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the file, for messages.

    One that is not ``trusted`` comes from elsewhere: its secrets mean themselves, whatever they begin with, and it
    cannot name files of this machine.
    """

    file: str
    name: str
    trusted: bool = True

    def error(self, key: str, problem: str) -> ConfigError:
        within = ".".join([*self.name.split(".")[2:], key])  # [connections.acme.settings]
        return ConfigError(f"{self.file}: [{self.name}] {key}: {problem}", within, problem)

    def inner(self, name: str) -> "Table":
        """A table of this one."""
        return Table(self.file, f"{self.name}.{name}", self.trusted)


def read(kind: type[T], given: Mapping[str, Any], where: Table) -> T:
    """A table as an instance of its dataclass.

    Raises ConfigError for an unknown or missing key and for a value of another type.
    """
    hints = get_type_hints(kind)
    known = {each.name: each for each in settings_of(kind)}
    for key in given:
        if key not in known:
            raise where.error(key, f"there is no such key; there are {', '.join(known)}")
        if is_local(known[key]) and not where.trusted:
            raise where.error(key, "names a file, which only the configuration file of the bridge may do")
    for name, each in known.items():
        if is_required(each) and name not in given:
            raise where.error(name, f"is missing ({each.metadata['help']})")
    return kind(**{key: _value(hints[key], value, key, where) for key, value in given.items()})


def _value(hint: Any, value: Any, key: str, where: Table) -> Any:
    """A TOML value as a type hint wants it."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _value(next(each for each in arguments if each is not NoneType), value, key, where)
    if origin is Literal:
        if value not in arguments:
            raise where.error(key, f"takes {', '.join(map(str, arguments))}")
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise where.error(key, "takes a list")
        return tuple(_value(arguments[0], each, key, where) for each in value)
    if origin is not None:  # Mapping[str, str]
        if not isinstance(value, Mapping):
            raise where.error(key, "takes a table")
        return {name: _value(arguments[1], each, f"{key}.{name}", where) for name, each in flat(value).items()}
    if hint is Secret:
        return secret(value, key, where)
    return _plain(hint, value, key, where)


def _plain(hint: Any, value: Any, key: str, where: Table) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        words = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}
        raise where.error(key, f"takes {words.get(hint, 'another type')}")
    if isinstance(value, str) and not value.strip():
        raise where.error(key, "is empty")
    return value


def flat(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table whose dotted keys TOML took apart (``enterprise.department = "x"``), put together again."""
    found: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{inner}": each for inner, each in flat(value).items()}
        else:
            found[name] = value
    return found


def secret(value: Any, key: str, where: Table) -> Secret:
    """A secret: as it stands, from ``env:NAME``, or from ``file:PATH`` without the line's end."""
    if not isinstance(value, str):
        raise where.error(key, "takes text")
    kind, colon, rest = value.partition(":") if where.trusted else ("", "", "")
    if kind == "env" and colon:
        found = os.environ.get(rest)
        if not found:
            raise where.error(key, f"the environment variable {rest} is not set")
        return Secret(found)
    if kind == "file" and colon:
        try:
            return Secret(Path(rest).read_text("utf-8").rstrip("\r\n"))
        except (OSError, UnicodeDecodeError):
            raise where.error(key, f"the file {rest} cannot be read") from None
    if not value:
        raise where.error(key, "is empty")
    return Secret(value)
