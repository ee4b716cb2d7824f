"""Reading Identity Security Cloud as SCIM: its cost in upstream requests, and that nobody is missing or there twice."""

import time

import pytest

from scim_bridge.providers.sailpoint_isc.sandbox import Sandbox
from scim_bridge.query.plan import Query, Sort
from scim_bridge.upstream.errors import BadAnswer, Rejected
from tests.providers.pages import crawl
from tests.providers.sailpoint_isc.support import USER_URN, connected, raw, sandbox_of


@pytest.fixture(scope="module")
def large() -> Sandbox:
    """10,400 identities, 9,880 of them correlated; nothing in here writes to them."""
    return sandbox_of(10_400)


@pytest.fixture
def sandbox() -> Sandbox:
    return sandbox_of(120)


# -- cost --------------------------------------------------------------------------------------------------------------


async def test_a_crawl_of_10_000_meets_everybody_once_and_is_quick(large: Sandbox) -> None:
    """Beyond the window of 10,000 that search has, as lists have none."""
    started = time.process_time()
    async with connected(large, identities="all") as connection:
        assert sorted(await crawl(connection)) == sorted(large.store.identities)
        assert len(connection.calls()) <= 104 * 1.05
    assert time.process_time() - started < 4


async def test_a_crawl_in_pages_above_the_vendors_uses_the_vendors(large: Sandbox) -> None:
    async with connected(large) as connection:
        assert len(set(await crawl(connection, count=1_000))) == 9_880
        assert len(connection.calls()) <= 40 * 1.05


@pytest.mark.parametrize("limit", [None, 100])
async def test_a_crawl_stays_exact_at_the_vendors_rate(large: Sandbox, limit: int | None) -> None:
    """Trap 21: 100 requests in 10 s; the bridge waits as it is told."""
    large.knobs.requests_per_window = limit
    try:
        async with connected(large) as connection:
            assert sorted(await crawl(connection, count=60)) == sorted(raw(large, "User"))
            assert bool(connection.clock.slept) is (limit is not None)
            connection.clock.slept.clear()
    finally:
        large.knobs.requests_per_window = None


@pytest.mark.parametrize(
    ("filter", "calls"),
    [
        ('userName eq "{alias}"', ['GET /identities?alias eq "{alias}"']),
        ('id eq "{id}"', ['GET /identities?id eq "{id}"']),
        ('emails[type eq "work" and value eq "{email}"]', ['GET /identities?email eq "{email}"']),
        ('userName eq "{alias}" or userName eq "x"', ['GET /identities?alias eq "{alias}" or alias eq "x"']),
        ('userName eq "{alias}" and active eq true', ['GET /identities?alias eq "{alias}"']),
        ('id eq "../x"', []),
    ],
)
async def test_a_look_up_among_10_000_takes_one_request(large: Sandbox, filter: str, calls: list[str]) -> None:
    data = next(each.data for each in large.store.identities.values() if each.data["alias"].isascii())
    names = {"alias": data["alias"], "id": data["id"], "email": data["emailAddress"]}
    async with connected(large) as connection:
        await connection.find(filter.format(**names))
        assert connection.calls() == [each.format(**names) for each in calls]


