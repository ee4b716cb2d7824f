"""Keeping a mirror as its upstream is: differences, deletions, outages, interruptions, and what changed meanwhile."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest

from scim_bridge.mirror.passes import Rows
from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.upstream.errors import UpstreamError
from tests.mirror.test_reading import simulated
from tests.mirror.world import ORIGIN, Json, World, world

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"


def pingone(sandbox: Sandbox, url: str, upstream: Any = None, **mirror: Any) -> Any:
    settings = {**sandbox.settings, "api_url": f"{ORIGIN}/v1", "auth_url": ORIGIN}
    return world("pingone", upstream or sandbox.app, settings, url, **mirror)


class Upstream:
    """Changes made upstream, behind the bridge's back: by another client of the vendor's API."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.store = sandbox.store

    @property
    def ids(self) -> list[str]:
        return sorted(self.store.users)

    def rename(self, user_id: str, title: str) -> None:
        self.store.users[user_id].data["title"] = title
        self.store.changed()

    def remove(self, *ids: str) -> None:
        for each in ids:
            self.store.remove_user(each)


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(users=60, groups=6)


async def test_differences_are_applied_and_nothing_else(sandbox: Sandbox, url: str) -> None:
    upstream = Upstream(sandbox)
    async with pingone(sandbox, url) as found:
        first = await found.refresh()
        assert (first["User"].created, first["Group"].created) == (60, 6)
        gone, changed = upstream.ids[0], upstream.ids[1]
        upstream.remove(gone)
        upstream.rename(changed, "Other")
        second = await found.refresh()
        assert (second["User"].created, second["User"].changed, second["User"].deleted) == (0, 1, 1)
        assert (await found.get(f"/Users/{changed}"))["title"] == "Other"
        assert (await found.ask("GET", f"/Users/{gone}")).status_code == 404
        assert gone not in await found.ids() and (await found.get("/Users", count=0))["totalResults"] == 59
        third = await found.refresh()
        assert third["User"].read == 59 and third["User"].changed == third["User"].deleted == 0


async def test_every_difference_is_told_in_order(sandbox: Sandbox, url: str) -> None:
    upstream = Upstream(sandbox)
    async with pingone(sandbox, url) as found:
        await found.refresh()
        assert await found.changes() == ([], "0")  # what was there at the start is no change
        gone, changed = upstream.ids[0], upstream.ids[1]
        upstream.rename(changed, "Other")
        await found.refresh()
        upstream.remove(gone)
        await found.refresh()
        told, cursor = await found.changes()
        location = f"http://bridge.test/scim/mirror/v2/Users/{changed}"
        kinds = {"type": "changed", "resourceType": "User", "id": changed, "attributes": ["title"]}
        assert told[0] == {"sequence": 1, **kinds, "location": location}
        assert {"sequence": 2, "type": "deleted", "resourceType": "User", "id": gone} in told
        assert await found.changes(cursor) == ([], cursor)
        assert (await found.changes("now"))[1] == cursor
        assert (await found.ask("GET", "/changes", params={"cursor": "999"})).json()["scimType"] == "expiredCursor"
        assert (await found.ask("GET", "/changes", params={"cursor": "x"})).status_code == 400
        assert (await found.ask("GET", "/changes", live=True)).status_code == 404
        assert (await found.ask("POST", "/changes", {})).status_code == 405


async def test_so_many_that_are_gone_at_once_are_kept_until_that_is_approved(sandbox: Sandbox, url: str) -> None:
    upstream = Upstream(sandbox)
    async with pingone(sandbox, url) as found:
        await found.refresh()
        before = set(upstream.ids)
        assert await (await found.sync()).held(100) == {}
        upstream.remove(*upstream.ids[:7])
        held = (await found.refresh())["User"]
        assert (held.held, held.deleted) == (7, 0)
        assert len(await found.ids()) == 60
        sync = await found.sync()
        assert sorted((await sync.held(100))["Users"]) == sorted(before - set(upstream.ids))
        assert len((await sync.held(3))["Users"]) == 3
        assert await sync.approve() == ["User"]
        applied = (await found.refresh(full=True))["User"]
        assert (applied.held, applied.deleted) == (0, 7)
        assert sorted(await found.ids()) == upstream.ids
        assert await sync.approve() == [] and await sync.held(100) == {}


