"""The vendor's own SDK at work on the sandbox: it lists, reads, creates, changes and deletes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tests.providers.onelogin.support import made
from tests.real.installed import installed, run
from tests.servers import running

HERE: Final = Path(__file__).parent


def python() -> Path:
    """The interpreter of a virtual environment with the SDK, at the versions of `sdk.lock`."""

    def install(folder: Path) -> None:
        run(sys.executable, "-m", "venv", "env", cwd=folder)
        run("env/bin/pip", "install", "--quiet", "--require-hashes", "-r", "sdk.lock", cwd=folder)

    return installed("onelogin-sdk", [HERE / "sdk.lock"], install) / "env" / "bin" / "python"


@pytest.mark.slow
def test_the_vendors_sdk_works_on_the_sandbox() -> None:
    sandbox = made(60)
    users, roles = list(sandbox.store.user_ids), list(sandbox.store.roles)
    titles = [sandbox.store.users[each]["title"] for each in users[:5]]
    with running(sandbox.app) as origin:
        ran = subprocess.run(
            [str(python()), str(HERE / "sdk_steps.py"), origin, sandbox.client_id],
            env={**os.environ, "ONELOGIN_CLIENT_SECRET": sandbox.client_secret},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    assert found["listed"] == users[:50] and found["second"] == users[10:20]
    assert found["searched"] == [] and found["columns"] == titles
    assert found["changed"] == ["Engineer", 2] and found["read"] == ["sdk", "Engineer"]
    assert (found["again"], found["gone"], found["role_gone"]) == (422, 404, 404)
    assert found["roles"][-1] == "SDK" and len(found["roles"]) == len(roles) + 1
    assert found["members"] == users[:3] and found["left"] == users[1:3] and found["renamed"] == "SDK 2"
    assert found["events"] == [each["id"] for each in reversed(sandbox.store.events)][:50] and found["types"] > 20
    assert found["groups"] == list(sandbox.store.groups.values()) and "5000" in found["limit"]
    assert sandbox.store.user_ids == users and list(sandbox.store.roles) == roles
    assert sandbox.log.sign_ins == ["basic"]
