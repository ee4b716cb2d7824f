"""Filters and sorts through the bridge find what brute force over the server's raw records finds."""

from datetime import datetime
from typing import Any

import pytest
from scim2_models import EnterpriseUser, ScimFilter, User

from tests.real.filters import ALL, GROUP_FILTERS, SORTS, WHOLE, Check, all_of
from tests.real.people import Row
from tests.real.worlds import World, cursor_pages, ids, pages

pytestmark = pytest.mark.slow


def test_there_are_filters_of_every_kind() -> None:
    assert len(ALL) >= 60
    words = " ".join(ALL).lower().replace("(", " ").split()
    assert {"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr)", "pr", "and", "or", "not"} <= set(words)


@pytest.mark.parametrize("text", ALL)
def test_a_filter_finds_what_the_raw_records_say(world: World, text: str) -> None:
    held = world.kept("/Users")
    expected = sorted(id for id, row in held.items() if ALL[text](row))
    assert text in WHOLE or 0 < len(expected) < len(held)  # otherwise it would prove little
    assert sorted(ids(pages(world.bridge, "/Users", 40, filter=text))) == expected


@pytest.mark.parametrize("text", list(ALL)[::6])
def test_a_filter_finds_the_same_by_cursor_and_by_post(world: World, text: str) -> None:
    expected = sorted(id for id, row in world.kept("/Users").items() if ALL[text](row))
    assert sorted(ids(cursor_pages(world.bridge, "/Users", 9, filter=text))) == expected
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": text, "count": 1000}
    found = world.bridge.post("/Users/.search", json=body).json()
    assert sorted(ids(found.get("Resources", []))) == expected


def test_scim2_models_reads_the_filters_as_we_do(world: World) -> None:
    """That is: the expectations are not ours alone."""
    rows = list(world.kept("/Users").values())
    users = [User[EnterpriseUser].model_validate(row) for row in rows]
    for text, check in ALL.items():
        model_filter: Any = ScimFilter[User[EnterpriseUser]](text)
        assert [model_filter.match(each) for each in users] == [check(row) for row in rows], text


@pytest.mark.parametrize("text", GROUP_FILTERS)
def test_a_filter_of_groups_finds_what_the_raw_records_say(world: World, text: str) -> None:
    check: Check = GROUP_FILTERS[text]
    expected = sorted(id for id, row in world.kept("/Groups").items() if check(row))
    assert expected
    assert sorted(ids(pages(world.bridge, "/Groups", filter=text))) == expected


@pytest.mark.parametrize("text", ["userName", 'userName eq "a', "userName zz 1", "active gt true", "userName eq 'a'"])
def test_a_filter_that_is_none_is_refused(world: World, text: str) -> None:
    answer = world.bridge.get("/Users", params={"filter": text})
    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidFilter")


@pytest.mark.parametrize("order", ["ascending", "descending"])
@pytest.mark.parametrize("path", SORTS)
def test_sorting_is_that_of_the_rfc(world: World, path: str, order: str) -> None:
    """Missing values come last in ascending order and first in descending (RFC 7644 section 3.4.2.3)."""
    held = world.kept("/Users")
    found = ids(pages(world.bridge, "/Users", 33, sortBy=path, sortOrder=order))
    assert sorted(found) == sorted(held)
    keys = [_key(held[each], path) for each in found]
    assert keys == sorted(keys, reverse=order == "descending")
    assert path in ("userName", "meta.created") or {each[0] for each in keys} == {True, False}


def test_a_filtered_list_is_sorted_too(world: World) -> None:
    rows = [row for row in world.kept("/Users").values() if row.get("active") is True]
    found = pages(world.bridge, "/Users", 20, filter="active eq true", sortBy="name.familyName")
    assert len(found) == len(rows)
    assert [_key(each, "name.familyName") for each in found] == sorted(_key(each, "name.familyName") for each in rows)


def _key(row: Row, path: str) -> tuple[bool, Any]:
    urn, _, name = path.rpartition(":")
    values = all_of(row, *([urn] if urn else []), *name.split("."))
    if not values:
        return True, ""
    return False, datetime.fromisoformat(values[0]) if name.startswith("meta.") else values[0].lower()
