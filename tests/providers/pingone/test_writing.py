"""Writing PingOne through SCIM: which upstream calls a change becomes, and what happens when one of them fails."""

from collections.abc import AsyncIterator
from copy import deepcopy
from typing import Any

import pytest

from scim_bridge.providers.pingone import PROVIDER, Settings
from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.query.capabilities import Resource, Row
from scim_bridge.query.directory import Changes, MemberChanges
from scim_bridge.query.relations import record_of
from scim_bridge.query.write import PartialWrite
from scim_bridge.upstream.errors import Conflict, NotFound, Rejected, Unavailable, UpstreamError
from scim_bridge.upstream.redact import Secret
from tests.providers.pingone.support import GROUP_URN, USER_URN, Connected, connected

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PASSWORD = "s3cret-Passw0rd"
ANA: Resource = {
    "userName": "ana.lopez",
    "externalId": "hr-1001",
    "name": {
        "formatted": "Dr. Ana M. Lopez",
        "familyName": "Lopez",
        "givenName": "Ana",
        "middleName": "M.",
        "honorificPrefix": "Dr.",
        "honorificSuffix": "PhD",
    },
    "nickName": "ana",
    "title": "Engineer",
    "userType": "Employee",
    "preferredLanguage": "en",
    "locale": "en-GB",
    "timezone": "Europe/London",
    "emails": [{"value": "ana.lopez@example.com", "type": "work"}],
    "phoneNumbers": [{"value": "+44.1130000001", "type": "other"}, {"value": "+44.7700900001", "type": "mobile"}],
    "photos": [{"value": "https://photos.example.com/ana.png", "type": "photo"}],
    "addresses": [
        {
            "streetAddress": "1 Quay St",
            "locality": "Leeds",
            "region": "WY",
            "postalCode": "LS1 1AA",
            "country": "GB",
            "type": "work",
        }
    ],
    USER_URN: {"accountId": "A-1"},
    ENTERPRISE: {"department": "R&D"},
}
AS_STORED: Row = {
    "username": "ana.lopez",
    "externalId": "hr-1001",
    "name": {
        "formatted": "Dr. Ana M. Lopez",
        "family": "Lopez",
        "given": "Ana",
        "middle": "M.",
        "honorificPrefix": "Dr.",
        "honorificSuffix": "PhD",
    },
    "nickname": "ana",
    "title": "Engineer",
    "type": "Employee",
    "preferredLanguage": "en",
    "locale": "en-GB",
    "timezone": "Europe/London",
    "email": "ana.lopez@example.com",
    "primaryPhone": "+44.1130000001",
    "mobilePhone": "+44.7700900001",
    "photo": {"href": "https://photos.example.com/ana.png"},
    "address": {
        "streetAddress": "1 Quay St",
        "locality": "Leeds",
        "region": "WY",
        "postalCode": "LS1 1AA",
        "countryCode": "GB",
    },
    "accountId": "A-1",
    "department": "R&D",
}


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(users=60)


@pytest.fixture
async def acme(sandbox: Sandbox) -> AsyncIterator[Connected]:
    async with connected(sandbox, attributes={"enterprise.department": "department"}) as found:
        yield found


async def create(connection: Connected, values: Resource, kind: str = "users", **members: Any) -> Resource:
    directory = getattr(connection, kind)
    row = await directory.create(directory.collection.written(deepcopy(values), None), members)
    return record_of(directory.collection, row).resource


async def change(connection: Connected, resource_id: str, values: Resource, kind: str = "users") -> Resource:
    """What a PATCH that replaces these attributes (None: removes them) leaves."""
    directory = getattr(connection, kind)
    row = await directory.row(resource_id)
    before = record_of(directory.collection, row).resource
    after = deepcopy({name: value for name, value in {**before, **values}.items() if value is not None})
    connection.calls()
    await directory.change(resource_id, row, Changes(before, directory.collection.written(after, None)))
    return record_of(directory.collection, connection.sandbox_row(resource_id, kind)).resource


def stored(sandbox: Sandbox, user: Resource) -> dict[str, Any]:
    return sandbox.store.users[user["id"]].data


def sent(connection: Connected) -> list[tuple[str, Any]]:
    """The writes that arrived, without the ids in their paths, and their bodies."""
    found = [
        (each.method, each.path.split("/"), each.body) for each in connection.sandbox.calls if each.method != "GET"
    ]
    connection.calls()
    return [("/".join([method, path[1], *path[3:]]), body) for method, path, body in found]


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


