"""Both databases for the tests of what is stored; PostgreSQL's are slow ones, as a server has to be started."""

from tests.mirror.conftest import server, shared, url

__all__ = ["server", "shared", "url"]
