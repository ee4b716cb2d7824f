"""POST, PUT, PATCH and DELETE: what clients send becomes changes, never more than they asked for."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from json import dumps
from typing import Any
from weakref import WeakValueDictionary

from scim2_server.conditions import Conditions

from scim_bridge.filters import parse
from scim_bridge.protocol.audit import Trail
from scim_bridge.protocol.bodies import ResourceBody, read_resource
from scim_bridge.protocol.errors import ScimError, invalid_value, not_found
from scim_bridge.protocol.memberships import from_current, null_error, told
from scim_bridge.protocol.operations import Operation, read_patch
from scim_bridge.protocol.patch import Patcher
from scim_bridge.protocol.profiles import Profile
from scim_bridge.protocol.rows import version_of
from scim_bridge.protocol.values import check_immutable, check_required
from scim_bridge.query.capabilities import Element, Resource, Row
from scim_bridge.query.directory import Changes, Directory, MemberChanges, Unsupported
from scim_bridge.query.plan import Query
from scim_bridge.query.relations import Record
from scim_bridge.schemas import Schema
from scim_bridge.upstream.errors import BadAnswer, NotFound, Rejected, UpstreamError


@dataclass(slots=True)
class Written:
    """What a write left: the record where it is known, what the client wrote, and what of it was ignored."""

    record: Record | None = None
    touched: frozenset[str] = frozenset()
    left_out: list[str] = field(default_factory=list)


class Writer:
    """Writes resources of one type of a connection, one write at a time for each resource.

    Upstreams have no conditional writes of their own: that writes to one resource wait for each other is what makes one
    of two with the same If-Match fail (RFC 7644 section 3.14).
    """

    def __init__(self, directory: Directory, profile: Profile) -> None:
        self._directory = directory
        self._collection = directory.collection
        self._schema = directory.collection.resource
        self._profile = profile
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    # -- POST ---------------------------------------------------------------------------------------------------------

    async def create(self, body: Mapping[str, Any], trail: Trail) -> Written:
        """Create a resource. ``trail``, here and below, is told what is about to change, and whether it did."""
        if self._collection.writes.create is None:
            # Before the body is looked at: what is wrong with it does not matter then.
            raise Unsupported(f"this upstream has no way to create a {self._schema.name}")
        read, values, members = self._read(body)
        left_out = [*read.left_out, *self._refused_or_ignored(values, read.dropped)]
        trail.after = values
        trail.members = {name: MemberChanges(added=tuple(each)) for name, each in members.items()}
        await self._guard_name(values)
        try:
            record = await self._directory.create(self._collection.written(values, None), members)
        except NotFound as error:
            # What is not there is a member the body names; without any, the list itself, which is trouble.
            raise _as(Rejected if any(members.values()) else BadAnswer, error) from None
        trail.resource_id, trail.carried_out = record.id, True
        for name in self._writable_relations():
            if members.get(name):
                record.known.pop(name, None)  # what the new record brings is from before they were added
                record.brought[name] = members[name]
            else:
                record.known.setdefault(name, [])  # a new resource has none that nobody gave it
        return Written(record, read.written, left_out)

    # -- PUT ----------------------------------------------------------------------------------------------------------

    async def replace(self, resource_id: str, body: Mapping[str, Any], conditions: Conditions, trail: Trail) -> Written:
        """Replace what clients may write; what the body leaves out is cleared, as RFC 7644 section 3.5.1 allows.

        An omitted ``active`` stays, and so do extensions whose URN the body does not name: clients that do not know
        them would disable or wipe what others maintain. What is immutable stays where it is omitted.
        """
        self._check_offered()
        async with self._lock(resource_id):
            row, record = await self._current(resource_id)
            await self._check(record, conditions, "PUT")
            before = self._editable(row, record)
            read, values, members = self._read(body, before)
            await self._guard_members(resource_id, read)
            left_out = [*read.left_out, *self._refused_or_ignored(values, read.dropped)]
            after = self._collection.written(self._replaced(before, values, read), None)
            changes = Changes(
                before,
                after,
                {name: MemberChanges(exact=True, added=tuple(members[name])) for name in members},
            )
            trail.before, trail.after, trail.members = before, after, changes.members
            await self._guard_name(after, before, resource_id)
            return await self._carry_out(resource_id, row, record, changes, read.written, left_out, trail)

    async def _guard_members(self, resource_id: str, read: ResourceBody) -> None:
        """Raises ScimError 400 where members given as null would be taken away."""
        if not self._profile.strict:
            for name in self._writable_relations() & read.nulls:
                if await self._directory.members(resource_id, name):
                    raise null_error(name)

    def _replaced(self, before: Resource, values: Resource, read: ResourceBody) -> Resource:
        after = {**_immutable(before, self._schema.base), **values}
        for each in self._schema.extensions:
            urn, held = each.schema.id, before.get(each.schema.id) or {}
            kept = held if urn not in read.schemas else _immutable(held, each.schema)
            if kept:
                after[urn] = {**kept, **after.get(urn, {})}
        check_immutable(before, after, self._schema)
        kept = {"active": before["active"]} if "active" in before and "active" not in values else {}
        read_only = [each.name for each in self._schema.base.attributes if each.mutability == "readOnly"]
        kept |= {name: before[name] for name in ("schemas", "id", "meta", *read_only) if name in before}
        return {**after, **kept}

    # -- PATCH --------------------------------------------------------------------------------------------------------

    async def patch(self, resource_id: str, body: Mapping[str, Any], conditions: Conditions, trail: Trail) -> Written:
        """Apply operations (RFC 7644 section 3.5.2), all or none."""
        self._check_offered()
        async with self._lock(resource_id):
            read = read_patch(body, self._schema, self._profile, resource_id)
            related = self._by_relation(read.operations)
            own = [each for each in read.operations if each.path.attribute.name not in related]
            needed = own or conditions.if_match or conditions.if_none_match or self._collection.scoped
            row, record = await self._current(resource_id) if needed else (None, None)
            if record is not None:
                await self._check(record, conditions, "PATCH")
            before, after, patcher = None, None, None
            if row is not None and record is not None and own:
                before = self._editable(row, record)
                patcher = Patcher({**before}, self._profile, self._collection.no_place)
                for operation in own:
                    patcher.apply(operation)
                after = self._patched(patcher, before)
                trail.before, trail.after = before, after
                await self._guard_name(after, before, resource_id)
            members = {name: await self._members(resource_id, each) for name, each in related.items()}
            changes = Changes(before, after, {name: each for name, each in members.items() if not each.empty})
            trail.members = changes.members
            if row is None and not changes.members:
                row, record = await self._current(resource_id)  # there is nothing to do, to something that must exist
            touched = frozenset(related) | frozenset(patcher.touched if patcher else ())
            left_out = [*read.left_out, *(patcher.reader.left_out if patcher else ())]
            return await self._carry_out(resource_id, row, record, changes, touched, left_out, trail)

    def _patched(self, patcher: Patcher, before: Resource) -> Resource:
        """The resource after all operations, checked, in the form it will be read back."""
        after = patcher.resource
        check_required(after, self._schema, before=before)
        check_immutable(before, after, self._schema)
        patcher.reader.left_out += self._refused_or_ignored(after, ())
        return self._collection.written(after, before)

    def _by_relation(self, operations: Iterable[Operation]) -> dict[str, list[Operation]]:
        writable = self._writable_relations()
        found: dict[str, list[Operation]] = {}
        for each in operations:
            if each.path.attribute.name in writable:
                found.setdefault(each.path.attribute.name, []).append(each)
        return found

    async def _members(self, resource_id: str, operations: Sequence[Operation]) -> MemberChanges:
        changes = told(operations, self._profile)
        if changes is not None:
            return changes
        current = await self._directory.members(resource_id, operations[0].path.attribute.name)
        return from_current(operations, self._profile, current)

    # -- DELETE -------------------------------------------------------------------------------------------------------

    async def delete(self, resource_id: str, conditions: Conditions, trail: Trail) -> None:
        """Delete a resource; it is read first only where a condition, or the connection's scope, depends on it."""
        async with self._lock(resource_id):
            if conditions.if_match or conditions.if_none_match or self._collection.scoped:
                _, record = await self._current(resource_id)
                trail.before = record.resource
                await self._check(record, conditions, "DELETE")
            elif not self._collection.is_id(resource_id):
                raise not_found(self._schema.name, resource_id)
            await self._directory.delete(resource_id)
            trail.carried_out = True

    # -- what they share ----------------------------------------------------------------------------------------------

    def _check_offered(self) -> None:
        """Raises Unsupported where nothing of the type can be changed: what is ignored would look like a success."""
        writes = self._collection.writes
        if writes.update is None and not writes.members:
            raise Unsupported(f"this upstream has no way to change a {self._schema.name}")

    async def _current(self, resource_id: str) -> tuple[Row, Record]:
        found = await self._directory.found(resource_id)
        if found is None:
            raise not_found(self._schema.name, resource_id)
        return found

    def _editable(self, row: Row, record: Record) -> Resource:
        """What a change starts from."""
        return record.resource if self._collection.editable is None else self._collection.editable(row)

    async def _guard_name(self, values: Resource, before: Resource | None = None, own_id: str | None = None) -> None:
        """Raises ScimError 409 where another resource has the user name, in another spelling of its letters.

        Names are prepared before they are compared (RFC 7644 section 7.8), which not every upstream does. Only letters
        beyond ASCII have two spellings, so that no other name costs a look-up; without one the upstream's word counts.
        """
        name = values.get("userName")
        if not isinstance(name, str) or name.isascii() or name == (before or {}).get("userName"):
            return
        query = Query(parse(f"userName eq {dumps(name)}"), count=2, need_total=False)
        reader = self._directory.reader
        if reader.planner.plan(query).strategy != "lookup":
            return
        page = await reader.search(query)
        if any(each.id != own_id for each in page.records):
            raise ScimError(409, f"userName {name!r} is taken", "uniqueness")

    async def _check(self, record: Record, conditions: Conditions, method: str) -> None:
        """Raises PreconditionFailedException; relations that are part of the version are loaded for it."""
        if conditions.if_match or conditions.if_none_match:
            owned = [each.attribute for each in self._collection.relations if each.shown == "always"]
            await self._directory.reader.relations.fill([record], owned)
            conditions.check(version_of(self._collection, record), method)

    async def _carry_out(
        self,
        resource_id: str,
        row: Row | None,
        record: Record | None,
        changes: Changes,
        touched: frozenset[str],
        left_out: list[str],
        trail: Trail,
    ) -> Written:
        if not changes.own and not changes.members:
            trail.carried_out = True
            return Written(record, touched, left_out)
        try:
            new = await self._directory.change(resource_id, row, changes)
        except NotFound as error:
            # A client that is told 404 takes the group itself for gone, and makes another one.
            if not changes.members or await self._directory.row(resource_id) is None:
                raise
            raise _as(Rejected, error) from None
        trail.carried_out = True
        # A record from before the members changed would show the old ones where it brings them along.
        return Written(new.record if new is not None and not changes.members else None, touched, left_out)

    def _read(
        self, body: Mapping[str, Any], before: Resource | None = None
    ) -> tuple[ResourceBody, Resource, dict[str, list[Element]]]:
        """A POST or PUT body, its own values, and the elements of each relation that can be written."""
        writable, supplied = self._writable_relations(), self._collection.supplied
        read = read_resource(body, self._schema, self._profile, supplied=supplied, relations=writable, before=before)
        members = {name: list(read.values.get(name) or ()) for name in writable}
        return read, {name: value for name, value in read.values.items() if name not in writable}, members

    def _writable_relations(self) -> frozenset[str]:
        return frozenset(self._collection.writes.members)

    def _refused_or_ignored(self, values: Resource, dropped: Iterable[str]) -> list[str]:
        """What the upstream has no place for: refused in strict reading, otherwise named for the log."""
        homeless = [name for name in dropped if name.partition(".")[0] in self._collection.no_place]
        homeless += self._collection.homeless(values)
        if homeless and self._profile.strict:
            raise invalid_value(f"The upstream cannot hold {', '.join(homeless)}")
        return homeless

    def _lock(self, resource_id: str) -> asyncio.Lock:
        """The lock of a resource, which is forgotten once nobody holds it."""
        return self._locks.setdefault(resource_id, asyncio.Lock())


def _as(kind: type[UpstreamError], error: NotFound) -> UpstreamError:
    """What the upstream says is not there, where it is not what the client asked for by its address."""
    return kind(error.upstream, error.detail, status=error.status, codes=error.codes, sent=error.sent)


def _immutable(held: Mapping[str, Any], schema: Schema) -> Resource:
    """What of a resource, or of its part under an extension, may only be set once."""
    names = [each.name for each in schema.attributes if each.mutability == "immutable"]
    return {name: held[name] for name in names if name in held}
