"""Writing users: which upstream calls a change becomes."""

from copy import deepcopy
from typing import Any

import pytest

from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.query.capabilities import Resource
from scim_bridge.query.directory import Changes
from scim_bridge.query.relations import record_of
from scim_bridge.upstream.errors import Conflict, NotFound, Rejected
from tests.providers.pingone.support import USER_URN, Connected, connected
from tests.providers.pingone.writing import (
    ANA,
    AS_STORED,
    ENTERPRISE,
    PASSWORD,
    change,
    create,
    sent,
    stored,
)

# -- creating users ----------------------------------------------------------------------------------------------------


async def test_every_mapped_attribute_is_stored_and_shown_again(acme: Connected, sandbox: Sandbox) -> None:
    made = await create(acme, ANA)
    assert acme.calls() == ["POST /users"]
    raw = stored(sandbox, made)
    assert {name: raw[name] for name in AS_STORED} == AS_STORED
    for name, value in ANA.items():
        if name in ("emails", "photos", "addresses"):
            assert made[name] == [{**value[0], "primary": True}]
        elif name == USER_URN:
            assert made[name]["accountId"] == "A-1"
        else:
            assert made[name] == value
    assert made["displayName"] == "Dr. Ana M. Lopez"


async def test_a_display_name_alone_becomes_the_full_name(acme: Connected, sandbox: Sandbox) -> None:
    made = await create(acme, {"userName": "ana", "displayName": "Ana Lopez"})
    assert stored(sandbox, made)["name"] == {"formatted": "Ana Lopez"}
    assert (made["displayName"], made["name"]) == ("Ana Lopez", {"formatted": "Ana Lopez"})


async def test_a_password_makes_a_create_an_import(acme: Connected, sandbox: Sandbox) -> None:
    """Trap 5; nothing that sends mail comes along (trap 6)."""
    made = await create(acme, {"userName": "ana", "password": PASSWORD})
    call = sandbox.calls[-1]
    assert call.content_type == "application/vnd.pingidentity.user.import+json"
    assert call.body == {"username": "ana", "password": {"value": PASSWORD}}
    assert "password" not in made
    assert stored(sandbox, made)["password"] == "OK"


async def test_an_inactive_user_is_created_then_disabled(acme: Connected, sandbox: Sandbox) -> None:
    """Trap 4."""
    made = await create(acme, {"userName": "ana", "active": False})
    assert acme.calls() == ["POST /users", f"PUT /users/{made['id']}/enabled", f"GET /users/{made['id']}"]
    assert made["active"] is False
    assert made[USER_URN]["canAuthenticate"] is False
    assert stored(sandbox, made)["enabled"] is False


@pytest.mark.parametrize("username", ["ana.lopez", "ANA.LOPEZ"])
async def test_a_taken_name_is_a_conflict(acme: Connected, username: str) -> None:
    """Trap 1: the vendor says 400."""
    await create(acme, ANA)
    with pytest.raises(Conflict) as failure:
        await create(acme, {"userName": username})
    assert failure.value.target == "username"
    assert "UNIQUENESS_VIOLATION" in failure.value.codes


@pytest.mark.parametrize(
    ("values", "target"),
    [
        ({"name": {"familyName": "Smith, Jr"}}, "name.family"),  # trap 27
        ({"timezone": "UTC"}, "timezone"),  # trap 27
        ({"addresses": [{"type": "work", "country": "GBR"}]}, "address.countryCode"),  # trap 26
        ({"emails": [{"type": "work", "value": "nobody"}]}, "email"),
        ({"phoneNumbers": [{"type": "mobile", "value": "none"}]}, "mobilePhone"),
    ],
)
async def test_a_refused_value_is_named(acme: Connected, values: Resource, target: str) -> None:
    with pytest.raises(Rejected) as failure:
        await create(acme, {"userName": "ana", **values})
    assert failure.value.target == target
    assert target in failure.value.detail


