"""The simulated roles, groups and events, by the vendor's pages on them."""

import base64
from typing import Any

import pytest

from tests.clocks import FakeClock
from tests.providers.onelogin.support import Api, api_of, made


def role_of(api: Api) -> int:
    first: int = next(iter(api.sandbox.store.roles))
    return first


async def test_roles_come_with_apps_and_a_single_one_with_a_name_alone() -> None:
    async with api_of(made()) as api:
        answer = await api("GET", "/api/2/roles")
        single = await api("GET", f"/api/2/roles/{role_of(api)}")
    assert [set(each) for each in answer.json()] == [{"id", "name", "apps"}] * 12
    assert set(single.json()) == {"id", "name"}


async def test_older_roles_have_their_members_with_them() -> None:
    async with api_of(made(role_arrays=True)) as api:
        role = next(iter((await api("GET", "/api/2/roles")).json()))
        assert set(role) == {"id", "name", "apps", "users", "admins"}
        assert role["users"] == sorted(api.sandbox.store.members[role["id"]])


async def test_the_cursor_of_roles_tells_their_order() -> None:
    async with api_of(made()) as api:
        answer = await api("GET", "/api/2/roles", limit="5")
    assert base64.b64decode(answer.headers["After-Cursor"]) == b"limit=5&sort=id&page=2&sort_direction=asc"


@pytest.mark.parametrize(("partial", "found"), [(False, 0), (True, 1)])
async def test_roles_are_found_by_name(partial: bool, found: int) -> None:
    async with api_of(made(role_name_partial=partial)) as api:
        assert len((await api("GET", "/api/2/roles", name="vpn users")).json()) == 1
        assert len((await api("GET", "/api/2/roles", name="vpn")).json()) == found
        assert (await api("GET", "/api/2/roles", role_name="x")).status_code == 400
    async with api_of(made(role_name_parameter="role_name")) as api:
        assert (await api("GET", "/api/2/roles", name="x")).status_code == 400


@pytest.mark.parametrize(("made_role", "kind"), [("object", dict), ("array", list)])
async def test_a_role_is_made_changed_and_deleted(made_role: str, kind: type[Any]) -> None:
    async with api_of(made(made_role=made_role)) as api:
        users = api.sandbox.store.user_ids[:3]
        answer = await api("POST", "/api/2/roles", {"name": "New", "users": users})
        assert answer.status_code == 201 and isinstance(answer.json(), kind)
        role_id = (answer.json() if kind is dict else answer.json()[0])["id"]
        assert list(api.sandbox.store.members[role_id]) == users
        renamed = await api("PUT", f"/api/2/roles/{role_id}", {"name": "Newer"})
        assert renamed.json() == {"id": role_id} and list(api.sandbox.store.members[role_id]) == users
        await api("PUT", f"/api/2/roles/{role_id}", {"users": users[:1]})
        assert list(api.sandbox.store.members[role_id]) == users[:1]
        assert (await api("DELETE", f"/api/2/roles/{role_id}")).status_code == 204
        assert (await api("GET", f"/api/2/roles/{role_id}")).status_code == 404


async def test_members_page_and_have_a_name() -> None:
    async with api_of(made(300)) as api:
        role_id = list(api.sandbox.store.roles)[5]
        answer = await api("GET", f"/api/2/roles/{role_id}/users", limit="20", page="2")
        everyone = await api("GET", f"/api/2/roles/{role_id}/users", limit="1", include_unassigned="true")
        one = answer.json()[0]
        named = await api("GET", f"/api/2/roles/{role_id}/users", name=one["username"] or one["email"])
    assert set(one) == {"id", "name", "username", "email", "added_by", "added_at", "assigned"}
    assert answer.headers["Total-Count"] == str(len(api.sandbox.store.members[role_id]))
    assert everyone.headers["Total-Count"] == "300"
    assert one["id"] in [each["id"] for each in named.json()]