async def test_what_is_held_is_compared_again_on_schedule_and_when_approved(sandbox: Sandbox, url: str) -> None:
    upstream = Upstream(sandbox)
    async with pingone(sandbox, url, refresh_seconds=300) as found:
        sync = await found.sync()
        assert await sync.due()
        await found.refresh()
        assert not await sync.due()
        upstream.remove(*upstream.ids[:7])
        found.clock.advance(301)
        assert await sync.due()
        await found.refresh()
        assert not await sync.due()  # or it would be compared again and again
        await sync.approve()
        assert await sync.due()
        assert (await found.refresh())["User"].deleted == 7
        assert not await sync.due()


async def test_more_than_was_approved_is_held_again(sandbox: Sandbox, url: str) -> None:
    upstream = Upstream(sandbox)
    async with pingone(sandbox, url) as found:
        await found.refresh()
        upstream.remove(*upstream.ids[:7])
        await found.refresh()
        await (await found.sync()).approve()
        upstream.remove(*upstream.ids[:10])
        assert (await found.refresh(full=True))["User"].held == 17
        assert len(await found.ids()) == 60


async def test_an_outage_that_passes_leaves_nothing_held(sandbox: Sandbox, url: str) -> None:
    upstream = Upstream(sandbox)
    async with pingone(sandbox, url) as found:
        await found.refresh()
        hidden = {each: sandbox.store.users[each].data for each in upstream.ids[:30]}
        upstream.remove(*hidden)
        assert (await found.refresh())["User"].held == 30
        for each in hidden.values():
            sandbox.store.put_user(each)
        back = (await found.refresh())["User"]
        assert (back.held, back.deleted, back.created) == (0, 0, 0)
        assert await (await found.sync()).approve() == []


@pytest.mark.parametrize(("percent", "gone", "held"), [(0, 1, 0), (0, 3, 3), (50, 30, 0), (50, 31, 31), (100, 60, 60)])
async def test_the_threshold_is_a_share_of_all(percent: int, gone: int, held: int, sandbox: Sandbox, url: str) -> None:
    upstream = Upstream(sandbox)
    async with pingone(sandbox, url, max_shrink_percent=percent) as found:
        await found.refresh()
        upstream.remove(*upstream.ids[:gone])
        assert (await found.refresh())["User"].held == held


async def test_a_row_that_a_list_leaves_out_is_looked_up_before_it_counts_as_gone(sandbox: Sandbox, url: str) -> None:
    """As one does that moves to a page already read."""
    upstream = Upstream(sandbox)
    hidden, gone = upstream.ids[:2]

    class Shifting(httpx.AsyncBaseTransport):
        hiding = False
        inner = httpx.ASGITransport(app=sandbox.app)

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            answer = await self.inner.handle_async_request(request)
            if not self.hiding or not request.url.path.endswith("/users"):
                return answer
            body = orjson.loads(await answer.aread())
            listed = body.get("_embedded", {})
            listed["users"] = [each for each in listed.get("users", []) if each["id"] != hidden]
            return httpx.Response(answer.status_code, json=body)

    shifting = Shifting()
    async with pingone(sandbox, url, shifting) as found:
        await found.refresh()
        upstream.remove(gone)
        shifting.hiding = True
        assert (await found.refresh())["User"].deleted == 1
        assert (await found.get(f"/Users/{hidden}"))["id"] == hidden
        assert (await found.ask("GET", f"/Users/{gone}")).status_code == 404


class Failing(httpx.AsyncBaseTransport):
    """An upstream that fails from some request for users on."""

    def __init__(self, sandbox: Sandbox, after: int) -> None:
        self._inner = httpx.ASGITransport(app=sandbox.app)
        self.left: int | None = after
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/users"):
            self.asked.append(str(request.url))
            if self.left is not None:
                self.left -= 1
                if self.left < 0:
                    return httpx.Response(500, json={"code": "UNEXPECTED_ERROR"})
        return await self._inner.handle_async_request(request)


@asynccontextmanager
async def interrupted(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[World, Failing, Sandbox]]:
    """A mirror whose first pass failed on its way; the upstream works again."""
    monkeypatch.setattr("scim_bridge.mirror.sync.SAVE_ROWS", 200)
    sandbox = Sandbox(users=900, groups=0)
    failing = Failing(sandbox, after=3)
    async with pingone(sandbox, url, failing) as found:
        with pytest.raises(UpstreamError):
            await found.refresh()
        failing.left = None
        yield found, failing, sandbox


