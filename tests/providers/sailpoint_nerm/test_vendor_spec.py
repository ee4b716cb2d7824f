"""What the adapter asks of NERM and what the sandbox answers, judged by the vendor's own OpenAPI document."""

from pathlib import Path

import httpx

from scim_bridge.providers.sailpoint_nerm.sandbox import Sandbox
from tests.providers.sailpoint_nerm.bridge import ENTERPRISE, URN, bridged
from tests.vendor_specs import Correction, VendorSpec, Watched

NULL = "live clients report null where nothing is set (vscode-sailpoint-nerm, src/models/API.ts)"
ATTRIBUTE = "/components/schemas/Attribute/properties"
NULLABLE = (
    "description tool_tip archived_on date_format selectable_status filtering_ne_attribute_id ne_attribute_filter_id "
    "profile_type_id"
)
CORRECTIONS = (
    Correction(
        "/components/parameters/offset/schema/minimum",
        None,
        "it counts records from 0, which is its default start (Pagination, metadata and filtering)",
    ),
    *(Correction(f"{ATTRIBUTE}/{name}/nullable", True, NULL) for name in NULLABLE.split()),
    Correction(f"{ATTRIBUTE}/reverse_association_attribute", {}, NULL),
    Correction(
        "/components/responses/400/content/application~1json/schema",
        {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}},
        "both of its alternatives are objects with an error, so none with just that is exactly one of them",
    ),
    Correction(
        "/components/schemas/ProfileAttributeRuleDate-2/properties/value/enum",
        None,
        "`<uid>` in it stands for a date in the attribute's own format (Advanced search, samples)",
    ),
)


async def test_requests_and_answers_are_the_vendors(vendor_specs: Path) -> None:
    spec = VendorSpec.load(vendor_specs / "sailpoint-nerm.openapi.yaml", base="/api", corrections=CORRECTIONS)
    sandbox = Sandbox(users=30)
    watched = Watched(httpx.ASGITransport(app=sandbox.app), spec)
    async with bridged(sandbox, transport=watched, native_text_match="insensitive") as bridge:
        everybody = await bridge.find("User")
        for told in (
            'displayName co "a"',
            'displayName eq "x"',
            'title sw "a" and active eq false',
            f'{URN}:end_date gt "2026-01-01T00:00:00Z" and title co "e"',
            'meta.lastModified gt "2026-01-01T00:00:00Z"',
            "active eq false",
        ):
            await bridge.find("User", filter=told)
        await bridge.get("/Users", startIndex=1000)
        for group in await bridge.find("Group"):
            await bridge.get(f"/Groups/{group['id']}")
        user = next(iter(sandbox.store.users))
        await bridge.find("Group", filter=f'members.value eq "{user}"')
        extension = {URN: {"end_date": "2027-01-31T00:00:00Z"}, ENTERPRISE: {"organization": "Nordwind, Inc."}}
        made = await bridge.create("User", userName="ana", title="Nurse", **extension)
        await bridge.change("User", made["id"], title="Chief", active=False)
        assert (await bridge.ask("DELETE", f"/Users/{made['id']}")).status_code == 204
        assert (await bridge.ask("GET", f"/Users/{everybody[0]['id'][::-1]}")).status_code == 404
    async with bridged(sandbox, transport=watched, delete_policy="hard") as bridge:
        assert (await bridge.ask("DELETE", f"/Users/{everybody[0]['id']}")).status_code == 204
        assert (await bridge.ask("GET", f"/Users/{everybody[0]['id']}")).status_code == 404
    assert set(watched.problems) == set()
    assert spec.seen >= {
        "GET /profile_types",
        "GET /ne_attributes",
        "GET /profiles",
        "GET /profiles/{id}",
        "POST /profile",
        "PATCH /profiles/{id}",
        "DELETE /profiles/{id}",
        "POST /advanced_search/run",
        "GET /roles",
        "GET /roles/{id}",
        "GET /user_roles",
    }
