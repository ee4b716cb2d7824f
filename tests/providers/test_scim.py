"""The `scim` provider in front of scim2-server: discovery, reading and writing, with upstream requests counted."""

import math
from typing import Any

import httpx
import pytest
from scim2_models import ScimFilter
from scim2_server.utils import parametrize

from scim_bridge.filters import parse
from scim_bridge.providers.scim.sandbox import ENTERPRISE, GROUP, USER, Sandbox
from scim_bridge.query.directory import Changes, Directory, MemberChanges
from scim_bridge.query.plan import Query, Sort
from scim_bridge.upstream.errors import Conflict, NotFound, Rejected
from tests.providers.scim_server import Bridge, answer, bridge, comparing_case, offering

FILTERS = (
    'userName eq "PERSON@corp.example"',
    'userName sw "A" or name.familyName eq "jensen"',
    'name.familyName sw "s" and title co "ENG"',
    'emails.value co "person.1"',
    'emails[type eq "WORK" and value ew "9@corp.example"]',
    "active eq true and title pr",
    "not (title pr)",
    'title ne "Engineer"',
    'displayName co "ö"',
    'name.givenName eq "chloé"',
    'name.givenName eq "Dana "',
    f'{ENTERPRISE}:department eq "sales" and {ENTERPRISE}:employeeNumber ge "1010"',
    f'{ENTERPRISE}:department eq "r&d" and not (active eq true)',
    'externalId eq "E00003" or externalId eq "e00004" or id eq "u00001"',
    'meta.lastModified ge "2020-01-01T00:00:00Z" and meta.created lt "2020-01-01T00:00:00Z"',
    'userName co "%" or userName co "\\"" or displayName eq ""',
)


async def found(directory: Directory, text: str | None = None, **query: Any) -> list[str]:
    """The ids a query finds, all pages of it."""
    node = None if text is None else parse(text)
    ids: list[str] = []
    while True:
        page = await directory.reader.search(Query(filter=node, offset=len(ids), **query))
        ids += [each["id"] for each in page.resources]
        if not page.resources or len(ids) >= (page.total or 0):
            assert len(ids) == page.total
            return ids


def matching(server: Sandbox, text: str) -> list[str]:
    """What scim2-models itself says that a filter finds among the server's users."""
    model = server.provider.model_for("User")
    users = [each for each in server.memory.resources if model is not None and isinstance(each, model)]
    check: Any = parametrize(ScimFilter, model)(text)
    return sorted(str(each.id) for each in users if check.match(each))


def pushed(directory: Directory, text: str) -> list[str]:
    plan = directory.reader.planner.plan(Query(filter=parse(text)))
    parameters = ["&".join(f"{name}={value}" for name, value in each.params.items()) for each in plan.branches]
    return [f"GET {each.path}?{sent}".rstrip("?") for each, sent in zip(plan.branches, parameters, strict=True)]


async def changed(directory: Directory, resource_id: str, **values: Any) -> Any:
    """Change attributes as a PATCH does; None unsets. Returns what the upstream has afterwards."""
    row = await directory.row(resource_id)
    assert row is not None
    before = directory.collection.decode(row)
    after = {name: value for name, value in {**before, **values}.items() if value is not None}
    await directory.change(resource_id, row, Changes(before, after))
    return await directory.reader.get(resource_id, ())


# -- discovery ---------------------------------------------------------------------------------------------------------


async def test_opening_a_connection_costs_about_twenty_requests_a_type_and_writes_nothing() -> None:
    server = Sandbox(25)
    before = [each.model_dump() for each in server.memory.resources]
    opened = await bridge(server)
    assert list(opened.directories) == ["/Users", "/Groups"]
    assert opened.discovery[:3] == ["GET /ServiceProviderConfig", "GET /ResourceTypes", "GET /Schemas"]
    assert len(opened.discovery) <= 3 + 2 * 23
    assert [each.model_dump() for each in server.memory.resources] == before