async def test_a_pass_goes_on_where_it_was_left(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with interrupted(url, monkeypatch) as (found, failing, sandbox):
        already = len(failing.asked)
        live = await found.ask("GET", "/Users", params={"count": 1})  # half of a copy answers nothing
        assert live.json()["totalResults"] == 900 and found.calls > 0
        failing.asked.clear()
        outcome = (await found.refresh())["User"]
        assert outcome.read < 900 and len(failing.asked) < 5 and already >= 3
        assert sorted(await found.ids()) == sorted(sandbox.store.users)


async def test_a_place_that_is_gone_makes_a_pass_start_anew(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with interrupted(url, monkeypatch) as (found, failing, sandbox):
        refused = httpx.Response(400, json={"code": "INVALID_REQUEST"})
        original, first = failing._inner.handle_async_request, True

        async def expired(request: httpx.Request) -> httpx.Response:
            nonlocal first
            if request.url.path.endswith("/users") and first:
                first = False
                return refused
            return await original(request)

        monkeypatch.setattr(failing._inner, "handle_async_request", expired)
        assert (await found.refresh())["User"].read == 900
        assert sorted(await found.ids()) == sorted(sandbox.store.users)


async def test_what_changed_since_is_asked_for_where_the_upstream_can_be_asked(url: str) -> None:
    async with simulated("sailpoint-nerm", url) as found:
        first = await found.refresh()
        assert first["User"].full and first["User"].read == 130
        user = (await found.ids())[5]
        await found.ask("PATCH", f"/Users/{user}", patched("title", "Other"), live=True)
        found.clock.advance(300)
        second = await found.refresh()
        assert not second["User"].full and second["User"].read < 130
        assert second["Group"].full  # nobody dates changes of members
        found.clock.advance(21_600)
        assert (await found.refresh())["User"].full


async def test_a_stale_answer_of_the_upstream_does_not_undo_an_own_write(sandbox: Sandbox, url: str) -> None:
    upstream = Upstream(sandbox)
    async with pingone(sandbox, url) as found:
        await found.refresh()
        user, other = upstream.ids[:2]
        before = dict(sandbox.store.users[user].data)
        assert (await found.ask("PATCH", f"/Users/{user}", patched("title", "Mine"))).status_code == 200
        assert (await found.ask("DELETE", f"/Users/{other}")).status_code == 204
        made = (await found.ask("POST", "/Users", {"schemas": [USER], "userName": "new"})).json()["id"]
        # An index that lags behind: it lists what was there before the writes.
        held = sandbox.store.users[made].data
        upstream.remove(made)
        sandbox.store.put_user(before)
        sandbox.store.put_user({**before, "id": other, "username": "other"})
        await found.refresh(full=True)
        assert (await found.get(f"/Users/{user}"))["title"] == "Mine"
        assert (await found.ask("GET", f"/Users/{other}")).status_code == 404
        assert (await found.get(f"/Users/{made}"))["userName"] == "new"
        # Later it is believed again.
        found.clock.advance(121)
        sandbox.store.put_user(held)
        await found.refresh(full=True)
        assert (await found.get(f"/Users/{user}")).get("title") == before.get("title")
        assert (await found.ask("GET", f"/Users/{other}")).status_code == 200


async def test_a_new_layout_is_stored_anew(sandbox: Sandbox, url: str) -> None:
    async with pingone(sandbox, url) as found:
        await found.refresh()
    settings = {**sandbox.settings, "api_url": f"{ORIGIN}/v1", "auth_url": ORIGIN}
    settings |= {"attributes": {"enterprise.costCenter": "costCenter"}}
    async with world("pingone", sandbox.app, settings, url) as found:
        assert len(await found.ids()) == 60 and found.calls > 0
        await found.refresh()
        found.calls = 0
        assert len(await found.ids()) == 60 and found.calls == 0


async def test_what_is_stored_outlives_the_program(sandbox: Sandbox, url: str) -> None:
    async with pingone(sandbox, url) as found:
        await found.refresh()
    async with pingone(sandbox, url) as found:
        await found.get("/ResourceTypes")  # which signs in
        found.calls = 0
        assert len(await found.ids()) == 60 and found.calls == 0


def test_rows_are_a_set() -> None:
    rows = Rows()
    rows.add([1, 70_000, 3])
    assert [each for each in (0, 1, 2, 3, 69_999, 70_000, 70_001, 10**9) if each in rows] == [1, 3, 70_000]
    assert 3 in Rows(bytes(rows)) and 2 not in Rows(bytes(rows))


def patched(path: str, value: Any) -> Json:
    return {"schemas": [PATCH], "Operations": [{"op": "replace", "path": path, "value": value}]}
