"""What a pass over an upstream has come to so far, kept so that it goes on where it was left."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from zlib import compress, decompress

import orjson

from scim_bridge.mirror.tables import Tables
from scim_bridge.store.database import Sql


class Rows:
    """A set of row numbers, a bit for each."""

    def __init__(self, bits: bytes = b"") -> None:
        self._bits = bytearray(bits)

    def add(self, rows: Iterable[int]) -> None:
        for row in rows:
            if row >> 3 >= len(self._bits):
                self._bits.extend(bytes((row >> 3) + 4096 - len(self._bits)))
            self._bits[row >> 3] |= 1 << (row & 7)

    def __contains__(self, row: int) -> bool:
        return row >> 3 < len(self._bits) and bool(self._bits[row >> 3] & (1 << (row & 7)))

    def __bytes__(self) -> bytes:
        return bytes(self._bits)


@dataclass(slots=True)
class Pass:
    """A full pass over one resource type; times are microseconds since 1970.

    ``next_row``: rows from it on were created since. ``at``: where to go on; None before the first page, and where the
    end was reached. ``latest``: the latest change seen, by the upstream's clock. ``gone``: how many resources were no
    longer there at the end, of how many: set when a pass is held until somebody approves. ``allowed``: so many may be
    gone, as was approved of an earlier pass. ``inline``: the relations that records brought along.
    """

    started: int
    next_row: int
    at: Mapping[str, Any] | None = None
    rows: int = 0
    latest: str | None = None
    gone: int | None = None
    of: int = 0
    approved: bool = False
    allowed: int = 0
    inline: list[str] = field(default_factory=list)
    seen: Rows = field(default_factory=Rows)

    @property
    def held(self) -> bool:
        return self.gone is not None


def load(sql: Sql, connection: str, resource: str) -> Pass | None:
    """The pass that was left, or is held."""
    text = "SELECT state, seen FROM mirror_passes WHERE connection = ? AND resource = ?"
    rows = sql.rows(text, (connection, resource))
    if not rows:
        return None
    state, seen = rows[0]
    return Pass(**orjson.loads(state), seen=Rows(decompress(seen)))


def save(sql: Sql, connection: str, resource: str, found: Pass) -> None:
    state = {name: value for name, value in asdict(found).items() if name != "seen"}
    sql.run(
        "INSERT INTO mirror_passes (connection, resource, state, seen) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (connection, resource) DO UPDATE SET state = excluded.state, seen = excluded.seen",
        (connection, resource, orjson.dumps(state).decode(), compress(bytes(found.seen), 1)),
    )


def forget(sql: Sql, connection: str, resource: str) -> None:
    sql.run("DELETE FROM mirror_passes WHERE connection = ? AND resource = ?", (connection, resource))


def approve(sql: Sql, connection: str, resource: str) -> bool:
    """Let the next full pass take away as many resources as the held one would have; False where none is held."""
    found = load(sql, connection, resource)
    if found is None or not found.held:
        return False
    found.approved = True
    save(sql, connection, resource, found)
    return True


def unseen(sql: Sql, tables: Tables, found: Pass) -> Iterator[str]:
    """The ids of resources that a finished pass did not come by. Those written meanwhile are none of them."""
    text = f"SELECT seq, id FROM {tables.documents} WHERE seq < ? AND touched < ? ORDER BY seq"
    for row, resource_id in sql.stream(text, (found.next_row, found.started)):
        if row not in found.seen:
            yield resource_id
