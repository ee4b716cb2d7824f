"""What the audit log is told of requests: who changed what, what came of it, and never a secret."""

import asyncio
from typing import Any

import pytest

from scim_bridge.protocol.audit import MAX_CALLS, MAX_CHANGES, Event, RequestAudit, Trail
from scim_bridge.protocol.changes import MAX_LIST, Shown
from scim_bridge.query.directory import MemberChanges
from scim_bridge.query.write import PartialWrite
from scim_bridge.schemas import Extension, Schema, SchemaAttribute
from scim_bridge.upstream.errors import Rejected, TimedOut
from scim_bridge.upstream.trace import UpstreamCall, tracing
from tests.clocks import FakeClock
from tests.protocol.memory import ENTERPRISE, GROUP_URN, USER_URN, USERS, Bridge

SECRET = "s3cret-pa55word"


class Told:
    """An audit log that keeps what it is told in lists; ``broken``: nothing can be stored."""

    def __init__(self, *redact: str) -> None:
        self.redact = redact
        self.events: list[Event] = []
        self.counted: list[tuple[Event, str]] = []
        self.settlings = 0
        self.broken = False

    async def ready(self) -> bool:
        return not self.broken

    def append(self, event: Event) -> None:
        self.events.append(event)

    def count(self, event: Event, origin: str = "") -> None:
        self.counted.append((event, origin))

    async def settled(self) -> None:
        self.settlings += 1

    def last(self) -> Event:
        return self.events[-1]


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def bridge(told: Told) -> Bridge:
    return Bridge(audit=told)


def facts(event: Event) -> tuple[str, str, str, str, int]:
    return event.action, event.resource_type, event.resource_id, event.outcome, event.status


async def test_a_new_resource_is_told_with_what_it_has(bridge: Bridge, told: Told) -> None:
    made = await bridge.user(title="Engineer")
    assert facts(told.last()) == ("scim.create", "User", made["id"], "done", 201)
    assert (told.last().connection, told.last().actor) == ("acme", "0")
    assert told.last().details["changes"] == {"title": {"after": "Engineer"}, "userName": {"after": "bjensen"}}
    assert told.settlings == 1


async def test_which_token_it_was_and_which_request(bridge: Bridge, told: Told) -> None:
    response = await bridge.ask("POST", "/Users", {"schemas": [USER_URN], "userName": "a"}, token="other")
    assert (told.last().actor, told.last().request_id) == ("1", response.headers["X-Request-Id"])


async def test_a_change_is_told_with_before_and_after(bridge: Bridge, told: Told) -> None:
    made = await bridge.user(title="Engineer", name={"givenName": "B", "familyName": "J"})
    path = f"/Users/{made['id']}"
    await bridge.patch(path, {"op": "replace", "path": "title", "value": "Boss"})
    assert facts(told.last()) == ("scim.patch", "User", made["id"], "done", 200)
    assert told.last().details["changes"] == {"title": {"before": "Engineer", "after": "Boss"}}
    await bridge.ask("PUT", path, {"schemas": [USER_URN], "userName": "bjensen", "name": {"givenName": "B"}})
    assert facts(told.last()) == ("scim.replace", "User", made["id"], "done", 200)
    assert told.last().details["changes"] == {
        "title": {"before": "Boss", "after": None},
        "name": {"before": {"givenName": "B", "familyName": "J"}, "after": {"givenName": "B"}},
    }


async def test_attributes_of_extensions_are_told_by_their_urn(bridge: Bridge, told: Told) -> None:
    made = await bridge.user(**{ENTERPRISE: {"department": "Sales"}})
    path = f"{ENTERPRISE}:department"
    await bridge.patch(f"/Users/{made['id']}", {"op": "replace", "path": path, "value": "IT"})
    assert told.last().details["changes"] == {path: {"before": "Sales", "after": "IT"}}


async def test_a_change_that_changes_nothing_is_told_without_changes(bridge: Bridge, told: Told) -> None:
    made = await bridge.user(title="Engineer")
    await bridge.patch(f"/Users/{made['id']}", {"op": "replace", "path": "title", "value": "Engineer"})
    assert told.last().outcome == "done"
    assert "changes" not in told.last().details


