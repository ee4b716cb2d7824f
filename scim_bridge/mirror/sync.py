"""Keeping a mirror as its upstream is: full passes that find everything, and quick ones for what changed since.

A full pass compares every resource, and is the only sure way to learn of deletions. It stores a page at a time, so
memory does not grow, and where it stands, so that it goes on after an interruption. Between full passes, resources
whose upstream can be asked by the time of their last change are read from there on, with those it tells were deleted;
the others are compared again whole.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

from scim_bridge.clock import Clock
from scim_bridge.comparison import instant
from scim_bridge.mirror import blocks, changes, passes
from scim_bridge.mirror.copy import MirrorCopy
from scim_bridge.mirror.indexes import index, index_parts
from scim_bridge.mirror.passes import Pass
from scim_bridge.mirror.reading import PAGE_SECONDS, changed_since, crawled
from scim_bridge.mirror.settings import MirrorSettings
from scim_bridge.mirror.standing import Standing, standing
from scim_bridge.mirror.store import Applied
from scim_bridge.mirror.tables import state_of_tables
from scim_bridge.query.plan import Query
from scim_bridge.query.relations import Record
from scim_bridge.store.database import Database, Sql
from scim_bridge.upstream.errors import UpstreamError
from scim_bridge.upstream.trace import tracing

_log = logging.getLogger("scim_bridge.mirror")
BATCH: Final = 500
"""Resources of one transaction: others wait some tens of milliseconds for it."""
SAVE_ROWS: Final = 5000
"""Resources after which it is noted where a pass stands; no more than this is read again after an interruption."""
OVERLAP_SECONDS: Final = 60.0
"""What is read again of the time before the last change seen, beside the time in which upstreams may tell of the past:
they write times before these can be read."""
MAX_CONFIRMED: Final = 500
"""Resources that are looked up before they count as gone."""
FEW: Final = 2
"""Resources that may go at once however few there are, unless it is all of them."""
DAY: Final = 86_400_000_000
"""In microseconds."""
Progress = Callable[[str, int, int | None], None]
"""Told the resource type, how many resources were read, and of how many where that is known."""


@dataclass(slots=True)
class Outcome:
    """What came of one pass."""

    resource: str
    full: bool
    read: int = 0
    created: int = 0
    changed: int = 0
    deleted: int = 0
    held: int = 0  # resources that seem to be gone, and are kept until that is approved


def _silent(resource: str, read: int, total: int | None) -> None:
    pass


class Sync:
    """Refreshes the copies of one connection; not more than one at a time may run for it on all nodes."""

    def __init__(
        self, connection: str, copies: list[MirrorCopy], database: Database, clock: Clock, settings: MirrorSettings
    ) -> None:
        self.connection = connection
        self.copies = copies
        self._database = database
        self._clock = clock
        self._settings = settings

    async def refresh(self, *, full: bool = False, progress: Progress = _silent) -> list[Outcome]:
        """Bring all copies up to date. Raises the upstream's error at the first failure; what was stored stays."""
        outcomes = []
        for copy in self.copies:
            outcome = await self._refreshed(copy, full, progress)
            copy.changed_state()
            _log.info("mirror refreshed", extra={"connection": self.connection, "outcome": asdict(outcome)})
            outcomes.append(outcome)
        await self._prune()
        return outcomes

    async def _prune(self) -> None:
        """Take away changes that are older than they are kept."""
        until = self._wall() - self._settings.keep_changes_days * DAY
        while await self._database.write(changes.prune, self.connection, until):
            await asyncio.sleep(0)  # others have their turn between

    async def due(self) -> bool:
        """Whether a refresh is due."""
        horizon = self._wall() - self._settings.refresh_seconds * 1e6
        return any([await self._last(copy) <= horizon for copy in self.copies])

    async def _last(self, copy: MirrorCopy) -> int:
        """When a copy was last compared with its upstream; 0 where that is to be done now."""
        state = await self._database.read(state_of_tables, copy.store.tables)
        left = await self._database.read(passes.load, self.connection, copy.collection.resource.name)
        if left is not None and left.approved:
            return 0
        return max(state.fresh_at or 0, left.started if left is not None and left.held else 0)

    async def approve(self) -> list[str]:
        """Approve what is held; the resource types of it."""
        return [each for each in self.resources if await self._database.write(passes.approve, self.connection, each)]

    async def held(self, most: int) -> dict[str, list[str]]:
        """The first ids, by endpoint, of what seems to be gone and is kept until that is approved."""
        found = {
            copy.collection.resource.endpoint.strip("/"): await self._database.read(_back, self.connection, copy, most)
            for copy in self.copies
        }
        return {endpoint: ids for endpoint, ids in found.items() if ids}

    @property
    def resources(self) -> list[str]:
        """The resource types that are copied."""
        return [copy.collection.resource.name for copy in self.copies]

    async def standing(self) -> list[Standing]:
        """How each copy stands."""
        copies = [(each.collection.resource.name, each.store.tables) for each in self.copies]
        return await self._database.read(standing, self.connection, copies)

    def _wall(self) -> int:
        return self.copies[0].wall() if self.copies else 0

    async def _refreshed(self, copy: MirrorCopy, full: bool, progress: Progress) -> Outcome:
        state = await self._database.read(state_of_tables, copy.store.tables)
        left = await self._database.read(passes.load, self.connection, copy.collection.resource.name)
        full = full or (left is not None and (left.approved or not left.held))
        recent = state.full_at is not None and copy.wall() - state.full_at < self._settings.full_seconds * 1e6
        query = changed_since(copy, state.since) if state.complete and recent and not full else None
        if query is not None:
            return await self._changes(copy, query, state.since or "", progress)
        return await self._everything(copy, progress, feed=state.complete)

    # -- what changed --------------------------------------------------------------------------------------------------

    async def _changes(self, copy: MirrorCopy, query: Query, since: str, progress: Progress) -> Outcome:
        outcome, started, latest = Outcome(copy.collection.resource.name, full=False), copy.wall(), None
        async with aclosing(crawled(copy, query, None, self._clock)) as pages:
            async for page, asked in pages:
                await self._stored(copy, page.records, asked, outcome, feed=True)
                latest = self._latest(latest, page.records)
                progress(outcome.resource, outcome.read, page.total)
        await self._deletions(copy, since, outcome)
        await self._database.write(_fresh, copy, started, latest, full=False)
        return outcome

    async def _deletions(self, copy: MirrorCopy, since: str, outcome: Outcome) -> None:
        """Take out what the upstream tells was deleted, and does not find. A pass that compares everything sees to what
        could not be read, and to so many that they may have to be held."""
        try:
            with tracing(self._clock, PAGE_SECONDS):
                told = await copy.reader.deleted_since(since)
            held, total = await self._database.read(_held, copy, told)
            if not held:
                return
            if self._too_many(len(held), total) or len(held) > MAX_CONFIRMED:
                raise LookupError(f"{len(held)} of {total} are said to be deleted")
            gone = await self._confirmed(copy, held)
        except (UpstreamError, LookupError) as error:
            about = {"connection": self.connection, "resource": outcome.resource, "error": str(error)}
            _log.warning("deletions are left to the next full pass", extra=about)
            return
        outcome.deleted += await self._database.write(copy.store.remove, gone, at=copy.wall())

    # -- everything ----------------------------------------------------------------------------------------------------

    async def _everything(self, copy: MirrorCopy, progress: Progress, *, feed: bool) -> Outcome:
        outcome = Outcome(copy.collection.resource.name, full=True)
        found, left = await self._begun(copy)
        try:
            await self._read(copy, found, outcome, progress, feed=feed)
        except UpstreamError:
            if not left:
                raise
            # Where an earlier pass stood may not be there any more, as with cursors: so this one starts anew.
            await self._database.write(passes.forget, self.connection, outcome.resource)
            found, _ = await self._begun(copy)
            outcome = Outcome(outcome.resource, full=True)
            await self._read(copy, found, outcome, progress, feed=feed)
        if not feed:
            await index(self._database, copy.store)
        await self._ended(copy, found, outcome)
        return outcome

    async def _begun(self, copy: MirrorCopy) -> tuple[Pass, bool]:
        """A new pass, or the one that was left, and whether that is so."""
        resource = copy.collection.resource.name
        left = await self._database.read(passes.load, self.connection, resource)
        if left is not None and not left.held and left.at is not None:
            return left, True
        allowed = left.gone or 0 if left is not None and left.approved else 0
        next_row = await self._database.read(copy.store.next_row)
        return Pass(copy.wall(), next_row, allowed=allowed), False

    async def _read(self, copy: MirrorCopy, found: Pass, outcome: Outcome, progress: Progress, *, feed: bool) -> None:
        query = Query(relations=frozenset(copy.store.layout.relations))
        saved = found.rows
        async with aclosing(crawled(copy, query, found.at, self._clock)) as pages:
            async for page, asked in pages:
                applied = await self._stored(copy, page.records, asked, outcome, feed=feed)
                for each in applied:
                    found.seen.add(each.rows)
                found.rows += len(page.records)
                brought = {name for each in page.records for name in (*each.known, *each.brought)}
                found.inline = sorted(brought.union(found.inline))
                found.at, found.latest = page.next, self._latest(found.latest, page.records)
                progress(outcome.resource, found.rows, page.total)
                if found.at is not None and found.rows - saved >= SAVE_ROWS:
                    saved = found.rows
                    await self._database.write(passes.save, self.connection, outcome.resource, found)

    async def _stored(
        self, copy: MirrorCopy, records: list[Record], asked: int, outcome: Outcome, *, feed: bool
    ) -> list[Applied]:
        """Store what was read, asked for at a time."""
        before = asked - int(self._settings.settle_seconds * 1e6)
        applied = []
        for start in range(0, len(records), BATCH):
            drafts = [copy.draft(each) for each in records[start : start + BATCH]]
            one = await self._database.write(copy.store.put, drafts, at=copy.wall(), before=before, feed=feed)
            outcome.read += len(drafts)
            outcome.created += one.created
            outcome.changed += one.changed
            applied.append(one)
        return applied

    async def _ended(self, copy: MirrorCopy, found: Pass, outcome: Outcome) -> None:
        """Take out what the pass did not come by, unless that is too much to be believed."""
        gone, total = await self._database.read(_gone, copy, found)
        if self._too_many(len(gone), total) and len(gone) > found.allowed:
            outcome.held = found.gone = len(gone)
            found.of, found.at = total, None
            await self._database.write(passes.save, self.connection, outcome.resource, found)
            told = {"connection": self.connection, "resource": outcome.resource, "gone": len(gone), "of": total}
            _log.error("held: so many resources are gone that it may be an outage", extra=told)
            return
        ids = iter(await self._confirmed(copy, gone))
        while part := list(islice(ids, BATCH)):
            outcome.deleted += await self._database.write(copy.store.remove, part, at=copy.wall())
        await self._database.write(self._done, copy, found)
        await index_parts(self._database, copy.store)

    async def _confirmed(self, copy: MirrorCopy, gone: list[str]) -> list[str]:
        """Those of the resources that a list left out that are not there when they are looked up either.

        A row that moves to another page while a list is read is in none. Beyond some number that costs too much: an
        operator has approved it, or set the threshold so.
        """
        if len(gone) > MAX_CONFIRMED:
            return gone
        confirmed = []
        for resource_id in gone:
            asked = copy.wall()
            with tracing(self._clock, PAGE_SECONDS):
                record = await copy.reader.record(resource_id)
                if record is None:
                    confirmed.append(resource_id)
                    continue
                await copy.reader.load([record], copy.store.layout.relations)
            await self._stored(copy, [record], asked, Outcome(copy.collection.resource.name, full=True), feed=True)
        return confirmed

    def _latest(self, known: str | None, records: list[Record]) -> str | None:
        """The latest time of a change, less what is read again, as text."""
        times = (instant((each.resource.get("meta") or {}).get("lastModified")) for each in records)
        found = max((each for each in times if isinstance(each, datetime) and each.tzinfo is not None), default=None)
        if found is None:
            return known
        again = found.astimezone(UTC) - timedelta(seconds=OVERLAP_SECONDS + self._settings.settle_seconds)
        text = again.isoformat().replace("+00:00", "Z")
        return text if known is None or again > instant(known) else known

    def _too_many(self, gone: int, total: int) -> bool:
        return gone > 0 and (gone == total or gone > max(FEW, total * self._settings.max_shrink_percent / 100))

    def _done(self, sql: Sql, copy: MirrorCopy, found: Pass) -> None:
        passes.forget(sql, self.connection, copy.collection.resource.name)
        _fresh(sql, copy, found.started, found.latest, full=True)
        text = "UPDATE mirror_types SET inline = ? WHERE number = ?"
        sql.run(text, (" ".join(found.inline), copy.store.tables.number))


