"""`scim-bridge conformance` as a person runs it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from scim_bridge.cli import main
from scim_bridge.conformance.target import is_local
from scim_bridge.providers.scim.sandbox import TOKEN, Sandbox
from tests.servers import running


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(Sandbox(3)) as origin:
        yield f"{origin}/v2"


def ran(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, ["conformance", *arguments], env=environment)


def test_a_run_reports_and_exits_with_what_was_found(url: str, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    result = ran(
        url, "--token", "env:SCIM", "--suite", "requirements", "--only", "D-0", "--report", str(path), SCIM=TOKEN
    )
    found = json.loads(path.read_text("utf-8"))
    failed = [each["id"] for each in found["results"] if each["status"] == "failed"]
    assert found["url"] == url and len(found["results"]) >= 3
    assert result.exit_code == (1 if failed else 0), result.output
    assert f"{found['summary']['passed']} passed, {len(failed)} failed" in result.output


def test_known_failures_must_fail_and_no_others(url: str) -> None:
    common = (url, "--token", "wrong", "--suite", "requirements")
    assert ran(*common).exit_code == 1
    told = ran(*common, "--known", "Discovery can be read", "--known", "D-99").output
    assert "known to fail, and does not or is not there: D-99" in told
    assert "\nfailed: " not in told


def test_the_token_is_in_no_output(url: str, tmp_path: Path) -> None:
    paths = [tmp_path / f"run.{ending}" for ending in ("html", "json", "xml")]
    reports = [text for path in paths for text in ("--report", str(path))]
    secret = tmp_path / "token"
    secret.write_text("seeded-secret-token\n", "utf-8")
    result = ran(url, "--token", f"file:{secret}", "--suite", "requirements", *reports)
    assert result.exit_code == 1
    for text in (result.output, *(path.read_text("utf-8") for path in paths)):
        assert "Discovery can be read" in text
        assert "seeded-secret-token" not in text


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["ftp://x/v2"], "URL: 'ftp://x/v2' is no http or https URL"),
        (["https://user:s3cr3t@scim.example/v2"], "URL: credentials do not belong into it"),
        (
            ["https://scim.example/v2", "--token", "env:NOT_THERE"],
            "--token: there is no environment variable NOT_THERE",
        ),
        (["https://scim.example/v2", "--token", "file:/not/there"], "--token: /not/there cannot be read"),
        (["https://scim.example/v2", "--report", "run.pdf"], "--report run.pdf: ends in none of .html, .json, .xml"),
        (["https://scim.example/v2", "--report", "no/folder/run.xml"], "there is no folder no/folder"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: list[str], told: str) -> None:
    result = ran(*arguments)
    assert result.exit_code == 2
    assert told in result.output and len(result.output.splitlines()) == 1
    assert "s3cr3t" not in result.output


def test_a_server_that_is_not_there_is_a_failure_in_words() -> None:
    result = ran("http://127.0.0.1:1/v2", "--token", "t", "--suite", "requirements")
    assert result.exit_code == 1
    assert "got no answer: ConnectError" in result.output


def test_only_a_server_on_this_machine_is_changed_unasked(url: str) -> None:
    assert is_local(url) and is_local("http://localhost:1/v2") and is_local("http://[::1]/v2")
    assert not is_local("https://scim.example/v2") and not is_local("http://10.0.0.1/v2")
    server: Any = Sandbox(3)
    with running(server) as origin:
        suites = ("--suite", "requirements", "--suite", "scim2-tester")
        result = ran(f"{origin}/v2", "--token", TOKEN, "--no-write", *suites)
    assert "scim2-tester: The suite runs: it creates and deletes resources, which takes --write" in result.output
    assert "Nothing was changed on the server" in result.output
    assert next(server.memory.versions) == next(Sandbox(3).memory.versions)
