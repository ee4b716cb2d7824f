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
    """What one connection's check found; ``told`` is for people and holds no secret."""

    name: str
    provider: str
    ok: bool
    told: str

    def line(self) -> str:
        return f"{self.name} ({self.provider}): {'ok' if self.ok else 'FAILED'}, {self.told}"


async def check_connections(connections: Sequence[Connection]) -> list[CheckResult]:
    """Check connections at the same time; in the order given. Closes them."""
    return list(await asyncio.gather(*map(_check, connections)))


async def _check(connection: Connection) -> CheckResult:
    name, provider = connection.config.name, connection.config.provider.name
    try:
        with tracing(SYSTEM_CLOCK):
            service = await connection.service()
            for each in service.directories.values():
                await each.reader.search(Query(count=1, need_total=False))
    except Exception as failure:
        return CheckResult(name, provider, False, scim_error(failure, "check", name).detail)
    finally:
        await connection.aclose()
    types = ", ".join(each.collection.resource.endpoint.strip("/") for each in service.directories.values())
    return CheckResult(name, provider, True, f"read one row of {types}")
