"""The whole program in front of the simulated PingOne: what is written is what the client asked for, and no more."""

import logging
import re
from copy import deepcopy
from random import Random
from typing import Any

import pytest

from scim_bridge.providers.pingone.sandbox import Sandbox
from tests.providers.pingone.bridge import ENTERPRISE, GROUP, USER, Bridge, bridged, patch_of
from tests.providers.pingone.oracle import ADDRESS, NAME, PLAIN, translated
from tests.providers.pingone.support import USER_URN

MAPPED = {"enterprise.department": "department"}
PASSWORD = "s3cret-Passw0rd"
UNMAPPED = {"costCenter": "CC-1", "identityProvider": {"id": "idp", "type": "OPENID_CONNECT"}, "mfaEnabled": True}
"""What a federated user has that SCIM does not know of; PUT of PingOne would wipe it (trap 2)."""


@pytest.fixture
def sandbox() -> Sandbox:
    made = Sandbox(users=30)
    for item in made.store.users.values():
        item.data |= deepcopy(UNMAPPED)
    made.store.changed()
    return made


def profile(sandbox: Sandbox, user_id: str) -> dict[str, Any]:
    """What is stored of a user, the times and what follows from `enabled` apart."""
    row = deepcopy(sandbox.store.users[user_id].data)
    return {name: value for name, value in row.items() if name not in ("updatedAt", "account")}


