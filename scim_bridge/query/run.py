"""Running queries: look-ups, windows and scans over one collection, within budgets, with what pages leave behind."""

import asyncio
import logging
import math
import sys
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from scim_bridge.clock import Clock
from scim_bridge.filters import predicate, sort_key
from scim_bridge.query.budget import Budget
from scim_bridge.query.cache import Matches, QueryCache
from scim_bridge.query.capabilities import Collection, Params, Resource, Row
from scim_bridge.query.joined import joined_window
from scim_bridge.query.pages import Send, UpstreamPage, every_page, read_page
from scim_bridge.query.plan import Branch, Plan, Planner, Query
from scim_bridge.query.referred import referred
from scim_bridge.query.relations import Record, RelationLoader, all_or_nothing, own_record, record_of
from scim_bridge.query.sources import Page
from scim_bridge.query.windows import ListReader
from scim_bridge.upstream.errors import BadAnswer, NotFound, Rejected, Unavailable

_log = logging.getLogger("scim_bridge.query")
GATHER_LIMIT: Final = 8
"""Owners whose relations, and branches of a plan whose rows, are loaded at the same time."""
PAGES_AHEAD: Final = 4
"""Pages of a scanned list that are asked for at the same time, where rows are reached by their number."""


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What reading may cost; the connection's limits."""

    scan_rows: int = 50_000
    scan_seconds: float = 40.0


@dataclass(frozen=True, slots=True)
class Crawled:
    """Records of one page of a crawl, how many there are in all if stated, and where to go on; None at the end."""

    records: list[Record]
    total: int | None
    next: Mapping[str, Any] | None


def _checkpoint(branch: int, position: Params | None, branches: int) -> Mapping[str, Any] | None:
    if position is not None:
        return {"branch": branch, "position": dict(position)}
    return {"branch": branch + 1, "position": None} if branch + 1 < branches else None


