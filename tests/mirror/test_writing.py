"""A client of a mirror sees its own writes at once, and what became of those that failed."""

from typing import Any

import httpx
import pytest

from scim_bridge.providers.pingone.sandbox import Sandbox
from tests.mirror.test_reading import members, simulated
from tests.mirror.test_sync import PATCH, USER, Upstream, patched, pingone
from tests.mirror.world import Json, World

GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(users=40, groups=6)


async def made(found: World, kind: str, **body: Any) -> str:
    schema = USER if kind == "Users" else GROUP
    answer = await found.ask("POST", f"/{kind}", {"schemas": [schema], **body})
    assert answer.status_code == 201, answer.text
    resource_id: str = answer.json()["id"]
    return resource_id


async def shown(found: World, path: str) -> Json:
    """A resource as the mirror has it, which costs no request."""
    before = found.calls
    resource = await found.get(path)
    assert found.calls == before
    return resource


async def test_what_is_created_changed_and_deleted_is_seen_at_once(sandbox: Sandbox, url: str) -> None:
    async with pingone(sandbox, url) as found:
        await found.refresh()
        user = await made(found, "Users", userName="new@example.com", name={"familyName": "New"})
        assert (await shown(found, f"/Users/{user}"))["userName"] == "new@example.com"
        assert await found.ids(filter='userName eq "NEW@example.com"') == [user]
        assert (await found.get("/Users", count=0))["totalResults"] == 41
        await found.ask("PATCH", f"/Users/{user}", patched("title", "Boss"))
        assert (await shown(found, f"/Users/{user}"))["title"] == "Boss"
        body = {"schemas": [USER], "userName": "newer@example.com"}
        await found.ask("PUT", f"/Users/{user}", body)
        assert await found.ids(filter='userName eq "new@example.com"') == []
        assert await found.ids(filter='userName eq "newer@example.com"') == [user]
        await found.ask("DELETE", f"/Users/{user}")
        assert (await found.ask("GET", f"/Users/{user}")).status_code == 404
        assert user not in await found.ids()
        told = [(each["type"], each["id"]) for each in (await found.changes())[0]]
        assert told[0] == ("created", user) and told[-1] == ("deleted", user)


async def test_members_that_come_and_go_are_seen_at_once(sandbox: Sandbox, url: str) -> None:
    upstream = Upstream(sandbox)
    async with pingone(sandbox, url) as found:
        await found.refresh()
        one, two, three = upstream.ids[:3]
        group = await made(found, "Groups", displayName="Team", members=[{"value": one}])
        assert values(await shown(found, f"/Groups/{group}")) == {one}
        await found.ask("PATCH", f"/Groups/{group}", operation("add", "members", [{"value": two}, {"value": three}]))
        assert values(await shown(found, f"/Groups/{group}")) == {one, two, three}
        await found.ask("PATCH", f"/Groups/{group}", operation("remove", f'members[value eq "{one}"]'))
        assert values(await shown(found, f"/Groups/{group}")) == {two, three}
        assert await found.ids("Groups", filter=f'members.value eq "{one}" and displayName eq "team"') == []
        await found.ask(
            "PUT", f"/Groups/{group}", {"schemas": [GROUP], "displayName": "Team", "members": [{"value": one}]}
        )
        assert values(await shown(found, f"/Groups/{group}")) == {one}
        live, mine = await found.get(f"/Groups/{group}", live=True), await shown(found, f"/Groups/{group}")
        assert members(live) == members(mine) and live["meta"]["version"] == mine["meta"]["version"]


async def test_what_is_deleted_leaves_the_groups_that_have_it(sandbox: Sandbox, url: str) -> None:
    user = Upstream(sandbox).ids[0]
    async with pingone(sandbox, url) as found:
        await found.refresh()
        group = await made(found, "Groups", displayName="Team", members=[{"value": user}])
        await found.ask("DELETE", f"/Users/{user}")
        assert "members" not in await shown(found, f"/Groups/{group}")
        changed = {each["id"] for each in (await found.changes())[0] if each.get("attributes") == ["members"]}
        assert group in changed


async def test_a_tag_from_the_mirror_guards_a_write(sandbox: Sandbox, url: str) -> None:
    user = Upstream(sandbox).ids[0]
    async with pingone(sandbox, url) as found:
        await found.refresh()
        tag = (await found.ask("GET", f"/Users/{user}")).headers["ETag"]
        first = await found.ask("PATCH", f"/Users/{user}", patched("title", "A"), headers={"If-Match": tag})
        second = await found.ask("PATCH", f"/Users/{user}", patched("title", "B"), headers={"If-Match": tag})
        assert (first.status_code, second.status_code) == (200, 412)
        assert (await shown(found, f"/Users/{user}"))["title"] == "A"


class Lost(httpx.AsyncBaseTransport):
    """Carries out writes, and loses the answers."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._inner = httpx.ASGITransport(app=sandbox.app)
        self.losing = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        if self.losing and request.method in ("PATCH", "PUT", "DELETE"):
            raise httpx.ReadError("reset", request=request)
        return answer


async def test_after_a_write_of_unknown_outcome_the_resource_is_read_again(sandbox: Sandbox, url: str) -> None:
    user, lost = Upstream(sandbox).ids[0], Lost(sandbox)
    async with pingone(sandbox, url, lost) as found:
        await found.refresh()
        lost.losing = True
        answer = await found.ask("PATCH", f"/Users/{user}", patched("title", "Perhaps"))
        assert answer.status_code >= 500
        copy = (await found.sync()).copies[0]
        await copy.settled()
        assert (await shown(found, f"/Users/{user}"))["title"] == sandbox.store.users[user].data["title"] == "Perhaps"


async def test_writes_in_bulk_are_seen_at_once(sandbox: Sandbox, url: str) -> None:
    async with pingone(sandbox, url) as found:
        await found.refresh()
        body = {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": [
                {"method": "POST", "path": "/Users", "bulkId": "u", "data": {"schemas": [USER], "userName": "bulk"}},
                {
                    "method": "POST",
                    "path": "/Groups",
                    "bulkId": "g",
                    "data": {"schemas": [GROUP], "displayName": "Bulk", "members": [{"value": "bulkId:u"}]},
                },
            ],
        }
        answer = await found.ask("POST", "/Bulk", body)
        assert [each["status"] for each in answer.json()["Operations"]] == ["201", "201"], answer.text
        user = (await found.ids(filter='userName eq "bulk"'))[0]
        assert await found.ids("Groups", filter=f'members.value eq "{user}" and displayName eq "Bulk"') != []


@pytest.mark.parametrize("provider", ["onelogin", "sailpoint-iiq", "sailpoint-nerm"])
async def test_so_it_is_on_every_upstream_that_takes_writes(provider: str, url: str) -> None:
    async with simulated(provider, url) as found:
        await found.refresh()
        user = (await found.ids())[3]
        answer = await found.ask("PATCH", f"/Users/{user}", patched("title", "Seen"))
        assert answer.status_code == 200, answer.text
        assert (await shown(found, f"/Users/{user}"))["title"] == "Seen"
        live, mine = await found.get(f"/Users/{user}", live=True), await shown(found, f"/Users/{user}")
        assert live["meta"]["version"] == mine["meta"]["version"]


def operation(op: str, path: str, value: Any = None) -> Json:
    return {"schemas": [PATCH], "Operations": [{"op": op, "path": path, **({"value": value} if value else {})}]}


def values(group: Json) -> set[str]:
    return {each["value"] for each in group.get("members", [])}
