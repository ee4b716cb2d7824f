"""SCIMMY, with SCIMMY's routers and express 4, as its README has it: the handler gives all rows."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.bench.people import GROUPS, group, user
from tests.bench.servers import Server, started
from tests.real.installed import needed
from tests.real.installed import scimmy as packages
from tests.servers import free_port


@contextmanager
def scimmy(people: int, folder: Path) -> Iterator[Server | None]:
    """A running server with people in it; None where it cannot be had: without node, npm or their registry."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(_started(people, folder))
        except (AssertionError, OSError, subprocess.SubprocessError, pytest.skip.Exception):
            server = None
        yield server


def _started(people: int, folder: Path) -> AbstractContextManager[Server]:
    script, node = packages() / "server.js", needed("node", "nodejs", "npm")
    rows = {
        "users": [user(number) for number in range(people)],
        "groups": [group(number, people) for number in range(GROUPS)],
    }
    given, port = folder / "rows.json", free_port()
    given.write_text(json.dumps(rows), "utf-8")
    environment = {"SCIM_TOKEN": "t", "SCIM_ROWS": str(given)}
    ready = "/scim/ServiceProviderConfig"
    return started("SCIMMY", [node, str(script), str(port)], port, ready, base="/scim", environment=environment)
