"""The audit log: entries that are only ever appended, read by criteria, and pruned from the oldest on."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields, replace
from typing import Any, Final

import orjson

from scim_bridge.store.chain import FIRST, Entry, Keys, Link, Mark
from scim_bridge.store.database import Sql

STARTED: Final = "audit.started"
REKEYED: Final = "audit.rekeyed"
PRUNED: Final = "audit.pruned"
BROKEN: Final = "audit.broken"
HEAD: Final = "head"
ANCHOR: Final = "anchor"
Place = tuple[int, str]
"""The number and the hash of an entry."""
_ENTRY: Final = tuple(each.name for each in fields(Entry))
_COLUMNS: Final = ", ".join(("number", *_ENTRY, "chain_key", "previous", "hash"))
_WHOLE_NUMBERS: Final = ("at", "status")


@dataclass(frozen=True, slots=True)
class Criteria:
    """Which entries: all that are given hold. Times are milliseconds, ``until`` is not part of it.

    ``action`` is one (``scim.patch``), or all of a kind (``scim``).
    """

    since: int | None = None
    until: int | None = None
    connection: str | None = None
    actor: str | None = None
    action: str | None = None
    resource_type: str | None = None
    resource_id: str | None = None


def prepare(sql: Sql, at: int, node: str, keys: Keys) -> None:
    """Make the tables where there are none, and begin the chain: an empty one is then never as it should be."""
    sql.exclusive("audit")
    kind = sql.dialect.types
    columns = ", ".join(f"{name} {kind['integer' if name in _WHOLE_NUMBERS else 'text']} NOT NULL" for name in _ENTRY)
    sql.run(
        f"CREATE TABLE IF NOT EXISTS audit_entries (number {kind['integer']} PRIMARY KEY, {columns}, chain_key"
        f" {kind['text']} NOT NULL, previous {kind['text']} NOT NULL, hash {kind['text']} NOT NULL)"
    )
    for name, indexed in (("at", "at"), ("connection", "connection, number"), ("resource", "resource_id, number")):
        sql.run(f"CREATE INDEX IF NOT EXISTS audit_entries_{name} ON audit_entries ({indexed})")
    sql.run(
        f"CREATE TABLE IF NOT EXISTS audit_marks (name {kind['text']} PRIMARY KEY, number {kind['integer']} NOT NULL,"
        f" at {kind['integer']} NOT NULL, hash {kind['text']} NOT NULL, chain_key {kind['text']} NOT NULL,"
        f" seal {kind['text']} NOT NULL)"
    )
    if mark(sql, HEAD) is None and _last(sql) is None:
        _extend(sql, [_own(at, node, STARTED, {})], 0, FIRST, keys)


# -- appending --------------------------------------------------------------------------------------------------------


def append(sql: Sql, entries: Sequence[Entry], keys: Keys, seen: Place | None = None) -> Place:
    """Append entries in order, which no other node does meanwhile; the place of the last one.

    ``seen``: a place that was the head before. Where the log is not as the bridge left it, an entry says so for good,
    or the next head would cover up what was taken away.
    """
    sql.exclusive("audit")
    head, last = mark(sql, HEAD), _last(sql)
    added = [_without_nul(each) for each in entries]
    told: tuple[str, dict[str, Any]] | None = None
    if not _as_left(head, last, keys) or not _still_there(sql, seen):
        told = BROKEN, {"head": head and head.number, "last": last and last[0], "seen": seen and seen[0]}
    elif head is not None and head.key != keys.current:
        told = REKEYED, {"from": head.key or None, "to": keys.current or None}
    if told is not None:
        added.insert(0, _own(entries[0].at, entries[0].node, *told))
    places = [(head.number, head.hash)] if head is not None else []
    number, previous = max([*places, *([last[:2]] if last else [])], default=(0, FIRST))
    return _extend(sql, added, max(number, seen[0] if seen else 0), previous, keys)


def _as_left(head: Mark | None, last: tuple[int, str, str] | None, keys: Keys) -> bool:
    """Whether the head is the last entry, under the same key, and sealed with it."""
    if head is None or last != (head.number, head.hash, head.key):
        return False
    return not keys.knows(head.key) or keys.marked(head)


def _still_there(sql: Sql, seen: Place | None) -> bool:
    """Whether an entry that was the head is what it was, or has been pruned since."""
    if seen is None:
        return True
    rows = sql.rows("SELECT hash FROM audit_entries WHERE number = ?", (seen[0],))
    anchor = mark(sql, ANCHOR)
    return rows[0][0] == seen[1] if rows else anchor is not None and anchor.number >= seen[0]


def _without_nul(entry: Entry) -> Entry:
    """The entry as PostgreSQL takes it, too."""
    held = {name: getattr(entry, name) for name in _ENTRY}
    texts: dict[str, Any] = {name: _plain(value) for name, value in held.items() if isinstance(value, str)}
    return replace(entry, **texts)


def _plain(text: str) -> str:
    return text.replace("\0", "\ufffd")


def _extend(sql: Sql, entries: Sequence[Entry], number: int, previous: str, keys: Keys) -> Place:
    rows = []
    for entry in entries:
        number += 1
        link = keys.link(number, entry, previous)
        previous = link.hash
        rows.append((number, *astuple(entry), link.key, link.previous, link.hash))
    places = ", ".join("?" * (len(_ENTRY) + 4))
    sql.many(f"INSERT INTO audit_entries ({_COLUMNS}) VALUES ({places})", rows)
    _put(sql, keys.mark(HEAD, number, entries[-1].at, previous))
    return number, previous


def _own(at: int, node: str, action: str, details: dict[str, Any]) -> Entry:
    """An entry of the log about itself."""
    return Entry(at, node, "", "bridge", action, "", "", "done", 0, "", orjson.dumps(details).decode())


def touch(sql: Sql) -> None:
    """Raises where an entry could not be stored now."""
    sql.run("UPDATE audit_marks SET number = number WHERE name = ?", (HEAD,))


# -- marks ------------------------------------------------------------------------------------------------------------


def mark(sql: Sql, name: str) -> Mark | None:
    text = "SELECT name, number, at, hash, chain_key, seal FROM audit_marks WHERE name = ?"
    return next((Mark(*row) for row in sql.rows(text, (name,))), None)


def _put(sql: Sql, mark: Mark) -> None:
    sql.run(
        "INSERT INTO audit_marks (name, number, at, hash, chain_key, seal) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name)"
        " DO UPDATE SET number = excluded.number, at = excluded.at, hash = excluded.hash,"
        " chain_key = excluded.chain_key, seal = excluded.seal",
        astuple(mark),
    )


def _last(sql: Sql) -> tuple[int, str, str] | None:
    """Number, hash and key of the last entry."""
    rows = sql.rows("SELECT number, hash, chain_key FROM audit_entries ORDER BY number DESC LIMIT 1")
    return rows[0] if rows else None


# -- reading ----------------------------------------------------------------------------------------------------------


def page(
    sql: Sql, criteria: Criteria, count: int, *, after: int | None = None, newest_first: bool = True
) -> list[Link]:
    """Entries that meet criteria, by their numbers; ``after`` is the number of the last one of the page before."""
    conditions, params = _conditions(criteria)
    if after is not None:
        conditions.append("number < ?" if newest_first else "number > ?")
        params.append(after)
    order = "number DESC" if newest_first else "number"
    text = f"SELECT {_COLUMNS} FROM audit_entries{_where(conditions)} ORDER BY {order} LIMIT ?"
    return [link_of(row) for row in sql.rows(text, (*params, count))]


def every(sql: Sql, criteria: Criteria = Criteria()) -> Iterator[Link]:
    """All entries that meet criteria, oldest first, a few at a time."""
    conditions, params = _conditions(criteria)
    text = f"SELECT {_COLUMNS} FROM audit_entries{_where(conditions)} ORDER BY number"
    return (link_of(row) for row in sql.stream(text, params))


def link_of(row: Sequence[Any]) -> Link:
    number, *entry, key, previous, hash_ = row
    return Link(number, Entry(*entry), key, previous, hash_)


def _conditions(criteria: Criteria) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    params: list[Any] = []
    for name in ("connection", "actor", "resource_type", "resource_id"):
        if (value := getattr(criteria, name)) is not None:
            conditions.append(f"{name} = ?")
            params.append(_plain(value))
    if criteria.action is not None:
        action = _plain(criteria.action)
        conditions.append("(action = ? OR substr(action, 1, ?) = ?)")
        params += [action, len(action) + 1, f"{action}."]
    for sign, moment in ((">=", criteria.since), ("<", criteria.until)):
        if moment is not None:
            conditions.append(f"at {sign} ?")
            params.append(moment)
    return conditions, params


def _where(conditions: Iterable[str]) -> str:
    text = " AND ".join(conditions)
    return f" WHERE {text}" if text else ""


# -- retention --------------------------------------------------------------------------------------------------------


def prune(sql: Sql, before: int, at: int, node: str, keys: Keys) -> int:
    """Take away the oldest entries, up to the first one from ``before`` or later; how many that were.

    The anchor keeps where the chain was cut, and an entry tells of it. The last entry always stays.
    """
    sql.exclusive("audit")
    kept = sql.rows("SELECT MIN(number) FROM audit_entries WHERE at >= ?", (before,))[0][0]
    last = _last(sql)
    if last is None or (cut := _cut(sql, last[0] if kept is None else kept)) is None:
        return 0
    removed = sql.run("DELETE FROM audit_entries WHERE number <= ?", (cut[0],))
    _put(sql, keys.mark(ANCHOR, cut[0], at, cut[1]))
    append(sql, [_own(at, node, PRUNED, {"through": cut[0], "hash": cut[1], "entries": removed})], keys)
    return removed


def _cut(sql: Sql, kept: int) -> Place | None:
    """The entry before the first one that is kept; None where there is none."""
    text = "SELECT number, hash FROM audit_entries WHERE number < ? ORDER BY number DESC LIMIT 1"
    return next(iter(sql.rows(text, (kept,))), None)
