"""Imports point down: app, admin -> protocol -> query -> upstream; providers use what is below them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from scim_bridge.protocol.profiles import PROFILES

CLIENT_PROFILES = {Path("config.py"), Path("protocol/profiles.py")}
ROOT = Path(__file__).parent.parent / "scim_bridge"
TOP = {path.stem for path in ROOT.glob("*.py")}
LOWER = {"clock", "codecs", "comparison", "filters", "schemas", "attributes", "settings", "simulation"}
MAY_IMPORT = {
    "upstream": {"clock", "upstream"},
    "store": {"store"},
    "sharing": {"clock", "query", "upstream", "store", "sharing"},
    "mirror": LOWER | {"query", "upstream", "store", "mirror"},
    "query": LOWER | {"query", "upstream"},
    "providers": LOWER | {"query", "upstream", "providers"},
    "protocol": LOWER | {"query", "upstream", "protocol"},
    "admin": TOP | {"protocol", "query", "upstream", "store", "mirror", "admin"},
    "conformance": {"conformance"},
    "testing": LOWER | {"query", "upstream", "config", "config_tables", "protocol", "testing"},
}


def imports(path: Path) -> Iterator[str]:
    """What a module imports: dotted names, with what is taken from a package."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{each.name}" for each in node.names)


def modules(part: str) -> list[Path]:
    return sorted((ROOT / part).rglob("*.py"))


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_a_part_imports_only_what_is_below_it(part: str) -> None:
    assert modules(part)
    for path in modules(part):
        own = {name.split(".")[1] for name in imports(path) if name.startswith("scim_bridge.")} - {"__version__"}
        assert own <= MAY_IMPORT[part], path


def test_only_the_protocol_and_sandboxes_name_scim2_server() -> None:
    users = {
        path.relative_to(ROOT)
        for path in ROOT.rglob("*.py")
        if any(name.startswith("scim2_server") for name in imports(path))
    }
    rest = {each for each in users if each.parts[0] != "protocol" and not each.name.startswith("sandbox")}
    assert rest == {
        Path("opening.py"),
        Path("connections.py"),
        Path("testing/simulated.py"),
    }  # they make cursors' secrets


def test_nothing_branches_on_a_providers_name() -> None:
    names = {path.parent.name.replace("_", "-") for path in (ROOT / "providers").glob("*/__init__.py")}
    names -= {"scim", *PROFILES}  # which are words of their own
    for path in ROOT.rglob("*.py"):
        if "providers" in path.parts:
            continue
        constants = {
            node.value for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Constant)
        }
        # A vendor may be a client too, whose habits have a profile of its name.
        clients = set(PROFILES) if path.relative_to(ROOT) in CLIENT_PROFILES else set()
        assert not (names - {"scim"} - clients) & constants, path
