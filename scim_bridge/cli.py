"""The command line: ``scim-bridge``, also ``python -m scim_bridge``."""

import asyncio
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar, get_args

import click
import uvicorn
from rich.console import Console
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from scim_bridge import __version__, demo, tables
from scim_bridge.app import (
    CONFIG_VARIABLE,
    LEVEL_VARIABLE,
    close,
    open_bridge,
    server_options,
    steady_memory,
)
from scim_bridge.audit_command import audit
from scim_bridge.checks import check_connections
from scim_bridge.config import Config, load
from scim_bridge.config_tables import ConfigError
from scim_bridge.conformance.command import UsageError, conformance
from scim_bridge.connections import Connection, provider_by_name, provider_names
from scim_bridge.filters import InvalidFilter, InvalidPath
from scim_bridge.logs import Level, configure, log_crashes
from scim_bridge.offline import Available, available, closed, rekeyed
from scim_bridge.opening import CURSOR_VARIABLE, foundation, open_audit, opened_database
from scim_bridge.protocol.errors import ScimError
from scim_bridge.protocol.projection import projection
from scim_bridge.protocol.requests import Search
from scim_bridge.query.explain import explain as explained
from scim_bridge.refreshing import refreshed
from scim_bridge.store.database import DatabaseUnavailable
from scim_bridge.workers import FOLDER_VARIABLE

T = TypeVar("T")
_config_option = click.option(
    "--config", "path", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The configuration file."
)
_port_option = click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="scim-bridge")
def main() -> None:
    """Presents identity providers as exact SCIM 2.0 service providers."""


@main.command("demo")
@_port_option
@click.option("--users", default=500, show_default=True, type=click.IntRange(1, 1_000_000), help="People a sandbox.")
@click.option("--only", help="Providers to start, separated by commas.")
def demo_command(port: int, users: int, only: str | None) -> None:
    """Start every provider's sandbox and a bridge over them, ready for curl."""
    names = [each.strip() for each in only.split(",")] if only else None
    try:
        with _bound("127.0.0.1", port) as bound:
            demo.run(bound, users, names)
    except LookupError as error:
        raise UsageError(f"--only: {error.args[0]}") from None


@main.command()
@_config_option
@click.option("--host", default="127.0.0.1", show_default=True)
@_port_option
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes to run.")
@click.option(
    "--log-level", "level", default="info", show_default=True, type=click.Choice(get_args(Level)), help="What to log."
)
def serve(path: Path, host: str, port: int, workers: int, level: Level) -> None:
    """Run the bridge."""
    config = _loaded(path)
    steady_memory()
    log = configure(level)
    log_crashes()
    with _bound(host, port) as bound:
        if workers == 1:
            app = _usable(path, lambda: open_bridge(config, log=log))
            uvicorn.Server(uvicorn.Config(app, **server_options(config.server))).run(sockets=[bound])
        else:
            _usable(path, lambda: _tried(config))  # what cannot work is told here, once
            os.environ[LEVEL_VARIABLE] = level
            _serve_by(workers, path, bound, server_options(config.server))


def _serve_by(workers: int, path: Path, bound: socket.socket, options: Mapping[str, Any]) -> None:
    """Run several processes on one socket; each reads the file, and all honour each other's cursors."""
    os.environ[CONFIG_VARIABLE] = str(path.resolve())
    os.environ.setdefault(CURSOR_VARIABLE, secrets.token_hex(32))
    config = uvicorn.Config("scim_bridge.app:from_environment", factory=True, workers=workers, **options)
    with TemporaryDirectory(prefix="scim-bridge-") as folder:
        os.environ[FOLDER_VARIABLE] = folder
        supervisor = Multiprocess(config, sockets=[bound])
        supervisor.run()
    if any(each.exitcode == STARTUP_FAILURE for each in supervisor.processes):
        raise SystemExit(1)


@main.command()
@_config_option
@click.argument("connections", nargs=-1)
def check(path: Path, connections: tuple[str, ...]) -> None:
    """Sign in to every upstream and read one row."""
    if not _with_connections(path, partial(_checked, connections), share=False):
        raise SystemExit(1)


async def _checked(names: tuple[str, ...], found: Available) -> bool:
    unknown = [name for name in names if name not in found.names]
    if unknown:
        raise ConfigError(f"there is no connection {unknown[0]!r}")
    chosen = names or found.names
    for name in chosen:
        if name in found.unusable:
            click.echo(f"{name}: FAILED, {found.unusable[name]}")
    results = await check_connections([found.connections[name] for name in chosen if name in found.connections])
    for each in results:
        click.echo(each.line())
    return all(each.ok for each in results) and not set(chosen) & set(found.unusable)


