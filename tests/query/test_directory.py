"""Resources as the protocol layer writes them: whole or not at all, and nothing cached afterwards."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest

from scim_bridge.query.cache import QueryCache
from scim_bridge.query.capabilities import (
    AccessPath,
    Call,
    Collection,
    Element,
    MemberWrites,
    Relation,
    RelationRead,
    Resource,
    Row,
    Steps,
    Writes,
)
from scim_bridge.query.directory import Changes, Directory, MemberChanges, Unsupported
from scim_bridge.query.pagers import OnePage
from scim_bridge.query.run import ReadLimits
from scim_bridge.query.write import PartialWrite
from scim_bridge.schemas import GROUP
from scim_bridge.upstream.errors import NotFound, Rejected
from scim_bridge.upstream.reply import Reply
from tests.clocks import FakeClock


class Upstream:
    """Groups and their members, and the calls made; ``refuses``: a call that fails."""

    def __init__(self, **members: list[str]) -> None:
        self.members = members
        self.calls: list[str] = []
        self.refuses = ""

    async def send(self, method: str, path: str, **sent: Any) -> Reply:
        self.calls.append(f"{method} {path}")
        if self.refuses == f"{method} {path}":
            raise Rejected("", "no")
        match method, path.strip("/").split("/"):
            case "GET", ["groups", name, "members"]:
                return self._answer([{"id": each} for each in self.members.get(name, [])])
            case "GET", ["groups", name] if name not in self.members:
                raise NotFound("", "gone")
        return self._answer({"id": path.strip("/").split("/")[1] if path != "/groups" else "new"})

    def _answer(self, body: Any) -> Reply:
        return Reply(200, body, httpx.Headers())


def create(values: Resource) -> Steps:
    return (yield Call("POST", "/groups", undo=lambda reply: Call("DELETE", f"/groups/{reply.body['id']}"))).body


def update(row: Row, before: Resource, after: Resource) -> Steps:
    undo = Call("PUT", f"/groups/{row['id']}", json=before)
    return (yield Call("PUT", f"/groups/{row['id']}", json=after, undo=undo)).body


def delete(group_id: str) -> Steps:
    yield Call("DELETE", f"/groups/{group_id}")


def _member(method: str, back: str) -> Any:
    def steps(owner: str, elements: Sequence[Element]) -> Steps:
        path = f"/groups/{owner}/members/{'+'.join(each['value'] for each in elements)}"
        yield Call(method, path, undo=Call(back, path))

    return steps


MEMBERS = MemberWrites(add=_member("PUT", "DELETE"), remove=_member("DELETE", "PUT"), chunk=2)
WRITES = Writes(create, update, delete, members={"members": MEMBERS})
READ = RelationRead(AccessPath("/groups/{id}/members", "", OnePage()), lambda row: {"value": row["id"], "type": "User"})


def directory(upstream: Upstream, writes: Writes = WRITES) -> Directory:
    clock = FakeClock()
    collection = Collection(
        GROUP,
        (),
        AccessPath("/groups/{id}", ".", OnePage()),
        lambda row: dict(row),
        relations=(Relation("members", (READ,), references={}), Relation("owners", (), references={})),
        writes=writes,
    )
    return Directory(collection, upstream.send, QueryCache(clock, 300), clock, ReadLimits())


def elements(*values: str) -> tuple[Element, ...]:
    return tuple({"value": each} for each in values)


async def test_a_resource_is_created_with_its_members_in_chunks() -> None:
    upstream = Upstream()
    made = await directory(upstream).create({"displayName": "x"}, {"members": elements("a", "b", "c"), "owners": ()})
    assert made.id == "new"
    assert upstream.calls[0] == "POST /groups"
    assert sorted(upstream.calls[1:]) == ["PUT /groups/new/members/a+b", "PUT /groups/new/members/c"]


async def test_a_member_that_is_refused_undoes_the_creation() -> None:
    upstream = Upstream()
    upstream.refuses = "PUT /groups/new/members/c"
    with pytest.raises(Rejected):
        await directory(upstream).create({}, {"members": elements("a", "b", "c")})
    assert upstream.calls[-2:] == ["DELETE /groups/new/members/a+b", "DELETE /groups/new"]


async def test_what_was_done_to_a_resource_is_gone_with_it() -> None:
    upstream = Upstream()
    upstream.refuses = "PUT /groups/new/members/c"
    without_undo = MemberWrites(add=_member_for_good, remove=_member_for_good, chunk=2)
    groups = directory(upstream, replace(WRITES, members={"members": without_undo}))
    with pytest.raises(Rejected):
        await groups.create({"displayName": "x"}, {"members": elements("a", "b", "c")})
    assert upstream.calls[-1] == "DELETE /groups/new"


def _member_for_good(owner: str, elements: Sequence[Element]) -> Steps:
    yield Call("PUT", f"/groups/{owner}/members/{'+'.join(each['value'] for each in elements)}")


async def test_nothing_is_sent_of_what_cannot_be_done_whole() -> None:
    upstream = Upstream(one=["a"])
    both = {"members": MemberChanges(added=elements("b")), "owners": MemberChanges(added=elements("c"))}
    for attempt in (
        directory(upstream).create({}, {"owners": elements("a")}),
        directory(upstream).change("one", {"id": "one"}, Changes({}, {"displayName": "x"}, both)),
        directory(upstream, Writes()).create({}, {}),
        directory(upstream, Writes()).change("one", {"id": "one"}, Changes({}, {"displayName": "x"})),
        directory(upstream, Writes()).delete("one"),
    ):
        with pytest.raises(Unsupported):
            await attempt
    assert upstream.calls == []


async def test_own_attributes_and_members_change_in_this_order() -> None:
    upstream = Upstream(one=["a"])
    changes = Changes(
        {"displayName": "x"},
        {"displayName": "y"},
        {"members": MemberChanges(added=elements("b"), removed=elements("a"))},
    )
    told = await directory(upstream).change("one", {"id": "one"}, changes)
    assert told is not None and told.row == {"id": "one"}
    assert upstream.calls == ["PUT /groups/one", "PUT /groups/one/members/b", "DELETE /groups/one/members/a"]


async def test_a_failure_undoes_all_changes_last_first() -> None:
    upstream = Upstream(one=["a"])
    upstream.refuses = "DELETE /groups/one/members/a"
    changes = Changes({}, {"displayName": "y"}, {"members": MemberChanges(added=elements("b"), removed=elements("a"))})
    with pytest.raises(Rejected):
        await directory(upstream).change("one", {"id": "one"}, changes)
    assert upstream.calls[-2:] == ["DELETE /groups/one/members/b", "PUT /groups/one"]


async def test_a_refused_addition_removes_nobody() -> None:
    upstream = Upstream(one=["a"])
    upstream.refuses = "PUT /groups/one/members/b"
    replaced = Changes(members={"members": MemberChanges(exact=True, added=elements("b"))})
    with pytest.raises(Rejected):
        await directory(upstream).change("one", None, replaced)
    assert "DELETE /groups/one/members/a" not in upstream.calls


async def test_what_could_not_be_undone_is_said() -> None:
    upstream = Upstream()
    undoable = replace(WRITES, create=lambda values: iter_of(Call("POST", "/groups")))
    upstream.refuses = "PUT /groups/new/members/a"
    with pytest.raises(PartialWrite, match="still in effect upstream: POST /groups"):
        await directory(upstream, undoable).create({}, {"members": elements("a")})


def iter_of(call: Call) -> Steps:
    return (yield call).body


async def test_one_member_is_added_without_reading_the_others() -> None:
    upstream = Upstream(one=["a"] * 10_000)
    added = Changes(members={"members": MemberChanges(added=elements("b"))})
    assert await directory(upstream).change("one", None, added) is None
    assert upstream.calls == ["PUT /groups/one/members/b"]


async def test_members_that_shall_be_exactly_these_change_by_the_difference() -> None:
    upstream = Upstream(one=["a", "b"])
    exact = Changes(members={"members": MemberChanges(exact=True, added=elements("b", "c"))})
    await directory(upstream).change("one", None, exact)
    assert upstream.calls == [
        "GET /groups/one/members",
        "PUT /groups/one/members/c",
        "DELETE /groups/one/members/a",
    ]
    assert await directory(upstream).members("one", "members") == [
        {"value": "a", "type": "User"},
        {"value": "b", "type": "User"},
    ]


SILENT = Writes(create, update, delete, members={"members": replace(MEMBERS, silent=True)})


async def test_what_may_have_changed_nothing_is_not_undone() -> None:
    """Who was a member before must not lose that when a later call fails."""
    upstream = Upstream(one=["a", "b"])
    upstream.refuses = "DELETE /groups/one/members/a"
    changes = Changes(members={"members": MemberChanges(added=elements("b"), removed=elements("a"))})
    with pytest.raises(PartialWrite, match="still in effect upstream: PUT /groups/one/members/b"):
        await directory(upstream, SILENT).change("one", None, changes)
    assert upstream.calls == ["PUT /groups/one/members/b", "DELETE /groups/one/members/a"]


async def test_what_is_known_to_have_changed_is_undone_all_the_same() -> None:
    upstream = Upstream(one=["a"])
    upstream.refuses = "DELETE /groups/one/members/a"
    changes = Changes(members={"members": MemberChanges(exact=True, added=elements("b"))})
    with pytest.raises(Rejected):
        await directory(upstream, SILENT).change("one", None, changes)
    assert upstream.calls[-1] == "DELETE /groups/one/members/b"


async def test_steps_that_are_not_undone_still_see_refusals() -> None:
    def tried(owner: str, elements: Sequence[Element]) -> Steps:
        try:
            yield Call("PUT", f"/groups/{owner}/members/a", undo=Call("DELETE", "/never"))
        except Rejected:
            yield Call("PATCH", f"/groups/{owner}", undo=Call("DELETE", "/never"))

    upstream = Upstream(one=[])
    upstream.refuses = "PUT /groups/one/members/a"
    writes = Writes(members={"members": MemberWrites(add=tried, remove=tried, silent=True)})
    changes = Changes(members={"members": MemberChanges(added=elements("a"))})
    await directory(upstream, writes).change("one", None, changes)
    assert upstream.calls == ["PUT /groups/one/members/a", "PATCH /groups/one"]


async def test_a_record_that_is_needed_and_not_at_hand_is_read() -> None:
    upstream = Upstream(one=[])
    changes = Changes({}, {"displayName": "y"})
    await directory(upstream).change("one", None, changes)
    assert upstream.calls == ["GET /groups/one", "PUT /groups/one"]
    with pytest.raises(NotFound):
        await directory(upstream).change("two", None, changes)
    assert upstream.calls[2:] == ["GET /groups/two"]


def test_a_state_without_the_other_is_no_change() -> None:
    for before, after in ((None, {"a": 1}), ({"a": 1}, None)):
        with pytest.raises(ValueError, match="both are needed"):
            Changes(before, after)
    assert not Changes().own and not Changes({}, {}).own and Changes({}, {"a": 1}).own
    assert MemberChanges().empty and not MemberChanges(exact=True).empty


async def test_a_resource_is_deleted() -> None:
    upstream = Upstream(one=[])
    await directory(upstream).delete("one")
    assert upstream.calls == ["DELETE /groups/one"]


async def test_a_write_ends_what_was_cached_whether_it_succeeds_or_not() -> None:
    upstream = Upstream(one=[])
    groups = directory(upstream)
    for refuses in ("", "DELETE /groups/one"):
        upstream.refuses = refuses
        groups._cache.keep_scan("q", [b"1"], groups._cache.generation)
        if refuses:
            with pytest.raises(Rejected):
                await groups.delete("one")
        else:
            await groups.delete("one")
        assert groups._cache.scan("q") is None


async def test_the_record_is_read_through() -> None:
    assert await directory(Upstream(one=[])).row("one") == {"id": "one"}
