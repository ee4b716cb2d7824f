"""The simulated PingOne's users, against section 3 of the fact sheet and its traps (section 13)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from scim_bridge.providers.pingone import values
from scim_bridge.providers.pingone.sandbox import Sandbox
from tests.clocks import FakeClock
from tests.providers.pingone.support import Api, api_of, detail

VENDOR = "application/vnd.pingidentity."


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sandbox(clock: FakeClock) -> Sandbox:
    return Sandbox(users=40, clock=clock)


@pytest.fixture
async def api(sandbox: Sandbox) -> AsyncIterator[Api]:
    async with api_of(sandbox) as found:
        yield found


@pytest.fixture
async def ana(api: Api) -> dict[str, Any]:
    body = {
        "username": "ana.lopez",
        "email": "ana.lopez@example.com",
        "name": {"formatted": "Ana Lopez", "given": "Ana", "family": "Lopez"},
        "address": {"locality": "Leeds", "countryCode": "GB"},
        "title": "Engineer",
        "department": "R&D",
        "identityProvider": {"id": "5f0a6d0e-1111-4aaa-9bbb-000000000001"},
    }
    made: dict[str, Any] = (await api("POST", "/users", body)).json()
    return made


def path(user: dict[str, Any], rest: str = "") -> str:
    return f"/users/{user['id']}{rest}"


async def test_a_new_user_is_enabled_and_in_the_default_population(api: Api, sandbox: Sandbox, ana: Any) -> None:
    default = next(each.data["id"] for each in sandbox.store.populations.values() if each.data["default"])
    assert ana["population"] == {"id": default}
    assert ana["enabled"] is True
    assert ana["account"] == {"canAuthenticate": True, "status": "OK"}
    assert ana["environment"] == {"id": sandbox.environment_id}
    assert (await api("GET", path(ana))).json() == ana


async def test_without_a_default_population_one_has_to_be_named(api: Api, sandbox: Sandbox) -> None:
    for each in sandbox.store.populations.values():
        each.data["default"] = False
    assert detail(await api("POST", "/users", {"username": "x"})) == ("REQUIRED_VALUE", "population")
    named = next(iter(sandbox.store.populations))
    assert (await api("POST", "/users", {"username": "x", "population": {"id": named}})).status_code == 201


@pytest.mark.parametrize("username", ["ana.lopez", "ANA.Lopez"])
async def test_a_username_is_unique_in_all_populations(api: Api, sandbox: Sandbox, ana: Any, username: str) -> None:
    """Trap 1: 400 with the body of a real capture, not 409."""
    population = list(sandbox.store.populations)[2]
    answer = await api("POST", "/users", {"username": username, "population": {"id": population}})
    body = answer.json()
    assert answer.status_code == 400
    assert body == {
        "id": body["id"],
        "code": "INVALID_DATA",
        "message": "The request could not be completed. One or more validation errors were in the request.",
        "details": [
            {
                "code": "UNIQUENESS_VIOLATION",
                "target": "username",
                "message": "is unique but a non-unique value is provided",
            }
        ],
    }


async def test_renaming_gives_the_old_name_free(api: Api, ana: Any) -> None:
    assert (await api("PATCH", path(ana), {"username": "ana"})).status_code == 200
    assert (await api("POST", "/users", {"username": "ana.lopez"})).status_code == 201
    assert detail(await api("PATCH", path(ana), {"username": "Ana.Lopez"}))[0] == "UNIQUENESS_VIOLATION"


async def test_put_removes_what_is_left_out(api: Api, ana: Any) -> None:
    """Trap 2: custom attributes too, and a federated user silently becomes PING_ONE."""
    assert ana["identityProvider"]["id"]
    body = (await api("PUT", path(ana), {"username": "ana.lopez", "title": "Boss"})).json()
    assert body["title"] == "Boss"
    assert not body.keys() & {"email", "name", "address", "department"}
    assert body["identityProvider"] == {"type": "PING_ONE"}
    assert body["population"] == ana["population"]


async def test_put_takes_what_a_read_brought(api: Api, ana: Any) -> None:
    """Section 3: the recommended flow is GET, edit, PUT; fields that are not writable look tolerated."""
    answer = await api("PUT", path(ana), {**ana, "title": "Boss", "enabled": False})
    assert answer.status_code == 200
    assert answer.json()["title"] == "Boss"
    assert answer.json()["enabled"] is True  # trap 3: it has an endpoint of its own


async def test_patch_merges_and_null_clears(api: Api, ana: Any) -> None:
    """Trap 25; what the body leaves out stays."""
    body = (await api("PATCH", path(ana), {"title": None, "department": "Sales"})).json()
    assert "title" not in body
    assert (body["department"], body["email"]) == ("Sales", "ana.lopez@example.com")


@pytest.mark.parametrize("merges", [True, False])
async def test_whether_patch_merges_within_a_name_is_open(api: Api, sandbox: Sandbox, ana: Any, merges: bool) -> None:
    """Section 3: UNVERIFIED, so a knob."""
    sandbox.knobs.patch_merges_within = merges
    body = (await api("PATCH", path(ana), {"name": {"given": "Anna", "formatted": None}})).json()
    assert body["name"] == ({"given": "Anna", "family": "Lopez"} if merges else {"given": "Anna"})


@pytest.mark.parametrize(
    "body", [{"enabled": False}, {"population": {"id": "x"}}, {"mfaEnabled": True}, {"password": {"value": "x"}}]
)
async def test_patch_refuses_what_has_an_endpoint_of_its_own(api: Api, ana: Any, body: dict[str, Any]) -> None:
    """Trap 3: what PATCH does with them is not documented; nobody should rely on it."""
    assert (await api("PATCH", path(ana), body)).status_code == 400


async def test_a_plain_create_takes_no_password(api: Api) -> None:
    """Trap 5."""
    body = {"username": "joe", "password": {"value": "s3cret-Passw0rd"}}
    assert detail(await api("POST", "/users", body)) == ("INVALID_VALUE", "password")
    made = await api("POST", "/users", body, kind=f"{VENDOR}user.import+json")
    assert made.status_code == 201
    assert "password" not in made.json()
    assert made.json()["_embedded"]["password"]["status"] == "OK"


async def test_enabled_is_written_by_its_own_endpoint(api: Api, ana: Any) -> None:
    answer = await api("PUT", path(ana, "/enabled"), {"enabled": False})
    assert answer.status_code == 200
    assert answer.json()["enabled"] is False
    assert answer.json()["_links"].keys() == {"self", "user"}
    read = (await api("GET", path(ana))).json()
    assert (read["enabled"], read["account"]["canAuthenticate"]) == (False, False)


async def test_a_locked_user_stays_enabled_but_cannot_sign_on(api: Api, ana: Any) -> None:
    locked = (await api("POST", path(ana), kind=f"{VENDOR}account.lock+json")).json()
    assert (locked["enabled"], locked["account"]) == (
        True,
        {"canAuthenticate": False, "status": "LOCKED", "lockedAt": "2026-03-02T08:00:00.000Z"},
    )
    unlocked = (await api("POST", path(ana), kind=f"{VENDOR}account.unlock+json")).json()
    assert unlocked["account"] == {"canAuthenticate": True, "status": "OK"}
    assert (await api("POST", path(ana), kind="application/json")).status_code == 415


async def test_a_password_is_set_by_content_type(api: Api, ana: Any) -> None:
    body = {"value": "s3cret-Passw0rd", "forceChange": True}
    assert (await api("PUT", path(ana, "/password"), body)).status_code == 415
    answer = await api("PUT", path(ana, "/password"), body, kind=f"{VENDOR}password.set+json")
    assert (answer.status_code, answer.json()["status"]) == (200, "MUST_CHANGE_PASSWORD")
    assert detail(await api("PUT", path(ana, "/password"), {}, kind=f"{VENDOR}password.set+json")) == (
        "REQUIRED_VALUE",
        "value",
    )


async def test_mfa_is_written_by_its_own_endpoint(api: Api, ana: Any) -> None:
    assert (await api("PUT", path(ana, "/mfaEnabled"), {"mfaEnabled": True})).json()["mfaEnabled"] is True
    assert (await api("GET", path(ana))).json()["mfaEnabled"] is True


async def test_moving_the_population_drops_memberships_of_its_groups(api: Api, sandbox: Sandbox, ana: Any) -> None:
    """Trap 13."""
    here, there = ana["population"]["id"], list(sandbox.store.populations)[1]
    of_population = (await api("POST", "/groups", {"name": "Of one", "population": {"id": here}})).json()
    of_environment = (await api("POST", "/groups", {"name": "Of all"})).json()
    for group in (of_population, of_environment):
        assert (await api("POST", path(ana, "/memberOfGroups"), {"id": group["id"]})).status_code == 201
    assert (await api("PUT", path(ana, "/population"), {"id": there})).json()["id"] == there
    body = (await api("GET", path(ana), include="memberOfGroupIDs")).json()
    assert body["population"] == {"id": there}
    assert body["memberOfGroupIDs"] == [of_environment["id"]]
    assert (await api("PUT", path(ana, "/population"), {"id": sandbox.new_id()})).status_code == 400


async def test_memberships_come_with_a_single_read_only_when_asked_for(api: Api, sandbox: Sandbox) -> None:
    """Trap 11."""
    group_id = next(each for each, members in sandbox.store.direct.items() if members)
    user_id = next(iter(sandbox.store.direct[group_id]))
    assert "memberOfGroupIDs" not in (await api("GET", f"/users/{user_id}")).json()
    body = (await api("GET", f"/users/{user_id}", include="memberOfGroupIDs,memberOfGroupNames")).json()
    assert group_id in body["memberOfGroupIDs"]
    assert sandbox.store.groups[group_id].data["name"] in body["memberOfGroupNames"]
    assert detail(await api("GET", f"/users/{user_id}", include="groups"))[1] == "include"


async def test_a_population_can_be_read_along(api: Api, ana: Any) -> None:
    body = (await api("GET", path(ana), expand="population")).json()
    assert body["_embedded"]["population"]["name"] == "Employees"


async def test_a_deleted_user_is_gone(api: Api, ana: Any) -> None:
    assert (await api("DELETE", path(ana))).status_code == 204
    assert (await api("DELETE", path(ana))).status_code == 404
    assert (await api("POST", "/users", {"username": "ana.lopez"})).status_code == 201


async def test_changes_move_the_time_of_the_last_one(api: Api, clock: FakeClock, ana: Any) -> None:
    clock.advance(90)
    body = (await api("PATCH", path(ana), {"title": "Boss"})).json()
    assert (ana["updatedAt"], body["updatedAt"]) == ("2026-03-02T08:00:00.000Z", "2026-03-02T08:01:30.000Z")
    assert body["createdAt"] == ana["createdAt"]


async def test_an_email_may_be_required(api: Api, sandbox: Sandbox, ana: Any) -> None:
    """Trap 26: schema configuration, so a knob."""
    assert (await api("POST", "/users", {"username": "joe"})).status_code == 201
    sandbox.knobs.email_required = True
    assert detail(await api("POST", "/users", {"username": "jim"})) == ("REQUIRED_VALUE", "email")
    assert detail(await api("PATCH", path(ana), {"email": None})) == ("REQUIRED_VALUE", "email")


@pytest.mark.parametrize(
    ("body", "code", "target"),
    [
        ({}, "REQUIRED_VALUE", "username"),
        ({"username": None}, "REQUIRED_VALUE", "username"),
        ({"username": ""}, "EMPTY_VALUE", "username"),
        ({"username": 7}, "INVALID_VALUE", "username"),
        ({"username": "x" * 129}, "SIZE_LIMIT_EXCEEDED", "username"),
        ({"username": "a\nb"}, "INVALID_VALUE", "username"),
        ({"email": "nobody"}, "INVALID_VALUE", "email"),
        ({"email": "a@b c"}, "INVALID_VALUE", "email"),
        ({"name": {"family": "Smith, Jr"}}, "INVALID_VALUE", "name.family"),  # trap 27
        ({"name": {"formatted": "joe@example.com"}}, "INVALID_VALUE", "name.formatted"),  # trap 27
        ({"name": {"display": "Joe"}}, "INVALID_VALUE", "name.display"),
        ({"name": "Joe"}, "INVALID_VALUE", "name"),
        ({"timezone": "UTC"}, "INVALID_VALUE", "timezone"),  # trap 27
        ({"timezone": "America/Indiana/Knox"}, "INVALID_VALUE", "timezone"),
        ({"address": {"countryCode": "gb"}}, "INVALID_VALUE", "address.countryCode"),  # trap 26
        ({"address": {"countryCode": "GBR"}}, "INVALID_VALUE", "address.countryCode"),
        ({"address": {"country": "GB"}}, "INVALID_VALUE", "address.country"),
        ({"address": {"postalCode": "9" * 41}}, "SIZE_LIMIT_EXCEEDED", "address.postalCode"),
        ({"mobilePhone": "none"}, "INVALID_VALUE", "mobilePhone"),
        ({"primaryPhone": "1" * 33}, "SIZE_LIMIT_EXCEEDED", "primaryPhone"),
        ({"photo": {}}, "REQUIRED_VALUE", "photo.href"),
        ({"photo": {"href": "ftp://x/y"}}, "INVALID_VALUE", "photo.href"),
        ({"locale": "fi-"}, "INVALID_VALUE", "locale"),
        ({"preferredLanguage": "en;"}, "INVALID_VALUE", "preferredLanguage"),
        ({"title": "x" * 257}, "SIZE_LIMIT_EXCEEDED", "title"),
        ({"externalId": "x" * 1025}, "SIZE_LIMIT_EXCEEDED", "externalId"),
        ({"emailVerified": True}, "INVALID_VALUE", "emailVerified"),  # by import only
        ({"lifecycle": {"status": "ACCOUNT_OK"}}, "INVALID_VALUE", "lifecycle"),  # by import only
        ({"userName": "joe"}, "INVALID_VALUE", "userName"),
        ({"displayName": "Joe"}, "INVALID_VALUE", "displayName"),
        ({"population": {"id": "x"}}, "INVALID_VALUE", "population.id"),
    ],
)
async def test_values_are_checked(api: Api, body: dict[str, Any], code: str, target: str) -> None:
    answer = await api("POST", "/users", body if not body or "username" in body else {"username": "joe", **body})
    assert answer.status_code == 400
    assert answer.json()["code"] == "INVALID_DATA"
    assert detail(answer) == (code, target)


async def test_documented_values_are_taken(api: Api) -> None:
    body = {
        "username": "José Müller-山田 +1",
        "email": "o'neil+x@mail.example.co.uk",
        "name": {"formatted": "Dr. Zoë O'Brien-Łódź 3", "given": "Anne, Marie (A.)", "honorificSuffix": "III, Ph.D."},
        "timezone": "America/Los_Angeles",
        "locale": "az-Arab",
        "preferredLanguage": "en-GB, de;q=0.8, *;q=0.1",
        "address": {"streetAddress": "1 Quay St\nLeeds", "countryCode": "GB"},
        "mobilePhone": "+44.7700900001",
        "photo": {"href": "https://photos.example.com/1.png"},
        "mfaEnabled": True,
        "emailVerified": False,
    }
    answer = await api("POST", "/users", body)
    assert answer.status_code == 201
    assert {name: answer.json()[name] for name in body} == body


@pytest.mark.parametrize(
    ("field", "published"),
    [
        ("timezone", values.TIMEZONES),
        ("locale", values.LOCALES),
        ("preferredLanguage", values.LANGUAGES),
        ("countryCode", values.COUNTRIES),
    ],
)
async def test_every_value_the_schema_offers_is_taken(
    api: Api, ana: Any, field: str, published: tuple[str, ...]
) -> None:
    """What `/Schemas` names as canonicalValues has to be what PingOne takes."""
    assert len(published) > 30
    for value in published:
        body = {"address": {"countryCode": value}} if field == "countryCode" else {field: value}
        assert (await api("PATCH", path(ana), body)).status_code == 200, value
