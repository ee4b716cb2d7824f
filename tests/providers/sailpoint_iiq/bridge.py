"""The whole program in front of the simulated site, as a SCIM client meets it over HTTP."""

from contextlib import AbstractAsyncContextManager
from typing import Any

from scim_bridge.providers.sailpoint_iiq.sandbox import Sandbox
from scim_bridge.simulation import Recorded
from tests.providers import program
from tests.providers.program import Vendor, checked
from tests.providers.sailpoint_iiq.support import ORIGIN

__all__ = ["MAPPED", "Bridge", "bridged", "checked"]
Bridge = program.Bridge[Sandbox]
MAPPED = {"externalId": "employeeId", "title": "JOBTITLE", "enterprise.department": "department"}


def told(call: Recorded) -> str:
    """Method and path of a request; of lists, with their filter."""
    return f"{call}?{call.query['filter']}" if "filter" in call.query else str(call)


VENDOR: Vendor[Sandbox] = Vendor(
    "sailpoint-iiq",
    told,
    # ... and where the server believes to be
    secrets=lambda sandbox: [sandbox.settings["password"], sandbox.client["client_secret"], "localhost:8088"],
)


def bridged(sandbox: Sandbox, *, oauth: bool = False, **more: Any) -> AbstractAsyncContextManager[Bridge]:
    """The program with one connection, that has looked at the site."""
    signed_in = sandbox.client if oauth else sandbox.settings
    settings = {**signed_in, "base_url": f"{ORIGIN}{sandbox.context}", "attributes": MAPPED}
    return program.running(VENDOR, sandbox, settings, **more)
