"""``make bench``: every bar in one run. ``--only B1,B3``: some; ``--rounds``, ``--seconds``: a quick look."""

import asyncio
import json
import os
import platform
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from tests.bench import bars, live
from tests.bench.measure import ROUNDS, SECONDS, Ratio

Part = Callable[[Console, int, float], list[Ratio]]
PARTS: dict[str, Part] = {
    "B1 B2 B3": bars.compared,
    "B4": bars.flat,
    "B5": live.live,
    "B6 B7": lambda console, rounds, seconds: asyncio.run(live.engine(console)),
    "B8": bars.bulk,
}
PACKAGES = ("scim2-server", "scim2-models", "starlette", "uvicorn", "uvloop", "httptools", "orjson", "httpx", "aiohttp")


@click.command()
@click.option("--only", help="Bars, separated by commas.")
@click.option("--rounds", default=ROUNDS, show_default=True, help="Turns of each arm.")
@click.option("--seconds", default=SECONDS, show_default=True, help="How long a turn takes.")
@click.option("--json", "path", type=click.Path(path_type=Path, dir_okay=False), help="Where to write the results.")
def main(only: str | None, rounds: int, seconds: float, path: Path | None) -> None:
    """Measure, print, and end with 1 where a bar is missed."""
    console = Console(width=130)
    wanted = set(only.upper().split(",")) if only else None
    found: list[Ratio] = []
    for names, part in PARTS.items():
        if wanted is None or wanted & set(names.split()):
            console.rule(names)
            found += attempted(names, part, console, rounds, seconds)
    console.rule()
    console.print(machine(), highlight=False)
    console.print(table(found))
    if path is not None:
        path.write_text(json.dumps(result(found), indent=1) + "\n", "utf-8")
    if not all(each.met for each in found):
        raise SystemExit(1)


def attempted(names: str, part: Part, console: Console, rounds: int, seconds: float) -> list[Ratio]:
    """What a part found; its bars as not measured where it failed, so that the others are told all the same."""
    try:
        return part(console, rounds, seconds)
    except Exception:
        console.print_exception()
        return [Ratio(bar, "all of it: see the failure above", None, 0) for bar in names.split()]


def machine() -> str:
    """What it was measured on."""
    cpu = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), ""
    )
    packages = ", ".join(f"{each} {version(each)}" for each in PACKAGES)
    return (
        f"{cpu or platform.machine()}, {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f},"
        f" {platform.system()}, Python {platform.python_version()}, {packages}"
    )


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text("utf-8").splitlines()
    except OSError:
        return []


def table(found: list[Ratio]) -> Table:
    shown = Table("bar", "what", "measured", "has to be", "met")
    for each in found:
        value = "not measured" if each.value is None else f"{each.value:.2f}"
        shown.add_row(
            each.bar, each.what, value, f"{'<=' if each.at_most else '>='} {each.limit}", "yes" if each.met else "NO"
        )
    return shown


def result(found: list[Ratio]) -> dict[str, Any]:
    return {
        "machine": machine(),
        "ratios": [
            {"bar": each.bar, "what": each.what, "value": each.value, "limit": each.limit, "met": each.met}
            for each in found
        ],
    }


if __name__ == "__main__":
    main()
