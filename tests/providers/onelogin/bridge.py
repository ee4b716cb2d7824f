"""The whole program in front of the simulated OneLogin, as a SCIM client meets it over HTTP."""

from contextlib import AbstractAsyncContextManager
from typing import Any

from scim_bridge.providers.onelogin.sandbox import Sandbox
from scim_bridge.simulation import Recorded
from tests.providers import program
from tests.providers.onelogin.support import ORIGIN
from tests.providers.program import ENTERPRISE, GROUP, USER, Vendor, patch_of

__all__ = ["CUSTOM", "ENTERPRISE", "GROUP", "URN", "USER", "Bridge", "bridged", "patch_of", "step"]
Bridge = program.Bridge[Sandbox]
URN = "urn:scim-bridge:schemas:1.0:onelogin:User"
CUSTOM = {
    "enterprise.employeeNumber": "custom_attributes.employee_number",
    "enterprise.costCenter": "custom_attributes.cost_center",
}


def step(op: str, path: str, value: Any = None) -> dict[str, Any]:
    return {"op": op, "path": path, **({} if value is None else {"value": value})}


def told(call: Recorded) -> str:
    """Method, path and what is asked for, but for columns, order and page."""
    query = {name: value for name, value in call.query.items() if name not in ("fields", "sort", "limit", "page")}
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    path = call.path.removeprefix("/api")
    return f"{call.method} {path}?{asked}" if asked else f"{call.method} {path}"


VENDOR: Vendor[Sandbox] = Vendor(
    "onelogin",
    told,
    secrets=lambda sandbox: [sandbox.client_secret],
)


def bridged(sandbox: Sandbox, **more: Any) -> AbstractAsyncContextManager[Bridge]:
    """The program with one connection; it has read groups and types of events by then, as a warm one has."""
    return program.running(VENDOR, sandbox, {**sandbox.settings, "base_url": ORIGIN, "attributes": CUSTOM}, **more)
