"""A SCIM server that others wrote, with people in it, and the bridge in front of it, started as users start them."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from tests.programs import scim2_server, scimmy_server, serve
from tests.real.people import Row, fill

TOKEN: Final = "up-token"
SERVERS: Final[Mapping[str, Callable[[str], AbstractContextManager[str]]]] = {
    "scim2-server": scim2_server,
    "scimmy": scimmy_server,
}
"""What takes a bearer token and runs a server; it gives the base URL."""


@dataclass(frozen=True, slots=True)
class World:
    """``upstream`` speaks to the server directly: what its raw data says; ``bridge`` to the bridge in front of it."""

    name: str
    upstream: httpx.Client
    bridge: httpx.Client
    _kept: dict[str, dict[str, Row]] = field(default_factory=dict)

    @property
    def base(self) -> str:
        """The bridge's SCIM base URL."""
        return str(self.bridge.base_url).rstrip("/")

    def raw(self, path: str) -> dict[str, Row]:
        """All records that the server itself shows under a path, by id."""
        rows = pages(self.upstream, path, 200)
        held = {each["id"]: each for each in rows}
        assert len(held) == len(rows)
        return held

    def kept(self, path: str) -> dict[str, Row]:
        """The same, read once: for tests that write nothing."""
        if path not in self._kept:
            self._kept[path] = self.raw(path)
        return self._kept[path]


def config(folder: Path, **connections: Mapping[str, Any]) -> Path:
    """A configuration file with connections; their token is ``t-NAME``."""
    lines = []
    for name, each in connections.items():
        own = {key: value for key, value in each.items() if key != "settings"}
        lines += [f"[connections.{name}]", f'token = "t-{name}"', *(f"{key} = {json.dumps(own[key])}" for key in own)]
        lines += [f"[connections.{name}.settings]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in each["settings"].items()]
    path = folder / "bridge.toml"
    path.write_text("\n".join(lines), "utf-8")
    return path


@contextmanager
def client(base: str, token: str) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
    with httpx.Client(base_url=base, headers=headers, timeout=60) as opened:
        yield opened


@contextmanager
def bridged(base: str, folder: Path, **options: Any) -> Iterator[str]:
    """A bridge in front of a server; its SCIM base URL, for the token ``t-acme``."""
    connection = {"provider": "scim", **options, "settings": {"base_url": base, "token": TOKEN}}
    with serve(config(folder, acme=connection)) as origin:
        yield f"{origin}/scim/acme/v2"


@contextmanager
def world(name: str, folder: Path) -> Iterator[World]:
    """A server, filled directly, then the bridge in front of it."""
    with SERVERS[name](TOKEN) as base, client(base, TOKEN) as upstream:
        fill(lambda path, body: created(upstream, path, body))
        with bridged(base, folder) as through, client(through, "t-acme") as bridge:
            yield World(name, upstream, bridge)


def created(client: httpx.Client, path: str, body: Row) -> Row:
    """What a server made of a body."""
    answer = client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    made: Row = answer.json()
    return made


def pages(client: httpx.Client, path: str, count: int = 50, **parameters: Any) -> list[Row]:
    """All pages by index; the total stays the same, and no page but the last is short."""
    found: list[Row] = []
    total: int | None = None
    while total is None or len(found) < total:
        answer = client.get(path, params={**parameters, "startIndex": len(found) + 1, "count": count})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        rows = body.get("Resources", [])
        assert total in (None, body["totalResults"])
        total = body["totalResults"]
        assert isinstance(total, int)
        assert len(rows) == min(count, total - len(found))
        found += rows
    return found


def cursor_pages(client: httpx.Client, path: str, count: int = 50, **parameters: Any) -> list[Row]:
    """All pages by cursor (RFC 9865)."""
    found: list[Row] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = client.get(path, params={**parameters, "cursor": cursor, "count": count})
        assert answer.status_code == 200, answer.text
        found += answer.json().get("Resources", [])
        cursor = answer.json().get("nextCursor")
    return found


def cost(answer: httpx.Response) -> int:
    """The upstream requests that an answer took, as it says."""
    found = re.search(r'desc="(\d+)"', answer.headers["Server-Timing"])
    assert answer.is_success and found is not None, answer.text
    return int(found[1])


def ids(rows: list[Row]) -> list[str]:
    return [each["id"] for each in rows]
