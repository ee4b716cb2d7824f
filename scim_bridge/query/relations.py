"""Filling in what lives behind other endpoints: the members of groups, the groups of users."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from scim_bridge.query.budget import Budget
from scim_bridge.query.capabilities import AccessPath, Collection, Element, Relation, RelationRead, Resource, Row
from scim_bridge.query.pages import WRONG_SHAPE, Send, every_page, read_page, understood, wrong_shape
from scim_bridge.query.plan import Branch, quoted, scoped
from scim_bridge.query.push import Pushed
from scim_bridge.upstream.errors import BadAnswer, NotFound, Rejected, UpstreamError

T = TypeVar("T")
MAX_LOOKUPS: Final = 20
"""Elements of one answer that are looked up to tell what they are; where there are more, none is."""


@dataclass(slots=True)
class Record:
    """A resource on its way out, and the elements of its relations as far as they are known.

    ``brought``: elements of which not all is known; good enough to be shown where nobody asked for them. ``state``: the
    digest of the resource as its upstream has it (`query.version`), where it is known.
    """

    resource: Resource
    known: dict[str, list[Element]]
    brought: dict[str, list[Element]] = field(default_factory=dict)
    state: bytes | None = None

    @property
    def id(self) -> str:
        value: str = self.resource["id"]
        return value

    def related(self, names: Iterable[str]) -> Mapping[str, Any]:
        """The resource with known relations in it, to be looked at; an empty relation is unassigned."""
        return {**self.resource, **{name: self.known[name] for name in names if self.known.get(name)}}


def record_of(collection: Collection, row: Row, *, lean: bool = False) -> Record:
    """An upstream record as SCIM, with the relations it brings along; ``lean``: it was asked for without them.

    Raises BadAnswer where it has no id, or is no such record at all.
    """
    try:
        return _record_of(collection, row, lean)
    except WRONG_SHAPE as error:
        raise wrong_shape(f"the record of a {collection.resource.name}", error) from None


def _record_of(collection: Collection, row: Row, lean: bool) -> Record:
    known: dict[str, list[Element]] = {}
    brought: dict[str, list[Element]] = {}
    for relation in () if lean else collection.relations:
        elements = relation.inline(row)
        if elements is None and relation.reads and all(read.known_empty(row) for read in relation.reads):
            elements = []
        if elements is not None:
            (brought if relation.partial and elements else known)[relation.attribute] = _once(elements)
    resource = collection.decode(row)
    if not isinstance(resource.get("id"), str):
        raise BadAnswer("", f"a {collection.resource.name} came without an id")
    return Record(resource, known, brought)


class RelationLoader:
    """Loads relations of records, a bounded number of owners at a time."""

    def __init__(
        self, collection: Collection, send: Send, gather_limit: int, budget: Callable[[], Budget] | None = None
    ) -> None:
        """``budget`` makes one for what is read to answer a request, and is not part of the answer."""
        self._collection = collection
        self._send = send
        self._gate = asyncio.Semaphore(gather_limit)
        self._budget = budget

    async def fill(self, records: Sequence[Record], names: Iterable[str]) -> None:
        """Put the named relations into the records' resources; an empty one stays unassigned."""
        names = tuple(names)
        await self.load(records, names)
        for record in records:
            for name in names:
                if elements := record.known.get(name):
                    record.resource[name] = elements
                else:
                    record.resource.pop(name, None)

    async def load(self, records: Sequence[Record], names: Iterable[str], budget: Budget | None = None) -> None:
        """Make the named relations known; a budget pays for those that only decide.

        Those that are to be shown are also told what they refer to, where that takes a few look-ups.
        """
        wanted = [relation for name in names if (relation := self._collection.relation(name)) is not None]
        try:
            await self._load(records, wanted, budget)
        except NotFound as error:  # a client that is told 404 takes for gone what was just there
            raise BadAnswer(error.upstream, error.detail, status=error.status, codes=error.codes) from None

    async def _load(self, records: Sequence[Record], wanted: Sequence[Relation], budget: Budget | None) -> None:
        missing = [(record, each) for record in records for each in wanted if each.attribute not in record.known]
        apart = [(record, each) for record, each in missing if all(read.owners is None for read in each.reads)]
        await all_or_nothing([self._load_one(record, relation, budget) for record, relation in apart])
        for relation in wanted:
            await self._load_shared(relation, [record for record, each in missing if each is relation], budget)
            if budget is None:
                await self._tell_kinds(relation, records)

    async def _load_one(self, record: Record, relation: Relation, budget: Budget | None) -> None:
        async with self._gate:
            record.known[relation.attribute] = _once(await self.elements(relation, record.id, budget))

    async def _load_shared(self, relation: Relation, records: Sequence[Record], budget: Budget | None) -> None:
        """A relation that one list holds for all owners: it is read once, however many they are."""
        missing = [each for each in records if relation.attribute not in each.known]
        if not missing:
            return
        found: dict[str, list[Element]] = {each.id: [] for each in missing}
        for read in relation.reads:
            for owner, elements in (await self.of_all(read, found, budget)).items():
                found[owner] += elements
        for each in missing:
            each.known[relation.attribute] = _once(found[each.id])

    async def elements(self, relation: Relation, owner: str, budget: Budget | None = None) -> list[Element]:
        """All elements of one owner's relation; one that no list holds is told by the owner's own record.

        Raises NotFound where there is no such record: that is not to have none.
        """
        if not relation.reads:
            return await self._told_by_record(relation, owner, budget)
        found: list[Element] = []
        for read in relation.reads:
            found += (await self.of_all(read, (owner,), budget))[owner]
        return found

    async def _told_by_record(self, relation: Relation, owner: str, budget: Budget | None) -> list[Element]:
        page = await read_page(self._send, _by_id(relation.record or self._collection.item, owner), {})
        if budget is not None:
            budget.spend(page.read)
        own = [row for row in page.rows if record_of(self._collection, row, lean=True).id == owner]
        if not own:
            name = self._collection.resource.name
            raise NotFound("", f"the {name} {owner!r} was not there when its {relation.attribute} were looked up")
        with understood(f"the record of a {self._collection.resource.name}"):
            return [each for row in own for each in relation.inline(row) or ()]

    async def of_all(
        self, read: RelationRead, owners: Iterable[str], budget: Budget | None = None
    ) -> dict[str, list[Element]]:
        """The elements that one list holds, by owner."""
        found = await self._direct(read, owners, budget)
        if read.nested:
            await self._add_indirect(read, found, budget)
        return found

    async def _direct(
        self, read: RelationRead, owners: Iterable[str], budget: Budget | None
    ) -> dict[str, list[Element]]:
        found: dict[str, list[Element]] = {each: [] for each in owners}
        try:
            await self._read(read, found, budget)
        except Rejected:
            if read.instead is None:
                raise
            return await self._direct(read.instead, found, budget)
        return found

    async def _add_indirect(self, read: RelationRead, found: dict[str, list[Element]], budget: Budget | None) -> None:
        """What the elements are elements of, and so on: each once, also where they hold each other."""
        above: dict[str, list[Element]] = {}
        open_values = _values(found)
        while open_values:
            above |= await self._direct(read, open_values, budget)
            open_values = _values(above) - above.keys()
        for elements in found.values():
            told = {each["value"] for each in elements}
            for each in elements:  # it grows meanwhile
                for one in above[each["value"]]:
                    if one["value"] not in told:
                        told.add(one["value"])
                        elements.append({**one, "type": "indirect"})

    async def _read(self, read: RelationRead, found: dict[str, list[Element]], budget: Budget | None) -> None:
        if read.owners is not None:
            await self._invert(read, found, budget)
            return
        for owner, elements in found.items():
            async with aclosing(every_page(self._send, for_owner(read, owner))) as pages:
                async for page in pages:
                    if budget is not None:
                        budget.spend(page.read)
                    with understood(read.access.path):
                        elements.extend(_told(read, page.rows))

    async def _invert(self, read: RelationRead, found: dict[str, list[Element]], budget: Budget | None) -> None:
        """Read a list of everybody's elements. It takes a budget in any case: most of it is not asked for."""
        budget = budget or (self._budget() if self._budget is not None else None)
        async with aclosing(every_page(self._send, for_owner(read, None))) as pages:
            async for page in pages:
                if budget is not None:
                    budget.spend(page.read)
                owners = await all_or_nothing([self._owners(read, row, budget) for row in page.rows])
                for row, names in zip(page.rows, owners, strict=True):
                    if (element := read.element(row)) is not None:
                        for owner in names & found.keys():
                            found[owner].append(element)

    async def _owners(self, read: RelationRead, row: Row, budget: Budget | None) -> frozenset[str]:
        """The owners that a row is an element of, by its own record where a list does not tell."""
        assert read.owners is not None
        with understood(read.access.path):
            owners, element = read.owners(row), read.element(row)
        if owners is None and read.record is not None and element is not None:
            async with self._gate:
                page = await read_page(self._send, _by_id(read.record, element["value"]), {})
            if budget is not None:
                budget.spend(page.read)
            owners = read.owners(page.rows[0]) if page.rows else None
        return frozenset(owners or ())

    async def _tell_kinds(self, relation: Relation, records: Sequence[Record]) -> None:
        """Look up the elements that do not tell what they refer to, up to MAX_LOOKUPS of them."""
        name = relation.attribute
        untold = {
            each["value"]: Element() for record in records for each in record.known.get(name, ()) if "type" not in each
        }
        if not relation.kinds or not untold or len(untold) > MAX_LOOKUPS:
            return
        told = await all_or_nothing([self._kind(relation, value) for value in untold])
        untold.update(zip(untold, told, strict=True))
        for record in records:
            if name in record.known:
                record.known[name] = [{**untold.get(each["value"], {}), **each} for each in record.known[name]]

    async def _kind(self, relation: Relation, value: str) -> Element:
        """The type and display of what an element refers to; nothing where none of the kinds has it."""
        if not value.isprintable():
            return {}  # no id has control characters, and servers that repeat them in a header break off their answer
        for kind, each in relation.kinds.items():
            async with self._gate:
                try:
                    rows = (await read_page(self._send, _by_id(each.item, value), {})).rows
                except Rejected:  # such an id there cannot be
                    rows = []
            if rows:
                display = each.display(rows[0])
                return {"type": kind, **({"display": display} if display else {})}
        return {}


