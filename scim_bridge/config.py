"""The configuration file: TOML, where each table is a dataclass of settings and an unknown key is an error."""

import base64
import binascii
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from scim_bridge.config_tables import ConfigError, Table, read, secret
from scim_bridge.mirror.settings import MirrorSettings
from scim_bridge.protocol.profiles import PatchResponse
from scim_bridge.query.provider import Provider
from scim_bridge.settings import setting, settings_of
from scim_bridge.store.opening import is_database_url, is_shared
from scim_bridge.upstream.redact import Secret

T = TypeVar("T")
NAME_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
ProviderByName = Callable[[str], Provider[Any]]
"""Finds a provider. Raises LookupError, with a message that lists those there are."""


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """The ``[server]`` table."""

    database: str = setting(
        default="sqlite:///bridge.db",
        help="Where the bridge keeps what it stores; env:NAME and file:PATH too, as a URL may hold a password",
    )
    encryption_key: Secret | None = setting(
        default=None,
        help="32 bytes in base64; seals cursors and what nodes share, so that several nodes and restarts honour them",
        secret=True,
    )
    public_url: str | None = setting(
        default=None, help="What meta.location and $ref start with; default: the request's own origin"
    )
    audit: bool = setting(default=True, help="Whether writes, refusals and sign-ins are kept in the audit log")
    audit_days: int = setting(default=0, help="After so many days entries of the audit log are removed; 0: never")
    audit_redact: tuple[str, ...] = setting(
        default=(), help="Attributes whose values the audit log does not keep; it never keeps secrets"
    )
    metrics_token: Secret | None = setting(
        default=None,
        help="Bearer token for /metrics, and for names of connections at /readyz; default: none is needed",
        secret=True,
    )


@dataclass(frozen=True, slots=True)
class Limits:
    """The ``[connections.NAME.limits]`` table."""

    scan_rows: int = setting(default=50_000, help="Rows that may be read upstream to answer one query exactly")
    scan_seconds: float = setting(default=40.0, help="Seconds such reading may take")
    cache_seconds: float = setting(default=300.0, help="How long positions and matches serve the next pages of a query")
    default_count: int = setting(default=100, help="Page size when the client names none")
    max_count: int = setting(default=1000, help="The largest page: filter.maxResults")


@dataclass(frozen=True, slots=True)
class ConnectionTable:
    """The keys of ``[connections.NAME]`` itself."""

    provider: str = setting(help="Which kind of upstream")
    token: Secret | None = setting(default=None, help="Bearer token of the SCIM client", secret=True)
    tokens: tuple[Secret, ...] = setting(default=(), help="Several bearer tokens", secret=True)
    proxy_tokens: tuple[Secret, ...] = setting(
        default=(), help="Bearer tokens for /proxy, which passes requests to the upstream's own API", secret=True
    )
    access: Literal["read-write", "read-only"] = setting(default="read-write", help="Whether clients may write")
    mode: Literal["live", "mirror"] = setting(default="live", help="Whether reads are answered by the upstream")
    client_profile: Literal["auto", "okta", "entra", "onelogin", "ping", "sailpoint", "midpoint", "strict"] = setting(
        default="auto", help="Whose habits to allow for"
    )
    patch_response: PatchResponse = setting(default="auto", help="What a PATCH is answered with")


@dataclass(frozen=True, slots=True)
class ConnectionConfig:
    """One connection, checked: its own keys, limits, provider and the provider's settings."""

    name: str
    table: ConnectionTable
    limits: Limits
    provider: Provider[Any]
    settings: Any
    mirror: MirrorSettings = field(default_factory=MirrorSettings)

    @property
    def tokens(self) -> tuple[Secret, ...]:
        return (*((self.table.token,) if self.table.token else ()), *self.table.tokens)


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file, checked."""

    server: ServerConfig
    connections: Mapping[str, ConnectionConfig]


def load(path: Path, provider_by_name: ProviderByName) -> Config:
    """The configuration in a file.

    Raises ConfigError for what cannot be read, unknown or missing keys, values of a wrong kind, and secrets that are
    not where ``env:NAME`` or ``file:PATH`` say.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigError(f"{path}: cannot be read: {reason}") from None
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    return from_document(document, str(path), provider_by_name)