async def test_an_active_user_takes_one_call(acme: Connected) -> None:
    assert (await create(acme, {"userName": "ana", "active": True}))["active"] is True
    assert acme.calls() == ["POST /users"]


async def test_a_user_that_cannot_be_disabled_is_not_left_behind(acme: Connected, sandbox: Sandbox) -> None:
    sandbox.fail("PUT /users/.*/enabled", status=400, code="INVALID_DATA")
    with pytest.raises(Rejected):
        await create(acme, {"userName": "ana", "active": False})
    assert [name for name, _ in sent(acme)] == ["POST/users", "PUT/users/enabled", "DELETE/users"]
    assert len(sandbox.store.users) == 60


async def test_a_user_that_is_left_behind_is_told_of(acme: Connected, sandbox: Sandbox) -> None:
    sandbox.fail("PUT /users/.*/enabled", status=400, code="INVALID_DATA")
    sandbox.fail("DELETE /users/.*", status=403, code="ACCESS_FAILED")
    with pytest.raises(PartialWrite) as failure:
        await create(acme, {"userName": "ana", "active": False})
    assert failure.value.left == ("POST /users",)
    assert isinstance(failure.value.cause, Rejected)


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


@pytest.fixture
async def ana(acme: Connected) -> Resource:
    made = await create(acme, ANA)
    acme.calls()
    return made


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


def test_what_pingone_always_has_is_required_but_filled_in(sandbox: Sandbox) -> None:
    users = PROVIDER.collections(Settings("env", "client", Secret("x")), None)[0]
    for path in ("active", f"{USER_URN}:populationId"):
        found = users.resource.resolve(path)
        assert found is not None and found.attribute.required
    assert users.supplied == {"active", USER_URN, f"{USER_URN}:populationId"}


async def test_a_change_to_nothing_new_sends_nothing(acme: Connected, sandbox: Sandbox, ana: Resource) -> None:
    """A photo in PingOne's own spelling, an emptied attribute that was empty: no call."""
    row = await acme.users.row(ana["id"])
    acme.calls()
    before = record_of(acme.users.collection, row or {}).resource
    after = {**before, "profileUrl": "https://x.test"}
    assert await acme.users.change(ana["id"], row, Changes(before, after)) == row
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


async def test_a_change_of_several_calls_is_undone_when_a_later_one_fails(
    acme: Connected, sandbox: Sandbox, ana: Resource
) -> None:
    for merges in (True, False):
        sandbox.knobs.patch_merges_within = merges
        before = {name: value for name, value in stored(sandbox, ana).items() if name != "updatedAt"}
        sandbox.fail("PUT /users/.*/password", status=400, code="INVALID_DATA")
        with pytest.raises(Rejected):
            await change(
                acme,
                ana["id"],
                {
                    "active": False,
                    "password": PASSWORD,
                    "title": None,
                    "name": {"familyName": "Roe", "middleName": "Q."},
                    "displayName": None,
                    "addresses": None,
                    "nickName": "Annie",
                },
            )
        calls = [name for name, _ in sent(acme)]
        assert calls == [
            "PATCH/users",
            *["PUT/users/enabled"],
            "PUT/users/password",
            "PUT/users/enabled",
            "PATCH/users",
        ]
        after = {name: value for name, value in stored(sandbox, ana).items() if name != "updatedAt"}
        assert after == before


async def test_undoing_takes_away_what_was_not_there(acme: Connected, sandbox: Sandbox) -> None:
    """A name of which only a part was known: the new part goes again, whichever way PATCH merges."""
    made = await create(acme, {"userName": "ana", "name": {"givenName": "Ana"}})
    for merges in (True, False):
        sandbox.knobs.patch_merges_within = merges
        sandbox.fail("PUT /users/.*/enabled", status=400, code="INVALID_DATA")
        with pytest.raises(Rejected):
            await change(
                acme,
                made["id"],
                {"active": False, "title": "Boss", "name": {"givenName": "Ana", "familyName": "Lopez"}},
            )
        assert stored(sandbox, made)["name"] == {"given": "Ana"}
        assert "title" not in stored(sandbox, made)


async def test_what_cannot_be_undone_is_told_of(acme: Connected, sandbox: Sandbox, ana: Resource) -> None:
    """A password is set before a move that fails: nothing brings the old one back."""
    there = list(sandbox.store.populations)[1]
    sandbox.fail("PUT /users/.*/population", status=400, code="INVALID_DATA")
    with pytest.raises(PartialWrite) as failure:
        await change(
            acme, ana["id"], {"title": "Boss", "password": PASSWORD, USER_URN: {**ana[USER_URN], "populationId": there}}
        )
    assert failure.value.left == (f"PUT /users/{ana['id']}/password",)
    assert stored(sandbox, ana)["title"] == "Engineer"


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


