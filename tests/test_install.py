"""The program installs as a wheel, outside the checkout, and is the same there."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent


def run(*command: str | Path, cwd: Path) -> str:
    ran = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, timeout=600, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from an sdist, so that both hold everything."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    [built] = folder.glob("*.whl")
    return built


def test_a_wheel_takes_one_name_and_holds_what_the_checkout_holds(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"scim_bridge"}
    tracked = run("git", "ls-files", "scim_bridge", "providers", "conformance", cwd=ROOT).split()
    for each in tracked:
        if (ROOT / each).is_symlink():
            continue
        inside = each if each.startswith("scim_bridge/") else f"scim_bridge/{each}"
        assert inside in names, each


def test_a_new_environment_has_the_same_program(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    bin_folder = tmp_path / "env" / "bin"
    run(bin_folder / "pip", "install", "--quiet", wheel, cwd=tmp_path)
    here = Path(sys.executable).parent
    for arguments in (["--version"], ["providers"], ["providers", "pingone"]):
        assert run(bin_folder / "scim-bridge", *arguments, cwd=tmp_path) == run(
            here / "scim-bridge", *arguments, cwd=tmp_path
        )
    imported = "import scim_bridge.providers.pingone, scim_bridge.conformance as c; print(c.__name__)"
    assert run(bin_folder / "python", "-c", imported, cwd=tmp_path) == "scim_bridge.conformance\n"
    assert run(bin_folder / "python", "-m", "scim_bridge", "--version", cwd=tmp_path).startswith("scim-bridge")
