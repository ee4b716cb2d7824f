"""Stores resources without end, as a sync that finds much changed: ``python -m tests.bench.writer CONFIG``."""

import asyncio
import sys
from itertools import count
from pathlib import Path

from scim2_server.cursor import Cursors

from scim_bridge.config import load
from scim_bridge.connections import Connection, provider_by_name
from scim_bridge.mirror.copy import now
from scim_bridge.query.relations import Record
from scim_bridge.store.opening import open_database
from tests.bench.people import user

BATCH = 500


async def main(path: Path) -> None:
    config = load(path, provider_by_name)
    database = open_database(config.server.database)
    connection = Connection(config.connections["acme"], Cursors(b"s" * 32), database=database)
    copy = (await connection.sync()).copies[0]
    print("ready", flush=True)
    for turn in count():
        start = turn * BATCH % 20_000
        people = [{**user(number), "nickName": f"Turn {turn}"} for number in range(start, start + BATCH)]
        drafts = [copy.draft(Record(each, {})) for each in people]
        await database.write(copy.store.put, drafts, at=now(), before=now(), feed=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
