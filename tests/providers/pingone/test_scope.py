"""`population_ids`: what is outside of these populations does not exist here."""

import pytest

from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.upstream.errors import Rejected
from tests.providers.pages import crawl
from tests.providers.pingone.support import USER_URN, connected
from tests.providers.pingone.writing import change, create, members, sent, users


@pytest.fixture
def scope(sandbox: Sandbox) -> tuple[str, ...]:
    return tuple(sandbox.store.populations)[1:]


async def test_only_users_of_the_scope_are_shown(sandbox: Sandbox, scope: tuple[str, ...]) -> None:
    rows = [item.data for item in sandbox.store.users.values()]
    inside = [row for row in rows if row["population"]["id"] in scope]
    outside = next(row for row in rows if row["population"]["id"] not in scope)
    async with connected(sandbox, population_ids=scope) as connection:
        assert sorted(await crawl(connection, count=7)) == sorted(row["id"] for row in inside)
        wanted = {row["username"] for row in inside if row["name"]["family"].startswith("S")}
        assert await connection.names('name.familyName sw "S" or userName eq "x"') == wanted
        for filter in (f'userName eq "{outside["username"]}"', f'id eq "{outside["id"]}"'):
            assert await connection.find(filter) == []
        assert await connection.users.reader.get(outside["id"], []) is None


async def test_only_groups_of_the_scope_and_of_the_environment_are_shown(
    sandbox: Sandbox, scope: tuple[str, ...]
) -> None:
    store = sandbox.store
    shown = {
        each for each, item in store.groups.items() if item.data.get("population", {"id": scope[0]})["id"] in scope
    }
    assert 0 < len(shown) < len(store.groups)
    inside = {each for each, item in store.users.items() if item.data["population"]["id"] in scope}
    async with connected(sandbox, population_ids=scope) as connection:
        assert set(await crawl(connection, count=5, kind="groups")) == shown
        found = await connection.find("", "groups", relations=frozenset({"members"}))
        held = {each["id"]: {member["value"] for member in each.get("members", [])} for each in found}
        for group_id in shown:
            groups = {child for child, parents in store.parents.items() if group_id in parents} & shown
            assert held[group_id] == (set(store.direct[group_id]) & inside) | groups
        for user_id, joined in store.joined.items():
            wanted = set(joined) & shown if user_id in inside else set()
            found = await connection.find(f'members.value eq "{user_id}"', "groups")
            assert {each["id"] for each in found} == wanted


async def test_new_users_go_where_they_are_shown(sandbox: Sandbox, scope: tuple[str, ...]) -> None:
    """The environment's default population is outside."""
    async with connected(sandbox, population_ids=scope) as acme:
        made = await create(acme, {"userName": "ana"})
        assert made[USER_URN]["populationId"] == scope[0]
        named = await create(acme, {"userName": "ben", USER_URN: {"populationId": scope[1]}})
        assert named[USER_URN]["populationId"] == scope[1]
    async with connected(sandbox, population_id=scope[1]) as acme:
        made = await create(acme, {"userName": "cat"})
        assert made[USER_URN]["populationId"] == scope[1]


async def test_nothing_is_put_where_it_would_vanish(sandbox: Sandbox, scope: tuple[str, ...]) -> None:
    async with connected(sandbox, population_ids=scope) as acme:
        made = await create(acme, {"userName": "ana"})
        acme.calls()
        for outside in (next(iter(sandbox.store.populations)), scope[0].upper(), "Employees"):
            with pytest.raises(Rejected):
                await create(acme, {"userName": "ben", USER_URN: {"populationId": outside}})
            with pytest.raises(Rejected):
                await change(acme, made["id"], {"title": "Boss", USER_URN: {"populationId": outside}})
        assert sent(acme) == []


async def test_members_outside_the_scope_do_not_exist(sandbox: Sandbox, scope: tuple[str, ...]) -> None:
    everyone = sandbox.store.users.items()
    inside = next(each for each, item in everyone if item.data["population"]["id"] in scope)
    outside = next(each for each, item in everyone if item.data["population"]["id"] not in scope)
    async with connected(sandbox, population_ids=scope) as acme:
        group = await create(acme, {"displayName": "Managers"}, "groups")
        sandbox.store.join(outside, group["id"])
        await members(acme, group, added=users([inside]))
        acme.calls()
        with pytest.raises(Rejected):
            await members(acme, group, added=users([outside]))
        await members(acme, group, removed=users([outside]))
        assert sent(acme) == []
    assert set(sandbox.store.direct[group["id"]]) == {inside, outside}
