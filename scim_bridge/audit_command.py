"""`scim-bridge audit`: whether the audit log is whole, and its entries as a file."""

import asyncio
import base64
import binascii
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar, get_args

import click

from scim_bridge.audit_export import Format, write
from scim_bridge.auditing import audit_keys
from scim_bridge.config import Config, load
from scim_bridge.config_tables import ConfigError
from scim_bridge.conformance.command import UsageError
from scim_bridge.connections import provider_by_name
from scim_bridge.store.audit import Criteria
from scim_bridge.store.database import Database, DatabaseUnavailable
from scim_bridge.store.opening import SQLITE, open_database
from scim_bridge.store.verify import Verdict
from scim_bridge.store.verify import verify as verified

T = TypeVar("T")
_config_option = click.option(
    "--config", "path", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The configuration file."
)


@click.group()
def audit() -> None:
    """The audit log: verify that it is whole, export it."""


@audit.command()
@_config_option
@click.option("--head", "heads", multiple=True, help="A hash that was the last one before, noted elsewhere.")
@click.option("--former-key", "former", multiple=True, help="Environment variable with a former encryption_key.")
def verify(path: Path, heads: tuple[str, ...], former: tuple[str, ...]) -> None:
    """Compute each entry anew, and find what was edited, removed or put elsewhere."""
    config = _loaded(path)
    keys = audit_keys(config.server.encryption_key, [_former_key(name) for name in former])
    verdict = _with_database(path, config, lambda database: database.read(verified, keys, heads))
    for line in _told(verdict):
        click.echo(line)
    if not verdict.ok:
        raise SystemExit(1)


def _told(verdict: Verdict) -> list[str]:
    lines = [f"NOT WHOLE: {each}" for each in verdict.problems]
    if verdict.more:
        lines.append(f"NOT WHOLE: and {verdict.more} more")
    if verdict.plain:
        lines.append(
            f"{verdict.plain} of the entries are chained without a key: only a noted head shows who forged them"
        )
    lines.append(f"{verdict.entries} entries, {'whole' if verdict.ok else 'not whole'}")
    if verdict.head is not None:
        lines.append(f"the last one is {verdict.head[0]}, --head {verdict.head[1]}")
    return lines


def _former_key(name: str) -> bytes:
    try:
        key = base64.b64decode(os.environ.get(name, ""), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != 32:
        raise UsageError(f"--former-key {name}: the environment has no key of 32 bytes in base64 by that name")
    return key


@audit.command()
@_config_option
@click.option("--format", "kind", default="jsonl", show_default=True, type=click.Choice(get_args(Format)))
@click.option("--since", help="ISO 8601; UTC where it names no zone.")
@click.option("--until", help="The same; entries of this moment are no part of it.")
@click.option("--connection", help="Entries of this connection only.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="A file; default: standard output.")
def export(
    path: Path, kind: Format, since: str | None, until: str | None, connection: str | None, output: Path | None
) -> None:
    """Write entries, oldest first, as JSON lines or CSV."""
    criteria = Criteria(_moment("--since", since), _moment("--until", until), connection)
    config = _loaded(path)
    if output is None:
        _with_database(path, config, lambda database: database.read(write, criteria, kind, sys.stdout.write))
    else:
        _into(output, lambda out: _with_database(path, config, lambda each: each.read(write, criteria, kind, out)))


def _into(output: Path, work: Callable[[Callable[[str], object]], int]) -> None:
    """Write a file that is there whole or not at all, for its owner only: it names people."""
    part = output.with_name(f"{output.name}.part")
    try:
        with open(
            os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8", newline=""
        ) as file:
            count = work(file.write)
        part.replace(output)
    except OSError as error:
        raise UsageError(f"--output {output}: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)
    click.echo(f"{count} entries", err=True)


def _moment(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text}: is no time, as 2026-01-31 or 2026-01-31T12:00:00+01:00") from None
    return round((moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _loaded(path: Path) -> Config:
    try:
        config = load(path, provider_by_name)
    except ConfigError as error:
        raise UsageError(str(error)) from None
    url = config.server.database
    if url.startswith(SQLITE) and not Path(url.removeprefix(SQLITE)).exists():
        raise UsageError(f"{path}: [server] database: there is no file {url.removeprefix(SQLITE)}")
    return config


def _with_database(path: Path, config: Config, work: Callable[[Database], Awaitable[T]]) -> T:
    """What is done with the database of a file; where it cannot be used, one line and exit code 2."""

    async def run() -> T:
        database = open_database(config.server.database)
        try:
            return await work(database)
        finally:
            await database.aclose()

    try:
        return asyncio.run(run())
    except DatabaseUnavailable as error:
        raise UsageError(f"{path}: [server] database: {error}") from None