# -- groups ------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def group(acme: Connected) -> Resource:
    values = {"displayName": "Managers", "externalId": "ad-77", GROUP_URN: {"description": "People managers"}}
    made = await create(acme, values, "groups")
    acme.calls()
    return made


def people(sandbox: Sandbox, *numbers: int) -> list[str]:
    everyone = list(sandbox.store.users)
    return [everyone[number] for number in numbers]


def users(ids: list[str]) -> tuple[Resource, ...]:
    return tuple({"value": each, "type": "User"} for each in ids)


async def test_a_group_is_created_with_its_members(acme: Connected, sandbox: Sandbox) -> None:
    ids = people(sandbox, 1, 2, 3)
    nested = (await create(acme, {"displayName": "Nested"}, "groups"))["id"]
    acme.calls()
    members = [*users(ids[:2]), {"value": ids[2]}, {"value": nested, "type": "Group"}]
    made = await create(acme, {"displayName": "Managers"}, "groups", members=members)
    calls = acme.calls()
    assert calls[0] == "POST /groups"
    assert sorted(calls[1:]) == sorted(
        [*(f"POST /users/{each}/memberOfGroups" for each in ids), f"POST /groups/{nested}/memberOfGroups"]
    )
    assert set(sandbox.store.direct[made["id"]]) == set(ids)
    assert made["id"] in sandbox.store.parents[nested]


async def test_a_group_whose_members_are_refused_is_not_left_behind(acme: Connected, sandbox: Sandbox) -> None:
    ids, groups = people(sandbox, 1, 2), len(sandbox.store.groups)
    members = [*users(ids), {"value": sandbox.new_id(), "type": "User"}]
    with pytest.raises(Rejected) as failure:
        await create(acme, {"displayName": "Managers"}, "groups", members=members)
    assert failure.value.target == "members"
    assert len(sandbox.store.groups) == groups


async def test_a_change_of_a_group_keeps_what_scim_does_not_know(
    acme: Connected, sandbox: Sandbox, group: Resource
) -> None:
    """Trap 7: there is no PATCH, and PUT wipes userFilter and customData when they are left out."""
    data = sandbox.store.groups[group["id"]].data
    data |= {
        "userFilter": "title sw 'Eng'",
        "customData": {"a": [1]},
        "population": {"id": next(iter(sandbox.store.populations))},
    }
    sandbox.store.changed()
    after = await change(acme, group["id"], {"displayName": "Bosses"}, "groups")
    ((call, body),) = sent(acme)
    assert call == "PUT/groups"
    kept = {name: value for name, value in data.items() if name not in ("id", "createdAt", "updatedAt")}
    assert body == {**kept, "name": "Bosses"}
    assert {**kept, "name": "Bosses"}.items() <= sandbox.store.groups[group["id"]].data.items()
    assert after["displayName"] == "Bosses"
    await change(acme, group["id"], {"externalId": None}, "groups")
    assert "externalId" not in sandbox.store.groups[group["id"]].data


async def test_a_taken_group_name_is_a_conflict(acme: Connected, group: Resource) -> None:
    with pytest.raises(Conflict):
        await create(acme, {"displayName": "managers"}, "groups")


async def test_what_makes_a_group_local_or_dynamic_is_only_shown(acme: Connected, sandbox: Sandbox) -> None:
    """The population is set when a group is made, and a filter is written in PingOne's own words."""
    for name in ("populationId", "userFilter", "sourceType"):
        found = acme.groups.collection.resource.resolve(f"{GROUP_URN}:{name}")
        assert found is not None and (found.attribute.mutability, found.attribute.returned) == ("readOnly", "request")
    population = next(iter(sandbox.store.populations))
    made = await create(acme, {"displayName": "Local", GROUP_URN: {"populationId": population}}, "groups")
    assert "population" not in sandbox.store.groups[made["id"]].data


async def test_one_more_member_of_ten_thousand_costs_one_write(acme: Connected, sandbox: Sandbox) -> None:
    group_id = await fill(sandbox, 10_000)
    newcomer = (await create(acme, {"userName": "newcomer"}))["id"]
    acme.calls()
    await acme.groups.change(group_id, None, Changes(members={"members": MemberChanges(added=users([newcomer]))}))
    assert acme.calls() == [f"POST /users/{newcomer}/memberOfGroups"]
    await acme.groups.change(group_id, None, Changes(members={"members": MemberChanges(removed=users([newcomer]))}))
    assert acme.calls() == [f"DELETE /users/{newcomer}/memberOfGroups/{group_id}"]
    assert len(sandbox.store.direct[group_id]) == 10_000


