"""Programs started as a user starts them, on free ports, waited for, and stopped."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx

from tests.real.installed import needed, scimmy
from tests.servers import free_port

SCRIPTS = Path(sys.executable).parent


@contextmanager
def program(
    command: Sequence[str],
    ready: str,
    *,
    seconds: float = 30,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Iterator["subprocess.Popen[bytes]"]:
    """A running program whose URL ``ready`` answers, whatever it answers."""
    with tempfile.TemporaryFile("w+") as output:  # a pipe that nobody reads would fill up and stop it
        running = subprocess.Popen(
            [str(SCRIPTS / command[0]), *command[1:]],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            cwd=folder,
        )
        try:
            _wait(running, ready, seconds, output)
            yield running
        finally:
            running.terminate()
            running.wait(timeout=30)


def _wait(running: "subprocess.Popen[bytes]", ready: str, seconds: float, output: IO[str]) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if running.poll() is not None:
            output.seek(0)
            raise AssertionError(f"it ended with {running.returncode}: {output.read()}")
        try:
            httpx.get(ready, timeout=2)
            return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"{ready} did not answer in {seconds} s")


@contextmanager
def demo(users: int = 20) -> Iterator[int]:
    """A running demo; its port."""
    port = free_port()
    with program(
        ["scim-bridge", "demo", "--port", str(port), "--users", str(users)], f"http://127.0.0.1:{port}/readyz"
    ):
        yield port


@contextmanager
def serve(config: Path) -> Iterator[str]:
    """A running bridge over a configuration file, whose folder has its database; its origin."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    command = ["scim-bridge", "serve", "--config", str(config), "--port", str(port)]
    with program(command, f"{origin}/readyz", folder=config.parent):
        yield origin


@contextmanager
def scim2_server(token: str) -> Iterator[str]:
    """A running scim2-server; its base URL."""
    port = free_port()
    base = f"http://127.0.0.1:{port}/v2"
    with program(["scim2-server", "--port", str(port), "--bearer-token", token], f"{base}/ServiceProviderConfig"):
        yield base


@contextmanager
def scimmy_server(token: str) -> Iterator[str]:
    """A running SCIM server made with SCIMMY's routers; its base URL."""
    folder, node = scimmy(), needed("node", "nodejs", "npm")
    port = free_port()
    base = f"http://127.0.0.1:{port}/scim"
    command = [node, str(folder / "server.js"), str(port)]
    with program(command, f"{base}/ServiceProviderConfig", environment={"SCIM_TOKEN": token}):
        yield base
