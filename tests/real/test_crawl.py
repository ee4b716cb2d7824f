"""Reading everything through the bridge gives what the server's own records say."""

import pytest

from tests.real.people import ENTERPRISE, GROUPS, PEOPLE, Row
from tests.real.worlds import World, cursor_pages, ids, pages

pytestmark = pytest.mark.slow


def comparable(row: Row) -> Row:
    """A record without what the bridge says of itself: addresses, and the version of its own answer."""
    found = {name: value for name, value in row.items() if name not in ("meta", "members", "groups")}
    if "manager" in found.get(ENTERPRISE, {}):
        told = {name: value for name, value in found[ENTERPRISE]["manager"].items() if name != "$ref"}
        found[ENTERPRISE] = {**found[ENTERPRISE], "manager": told}
    members = {each["value"] for each in row.get("members", [])}
    dates = {name: instant(row["meta"][name]) for name in ("created", "lastModified")}
    return {**found, "members": members, "meta": {"resourceType": row["meta"]["resourceType"], **dates}}


def instant(text: str) -> str:
    """To the millisecond: servers differ in how they write the digits, not in the time."""
    return text.replace("Z", "").replace("+00:00", "")[:23]


@pytest.mark.parametrize("count", [7, 50, 1000])
def test_everybody_is_crawled_once_by_index(world: World, count: int) -> None:
    held = world.kept("/Users")
    crawled = pages(world.bridge, "/Users", count)
    assert len(crawled) == len(held) >= PEOPLE
    assert {each["id"]: comparable(each) for each in crawled} == {id: comparable(row) for id, row in held.items()}


@pytest.mark.parametrize("count", [7, 1000])
def test_everybody_is_crawled_once_by_cursor(world: World, count: int) -> None:
    held = world.kept("/Users")
    crawled = cursor_pages(world.bridge, "/Users", count)
    assert len(crawled) == len(held)
    assert {each["id"]: comparable(each) for each in crawled} == {id: comparable(row) for id, row in held.items()}


def test_groups_are_crawled_with_their_members(world: World) -> None:
    held = world.kept("/Groups")
    crawled = pages(world.bridge, "/Groups", 2)
    assert sorted(each["displayName"] for each in crawled) == sorted(GROUPS)
    assert {each["id"]: comparable(each) for each in crawled} == {id: comparable(row) for id, row in held.items()}
    assert {each["id"]: comparable(each) for each in cursor_pages(world.bridge, "/Groups", 2)} == {
        id: comparable(row) for id, row in held.items()
    }


def test_single_reads_are_those_of_the_server(world: World) -> None:
    for path in ("/Users", "/Groups"):
        for id, row in list(world.kept(path).items())[::20]:
            answer = world.bridge.get(f"{path}/{id}")
            assert comparable(answer.json()) == comparable(row)
            assert answer.json()["meta"]["location"] == f"{world.base}{path}/{id}" == answer.headers["Location"]


def test_no_answer_names_the_address_of_the_server(world: World) -> None:
    inner = str(world.upstream.base_url).rstrip("/")
    for path in ("/Users?count=1000", "/Groups", "/Schemas", "/ResourceTypes", "/ServiceProviderConfig"):
        assert inner not in world.bridge.get(path).text


def test_a_page_past_the_end_is_empty(world: World) -> None:
    body = world.bridge.get("/Users", params={"startIndex": 100_000, "count": 10}).json()
    assert (body["totalResults"], body.get("Resources", [])) == (len(world.kept("/Users")), [])


@pytest.mark.parametrize("start", [140, 149, 150, 151, 152])
def test_windows_around_the_end_hold_what_is_there(world: World, start: int) -> None:
    everybody = ids(pages(world.bridge, "/Users"))
    body = world.bridge.get("/Users", params={"startIndex": start, "count": 5}).json()
    assert ids(body.get("Resources", [])) == everybody[start - 1 : start + 4]
    assert body["totalResults"] == len(everybody)


def test_a_count_of_zero_tells_the_total_alone(world: World) -> None:
    body = world.bridge.get("/Users", params={"count": 0}).json()
    assert (body["totalResults"], body.get("Resources", [])) == (len(world.kept("/Users")), [])
