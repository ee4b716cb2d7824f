"""Server processes, and the CPU time they take: the one measure that a shared machine does not spoil."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx

from tests.servers import free_port

CORES: Final = sorted(os.sched_getaffinity(0))
TICKS: Final = os.sysconf("SC_CLK_TCK")
PATIENCE: Final = 600.0
"""Seconds a server may take to start: some read a hundred thousand people first."""


@dataclass(slots=True)
class Server:
    """A running server. ``base`` is the path that SCIM endpoints stand under; ``ids`` are some users' ids."""

    name: str
    process: "subprocess.Popen[bytes]"
    port: int
    base: str = ""
    token: str = "t"
    ids: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def cpu_seconds(self) -> float:
        """What it and its children have taken so far."""
        return sum(_cpu(each) for each in _family(self.process.pid))

    def memory_bytes(self) -> int:
        """What of its memory is in use."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("utf-8")
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def request(self, method: str, path: str, body: Any = None, **query: Any) -> str:
        """A request as it goes over the wire."""
        content = json.dumps(body) if body is not None else ""
        target = f"{self.base}{path}" + (f"?{urlencode(query, quote_via=quote)}" if query else "")
        fields = {
            "Host": f"127.0.0.1:{self.port}",
            "Authorization": f"Bearer {self.token}",
            "Accept": "application/scim+json",
            **({"Content-Type": "application/scim+json", "Content-Length": str(len(content))} if body else {}),
        }
        return (
            f"{method} {target} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields.items()) + f"\r\n{content}"
        )

    def load(self, requests: Sequence[str], connections: int, seconds: float) -> float:
        """CPU seconds for each request, under load. Raises AssertionError where one failed."""
        before = self.cpu_seconds()
        command = [sys.executable, "-m", "tests.bench.load", str(self.port), str(connections), str(seconds)]
        done = subprocess.run(
            command, input=json.dumps(list(requests)), capture_output=True, text=True, check=True, preexec_fn=_on(-1)
        )
        seen = {int(status): number for status, number in json.loads(done.stdout).items()}
        assert all(200 <= status < 300 for status in seen), f"{self.name}: {seen}"
        total: int = sum(seen.values())
        return (self.cpu_seconds() - before) / total

    def learn(self) -> None:
        """Read the ids and names of some users."""
        client = httpx.Client(base_url=self.origin + self.base, headers={"Authorization": f"Bearer {self.token}"})
        found = client.get("/Users", params={"count": 100}, timeout=120).json()["Resources"]
        self.ids, self.names = [each["id"] for each in found], [each["userName"] for each in found]


@contextmanager
def started(
    name: str, command: Sequence[str], port: int, ready: str, *, base: str = "", environment: Mapping[str, str] = {}
) -> Iterator[Server]:
    """A server on the first core, once it answers."""
    process = subprocess.Popen(
        list(command),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environment},
        preexec_fn=_on(0),
    )
    server = Server(name, process, port, base)
    try:
        _wait(server, ready)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=60)


def application(
    name: str, people: int, ready: str, base: str = "", **environment: str
) -> AbstractContextManager[Server]:
    """One of the applications of `tests.bench.apps`, started."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.apps", name, str(port), str(people)]
    return started(name, command, port, ready, base=base, environment=environment)


def _wait(server: Server, ready: str) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if server.process.poll() is not None:
            raise AssertionError(f"{server.name} ended with {server.process.returncode}")
        try:
            httpx.get(server.origin + ready, timeout=30)
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"{server.name} did not start")


def _on(core: int) -> Any:
    """What puts a new process on a core: servers on the first one, load on the last."""
    return lambda: os.sched_setaffinity(0, {CORES[core]})


def _family(pid: int) -> list[int]:
    found = [pid]
    for each in found:  # it grows meanwhile
        for task in Path(f"/proc/{each}/task").glob("*/children"):
            found += map(int, task.read_text("ascii").split())
    return found


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS
