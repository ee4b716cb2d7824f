"""How long changes are kept, and that nobody misses one: a cursor that cannot go on is refused."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from scim_bridge.mirror import changes
from scim_bridge.mirror.changes import DELETED, Change
from scim_bridge.mirror.tables import create_shared
from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.store.database import Database
from scim_bridge.store.opening import open_database
from tests.mirror.test_sync import Upstream, pingone
from tests.mirror.world import ORIGIN, World, world

DAY_SECONDS = 86_400


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = open_database(url)
    await opened.write(create_shared)
    yield opened
    await opened.aclose()


async def recorded(database: Database, at: int, count: int = 1) -> None:
    await database.write(changes.record, "acme", "User", [Change(DELETED, f"u{at}")] * count, at)


async def numbers(database: Database, after: int | None = None) -> tuple[list[int], int, int]:
    page = await database.read(changes.read, "acme", [], after, 100)
    return [each.number for each in page.changes], page.before, page.last


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(users=20, groups=2)


async def refused(found: World, cursor: str) -> Any:
    answer = await found.ask("GET", "/changes", params={"cursor": cursor})
    return answer.status_code, answer.json().get("scimType")


async def test_changes_older_than_they_are_kept_go_and_their_cursors_are_refused(sandbox: Sandbox, url: str) -> None:
    upstream = Upstream(sandbox)
    async with pingone(sandbox, url, keep_changes_days=2) as found:
        await found.refresh()
        for title in ("one", "two", "three"):
            upstream.rename(upstream.ids[0], title)
            await found.refresh()
            found.clock.advance(DAY_SECONDS)
        assert [each["sequence"] for each in (await found.changes("0"))[0]] == [1, 2, 3]
        await found.refresh()
        assert await refused(found, "0") == (400, "expiredCursor")
        assert [each["sequence"] for each in (await found.changes("1"))[0]] == [2, 3]
        kept = await found.get("/changes")
        assert [each["sequence"] for each in kept["changes"]] == [2, 3]
        found.clock.advance(9 * DAY_SECONDS)
        await found.refresh()
        assert await refused(found, "2") == (400, "expiredCursor")
        assert await found.changes("3") == ([], "3")
        assert (await found.get("/changes")) == {"changes": [], "nextCursor": "3"}
        upstream.rename(upstream.ids[0], "four")
        await found.refresh()
        assert [each["sequence"] for each in (await found.changes("3"))[0]] == [4]


async def test_until_the_mirror_holds_everything_no_cursor_is_given(sandbox: Sandbox, url: str) -> None:
    async with pingone(sandbox, url) as found:
        await found.sync()
        for cursor in ("now", "0"):
            answer = await found.ask("GET", "/changes", params={"cursor": cursor})
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
        await found.refresh()
        assert await found.changes("now") == ([], "0")


async def test_a_mirror_that_is_made_anew_ends_the_sequence(sandbox: Sandbox, url: str) -> None:
    upstream = Upstream(sandbox)
    async with pingone(sandbox, url) as found:
        await found.refresh()
        upstream.rename(upstream.ids[0], "one")
        await found.refresh()
        _, cursor = await found.changes("0")
    upstream.remove(upstream.ids[1])
    settings = {**sandbox.settings, "api_url": f"{ORIGIN}/v1", "auth_url": ORIGIN}
    other = {"enterprise.costCenter": "costCenter"}  # so that what is stored has another form
    async with world("pingone", sandbox.app, {**settings, "attributes": other}, url) as found:
        await found.refresh()
        assert await refused(found, cursor) == (400, "expiredCursor")
        _, cursor = await found.changes("now")
        upstream.rename(upstream.ids[0], "two")
        await found.refresh()
        assert [each["id"] for each in (await found.changes(cursor))[0]] == [upstream.ids[0]]


async def test_numbers_go_on_where_all_changes_were_taken_away(database: Database) -> None:
    await recorded(database, 10, 3)
    assert await database.write(changes.prune, "acme", 11) == 3
    assert await numbers(database) == ([], 3, 3)
    await recorded(database, 12)
    assert await numbers(database) == ([4], 3, 4)
    assert await database.write(changes.prune, "acme", 12) == 0


async def test_changes_are_taken_away_some_at_a_time(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "PRUNED", 2)
    await recorded(database, 10, 3)
    await recorded(database, 20, 2)
    taken = [await database.write(changes.prune, "acme", 20) for _ in range(3)]
    assert (taken, await numbers(database)) == ([2, 1, 0], ([4, 5], 3, 5))


async def test_a_clock_that_was_set_back_takes_away_no_change_before_its_time(database: Database) -> None:
    await recorded(database, 30)
    await recorded(database, 10)
    assert await database.write(changes.prune, "acme", 20) == 0
    assert (await numbers(database))[0] == [1, 2]


async def test_a_sequence_that_is_interrupted_refuses_who_had_read_all_of_it(database: Database) -> None:
    await recorded(database, 10, 2)
    await database.write(changes.interrupt, "acme")
    assert await numbers(database) == ([], 3, 3)
    await recorded(database, 20)
    assert await numbers(database, 3) == ([4], 3, 4)
