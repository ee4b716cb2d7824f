"""What tests install names no registry: where packages come from is the machine's to say."""

import json

from tests.real.installed import HERE


def test_the_lock_of_the_node_server_names_packages_and_no_address() -> None:
    text = (HERE / "scimmy" / "package-lock.json").read_text("utf-8")
    packages = json.loads(text)["packages"]
    assert {"node_modules/scimmy", "node_modules/scimmy-routers", "node_modules/express"} <= packages.keys()
    assert all("integrity" in each for name, each in packages.items() if name)
    assert "://" not in text


def test_the_lock_of_the_clients_names_packages_and_no_address() -> None:
    text = (HERE / "clients.lock").read_text("utf-8")
    assert all(f"{name}==" in text for name in ("scim-client", "scim-sim", "scim2-cli"))
    assert "--hash=" in text and "://" not in text