def from_document(document: Mapping[str, Any], file: str, provider_by_name: ProviderByName) -> Config:
    """The configuration in a decoded document; ``file`` is for messages."""
    for key in document:
        if key not in ("server", "connections"):
            raise ConfigError(f"{file}: [{key}]: there is no such table")
    server = read(ServerConfig, _table(document, "server", file), Table(file, "server"))
    server = replace(server, database=secret(server.database, "database", Table(file, "server")).reveal())
    _check_server(server, Table(file, "server"))
    connections = _table(document, "connections", file)
    return Config(server, {name: _connection(name, connections, file, provider_by_name) for name in connections})


def _table(holder: Mapping[str, Any], name: str, file: str, outer: str = "") -> Mapping[str, Any]:
    found = holder.get(name, {})
    if not isinstance(found, Mapping):
        raise ConfigError(f"{file}: [{outer}{name}]: has to be a table")
    return found


def _check_server(server: ServerConfig, where: Table) -> None:
    if server.encryption_key is not None:
        try:
            key = base64.b64decode(server.encryption_key.reveal(), validate=True)
        except binascii.Error:
            raise where.error("encryption_key", "is not base64") from None
        if len(key) != 32:
            raise where.error("encryption_key", f"has {len(key)} bytes, 32 are needed")
    if server.public_url is not None and not server.public_url.startswith(("https://", "http://")):
        raise where.error("public_url", "has to start with https:// or http://")
    if server.audit_days < 0:
        raise where.error("audit_days", "is too small")
    if not is_database_url(server.database):
        raise where.error("database", "takes sqlite:///PATH or postgresql://...")
    if is_shared(server.database) and server.encryption_key is None:
        raise where.error("encryption_key", "is missing: nodes that share a database have to read each other's cursors")


def _connection(name: str, holder: Mapping[str, Any], file: str, provider_by_name: ProviderByName) -> ConnectionConfig:
    where = Table(file, f"connections.{name}")
    if not name or not set(name) <= NAME_CHARACTERS:
        raise ConfigError(f"{file}: [connections.{name}]: a name has lower-case letters, digits, - and _ only")
    whole = _table(holder, name, file, "connections.")
    own = {key: value for key, value in whole.items() if key not in ("limits", "mirror", "settings")}
    table = read(ConnectionTable, own, where)
    _check_connection(table, where)
    try:
        provider = provider_by_name(table.provider)
    except LookupError as error:
        raise where.error("provider", str(error.args[0])) from None
    inner = f"connections.{name}."
    limits = read(Limits, _table(whole, "limits", file, inner), Table(file, f"{inner}limits"))
    _check_limits(limits, Table(file, f"{inner}limits"))
    mirror = read(MirrorSettings, _table(whole, "mirror", file, inner), Table(file, f"{inner}mirror"))
    _check_mirror(mirror, Table(file, f"{inner}mirror"))
    given = _table(whole, "settings", file, inner)
    own_settings = settings(provider, given, file, f"{inner}settings")
    return ConnectionConfig(name, table, limits, provider, own_settings, mirror)


def settings(provider: Provider[Any], given: Mapping[str, Any], file: str, table: str) -> Any:
    """A provider's settings. Raises ConfigError, also for what only the provider's own check sees."""
    where = Table(file, table)
    found = read(provider.settings, given, where)
    problem = provider.check(found)
    if problem is not None:
        raise where.error(*problem)
    return found


def _check_connection(table: ConnectionTable, where: Table) -> None:
    if table.token is None and not table.tokens:
        raise where.error("token", "is missing: without one, no client could ask")
    for each in (*((table.token,) if table.token else ()), *table.tokens):
        if not each or any(character.isspace() for character in each.reveal()):
            raise where.error("token", "is empty or holds white space")


def _check_limits(limits: Limits, where: Table) -> None:
    for each in settings_of(Limits):
        if getattr(limits, each.name) < (0 if each.name == "cache_seconds" else 1):
            raise where.error(each.name, "is too small")
    if limits.default_count > limits.max_count:
        raise where.error("default_count", "is larger than max_count")


def _check_mirror(mirror: MirrorSettings, where: Table) -> None:
    for each in settings_of(MirrorSettings):
        value, least = getattr(mirror, each.name), 0 if each.name in ("max_shrink_percent", "settle_seconds") else 1
        if isinstance(value, int | float) and value < least:
            raise where.error(each.name, "is too small")
    if mirror.max_shrink_percent > 100:
        raise where.error("max_shrink_percent", "is more than 100")
