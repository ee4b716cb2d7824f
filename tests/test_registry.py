"""What the registry does while the database does not answer, and where a connection cannot be opened."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from scim_bridge.config import ConnectionConfig
from scim_bridge.connections import Connection
from scim_bridge.registry import Registry
from scim_bridge.store.database import DatabaseUnavailable
from scim_bridge.stored import State
from tests.admin.test_connections import made
from tests.admin.world import ACTOR, world


class Silent:
    """A store whose database lets everybody wait, and then does not answer, until it is back."""

    def __init__(self) -> None:
        self.asked = 0
        self.gives_up = asyncio.Event()
        self.back = False

    async def changed(self, since: int | None) -> State | None:
        self.asked += 1
        if self.back:
            return State(1, [], []) if since is None else None
        await self.gives_up.wait()
        raise DatabaseUnavailable("it is down")


async def test_of_those_who_wait_for_the_database_one_asks_it() -> None:
    stored: Any = Silent()
    registry = Registry({}, stored)
    waiting = [asyncio.create_task(registry.refresh()) for _ in range(5)]
    await asyncio.sleep(0)
    stored.gives_up.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in results] == [DatabaseUnavailable] * 5
    assert stored.asked == 1
    with pytest.raises(DatabaseUnavailable):
        await registry.refresh()
    assert stored.asked == 2


async def test_what_another_node_may_have_made_meanwhile_is_no_404() -> None:
    stored: Any = Silent()
    registry = Registry({}, stored)
    stored.gives_up.set()
    for back, status in ((True, 404), (False, 503), (True, 404)):
        stored.back = back
        await asyncio.gather(registry.refresh(), return_exceptions=True)
        assert registry.missing().status == status


async def test_a_connection_that_nobody_can_open_keeps_no_other_change_away(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        token = await made(found)
        await made(found, "odd")
        stored, tokens, connections = (
            found.administration.desk.stored,
            found.administration.tokens,
            found.administration.connections,
        )
        opened = stored._opened

        def failing(config: ConnectionConfig) -> Connection:
            if config.name == "odd":
                raise RuntimeError("a mistake of ours")
            return opened(config)

        stored._opened = failing
        await connections.change(ACTOR, "odd", {"access": "read-only"})
        [view] = await tokens.all("acme")
        await tokens.revoke(ACTOR, "acme", view.id)
        assert (await found.users("acme", token)).status_code == 401
        assert (await connections.one("odd")).problem == "it cannot be opened: the log tells why"
