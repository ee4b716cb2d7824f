"""Filling in what lives behind other endpoints: the members of groups, the groups of users."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from scim_bridge.query.capabilities import Collection, Element, Relation, RelationRead, Resource, Row
from scim_bridge.query.pages import Send, every_page
from scim_bridge.query.plan import Branch, quoted, scoped
from scim_bridge.query.push import Pushed


@dataclass(slots=True)
class Record:
    """A resource on its way out, and the relations its own upstream record already told."""

    resource: Resource
    known: dict[str, list[Element]]

    @property
    def id(self) -> str:
        value: str = self.resource["id"]
        return value


def record_of(collection: Collection, row: Row) -> Record:
    """An upstream record as SCIM, with the relations it brings along."""
    known = {}
    for relation in collection.relations:
        elements = relation.inline(row)
        if elements is None and relation.reads and all(read.known_empty(row) for read in relation.reads):
            elements = []
        if elements is not None:
            known[relation.attribute] = elements
    return Record(collection.decode(row), known)


class RelationLoader:
    """Loads relations of records, a bounded number of owners at a time."""

    def __init__(self, collection: Collection, send: Send, gather_limit: int) -> None:
        self._collection = collection
        self._send = send
        self._gate = asyncio.Semaphore(gather_limit)

    async def fill(self, records: Sequence[Record], names: Iterable[str]) -> None:
        """Put the named relations into the records' resources; an empty one stays unassigned."""
        wanted = [relation for name in names if (relation := self._collection.relation(name)) is not None]
        jobs = [self._fill_one(record, relation) for record in records for relation in wanted]
        if len(jobs) == 1:
            await jobs[0]
        elif jobs:
            await all_or_nothing(jobs)

    async def _fill_one(self, record: Record, relation: Relation) -> None:
        elements = record.known.get(relation.attribute)
        if elements is None:
            async with self._gate:
                elements = await self.elements(relation, record.id)
            record.known[relation.attribute] = elements
        if elements:
            record.resource[relation.attribute] = elements
        else:
            record.resource.pop(relation.attribute, None)

    async def elements(self, relation: Relation, owner: str) -> list[Element]:
        """All elements of one owner's relation."""
        found: list[Element] = []
        for read in relation.reads:
            branch = _for_owner(read, owner)
            async for page in every_page(self._send, branch):
                found.extend(element for element in map(read.element, page.rows) if element is not None)
        return found


def _for_owner(read: RelationRead, owner: str) -> Branch:
    """The list of one owner: its id in the path, or in the text."""
    access = read.access
    params: dict[str, str] = {
        name: value.replace("{id}", owner) if name == access.expression else value
        for name, value in access.fixed.items()
    }
    if access.expression is not None and access.always is not None:
        text = scoped(access.always, Pushed(text=params.get(access.expression), joined="and"))
        params[access.expression] = text or access.always
    return Branch(access, access.path.replace("{id}", quoted(owner)), params, exact=True)


async def all_or_nothing(jobs: Sequence[Any]) -> list[Any]:
    """Run coroutines together; the first failure cancels the rest and is raised itself."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def without(record: Record, names: Iterable[str]) -> Record:
    """A record without some relations in its resource, for rows where they were only needed to decide."""
    dropped = set(names)
    kept = {name: value for name, value in record.resource.items() if name not in dropped}
    return replace(record, resource=kept)


def references(relation: Relation, element: Mapping[str, Any]) -> str | None:
    """The SCIM endpoint an element refers to, such as ``/Users``."""
    return relation.references.get(str(element.get("type") or "")) or relation.references.get("")