async def fill(sandbox: Sandbox, size: int) -> str:
    """A group with as many members."""
    user: dict[str, Any]
    population = next(iter(sandbox.store.populations))
    sandbox.store.put_group({"id": (group_id := sandbox.new_id()), "name": "Large"})
    for number in range(size):
        user = {
            "id": sandbox.new_id(),
            "username": f"member{number}",
            "population": {"id": population},
            "enabled": True,
        }
        sandbox.store.put_user(user)
        sandbox.store.join(user["id"], group_id)
    return group_id


async def test_replacing_members_changes_the_difference_only(
    acme: Connected, sandbox: Sandbox, group: Resource
) -> None:
    one, two, three = people(sandbox, 1, 2, 3)
    for each in (one, two):
        sandbox.store.join(each, group["id"])
    wanted = MemberChanges(exact=True, added=users([two, three]))
    await acme.groups.change(group["id"], None, Changes(members={"members": wanted}))
    assert sent(acme) == [
        ("DELETE/users/memberOfGroups/" + group["id"], None),
        ("POST/users/memberOfGroups", {"id": group["id"]}),
    ]
    assert set(sandbox.store.direct[group["id"]]) == {two, three}


async def members(acme: Connected, group: Resource, **changes: Any) -> None:
    await acme.groups.change(group["id"], None, Changes(members={"members": MemberChanges(**changes)}))


@pytest.mark.parametrize("status", [400, 201])
async def test_adding_a_member_again_is_no_error(
    acme: Connected, sandbox: Sandbox, group: Resource, status: int
) -> None:
    """What the vendor answers is not documented."""
    sandbox.knobs.repeated_membership = status
    for _ in range(2):
        await members(acme, group, added=users(people(sandbox, 1)))
    assert list(sandbox.store.direct[group["id"]]) == people(sandbox, 1)


async def test_taking_out_who_is_no_member_is_no_error(acme: Connected, sandbox: Sandbox, group: Resource) -> None:
    for element in (*users(people(sandbox, 1)), {"value": people(sandbox, 1)[0]}, {"value": "joe"}):
        await members(acme, group, removed=(element,))
    assert {name.partition("/")[0] for name, _ in sent(acme)} == {"DELETE"}


async def test_members_without_a_type_may_be_groups(acme: Connected, sandbox: Sandbox, group: Resource) -> None:
    nested = (await create(acme, {"displayName": "Nested"}, "groups"))["id"]
    await members(acme, group, added=({"value": nested},))
    assert group["id"] in sandbox.store.parents[nested]
    await members(acme, group, removed=({"value": nested},))
    assert group["id"] not in sandbox.store.parents[nested]


@pytest.mark.parametrize("status", [400, 404])
async def test_members_by_filter_cannot_be_taken_out(
    acme: Connected, sandbox: Sandbox, group: Resource, status: int
) -> None:
    """Trap 9: an error, whatever the vendor answers."""
    sandbox.knobs.indirect_removal = status
    sandbox.store.groups[group["id"]].data["userFilter"] = "enabled eq true"
    sandbox.store.changed()
    someone = next(iter(sandbox.store.users_in(group["id"])))
    with pytest.raises(Rejected):
        await members(acme, group, removed=users([someone]))


async def test_members_that_do_not_exist_are_refused(acme: Connected, sandbox: Sandbox, group: Resource) -> None:
    for element in ({"value": sandbox.new_id(), "type": "User"}, {"value": "joe"}, {"value": sandbox.new_id()}):
        with pytest.raises(Rejected) as failure:
            await members(acme, group, added=(element,))
        assert failure.value.target == "members"


async def test_a_group_that_does_not_exist_is_not_found(acme: Connected, sandbox: Sandbox) -> None:
    missing = {"id": sandbox.new_id()}
    for changes in ({"added": users(people(sandbox, 1))}, {"removed": users(people(sandbox, 1))}):
        with pytest.raises(NotFound):
            await members(acme, missing, **changes)
    with pytest.raises(NotFound):
        await acme.groups.delete(missing["id"])


async def test_members_that_were_changed_are_changed_back_when_one_is_refused(
    acme: Connected, sandbox: Sandbox, group: Resource
) -> None:
    one, two = people(sandbox, 1, 2)
    sandbox.store.join(one, group["id"])
    nobody = {"value": sandbox.new_id(), "type": "User"}
    with pytest.raises(Rejected):
        await members(acme, group, removed=users([one]), added=(*users([two]), nobody))
    assert list(sandbox.store.direct[group["id"]]) == [one]


