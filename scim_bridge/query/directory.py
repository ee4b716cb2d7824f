"""One connection's resources: reading and writing them, as the protocol layer sees it."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

from scim_bridge.clock import Clock
from scim_bridge.query.budget import ScanTooLarge
from scim_bridge.query.cache import QueryCache
from scim_bridge.query.capabilities import Collection, Element, MemberWrites, Referrers, Resource, Row, Steps
from scim_bridge.query.pages import Send
from scim_bridge.query.relations import Record, record_of
from scim_bridge.query.run import Reader, ReadLimits
from scim_bridge.query.sources import Copy, Source
from scim_bridge.query.version import owned_relations
from scim_bridge.query.write import Transaction
from scim_bridge.upstream.errors import BadAnswer, NotFound, UpstreamError

W = TypeVar("W")
_log = logging.getLogger("scim_bridge.write")


class Unsupported(Exception):
    """The upstream has no way to carry out a change of this kind."""


@dataclass(frozen=True, slots=True)
class MemberChanges:
    """What happens to one relation. ``exact``: the elements it shall have; else those added and removed."""

    exact: bool = False
    added: tuple[Element, ...] = ()
    removed: tuple[Element, ...] = ()

    @property
    def empty(self) -> bool:
        return not (self.exact or self.added or self.removed)


@dataclass(slots=True)
class Changes:
    """What a PUT or PATCH comes to: the resource's own attributes before and after, and each relation's changes.

    ``own``: whether an attribute of the resource itself changes.
    """

    before: Resource | None = None
    after: Resource | None = None
    members: Mapping[str, MemberChanges] = field(default_factory=dict)
    own: bool = field(init=False)

    def __post_init__(self) -> None:
        if (self.before is None) != (self.after is None):
            raise ValueError("a resource changes from one state to another: both are needed")
        self.own = self.after != self.before  # compared once, as it is asked for at each step


@dataclass
class Told:
    """A record as the upstream told it after a write; ``record``: read, once, where somebody looks at it."""

    collection: Collection
    row: Row

    @cached_property
    def record(self) -> Record:
        return record_of(self.collection, self.row)


class Directory:
    """The resources of one type behind one connection."""

    def __init__(
        self,
        collection: Collection,
        send: Send,
        cache: QueryCache,
        clock: Clock,
        limits: ReadLimits,
    ) -> None:
        self.collection = collection
        self.copy: Copy | None = None
        self.reader = Reader(collection, send, cache, clock, limits)
        self._send = send
        self._cache = cache
        self._clock = clock

    async def source(self) -> Source:
        """What answers reads: the copy, once there is one that holds everything."""
        return self.copy if self.copy is not None and await self.copy.ready() else self.reader

    async def row(self, resource_id: str) -> Row | None:
        return await self.reader.row(resource_id)

    async def found(self, resource_id: str) -> tuple[Row, Record] | None:
        """The upstream record with an id, and the resource that it is; None where there is none."""
        return await self.reader.found(resource_id)

    async def members(self, resource_id: str, attribute: str) -> list[Element]:
        """All elements of a relation."""
        relation = self.collection.relation(attribute)
        assert relation is not None
        return await self.reader.relations.elements(relation, resource_id)

    async def create(self, values: Resource, members: Mapping[str, Sequence[Element]]) -> Record:
        """Create a resource with its members; returns it as the upstream told it."""
        create = self._offered(self.collection.writes.create, "create")
        writes = {name: self._member_writes(name) for name, elements in members.items() if elements}
        async with self._transaction(makes_owner=True) as transaction:
            record = record_of(self.collection, _row(await transaction.run(create(values))))
            for name, each in writes.items():
                await transaction.run_all(_chunked(each.add, record.id, members[name], each.chunk))
        if self.copy is not None:
            known: dict[str, Sequence[Element]] = {name: () for name in owned_relations(self.collection)}
            known |= members
            await self.copy.wrote(record, known)
        return record

    async def change(self, resource_id: str, row: Row | None, changes: Changes) -> Told | None:
        """Carry out changes; returns the new record where the upstream told it, else None.

        ``row`` is the current record; without it, it is read where own attributes change. Raises NotFound where there
        is none.
        """
        update = self._offered(self.collection.writes.update, "change") if changes.own else None
        writes = {name: self._member_writes(name) for name in changes.members}
        if update is not None and row is None and (row := await self.row(resource_id)) is None:
            raise NotFound("", f"there is no {self.collection.resource.name} {resource_id!r}")
        steps = [
            await self._member_steps(resource_id, name, each, changes.members[name]) for name, each in writes.items()
        ]
        result: Told | None = None
        async with self._transaction(resource_id) as transaction:
            if update is not None and row is not None and changes.before is not None and changes.after is not None:
                told = await transaction.run(update(row, changes.before, changes.after))
                result = Told(self.collection, _row(told)) if told is not None else None
            for additions, removals in steps:
                await transaction.run_all(additions)  # first, as one that is refused then costs nobody a membership
                await transaction.run_all(removals)
        if self.copy is not None:
            await self._note(self.copy, resource_id, result, changes)
        return result

    async def _note(self, copy: Copy, resource_id: str, result: Told | None, changes: Changes) -> None:
        """Note in the copy what was changed; where the upstream did not tell all of it, that is read again."""
        if changes.own and result is not None:
            await copy.wrote(result.record, {})
        if (changes.own and result is None) or any(each.exact for each in changes.members.values()):
            await copy.read_again(resource_id)
            return
        for name, each in changes.members.items():
            await copy.changed_elements(resource_id, name, each.added, each.removed)

    async def delete(self, resource_id: str) -> None:
        """Delete a resource, and take it out of what still has it as a member. Raises NotFound as the upstream does."""
        delete = self._offered(self.collection.writes.delete, "delete")
        await self.collection.remembered.refresh()
        async with self._transaction(resource_id) as transaction:
            await transaction.run(delete(resource_id))
            await self.collection.remembered.save()
            if self.copy is not None:
                await self.copy.deleted(resource_id)
            for each in self.collection.referrers:
                holders = await self._holders(each, resource_id)
                await transaction.run_all([each.remove(holder, [{"value": resource_id}]) for holder in holders])

    async def _holders(self, referrers: Referrers, resource_id: str) -> list[str]:
        """The ids of what names a resource; none where that cannot be found out, or takes more than may be read."""
        try:
            found = await self.reader.relations.of_all(referrers.read, [resource_id])
        except (ScanTooLarge, UpstreamError) as error:
            # It is deleted: a client that is told of a failure would delete it again.
            told = {"id": resource_id, "error": type(error).__name__}
            _log.warning("memberships of what was deleted may be left", extra=told)
            return []
        return [each["value"] for each in found[resource_id]]

    async def _member_steps(
        self, owner: str, name: str, writes: MemberWrites, changes: MemberChanges
    ) -> tuple[list[Steps], list[Steps]]:
        """Additions, and removals; the parts of each are independent."""
        added, removed = changes.added, changes.removed
        if changes.exact:
            current = await self.members(owner, name)
            wanted, held = {each["value"] for each in added}, {each["value"] for each in current}
            added = tuple(each for each in added if each["value"] not in held)
            removed = tuple(each for each in current if each["value"] not in wanted)
        additions = _chunked(writes.add, owner, added, writes.chunk)
        removals = _chunked(writes.remove, owner, removed, writes.chunk)
        if writes.silent and not changes.exact:
            return [_for_good(each) for each in additions], [_for_good(each) for each in removals]
        return additions, removals

    def _member_writes(self, attribute: str) -> MemberWrites:
        writes = self.collection.writes.members.get(attribute)
        if writes is None:
            raise Unsupported(f"{attribute} cannot be changed on this upstream")
        return writes

    def _offered(self, write: W | None, what: str) -> W:
        if write is None:
            raise Unsupported(f"this upstream has no way to {what} a {self.collection.resource.name}")
        return write

    @asynccontextmanager
    async def _transaction(
        self, resource_id: str | None = None, *, makes_owner: bool = False
    ) -> AsyncIterator[Transaction]:
        """The calls of one write; whatever happens, what was cached of the connection is stale afterwards.

        After a failure, what became of the resource is not sure, as undoing may fail too.
        """
        transaction = Transaction(self._send, makes_owner, self._clock)
        try:
            yield transaction
        except Exception as error:
            await transaction.undo(error)
            if self.copy is not None and resource_id is not None:
                self.copy.doubt(resource_id)
            raise
        finally:
            await self._cache.end()


def _row(told: object) -> Row:
    """What a write told of a record. Raises BadAnswer where it is none."""
    if not isinstance(told, Mapping):
        raise BadAnswer("", "a write was answered with no record", sent=True)
    return told


def _chunked(
    write: Callable[[str, Sequence[Element]], Steps], owner: str, elements: Sequence[Element], size: int
) -> list[Steps]:
    return [write(owner, elements[start : start + size]) for start in range(0, len(elements), size)]


def _for_good(steps: Steps) -> Steps:
    """The same steps, with calls that are not undone."""
    try:
        call = next(steps)
        while True:
            try:
                reply = yield replace(call, undo=None)
            except UpstreamError as error:
                call = steps.throw(error)
            else:
                call = steps.send(reply)
    except StopIteration as end:
        return end.value
