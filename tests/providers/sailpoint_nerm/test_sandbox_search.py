"""The sandbox's advanced search: rules that all have to hold, each with its own operators and words."""

from collections.abc import Callable
from typing import Any

import pytest

from scim_bridge.providers.sailpoint_nerm.sandbox import Sandbox
from scim_bridge.providers.sailpoint_nerm.sandbox_store import Profile
from tests.providers.sailpoint_nerm.support import Api, people_types

STATUS, TYPE, ATTRIBUTE = "ProfileStatusRule", "ProfileTypeRule", "ProfileAttributeRule"


def status(operator: str, value: str) -> dict[str, str]:
    return {"type": STATUS, "comparison_operator": operator, "value": value}


def attribute(sandbox: Sandbox, uid: str, operator: str, value: str, **more: str) -> dict[str, str]:
    record = sandbox.store.by_uid[uid]
    about = {"condition_object_type": record["type"], "condition_object_id": record["id"]}
    return {"type": ATTRIBUTE, **about, "comparison_operator": operator, "value": value, **more}


async def search(api: Api, *rules: Any, **query: Any) -> Any:
    body = {"advanced_search": {"label": "test", "condition_rules_attributes": list(rules)}}
    answer = await api("POST", "/advanced_search/run", body, **query)
    return [each["id"] for each in answer.json()["profiles"]] if answer.status_code == 200 else answer.status_code


def those(sandbox: Sandbox, test: Callable[[Profile], bool]) -> list[str]:
    return [each.id for each in sandbox.store.profiles.values() if test(each)][:100]


async def test_rules_all_have_to_hold(api: Api, sandbox: Sandbox) -> None:
    people, _ = people_types(sandbox)
    rule = {"type": TYPE, "comparison_operator": "==", "value": people}
    found = await search(api, rule, status("!=", "Active"), attribute(sandbox, "job_title", "include?", "ing"))
    expected = those(
        sandbox,
        lambda each: each.type_id == people and each.status != "Active" and "ing" in each.values.get("job_title", ""),
    )
    assert found == expected


async def test_a_rule_has_its_own_word_for_leave(api: Api, sandbox: Sandbox) -> None:
    """Trap 3."""
    assert await search(api, status("==", "Leave of absence")) == those(sandbox, lambda each: each.status == "On Leave")
    assert await search(api, status("==", "On Leave")) == 400


@pytest.mark.parametrize("sensitive", [True, False])
@pytest.mark.parametrize("operator", ["==", "start_with?", "end_with?", "include?", ">", "<", "!="])
async def test_text_is_compared(api: Api, sandbox: Sandbox, operator: str, sensitive: bool) -> None:
    sandbox.knobs.sensitive_search = sensitive
    tests: dict[str, Callable[[str], bool]] = {
        "==": lambda held: held == "nurse",
        "!=": lambda held: held != "nurse",
        "start_with?": lambda held: held.startswith("nurse"),
        "end_with?": lambda held: held.endswith("nurse"),
        "include?": lambda held: "nurse" in held,
        ">": lambda held: held > "nurse",
        "<": lambda held: held < "nurse",
    }

    def matches(each: Profile) -> bool:
        held = each.values.get("job_title")
        return held is not None and tests[operator](held if sensitive else held.lower())

    found = await search(api, attribute(sandbox, "job_title", operator, "nurse"))
    assert found == those(sandbox, matches)
    assert found or sensitive or operator == ">"


async def test_dates_are_compared_in_the_attributes_own_format(api: Api, sandbox: Sandbox) -> None:
    found = await search(api, attribute(sandbox, "start_date", "after", "06/15/2025"))
    assert found == those(sandbox, lambda each: _iso(each) > "2025-06-15")
    assert await search(api, attribute(sandbox, "start_date", "after", "2025-06-15")) == 400
    today = await search(api, attribute(sandbox, "start_date", ">", "Today"))
    assert today == those(sandbox, lambda each: _iso(each) > "2026-03-02")
    week = await search(api, attribute(sandbox, "start_date", "<", "700 before"))
    assert week == those(sandbox, lambda each: "" < _iso(each) < "2024-04-01")


def _iso(profile: Profile) -> str:
    text = profile.values.get("start_date", "")
    return f"{text[6:]}-{text[:5].replace('/', '-')}" if text else ""


async def test_references_are_searched_by_id(api: Api, sandbox: Sandbox) -> None:
    wanted = next(each for each in sandbox.store.profiles.values() if each.name == "Nordwind, Inc.").id
    found = await search(api, attribute(sandbox, "organization", "include?", wanted))
    assert found == those(sandbox, lambda each: each.values.get("organization") == wanted) and found
    assert await search(api, attribute(sandbox, "organization", "include?", "Nordwind, Inc.")) == 400


async def test_risk_is_searched_by_level(api: Api, sandbox: Sandbox) -> None:
    high = next(key for key, each in sandbox.store.risk_levels.items() if each["label"] == "High")
    rule = {"type": "RiskRule", "comparison_operator": "==", "value": high, "secondary_value": "OverallRisk"}
    assert await search(api, rule) == those(sandbox, lambda each: each.risk_level_id == high)


async def test_an_empty_search_is_an_empty_list_and_has_no_total(api: Api, sandbox: Sandbox) -> None:
    """Trap 2."""
    rule = attribute(sandbox, "job_title", "==", "Nobody")
    body = {"advanced_search": {"condition_rules_attributes": [rule]}}
    answer = await api("POST", "/advanced_search/run", body)
    assert (answer.status_code, answer.json()) == (200, {"profiles": []})
    assert (await api("POST", "/advanced_search/run", body, metadata="true")).status_code == 400
    assert await search(api, rule, limit=101) == 400
    assert await search(api, status("!=", "Inactive"), offset=5000) == []


async def test_older_samples_name_the_attribute_otherwise(api: Api, sandbox: Sandbox) -> None:
    rule = attribute(sandbox, "job_title", "==", "Nurse")
    older = {name: value for name, value in rule.items() if name != "condition_object_type"}
    assert await search(api, {**older, "object_type": "NeAttribute"}) == await search(api, rule)


async def test_what_has_no_rule_is_refused(api: Api, sandbox: Sandbox) -> None:
    wrong = [
        attribute(sandbox, "work_mode", "==", "remote"),
        attribute(sandbox, "national_id", "==", "x"),
        attribute(sandbox, "job_title", "includes?", "x"),
        attribute(sandbox, "job_title", "==", ""),
        attribute(sandbox, "job_title", "==", "x", condition_object_type="DateAttribute"),
        {"type": "NameRule", "comparison_operator": "==", "value": "x"},
        {"type": TYPE, "comparison_operator": "==", "value": "People"},
    ]
    for rule in wrong:
        assert await search(api, rule) == 400, rule
    assert await search(api) == 400


async def test_what_is_archived_is_never_found(api: Api, sandbox: Sandbox) -> None:
    found = await search(api, status("==", "Active"))
    sandbox.store.profiles[found[0]].archived = True
    sandbox.store.changed()
    assert await search(api, status("==", "Active")) == those(
        sandbox, lambda each: each.status == "Active" and not each.archived
    )
