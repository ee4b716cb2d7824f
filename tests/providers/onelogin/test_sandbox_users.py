"""The simulated v2 users, by the vendor's pages on them."""

import base64
from typing import Any

import pytest

from scim_bridge.providers.onelogin.sandbox_fields import LISTED, SINGLE
from scim_bridge.providers.onelogin.sandbox_search import SearchKnobs
from tests.clocks import FakeClock
from tests.providers.onelogin.support import api_of, made

NEW = {"username": "ana", "email": "ana@example.com"}


async def test_a_list_is_a_bare_array_with_its_paging_in_headers() -> None:
    async with api_of(made(120)) as api:
        answer = await api("GET", "/api/2/users")
        second = await api("GET", "/api/2/users", limit="50", page="3")
    assert len(answer.json()) == 50 and set(answer.json()[0]) == set(LISTED)
    shown = {name: answer.headers[name] for name in ("Current-Page", "Page-Items", "Total-Pages", "Total-Count")}
    assert shown == {"Current-Page": "1", "Page-Items": "50", "Total-Pages": "3", "Total-Count": "120"}
    assert base64.b64decode(answer.headers["After-Cursor"]) == b"limit=50&page=2"
    assert len(second.json()) == 20 and "After-Cursor" not in second.headers and "Before-Cursor" in second.headers


async def test_a_cursor_goes_alone_and_knows_no_filter() -> None:
    async with api_of(made(120)) as api:
        first = await api("GET", "/api/2/users", limit="10")
        cursor = first.headers["After-Cursor"]
        following = await api("GET", "/api/2/users", cursor=cursor)
        both = await api("GET", "/api/2/users", cursor=cursor, limit="10")
        wrong = await api("GET", "/api/2/users", cursor="bogus")
        filtered = await api("GET", "/api/2/users", cursor=cursor, username="nobody")
    assert len(following.json()) == 10 and following.json()[0]["id"] > first.json()[-1]["id"]
    assert both.json() == {
        "status": 400,
        "error": "BadRequestError",
        "description": "Requests can only have cursor xor pagination arguments",
    }
    assert (wrong.status_code, wrong.json()["description"]) == (400, "Invalid pagination cursor")
    assert filtered.json() == []


async def test_a_large_limit_is_cut_down_or_refused() -> None:
    for clamps, expected in ((True, (200, 50)), (False, (400, 3))):
        async with api_of(made(120, clamps=clamps)) as api:
            answer = await api("GET", "/api/2/users", limit="100")
        assert (answer.status_code, len(answer.json())) == expected


@pytest.mark.parametrize("limit", ["0", "-1", "x", ""])
async def test_a_limit_is_a_positive_number(limit: str) -> None:
    async with api_of(made(3)) as api:
        assert (await api("GET", "/api/2/users", limit=limit)).status_code == 400


async def test_unknown_parameters_are_refused_and_so_are_parameters_given_twice() -> None:
    async with api_of(made(3)) as api:
        answer = await api("GET", "/api/2/users", first_login="x")
        assert answer.json() == {
            "message": "query parameter(s) not allowed: first_login",
            "name": "BadRequestError",
            "statusCode": 400,
        }
        for name in ("status", "role_id", "search", "userName", "custom_attributes.unheard_of"):
            assert (await api("GET", "/api/2/users", **{name: "1"})).status_code == 400
        assert (await api("GET", "/api/2/users", email=["a", "b"])).status_code == 400
        assert (await api("GET", f"/api/2/users/{api.sandbox.store.user_ids[0]}", fields="id")).status_code == 400


async def test_fields_choose_columns_of_the_single_user() -> None:
    async with api_of(made(3)) as api:
        answer = await api("GET", "/api/2/users", fields="title,custom_attributes,role_ids")
        single = await api("GET", f"/api/2/users/{answer.json()[0]['id']}")
        assert set(answer.json()[0]) == {"id", "title", "custom_attributes", "role_ids"}
        assert set(single.json()) == set(SINGLE)
        assert (await api("GET", "/api/2/users", fields="id,nickname")).status_code == 400


async def test_sorting_takes_an_encoded_plus_and_few_fields() -> None:
    async with api_of(made(30)) as api:
        rising, falling = await api.ids(sort="+id"), await api.ids(sort="-id")
        assert rising == sorted(rising) == falling[::-1]
        bare = await api.client.get("/api/2/users?sort=+id", headers=api.headers)
        unsortable = await api("GET", "/api/2/users", sort="+created_at")
    assert bare.status_code == 422
    assert unsortable.json() == {
        "message": "Invalid sort field: created_at",
        "field": "created_at",
        "name": "UnprocessableEntityFieldError",
        "statusCode": 422,
    }


