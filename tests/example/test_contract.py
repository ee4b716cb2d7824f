"""The worked example keeps the contract of all providers, and the contract finds what is wrong with a declaration."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from scim_bridge.query import capabilities as declare
from scim_bridge.query.capabilities import Call, Collection, MemberWrites, Row, Rule, ops
from scim_bridge.query.pagers import Offset, Total
from scim_bridge.query.provider import Provider
from scim_bridge.testing.contract import ProviderContract
from scim_bridge.testing.simulated import Related, Simulated
from tests.example import provider
from tests.example.provider import PROVIDER, sent_as
from tests.example.sandbox import TOKEN, Sandbox


class TestFolkbase(ProviderContract):
    provider: ClassVar[Provider[Any]] = PROVIDER
    people: ClassVar[int] = 60

    def simulated(self, people: int) -> Simulated:
        sandbox = Sandbox(people)

        def raw(resource_type: str) -> Mapping[str, Row]:
            return {
                key: dict(row) for key, row in (sandbox.people if resource_type == "User" else sandbox.teams).items()
            }

        def related(resource_type: str) -> Related:
            held = {team: frozenset(members) for team, members in sandbox.members.items()}
            return {"members": held} if resource_type == "Group" else {}

        return Simulated(sandbox.app, lambda origin: {"base_url": f"{origin}/v3", "api_token": TOKEN}, raw, related)


def test_its_declaration_takes_at_most_120_lines() -> None:
    assert len(Path(provider.__file__).read_text("utf-8").splitlines()) <= 120


Change = Callable[[Collection], Collection]
Check = Callable[[TestFolkbase], Coroutine[Any, Any, None]]


def listed(**changes: Any) -> Change:
    """A collection whose list is declared otherwise."""
    return lambda each: replace(each, reads=(replace(each.reads[0], **changes),))


def ruled(*rules: Rule) -> Change:
    return lambda each: replace(each, reads=(replace(each.reads[0], rules=(*each.reads[0].rules, *rules)),))


def written(**changes: Any) -> Change:
    return lambda each: replace(each, writes=replace(each.writes, **changes))


def forgets_members(team: str, members: Any) -> declare.Steps:
    yield Call("GET", f"/teams/{team}")


def wipes(row: Row, before: Any, after: Any) -> declare.Steps:
    title, mail = after.get("title"), after.get("emails", [{}])[0].get("value")
    return (
        yield Call("PATCH", f"/people/{row['key']}", json={"job": title, "mail": mail, "names": {"first": None}})
    ).body


def leaves_behind(values: Any) -> declare.Steps:
    return (yield Call("POST", "/teams", json={"label": values["displayName"]})).body


def pages_of(count: int) -> Check:
    return lambda suite: suite.test_pages_of_any_size_hold_every_row_once(count)


RULES: Check = TestFolkbase.test_every_rule_finds_what_brute_force_finds
WRONG: dict[str, tuple[str, Change, Check, str]] = {
    "a rule that loses rows": (
        "User",
        ruled(Rule("userName", ops("co"), sent_as("login"))),
        RULES,
        "userName co",
    ),
    "a rule called exact that is wider": (
        "User",
        ruled(Rule("name.givenName", ops("eq"), lambda operator, value: {"enabled": "true"})),
        RULES,
        "name.givenName eq",
    ),
    "a rule that nothing makes use of": (
        "User",
        ruled(Rule("title", ops("eq"), lambda operator, value: None)),
        RULES,
        "title eq is declared and never pushed",
    ),
    "a parameter the vendor does not know": (
        "User",
        ruled(Rule("title", ops("eq"), sent_as("job"))),
        RULES,
        "answered 400",
    ),
    "pages larger than the vendor's": (
        "User",
        listed(pager=Offset("offset", "limit", max_page=51, total_at=Total(header="X-Total"))),
        pages_of(100),
        "answered 400",
    ),
    "rows counted from one": (
        "User",
        listed(pager=Offset("offset", "limit", max_page=50, base=1, total_at=Total(header="X-Total"))),
        pages_of(7),
        "answered 400|assert",
    ),
    "an order that is not kept": (
        "User",
        listed(sorts={("userName", "ascending"): {}}),
        TestFolkbase.test_every_sort_is_scims,
        "userName",
    ),
    "a change that changes more": (
        "User",
        written(update=wipes),
        TestFolkbase.test_every_attribute_is_written_changed_and_cleared,
        "its change made|is .* when cleared|changed to",
    ),
    "a member that is not added": (
        "Group",
        written(members={"members": MemberWrites(forgets_members, forgets_members)}),
        TestFolkbase.test_members_are_added_and_taken_out_and_nobody_else,
        "frozenset",
    ),
    "a creation that cannot be undone": (
        "Group",
        written(create=leaves_behind),
        TestFolkbase.test_what_fails_half_way_is_taken_back,
        "still in effect upstream: POST /teams",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_contract_finds(name: str) -> None:
    kind, change, check, told = WRONG[name]

    def collections(settings: Any, discovered: Any) -> list[Collection]:
        made = PROVIDER.collections(settings, discovered)
        return [change(each) if each.resource.name == kind else each for each in made]

    class Wrong(TestFolkbase):
        provider: ClassVar[Provider[Any]] = replace(PROVIDER, collections=collections)

    with pytest.raises(BaseException, match=told) as caught:
        asyncio.run(check(Wrong()))
    assert not isinstance(caught.value, (KeyboardInterrupt, TypeError))