async def test_a_secret_that_is_refused_is_not_repeated(acme: Connected, sandbox: Sandbox) -> None:
    sandbox.fail("POST /users", status=400, code="INVALID_DATA")
    with pytest.raises(Rejected) as failure:
        await create(acme, {"userName": "ana", "password": PASSWORD})
    assert PASSWORD not in repr(failure.value) + str(failure.value)


# -- changing users ----------------------------------------------------------------------------------------------------


async def test_a_change_sends_what_changed_and_no_more(acme: Connected, sandbox: Sandbox, ana: Resource) -> None:
    """Trap 2: PATCH, as PUT wipes what is left out."""
    after = await change(acme, ana["id"], {"title": "Boss", ENTERPRISE: {"department": "Sales"}})
    assert sent(acme) == [("PATCH/users", {"title": "Boss", "department": "Sales"})]
    assert {**AS_STORED, "title": "Boss", "department": "Sales"}.items() <= stored(sandbox, ana).items()
    assert after["title"] == "Boss"


@pytest.mark.parametrize("merges", [True, False])
@pytest.mark.parametrize(
    ("values", "body", "kept"),
    [
        (
            {"name": {"familyName": "Lopez", "givenName": "Anna"}, "displayName": None},
            {
                "name": {
                    "family": "Lopez",
                    "given": "Anna",
                    "formatted": None,
                    "middle": None,
                    "honorificPrefix": None,
                    "honorificSuffix": None,
                }
            },
            {"name": {"family": "Lopez", "given": "Anna"}},
        ),
        ({"name": None, "displayName": None}, {"name": None}, {"name": None}),
        ({"name": {"formatted": "Ana"}}, None, {"name": {"formatted": "Ana"}}),
        ({"displayName": "Ana"}, None, {"name": {**AS_STORED["name"], "formatted": "Ana"}}),
        (
            {"addresses": [{"locality": "York", "country": "GB", "type": "work"}]},
            None,
            {"address": {"locality": "York", "countryCode": "GB"}},
        ),
        ({"addresses": None}, {"address": None}, {"address": None}),
        ({"photos": None}, {"photo": None}, {"photo": None}),
        ({"photos": [{"value": "https://x.test/1", "type": "photo"}]}, None, {"photo": {"href": "https://x.test/1"}}),
        ({"emails": None, "nickName": None}, {"email": None, "nickname": None}, {"email": None, "nickname": None}),
        (
            {"phoneNumbers": [{"value": "+1 2", "type": "mobile"}]},
            {"primaryPhone": None, "mobilePhone": "+1 2"},
            {"primaryPhone": None, "mobilePhone": "+1 2"},
        ),
        ({USER_URN: {}}, {"accountId": None}, {"accountId": None}),
    ],
)
async def test_parts_go_whole_and_null_clears(
    acme: Connected, sandbox: Sandbox, ana: Resource, merges: bool, values: Resource, body: Any, kept: dict[str, Any]
) -> None:
    """Section 3: whether PATCH merges within a sub-object is UNVERIFIED, so the outcome must not depend on it."""
    sandbox.knobs.patch_merges_within = merges
    await change(acme, ana["id"], values)
    ((call, arrived),) = sent(acme)
    assert call == "PATCH/users"
    if body is not None:
        assert arrived == body
    raw = stored(sandbox, ana)
    assert {name: raw.get(name) for name in AS_STORED} == {**AS_STORED, **kept}


@pytest.mark.parametrize("removed", ["name", "displayName"])
async def test_either_of_two_names_for_one_field_can_be_removed(
    acme: Connected, sandbox: Sandbox, ana: Resource, removed: str
) -> None:
    row = await acme.users.row(ana["id"])
    collection = acme.users.collection
    before = record_of(collection, row or {}).resource
    after = collection.written({name: value for name, value in before.items() if name != removed}, before)
    assert "displayName" not in after and "formatted" not in after.get("name", {})
    await acme.users.change(ana["id"], row, Changes(before, after))
    assert "formatted" not in stored(sandbox, ana).get("name", {})


