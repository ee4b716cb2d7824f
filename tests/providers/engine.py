"""The engine over a vendor, as the program opens a connection, without its protocol layer."""

from typing import Any

import httpx

from scim_bridge.clock import Clock
from scim_bridge.query.cache import QueryCache
from scim_bridge.query.directory import Directory
from scim_bridge.query.provider import Provider
from scim_bridge.query.run import ReadLimits
from scim_bridge.upstream.client import UpstreamClient

NO_LIMITS = ReadLimits()


async def opened(
    provider: Provider[Any],
    settings: Any,
    clock: Clock,
    transport: httpx.AsyncBaseTransport | None = None,
    limits: ReadLimits = NO_LIMITS,
    *,
    discovering: bool = True,
) -> tuple[list[Directory], UpstreamClient]:
    """A connection's directories, in the order of its collections, and the client to close."""
    endpoint = provider.endpoint(settings, clock)
    client = UpstreamClient(
        "acme",
        endpoint.base_url,
        auth=endpoint.auth,
        options=endpoint.options,
        classify=provider.classify,
        clock=clock,
        transport=transport,
    )
    try:
        found = await provider.discover(settings, client.send) if discovering else None
    except BaseException:
        await client.aclose()
        raise
    cache = QueryCache(clock, 300)
    return [
        Directory(each, client.send, cache, clock, limits) for each in provider.collections(settings, found)
    ], client
