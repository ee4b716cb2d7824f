"""What all tests share: the option that names a folder of vendors' OpenAPI documents, and logging left as it was."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--vendor-specs", help="A folder of vendors' OpenAPI documents, NAME.openapi.yaml.")


@pytest.fixture(scope="session")
def vendor_specs(request: pytest.FixtureRequest) -> Path:
    """The folder of `--vendor-specs`; a test that needs it is skipped without."""
    folder = request.config.getoption("--vendor-specs")
    if folder is None:
        pytest.skip("no --vendor-specs: vendors' OpenAPI documents are not part of the project")
    found = Path(folder)
    assert any(found.glob("*.openapi.yaml")), f"--vendor-specs {folder}: there is no NAME.openapi.yaml in it"
    return found


@pytest.fixture
def untouched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Logging as it was, afterwards."""
    root, own = logging.getLogger(), logging.getLogger("scim_bridge")
    levels, handlers = (root.level, own.level), list(root.handlers)
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    own.setLevel(levels[1])
    for name in ("uvicorn.access", "aiohttp.access"):
        logging.getLogger(name).disabled = False
