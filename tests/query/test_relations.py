"""Relations of records: where they are asked for, and how many at a time."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest

from scim_bridge.query.budget import Budget, ScanTooLarge
from scim_bridge.query.capabilities import AccessPath, Collection, Relation, RelationRead, Row, Rule, ops
from scim_bridge.query.pagers import Offset, OnePage
from scim_bridge.query.relations import Record, RelationLoader, all_or_nothing, for_owner, record_of, references
from scim_bridge.schemas import GROUP
from scim_bridge.upstream.errors import BadAnswer, NotFound, Unavailable
from scim_bridge.upstream.reply import Reply
from tests.clocks import FakeClock

PATH = AccessPath("/groups/{id}/users", "", OnePage())
TEXT = AccessPath("/users", "", Offset("at", "n", 9), expression="q", fixed={"q": 'group eq "{id}"', "owner": "{id}"})
USERS = RelationRead(PATH, lambda row: {"value": row["id"]} if row["id"] != "hidden" else None)
NESTED = RelationRead(
    AccessPath("/groups/{id}/groups", "", OnePage()), lambda row: {"value": row["id"], "type": "Group"}
)
MEMBERS = Relation("members", (USERS, NESTED), references={"": "/Users", "Group": "/Groups"})


def collection(relation: Relation = MEMBERS) -> Collection:
    by_id = Rule("id", ops("eq"), lambda operator, value: {"{id}": value})
    item = AccessPath("/groups/{id}", ".", OnePage(), (by_id,))
    return Collection(GROUP, (), item, lambda row: dict(row), relations=(relation,))


def answering(rows: Mapping[str, list[str]]) -> Any:
    async def send(method: str, target: str, *, params: Mapping[str, str]) -> Reply:
        return Reply(200, [{"id": each} for each in rows.get(target, [])], httpx.Headers())

    return send


async def test_elements_come_from_each_of_the_lists_that_hold_them() -> None:
    loader = RelationLoader(collection(), answering({"/groups/1/users": ["a", "hidden"], "/groups/1/groups": ["g"]}), 8)
    assert await loader.elements(MEMBERS, "1") == [{"value": "a"}, {"value": "g", "type": "Group"}]


async def test_an_empty_relation_is_unassigned() -> None:
    loader = RelationLoader(collection(), answering({}), 8)
    record = Record({"id": "1", "members": [{"value": "old"}]}, {})
    await loader.fill([record], ["members", "nothing of the kind"])
    assert record == Record({"id": "1"}, {"members": []})
    assert record.related(["members"]) == {"id": "1"}


async def test_a_relation_that_no_list_holds_is_told_by_the_record_itself() -> None:
    async def send(method: str, target: str, *, params: Mapping[str, str]) -> Reply:
        return Reply(200, {"id": target[-1], **({"ids": ["a"]} if target == "/groups/1" else {})}, httpx.Headers())

    inline = Relation("members", (), {}, inline=lambda row: [{"value": each} for each in row.get("ids", ())] or None)
    budget = Budget(FakeClock(), 2, 9)
    loader = RelationLoader(collection(inline), send, 8)
    assert [await loader.elements(inline, owner, budget) for owner in "12"] == [[{"value": "a"}], []]
    with pytest.raises(ScanTooLarge):
        await loader.elements(inline, "1", budget)
    await loader.elements(inline, "1")


@pytest.mark.parametrize("answer", [None, {"id": "2", "ids": ["a"]}], ids=["not found", "another record"])
async def test_an_owner_whose_record_does_not_come_has_not_nothing(answer: Any) -> None:
    async def send(method: str, target: str, *, params: Mapping[str, str]) -> Reply:
        if answer is None:
            raise NotFound("", "gone", status=404)
        return Reply(200, answer, httpx.Headers())

    inline = Relation("members", (), {}, inline=lambda row: [{"value": each} for each in row.get("ids", ())] or None)
    loader = RelationLoader(collection(inline), send, 8)
    with pytest.raises(NotFound):
        await loader.elements(inline, "1")
    with pytest.raises(BadAnswer):  # it was just there
        await loader.load([Record({"id": "1"}, {})], ["members"])


async def test_no_more_owners_than_allowed_are_asked_at_a_time() -> None:
    under_way = most = 0

    async def send(method: str, target: str, *, params: Mapping[str, str]) -> Reply:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return Reply(200, [{"id": "a"}], httpx.Headers())

    records = [Record({"id": str(number)}, {}) for number in range(20)]
    await RelationLoader(collection(), send, 3).fill(records, ["members"])
    assert most == 3
    assert all(len(each.resource["members"]) == 2 for each in records)


def test_a_record_knows_what_it_brings_along() -> None:
    told = Relation(
        "members", (USERS,), {}, inline=lambda row: [{"value": each} for each in row.get("ids", ())] or None
    )
    assert record_of(collection(told), {"id": "1", "ids": ["a"]}).known == {"members": [{"value": "a"}]}
    assert record_of(collection(told), {"id": "1"}).known == {}
    empty = Relation("members", (RelationRead(PATH, dict, known_empty=lambda row: row["n"] == 0), NESTED), {})
    assert record_of(collection(empty), {"id": "1", "n": 0}).known == {}, "the other list may hold some"
    both = Relation("members", (RelationRead(PATH, dict, known_empty=lambda row: row["n"] == 0),), {})
    assert record_of(collection(both), {"id": "1", "n": 0}).known == {"members": []}
    assert record_of(collection(both), {"id": "1", "n": 1}).known == {}
    unread = Relation("members", (), {})
    assert record_of(collection(unread), {"id": "1"}).known == {}


def test_a_record_that_is_none_is_the_upstreams_trouble() -> None:
    def decode(row: Row) -> dict[str, Any]:
        return {"id": row["key"]["value"]}

    shapes: list[Row] = [{}, {"key": "text"}, {"key": []}, {"key": {}}]
    for row in shapes:
        with pytest.raises(BadAnswer, match="the record of a Group sent something"):
            record_of(replace(collection(), decode=decode), row)


def test_an_owner_is_named_in_the_path_or_in_parameters() -> None:
    assert for_owner(USERS, "a/b").path == "/groups/a%2Fb/users"
    branch = for_owner(RelationRead(TEXT, dict), "a b")
    assert (branch.path, branch.params) == ("/users", {"q": 'group eq "a b"', "owner": "a b"})
    scoped = AccessPath("/users", "", OnePage(), expression="q", fixed={"q": 'group eq "{id}"'}, always="org eq 1")
    assert for_owner(RelationRead(scoped, dict), "1").params == {"q": '(org eq 1) and group eq "1"'}
    alone = AccessPath("/users/{id}", "", OnePage(), expression="q", always="org eq 1")
    assert for_owner(RelationRead(alone, dict), "1").params == {"q": "org eq 1"}
    assert for_owner(RelationRead(AccessPath("/users/{id}", "", OnePage(), expression="q"), dict), "1").params == {}
    assert for_owner(RelationRead(scoped, dict), None).params == {"q": '(org eq 1) and group eq "{id}"'}


@pytest.mark.parametrize("owner", ['a" or true', "a\\", "it's", "a\nb"])
def test_an_id_that_would_end_the_text_around_it_is_none(owner: str) -> None:
    with pytest.raises(NotFound):
        for_owner(RelationRead(TEXT, dict), owner)
    assert for_owner(USERS, owner).path.count("/") == 3, "in a path it does no harm"


async def test_the_first_failure_ends_the_others_and_is_raised_itself() -> None:
    ended = []

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def fails() -> None:
        await asyncio.sleep(0)
        raise Unavailable("", "down")

    with pytest.raises(Unavailable):
        await all_or_nothing([waits(), fails(), waits()])
    assert ended == [True, True]
    assert await all_or_nothing([]) == []


def test_an_element_refers_to_an_endpoint_by_its_type() -> None:
    assert references(MEMBERS, {"value": "1"}) == "/Users"
    assert references(MEMBERS, {"value": "1", "type": "Group"}) == "/Groups"
    assert references(MEMBERS, {"value": "1", "type": "Robot"}) == "/Users"
    assert references(Relation("roles", (), {}), {"value": "1"}) is None


async def test_a_relation_may_need_a_look_up_of_its_own() -> None:
    asked = []

    async def send(method: str, target: str, *, params: Mapping[str, str]) -> Reply:
        asked.append((target, dict(params)))
        return Reply(200, {"id": "1", "ids": ["a"]}, httpx.Headers())

    whole = AccessPath("/groups/{id}", ".", OnePage(), fixed={"attributes": "ids"})
    inline = Relation("members", (), {}, inline=lambda row: [{"value": each} for each in row["ids"]], record=whole)
    assert await RelationLoader(collection(inline), send, 8).elements(inline, "1") == [{"value": "a"}]
    assert asked == [("/groups/1", {"attributes": "ids"})]


async def test_an_element_that_an_upstream_holds_twice_counts_once() -> None:
    twice = answering({"/groups/1/users": ["a", "b", "a"], "/groups/1/groups": ["a"]})
    record = Record({"id": "1"}, {})
    await RelationLoader(collection(), twice, 8).load([record], ["members"])
    found = [(each["value"], each.get("type")) for each in record.known["members"]]
    assert sorted(found, key=str) == [("a", "Group"), ("a", None), ("b", None)]
    told = Relation("members", (USERS,), {}, inline=lambda row: [{"value": each} for each in row["ids"]])
    assert record_of(collection(told), {"id": "1", "ids": ["a", "a"]}).known == {"members": [{"value": "a"}]}
