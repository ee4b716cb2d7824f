"""The README is true: its commands print what it shows, its tables are the program's own, its names exist."""

import re
import tomllib
from pathlib import Path

import pytest

from scim_bridge import tables
from scim_bridge.admin.api import OPERATIONS
from scim_bridge.cli import main
from scim_bridge.config import ConnectionTable, Limits, ServerConfig, from_document
from scim_bridge.connections import provider_by_name, provider_names
from scim_bridge.settings import settings_of
from tests.readme import ADMINISTRATION, README, configuration, rewritten


@pytest.mark.slow
@pytest.mark.parametrize("document", [README, ADMINISTRATION], ids=lambda each: each.stem)
def test_every_command_prints_what_is_shown(document: Path) -> None:
    assert document.read_text("utf-8") == rewritten(document), "run python -m tests.readme and look at what changed"


def test_every_operation_of_the_api_is_documented() -> None:
    text = ADMINISTRATION.read_text("utf-8")
    for each in OPERATIONS:
        assert f"`{each.method} {each.path}`" in text, each.name


def test_the_configuration_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in re.findall(r"env:(\w+)", configuration()):
        monkeypatch.setenv(name, "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=")
    assert from_document(tomllib.loads(configuration()), "README.md", provider_by_name).connections["acme"]


def test_every_command_and_provider_is_documented() -> None:
    text = README.read_text("utf-8")
    for command in main.commands:
        assert re.search(rf"scim-bridge {command}|make {command}|`{command}", text), command
    assert tables.markdown([provider_by_name(name) for name in provider_names()]) in text


def test_every_key_is_documented() -> None:
    text = README.read_text("utf-8")
    for kind in (ServerConfig, ConnectionTable, Limits):
        for each in settings_of(kind):
            assert each.name in text, each.name


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((README.parent / "pyproject.toml").read_text("utf-8"))["project"]
    reasons = README.read_text("utf-8").partition("## Dependencies")[2]
    for each in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        name = re.split(r"[^\w.-]", each)[0]
        assert re.search(rf"\b{re.escape(name)}\b", reasons), name