async def test_a_deletion_is_told_with_what_was_there_where_that_is_known(bridge: Bridge, told: Told) -> None:
    first, second = await bridge.user("a"), await bridge.user("b")
    calls = len(bridge.upstream.calls)
    await bridge.ask("DELETE", f"/Users/{first['id']}")
    assert len(bridge.upstream.calls) == calls + 1  # nothing is read for the audit log alone
    assert facts(told.last()) == ("scim.delete", "User", first["id"], "done", 204)
    assert "changes" not in told.last().details
    await bridge.ask("DELETE", f"/Users/{second['id']}", headers={"If-Match": second["meta"]["version"]})
    assert told.last().details["changes"]["userName"] == {"before": "b"}


async def test_members_are_told_by_who_is_added_and_removed(bridge: Bridge, told: Told) -> None:
    users = [(await bridge.user(name))["id"] for name in "abc"]
    group = await bridge.group("Staff", users[0])
    assert told.last().details["members"] == {"members": {"added": {"count": 1, "first": users[:1]}}}
    path = f"/Groups/{group['id']}"
    await bridge.patch(
        path,
        {"op": "add", "path": "members", "value": [{"value": users[1]}]},
        {"op": "remove", "path": f'members[value eq "{users[0]}"]'},
    )
    assert told.last().details["members"] == {
        "members": {"added": {"count": 1, "first": [users[1]]}, "removed": {"count": 1, "first": [users[0]]}}
    }
    body = {"schemas": [GROUP_URN], "displayName": "Staff", "members": [{"value": users[2]}]}
    await bridge.ask("PUT", path, body)
    assert told.last().details["members"] == {"members": {"all": {"count": 1, "first": [users[2]]}}}


async def test_long_lists_and_texts_are_cut_and_say_so(bridge: Bridge, told: Told) -> None:
    users = [(await bridge.user(f"u{number}"))["id"] for number in range(MAX_LIST + 1)]
    await bridge.group("x" * 600, *users)
    details = told.last().details
    assert details["members"]["members"]["added"] == {"count": MAX_LIST + 1, "first": users[:MAX_LIST]}
    assert details["changes"]["displayName"]["after"] == f"{'x' * 200}… (600 characters)"
    await bridge.user("many", emails=[{"value": f"a{number}@b.example"} for number in range(30)])
    emails = told.last().details["changes"]["emails"]["after"]
    assert (emails["count"], len(emails["first"])) == (30, MAX_LIST)


async def test_what_is_too_large_altogether_is_told_by_name(bridge: Bridge, told: Told) -> None:
    names = ("emails", "phoneNumbers", "ims", "photos")
    await bridge.user(**{name: [{"value": f"https://{'v' * 480}.example/{n}"} for n in range(20)] for name in names})
    assert told.last().outcome == "done"
    assert told.last().details["changes"]["emails"] == "too large to be kept"
    assert len(str(told.last().details)) < MAX_CHANGES


# -- what fails -------------------------------------------------------------------------------------------------------


async def test_a_refused_write_is_told_with_what_it_would_have_changed(bridge: Bridge, told: Told) -> None:
    made = await bridge.user()
    other = await bridge.user("other")
    await bridge.patch(f"/Users/{other['id']}", {"op": "replace", "path": "userName", "value": "bjensen"})
    assert facts(told.last()) == ("scim.patch", "User", other["id"], "refused", 409)
    assert told.last().details["scimType"] == "uniqueness"
    assert told.last().details["changes"]["userName"] == {"before": "other", "after": "bjensen"}
    await bridge.ask("POST", "/Users", {"schemas": [USER_URN]})
    assert facts(told.last()) == ("scim.create", "User", "", "refused", 400)
    await bridge.ask("DELETE", "/Users/nobody")
    assert facts(told.last()) == ("scim.delete", "User", "nobody", "refused", 404)
    await bridge.ask("PUT", f"/Nowhere/{made['id']}", {})
    assert facts(told.last()) == ("scim.replace", "", "", "refused", 404)


@pytest.mark.parametrize(
    ("error", "outcome", "status"),
    [
        (TimedOut("", "late", sent=True), "unknown", 504),
        (TimedOut("", "late"), "failed", 504),
        (Rejected("", "no"), "refused", 400),
        (RuntimeError("broken"), "failed", 500),
    ],
)
async def test_what_the_upstream_makes_of_a_write_is_told(
    bridge: Bridge, told: Told, error: Any, outcome: str, status: int
) -> None:
    bridge.upstream.fail["POST /users"] = error
    await bridge.ask("POST", "/Users", {"schemas": [USER_URN], "userName": "a"})
    assert facts(told.last()) == ("scim.create", "User", "", outcome, status)


