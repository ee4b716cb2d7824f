"""The console's directory: what SCIM clients would get, with the plan beside it, and each look audited."""

import asyncio
import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from typing import Any

import orjson
import pytest

from scim_bridge.admin.console import reading, shown
from scim_bridge.admin.console.directory import SIZES
from scim_bridge.admin.html import time_text
from scim_bridge.query.run import Reader
from scim_bridge.store.audit import Criteria
from scim_bridge.upstream.errors import NotFound, Unavailable
from tests.admin.console import Operator, console, plain
from tests.admin.world import ACTOR

USERS = "/console/connections/acme/directory/Users"
GROUPS = "/console/connections/acme/directory/Groups"


@pytest.fixture
async def operator(tmp_path: Path) -> AsyncIterator[Operator]:
    async with console(tmp_path, "pingone", people=60) as found:
        await found.world.administration.connections.create(ACTOR, "acme", found.world.document())
        yield found


async def scim(operator: Operator, path: str, **params: Any) -> Any:
    """What a SCIM client is answered."""
    made = await operator.world.administration.tokens.create(ACTOR, "acme", scopes=["read"])
    headers = {"Authorization": f"Bearer {made[1].reveal()}"}
    answer = await operator.client.get(f"/scim/acme/v2/{path}", params=params, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def looks(operator: Operator) -> list[tuple[Any, dict[str, Any]]]:
    """What the audit log has of looks at people, the newest first."""
    kept = await operator.world.administration.history.page(Criteria(action="console.read"), 20)
    return [(each.entry, orjson.loads(each.entry.details)) for each in kept]


def names(page: str) -> list[str]:
    return [unescape(each) for each in re.findall(r'<th scope="row"><a href="[^"]*">([^<]*)</a>', page)]


def calls(operator: Operator) -> int:
    connection = operator.world.administration.desk.registry.connections["acme"]
    return sum(count for (kind, _), count in connection.client.usage.calls.items() if kind == "api")


async def test_a_list_is_what_clients_get_with_the_plan_and_the_cost_beside_it(operator: Operator) -> None:
    expected = await scim(operator, "Users", filter='userName sw "a"', sortBy="userName", count=25)
    before = calls(operator)
    page = await operator.get(USERS, filter='userName sw "a"', sortBy="userName", sortOrder="descending")
    assert names(page) == [each["userName"] for each in reversed(expected["Resources"])] != []
    told = plain(page)
    assert f"1 to {expected['totalResults']} of {expected['totalResults']}" in told
    assert 'Evaluated there username sw "a"' in told and "Sorted here, over all matches" in told
    assert f"Requests, now sent {calls(operator) - before} in" in told
    assert 'value="userName sw &#34;a&#34;"' in page


async def test_pages_lead_forward_and_back_through_everybody(operator: Operator) -> None:
    everybody = await scim(operator, "Users", sortBy="userName", count=1000)
    page, seen = await operator.get(USERS, sortBy="userName"), []
    for _ in range(10):
        seen += names(page)
        following = re.search(r'rel="next" href="([^"]*)"', page)
        if following is None:
            break
        page = await operator.get(unescape(following[1]))
    assert seen == [each["userName"] for each in everybody["Resources"]]
    assert len(seen) == everybody["totalResults"] > SIZES[0]
    back = re.search(r'rel="prev" href="([^"]*)"', page)
    assert back and len(names(await operator.get(unescape(back[1])))) == SIZES[0]


async def test_past_the_end_it_says_where_the_list_is(operator: Operator) -> None:
    page = await operator.get(USERS, startIndex=5000)
    assert "so nothing is here" in page and f'<a href="{USERS}">To the first page</a>' in page
    assert "Nothing matches" in await operator.get(USERS, filter='userName eq "nobody"')
    assert "1 to" in await operator.get(USERS, startIndex="9" * 40)


async def test_a_client_profile_that_counts_pages_changes_nothing_here(operator: Operator) -> None:
    expected = names(await operator.get(USERS, startIndex=26))
    await operator.world.administration.connections.change(ACTOR, "acme", {"client_profile": "midpoint"})
    assert names(await operator.get(USERS, startIndex=26)) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("userName eq", "cannot be read: invalid syntax"),
        ('shoeSize eq "44"', "shoeSize"),
        ('"><script>alert(1)</script> eq "x"', "cannot be read"),
    ],
)
async def test_a_filter_that_is_none_is_explained_at_its_field(operator: Operator, text: str, told: str) -> None:
    before = calls(operator)
    page = await operator.get(USERS, 400, filter=text)
    assert told in re.sub(r".*id=\"filter-error\">(.*?)</p>.*", r"\1", page, flags=re.DOTALL)
    assert 'aria-describedby="filter-help filter-error" aria-invalid="true"' in page
    assert "<script>" not in page and calls(operator) <= before + 1  # discovery, the first time