def _told(read: RelationRead, rows: Iterable[Row]) -> Iterator[Element]:
    """The elements of rows. One whose row does not say which it is must not be left out for that."""
    for element in map(read.element, rows):
        if element is not None:
            if not isinstance(element["value"], str):
                raise TypeError("an id is text")
            yield element


def _once(elements: list[Element]) -> list[Element]:
    """Elements without those of the same type and value: some upstreams add a member again (RFC 7643 section 2.4)."""
    found = {(each["value"], each.get("type")): each for each in reversed(elements)}
    return elements if len(found) == len(elements) else list(reversed(found.values()))


def _values(elements: Mapping[str, Sequence[Element]]) -> set[str]:
    return {each["value"] for held in elements.values() for each in held}


def own_record(collection: Collection, resource_id: str) -> Branch:
    """The look-up of one record by its id."""
    return _by_id(collection.item, resource_id)


def _by_id(item: AccessPath, resource_id: str) -> Branch:
    return Branch(item, item.path.replace("{id}", quoted(resource_id)), item.fixed, exact=True, most=1)


def for_owner(read: RelationRead, owner: str | None) -> Branch:
    """The list of one owner, its id in the path or in a parameter; None leaves ``{id}`` as it is, to be shown."""
    # "Not found" is no empty list here: whose list it is was just found.
    access = replace(read.access, absent=read.access.absent or _never)
    params = dict(access.fixed)
    if access.expression is not None:
        text = scoped(access.always, Pushed(text=params.get(access.expression)))
        params |= {access.expression: text} if text is not None else {}
    if owner is None:
        return Branch(access, access.path, params, exact=True)
    if not _is_plain(owner) and "{id}" in params.get(access.expression or "", ""):
        raise NotFound("", "no record has such an id")  # it would end the literal that is to hold it
    params = {name: value.replace("{id}", owner) for name, value in params.items()}
    return Branch(access, access.path.replace("{id}", quoted(owner)), params, exact=True)


def _never(error: UpstreamError) -> bool:
    return False


def _is_plain(text: str) -> bool:
    return text.isprintable() and not set(text) & set("\"'\\")


async def all_or_nothing(jobs: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Run coroutines that only read together; the first failure cancels the rest and is raised itself."""
    if len(jobs) < 2:
        return [await job for job in jobs]
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def references(relation: Relation, element: Mapping[str, Any]) -> str | None:
    """The SCIM endpoint an element refers to, such as ``/Users``."""
    return relation.references.get(str(element.get("type") or "")) or relation.references.get("")
