"""Link sessions: one-time invitations to enter the credentials of a connection."""

from dataclasses import astuple, dataclass
from typing import Final, Literal

from scim_bridge.store.database import Sql

State = Literal["open", "done", "revoked"]
_COLUMNS: Final = (
    "id, digest, provider, label, redirect_url, connection, renews, state, created_at, created_by, expires_at, attempts"
)
_KEPT_MILLISECONDS: Final = 90 * 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class StoredLink:
    """A link session; times are milliseconds since 1970. Of its token only the SHA-256 is kept.

    ``connection``: the name of the one it is to make, or made, or, where it ``renews``, of the one whose credentials
    are to be entered anew. None: a name is found for it. ``renews``: the generation of that one, as another one may get
    its name; 0: a new one is made.
    """

    id: str
    digest: bytes
    provider: str | None
    label: str
    redirect_url: str | None
    connection: str | None
    renews: int
    state: State
    created_at: int
    created_by: str
    expires_at: int
    attempts: int = 0


def prepare(sql: Sql) -> None:
    """Make the table where there is none."""
    kind = sql.dialect.types
    text, number = f"{kind['text']} NOT NULL", f"{kind['integer']} NOT NULL"
    sql.run(
        f"CREATE TABLE IF NOT EXISTS store_links (id {kind['text']} PRIMARY KEY, digest {kind['bytes']} NOT NULL"
        f" UNIQUE, provider {kind['text']}, label {text}, redirect_url {kind['text']}, connection {kind['text']},"
        f" renews {number}, state {text}, created_at {number}, created_by {text}, expires_at {number},"
        f" attempts {number})"
    )


def links(sql: Sql) -> list[StoredLink]:
    """All that are kept, the newest first."""
    rows = sql.rows(f"SELECT {_COLUMNS} FROM store_links ORDER BY created_at DESC, id")
    return [_read(row) for row in rows]


def link(sql: Sql, digest: bytes) -> StoredLink | None:
    """The session of a token."""
    rows = sql.rows(f"SELECT {_COLUMNS} FROM store_links WHERE digest = ?", (digest,))
    return _read(rows[0]) if rows else None


def insert(sql: Sql, made: StoredLink) -> None:
    """Keep a new session. Old ones that ended are forgotten on the way."""
    sql.run("DELETE FROM store_links WHERE expires_at < ?", (made.created_at - _KEPT_MILLISECONDS,))
    sql.run(f"INSERT INTO store_links ({_COLUMNS}) VALUES ({', '.join('?' * 12)})", astuple(made))


def attempt(sql: Sql, link_id: str, most: int) -> bool:
    """Count an attempt to enter credentials; False where there were so many already."""
    return sql.run("UPDATE store_links SET attempts = attempts + 1 WHERE id = ? AND attempts < ?", (link_id, most)) == 1


def end(sql: Sql, link_id: str, state: State, connection: str | None = None) -> bool:
    """End a session that is open; False where it was not any more: it serves once."""
    text = "UPDATE store_links SET state = ?, connection = COALESCE(?, connection) WHERE id = ? AND state = 'open'"
    return sql.run(text, (state, connection, link_id)) == 1


def end_renewals(sql: Sql, connection: str, generation: int) -> None:
    """End the sessions that were to renew a connection which is gone."""
    text = "UPDATE store_links SET state = 'revoked' WHERE connection = ? AND renews = ? AND state = 'open'"
    sql.run(text, (connection, generation))


def _read(row: tuple[object, ...]) -> StoredLink:
    link_id, digest, *rest = row
    return StoredLink(str(link_id), bytes(digest), *rest)  # type: ignore[arg-type, call-overload] # columns as they are
