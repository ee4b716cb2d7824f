"""Another encryption key while nodes run."""

import asyncio
from pathlib import Path
from threading import Event

from scim_bridge.admin.service.desk import AdminError
from scim_bridge.store import connections
from scim_bridge.store.opening import open_database
from scim_bridge.store.sealing import Envelope, Vault
from scim_bridge.stored import rekey
from tests.admin.test_connections import made
from tests.admin.world import ACTOR, world

FORMER, NEW = b"k" * 32, b"n" * 32
"""The first is the one that worlds have."""


class Met(Vault):
    """A vault; who renews an envelope is met by somebody else, and gives them a moment."""

    def __init__(self) -> None:
        super().__init__(NEW, [FORMER])
        self.met, self.over = Event(), Event()

    def renewed(self, envelope: Envelope, place: str) -> Envelope | None:
        self.met.set()
        self.over.wait(0.3)
        return super().renewed(envelope, place)


async def test_a_change_at_that_moment_brings_no_former_key_back(tmp_path: Path, url: str) -> None:
    async with world(tmp_path, database=url) as found:
        await made(found)
        vault, other = Met(), await asyncio.to_thread(open_database, url)
        renewing = asyncio.ensure_future(other.write(rekey, vault))
        await asyncio.to_thread(vault.met.wait, 10)
        try:
            await found.administration.connections.pause(ACTOR, "acme", True)
        except AdminError as refusal:
            assert refusal.status == 409
        vault.over.set()
        assert await renewing == (1, [])
        kept = await found.administration.desk.read(connections.connection, "acme")
        assert kept is not None and kept.secrets is not None
        assert Vault(NEW).opened(kept.secrets, kept.place) is not None
        await other.aclose()
