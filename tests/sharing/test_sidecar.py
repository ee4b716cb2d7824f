"""What is remembered of records that upstreams keep: durable, and the same on all nodes."""

from collections.abc import AsyncIterator

import pytest

from scim_bridge.query.remembered import Noted, Remembered
from scim_bridge.sharing.sidecar import Sidecar, prepare
from scim_bridge.store.database import Database
from scim_bridge.store.opening import open_database
from tests.mirror.conftest import server, shared, url

__all__ = ["server", "shared", "url"]


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = open_database(url)
    await opened.write(prepare)
    await opened.write(prepare)  # which every node does
    yield opened
    await opened.aclose()


def node(database: Database, connection: str = "acme", resource: str = "User") -> Remembered:
    remembered = Remembered()
    remembered.keep_in(Sidecar(database, connection, resource))
    return remembered


async def nodes_with_a(database: Database) -> tuple[Remembered, Remembered]:
    """Two nodes that know the first mark of a record, which the first of them made."""
    one, other = node(database), node(database)
    one.add("a", "1")
    await one.save()
    await other.refresh()
    return one, other


async def test_what_one_node_saved_another_knows_after_a_look(database: Database) -> None:
    one, other = node(database), node(database)
    await other.refresh()
    one.add("a", "1")
    one.add("b", "2")
    await one.save()
    assert not other.any()
    await other.refresh()
    assert (other.mark("a"), other.mark("b"), other.mark("c")) == ("1", "2", None)
    one.add("a", "3")
    await one.save()
    await other.refresh()
    assert other.mark("a") == "3"


async def test_what_is_there_again_is_forgotten_by_all(database: Database) -> None:
    one, other = await nodes_with_a(database)
    other.forget("a")
    other.forget("a")
    await other.refresh()
    await one.refresh()
    assert not one.any() and not other.any()
    one.add("a", "2")
    await one.save()
    await other.refresh()
    assert other.mark("a") == "2"


async def test_forgetting_spares_a_later_deletion(database: Database) -> None:
    one, other = await nodes_with_a(database)
    one.add("a", "2")
    await one.save()
    other.forget("a")  # of what it knew
    await other.refresh()
    await one.refresh()
    assert (one.mark("a"), other.mark("a")) == ("2", "2")
    new = node(database)
    await new.refresh()
    assert new.mark("a") == "2"


async def test_connections_and_resource_types_have_their_own(database: Database) -> None:
    one = node(database)
    one.add("a", "1")
    await one.save()
    for each in (node(database, connection="other"), node(database, resource="Group")):
        await each.refresh()
        assert not each.any()


async def test_what_could_not_be_saved_is_tried_again(database: Database) -> None:
    class Broken(Sidecar):
        fails = True

        async def write(self, noted: object) -> None:
            if self.fails:
                raise LookupError("the disk is full")
            assert isinstance(noted, list) and all(isinstance(each, Noted) for each in noted)
            await super().write(noted)

    memory, remembered, other = Broken(database, "acme", "User"), Remembered(), node(database)
    remembered.keep_in(memory)
    remembered.add("a", "1")
    for call in (remembered.save, remembered.refresh):
        with pytest.raises(LookupError):
            await call()
    assert remembered.mark("a") == "1"
    memory.fails = False
    await remembered.refresh()
    await other.refresh()
    assert other.mark("a") == "1"


async def test_without_a_memory_it_is_known_as_long_as_the_object_is() -> None:
    remembered = Remembered()
    remembered.add("a", "1")
    await remembered.save()
    await remembered.refresh()
    assert remembered.any() and remembered.mark("a") == "1" and remembered.mark(1) is None
    remembered.forget("a")
    assert not remembered.any()