async def test_a_server_is_asked_no_more_than_so_much_however_bad_it_is() -> None:
    def odd(request: httpx.Request) -> httpx.Response | None:
        refused = any(word in request.url.params.get("filter", "") for word in (" and ", " or ", " co ", "title"))
        return answer({"detail": "no"}, 400) if refused else None

    opened = await bridge(refuse=odd)
    assert len([call for call in opened.discovery if call.startswith("GET /Users?")]) <= 60
    assert pushed(opened.users, 'externalId eq "E1" and title eq "x"') == ['GET /Users?filter=externalId eq "E1"']


async def test_a_server_without_people_proves_nothing_and_still_answers() -> None:
    opened = await bridge(Sandbox(0))
    assert pushed(opened.users, 'userName eq "x"') == ["GET /Users"]
    assert await found(opened.users, 'userName eq "x"') == []


# -- reading -----------------------------------------------------------------------------------------------------------


async def test_a_crawl_in_pages_of_the_server_sees_each_user_once() -> None:
    server = Sandbox(50, offering(max_results=7))
    opened = await bridge(server)
    ids = await found(opened.users, count=7)
    assert sorted(ids) == matching(server, "userName pr")
    assert len(set(ids)) == 50
    assert len(opened.spent()) == math.ceil(50 / 7)


async def test_one_large_page_takes_as_many_requests_as_the_server_has_pages() -> None:
    opened = await bridge(Sandbox(50, offering(max_results=20)))
    page = await opened.users.reader.search(Query(count=50))
    assert (len(page.resources), page.total) == (50, 50)
    assert len(opened.spent()) == 3


async def test_an_id_is_looked_up_and_compared_with_case() -> None:
    opened = await bridge()
    assert await found(opened.users, 'id eq "u00001"') == ["u00001"]
    assert opened.spent() == ["GET /Users/u00001"]
    assert await found(opened.users, 'id eq "U00001"') == []
    assert opened.spent() == ["GET /Users/U00001"]


@pytest.mark.parametrize("resource_id", ["", "..", ".search", "a/../b", "a\nb"])
async def test_what_no_path_can_name_is_no_id_and_costs_no_request(resource_id: str) -> None:
    opened = await bridge()
    assert await opened.users.row(resource_id) is None
    assert opened.spent() == []


async def test_a_user_name_in_any_case_is_one_request() -> None:
    opened = await bridge()
    user = await opened.users.reader.get("u00003", ())
    assert user is not None
    opened.spent()
    assert await found(opened.users, f'userName eq "{user["userName"].upper()}"') == ["u00003"]
    assert len(opened.spent()) == 1


@pytest.mark.parametrize("text_match", ["unknown", "insensitive"])
async def test_filters_find_what_scim2_models_finds(text_match: str) -> None:
    await _finds_what_there_is(Sandbox(40, offering(max_results=15)), native_text_match=text_match)


async def test_filters_are_exact_on_a_server_that_compares_case() -> None:
    await _finds_what_there_is(Sandbox(40), fault=comparing_case)


async def test_filters_are_exact_on_a_server_without_them() -> None:
    opened = await _finds_what_there_is(Sandbox(40, offering(filters=False)))
    assert [call for call in (*opened.discovery, *opened.spent()) if "filter=" in call] == []


async def _finds_what_there_is(server: Sandbox, **options: Any) -> Bridge:
    opened = await bridge(server, **options)
    for text in FILTERS:
        assert (text, sorted(await found(opened.users, text))) == (text, matching(server, text))
    return opened


async def test_what_is_proven_is_pushed_as_far_as_it_goes() -> None:
    opened = await bridge()
    text = '(userName sw "a" or displayName co "b") and active eq true and title ne "c" and not (nickName pr)'
    assert pushed(opened.users, text) == [
        'GET /Users?filter=(userName sw "a" or displayName co "b") and active eq true'
    ]