async def test_a_member_of_another_population_is_refused(acme: Connected, sandbox: Sandbox) -> None:
    population = list(sandbox.store.populations)[1]
    made = {"id": sandbox.new_id()}
    sandbox.store.put_group({**made, "name": "Local", "population": {"id": population}})
    outsider = next(each for each, item in sandbox.store.users.items() if item.data["population"]["id"] != population)
    with pytest.raises(Rejected):
        await members(acme, made, added=users([outsider]))


# -- faults ------------------------------------------------------------------------------------------------------------


async def test_a_rate_limit_is_waited_for(acme: Connected, sandbox: Sandbox, ana: Resource) -> None:
    sandbox.limit(times=2, retry_after="3")
    await acme.users.delete(ana["id"])
    assert len(acme.calls()) == 3


async def test_an_expired_token_is_renewed_once(acme: Connected, sandbox: Sandbox, ana: Resource) -> None:
    sandbox.log.clear()
    sandbox.end_tokens()
    assert await acme.users.row(ana["id"]) is not None
    assert len(sandbox.log.sign_ins) == 1


async def test_a_create_is_not_repeated_on_an_error_of_the_vendor(acme: Connected, sandbox: Sandbox) -> None:
    sandbox.fail("POST /users", status=500)
    with pytest.raises(Unavailable):
        await create(acme, {"userName": "ana"})
    assert acme.calls() == ["POST /users"]


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_either_client_authentication_works(sandbox: Sandbox, method: str) -> None:
    sandbox.knobs.token_auth_method = method
    async with connected(sandbox) as acme:
        assert len(await acme.find("")) == 60
    assert sandbox.log.sign_ins == [method]


async def test_a_wrong_client_authentication_is_refused(sandbox: Sandbox) -> None:
    """Trap 20."""
    async with connected(sandbox, token_auth_method="client_secret_post") as acme:
        with pytest.raises(UpstreamError) as failure:
            await acme.find("")
    assert type(failure.value).__name__ == "AuthRefused"
    assert sandbox.client_secret not in repr(failure.value)


# -- population_ids ----------------------------------------------------------------------------------------------------


@pytest.fixture
def scope(sandbox: Sandbox) -> tuple[str, ...]:
    return tuple(sandbox.store.populations)[1:]


async def test_new_users_go_where_they_are_shown(sandbox: Sandbox, scope: tuple[str, ...]) -> None:
    """The environment's default population is outside."""
    async with connected(sandbox, population_ids=scope) as acme:
        made = await create(acme, {"userName": "ana"})
        assert made[USER_URN]["populationId"] == scope[0]
        named = await create(acme, {"userName": "ben", USER_URN: {"populationId": scope[1]}})
        assert named[USER_URN]["populationId"] == scope[1]
    async with connected(sandbox, population_id=scope[1]) as acme:
        made = await create(acme, {"userName": "cat"})
        assert made[USER_URN]["populationId"] == scope[1]


async def test_nothing_is_put_where_it_would_vanish(sandbox: Sandbox, scope: tuple[str, ...]) -> None:
    outside = next(iter(sandbox.store.populations))
    async with connected(sandbox, population_ids=scope) as acme:
        made = await create(acme, {"userName": "ana"})
        acme.calls()
        with pytest.raises(Rejected):
            await create(acme, {"userName": "ben", USER_URN: {"populationId": outside}})
        with pytest.raises(Rejected):
            await change(acme, made["id"], {"title": "Boss", USER_URN: {"populationId": outside}})
        assert sent(acme) == []


async def test_members_outside_the_scope_do_not_exist(sandbox: Sandbox, scope: tuple[str, ...]) -> None:
    everyone = sandbox.store.users.items()
    inside = next(each for each, item in everyone if item.data["population"]["id"] in scope)
    outside = next(each for each, item in everyone if item.data["population"]["id"] not in scope)
    async with connected(sandbox, population_ids=scope) as acme:
        group = await create(acme, {"displayName": "Managers"}, "groups")
        sandbox.store.join(outside, group["id"])
        await members(acme, group, added=users([inside]))
        acme.calls()
        with pytest.raises(Rejected):
            await members(acme, group, added=users([outside]))
        await members(acme, group, removed=users([outside]))
        assert sent(acme) == []
    assert set(sandbox.store.direct[group["id"]]) == {inside, outside}
