"""Which database a URL names."""

from pathlib import Path
from typing import Final

from scim_bridge.store.database import Database
from scim_bridge.store.postgres import PostgresDatabase
from scim_bridge.store.sqlite import SqliteDatabase

SQLITE: Final = "sqlite:///"
POSTGRES: Final = ("postgresql://", "postgres://")


def is_database_url(url: str) -> bool:
    return url.startswith((SQLITE, *POSTGRES)) and url != SQLITE


def is_shared(url: str) -> bool:
    """Whether a database serves several nodes."""
    return url.startswith(POSTGRES)


def open_database(url: str) -> Database:
    """The database of ``[server] database``: ``sqlite:///PATH`` or ``postgresql://…``. Raises DatabaseUnavailable."""
    if url.startswith(SQLITE):
        return SqliteDatabase(Path(url.removeprefix(SQLITE)))
    return PostgresDatabase(url)
