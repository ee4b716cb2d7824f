"""`scim-bridge demo`: every provider's sandbox on a loopback port of its own, and the bridge in front of them."""

import asyncio
import base64
import contextlib
import logging
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvicorn
from rich.console import Console

from scim_bridge.app import SERVER_OPTIONS, open_bridge
from scim_bridge.config import Config, from_document
from scim_bridge.connections import provider_by_name, provider_names
from scim_bridge.query.provider import Simulation

_LOOPBACK = "127.0.0.1"
_EXAMPLE = "Users?count=1"
_ADMIN = "demo-admin"


@dataclass(frozen=True, slots=True)
class _Sandbox:
    """A simulated upstream on a bound socket."""

    name: str
    simulation: Simulation
    bound: socket.socket

    @property
    def origin(self) -> str:
        return f"http://{_LOOPBACK}:{self.bound.getsockname()[1]}"


def run(bound: socket.socket, users: int, only: Sequence[str] | None = None) -> None:
    """Serve until interrupted. Raises LookupError for a provider that is not there or has no sandbox."""
    sandboxes = [_Sandbox(name, simulation, _free()) for name, simulation in _simulations(users, only)]
    with contextlib.suppress(KeyboardInterrupt), TemporaryDirectory(prefix="scim-bridge-") as folder:
        asyncio.run(_serve(bound, sandboxes, Path(folder)))


def _simulations(users: int, only: Sequence[str] | None) -> list[tuple[str, Simulation]]:
    found = []
    for name in only if only is not None else provider_names():
        provider = provider_by_name(name)
        if provider.simulation is not None:
            found.append((name, provider.simulation(users)))
        elif only is not None:
            raise LookupError(f"the provider {name} has no sandbox")
    return found


def _free() -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.bind((_LOOPBACK, 0))
    return bound


def configuration(sandboxes: Sequence[_Sandbox], folder: Path) -> Config:
    """One connection for each sandbox, named after its provider, with the token ``demo-NAME``; a database in a folder
    that goes with the demo. It is administered with the token ``demo-admin``, also to make connections to sandboxes."""
    connections = {
        each.name: {
            "provider": each.name,
            "token": f"demo-{each.name}",
            "settings": dict(each.simulation.settings(each.origin)),
        }
        for each in sandboxes
    }
    server = {
        "database": f"sqlite:///{folder / 'bridge.db'}",
        "encryption_key": base64.b64encode(secrets.token_bytes(32)).decode(),
        "admin_tokens": [_ADMIN],
        "allow_private_upstreams": True,
    }
    return from_document({"server": server, "connections": connections}, "demo", provider_by_name)


async def _serve(bound: socket.socket, sandboxes: Sequence[_Sandbox], folder: Path) -> None:
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    servers = [_server(each.simulation.app) for each in sandboxes]
    tasks = [
        asyncio.create_task(server.serve(sockets=[each.bound])) for server, each in zip(servers, sandboxes, strict=True)
    ]
    while not all(server.started for server in servers):
        await asyncio.sleep(0.01)
    bridge = _server(open_bridge(configuration(sandboxes, folder)))
    tasks.append(asyncio.create_task(bridge.serve(sockets=[bound])))
    while not bridge.started and not tasks[-1].done():
        await asyncio.sleep(0.01)
    _announce(Console(), bound.getsockname()[1], sandboxes)
    await tasks[-1]
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*tasks)


def _server(app: Any) -> uvicorn.Server:
    return uvicorn.Server(uvicorn.Config(app, **SERVER_OPTIONS))


def _announce(console: Console, port: int, sandboxes: Sequence[_Sandbox]) -> None:
    console.print(
        "scim_bridge demo: simulated upstreams, nothing leaves this machine. Ctrl-C stops it.\n", soft_wrap=True
    )
    origin = f"http://{_LOOPBACK}:{port}"
    for each in sandboxes:
        base = f"{origin}/scim/{each.name}/v2"
        console.print(f"[bold]{each.name}[/bold]  {base}  token demo-{each.name}", soft_wrap=True)
        console.print(f"  curl -s -H 'Authorization: Bearer demo-{each.name}' '{base}/{_EXAMPLE}'", soft_wrap=True)
    console.print(f"[bold]console[/bold]  {origin}/console  token {_ADMIN}", soft_wrap=True)
    console.print(f"  curl -s -H 'Authorization: Bearer {_ADMIN}' '{origin}/api/v1/connections'", soft_wrap=True)
