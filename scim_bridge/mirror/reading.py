"""Reading an upstream for its copy: a page at a time, within a time limit of its own, everything or what changed."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final

from scim2_models.path import AttrPath, CompareOperator, Comparison

from scim_bridge.clock import Clock
from scim_bridge.mirror.copy import MirrorCopy
from scim_bridge.query.plan import Query
from scim_bridge.query.run import Crawled
from scim_bridge.query.version import owned_relations
from scim_bridge.upstream.trace import tracing

PAGE_SECONDS: Final = 300.0
"""What one page may take, with all that belongs to it; nobody waits for it."""


async def crawled(copy: MirrorCopy, query: Query, at: Any, clock: Clock) -> AsyncGenerator[tuple[Crawled, int], None]:
    """The pages of a crawl, and when each was asked for; each in a time limit of its own."""
    async with aclosing(copy.reader.crawl(query, at)) as pages:
        while True:
            asked = copy.wall()
            with tracing(clock, PAGE_SECONDS):
                page = await anext(pages, None)
            if page is None:
                return
            yield page, asked
            await asyncio.sleep(0)  # requests of clients come first


def changed_since(copy: MirrorCopy, since: str | None) -> Query | None:
    """The query for what changed; None where the upstream cannot be asked that, or does not date changes of members."""
    if since is None or owned_relations(copy.collection):
        return None
    node = Comparison(AttrPath("meta", "lastModified"), CompareOperator.ge, since)
    query = Query(node)
    plan = copy.reader.planner.plan(query)
    return query if plan.branches and all(each.pushed for each in plan.branches) else None
