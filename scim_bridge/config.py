"""The configuration file: TOML, where each table is a dataclass of settings and an unknown key is an error."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from scim_bridge.config_checks import check_limits, check_mirror, check_server, check_tokens
from scim_bridge.config_tables import ConfigError, Table, read, secret
from scim_bridge.mirror.settings import MirrorSettings
from scim_bridge.protocol.profiles import PatchResponse
from scim_bridge.query.provider import Provider
from scim_bridge.settings import setting
from scim_bridge.upstream.redact import Secret

T = TypeVar("T")
NAME_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
NAME_RULE: Final = "lower-case letters, digits, - and _ only"
TOKENS: Final = ("token", "tokens", "proxy_tokens")
"""The keys of a connection that hold tokens of its clients."""
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
    admin_tokens: tuple[Secret, ...] = setting(
        default=(),
        help="Who may use /api/v1 and /console; default: nobody, and neither is there, nor /link",
        secret=True,
    )
    former_encryption_keys: tuple[Secret, ...] = setting(
        default=(), help="Earlier encryption keys, until `scim-bridge rekey` has run", secret=True
    )
    allow_private_upstreams: bool = setting(
        default=False, help="Whether connections that are not of this file may lead to private addresses"
    )
    trusted_proxies: tuple[str, ...] = setting(
        default=(),
        help="Addresses or networks of reverse proxies, whose X-Forwarded-For and X-Forwarded-Proto are believed",
    )
    link_origins: tuple[str, ...] = setting(
        default=(), help="Origins that may embed the link page, and to which it may return"
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
    """One connection, checked: its own keys, limits, provider and the provider's settings.

    ``generation`` tells connections apart that had the same name one after the other, and ``settings_revision`` one
    from itself with other settings; those of the file have none.
    """

    name: str
    table: ConnectionTable
    limits: Limits
    provider: Provider[Any]
    settings: Any
    mirror: MirrorSettings = field(default_factory=MirrorSettings)
    generation: int = 0
    settings_revision: int = 0

    @property
    def key(self) -> str:
        """What the database knows it by: a name that is given again is another connection."""
        return f"{self.name}@{self.generation}" if self.generation else self.name

    @property
    def copy_key(self) -> str:
        """What copies of its upstream's data are kept under: by other settings, it may be another upstream."""
        return f"{self.key}.{self.settings_revision}" if self.generation else self.name

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
    check_server(server, Table(file, "server"))
    connections = _table(document, "connections", file)
    return Config(server, {name: _connection(name, connections, file, provider_by_name) for name in connections})


def _table(holder: Mapping[str, Any], name: str, file: str, outer: str = "") -> Mapping[str, Any]:
    found = holder.get(name, {})
    if not isinstance(found, Mapping):
        raise ConfigError(f"{file}: [{outer}{name}]: has to be a table")
    return found


def _connection(name: str, holder: Mapping[str, Any], file: str, provider_by_name: ProviderByName) -> ConnectionConfig:
    if not is_name(name):
        raise ConfigError(f"{file}: [connections.{name}]: a name has {NAME_RULE}")
    table = _table(holder, name, file, "connections.")
    return _checked(name, table, Table(file, f"connections.{name}"), provider_by_name)


def is_name(name: str) -> bool:
    """Whether a connection may be called that."""
    return bool(name) and set(name) <= NAME_CHARACTERS


def stored_connection(
    name: str,
    document: Mapping[str, Any],
    provider_by_name: ProviderByName,
    generation: int = 1,
    settings_revision: int = 1,
) -> ConnectionConfig:
    """A connection that is not of the file, from a document like its table. Raises ConfigError.

    Who writes it may not know this machine: nothing in it stands for a file or a variable. It has no tokens; those of
    its clients are made for it.
    """
    where = Table("connection", f"connections.{name}", trusted=False)
    if not is_name(name):
        raise ConfigError(f"a name has {NAME_RULE}", "name", f"has {NAME_RULE}")
    for key in TOKENS:
        if key in document:
            raise where.error(key, "tokens of clients are made, not chosen")
    checked = _checked(name, document, where, provider_by_name)
    return replace(checked, generation=generation, settings_revision=settings_revision)


def _checked(name: str, whole: Mapping[str, Any], where: Table, provider_by_name: ProviderByName) -> ConnectionConfig:
    own = {key: value for key, value in whole.items() if key not in ("limits", "mirror", "settings")}
    table = read(ConnectionTable, own, where)
    if where.trusted:
        check_tokens(table, where)
    try:
        provider = provider_by_name(table.provider)
    except LookupError as error:
        raise where.error("provider", str(error.args[0])) from None
    limits = read(Limits, _inner(whole, "limits", where), where.inner("limits"))
    check_limits(limits, where.inner("limits"))
    mirror = read(MirrorSettings, _inner(whole, "mirror", where), where.inner("mirror"))
    check_mirror(mirror, where.inner("mirror"))
    own_settings = settings(provider, _inner(whole, "settings", where), where.inner("settings"))
    return ConnectionConfig(name, table, limits, provider, own_settings, mirror)


def _inner(holder: Mapping[str, Any], name: str, where: Table) -> Mapping[str, Any]:
    found = holder.get(name, {})
    if not isinstance(found, Mapping):
        told = "has to be a table"
        raise ConfigError(f"{where.file}: [{where.name}.{name}]: {told}", name, told)
    return found


def settings(provider: Provider[Any], given: Mapping[str, Any], where: Table) -> Any:
    """A provider's settings. Raises ConfigError, also for what only the provider's own check sees."""
    found = read(provider.settings, given, where)
    problem = provider.check(found)
    if problem is not None:
        raise where.error(*problem)
    return found
