"""A mirror as a source of answers, and as what our own writes are noted in.

What the tables do not hold (roles of users that only their own records tell) is asked of the upstream, as without a
mirror: an answer is exact in either case.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final, TypeVar

from scim_bridge.clock import Clock
from scim_bridge.mirror.blocks import current_revision
from scim_bridge.mirror.keys import element_key
from scim_bridge.mirror.made import Draft, NotStorable
from scim_bridge.mirror.search import Found, Search, Searcher, Unanswerable, decoded
from scim_bridge.mirror.store import Store
from scim_bridge.mirror.tables import TablesState, state_of_tables
from scim_bridge.query.budget import ScanTooLarge
from scim_bridge.query.capabilities import Collection, Element, Relation
from scim_bridge.query.plan import Query
from scim_bridge.query.relations import Record
from scim_bridge.query.run import Reader
from scim_bridge.query.sources import Document, Page
from scim_bridge.query.version import owned_relations, without_relations
from scim_bridge.store.database import Database, DatabaseUnavailable, Sql
from scim_bridge.upstream.errors import Unavailable, UpstreamError
from scim_bridge.upstream.trace import tracing

T = TypeVar("T")
_log = logging.getLogger("scim_bridge.mirror")
QUICK_ELEMENTS: Final = 20
"""Elements up to which a write is noted at once, while everything else waits."""
STATE_SECONDS: Final = 1.0
"""How long a node may not know that another one has completed a mirror."""


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class Membership:
    """A relation that is told by another one: the groups of a user, by the members of groups."""

    relation: Relation
    of: "MirrorCopy"
    through: str  # the other one's relation


class MirrorCopy:
    """The copy of one resource type of a connection."""

    def __init__(
        self,
        collection: Collection,
        store: Store,
        database: Database,
        reader: Reader,
        clock: Clock,
        wall: Callable[[], int] = now,
    ) -> None:
        self.collection = collection
        self.store = store
        self.reader = reader
        self.memberships: tuple[Membership, ...] = ()
        self.holders: tuple[tuple[MirrorCopy, str], ...] = ()
        """The copies whose resources may have those of this one as elements, and by which relation."""
        self.referred: tuple[MirrorCopy, ...] = ()
        """The copies whose resources may be elements of those of this one."""
        self._database = database
        self._searcher = Searcher(store, database.dialect)
        self._clock = clock
        self.wall = wall
        self._state: TablesState | None = None
        self._looked = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    # -- how it stands -------------------------------------------------------------------------------------------------

    async def ready(self) -> bool:
        try:
            return (await self._stands()).complete
        except Unavailable:
            return False

    async def age_seconds(self) -> int:
        return self._age(await self._stands())

    async def freshness(self) -> dict[str, Any]:
        found = await self._reading(state_of_tables, self.store.tables)
        times = {"asOf": found.fresh_at, "comparedWhole": found.full_at}
        return {"answersFrom": "mirror" if found.complete else "upstream"} | {
            name: datetime.fromtimestamp(at / 1e6, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            for name, at in times.items()
            if at is not None
        }

    async def revision(self) -> int:
        return await self._reading(current_revision, self.store.tables)

    async def _stands(self) -> TablesState:
        """How the tables stand, or stood a moment ago."""
        if self._state is None or self._clock.now() - self._looked >= STATE_SECONDS:
            self._state = await self._reading(state_of_tables, self.store.tables)
            self._looked = self._clock.now()
        return self._state

    def changed_state(self) -> None:
        """Look again how it stands."""
        self._state = None

    # -- reading -------------------------------------------------------------------------------------------------------

    async def document(self, resource_id: str) -> Document | None:
        state = await self._stands()
        return await self._reading(self._document, resource_id, state)

    def _document(self, sql: Sql, resource_id: str, state: TablesState) -> Document | None:
        found = self._searcher.one(sql, resource_id)
        if found is None:
            return None
        return Document(found[2], found[1], self._age(state), self._inline(sql, resource_id, state))

    def _inline(self, sql: Sql, resource_id: str, state: TablesState) -> dict[str, list[Element]]:
        """The relations that the upstream's own record brings, as the copy has them."""
        return {
            each.relation.attribute: each.of.holders_of(sql, each.through, resource_id)
            for each in self._shown_inline
            if each.relation.attribute in state.inline
        }

    def _age(self, state: TablesState) -> int:
        return max(0, (self.wall() - (state.fresh_at or 0)) // 1_000_000)

    async def record(self, resource_id: str) -> Record | None:
        return await self._reading(self._record, resource_id, await self._stands())

    def _record(self, sql: Sql, resource_id: str, state: TablesState) -> Record | None:
        found = self._searcher.one(sql, resource_id, whole=True)
        if found is None:
            return None
        return Record(decoded(found[2]), self._inline(sql, resource_id, state), state=found[1])

    async def search(self, query: Query, position: Mapping[str, Any] | None = None) -> Page:
        position = position or {}
        if "from" in position:  # a cursor from before there was a copy
            return await self.reader.search(query, position)
        try:
            search = self._searcher.compiled(query.filter, query.sort)
        except Unanswerable:
            return await self.reader.search(replace(query, documents=False), position or None)
        if position:
            query = replace(query, offset=position["o"])
        quick = search.quick and not query.relations
        found, related = await self._reading(self._page, search, query, position.get("after"), quick=quick)
        following = None
        if found.after is not None:
            following = {"o": query.offset + len(found.rows), **({"after": found.after} if found.after else {})}
        if query.documents:
            documents = found.documents if found.documents is not None else [each[2] for each in found.rows]
            return Page([], found.total, following, documents, found.revision)
        records = [
            Record(decoded(document), {name: related[name][row] for name in related}, state=state)
            for row, state, document in found.rows
        ]
        await self.fill(records, query.relations)
        # What other tables or the upstream tell may change without this revision.
        whole = query.relations <= set(self.store.layout.relations)
        return Page(records, found.total, following, revision=found.revision if whole else None)

    def _page(
        self, sql: Sql, search: Search, query: Query, after: list[Any] | None
    ) -> tuple[Found, dict[str, dict[int, list[Element]]]]:
        """Rows, and those of the relations asked for that the tables hold."""
        found = self._searcher.page(sql, search, query, after)
        if not query.relations:
            return found, {}
        names = query.relations.intersection(self.store.layout.relations)
        rows = [each[0] for each in found.rows]
        return found, {name: self._searcher.elements(sql, rows, name) for name in names}

    async def load(self, records: Sequence[Record], names: Iterable[str]) -> None:
        names = set(names)
        for name in names.intersection(self.store.layout.relations):
            await self._load_stored([each for each in records if name not in each.known], name)
        for each in self.memberships:
            if each.relation.attribute in names and await each.of.ready():
                await self._load_memberships([one for one in records if each.relation.attribute not in one.known], each)
        await self.reader.load(records, names)

    async def fill(self, records: Sequence[Record], names: Iterable[str]) -> None:
        names = tuple(names)
        await self.load(records, names)
        await self.reader.fill(records, names)

    async def _load_stored(self, records: Sequence[Record], name: str) -> None:
        def elements(sql: Sql, resource_id: str) -> list[Element]:
            found = self._searcher.one(sql, resource_id)
            return self._searcher.elements(sql, [found[0]], name)[found[0]] if found is not None else []

        for record in records:
            record.known[name] = await self._reading(elements, record.id)

    async def _load_memberships(self, records: Sequence[Record], membership: Membership) -> None:
        for record in records:
            found = await self._reading(membership.of.holders_of, membership.through, record.id)
            record.known[membership.relation.attribute] = found

    def holders_of(self, sql: Sql, relation: str, value: str) -> list[Element]:
        """What has a resource as an element, and what has that in turn, as with groups (RFC 7643 section 4.1.2)."""
        key = element_key(self.collection.resource, relation)
        found: dict[str, Element] = {}
        level, kind = [value], "direct"
        while level:
            owners = [each for one in level for each in self._searcher.owners(sql, relation, one, key)]
            level = []
            for owner, display in owners:
                if owner not in found:
                    found[owner] = {"value": owner, "type": kind, **({"display": display} if display else {})}
                    level.append(owner)
            kind = "indirect"
        return list(found.values())

    async def _reading(self, work: Callable[..., T], *args: Any, quick: bool = True, **kwargs: Any) -> T:
        """What a function reads. Raises Unavailable where the database does not answer."""
        read = self._database.read_quick if quick else self._database.read
        try:
            return await read(work, *args, **kwargs)
        except DatabaseUnavailable as error:
            _log.error("the mirror cannot answer", extra={"error": str(error)})
            raise Unavailable("the bridge's database", "it does not answer") from None

    @cached_property
    def _shown_inline(self) -> tuple[Membership, ...]:
        """The memberships that a single resource shows unasked, where its upstream's own record brings them."""
        return tuple(each for each in self.memberships if each.relation.shown == "inline")

    # -- own writes ----------------------------------------------------------------------------------------------------

    def draft(self, record: Record, relations: Mapping[str, Sequence[Element]] | None = None) -> Draft:
        """A record as it is stored, with all elements of the relations given, or of those it knows."""
        resource = without_relations(self.collection, record.resource)
        stored = self.store.layout.relations
        if not stored:
            return Draft(resource, record.state)
        known = record.known if relations is None else relations
        return Draft(resource, record.state, {name: known[name] for name in stored if name in known})

    async def wrote(self, record: Record, relations: Mapping[str, Sequence[Element]]) -> None:
        at = self.wall()
        relations = {name: await self._told(name, elements) for name, elements in relations.items()}
        draft = self.draft(record, relations)
        record.state = draft.state  # which the answer tells, too
        await self._note(
            record.id,
            lambda sql: self.store.put(sql, [draft], at=at, before=at, feed=True, own=True),
            quick=sum(map(len, relations.values())) <= QUICK_ELEMENTS,
        )

    async def changed_elements(
        self, owner: str, relation: str, added: Sequence[Element], removed: Sequence[Element]
    ) -> None:
        if relation in self.store.layout.relations:
            at = self.wall()
            added = await self._told(relation, added)
            await self._note(
                owner,
                lambda sql: self.store.change_elements(sql, owner, relation, added, removed, at=at),
                quick=len(added) + len(removed) <= QUICK_ELEMENTS,
            )

    async def _told(self, relation: str, elements: Sequence[Element]) -> list[Element]:
        """Elements as a client named them, with the type of what they refer to, as the upstream tells it (S-21)."""
        referred = [each for each in self.referred if each.collection.resource.endpoint in self._endpoints(relation)]
        return [each if "type" in each else await self._typed(each, referred) for each in elements]

    async def _typed(self, element: Element, referred: Sequence["MirrorCopy"]) -> Element:
        for copy in referred:
            if len(referred) == 1 or await copy._reading(copy._searcher.one, str(element["value"])) is not None:
                return {**element, "type": copy.collection.resource.name}
        return element

    def _endpoints(self, relation: str) -> set[str]:
        found = self.collection.relation(relation)
        return set(found.references.values()) if found is not None else set()

    async def deleted(self, resource_id: str) -> None:
        at = self.wall()

        def work(sql: Sql) -> None:
            self.store.remove(sql, [resource_id], at=at, own=True)
            for copy, relation in self.holders:
                copy.store.forget_element(sql, relation, resource_id, at=at)

        await self._note(resource_id, work, quick=False)  # it may be an element of any number of others

    async def _note(self, resource_id: str, work: Callable[[Sql], Any], *, quick: bool) -> None:
        """Note a write that the upstream has taken. A failure here must not look like one of the write."""
        write = self._database.write_quick if quick else self._database.write
        try:
            await write(work)
        except (DatabaseUnavailable, NotStorable) as error:
            told = {"resource": self.collection.resource.name, "error": str(error)}
            _log.error("a write was not noted in the mirror", extra=told)

    async def read_again(self, resource_id: str) -> None:
        try:
            record = await self.reader.record(resource_id)
            if record is None:
                await self.deleted(resource_id)
                return
            await self.reader.load([record], owned_relations(self.collection))
        except (UpstreamError, ScanTooLarge) as error:
            told = {"resource": self.collection.resource.name, "error": type(error).__name__}
            _log.warning("a resource was not read again: the mirror has it as it was", extra=told)
            return
        await self.wrote(record, record.known)

    def doubt(self, resource_id: str) -> None:
        async def settle() -> None:
            with tracing(self._clock):
                await self.read_again(resource_id)

        # In a context of its own: it is not part of the request, whose time may be up.
        task = Context().run(asyncio.create_task, settle())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Return when what was in doubt has been read again."""
        await asyncio.gather(*self._tasks)


def connected(copies: Sequence[MirrorCopy]) -> None:
    """Tell copies of each other: whose groups are told by whose members."""
    for copy in copies:
        endpoint = copy.collection.resource.endpoint
        copy.referred = tuple(other for other in copies if _leading_to(copy, other.collection.resource.endpoint))
        copy.holders = tuple((other, name) for other in copies for name in _leading_to(other, endpoint))
        copy.memberships = tuple(
            Membership(relation, other, name)
            for relation in copy.collection.relations
            if relation.inverse
            for other, name in copy.holders
            if other.collection.resource.endpoint in relation.references.values()
        )


def _leading_to(copy: MirrorCopy, endpoint: str) -> list[str]:
    """The stored relations of a copy whose elements may be at an endpoint."""
    return [
        each.attribute
        for each in copy.collection.relations
        if each.attribute in copy.store.layout.relations and endpoint in each.references.values()
    ]
