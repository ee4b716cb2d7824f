"""What the Dockerfile does, done without Docker: the same commands on what it copies, in a folder."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from scim_bridge.providers.pingone.sandbox import Sandbox
from tests.deploy.files import ROOT, copied, dockerfile
from tests.programs import program
from tests.real.installed import run
from tests.servers import free_port, running
from tests.test_cli import config

pytestmark = pytest.mark.slow
PREFIX = "/opt/scim_bridge"


def _copy(sources: list[str], target: Path) -> None:
    """As COPY does: a folder's contents, links as links, into the target; files into it."""
    for each in sources:
        if (ROOT / each).is_dir():
            shutil.copytree(ROOT / each, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / each, target)


def built(folder: Path) -> Path:
    """The virtual environment of the image's first stage."""
    context = folder / "src"
    for sources, target in copied():
        _copy(sources, context / target.removeprefix("/src/"))
    for name, arguments in dockerfile()[0]:
        if name == "RUN":
            command = arguments.replace(PREFIX, str(folder / "env")).replace("/src/", f"{context}/").split()
            run(*[sys.executable if each == "python" else each for each in command], cwd=context)
    return folder / "env" / "bin"


def test_what_the_image_builds_serves_and_is_healthy(tmp_path: Path) -> None:
    programs = built(tmp_path)
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    health = re.findall(r'CMD \["python", "-c", "(.*)"\]', dict(dockerfile()[-1])["HEALTHCHECK"])[0]
    check = [str(programs / "python"), "-c", health.replace(":8000", f":{port}")]
    assert subprocess.run(check, capture_output=True, check=False).returncode == 1  # nothing runs yet
    with running(Sandbox(users=3).app) as upstream:
        path = config(tmp_path, upstream)
        command = [str(programs / "scim-bridge"), "serve", "--config", str(path), "--port", str(port)]
        with program(command, f"{origin}/readyz", environment={"PYTHONPATH": ""}):
            users = httpx.get(f"{origin}/scim/acme/v2/Users", headers={"Authorization": "Bearer t"})
            assert users.json()["totalResults"] == 3
            assert subprocess.run(check, capture_output=True, check=False).returncode == 0
