"""Putting mirrors behind the directories of a connection."""

import logging
from collections.abc import Callable, Sequence

from scim_bridge.clock import Clock
from scim_bridge.mirror import changes
from scim_bridge.mirror.copy import MirrorCopy, connected, now
from scim_bridge.mirror.layout import Layout, layout
from scim_bridge.mirror.made import Presenter
from scim_bridge.mirror.settings import MirrorSettings
from scim_bridge.mirror.store import Store
from scim_bridge.mirror.sync import Sync
from scim_bridge.mirror.tables import opened
from scim_bridge.query.capabilities import Collection
from scim_bridge.query.directory import Directory
from scim_bridge.query.sources import ChangePage
from scim_bridge.query.version import owned_relations
from scim_bridge.store.database import Database

_log = logging.getLogger("scim_bridge.mirror")


async def mirrored(
    connection: str,
    directories: Sequence[tuple[Directory, Presenter]],
    database: Database,
    clock: Clock,
    settings: MirrorSettings,
    wall: Callable[[], int] = now,
) -> Sync:
    """Put copies behind directories, and return what keeps them; a ``Presenter`` makes the documents of each."""
    copies: list[MirrorCopy] = []
    for directory, presenter in directories:
        if directory.collection.endless:
            continue
        found = _layout(directory.collection, settings.indexed)
        tables = await database.write(opened, connection, directory.collection.resource.name, found)
        store = Store(connection, found, tables, presenter)
        copy = MirrorCopy(directory.collection, store, database, directory.reader, clock, wall)
        directory.copy = copy
        copies.append(copy)
    connected(copies)
    for each in settings.indexed:
        if not any(copy.store.layout.has_index(each) for copy in copies):
            _log.warning("there is no such attribute to index", extra={"connection": connection, "attribute": each})
    return Sync(connection, copies, database, clock, settings)


def _layout(collection: Collection, indexed: Sequence[str]) -> Layout:
    owned = owned_relations(collection)
    others = frozenset(each.attribute for each in collection.relations) - set(owned)
    return layout(collection.resource, owned, others, indexed)


class ChangeFeed:
    """The changes of one connection's mirror, for clients."""

    def __init__(self, connection: str, resources: Sequence[str], database: Database) -> None:
        self._connection = connection
        self._resources = resources
        self._database = database

    async def read(self, after: int | None, count: int) -> ChangePage:
        return await self._database.read(changes.read, self._connection, self._resources, after, count)
