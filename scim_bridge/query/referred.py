"""Reading the records that the rows of a list only name."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import aclosing

from scim_bridge.query.budget import Budget
from scim_bridge.query.capabilities import Collection, Referral, Row
from scim_bridge.query.pages import Send, every_page, read_page, understood
from scim_bridge.query.plan import Branch
from scim_bridge.query.relations import all_or_nothing, own_record


async def referred(
    send: Send, collection: Collection, referral: Referral, rows: Sequence[Row], gate: asyncio.Semaphore, budget: Budget
) -> list[Row]:
    """The records that rows name, each once, in the order in which they are named.

    A record that the list of several leaves out is looked up before it counts as gone: leaving out must not look like
    a deletion.
    """
    with understood(f"the list of {collection.resource.name}s"):
        ids = list(dict.fromkeys(each for row in rows for each in referral.ids(row)))
        if not all(isinstance(each, str) for each in ids):
            raise TypeError("an id is text")
    found: dict[str, Row] = {}

    async def listed(part: Sequence[str]) -> None:
        branch = _several(referral, part)
        async with gate, aclosing(every_page(send, branch)) as pages:
            async for page in pages:
                budget.spend(page.read)
                with understood(branch.path):
                    found.update((referral.key(row), row) for row in page.rows)

    async def looked_up(one: str) -> None:
        async with gate:
            page = await read_page(send, own_record(collection, one), {})
            budget.spend(page.read)
            found.update((one, row) for row in page.rows)

    if referral.access is not None:
        await all_or_nothing([listed(part) for part in _parts(ids, referral.chunk)])
    await all_or_nothing([looked_up(each) for each in ids if each not in found])
    return [found[each] for each in ids if each in found]


def _several(referral: Referral, ids: Sequence[str]) -> Branch:
    assert referral.access is not None
    params = {**referral.access.fixed, referral.parameter: referral.joined(ids)}
    return Branch(referral.access, referral.access.path, params, exact=True)


def _parts(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
