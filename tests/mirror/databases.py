"""The databases that tests run on: SQLite in a file, and a PostgreSQL of their own where one is installed."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL
from tempfile import TemporaryDirectory

import pytest

from tests.real.installed import run
from tests.servers import free_port


def programs() -> Path:
    """Where PostgreSQL's programs are. Where there are none, CI installs them, and tests are skipped elsewhere."""
    if _programs() is None and os.environ.get("CI") == "true":
        run("apt-get", "update", "-q")
        run("apt-get", "install", "-q", "-y", "--no-install-recommends", "postgresql")
    found = _programs()
    if found is None:
        pytest.skip("PostgreSQL is not installed: apt-get install -y postgresql")
    return found


def _programs() -> Path | None:
    """Debian keeps the programs of each version apart."""
    found = shutil.which("initdb")
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return Path(found).parent if found else installed[-1].parent if installed else None


@contextmanager
def postgres() -> Iterator[str]:
    """A server of its own; its URL. It refuses to run as root, so another user has to, in a folder of that user's."""
    found = programs()
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else []
    with TemporaryDirectory(prefix="postgres-") as folder:
        if as_user:
            shutil.chown(folder, "postgres", "postgres")
        data, port = f"{folder}/data", free_port()

        def started(program: str, *arguments: str) -> None:
            subprocess.run(
                [*as_user, str(found / program), "-D", data, *arguments], check=True, stdout=DEVNULL, cwd="/"
            )

        started("initdb", "-U", "bridge", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        started("pg_ctl", "-o", options, "-l", f"{data}/server.log", "-w", "start")
        try:
            yield f"postgresql://bridge@127.0.0.1:{port}/postgres"
        finally:
            started("pg_ctl", "-m", "immediate", "-w", "stop")


def emptied(url: str) -> None:
    """Drop all tables of a PostgreSQL database."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
