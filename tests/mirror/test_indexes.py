"""Indexes: made once all is stored, of every column; those for parts of texts, on PostgreSQL, are used, and answers are
the same with and without them."""

from typing import Any

import pytest

from scim_bridge.filters import parse
from scim_bridge.mirror.search import Searcher
from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.store.opening import open_database
from tests.mirror.databases import emptied
from tests.mirror.test_sync import pingone
from tests.mirror.world import World

FILTERS = [
    'userName co "an"',
    'userName ew "n"',
    'name.familyName co "%"',
    'name.familyName co "_"',
    'name.familyName ew "\\\\"',
    'emails co "example"',
    'not (userName co "e")',
    'emails[value ew "COM" and type eq "work"]',
]


def odd(sandbox: Sandbox) -> None:
    """Names that hold what LIKE takes for something else."""
    for user_id, family in zip(list(sandbox.store.users), ["100%", "a_b", "back\\slash", "end\\"], strict=False):
        data: dict[str, Any] = sandbox.store.users[user_id].data
        data["name"] = {**data.get("name", {}), "family": family, "formatted": family}
    sandbox.store.changed()


async def test_what_is_searched_by_is_indexed_once_all_is_stored(url: str) -> None:
    sandbox = Sandbox(users=60, groups=2)
    async with pingone(sandbox, url) as found:
        [store] = [each.store for each in (await found.sync()).copies if each.collection.resource.name == "User"]
        columns = [f"{store.tables.documents}_{each.name}" for each in store.layout.columns]
        wanted = {*columns, f"{store.tables.values}_key"}
        assert not wanted & await indexes(url)
        await found.refresh()
        assert len(columns) > 8 and wanted <= await indexes(url)


async def indexes(url: str) -> set[str]:
    database: Any = open_database(url)
    text = "SELECT name FROM sqlite_master WHERE type = 'index'"
    if url.startswith("postgresql"):
        text = "SELECT indexname FROM pg_indexes"
    found = {name for (name,) in await database.read(lambda sql: sql.rows(text))}
    await database.aclose()
    return found


async def answers(found: World) -> list[list[str]]:
    return [await found.ids(filter=each) for each in FILTERS]


async def test_answers_by_parts_are_those_of_the_upstream(url: str) -> None:
    sandbox = Sandbox(users=60, groups=2)
    odd(sandbox)
    async with pingone(sandbox, url) as found:
        await found.refresh()
        mine = await answers(found)
        for each, ids in zip(FILTERS, mine, strict=True):
            assert sorted(ids) == sorted(row["id"] for row in (await live(found, each))), each
        assert [len(each) for each in mine[2:5]] == [1, 1, 1]


async def live(found: World, text: str) -> list[dict[str, Any]]:
    resources: list[dict[str, Any]] = (await found.get("/Users", live=True, filter=text, count=1000))["Resources"]
    return resources


@pytest.mark.slow
async def test_an_index_leads_to_parts_of_names_and_addresses(shared: str) -> None:
    async with pingone(Sandbox(users=60, groups=2), shared) as found:
        await found.refresh()
        [copy] = [each for each in (await found.sync()).copies if each.collection.resource.name == "User"]
        searcher = Searcher(copy.store, copy._database.dialect)
        database: Any = open_database(shared)
        for text in ('userName co "anders"', 'name.givenName ew "nna"'):
            condition = searcher.compiled(parse(text), None).condition
            assert condition is not None
            query = f"EXPLAIN SELECT d.seq FROM {copy.store.tables.documents} d WHERE {condition.text}"

            def explained(sql: Any, query: str = query, params: Any = condition.params) -> str:
                sql.run("SET LOCAL enable_seqscan = off")
                return repr(sql.rows(query, params))

            assert "_parts" in await database.write(explained), text
        # So few rows that the planner would rather read all values; that there is an index is all that shows.
        made = await database.read(
            lambda sql: sql.rows("SELECT tablename FROM pg_indexes WHERE indexname LIKE '%parts'")
        )
        assert (copy.store.tables.values,) in made
        await database.aclose()


@pytest.mark.slow
async def test_a_user_who_may_not_have_the_extension_goes_without(shared: str) -> None:
    admin: Any = open_database(shared)
    await admin.write(lambda sql: sql.run("CREATE ROLE plain LOGIN"))
    try:
        await admin.write(lambda sql: sql.run("GRANT ALL ON SCHEMA public TO plain"))
        async with pingone(Sandbox(users=60, groups=2), shared.replace("bridge@", "plain@")) as found:
            await found.refresh()
            assert len((await answers(found))[0]) > 0
        indexes = "SELECT COUNT(*) FROM pg_indexes WHERE indexname LIKE '%parts'"
        assert await admin.read(lambda sql: sql.rows(indexes)) == [(0,)]
    finally:
        emptied(shared)
        await admin.write(lambda sql: sql.run("DROP ROLE plain"))
        await admin.aclose()
