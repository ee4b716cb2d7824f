"""Running queries: look-ups, windows and scans over one collection, within budgets, with what pages leave behind."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from scim_bridge.clock import Clock
from scim_bridge.filters import predicate, sort_rows
from scim_bridge.query.budget import Budget
from scim_bridge.query.cache import QueryCache
from scim_bridge.query.capabilities import Collection, Params, Resource, Row
from scim_bridge.query.pages import ListReader, Send, every_page, read_page
from scim_bridge.query.plan import Branch, Plan, Planner, Query, quoted
from scim_bridge.query.relations import Record, RelationLoader, record_of, without

GATHER_LIMIT: Final = 8
"""Owners whose relations are loaded at the same time for one request."""


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What reading may cost; the connection's limits."""

    scan_rows: int = 50_000
    scan_seconds: float = 40.0


@dataclass(frozen=True, slots=True)
class Page:
    """Records of one page, how many match in all (None where that was not asked), and where the next page starts."""

    records: list[Record]
    total: int | None
    next: Mapping[str, Any] | None

    @property
    def resources(self) -> list[Resource]:
        return [each.resource for each in self.records]


class Reader:
    """Reads one collection of one connection."""

    def __init__(
        self, collection: Collection, send: Send, cache: QueryCache, clock: Clock, limits: ReadLimits = ReadLimits()
    ) -> None:
        self.collection = collection
        self.planner = Planner(collection)
        self.relations = RelationLoader(collection, send, GATHER_LIMIT)
        self._send = send
        self._cache = cache
        self._clock = clock
        self._limits = limits

    async def row(self, resource_id: str) -> Row | None:
        """The upstream record with an id; None where there is none within the connection's scope."""
        if not self.collection.is_id(resource_id):
            return None
        item = self.collection.item
        path = item.path.replace("{id}", quoted(resource_id))
        page = await read_page(self._send, Branch(item, path, item.fixed, exact=True, unique=True), {})
        row = page.rows[0] if page.rows else None
        if row is None or not self.collection.visible(row):
            return None
        return row

    async def record(self, resource_id: str) -> Record | None:
        """The resource with an id, with the relations its own record brings; None where there is none."""
        row = await self.row(resource_id)
        record = record_of(self.collection, row) if row is not None else None
        # RFC 7643 section 3.1: ids are compared case-exactly, whatever the upstream's look-up does.
        return record if record is not None and record.id == resource_id else None

    async def get(self, resource_id: str, relations: Iterable[str]) -> Resource | None:
        """The resource with an id, with the named relations filled in; None where there is none."""
        record = await self.record(resource_id)
        if record is None:
            return None
        await self.relations.fill([record], relations)
        return record.resource

    async def search(self, query: Query, position: Mapping[str, Any] | None = None) -> Page:
        """One page of a query; ``position`` is what an earlier page gave as `next`.

        Raises ScanTooLarge where the limits do not allow an exact answer, and the upstream's errors as they are.
        """
        plan = self.planner.plan(query)
        if plan.strategy in ("window", "walk"):
            return await self._window(plan, query, position)
        if plan.strategy == "nothing":
            return Page([], 0, None)
        return await self._scan(plan, query)

    def _budget(self) -> Budget:
        return Budget(self._clock, self._limits.scan_rows, self._limits.scan_seconds)

    async def _window(self, plan: Plan, query: Query, position: Mapping[str, Any] | None) -> Page:
        reader = ListReader(self._send, plan.branches[0], self._cache, self._budget())
        resume = (position["at"], position["from"]) if position and "from" in position else None
        window = await reader.window(query.offset, query.count, need_total=query.need_total, resume=resume)
        records = [record_of(self.collection, row) for row in window.rows]
        await self.relations.fill(records, query.relations)
        if window.total is not None:
            self._remember_size(plan.branches[0], window.total)
        following = _following(query.offset + len(records), window.resume)
        return Page(records, window.total, following)

    def _remember_size(self, branch: Branch, rows: int) -> None:
        if branch.share == 1.0:
            self.planner.sizes[branch.access.path] = rows

    async def _scan(self, plan: Plan, query: Query) -> Page:
        """A page of a scan: from what an earlier page kept, else by reading everything pushed down."""
        key = (self.collection.resource.name, *query.key)
        matches = None if query.offset == 0 or plan.strategy == "lookup" else self._cache.scan(key)
        if matches is None:
            generation = self._cache.generation
            matches = [orjson.dumps([each.resource, each.known]) for each in await self._matches(plan, query)]
            if plan.strategy == "scan":
                self._cache.keep_scan(key, matches, generation)
        records = [Record(*orjson.loads(each)) for each in matches[query.offset : query.offset + query.count]]
        await self.relations.fill(records, query.relations)
        end = query.offset + len(records)
        return Page(records, len(matches), {"o": end} if end < len(matches) else None)

    async def _matches(self, plan: Plan, query: Query) -> list[Record]:
        """Every match, in order: read, deduplicated, checked, sorted."""
        budget, found = self._budget(), {}
        check = self._check(plan)
        for branch in plan.branches:
            read = 0
            async for page in every_page(self._send, branch):
                budget.spend(len(page.rows))
                read += len(page.rows)
                for record in await self._checked(page.rows, plan, check):
                    found.setdefault(record.id, record)
            self._remember_size(branch, read)
        records = list(found.values())
        if plan.sorted_here and query.sort is not None:
            records = self._sorted(records, query.sort.path, descending=query.sort.descending)
        return [without(record, plan.residual_relations) for record in records]

    def _check(self, plan: Plan) -> Callable[[Mapping[str, Any]], bool] | None:
        return predicate(plan.residual, self.collection.resource) if plan.residual is not None else None

    async def _checked(
        self, rows: list[Row], plan: Plan, check: Callable[[Mapping[str, Any]], bool] | None
    ) -> list[Record]:
        records = [record_of(self.collection, row) for row in rows if self.collection.visible(row)]
        if plan.residual_relations:
            await self.relations.fill(records, plan.residual_relations)
        return records if check is None else [record for record in records if check(record.resource)]

    def _sorted(self, records: list[Record], path: str, *, descending: bool) -> list[Record]:
        by_id = {record.id: record for record in records}
        ordered = sort_rows([record.resource for record in records], path, descending, self.collection.resource)
        return [by_id[resource["id"]] for resource in ordered]


def _following(offset: int, resume: tuple[int, Params] | None) -> Mapping[str, Any] | None:
    """The position of the next page, self-contained, so that any node can serve it."""
    if resume is None:
        return None
    at, position = resume
    return {"o": offset, "at": at, "from": dict(position)}
