"""The vendor's own SDK against the sandbox, over a loopback port."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scim_bridge.providers.sailpoint_nerm.sandbox import Sandbox
from tests.providers.sailpoint_nerm.support import people_types
from tests.real.installed import installed, run
from tests.servers import running

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent


def _python() -> Path:
    """The interpreter of a virtual environment that holds the SDK."""

    def install(folder: Path) -> None:
        run(sys.executable, "-m", "venv", "env", cwd=folder)
        run("env/bin/pip", "install", "--quiet", "--require-hashes", "-r", "sdk.lock", cwd=folder)

    return installed("sailpoint-nerm-sdk", [HERE / "sdk.lock"], install) / "env" / "bin" / "python"


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    return Sandbox(users=60)


@pytest.fixture(scope="module")
def learned(sandbox: Sandbox) -> dict[str, Any]:
    """What the SDK learned."""
    people = people_types(sandbox)[0]
    attribute = str(sandbox.store.by_uid["job_title"]["id"])
    with running(sandbox.app) as origin:
        ran = subprocess.run(
            [_python(), HERE / "sdk_steps.py", people, attribute],
            env={
                **os.environ,
                "SAIL_BASE_URL": origin,
                "SAIL_CLIENT_ID": sandbox.client_id,
                "SAIL_CLIENT_SECRET": sandbox.client_secret,
                "SAIL_NERM_BASE_URL": f"{origin}/api",
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


def test_profiles_are_listed_filtered_and_walked(sandbox: Sandbox, learned: dict[str, Any]) -> None:
    people = people_types(sandbox)[0]
    held = [each.id for each in sandbox.store.profiles.values() if each.type_id == people]
    assert sorted(learned["listed"]) == sorted(held) and learned["total"] == len(held)
    assert learned["second"] == held[5:10]
    assert set(learned["inactive"]) == {"Inactive"}
    assert learned["walked"] == [*sorted(held), "400"]
    titled = [each for each in held if "ing" in sandbox.store.profiles[each].values.get("job_title", "")]
    assert learned["searched"] == titled


def test_a_profile_is_created_read_changed_and_deleted(sandbox: Sandbox, learned: dict[str, Any]) -> None:
    values = {"personal_first_name": "S", "personal_last_name": "Dk", "job_title": "Boss"}
    assert learned["name"] == "S Dk"
    assert learned["changed"] == learned["read"] == ["Inactive", values]
    assert learned["gone"] == 400 and learned["made"] not in sandbox.store.profiles


def test_roles_users_types_and_attributes(sandbox: Sandbox, learned: dict[str, Any]) -> None:
    assert learned["roles"] == sorted(each["name"] for each in sandbox.store.roles.values())
    assert learned["paired"] and learned["unpaired"]
    assert learned["user"] == ["sdk", "Pending"]
    assert learned["user_again"] == learned["user_gone"] == 400
    assert learned["types"] == [each["name"] for each in sandbox.store.profile_types.values()]
    assert learned["attributes"] == [each["uid"] for each in sandbox.store.attributes.values()]
