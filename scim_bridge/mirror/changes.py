"""Every difference that was applied to a mirror, in order and for good: created, changed, deleted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from scim_bridge.query.sources import RecordedChange
from scim_bridge.store.database import Sql

CREATED: Final = "created"
CHANGED: Final = "changed"
DELETED: Final = "deleted"
MADE_UP: Final = frozenset({"location", "version", "lastModified"})
"""Parts of ``meta`` that change with everything else, or are not the upstream's."""


@dataclass(frozen=True, slots=True)
class Change:
    """A difference: what happened to which resource, and which attributes it concerned."""

    what: str
    id: str
    attributes: tuple[str, ...] = ()


def record(sql: Sql, connection: str, resource: str, changes: Sequence[Change], at: int) -> None:
    """Append changes to the connection's sequence; a transaction that sees one sees all before it."""
    if not changes:
        return
    sql.exclusive(f"changes {connection}")
    last = sql.rows("SELECT COALESCE(MAX(number), 0) FROM mirror_changes WHERE connection = ?", (connection,))[0][0]
    names = "connection, number, resource, at, what, id, attributes"
    sql.many(
        f"INSERT INTO mirror_changes ({names}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (connection, last + index, resource, at, each.what, each.id, orjson.dumps(each.attributes).decode())
            for index, each in enumerate(changes, 1)
        ],
    )


def read(sql: Sql, connection: str, after: int, count: int) -> tuple[list[RecordedChange], int]:
    """The changes behind a number, oldest first, and the number of the last one there is; 0 where there is none."""
    text = (
        "SELECT number, at, resource, what, id, attributes FROM mirror_changes WHERE connection = ? AND number > ?"
        " ORDER BY number LIMIT ?"
    )
    rows = sql.rows(text, (connection, after, count))
    last = sql.rows("SELECT COALESCE(MAX(number), 0) FROM mirror_changes WHERE connection = ?", (connection,))[0][0]
    found = [
        RecordedChange(number, at, resource, what, id_, tuple(orjson.loads(names)))
        for number, at, resource, what, id_, names in rows
    ]
    return found, last


def changed_names(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The attributes in which two states of a resource differ; those of extensions with their URN."""
    names: list[str] = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if name == "meta":
            old, new = _kept(old), _kept(new)
        if old == new:
            continue
        if ":" in name:
            names += [f"{name}:{each}" for each in changed_names(old or {}, new or {})]
        else:
            names.append(name)
    return names


def _kept(meta: Any) -> dict[str, Any]:
    return {name: value for name, value in (meta or {}).items() if name not in MADE_UP}
