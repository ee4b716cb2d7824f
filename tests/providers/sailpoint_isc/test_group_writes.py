"""Writing governance groups: only what changed is sent, members in bulk, and what fails is taken back."""

import pytest

from scim_bridge.providers.sailpoint_isc.sandbox import Sandbox
from scim_bridge.query.write import PartialWrite
from scim_bridge.upstream.errors import BadAnswer, Conflict, NotFound, Rejected, Unavailable
from tests.providers.sailpoint_isc.support import GROUP_URN, PATCH, connected, sandbox_of
from tests.providers.sailpoint_isc.writing import change, create, members, sent, users


@pytest.fixture
def sandbox() -> Sandbox:
    return sandbox_of(120)


def outside(sandbox: Sandbox, group: str, count: int) -> list[str]:
    return [each for each in sandbox.store.identities if each not in sandbox.store.members[group]][:count]


async def test_a_group_is_made_with_its_owner(sandbox: Sandbox) -> None:
    one, other = list(sandbox.store.identities)[:2]
    async with connected(sandbox, group_owner_id=one) as acme:
        made = await create(acme, {"displayName": "New"})
        assert sent(acme) == [("POST /workgroups", {"name": "New", "owner": {"type": "IDENTITY", "id": one}})]
        assert made[GROUP_URN]["owner"]["value"] == one
        own = {"displayName": "Own", GROUP_URN: {"description": "x", "owner": {"value": other}}}
        made = await create(acme, own)
        assert sandbox.store.workgroups[made["id"]]["owner"]["id"] == other
        assert made[GROUP_URN]["description"] == "x"


async def test_a_group_needs_no_owner_where_the_tenant_does_not(sandbox: Sandbox) -> None:
    async with connected(sandbox) as acme:
        made = await create(acme, {"displayName": "New"})
        assert sent(acme) == [("POST /workgroups", {"name": "New"})]
        assert "owner" not in made.get(GROUP_URN, {})
        sandbox.knobs.group_owner_required = True
        with pytest.raises(Rejected, match="owner is missing"):
            await create(acme, {"displayName": "Other"})


async def test_a_change_sends_that_attribute_alone(sandbox: Sandbox) -> None:
    group = next(iter(sandbox.store.workgroups))
    before = dict(sandbox.store.workgroups[group])
    async with connected(sandbox) as acme:
        await change(acme, group, {"displayName": "Renamed"})
        call = sandbox.calls[-1]
        assert (str(call), call.content_type) == (f"PATCH /workgroups/{group}", PATCH)
        assert call.body == [{"op": "replace", "path": "/name", "value": "Renamed"}]
    after = sandbox.store.workgroups[group]
    assert {name for name in after if after[name] != before.get(name)} == {"name", "modified"}
    assert len(sandbox.store.members[group]) == 3


async def test_a_description_is_cleared_and_an_owner_only_given_to_another(sandbox: Sandbox) -> None:
    group = next(key for key, each in sandbox.store.workgroups.items() if each["description"])
    held = sandbox.store.workgroups[group]
    other = outside(sandbox, group, 9)[-1]
    async with connected(sandbox) as acme:
        await change(acme, group, {GROUP_URN: {"owner": {"value": held["owner"]["id"]}}})
        assert sent(acme)[0][1] == [{"op": "replace", "path": "/description", "value": ""}]
        assert sandbox.store.workgroups[group]["description"] == ""
        await change(acme, group, {GROUP_URN: {"owner": {"value": other}}})
        assert sandbox.store.workgroups[group]["owner"]["id"] == other
        with pytest.raises(Rejected, match="without its owner"):
            await change(acme, group, {GROUP_URN: {"description": "x"}})
        with pytest.raises(Rejected):
            await change(acme, group, {GROUP_URN: {"owner": {"value": "0000"}}})


async def test_nothing_new_is_not_sent(sandbox: Sandbox) -> None:
    group = next(iter(sandbox.store.workgroups))
    async with connected(sandbox) as acme:
        await change(acme, group, {"displayName": sandbox.store.workgroups[group]["name"]})
        assert sent(acme) == []


async def test_members_go_in_bulk_however_large_the_group() -> None:
    sandbox = sandbox_of(5_200)
    group = next(iter(sandbox.store.workgroups))
    sandbox.store.join(group, list(sandbox.store.identities)[:5_000])
    size = len(sandbox.store.members[group])
    new = outside(sandbox, group, 1)
    async with connected(sandbox) as acme:
        await members(acme, group, added=users(new))
        assert acme.calls() == [f"POST /workgroups/{group}/members/bulk-add"]
        await members(acme, group, removed=users(new))
        assert acme.calls() == [f"POST /workgroups/{group}/members/bulk-delete"]
        assert len(sandbox.store.members[group]) == size
        await members(acme, group, removed=users(list(sandbox.store.identities)[:120]))
        assert acme.calls() == [f"POST /workgroups/{group}/members/bulk-delete"] * 3  # 50 at a time
        assert len(sandbox.store.members[group]) == size - 120


async def test_who_is_there_already_or_not_at_all_is_no_error(sandbox: Sandbox) -> None:
    """Trap 16."""
    group, held = next(iter(sandbox.store.members.items()))
    before = list(held)
    async with connected(sandbox) as acme:
        await members(acme, group, added=users(before[:2]))
        await members(acme, group, removed=users(outside(sandbox, group, 2)))
        await members(acme, group, removed=users(["no id!"]))
    assert list(sandbox.store.members[group]) == before