async def test_texts_are_found_whole_or_by_wildcards() -> None:
    sandbox = made(60)
    user = sandbox.store.users[sandbox.store.user_ids[0]]
    async with api_of(sandbox) as api:
        assert await api.ids(username=user["username"].upper()) == [user["id"]]
        assert user["id"] in await api.ids(username=f"{user['username'][:3]}*")
        assert user["id"] in await api.ids(email=f"*{user['email'][3:]}")
        assert await api.ids(username=user["username"][:3]) == []
        assert await api.ids(username=f"{user['username']}*", firstname="Nobody") == []
        sandbox.knobs.search.text_match = "sensitive"
        assert await api.ids(username=user["username"].swapcase()) == []
        sandbox.knobs.search.wildcards = False
        assert await api.ids(username=f"{user['username'][:3]}*") == []


async def test_times_bound_a_list_with_or_without_the_bound_itself() -> None:
    for inclusive in (True, False):
        sandbox = made(60, search=SearchKnobs(inclusive=inclusive))
        user = sandbox.store.users[sandbox.store.user_ids[30]]
        async with api_of(sandbox) as api:
            since = await api.ids(created_since=user["created_at"])
            until = await api.ids(created_until=user["created_at"])
            assert (user["id"] in since, user["id"] in until) == (inclusive, inclusive)
            assert len(since) + len(until) == 60 + (1 if inclusive else -1)
            assert (await api("GET", "/api/2/users", updated_since="yesterday")).status_code == 400


async def test_ids_are_the_only_or() -> None:
    sandbox = made(60)
    wanted = sandbox.store.user_ids[3:6]
    async with api_of(sandbox) as api:
        assert await api.ids(user_ids=",".join(map(str, [*wanted, 5]))) == wanted
        assert (await api("GET", "/api/2/users", user_ids="a")).status_code == 400


async def test_custom_attributes_and_numbers_filter() -> None:
    sandbox = made(60)
    async with api_of(sandbox) as api:
        found = await api.ids(**{"custom_attributes.cost_center": "cc-1"})
        assert found and all(sandbox.store.users[each]["custom_attributes"]["cost_center"] == "CC-1" for each in found)
        assert await api.ids(directory_id="2200") and await api.ids(group_id="480000") and await api.ids(app_id="7000")
        sandbox.knobs.search.group_id = False
        assert (await api("GET", "/api/2/users", group_id="480000")).status_code == 400


# -- writing -----------------------------------------------------------------------------------------------------------


async def test_a_new_user_without_a_password_waits_for_one() -> None:
    async with api_of(made(3)) as api:
        answer = await api("POST", "/api/2/users", {**NEW, "custom_attributes": {"badge": "B1"}})
        assert answer.status_code == 201 and answer.json()["status"] == 7
        assert answer.json()["custom_attributes"] == {"employee_number": None, "cost_center": None, "badge": "B1"}
        given = {"password": "s3cret-pass", "password_confirmation": "s3cret-pass"}
        signed = await api("POST", "/api/2/users", {"username": "bo", "email": "bo@example.com", **given})
        assert signed.json()["status"] == 1 and not signed.json().keys() & {"password", "password_confirmation"}


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({**NEW, "employee_number": "1"}, 400, "unknown attribute: employee_number"),
        ({**NEW, "id": 5}, 400, "unknown attribute: id"),
        ({**NEW, "custom_attributes": {"unheard_of": "x"}}, 400, "unknown attribute: unheard_of"),
        ({**NEW, "password": "s3cret-pass"}, 422, "Password confirmation doesn't match Password"),
        ({**NEW, "password": "short", "password_confirmation": "short"}, 422, "password policy"),
        ({**NEW, "group_id": 0}, 422, "The associated Group with ID 0 could not be found"),
        ({**NEW, "manager_user_id": "5"}, 422, "manager_user_id is invalid"),
        ({**NEW, "status": 6}, 422, "status is invalid"),
        ({"username": "ana"}, 422, "Email can't be blank"),
        ([], 400, "not a JSON object"),
    ],
)
async def test_what_a_new_user_cannot_have_is_refused(body: Any, status: int, message: str) -> None:
    async with api_of(made(3)) as api:
        answer = await api("POST", "/api/2/users", body)
    assert (answer.status_code, answer.json()["statusCode"]) == (status, status)
    assert message in answer.json()["message"]


async def test_names_and_addresses_are_unique_in_any_case() -> None:
    async with api_of(made(3)) as api:
        await api("POST", "/api/2/users", NEW)
        for twin in ({"username": "ANA", "email": "x@example.com"}, {"username": "x", "email": "Ana@example.com"}):
            answer = await api("POST", "/api/2/users", twin)
            assert (answer.status_code, answer.json()["name"]) == (422, "UnprocessableEntityError")
            assert "must be unique within sandbox" in answer.json()["message"]


async def test_an_update_changes_what_is_sent_and_clears_what_is_null() -> None:
    sandbox = made(20)
    user_id = sandbox.store.user_ids[2]
    async with api_of(sandbox) as api:
        await api("PUT", f"/api/2/users/{user_id}", {"title": "T", "group_id": 480_000, "comment": "c"})
        before = (await api("GET", f"/api/2/users/{user_id}")).json()
        after = (await api("PUT", f"/api/2/users/{user_id}", {"title": None, "group_id": None})).json()
    assert (after["title"], after["group_id"], after["comment"]) == (None, None, "c")
    assert {name for name in after if after[name] != before[name]} <= {"title", "group_id", "updated_at"}


