"""Commands know the connections of the database as they do those of the file."""

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from scim_bridge.cli import main
from tests.admin.world import ACTOR, KEY, world

NEW_KEY = base64.b64encode(b"n" * 32).decode()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def written(folder: Path, **server: Any) -> Path:
    """A configuration file without connections, over the database in a folder."""
    table = {
        "database": f"sqlite:///{folder}/bridge.db",
        "encryption_key": KEY,
        "allow_private_upstreams": True,
        **server,
    }
    path = folder / "bridge.toml"
    lines = "\n".join(
        f"{name} = {str(value).lower() if value is True else repr(value)}" for name, value in table.items()
    )
    path.write_text(f"[server]\n{lines}\n", "utf-8")
    return path


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Path]:
    """A folder with a database that has a connection ``acme``, whose upstream runs meanwhile."""
    loop = asyncio.new_event_loop()
    found = world(tmp_path, network=True)
    made = loop.run_until_complete(found.__aenter__())
    create = made.administration.connections.create(ACTOR, "acme", made.document(mode="mirror"))
    loop.run_until_complete(create)
    yield tmp_path
    loop.run_until_complete(found.__aexit__(None, None, None))
    loop.close()


def test_a_stored_connection_is_checked_and_explained(stored: Path) -> None:
    path = str(written(stored))
    assert run("check", "--config", path).output == "acme (pingone): ok, read one row of Users, Groups\n"
    assert "walk" in run("explain", "--config", path, "acme", "Users").output
    assert run("sync", "--config", path, "nope").exit_code == 2


def test_signing_in_is_audited_as_that_of_the_bridge(stored: Path) -> None:
    path = str(written(stored))
    before = actions(path)
    assert run("check", "--config", path).exit_code == 0
    assert run("sync", "--config", path, "acme").exit_code == 0
    assert actions(path)[len(before) :] == ["upstream.sign-in", "upstream.sign-in"]
    assert run("audit", "verify", "--config", path).exit_code == 0


def actions(path: str) -> list[str]:
    """What the audit log has of the connection, from the first on."""
    exported = run("audit", "export", "--config", path, "--connection", "acme")
    return [json.loads(line)["action"] for line in exported.output.splitlines()]


def test_under_another_key_it_is_told(stored: Path) -> None:
    path = str(written(stored, encryption_key=NEW_KEY))
    result = run("check", "--config", path)
    assert (result.exit_code, result.output.startswith("acme: FAILED, its secrets were encrypted")) == (1, True)
    explained = run("explain", "--config", path, "acme", "Users")
    assert (explained.exit_code, "encryption_key" in explained.output) == (2, True)


def test_rekey_puts_it_under_the_new_key(stored: Path) -> None:
    lost = run("rekey", "--config", str(written(stored, encryption_key=NEW_KEY)))
    assert (lost.exit_code, "acme: FAILED" in lost.output) == (1, True)
    path = str(written(stored, encryption_key=NEW_KEY, former_encryption_keys=[KEY]))
    assert run("check", "--config", path).exit_code == 0
    assert run("rekey", "--config", path).output == "put under the present encryption_key: 1\n"
    assert run("rekey", "--config", path).output == "put under the present encryption_key: 0\n"
    assert run("check", "--config", str(written(stored, encryption_key=NEW_KEY))).exit_code == 0
    assert run("check", "--config", str(written(stored))).exit_code == 1


def test_rekey_needs_a_key(tmp_path: Path) -> None:
    path = tmp_path / "bridge.toml"
    path.write_text("[server]\naudit = false\n", "utf-8")
    result = run("rekey", "--config", str(path))
    assert (result.exit_code, "encryption_key: is missing" in result.output) == (2, True)


def test_to_look_at_connections_makes_no_database(tmp_path: Path) -> None:
    assert run("check", "--config", str(written(tmp_path))).exit_code == 0
    assert not (tmp_path / "bridge.db").exists()
