"""``scim-bridge conformance URL``, also ``python -m scim_bridge.conformance``."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
import httpx
from rich.console import Console

from scim_bridge.conformance import report as reports
from scim_bridge.conformance.report import terminal
from scim_bridge.conformance.results import Report, Result
from scim_bridge.conformance.run import run
from scim_bridge.conformance.suites import SUITES
from scim_bridge.conformance.target import Target, is_local


class UsageError(click.ClickException):
    """Wrong usage or configuration: one line, exit code 2."""

    exit_code = 2

    def show(self, file: object = None) -> None:
        click.echo(f"scim-bridge: {self.format_message()}", err=True)


@click.command()
@click.argument("url")
@click.option("--token", help="Bearer token; env:NAME and file:PATH keep it out of the command line.")
@click.option("--username", help="User name for HTTP Basic authentication.")
@click.option("--password", help="Its password; env:NAME and file:PATH too.")
@click.option(
    "--suite", "suites", multiple=True, type=click.Choice(list(SUITES)), help="Only these suites; default all."
)
@click.option("--only", "only", multiple=True, help="Of the requirements, those whose id begins with this.")
@click.option(
    "--report",
    "paths",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A .html, .json or .xml file.",
)
@click.option(
    "--write/--no-write",
    default=None,
    help="Whether the server may be changed; default only where it runs on this machine.",
)
@click.option("--known", multiple=True, help="A check that is known to fail, by id or title; it must.")
@click.option("--seed", default=1, show_default=True, help="Of what is random in a suite.")
def conformance(
    url: str,
    token: str | None,
    username: str | None,
    password: str | None,
    suites: tuple[str, ...],
    only: tuple[str, ...],
    paths: tuple[Path, ...],
    write: bool | None,
    known: tuple[str, ...],
    seed: int,
) -> None:
    """Check any SCIM 2.0 server: URL is its base URL, up to and including /v2.

    What the checks make is named conformance-… and deleted again. Exit code 1 if a check fails.
    """
    target = Target(
        url=_url(url),
        token=_secret("--token", token),
        username=username,
        password=_secret("--password", password),
        write=is_local(url) if write is None else write,
        seed=seed,
        only=only,
    )
    for path in paths:
        _check_path(path)
    console = Console()
    with terminal.live(console) as seen:
        found = run(target, suites or list(SUITES), seen)
    if not target.write:
        found = replace(found, notes=(*found.notes, "Nothing was changed on the server: --write was not given."))
    terminal.summary(console, found)
    for path in paths:
        reports.write(found, path)
    unexpected = _unexpected(found, known)
    for told in unexpected:
        console.print(told, soft_wrap=True, markup=False)
    raise SystemExit(1 if unexpected else 0)


def _url(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise UsageError(f"URL: {error}") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise UsageError(f"URL: {url!r} is no http or https URL")
    if parsed.userinfo:
        raise UsageError("URL: credentials do not belong into it; there are --username and --password")
    return url.rstrip("/")


def _secret(option: str, value: str | None) -> str | None:
    """A secret as given, or from where ``env:NAME`` or ``file:PATH`` says."""
    if value is None:
        return None
    kind, _, rest = value.partition(":")
    if kind == "env":
        if rest not in os.environ:
            raise UsageError(f"{option}: there is no environment variable {rest}")
        return os.environ[rest]
    if kind == "file":
        try:
            return Path(rest).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{option}: {rest} cannot be read: {type(error).__name__}") from None
    return value


def _check_path(path: Path) -> None:
    """Before a long run, not after it."""
    if path.suffix.lower() not in reports.FORMATS:
        raise UsageError(f"--report {path}: ends in none of {', '.join(reports.FORMATS)}")
    if not path.parent.is_dir():
        raise UsageError(f"--report {path}: there is no folder {path.parent}")


def _unexpected(report: Report, known: Sequence[str]) -> list[str]:
    """What makes a run fail: failures that are not known to be, and known ones that do not fail."""
    failed = {name for each in report.failed() for name in _names(each)}
    found = [f"failed: {each.suite} {each.name}" for each in report.failed() if not _names(each) & set(known)]
    found += [f"known to fail, and does not or is not there: {name}" for name in known if name not in failed]
    if not any(each.status == "passed" for each in report.results):
        found.append("no check passed")
    return found


def _names(result: Result) -> set[str]:
    return {result.name, result.title}
