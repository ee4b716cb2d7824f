"""What the bridge knows of upstream records that the upstream does not: a text for each, shared by all nodes.

A change gets the next number of its connection and resource type, and takes the place of the one before, so that who
has read up to a number reads on from there.
"""

from collections.abc import Sequence

from scim_bridge.query.remembered import Noted
from scim_bridge.sharing.outage import told_as_unavailable
from scim_bridge.store.database import Database, Sql


class Sidecar:
    """The marks of one resource type of one connection."""

    def __init__(self, database: Database, connection: str, resource: str) -> None:
        self._database = database
        self._owner = (connection, resource)

    async def read(self, after: int) -> tuple[dict[str, str | None], int]:
        """Marks that changed behind a number, by id, None for those taken back; and the number of the last change.

        Raises Unavailable where the database does not answer.
        """
        with told_as_unavailable():
            return await self._database.read_quick(_read, self._owner, after)

    async def write(self, noted: Sequence[Noted]) -> None:
        """Carry out changes in order. Raises as `read` does."""
        with told_as_unavailable(sent=True):
            await self._database.write(_write, self._owner, noted)


def prepare(sql: Sql) -> None:
    """Make the table where there is none."""
    sql.exclusive("sidecar")
    kind = sql.dialect.types
    sql.run(
        f"CREATE TABLE IF NOT EXISTS sidecar_marks (connection {kind['text']} NOT NULL,"
        f" resource {kind['text']} NOT NULL, id {kind['text']} NOT NULL, mark {kind['text']},"
        f" number {kind['integer']} NOT NULL, PRIMARY KEY (connection, resource, id))"
    )
    sql.run("CREATE INDEX IF NOT EXISTS sidecar_marks_number ON sidecar_marks (connection, resource, number)")


def forget(sql: Sql, connection: str) -> None:
    """Take away all marks of a connection."""
    prepare(sql)
    sql.run("DELETE FROM sidecar_marks WHERE connection = ?", (connection,))


def _read(sql: Sql, owner: tuple[str, str], after: int) -> tuple[dict[str, str | None], int]:
    text = "SELECT id, mark, number FROM sidecar_marks WHERE connection = ? AND resource = ? AND number > ?"
    rows = sql.rows(text, (*owner, after))
    return {id_: mark for id_, mark, _ in rows}, max((number for _, _, number in rows), default=after)


def _write(sql: Sql, owner: tuple[str, str], noted: Sequence[Noted]) -> None:
    sql.exclusive(f"sidecar {owner}")  # or a number could become visible after a higher one, and be passed over
    text = "SELECT COALESCE(MAX(number), 0) FROM sidecar_marks WHERE connection = ? AND resource = ?"
    last = sql.rows(text, owner)[0][0]
    for number, each in enumerate(noted, last + 1):
        guard = " AND mark = ?" if each.instead_of is not None else ""
        extra = (each.instead_of,) if each.instead_of is not None else ()
        where = f"WHERE connection = ? AND resource = ? AND id = ?{guard}"
        changed = sql.run(
            f"UPDATE sidecar_marks SET mark = ?, number = ? {where}", (each.mark, number, *owner, each.id, *extra)
        )
        if not changed and not guard:
            values = (*owner, each.id, each.mark, number)
            sql.run("INSERT INTO sidecar_marks (connection, resource, id, mark, number) VALUES (?, ?, ?, ?, ?)", values)