async def test_a_write_that_took_effect_is_done_whatever_the_answer_says(bridge: Bridge, told: Told) -> None:
    made = await bridge.group()
    bridge.upstream.fail[f"GET /groups/{made['id']}/members"] = TimedOut("", "late")
    rename = {"op": "replace", "path": "displayName", "value": "Other"}
    response = await bridge.patch(f"/Groups/{made['id']}?attributes=members", rename)
    assert response.status_code == 502
    assert facts(told.last()) == ("scim.patch", "Group", made["id"], "done", 502)


def test_a_write_that_stays_in_part_is_of_unknown_outcome() -> None:
    told = Told()
    audit = RequestAudit(told, "acme", "0", "r")
    audit.wrote("scim.patch", Trail(), 502, None, PartialWrite(RuntimeError("x"), ["PUT /x"]))
    assert told.last().outcome == "unknown"


async def test_without_a_place_for_the_entry_nothing_is_sent_upstream(bridge: Bridge, told: Told) -> None:
    made = await bridge.user()
    told.broken, calls, events = True, list(bridge.upstream.calls), list(told.events)
    response = await bridge.ask("DELETE", f"/Users/{made['id']}")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert "nothing was changed" in response.json()["detail"]
    assert (bridge.upstream.calls, told.events) == (calls, events)
    assert (await bridge.ask("GET", f"/Users/{made['id']}")).status_code == 200


# -- bulk, refusals, reads --------------------------------------------------------------------------------------------


def bulk(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": list(operations)}


async def test_operations_of_a_bulk_request_are_told_one_by_one(bridge: Bridge, told: Told) -> None:
    made = await bridge.user()
    new = {"schemas": [USER_URN], "userName": "new"}
    response = await bridge.ask(
        "POST",
        "/Bulk",
        bulk(
            {"method": "POST", "path": "/Users", "bulkId": "1", "data": new},
            {"method": "DELETE", "path": f"/Users/{made['id']}"},
            {"method": "DELETE", "path": "/Users/nobody"},
            {"method": "LIST", "path": "/Users"},
        ),
    )
    assert response.status_code == 200
    created, deleted, missing, odd = told.events[-4:]
    assert facts(created)[:2] == ("scim.create", "User")
    assert created.details["changes"] == {"userName": {"after": "new"}}
    assert facts(deleted) == ("scim.delete", "User", made["id"], "done", 204)
    assert facts(missing) == ("scim.delete", "User", "nobody", "refused", 404)
    assert facts(odd) == ("scim.bulk", "", "", "refused", 400)
    assert {each.request_id for each in told.events[-4:]} == {response.headers["X-Request-Id"]}
    assert told.settlings == 2


async def test_a_bulk_request_that_fails_as_a_whole_is_told(bridge: Bridge, told: Told) -> None:
    await bridge.ask("POST", "/Bulk", {"schemas": []})
    assert facts(told.last()) == ("scim.bulk", "", "", "refused", 400)


async def test_an_operation_that_is_cut_short_is_of_unknown_outcome(bridge: Bridge, told: Told) -> None:
    made = await bridge.user()
    cut: Any = asyncio.CancelledError()
    bridge.upstream.fail["DELETE /users"] = cut
    with pytest.raises(asyncio.CancelledError):
        await bridge.ask("POST", "/Bulk", bulk({"method": "DELETE", "path": f"/Users/{made['id']}"}))
    assert facts(told.last()) == ("scim.delete", "User", made["id"], "unknown", 504)


async def test_who_is_refused_is_counted_by_address(bridge: Bridge, told: Told) -> None:
    await bridge.ask("GET", "/Users", token=None)
    await bridge.ask("POST", "/Users", {}, token="wrong")
    expected = Event("client.refused", "acme", outcome="refused", status=401)
    assert told.counted == [(expected, "127.0.0.1")] * 2
    read_only = Bridge(audit=told, writable=False)
    await read_only.ask("POST", "/Users", {"schemas": [USER_URN], "userName": "a"})
    assert told.counted[-1][0] == Event("client.refused", "acme", "0", outcome="refused", status=403)
    assert told.events == []


async def test_what_only_reads_is_not_told(bridge: Bridge, told: Told) -> None:
    await bridge.ask("GET", "/Users")
    await bridge.ask("GET", "/Schemas?filter=id pr")  # a 403 of another kind
    await bridge.ask("POST", "/Users/.search", {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]})
    assert (told.events, told.counted) == ([], [])


# -- upstream calls ---------------------------------------------------------------------------------------------------


