"""Events as Activities: what they show, and what of a filter the upstream evaluates."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from scim_bridge.providers.onelogin.sandbox import Sandbox
from scim_bridge.providers.onelogin.sandbox_events import TYPES
from scim_bridge.providers.onelogin.sandbox_search import SearchKnobs
from scim_bridge.providers.onelogin.sandbox_wire import v1_refusal
from tests.providers.onelogin.bridge import bridged
from tests.providers.onelogin.support import made

URN = "urn:scim-bridge:schemas:1.0:onelogin:Activity"
Test = Callable[[dict[str, Any]], bool]


async def test_an_activity_says_who_did_what_to_whom_when_and_from_where() -> None:
    sandbox = made(40)
    event = next(each for each in sandbox.store.events if each["event_type_id"] == 8)
    async with bridged(sandbox) as bridge:
        shown = await bridge.get(f"/Activities/{event['id']}")
        assert bridge.calls() == [f"GET /1/events/{event['id']}"]
    assert shown["published"] == event["created_at"] and shown["ipAddress"] == event["ipaddr"]
    assert (shown["type"], shown["outcome"]) == ("USER_LOGGED_INTO_APP", "success")
    assert shown["description"] == f"{event['user_name']} logged into Payroll"
    person = {"value": str(event["user_id"]), "display": event["user_name"], "type": "User"}
    assert shown["target"] == shown["actor"] == person
    assert shown[URN]["appName"] == "Payroll" and shown[URN]["eventTypeId"] == 8


@pytest.mark.parametrize(("kind", "outcome"), [(6, "failure"), (532, "failure"), (5, "success"), (9999, None)])
async def test_an_outcome_is_told_only_where_the_type_tells_it(kind: int, outcome: str | None) -> None:
    sandbox = made(10)
    event = sandbox.store.events[0]
    event |= {"event_type_id": kind, "error_description": None}
    async with bridged(sandbox) as bridge:
        shown = await bridge.get(f"/Activities/{event['id']}")
    assert shown.get("outcome") == outcome
    assert shown["type"] == (TYPES[kind][0] if kind in TYPES else "9999")


async def test_an_error_is_a_failure_and_a_system_an_actor() -> None:
    sandbox = made(10)
    event = sandbox.store.events[0]
    event |= {"event_type_id": 5, "error_description": "x", "actor_system": "Mapping"}
    event |= {"actor_user_id": None, "actor_user_name": None, "user_id": None, "user_name": None}
    async with bridged(sandbox) as bridge:
        shown = await bridge.get(f"/Activities/{event['id']}")
    assert shown["outcome"] == "failure" and "target" not in shown
    assert shown["actor"] == {"display": "Mapping", "type": "System"}


def _moment(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row["created_at"])


def cases(sandbox: Sandbox) -> list[tuple[str, Test]]:
    middle = sandbox.store.events[40]
    at, user = _moment(middle), middle["user_id"]
    return [
        (f'published ge "{middle["created_at"]}"', lambda row: _moment(row) >= at),
        (f'published gt "{middle["created_at"]}"', lambda row: _moment(row) > at),
        (f'published lt "{middle["created_at"]}"', lambda row: _moment(row) < at),
        (f'published eq "{middle["created_at"]}"', lambda row: _moment(row) == at),
        ('type eq "USER_CREATED"', lambda row: row["event_type_id"] == 13),
        ('type eq "user_created" or type eq "USER_LOGGED_INTO_APP"', lambda row: row["event_type_id"] in (13, 8)),
        ('type sw "API"', lambda row: TYPES[row["event_type_id"]][0].startswith("API")),
        ('type eq "13"', lambda row: False),
        ('type eq "nothing"', lambda row: False),
        (f"{URN}:eventTypeId eq 13", lambda row: row["event_type_id"] == 13),
        (f"{URN}:eventTypeId gt 13", lambda row: row["event_type_id"] > 13),
        (f'target.value eq "{user}"', lambda row: row["user_id"] == user),
        (
            f'target.value eq "{user}" and type eq "USER_CREATED"',
            lambda row: row["user_id"] == user and row["event_type_id"] == 13,
        ),
        ('target.value eq "abc"', lambda row: False),
        ('actor.value eq "1"', lambda row: row["actor_user_id"] == 1),
        ('outcome eq "failure"', lambda row: row["event_type_id"] in (6, 532)),
        (
            f'{URN}:roleName pr and published gt "{middle["created_at"]}"',
            lambda row: bool(row["role_name"]) and _moment(row) > at,
        ),
        ('not (target.display co "e")', lambda row: "e" not in row["user_name"].lower()),
        (f'id eq "{middle["id"]}"', lambda row: row["id"] == middle["id"]),
    ]


@pytest.mark.parametrize("inclusive", [True, False])
async def test_filters_find_what_brute_force_finds(inclusive: bool) -> None:
    sandbox = made(60, search=SearchKnobs(inclusive=inclusive))
    async with bridged(sandbox) as bridge:
        for filter, test in cases(sandbox):
            expected = {str(each["id"]) for each in sandbox.store.events if test(each)}
            assert await bridge.ids("Activity", filter) == expected, filter


async def test_pages_hold_every_event_once_newest_first() -> None:
    sandbox = made(110)
    found: list[str] = []
    async with bridged(sandbox) as bridge:
        while True:
            page = await bridge.get("/Activities", startIndex=len(found) + 1, count=30)
            found += [each["id"] for each in page["Resources"]]
            if len(found) == page["totalResults"]:
                break
    assert found == [str(each["id"]) for each in reversed(sandbox.store.events)]


async def test_types_go_by_number_where_they_cannot_be_read() -> None:
    sandbox = made(20)
    sandbox.fail("GET /api/1/events/types", v1_refusal(401, "Unauthorized", "Insufficient Permission"), times=9)
    async with bridged(sandbox) as bridge:
        found = await bridge.find("Activity", filter='type eq "13"')
        assert bridge.calls() == ["GET /1/events?event_type_id=13"]
        assert {each["type"] for each in found} == {"13"} and "description" not in found[0]
        assert await bridge.find("Activity", filter='type eq "USER_CREATED"') == []
        assert bridge.calls() == []


async def test_activities_are_left_out_where_the_credential_cannot_read_them() -> None:
    sandbox = made(5)
    async with bridged(sandbox, activities=False) as bridge:
        types = (await bridge.get("/ResourceTypes"))["Resources"]
        assert [each["name"] for each in types] == ["User", "Group"]
        assert (await bridge.ask("GET", "/Activities")).status_code == 404
        assert bridge.calls() == []


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/Activities"), ("PUT", "/Activities/900000001"), ("DELETE", "/Activities/900000001")]
)
async def test_nobody_writes_activities(method: str, path: str) -> None:
    sandbox = made(5)
    held = [dict(each) for each in sandbox.store.events]
    async with bridged(sandbox) as bridge:
        body = {"schemas": ["urn:scim-bridge:schemas:1.0:Activity"], "type": "x"}
        answer = await bridge.ask(method, path, None if method == "DELETE" else body)
        assert answer.status_code in (403, 405, 501), answer.text
        assert not [each for each in bridge.calls() if not each.startswith("GET")]
    assert sandbox.store.events == held
