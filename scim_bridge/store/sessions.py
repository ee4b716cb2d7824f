"""Sessions of people who signed in to the console; of a session's cookie only the SHA-256 is kept."""

from dataclasses import dataclass

from scim_bridge.store.database import Sql


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session; times are milliseconds since 1970. ``actor`` says which admin token opened it."""

    digest: bytes
    actor: str
    expires_at: int


def prepare(sql: Sql) -> None:
    """Make the table where there is none."""
    kind = sql.dialect.types
    sql.run(
        f"CREATE TABLE IF NOT EXISTS store_sessions (digest {kind['bytes']} PRIMARY KEY, actor {kind['text']} NOT NULL,"
        f" expires_at {kind['integer']} NOT NULL)"
    )


def session(sql: Sql, digest: bytes) -> StoredSession | None:
    """The session of a cookie, also one that has expired."""
    rows = sql.rows("SELECT actor, expires_at FROM store_sessions WHERE digest = ?", (digest,))
    return StoredSession(digest, *rows[0]) if rows else None


def insert(sql: Sql, made: StoredSession, now: int) -> None:
    """Keep a new session. Those that have expired are forgotten on the way."""
    sql.run("DELETE FROM store_sessions WHERE expires_at <= ?", (now,))
    sql.run(
        "INSERT INTO store_sessions (digest, actor, expires_at) VALUES (?, ?, ?)",
        (made.digest, made.actor, made.expires_at),
    )


def delete(sql: Sql, digest: bytes) -> None:
    sql.run("DELETE FROM store_sessions WHERE digest = ?", (digest,))
