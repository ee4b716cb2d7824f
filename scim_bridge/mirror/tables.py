"""The tables of a mirror: one set for each resource type of a connection, and what is known of all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from scim_bridge.mirror.changes import interrupt
from scim_bridge.mirror.layout import Layout
from scim_bridge.store.database import DatabaseUnavailable, Dialect, Sql

BLOCK_BITS: Final = 10
"""Rows are counted in blocks of so many bits of their numbers, to find any page without counting them one by one."""


class Dropped(DatabaseUnavailable):
    """Tables that somebody still works with and that are no more: their connection was changed or deleted."""

    def __init__(self) -> None:
        super().__init__("the mirror's tables are gone: the connection was changed or deleted meanwhile")


@dataclass(frozen=True, slots=True)
class Tables:
    """The names of the tables of one resource type, by its number."""

    number: int

    @property
    def documents(self) -> str:
        """A row for each resource: its number, in the order in which resources are listed, its document and keys."""
        return f"mirror{self.number}_documents"

    @property
    def values(self) -> str:
        """A row for each element of a relation and each value of an indexed list."""
        return f"mirror{self.number}_values"

    @property
    def blocks(self) -> str:
        """How many resources each block of numbers has."""
        return f"mirror{self.number}_blocks"

    @property
    def gone(self) -> str:
        """Resources that were deleted through the bridge, which an upstream may still list for a while."""
        return f"mirror{self.number}_gone"

    @property
    def every(self) -> tuple[str, ...]:
        return self.documents, self.values, self.blocks, self.gone


def create_shared(sql: Sql) -> None:
    """The tables that all mirrors share."""
    kind = sql.dialect.types
    sql.run(
        f"CREATE TABLE IF NOT EXISTS mirror_types (number {kind['integer']} PRIMARY KEY, connection {kind['text']}"
        f" NOT NULL, resource {kind['text']} NOT NULL, fingerprint {kind['text']} NOT NULL, revision {kind['integer']}"
        f" NOT NULL, next_row {kind['integer']} NOT NULL, complete {kind['integer']} NOT NULL, full_at"
        f" {kind['integer']}, fresh_at {kind['integer']}, since {kind['text']}, inline {kind['text']} NOT NULL,"
        " UNIQUE (connection, resource))"
    )
    sql.run(
        f"CREATE TABLE IF NOT EXISTS mirror_changes (connection {kind['text']} NOT NULL, number {kind['integer']} NOT"
        f" NULL, resource {kind['text']} NOT NULL, at {kind['integer']} NOT NULL, what {kind['text']} NOT NULL, id"
        f" {kind['text']} NOT NULL, attributes {kind['text']} NOT NULL, PRIMARY KEY (connection, number))"
    )
    sql.run(
        f"CREATE TABLE IF NOT EXISTS mirror_feeds (connection {kind['text']} PRIMARY KEY, before {kind['integer']} NOT"
        " NULL)"
    )
    sql.run(
        f"CREATE TABLE IF NOT EXISTS mirror_passes (connection {kind['text']} NOT NULL, resource {kind['text']} NOT"
        f" NULL, state {kind['text']} NOT NULL, seen {kind['bytes']}, PRIMARY KEY (connection, resource))"
    )
    sql.run(f"CREATE TABLE IF NOT EXISTS mirror_numbers (last {kind['integer']} NOT NULL)")
    sql.run(f"CREATE TABLE IF NOT EXISTS mirror_former (connection {kind['text']} PRIMARY KEY)")


def create(sql: Sql, tables: Tables, layout: Layout) -> None:
    """The tables of one resource type; `indexes` come when they are filled."""
    kind = sql.dialect.types
    columns = "".join(f", {each.name} {kind[each.kind]}" for each in layout.columns)
    sql.run(
        f"CREATE TABLE {tables.documents} (seq {_row_number(sql.dialect)} PRIMARY KEY, id {kind['text']} NOT NULL"
        f" UNIQUE, state {kind['bytes']} NOT NULL, touched {kind['integer']} NOT NULL{columns}, keys {kind['json']} NOT"
        f" NULL, more {kind['bytes']}, document {kind['bytes']} NOT NULL)"
    )
    sql.run(
        f"CREATE TABLE {tables.values} (owner {kind['integer']} NOT NULL, attr {kind['integer']} NOT NULL, value"
        f" {kind['text']} NOT NULL, kind {kind['text']} NOT NULL, key {kind['text']} NOT NULL, element {kind['bytes']},"
        f" PRIMARY KEY (owner, attr, value, kind)){_without_row_ids(sql.dialect)}"
    )
    sql.run(
        f"CREATE TABLE {tables.blocks} (block {_row_number(sql.dialect)} PRIMARY KEY, size {kind['integer']} NOT NULL)"
    )
    sql.run(f"CREATE TABLE {tables.gone} (id {kind['text']} PRIMARY KEY, at {kind['integer']} NOT NULL)")


def _row_number(dialect: Dialect) -> str:
    """SQLite's own row number has to be called INTEGER, which is as wide there as BIGINT elsewhere."""
    return dialect.types["integer"]


