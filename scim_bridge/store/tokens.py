"""Tokens of SCIM clients, of which only the SHA-256 is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Final

from scim_bridge.store.connections import touch
from scim_bridge.store.database import Sql

_COLUMNS: Final = "id, connection, label, digest, scopes, created_at, created_by, expires_at, used_at"


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token; times are milliseconds since 1970, None for never. ``connection`` is a key, ``scopes`` are words with
    spaces between."""

    id: str
    connection: str
    label: str
    digest: bytes
    scopes: str
    created_at: int
    created_by: str
    expires_at: int | None = None
    used_at: int | None = None


def prepare(sql: Sql) -> None:
    """Make the table where there is none."""
    kind = sql.dialect.types
    text, number = f"{kind['text']} NOT NULL", f"{kind['integer']} NOT NULL"
    sql.run(
        f"CREATE TABLE IF NOT EXISTS store_tokens (id {kind['text']} PRIMARY KEY, connection {text}, label {text},"
        f" digest {kind['bytes']} NOT NULL UNIQUE, scopes {text}, created_at {number}, created_by {text},"
        f" expires_at {kind['integer']}, used_at {kind['integer']})"
    )


def tokens(sql: Sql, connection: str | None = None) -> list[StoredToken]:
    """The tokens of a connection, or all, the oldest first."""
    where, params = ("", ()) if connection is None else (" WHERE connection = ?", (connection,))
    return [
        _read(row) for row in sql.rows(f"SELECT {_COLUMNS} FROM store_tokens{where} ORDER BY created_at, id", params)
    ]


def insert(sql: Sql, made: StoredToken) -> None:
    touch(sql)
    sql.run(f"INSERT INTO store_tokens ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", astuple(made))


def delete(sql: Sql, connection: str, token_id: str | None = None) -> int:
    """Take away one token of a connection, or all of them; how many."""
    touch(sql)
    which, params = ("", ()) if token_id is None else (" AND id = ?", (token_id,))
    return sql.run(f"DELETE FROM store_tokens WHERE connection = ?{which}", (connection, *params))


def note_use(sql: Sql, used: Mapping[str, int]) -> None:
    """Keep when tokens were last used, by their ids; what another node saw later stays."""
    text = "UPDATE store_tokens SET used_at = ? WHERE id = ? AND (used_at IS NULL OR used_at < ?)"
    sql.many(text, [(at, token_id, at) for token_id, at in sorted(used.items())])


def _read(row: Sequence[Any]) -> StoredToken:
    token_id, connection, label, digest, *rest = row
    return StoredToken(token_id, connection, label, bytes(digest), *rest)
