"""Clients that others wrote, used as their documentation says, do their work through the bridge.

What they did is looked up in the upstream: two of them end with 0 whatever happened.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx2
import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import NotFoundException, PatchOp, SearchRequest
from scim2_server.utils import parametrize

from tests.real.installed import clients
from tests.real.places import Group, Place, User, places

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Place]]:
    with places(tmp_path_factory.mktemp("clients")) as found:
        yield found


@pytest.fixture(params=["scim", "pingone"])
def place(request: pytest.FixtureRequest, both: dict[str, Place]) -> Place:
    return both[request.param]


def login() -> str:
    return f"client-{uuid4().hex[:10]}@corp.example"


# -- scim2-client: a library ------------------------------------------------------------------------------------------


def patch(model: Any, **operation: Any) -> Any:
    return parametrize(PatchOp, model).model_validate({"Operations": [operation]})


def test_scim2_client_does_its_work(place: Place) -> None:
    name, headers = login(), {"Authorization": f"Bearer {place.token}"}
    with httpx2.Client(base_url=place.base, headers=headers, timeout=60) as http:
        client = SyncSCIMClient(http)
        client.discover()
        user_model: Any = client.get_resource_model("User")
        group_model: Any = client.get_resource_model("Group")
        emails = [{"value": name, "type": "work", "primary": True}]
        draft = {"userName": name, "name": {"givenName": "Ann", "familyName": "Old"}, "emails": emails, "active": True}
        user: Any = client.create(user_model(**draft, **place.required))
        assert place.users()[user.id] == User(name, "Old", True)

        wanted: Any = SearchRequest.model_validate({"filter": f'userName eq "{name.upper()}"'})
        found: Any = client.query(user_model, query_parameters=wanted)
        assert [each.id for each in found.resources] == [user.id]

        user.name.family_name = "New"
        assert client.replace(user).name.family_name == "New"
        assert place.users()[user.id] == User(name, "New", True)
        client.modify(user_model, user.id, patch(user_model, op="replace", path="active", value=False))
        assert place.users()[user.id] == User(name, "New", False)

        group: Any = client.create(group_model(displayName=f"group of {name}", members=[{"value": user.id}]))
        assert place.groups()[group.id] == Group(f"group of {name}", frozenset({user.id}))
        client.modify(group_model, group.id, patch(group_model, op="remove", path=f'members[value eq "{user.id}"]'))
        assert place.groups()[group.id].members == frozenset()

        client.delete(group_model, group.id)
        client.delete(user_model, user.id)
        assert user.id not in place.users() and group.id not in place.groups()
        with pytest.raises(NotFoundException):
            client.query(user_model, user.id)


# -- scim2-cli: a program ---------------------------------------------------------------------------------------------


def scim2(place: Place, *command: str) -> Any:
    """What the program printed; it must have ended with 0."""
    environment = {"SCIM_CLI_URL": place.base, "SCIM_CLI_HEADERS": f"Authorization: Bearer {place.token}"}
    ran = subprocess.run(
        [str(clients() / "scim2"), *command],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, f"{command}: {ran.stdout}{ran.stderr}"
    return json.loads(ran.stdout) if ran.stdout.startswith("{") else ran.stdout


def test_scim2_cli_does_its_work(place: Place) -> None:
    name = login()
    emails = json.dumps([{"value": name, "type": "work", "primary": True}])
    named = json.dumps({"givenName": "Ann", "familyName": "Old"})
    given = ["--user-name", name, "--name", named, "--active", "true", "--emails", emails]
    for urn, value in place.required.items():
        given += [f"--{''.join(urn.split(':')[-2:])}".lower(), json.dumps(value)]
    made = scim2(place, "create", "user", *given)
    user = made["id"]
    assert place.users()[user] == User(name, "Old", True)
    for found in (
        scim2(place, "query", "user", "--filter", f'userName eq "{name}"'),
        scim2(place, "search", "user", "--filter", f'emails.value eq "{name}" and active eq true'),
    ):
        assert [each["id"] for each in found["Resources"]] == [user]
    assert scim2(place, "query", "user", user, "--attribute", "userName")["userName"] == name
    scim2(place, "modify", "user", user, "replace", "name.familyName", "New", "replace", "active", "false")
    assert place.users()[user] == User(name, "New", False)
    group = scim2(place, "create", "group", "--display-name", f"g {name}", "--members", json.dumps([{"value": user}]))[
        "id"
    ]
    assert place.groups()[group] == Group(f"g {name}", frozenset({user}))
    scim2(place, "modify", "group", group, "remove", f'members[value eq "{user}"]')
    assert place.groups()[group].members == frozenset()
    scim2(place, "delete", "group", group)
    scim2(place, "delete", "user", user)
    assert user not in place.users() and group not in place.groups()


def test_the_compliance_check_of_scim2_cli_passes(both: dict[str, Place]) -> None:
    printed = scim2(both["scim"], "test")
    assert printed.count("SUCCESS") > 100


# -- scim-client: a library, users only -------------------------------------------------------------------------------

SCIM_CLIENT: Final = """
import json, sys
from scim_client import SCIMClient, User

