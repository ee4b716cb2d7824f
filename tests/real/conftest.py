"""The servers that others wrote, each started once for all tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.real.worlds import SERVERS, World
from tests.real.worlds import world as started


@pytest.fixture(scope="session", params=SERVERS)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """For tests that only read."""
    with started(request.param, tmp_path_factory.mktemp("bridge")) as running:
        yield running
