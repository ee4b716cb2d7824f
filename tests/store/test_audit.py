"""The chain of the audit log on both databases: what is appended stays, and whatever is done to it shows."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import orjson
import pytest

from scim_bridge.store.audit import BROKEN, PRUNED, REKEYED, STARTED, Criteria, append, every, page, prepare, prune
from scim_bridge.store.chain import Entry, Keys, Link
from scim_bridge.store.database import Database, Sql
from scim_bridge.store.opening import open_database
from scim_bridge.store.verify import Verdict, verify
from tests.mirror.conftest import server, shared, url

__all__ = ["server", "shared", "url"]

KEYS = Keys(b"k" * 32)
OTHER = Keys(b"o" * 32)
ENTRY = Entry(1000, "n", "acme", "token", "scim.patch", "User", "u1", "done", 200, "r1", "{}")


def entry(number: int, **values: Any) -> Entry:
    return replace(ENTRY, at=1000 * number, resource_id=f"u{number}", **values)


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = open_database(url)
    yield opened
    await opened.aclose()


@pytest.fixture
async def log(database: Database) -> Database:
    """A log of six entries: one of its beginning, at 0 s, and five at 1 s to 5 s."""
    await database.write(prepare, 0, "n", KEYS)
    await database.write(append, [entry(number) for number in range(1, 6)], KEYS)
    return database


async def links(database: Database) -> list[Link]:
    return await database.read(lambda sql: list(every(sql)))


async def verdict(database: Database, keys: Keys = KEYS, *noted: str) -> Verdict:
    return await database.read(verify, keys, noted)


async def done(database: Database, text: str, *params: Any) -> None:
    """What somebody with access to the database does to it."""
    await database.write(lambda sql: sql.run(text, params))


async def test_a_log_that_nobody_touched_is_whole(log: Database) -> None:
    found = await verdict(log)
    assert (found.ok, found.entries, found.plain) == (True, 6, 0)
    assert found.head == (6, (await links(log))[-1].hash)
    assert [each.entry.action for each in await links(log)] == [STARTED, *["scim.patch"] * 5]


async def test_to_prepare_it_again_changes_nothing(log: Database) -> None:
    before = await links(log)
    await log.write(prepare, 9, "m", KEYS)
    assert await links(log) == before


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", 7), ("node", "m"), ("connection", "x"), ("actor", "x"), ("action", "x"), ("resource_type", "x"),
        ("resource_id", "x"), ("outcome", "x"), ("status", 404), ("request_id", "x"), ("details", '{"a":1}'),
    ],
)  # fmt: skip
async def test_an_edited_entry_is_found_and_named(log: Database, column: str, value: Any) -> None:
    await done(log, f"UPDATE audit_entries SET {column} = ? WHERE number = 3", value)
    assert (await verdict(log)).problems == ["entry 3 is not as it was written"]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("DELETE FROM audit_entries WHERE number = 3", ["entry 3 is missing"]),
        ("DELETE FROM audit_entries WHERE number IN (3, 4)", ["entries 3 to 4 are missing"]),
        ("DELETE FROM audit_entries WHERE number = 1", ["entry 1 is missing"]),
        ("DELETE FROM audit_entries WHERE number > 4", ["entries 5 to 6 are missing at the end"]),
        ("DELETE FROM audit_marks", ["the head is missing"]),
        (
            "UPDATE audit_marks SET number = 5",
            [
                "the head is entry 5, the last entry is 6, and they do not agree",
                "the head is not as it was written",
            ],
        ),
        (
            "UPDATE audit_entries SET chain_key = ''",
            [f"entry {number} is not as it was written" for number in range(1, 7)],
        ),
        (
            "UPDATE audit_entries SET previous = 'x' WHERE number = 4",
            ["entry 4 does not follow entry 3", "entry 4 is not as it was written"],
        ),
    ],
)
async def test_what_was_taken_away_is_found_and_named(log: Database, text: str, problems: list[str]) -> None:
    await done(log, text)
    assert (await verdict(log)).problems == problems


async def test_entries_that_changed_places_are_found(log: Database) -> None:
    for old, new in ((3, 99), (4, 3), (99, 4)):
        await done(log, "UPDATE audit_entries SET number = ? WHERE number = ?", new, old)
    found = await verdict(log)
    assert "entry 3 is not as it was written" in found.problems
    assert "entry 4 is not as it was written" in found.problems
    assert "entry 3 does not follow entry 2" in found.problems


async def test_a_log_without_any_entry_is_not_whole(log: Database) -> None:
    await done(log, "DELETE FROM audit_entries")
    await done(log, "DELETE FROM audit_marks")
    assert not (await verdict(log)).ok


async def test_many_problems_are_counted_beyond_a_hundred(database: Database) -> None:
    await database.write(prepare, 0, "n", KEYS)
    await database.write(append, [entry(number) for number in range(1, 150)], KEYS)
    await done(database, "UPDATE audit_entries SET actor = 'x'")
    found = await verdict(database)
    assert (len(found.problems), found.more) == (100, 50)


# -- who has no key cannot make a chain that fits ---------------------------------------------------------------------


async def forge(database: Database, keys: Keys) -> None:
    """Edit the third entry, and compute all that follow anew."""

    def work(sql: Sql) -> None:
        held = list(every(sql))
        changed = [replace(each.entry, actor="nobody") if each.number == 3 else each.entry for each in held]
        sql.run("DELETE FROM audit_entries WHERE number > 2")
        sql.run("DELETE FROM audit_marks")
        kept = keys.mark("head", 2, 0, held[1].hash)
        sql.run(
            "INSERT INTO audit_marks (name, number, at, hash, chain_key, seal) VALUES (?, ?, ?, ?, ?, ?)",
            (kept.name, kept.number, kept.at, kept.hash, kept.key, kept.seal),
        )
        append(sql, changed[2:], keys)

    await database.write(work)


async def test_a_forged_chain_without_the_key_is_found(log: Database) -> None:
    await forge(log, Keys())
    problems = (await verdict(log)).problems
    assert "entry 3 is chained without a key, behind entries that have one" in problems
    assert "the head is not sealed with the configured key: was it set or changed since the last entry?" in problems


async def test_a_forged_chain_with_another_key_is_found(log: Database) -> None:
    await forge(log, OTHER)
    problems = (await verdict(log)).problems
    assert any("which is not at hand: content was not verified" in each for each in problems)


async def test_without_any_key_only_a_head_noted_elsewhere_shows_a_forged_chain(database: Database) -> None:
    await database.write(prepare, 0, "n", Keys())
    await database.write(append, [entry(number) for number in range(1, 6)], Keys())
    noted = (await links(database))[-1].hash
    await forge(database, Keys())
    assert (await verdict(database, Keys())).ok
    assert (await verdict(database, Keys(), noted)).problems == [f"no entry has the noted hash {noted}"]


async def test_a_noted_head_is_found_in_a_log_that_went_on(log: Database) -> None:
    noted = (await links(log))[-1].hash
    await log.write(append, [entry(9)], KEYS)
    assert (await verdict(log, KEYS, noted)).ok


async def test_what_was_taken_away_at_the_end_stays_visible_when_the_log_goes_on(log: Database) -> None:
    await done(log, "DELETE FROM audit_entries WHERE number > 4")
    await log.write(append, [entry(9)], KEYS)
    found = await verdict(log)
    assert found.problems[0] == "entries 5 to 6 are missing"
    assert found.problems[1].startswith("entry 7: the log was not as the bridge had left it")
    assert [each.entry.action for each in await links(log)][-2:] == [BROKEN, "scim.patch"]


async def test_a_whole_older_state_that_was_put_back_is_seen_by_the_node_that_knows_better(log: Database) -> None:
    await log.write(append, [entry(9)], KEYS, (42, "hash"))
    problems = (await verdict(log)).problems
    assert problems[0] == "entries 7 to 42 are missing"
    assert problems[1].startswith("entry 43: the log was not as the bridge had left it")


async def test_a_chain_that_was_rewritten_under_a_running_node_is_seen_by_it(database: Database) -> None:
    await database.write(prepare, 0, "n", Keys())
    seen = await database.write(append, [entry(number) for number in range(1, 6)], Keys())
    await forge(database, Keys())
    assert (await verdict(database, Keys())).ok
    await database.write(append, [entry(9)], Keys(), seen)
    assert "entry 7: the log was not as the bridge had left it" in (await verdict(database, Keys())).problems[0]


async def test_a_node_whose_last_entry_was_pruned_is_not_alarmed(log: Database) -> None:
    seen = await log.write(append, [entry(6)], KEYS)
    await log.write(append, [entry(9)], KEYS)
    await log.write(prune, 9000, 9000, "n", KEYS)
    await log.write(append, [entry(10)], KEYS, seen)
    assert (await verdict(log)).problems == []


async def test_a_head_without_a_key_does_not_pass_for_a_key_that_is_new(log: Database) -> None:
    await done(log, "DELETE FROM audit_entries WHERE number > 4")
    plain = Keys().mark("head", 4, 0, (await links(log))[-1].hash)
    await done(
        log, "UPDATE audit_marks SET number = 4, at = 0, hash = ?, chain_key = '', seal = ?", plain.hash, plain.seal
    )
    await log.write(append, [entry(9)], KEYS)
    assert "entry 5: the log was not as the bridge had left it" in (await verdict(log)).problems[0]


async def test_a_forged_head_is_not_covered_up_by_the_next_entry(log: Database) -> None:
    await done(log, "DELETE FROM audit_entries WHERE number > 4")
    await done(log, "UPDATE audit_marks SET number = 4, hash = (SELECT hash FROM audit_entries WHERE number = 4)")
    await log.write(append, [entry(9)], KEYS)
    assert any("entry 5: the log was not as the bridge had left it" in each for each in (await verdict(log)).problems)


# -- keys come and change ---------------------------------------------------------------------------------------------


async def test_a_key_that_is_set_later_pins_what_was_there_before(database: Database) -> None:
    await database.write(prepare, 0, "n", Keys())
    await database.write(append, [entry(1), entry(2)], Keys())
    await database.write(append, [entry(3)], KEYS)
    found = await verdict(database)
    assert (found.ok, found.entries, found.plain) == (True, 5, 3)
    assert (await links(database))[3].entry.action == REKEYED
    await done(database, "UPDATE audit_entries SET actor = 'x' WHERE number = 2")
    assert not (await verdict(database)).ok


async def test_entries_of_a_former_key_are_verified_with_it(log: Database) -> None:
    await log.write(append, [entry(9)], OTHER)
    assert (await verdict(log, OTHER)).problems == [
        f"entries 1 to 6 are chained with the key {KEYS.current}, which is not at hand: content was not verified"
    ]
    assert (await verdict(log, Keys(b"o" * 32, [b"k" * 32]))).ok


def test_a_keys_name_tells_nothing_of_it_and_differs() -> None:
    assert len({KEYS.current, OTHER.current, Keys().current}) == 3
    assert b"k" * 32 not in KEYS.current.encode()


# -- several nodes, reading, retention --------------------------------------------------------------------------------


async def test_nodes_that_append_at_the_same_time_make_one_chain(database: Database, url: str) -> None:
    other = open_database(url)
    await asyncio.gather(database.write(prepare, 0, "n", KEYS), other.write(prepare, 0, "m", KEYS))
    nodes = (database, other)
    await asyncio.gather(*(nodes[number % 2].write(append, [entry(number)], KEYS) for number in range(1, 21)))
    found = await verdict(database)
    assert (found.ok, found.entries) == (True, 21)
    await other.aclose()


async def numbers(database: Database, criteria: Criteria, count: int = 10, **more: Any) -> list[int]:
    return [each.number for each in await database.read(page, criteria, count, **more)]


async def test_pages_of_entries_newest_or_oldest_first(log: Database) -> None:
    assert await numbers(log, Criteria(), 2) == [6, 5]
    assert await numbers(log, Criteria(), 2, after=5) == [4, 3]
    assert await numbers(log, Criteria(), 2, newest_first=False) == [1, 2]
    assert await numbers(log, Criteria(), 9, newest_first=False, after=4) == [5, 6]


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        (Criteria(since=2000, until=4000), [4, 3]),
        (Criteria(connection="acme", resource_id="u2"), [3]),
        (Criteria(actor="token", action="scim.patch", resource_type="User", until=2000), [2]),
        (Criteria(action="scim"), [6, 5, 4, 3, 2]),
        (Criteria(action="sci"), []),
        (Criteria(action="audit"), [1]),
        (Criteria(connection="other"), []),
    ],
)
async def test_entries_by_criteria(log: Database, criteria: Criteria, expected: list[int]) -> None:
    assert await numbers(log, criteria) == expected


async def test_what_is_pruned_leaves_a_log_that_is_whole(log: Database) -> None:
    assert await log.write(prune, 3000, 6000, "n", KEYS) == 3
    found = await verdict(log)
    assert (found.problems, found.entries) == ([], 4)
    kept = await links(log)
    assert [each.number for each in kept] == [4, 5, 6, 7]
    assert kept[-1].entry.action == PRUNED
    assert orjson.loads(kept[-1].entry.details)["through"] == 3
    assert await log.write(prune, 3000, 6000, "n", KEYS) == 0


async def test_pruning_everything_keeps_the_last_entry(log: Database) -> None:
    assert await log.write(prune, 99_000, 99_000, "n", KEYS) == 5
    assert await log.write(prune, 99_000, 99_000, "n", KEYS) == 1
    assert (await verdict(log)).ok


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("DELETE FROM audit_entries WHERE number = 4", "entry 4 is missing"),
        ("DELETE FROM audit_marks WHERE name = 'anchor'", "the anchor is missing: the log says that it was pruned"),
        ("UPDATE audit_marks SET number = 2 WHERE name = 'anchor'", "the anchor is not as it was written"),
    ],
)
async def test_what_is_taken_away_beyond_what_was_pruned_is_found(log: Database, text: str, problem: str) -> None:
    await log.write(prune, 3000, 6000, "n", KEYS)
    await done(log, text)
    assert problem in (await verdict(log)).problems


async def test_an_anchor_that_was_moved_without_a_key_contradicts_the_log(database: Database) -> None:
    await database.write(prepare, 0, "n", Keys())
    await database.write(append, [entry(number) for number in range(1, 6)], Keys())
    await database.write(prune, 2000, 6000, "n", Keys())
    cut = (await links(database))[0]
    moved = Keys().mark("anchor", cut.number, 6000, cut.hash)
    await done(database, "DELETE FROM audit_entries WHERE number = ?", cut.number)
    await done(
        database,
        "UPDATE audit_marks SET number = ?, hash = ?, seal = ? WHERE name = 'anchor'",
        moved.number, moved.hash, moved.seal,
    )  # fmt: skip
    assert (await verdict(database, Keys())).problems == ["the anchor is not where the log says that it was pruned"]


async def test_texts_that_postgresql_cannot_hold_are_kept_without_nul(log: Database) -> None:
    await log.write(append, [entry(9, actor="a\0b")], KEYS)
    assert (await links(log))[-1].entry.actor == "a\ufffdb"
    assert (await verdict(log)).ok
    found = await log.read(page, Criteria(actor="a\0b", action="a\0"), 5)
    assert found == []
    [kept] = await log.read(page, Criteria(actor="a\0b"), 5)
    assert kept.entry.at == 9000


@pytest.mark.parametrize("details", ["no json", "[]", "{}"])
async def test_an_entry_of_pruning_that_was_made_nonsense_is_found(log: Database, details: str) -> None:
    await log.write(prune, 3000, 6000, "n", KEYS)
    await done(log, "UPDATE audit_entries SET details = ? WHERE action = ?", details, PRUNED)
    assert "entry 7 is not as it was written" in (await verdict(log)).problems


async def test_what_is_of_another_type_in_sqlite_is_found(tmp_path: Any) -> None:
    database = open_database(f"sqlite:///{tmp_path}/bridge.db")
    await database.write(prepare, 0, "n", KEYS)
    await done(database, "UPDATE audit_entries SET details = x'ff', hash = x'ff'")
    assert "entry 1 is not as it was written" in (await verdict(database)).problems
    await database.aclose()
