"""Every difference that was applied to a mirror, in order and for as long as it is kept: created, changed, deleted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from scim_bridge.query.sources import ChangePage, RecordedChange
from scim_bridge.store.database import Sql

CREATED: Final = "created"
CHANGED: Final = "changed"
DELETED: Final = "deleted"
MADE_UP: Final = frozenset({"location", "version", "lastModified"})
"""Parts of ``meta`` that change with everything else, or are not the upstream's."""
PRUNED: Final = 10_000
"""Changes that one transaction takes away: others wait for it."""


@dataclass(slots=True)
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
    _, last = _bounds(sql, connection)
    names = "connection, number, resource, at, what, id, attributes"
    sql.many(
        f"INSERT INTO mirror_changes ({names}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (connection, last + index, resource, at, each.what, each.id, orjson.dumps(each.attributes).decode())
            for index, each in enumerate(changes, 1)
        ],
    )


def read(sql: Sql, connection: str, resources: Sequence[str], after: int | None, count: int) -> ChangePage:
    """The changes behind a number, oldest first, None: all that are kept. ``resources`` are those of the connection."""
    before, last = _bounds(sql, connection)
    text = (
        "SELECT number, at, resource, what, id, attributes FROM mirror_changes WHERE connection = ? AND number > ?"
        " ORDER BY number LIMIT ?"
    )
    found = [
        RecordedChange(number, at, resource, what, id_, tuple(orjson.loads(names)))
        for number, at, resource, what, id_, names in sql.rows(
            text, (connection, before if after is None else after, count)
        )
    ]
    whole = "SELECT resource FROM mirror_types WHERE connection = ? AND complete = 1"
    complete = {each for (each,) in sql.rows(whole, (connection,))}.issuperset(resources)
    return ChangePage(found, before, last, complete)


def _bounds(sql: Sql, connection: str) -> tuple[int, int]:
    """The number before the oldest change that is kept, and that of the last change there was."""
    text = (
        "SELECT (SELECT before FROM mirror_feeds WHERE connection = ?),"
        " (SELECT MAX(number) FROM mirror_changes WHERE connection = ?)"
    )
    found, last = sql.rows(text, (connection, connection))[0]
    before: int = found or 0
    return before, max(before, last or 0)


def prune(sql: Sql, connection: str, until: int) -> int:
    """Take away the oldest changes, as far as they were recorded before a time; how many, `PRUNED` at most."""
    sql.exclusive(f"changes {connection}")
    before, last = _bounds(sql, connection)
    text = "SELECT number FROM mirror_changes WHERE connection = ? AND number <= ? AND at >= ? ORDER BY number LIMIT 1"
    end = min(before + PRUNED, last)
    kept = sql.rows(text, (connection, end, until))
    end = kept[0][0] - 1 if kept else end
    if end > before:
        _begin(sql, connection, end)
    return end - before


def interrupt(sql: Sql, connection: str) -> None:
    """End the sequence: changes that nobody records follow, so whoever has read up to here has to read all anew."""
    sql.exclusive(f"changes {connection}")
    _, last = _bounds(sql, connection)
    _begin(sql, connection, last + 1)


def _begin(sql: Sql, connection: str, before: int) -> None:
    """Keep only what comes behind a number. It is remembered, or numbers would come again."""
    sql.run("DELETE FROM mirror_changes WHERE connection = ? AND number <= ?", (connection, before))
    text = "INSERT INTO mirror_feeds (connection, before) VALUES (?, ?) ON CONFLICT (connection) DO UPDATE SET before ="
    sql.run(f"{text} excluded.before", (connection, before))


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
