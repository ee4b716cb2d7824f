"""The whole program in front of the simulated tenant, as a SCIM client meets it over HTTP."""

from contextlib import AbstractAsyncContextManager
from typing import Any

from scim_bridge.providers.sailpoint_isc.sandbox import Sandbox
from tests.providers import program
from tests.providers.program import GROUP, USER, Vendor, checked, patch_of
from tests.providers.sailpoint_isc.support import ORIGIN, told

__all__ = ["GROUP", "USER", "Bridge", "bridged", "checked", "patch_of"]
Bridge = program.Bridge[Sandbox]
VENDOR: Vendor[Sandbox] = Vendor(
    "sailpoint-isc",
    told,
    secrets=lambda sandbox: [sandbox.client_secret],
    first="/Users?count=1",
)


def bridged(sandbox: Sandbox, **more: Any) -> AbstractAsyncContextManager[Bridge]:
    """The program with one connection, on the sandbox's clock."""
    settings = {**sandbox.settings, "api_url": ORIGIN}
    return program.running(VENDOR, sandbox, settings, **{"clock": sandbox.store.clock, **more})