@pytest.mark.parametrize(("clears_with", "value"), [("null", ""), ("empty", None)])
async def test_what_clears_a_text_may_be_null_or_empty(clears_with: str, value: str | None) -> None:
    sandbox = made(20, clears_with=clears_with)
    user_id = sandbox.store.user_ids[2]
    async with api_of(sandbox) as api:
        await api("PUT", f"/api/2/users/{user_id}", {"title": "T"})
        kept = (await api("PUT", f"/api/2/users/{user_id}", {"title": value})).json()
        cleared = (await api("PUT", f"/api/2/users/{user_id}", {"title": None if value == "" else ""})).json()
    assert kept["title"] == "T" and not cleared["title"]


@pytest.mark.parametrize("merges", [True, False])
async def test_custom_attributes_that_are_left_out_stay_or_go(merges: bool) -> None:
    sandbox = made(20, custom_merges=merges)
    user_id = next(each for each, user in sandbox.store.users.items() if user["custom_attributes"]["employee_number"])
    async with api_of(sandbox) as api:
        body = {"custom_attributes": {"badge": "B9"}}
        after = (await api("PUT", f"/api/2/users/{user_id}", body)).json()["custom_attributes"]
    assert after["badge"] == "B9" and (after["employee_number"] is not None) is merges


async def test_a_state_of_three_is_left_only_by_set_state() -> None:
    sandbox = made(5)
    user_id = sandbox.store.user_ids[0]
    sandbox.store.users[user_id]["state"] = 3
    async with api_of(sandbox) as api:
        assert (await api("PUT", f"/api/2/users/{user_id}", {"state": 1})).status_code == 422
        assert (await api("PUT", f"/api/1/users/{user_id}/set_state", {"state": 1})).status_code == 200
        refused = [await api("PUT", f"/api/1/users/{user_id}/set_state", {"state": each}) for each in (1, 9, "1")]
    assert [each.json()["status"]["message"] for each in refused] == [
        "user is already in this state",
        "state is invalid",
        "state has incorrect data type. It should be -> integer",
    ]


async def test_deleting_is_for_good_and_an_unknown_user_is_not_found() -> None:
    sandbox = made(5)
    user_id = sandbox.store.user_ids[0]
    async with api_of(sandbox) as api:
        answer = await api("DELETE", f"/api/2/users/{user_id}")
        assert (answer.status_code, answer.content) == (204, b"")
        for method, body in (("GET", None), ("PUT", {"title": "x"}), ("DELETE", None)):
            gone = await api(method, f"/api/2/users/{user_id}", body)
            assert (gone.status_code, gone.json()) == (
                404,
                {
                    "message": "The resource with the given id could not be found",
                    "name": "NotFoundError",
                    "statusCode": 404,
                },
            )


async def test_v1_does_not_set_a_status_and_says_so_in_an_object() -> None:
    sandbox = made(5)
    async with api_of(sandbox) as api:
        answer = await api("PUT", f"/api/1/users/{sandbox.store.user_ids[0]}", {"status": 2})
    assert answer.json()["status"]["message"] == {
        "description": "status is an excluded attribute for put request for user",
        "attribute": "status",
    }


async def test_unlocking_and_locking() -> None:
    sandbox = made(5)
    user_id = sandbox.store.user_ids[0]
    async with api_of(sandbox) as api:
        await api("PUT", f"/api/1/users/{user_id}/lock_user", {"locked_until": 0})
        assert sandbox.store.users[user_id]["status"] == 3
        assert (await api("POST", f"/api/2/users/{user_id}/unlock")).json() == {"messsage": "User unlocked"}
        assert (await api("POST", f"/api/2/users/{user_id}/unlock")).status_code == 422
        assert (await api("PUT", f"/api/1/users/{user_id}/logout", {})).status_code == 200


async def test_a_v1_password_is_not_judged_by_the_policy_unless_asked() -> None:
    sandbox = made(5)
    path = f"/api/1/users/set_password_clear_text/{sandbox.store.user_ids[0]}"
    weak = {"password": "x", "password_confirmation": "x"}
    async with api_of(sandbox) as api:
        assert (await api("PUT", path, weak)).status_code == 200
        assert (await api("PUT", path, {**weak, "validate_policy": True})).status_code == 400
        assert (await api("PUT", path, {"password": "x"})).status_code == 400


async def test_an_unknown_path_of_v2_looks_like_a_refused_token() -> None:
    async with api_of(made(3)) as api:
        answers = [await api("GET", path) for path in ("/api/2/user", "/api/2/users/5/roles", "/api/1/nothing")]
        wrong_verb = await api("PATCH", "/api/2/users")
    assert [each.status_code for each in (*answers, wrong_verb)] == [401, 401, 404, 401]


async def test_the_simulations_time_goes_with_the_clock() -> None:
    clock = FakeClock()
    sandbox = made(3, clock)
    before = sandbox.timestamp()
    clock.advance(60)
    assert (before, sandbox.timestamp()) == ("2026-03-02T08:00:00.000Z", "2026-03-02T08:01:00.000Z")
