"""Connections: configured upstream tenants, opened, each with its SCIM service; and the providers there are."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextvars import Context
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

import httpx
from scim2_server.cursor import Cursors

from scim_bridge import __version__
from scim_bridge.auditing import Auditor
from scim_bridge.clock import SYSTEM_CLOCK, Clock
from scim_bridge.config import ConnectionConfig
from scim_bridge.mirror.copy import now
from scim_bridge.mirror.keeper import RefreshResult, keep
from scim_bridge.mirror.open import ChangeFeed, mirrored
from scim_bridge.mirror.standing import Standing
from scim_bridge.mirror.sync import Sync
from scim_bridge.protocol.auth import PROXY, TokenCheck, granted
from scim_bridge.protocol.profiles import PROFILES
from scim_bridge.protocol.search import Paging
from scim_bridge.protocol.service import ScimService
from scim_bridge.query.cache import QueryCache
from scim_bridge.query.capabilities import Collection
from scim_bridge.query.directory import Directory
from scim_bridge.query.provider import Provider
from scim_bridge.query.run import ReadLimits
from scim_bridge.sharing.node import Sharing
from scim_bridge.sharing.outage import told_as_unavailable
from scim_bridge.sharing.sidecar import Sidecar, prepare
from scim_bridge.store.database import Database
from scim_bridge.upstream.client import UpstreamClient
from scim_bridge.upstream.exchange import unobserved
from scim_bridge.upstream.tokens import SharesTokens
from scim_bridge.upstream.trace import tracing

PROVIDER_GROUP: Final = "scim_bridge.providers"
RENEWAL_SECONDS: Final = 300.0
"""What discovery may take where nobody waits for it."""
RETRY_SECONDS: Final = 60.0
"""After discovery failed, it is tried again no later than this, with what was known before in use."""
_log = logging.getLogger("scim_bridge.connections")


def provider_names() -> list[str]:
    """The installed providers, by entry point."""
    return sorted(each.name for each in _entry_points())


def provider_by_name(name: str) -> Provider[Any]:
    """A provider, imported on first use.

    Raises LookupError where there is none of that name, or its package cannot be used.
    """
    found = next((each for each in _entry_points() if each.name == name), None)
    if found is None:
        raise LookupError(f"there is no provider {name!r}; there are {', '.join(provider_names())}")
    provider = found.load()
    if not isinstance(provider, Provider):
        raise LookupError(f"the entry point {found.value} is no provider")
    return provider


@cache
def _entry_points() -> Sequence[EntryPoint]:
    """Read once: to search what is installed takes milliseconds."""
    return list(entry_points(group=PROVIDER_GROUP))


@dataclass(frozen=True, slots=True)
class _Opened:
    """A service, the facts it was made from, and when to look again."""

    service: ScimService
    facts: Any
    due: float | None  # None: never
    sync: Sync | None = None


class Connection:
    """One configured upstream, and the SCIM service in front of it.

    Where the provider says so, the upstream is discovered again from time to time: the old service answers until a new
    one is there. Both share one memory of queries, which a write through either ends.
    """

    def __init__(
        self,
        config: ConnectionConfig,
        cursors: Cursors,
        *,
        clock: Clock = SYSTEM_CLOCK,
        transport: httpx.AsyncBaseTransport | None = None,
        database: Database | None = None,
        sharing: Sharing | None = None,
        wall: Callable[[], int] = now,
        audit: Auditor | None = None,
        public_only: bool = False,
    ) -> None:
        """``transport`` replaces the network in tests; a ``database`` is needed where `needs_database` says so;
        with ``sharing``, other nodes are in front of the same upstream; ``audit`` is told of sign-ins to it;
        ``public_only``: its settings may lead to addresses of the public internet only."""
        self.config = config
        self.database = database
        self._wall = wall
        self.grants = granted(config.tokens) + granted(config.table.proxy_tokens, frozenset({PROXY}), "proxy-")
        self.tokens = TokenCheck(self.grants, user=config.name)
        self.opened_early = asyncio.Event()
        self.profile = PROFILES[config.table.client_profile]
        self._cursors = cursors
        self._clock = clock
        endpoint = config.provider.endpoint(config.settings, clock)
        pace = shelf = None
        if sharing is not None:
            pace = sharing.pace(config.name, endpoint.options.requests_per_second)
            shelf = sharing.pages(config.copy_key, repr((__version__, config.provider.name, config.settings)))
            if isinstance(endpoint.auth, SharesTokens):
                endpoint.auth.share(sharing.tokens(config.name))
        self.client = UpstreamClient(
            config.name,
            endpoint.base_url,
            auth=endpoint.auth,
            options=replace(endpoint.options, public_only=public_only),
            classify=config.provider.classify,
            clock=clock,
            transport=transport,
            observe=unobserved if audit is None else partial(audit.credential_used, config.name),
            pace=pace,
        )
        self.refreshes: Counter[RefreshResult] = Counter()
        self._cache = QueryCache(clock, config.limits.cache_seconds, shelf)
        self._opening: asyncio.Task[_Opened] | None = None
        self._opened: _Opened | None = None
        self._renewal: asyncio.Task[None] | None = None

    async def service(self) -> ScimService:
        """The connection's SCIM service, opened on first use; however many ask, the upstream is asked once.

        Raises the upstream's error where it cannot be opened; the next call tries again.
        """
        if self._opened is not None and self._opened.due is None:
            return self._opened.service
        if self._opened is None:
            if self._opening is None or (self._opening.done() and _failed(self._opening)):
                self._opening = asyncio.ensure_future(self._open())
            opened = await asyncio.shield(self._opening)
            self._opened = self._opened or opened
        self._renew_when_due(self._opened)
        return self._opened.service

    async def _open(self) -> _Opened:
        facts = await self.config.provider.discover(self.config.settings, self.client.send)
        collections = self.config.provider.collections(self.config.settings, facts)
        with told_as_unavailable():
            await self._remember(collections)
            service = self.serve(collections)
            return _Opened(service, facts, self._due(facts), await self._mirrored(service))

    async def _remember(self, collections: Sequence[Collection]) -> None:
        """Keep in the database what the provider has to remember; without one it is known until the program ends."""
        names = self.config.provider.remembers(self.config.settings)
        if self.database is None or not names:
            return
        await self.database.write(prepare)
        for each in collections:
            if each.resource.name in names:
                each.remembered.keep_in(Sidecar(self.database, self.config.key, each.resource.name))

    async def _mirrored(self, service: ScimService) -> Sync | None:
        if not self.is_mirror or self.database is None:
            return None
        name, presented = self.config.copy_key, service.presented()
        sync = await mirrored(name, presented, self.database, self._clock, self.config.mirror, self._wall)
        service.changes = ChangeFeed(name, sync.resources, self.database)
        return sync

    @property
    def opened(self) -> ScimService | None:
        """The service in use, if it was opened."""
        return self._opened.service if self._opened is not None else None

    async def standing(self) -> list[Standing]:
        """How the mirror stands; nothing where there is none, or it was not opened yet. Raises DatabaseUnavailable."""
        sync = self._opened.sync if self._opened is not None else None
        return await sync.standing() if sync is not None else []

    @property
    def is_mirror(self) -> bool:
        return self.config.table.mode == "mirror"

    async def run(self) -> None:
        """Open the connection before the first client asks, and refresh its mirror on schedule, for good.

        One whose upstream is down is opened when it is asked for.
        """
        try:
            with tracing(SYSTEM_CLOCK):  # which also gives the sign-in a deadline
                await self.service()
        except Exception as error:
            _log.warning("connection not opened yet", extra={"connection": self.config.name, "error": str(error)})
        finally:
            self.opened_early.set()
        if self.is_mirror:
            await self.keep_mirror()

    async def keep_mirror(self) -> None:
        """Refresh the mirror on schedule, for good."""
        assert self.database is not None
        await keep(self.config.name, self.sync, self.database, self._clock, self.refreshes)

    async def sync(self) -> Sync:
        """What refreshes the mirror of a connection in that mode. Raises as `service` does."""
        await self.service()
        assert self._opened is not None and self._opened.sync is not None
        return self._opened.sync

    def _due(self, facts: Any) -> float | None:
        seconds = self.config.provider.refresh(self.config.settings, facts)
        return self._clock.now() + seconds if seconds > 0 else None

    def _renew_when_due(self, opened: _Opened) -> None:
        due = opened.due is not None and self._clock.now() >= opened.due
        if due and (self._renewal is None or self._renewal.done()):
            # In a context of its own, or it would be charged to the request that happens to come first.
            self._renewal = asyncio.create_task(self._renew(opened), context=Context())

    async def _renew(self, opened: _Opened) -> None:
        """Discover the upstream again; a failure leaves everything as it is."""
        try:
            with tracing(self._clock, RENEWAL_SECONDS):
                found = await self._open()
            lost = _offered(opened.service) - _offered(found.service)
            if lost:
                # Discovery can fail in ways that look like an answer, and clients take what is not found for deleted.
                raise LookupError(f"{', '.join(sorted(lost))} is gone: restart to take that for granted")
        except Exception as error:
            extra = {"connection": self.config.name, "error": str(error)}
            _log.warning("discovery was not renewed", extra=extra)
            seconds = self.config.provider.refresh(self.config.settings, opened.facts)
            due = self._clock.now() + min(seconds, RETRY_SECONDS)
            self._opened = _Opened(opened.service, opened.facts, due, opened.sync)
            return
        if found.facts == opened.facts or not self.config.provider.supersedes(opened.facts, found.facts):
            self._opened = _Opened(opened.service, opened.facts, found.due, opened.sync)
            return
        self._opened = found
        await self._cache.end()  # what it forgets here is forgotten at once
        _log.info("discovery found something new", extra={"connection": self.config.name})

    def serve(self, collections: Sequence[Collection]) -> ScimService:
        """The SCIM service over these collections."""
        limits = self.config.limits
        read_limits = ReadLimits(limits.scan_rows, limits.scan_seconds)
        return ScimService(
            [Directory(each, self.client.send, self._cache, self._clock, read_limits) for each in collections],
            profile=self.profile,
            paging=Paging(limits.default_count, limits.max_count),
            cursors=self._cursors,
            scan_rows=limits.scan_rows,
            writable=self.config.table.access == "read-write",
            patch_response=self.config.table.patch_response,
        )

    def offline(self) -> ScimService:
        """The service as it is planned without asking the upstream anything, for `explain`."""
        return self.serve(self.config.provider.collections(self.config.settings, None))

    async def aclose(self) -> None:
        """Close the connections to the upstream."""
        tasks = [each for each in (self._opening, self._renewal) if each is not None]
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.client.aclose()


def needs_database(config: ConnectionConfig) -> bool:
    """Whether a connection keeps something in the database."""
    return config.table.mode == "mirror" or bool(config.provider.remembers(config.settings))


def _failed(task: "asyncio.Task[_Opened]") -> bool:
    return task.cancelled() or task.exception() is not None


def _offered(service: ScimService) -> frozenset[str]:
    """The endpoints of a service, and the schemas of each."""
    types = [each.collection.resource for each in service.directories.values()]
    schemas = (f"{each.endpoint} {schema.id}" for each in types for schema in each.schemas)
    return frozenset({each.endpoint for each in types}).union(schemas)
