"""What questions cost in front of servers that others wrote, in upstream requests: cost is behaviour."""

from pathlib import Path

import pytest

from tests.programs import scim2_server
from tests.real.people import PEOPLE, Row
from tests.real.worlds import World, bridged, client, cost

pytestmark = pytest.mark.slow


def first(world: World) -> Row:
    return next(iter(world.kept("/Users").values()))


def test_a_record_is_one_request(world: World) -> None:
    assert cost(world.bridge.get(f"/Users/{first(world)['id']}")) == 1


def test_a_user_name_in_another_case_costs_no_more_than_the_list(world: World) -> None:
    """One request where the server was seen to ignore case; SCIMMY does not, and its list is read."""
    answer = world.bridge.get("/Users", params={"filter": f'userName eq "{first(world)["userName"].swapcase()}"'})
    assert [each["id"] for each in answer.json()["Resources"]] == [first(world)["id"]]
    pages_of_the_list = -(-PEOPLE // 100) + 1
    assert cost(answer) <= (1 if world.name == "scim2-server" else pages_of_the_list)


def test_a_crawl_takes_about_a_request_a_page(world: World) -> None:
    spent = [
        cost(world.bridge.get("/Users", params={"startIndex": start, "count": 50, "excludedAttributes": "groups"}))
        for start in range(1, PEOPLE + 1, 50)
    ]
    assert sum(spent) <= PEOPLE // 50 + 1


def test_the_next_pages_of_a_scan_cost_nothing(world: World) -> None:
    query = {"filter": "not (title pr)", "sortBy": "userName", "count": "5"}
    assert cost(world.bridge.get("/Users", params={**query, "startIndex": "1"})) >= 1
    assert cost(world.bridge.get("/Users", params={**query, "startIndex": "6"})) == 0


def test_a_wrong_token_upstream_is_told_as_trouble_and_not_shown(tmp_path: Path) -> None:
    with (
        scim2_server("another-token") as base,
        bridged(base, tmp_path) as through,
        client(through, "t-acme") as bridge,
    ):
        answer = bridge.get("/Users")
    assert answer.status_code == 502
    assert "up-token" not in answer.text and "another-token" not in answer.text
