"""What pages of a query leave behind, in the shared database: encrypted, as it names people."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from secrets import token_hex
from typing import Any, Final
from zlib import compress, decompress

from scim_bridge.query.shelf import Looked
from scim_bridge.sharing.reach import Alone, Reach
from scim_bridge.store.database import Sql
from scim_bridge.store.sealing import Sealer

MAX_BYTES: Final = 256 * 1024 * 1024
"""What is kept of one connection at most; beyond, other nodes read anew what is not there."""

MAX_PARTS: Final = 32
"""Parts of an entry that are read where none are named: the latest."""


class SharedPages:
    """The shelf of one connection."""

    def __init__(self, connection: str, settings: str, reach: Reach, sealer: Sealer) -> None:
        self._connection = connection
        self._settings = settings
        self._reach = reach
        self._sealer = sealer

    async def look(self, key: str | None = None, parts: Sequence[str] = ()) -> Looked:
        try:
            return await self._reach.write(self._look, key, parts)
        except Alone:
            return Looked(None)

    def _look(self, sql: Sql, key: str | None, parts: Sequence[str]) -> Looked:
        state = _state(sql, self._connection)
        if key is None:
            return Looked(state)
        name = self._name(key)
        found = {}
        for part, value, age in _parts(sql, self._connection, name, parts):
            opened = self._sealer.opened(value, _place(name, part, state))
            if opened is not None:
                found[part] = decompress(opened), age / 1e6
        return Looked(state, found)

    async def keep(self, key: str, parts: Mapping[str, bytes], state: str, seconds: float) -> None:
        with suppress(Alone):  # then the others read anew
            await self._reach.write(self._keep, self._name(key), parts, state, int(seconds * 1e6))

    def _keep(self, sql: Sql, name: str, parts: Mapping[str, bytes], state: str, life: int) -> None:
        if _state(sql, self._connection) != state:
            return
        sealed = {
            part: self._sealer.seal(compress(value, 1), _place(name, part, state)) for part, value in parts.items()
        }
        sql.run(f"DELETE FROM shared_pages WHERE ends <= {sql.dialect.now}")
        # One part is small; counting what there is for each would cost more than it saves.
        if len(sealed) == 1 or _room(sql, self._connection) >= sum(map(len, sealed.values())):
            _put(sql, self._connection, name, sealed, life)

    async def end(self) -> bool:
        try:
            await self._reach.write(_end, self._connection)
        except Alone:
            return False
        return True

    def _name(self, key: str) -> str:
        return self._sealer.name(f"pages {self._connection}\n{self._settings}\n{key}")


def _place(name: str, part: str, state: str) -> str:
    return f"{name} {part} {state}"


def _state(sql: Sql, connection: str) -> str:
    """The state of a connection. Names of states come by chance: none comes back, also where the table was lost."""
    text = "SELECT state FROM shared_states WHERE connection = ?"
    rows = sql.rows(text, (connection,))
    if not rows:
        begin = "INSERT INTO shared_states (connection, state) VALUES (?, ?) ON CONFLICT (connection) DO NOTHING"
        sql.run(begin, (connection, token_hex(8)))
        rows = sql.rows(text, (connection,))
    found: str = rows[0][0]
    return found


def _end(sql: Sql, connection: str) -> None:
    sql.run(
        "INSERT INTO shared_states (connection, state) VALUES (?, ?)"
        " ON CONFLICT (connection) DO UPDATE SET state = excluded.state",
        (connection, token_hex(8)),
    )
    sql.run("DELETE FROM shared_pages WHERE connection = ?", (connection,))


def _parts(sql: Sql, connection: str, name: str, parts: Sequence[str]) -> list[tuple[Any, ...]]:
    now, named = sql.dialect.now, (sql.dialect.listed(parts),) if parts else ()
    text = f"SELECT part, value, {now} - stored FROM shared_pages WHERE connection = ? AND name = ? AND ends > {now}"
    which = f" AND {sql.dialect.among('part')}" if parts else f" ORDER BY stored DESC LIMIT {MAX_PARTS}"
    return sql.rows(text + which, (connection, name, *named))


def _room(sql: Sql, connection: str) -> int:
    """How much more may be kept."""
    text = "SELECT COALESCE(SUM(LENGTH(value)), 0) FROM shared_pages WHERE connection = ?"
    return MAX_BYTES - int(sql.rows(text, (connection,))[0][0])


def _put(sql: Sql, connection: str, name: str, parts: Mapping[str, bytes], life: int) -> None:
    now = sql.dialect.now
    sql.many(
        f"INSERT INTO shared_pages (connection, name, part, stored, ends, value) VALUES (?, ?, ?, {now}, {now} + ?, ?)"
        " ON CONFLICT (connection, name, part) DO UPDATE SET stored = excluded.stored, ends = excluded.ends,"
        " value = excluded.value",
        [(connection, name, part, life, value) for part, value in parts.items()],
    )
