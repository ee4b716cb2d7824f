"""Sign-in, settings, and what of the site's refusals and outages a SCIM client gets to see."""

from typing import Any

import httpx
import pytest

from scim_bridge.config import from_document
from scim_bridge.connections import provider_by_name
from scim_bridge.providers.sailpoint_iiq import PROVIDER, Settings
from scim_bridge.providers.sailpoint_iiq.sandbox import Sandbox
from scim_bridge.upstream.redact import Secret
from tests.clocks import FakeClock
from tests.providers.sailpoint_iiq.bridge import bridged
from tests.providers.sailpoint_iiq.support import SP_USER

BASE = "https://iiq.example.com/identityiq"
BASIC: dict[str, Any] = {"username": "svc", "password": Secret("x")}


async def test_tokens_are_renewed_before_they_end_and_when_they_are_refused() -> None:
    clock = FakeClock()
    sandbox = Sandbox(users=20, clock=clock)
    async with bridged(sandbox, clock=clock, oauth=True) as bridge:
        await bridge.get("/Users", count=1)
        assert len(sandbox.log.sign_ins) == 0, "the one from the start still holds"
        clock.advance(1190)
        await bridge.get("/Users", count=1)
        assert len(sandbox.log.sign_ins) == 1
        sandbox.end_tokens()
        await bridge.get("/Users", count=1, startIndex=2)
        assert len(sandbox.log.sign_ins) == 2


@pytest.mark.parametrize("wrong", [{"password": "no"}, {"username": "nobody"}])
async def test_wrong_credentials_are_not_the_clients(wrong: dict[str, Any]) -> None:
    async with bridged(Sandbox(users=5), **wrong) as bridge:
        answer = await bridge.ask("GET", "/Users")
        assert answer.status_code == 502 and "401" in answer.json()["detail"]


@pytest.mark.parametrize(
    "status, headers, expected",
    [
        (500, {}, 503),
        (503, {}, 503),
        (429, {"Retry-After": "600"}, 429),
        (403, {}, 502),
        (404, {}, 502),
    ],
)
async def test_trouble_with_a_list_is_never_an_empty_one(status: int, headers: dict[str, str], expected: int) -> None:
    sandbox = Sandbox(users=20)
    async with bridged(sandbox) as bridge:
        sandbox.fail("GET /Users", status, times=50, headers=headers)
        answer = await bridge.ask("GET", "/Users")
        assert answer.status_code == expected, answer.text
        assert answer.headers.get("Retry-After") == headers.get("Retry-After")


async def test_a_filter_that_is_refused_after_all_is_done_here() -> None:
    sandbox = Sandbox(users=60)
    async with bridged(sandbox) as bridge:
        sandbox.knobs.operators = frozenset({"ge"})
        found = await bridge.find("User", filter='userName eq "adam.kennedy"')
        assert [each["userName"] for each in found] == ["adam.kennedy"]
        assert bridge.calls() == ['GET /Users?userName eq "adam.kennedy"', "GET /Users"]


async def test_a_filter_that_crashes_the_server_is_no_outage() -> None:
    sandbox = Sandbox(users=60)
    async with bridged(sandbox) as bridge:
        sandbox.knobs.crashes = True
        found = await bridge.find("User", filter='userName eq "adam.kennedy"')
        assert [each["userName"] for each in found] == ["adam.kennedy"]
        sandbox.fail("GET /Users", 500, times=50)
        assert (await bridge.ask("GET", "/Users", filter='userName eq "x"')).status_code == 503


async def test_types_that_these_rights_do_not_list_are_left_out() -> None:
    sandbox = Sandbox(users=20)
    sandbox.fail("GET /(Accounts|Alerts|ObjectConfigs?)", 403, times=10)
    async with bridged(sandbox) as bridge:
        types = {each["name"] for each in (await bridge.get("/ResourceTypes"))["Resources"]}
        assert not {"Account", "Alert", "ObjectConfig"} & types and {"User", "Group", "Entitlement"} <= types
        assert len(await bridge.find("User", filter='userName sw "a"')) > 1


async def test_no_users_no_connection() -> None:
    sandbox = Sandbox(users=20)
    sandbox.fail("GET /Users", 403, times=1)
    async with bridged(sandbox) as bridge:
        assert (await bridge.get("/Users"))["totalResults"] == 20  # asked again, it is let in
    sandbox = Sandbox(users=20)
    sandbox.fail("GET /Users", 403, times=50)
    async with bridged(sandbox) as bridge:
        assert (await bridge.ask("GET", "/Users")).status_code == 502


