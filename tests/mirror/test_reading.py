"""A mirror answers as its upstream does, without asking it."""

from typing import Any

import pytest

from scim_bridge.connections import provider_by_name
from tests.mirror.world import ORIGIN, Json, World, world

PEOPLE = 130
QUERIES: list[Json] = [
    {},
    {"count": 0},
    {"startIndex": 41, "count": 7},
    {"startIndex": 1000, "count": 7},
    {"count": 3, "attributes": "userName,emails.value,active"},
    {"count": 3, "excludedAttributes": "emails,name"},
    {"filter": 'userName sw "a"'},
    {"filter": 'userName co "ar" and active eq true', "count": 5},
    {"filter": 'not (name.familyName sw "M")', "startIndex": 9, "count": 9},
    {"filter": 'emails[type eq "work" and value co "example"]', "count": 4},
    {"filter": 'meta.lastModified gt "2024-06-01T00:00:00Z"'},
    {"filter": 'title ne "Engineer"', "count": 11},
    {"filter": 'userName eq "nobody@example.com"'},
    {"filter": "title pr or not (displayName pr)"},
    {"filter": 'id eq "x" or externalId pr'},
]
SORTS: list[Json] = [
    {"sortBy": "userName"},
    {"sortBy": "name.familyName", "sortOrder": "descending", "startIndex": 20, "count": 30},
    {"sortBy": "emails", "filter": "emails pr"},
    {"sortBy": "meta.lastModified", "count": 12},
]


def simulated(provider: str, url: str, **mirror: Any) -> Any:
    simulation = provider_by_name(provider).simulation
    assert simulation is not None
    found = simulation(PEOPLE)
    return world(provider, found.app, found.settings(ORIGIN), url, **mirror)


@pytest.mark.parametrize("provider", ["pingone", "onelogin", "sailpoint-isc", "sailpoint-iiq", "sailpoint-nerm"])
async def test_users_are_those_of_the_upstream(provider: str, url: str) -> None:
    async with simulated(provider, url) as found:
        await found.refresh()
        for query in QUERIES:
            mine, theirs = await found.get("/Users", **query), await found.get("/Users", live=True, **query)
            assert mine["totalResults"] == theirs["totalResults"], query
            assert mine["itemsPerPage"] == theirs["itemsPerPage"], query
            if mine["totalResults"] == mine["itemsPerPage"]:
                assert by_id(mine) == by_id(theirs), query
        assert found.calls == 0


async def test_an_id_that_no_text_of_a_database_can_be_is_not_there(url: str) -> None:
    async with simulated("pingone", url) as found:
        await found.refresh()
        for path in ("/Users/%00", "/Users/a%00b", "/Groups/%00"):
            assert (await found.ask("GET", path)).status_code == 404


@pytest.mark.parametrize("provider", ["pingone", "sailpoint-isc", "sailpoint-iiq"])
async def test_bodies_are_those_of_the_upstream_byte_by_byte(provider: str, url: str) -> None:
    async with simulated(provider, url) as found:
        await found.refresh()
        for query in ({}, {"startIndex": 41, "count": 7}, {"filter": 'userName sw "a"', "count": 2}):
            mine = await found.ask("GET", "/Users", params=query)
            theirs = await found.ask("GET", "/Users", params=query, live=True)
            assert mine.content == theirs.content.replace(b"/scim/live/", b"/scim/mirror/")


@pytest.mark.parametrize("query", SORTS)
async def test_an_order_is_that_of_the_upstream(query: Json, url: str) -> None:
    async with simulated("pingone", url) as found:
        await found.refresh()
        assert await found.get("/Users", **query) == await found.get("/Users", live=True, **query)
        assert found.calls == 0


@pytest.mark.parametrize("query", [{}, {"filter": "active eq true"}, {"sortBy": "userName"}, {"sortBy": "title"}])
async def test_cursors_lead_through_all_of_it_once(query: Json, url: str) -> None:
    async with simulated("pingone", url) as found:
        await found.refresh()
        expected = await found.ids(**query)
        seen, cursor = [], ""
        while True:
            page = await found.get("/Users", cursor=cursor, count=17, **query)
            seen += [each["id"] for each in page["Resources"]]
            cursor = page.get("nextCursor", "")
            if not cursor:
                break
        assert seen == expected


@pytest.mark.parametrize("provider", ["pingone", "onelogin", "sailpoint-isc", "sailpoint-nerm"])
async def test_groups_have_the_members_and_versions_of_the_upstream(provider: str, url: str) -> None:
    async with simulated(provider, url) as found:
        await found.refresh()
        mine, theirs = by_id(await found.get("/Groups")), by_id(await found.get("/Groups", live=True))
        assert {name: members(each) for name, each in mine.items()} == {
            name: members(each) for name, each in theirs.items()
        }
        assert [each["meta"]["version"] for each in mine.values()] == [theirs[name]["meta"]["version"] for name in mine]
        assert any(members(each) for each in mine.values())
        plain = await found.get("/Groups", excludedAttributes="members")
        assert not any("members" in each for each in plain["Resources"])
        assert found.calls == 0


@pytest.mark.parametrize("provider", ["onelogin", "sailpoint-isc"])
async def test_memberships_are_told_by_the_members_of_groups(provider: str, url: str) -> None:
    async with simulated(provider, url) as found:
        await found.refresh()
        mine, theirs = await raw(found, GROUPS), await raw(found, GROUPS, live=True)
        assert {name: groups(each) for name, each in mine.items()} == {
            name: groups(each) for name, each in theirs.items()
        }
        assert found.calls == 0
        user, held = next((name, groups(each)) for name, each in mine.items() if groups(each))
        assert set(await found.ids("Groups", filter=f'members.value eq "{user}"')) == held
        assert found.calls == 0


