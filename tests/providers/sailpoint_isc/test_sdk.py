"""The vendor's own SDK against the sandbox, over a loopback port."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scim_bridge.providers.sailpoint_isc.sandbox import Sandbox
from tests.real.installed import installed, run
from tests.servers import running

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
LOCK = HERE.parent / "sailpoint_nerm" / "sdk.lock"
"""One SDK is for all that the vendor offers."""


def _python() -> Path:
    """The interpreter of a virtual environment that holds the SDK."""

    def install(folder: Path) -> None:
        run(sys.executable, "-m", "venv", "env", cwd=folder)
        run("env/bin/pip", "install", "--quiet", "--require-hashes", "-r", LOCK.name, cwd=folder)

    return installed("sailpoint-nerm-sdk", [LOCK], install) / "env" / "bin" / "python"


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    sandbox = Sandbox(users=120)
    sandbox.knobs.effect_seconds = 0.5
    return sandbox


@pytest.fixture(scope="module")
def before(sandbox: Sandbox) -> dict[str, Any]:
    """Who was there at first."""
    return {key: each.data["alias"] for key, each in sandbox.store.identities.items() if each.correlated}


@pytest.fixture(scope="module")
def learned(sandbox: Sandbox, before: dict[str, Any]) -> dict[str, Any]:
    """What the SDK learned."""
    with running(sandbox.app) as origin:
        ran = subprocess.run(
            [_python(), HERE / "sdk_steps.py", sandbox.source("Non-Employees")],
            env={
                **os.environ,
                "SAIL_BASE_URL": origin,
                "SAIL_CLIENT_ID": sandbox.client_id,
                "SAIL_CLIENT_SECRET": sandbox.client_secret,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert len(sandbox.log.sign_ins) == 1
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def test_identities_are_listed_paged_read_switched_and_deleted(
    sandbox: Sandbox, before: dict[str, Any], learned: dict[str, Any]
) -> None:
    assert learned["people"] == str(len(before))
    assert learned["paged"] == sorted(before, key=lambda each: before[each])
    first, read, listed = learned["one"]
    assert learned["by_alias"] == [first] and read == listed == before[first]
    assert learned["public"] == 120
    assert learned["disabled"] and sandbox.store.identities[first].data["identityStatus"] == "DISABLED"
    gone, status = learned["deleted"]
    assert status == 404 and gone not in sandbox.store.identities
    assert sorted(learned["searched"]) == sorted(sandbox.store.identities)


def test_a_governance_group_is_created_changed_filled_and_deleted(learned: dict[str, Any]) -> None:
    assert learned["group"] == ["By the SDK", "changed", True]
    assert (learned["added"], learned["members"], learned["removed"]) == ([201, 404], [True], [204, 404])
    assert learned["listed"] == [True] and learned["gone"] == 404


def test_roles_and_lifecycle_states_are_read(sandbox: Sandbox, learned: dict[str, Any]) -> None:
    assert sorted(learned["roles"]) == sorted(each["name"] for each in sandbox.store.roles.values())
    assert learned["assigned"] >= sum(map(len, sandbox.store.assigned.values()))
    profiles = {each["name"]: key for key, each in sandbox.store.profiles.items()}
    states = {name: [each["technicalName"] for each in sandbox.store.states[key]] for name, key in profiles.items()}
    assert learned["states"] == states


def test_a_non_employee_record_is_created_changed_and_deleted(sandbox: Sandbox, learned: dict[str, Any]) -> None:
    assert learned["record"] == ["sdk.one", "Changed"]
    assert learned["record_listed"] and learned["record_gone"] == 404
    assert all(each["accountName"] != "sdk.one" for each in sandbox.store.records.values())
