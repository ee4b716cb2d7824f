"""The whole program in front of the simulated NERM: what a client reads is what plain Python makes of its records."""

from datetime import datetime
from random import Random
from typing import Any

import pytest

from scim_bridge.providers.sailpoint_nerm.sandbox import Sandbox
from tests.providers.meaning import Filters
from tests.providers.pages import differences, pages
from tests.providers.program import GROUP
from tests.providers.sailpoint_nerm.bridge import ENTERPRISE, URN, bridged
from tests.providers.sailpoint_nerm.oracle import filters, make_awkward, people

SETTINGS: tuple[dict[str, Any], ...] = (
    {},
    {"native_text_match": "insensitive"},
    {"native_text_match": "sensitive"},
    {"advanced_search": False, "list_order": "", "page_size": 7},
)


def awkward(seed: int, settings: dict[str, Any], users: int = 80) -> Sandbox:
    """A tenant that does what the settings promise, and otherwise whatever it likes."""
    random, sandbox = Random(seed), Sandbox(users=users, seed=seed)
    make_awkward(sandbox, random)
    match = settings.get("native_text_match", "unknown")
    sensitive = random.random() < 0.5 if match == "unknown" else match == "sensitive"
    sandbox.knobs.sensitive_search = sensitive
    sandbox.knobs.name_filter = "sensitive" if sensitive else random.choice(("insensitive", "contains"))
    sandbox.knobs.inclusive_dates = random.random() < 0.5
    sandbox.knobs.after_id_end = random.choice((200, 400))
    return sandbox


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("seed", range(2))
async def test_filters_find_who_matches_and_nobody_else(seed: int, settings: dict[str, Any]) -> None:
    sandbox = awkward(seed, settings)
    rows = people(sandbox)
    leaves = filters(rows)
    assert len(leaves) >= 60
    drawn = Filters(Random(seed), rows)
    async with bridged(sandbox, **settings) as bridge:
        assert await differences(bridge, rows, [*leaves, *(drawn.tree() for _ in range(40))]) == []


async def test_filters_are_not_trivial() -> None:
    """Most of them match somebody and not everybody, or the test above would show little."""
    rows = people(awkward(0, {}))
    sizes = [sum(map(test, rows)) for _, test in filters(rows)]
    assert sum(0 < each < len(rows) for each in sizes) > 50


async def test_a_crawl_of_one_type_of_ten_thousand_costs_its_pages() -> None:
    sandbox = Sandbox(users=10_000)
    expected = sorted(row["id"] for row in people(sandbox) if row["userType"] == "Volunteers")
    async with bridged(sandbox, people_profile_types=["Volunteers"]) as bridge:
        assert sorted(await pages(bridge, 100)) == expected
        assert len(bridge.calls()) <= 1.05 * (len(expected) / 100 + 1)


@pytest.mark.parametrize("count", [1, 7, 500])
async def test_pages_past_the_end_are_empty(count: int) -> None:
    sandbox = Sandbox(users=20)
    async with bridged(sandbox) as bridge:
        page = await bridge.get("/Users", startIndex=1000, count=count)
        assert (page["totalResults"], page.get("Resources", [])) == (20, [])
        assert (await bridge.get("/Users", count=0))["totalResults"] == 20


async def test_nobody_is_an_empty_list() -> None:
    """NERM's error is the end of a list, also where it begins."""
    sandbox = Sandbox(users=0)
    sandbox.store.user_roles.clear()
    async with bridged(sandbox) as bridge:
        assert await bridge.find("User") == []
        assert await bridge.find("User", filter='displayName co "x"') == []
        assert all("members" not in each for each in await bridge.find("Group"))


async def test_members_of_roles_are_portal_users_and_not_said_to_be_users_here(sandbox: Sandbox) -> None:
    """Sheet, section 7: role members are portal users, not profiles."""
    pairs = list(sandbox.store.user_roles.values())
    async with bridged(sandbox) as bridge:
        groups, people = await bridge.find("Group"), await bridge.find("User", attributes="groups")
        for group in groups:
            held = sorted(each["user_id"] for each in pairs if each["role_id"] == group["id"])
            shown = sorted(group.get("members", []), key=lambda each: str(each["value"]))
            assert shown == [{"value": each} for each in held]  # neither `type` nor `$ref`
        assert any(each.get("members") for each in groups)
        schema = await bridge.get(f"/Schemas/{GROUP}")
        told = next(each for each in schema["attributes"] if each["name"] == "members")
        assert [each["name"] for each in told["subAttributes"]] == ["value"]
        member = pairs[0]["user_id"]
        assert (await bridge.ask("GET", f"/Users/{member}")).status_code == 404
        assert not any("groups" in each for each in people)
        assert await bridge.find("User", filter=f'groups.value eq "{pairs[0]["role_id"]}"') == []


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        (400, "Something else was not right", 400),
        (404, "Not Found", 502),
        (401, "Unauthorized", 502),
        (500, "Sorry something went wrong", 503),
        (502, "Bad Gateway", 503),
    ],
)
async def test_an_outage_is_not_an_empty_list(status: int, error: str, told: int) -> None:
    sandbox = Sandbox(users=20)
    async with bridged(sandbox) as bridge:
        sandbox.fail(".*", status, error, times=9)
        answer = await bridge.ask("GET", "/Users")
        assert answer.status_code == told, answer.text


