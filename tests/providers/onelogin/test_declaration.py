"""What a connection to OneLogin says of itself, what its settings do, and what it shows of odd records."""

from dataclasses import replace
from typing import Any

import pytest

from scim_bridge.clock import SYSTEM_CLOCK
from scim_bridge.config import settings
from scim_bridge.config_tables import ConfigError, Table
from scim_bridge.filters import parse
from scim_bridge.providers.onelogin import DAY_SECONDS, PROVIDER, RETRY_SECONDS, Facts, Settings
from scim_bridge.providers.onelogin.activities import EventType
from scim_bridge.providers.onelogin.sandbox_wire import v1_refusal
from scim_bridge.query.explain import explain
from scim_bridge.query.plan import Planner, Query
from tests.providers.onelogin.bridge import ENTERPRISE, URN, bridged, step
from tests.providers.onelogin.support import made

GIVEN = {"subdomain": "acme", "client_id": "id", "client_secret": "secret"}


def told(**more: Any) -> Settings:
    found: Settings = settings(PROVIDER, {**GIVEN, **more}, Table("test", "settings"))
    return found


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("active_statuses", []),
        ("active_statuses", [9]),
        ("active_statuses", [0]),
        ("active_statuses", [1, 2]),
        ("user_page_size", 0),
        ("user_page_size", 1001),
        ("role_page_size", 651),
        ("event_page_size", 1001),
        ("clear_with", "nothing"),
        ("native_text_match", "folded"),
        ("attributes", {"enterprise.nothing": "title"}),
        ("attributes", {"enterprise.costCenter": "cost_center"}),
        ("attributes", {"enterprise.costCenter": "custom_attributes."}),
        ("attributes", {"enterprise.costCenter": "group_id"}),
        ("attributes", {"title": "username"}),
    ],
)
def test_settings_that_cannot_work_are_refused(key: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=key):
        told(**{key: value})


def test_a_connection_goes_to_the_subdomain_or_where_it_is_told() -> None:
    assert PROVIDER.endpoint(told(), SYSTEM_CLOCK).base_url == "https://acme.onelogin.com"
    other = PROVIDER.endpoint(told(base_url="https://api.eu.onelogin.com/"), SYSTEM_CLOCK)
    assert other.base_url == "https://api.eu.onelogin.com"


def test_the_secret_is_in_no_repr() -> None:
    assert "secret'" not in repr(told()) and "***" in repr(told())


def test_facts_are_asked_for_again_sooner_where_they_are_missing() -> None:
    whole = Facts((EventType(5, "LOGIN"),), ("480000",))
    assert PROVIDER.refresh(told(), whole) == DAY_SECONDS
    assert PROVIDER.refresh(told(), replace(whole, types=())) == RETRY_SECONDS
    assert PROVIDER.refresh(told(activities=False), replace(whole, types=())) == DAY_SECONDS
    assert PROVIDER.refresh(told(), Facts()) == RETRY_SECONDS


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"id": 5, "name": "LOGIN", "description": "%user% came"}, EventType(5, "LOGIN", "%user% came")),
        ({"id": 5}, EventType(5, "5")),
        ({"name": "x"}, None),
        ("x", None),
    ],
)
def test_types_of_events_are_read_tolerantly(row: Any, expected: EventType | None) -> None:
    assert EventType.of(row) == expected


def explained(filter: str, **more: Any) -> tuple[str, tuple[str, ...], str | None]:
    users = PROVIDER.collections(told(**more), None)[0]
    found = explain(Planner(users), Query(parse(filter)))
    return found.strategy, found.pushed, found.residual


def test_plans_say_what_the_upstream_evaluates() -> None:
    known = {"native_text_match": "insensitive", "wildcards": True, "group_id_filter": True}
    assert explained('userName eq "Ana"') == ("scan", ("",), 'userName eq "Ana"')
    assert explained('userName eq "Ana"', **known)[:2] == ("lookup", ("username=Ana", "email=Ana"))
    assert explained('emails.value ew "@x.com"', **known)[:2] == ("scan", ("email=*@x.com",))
    assert explained('emails.value ew "@x.com"', native_text_match="insensitive")[1] == ("",)
    assert explained(f'{URN}:groupId eq "5"', **known)[1] == ("group_id=5",)
    assert explained(f'{URN}:groupId eq "5"')[1] == ("",)
    assert explained('userName eq "Müller"', **known)[1] == (
        "username=Müller", "username=Mu\u0308ller", "email=Müller", "email=Mu\u0308ller",
    )  # fmt: skip
    both = explained('externalId eq "A1" and meta.created gt "2026-01-01T00:00:00Z" and active eq true')
    assert both[1] == ("created_since=2025-12-31T23:59:59.000Z external_id=A1",) and both[2] is not None


