"""The command line: what it prints, and its exit codes: 0 done, 1 the check failed, 2 wrong usage or configuration."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from scim_bridge import tables
from scim_bridge.cli import main
from scim_bridge.connections import provider_by_name, provider_names
from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.settings import settings_of
from tests.servers import free_port, running

USER = "7eed8d14-f06d-4fef-b019-66a0c381e88f"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def config(folder: Path, origin: str = "http://127.0.0.1:9", **changes: Any) -> Path:
    """A file with the connections acme (PingOne at an origin) and other (nowhere)."""
    settings = {**Sandbox(users=1).settings, **changes}
    lines = "\n".join(f'{name} = "{value}"' for name, value in settings.items())
    path = folder / "bridge.toml"
    path.write_text(
        f"""
[connections.acme]
provider = "pingone"
token = "t"
[connections.acme.settings]
{lines}
api_url = "{origin}/v1"
auth_url = "{origin}"
[connections.other]
provider = "scim"
token = "t"
[connections.other.settings]
base_url = "http://127.0.0.1:9/v2"
token = "s3cret"
"""
    )
    return path


@pytest.fixture(scope="module")
def pingone() -> Iterator[str]:
    with running(Sandbox(users=20).app) as origin:
        yield origin


# -- explain ----------------------------------------------------------------------------------------------------------


def explained(folder: Path, *arguments: str) -> dict[str, list[str]]:
    """What `explain` printed, by the words before the gap."""
    result = run("explain", "--config", str(config(folder)), "acme", *arguments)
    assert result.exit_code == 0, result.output
    found: dict[str, list[str]] = {}
    for line in result.output.splitlines():
        name, _, told = line.partition("  ")
        found.setdefault(name, []).append(told.strip())
    return found


def test_a_unique_name_is_one_request(tmp_path: Path) -> None:
    told = explained(tmp_path, "Users", "--filter", 'userName eq "x"')
    assert told["strategy"] == ["lookup"]
    assert told["upstream request"] == ['GET /users?filter=username eq "x"&limit=200']
    assert told["expected requests"] == ["1"]
    assert told["checked here"] == ["nothing"]


def test_what_is_pushed_and_what_is_checked_here_is_shown(tmp_path: Path) -> None:
    told = explained(tmp_path, "Users", "--filter", 'name.familyName sw "S" and title co "eng"')
    assert told["evaluated there"] == ['name.family sw "S"']
    assert told["checked here"] == ['name.familyName sw "S" and title co "eng"']
    assert told["strategy"] == ["scan"]


def test_sorts_and_pages_are_planned(tmp_path: Path) -> None:
    told = explained(tmp_path, "users", "--sort-by", "name.familyName", "--start-index", "101", "--count", "50")
    assert told["sorted"] == ["here, over all matches"]
    assert explained(tmp_path, "Users")["strategy"] == ["walk"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody", "Users"], "there is no connection 'nobody'"),
        (["acme", "Nothing"], "There is no endpoint /Nothing"),
        (["acme", "Users", "--filter", "userName eq"], "The filter cannot be read"),
        (["acme", "Users", "--filter", 'nope eq "x"'], "There is no attribute nope"),
        (["acme", "Users", "--sort-by", "name"], "name is complex"),
        (["acme", "Users", "--sort-order", "up"], "'up' is not one of"),
    ],
)
def test_a_question_that_cannot_be_asked_is_one_line(tmp_path: Path, arguments: list[str], message: str) -> None:
    result = run("explain", "--config", str(config(tmp_path)), *arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output


# -- check ------------------------------------------------------------------------------------------------------------


def test_a_connection_that_works_is_ok(tmp_path: Path, pingone: str) -> None:
    result = run("check", "--config", str(config(tmp_path, pingone)), "acme")
    assert (result.exit_code, result.output) == (0, "acme (pingone): ok, read one row of Users, Groups\n")


def test_a_connection_that_fails_is_told_with_the_others(tmp_path: Path, pingone: str) -> None:
    path = config(tmp_path, pingone, client_secret="wrong-s3cret")
    result = run("check", "--config", str(path))
    acme, other = result.output.splitlines()
    assert result.exit_code == 1
    assert acme.startswith("acme (pingone): FAILED")
    assert "invalid_client" in acme or "refused" in acme
    assert other.startswith("other (scim): FAILED")
    assert "s3cret" not in result.output


def test_an_unknown_connection_is_wrong_usage(tmp_path: Path) -> None:
    result = run("check", "--config", str(config(tmp_path)), "nobody")
    assert result.exit_code == 2
    assert "there is no connection 'nobody'" in result.output


# -- usage and configuration ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["serve"], ["check"], ["explain", "acme", "Users"]])
def test_a_wrong_configuration_is_one_line_and_exit_code_2(tmp_path: Path, command: list[str]) -> None:
    path = tmp_path / "bridge.toml"
    path.write_text('[connections.acme]\nprovider = "pingone"\ntoken = "t"\nodd = 1\n')
    result = run(command[0], "--config", str(path), *command[1:])
    assert result.exit_code == 2
    assert result.output.startswith(f"scim-bridge: {path}: [connections.acme] odd: there is no such key")
    assert result.output.count("\n") == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"token_auth_method": 'client_secret_post"\nattributes = { nope = "x" }\npopulation_id = "p'}, "nope"),
        ({"environment_id": 'e"\nproxy = "x'}, "proxy"),
    ],
)
def test_settings_that_lead_nowhere_are_wrong_configuration(tmp_path: Path, changes: Any, message: str) -> None:
    path = config(tmp_path, **changes)
    result = run("check", "--config", str(path))
    assert result.exit_code == 2
    assert result.output.startswith(f"scim-bridge: {path}: [connections.acme.settings]")
    assert message in result.output


def test_a_certificate_that_is_not_there_is_wrong_configuration(tmp_path: Path) -> None:
    path = config(tmp_path)
    path.write_text(path.read_text() + 'ca_bundle = "/nowhere/ca.pem"\n')
    result = run("check", "--config", str(path))
    assert result.exit_code == 2
    assert "[connections.other.settings]: ca_bundle" in result.output


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_port_in_use_is_one_line_and_exit_code_2(tmp_path: Path, command: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        options = ["--config", str(config(tmp_path))] if command == "serve" else ["--users", "1"]
        result = run(command, "--port", port, *options)
    assert (result.exit_code, result.output) == (
        2,
        f"scim-bridge: --host 127.0.0.1 --port {port}: Address already in use\n",
    )


def test_a_provider_without_a_sandbox_is_wrong_usage() -> None:
    result = run("demo", "--port", str(free_port()), "--only", "nothing")
    assert result.exit_code == 2
    assert "--only: there is no provider 'nothing'" in result.output


# -- providers --------------------------------------------------------------------------------------------------------


def test_every_provider_is_listed_with_what_it_does() -> None:
    result = run("providers")
    assert result.exit_code == 0
    for name in provider_names():
        assert name in result.output


@pytest.mark.parametrize("name", provider_names())
def test_a_provider_shows_its_filters_and_settings(name: str) -> None:
    provider = provider_by_name(name)
    result = CliRunner(env={"COLUMNS": "200"}).invoke(main, ["providers", name])
    assert result.exit_code == 0
    assert "userName" in result.output
    for key, *_ in tables.settings_rows(provider.settings):
        assert key in result.output
    told = " ".join(result.output.split())
    assert all(" ".join(each.split()) in told for each in provider.guide)
    assert all(each.metadata["where"] in told for each in settings_of(provider.settings))


def test_an_unknown_provider_is_wrong_usage() -> None:
    result = run("providers", "nothing")
    assert result.exit_code == 2
    assert "there is no provider 'nothing'" in result.output


def test_the_module_is_the_same_program() -> None:
    result = run("--version")
    assert (result.exit_code, result.output) == (0, "scim-bridge, version 0.1.0\n")