async def test_members_are_a_bare_array_in_a_deletion_too() -> None:
    async with api_of(made()) as api:
        role_id = role_of(api)
        outside = [each for each in api.sandbox.store.users if each not in api.sandbox.store.members[role_id]][:2]
        path = f"/api/2/roles/{role_id}/users"
        added = await api("POST", path, list(map(str, outside)))
        assert (added.status_code, added.json()) == (200, [{"id": each} for each in outside])
        assert set(outside) <= set(api.sandbox.store.members[role_id])
        assert role_id in api.sandbox.store.users[outside[0]]["role_ids"]
        wrong = await api("DELETE", path, {"users": outside})
        assert wrong.json() == {
            "status": 400,
            "error": "BadRequestError",
            "description": "Expected array in request",
        }
        removed = await api("DELETE", path, outside)
        assert (removed.status_code, removed.content) == (204, b"")
        assert not set(outside) & set(api.sandbox.store.members[role_id])


@pytest.mark.parametrize(("unknown", "status"), [("refused", 422), ("ignored", 200)])
async def test_an_unknown_member_is_refused_or_ignored(unknown: str, status: int) -> None:
    async with api_of(made(unknown_member=unknown)) as api:
        held = dict(api.sandbox.store.members[role_of(api)])
        assert (await api("POST", f"/api/2/roles/{role_of(api)}/users", [5])).status_code == status
        assert api.sandbox.store.members[role_of(api)] == held


async def test_an_empty_array_may_empty_a_role_or_not() -> None:
    for ignored in (False, True):
        async with api_of(made(empty_array_ignored=ignored)) as api:
            await api("PUT", f"/api/2/roles/{role_of(api)}", {"users": []})
            assert bool(api.sandbox.store.members[role_of(api)]) is ignored


async def test_a_role_that_a_mapping_gives_stays() -> None:
    async with api_of(made()) as api:
        member = next(iter(api.sandbox.store.members[role_of(api)]))
        api.sandbox.store.mapped.add((role_of(api), member))
        assert (await api("DELETE", f"/api/2/roles/{role_of(api)}/users", [member])).status_code == 204
        assert member in api.sandbox.store.members[role_of(api)]


async def test_role_ids_settle_after_a_while() -> None:
    clock = FakeClock()
    sandbox = made(clock=clock, settle_seconds=300.0)
    async with api_of(sandbox) as api:
        user = next(each for each in sandbox.store.users if each not in sandbox.store.members[role_of(api)])
        await api("POST", f"/api/2/roles/{role_of(api)}/users", [user])
        early = (await api("GET", f"/api/2/users/{user}")).json()["role_ids"]
        clock.advance(300)
        late = (await api("GET", f"/api/2/users/{user}")).json()["role_ids"]
    assert role_of(api) not in early and role_of(api) in late


async def test_v1_gives_and_takes_roles_of_a_user() -> None:
    async with api_of(made()) as api:
        role_id, store = role_of(api), api.sandbox.store
        user = next(each for each in store.users if each not in store.members[role_id])
        path = f"/api/1/users/{user}"
        held = (await api("GET", f"{path}/roles")).json()["data"]
        assert held == [store.users[user]["role_ids"]]
        refused = [
            await api("PUT", f"{path}/add_roles", {"role_id_array": []}),
            await api("PUT", f"{path}/add_roles", {"role_id_array": [5]}),
            await api("PUT", f"{path}/remove_roles", {"role_id_array": [role_id]}),
        ]
        told = [each.json()["status"]["message"].partition(" ->")[0] for each in refused]
        assert told == [
            "role_id_array is empty",
            "role_id_array should be a subset of",
            "input role_id_array is not included as user roles",
        ]
        assert (await api("PUT", f"{path}/add_roles", {"role_id_array": [role_id]})).status_code == 200
        assert (await api("PUT", f"{path}/add_roles", {"role_id_array": [role_id]})).status_code == 400
        assert (await api("PUT", f"{path}/remove_roles", {"role_id_array": [role_id]})).status_code == 200
        assert role_id not in store.users[user]["role_ids"]