@pytest.mark.parametrize("literal", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "2026-01-01T00:00:00"])
def test_times_that_cannot_be_bounded_are_checked_here(literal: str) -> None:
    assert explained(f'meta.created gt "{literal}"')[1] == ("",)


@pytest.mark.parametrize(("name", "pushed"), [("name", "name=100"), ("role_name", "role_name=100"), ("none", "")])
def test_roles_are_found_by_the_parameter_that_the_account_has(name: str, pushed: str) -> None:
    roles = PROVIDER.collections(told(role_name_filter=name), None)[1]
    assert explain(Planner(roles), Query(parse('displayName eq "100"'))).pushed == (pushed,)


# -- what discovery says -----------------------------------------------------------------------------------------------


async def schema(bridge: Any, urn: str) -> dict[str, Any]:
    document = await bridge.get(f"/Schemas/{urn}")
    return {each["name"]: each for each in document["attributes"]}


async def test_schemas_state_what_can_be_written() -> None:
    async with bridged(made(5)) as bridge:
        user = await schema(bridge, "urn:ietf:params:scim:schemas:core:2.0:User")
        enterprise, own = await schema(bridge, ENTERPRISE), await schema(bridge, URN)
        group = await schema(bridge, "urn:ietf:params:scim:schemas:core:2.0:Group")
    writable = {name for name, each in user.items() if each["mutability"] != "readOnly"}
    assert writable == {
        "userName", "name", "title", "preferredLanguage", "active", "password", "emails", "phoneNumbers",
    }  # fmt: skip
    assert {name for name, each in user.items() if each["required"]} == {"userName", "active", "emails"}
    assert {name for name, each in enterprise.items() if each["mutability"] == "readOnly"} == {"division"}
    assert {name for name, each in own.items() if each["mutability"] != "readOnly"} == {
        "groupId", "comment", "samAccountName", "userPrincipalName", "distinguishedName",
    }  # fmt: skip
    assert own["groupId"]["canonicalValues"] == ["480000", "480013", "480026"]
    types = next(each for each in user["emails"]["subAttributes"] if each["name"] == "type")
    assert types["canonicalValues"] == ["work"]
    assert set(group) == {"displayName", "members"}


async def test_the_groups_are_not_listed_where_they_cannot_be_read() -> None:
    sandbox = made(5)
    sandbox.fail("GET /api/1/groups", v1_refusal(401, "Unauthorized", "Insufficient Permission"), times=9)
    async with bridged(sandbox) as bridge:
        assert "canonicalValues" not in (await schema(bridge, URN))["groupId"]


async def test_more_groups_than_a_page_has_are_not_listed() -> None:
    sandbox = made(5)
    sandbox.store.groups |= {number: f"G{number}" for number in range(600_000, 600_060)}
    async with bridged(sandbox) as bridge:
        assert "canonicalValues" not in (await schema(bridge, URN))["groupId"]


# -- odd records -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ({"username": ""}, {"userName": "ana@example.com"}),
        ({"username": None, "email": None}, {"userName": "onelogin-130000007", "emails": None}),
        ({"firstname": None, "lastname": ""}, {"displayName": None, "name": None}),
        ({"firstname": "Ana", "lastname": None}, {"displayName": "Ana"}),
        ({"status": None}, {"active": None}),
        ({"title": ""}, {"title": None}),
        ({"created_at": None, "updated_at": "soon"}, {}),
    ],
)
async def test_what_is_missing_is_left_out_and_a_name_is_found(row: dict[str, Any], shown: dict[str, Any]) -> None:
    sandbox = made(1)
    user = sandbox.store.users[130_000_007]
    user |= {"username": "ana", "email": "ana@example.com", **row}
    async with bridged(sandbox) as bridge:
        found = (await bridge.get("/Users"))["Resources"][0]
    assert {name: found.get(name) for name in shown} == shown


@pytest.mark.parametrize(
    ("field", "value", "name", "shown"),
    [
        ("manager_ad_id", 7, "managerAdId", "7"),
        ("manager_ad_id", "x7", "managerAdId", "x7"),
        ("member_of", "CN=a", "memberOf", ["CN=a"]),
        ("member_of", ["CN=a", "CN=b"], "memberOf", ["CN=a", "CN=b"]),
        ("last_login", "0001-01-01T00:00:00.000Z", "lastLogin", None),
        ("locked_until", "2021-01-01T00:00:00.000Z", "lockedUntil", "2021-01-01T00:00:00.000Z"),
        ("status", 8, "status", 8),
        ("directory_id", 2200, "directoryId", "2200"),
    ],
)
async def test_the_extension_shows_what_only_onelogin_has(field: str, value: Any, name: str, shown: Any) -> None:
    sandbox = made(1)
    sandbox.store.users[130_000_007][field] = value
    async with bridged(sandbox) as bridge:
        found = await bridge.get("/Users/130000007", attributes=f"{URN}:{name}")
    assert found.get(URN, {}).get(name) == shown


