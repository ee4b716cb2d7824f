"""`scim-bridge sync`: one refresh of a mirror, with a progress bar on a terminal and a line for each resource type."""

from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from scim_bridge.connections import Connection
from scim_bridge.mirror.keeper import lease_name
from scim_bridge.mirror.sync import Outcome, Sync
from scim_bridge.store.database import DatabaseUnavailable
from scim_bridge.upstream.errors import UpstreamError

APPROVAL: Final = "scim-bridge sync --approve takes them away"


async def refreshed(connection: Connection, *, full: bool, approve: bool) -> bool:
    """Refresh a connection's mirror and print what came of it; whether all went well."""
    assert connection.database is not None
    try:
        sync = await connection.sync()
        async with connection.database.lease(lease_name(connection.config.name)) as mine:
            if not mine:
                click.echo("another process is refreshing this mirror", err=True)
                return False
            outcomes = await _shown(sync, full or (approve and bool(await sync.approve())))
    except (UpstreamError, DatabaseUnavailable) as error:
        click.echo(f"not refreshed: {error}", err=True)
        return False
    for each in outcomes:
        click.echo(_line(each))
    return not any(each.held for each in outcomes)


async def _shown(sync: Sync, full: bool) -> list[Outcome]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def progress(resource: str, read: int, total: int | None) -> None:
            task = tasks.setdefault(resource, bar.add_task(resource, total=total))
            bar.update(task, completed=read, total=total)

        return await sync.refresh(full=full, progress=progress)


def _line(outcome: Outcome) -> str:
    what = "everything" if outcome.full else "what changed"
    line = (
        f"{outcome.resource}: read {what}, {outcome.read}; {outcome.created} created, {outcome.changed} changed,"
        f" {outcome.deleted} deleted"
    )
    return f"{line}; HELD: {outcome.held} seem to be gone, {APPROVAL}" if outcome.held else line