async def test_what_would_take_too_much_is_refused_with_its_plan(operator: Operator) -> None:
    await operator.world.administration.connections.change(ACTOR, "acme", {"limits": {"scan_rows": 10}})
    page = await operator.get(USERS, 400, filter='displayName co "x"')
    assert "Too much to read for an exact answer" in page and "Narrow the filter" in page
    assert "Strategy scan" in plain(page) and not names(page)


async def test_what_the_upstream_fails_with_is_told_in_plain_words(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*given: Any) -> Any:
        raise Unavailable("acme", "answered 503 Service Unavailable", status=503)

    await operator.get(USERS)
    monkeypatch.setattr(Reader, "search", fails)
    answer = await operator.client.get(USERS)
    assert answer.status_code == 503
    assert "PingOne has a problem of its own" in answer.text and answer.headers["X-Request-Id"] in answer.text
    entry, _ = (await looks(operator))[0]
    assert (entry.outcome, entry.status, entry.request_id) == ("failed", 503, answer.headers["X-Request-Id"])


async def test_a_list_that_is_not_found_is_no_empty_list(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone(*given: Any) -> Any:
        raise NotFound("acme", "no such environment", status=404)

    await operator.get(USERS)
    monkeypatch.setattr(Reader, "search", gone)
    assert "no such environment" in await operator.get(USERS, 502)


async def test_a_resource_is_shown_beside_the_record_of_its_upstream(operator: Operator) -> None:
    listed = await scim(operator, "Users", count=1)
    user = await scim(operator, f"Users/{listed['Resources'][0]['id']}")
    before = calls(operator)
    page = await operator.get(f"{USERS}/{user['id']}")
    told = plain(page)
    assert "GET /users/{id}, just read" in told.replace(" ,", ",")
    assert f"userName {user['userName']}" in told and f"externalId {user['externalId']}" in told
    as_scim, raw = (orjson.loads(unescape(each)) for each in re.findall(r"<pre[^>]*>(.*?)</pre>", page, re.DOTALL))
    assert as_scim["userName"] == user["userName"] and as_scim["meta"]["location"] == user["meta"]["location"]
    assert raw["username"] == user["userName"] and raw["id"] == user["id"]
    for group in as_scim.get("groups", ()):
        assert f'<a href="{GROUPS}/{group["value"]}">' in page
    assert calls(operator) - before <= 4  # both at once, the memberships, the roles


async def test_members_lead_to_their_pages(operator: Operator) -> None:
    group = (await scim(operator, "Groups", count=1))["Resources"][0]
    page = await operator.get(f"{GROUPS}/{group['id']}")
    expected = await scim(operator, f"Groups/{group['id']}", attributes="members")
    linked = re.findall(rf'<a href="{USERS}/([^"]*)">', page)
    assert linked == [each["value"] for each in expected["members"] if each["type"] == "User"] != []


async def test_who_is_not_there_is_told_apart_from_what_could_not_be_read(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "There is no such resource" in await operator.get(f"{USERS}/nobody", 404)
    for path in (f"{USERS}/..%2F..%2Fgroups", f"{USERS}/%00", f"{GROUPS}/%3Cscript%3E"):
        assert "<script>" not in (await operator.get(path, 404)).replace("<script src", "")

    async def fails(*given: Any) -> Any:
        raise Unavailable("acme", "cut off", status=None)

    monkeypatch.setattr(Reader, "found", fails)
    page = await operator.get(f"{USERS}/x", 503)
    assert "This could not be read" in page and "PingOne cannot be reached" in page


async def test_a_mirror_shows_what_it_has_while_its_upstream_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console(tmp_path, "pingone") as operator:
        connections = operator.world.administration.connections
        await connections.create(ACTOR, "acme", operator.world.document(mode="mirror"))
        connection = operator.world.administration.desk.registry.connections["acme"]
        await (await connection.sync()).refresh()
        page = await operator.get(USERS, filter="active eq true")
        assert "The mirror answered" in page and "Requests, now sent 0 in" in plain(page)

        async def fails(*given: Any) -> Any:
            raise Unavailable("acme", "it is away", status=503)

        monkeypatch.setattr(Reader, "found", fails)
        link = re.search(r'<th scope="row"><a href="([^"]*)"', page)
        assert link
        page = await operator.get(link[1])
        assert "it is away" in page and page.count("<pre") == 1


async def test_each_look_is_audited_with_who_and_what_for(operator: Operator) -> None:
    user = (await scim(operator, "Users", count=1))["Resources"][0]
    await operator.get(USERS, filter='userName sw "b"', count=50)
    await operator.get(f"{USERS}/{user['id']}")
    await operator.get(USERS, 400, filter="userName eq")
    (wrong, _), (one, _), (listed, details) = await looks(operator)
    assert (one.actor, one.connection, one.resource_type, one.resource_id) == ("admin-0", "acme", "User", user["id"])
    assert (listed.outcome, listed.status, details["filter"], details["count"]) == ("done", 200, 'userName sw "b"', 50)
    assert details["address"] == "127.0.0.1" and details["upstreamCalls"] > 0
    assert (wrong.outcome, wrong.status) == ("refused", 400)


async def test_values_that_the_audit_log_is_not_to_keep_are_not_kept_of_filters(tmp_path: Path) -> None:
    async with console(tmp_path, "pingone", audit_redact=["emails", "name.familyName"]) as operator:
        await operator.world.administration.connections.create(ACTOR, "acme", operator.world.document())
        for text in ('emails.value eq "a@b.example"', 'emails[value eq "x"]', 'name.familyName eq "Z"', "broken"):
            await operator.client.get(USERS, params={"filter": text})
        await operator.get(USERS, filter='userName eq "a"')
        kept = [details["filter"] for _, details in await looks(operator)]
    assert kept == ['userName eq "a"', "***", "***", "***", "***"]


async def test_a_connection_that_does_not_serve_shows_nobody(operator: Operator) -> None:
    await operator.world.administration.connections.pause(ACTOR, "acme", True)
    assert "is paused" in await operator.get(USERS, 409)
    await operator.get("/console/connections/none/directory", 404)
    await operator.world.administration.connections.pause(ACTOR, "acme", False)
    await operator.get("/console/connections/acme/directory/Shoes", 404)
    answer = await operator.client.get("/console/connections/acme/directory")
    assert answer.headers["Location"] == USERS


async def test_what_takes_too_long_is_ended_and_told(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    async def waits(*given: Any) -> Any:
        await asyncio.Event().wait()

    await operator.get(USERS)
    monkeypatch.setattr(reading, "DEADLINE_SECONDS", -0.99)  # one second is added
    monkeypatch.setattr(Reader, "search", waits)
    assert "No answer in time (request " in await operator.get(USERS, 504)


async def test_without_an_audit_log_the_directory_is_shown(tmp_path: Path) -> None:
    async with console(tmp_path, "pingone", audit=False) as operator:
        await operator.world.administration.connections.create(ACTOR, "acme", operator.world.document())
        assert names(await operator.get(USERS)) != []


async def test_members_that_clients_have_to_ask_for_are_read_when_asked_for(tmp_path: Path) -> None:
    async with console(tmp_path, "sailpoint-iiq", people=20) as operator:
        await operator.world.administration.connections.create(ACTOR, "acme", operator.world.document("sailpoint-iiq"))
        group = re.search(r'<th scope="row"><a href="([^"]*)"', await operator.get(GROUPS))
        assert group
        page = await operator.get(group[1])
        assert 'href="?with=members"' in page and "Members (" not in page
        whole = await operator.get(f"{group[1]}?with=members")
        assert "Members (" in whole and whole.count(f'<a href="{USERS}/') > page.count(f'<a href="{USERS}/') > 0


async def test_what_upstreams_call_things_is_text_whatever_it_holds(operator: Operator) -> None:
    token = (await operator.world.administration.tokens.create(ACTOR, "acme"))[1].reveal()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
    group = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": "</pre><script>alert(1)</script>'\"><img src=x onerror=alert(1)>",
    }
    made = await operator.client.post("/scim/acme/v2/Groups", content=orjson.dumps(group), headers=headers)
    assert made.status_code == 201, made.text
    for page in (await operator.get(GROUPS, count=100), await operator.get(f"{GROUPS}/{made.json()['id']}")):
        assert "&lt;script&gt;alert(1)" in page and "<script>" not in page and "<img src=x" not in page


def test_a_time_is_read_in_utc_and_what_is_none_is_text() -> None:
    assert shown.moment("2023-11-14T22:13:20Z") == shown.moment("2023-11-14T22:13:20") == 1_700_000_000_000
    assert shown.moment("2023-11-14T23:13:20+01:00") == 1_700_000_000_000
    for text in ("soon", None, "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"):
        assert shown.moment(text) is None
    for text in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"):
        at = shown.moment(text)
        assert at is not None and time_text(at).endswith(" UTC")


def test_records_are_shown_without_what_is_a_secret_by_its_name() -> None:
    told = shown.as_json({"passwordHash": "x1", "clientSecret": "x2", "password": {"status": "OK"}, "a": [1] * 150})
    assert "x1" not in told and "x2" not in told and '"status": "OK"' in told
    assert '"... and 50 more"' in told and told.count("    1") == 100