async def test_a_list_that_stops_short_of_its_total_is_refused() -> None:
    sandbox = Sandbox(users=60)
    async with bridged(sandbox) as bridge:
        sandbox.knobs.page_size = lambda rows: 0
        assert (await bridge.ask("GET", "/Users", count=10)).status_code == 502


# -- settings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes, key",
    [
        ({"base_url": "iiq.example.com"}, "base_url"),
        ({"password": None}, "password"),
        ({"client_id": "c"}, "client_secret"),
        ({"client_id": "c", "client_secret": Secret("s")}, "username"),
        ({"username": None, "password": None}, "username"),
        ({"discovery_seconds": -1.0}, "discovery_seconds"),
        ({"max_concurrency": 0}, "max_concurrency"),
        ({"attributes": {"nothing": "x"}}, "attributes"),
        ({"attributes": {"name": "x"}}, "attributes"),
    ],
)
def test_settings_that_make_no_sense_are_named(changes: dict[str, Any], key: str) -> None:
    found = PROVIDER.check(Settings(**{"base_url": BASE, **BASIC, **changes}))
    assert found is not None and found[0] == key


@pytest.mark.parametrize("attributes", [{}, {"title": "jobTitle"}, {"phoneNumbers.work": "phone", "locale": "x"}])
def test_settings_that_do(attributes: dict[str, str]) -> None:
    assert PROVIDER.check(Settings(BASE, **BASIC, attributes=attributes)) is None


def test_a_connection_is_planned_without_asking_the_site() -> None:
    mapped = {"enterprise.department": "department", "phoneNumbers.work": "phone"}
    people, groups, roles = PROVIDER.collections(Settings(BASE, **BASIC, attributes=mapped), None)
    assert [each.resource.name for each in (people, groups, roles)] == ["User", "Group", "Role"]
    pushed = {f"{rule.attribute} {op}" for access in people.reads for rule in access.rules for op in rule.operators}
    assert {"userName eq", "active eq", "emails.value co", f"{SP_USER}:riskScore ge"} <= pushed
    assert not [each for each in pushed if each.rpartition(" ")[2] in ("ne", "ew", "lt", "pr")]
    department = people.resource.resolve("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department")
    assert department is not None and department.target.mutability == "readWrite"


async def test_an_attribute_that_the_site_does_not_have_is_told() -> None:
    async with bridged(Sandbox(users=5), attributes={"title": "jobTtile"}) as bridge:
        answer = await bridge.ask("GET", "/Users")
        assert answer.status_code == 502 and "jobTtile" in answer.json()["detail"]


def test_where_requests_go_and_how() -> None:
    plain = PROVIDER.endpoint(Settings(BASE, **BASIC), FakeClock())
    assert plain.base_url == f"{BASE}/scim/v2"
    assert (plain.options.timeout_seconds, plain.options.max_concurrency) == (60, 4)
    renamed = Settings(
        f"{BASE}/", **BASIC, scim_path="scim/v1/", proxy=Secret("http://u:p@proxy:3128"), ca_bundle="ca.pem"
    )
    endpoint = PROVIDER.endpoint(renamed, FakeClock())
    assert endpoint.base_url == f"{BASE}/scim/v1"
    assert (endpoint.options.proxy, endpoint.options.ca_bundle) == ("http://u:p@proxy:3128", "ca.pem")


@pytest.mark.parametrize("token_url", [None, "https://gateway.example.com/token"])
async def test_the_token_endpoint_is_in_the_context_unless_told_otherwise(token_url: str | None) -> None:
    settings = Settings(BASE, client_id="c", client_secret=Secret("s"), token_url=token_url)
    endpoint = PROVIDER.endpoint(settings, FakeClock())
    assert endpoint.auth is not None
    async with httpx.AsyncClient() as client:
        flow = endpoint.auth.async_auth_flow(client.build_request("GET", f"{BASE}/scim/v2/Users"))
        asked = await flow.__anext__()
        assert str(asked.url) == (token_url or f"{BASE}/oauth2/token")
        await flow.aclose()


def test_unknown_settings_are_errors() -> None:
    table = {"provider": "sailpoint-iiq", "token": "t", "settings": {"base_url": BASE, "tenant": "x"}}
    with pytest.raises(ValueError, match="tenant"):
        from_document({"connections": {"acme": table}}, "test", provider_by_name)