def test_upstream_calls_are_told_and_of_very_many_those_that_write() -> None:
    told = Told()
    with tracing(FakeClock()) as trace:
        trace.calls.append(UpstreamCall("GET", "/before", 200, 0.1, 0.0))
        trail = Trail()
        trace.calls.append(UpstreamCall("GET", "/users/1", 200, 0.1, 0.0))
        trace.calls.append(UpstreamCall("PUT", "/users/1", None, 0.1, 0.0))
        RequestAudit(told, "acme", "0", "r").wrote("scim.patch", trail, 504, None, None)
        assert told.last().details["upstream"] == [
            {"method": "GET", "path": "/users/1", "status": 200},
            {"method": "PUT", "path": "/users/1", "status": None},
        ]
        trace.calls += [UpstreamCall("GET", "/many", 200, 0.1, 0.0)] * MAX_CALLS
        RequestAudit(told, "acme", "0", "r").wrote("scim.patch", trail, 200, None, None)
    assert told.last().details["upstream"][0]["method"] == "PUT"
    assert len(told.last().details["upstream"]) == MAX_CALLS
    assert told.last().details["upstreamCalls"] == MAX_CALLS + 2


# -- secrets and what is configured to be left out --------------------------------------------------------------------


async def test_a_password_is_told_as_changed_and_never_shown(bridge: Bridge, told: Told) -> None:
    made = await bridge.user(password=SECRET)
    assert told.last().details["changes"]["password"] == {"after": "***"}
    await bridge.patch(f"/Users/{made['id']}", {"op": "replace", "path": "password", "value": f"{SECRET}2"})
    assert told.last().details["changes"]["password"]["after"] == "***"
    assert SECRET not in repr(told.events)


async def test_what_is_configured_is_not_kept(bridge: Bridge, told: Told) -> None:
    told.redact = ("EMAILS", "name.familyName", f"{ENTERPRISE}:department", "members", "nowhere")
    await bridge.user(
        emails=[{"value": "b@c.example"}],
        name={"familyName": "Jensen", "givenName": "B"},
        **{ENTERPRISE: {"department": "Sales", "costCenter": "7"}},
    )
    assert told.last().details["changes"] == {
        "emails": {"after": "***"},
        "name": {"after": {"familyName": "***", "givenName": "B"}},
        "userName": {"after": "bjensen"},
        f"{ENTERPRISE}:costCenter": {"after": "7"},
        f"{ENTERPRISE}:department": {"after": "***"},
    }
    await bridge.group("Staff", "u1")
    assert told.last().details["members"] == {"members": {"added": {"count": 1}}}


def test_a_whole_extension_can_be_left_out() -> None:
    shown = Shown(USERS, [ENTERPRISE])
    assert shown.changes(None, {ENTERPRISE: {"department": "Sales"}}) == {f"{ENTERPRISE}:department": {"after": "***"}}


VAULT = Schema(
    "urn:example:Vault",
    "Vault",
    "",
    (
        SchemaAttribute("pin", "string", returned="never"),
        SchemaAttribute("code", "string", mutability="writeOnly"),
        SchemaAttribute("apiToken", "string"),
        SchemaAttribute("note", "string"),
        SchemaAttribute(
            "login",
            "complex",
            sub_attributes=(SchemaAttribute("user", "string"), SchemaAttribute("word", "string", returned="never")),
        ),
    ),
)


def test_what_a_schema_says_is_never_returned_is_never_kept_and_what_is_unknown_neither() -> None:
    shown = Shown(USERS.extended(Extension(VAULT)))
    held = {"pin": SECRET, "code": SECRET, "apiToken": SECRET, "note": "n", "other": SECRET}
    held_too = {VAULT.id: {**held, "login": {"user": "u", "word": SECRET}}, "odd": SECRET}
    told = shown.changes({}, held_too)
    assert SECRET not in repr(told)
    assert told[f"{VAULT.id}:note"] == {"before": None, "after": "n"}
    assert told[f"{VAULT.id}:login"]["after"] == {"user": "u", "word": "***"}
    assert {name: each["after"] for name, each in told.items() if each["after"] == "***"}.keys() == {
        "odd", *(f"{VAULT.id}:{name}" for name in ("pin", "code", "apiToken", "other")),
    }  # fmt: skip


def test_a_relation_that_is_emptied_is_told() -> None:
    shown = Shown(USERS)
    assert shown.members({"groups": MemberChanges(exact=True)}) == {"groups": {"all": {"count": 0, "first": []}}}
    assert shown.members({"groups": MemberChanges()}) == {}