def _gone(sql: Sql, copy: MirrorCopy, found: Pass) -> tuple[list[str], int]:
    """The ids of what a pass did not come by, and how many resources there were before it."""
    tables = copy.store.tables
    total: int = sql.rows(f"SELECT COUNT(*) FROM {tables.documents} WHERE seq < ?", (found.next_row,))[0][0]
    return list(passes.unseen(sql, tables, found)), total


def _back(sql: Sql, connection: str, copy: MirrorCopy, most: int) -> list[str]:
    """The first ids of what a pass that is held would have taken away."""
    found = passes.load(sql, connection, copy.collection.resource.name)
    if found is None or not found.held:
        return []
    return list(islice(passes.unseen(sql, copy.store.tables, found), most))


def _held(sql: Sql, copy: MirrorCopy, ids: list[str]) -> tuple[list[str], int]:
    """Those of some resources that a copy has, and how many it has in all."""
    table = copy.store.tables.documents
    text = f"SELECT id FROM {table} WHERE {sql.dialect.among('id')} ORDER BY seq"
    found = [each for (each,) in sql.rows(text, (sql.dialect.listed(ids),))]
    return found, blocks.total(sql, copy.store.tables)


def _fresh(sql: Sql, copy: MirrorCopy, started: int, latest: str | None, *, full: bool) -> None:
    """Note that a copy is as its upstream was when a pass started."""
    number = copy.store.tables.number
    sql.run("UPDATE mirror_types SET fresh_at = ? WHERE number = ?", (started, number))
    if full:
        sql.run("UPDATE mirror_types SET full_at = ?, complete = 1 WHERE number = ?", (started, number))
    if latest is not None:
        sql.run("UPDATE mirror_types SET since = ? WHERE number = ?", (latest, number))