def flat(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer in the form of `translated`."""
    names = [name for name in PLAIN if name in answer]
    shown = {name: answer[name] for name in ("id", "active", *names)}
    shown |= {"displayName": answer.get("displayName")} | {name: None for name in PLAIN if name not in names}
    shown |= {f"name.{each}": answer.get("name", {}).get(each) for each in NAME}
    shown |= {f"meta.{each}": answer["meta"][each] for each in ("created", "lastModified")}
    shown |= {f"{ENTERPRISE}:department": answer.get(ENTERPRISE, {}).get("department")}
    shown |= {f"{USER_URN}:{each}": answer[USER_URN].get(each) for each in ("populationId", "accountId")}
    for name in ("emails", "phoneNumbers", "photos", "addresses"):
        elements = answer.get(name, [])
        shown[name] = [{key: value for key, value in each.items() if key != "primary"} for each in elements]
    return shown


async def check_shown(bridge: Bridge, answer: dict[str, Any]) -> None:
    """The answer to a write, and a later read, say what is stored."""
    stored = translated(bridge.sandbox.store.users[answer["id"]].data)
    assert flat(answer) == stored
    assert flat(await bridge.get(f"/Users/{answer['id']}")) == stored


# -- whole users -------------------------------------------------------------------------------------------------------


def random_user(random: Random) -> tuple[dict[str, Any], dict[str, Any]]:
    """The body of a POST or PUT, and the profile it stands for."""
    body: dict[str, Any] = {"userName": f"user{random.random()}", "schemas": [USER]}
    row: dict[str, Any] = {"username": body["userName"]}
    values = {"preferredLanguage": "de", "locale": "de-DE", "timezone": "Europe/Berlin"}
    for scim, field in PLAIN.items():
        if scim != "userName" and random.random() < 0.5:
            body[scim] = row[field] = values.get(scim, f"{scim} {random.randint(1, 9)}")
    parts = random.sample(sorted(NAME), random.randint(0, 6))
    if parts:
        body["name"], row["name"] = {each: f"{each} x" for each in parts}, {NAME[each]: f"{each} x" for each in parts}
    if "formatted" not in parts and random.random() < 0.3:
        body["displayName"] = row.setdefault("name", {})["formatted"] = "Shown"
    places = {each: "DE" if each == "country" else each for each in random.sample(sorted(ADDRESS), 2)}
    if random.random() < 0.5:
        body["addresses"], row["address"] = [{**places, "type": "work"}], {ADDRESS[k]: v for k, v in places.items()}
    for name, kind, field, value in (
        ("emails", "work", "email", "a@example.com"),
        ("phoneNumbers", "mobile", "mobilePhone", "+1 2"),
        ("phoneNumbers", "work", "primaryPhone", "+1 3"),
        ("photos", "photo", "photo", "https://x.test/1"),
    ):
        if random.random() < 0.5:
            body.setdefault(name, []).append({"value": value, "type": kind})
            row[field] = {"href": value} if field == "photo" else value
    for urn, name, field in ((ENTERPRISE, "department", "department"), (USER_URN, "accountId", "accountId")):
        if random.random() < 0.5:
            body["schemas"].append(urn)
            body[urn] = {name: "R&D"} if random.random() < 0.7 else {}
            row |= {field: body[urn].get(name)}
    if random.random() < 0.4:
        body["active"] = row["enabled"] = random.random() < 0.5
    return body, row


@pytest.mark.parametrize("merges", [True, False])
@pytest.mark.parametrize("seed", range(3))
async def test_a_put_leaves_what_its_body_says_and_what_scim_does_not_know(
    sandbox: Sandbox, seed: int, merges: bool
) -> None:
    """Traps 2 and 3. An extension that the body does not name, and an omitted `active`, stay."""
    random, sandbox.knobs.patch_merges_within = Random(seed), merges
    async with bridged(sandbox, attributes=MAPPED) as bridge:
        for user_id in list(sandbox.store.users):
            before = profile(sandbox, user_id)
            body, row = random_user(random)
            kept = ("id", "createdAt", "enabled", "population", "lifecycle", "verifyStatus", "emailVerified", *UNMAPPED)
            kept = (*kept, "employeeNumber", "department", "accountId")
            after = {**{name: before[name] for name in kept if name in before}, **row}
            answer = await bridge.replace("User", user_id, **body)
            assert profile(sandbox, user_id) == {name: each for name, each in after.items() if each is not None}
            await check_shown(bridge, answer)


@pytest.mark.parametrize("seed", range(3))
async def test_a_post_stores_what_its_body_says(sandbox: Sandbox, seed: int) -> None:
    random = Random(seed)
    async with bridged(sandbox, attributes=MAPPED) as bridge:
        for _ in range(20):
            body, row = random_user(random)
            if password := random.random() < 0.3:
                body["password"] = PASSWORD
            answer = await bridge.create("User", **body)
            stored = profile(sandbox, answer["id"])
            assert ("password" in stored, stored["enabled"]) == (password, row.pop("enabled", True))
            assert {name: stored.get(name) for name in row} == row
            await check_shown(bridge, answer)


# -- single attributes -------------------------------------------------------------------------------------------------

PATHS: dict[str, tuple[str, Any]] = {
    **{scim: (field, "new") for scim, field in PLAIN.items() if scim not in ("locale", "timezone")},
    **{f"name.{scim}": (f"name.{field}", "New") for scim, field in NAME.items()},
    "displayName": ("name.formatted", "New"),
    "locale": ("locale", "fr-FR"),
    "timezone": ("timezone", "Asia/Tokyo"),
    'emails[type eq "work"].value': ("email", "new@example.com"),
    'phoneNumbers[type eq "mobile"].value': ("mobilePhone", "+9"),
    'phoneNumbers[type eq "work"].value': ("primaryPhone", "+8"),
    'photos[type eq "photo"].value': ("photo.href", "https://new.test"),
    **{f'addresses[type eq "work"].{scim}': (f"address.{field}", "NZ") for scim, field in ADDRESS.items()},
    f"{USER_URN}:accountId": ("accountId", "new"),
    f"{ENTERPRISE}:department": ("department", "new"),
}
FULL: dict[str, Any] = {
    **{field: "old" for field in PLAIN.values()},
    **{field: "old" for field in ("accountId", "department")},
    "locale": "de-DE",
    "timezone": "Europe/Berlin",
    "name": {field: "Old" for field in NAME.values()},
    "address": {field: "DE" for field in ADDRESS.values()},
    "email": "old@example.com",
    "mobilePhone": "+1",
    "primaryPhone": "+2",
    "photo": {"href": "https://old.test"},
}


@pytest.mark.parametrize("merges", [True, False])
@pytest.mark.parametrize("op", ["add", "replace", "remove"])
@pytest.mark.parametrize("path", PATHS)
async def test_a_patch_changes_one_attribute_and_no_other(sandbox: Sandbox, path: str, op: str, merges: bool) -> None:
    sandbox.knobs.patch_merges_within = merges
    user_id, (field, value) = next(iter(sandbox.store.users)), PATHS[path]
    sandbox.store.put_user({**sandbox.store.users[user_id].data, **deepcopy(FULL)})
    expected = profile(sandbox, user_id)
    outer, _, inner = field.rpartition(".")
    holder = expected[outer] if outer else expected
    holder.pop(inner) if op == "remove" else holder.update({inner: value})
    expected = {name: each for name, each in expected.items() if each != {}}
    async with bridged(sandbox, attributes=MAPPED) as bridge:
        operation = {"op": op, "path": path} | ({} if op == "remove" else {"value": value})
        answer = await bridge.patch("User", user_id, operation)
        if op == "remove" and path == "userName":
            assert (answer.status_code, answer.json()["scimType"]) == (400, "mutability")
            return
        assert answer.status_code == 200, answer.text
        assert profile(sandbox, user_id) == expected
        await check_shown(bridge, answer.json())


# -- what has no place -------------------------------------------------------------------------------------------------

HOMELESS: list[tuple[dict[str, Any], list[str]]] = [
    ({"profileUrl": "https://x.test"}, ["profileUrl"]),
    ({"emails": [{"value": "a@x.test", "type": "work"}, {"value": "b@x.test", "type": "home"}]}, ["emails[1]"]),
    ({"phoneNumbers": [{"value": "+1", "type": "fax"}]}, ["phoneNumbers[0]"]),
    ({"ims": [{"value": "x"}], "entitlements": [{"value": "y"}]}, ["ims", "entitlements"]),
]


@pytest.mark.parametrize(("values", "names"), HOMELESS)
async def test_what_pingone_cannot_hold_is_left_out_and_told_or_refused(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture, values: dict[str, Any], names: list[str]
) -> None:
    caplog.set_level(logging.INFO, "scim_bridge.access")
    async with bridged(sandbox) as bridge:
        made = await bridge.create("User", **{"userName": "ana", **values})
        assert not made.keys() & {"profileUrl", "ims", "entitlements"}
        assert sorted(caplog.records[-1].__dict__["left_out"]) == sorted(names)
    async with bridged(sandbox, profile="strict") as bridge:
        answer = await bridge.ask("POST", "/Users", {"schemas": [USER], "userName": "ben", **values})
        assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidValue")
        assert bridge.calls() == []


# -- failures half-way -------------------------------------------------------------------------------------------------


def everything(sandbox: Sandbox) -> Any:
    """All that is stored, but for the times of changes."""
    rows = [
        {each: {**item.data, "updatedAt": ""} for each, item in kind.items()}
        for kind in (sandbox.store.users, sandbox.store.groups)
    ]
    store = sandbox.store
    members = [{each: set(held) for each, held in kind.items() if held} for kind in (store.direct, store.parents)]
    return deepcopy((rows, members))


def writes(sandbox: Sandbox) -> dict[str, tuple[str, str, Any]]:
    """Writes of several calls."""
    store = sandbox.store
    user = next(each for each, item in store.users.items() if item.data["enabled"])
    other = next(each for each in store.populations if each != store.users[user].data["population"]["id"])
    group, child = list(store.groups)[:2]
    strangers = [each for each in store.users if each not in store.direct[group]][:3]
    members = [{"value": each} for each in (*strangers, child)]
    changes = {"title": "Boss", "active": False, "password": PASSWORD, f"{USER_URN}:populationId": other}
    rename = {"op": "replace", "path": "displayName", "value": "New"}
    remove = {"op": "remove", "path": f'members[value eq "{next(iter(store.direct[group]))}"]'}
    return {
        "inactive": ("POST", "/Users", {"schemas": [USER], "userName": "ana", "active": False}),
        "disable": ("PATCH", f"/Users/{user}", patch_of({"op": "replace", "value": {"title": "x", "active": False}})),
        "all": ("PATCH", f"/Users/{user}", patch_of({"op": "replace", "value": changes})),
        "put": ("PUT", f"/Users/{user}", {"schemas": [USER], "userName": "zoe", "active": False}),
        "group": ("POST", "/Groups?attributes=id", {"schemas": [GROUP], "displayName": "New", "members": members}),
        "members": (
            "PATCH",
            f"/Groups/{group}",
            patch_of(rename, remove, {"op": "add", "path": "members", "value": members}),
        ),
    }


@pytest.mark.parametrize("status", [400, 403, 429, 500])
@pytest.mark.parametrize("name", list(writes(Sandbox(users=12))))
async def test_a_write_that_fails_half_way_is_undone_or_told(name: str, status: int) -> None:
    """Each call of it in turn is refused, however often it is repeated."""
    sandbox = Sandbox(users=12)
    async with bridged(sandbox) as bridge:
        assert (await bridge.ask(*writes(sandbox)[name])).status_code < 300
        calls = [each for each in bridge.calls() if name == "inactive" or not each.startswith("GET")]
    assert len(calls) > 1
    for call in calls:
        sandbox = Sandbox(users=12)
        before = everything(sandbox)
        async with bridged(sandbox) as bridge:
            sandbox.fail(re.escape(call), status, "INVALID_DATA", times=1 if status in (400, 403) else 4)
            answer = await bridge.ask(*writes(sandbox)[name])
        detail, left = answer.json()["detail"], everything(sandbox)
        if "Still in effect upstream" in detail:
            # A password has no undo, and of a call that was answered 500 nobody knows.
            assert answer.status_code == 502 and (left != before or status == 500)
        else:
            assert left == before, call
        assert answer.status_code == (502 if "Still" in detail or status == 403 else 503 if status == 500 else status)


async def test_members_are_added_again_when_the_answer_is_in_doubt(sandbox: Sandbox) -> None:
    """Who is a member already is no error, so a repetition does no harm."""
    group = next(iter(sandbox.store.groups))
    user = next(each for each in sandbox.store.users if each not in sandbox.store.direct[group])
    sandbox.fail("POST /users/.*", times=2)
    async with bridged(sandbox) as bridge:
        add = {"op": "add", "path": "members", "value": [{"value": user}]}
        assert (await bridge.patch("Group", group, add)).status_code == 204
        assert bridge.calls()[:3] == [f"POST /users/{user}/memberOfGroups"] * 3
    assert user in sandbox.store.direct[group]
