"""Reading PingOne as SCIM: what it costs in upstream requests, and that nobody is missing or there twice."""

import pytest

from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.query.plan import Query, Sort
from tests.providers.pages import crawl
from tests.providers.pingone.support import connected


@pytest.fixture(scope="module")
def large() -> Sandbox:
    """10,000 users; nothing in here writes to them."""
    return Sandbox(users=10_000)


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(users=120)


# -- cost --------------------------------------------------------------------------------------------------------------


async def test_a_user_is_found_by_name_in_one_request(large: Sandbox) -> None:
    username = list(large.store.users.values())[7_777].data["username"]
    async with connected(large) as connection:
        assert await connection.names(f'userName eq "{username.upper()}"') == {username}
        assert connection.calls() == [f'GET /users?username eq "{username.upper()}"']


async def test_two_users_are_found_by_name_in_one_request(large: Sandbox) -> None:
    one, other = (list(large.store.users.values())[number].data["username"] for number in (3, 9_999))
    async with connected(large) as connection:
        assert await connection.names(f'userName eq "{one}" or userName eq "{other}"') == {one, other}
        assert connection.calls() == [f'GET /users?username eq "{one}" or username eq "{other}"']


async def test_what_pingone_cannot_compare_is_checked_over_the_rest_of_the_filter(large: Sandbox) -> None:
    """Trap 18: `co` on titles stays here, `sw` on names narrows what is read for it."""
    rows = [item.data for item in large.store.users.values()]
    near = [row for row in rows if row["name"]["family"].lower().startswith("s")]
    wanted = {row["username"] for row in near if "eng" in row.get("title", "").lower()}
    async with connected(large) as connection:
        assert await connection.names('name.familyName sw "S" and title co "eng"') == wanted
        calls = connection.calls()
        assert calls[0] == 'GET /users?name.family sw "S"'
        assert len(calls) == -(-len(near) // 200)


async def test_an_id_costs_one_request_and_a_malformed_one_none(large: Sandbox) -> None:
    user_id = next(iter(large.store.users))
    async with connected(large) as connection:
        assert len(await connection.find(f'id eq "{user_id}"')) == 1
        assert await connection.users.reader.get(user_id, []) is not None
        assert connection.calls() == [f"GET /users/{user_id}"] * 2
        for other in ("joe", "../groups", f"{user_id}/memberOfGroups"):
            assert await connection.users.reader.get(other, []) is None
            assert await connection.find(f'id eq "{other}"') == []
        assert connection.calls() == []
        # An id is compared with case (RFC 7643 section 3.1), whatever the upstream finds.
        assert await connection.users.reader.get(user_id.upper(), []) is None
        assert await connection.find(f'id eq "{user_id.upper()}"') == []


@pytest.mark.parametrize("states_count", [True, False])
async def test_a_crawl_meets_everybody_once(large: Sandbox, states_count: bool) -> None:
    large.knobs.states_count = states_count
    try:
        async with connected(large) as connection:
            assert sorted(await crawl(connection)) == sorted(large.store.users)
            # Pages of 100, and where no total is stated one walk in pages of 200 to count.
            assert len(connection.calls()) <= 100 * 1.05 + (0 if states_count else 50)
    finally:
        large.knobs.states_count = True


async def test_a_crawl_in_pages_above_the_vendors_uses_the_vendors(large: Sandbox) -> None:
    async with connected(large) as connection:
        assert len(set(await crawl(connection, count=1_000))) == 10_000
        assert len(connection.calls()) <= 50 * 1.05


async def test_a_second_page_in_order_costs_no_second_crawl(large: Sandbox) -> None:
    async with connected(large) as connection:
        reader, sort = connection.users.reader, Sort("name.familyName")
        first = await reader.search(Query(count=100, sort=sort))
        assert len(connection.calls()) == 50
        second = await reader.search(Query(count=100, offset=100, sort=sort))
        assert connection.calls() == []
        names = [each["name"]["familyName"].lower() for each in (*first.resources, *second.resources)]
        assert names == sorted(names)


async def test_short_and_empty_pages_lose_nobody(sandbox: Sandbox) -> None:
    """Trap 14."""
    sizes = [7, 0, 1, 50, 0, 3]
    sandbox.knobs.page_size = lambda asked: min(asked, sizes[len(sandbox.calls) % len(sizes)])
    for states_count in (True, False):
        sandbox.knobs.states_count = states_count
        async with connected(sandbox) as connection:
            assert sorted(await crawl(connection, count=17)) == sorted(sandbox.store.users)
            assert len(await connection.find("active pr")) == 120


async def test_an_empty_result_without_list_and_count_is_nobody(sandbox: Sandbox) -> None:
    """Section 5: guard for a missing list."""
    sandbox.knobs.states_count = False
    user_id = next(each for each in sandbox.store.users if not sandbox.store.groups_of_user(each))
    async with connected(sandbox) as connection:
        assert await connection.find('userName eq "nobody"') == []
        assert await connection.users.members(user_id, "groups") == []
        assert await connection.users.members(user_id, "roles") == []


async def test_counting_only_reads_one_row(large: Sandbox) -> None:
    async with connected(large) as connection:
        page = await connection.users.reader.search(Query(count=0))
        assert page.total == 10_000
        assert [each.query for each in large.calls] == [{"limit": "1"}]


# -- groups and roles of users -----------------------------------------------------------------------------------------


async def test_a_single_read_brings_the_groups_ids_along(sandbox: Sandbox) -> None:
    """Section 3: `include` works on a single user only (trap 11)."""
    user_id = next(iter(sandbox.store.joined))
    async with connected(sandbox) as connection:
        record = await connection.users.reader.record(user_id)
        assert record is not None
        assert {each["value"] for each in record.brought["groups"]} == sandbox.store.groups_of_user(user_id).keys()
        assert connection.calls() == [f"GET /users/{user_id}"]


async def test_a_list_reads_groups_and_roles_only_when_asked(sandbox: Sandbox) -> None:
    async with connected(sandbox) as connection:
        assert all("groups" not in each and "roles" not in each for each in await connection.find(""))
        assert len(connection.calls()) == 1
        shown = await connection.find("", relations=frozenset({"groups", "roles"}))
        assert len(connection.calls()) == 1 + 2 * 120
    for each in shown:
        kinds = sandbox.store.groups_of_user(each["id"])
        told = {group["value"]: (group["display"], group["type"].upper()) for group in each.get("groups", [])}
        assert told == {group: (sandbox.store.groups[group].data["name"], kind) for group, kind in kinds.items()}
        assigned = [row.data for row in sandbox.store.assignments.get(each["id"], [])]
        roles = [(row["role"]["id"], f"{row['scope']['type']}:{row['scope']['id']}") for row in assigned]
        assert [(role["value"], role["type"]) for role in each.get("roles", [])] == roles


async def test_members_of_a_group_are_found_directly_and_indirectly(sandbox: Sandbox) -> None:
    """Trap 10: as `groups` shows both, both match; one request."""
    async with connected(sandbox) as connection:
        for group_id in sandbox.store.groups:
            found = await connection.find(f'groups.value eq "{group_id}"')
            assert {each["id"] for each in found} == sandbox.store.users_in(group_id)
        assert len(connection.calls()) == len(sandbox.store.groups)
        assert await connection.find('groups[value eq "no uuid"]') == []
        assert connection.calls() == []


async def test_the_kind_of_a_membership_is_checked_here(sandbox: Sandbox) -> None:
    group_id = next(each for each in sandbox.store.groups if sandbox.store.direct[each])
    async with connected(sandbox) as connection:
        found = await connection.find(f'groups[value eq "{group_id}" and type eq "direct"]')
        assert {each["id"] for each in found} == set(sandbox.store.direct[group_id])


# -- groups ------------------------------------------------------------------------------------------------------------


async def test_groups_without_members_asked_cost_no_membership_request(sandbox: Sandbox) -> None:
    async with connected(sandbox) as connection:
        shown = await connection.find("", "groups")
        assert connection.calls() == ["GET /groups"]
    assert [each["displayName"] for each in shown] == [each.data["name"] for each in sandbox.store.groups.values()]
    assert all("members" not in each for each in shown)


async def test_members_are_the_direct_ones_users_and_groups(sandbox: Sandbox) -> None:
    """Section 12: DIRECT only, as only those can be written."""
    async with connected(sandbox) as connection:
        shown = await connection.find("", "groups", relations=frozenset({"members"}))
    store = sandbox.store
    assert any(store.parents.values())
    for each in shown:
        children = {child for child, parents in store.parents.items() if each["id"] in parents}
        users = {member["value"] for member in each.get("members", []) if member["type"] == "User"}
        groups = {member["value"] for member in each.get("members", []) if member["type"] == "Group"}
        assert (users, groups) == (set(store.direct[each["id"]]), children)


async def test_members_are_named_as_well_as_pingone_knows_them(sandbox: Sandbox) -> None:
    rows = [item.data for item in sandbox.store.users.values()][:3]
    rows[0] |= {"name": {"formatted": "Dr. Ana Lopez", "given": "Ana"}}
    rows[1] |= {"name": {"given": "Ana", "family": "Lopez"}}
    rows[2].pop("name")
    sandbox.store.put_group({"id": (group_id := sandbox.new_id()), "name": "Named"})
    for row in rows:
        sandbox.store.join(row["id"], group_id)
    async with connected(sandbox) as connection:
        members = await connection.groups.members(group_id, "members")
    shown = {each["value"]: each["display"] for each in members}
    assert [shown[row["id"]] for row in rows] == ["Dr. Ana Lopez", "Ana Lopez", rows[2]["username"]]


async def test_the_groups_of_a_member_are_found_through_the_member(sandbox: Sandbox) -> None:
    store = sandbox.store
    child = next(each for each, parents in store.parents.items() if parents)
    async with connected(sandbox) as connection:
        for member, expected in ((next(iter(store.joined)), None), (child, set(store.parents[child]))):
            wanted = set(store.joined[member]) if expected is None else expected
            for filter in (f'members eq "{member}"', f'members[value eq "{member}"]'):
                found = await connection.find(filter, "groups")
                assert {each["id"] for each in found} == wanted
            assert f"GET /users/{member}/memberOfGroups" in connection.calls()
        assert await connection.find(f'members.value eq "{sandbox.new_id()}"', "groups") == []
        assert await connection.find('members.value eq "joe"', "groups") == []
