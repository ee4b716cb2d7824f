"""What the adapter asks of Identity Security Cloud and what the sandbox answers, judged by the vendor's own OpenAPI."""

from pathlib import Path
from typing import Any

import httpx

from scim_bridge.query.capabilities import Resource
from tests.providers.sailpoint_isc.support import ENTERPRISE, GROUP_URN, USER_URN, connected, sandbox_of
from tests.providers.sailpoint_isc.writing import change, create, members, users
from tests.vendor_specs import Correction, VendorSpec, Watched

CORRECTIONS = (
    Correction(
        "/components/schemas/identity/properties/lifecycleState",
        {
            "nullable": True,
            "type": "object",
            "properties": {"stateName": {"type": "string"}},
            "required": ["stateName"],
        },
        "meant to be nullable, as its second part says, but an allOf with an object that is not allows no null",
    ),
)


async def test_requests_and_answers_are_the_vendors(vendor_specs: Path) -> None:
    spec = VendorSpec.load(vendor_specs / "sailpoint-isc.openapi.yaml", corrections=CORRECTIONS)
    sandbox = sandbox_of(60)
    watched = Watched(httpx.ASGITransport(app=sandbox.app), spec, unjudged=["/oauth/token"])
    source = sandbox.source("Non-Employees")
    ids = [key for key, each in sandbox.store.identities.items() if each.correlated]
    more: dict[str, Any] = {"writes": ("lifecycle", "non-employee"), "non_employee_source_id": source}
    async with connected(sandbox, transport=watched, **more) as acme:
        await acme.find("")
        await acme.find('userName sw "a" and title pr')
        await acme.find(f'groups.value eq "{next(iter(sandbox.store.workgroups))}"')
        await acme.find(f'roles.value eq "{list(sandbox.store.roles)[2]}"')
        await acme.find("", "groups", relations=frozenset({"members"}))
        await acme.find("", "roles")
        await acme.users.reader.get(ids[0], ["groups", "roles"])
        group = await create(acme, {"displayName": "Judged", GROUP_URN: {"owner": {"value": ids[0]}}})
        await change(acme, group["id"], {GROUP_URN: {"description": "x", "owner": {"value": ids[1]}}})
        await members(acme, group["id"], added=users(ids[:3]))
        await members(acme, group["id"], removed=users(ids[:1]))
        await acme.groups.delete(group["id"])
        person: Resource = {
            "userName": "judged",
            "name": {"givenName": "Jud", "familyName": "Ged"},
            "emails": [{"value": "judged@example.com", "type": "work"}],
            "phoneNumbers": [{"value": "+1", "type": "work"}],
            ENTERPRISE: {"manager": {"value": ids[0]}},
            USER_URN: {"startDate": "2026-03-01T00:00:00Z", "endDate": "2026-09-01T00:00:00Z"},
        }
        made = await create(acme, person, "users")
        await change(
            acme, made["id"], {"active": False, "emails": [{"value": "x@example.com", "type": "work"}]}, "users"
        )
        await acme.users.delete(made["id"])
    async with connected(sandbox, transport=watched, writes=("accounts",)) as acme:
        user = next(each for each in ids if sandbox.store.identities[each].data["identityStatus"] == "ACTIVE")
        await change(acme, user, {"active": False}, "users")
        await change(acme, user, {"active": True}, "users")
    assert set(watched.problems) == set()
    assert {each.replace("/v1", "") for each in spec.seen} >= {
        "GET /identities",
        "GET /identities/{identityId}/role-assignments",
        "DELETE /identities/{id}",
        "POST /identities/{identity-id}/set-lifecycle-state",
        "POST /identities-accounts/{id}/disable",
        "POST /identities-accounts/{id}/enable",
        "GET /identity-profiles",
        "GET /identity-profiles/{identity-profile-id}/lifecycle-states",
        "GET /workgroups",
        "POST /workgroups",
        "PATCH /workgroups/{id}",
        "DELETE /workgroups/{id}",
        "GET /workgroups/{workgroupId}/members",
        "POST /workgroups/{workgroupId}/members/bulk-add",
        "POST /workgroups/{workgroupId}/members/bulk-delete",
        "GET /roles",
        "GET /roles/{id}/assigned-identities",
        "GET /non-employee-records",
        "POST /non-employee-records",
        "PATCH /non-employee-records/{id}",
        "DELETE /non-employee-records/{id}",
    }
