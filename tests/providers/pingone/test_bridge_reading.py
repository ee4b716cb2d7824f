"""The whole program in front of the simulated PingOne: what a client reads is what plain Python makes of its data."""

from random import Random
from typing import Any

import pytest

from scim_bridge.providers.pingone.sandbox import Sandbox
from tests.providers.meaning import Filters, folded
from tests.providers.pages import differences
from tests.providers.pingone.bridge import bridged
from tests.providers.pingone.oracle import make_awkward, translated
from tests.providers.pingone.support import GROUP_URN, USER_URN

MAPPED = {"enterprise.department": "department"}
SETTINGS: tuple[dict[str, Any], ...] = (
    {},
    {"escaped_quotes": True, "name_contains_filter": True},
    {"scope": 1},
    {"scope": 2},
)


def scoped(sandbox: Sandbox, settings: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """The populations that are shown, and the settings that say so."""
    given = {name: value for name, value in settings.items() if name != "scope"}
    populations = list(sandbox.store.populations)
    if "scope" not in settings:
        return populations, given
    shown = populations[1 : 1 + settings["scope"]]
    return shown, {**given, "population_ids": shown}


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("seed", range(3))
async def test_filters_find_who_matches_and_nobody_else(seed: int, settings: dict[str, Any]) -> None:
    random, sandbox = Random(seed), Sandbox(users=80, seed=seed)
    make_awkward(sandbox, random)
    sandbox.knobs.escapes = settings.get("escaped_quotes", random.random() < 0.5)
    sandbox.knobs.states_count = random.random() < 0.5
    sandbox.knobs.user_page_cap = random.choice((7, 33, 200))
    shown, given = scoped(sandbox, settings)
    rows = [item.data for item in sandbox.store.users.values() if item.data["population"]["id"] in shown]
    people = [translated(row) for row in rows]
    filters = Filters(random, people)
    async with bridged(sandbox, attributes=MAPPED, **given) as bridge:
        assert await differences(bridge, people, [filters.tree() for _ in range(40)]) == []


async def test_accents_are_found_however_they_are_spelled(sandbox: Sandbox) -> None:
    """To SCIM one character and two are the same letter; PingOne may tell them apart."""
    rows = [item.data for item in sandbox.store.users.values()]
    for row, title in zip(rows, ("Überblick", "U\u0308berblick", "überblick", "Ueberblick"), strict=False):
        row["title"] = title
    sandbox.store.changed()
    async with bridged(sandbox) as bridge:
        for text in ('title eq "ÜBERBLICK"', 'title sw "U\u0308ber"', 'title eq "u\u0308berblick"'):
            found = await bridge.find("User", filter=text)
            assert {each["id"] for each in found} == {row["id"] for row in rows[:3]}
            assert len(bridge.calls()) == 1


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(users=60)


@pytest.mark.parametrize("count", [1, 7, 50, 1000])
@pytest.mark.parametrize("cap", [5, 200])
@pytest.mark.parametrize("states_count", [True, False])
async def test_pages_follow_each_other_while_the_client_writes(
    sandbox: Sandbox, count: int, cap: int, states_count: bool
) -> None:
    """Each page is the part of the list as it stands; new users come first, so what follows moves on."""
    sandbox.knobs.user_page_cap, sandbox.knobs.states_count = cap, states_count
    random, start = Random(count), 1
    async with bridged(sandbox) as bridge:
        for number in range(12):
            everyone = [*reversed(sandbox.store.users)]
            page = await bridge.get("/Users", startIndex=start, count=count)
            assert page["totalResults"] == len(everyone)
            assert [each["id"] for each in page["Resources"]] == everyone[start - 1 :][:count]
            start += count if start <= len(everyone) else -start + 1
            if number % 3 == 1:
                await bridge.create("User", userName=f"new{number}")
            if number % 3 == 2:
                assert (await bridge.ask("DELETE", f"/Users/{random.choice(everyone)}")).status_code == 204


@pytest.mark.parametrize("cap", [4, 200])
async def test_a_crawl_by_cursor_misses_nobody_who_stays(sandbox: Sandbox, cap: int) -> None:
    sandbox.knobs.user_page_cap = cap
    everyone, seen, cursor = list(sandbox.store.users), [], ""
    async with bridged(sandbox) as bridge:
        while cursor is not None:
            page = await bridge.get("/Users", cursor=cursor, count=9)
            seen += [each["id"] for each in page["Resources"]]
            cursor = page.get("nextCursor")
            await bridge.create("User", userName=f"new{len(seen)}.{len(everyone)}")
            unseen = [each for each in everyone if each not in seen]
            if unseen:
                everyone.remove(unseen[len(unseen) // 2])
                await bridge.ask("DELETE", f"/Users/{unseen[len(unseen) // 2]}")
    assert len(seen) == len(set(seen)) and set(everyone) <= set(seen)


@pytest.mark.parametrize("order", ["ascending", "descending"])
async def test_an_order_is_that_of_all_users(sandbox: Sandbox, order: str) -> None:
    make_awkward(sandbox, Random(4))
    rows = [item.data for item in reversed(sandbox.store.users.values())]
    wanted = sorted(
        rows,
        key=lambda row: ("title" not in row, folded(row.get("title", ""))),
        reverse=order == "descending",
    )
    async with bridged(sandbox) as bridge:
        pages = [
            await bridge.get("/Users", sortBy="title", sortOrder=order, startIndex=start, count=25)
            for start in (1, 26, 51)
        ]
        assert [each["id"] for page in pages for each in page["Resources"]] == [row["id"] for row in wanted]
        assert len(bridge.calls()) == 1


@pytest.mark.parametrize("stated", [-5, 3, "many", None, [60]])
async def test_a_count_that_cannot_be_is_not_believed(sandbox: Sandbox, stated: Any) -> None:
    """Trap 15: `count` is optional and can be wrong."""
    sandbox.knobs.user_page_cap, sandbox.knobs.counted = 25, lambda rows: stated
    async with bridged(sandbox) as bridge:
        page = await bridge.get("/Users", count=20)
        assert (page["totalResults"], page["itemsPerPage"]) == (60, 20)


# -- groups and memberships --------------------------------------------------------------------------------------------


def nest_more(sandbox: Sandbox, random: Random) -> None:
    store = sandbox.store
    for _ in range(8):
        child, parent = random.sample(list(store.groups), 2)
        if parent not in store.groups_of_group(child) and child not in store.groups_of_group(parent):
            store.nest(child, parent)


@pytest.mark.parametrize("settings", [{}, {"scope": 2}], ids=str)
@pytest.mark.parametrize("seed", range(2))
async def test_groups_and_members_are_those_of_the_vendor(seed: int, settings: dict[str, Any]) -> None:
    random, sandbox = Random(seed), Sandbox(users=25, groups=10, seed=seed)
    nest_more(sandbox, random)
    sandbox.knobs.page_size = lambda rows: min(rows, 5)
    store = sandbox.store
    scope, given = scoped(sandbox, settings)
    users = {each for each, item in store.users.items() if item.data["population"]["id"] in scope}
    groups = {
        each for each, item in store.groups.items() if item.data.get("population", {"id": scope[0]})["id"] in scope
    }
    members = {
        each: {("User", user) for user in store.direct[each] if user in users}
        | {("Group", child) for child, parents in store.parents.items() if each in parents and child in groups}
        for each in groups
    }
    kinds = {each: store.groups_of_user(each) for each in users}
    async with bridged(sandbox, **given) as bridge:
        found = await bridge.find("Group")
        assert {g["id"]: {(m["type"], m["value"]) for m in g.get("members", [])} for g in found} == members
        for kind, member in {(kind, member) for each in members.values() for kind, member in each}:
            wanted = {each for each, held in members.items() if (kind, member) in held}
            for text in (f'members.value eq "{member}"', f'members[value eq "{member}" and type eq "{kind}"]'):
                assert {each["id"] for each in await bridge.find("Group", filter=text)} == wanted
        for group in groups:
            inside = {each for each in users if group in kinds[each]}
            direct = {each for each in inside if kinds[each][group] == "DIRECT"}
            name = store.groups[group].data["name"]
            for text, wanted in (
                (f'groups.value eq "{group}"', inside),
                (f'groups[value eq "{group}" and type eq "direct"]', direct),
                (f'not (groups.value eq "{group}")', users - inside),
                (f'groups.display eq "{name}" and groups.value eq "{group}"', inside),
            ):
                assert {each["id"] for each in await bridge.find("User", filter=text)} == wanted, text


async def test_a_user_in_many_groups_is_found_in_each(sandbox: Sandbox) -> None:
    """More memberships than one page holds, each with its group."""
    user = next(iter(sandbox.store.users))
    for number in range(230):
        sandbox.store.put_group({"id": (group := sandbox.new_id()), "name": f"Many {number}"})
        sandbox.store.join(user, group)
    async with bridged(sandbox) as bridge:
        found = await bridge.find("Group", filter=f'members.value eq "{user}"', excludedAttributes="members")
    assert {each["id"] for each in found} == set(sandbox.store.joined[user])


async def test_groups_are_filtered_by_population(sandbox: Sandbox) -> None:
    for population in sandbox.store.populations:
        rows = sandbox.store.groups.values()
        wanted = {item.data["id"] for item in rows if item.data.get("population") == {"id": population}}
        assert wanted
        async with bridged(sandbox) as bridge:
            found = await bridge.find("Group", filter=f'{GROUP_URN}:populationId eq "{population}"')
            assert {each["id"] for each in found} == wanted
            assert await bridge.find("User", filter=f'{USER_URN}:populationId eq "{population.upper()}"') == []
