"""What the adapter asks of OneLogin and what the sandbox answers, judged by the vendor's own OpenAPI document."""

from pathlib import Path
from typing import Any

import httpx

from tests.providers.onelogin.bridge import ENTERPRISE, URN, bridged, step
from tests.providers.onelogin.support import made
from tests.providers.onelogin.test_writing import ANA
from tests.vendor_specs import Correction, VendorSpec, Watched

NULLABLE = {
    "user": {
        "string": "activated_at comment company department distinguished_name email external_id firstname "
        "invitation_sent_at last_login lastname locked_until member_of password_changed_at phone preferred_locale_code "
        "samaccountname title userprincipalname username",
        "integer": "directory_id group_id trusted_idp_id",
    },
    "event": {
        "string": "actor_system actor_user_name client_id custom_message error_description notes otp_device_name "
        "policy_name proxy_ip risk_cookie_id risk_reasons role_name user_name",
        "integer": "actor_user_id app_id assuming_acting_user_id directory_sync_run_id group_id otp_device_id "
        "policy_id resource_type_id risk_score role_id user_id",
    },
    "getEvents_200_response_pagination": {"string": "after_cursor before_cursor next_link previous_link"},
    "group": {"string": "reference"},
}
"""What recorded answers have as null; the document knows no null at all."""
_USERS, _ROLES, _EVENTS = "/paths/~1api~12~1users", "/paths/~1api~12~1roles", "/paths/~1api~11~1events"
_JSON = "content/application~1json/schema"
_OWN_SHAPE = "v2 users answer {message, name, statusCode} (vendor: List users; recorded traffic)"
_REFUSAL = {"type": "object", "required": ["message", "name", "statusCode"]}


def _query(name: str, kind: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": kind}}


CORRECTIONS = (
    *(
        Correction(f"/components/schemas/{schema}/properties/{name}", {"type": kind, "nullable": True}, "null occurs")
        for schema, kinds in NULLABLE.items()
        for kind, names in kinds.items()
        for name in names.split()
    ),
    Correction(
        "/components/schemas/user/properties/manager_user_id",
        {"type": "integer", "nullable": True},
        "a number or null (vendor: Get user; clients in production)",
    ),
    Correction("/components/schemas/user/properties/manager_ad_id", {}, "text in one source, a number in another"),
    Correction(f"{_USERS}/get/parameters/18/schema", {}, "any field of a single user; the list here is that of roles"),
    Correction(f"{_USERS}/get/parameters/99", _query("sort", "string"), "vendor: Using query parameters"),
    Correction(
        f"{_USERS}/get/parameters/99",
        _query("custom_attributes.employee_number", "string"),
        "the document has a template, custom_attributes.{attribute_name}, for a name",
    ),
    Correction(f"{_USERS}~1{{user_id}}/get/responses/404/{_JSON}", _REFUSAL, _OWN_SHAPE),
    Correction(f"{_ROLES}/post/responses/201/{_JSON}", {"type": "object"}, "changelog of the vendor's SDK, 3.2.6"),
    Correction(
        f"{_ROLES}~1{{role_id}}~1users/delete/requestBody/{_JSON}",
        {"type": "array", "items": {"type": "integer"}},
        "an object is refused (changelog of the vendor's SDK, 4.0)",
    ),
    Correction(
        f"{_ROLES}~1{{role_id}}~1users/get/responses/200/content",
        {"application/json": {"schema": {"type": "array", "items": {"type": "object", "required": ["id"]}}}},
        "the media type is misspelled, and its example has other fields than a user",
    ),
    Correction(f"{_EVENTS}/get/parameters/0/schema", {}, "several types stand in one value, with commas between"),
    Correction(f"{_EVENTS}/get/parameters/99", _query("limit", "integer"), "vendor: Get events"),
    Correction(f"{_EVENTS}/get/parameters/99", _query("after_cursor", "string"), "vendor: Get events"),
    Correction(
        f"{_EVENTS}~1{{event_id}}/get/responses/200/{_JSON}",
        {"type": "object", "properties": {"data": {"type": "array", "items": {"$ref": "#/components/schemas/event"}}}},
        "an array of one, as all data of API v1 (vendor: Get event by ID)",
    ),
)
"""Where the vendor's document of 2023 is wrong or silent, by its newer pages, its SDKs and recorded traffic."""


async def test_requests_and_answers_are_the_vendors(vendor_specs: Path) -> None:
    spec = VendorSpec.load(vendor_specs / "onelogin.openapi.yaml", corrections=CORRECTIONS)
    sandbox = made(60)
    watched = Watched(httpx.ASGITransport(app=sandbox.app), spec, unjudged=["/custom_attributes"])
    told: dict[str, Any] = {"native_text_match": "insensitive", "wildcards": True}
    async with bridged(sandbox, transport=watched, **told) as bridge:
        await bridge.get("/Users")
        await bridge.find("User", filter='userName sw "a" and meta.created gt "2025-01-01T00:00:00Z"')
        await bridge.find("User", filter=f'emails.value eq "x" or {ENTERPRISE}:employeeNumber eq "E1"')
        role = next(iter(sandbox.store.roles))
        await bridge.find("User", filter=f'groups.value eq "{role}"')
        await bridge.get("/Groups")
        await bridge.find("Activity", filter='type eq "USER_CREATED" and published gt "2025-01-01T00:00:00Z"')
        await bridge.get(f"/Activities/{sandbox.store.events[0]['id']}")
        user = await bridge.create("User", **ANA)
        group = await bridge.create("Group", displayName="Judged", members=[{"value": user["id"]}])
        await bridge.patch("User", user["id"], step("replace", "title", "Chief"), step("remove", f"{URN}:comment"))
        await bridge.patch("Group", group["id"], step("replace", "displayName", "Judged again"))
        await bridge.find("Group", filter=f'members.value eq "{user["id"]}"')
        await bridge.patch("Group", group["id"], step("remove", f'members[value eq "{user["id"]}"]'))
        await bridge.ask("DELETE", f"/Users/{user['id']}")
        await bridge.ask("DELETE", f"/Groups/{group['id']}")
        assert (await bridge.ask("GET", f"/Users/{user['id']}")).status_code == 404
    assert set(watched.problems) == set()
    assert spec.seen >= {
        "POST /auth/oauth2/v2/token",
        "GET /api/2/users",
        "POST /api/2/users",
        "PUT /api/2/users/{user_id}",
        "DELETE /api/2/users/{user_id}",
        "GET /api/2/roles",
        "POST /api/2/roles",
        "PUT /api/2/roles/{role_id}",
        "DELETE /api/2/roles/{role_id}",
        "GET /api/2/roles/{role_id}/users",
        "POST /api/2/roles/{role_id}/users",
        "DELETE /api/2/roles/{role_id}/users",
        "GET /api/1/events",
        "GET /api/1/events/types",
        "GET /api/1/groups",
    }
