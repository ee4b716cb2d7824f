"""What the adapter asks of IdentityIQ and what the sandbox answers, judged by the vendor's own OpenAPI document."""

from pathlib import Path

import httpx

from scim_bridge.providers.sailpoint_iiq.sandbox import Sandbox
from tests.providers.sailpoint_iiq.bridge import bridged
from tests.providers.sailpoint_iiq.support import CORE, ENTERPRISE, SP_USER
from tests.vendor_specs import Correction, VendorSpec, Watched

_ANSWER = "get/responses/200/content/application~1json/schema"
_ROWS = f"{_ANSWER}/properties/Resources/items"
_CAPTURE = "captured from an 8.1 server (demisto/content, SailPointIdentityIQ, test_data)"


def _properties(path: str, schema: str, **kinds: str) -> list[Correction]:
    """Properties of another type than the document has."""
    pointer = f"/paths/{path.replace('/', '~1')}/{schema}/properties"
    return [Correction(f"{pointer}/{name}", {"type": kind}, _CAPTURE) for name, kind in kinds.items()]


CORRECTIONS = (
    Correction(
        f"/paths/~1scim~1v2~1Schemas/{_ROWS}/properties/attributes/items/properties/subAttributes/items",
        {"type": "object"},
        f"sub-attributes have names, types and flags, none of them an object: {_CAPTURE}",
    ),
    *_properties("/scim/v2/Entitlements", _ROWS, owner="object", application="object", descriptions="array"),
    *_properties(
        "/scim/v2/Entitlements/{entitlementId}", _ANSWER, owner="object", application="object", descriptions="array"
    ),
    *_properties("/scim/v2/Alerts", _ROWS, meta="object"),
    *_properties("/scim/v2/ObjectConfigs", _ROWS, meta="object"),
)


async def test_requests_and_answers_are_the_vendors(vendor_specs: Path) -> None:
    spec = VendorSpec.load(vendor_specs / "sailpoint-iiq.openapi.yaml", base="/identityiq", corrections=CORRECTIONS)
    sandbox = Sandbox(users=40)
    watched = Watched(httpx.ASGITransport(app=sandbox.app), spec, unjudged=["/ObjectConfig"])
    boss = next(iter(sandbox.site.identities))
    async with bridged(sandbox, transport=watched) as bridge:
        await bridge.find(
            "User", filter='userName sw "a" and active eq true', attributes="userName,groups,entitlements"
        )
        await bridge.find("Group", attributes="displayName,members")
        for kind in ("Account", "Entitlement", "Application", "PolicyViolation", "Workflow", "TaskResult", "Alert"):
            for each in await bridge.find(kind):
                await bridge.get(f"/{kind}s/{each['id']}")
        made = await bridge.create(
            "User",
            userName="ana.diaz",
            displayName="Ana",
            password="S3cret!",
            emails=[{"value": "ana@example.com"}],
            **{ENTERPRISE: {"manager": {"value": boss}}, SP_USER: {"capabilities": ["HelpDesk"], "location": "Austin"}},
        )
        await bridge.change("User", made["id"], title="Boss", active=False)
        await bridge.get(f"/Users/{made['id']}", attributes="groups")
        taken = await bridge.ask("POST", "/Users", {"schemas": [CORE], "userName": "ana.diaz"})
        assert taken.status_code == 409
        await bridge.get(f"/Roles/{next(iter(sandbox.site.records['Role']))}")
        assert (await bridge.ask("DELETE", f"/Users/{made['id']}")).status_code == 204
    assert set(watched.problems) == set()
    assert {each.replace("/scim/v2", "") for each in spec.seen} >= {
        "GET /Users",
        "POST /Users",
        "GET /Users/{userId}",
        "PUT /Users/{userId}",
        "DELETE /Users/{userId}",
        "GET /Roles",
        "GET /Roles/{roleId}",
        "GET /Accounts",
        "GET /Schemas",
    }