async def test_ids_may_be_text_on_the_wire() -> None:
    sandbox = made(3)
    user = sandbox.store.users[130_000_014]
    user |= {"manager_user_id": "130000007", "role_ids": ["80000"]}
    async with bridged(sandbox) as bridge:
        found = await bridge.get("/Users/130000014")
    assert found[ENTERPRISE]["manager"]["value"] == "130000007"
    assert found["groups"] == [{"value": "80000", "type": "direct", "$ref": found["groups"][0]["$ref"]}]


async def test_who_is_listed_with_a_role_without_having_it_is_no_member() -> None:
    """Lists with `include_unassigned` have everybody."""
    sandbox = made(3)
    role = next(iter(sandbox.store.roles))
    async with bridged(sandbox) as bridge:
        relation = PROVIDER.collections(told(), None)[1].relations[0]
        assert relation.reads[0].element({"id": 5, "name": "x", "assigned": False}) is None
        members = (await bridge.get(f"/Groups/{role}"))["members"]
    assert {each["value"] for each in members} == set(map(str, sandbox.store.members[role]))


async def test_a_mapped_attribute_replaces_its_field() -> None:
    sandbox = made(3)
    sandbox.store.users[130_000_007]["custom_attributes"]["badge"] = "B-7"
    async with bridged(sandbox, attributes={"title": "custom_attributes.badge"}, wildcards=True) as bridge:
        assert (await bridge.get("/Users/130000007"))["title"] == "B-7"
        await bridge.patch("User", 130_000_007, step("replace", "title", "B-8"))
        assert await bridge.ids("User", 'title eq "B-8"') == {"130000007"}
    user = sandbox.store.users[130_000_007]
    assert user["custom_attributes"]["badge"] == "B-8"


async def test_an_unknown_custom_attribute_is_refused_with_its_name() -> None:
    sandbox = made(3)
    async with bridged(sandbox, attributes={"title": "custom_attributes.nothing"}) as bridge:
        answer = await bridge.patch("User", 130_000_007, step("replace", "title", "x"))
    assert answer.status_code == 400 and "unknown attribute: nothing" in answer.json()["detail"]


async def test_the_order_of_users_can_be_left_to_the_account() -> None:
    sandbox = made(3)
    for ordered, raw in ((True, "sort=%2Bid"), (False, "")):
        async with bridged(sandbox, ordered_by_id=ordered) as bridge:
            await bridge.get("/Users")
            assert (raw in sandbox.calls[0].raw_query) and ("sort" in sandbox.calls[0].query) is ordered


async def test_a_role_that_a_mapping_gives_comes_back() -> None:
    """Trap 16: the upstream says yes, and the answer to the next read says what came of it."""
    sandbox = made(30)
    role = next(iter(sandbox.store.roles))
    member = next(iter(sandbox.store.members[role]))
    sandbox.store.mapped.add((role, member))
    async with bridged(sandbox) as bridge:
        removal = step("remove", f'members[value eq "{member}"]')
        assert (await bridge.patch("Group", role, removal)).status_code == 204
        shown = (await bridge.get(f"/Groups/{role}"))["members"]
    assert str(member) in {each["value"] for each in shown}


async def test_who_leaves_while_a_list_is_read_hides_nobody_else() -> None:
    sandbox = made(160)
    async with bridged(sandbox) as bridge:
        sandbox.before["GET /api/2/users"] = [lambda: None, lambda: sandbox.store.remove_user(130_000_007)]
        answer = await bridge.ask("GET", "/Users", filter='title co "e"')
        assert (answer.status_code, "got shorter" in answer.json()["detail"]) == (502, True)
        assert (await bridge.ask("GET", "/Users", filter='title co "e"')).status_code == 200


async def test_a_filter_that_the_account_does_not_have_after_all_is_checked_here() -> None:
    sandbox = made(60)
    sandbox.knobs.search.group_id = False
    async with bridged(sandbox, group_id_filter=True) as bridge:
        found = await bridge.ids("User", f'{URN}:groupId eq "480013"')
    assert found == {str(each["id"]) for each in sandbox.store.users.values() if each["group_id"] == 480_013}


async def test_a_list_that_shifts_while_it_is_read_is_an_error_and_nobody_twice() -> None:
    """Trap 5: somebody comes at the beginning of a list that is in no order of ours."""
    sandbox = made(120)
    async with bridged(sandbox) as bridge:
        newcomer = {**sandbox.store.users[130_000_007], "id": 5, "username": "new", "email": "new@example.com"}
        sandbox.before["GET /api/2/users"] = [lambda: None, lambda: sandbox.store.put_user(newcomer)]
        answer = await bridge.ask("GET", "/Users", filter='title co "e"')
    assert (answer.status_code, "twice" in answer.json()["detail"]) == (502, True)