async def test_a_change_to_nothing_new_sends_nothing(acme: Connected, sandbox: Sandbox, ana: Resource) -> None:
    """A photo in PingOne's own spelling, an emptied attribute that was empty: no call."""
    row = await acme.users.row(ana["id"])
    acme.calls()
    before = record_of(acme.users.collection, row or {}).resource
    after = {**before, "profileUrl": "https://x.test"}
    told = await acme.users.change(ana["id"], row, Changes(before, after))
    assert told is not None and told.row == row
    assert acme.calls() == []


async def test_active_is_written_only_when_it_changes(acme: Connected, sandbox: Sandbox, ana: Resource) -> None:
    """Trap 3: it has an endpoint of its own."""
    assert (await change(acme, ana["id"], {"active": False}))["active"] is False
    assert sent(acme) == [("PUT/users/enabled", {"enabled": False})]
    await change(acme, ana["id"], {"active": False, "title": "Boss"})
    assert sent(acme) == [("PATCH/users", {"title": "Boss"})]
    await change(acme, ana["id"], {"active": True})
    assert sent(acme) == [("PUT/users/enabled", {"enabled": True})]


async def test_what_every_user_has_cannot_be_cleared(acme: Connected, sandbox: Sandbox, ana: Resource) -> None:
    await change(acme, ana["id"], {"active": False})
    before = deepcopy(stored(sandbox, ana))
    acme.calls()
    await change(acme, ana["id"], {"active": None, USER_URN: {"accountId": "A-1"}})
    assert sent(acme) == []
    assert stored(sandbox, ana) == before


async def test_a_password_is_set_by_its_own_endpoint(acme: Connected, sandbox: Sandbox, ana: Resource) -> None:
    await change(acme, ana["id"], {"password": PASSWORD})
    call = next(each for each in sandbox.calls if each.method != "GET")
    assert call.content_type == "application/vnd.pingidentity.password.set+json"
    assert sent(acme) == [("PUT/users/password", {"value": PASSWORD, "forceChange": False})]
    assert stored(sandbox, ana)["password"] == "OK"


async def test_a_user_moves_to_another_population(acme: Connected, sandbox: Sandbox, ana: Resource) -> None:
    there = list(sandbox.store.populations)[1]
    after = await change(acme, ana["id"], {"title": "Boss", USER_URN: {**ana[USER_URN], "populationId": there}})
    assert sent(acme) == [("PATCH/users", {"title": "Boss"}), ("PUT/users/population", {"id": there})]
    assert after[USER_URN]["populationId"] == there


async def test_locked_users_are_unlocked_where_locks_count_as_inactive(sandbox: Sandbox) -> None:
    async with connected(sandbox, locked_is_inactive=True) as acme:
        made = await create(acme, ANA)
        stored(sandbox, made)["account"] = {"canAuthenticate": False, "status": "LOCKED"}
        assert (await change(acme, made["id"], {"title": "Boss"}))["active"] is False
        assert sent(acme) == [("PATCH/users", {"title": "Boss"})]
        assert (await change(acme, made["id"], {"active": True}))["active"] is True
        assert sent(acme) == [("POST/users", None)]
        assert stored(sandbox, made)["account"] == {"canAuthenticate": True, "status": "OK"}


async def test_locks_are_left_alone_otherwise(acme: Connected, sandbox: Sandbox, ana: Resource) -> None:
    stored(sandbox, ana)["account"] = {"canAuthenticate": False, "status": "LOCKED"}
    assert (await change(acme, ana["id"], {"active": True, "title": "Boss"}))["active"] is True
    assert sent(acme) == [("PATCH/users", {"title": "Boss"})]
    assert stored(sandbox, ana)["account"]["status"] == "LOCKED"


async def test_a_user_is_deleted_once(acme: Connected, ana: Resource) -> None:
    await acme.users.delete(ana["id"])
    assert acme.calls() == [f"DELETE /users/{ana['id']}"]
    with pytest.raises(NotFound):
        await acme.users.delete(ana["id"])