class Reader:
    """Reads one collection of one connection."""

    def __init__(
        self, collection: Collection, send: Send, cache: QueryCache, clock: Clock, limits: ReadLimits = ReadLimits()
    ) -> None:
        self.collection = collection
        self.planner = Planner(collection)
        self.relations = RelationLoader(collection, send, GATHER_LIMIT, self._budget)
        self._send = send
        self._cache = cache
        self._clock = clock
        self._limits = limits
        self._gate = asyncio.Semaphore(GATHER_LIMIT)

    # -- one resource -------------------------------------------------------------------------------------------------

    async def row(self, resource_id: str) -> Row | None:
        """The upstream record with an id; None where there is none within the connection's scope."""
        found = await self.found(resource_id)
        return None if found is None else found[0]

    async def record(self, resource_id: str) -> Record | None:
        """The resource with an id, with the relations its own record brings; None where there is none."""
        found = await self.found(resource_id)
        return None if found is None else found[1]

    async def get(self, resource_id: str, relations: Iterable[str]) -> Resource | None:
        """The resource with an id, with the named relations filled in; None where there is none."""
        record = await self.record(resource_id)
        if record is None:
            return None
        await self.relations.fill([record], relations)
        return record.resource

    async def load(self, records: Sequence[Record], names: Iterable[str]) -> None:
        """Make the named relations of records known."""
        await self.relations.load(records, names)

    async def fill(self, records: Sequence[Record], names: Iterable[str]) -> None:
        """Put the named relations into the records' resources; an empty one stays unassigned."""
        await self.relations.fill(records, names)

    async def found(self, resource_id: str) -> tuple[Row, Record] | None:
        """Both of them."""
        if resource_id in (".", "..") or not resource_id.isprintable() or not self.collection.is_id(resource_id):
            return None  # dots would climb in the path, and control characters are in no id
        try:
            page = await read_page(self._send, own_record(self.collection, resource_id), {})
        except NotFound as error:
            # Where it meant that there is no such record, the page would be empty: the look-up itself is not there.
            raise BadAnswer(error.upstream, error.detail, status=error.status, codes=error.codes) from None
        for row in await self._visible(page.rows):
            record = record_of(self.collection, row)
            # RFC 7643 section 3.1: ids are compared case-exactly, whatever the upstream's look-up does.
            if record.id == resource_id:
                return row, record
        return None

    async def _visible(self, rows: Iterable[Row]) -> list[Row]:
        """The rows that this connection shows, by what is remembered now: another node may have just deleted one."""
        await self.collection.remembered.refresh()
        return list(filter(self.collection.visible, rows))

    # -- lists --------------------------------------------------------------------------------------------------------

    async def search(self, query: Query, position: Mapping[str, Any] | None = None) -> Page:
        """One page of a query; ``position`` is what an earlier page gave as `next`, and says where this one starts.

        Raises ScanTooLarge where the limits do not allow an exact answer, and the upstream's errors as they are.
        """
        if position is not None:
            query = replace(query, offset=position["o"])
        plan = self.planner.plan(query)
        try:
            return await self._page(plan, query, position or {})
        except (Rejected, Unavailable) as error:
            # Some servers break down on a filter; then the list without it still comes, and else that is an outage.
            outage = isinstance(error, Unavailable) and error.status != 500
            if outage or not any(each.access.fallible and each.pushed for each in plan.branches):
                raise
            # Not its text, which may hold the filter: that names people.
            told = {"resource": self.collection.resource.name, "status": error.status}
            _log.warning("the upstream refused a filter, which is left to us", extra=told)
            return await self._page(self.planner.unaided(query), query, position or {})

    async def _page(self, plan: Plan, query: Query, position: Mapping[str, Any]) -> Page:
        await self.collection.remembered.refresh()
        if plan.strategy in ("window", "walk", "scan"):
            await self._cache.catch_up()
        if plan.strategy in ("window", "walk"):
            if self.collection.remembered.any():
                # The same list in the same order, or pages from before and after would not fit each other.
                return await self._scan(replace(plan, strategy="scan"), query)
            if len(plan.branches) > 1:
                return await self._joined(plan, query)
            return await self._window(plan, query, position)
        return await self._scan(plan, query)

    # -- everything, for copies ---------------------------------------------------------------------------------------

    async def crawl(self, query: Query, at: Mapping[str, Any] | None = None) -> AsyncGenerator[Crawled, None]:
        """Every match of a query, a page of the upstream's at a time, with the relations asked for; in no limits.

        ``at`` is what an earlier page gave as `next`, from where on the rest is read. To be used in `aclosing`.
        """
        plan = self.planner.plan(query)
        check = predicate(plan.residual, self.collection.resource) if plan.residual is not None else None
        index, position = (at["branch"], at["position"]) if at is not None else (0, None)
        for number, branch in enumerate(plan.branches[index:], index):
            async with aclosing(every_page(self._send, branch, PAGES_AHEAD, position)) as pages:
                async for page in pages:
                    records = await self._crawled(branch, page, query.relations)
                    matches = [each for each in records if check is None or check(each.resource)]
                    yield Crawled(matches, page.total, _checkpoint(number, page.next, len(plan.branches)))
            position = None

    async def deleted_since(self, time: str) -> list[str]:
        """The ids of resources that the upstream says were deleted since a time, for copies; none where it does not
        tell."""
        deletions = self.collection.deletions
        if deletions is None:
            return []
        access = deletions.access
        branch = Branch(access, access.path, {**access.fixed, **deletions.since(time)}, exact=True)
        found: dict[str, None] = {}
        async with aclosing(every_page(self._send, branch)) as pages:
            async for page in pages:
                found |= dict.fromkeys(each for each in map(deletions.deleted, page.rows) if each is not None)
        return list(found)

    async def _crawled(self, branch: Branch, page: UpstreamPage, relations: Iterable[str]) -> list[Record]:
        rows = page.rows
        if branch.access.refers is not None:
            unlimited = Budget(self._clock, sys.maxsize, math.inf)
            rows = await referred(self._send, self.collection, branch.access.refers, rows, self._gate, unlimited)
        records = [record_of(self.collection, row, lean=branch.lean) for row in await self._visible(rows)]
        await self.relations.load(records, relations)
        return records

    def _budget(self) -> Budget:
        return Budget(self._clock, self._limits.scan_rows, self._limits.scan_seconds)

    async def _window(self, plan: Plan, query: Query, position: Mapping[str, Any]) -> Page:
        reader = ListReader(self._send, plan.branches[0], self._cache, self._budget())
        # A position of before the upstream was found to page in another way means something else.
        known = "from" in position and position.get("by") == plan.branches[0].mechanics
        resume = (position["at"], position["from"]) if known else None
        window = await reader.window(query.offset, query.count, need_total=query.need_total, resume=resume)
        records = [record_of(self.collection, row, lean=plan.branches[0].lean) for row in window.rows]
        await self.relations.fill(records, query.relations)
        following = None
        if window.resume is not None:
            at, entry = window.resume
            following = {
                "o": query.offset + len(records),
                "at": at,
                "from": dict(entry),
                "by": plan.branches[0].mechanics,
            }
        return Page(records, window.total, following)

    async def _joined(self, plan: Plan, query: Query) -> Page:
        """A page of several lists that share no row, one after the other."""
        budget = self._budget()
        readers = [ListReader(self._send, branch, self._cache, budget) for branch in plan.branches]
        rows, total = await joined_window(readers, query.offset, query.count, need_total=query.need_total)
        records = [record_of(self.collection, row, lean=plan.branches[0].lean) for row in rows]
        await self.relations.fill(records, query.relations)
        end = query.offset + len(records)
        return Page(records, total, {"o": end} if records and (total is None or end < total) else None)

    async def _scan(self, plan: Plan, query: Query) -> Page:
        """A page of a scan: from what an earlier page kept, else by reading everything pushed down."""
        key = (self.collection.resource.name, *query.key, any(each.lean for each in plan.branches))
        kept = plan.strategy == "scan"
        found = await self._cache.matches(key, query.offset, query.count) if kept and query.offset else None
        if found is None:
            generation = self._cache.generation
            matches = [
                orjson.dumps([each.resource, each.known, each.brought]) for each in await self._matches(plan, query)
            ]
            found = Matches(matches[query.offset : query.offset + query.count], len(matches))
            if kept:
                self._cache.keep_scan(key, matches, generation)
            if kept and query.offset + len(found.rows) < found.total:
                await self._cache.share_scan(key, matches, generation)
        records = [Record(*orjson.loads(each)) for each in found.rows]
        await self.relations.fill(records, query.relations)
        end = query.offset + len(records)
        return Page(records, found.total, {"o": end} if end < found.total else None)

    async def _matches(self, plan: Plan, query: Query) -> list[Record]:
        """Every match, each once, in order."""
        check = predicate(plan.residual, self.collection.resource) if plan.residual is not None else None
        budget, gate = self._budget(), asyncio.Semaphore(GATHER_LIMIT)

        async def matches(branch: Branch) -> list[Record]:
            async with gate:
                return await self._branch_matches(branch, plan, check, budget)

        found: dict[str, Record] = {}
        for part in await all_or_nothing([matches(branch) for branch in plan.branches]):
            for record in part:
                found.setdefault(record.id, record)
        if not all(each.access.ordered for each in plan.branches):
            found = dict(sorted(found.items()))  # or a later page, read anew, would be cut from another order
        if query.sort is None or not plan.sorted_here:
            return list(found.values())
        key = sort_key(query.sort.path, self.collection.resource)
        return sorted(
            found.values(), key=lambda each: key(each.related(plan.residual_relations)), reverse=query.sort.descending
        )

    async def _branch_matches(
        self, branch: Branch, plan: Plan, check: Callable[[Mapping[str, Any]], bool] | None, budget: Budget
    ) -> list[Record]:
        """The matches among the rows of one read: within scope, and as the residual has it."""
        found = []
        async with aclosing(every_page(self._send, branch, PAGES_AHEAD)) as pages:
            async for page in pages:
                budget.spend(page.read)
                rows = page.rows
                if branch.access.refers is not None:
                    rows = await referred(self._send, self.collection, branch.access.refers, rows, self._gate, budget)
                records = [record_of(self.collection, row, lean=branch.lean) for row in await self._visible(rows)]
                await self.relations.load(records, plan.residual_relations, budget)
                found += [each for each in records if check is None or check(each.related(plan.residual_relations))]
                if branch.unique and page.read == 1:
                    break  # there is no other
        return found
