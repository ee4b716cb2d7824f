"""The audit log of a running bridge: events become entries, those of one moment in one transaction."""

import asyncio
import base64
import json
import logging
import os
import socket
from collections.abc import Callable, Hashable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import orjson

from scim_bridge.clock import SYSTEM_CLOCK, Clock, milliseconds
from scim_bridge.protocol.audit import Event
from scim_bridge.store.audit import ANCHOR, Place, append, mark, prepare, prune, touch
from scim_bridge.store.chain import Entry, Keys
from scim_bridge.store.database import Database, DatabaseUnavailable
from scim_bridge.upstream.exchange import CredentialUse
from scim_bridge.upstream.redact import Secret

_log = logging.getLogger("scim_bridge.audit")
COUNT_SECONDS: Final = 60.0
"""Events that may come very often make two entries in so long: the first one, and how many followed."""
PROVEN_SECONDS: Final = 1.0
"""So long after an entry was stored, it is taken for granted that another one could be."""
PATIENCE_SECONDS: Final = 5.0
"""So long an answer waits for its entry; the entry itself waits on."""
PRUNE_SECONDS: Final = 24 * 3600.0
RETENTION: Final = "audit retention"
"""The lease: another name than what appending holds, which in PostgreSQL is a lock of the same kind."""
MAX_WAITING: Final = 10_000
"""Entries that wait for a database that is down; of more, the log has all and the database the last."""
_MAX_ORIGINS: Final = 10
_MAX_TEXT: Final = 512
_DAY: Final = 24 * 3600 * 1000


@dataclass(slots=True)
class _Counted:
    """An event that came again within a minute."""

    event: Event
    since: int
    times: int = 0
    origins: set[str] = field(default_factory=set)

    def event_of_rest(self) -> Event:
        more = {"times": self.times, "sinceMilliseconds": self.since, "from": sorted(self.origins)}
        return replace(self.event, details={**self.event.details, **more})


def audit_keys(encryption_key: Secret | None, former: Sequence[bytes] = ()) -> Keys:
    """The keys of the chain under an ``encryption_key`` of the configuration."""
    return Keys(None if encryption_key is None else base64.b64decode(encryption_key.reveal()), former)