@pytest.mark.parametrize("text", ['displayName co "ö"', 'displayName eq "a\\"b"', 'displayName eq "a "', 'title eq ""'])
async def test_text_that_a_server_may_misread_is_pushed_only_where_the_settings_vouch_for_it(text: str) -> None:
    assert pushed((await bridge()).users, text) == ["GET /Users"]
    vouched = pushed((await bridge(native_text_match="insensitive")).users, text)
    assert vouched == (["GET /Users"] if text.endswith('""') else [f"GET /Users?filter={text}"])


async def test_only_what_has_no_case_is_pushed_to_a_server_that_compares_it() -> None:
    opened = await bridge(fault=comparing_case)
    assert pushed(opened.users, 'userName eq "ada"') == ["GET /Users"]
    assert pushed(opened.users, 'userName eq "123"') == ['GET /Users?filter=userName eq "123"']
    assert pushed(opened.users, 'externalId eq "E1"') == ['GET /Users?filter=externalId eq "E1"']


async def test_dates_are_asked_for_with_a_second_to_spare() -> None:
    opened = await bridge()
    assert pushed(opened.users, 'meta.lastModified gt "2026-01-01T01:00:00.5+01:00"') == [
        'GET /Users?filter=meta.lastModified gt "2025-12-31T23:59:59.500Z"'
    ]
    assert pushed(opened.users, 'meta.lastModified le "2026-01-01T00:00:00Z"') == [
        'GET /Users?filter=meta.lastModified le "2026-01-01T00:00:01.000Z"'
    ]
    for unbounded in ("2026-01-01T00:00:00", "0001-01-01T00:00:00Z"):
        assert pushed(opened.users, f'meta.lastModified ge "{unbounded}"') == ["GET /Users"]


@pytest.mark.parametrize("descending", [False, True])
async def test_sorting_is_done_here_and_later_pages_cost_nothing(descending: bool) -> None:
    server = Sandbox(30, offering(max_results=10))
    opened = await bridge(server)
    ids = await found(opened.users, sort=Sort("name.familyName", descending), count=10)
    users: list[Any] = [each for each in server.memory.resources if hasattr(each, "user_name")]
    family = {each.id: each.name.family_name.lower() for each in users}
    assert [family[each] for each in ids] == sorted(family.values(), reverse=descending)
    assert len(opened.spent()) == 3


# -- relations ---------------------------------------------------------------------------------------------------------


async def test_members_come_with_the_list_of_groups() -> None:
    opened = await bridge()
    page = await opened.groups.reader.search(Query(relations=frozenset({"members"})))
    assert {each["displayName"]: len(each["members"]) for each in page.resources}["R&D"] == 7
    assert page.resources[0]["members"][0] == {"value": "u00001", "type": "User"}
    assert len(opened.spent()) == 1


async def test_a_group_without_members_is_read_by_itself_only_where_lists_were_not_seen_to_tell() -> None:
    opened = await bridge()
    await opened.groups.create({"schemas": [GROUP], "displayName": "Empty"}, {})
    opened.spent()
    query = Query(filter=parse('displayName eq "empty"'), relations=frozenset({"members"}))
    assert "members" not in (await opened.groups.reader.search(query)).resources[0]
    assert len(opened.spent()) == 1
    unseen = await bridge(Sandbox(0))
    await unseen.groups.create({"schemas": [GROUP], "displayName": "Empty"}, {})
    unseen.spent()
    assert "members" not in (await unseen.groups.reader.search(query)).resources[0]
    assert unseen.spent()[-1] == "GET /Groups/g00001"


