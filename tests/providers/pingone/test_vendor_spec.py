"""What the adapter asks of PingOne and what the sandbox answers, judged by the vendor's own OpenAPI document."""

from pathlib import Path

import httpx

from scim_bridge.providers.pingone.sandbox import Sandbox
from tests.providers.pingone.support import connected
from tests.providers.pingone.writing import ANA, change, create, members, users
from tests.vendor_specs import Correction, VendorSpec, Watched

CORRECTIONS = (
    Correction(
        "/components/schemas/User/required",
        None,
        "users without an e-mail are created by the vendor's own examples (create-user-import-external-password), and "
        "the one schema serves PATCH too, whose examples name single attributes",
    ),
)


async def test_requests_and_answers_are_the_vendors(vendor_specs: Path) -> None:
    spec = VendorSpec.load(vendor_specs / "pingone.openapi.yaml", base="/v1", corrections=CORRECTIONS)
    sandbox = Sandbox(users=30)
    watched = Watched(httpx.ASGITransport(app=sandbox.app), spec, unjudged=["/as/token"])
    async with connected(sandbox, transport=watched) as acme:
        await acme.find("")
        await acme.find('userName sw "a" and title pr')
        await acme.find("", "groups", relations=frozenset({"members"}))
        made = await create(acme, ANA)
        group = await create(acme, {"displayName": "Judged"}, "groups")
        await change(acme, made["id"], {"title": "Chief", "active": False})
        await change(acme, group["id"], {"externalId": "ad-1"}, "groups")
        await members(acme, group, added=users([made["id"]]))
        await acme.groups.reader.get(group["id"], ["members"])
        await acme.users.reader.get(made["id"], ["groups"])
        await members(acme, group, removed=users([made["id"]]))
        await acme.users.delete(made["id"])
        await acme.groups.delete(group["id"])
        assert await acme.users.row(made["id"]) is None
    assert set(watched.problems) == set()
    judged = {each.replace("environments/{environmentID}/", "") for each in spec.seen}
    assert judged >= {
        "GET /users",
        "POST /users",
        "PATCH /users/{userID}",
        "DELETE /users/{userID}",
        "GET /groups",
        "PUT /groups/{groupID}",
        "POST /users/{userID}/memberOfGroups",
        "DELETE /users/{userID}/memberOfGroups/{groupID}",
    }
