"""The whole program in front of the simulated PingOne, as a SCIM client meets it over HTTP."""

from contextlib import AbstractAsyncContextManager
from typing import Any

from scim_bridge.providers.pingone.sandbox import Sandbox
from tests.providers import program
from tests.providers.pingone.support import ORIGIN, told
from tests.providers.program import ENTERPRISE, GROUP, USER, Vendor, patch_of

__all__ = ["ENTERPRISE", "GROUP", "USER", "Bridge", "bridged", "patch_of"]
Bridge = program.Bridge[Sandbox]


VENDOR: Vendor[Sandbox] = Vendor(
    "pingone",
    told,
    secrets=lambda sandbox: [sandbox.client_secret],
)


def bridged(sandbox: Sandbox, **more: Any) -> AbstractAsyncContextManager[Bridge]:
    """The program with one connection; it has read the populations by then, as a warm one has."""
    settings = {**sandbox.settings, "api_url": f"{ORIGIN}/v1", "auth_url": ORIGIN}
    return program.running(VENDOR, sandbox, settings, **more)