async def test_the_groups_of_a_user_are_those_that_have_it_as_a_member() -> None:
    opened = await bridge()
    assert "groups" not in (await opened.users.reader.get("u00001", ()) or {})
    opened.spent()
    user = await opened.users.reader.get("u00001", ["groups"])
    assert user is not None
    assert [(each["display"], each["type"]) for each in user["groups"]] == [("R&D", "direct")]
    team = user["groups"][0]["value"]
    assert opened.spent() == [
        "GET /Users/u00001",
        'GET /Groups?excludedAttributes=members&filter=members.value eq "u00001"&startIndex=1&count=1000',
        f'GET /Groups?excludedAttributes=members&filter=members.value eq "{team}"&startIndex=1&count=1000',
    ]


async def test_groups_are_found_by_a_member_with_case() -> None:
    opened = await bridge()
    assert len(await found(opened.groups, 'members[value eq "u00001"]')) == 1
    assert len(opened.spent()) == 1
    assert await found(opened.groups, 'members.value eq "U00001"') == []


# -- writing -----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=[True, False], ids=["patch", "put"])
async def either(request: pytest.FixtureRequest) -> Bridge:
    """A server with PATCH, and one without."""
    return await bridge(Sandbox(8, offering(patch=request.param)))


async def test_a_user_lives_and_dies(either: Bridge) -> None:
    values = {"schemas": [USER], "userName": "new@corp.example", "password": "s3cret-pass", "active": True}
    made = await either.users.create(values, {})
    assert either.spent() == ["POST /Users"]
    user = await changed(either.users, made.id, active=False, title="Boss")
    assert (user["active"], user["title"], "password" in user) == (False, "Boss", False)
    await either.users.delete(made.id)
    assert await either.users.row(made.id) is None
    with pytest.raises(NotFound):
        await either.users.delete(made.id)


async def test_a_change_says_all_that_it_changes_and_nothing_else(either: Bridge) -> None:
    before = await either.users.reader.get("u00001", ())
    assert before is not None
    name = {"familyName": "Neu"}
    department = {"employeeNumber": before[ENTERPRISE]["employeeNumber"]}
    user = await changed(either.users, "u00001", name=name, displayName=None, emails=None, **{ENTERPRISE: department})
    gone = {"displayName", "emails", "name", ENTERPRISE, "meta"}
    assert user["name"] == name
    assert user[ENTERPRISE] == department
    assert "displayName" not in user
    assert "emails" not in user
    assert {k: v for k, v in user.items() if k not in gone} == {k: v for k, v in before.items() if k not in gone}


async def test_a_patch_is_one_request_with_an_operation_for_each_attribute() -> None:
    opened = await bridge(Sandbox(3))
    row = await opened.users.row("u00001")
    assert row is not None
    opened.spent()
    before = opened.users.collection.decode(row)
    after = {**before, "name": {"familyName": "Neu"}, "nickName": "N", ENTERPRISE: {"department": "IT"}}
    del after["externalId"]
    assert await opened.users.change("u00001", row, Changes(before, after)) is None  # 204: to be read again
    [body] = opened.wire.bodies
    assert body["Operations"] == [
        {"op": "remove", "path": "externalId"},
        {"op": "remove", "path": "name.givenName"},
        {"op": "replace", "path": "name", "value": {"familyName": "Neu"}},
        {"op": "remove", "path": f"{ENTERPRISE}:employeeNumber"},
        {"op": "replace", "path": f"{ENTERPRISE}:department", "value": "IT"},
        {"op": "replace", "path": "nickName", "value": "N"},
    ]
    assert opened.spent() == ["PATCH /Users/u00001"]


