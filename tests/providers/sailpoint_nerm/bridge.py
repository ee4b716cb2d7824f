"""The whole program in front of the simulated NERM, as a SCIM client meets it over HTTP."""

from contextlib import AbstractAsyncContextManager
from typing import Any

from scim_bridge.providers.sailpoint_nerm.fields import URN
from scim_bridge.providers.sailpoint_nerm.sandbox import Sandbox
from scim_bridge.simulation import Recorded
from tests.providers import program
from tests.providers.program import ENTERPRISE, PATCH, TOKEN, USER, Vendor
from tests.providers.sailpoint_nerm.support import ORIGIN

__all__ = ["ENTERPRISE", "MAPPED", "PATCH", "TOKEN", "URN", "USER", "Bridge", "bridged", "told"]
Bridge = program.Bridge[Sandbox]
MAPPED = {
    "userName": "login_name",
    "externalId": "external_id",
    "enterprise.organization": "organization",
    'addresses[type eq "work"].locality': "city",
    f"{URN}:end_date": "end_date",
    f"{URN}:notes": "notes",
    f"{URN}:sponsor": "sponsor",
    f"{URN}:locations": "locations",
    f"{URN}:work_mode": "work_mode",
}


def told(call: Recorded) -> str:
    """Method and path, and what narrows a list: its parameters beside paging, or the operators of its rules."""
    paging = ("limit", "offset", "metadata", "order", "profile_type_id", "after_id", "exclude_attributes")
    terms = [f"{name}={value}" for name, value in call.query.items() if name not in paging]
    if call.path == "/advanced_search/run":
        rules = call.body["advanced_search"]["condition_rules_attributes"]
        terms += [
            f"{each['comparison_operator']}{each['value']}" for each in rules if each["type"] != "ProfileTypeRule"
        ]
    after = " after" if "after_id" in call.query else ""
    return f"{call}{after}" + (f"?{'&'.join(sorted(terms))}" if terms else "")


VENDOR: Vendor[Sandbox] = Vendor(
    "sailpoint-nerm",
    told,
    secrets=lambda sandbox: [sandbox.api_key, sandbox.client_secret],
)


def bridged(sandbox: Sandbox, **more: Any) -> AbstractAsyncContextManager[Bridge]:
    """The program with one connection, whose facts are read by then."""
    signed_in = {} if "client_id" in more else sandbox.settings
    return program.running(VENDOR, sandbox, {"base_url": f"{ORIGIN}/api", "attributes": MAPPED, **signed_in}, **more)
