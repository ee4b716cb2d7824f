"""The files of `deploy`, taken apart."""

import re
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"
SECRETS: Final = "/run/secrets/"

Instruction = tuple[str, str]


def dockerfile() -> list[list[Instruction]]:
    """The stages of the Dockerfile, each a list of instructions with their arguments."""
    text = re.sub(r"\\\n\s*", "", (DEPLOY / "Dockerfile").read_text("utf-8"))
    stages: list[list[Instruction]] = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        name, _, arguments = line.partition(" ")
        if name == "FROM":
            stages.append([])
        stages[-1].append((name, arguments))
    return stages


def copied() -> list[tuple[list[str], str]]:
    """What the first stage copies from the project, and where to."""
    words = [arguments.split() for name, arguments in dockerfile()[0] if name == "COPY"]
    return [(each[:-1], each[-1]) for each in words]


def compose() -> Any:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))


def unit() -> dict[str, list[str]]:
    """The keys of the systemd unit, each with all its values."""
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / "scim-bridge.service").read_text("utf-8").splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def secrets() -> set[str]:
    """The secrets that the example configuration reads from files."""
    return set(re.findall(rf'"file:{SECRETS}(\w+)"', (DEPLOY / "bridge.toml").read_text("utf-8")))
