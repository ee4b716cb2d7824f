"""The connections and tokens that the database has: how they are opened, kept and forgotten."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from scim_bridge.config import ConnectionConfig, ProviderByName, stored_connection
from scim_bridge.config_tables import ConfigError
from scim_bridge.connections import Connection
from scim_bridge.mirror import tables
from scim_bridge.sharing import sidecar
from scim_bridge.store import connections, links, sessions, tokens
from scim_bridge.store.connections import StoredConnection
from scim_bridge.store.database import Database, Sql
from scim_bridge.store.sealing import Vault
from scim_bridge.store.tokens import StoredToken


class Unusable(Exception):
    """A stored connection that cannot be opened; the message may be shown to those who operate it."""


@dataclass(frozen=True, slots=True)
class State:
    """What the database has, and its version."""

    version: int
    records: Sequence[StoredConnection]
    tokens: Sequence[StoredToken]


class Stored:
    """The connections and tokens that the database has."""

    def __init__(
        self,
        database: Database,
        vault: Vault | None,
        opened: Callable[[ConnectionConfig], Connection],
        provider_by_name: ProviderByName,
    ) -> None:
        """``opened`` makes a connection, or raises ConfigError; without a ``vault``, none can be opened."""
        self.database = database
        self.vault = vault
        self._opened = opened
        self._provider_by_name = provider_by_name
        self._prepared = False

    async def changed(self, since: int | None) -> State | None:
        """What there is; None where that is what there was. Raises DatabaseUnavailable."""
        if not self._prepared:
            await self.database.write(prepare)
            self._prepared = True
        if since is not None and await self.database.read_quick(connections.version) == since:
            return None
        return await self.database.read(state_of)

    def opened(self, record: StoredConnection) -> Connection:
        """Raises Unusable."""
        try:
            return self._opened(self.config(record))
        except ConfigError as error:
            raise Unusable(f"{error.key}: {error.problem}" if error.key else str(error)) from None

    def config(self, record: StoredConnection) -> ConnectionConfig:
        """A record as a configuration. Raises ConfigError, and Unusable where its secrets cannot be opened."""
        numbers = record.generation, record.settings_revision
        return stored_connection(record.name, self.document(record), self._provider_by_name, *numbers)

    def document(self, record: StoredConnection) -> dict[str, Any]:
        """The whole document, secrets too. Raises Unusable."""
        document: dict[str, Any] = json.loads(record.document)
        return {**document, "settings": {**document.get("settings", {}), **self.secrets(record)}}

    def secrets(self, record: StoredConnection) -> dict[str, Any]:
        """The secrets among its settings. Raises Unusable."""
        if record.secrets is None:
            return {}
        opened = self.vault.opened(record.secrets, record.place) if self.vault is not None else None
        if opened is None:
            raise Unusable("its secrets were encrypted with another encryption_key")
        found: dict[str, Any] = json.loads(opened)
        return found

    async def note_use(self, used: Mapping[str, int]) -> None:
        await self.database.write(tokens.note_use, used)


def prepare(sql: Sql) -> None:
    """Make all tables of the store where there are none."""
    for each in (connections, tokens, links, sessions):
        each.prepare(sql)


def state_of(sql: Sql) -> State:
    return State(connections.version(sql), connections.connections(sql), tokens.tokens(sql))


@dataclass(frozen=True, slots=True)
class Draft:
    """A connection to be kept, and its secrets, in clear."""

    record: StoredConnection
    secrets: Mapping[str, Any] = field(repr=False)


def keep(sql: Sql, draft: Draft, vault: Vault | None) -> StoredConnection | None:
    """Keep a new connection, as one that never was; None where its name is taken."""
    made = _sealed(replace(draft.record, generation=connections.next_generation(sql)), draft.secrets, vault)
    return made if connections.insert(sql, made) else None


def change(sql: Sql, draft: Draft, before: StoredConnection, vault: Vault | None) -> StoredConnection | None:
    """Keep a connection as it is now; None where it was changed or deleted meanwhile. With other settings, copies of
    the upstream's data are made anew, as it may be another upstream."""
    changed = connections.update(sql, _sealed(draft.record, draft.secrets, vault))
    if changed is not None and changed.settings_revision != before.settings_revision:
        tables.forget(sql, before.copy_key)
    return changed


def _sealed(record: StoredConnection, secrets: Mapping[str, Any], vault: Vault | None) -> StoredConnection:
    """The record with its secrets, under a new data key."""
    if not secrets:
        return replace(record, secrets=None)
    assert vault is not None
    return replace(record, secrets=vault.seal(json.dumps(secrets).encode(), record.place))


def rekey(sql: Sql, vault: Vault) -> tuple[int, list[str]]:
    """Seal all data keys under the current key; how many that were, and the connections of which none could be
    opened."""
    connections.touch(sql)  # who changes one meanwhile waits, or would put back what is under the former key
    renewed, lost = 0, []
    for each in connections.connections(sql):
        if each.secrets is None or vault.is_current(each.secrets, each.place):
            continue
        envelope = vault.renewed(each.secrets, each.place)
        if envelope is None:
            lost.append(each.name)
        else:
            connections.update(sql, replace(each, secrets=envelope))
            renewed += 1
    return renewed, lost


def forget(sql: Sql, record: StoredConnection) -> bool:
    """Take a connection away with all that was kept for it; False where it was not there any more."""
    if not connections.delete(sql, record.name, record.generation):
        return False
    tokens.delete(sql, record.key)
    links.end_renewals(sql, record.name, record.generation)
    tables.forget(sql, record.copy_key)
    sidecar.forget(sql, record.key)
    return True
