"""The vendor's SDK for Node.js against the sandbox. It signs in by a form in parts, and knows the API as v3 and v2024,
where the one for Python has the version behind the service."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from scim_bridge.providers.sailpoint_isc.sandbox import Sandbox
from tests.real.installed import needed, node_packages
from tests.servers import running

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent / "sdk_node"


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    return Sandbox(users=120)


@pytest.fixture(scope="module")
def before(sandbox: Sandbox) -> dict[str, Any]:
    """Who was there at first: aliases by id."""
    return {key: each.data["alias"] for key, each in sandbox.store.identities.items() if each.correlated}


@pytest.fixture(scope="module")
def learned(sandbox: Sandbox, before: dict[str, Any]) -> dict[str, Any]:
    """What the SDK learned."""
    folder, credentials = node_packages("sailpoint-sdk-node", HERE), (sandbox.client_id, sandbox.client_secret)
    with running(sandbox.app) as origin:
        told = dict(zip(("SAIL_BASE_URL", "SAIL_CLIENT_ID", "SAIL_CLIENT_SECRET"), (origin, *credentials), strict=True))
        ran = subprocess.run(
            [needed("node", "nodejs"), "steps.js", sandbox.source("Non-Employees")],
            cwd=folder,
            env={**os.environ, **told},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert ran.returncode == 0, ran.stderr[-3000:]
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def test_it_uses_versions_in_front_of_the_path(sandbox: Sandbox, learned: dict[str, Any]) -> None:
    assert len(sandbox.log.sign_ins) == 1 and {each.version for each in sandbox.calls} == {"v3", "v2024"}


def test_identities_are_listed_paged_read_and_deleted(
    sandbox: Sandbox, before: dict[str, Any], learned: dict[str, Any]
) -> None:
    assert learned["total"] == str(len(before))
    assert learned["paged"] == sorted(before, key=lambda each: before[each])
    first = learned["paged"][0]
    assert learned["named"] == [first] and learned["read"] == [first, before[first], first]
    gone, status = learned["deleted"]
    assert gone == learned["paged"][-1] and status == 404 and gone not in sandbox.store.identities
    assert learned["searched"] == sorted(sandbox.store.identities)


def test_a_governance_group_is_created_changed_filled_and_deleted(learned: dict[str, Any]) -> None:
    owner = learned["paged"][0]
    assert learned["group"] == ["By Node", "changed", owner]
    assert (learned["added"], learned["members"], learned["removed"]) == ([201], [owner], [204])
    assert learned["listed"] == [True] and learned["gone"] == 404


def test_a_non_employee_record_is_created_changed_and_deleted(sandbox: Sandbox, learned: dict[str, Any]) -> None:
    assert learned["record"] == ["node.one", "Changed"]
    assert learned["recordListed"] and learned["recordGone"] == 404
    assert all(each["accountName"] != "node.one" for each in sandbox.store.records.values())


def test_roles_and_profiles_are_read(sandbox: Sandbox, learned: dict[str, Any]) -> None:
    assert sorted(learned["roles"]) == sorted(each["name"] for each in sandbox.store.roles.values())
    assert sorted(learned["profiles"]) == sorted(sandbox.store.profiles)
