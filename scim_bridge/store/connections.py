"""Connections that are kept in the database, beside those of the configuration file."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from scim_bridge.store.database import Sql
from scim_bridge.store.sealing import Envelope

_COLUMNS: Final = (
    "name, generation, label, document, sealed_key, sealed, paused, created_at, created_by, changed_at, revision,"
    " settings_revision"
)


@dataclass(frozen=True, slots=True)
class StoredConnection:
    """A connection as it is kept; times are milliseconds since 1970.

    ``document``: JSON like its table in the configuration file, without secrets, which are in ``secrets``: JSON as
    well, sealed. ``generation`` tells connections apart that had the same name one after the other. ``revision`` counts
    changes, ``settings_revision`` those after which the upstream may be another one.
    """

    name: str
    generation: int
    label: str
    document: str
    secrets: Envelope | None
    paused: bool
    created_at: int
    created_by: str
    changed_at: int
    revision: int = 1
    settings_revision: int = 1

    @property
    def place(self) -> str:
        """What its secrets are sealed for: in another connection's row, they cannot be opened."""
        return f"connection {self.name} {self.generation}"

    @property
    def key(self) -> str:
        """What tokens and all else that belongs to it is kept under."""
        return f"{self.name}@{self.generation}"

    @property
    def copy_key(self) -> str:
        """What copies of its upstream's data are kept under: by other settings, it may be another upstream."""
        return f"{self.key}.{self.settings_revision}"


def prepare(sql: Sql) -> None:
    """Make the tables where there are none."""
    sql.exclusive("store")
    kind = sql.dialect.types
    text, number = f"{kind['text']} NOT NULL", f"{kind['integer']} NOT NULL"
    sql.run(
        f"CREATE TABLE IF NOT EXISTS store_connections (name {kind['text']} PRIMARY KEY, generation {number},"
        f" label {text}, document {text}, sealed_key {kind['bytes']}, sealed {kind['bytes']}, paused {number},"
        f" created_at {number}, created_by {text}, changed_at {number}, revision {number}, settings_revision {number})"
    )
    sql.run(f"CREATE TABLE IF NOT EXISTS store_numbers (name {kind['text']} PRIMARY KEY, number {number})")
    for each in (_VERSION, _GENERATION):
        sql.run("INSERT INTO store_numbers (name, number) VALUES (?, 0) ON CONFLICT (name) DO NOTHING", (each,))


_VERSION: Final = "version"
_GENERATION: Final = "generation"


def version(sql: Sql) -> int:
    """A number that is another one after each change of connections and tokens."""
    return int(sql.rows("SELECT number FROM store_numbers WHERE name = ?", (_VERSION,))[0][0])


def touch(sql: Sql) -> None:
    """Tell all nodes that something changed; others that change something wait until the end of this transaction."""
    _next(sql, _VERSION)


def _next(sql: Sql, name: str) -> int:
    sql.run("UPDATE store_numbers SET number = number + 1 WHERE name = ?", (name,))
    return int(sql.rows("SELECT number FROM store_numbers WHERE name = ?", (name,))[0][0])


def connections(sql: Sql) -> list[StoredConnection]:
    """All of them, by name."""
    return [_read(row) for row in sql.rows(f"SELECT {_COLUMNS} FROM store_connections ORDER BY name")]


def connection(sql: Sql, name: str) -> StoredConnection | None:
    """The connection of a name."""
    rows = sql.rows(f"SELECT {_COLUMNS} FROM store_connections WHERE name = ?", (name,))
    return _read(rows[0]) if rows else None


def next_generation(sql: Sql) -> int:
    """A number that no connection had before."""
    return _next(sql, _GENERATION)


def insert(sql: Sql, made: StoredConnection) -> bool:
    """Keep a new connection; False where there is one of that name."""
    touch(sql)
    places = ", ".join("?" * 12)
    text = f"INSERT INTO store_connections ({_COLUMNS}) VALUES ({places}) ON CONFLICT (name) DO NOTHING"
    return sql.run(text, (made.name, made.generation, *_values(made))) == 1


def update(sql: Sql, changed: StoredConnection) -> StoredConnection | None:
    """Keep a changed connection, of which the revision is the one it had before; as it is then. None where somebody
    else has changed or deleted it meanwhile."""
    touch(sql)
    stored = replace(changed, revision=changed.revision + 1)
    names = ", ".join(f"{each.strip()} = ?" for each in _COLUMNS.split(",")[2:])
    text = f"UPDATE store_connections SET {names} WHERE name = ? AND generation = ? AND revision = ?"
    values = (*_values(stored), changed.name, changed.generation, changed.revision)
    return stored if sql.run(text, values) == 1 else None


def delete(sql: Sql, name: str, generation: int) -> bool:
    """Take a connection away; False where it was not there."""
    touch(sql)
    return sql.run("DELETE FROM store_connections WHERE name = ? AND generation = ?", (name, generation)) == 1


def _values(of: StoredConnection) -> Sequence[Any]:
    key, value = (of.secrets.key, of.secrets.value) if of.secrets is not None else (None, None)
    times = (of.created_at, of.created_by, of.changed_at, of.revision, of.settings_revision)
    return (of.label, of.document, key, value, int(of.paused), *times)


def _read(row: Sequence[Any]) -> StoredConnection:
    name, generation, label, document, key, value, paused, *rest = row
    secrets = Envelope(bytes(key), bytes(value)) if key is not None else None
    return StoredConnection(name, generation, label, document, secrets, bool(paused), *rest)