async def test_groups_come_in_an_envelope() -> None:
    async with api_of(made()) as api:
        listed = (await api("GET", "/api/1/groups")).json()
        one = (await api("GET", "/api/1/groups/480000")).json()
        none = await api("GET", "/api/1/groups/5")
        made_group = await api("POST", "/api/2/groups", {"name": "New", "reference": "x"})
    assert listed["pagination"] == dict.fromkeys(("before_cursor", "after_cursor", "previous_link", "next_link"))
    assert listed["data"][0] == {"id": 480_000, "name": "Default", "reference": None}
    assert one["data"] == [{"id": 480_000, "name": "Default", "reference": None}]
    assert none.json()["status"]["message"] == "Group for id 5 was not found"
    assert made_group.json()["reference"] is None
    async with api_of(made(groups_v2=False)) as api:
        assert (await api("GET", "/api/2/groups")).status_code == 401


# -- events ------------------------------------------------------------------------------------------------------------


async def events(api: Api, **query: Any) -> list[dict[str, Any]]:
    answer = await api("GET", "/api/1/events", **query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def test_events_page_by_keys_that_hold() -> None:
    async with api_of(made(100)) as api:
        first = (await api("GET", "/api/1/events", limit="50")).json()
        cursor = first["pagination"]["after_cursor"]
        assert base64.b64decode(cursor).decode() == f"account_id:::189185--##id:::{first['data'][-1]['id']}"
        api.sandbox.store.events.remove(api.sandbox.store.events[-50])  # the row that the cursor names
        second = (await api("GET", "/api/1/events", limit="50", after_cursor=cursor)).json()
        back = await api("GET", "/api/1/events", limit="50", before_cursor=second["pagination"]["before_cursor"])
    ids = [each["id"] for each in [*first["data"], *second["data"]]]
    assert ids == sorted(ids, reverse=True) and len(set(ids)) == 100
    assert len(back.json()["data"]) == 49


async def test_events_filter_by_type_person_and_time() -> None:
    async with api_of(made(50)) as api:
        every = await events(api, limit="1000")
        assert {each["event_type_id"] for each in await events(api, event_type_id="6,8")} == {6, 8}
        someone = every[0]["user_id"]
        assert {each["user_id"] for each in await events(api, user_id=str(someone))} == {someone}
        moment = every[40]["created_at"]
        since, until = await events(api, since=moment), await events(api, until=moment, limit="1000")
        assert len(since) == 41 and len(until) == 60
        api.sandbox.knobs.search.inclusive = False
        assert len(await events(api, since=moment)) == 40
        assert (await events(api, sort="+id"))[0]["id"] == every[-1]["id"]
        assert [set(each) for each in await events(api, limit="1", fields="notes")] == [{"id", "notes"}]
        for query in ({"event_type_id": "login"}, {"since": "x"}, {"name": "x"}, {"sort": "+created_at"}):
            assert (await api("GET", "/api/1/events", **query)).status_code == 400


async def test_a_single_event_is_an_array_of_one() -> None:
    async with api_of(made(50)) as api:
        wanted = api.sandbox.store.events[3]
        assert (await api("GET", f"/api/1/events/{wanted['id']}")).json()["data"] == [wanted]
        assert (await api("GET", "/api/1/events/5")).status_code == 404


async def test_event_types_have_names_and_templates_and_are_told_to_anybody() -> None:
    async with api_of(made(3)) as api:
        api.headers.clear()
        data = (await api("GET", "/api/1/events/types")).json()["data"]
    assert {"name": "APP_ADDED_TO_ROLE", "description": "%app% added to %role%", "id": 1} in data


async def test_changes_by_the_api_are_events_that_name_people_not_logins() -> None:
    async with api_of(made(3)) as api:
        body = {"username": "ana", "email": "ana@example.com", "firstname": "Ana", "lastname": "Lopez"}
        user = (await api("POST", "/api/2/users", body)).json()["id"]
        await api("DELETE", f"/api/2/users/{user}")
        newest = await events(api, limit="2")
    assert [each["event_type_id"] for each in newest] == [530, 533]
    assert {each["user_name"] for each in newest} == {"Ana Lopez"}