base, token, name, step, user_id = sys.argv[1:]
client = SCIMClient(base_url=base, token=token)
if step == "create":
    user = client.create_user(User(
        id="", external_id=f"x-{name}", user_name=name, active=True, display_name="Ann Old",
        name={"given_name": "Ann", "family_name": "Old"}, emails=[{"value": name, "type": "work", "primary": True}],
    ))
elif step == "find":
    found = client.search_users(f'userName eq "{name}"')
    assert (found.total_results, len(found.resources)) == (1, 1), vars(found)
    user = found.resources[0]
elif step == "change":
    user = client.read_user(user_id)
    user.name.family_name, user.active = "New", False
    user = client.update_user(user)
else:
    user = client.read_user(user_id)
    assert client.delete_user(user=user).status_code == 204
print(json.dumps(user.to_dict()))
"""


def test_scim_client_does_its_work(place: Place) -> None:
    name = login()

    def step(what: str, user_id: str = "") -> Any:
        command = [str(clients() / "python"), "-c", SCIM_CLIENT, place.base, place.token, name, what, user_id]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    user = step("create")["id"]
    assert place.users()[user] == User(name, "Old", True)
    assert step("find")["id"] == user
    assert step("change", user)["name"]["familyName"] == "New"
    assert place.users()[user] == User(name, "New", False)
    step("delete", user)
    assert user not in place.users()


# -- scim-sim: an identity provider's pushing, simulated --------------------------------------------------------------


def test_scim_sim_does_its_work(place: Place, tmp_path: Path) -> None:
    def sim(*command: str, said: str = "") -> str:
        """What it printed; nothing it failed at."""
        ran = subprocess.run(
            [str(clients() / "scim-sim"), *command],
            env={**os.environ, "HOME": str(tmp_path)},
            input=said,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert ran.returncode == 0 and "❌" not in ran.stdout, ran.stdout + ran.stderr
        return ran.stdout

    def made(printed: str) -> str:
        found = re.search(r"ID: (\S+)", printed)
        assert found is not None, printed
        return found[1]

    sim("setup", said=f"{place.base}\n{place.token}\n")
    one, two = made(sim("add-user")), made(sim("add-user"))
    assert {one, two} <= place.users().keys()
    group = made(sim("create-group", "Simulated"))
    assert place.groups()[group] == Group("Simulated", frozenset())
    sim("add-to-group", one, group)
    sim("add-to-group", two, group)
    assert place.groups()[group].members == {one, two}
    shown = sim("show")
    assert all(re.search(rf"👤 \S+ +│ ID: {each}", shown) for each in (one, two))
    sim("remove-from-group", one, group)
    assert place.groups()[group].members == {two}
    sim("delete-group", group)  # and its members, as it says
    assert group not in place.groups() and two not in place.users()
    sim("remove-user", one)
    assert one not in place.users()