async def test_members_are_added_and_removed_in_one_request_each() -> None:
    opened = await bridge(Sandbox(30))
    [group] = await found(opened.groups, 'displayName eq "Sales"')
    people = tuple({"value": f"u{number:05}", "type": "User"} for number in (1, 3, 5, 7))
    opened.spent()
    await opened.groups.change(group, None, Changes(members={"members": MemberChanges(added=people)}))
    assert opened.spent() == [f"PATCH /Groups/{group}"]
    values = [each["value"] for each in await opened.groups.members(group, "members")]
    assert {each["value"] for each in people} <= set(values)
    opened.spent()
    removed = ({"value": "u00001"}, {"value": "u00005"}, {"value": "nobody"})
    await opened.groups.change(group, None, Changes(members={"members": MemberChanges(removed=removed)}))
    assert opened.spent() == [f"PATCH /Groups/{group}"]
    kept = [each["value"] for each in await opened.groups.members(group, "members")]
    assert kept == [each for each in values if each not in ("u00001", "u00005")]


async def test_a_thousand_members_are_two_requests() -> None:
    opened = await bridge(Sandbox(1))
    made = await opened.groups.create({"schemas": [GROUP], "displayName": "All"}, {})
    opened.spent()
    people = tuple({"value": f"p{number}"} for number in range(1000))
    await opened.groups.change(made.id, None, Changes(members={"members": MemberChanges(added=people)}))
    assert opened.spent() == [f"PATCH /Groups/{made.id}"] * 2
    assert len(await opened.groups.members(made.id, "members")) == 1000


async def test_without_patch_members_are_merged_into_the_group() -> None:
    opened = await bridge(Sandbox(8, offering(patch=False)))
    [group] = await found(opened.groups, 'displayName eq "Sales"')
    before = [each["value"] for each in await opened.groups.members(group, "members")]
    opened.spent()
    added, gone = tuple({"value": f"p{number}"} for number in range(1000)), ({"value": before[0]},)
    change = MemberChanges(added=added, removed=gone)
    await opened.groups.change(group, None, Changes(members={"members": change}))
    assert opened.spent() == [f"GET /Groups/{group}", f"PUT /Groups/{group}"] * 2
    after = [each["value"] for each in await opened.groups.members(group, "members")]
    assert after == before[1:] + [each["value"] for each in added]


async def test_adding_who_is_there_without_patch_writes_nothing() -> None:
    opened = await bridge(Sandbox(8, offering(patch=False)))
    [group] = await found(opened.groups, 'displayName eq "Sales"')
    held = tuple(await opened.groups.members(group, "members"))
    opened.spent()
    await opened.groups.change(group, None, Changes(members={"members": MemberChanges(added=held)}))
    assert opened.spent() == [f"GET /Groups/{group}"]


async def test_a_server_that_minds_removing_who_is_no_member_is_told_of_members_alone() -> None:
    def strict(request: httpx.Request) -> httpx.Response | None:
        minds = request.method == "PATCH" and b"nobody" in request.content
        return answer({"status": "400", "scimType": "noTarget", "detail": "no such member"}, 400) if minds else None

    opened = await bridge(Sandbox(8), refuse=strict)
    [group] = await found(opened.groups, 'displayName eq "Sales"')
    held = [each["value"] for each in await opened.groups.members(group, "members")]
    opened.spent()
    gone = ({"value": held[0]}, {"value": "nobody"})
    await opened.groups.change(group, None, Changes(members={"members": MemberChanges(removed=gone)}))
    assert [call.partition(" ")[0] for call in opened.spent()] == ["PATCH", "GET", "PATCH"]
    assert [each["value"] for each in await opened.groups.members(group, "members")] == held[1:]


async def test_a_taken_user_name_is_a_conflict() -> None:
    opened = await bridge(Sandbox(3))
    user = await opened.users.reader.get("u00001", ())
    assert user is not None
    with pytest.raises(Conflict) as refused:
        await opened.users.create({"schemas": [USER], "userName": user["userName"].upper()}, {})
    assert refused.value.codes == ("uniqueness",)


async def test_a_refused_value_names_its_kind() -> None:
    opened = await bridge(Sandbox(3))
    with pytest.raises(Rejected) as refused:
        await opened.users.create({"schemas": [USER], "title": "nobody"}, {})
    assert refused.value.status == 400
    assert refused.value.codes == ("invalidValue",)
