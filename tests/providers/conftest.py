"""A database of a bridge in front of simulated vendors."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from scim_bridge.store.database import Database
from scim_bridge.store.opening import open_database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path}/bridge.db")
    yield opened
    await opened.aclose()
