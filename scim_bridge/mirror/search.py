"""Answering queries from a mirror's tables: any page at the cost of the first, totals without counting rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import orjson
from scim2_models.path import FilterNode

from scim_bridge.filters import predicate
from scim_bridge.mirror import blocks
from scim_bridge.mirror.keys import plain
from scim_bridge.mirror.sql import Compiler, Condition
from scim_bridge.mirror.store import Store
from scim_bridge.query.plan import Query, Sort
from scim_bridge.query.sources import BASE_MARK
from scim_bridge.store.database import Dialect, Sql

MAX_COMPILED: Final = 512
Element = dict[str, Any]


Stored = tuple[int, bytes | None, bytes]
"""A resource as the tables hold it: the number of its row, the digest of its state, and its document; without the
digest where the document is all that is asked for.

A tuple, as it comes from the database: an object for each of a hundred rows costs as much as reading them.
"""


@dataclass(slots=True)
class Found:
    """Rows of a page, how many match in all where that is known, the position after it (None at the end, or unasked),
    and the revision of the tables, no later than the rows. ``documents``: those of the rows, where nothing else is
    asked for."""

    rows: list[Stored]
    total: int | None
    after: list[Any] | None
    revision: int = 0
    documents: list[bytes] | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """A query as SQL: its condition and order, and the filter where the condition may find too much."""

    condition: Condition | None
    order: str | None
    descending: bool
    residual: FilterNode | None

    quick: bool = field(init=False)
    """Whether it takes well below a millisecond."""
    ordering: str = field(init=False)
    """What follows ORDER BY; rows of equal keys, and those without an order asked for, as they are listed."""
    texts: dict[bool, str] = field(default_factory=dict, init=False, compare=False)
    """The statements of a page from the beginning on, by whether documents are all that is asked for, once made."""

    def __post_init__(self) -> None:
        narrow = self.condition is None or self.condition.narrow
        object.__setattr__(self, "quick", self.residual is None and self.order is None and narrow)
        object.__setattr__(self, "ordering", self._ordering())

    def _ordering(self) -> str:
        if self.order is not None:
            # Missing values come last, descending first (RFC 7644 section 3.4.2.3).
            return f"{self.order} DESC NULLS FIRST, d.seq" if self.descending else f"{self.order} ASC NULLS LAST, d.seq"
        # The sign keeps the databases from walking all rows in order, where an index leads to the few that match.
        return "+d.seq" if self.condition is not None and self.condition.led else "d.seq"


class Unanswerable(Exception):
    """A query about what the tables do not hold."""


class Searcher:
    """Searches the tables of one store. What takes `Sql` runs in a transaction."""

    def __init__(self, store: Store, dialect: Dialect) -> None:
        self._store = store
        self._dialect = dialect
        self._table = store.tables.documents
        self._revision = f"(SELECT revision FROM mirror_types WHERE number = {store.tables.number})"
        self._blocks: blocks.Blocks | None = None
        self.compiled = lru_cache(maxsize=MAX_COMPILED)(self._compiled)
        self._documents = f"SELECT document FROM {self._table} WHERE seq >= ? ORDER BY seq LIMIT ? OFFSET ?"
        self._by_id = f"SELECT seq, state, document FROM {self._table} WHERE id = ?"
        self._whole_by_id = f"SELECT seq, state, COALESCE(more, document) FROM {self._table} WHERE id = ?"

    def _compiled(self, node: FilterNode | None, sort: Sort | None) -> Search:
        """A query as SQL. Raises Unanswerable."""
        compiler = Compiler(self._store.layout, self._dialect, self._store.tables.values)
        condition = compiler.filter(node) if node is not None else None
        if compiler.unheld:
            raise Unanswerable
        order = compiler.order(sort.path) if sort is not None else None
        if sort is not None and order is None:
            raise Unanswerable
        residual = node if condition is not None and not condition.exact else None
        return Search(condition, order, sort is not None and sort.descending, residual)

    # -- reading -------------------------------------------------------------------------------------------------------

    def one(self, sql: Sql, resource_id: str, *, whole: bool = False) -> tuple[int, bytes, bytes] | None:
        """The resource with an id; ``whole``: with what is returned on request only."""
        if "\0" in resource_id:  # which no stored one has, and PostgreSQL does not take
            return None
        rows: list[Any] = sql.rows(self._whole_by_id if whole else self._by_id, (resource_id,))
        return rows[0] if rows else None

    def page(self, sql: Sql, search: Search, query: Query, after: Sequence[Any] | None) -> Found:
        """A page of a query, from its offset or ``after`` a position."""
        if search.condition is None and search.order is None:
            return self._listed(sql, query, after)
        if search.residual is not None:
            return self._checked(sql, search, query, blocks.current_revision(sql, self._store.tables))
        found = self._rows(sql, search, query, after) if query.count else []
        # As of the same moment as the rows, without a query of its own where there are some.
        revision = found[0][3] if found else blocks.current_revision(sql, self._store.tables)
        rows = [(row, state, body) for row, state, body, _ in found]
        total = self._total(sql, search, query, rows, after)
        return Found(rows, total, self._after(search, query, rows, sql), revision)

    def _listed(self, sql: Sql, query: Query, after: Sequence[Any] | None) -> Found:
        """A page of the whole list."""
        self._blocks = found = blocks.read(sql, self._store.tables, self._blocks)
        start, skip = (after[-1] + 1, 0) if after is not None else found.place(query.offset)
        if query.documents and not query.follow:
            # Two more columns of a hundred rows would make the request dearer by a twentieth (measured).
            documents = sql.rows(self._documents, (start, query.count, skip)) if query.count else []
            return Found([], found.total, None, found.revision, [each for (each,) in documents])
        text = f"SELECT seq, {_what(query)} FROM {self._table} d WHERE seq >= ? ORDER BY seq LIMIT ? OFFSET ?"
        rows: list[Any] = sql.rows(text, (start, query.count, skip)) if query.count else []
        more = bool(rows) and query.offset + len(rows) < found.total
        return Found(rows, found.total, [rows[-1][0]] if more else None, found.revision)

    def _rows(self, sql: Sql, search: Search, query: Query, after: Sequence[Any] | None) -> list[tuple[Any, ...]]:
        """Rows, each with the revision of the tables."""
        if after is None:
            text = search.texts.get(query.documents) or self._statement(search, query, None)
            search.texts[query.documents] = text
            params = search.condition.params if search.condition is not None else ()
            return sql.rows(text, (*params, query.count, query.offset))
        return sql.rows(self._statement(search, query, after), (*_conditions(search, after)[1], query.count, 0))

    def _statement(self, search: Search, query: Query, after: Sequence[Any] | None) -> str:
        condition, _ = _conditions(search, after)
        inner = f"{condition} ORDER BY {search.ordering} LIMIT ? OFFSET ?"
        if not search.quick:
            # Rows that do not match, or are passed over, are told by an index, without reading their documents.
            inner = f"d.seq IN (SELECT d.seq FROM {self._table} d WHERE {inner}) ORDER BY {search.ordering}"
        return f"SELECT d.seq, {_what(query)}, {self._revision} FROM {self._table} d WHERE {inner}"

    def _total(
        self, sql: Sql, search: Search, query: Query, rows: Sequence[Stored], after: Sequence[Any] | None
    ) -> int | None:
        if after is None and len(rows) < query.count and (rows or not query.offset):
            return query.offset + len(rows)
        if not query.need_total:
            return None
        if search.condition is None:
            self._blocks = blocks.read(sql, self._store.tables, self._blocks)
            return self._blocks.total
        text = f"SELECT COUNT(*) FROM {self._table} d WHERE {search.condition.text}"
        total: int = sql.rows(text, search.condition.params)[0][0]
        return total

    def _after(self, search: Search, query: Query, rows: Sequence[Stored], sql: Sql) -> list[Any] | None:
        """The position of the last row: its key where there is an order, and its number."""
        if not query.follow or not rows or len(rows) < query.count:
            return None
        if search.order is None:
            return [rows[-1][0]]
        key = sql.rows(f"SELECT {search.order} FROM {self._table} d WHERE d.seq = ?", (rows[-1][0],))[0][0]
        return [float(key) if _is_decimal(key) else key, rows[-1][0]]

    def _checked(self, sql: Sql, search: Search, query: Query, revision: int) -> Found:
        """A page of what SQL finds and the filter confirms, which is read whole."""
        assert search.residual is not None and search.condition is not None
        matches = predicate(search.residual, self._store.layout.resource)
        text = (
            f"SELECT d.seq, {_what(query)}, COALESCE(d.more, d.document) FROM {self._table} d"
            f" WHERE {search.condition.text} ORDER BY {search.ordering}"
        )
        rows: list[Stored] = []
        total = 0
        for row, state, body, whole in sql.stream(text, search.condition.params):
            if matches({**decoded(whole), **self._related(sql, row)}):
                if query.offset <= total < query.offset + query.count:
                    rows.append((row, state, body))
                total += 1
        more = query.offset + len(rows) < total and rows
        return Found(rows, total, [] if more else None, revision)

    def _related(self, sql: Sql, row: int) -> dict[str, list[Element]]:
        """The relations of a row that have elements."""
        found = {name: self.elements(sql, [row], name)[row] for name in self._store.layout.relations}
        return {name: elements for name, elements in found.items() if elements}

    def elements(self, sql: Sql, rows: Sequence[int], name: str) -> dict[int, list[Element]]:
        """The elements of a stored relation, by the row of their owner."""
        number = self._store.layout.number(name)
        found: dict[int, list[Element]] = {row: [] for row in rows}
        text = f"SELECT element FROM {self._store.tables.values} WHERE owner = ? AND attr = ? ORDER BY value, kind"
        for row, elements in found.items():
            elements += [orjson.loads(each) for (each,) in sql.rows(text, (row, number))]
        return found

    def owners(self, sql: Sql, name: str, value: str, key: Callable[[Any], Any]) -> list[tuple[str, str | None]]:
        """The resources that have another as an element of a relation: their ids, and what they are called."""
        number = self._store.layout.number(name)
        text = (
            f"SELECT d.id, d.document FROM {self._store.tables.values} v JOIN {self._table} d ON d.seq = v.owner"
            " WHERE v.attr = ? AND v.key = ? AND v.value = ? ORDER BY d.seq"
        )
        rows = sql.rows(text, (number, key(value), plain(value)))
        return [(found, decoded(body).get("displayName")) for found, body in rows]


def decoded(document: bytes) -> dict[str, Any]:
    """A stored document; what is made up for each answer is in it without a base URL."""
    found: dict[str, Any] = orjson.loads(document.replace(BASE_MARK, b""))
    return found


def _what(query: Query) -> str:
    """The document that is shown by default where that is asked for, else the digest and the whole one."""
    return "NULL, d.document" if query.documents else "d.state, COALESCE(d.more, d.document)"


def _is_decimal(key: Any) -> bool:
    return key is not None and not isinstance(key, str | int | float | bool)


def _conditions(search: Search, after: Sequence[Any] | None) -> tuple[str, tuple[Any, ...]]:
    """The condition of a query, from a position on: everything behind its key and row (keyset paging)."""
    condition = search.condition
    text, params = (condition.text, condition.params) if condition is not None else ("TRUE", ())
    if after is None:
        return text, params
    if search.order is None:
        return f"{text} AND d.seq > ?", (*params, after[-1])
    key, row = after
    order = search.order
    if key is None:
        behind = f"({order} IS NULL AND d.seq > ?)"
        behind = f"({behind} OR {order} IS NOT NULL)" if search.descending else behind
        return f"{text} AND {behind}", (*params, row)
    if search.descending:
        behind = f"({order} < ? OR ({order} = ? AND d.seq > ?))"
    else:
        behind = f"({order} > ? OR {order} IS NULL OR ({order} = ? AND d.seq > ?))"
    return f"{text} AND {behind}", (*params, key, key, row)
