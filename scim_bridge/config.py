"""The configuration file: TOML, where each table is a dataclass of settings and an unknown key is an error."""

import base64
import binascii
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final, Literal, TypeVar
from urllib.parse import urlsplit

from scim_bridge.config_tables import ConfigError, Table, read, secret
from scim_bridge.mirror.settings import MirrorSettings
from scim_bridge.protocol.profiles import PatchResponse
from scim_bridge.query.provider import Provider
from scim_bridge.settings import setting, settings_of
from scim_bridge.store.opening import is_database_url, is_shared
from scim_bridge.upstream.redact import Secret

T = TypeVar("T")
_MOST: Final = 1_000_000_000
"""Of rows, and of seconds: 30 years."""
_MOST_DAYS: Final = 36_500
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
        _check_key("encryption_key", server.encryption_key, where)
    for each in server.former_encryption_keys:
        _check_key("former_encryption_keys", each, where)
    _check_secrets("admin_tokens", server.admin_tokens, where)
    for network in server.trusted_proxies:
        _check_network(network, where)
    for origin in server.link_origins:
        _check_origin(origin, where)
    if server.public_url is not None and not server.public_url.startswith(("https://", "http://")):
        raise where.error("public_url", "has to start with https:// or http://")
    if server.audit_days < 0:
        raise where.error("audit_days", "is too small")
    if not is_database_url(server.database):
        raise where.error("database", "takes sqlite:///PATH or postgresql://...")
    if is_shared(server.database) and server.encryption_key is None:
        raise where.error("encryption_key", "is missing: nodes that share a database have to read each other's cursors")


def _check_key(name: str, key: Secret, where: Table) -> None:
    try:
        size = len(base64.b64decode(key.reveal(), validate=True))
    except binascii.Error:
        raise where.error(name, "is not base64") from None
    if size != 32:
        raise where.error(name, f"has {size} bytes, 32 are needed")


def _check_network(network: str, where: Table) -> None:
    try:
        ip_network(network)
    except ValueError:
        raise where.error("trusted_proxies", "takes addresses and networks, such as 10.0.0.0/8") from None


def _check_origin(origin: str, where: Table) -> None:
    url = urlsplit(origin)
    plain = f"{url.scheme}://{url.netloc}" == origin and not {"@", "*", ";", ",", " "} & set(origin)
    local = url.hostname in ("localhost", "127.0.0.1", "::1")
    if not plain or not url.hostname or url.scheme not in ("https", *(["http"] if local else [])):
        raise where.error("link_origins", "takes origins, such as https://app.example.com")


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
        _check_tokens(table, where)
    try:
        provider = provider_by_name(table.provider)
    except LookupError as error:
        raise where.error("provider", str(error.args[0])) from None
    limits = read(Limits, _inner(whole, "limits", where), where.inner("limits"))
    _check_limits(limits, where.inner("limits"))
    mirror = read(MirrorSettings, _inner(whole, "mirror", where), where.inner("mirror"))
    _check_mirror(mirror, where.inner("mirror"))
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


def _check_tokens(table: ConnectionTable, where: Table) -> None:
    if table.token is None and not table.tokens:
        raise where.error("token", "is missing: without one, no client could ask")
    _check_secrets("token", (*((table.token,) if table.token else ()), *table.tokens), where)
    _check_secrets("proxy_tokens", table.proxy_tokens, where)
    if set(table.proxy_tokens) & {table.token, *table.tokens}:
        raise where.error("proxy_tokens", "has a token that is one for SCIM, too")


def _check_secrets(key: str, secrets: Sequence[Secret], where: Table) -> None:
    for each in secrets:
        if not each or any(character.isspace() for character in each.reveal()):
            raise where.error(key, "is empty or holds white space")


def _check_limits(limits: Limits, where: Table) -> None:
    _check_numbers(limits, where, {"cache_seconds"})
    if limits.default_count > limits.max_count:
        raise where.error("default_count", "is larger than max_count")


def _check_mirror(mirror: MirrorSettings, where: Table) -> None:
    _check_numbers(mirror, where, {"max_shrink_percent", "settle_seconds"})
    if mirror.max_shrink_percent > 100:
        raise where.error("max_shrink_percent", "is more than 100")


def _check_numbers(table: Limits | MirrorSettings, where: Table, may_be_0: Collection[str]) -> None:
    """What is computed with them has to fit into a database's numbers. TOML has nan, too, which no number is below."""
    for each in settings_of(type(table)):
        value = getattr(table, each.name)
        if not isinstance(value, int | float):
            continue
        if not value >= (0 if each.name in may_be_0 else 1):
            raise where.error(each.name, "is too small")
        if value > (_MOST_DAYS if each.name.endswith("_days") else _MOST):
            raise where.error(each.name, "is too large")
