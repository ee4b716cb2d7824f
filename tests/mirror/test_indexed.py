"""Attributes that an operator wants found by an index: the same answers, without reading all keys."""

from typing import Any

import pytest

from scim_bridge.filters import parse
from scim_bridge.mirror.search import Searcher
from scim_bridge.providers.pingone.sandbox import Sandbox
from tests.mirror.test_sync import pingone
from tests.mirror.world import World

FILTERS = ['nickName eq "Al"', 'nickname co "a"', 'phoneNumbers sw "+1"', "locale pr and not (nickName pr)"]
INDEXED = ["nickName", "phoneNumbers.value", "locale"]


async def conditions(found: World) -> list[Any]:
    [copy] = [each for each in (await found.sync()).copies if each.collection.resource.name == "User"]
    searcher = Searcher(copy.store, copy._database.dialect)
    return [searcher.compiled(parse(each), None).condition for each in FILTERS[:3]]


async def test_filters_on_indexed_attributes_are_led_by_the_index_and_find_the_same(url: str) -> None:
    sandbox = Sandbox(users=60, groups=2)
    async with pingone(sandbox, url) as found:
        await found.refresh()
        assert not any(each.led for each in await conditions(found))
        before = [await found.ids(filter=each) for each in FILTERS]
    async with pingone(sandbox, url, indexed=INDEXED) as found:
        assert not (await found.refresh())["Group"].created, "only what is stored in another way is made anew"
        assert all(each.led for each in await conditions(found))
        assert [sorted(await found.ids(filter=each)) for each in FILTERS] == [sorted(each) for each in before]
        assert sum(map(len, before)) > 0


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("nickName", True),
        ("name.middleName", True),
        ("displayName", True),
        ("shoeSize", False),
        ("emails.work", False),
        ("name", False),
    ],
)
async def test_what_cannot_be_indexed_is_told(
    path: str, known: bool, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with pingone(Sandbox(users=1, groups=0), url, indexed=[path]) as found:
        await found.refresh()
    told = [record.__dict__["attribute"] for record in caplog.records if "no such attribute to index" in record.message]
    assert told == ([] if known else [path])
