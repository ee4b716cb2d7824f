"""The connections of a configuration for commands that are no server: those of the file and those of the database."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scim_bridge.config import Config, ServerConfig
from scim_bridge.config_tables import ConfigError
from scim_bridge.connections import Connection, provider_by_name
from scim_bridge.opening import Foundation, foundation, open_audit, opened_database, vault
from scim_bridge.store.database import Database
from scim_bridge.store.opening import SQLITE
from scim_bridge.stored import Stored, Unusable, prepare, rekey


@dataclass(frozen=True, slots=True)
class Available:
    """Connections by name, and why others cannot be used."""

    connections: dict[str, Connection] = field(default_factory=dict)
    unusable: dict[str, str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return [*self.connections, *self.unusable]


@asynccontextmanager
async def available(config: Config, *, share: bool = True) -> AsyncIterator[Available]:
    """All connections, also paused ones, closed at the end of the block. ``share`` as `foundation` has it.

    Where there is a database, signing in is audited. Raises ConfigError, and DatabaseUnavailable.
    """
    database = _existing(config.server)
    audit = open_audit(config.server, database) if database is not None else None
    base = foundation(config, audit, share=share, database=database)
    found = Available({name: base.opened(each) for name, each in config.connections.items()})
    try:
        if base.database is not None:
            await _add_stored(found, config, base, base.database)
        yield found
    finally:
        if audit is not None:
            await audit.aclose()
        await closed(found.connections, base.database)


async def closed(connections: Mapping[str, Connection], database: Database | None) -> None:
    for each in connections.values():
        await each.aclose()
    if database is not None:
        await database.aclose()


async def rekeyed(server: ServerConfig) -> tuple[int, list[str]]:
    """Put all data keys under the present encryption_key; what `rekey` returns. Raises as `available` does."""
    sealing = vault(server)
    if sealing is None:
        raise ConfigError("[server] encryption_key: is missing")
    database = opened_database(server)
    try:
        await database.write(prepare)
        return await database.write(rekey, sealing)
    finally:
        await database.aclose()


async def _add_stored(found: Available, config: Config, base: Foundation, database: Database) -> None:
    stored = Stored(database, vault(config.server), base.opened, provider_by_name)
    state = await stored.changed(None)
    for each in state.records if state is not None else ():
        if each.name in config.connections:
            continue
        try:
            found.connections[each.name] = stored.opened(each)
        except Unusable as error:
            found.unusable[each.name] = str(error)


def _existing(server: ServerConfig) -> Database | None:
    """The database, unless it is a file that is not there: to look at connections makes none."""
    file = Path(server.database.removeprefix(SQLITE)) if server.database.startswith(SQLITE) else None
    return None if file is not None and not file.exists() else opened_database(server)
