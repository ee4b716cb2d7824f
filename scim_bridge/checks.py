"""`scim-bridge check`: sign in to each upstream and read one row of each resource type."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from scim_bridge.clock import SYSTEM_CLOCK
from scim_bridge.connections import Connection
from scim_bridge.protocol.errors import scim_error
from scim_bridge.query.plan import Query
from scim_bridge.upstream.trace import tracing


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one connection's check found; ``told`` is for people and holds no secret, ``failure`` is why it failed."""

    name: str
    provider: str
    ok: bool
    told: str
    failure: Exception | None = None

    def line(self) -> str:
        return f"{self.name} ({self.provider}): {'ok' if self.ok else 'FAILED'}, {self.told}"


async def check_connections(connections: Sequence[Connection]) -> list[CheckResult]:
    """Check connections at the same time; in the order given."""
    return list(await asyncio.gather(*map(check_connection, connections)))


async def check_connection(connection: Connection) -> CheckResult:
    """Sign in to a connection's upstream, and read a row of each resource type."""
    name, provider = connection.config.name, connection.config.provider.name
    try:
        with tracing(SYSTEM_CLOCK):
            service = await connection.service()
            for each in service.directories.values():
                await each.reader.search(Query(count=1, need_total=False))
    except Exception as failure:
        return CheckResult(name, provider, False, scim_error(failure, "check", name).detail, failure)
    types = ", ".join(each.collection.resource.endpoint.strip("/") for each in service.directories.values())
    return CheckResult(name, provider, True, f"read one row of {types}")
