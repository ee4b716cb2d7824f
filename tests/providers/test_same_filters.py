"""The same filters on every provider: each finds whom a plain reading of the vendor's records finds, page by page."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.providers.meaning import Exact, Shown
from tests.providers.pages import differences
from tests.providers.sixty import PEOPLE, filters, schemas
from tests.providers.worlds import WORLDS, World

PAGE = 7


def awkward(world: World) -> tuple[Any, list[Shown]]:
    """A sandbox with the people that are hard to tell apart, and everybody as SCIM shows them."""
    sandbox = world.sandbox(60)
    first, second, *others = PEOPLE
    twin = {**second, "user": "twin.one"} if world.twins else second
    world.plant(sandbox, (first, twin, *others))
    common = {"meta.resourceType": Exact("User")}
    return sandbox, [{**each, **common, "schemas": schemas(each)} for each in world.people(sandbox)]


def runs() -> Iterator[Any]:
    """Each vendor by pages and in one page, by a connection that is told how the vendor compares and by one that is
    not, where there is something to tell."""
    for name, world in WORLDS.items():
        for told in (True, False) if world.told else (True,):
            for count in (PAGE, 1000):
                marks = [pytest.mark.slow] if world.slow or (count > PAGE and not told) else []
                yield pytest.param(name, told, count, marks=marks)


@pytest.mark.parametrize(("name", "told", "count"), list(runs()))
async def test_the_same_filters_find_whom_brute_force_finds(name: str, told: bool, count: int) -> None:
    world = WORLDS[name]
    sandbox, people = awkward(world)
    async with world.bridged(sandbox, **world.plain, **(world.told if told else {})) as bridge:
        assert await differences(bridge, people, filters(people), count) == []


@pytest.mark.parametrize("name", WORLDS)
def test_most_of_them_tell_people_apart(name: str) -> None:
    """Or they would prove little."""
    _, people = awkward(WORLDS[name])
    tried = filters(people)
    sizes = [sum(map(test, people)) for _, test in tried]
    assert len({told for told, _ in tried}) == len(tried) > 120
    assert 0 in sizes and len(people) in sizes
    assert sum(0 < each < len(people) for each in sizes) >= 0.8 * len(tried)
