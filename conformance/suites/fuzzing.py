"""schemathesis over the OpenAPI description that `openapi` derives from the server's own discovery."""

from collections.abc import Iterator
from typing import Final

from scim_bridge.conformance.results import Result
from scim_bridge.conformance.suites.available import Unavailable
from scim_bridge.conformance.target import Target

NAME: Final = "schemathesis"


def run(target: Target) -> Iterator[Result]:
    raise Unavailable("not here yet")
    yield
