"""Writing groups and their direct members: whole groups, one call a member."""

from typing import Any

import pytest

from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.query.capabilities import Resource
from scim_bridge.query.directory import Changes, MemberChanges
from scim_bridge.upstream.errors import Conflict, NotFound, Rejected
from tests.providers.pingone.support import GROUP_URN, Connected
from tests.providers.pingone.writing import (
    change,
    create,
    members,
    people,
    sent,
    users,
)


async def test_a_group_is_created_with_its_members(acme: Connected, sandbox: Sandbox) -> None:
    ids = people(sandbox, 1, 2, 3)
    nested = (await create(acme, {"displayName": "Nested"}, "groups"))["id"]
    acme.calls()
    members = [*users(ids[:2]), {"value": ids[2]}, {"value": nested, "type": "Group"}]
    made = await create(acme, {"displayName": "Managers"}, "groups", members=members)
    calls = acme.calls()
    assert calls[0] == "POST /groups"
    assert sorted(calls[1:]) == sorted(
        [*(f"POST /users/{each}/memberOfGroups" for each in ids), f"POST /groups/{nested}/memberOfGroups"]
    )
    assert set(sandbox.store.direct[made["id"]]) == set(ids)
    assert made["id"] in sandbox.store.parents[nested]


async def test_a_group_whose_members_are_refused_is_not_left_behind(acme: Connected, sandbox: Sandbox) -> None:
    ids, groups = people(sandbox, 1, 2), len(sandbox.store.groups)
    members = [*users(ids), {"value": sandbox.new_id(), "type": "User"}]
    with pytest.raises(Rejected) as failure:
        await create(acme, {"displayName": "Managers"}, "groups", members=members)
    assert failure.value.target == "members"
    assert len(sandbox.store.groups) == groups


async def test_a_change_of_a_group_keeps_what_scim_does_not_know(
    acme: Connected, sandbox: Sandbox, group: Resource
) -> None:
    """Trap 7: there is no PATCH, and PUT wipes userFilter and customData when they are left out."""
    data = sandbox.store.groups[group["id"]].data
    data |= {
        "userFilter": "title sw 'Eng'",
        "customData": {"a": [1]},
        "population": {"id": next(iter(sandbox.store.populations))},
    }
    sandbox.store.changed()
    after = await change(acme, group["id"], {"displayName": "Bosses"}, "groups")
    ((call, body),) = sent(acme)
    assert call == "PUT/groups"
    kept = {name: value for name, value in data.items() if name not in ("id", "createdAt", "updatedAt")}
    assert body == {**kept, "name": "Bosses"}
    assert {**kept, "name": "Bosses"}.items() <= sandbox.store.groups[group["id"]].data.items()
    assert after["displayName"] == "Bosses"
    await change(acme, group["id"], {"externalId": None}, "groups")
    assert "externalId" not in sandbox.store.groups[group["id"]].data


async def test_a_display_name_of_its_own_goes_back_with_a_change(
    acme: Connected, sandbox: Sandbox, group: Resource
) -> None:
    """Section 6: newer versions of the API may take one; PUT replaces all."""
    sandbox.store.groups[group["id"]].data["displayName"] = "The Managers"
    await change(acme, group["id"], {"externalId": "ad-78"}, "groups")
    ((_, body),) = sent(acme)
    assert (body["displayName"], body["name"], body["externalId"]) == ("The Managers", "Managers", "ad-78")


async def test_a_taken_group_name_is_a_conflict(acme: Connected, group: Resource) -> None:
    with pytest.raises(Conflict):
        await create(acme, {"displayName": "managers"}, "groups")


async def test_what_makes_a_group_local_or_dynamic_is_only_shown(acme: Connected, sandbox: Sandbox) -> None:
    """The population is set when a group is made, and a filter is written in PingOne's own words."""
    for name in ("populationId", "userFilter", "sourceType"):
        found = acme.groups.collection.resource.resolve(f"{GROUP_URN}:{name}")
        assert found is not None and (found.attribute.mutability, found.attribute.returned) == ("readOnly", "request")
    population = next(iter(sandbox.store.populations))
    made = await create(acme, {"displayName": "Local", GROUP_URN: {"populationId": population}}, "groups")
    assert "population" not in sandbox.store.groups[made["id"]].data


async def test_one_more_member_of_ten_thousand_costs_one_write(acme: Connected, sandbox: Sandbox) -> None:
    group_id = await fill(sandbox, 10_000)
    newcomer = (await create(acme, {"userName": "newcomer"}))["id"]
    acme.calls()
    await acme.groups.change(group_id, None, Changes(members={"members": MemberChanges(added=users([newcomer]))}))
    assert acme.calls() == [f"POST /users/{newcomer}/memberOfGroups"]
    await acme.groups.change(group_id, None, Changes(members={"members": MemberChanges(removed=users([newcomer]))}))
    assert acme.calls() == [f"DELETE /users/{newcomer}/memberOfGroups/{group_id}"]
    assert len(sandbox.store.direct[group_id]) == 10_000


