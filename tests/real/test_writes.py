"""What is written through the bridge is what the server then holds, and nothing else of it changes."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.real.patches import PATCHES, REFUSED, person
from tests.real.people import ENTERPRISE, GROUP, USER, Row
from tests.real.worlds import SERVERS, World, cost, created, pages
from tests.real.worlds import world as started

pytestmark = pytest.mark.slow
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@pytest.fixture(scope="module", params=SERVERS)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Servers of its own, as its tests write."""
    with started(request.param, tmp_path_factory.mktemp("bridge")) as running:
        yield running


@pytest.fixture
def ann(world: World) -> Row:
    """A new person, as the server holds it."""
    return created(world.upstream, "/Users", person(f"ann-{uuid4().hex[:8]}"))


def held(world: World, path: str) -> Row:
    """A record as the server shows it, without what it says of itself, and values in an order of their own."""
    row: Row = world.upstream.get(path).json()
    return sorted_values({name: value for name, value in row.items() if name != "meta"})


def sorted_values(row: Row) -> Row:
    return {name: sorted(value, key=repr) if isinstance(value, list) else value for name, value in row.items()}


def group(world: World, *members: str) -> str:
    """A new group of the server; its id."""
    body = {"schemas": [GROUP], "displayName": uuid4().hex, "members": [{"value": each} for each in members]}
    made: str = created(world.upstream, "/Groups", body)["id"]
    return made


def members(world: World, group_id: str) -> set[str]:
    """Whom the server itself shows as members, each once."""
    return values(world.upstream.get(f"/Groups/{group_id}").json())


def values(group: Row) -> set[str]:
    found = [each["value"] for each in group.get("members", [])]
    assert len(found) == len(set(found))
    return set(found)


def patched(world: World, path: str, *operations: Row) -> Any:
    return world.bridge.patch(path, json={"schemas": [PATCH_OP], "Operations": list(operations)})


# -- users ------------------------------------------------------------------------------------------------------------


def test_what_is_created_is_held(world: World) -> None:
    body = person("created")
    answer = world.bridge.post("/Users", json=body)
    made = answer.json()
    assert (answer.status_code, answer.headers["Location"]) == (201, f"{world.base}/Users/{made['id']}")
    assert held(world, f"/Users/{made['id']}") == sorted_values({**body, "id": made["id"]})
    again = world.bridge.post("/Users", json={**body, "userName": "CREATED"})
    assert (again.status_code, again.json()["scimType"]) == (409, "uniqueness")


@pytest.mark.parametrize("name", PATCHES)
def test_a_patch_changes_what_it_names(world: World, ann: Row, name: str) -> None:
    path, patch = f"/Users/{ann['id']}", PATCHES[name]
    expected = held(world, path)
    patch.change(expected)
    answer = patched(world, path, *patch.operations)
    assert answer.status_code == 200, answer.text
    assert held(world, path) == sorted_values(expected)
    shown = world.bridge.get(path)
    assert shown.json() == answer.json()
    assert sorted_values(shown.json())["emails" if "emails" in expected else "id"] == sorted_values(expected).get(
        "emails", ann["id"]
    )


def test_a_patch_that_changes_nothing_leaves_the_dates(world: World, ann: Row) -> None:
    path = f"/Users/{ann['id']}"
    before = world.upstream.get(path).json()
    answer = patched(world, path, *PATCHES["the same again"].operations)
    assert world.upstream.get(path).json() == before
    assert answer.headers["ETag"] == world.bridge.get(path).headers["ETag"]


@pytest.mark.parametrize("name", REFUSED)
def test_a_patch_that_is_refused_leaves_all_as_it_was(world: World, ann: Row, name: str) -> None:
    path, (operations, scim_type) = f"/Users/{ann['id']}", REFUSED[name]
    before = world.upstream.get(path).json()
    answer = patched(world, path, *operations)
    assert (answer.status_code, answer.json().get("scimType")) == (400, scim_type)
    assert world.upstream.get(path).json() == before


def test_a_put_replaces_and_keeps_what_clients_cannot_know(world: World, ann: Row) -> None:
    path = f"/Users/{ann['id']}"
    body = {"schemas": [USER], "userName": ann["userName"], "displayName": "Only this"}
    answer = world.bridge.put(path, json=body)
    assert answer.status_code == 200, answer.text
    kept = {"active": True, ENTERPRISE: person("x")[ENTERPRISE], "schemas": [USER, ENTERPRISE]}
    assert held(world, path) == sorted_values({**body, **kept, "id": ann["id"]})


def test_a_condition_that_does_not_hold_changes_nothing(world: World, ann: Row) -> None:
    path = f"/Users/{ann['id']}"
    tag = world.bridge.get(path).headers["ETag"]
    assert patched(world, path, {"op": "replace", "path": "title", "value": "Second"}).status_code == 200
    before = world.upstream.get(path).json()
    assert world.bridge.delete(path, headers={"If-Match": tag}).status_code == 412
    assert world.upstream.get(path).json() == before


