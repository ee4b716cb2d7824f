"""Programs that are no dependencies of ours: installed once into an ignored folder, until their files change."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import pytest

CACHE: Final = Path(__file__).parents[2] / ".cache"
HERE: Final = Path(__file__).parent


def installed(name: str, parts: Sequence[Path], install: Callable[[Path], None]) -> Path:
    """A folder with copies of the files, in which ``install`` has run; made anew when one of the files changes."""
    digest = hashlib.sha256(b"".join(each.read_bytes() for each in parts)).hexdigest()[:16]
    folder = CACHE / f"{name}-{digest}"
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes may want it at once
        if not (folder / ".complete").exists():
            for old in CACHE.glob(f"{name}-*"):
                shutil.rmtree(old)
            folder.mkdir()
            for each in parts:
                shutil.copy(each, folder)
            install(folder)
            (folder / ".complete").touch()
    return folder


def scimmy() -> Path:
    """The folder of the server made with SCIMMY, with its packages."""
    return node_packages("scimmy", HERE / "scimmy")


def node_packages(name: str, folder: Path) -> Path:
    """A copy of a folder with a program of Node.js, with the packages of its lock."""
    parts = sorted(each for each in folder.iterdir() if each.is_file())
    return installed(name, parts, lambda copy: run(needed("npm", "nodejs", "npm"), "ci", "--no-audit", cwd=copy))


def clients() -> Path:
    """The folder of the programs of a virtual environment with SCIM clients, at the versions of `clients.lock`."""

    def install(folder: Path) -> None:
        run(sys.executable, "-m", "venv", "env", cwd=folder)
        run("env/bin/pip", "install", "--quiet", "--require-hashes", "-r", "clients.lock", cwd=folder)

    return installed("clients", [HERE / "clients.lock"], install) / "env" / "bin"


def needed(program: str, *packages: str) -> str:
    """A program of the system. Where there is none, CI installs its packages, and the test is skipped elsewhere."""
    found = shutil.which(program)
    if found is None and os.environ.get("CI") == "true":
        run("apt-get", "update", "-q")
        run("apt-get", "install", "-q", "-y", "--no-install-recommends", *packages)
        found = shutil.which(program)
        assert found is not None, f"{packages} bring no {program}"
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def run(*command: str, cwd: Path = HERE) -> None:
    """Run a command. Raises AssertionError with what it printed where it fails."""
    ran = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=300)
    assert ran.returncode == 0, f"{' '.join(command)} ended with {ran.returncode}: {ran.stdout}{ran.stderr}"
