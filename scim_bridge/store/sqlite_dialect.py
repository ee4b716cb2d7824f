"""SQL as SQLite has it."""

from collections.abc import Sequence
from typing import Any, Final

import orjson


class SqliteDialect:
    """SQL as SQLite has it, with the JSON functions of version 3.38 and later."""

    types: Final = {
        "text": "TEXT",
        "integer": "INTEGER",
        "decimal": "NUMERIC",
        "boolean": "INTEGER",
        "json": "TEXT",
        "bytes": "BLOB",
    }
    now: Final = "CAST((julianday('now') - 2440587.5) * 86400000000.0 AS INTEGER)"
    passing: Final = "TABLE"
    indexes_rows: Final = True

    def among(self, expression: str) -> str:
        return f"{expression} IN (SELECT value FROM json_each(?))"

    def listed(self, values: Sequence[str]) -> str:
        return orjson.dumps(values).decode()

    def leaf(self, document: str, keys: Sequence[str], kind: str) -> str:
        return f"json_extract({document}, {_path(keys)})"

    def elements(self, document: str, keys: Sequence[str], alias: str) -> str:
        return f"json_each({document}, {_path(keys)}) AS {alias}"

    def element(self, alias: str, kind: str) -> str:
        return f"{alias}.value"

    def inner(self, alias: str) -> str:
        return f"{alias}.value"

    def position(self, alias: str) -> str:
        return f"{alias}.key"

    def contains(self, expression: str, part: str) -> tuple[str, tuple[Any, ...]]:
        return f"instr({expression}, ?) > 0", (part,)

    def ends(self, expression: str, part: str) -> tuple[str, tuple[Any, ...]]:
        return f"substr({expression}, -length(?)) = ?", (part, part)

    # FTS5 has trigrams, but storing everything takes a tenth longer with them (measured) and, up to SQLite 3.42, each
    # change needs the old values; without them, the index of a column is read in 0.1 s for each million of rows.
    parts: Final = None

    def part_index(self, name: str, table: str, column: str, where: str = "TRUE") -> str:
        raise NotImplementedError


def _path(keys: Sequence[str]) -> str:
    """A path of names, each quoted: URNs have dots and colons."""
    return "'$" + "".join(f'."{key}"' for key in keys).replace("'", "''") + "'"
