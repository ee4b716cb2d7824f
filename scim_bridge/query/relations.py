"""Filling in what lives behind other endpoints: the members of groups, the groups of users."""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from scim_bridge.query.budget import Budget
from scim_bridge.query.capabilities import Collection, Element, Relation, RelationRead, Resource, Row
from scim_bridge.query.pages import Send, every_page, read_page
from scim_bridge.query.plan import Branch, quoted, scoped
from scim_bridge.query.push import Pushed
from scim_bridge.upstream.errors import BadAnswer, NotFound

T = TypeVar("T")


@dataclass(slots=True)
class Record:
    """A resource on its way out, and the elements of its relations as far as they are known.

    ``brought``: elements of which not all is known; good enough to be shown where nobody asked for them.
    """

    resource: Resource
    known: dict[str, list[Element]]
    brought: dict[str, list[Element]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        value: str = self.resource["id"]
        return value

    def related(self, names: Iterable[str]) -> Mapping[str, Any]:
        """The resource with known relations in it, to be looked at; an empty relation is unassigned."""
        return {**self.resource, **{name: self.known[name] for name in names if self.known.get(name)}}


def record_of(collection: Collection, row: Row) -> Record:
    """An upstream record as SCIM, with the relations it brings along. Raises BadAnswer where it has no id."""
    known: dict[str, list[Element]] = {}
    brought: dict[str, list[Element]] = {}
    for relation in collection.relations:
        elements = relation.inline(row)
        if elements is None and relation.reads and all(read.known_empty(row) for read in relation.reads):
            elements = []
        if elements is not None:
            (brought if relation.partial and elements else known)[relation.attribute] = elements
    resource = collection.decode(row)
    if not isinstance(resource.get("id"), str):
        raise BadAnswer("", f"a {collection.resource.name} came without an id")
    return Record(resource, known, brought)


class RelationLoader:
    """Loads relations of records, a bounded number of owners at a time."""

    def __init__(self, collection: Collection, send: Send, gather_limit: int) -> None:
        self._collection = collection
        self._send = send
        self._gate = asyncio.Semaphore(gather_limit)

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
        """Make the named relations known; a budget pays for those that only decide."""
        wanted = [relation for name in names if (relation := self._collection.relation(name)) is not None]
        missing = [(record, each) for record in records for each in wanted if each.attribute not in record.known]
        await all_or_nothing([self._load_one(record, relation, budget) for record, relation in missing])

    async def _load_one(self, record: Record, relation: Relation, budget: Budget | None) -> None:
        async with self._gate:
            record.known[relation.attribute] = await self.elements(relation, record.id, budget)

    async def elements(self, relation: Relation, owner: str, budget: Budget | None = None) -> list[Element]:
        """All elements of one owner's relation; one that no list holds is told by the owner's own record."""
        found: list[Element] = []
        if not relation.reads:
            page = await read_page(self._send, own_record(self._collection, owner), {})
            for row in page.rows:
                found.extend(relation.inline(row) or ())
            if budget is not None:
                budget.spend(page.read)
        for read in relation.reads:
            async for page in every_page(self._send, for_owner(read, owner)):
                if budget is not None:
                    budget.spend(page.read)
                found.extend(element for element in map(read.element, page.rows) if element is not None)
        return found


def own_record(collection: Collection, resource_id: str) -> Branch:
    """The look-up of one record by its id."""
    item = collection.item
    return Branch(item, item.path.replace("{id}", quoted(resource_id)), item.fixed, exact=True, unique=True)


def for_owner(read: RelationRead, owner: str | None) -> Branch:
    """The list of one owner, its id in the path or in a parameter; None leaves ``{id}`` as it is, to be shown."""
    access = read.access
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