async def fill(sandbox: Sandbox, size: int) -> str:
    """A group with as many members."""
    user: dict[str, Any]
    population = next(iter(sandbox.store.populations))
    sandbox.store.put_group({"id": (group_id := sandbox.new_id()), "name": "Large"})
    for number in range(size):
        user = {
            "id": sandbox.new_id(),
            "username": f"member{number}",
            "population": {"id": population},
            "enabled": True,
        }
        sandbox.store.put_user(user)
        sandbox.store.join(user["id"], group_id)
    return group_id


async def test_replacing_members_changes_the_difference_only(
    acme: Connected, sandbox: Sandbox, group: Resource
) -> None:
    one, two, three = people(sandbox, 1, 2, 3)
    for each in (one, two):
        sandbox.store.join(each, group["id"])
    wanted = MemberChanges(exact=True, added=users([two, three]))
    await acme.groups.change(group["id"], None, Changes(members={"members": wanted}))
    assert sent(acme) == [
        ("POST/users/memberOfGroups", {"id": group["id"]}),
        ("DELETE/users/memberOfGroups/" + group["id"], None),
    ]
    assert set(sandbox.store.direct[group["id"]]) == {two, three}


@pytest.mark.parametrize("status", [400, 201])
async def test_adding_a_member_again_is_no_error(
    acme: Connected, sandbox: Sandbox, group: Resource, status: int
) -> None:
    """What the vendor answers is not documented."""
    sandbox.knobs.repeated_membership = status
    for _ in range(2):
        await members(acme, group, added=users(people(sandbox, 1)))
    assert list(sandbox.store.direct[group["id"]]) == people(sandbox, 1)


async def test_taking_out_who_is_no_member_is_no_error(acme: Connected, sandbox: Sandbox, group: Resource) -> None:
    for element in (*users(people(sandbox, 1)), {"value": people(sandbox, 1)[0]}, {"value": "joe"}):
        await members(acme, group, removed=(element,))
    assert {name.partition("/")[0] for name, _ in sent(acme)} == {"DELETE"}


async def test_members_without_a_type_may_be_groups(acme: Connected, sandbox: Sandbox, group: Resource) -> None:
    nested = (await create(acme, {"displayName": "Nested"}, "groups"))["id"]
    await members(acme, group, added=({"value": nested},))
    assert group["id"] in sandbox.store.parents[nested]
    await members(acme, group, removed=({"value": nested},))
    assert group["id"] not in sandbox.store.parents[nested]


@pytest.mark.parametrize("status", [400, 404])
async def test_members_by_filter_cannot_be_taken_out(
    acme: Connected, sandbox: Sandbox, group: Resource, status: int
) -> None:
    """Trap 9: an error, whatever the vendor answers."""
    sandbox.knobs.indirect_removal = status
    sandbox.store.groups[group["id"]].data["userFilter"] = "enabled eq true"
    sandbox.store.changed()
    someone = next(iter(sandbox.store.users_in(group["id"])))
    with pytest.raises(Rejected):
        await members(acme, group, removed=users([someone]))


async def test_who_stays_a_member_is_told_whatever_was_answered(
    acme: Connected, sandbox: Sandbox, group: Resource
) -> None:
    """404 may be how the removal of a member is refused, so it alone is no success."""
    sandbox.store.join(people(sandbox, 1)[0], group["id"])
    sandbox.fail("DELETE /users/.*", status=404, code="NOT_FOUND")
    with pytest.raises(Rejected):
        await members(acme, group, removed=users(people(sandbox, 1)))
    assert list(sandbox.store.direct[group["id"]]) == people(sandbox, 1)


async def test_members_that_do_not_exist_are_refused(acme: Connected, sandbox: Sandbox, group: Resource) -> None:
    for element in ({"value": sandbox.new_id(), "type": "User"}, {"value": "joe"}, {"value": sandbox.new_id()}):
        with pytest.raises(Rejected) as failure:
            await members(acme, group, added=(element,))
        assert failure.value.target == "members"


async def test_a_group_that_does_not_exist_is_not_found(acme: Connected, sandbox: Sandbox) -> None:
    missing = {"id": sandbox.new_id()}
    for changes in ({"added": users(people(sandbox, 1))}, {"removed": users(people(sandbox, 1))}):
        with pytest.raises(NotFound):
            await members(acme, missing, **changes)
    with pytest.raises(NotFound):
        await acme.groups.delete(missing["id"])


async def test_members_that_were_changed_are_changed_back_when_one_is_refused(
    acme: Connected, sandbox: Sandbox, group: Resource
) -> None:
    one, two = people(sandbox, 1, 2)
    sandbox.store.join(one, group["id"])
    nobody = {"value": sandbox.new_id(), "type": "User"}
    with pytest.raises(Rejected):
        await members(acme, group, removed=users([one]), added=(*users([two]), nobody))
    assert list(sandbox.store.direct[group["id"]]) == [one]


async def test_a_member_of_another_population_is_refused(acme: Connected, sandbox: Sandbox) -> None:
    population = list(sandbox.store.populations)[1]
    made = {"id": sandbox.new_id()}
    sandbox.store.put_group({**made, "name": "Local", "population": {"id": population}})
    outsider = next(each for each, item in sandbox.store.users.items() if item.data["population"]["id"] != population)
    with pytest.raises(Rejected):
        await members(acme, made, added=users([outsider]))