class Auditor:
    """Keeps events in the audit log. One for each process; several append to one chain."""

    def __init__(
        self,
        database: Database,
        keys: Keys,
        *,
        redact: Sequence[str] = (),
        clock: Clock = SYSTEM_CLOCK,
        wall: Callable[[], int] = milliseconds,
        node: str | None = None,
    ) -> None:
        """``redact``: attributes whose values are not kept; ``wall`` gives milliseconds since 1970."""
        self.redact = tuple(redact)
        self.database = database
        self._keys = keys
        self._clock = clock
        self._wall = wall
        self._node = node or f"{socket.gethostname()}:{os.getpid()}"
        self._waiting: list[Entry] = []
        self._batch: asyncio.Future[None] | None = None  # done once all that waits now is stored
        self._last: asyncio.Future[None] | None = None
        self._writing: asyncio.Task[None] | None = None
        self._probe: asyncio.Task[bool] | None = None
        self._counting: dict[Hashable, _Counted] = {}
        self._timers: set[asyncio.Task[None]] = set()
        self._seen: Place | None = None
        self._proven: float | None = None
        self._prepared = False

    # -- for those who tell it something ------------------------------------------------------------------------------

    async def ready(self) -> bool:
        """Whether an entry could be stored now: one was just now, or the database takes a write."""
        if self._proven is not None and self._clock.now() < self._proven + PROVEN_SECONDS:
            return True
        if self._probe is None or self._probe.done():
            self._probe = asyncio.ensure_future(self._probed())
        return await asyncio.shield(self._probe)

    async def _probed(self) -> bool:
        try:
            await self._prepare()
            await self.database.write(touch)
        except DatabaseUnavailable as error:
            _log.error("the audit log cannot be written: writes are refused", extra={"error": str(error)})
            return False
        self._proven = self._clock.now()
        if self._waiting:
            self._write_soon()
        return True

    def append(self, event: Event) -> None:
        """Keep an event; it is stored soon after."""
        self._waiting.append(self._entry(event))
        if self._batch is None:
            self._batch = self._last = asyncio.get_running_loop().create_future()
        self._write_soon()

    def count(self, event: Event, origin: str = "") -> None:
        """Keep the first of the same events at once, and the number of those that follow within a minute after it.

        ``origin`` is an address they came from, some of which are kept.
        """
        key = (event.action, event.connection, event.actor, event.outcome, event.status)
        found = self._counting.get(key)
        if found is not None:
            found.times += 1
        else:
            found = self._counting[key] = _Counted(event, self._wall())
            self.append(replace(event, details={**event.details, "from": [origin]} if origin else event.details))
            self._timers.add(task := asyncio.ensure_future(self._tell_rest(key)))
            task.add_done_callback(self._timers.discard)
        if origin and len(found.origins) < _MAX_ORIGINS:
            found.origins.add(origin)

    async def _tell_rest(self, key: Hashable) -> None:
        try:
            await self._clock.sleep(COUNT_SECONDS)
        finally:
            counted = self._counting.pop(key)
            if counted.times:
                self.append(counted.event_of_rest())

    def credential_used(self, connection: str, use: CredentialUse) -> None:
        """Keep that a connection's credentials were used to sign in, or refused."""
        outcome = "done" if use.accepted else "failed" if use.status is None or use.status >= 500 else "refused"
        action = "upstream.sign-in" if use.signing_in else "upstream.credentials"
        details = {"host": use.host, "method": use.method, "path": use.path}
        self.count(Event(action, connection, "bridge", "", "", outcome, use.status or 0, "", details))

    async def settled(self) -> None:
        """Return once all that was appended is stored, or told in the log; after some seconds anyway."""
        if self._last is not None and not self._last.done():
            await asyncio.wait([self._last], timeout=PATIENCE_SECONDS)

    # -- writing ------------------------------------------------------------------------------------------------------

    def _entry(self, event: Event) -> Entry:
        texts = {name: _bounded(text) for name, text in asdict(event).items() if isinstance(text, str)}
        try:
            details = orjson.dumps(event.details, default=str).decode()
        except TypeError:  # text that is none, numbers beyond 64 bits: never a reason to lose an entry
            details = json.dumps(event.details, default=str)
        return Entry(at=self._wall(), node=self._node, status=event.status, details=details, **texts)

    def _write_soon(self) -> None:
        """Store what waits, in one transaction: what comes meanwhile is the next one."""
        if self._writing is None or self._writing.done():
            self._writing = asyncio.ensure_future(self._write())

    async def _write(self) -> None:
        while self._waiting:
            entries, self._waiting = self._waiting, []
            batch, self._batch = self._batch, None
            try:
                await self._store(entries)
            except DatabaseUnavailable:
                self._waiting = [*entries, *self._waiting][-MAX_WAITING:]
                return
            finally:
                if batch is not None:
                    batch.set_result(None)

    async def _store(self, entries: list[Entry]) -> None:
        """Raises DatabaseUnavailable; whatever keeps entries from being stored, the log has them."""
        try:
            await self._prepare()
            self._seen = await self.database.write(append, entries, self._keys, self._seen)
            self._proven = self._clock.now()
        except BaseException as error:
            self._proven = None
            for each in entries:
                extra: dict[str, Any] = {"error": str(error), "entry": asdict(each)}
                _log.error("an audit entry was not stored", extra=extra)
            if not isinstance(error, Exception) or isinstance(error, DatabaseUnavailable):
                raise

    async def _prepare(self) -> None:
        if not self._prepared:
            await self.database.write(prepare, self._wall(), self._node, self._keys)
            self._prepared = True

    async def aclose(self) -> None:
        """Store what waits. The database is closed after this."""
        for each in list(self._timers):
            each.cancel()
        await asyncio.gather(*self._timers, return_exceptions=True)
        if self._waiting:
            self._write_soon()
        if self._writing is not None:
            await self._writing

    # -- retention ----------------------------------------------------------------------------------------------------

    async def keep_pruned(self, days: int) -> None:
        """Take away entries older than so many days, once a day on one of the nodes, for good."""
        while True:
            try:
                await self.pruned(days)
            except DatabaseUnavailable as error:
                _log.warning("the audit log was not pruned", extra={"error": str(error)})
            await self._clock.sleep(PRUNE_SECONDS)

    async def pruned(self, days: int) -> int:
        """Take away entries older than so many days; how many. None where another node did that today."""
        await self._prepare()
        async with self.database.lease(RETENTION) as mine:
            anchor = await self.database.read(mark, ANCHOR)
            at = self._wall()
            if not mine or (anchor is not None and anchor.at > at - _DAY // 2):
                return 0
            return await self.database.write(prune, at - days * _DAY, at, self._node, self._keys)


def _bounded(text: str) -> str:
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"
