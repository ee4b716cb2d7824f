"""`serve` as a program: what it logs, how it ends, and what its workers are together."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from uvicorn.config import STARTUP_FAILURE

from scim_bridge import app
from scim_bridge.providers.pingone.sandbox import Sandbox
from tests.samples import of, parsed
from tests.servers import free_port, running
from tests.test_cli import config

STEADY = {"time", "level", "logger", "message"}


@contextmanager
def served(path: Path, log: Path, *options: str) -> Iterator[str]:
    """A running bridge, its origin; stopped as a service manager does, its log then in a file."""
    port = free_port()
    command = [sys.executable, "-m", "scim_bridge", "serve", "--config", str(path), "--port", str(port), *options]
    with log.open("w") as stderr:
        process = subprocess.Popen(command, stderr=stderr, cwd=path.parent)
        try:
            origin = f"http://127.0.0.1:{port}"
            until(lambda: ready(origin))
            yield origin
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)
        finally:
            process.kill()
            process.wait()


def ready(origin: str) -> bool:
    try:
        return httpx.get(f"{origin}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def lines(log: Path) -> list[dict[str, Any]]:
    return [orjson.loads(each) for each in log.read_text("utf-8").splitlines()]


def users(origin: str, count: int) -> None:
    for _ in range(count):  # a connection each, so that both workers get some
        answer = httpx.get(f"{origin}/scim/acme/v2/Users", headers={"Authorization": "Bearer t"})
        assert answer.status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--workers", "2")])
def test_every_line_is_json_and_workers_are_counted_together(tmp_path: Path, options: Sequence[str]) -> None:
    log = tmp_path / "log"
    with running(Sandbox(users=3).app) as upstream, served(config(tmp_path, upstream), log, *options) as origin:
        users(origin, 20)

        def counted() -> float:
            found = parsed(httpx.get(f"{origin}/metrics").text)
            assert of(found, "workers") <= max(1, len(options))
            labels = {"connection": "acme", "method": "GET", "resource": "Users", "status": "2xx"}
            return of(found, "requests_total", **labels)

        # Twice what may be a second old, by whichever worker.
        until(lambda: [counted() for _ in range(8)] == [20] * 8)
    told = lines(log)
    assert all(each.keys() >= STEADY for each in told)
    assert {each["level"] for each in told} <= {"info", "warning"}
    assert sum(each["message"] == "request" for each in told) == 20
    assert [each for each in told if each["message"] == "Application startup complete."]
    assert [each for each in told if each["message"] == "Application shutdown complete."]


@pytest.mark.slow
def test_workers_are_replaced_by_ones_with_the_new_configuration_and_nothing_that_was_counted_is_lost(
    tmp_path: Path,
) -> None:
    with running(Sandbox(users=3).app) as upstream:
        path = config(tmp_path, upstream)
        with served(path, tmp_path / "log", "--workers", "2") as origin:
            users(origin, 10)
            text = path.read_text("utf-8")
            path.write_text(text.replace("[connections.acme]", '[connections.acme]\naccess = "read-only"', 1), "utf-8")
            _replace_workers(tmp_path / "log")
            delete = f"{origin}/scim/acme/v2/Users/nobody"
            until(lambda: {httpx.delete(delete, headers={"Authorization": "Bearer t"}).status_code} == {403})
            until(lambda: _stopped(tmp_path / "log") == 2)
            found = parsed(httpx.get(f"{origin}/metrics").text)
            assert of(found, "workers") == 2
            labels = {"connection": "acme", "method": "GET", "resource": "Users", "status": "2xx"}
            assert of(found, "requests_total", **labels) == 10
            path.write_text("odd = 1", "utf-8")
            _replace_workers(tmp_path / "log")
            until(lambda: "aborting the restart" in (tmp_path / "log").read_text("utf-8"))
            users(origin, 4)
    [told] = [each for each in lines(tmp_path / "log") if each["level"] == "critical"]
    assert (told["message"], told["error"]) == ("cannot start", f"{path}: [odd]: there is no such table")


def _replace_workers(log: Path) -> None:
    [started] = [each for each in lines(log) if each["message"].startswith("Started parent")]
    os.kill(int(re.findall(r"\d+", started["message"])[0]), signal.SIGHUP)


def _stopped(log: Path) -> int:
    return sum(each["message"].startswith("Finished server process") for each in lines(log))


@pytest.mark.slow
def test_a_level_is_for_all_workers(tmp_path: Path) -> None:
    log = tmp_path / "log"
    options = ("--workers", "2", "--log-level", "warning")
    with running(Sandbox(users=3).app) as upstream, served(config(tmp_path, upstream), log, *options) as origin:
        users(origin, 6)
    assert {each["message"] for each in lines(log)} == {"connection not opened yet"}


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_cannot_work_is_one_line_before_any_worker_starts(tmp_path: Path, workers: str) -> None:
    path = config(tmp_path)
    text = path.read_text("utf-8").replace("[connections.acme]", '[connections.acme]\nmode = "mirror"', 1)
    path.write_text(f'[server]\ndatabase = "sqlite:///{tmp_path}/nowhere/bridge.db"\n{text}', "utf-8")
    command = [sys.executable, "-m", "scim_bridge", "serve", "--config", str(path), "--port", "0"]
    ended = subprocess.run([*command, "--workers", workers], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"scim-bridge: {path}: [server] database:")
    assert ended.stderr.count("\n") == 1


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(("text", "told"), [("[server]\nodd = 1\n", "there is no such key"), (None, "cannot be read")])
def test_a_worker_that_cannot_start_says_so_in_one_line_and_ends_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str | None, told: str
) -> None:
    path = tmp_path / "bridge.toml"
    if text is not None:
        path.write_text(text, "utf-8")
    [line] = _failed(path, monkeypatch, capsys)
    assert (line["level"], line["message"]) == ("critical", "cannot start")
    assert told in line["error"]


@pytest.mark.usefixtures("untouched")
def test_a_worker_that_breaks_down_at_start_is_one_line_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*given: Any, **more: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(app, "foundation", broken)
    path = tmp_path / "bridge.toml"
    path.write_text(f'[server]\naudit = false\ndatabase = "sqlite:///{tmp_path}/b.db"\n', "utf-8")
    [line] = _failed(path, monkeypatch, capsys)
    assert line["message"] == "cannot start"
    assert line["traceback"].endswith("ZeroDivisionError")


def _failed(path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The lines of a worker that does not start."""
    monkeypatch.setattr(os, "environ", {**os.environ, app.CONFIG_VARIABLE: str(path), app.LEVEL_VARIABLE: "info"})
    with pytest.raises(SystemExit) as ending:
        app.from_environment()
    assert ending.value.code == STARTUP_FAILURE
    return [orjson.loads(each) for each in capsys.readouterr().err.splitlines()]
