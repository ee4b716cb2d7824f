"""Both databases for the tests of mirrors; PostgreSQL's are slow ones, as a server has to be started."""

from collections.abc import Iterator

import pytest

from tests.mirror.databases import emptied, postgres


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
def shared(server: str) -> str:
    """The URL of an empty database on a server."""
    emptied(server)
    return server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest, tmp_path: object) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/bridge.db"
    found: str = request.getfixturevalue("shared")
    return found