async def test_where_the_upstream_knows_of_more_memberships_it_is_asked(url: str) -> None:
    """PingOne tells users of groups whose members a filter finds; these do not list them."""
    async with simulated("pingone", url) as found:
        await found.refresh()
        mine, theirs = await raw(found, GROUPS), await raw(found, GROUPS, live=True)
        assert {name: groups(each) for name, each in mine.items()} == {
            name: groups(each) for name, each in theirs.items()
        }
        assert found.calls > 0


GROUPS: Json = {"attributes": "groups", "count": 40}


async def raw(found: World, query: Json, *, live: bool = False) -> Json:
    return {each["id"]: each for each in (await found.get("/Users", live=live, **query))["Resources"]}


async def test_one_resource_has_the_tag_and_the_place_of_the_upstreams(url: str) -> None:
    async with simulated("pingone", url) as found:
        await found.refresh()
        for kind in ("Users", "Groups"):
            resource_id = (await found.ids(kind))[3]
            mine = await found.ask("GET", f"/{kind}/{resource_id}")
            theirs = await found.ask("GET", f"/{kind}/{resource_id}", live=True)
            assert mine.headers["ETag"] == theirs.headers["ETag"]
            assert mine.headers["Location"] == theirs.headers["Location"].replace("/live/", "/mirror/")
            again = await found.ask("GET", f"/{kind}/{resource_id}", headers={"If-None-Match": mine.headers["ETag"]})
            assert again.status_code == 304 and not again.content
        assert (await found.ask("GET", "/Users/unknown")).status_code == 404
        assert found.calls == 0


async def test_one_user_shows_the_groups_that_its_own_record_brings_upstream(url: str) -> None:
    async with simulated("onelogin", url) as found:
        await found.refresh()
        user = next(name for name, each in (await raw(found, GROUPS)).items() if groups(each))
        mine, theirs = await found.get(f"/Users/{user}"), await found.get(f"/Users/{user}", live=True)
        assert groups(mine) == groups(theirs) != set()
        assert comparable(mine) == comparable(theirs) and found.calls == 0


async def test_a_list_that_has_not_changed_is_not_sent_again(url: str) -> None:
    async with simulated("pingone", url) as found:
        await found.refresh()
        first = await found.ask("GET", "/Users", params={"count": 2})
        same = await found.ask("GET", "/Users", params={"count": 2}, headers={"If-None-Match": first.headers["ETag"]})
        assert same.status_code == 304 and same.headers["ETag"] == first.headers["ETag"]
        other = await found.ask("GET", "/Users", params={"count": 3}, headers={"If-None-Match": first.headers["ETag"]})
        assert other.status_code == 200 and len(other.json()["Resources"]) == 3
        await found.ask("PATCH", f"/Users/{first.json()['Resources'][0]['id']}", replace("title", "Other"))
        changed = await found.ask(
            "GET", "/Users", params={"count": 2}, headers={"If-None-Match": first.headers["ETag"]}
        )
        assert changed.status_code == 200 and changed.json()["Resources"][0]["title"] == "Other"


async def test_a_list_with_what_others_tell_has_no_tag(url: str) -> None:
    async with simulated("onelogin", url) as found:
        await found.refresh()
        answer = await found.ask("GET", "/Users", params={"count": 2, "attributes": "groups"})
        assert answer.status_code == 200 and "ETag" not in answer.headers
        plain = await found.ask("GET", "/Groups", params={"count": 2})
        assert "ETag" in plain.headers


async def test_answers_say_how_old_they_are(url: str) -> None:
    async with simulated("pingone", url) as found:
        live = await found.ask("GET", "/Users")
        assert "Age" not in live.headers and found.calls > 0  # there is no copy yet, so the upstream is asked
        await found.refresh()
        found.clock.advance(90)
        answer = await found.ask("GET", "/Users")
        assert answer.headers["Age"] == "90"
        config = await found.get("/ServiceProviderConfig")
        told = config["urn:scim-bridge:schemas:1.0:Freshness"]["Users"]
        assert told["answersFrom"] == "mirror" and told["asOf"] == told["comparedWhole"]


async def test_what_the_copy_does_not_hold_is_asked_of_the_upstream(url: str) -> None:
    async with simulated("pingone", url) as found:
        await found.refresh()
        for query in ({"filter": "roles pr"}, {"filter": "groups pr", "count": 3}, {"attributes": "roles", "count": 2}):
            mine, theirs = await found.get("/Users", **query), await found.get("/Users", live=True, **query)
            assert mine["totalResults"] == theirs["totalResults"] and by_id(mine) == by_id(theirs)
        assert found.calls > 0


def replace(path: str, value: Any) -> Json:
    schemas = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]
    return {"schemas": schemas, "Operations": [{"op": "replace", "path": path, "value": value}]}


def by_id(page: Json) -> Json:
    """The resources of a page, their lists in one order, without times that a mirror makes up."""
    return {each["id"]: comparable(each) for each in page["Resources"]}


def comparable(resource: Json) -> Json:
    shown = {name: value for name, value in resource.items() if name != "groups"}  # lists of a mirror lack them
    meta = {name: value for name, value in resource.get("meta", {}).items() if name != "lastModified"}
    return {**shown, **({"meta": meta} if "meta" in resource else {})}


def members(group: Json) -> set[tuple[str, Any]]:
    return {(each["value"], each.get("$ref")) for each in group.get("members", [])}


def groups(user: Json) -> set[str]:
    return {each["value"] for each in user.get("groups", [])}
