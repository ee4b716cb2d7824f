"""The bridge in the mode mirror, over a database that was filled before."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from scim2_server.cursor import Cursors

from scim_bridge.config import load
from scim_bridge.connections import Connection, provider_by_name
from scim_bridge.mirror.copy import MirrorCopy, now
from scim_bridge.mirror.indexes import index
from scim_bridge.query.relations import Record
from scim_bridge.store.database import Sql
from scim_bridge.store.opening import open_database
from tests.bench.people import GROUPS, group, user
from tests.bench.servers import Server, application

BATCH = 1000


@contextmanager
def mirror(people: int, server: Server, folder: Path) -> Iterator[Server]:
    """A bridge that mirrors so many people; ``server`` tells it the schemas."""
    path = configured(folder, str(people), server)
    asyncio.run(_fill(path, people))
    with served(path, people) as found:
        yield found


def served(path: Path, people: int) -> AbstractContextManager[Server]:
    """A process of the bridge over a mirror that is filled."""
    return application("mirror", people, "/readyz", "/scim/acme/v2", CONFIG=str(path))


def configured(folder: Path, name: str, upstream: Server) -> Path:
    """A configuration whose mirror nobody refreshes."""
    path = configuration(folder, name)
    path.write_text(
        f'[server]\ndatabase = "sqlite:///{folder}/mirror-{name}.db"\n'
        '[connections.acme]\nprovider = "scim"\ntoken = "t"\nmode = "mirror"\n'
        "mirror = { refresh_seconds = 1e9, full_seconds = 1e9 }\n"
        f'[connections.acme.settings]\nbase_url = "{upstream.origin}{upstream.base}"\ntoken = "t"\n'
    )
    return path


def configuration(folder: Path, name: str) -> Path:
    return folder / f"bridge-{name}.toml"


async def _fill(path: Path, people: int) -> None:
    """Store people and groups as a crawl would, without the upstream's part in it."""
    config = load(path, provider_by_name)
    database = open_database(config.server.database)
    connection = Connection(config.connections["acme"], Cursors(b"s" * 32), database=database)
    sync = await connection.sync()
    copies = {each.collection.resource.name: each for each in sync.copies}
    for start in range(0, people, BATCH):
        await _store(database, copies["User"], [user(each) for each in range(start, min(start + BATCH, people))])
    for number in range(GROUPS):
        # More members than this would make the filling long, and nothing here reads them.
        await _store(database, copies["Group"], [group(number, min(people, 10_000))])
    for each in sync.copies:
        await index(database, each.store)
        await database.write(_complete, each)
    await connection.aclose()
    await database.aclose()


async def _store(database: Any, copy: MirrorCopy, resources: list[dict[str, Any]]) -> None:
    drafts = [copy.draft(Record(each, {"members": each.pop("members", [])})) for each in resources]
    await database.write(copy.store.put, drafts, at=now(), before=now(), feed=False)


def _complete(sql: Sql, copy: MirrorCopy) -> None:
    text = "UPDATE mirror_types SET complete = 1, fresh_at = ?, full_at = ? WHERE number = ?"
    at = int(time.time() * 1e6)
    sql.run(text, (at, at, copy.store.tables.number))
