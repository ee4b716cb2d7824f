"""The commands of the documentation, run against a demo; ``python -m tests.readme`` writes their output into it."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scim_bridge.connections import provider_by_name, provider_names
from scim_bridge.tables import markdown
from tests.programs import demo

README = Path(__file__).parent.parent / "README.md"
ADMINISTRATION = README.parent / "docs" / "administration.md"
_CONSOLE = re.compile(r"```console\n\$ (?P<command>.*)\n(?P<output>(?:.*\n)*?)```")
_TOML = re.compile(r"```toml\n((?:.*\n)*?)```")
_TABLE = re.compile(r"(<!-- providers -->\n)(?:.*\n)*?(<!-- /providers -->)")
_VARYING = re.compile(
    r'\d{4}-\d\d-\d\dT[\d:.]+Z|sb_[\w-]{43}|(?<=/link/)[\w-]{43}|(?<="id":")[0-9a-f]{12}|(?<="token":")[0-9a-f]{12}'
    r'|(?<="request_id":")[^"]+|(?<="hash":")\w+|(?<="previous":")\w+|(?<="key":")[0-9a-f]{16}(?=")|(?<="node":")[^"]+|(?<="number":)\d+'
)
"""What is another one each time, and shown as … for that: times, tokens, ids, and places in the audit log."""
_SECRETS = {
    "SCIM_BRIDGE_KEY": "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=",
    "SCIM_BRIDGE_METRICS": "m",
    "SCIM_BRIDGE_ADMIN": "a",
    "ACME_TOKEN": "t",
    "ACME_PINGONE_SECRET": "s",
}


def configuration() -> str:
    """The file that the README shows."""
    found = _TOML.search(README.read_text("utf-8"))
    assert found is not None
    return found[1]


def rewritten(document: Path = README) -> str:
    """A document with what its commands print now, and the providers there are now."""
    text = document.read_text("utf-8")
    with _place() as (folder, port):

        def run(found: re.Match[str]) -> str:
            return (
                f"```console\n$ {found['command']}\n{_VARYING.sub('…', output_of(found['command'], folder, port))}```"
            )

        text = _CONSOLE.sub(run, text)
    table = markdown([provider_by_name(name) for name in provider_names()])
    return _TABLE.sub(lambda found: f"{found[1]}{table}\n{found[2]}", text)


@contextmanager
def _place() -> Iterator[tuple[Path, int]]:
    """A folder with the README's configuration, and the port of a fresh demo."""
    with tempfile.TemporaryDirectory() as folder, demo(users=500) as port:
        (Path(folder) / "bridge.toml").write_text(configuration(), "utf-8")
        yield Path(folder), port


def output_of(command: str, folder: Path, port: int) -> str:
    """What a command of the README prints, with the port it was written for."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    ran = subprocess.run(
        command.replace("127.0.0.1:8000", f"127.0.0.1:{port}"),
        shell=True,
        cwd=folder,
        env={**os.environ, **_SECRETS, "PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    out = ran.stdout.replace(f"127.0.0.1:{port}", "127.0.0.1:8000")
    return out if out.endswith("\n") else f"{out}\n"


if __name__ == "__main__":
    for each in (README, ADMINISTRATION):
        each.write_text(rewritten(each), "utf-8")