def _without_row_ids(dialect: Dialect) -> str:
    return " WITHOUT ROWID" if dialect.types["bytes"] == "BLOB" else ""


def drop(sql: Sql, tables: Tables) -> None:
    for each in tables.every:
        sql.run(f"DROP TABLE IF EXISTS {each}")


def forget(sql: Sql, connection: str) -> None:
    """Take away all that is kept of a connection, for good: who has not heard of it yet makes no tables anew."""
    sql.exclusive("mirror")
    create_shared(sql)
    sql.run("INSERT INTO mirror_former (connection) VALUES (?) ON CONFLICT (connection) DO NOTHING", (connection,))
    for (number,) in sql.rows("SELECT number FROM mirror_types WHERE connection = ?", (connection,)):
        drop(sql, Tables(number))
    for each in ("mirror_types", "mirror_changes", "mirror_feeds", "mirror_passes"):
        sql.run(f"DELETE FROM {each} WHERE connection = ?", (connection,))


def opened(sql: Sql, connection: str, resource: str, layout: Layout) -> Tables:
    """The tables of a resource type; new and empty where there are none, or where they are of another layout.

    Raises Dropped for a connection that was forgotten.
    """
    sql.exclusive("mirror")  # two nodes that start at once must not make the same tables
    create_shared(sql)
    if sql.rows("SELECT 1 FROM mirror_former WHERE connection = ?", (connection,)):
        raise Dropped
    found = _found(sql, connection, resource)
    if found is not None and found[1] == layout.fingerprint:
        return Tables(found[0])
    if found is not None:
        drop(sql, Tables(found[0]))
        interrupt(sql, connection)
        sql.run("DELETE FROM mirror_types WHERE number = ?", (found[0],))
        sql.run("DELETE FROM mirror_passes WHERE connection = ? AND resource = ?", (connection, resource))
    number = _new_number(sql)
    sql.run(
        "INSERT INTO mirror_types (number, connection, resource, fingerprint, revision, next_row, complete, inline)"
        " VALUES (?, ?, ?, ?, 1, 1, 0, '')",
        (number, connection, resource, layout.fingerprint),
    )
    create(sql, Tables(number), layout)
    return Tables(number)


def _new_number(sql: Sql) -> int:
    """A number that no tables ever had: whoever still works with dropped ones, here or on another node, must not come
    by those of another connection."""
    taken = sql.rows("SELECT number FROM mirror_types UNION SELECT last FROM mirror_numbers")
    last: int = max((number for (number,) in taken), default=0)
    sql.run("DELETE FROM mirror_numbers")
    sql.run("INSERT INTO mirror_numbers (last) VALUES (?)", (last + 1,))
    return last + 1


def of_type(sql: Sql, tables: Tables, column: str) -> int:
    """What is kept of a resource type in one of its columns. Raises Dropped."""
    rows = sql.rows(f"SELECT {column} FROM mirror_types WHERE number = ?", (tables.number,))
    if not rows:
        raise Dropped
    found: int = rows[0][0]
    return found


def _found(sql: Sql, connection: str, resource: str) -> tuple[int, str] | None:
    rows: Sequence[Any] = sql.rows(
        "SELECT number, fingerprint FROM mirror_types WHERE connection = ? AND resource = ?", (connection, resource)
    )
    return rows[0] if rows else None


@dataclass(frozen=True, slots=True)
class TablesState:
    """How a mirrored resource type stands; times are microseconds since 1970.

    ``fresh_at``: as of when it is as its upstream; ``full_at``: when it was last compared as a whole. ``since``: what
    changed later than this, by the upstream's own clock, is yet to be read. ``inline``: the relations that the
    upstream's own records brought along.
    """

    revision: int
    complete: bool
    full_at: int | None
    fresh_at: int | None
    since: str | None
    inline: frozenset[str] = frozenset()


def state_of_tables(sql: Sql, tables: Tables) -> TablesState:
    text = "SELECT revision, complete, full_at, fresh_at, since, inline FROM mirror_types WHERE number = ?"
    rows = sql.rows(text, (tables.number,))
    if not rows:  # another node has dropped them for a new layout
        return TablesState(0, False, None, None, None)
    revision, complete, full_at, fresh_at, since, inline = rows[0]
    return TablesState(revision, bool(complete), full_at, fresh_at, since, frozenset(inline.split()))