async def test_what_the_api_cannot_compare_is_checked_over_the_rest_of_the_filter(large: Sandbox) -> None:
    """Trap 4."""
    people = raw(large, "User").values()
    near = [each for each in people if (each["attributes"].get("lastname") or "").lower().startswith("s")]
    wanted = {each["id"] for each in near if "eng" in each["attributes"].get("title", "").lower()}
    async with connected(large, attributes={"title": "title"}) as connection:
        assert await connection.ids('name.familyName sw "S" and title co "eng"') == wanted
        calls = connection.calls()
        assert calls[0] == 'GET /identities?lastname sw "S"'
        assert len(calls) == -(-len(near) // 250)


async def test_a_tenant_that_takes_no_joined_filters_is_read_whole(sandbox: Sandbox) -> None:
    """Only an example of the published API has `or`, and other clients use `and`."""
    sandbox.knobs.joined_filters = False
    one, other = [each.data["alias"] for each in sandbox.store.identities.values() if each.data["alias"].isascii()][:2]
    async with connected(sandbox, identities="all") as connection:
        assert len(await connection.ids(f'userName eq "{one}" or userName eq "{other}"')) == 2
        assert connection.calls() == [f'GET /identities?alias eq "{one}" or alias eq "{other}"', "GET /identities"]


async def test_a_later_page_of_a_scan_costs_nothing(large: Sandbox) -> None:
    async with connected(large) as connection:
        reader, sort = connection.users.reader, Sort("name.familyName")
        await reader.search(Query(count=100, sort=sort))
        assert len(connection.calls()) == 40
        await reader.search(Query(count=100, offset=100, sort=sort))
        assert connection.calls() == []


async def test_orders_are_made_here_unless_the_tenants_are_known_to_be_scims(sandbox: Sandbox) -> None:
    for known in (False, True):
        async with connected(sandbox, sorts_without_case=known) as connection:
            for path in ("userName", "displayName"):
                for descending in (False, True):
                    found = await connection.find("", sort=Sort(path, descending), count=50_000)
                    names = [each[path].lower() for each in found]
                    assert names == sorted(names, reverse=descending)
            asked = {call.query["sorters"] for call in sandbox.calls}
            assert asked == ({"alias", "-alias", "name", "-name"} if known else {"alias,name"})


async def test_counting_only_reads_one_row(large: Sandbox) -> None:
    async with connected(large) as connection:
        page = await connection.users.reader.search(Query(count=0))
        assert page.total == 9_880
        assert [(each.query["limit"], each.query["count"]) for each in large.calls] == [("1", "true")]


# -- pages -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("past_end", ["empty", "400"])
async def test_a_page_past_the_end_is_empty_and_tells_the_total(sandbox: Sandbox, past_end: str) -> None:
    """Trap 7."""
    sandbox.knobs.listing.past_end = past_end
    async with connected(sandbox) as connection:
        page = await connection.users.reader.search(Query(offset=5_000, count=10))
        assert (page.resources, page.total) == ([], 114)
        assert len(connection.calls()) == (2 if past_end == "400" else 1)


async def test_short_pages_lose_nobody(sandbox: Sandbox) -> None:
    """Trap 7."""
    sizes = [7, 1, 50, 3]
    sandbox.knobs.listing.page_size = lambda rows: min(rows, sizes[len(sandbox.calls) % len(sizes)])
    async with connected(sandbox) as connection:
        assert sorted(await crawl(connection, count=17)) == sorted(raw(sandbox, "User"))
        assert len(await connection.find("active pr")) == 114
        group = max(sandbox.store.members, key=lambda each: len(sandbox.store.members[each]))
        members = await connection.groups.members(group, "members")
        assert sorted(each["value"] for each in members) == sorted(sandbox.store.members[group])


async def test_a_row_that_comes_twice_is_an_error_and_not_somebody_missing(sandbox: Sandbox) -> None:
    async with connected(sandbox) as connection:
        first = next(iter(sandbox.store.identities.values()))
        sandbox.store.identities["copy"] = type(first)({**first.data, "alias": "zzzz"})
        sandbox.store.changed()
        with pytest.raises(BadAnswer, match="twice"):
            await connection.find("")


async def test_members_that_change_places_while_they_are_read_are_an_error_and_none_missing(sandbox: Sandbox) -> None:
    """A list without somebody takes a membership away from them."""
    group = max(sandbox.store.members, key=lambda each: len(sandbox.store.members[each]))
    names = {each: sandbox.store.identities[each].data for each in sandbox.store.members[group]}
    last = max(names.values(), key=lambda data: data["name"].lower())

    def changing(rows: int) -> int:
        if len(sandbox.calls) == 1:  # the first page is made up by now
            last["name"] = "\u0001"
            sandbox.store.changed()
        return rows

    async with connected(sandbox) as connection:
        sandbox.knobs.listing.page_size = changing
        with pytest.raises(BadAnswer, match="twice"):
            await connection.groups.members(group, "members")


async def test_a_window_that_the_vendor_may_have_is_an_error_and_never_the_end(sandbox: Sandbox) -> None:
    sandbox.knobs.listing.window = 50
    async with connected(sandbox) as connection:
        assert len((await connection.users.reader.search(Query(count=50))).resources) == 50
        for query in (Query(offset=50, count=50), Query(count=100)):
            with pytest.raises(Rejected):
                await connection.users.reader.search(query)


async def test_every_page_of_a_list_asks_for_the_total_and_an_order(sandbox: Sandbox) -> None:
    """Traps 3 and 8; the experimental header goes along everywhere."""
    sandbox.knobs.experimental = frozenset({"identities", "workgroups", "roles"})
    async with connected(sandbox) as connection:
        for kind in ("users", "groups", "roles"):
            await crawl(connection, count=20, kind=kind)
        assert all(each.query["count"] == "true" and each.query["sorters"] for each in sandbox.calls)
        people = [each for each in sandbox.calls if each.path == "/identities"]
        assert {each.query["defaultFilter"] for each in people} == {"CORRELATED_ONLY"}


# -- who is shown ------------------------------------------------------------------------------------------------------


async def test_hidden_identities_are_hidden_everywhere(sandbox: Sandbox) -> None:
    """Trap 3: a single read of the API would show them."""
    hidden = next(key for key, each in sandbox.store.identities.items() if not each.correlated)
    group = next(iter(sandbox.store.workgroups))
    sandbox.store.join(group, [hidden])
    for identities in ("correlated", "all"):
        async with connected(sandbox, identities=identities) as connection:
            shown = identities == "all"
            assert (hidden in await connection.ids("")) is shown
            assert (await connection.users.reader.get(hidden, ()) is not None) is shown
            assert (hidden in await connection.ids(f'groups.value eq "{group}"')) is shown


async def test_names_are_not_mixed_up(sandbox: Sandbox) -> None:
    """Trap 1."""
    async with connected(sandbox) as connection:
        for each in await connection.find(""):
            data = sandbox.store.identities[each["id"]].data
            assert (each["userName"], each["displayName"]) == (data["alias"], data["name"])


async def test_attributes_may_be_anything_and_a_row_is_never_lost(sandbox: Sandbox) -> None:
    """Trap 23."""
    people = list(sandbox.store.identities.values())
    for value, person in zip((True, ["a"], {"id": "x"}, 7, "", None), people, strict=False):
        person.data["attributes"]["department"] = value
    del people[6].data["attributes"]["department"]
    people[7].data |= {"managerRef": None, "lifecycleState": None, "emailAddress": None, "alias": None}
    sandbox.store.changed()
    async with connected(sandbox, attributes={"enterprise.department": "department"}) as connection:
        assert len(await connection.find("")) == 114


async def test_locked_is_told_apart_from_inactive(sandbox: Sandbox) -> None:
    async with connected(sandbox) as connection:
        for each in await connection.find(""):
            status = sandbox.store.identities[each["id"]].data["identityStatus"]
            assert each["active"] is (status not in ("DISABLED", "TERMINATED"))
            assert each[USER_URN]["locked"] is (status == "LOCKED")