async def test_an_unknown_member_is_refused_and_the_others_are_taken_back(sandbox: Sandbox) -> None:
    group, held = next(iter(sandbox.store.members.items()))
    before, new = list(held), outside(sandbox, group, 2)
    async with connected(sandbox) as acme:
        with pytest.raises(Rejected, match="0000") as refused:
            await members(acme, group, added=users([*new, before[0], "0000"]))
        assert refused.value.target == "members"
        taken_back = [{"type": "IDENTITY", "id": each} for each in new]  # and not who was a member before
        assert sent(acme)[-1] == (f"POST /workgroups/{group}/members/bulk-delete", taken_back)
        for wrong in ("no id!", "../x"):
            with pytest.raises(Rejected):
                await members(acme, group, added=users([wrong]))
        with pytest.raises(Rejected, match="only users"):
            await members(acme, group, added=({"value": group, "type": "Group"},))
    assert list(sandbox.store.members[group]) == before


async def test_nothing_is_undone_where_nothing_was_done(sandbox: Sandbox) -> None:
    group, held = next(iter(sandbox.store.members.items()))
    async with connected(sandbox) as acme:
        with pytest.raises(Rejected):
            await members(acme, group, added=users([*held, "0000"]))
        assert [told for told, _ in sent(acme)] == [f"POST /workgroups/{group}/members/bulk-add"]


@pytest.mark.parametrize("body", [{}, [], [{"id": "x"}], [{"id": "x", "status": "201"}]])
async def test_a_bulk_answer_that_says_too_little_is_an_error(sandbox: Sandbox, body: object) -> None:
    from tests.providers.sailpoint_isc.test_trouble import Answering

    group, new = next(iter(sandbox.store.workgroups)), outside(sandbox, next(iter(sandbox.store.workgroups)), 1)
    answering = Answering(sandbox, "POST", 207, body)
    async with connected(sandbox, transport=answering) as acme:
        with pytest.raises((BadAnswer, PartialWrite)):
            await members(acme, group, added=users(new))


async def test_a_group_whose_members_fail_is_taken_back(sandbox: Sandbox) -> None:
    some = list(sandbox.store.identities)[:60]
    before = dict(sandbox.store.workgroups)
    async with connected(sandbox) as acme:
        sandbox.fail("POST /workgroups/[^/]+/members/bulk-add", status=400, code="400.1 Bad request content")
        with pytest.raises(Rejected):
            await create(acme, {"displayName": "New"}, members=users(some))
    assert sandbox.store.workgroups == before


async def test_members_are_replaced_by_their_differences(sandbox: Sandbox) -> None:
    group, held = next(iter(sandbox.store.members.items()))
    kept, new = list(held)[:1], outside(sandbox, group, 1)
    async with connected(sandbox) as acme:
        await members(acme, group, exact=True, added=users([*kept, *new]))
        bodies = [body for _, body in sent(acme)]
    assert set(sandbox.store.members[group]) == {*kept, *new}
    assert [len(each) for each in bodies] == [1, 2]


@pytest.mark.parametrize("unknown", [404, 400])
async def test_an_unknown_group_is_not_found_however_that_is_answered(sandbox: Sandbox, unknown: int) -> None:
    sandbox.knobs.unknown_group = unknown
    group, user = sandbox.uuid(), next(iter(sandbox.store.identities))
    async with connected(sandbox) as acme:
        assert await acme.groups.reader.get(group, ()) is None
        with pytest.raises(NotFound):
            await acme.groups.delete(group)
        for changes in ({"added": users([user])}, {"removed": users([user])}, {"removed": users(["no id!"])}):
            with pytest.raises(NotFound):
                await members(acme, group, **changes)
            with pytest.raises(NotFound):
                await members(acme, "no id!", **changes)


@pytest.mark.parametrize(("in_use", "kind"), [(409, Conflict), (400, Rejected)])
async def test_a_group_in_use_is_not_deleted(sandbox: Sandbox, in_use: int, kind: type[Exception]) -> None:
    group = next(iter(sandbox.store.workgroups))
    sandbox.knobs.group_in_use = in_use
    sandbox.store.connections[group].append({"id": "c"})
    async with connected(sandbox) as acme:
        with pytest.raises(kind, match="in use"):
            await acme.groups.delete(group)
        sandbox.store.connections[group].clear()
        await acme.groups.delete(group)
        assert acme.calls()[-1] == f"DELETE /workgroups/{group}"
    assert group not in sandbox.store.workgroups


async def test_a_failure_after_a_change_takes_it_back(sandbox: Sandbox) -> None:
    """A PATCH of the name and the members, of which the second part fails."""
    from scim_bridge.query.directory import Changes, MemberChanges

    group, row = next(iter(sandbox.store.workgroups.items()))
    name = row["name"]
    async with connected(sandbox) as acme:
        sandbox.fail("POST /workgroups/[^/]+/members/bulk-add", times=9)
        current = await acme.groups.row(group)
        assert current is not None
        before = acme.groups.collection.decode(current)
        added = MemberChanges(added=users(outside(sandbox, group, 1)))
        with pytest.raises((Unavailable, PartialWrite)):
            await acme.groups.change(
                group, current, Changes(before, {**before, "displayName": "New"}, {"members": added})
            )
    assert sandbox.store.workgroups[group]["name"] == name
