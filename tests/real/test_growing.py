"""Servers that were empty, or other than they are now, when the bridge first looked at them."""

from pathlib import Path

import pytest

from tests.real.filters import ALL
from tests.real.patches import person
from tests.real.people import GROUPS, PEOPLE, USER, Row, fill
from tests.real.test_crawl import comparable
from tests.real.worlds import SERVERS, TOKEN, World, bridged, client, created, ids, pages

pytestmark = pytest.mark.slow


def check_filters(running: World, texts: list[str]) -> None:
    held = running.raw("/Users")
    for text in texts:
        expected = sorted(id for id, row in held.items() if ALL[text](row))
        assert sorted(ids(pages(running.bridge, "/Users", 1000, filter=text))) == expected, text


@pytest.mark.parametrize("name", SERVERS)
def test_people_loaded_through_the_bridge_are_held_and_found(name: str, tmp_path: Path) -> None:
    with (
        SERVERS[name](TOKEN) as base,
        client(base, TOKEN) as upstream,
        bridged(base, tmp_path) as through,
        client(through, "t-acme") as bridge,
    ):
        assert pages(bridge, "/Users") == []
        sent: dict[str, Row] = {}

        def create(path: str, body: Row) -> Row:
            made = created(bridge, path, body)
            sent[made["id"]] = body
            return made

        fill(create)
        running = World(name, upstream, bridge)
        held = {**running.raw("/Users"), **running.raw("/Groups")}
        assert len(held) == PEOPLE + len(GROUPS)
        own = {id: {name: row[name] for name in sent[id] if name != "members"} for id, row in held.items()}
        assert own == {id: {name: body[name] for name in body if name != "members"} for id, body in sent.items()}
        for path in ("/Users", "/Groups"):
            shown = {each["id"]: comparable(each) for each in pages(bridge, path)}
            assert shown == {id: comparable(row) for id, row in running.raw(path).items()}
        check_filters(running, list(ALL)[::3])


@pytest.mark.parametrize("name", SERVERS)
def test_people_who_come_later_are_found_whatever_they_lack(name: str, tmp_path: Path) -> None:
    """SCIMMY takes filters of a name until one of its people has none, and refuses all of them from then on."""
    with SERVERS[name](TOKEN) as base, client(base, TOKEN) as upstream:
        whole = [created(upstream, "/Users", person(f"ann-{number}"))["id"] for number in range(3)]
        with bridged(base, tmp_path) as through, client(through, "t-acme") as bridge:
            filters = ('addresses.postalCode eq "10115"', "name.middleName pr", 'name.familyName eq "OLD"')
            for text in filters:
                assert sorted(ids(pages(bridge, "/Users", filter=text))) == sorted(whole)
            bare = created(upstream, "/Users", {"schemas": [USER], "userName": "bare"})["id"]
            for text in filters:
                assert sorted(ids(pages(bridge, "/Users", 2, filter=text))) == sorted(whole)
                found = ids(pages(bridge, "/Users", filter=f'{text} or userName eq "BARE"'))
                assert sorted(found) == sorted([*whole, bare])
