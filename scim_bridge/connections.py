"""Connections: configured upstream tenants, opened, each with its SCIM service; and the providers there are."""

import asyncio
import logging
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

import httpx
from scim2_server.cursor import Cursors

from scim_bridge.clock import SYSTEM_CLOCK, Clock
from scim_bridge.config import ConnectionConfig
from scim_bridge.protocol.auth import TokenCheck
from scim_bridge.protocol.profiles import PROFILES
from scim_bridge.protocol.search import Paging
from scim_bridge.protocol.service import ScimService
from scim_bridge.query.cache import QueryCache
from scim_bridge.query.capabilities import Collection
from scim_bridge.query.directory import Directory
from scim_bridge.query.provider import Provider
from scim_bridge.query.run import ReadLimits
from scim_bridge.upstream.client import UpstreamClient
from scim_bridge.upstream.trace import tracing

PROVIDER_GROUP: Final = "scim_bridge.providers"
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


def _entry_points() -> Sequence[EntryPoint]:
    return list(entry_points(group=PROVIDER_GROUP))


class Connection:
    """One configured upstream, and the SCIM service in front of it."""

    def __init__(
        self,
        config: ConnectionConfig,
        cursors: Cursors,
        *,
        clock: Clock = SYSTEM_CLOCK,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """``transport`` replaces the network in tests."""
        self.config = config
        self.tokens = TokenCheck(config.tokens)
        self.profile = PROFILES[config.table.client_profile]
        self._cursors = cursors
        self._clock = clock
        endpoint = config.provider.endpoint(config.settings, clock)
        self.client = UpstreamClient(
            config.name,
            endpoint.base_url,
            auth=endpoint.auth,
            options=endpoint.options,
            classify=config.provider.classify,
            clock=clock,
            transport=transport,
        )
        self._service: asyncio.Task[ScimService] | None = None

    async def service(self) -> ScimService:
        """The connection's SCIM service, opened on first use; however many ask, the upstream is asked once.

        Raises the upstream's error where it cannot be opened; the next call tries again.
        """
        if self._service is None or (self._service.done() and _failed(self._service)):
            self._service = asyncio.ensure_future(self._open())
        return await asyncio.shield(self._service)

    async def _open(self) -> ScimService:
        discovered = await self.config.provider.discover(self.config.settings, self.client.send)
        return self.serve(self.config.provider.collections(self.config.settings, discovered))

    def serve(self, collections: Sequence[Collection]) -> ScimService:
        """The SCIM service over these collections."""
        limits = self.config.limits
        cache = QueryCache(self._clock, limits.cache_seconds)
        read_limits = ReadLimits(limits.scan_rows, limits.scan_seconds)
        return ScimService(
            [Directory(each, self.client.send, cache, self._clock, read_limits) for each in collections],
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
        if self._service is not None:
            self._service.cancel()
            await asyncio.gather(self._service, return_exceptions=True)
        await self.client.aclose()


def _failed(task: "asyncio.Task[ScimService]") -> bool:
    return task.cancelled() or task.exception() is not None


async def open_early(connections: Sequence[Connection]) -> None:
    """Open connections before the first client asks; one whose upstream is down is opened when it is asked for."""

    async def one(connection: Connection) -> None:
        try:
            with tracing(SYSTEM_CLOCK):  # which also gives the sign-in a deadline
                await connection.service()
        except Exception as error:
            _log.warning("connection not opened yet", extra={"connection": connection.config.name, "error": str(error)})

    await asyncio.gather(*map(one, connections))
