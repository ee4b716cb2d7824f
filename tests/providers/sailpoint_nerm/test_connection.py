"""Signing in, settings that lead nowhere, rate limits, and what a tenant is asked at start."""

from typing import Any

import httpx
import pytest

from scim_bridge.providers.sailpoint_nerm import PROVIDER, Settings
from scim_bridge.providers.sailpoint_nerm.errors import classify
from scim_bridge.providers.sailpoint_nerm.fields import URN
from scim_bridge.providers.sailpoint_nerm.sandbox import Sandbox
from scim_bridge.upstream.errors import Conflict, NotFound, Rejected
from scim_bridge.upstream.redact import Secret
from scim_bridge.upstream.reply import Reply
from tests.clocks import FakeClock
from tests.providers.sailpoint_nerm.bridge import bridged
from tests.providers.sailpoint_nerm.support import ORIGIN

BASE = "https://acme.nonemployee.com/api"
PAT: dict[str, Any] = {"token_url": f"{ORIGIN}/oauth/token", "client_id": "c", "client_secret": Secret("hush")}


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"api_token": Secret("k")}, None),
        (PAT, None),
        ({}, "api_token"),
        ({"client_id": "c"}, "api_token"),
        ({"api_token": Secret("k"), "client_id": "c"}, "api_token"),
        ({"api_token": Secret("k"), "page_size": 501}, "page_size"),
        ({"api_token": Secret("k"), "attributes": {"nickName": "nick"}}, None),
        ({"api_token": Secret("k"), "attributes": {"nickname": "a.b"}}, "attributes"),
        ({"api_token": Secret("k"), "attributes": {"active": "is_active"}}, "attributes"),
        ({"api_token": Secret("k"), "attributes": {"nobody": "x"}}, "attributes"),
        ({"api_token": Secret("k"), "attributes": {f"{URN}:status": "x"}}, "attributes"),
        ({"api_token": Secret("k"), "attributes": {f"{URN}:no good": "x"}}, "attributes"),
    ],
    ids=str,
)
def test_settings_that_lead_nowhere_are_told(given: dict[str, Any], key: str | None) -> None:
    found = PROVIDER.check(Settings(base_url=BASE, **given))
    assert (found[0] if found else None) == key


def test_secrets_show_nowhere() -> None:
    settings = Settings(base_url=BASE, **PAT)
    assert "hush" not in repr(settings) + repr(PROVIDER.endpoint(settings, FakeClock()))


async def test_a_token_signs_in_once_and_again_when_it_ends() -> None:
    sandbox = Sandbox(users=5)
    pat = {**sandbox.token_settings, "token_url": f"{ORIGIN}/oauth/token"}
    async with bridged(sandbox, **pat) as bridge:
        await bridge.get("/Users")
        assert len(sandbox.log.sign_ins) == 0  # it was asked for at start
        sandbox.end_tokens()
        await bridge.get("/Users")
        assert len(sandbox.log.sign_ins) == 1
        bridge.clock.advance(749)
        await bridge.get("/Users")
        assert len(sandbox.log.sign_ins) == 2


async def test_a_limit_is_waited_out_or_told() -> None:
    """No limit of NERM's is documented; its clients honour one."""
    sandbox = Sandbox(users=5)
    async with bridged(sandbox) as bridge:
        sandbox.limit(1, "2")
        assert (await bridge.ask("GET", "/Users")).status_code == 200
        sandbox.limit(9, "300")
        answer = await bridge.ask("GET", "/Users")
        assert answer.status_code == 429 and int(answer.headers["Retry-After"]) >= 300


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"people_profile_types": ["Robots"]}, "no profile type is called 'Robots'"),
        ({"people_profile_types": ["Twins"]}, "several profile types are called 'Twins'"),
        ({"attributes": {"title": "nobody"}}, "no attribute has that uid"),
    ],
)
async def test_what_a_tenant_lacks_is_told_at_start(settings: dict[str, Any], told: str) -> None:
    sandbox = Sandbox(users=5)
    for record in list(sandbox.store.profile_types.values())[-2:]:
        record["name"] = "Twins"
    async with bridged(sandbox, **settings) as bridge:
        answer = await bridge._client.get("/scim/acme/v2/Users")
        assert answer.status_code == 502 and told in answer.json()["detail"]


@pytest.mark.parametrize("by", ["id", "uid", "name"])
async def test_a_type_is_named_in_three_ways(by: str) -> None:
    sandbox = Sandbox(users=32)
    record = next(each for each in sandbox.store.profile_types.values() if each["name"] == "Volunteers")
    async with bridged(sandbox, people_profile_types=[record[by]]) as bridge:
        assert {each["userType"] for each in await bridge.find("User")} == {"Volunteers"}
        made = await bridge.create("User", userName="ana")
        assert sandbox.store.profiles[made["id"]].type_id == record["id"]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, {"profiles": []}, None),
        (200, {"error": "no user roles found"}, NotFound),
        (200, {"error": "something odd"}, Rejected),
        (400, {"error": "no profiles found"}, NotFound),
        (400, {"error": "profile not found"}, NotFound),
        (404, {"error": "The requested Profile was not found"}, NotFound),
        (404, {"error": "Not Found"}, None),
        (400, {"error": "x", "errors": {"possible_duplicates": [[{"id": "1"}]]}}, Conflict),
        (400, {"error": "x", "errors": {"login": ["has already been taken"]}}, Conflict),
        (400, {"error": "x", "errors": {"status": "can't be blank"}}, Rejected),
        (401, {"error": "Unauthorized"}, None),
        (429, {"error": "no more"}, None),
        (500, {"error": "Sorry something went wrong"}, None),
        (400, ["x"], None),
    ],
    ids=str,
)
def test_a_refusal_is_known_by_its_text(status: int, body: Any, kind: type[Exception] | None) -> None:
    found = classify(Reply(status, body, httpx.Headers()))
    assert (type(found) if found is not None else None) is kind


async def test_roles_are_read_only_and_say_so() -> None:
    sandbox = Sandbox(users=5)
    role = next(iter(sandbox.store.roles))
    async with bridged(sandbox) as bridge:
        for kind in ("Groups", "Roles"):
            assert (await bridge.ask("DELETE", f"/{kind}/{role}")).status_code == 501
            (shown,) = [each for each in await bridge.find(kind[:-1]) if each["id"] == role]
            assert shown["displayName"] == sandbox.store.roles[role]["name"]
        held = {each["user_id"] for each in sandbox.store.user_roles.values() if each["role_id"] == role}
        found = await bridge.get(f"/Groups/{role}")
        assert {each["value"] for each in found.get("members", [])} == held
        assert all(set(each) == {"value"} for each in found.get("members", []))
    assert role in sandbox.store.roles
