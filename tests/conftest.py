"""What all tests share: the option that names a folder of vendors' OpenAPI documents."""

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
