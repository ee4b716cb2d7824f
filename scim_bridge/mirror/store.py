"""Writing a mirror: what was read or written upstream becomes documents, keys, elements and a record of changes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson

from scim_bridge.mirror import blocks
from scim_bridge.mirror.changes import CHANGED, CREATED, DELETED, Change, changed_names, record
from scim_bridge.mirror.keys import element_key, plain
from scim_bridge.mirror.layout import Layout
from scim_bridge.mirror.made import Draft, Element, Maker, Presenter
from scim_bridge.mirror.tables import Tables, of_type
from scim_bridge.query.sources import BASE_MARK
from scim_bridge.store.database import Sql

GONE_SECONDS: Final = 86_400
"""How long it is remembered that a resource was deleted through the bridge."""


@dataclass(slots=True)
class Applied:
    """What storing came to."""

    rows: set[int]  # of all that were given, and are stored
    created: int
    changed: int


class _Known(NamedTuple):
    """A row that is stored; ``held``: its whole document, and its columns, where they came along."""

    row: int
    state: bytes
    touched: int
    held: tuple[Any, ...] = ()


class Store:
    """The tables of one resource type of a connection, and how resources get there; all within a transaction."""

    def __init__(self, connection: str, layout: Layout, tables: Tables, presenter: Presenter) -> None:
        self.connection = connection
        self.layout = layout
        self.tables = tables
        self._made = Maker(layout, presenter).made
        self._element_keys = {name: element_key(layout.resource, name) for name in layout.relations}
        self._column_names = [each.name for each in layout.columns]
        self._lists = [(layout.number(each.canonical), ":".join(each.keys)) for each in layout.lists]
        names = ["seq", "id", "state", "touched", *self._column_names, "keys", "document"]
        self._insert = f"INSERT INTO {tables.documents} ({', '.join(names)}) VALUES ({', '.join('?' for _ in names)})"
        self._add_key = f"INSERT INTO {tables.values} (owner, attr, value, kind, key) VALUES (?, ?, ?, '', ?)"
        held = ", ".join(["COALESCE(more, document)", *self._column_names])
        self._held = f"SELECT {held} FROM {tables.documents} WHERE seq = ?"
        self._one = f"SELECT id, seq, state, touched, {held} FROM {tables.documents} WHERE id = ?"
        self._add_value = (
            f"INSERT INTO {tables.values} (owner, attr, value, kind, key, element) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (owner, attr, value, kind) DO UPDATE SET element = excluded.element, key = excluded.key"
        )

    # -- resources -----------------------------------------------------------------------------------------------------

    def put(self, sql: Sql, drafts: Sequence[Draft], *, at: int, before: int, feed: bool, own: bool = False) -> Applied:
        """Store resources. What was read from ``before`` an own write of a resource on does not undo that write.

        ``at`` and ``before`` are microseconds since 1970. ``own``: they come from a write of ours. ``feed``:
        differences are recorded as changes; a first crawl has none. Raises NotStorable, and Dropped.
        """
        sql.exclusive(self.tables.documents)
        by_id = {each.id: each for each in drafts}  # the last one of each
        known, gone = self._known(sql, list(by_id)), set() if own else self._gone(sql, before)
        new = {each: draft for each, draft in by_id.items() if each not in known and each not in gone}
        first = self.next_row(sql) if new else 0
        self._create(sql, first, new, at if own else 0, at)
        both = [(known[each], draft) for each, draft in by_id.items() if each in known]
        old = [each for each in both if own or each[0].touched < before]
        changes = self._change(sql, old, at if own else None, at)
        if own and new:
            self._forget_gone(sql, list(new))
        told = [*(Change(CREATED, each) for each in new), *changes] if feed else []
        self._finish(sql, told, at, changed=bool(new or changes), created=len(new))
        rows = {found.row for found in known.values()}
        return Applied(rows.union(range(first, first + len(new))), len(new), len(changes))

    def next_row(self, sql: Sql) -> int:
        """The number that the next new resource gets."""
        return of_type(sql, self.tables, "next_row")

    def _known(self, sql: Sql, ids: list[str]) -> dict[str, _Known]:
        if len(ids) == 1:  # nearly always a write, which changes it
            rows = sql.rows(self._one, (ids[0],))
            return {each: _Known(row, state, touched, tuple(held)) for each, row, state, touched, *held in rows}
        text = f"SELECT id, seq, state, touched FROM {self.tables.documents} WHERE {sql.dialect.among('id')}"
        rows = sql.rows(text, (sql.dialect.listed(ids),))
        return {each: _Known(row, state, touched) for each, row, state, touched in rows}

    def _create(self, sql: Sql, first: int, new: Mapping[str, Draft], touched: int, at: int) -> None:
        keys: list[tuple[Any, ...]] = []
        elements: list[tuple[Any, ...]] = []
        whole: list[tuple[Any, ...]] = []

        def rows() -> Iterator[tuple[Any, ...]]:
            """One after the other, as each is quickest to work on while it is at hand."""
            for row, (resource_id, draft) in enumerate(new.items(), first):
                columns, lists, kept, document, more = self._made(draft, at)
                keys.extend(self._key_rows(row, lists))
                if draft.relations:
                    elements.extend(self._element_row(row, *each) for each in draft.elements)
                if more is not None:
                    whole.append((more, row))
                # sqlite3 looks for adapters of bytes, and of None, which takes as long as to store them; not of these.
                yield row, resource_id, bytearray(draft.state), touched, *columns, kept, document

        if not new:
            return
        sql.many(self._insert, rows())
        blocks.add(sql, self.tables, range(first, first + len(new)), 1)
        for text, values in (
            (self._add_key, keys),
            (self._add_value, elements),
            (f"UPDATE {self.tables.documents} SET more = ? WHERE seq = ?", whole),
        ):
            if values:
                sql.many(text, values)

    def _change(self, sql: Sql, old: Sequence[tuple[_Known, Draft]], touched: int | None, at: int) -> list[Change]:
        """Store what differs; the changes."""
        changes: list[Change] = []
        for known, draft in old:
            names = self._change_relations(sql, known.row, draft)
            if known.state != draft.state:
                names = self._change_own(sql, known, draft, touched or 0, at) + names
            elif touched is not None:
                sql.run(f"UPDATE {self.tables.documents} SET touched = ? WHERE seq = ?", (touched, known.row))
            if names:
                changes.append(Change(CHANGED, draft.id, tuple(names)))
        return changes

    def _change_own(self, sql: Sql, known: _Known, draft: Draft, touched: int, at: int) -> list[str]:
        """Store another state of a resource; the names of the attributes that differ."""
        before, *held = known.held or sql.rows(self._held, (known.row,))[0]
        columns, lists, keys, document, more = self._made(draft, at)
        pairs = zip(self._column_names, held, columns, strict=True)
        # For each column that is named, its index is written, too.
        differing = {name: new for name, old, new in pairs if new != old}
        made = {"keys": keys, "document": document, "more": more}
        self._update(sql, known.row, {"state": draft.state, "touched": touched, **differing, **made})
        names = changed_names(*(orjson.loads(each.replace(BASE_MARK, b"")) for each in (before, more or document)))
        self._change_lists(sql, known.row, lists, names)
        return names

    def _update(self, sql: Sql, row: int, values: Mapping[str, Any]) -> None:
        names = ", ".join(f"{each} = ?" for each in values)
        sql.run(f"UPDATE {self.tables.documents} SET {names} WHERE seq = ?", (*values.values(), row))

    def _change_lists(self, sql: Sql, row: int, lists: Sequence[set[str]], names: Sequence[str]) -> None:
        """Make the rows of the attributes that differ those of their values."""
        for (number, name), wanted in zip(self._lists, lists, strict=True):
            if name not in names:
                continue
            text = f"SELECT value FROM {self.tables.values} WHERE owner = ? AND attr = ?"
            held = {value for (value,) in sql.rows(text, (row, number))}
            if held != wanted:
                self._remove_elements(sql, row, number, [(each, "") for each in held - wanted])
                sql.many(self._add_key, [(row, number, each, each) for each in wanted - held])

    def _key_rows(self, row: int, lists: Sequence[set[str]]) -> list[tuple[Any, ...]]:
        pairs = zip(self._lists, lists, strict=True)
        return [(row, number, each, each) for (number, _), keys in pairs for each in keys]

    def _element_row(self, row: int, name: str, element: Element) -> tuple[Any, ...]:
        value, kind = str(element["value"]), str(element.get("type") or "")
        key = self._element_keys[name](value)
        return row, self.layout.number(name), plain(value), plain(kind), key, orjson.dumps(element)

    # -- relations -----------------------------------------------------------------------------------------------------

    def _change_relations(self, sql: Sql, row: int, draft: Draft) -> list[str]:
        """Make stored elements those of a draft; the names of relations that differ."""
        names = []
        for name, elements in draft.relations.items():
            wanted = {each[2:4]: each for each in (self._element_row(row, name, one) for one in elements)}
            number = self.layout.number(name)
            text = f"SELECT value, kind, element FROM {self.tables.values} WHERE owner = ? AND attr = ?"
            held = {(value, kind): element for value, kind, element in sql.rows(text, (row, number))}
            removed = [key for key in held if key not in wanted]
            written = [each for key, each in wanted.items() if held.get(key) != each[5]]
            self._remove_elements(sql, row, number, removed)
            sql.many(self._add_value, written)
            if removed or written:
                names.append(name)
        return names

    def _remove_elements(self, sql: Sql, row: int, number: int | None, keys: Iterable[tuple[Any, ...]]) -> None:
        text = f"DELETE FROM {self.tables.values} WHERE owner = ? AND attr = ? AND value = ? AND kind = ?"
        sql.many(text, [(row, number, *each) for each in keys])

    def change_elements(
        self, sql: Sql, owner: str, name: str, added: Sequence[Element], removed: Sequence[Element], *, at: int
    ) -> bool:
        """Add and remove elements of a resource's relation after a write, at a cost that does not grow with how many it
        has; False where the resource is not stored."""
        sql.exclusive(self.tables.documents)
        found = sql.rows(f"SELECT seq FROM {self.tables.documents} WHERE id = ?", (owner,))
        if not found:
            return False
        row, number = found[0][0], self.layout.number(name)
        sql.many(
            f"DELETE FROM {self.tables.values} WHERE owner = ? AND attr = ? AND value = ?",
            [(row, number, plain(str(each["value"]))) for each in removed],
        )
        sql.many(self._add_value, [self._element_row(row, name, each) for each in added])
        sql.run(f"UPDATE {self.tables.documents} SET touched = ? WHERE seq = ?", (at, row))
        self._finish(sql, [Change(CHANGED, owner, (name,))], at, changed=True)
        return True

    def forget_element(self, sql: Sql, name: str, value: str, *, at: int) -> None:
        """Take a resource that is gone out of all that have it as an element."""
        sql.exclusive(self.tables.documents)
        number = self.layout.number(name)
        where = f"{self.tables.values} WHERE attr = ? AND key = ? AND value = ?"
        params = (number, self._element_keys[name](value), plain(value))
        owners = sql.rows(
            f"SELECT d.id FROM {self.tables.documents} d WHERE d.seq IN (SELECT owner FROM {where})", params
        )
        sql.run(f"DELETE FROM {where}", params)
        changes = [Change(CHANGED, each[0], (name,)) for each in owners]
        self._finish(sql, changes, at, changed=bool(owners))

    # -- deletion ------------------------------------------------------------------------------------------------------

    def remove(self, sql: Sql, ids: Sequence[str], *, at: int, own: bool = False) -> int:
        """Take resources out; how many there were. ``own``: they were deleted through us, and must not come back as
        long as the upstream may still list them."""
        sql.exclusive(self.tables.documents)
        listed, among = sql.dialect.listed(ids), sql.dialect.among("id")
        found = sql.rows(f"SELECT id, seq FROM {self.tables.documents} WHERE {among}", (listed,))
        rows = [(row,) for _, row in found]
        sql.many(f"DELETE FROM {self.tables.values} WHERE owner = ?", rows)
        sql.many(f"DELETE FROM {self.tables.documents} WHERE seq = ?", rows)
        blocks.add(sql, self.tables, (row for _, row in found), -1)
        if own:
            self._forget_gone(sql, ids)
            sql.many(f"INSERT INTO {self.tables.gone} (id, at) VALUES (?, ?)", [(each, at) for each in ids])
        self._finish(sql, [Change(DELETED, each) for each, _ in found], at, changed=bool(found))
        return len(found)

    def _gone(self, sql: Sql, before: int) -> set[str]:
        """Resources deleted through us too lately for what was read ``before`` to know of it."""
        sql.run(f"DELETE FROM {self.tables.gone} WHERE at < ?", (before - GONE_SECONDS * 1_000_000,))
        return {each for (each,) in sql.rows(f"SELECT id FROM {self.tables.gone} WHERE at >= ?", (before,))}

    def _forget_gone(self, sql: Sql, ids: Sequence[str]) -> None:
        sql.many(f"DELETE FROM {self.tables.gone} WHERE id = ?", [(each,) for each in ids])

    def _finish(self, sql: Sql, changes: Sequence[Change], at: int, *, changed: bool, created: int = 0) -> None:
        if not changed:
            return
        record(sql, self.connection, self.layout.resource.name, changes, at)
        text = "UPDATE mirror_types SET revision = revision + 1, next_row = next_row + ? WHERE number = ?"
        sql.run(text, (created, self.tables.number))