@main.command()
@_config_option
@click.argument("connection")
@click.option("--full", is_flag=True, help="Compare everything, also where asking for changes would do.")
@click.option("--approve", is_flag=True, help="Take away what was held back, as so much was gone at once.")
def sync(path: Path, connection: str, full: bool, approve: bool) -> None:
    """Refresh a mirror now."""

    async def refresh(found: Available) -> bool:
        mirror = _chosen(found, connection)
        if not mirror.is_mirror:
            raise ConfigError(f'[connections.{connection}] mode: is not "mirror", so there is nothing to refresh')
        return await refreshed(mirror, full=full, approve=approve)

    if not _with_connections(path, refresh):
        raise SystemExit(1)


@main.command("rekey")
@_config_option
def rekey_command(path: Path) -> None:
    """Encrypt what is stored under the present encryption_key, where an earlier one did so."""
    server = _loaded(path).server
    renewed, lost = _usable(path, lambda: asyncio.run(rekeyed(server)))
    click.echo(f"put under the present encryption_key: {renewed}")
    for name in lost:
        click.echo(f"{name}: FAILED, none of the keys opens its secrets", err=True)
    if lost:
        raise SystemExit(1)


@main.command()
@_config_option
@click.argument("connection")
@click.argument("resource")
@click.option("--filter", "filter_text", help="A SCIM filter.")
@click.option("--sort-by", help="An attribute path.")
@click.option("--sort-order", default="ascending", type=click.Choice(["ascending", "descending"]), show_default=True)
@click.option("--start-index", default=1, show_default=True)
@click.option("--count", default=100, show_default=True)
def explain(
    path: Path,
    connection: str,
    resource: str,
    filter_text: str | None,
    sort_by: str | None,
    sort_order: str,
    start_index: int,
    count: int,
) -> None:
    """Print how a query would run; sends nothing."""
    search = Search(
        filter=filter_text,
        sort_by=sort_by,
        descending=sort_order == "descending",
        start_index=max(1, start_index),
        count=max(0, count),
    )

    async def explain_it(found: Available) -> None:
        _explain(_chosen(found, connection), resource, search)

    _with_connections(path, explain_it, share=False)


def _explain(connection: Connection, resource: str, search: Search) -> None:
    service = connection.offline()
    try:
        directory = service.directory(resource.strip("/"))
        shown = projection(directory.collection.resource, None, None)
        query = service.searcher.query(directory, search, shown)
    except ScimError as error:
        raise UsageError(error.detail) from None
    except (InvalidFilter, InvalidPath) as error:
        raise UsageError(str(error)) from None
    tables.print_explanation(Console(), explained(directory.reader.planner, query))


@main.command()
@click.argument("name", required=False)
def providers(name: str | None) -> None:
    """What each provider can do, and the settings it takes."""
    console = Console()
    if name is None:
        tables.print_overview(console, [provider_by_name(each) for each in provider_names()])
        return
    try:
        tables.print_provider(console, provider_by_name(name))
    except LookupError as error:
        raise UsageError(str(error.args[0])) from None


main.add_command(conformance)
main.add_command(audit)


def _loaded(path: Path) -> Config:
    try:
        return load(path, provider_by_name)
    except ConfigError as error:
        raise UsageError(str(error)) from None


def _with_connections(path: Path, work: Callable[[Available], Awaitable[T]], *, share: bool = True) -> T:
    """What a function returns that is given all connections. ``share``: with other nodes; their tokens would pass for
    signing in."""
    config = _loaded(path)

    async def run() -> T:
        async with available(config, share=share) as found:
            return await work(found)

    return _usable(path, lambda: asyncio.run(run()))


def _chosen(found: Available, name: str) -> Connection:
    """A connection of those that there are. Raises ConfigError."""
    if name in found.unusable:
        raise ConfigError(f"[connections.{name}]: {found.unusable[name]}")
    if name not in found.connections:
        raise ConfigError(f"there is no connection {name!r}")
    return found.connections[name]


def _tried(config: Config) -> None:
    """Open everything, and close it again."""
    database = opened_database(config.server)
    audit = open_audit(config.server, database)
    base = foundation(config, audit, database=database)

    async def run() -> None:
        await closed({name: base.opened(each) for name, each in config.connections.items()}, None)
        await close(audit, database)

    asyncio.run(run())


def _usable(path: Path, opened: Callable[[], T]) -> T:
    """What a file says, opened; where it cannot be, one line and exit code 2."""
    try:
        return opened()
    except ConfigError as error:
        raise UsageError(f"{path}: {error}") from None
    except DatabaseUnavailable as error:
        raise UsageError(f"{path}: [server] database: {error}") from None


def _bound(host: str, port: int) -> socket.socket:
    """A socket bound before anything else starts, so that a port in use is one line and exit code 2.

    The protocol is named, or asyncio leaves Nagle's algorithm on: 40 ms more for each answer.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise UsageError(f"--host {host} --port {port}: {error.strerror}") from None
    bound.set_inheritable(True)
    return bound
