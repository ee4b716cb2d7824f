"""The worked example keeps the contract of all providers, and the contract finds what is wrong with a declaration."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from scim_bridge.protocol.requests import ScimResponse
from scim_bridge.query import capabilities as declare
from scim_bridge.query.capabilities import Call, Collection, MemberWrites, Params, Row, Rule, ops
from scim_bridge.query.pagers import Offset, Total
from scim_bridge.query.provider import Provider
from scim_bridge.testing.contract import ProviderContract
from scim_bridge.testing.simulated import Related, Simulated
from scim_bridge.testing.trouble import wrong
from scim_bridge.upstream.errors import UpstreamError
from scim_bridge.upstream.reply import Reply
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


async def test_no_trouble_of_a_write_passes_for_success_here_too() -> None:  # slow elsewhere
    await WRITING(TestFolkbase())


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


def swallows(row: Row, before: Any, after: Any) -> declare.Steps:
    try:
        return (yield Call("PATCH", f"/people/{row['key']}", json={"login": after["userName"]})).body
    except UpstreamError:
        return row


def deletes_nothing(resource_id: str) -> declare.Steps:
    yield Call("GET", f"/people/{resource_id}")


def leaves_behind(values: Any) -> declare.Steps:
    return (yield Call("POST", "/teams", json={"label": values["displayName"]})).body


def decoded(other: Callable[[Row], Any]) -> Change:
    """A collection whose records are read otherwise, as of a wrong codec."""
    return lambda each: replace(each, decode=lambda row: {**each.decode(row), **other(row)})


def upside_down(row: Row) -> Any:
    return {"active": not row["enabled"]}


@dataclass(frozen=True, slots=True)
class Overlapping(Offset):
    """Steps over a row at each page."""

    def next(self, sent: Params, reply: Reply, rows: int) -> Params | None:
        return Offset.next(self, sent, reply, rows + 1 if rows else rows)


def nobody(error: UpstreamError) -> bool:
    return True


def related_to(attribute: str) -> Change:
    def change(each: Collection) -> Collection:
        return replace(each, relations=(*each.relations, declare.Relation(attribute, (provider.MEMBER,), {})))

    return change


def pages_of(count: int) -> Check:
    return lambda suite: suite.test_pages_of_any_size_hold_every_row_once(count)


WRITING: Check = TestFolkbase.test_no_trouble_of_a_write_passes_for_success_or_leaves_half_of_it
TROUBLE: Check = TestFolkbase.test_no_trouble_shortens_a_read_or_passes_for_another
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
    "a pager that steps over rows": (
        "User",
        listed(pager=Overlapping("offset", "limit", max_page=50, total_at=Total(header="X-Total"))),
        pages_of(1_000_000),
        "assert|missing|states",
    ),
    "a codec that turns values round": (
        "User",
        lambda each: replace(each, editable=each.decode, decode=decoded(upside_down)(each).decode),
        TestFolkbase.test_every_attribute_is_written_changed_and_cleared,
        "active: created with",
    ),
    "a list that nothing leads to": (
        "User",
        lambda each: replace(each, reads=(*each.reads, declare.AccessPath("/everybody/{of}", "", provider.PAGES))),
        TestFolkbase.test_every_access_path_is_taken,
        "/everybody/{of} is declared and never read",
    ),
    "a relation that the sandbox knows nothing of": (
        "User",
        related_to("groups"),
        TestFolkbase.test_relations_are_the_upstreams,
        "does not tell of",
    ),
    "a failure that is taken for the end of the list": (
        "User",
        listed(absent=nobody),
        TROUBLE,
        "answered with 500, and a client gets",
    ),
    "rows that nobody looks at": (
        "Group",
        lambda each: replace(each, decode=lambda row: {"schemas": [], "id": str(row.get("key", "t1"))}),
        TROUBLE,
        "answered of rows without an id becomes 404",
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
    "a change that takes a refusal for done": (
        "User",
        written(update=swallows),
        WRITING,
        "change userName of User: request 1 answered with 500 passes for done",
    ),
    "a deletion that does nothing": ("User", written(delete=deletes_nothing), WRITING, "delete User"),
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

    # Failures of pytest's own are no Exceptions.
    with pytest.raises(BaseException, match=told) as caught:
        asyncio.run(check(Wrong()))
    assert not isinstance(caught.value, (KeyboardInterrupt, TypeError))


@pytest.mark.parametrize(
    "status, detail, told",
    [
        (404, "gone (request r-4711)", "becomes 404"),
        (502, "Upstream contract: answered 500", "does not name the request"),
        (502, "Upstream: answered 500 (request r-4711)", "does not name the upstream"),
        (502, "Upstream contract: refused hush (request r-4711)", "tells a secret"),
        (429, "slow down (request r-4711)", "does not say when to try again"),
    ],
)
def test_the_contract_finds_what_is_wrong_with_an_error(status: int, detail: str, told: str) -> None:
    answer, right = ScimResponse(status, {"detail": detail}), ScimResponse(200, {})
    (problem,) = wrong("it", answer, right, (502, 429), {"hush"})
    assert told in problem


def test_the_contract_finds_no_fault_with_a_right_answer_or_a_right_error() -> None:
    right = ScimResponse(200, {"totalResults": 3})
    assert wrong("it", ScimResponse(200, {"totalResults": 3}), right, (502,), {"hush"}) == []
    refused = ScimResponse(502, {"detail": "Upstream contract: answered 500 (request r-4711)"})
    assert wrong("it", refused, right, (502,), {"hush"}) == []
    assert wrong("it", ScimResponse(200, {"totalResults": 0}), right, (502,), {"hush"}) != []
