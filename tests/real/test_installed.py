"""What tests install names no registry: where packages come from is the machine's to say."""

import json
from pathlib import Path

import pytest

from tests.real.installed import HERE


@pytest.mark.parametrize(
    ("folder", "wanted"),
    [
        (HERE / "scimmy", {"scimmy", "scimmy-routers", "express"}),
        (HERE.parent / "providers" / "sailpoint_isc" / "sdk_node", {"sailpoint-api-client"}),
        (HERE.parent / "browser", {"axe-core", "playwright-core"}),
    ],
)
def test_the_locks_of_programs_of_node_name_packages_and_no_address(folder: Path, wanted: set[str]) -> None:
    text = (folder / "package-lock.json").read_text("utf-8")
    packages = json.loads(text)["packages"]
    assert {f"node_modules/{each}" for each in wanted} <= packages.keys()
    assert all("integrity" in each for name, each in packages.items() if name)
    assert "://" not in text


def test_the_lock_of_the_clients_names_packages_and_no_address() -> None:
    text = (HERE / "clients.lock").read_text("utf-8")
    assert all(f"{name}==" in text for name in ("scim-client", "scim-sim", "scim2-cli"))
    assert "--hash=" in text and "://" not in text
