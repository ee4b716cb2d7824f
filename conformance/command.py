"""``scim-bridge conformance URL``, also ``python -m scim_bridge.conformance``."""

import click

from scim_bridge.conformance.run import run
from scim_bridge.conformance.suites import SUITES
from scim_bridge.conformance.target import Target, is_local


@click.command()
@click.argument("url")
@click.option("--token", envvar="SCIM_TOKEN")
@click.option("--suite", "suites", multiple=True, type=click.Choice(list(SUITES)))
@click.option("--write/--no-write", default=None)
def conformance(url: str, token: str | None, suites: tuple[str, ...], write: bool | None) -> None:
    """Run the suites against any SCIM server."""
    target = Target(url, token, write=is_local(url) if write is None else write)
    report = run(
        target,
        suites or list(SUITES),
        lambda each: click.echo(f"{each.status:8} {each.id:5} {each.title}: {each.reason}"),
    )
    raise SystemExit(1 if report.failed() else 0)
