"""What operations cost in requests to IdentityIQ; a connection has looked at its site by then."""

from typing import Any

import pytest

from scim_bridge.providers.sailpoint_iiq.sandbox import Sandbox
from scim_bridge.simulation import Log
from tests.providers.sailpoint_iiq.bridge import bridged
from tests.providers.sailpoint_iiq.support import CORE, SP_USER


def one(sandbox: Sandbox, name: str = "adam.kennedy") -> Any:
    return next(each for each in sandbox.site.identities.values() if each["userName"] == name)


async def test_a_crawl_is_whole_where_lists_have_no_order_and_pages_are_small() -> None:
    sandbox = Sandbox(users=300)
    sandbox.knobs.stable, sandbox.knobs.max_results = False, 40
    async with bridged(sandbox) as bridge:
        ids: list[str] = []
        while len(ids) < 300:
            page = await bridge.get("/Users", startIndex=len(ids) + 1, count=100)
            ids += [each["id"] for each in page["Resources"]]
        assert sorted(ids) == sorted(sandbox.site.identities)
        assert len(bridge.calls()) <= 9  # 3 for each page of 100


READS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "1": [
        ("/Users", {"count": 100}),
        ("/Users", {"startIndex": 2001, "count": 100}),
        ("/Users", {"count": 100, "attributes": "userName,groups,roles,entitlements"}),
        ("/Users/{id}", {}),
        ("/Users", {"filter": 'userName eq "ADAM.kennedy"'}),
        ("/Users", {"filter": 'id eq "{id}"'}),
        ("/Users", {"filter": 'externalId eq "100008"'}),
        ("/Users", {"filter": 'emails[type eq "work" and value eq "adam.kennedy@example.com"]'}),
        ("/Users", {"filter": "active eq true", "count": 100}),
        ("/Users", {"filter": "active eq true", "count": 100, "startIndex": 1001}),
        ("/Users", {"filter": f'{SP_USER}:department eq "finance" and title sw "head"'}),
        ("/Groups", {}),
        ("/Groups/{role}", {}),
        ("/Roles", {}),
        ("/Roles/{role}", {}),
        ("/Accounts", {"filter": 'identity.userName eq "adam.kennedy"'}),
        ("/Accounts", {"count": 100}),
    ],
    "2": [
        ("/Users/{id}", {"attributes": "userName,groups"}),
        ("/Groups", {"filter": 'members.value eq "{id}"'}),  # and one for each further group
    ],
    "3": [
        # of 1,000 users a page, all 2,500
        ("/Users", {"filter": 'groups.value eq "{role}"', "count": 10}),
        ("/Users", {"filter": 'userName ew "y"', "count": 10}),
        ("/Users", {"filter": 'name.familyName eq "Müller"', "count": 10}),
        ("/Users", {"sortBy": "userName", "count": 10}),
    ],
    "4": [
        ("/Groups/{role}", {"attributes": "displayName,members"}),
        ("/Groups", {"attributes": "displayName,members"}),
    ],
}
"""Requests to IdentityIQ, and what takes so many of a site with 2,500 users."""


@pytest.mark.parametrize("requests", READS)
async def test_reads_cost_what_is_promised(requests: str) -> None:
    sandbox = Sandbox(users=2500)
    someone = one(sandbox)
    someone["assigned"] = [next(iter(sandbox.site.records["Role"]))]
    known = {"{id}": someone["id"], "{role}": someone["assigned"][0]}
    async with bridged(sandbox) as bridge:
        for path, query in READS[requests]:
            for name, value in known.items():
                path = path.replace(name, value)
                query = {
                    key: each.replace(name, value) if isinstance(each, str) else each for key, each in query.items()
                }
            await bridge.get(path, **query)
            seen = bridge.calls()
            assert len(seen) == int(requests), (path, query, seen)


async def test_a_name_in_a_path_is_no_id_and_asks_for_nothing() -> None:
    async with bridged(Sandbox(users=20)) as bridge:
        for path in ("/Users/adam.kennedy", "/Groups/User - IT", "/Roles/Data Analyst", "/Users/..%2FRoles"):
            assert (await bridge.ask("GET", path)).status_code == 404
        assert bridge.calls() == []


async def test_pages_of_a_scan_are_read_once() -> None:
    async with bridged(Sandbox(users=2500)) as bridge:
        await bridge.get("/Users", sortBy="displayName", count=50)
        bridge.calls()
        await bridge.get("/Users", sortBy="displayName", count=50, startIndex=51)
        assert bridge.calls() == []


async def test_writes_cost_what_is_promised() -> None:
    sandbox = Sandbox(users=50)
    async with bridged(sandbox) as bridge:
        path = f"/Users/{one(sandbox)['id']}"
        made = await bridge.create(
            "User", userName="new.one", name={"givenName": "New", "familyName": "One"}, title="Clerk"
        )
        assert bridge.calls() == ["POST /Users"]
        await bridge.change("User", made["id"], title="Boss")
        assert bridge.calls() == [f"GET /Users/{made['id']}", f"PUT /Users/{made['id']}"]
        body = {"schemas": [CORE], "userName": "new.one", "title": "Boss", "active": False}
        assert (await bridge.ask("PUT", f"/Users/{made['id']}", body)).status_code == 200
        assert bridge.calls() == [f"GET /Users/{made['id']}", f"PUT /Users/{made['id']}"]
        assert (await bridge.ask("DELETE", path)).status_code == 204
        assert bridge.calls() == [f"DELETE {path}"]
        assert (
            await bridge.patch("User", made["id"], {"op": "replace", "path": "title", "value": "Boss"})
        ).status_code == 200
        assert bridge.calls() == [f"GET /Users/{made['id']}"]  # nothing changes


class Unforgetting(Log):
    def clear(self) -> None:
        """Does nothing."""


async def test_looking_at_a_site_takes_a_bounded_number_of_requests() -> None:
    """Each list once, some filters on users, accounts and entitlements."""
    sandbox = Sandbox(users=200)
    sandbox.log = Unforgetting()  # or what was asked at start would be forgotten
    async with bridged(sandbox) as bridge:
        seen = bridge.calls()
    lists = [each for each in seen if "?" not in each]
    assert len(seen) <= 80
    assert sorted(lists) == sorted(
        [
            "GET /ServiceProviderConfig", "GET /ResourceTypes", "GET /Schemas", "GET /ObjectConfigs", "GET /Users",
            "GET /Applications", "GET /Accounts", "GET /Entitlements", "GET /Workflows", "GET /TaskResults",
            "GET /ObjectConfig", "GET /ObjectConfigs", "GET /LaunchedWorkflows", "GET /PolicyViolations", "GET /Alerts",
        ]
    )  # fmt: skip
