"""`scim-bridge sync`, as an operator meets it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from scim_bridge.cli import main
from scim_bridge.providers.pingone.sandbox import Sandbox
from tests.servers import free_port, running


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(users=40, groups=3)


def written(folder: Path, sandbox: Sandbox, origin: str, mode: str = "mirror") -> Path:
    settings = {**sandbox.settings, "api_url": f"{origin}/v1", "auth_url": origin}
    lines = [
        "[server]",
        f'database = "sqlite:///{folder}/bridge.db"',
        "[connections.acme]",
        'provider = "pingone"',
        'token = "t"',
        f'mode = "{mode}"',
        "[connections.acme.settings]",
        *(f"{key} = {json.dumps(value)}" for key, value in settings.items()),
    ]
    path = folder / "bridge.toml"
    path.write_text("\n".join(lines), "utf-8")
    return path


def sync(path: Path, *options: str, connection: str = "acme") -> Result:
    return CliRunner().invoke(main, ["sync", "--config", str(path), connection, *options])


def test_it_says_what_came_of_it(tmp_path: Path, sandbox: Sandbox) -> None:
    with running(sandbox.app) as origin:
        path = written(tmp_path, sandbox, origin)
        first, second = sync(path), sync(path)
    assert first.exit_code == second.exit_code == 0, first.output
    assert first.stdout.splitlines() == [
        "User: read everything, 40; 40 created, 0 changed, 0 deleted",
        "Group: read everything, 3; 3 created, 0 changed, 0 deleted",
    ]
    assert second.stdout.startswith("User: read everything, 40; 0 created, 0 changed, 0 deleted")


def test_what_is_held_is_said_and_taken_away_when_approved(tmp_path: Path, sandbox: Sandbox) -> None:
    with running(sandbox.app) as origin:
        path = written(tmp_path, sandbox, origin)
        sync(path)
        for each in sorted(sandbox.store.users)[:9]:
            sandbox.store.remove_user(each)
        held = sync(path)
        assert held.exit_code == 1
        assert "HELD: 9 seem to be gone, scim-bridge sync --approve takes them away" in held.stdout
        approved = sync(path, "--approve")
        assert approved.exit_code == 0 and "9 deleted" in approved.stdout


def test_an_upstream_that_is_down_fails_in_a_line(tmp_path: Path, sandbox: Sandbox) -> None:
    path = written(tmp_path, sandbox, f"http://127.0.0.1:{free_port()}")
    result = sync(path)
    assert result.exit_code == 1
    assert result.stderr.startswith("not refreshed: acme: ") and len(result.stderr.splitlines()) == 1
    assert sandbox.client_secret not in result.output


@pytest.mark.parametrize(
    ("mode", "connection", "message"),
    [
        ("live", "acme", 'mode: is not "mirror", so there is nothing to refresh'),
        ("mirror", "other", "there is no connection 'other'"),
    ],
)
def test_wrong_use_is_told(mode: str, connection: str, message: str, tmp_path: Path, sandbox: Sandbox) -> None:
    result = sync(written(tmp_path, sandbox, "http://127.0.0.1:1", mode), connection=connection)
    assert result.exit_code == 2
    assert message in result.output


def test_a_database_that_cannot_be_opened_is_told(tmp_path: Path, sandbox: Sandbox) -> None:
    path = written(tmp_path, sandbox, "http://127.0.0.1:1")
    path.write_text(path.read_text("utf-8").replace(f"{tmp_path}/bridge.db", "/nowhere/at/all.db"), "utf-8")
    result = sync(path)
    assert result.exit_code == 2
    assert "[server] database: /nowhere/at/all.db cannot be opened" in result.output
