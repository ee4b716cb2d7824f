"""The command line: ``scim-bridge``, also ``python -m scim_bridge``."""

import asyncio
import os
import secrets
import socket
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar, get_args

import click
import uvicorn
from rich.console import Console
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from scim_bridge import __version__, demo, tables
from scim_bridge.app import (
    CONFIG_VARIABLE,
    CURSOR_VARIABLE,
    LEVEL_VARIABLE,
    SERVER_OPTIONS,
    close,
    open_audit,
    open_bridge,
    open_connections,
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
from scim_bridge.protocol.errors import ScimError
from scim_bridge.protocol.projection import projection
from scim_bridge.protocol.requests import Search
from scim_bridge.query.explain import explain as explained
from scim_bridge.refreshing import refreshed
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
            uvicorn.Server(uvicorn.Config(app, **SERVER_OPTIONS)).run(sockets=[bound])
        else:
            _usable(path, lambda: _tried(config))  # what cannot work is told here, once
            os.environ[LEVEL_VARIABLE] = level
            _serve_by(workers, path, bound)


def _serve_by(workers: int, path: Path, bound: socket.socket) -> None:
    """Run several processes on one socket; each reads the file, and all honour each other's cursors."""
    os.environ[CONFIG_VARIABLE] = str(path.resolve())
    os.environ.setdefault(CURSOR_VARIABLE, secrets.token_hex(32))
    config = uvicorn.Config("scim_bridge.app:from_environment", factory=True, workers=workers, **SERVER_OPTIONS)
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
    config = _loaded(path)
    unknown = [name for name in connections if name not in config.connections]
    if unknown:
        raise UsageError(f"{path}: there is no connection {unknown[0]!r}")
    opened = _opened(path, config, share=False)  # or a token of another node would pass for signing in
    chosen = [opened[name] for name in connections or opened]
    results = asyncio.run(check_connections(chosen))
    for each in results:
        click.echo(each.line())
    if not all(each.ok for each in results):
        raise SystemExit(1)


@main.command()
@_config_option
@click.argument("connection")
@click.option("--full", is_flag=True, help="Compare everything, also where asking for changes would do.")
@click.option("--approve", is_flag=True, help="Take away what was held back, as so much was gone at once.")
def sync(path: Path, connection: str, full: bool, approve: bool) -> None:
    """Refresh a mirror now."""
    opened = _opened(path, _loaded(path))
    if connection not in opened:
        raise UsageError(f"{path}: there is no connection {connection!r}")
    if not opened[connection].is_mirror:
        raise UsageError(f'{path}: [connections.{connection}] mode: is not "mirror", so there is nothing to refresh')
    if not refreshed(opened[connection], full=full, approve=approve):
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
    opened = _opened(path, _loaded(path), share=False)
    if connection not in opened:
        raise UsageError(f"{path}: there is no connection {connection!r}")
    search = Search(
        filter=filter_text,
        sort_by=sort_by,
        descending=sort_order == "descending",
        start_index=max(1, start_index),
        count=max(0, count),
    )
    _explain(opened[connection], resource, search)


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


def _opened(path: Path, config: Config, *, share: bool = True) -> dict[str, Connection]:
    return _usable(path, lambda: open_connections(config, share=share))


def _tried(config: Config) -> None:
    """Open everything, and close it again."""
    audit = open_audit(config)
    asyncio.run(close(list(open_connections(config, audit).values()), audit))


def _usable(path: Path, opened: Callable[[], T]) -> T:
    """What a file says, opened; where it cannot be, one line and exit code 2."""
    try:
        return opened()
    except ConfigError as error:
        raise UsageError(f"{path}: {error}") from None


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
