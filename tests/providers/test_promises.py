"""What is promised of every vendor: what crawls, look-ups and memberships cost, and what a change leaves alone."""

from collections.abc import Callable, Collection, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest

from tests.providers.pages import pages
from tests.providers.worlds import WORLDS

MANY, PAGE = 10_600, 100
"""Of which clients see more than 10,000 everywhere."""
VENDOR_PAGES = {"onelogin": 50}
"""Users that a list of the vendor holds at most, where that is less than what the client asks for."""
LOOK_UPS = {
    "pingone": 1,
    "onelogin": 2,  # a user name may be an address
    "sailpoint-isc": 1,
    "sailpoint-nerm": 3,  # a page of two profile types each, and the end of the one that had somebody
    "sailpoint-iiq": 1,
}


@pytest.fixture(scope="module", params=LOOK_UPS)
def large(request: pytest.FixtureRequest) -> tuple[str, Any]:
    """A vendor with that many users."""
    return request.param, WORLDS[request.param].sandbox(MANY)


@pytest.mark.slow
async def test_a_crawl_of_ten_thousand_costs_its_pages_and_meets_everybody(large: tuple[str, Any]) -> None:
    name, sandbox = large
    world = WORLDS[name]
    everybody = sorted(each["id"] for each in world.people(sandbox))
    async with world.bridged(sandbox, **world.plain, **world.told) as bridge:
        assert sorted(await pages(bridge, PAGE)) == everybody and len(everybody) > 10_000
        least = -(-len(everybody) // min(PAGE, VENDOR_PAGES.get(name, PAGE)))
        assert least <= len(bridge.calls()) <= 1.05 * least


async def test_a_user_is_found_by_name_among_ten_thousand(large: tuple[str, Any]) -> None:
    """In any case of its letters; the page after that is empty and states the same total."""
    name, sandbox = large
    world = WORLDS[name]
    people = world.people(sandbox)
    wanted = next(each for each in people[len(people) // 2 :] if each["userName"].isascii())
    filter = f'userName eq "{wanted["userName"].swapcase()}"'
    async with world.bridged(sandbox, **world.plain, **world.told) as bridge:
        assert await bridge.ids("User", filter) == {wanted["id"]}
        assert len(bridge.calls()) == LOOK_UPS[name]
        past = await bridge.get("/Users", filter=filter, attributes="id", startIndex=2)
        assert (past["totalResults"], past.get("Resources", [])) == (1, [])


@pytest.mark.parametrize(
    ("name", "cost"),
    {"pingone": 1, "onelogin": 1, "sailpoint-isc": 1, "sailpoint-nerm": 3, "sailpoint-iiq": 3}.items(),
)
async def test_users_are_found_by_their_ids_together_where_the_vendor_takes_several(name: str, cost: int) -> None:
    world = WORLDS[name]
    sandbox = world.sandbox(60)
    wanted = sorted(each["id"] for each in world.people(sandbox))[:3]
    async with world.bridged(sandbox, **world.plain, **world.told) as bridge:
        assert await bridge.ids("User", " or ".join(f'id eq "{each}"' for each in wanted)) == set(wanted)
        assert len(bridge.calls()) == cost


# -- changes -----------------------------------------------------------------------------------------------------------


STATUSES = ("cloudStatus", "internalCloudStatus")
TITLE, NAME = {"title": "Chief"}, {"displayName": "Renamed"}
CHANGES: list[tuple[str, str, dict[str, Any], set[str]]] = [
    ("pingone", "User", TITLE, {"users title", "users updatedAt"}),
    ("pingone", "Group", NAME, {"groups name", "groups updatedAt"}),
    ("onelogin", "User", TITLE, {"users title", "users updated_at"}),
    ("onelogin", "Group", NAME, {"roles name"}),
    (
        "sailpoint-isc",
        "User",
        {"active": False},
        {f"identities data.{each}" for each in ("identityStatus", *(f"attributes.{name}" for name in STATUSES))},
    ),
    ("sailpoint-isc", "Group", NAME, {"workgroups name", "workgroups modified"}),
    ("sailpoint-nerm", "User", TITLE, {"profiles values.job_title", "profiles updated"}),
    ("sailpoint-iiq", "User", TITLE, {"identities extended.jobTitle", "identities modified"}),
    ("scim", "User", TITLE, {"User title", "User meta.lastModified", "User meta.version"}),
    ("scim", "Group", NAME, {"Group displayName", "Group meta.lastModified", "Group meta.version"}),
]
"""A vendor, what is changed, and the fields that are other ones afterwards, of all that it holds."""


def flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """What is in nested records, by dotted paths."""
    if isinstance(value, Mapping) and value:
        for name, each in value.items():
            yield from flat(each, f"{path}.{name}" if path else str(name))
    else:
        yield path, value


def differences(before: Mapping[str, Any], after: Mapping[str, Any], resource_id: str) -> set[str]:
    """The fields that changed, as `kind field`; those of other records with their ids.

    Null and an empty list are as good as not there.
    """
    one, other = ({path: each for path, each in flat(held) if each not in (None, [], {})} for held in (before, after))
    changed = {path for path in one.keys() | other.keys() if one.get(path) != other.get(path)}
    return {path.replace(f".{resource_id}.", " ", 1) for path in changed}


@pytest.mark.parametrize(("name", "kind", "values", "expected"), CHANGES, ids=[" ".join(row[:2]) for row in CHANGES])
async def test_a_patch_changes_one_attribute_of_one_record(
    name: str, kind: str, values: dict[str, Any], expected: set[str]
) -> None:
    world = WORLDS[name]
    sandbox = world.sandbox(60)
    async with world.bridged(sandbox, **world.plain, **world.writing) as bridge:
        chosen = await bridge.get(f"/{kind}s", filter="active eq true" if kind == "User" else "displayName pr", count=5)
        resource_id = chosen["Resources"][-1]["id"]
        before = deepcopy(world.records(sandbox))
        answer = await bridge.patch(kind, resource_id, {"op": "replace", "value": values})
        assert answer.status_code in (200, 204), answer.text
        assert differences(before, world.records(sandbox), resource_id) == expected


# -- members -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Members:
    """How a vendor's groups are filled and read, behind its API's back."""

    fill: Callable[[Any, list[Any]], str]
    held: Callable[[Any, str], Collection[str]]
    users: Callable[[Any], list[Any]]


def _pingone(sandbox: Any, users: list[str]) -> str:
    group: str = next(iter(sandbox.store.groups))
    sandbox.store.direct[group].clear()
    for each in users:
        sandbox.store.join(each, group)
    return group


def _onelogin(sandbox: Any, users: list[int]) -> str:
    role = next(iter(sandbox.store.roles))
    sandbox.store.leave(role, list(sandbox.store.members[role]))
    sandbox.store.join(role, users, sandbox.timestamp())
    return str(role)


def _isc(sandbox: Any, users: list[str]) -> str:
    group: str = next(iter(sandbox.store.workgroups))
    for each in list(sandbox.store.members[group]):
        sandbox.store.leave(group, each)
    sandbox.store.join(group, users)
    return group


MEMBERS = {
    "pingone": Members(_pingone, lambda box, group: box.store.direct[group], lambda box: list(box.store.users)),
    "onelogin": Members(
        _onelogin,
        lambda box, role: set(map(str, box.store.members[int(role)])),
        lambda box: list(box.store.users),
    ),
    "sailpoint-isc": Members(_isc, lambda box, group: box.store.members[group], lambda box: list(box.store.identities)),
}


@pytest.mark.parametrize("name", MEMBERS)
async def test_a_member_of_five_thousand_costs_what_one_of_five_does(name: str) -> None:
    world, vendor = WORLDS[name], MEMBERS[name]
    sandbox = world.sandbox(5_300)
    *others, new = vendor.users(sandbox)
    spent = []
    async with world.bridged(sandbox) as bridge:
        for size in (5, 5_000):
            group = vendor.fill(sandbox, others[:size])
            add = {"op": "add", "path": "members", "value": [{"value": str(new)}]}
            assert (await bridge.patch("Group", group, add)).status_code == 204
            assert len(vendor.held(sandbox, group)) == size + 1 and str(new) in vendor.held(sandbox, group)
            remove = {"op": "remove", "path": f'members[value eq "{new}"]'}
            assert (await bridge.patch("Group", group, remove)).status_code == 204
            assert len(vendor.held(sandbox, group)) == size and str(new) not in vendor.held(sandbox, group)
            spent.append(bridge.calls())
    assert spent[0] == spent[1] and len(spent[0]) == 2
