"""The connections that a bridge serves: those of its file, and those of its database, which come and go meanwhile."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Literal, NoReturn

from scim_bridge.clock import SYSTEM_CLOCK, Clock
from scim_bridge.connections import Connection
from scim_bridge.protocol.auth import Caller, Grant, TokenCheck
from scim_bridge.protocol.endpoint import Opened
from scim_bridge.protocol.errors import ScimError
from scim_bridge.protocol.profiles import PROFILES, Profile
from scim_bridge.store.connections import StoredConnection
from scim_bridge.store.database import DatabaseUnavailable
from scim_bridge.store.tokens import StoredToken
from scim_bridge.stored import State, Stored, Unusable

_log = logging.getLogger("scim_bridge.registry")
LOOK_SECONDS: Final = 1.0
"""How often a node looks whether connections or tokens were changed: what is revoked is refused soon everywhere."""
NOTE_SECONDS: Final = 30.0
"""How often it is noted when tokens were last used."""
KNOWN_SECONDS: Final = 5.0
"""How long the program waits at its start for what the database has."""
LEAVE_SECONDS: Final = 60.0
"""How long what was replaced goes on for requests that are under way: longer than these may take."""


class Shut:
    """A connection that answers nothing for now, and says why."""

    def __init__(self, name: str, why: str) -> None:
        self.tokens = TokenCheck(user=name)
        self.profile: Profile = PROFILES["auto"]
        self._why = why

    async def service(self) -> NoReturn:
        raise ScimError(503, self._why)


@dataclass(frozen=True, slots=True)
class Entry:
    """A connection, wherever it comes from. ``problem`` says why it cannot be used."""

    name: str
    source: Literal["file", "store"]
    served: Opened
    connection: Connection | None = None
    record: StoredConnection | None = None
    problem: str | None = None

    @property
    def key(self) -> str:
        """What its tokens are kept under."""
        return self.record.key if self.record is not None else self.name

    @property
    def paused(self) -> bool:
        return self.record is not None and self.record.paused

    @property
    def own_grants(self) -> Sequence[Grant]:
        """Its tokens of the configuration file."""
        return self.connection.grants if self.connection is not None else ()


class Registry:
    """Opens, watches and closes connections.

    ``served`` is what SCIM clients ask by name, also what is paused; ``connections`` are those in use. Both change in
    place, as ``entries`` do, which tell of each connection.
    """

    def __init__(
        self, own: Mapping[str, Connection], stored: Stored | None = None, *, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        """``own``: those of the configuration file."""
        self.served: dict[str, Opened] = {}
        self.connections: dict[str, Connection] = {}
        self.entries: dict[str, Entry] = {}
        self.stored = stored
        self._clock = clock
        self._own = frozenset(own)
        self._version: int | None = None
        self._refreshing = asyncio.Lock()
        self._failures = 0
        self._answers = True
        self._running: dict[Connection, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._noted: dict[str, int] = {}
        self._started = False
        self._first = asyncio.Event()
        for name, each in own.items():
            self._put(Entry(name, "file", each, each))

    # -- running ------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open what there is, and follow what changes."""
        self._started = True
        for each in self.connections.values():
            self._begin(each)
        if self.stored is not None:
            self._task(self._follow())
        else:
            self._first.set()

    async def known(self) -> None:
        """Return once it is known which connections there are, or after a while without the database."""
        with suppress(TimeoutError):
            async with asyncio.timeout(KNOWN_SECONDS):
                await self._first.wait()

    async def tried(self) -> None:
        """Return once each connection that there is at first was tried, however that ended."""
        await self._first.wait()
        await asyncio.gather(*(each.opened_early.wait() for each in self.connections.values()))

    async def aclose(self) -> None:
        """Close all connections; when each token was last used is kept."""
        for task in [*self._tasks, *self._running.values()]:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._running.values(), return_exceptions=True)
        try:
            await self._note_use()
        except DatabaseUnavailable as error:
            _log.warning("the last use of tokens was not noted", extra={"error": str(error)})
        for each in list(self.connections.values()):
            await each.aclose()

    def missing(self) -> ScimError:
        """What a request is answered whose connection is not there: 404 only where it is known that there is none."""
        if self.stored is not None and (self._version is None or not self._answers):
            return ScimError(503, "The connections of the database are not known yet", headers={"Retry-After": "2"})
        return ScimError(404, "There is no such connection")

    def _begin(self, connection: Connection) -> None:
        if self._started:
            self._running[connection] = asyncio.create_task(connection.run())

    def _end(self, connection: Connection) -> None:
        """Leave a connection that is replaced or gone to the requests that have it, for a while."""
        running = self._running.pop(connection, None)
        if running is not None:
            running.cancel()
        self._task(self._close(connection))

    async def _close(self, connection: Connection) -> None:
        try:
            await self._clock.sleep(LEAVE_SECONDS)
        finally:
            await connection.aclose()

    def _task(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- following the database ---------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        since_noted = 0.0
        while True:
            try:
                await self.refresh()
                if since_noted >= NOTE_SECONDS:
                    await self._note_use()
                    since_noted = 0.0
            except DatabaseUnavailable as error:
                _log.warning("changes of connections cannot be read", extra={"error": str(error)})
            except Exception:
                _log.exception("changes of connections cannot be read")
            self._first.set()
            await self._clock.sleep(LOOK_SECONDS)
            since_noted += LOOK_SECONDS

    async def refresh(self) -> None:
        """Follow what has changed in the database by now. Raises DatabaseUnavailable.

        Of those who wait for a database that does not answer, the first one waits for it: the others fail with it, or
        each would wait for all before.
        """
        if self.stored is None:
            return
        failures = self._failures
        async with self._refreshing:
            if self._failures != failures:
                raise DatabaseUnavailable("it did not answer a moment ago")
            try:
                state = await self.stored.changed(self._version)
            except DatabaseUnavailable:
                self._failures, self._answers = self._failures + 1, False
                raise
            self._answers = True
            if state is not None:
                self._take(self.stored, state)
                self._version = state.version

    def _take(self, stored: Stored, state: State) -> None:
        records = {each.name: each for each in state.records if each.name not in self._own}
        for name in [each for each in self.entries if each not in records and each not in self._own]:
            self._drop(self.entries[name])
        for record in records.values():
            before = self.entries.get(record.name)
            if before is None or before.record != record:
                self._put(_entry(stored, record, before))
        for each in state.records:
            if each.name in self._own:
                _log.error("a stored connection has the name of one of the file", extra={"connection": each.name})
        grants = _grants(state.tokens)
        for entry in self.entries.values():
            entry.served.tokens.replace([*entry.own_grants, *grants[entry.key]])

    def _put(self, entry: Entry) -> None:
        """Serve a connection in place of what had its name before."""
        before, former = self.connections.get(entry.name), self.entries.get(entry.name)
        if former is not None and former.key == entry.key:
            entry.served.tokens.used.update(former.served.tokens.used)  # or what was not noted yet would be forgotten
        self.entries[entry.name] = entry
        self.served[entry.name] = entry.served
        if entry.connection is None:
            self.connections.pop(entry.name, None)
        else:
            self.connections[entry.name] = entry.connection
        if before is not None and before is not entry.connection:
            self._end(before)
        if entry.connection is not None and before is not entry.connection:
            self._begin(entry.connection)

    def _drop(self, entry: Entry) -> None:
        del self.entries[entry.name], self.served[entry.name]
        connection = self.connections.pop(entry.name, None)
        if connection is not None:
            self._end(connection)

    async def _note_use(self) -> None:
        if self.stored is None:
            return
        used = {name: at for each in self.entries.values() for name, at in each.served.tokens.used.items()}
        latest = {name: at for name, at in used.items() if self._noted.get(name) != at}
        if latest:
            await self.stored.note_use(latest)
            self._noted = used


def _entry(stored: Stored, record: StoredConnection, before: Entry | None) -> Entry:
    """A stored connection, which goes on as it is where nothing changed that matters to it."""
    if before is not None and before.connection is not None and _matters(before.record) == _matters(record):
        return Entry(record.name, "store", before.served, before.connection, record)
    if record.paused:
        return Entry(record.name, "store", Shut(record.name, "This connection is paused"), None, record)
    try:
        connection = stored.opened(record)
    except Unusable as error:
        _log.error("a stored connection cannot be used", extra={"connection": record.name, "error": str(error)})
        return _shut(record, str(error))
    except Exception:  # which must not keep this node from what else has changed: a token that was revoked, say
        _log.exception("a stored connection cannot be used", extra={"connection": record.name})
        return _shut(record, "it cannot be opened: the log tells why")
    return Entry(record.name, "store", connection, connection, record)


def _shut(record: StoredConnection, problem: str) -> Entry:
    shut = Shut(record.name, "This connection cannot be used for now; its operators were told why")
    return Entry(record.name, "store", shut, None, record, problem)


def _matters(record: StoredConnection | None) -> object:
    if record is None:
        return None
    return record.generation, record.document, record.secrets and record.secrets.value, record.paused


def _grants(stored: Iterable[StoredToken]) -> dict[str, list[Grant]]:
    """Tokens by the key of their connection."""
    found: dict[str, list[Grant]] = defaultdict(list)
    for each in stored:
        caller = Caller(each.id, frozenset(each.scopes.split()))
        found[each.connection].append(Grant(each.digest, caller, each.expires_at))
    return found
