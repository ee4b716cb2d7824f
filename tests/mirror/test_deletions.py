"""Deletions that an upstream tells of: a leaver is out of the mirror at the next refresh, if he is gone indeed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from scim_bridge.providers.onelogin.sandbox import Sandbox
from scim_bridge.providers.onelogin.sandbox_events import event
from tests.mirror.world import ORIGIN, World, world

EVENTS = "/api/1/events"


class Upstream(httpx.AsyncBaseTransport):
    """The simulated OneLogin, which can refuse to tell of events."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._inner = httpx.ASGITransport(app=sandbox.app)
        self.refused: int | None = None
        self.calls: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request.url.path)
        if request.url.path == EVENTS and self.refused is not None:
            return httpx.Response(self.refused, json={"status": {"error": True, "code": self.refused}})
        return await self._inner.handle_async_request(request)

    def lookups(self) -> list[str]:
        """The users that were looked up, since the last time."""
        found = [each.rpartition("/")[2] for each in self.calls if each.startswith("/api/2/users/")]
        self.calls.clear()
        return found


@asynccontextmanager
async def mirrored(url: str, **mirror: object) -> AsyncIterator[tuple[World, Sandbox, Upstream]]:
    """A mirror that has compared everything."""
    sandbox = Sandbox(users=60)
    upstream = Upstream(sandbox)
    settings = {**sandbox.settings, "base_url": ORIGIN}
    async with world("onelogin", upstream, settings, url, **mirror) as found:
        await found.refresh()
        upstream.calls.clear()
        yield found, sandbox, upstream


def said_to_be_deleted(sandbox: Sandbox, user_id: str, kind: int = 530) -> None:
    user = sandbox.store.users[int(user_id)]
    sandbox.store.events.append(event(sandbox.store, kind, sandbox.timestamp(), user))


def leave(sandbox: Sandbox, user_id: str, kind: int = 530) -> None:
    """Somebody else deletes a user."""
    said_to_be_deleted(sandbox, user_id, kind)
    sandbox.store.remove_user(int(user_id))


@pytest.mark.parametrize("kind", [17, 530])
async def test_a_leaver_is_gone_at_the_next_refresh_and_told_as_a_deletion(kind: int, url: str) -> None:
    async with mirrored(url) as (found, sandbox, _):
        user = (await found.ids())[7]
        leave(sandbox, user, kind)
        outcome = (await found.refresh())["User"]
        assert (outcome.full, outcome.deleted) == (False, 1)
        assert (await found.ask("GET", f"/Users/{user}")).status_code == 404
        told, _ = await found.changes("0")
        assert (told[0]["type"], told[0]["resourceType"], told[0]["id"]) == ("deleted", "User", user)


async def test_who_is_said_to_be_deleted_and_is_there_stays(url: str) -> None:
    async with mirrored(url) as (found, sandbox, upstream):
        user = (await found.ids())[7]
        said_to_be_deleted(sandbox, user)
        assert (await found.refresh())["User"].deleted == 0
        assert upstream.lookups() == [user]
        assert (await found.ask("GET", f"/Users/{user}")).status_code == 200


async def test_who_is_in_the_mirror_no_more_is_not_looked_up_again(url: str) -> None:
    async with mirrored(url) as (found, sandbox, upstream):
        user = (await found.ids())[7]
        leave(sandbox, user)
        await found.refresh()
        assert upstream.lookups() == [user]
        assert (await found.refresh())["User"].deleted == 0
        assert upstream.lookups() == []


@pytest.mark.parametrize("refused", [401, 403, 404, 500])
async def test_an_upstream_that_does_not_tell_leaves_it_to_the_next_full_pass(refused: int, url: str) -> None:
    async with mirrored(url) as (found, sandbox, upstream):
        user = (await found.ids())[7]
        leave(sandbox, user)
        upstream.refused = refused
        assert (await found.refresh())["User"].deleted == 0
        found.clock.advance(21_600)
        assert (await found.refresh())["User"].deleted == 1


async def test_more_deletions_than_are_believed_are_left_to_a_full_pass_which_holds_them(url: str) -> None:
    async with mirrored(url, max_shrink_percent=5) as (found, sandbox, upstream):
        for user in (await found.ids())[:9]:
            leave(sandbox, user)
        assert (await found.refresh())["User"].deleted == 0
        assert upstream.lookups() == []
        found.clock.advance(21_600)
        assert (await found.refresh())["User"].held == 9
        assert len(await found.ids()) == 60