async def test_orders_are_made_here_where_nerm_has_none() -> None:
    """Trap 7: it has one direction, and compares text in a way that is not told."""
    sandbox = awkward(3, {})
    rows = people(sandbox)
    async with bridged(sandbox) as bridge:
        found = await bridge.find("User", sortBy="meta.created", sortOrder="descending")
        assert [each["id"] for each in found] == [
            row["id"] for row in sorted(rows, key=lambda row: datetime.fromisoformat(row["meta.created"]))
        ][::-1]
        found = await bridge.find("User", sortBy=f"{URN}:end_date")
        ends = [each.get(URN, {}).get("end_date") for each in found]
        assert ends == sorted(ends, key=lambda end: (end is None, end or ""))


async def test_one_type_is_sorted_by_nerm() -> None:
    sandbox = Sandbox(users=50)
    async with bridged(sandbox, people_profile_types=["people_profile"]) as bridge:
        page = await bridge.get("/Users", sortBy="meta.created", count=10)
        assert bridge.calls() == ["GET /profiles"]
    times = [each["meta"]["created"] for each in page["Resources"]]
    assert times == sorted(times) and page["totalResults"] == 44


async def test_a_person_is_shown_as_mapped() -> None:
    sandbox = Sandbox(users=40)
    row = next(
        each
        for each in people(sandbox)
        if each[f"{ENTERPRISE}:organization"] and each[f"{URN}:end_date"] and each[f"{URN}:notes"]
    )
    profile = sandbox.store.profiles[row["id"]]
    profile.status = "On Leave"
    sandbox.store.changed()
    async with bridged(sandbox) as bridge:
        shown = await bridge.get(f"/Users/{row['id']}")
        assert bridge.calls() == [f"GET /profiles/{row['id']}"]
        known = (await bridge.get(f"/Users/{row['id']}", attributes=f"{URN}:status,{URN}:start_date,{URN}:uid"))[URN]
    assert shown["active"] is False and shown["userType"] == row["userType"]
    assert shown[URN].keys() <= {"end_date", "notes", "work_mode"} and shown[URN]["end_date"] == row[f"{URN}:end_date"]
    assert (
        known["status"] == "On Leave"
        and known["start_date"] == row[f"{URN}:start_date"]
        and known["uid"] == profile.uid
    )
    assert shown["userName"] == row["userName"] and shown["displayName"] == row["displayName"]
    assert shown["emails"] == row["emails"]
    assert "national_id" not in str(shown) and "formatted" not in shown["name"]
    async with bridged(sandbox, on_leave_is_active=True) as bridge:
        assert (await bridge.get(f"/Users/{row['id']}"))["active"] is True
        ids = {each["id"] for each in await bridge.find("User", filter="active eq true")}
        assert ids == {each["id"] for each in people(sandbox) if each[f"{URN}:status"] in ("Active", "On Leave")}


async def test_profiles_of_other_types_are_not_there() -> None:
    """Nor are archived ones, whatever way they are read."""
    sandbox = Sandbox(users=20)
    organization = next(each for each in sandbox.store.profiles.values() if each.name == "Acme Staffing")
    archived = next(each for each in sandbox.store.profiles.values() if "login_name" in each.values)
    archived.archived = True
    sandbox.store.changed()
    async with bridged(sandbox) as bridge:
        for each in (organization.id, archived.id):
            assert (await bridge.ask("GET", f"/Users/{each}")).status_code == 404
            assert (await bridge.patch("User", each, {"op": "replace", "value": {"title": "x"}})).status_code == 404
            assert (await bridge.ask("DELETE", f"/Users/{each}")).status_code == 404
            assert await bridge.find("User", filter=f'id eq "{each}"') == []
        assert archived.id not in {each["id"] for each in await bridge.find("User", filter='userName co "a"')}
    assert organization.id in sandbox.store.profiles and organization.status == "Active"


async def test_without_a_mapping_the_address_is_the_name_and_without_one_the_uid() -> None:
    sandbox = Sandbox(users=10)
    row = people(sandbox)[0]
    async with bridged(sandbox, attributes={}) as bridge:
        assert (await bridge.get(f"/Users/{row['id']}"))["userName"] == row["emails"][0]["value"]
    for record in sandbox.store.attributes.values():
        if record["uid"] == "personal_email":
            record["uid"] = "private_mail"
    for profile in sandbox.store.profiles.values():
        profile.values.pop("personal_email", None)
    sandbox.store.changed()
    async with bridged(sandbox, attributes={}) as bridge:
        assert (await bridge.get(f"/Users/{row['id']}"))["userName"] == row[f"{URN}:uid"]
        made = await bridge.create("User", userName="ana", title="Nurse")
        assert made["userName"] != "ana" and made["title"] == "Nurse"
