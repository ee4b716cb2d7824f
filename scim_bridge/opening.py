"""Opening what a configuration names: its database, its audit log, and its connections."""

import base64
import os
import secrets
from dataclasses import dataclass
from typing import Final

import httpx
from scim2_server.cursor import Cursors

from scim_bridge.auditing import Auditor, audit_keys
from scim_bridge.config import Config, ConnectionConfig, ServerConfig
from scim_bridge.config_tables import ConfigError
from scim_bridge.connections import Connection, needs_database
from scim_bridge.sharing.node import Sharing
from scim_bridge.store.database import Database, DatabaseUnavailable
from scim_bridge.store.opening import is_shared, open_database
from scim_bridge.store.sealing import Vault

CURSOR_VARIABLE: Final = "SCIM_BRIDGE_CURSOR_SECRET"
"""Set by `serve` for its workers: a secret they share where the file names none."""


@dataclass(frozen=True, slots=True)
class Foundation:
    """What all connections of a bridge stand on."""

    cursors: Cursors
    database: Database | None = None
    sharing: Sharing | None = None
    audit: Auditor | None = None
    private_upstreams: bool = False
    transport: httpx.AsyncBaseTransport | None = None  # in place of the network, for tests

    def opened(self, config: ConnectionConfig) -> Connection:
        """A connection, not yet signed in. Those that are not of the file lead to public addresses only, unless others
        are allowed. ConfigError where settings name no usable address, certificate or proxy, or attributes that are not
        there."""
        try:
            connection = Connection(
                config,
                self.cursors,
                database=self.database,
                sharing=self.sharing,
                audit=self.audit,
                transport=self.transport,
                public_only=bool(config.generation) and not self.private_upstreams,
            )
            connection.offline()
        except ValueError as error:
            raise ConfigError(f"[connections.{config.name}.settings]: {error}", "settings", str(error)) from None
        return connection


def foundation(
    config: Config, audit: Auditor | None = None, *, share: bool = True, database: Database | None = None
) -> Foundation:
    """What the connections of a configuration stand on; what ``audit`` has is their database, too.

    ``share``: with the other nodes, where the database serves several. Raises ConfigError.
    """
    key = cursor_secret(config.server)
    shared = share and is_shared(config.server.database)
    if database is None and audit is not None:
        database = audit.database
    if database is None and (shared or any(map(needs_database, config.connections.values()))):
        database = opened_database(config.server)
    sharing = Sharing(database, key) if shared and database is not None else None
    return Foundation(Cursors(key), database, sharing, audit, config.server.allow_private_upstreams)


def open_connections(config: Config, audit: Auditor | None = None, *, share: bool = True) -> dict[str, Connection]:
    """The connections of a configuration file, as `Foundation.opened` makes them. Raises ConfigError."""
    base = foundation(config, audit, share=share)
    return {name: base.opened(each) for name, each in config.connections.items()}


def cursor_secret(server: ServerConfig) -> bytes:
    """What seals cursors: the configured key, else one that lasts as long as this program runs."""
    if server.encryption_key is not None:
        return base64.b64decode(server.encryption_key.reveal())
    return os.environ.get(CURSOR_VARIABLE, "").encode() or secrets.token_bytes(32)


def vault(server: ServerConfig) -> Vault | None:
    """What seals stored credentials; None without an ``encryption_key``."""
    if server.encryption_key is None:
        return None
    return Vault(base64.b64decode(server.encryption_key.reveal()), former_keys(server))


def former_keys(server: ServerConfig) -> list[bytes]:
    return [base64.b64decode(each.reveal()) for each in server.former_encryption_keys]


def open_audit(server: ServerConfig, database: Database | None = None) -> Auditor | None:
    """The audit log of a configuration, unless it wants none. Raises ConfigError."""
    if not server.audit:
        return None
    keys = audit_keys(server.encryption_key, former_keys(server))
    return Auditor(database or opened_database(server), keys, redact=server.audit_redact)


def opened_database(server: ServerConfig) -> Database:
    """Raises ConfigError."""
    try:
        return open_database(server.database)
    except DatabaseUnavailable as error:
        raise ConfigError(f"[server] database: {error}") from None