def test_what_is_deleted_is_gone(world: World, ann: Row) -> None:
    path = f"/Users/{ann['id']}"
    assert world.bridge.delete(path).status_code == 204
    assert world.upstream.get(path).status_code == 404
    assert [world.bridge.request(each, path).status_code for each in ("GET", "DELETE")] == [404, 404]
    assert pages(world.bridge, "/Users", filter=f'userName eq "{ann["userName"]}"') == []


# -- groups -----------------------------------------------------------------------------------------------------------


def test_members_are_added_removed_and_replaced(world: World) -> None:
    one, two, three = [each["id"] for each in pages(world.upstream, "/Users")[:3]]
    body = {"schemas": [GROUP], "displayName": uuid4().hex, "members": [{"value": one}]}
    made = world.bridge.post("/Groups", json=body).json()
    path = f"/Groups/{made['id']}"
    assert members(world, made["id"]) == {one}
    steps: list[tuple[Row, set[str]]] = [
        ({"op": "add", "path": "members", "value": [{"value": two}, {"value": one}]}, {one, two}),
        ({"op": "Add", "path": "members", "value": [{"$ref": None, "value": three}]}, {one, two, three}),
        ({"op": "remove", "path": f'members[value eq "{one}"]'}, {two, three}),
        ({"op": "remove", "path": f'members[value eq "{one}"]'}, {two, three}),
        ({"op": "Remove", "path": "members", "value": [{"value": two}]}, {three}),
        ({"op": "replace", "path": "members", "value": [{"value": one}, {"value": two}]}, {one, two}),
        ({"op": "replace", "value": {"id": made["id"], "displayName": f"{body['displayName']}-2"}}, {one, two}),
        ({"op": "remove", "path": "members"}, set()),
    ]
    for operation, expected in steps:
        answer = patched(world, path, operation)
        assert answer.status_code == 204, answer.text
        assert members(world, made["id"]) == expected, operation
        assert values(world.bridge.get(path).json()) == expected
    assert world.upstream.get(path).json()["displayName"] == f"{body['displayName']}-2"
    assert world.bridge.delete(path).status_code == 204
    assert world.upstream.get(path).status_code == 404


def test_many_members_are_added_at_once(world: World) -> None:
    everybody = [each["id"] for each in pages(world.upstream, "/Users")]
    made = group(world)
    value = [{"value": each} for each in everybody]
    answer = patched(world, f"/Groups/{made}", {"op": "add", "path": "members", "value": value})
    assert (answer.status_code, cost(answer)) == (204, 1)
    assert members(world, made) == set(everybody)
    assert values(world.bridge.get(f"/Groups/{made}").json()) == set(everybody)


def test_members_are_told_by_type_address_and_name(world: World, ann: Row) -> None:
    """Neither server keeps the type of a member that was given without one: each is looked up."""
    inner = group(world)
    made = group(world, ann["id"], inner)
    shown = world.bridge.get(f"/Groups/{made}").json()["members"]
    name = world.upstream.get(f"/Groups/{inner}").json()["displayName"]
    assert {each["value"]: each for each in shown} == {
        id: {"value": id, "type": kind, "$ref": f"{world.base}/{kind}s/{id}", "display": display}
        for id, kind, display in ((ann["id"], "User", "Ann Old"), (inner, "Group", name))
    }


def test_the_groups_of_users_are_those_they_are_members_of(world: World) -> None:
    groups = world.raw("/Groups")
    of: dict[str, set[str]] = {}
    for each in groups.values():
        for member in each.get("members", []):
            of.setdefault(member["value"], set()).add(each["id"])
    users = pages(world.bridge, "/Users", attributes="groups")
    assert {each["id"]: {group["value"] for group in each.get("groups", [])} for each in users} == {
        id: of.get(id, set()) for id in world.raw("/Users")
    }
    shown = next(each for each in users if each.get("groups"))["groups"][0]
    named = groups[shown["value"]]["displayName"]
    assert shown == {
        "value": shown["value"],
        "$ref": f"{world.base}/Groups/{shown['value']}",
        "display": named,
        "type": "direct",
    }


def test_memberships_are_found_from_both_sides(world: World, ann: Row) -> None:
    made, other = group(world, ann["id"]), group(world)
    for text in ('members.value eq "{}"', 'members eq "{}"', 'members[value eq "{}"]'):
        found = pages(world.bridge, "/Groups", filter=text.format(ann["id"]))
        assert [each["id"] for each in found] == [made]
    both = 'id eq "{}" and members eq "{}"'  # as Entra checks a reference
    assert len(pages(world.bridge, "/Groups", filter=both.format(made, ann["id"]))) == 1
    assert pages(world.bridge, "/Groups", filter=both.format(other, ann["id"])) == []
    found = pages(world.bridge, "/Users", filter=f'groups.value eq "{made}"')
    assert [each["id"] for each in found] == [ann["id"]]


def test_who_is_deleted_is_in_no_group_any_more(world: World, ann: Row) -> None:
    stays = next(iter(world.raw("/Users")))
    groups = [group(world, ann["id"], stays), group(world, ann["id"]), group(world, stays)]
    assert world.bridge.delete(f"/Users/{ann['id']}").status_code == 204
    assert [members(world, each) for each in groups] == [{stays}, set(), {stays}]
    assert pages(world.bridge, "/Groups", filter=f'members.value eq "{ann["id"]}"') == []
