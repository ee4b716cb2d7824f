"""The main job on real input: the bridge, started as a user starts it, in front of scim2-server as others wrote it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from scim_bridge.conformance.__main__ import report
from scim_bridge.conformance.suites import scim2_tester, scim_sanity
from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.providers.scim.sandbox import ENTERPRISE, GROUP, people
from tests.programs import demo, scim2_server, serve
from tests.servers import running

pytestmark = pytest.mark.slow

PEOPLE = 130


def config(folder: Path, **connections: dict[str, Any]) -> Path:
    """A file with connections; their token is ``t-NAME``."""
    lines = []
    for name, each in connections.items():
        own = {key: value for key, value in each.items() if key != "settings"}
        lines += [f"[connections.{name}]", f'token = "t-{name}"', *(f"{key} = {json.dumps(own[key])}" for key in own)]
        lines += [f"[connections.{name}.settings]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in each["settings"].items()]
    path = folder / "bridge.toml"
    path.write_text("\n".join(lines), "utf-8")
    return path


@pytest.fixture(scope="module")
def server() -> Iterator[httpx.Client]:
    """scim2-server with people in it, spoken to directly: what its raw data says."""
    with scim2_server("up-token") as base:
        headers = {"Authorization": "Bearer up-token"}
        with httpx.Client(base_url=base, headers=headers, timeout=30) as client:
            for each in people(PEOPLE):
                body = {name: value for name, value in each.items() if value is not None}
                assert client.post("/Users", json=body).status_code == 201
            yield client


@pytest.fixture(scope="module")
def bridge(server: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    settings = {"base_url": str(server.base_url).rstrip("/"), "token": "up-token"}
    path = config(tmp_path_factory.mktemp("bridge"), acme={"provider": "scim", "settings": settings})
    with (
        serve(path) as origin,
        httpx.Client(
            base_url=f"{origin}/scim/acme/v2", headers={"Authorization": "Bearer t-acme"}, timeout=60
        ) as client,
    ):
        yield client


def every(client: httpx.Client, path: str, **parameters: Any) -> list[dict[str, Any]]:
    """All pages by index, of 50."""
    found: list[dict[str, Any]] = []
    while True:
        body = client.get(path, params={**parameters, "startIndex": len(found) + 1, "count": 50}).json()
        found += body.get("Resources", [])
        if len(found) >= body["totalResults"]:
            return found


def ids(resources: list[dict[str, Any]]) -> list[str]:
    return [each["id"] for each in resources]


def test_everybody_is_crawled_once(server: httpx.Client, bridge: httpx.Client) -> None:
    raw = every(server, "/Users")
    crawled = every(bridge, "/Users")
    assert sorted(ids(crawled)) == sorted(ids(raw))
    assert len(set(ids(crawled))) == PEOPLE
    held = {each["id"]: each for each in raw}
    for each in crawled:
        original = held[each["id"]]
        assert {name: value for name, value in each.items() if name not in ("meta", "schemas")} == {
            name: value for name, value in original.items() if name not in ("meta", "schemas")
        }
        assert each["meta"]["location"].startswith(str(bridge.base_url))


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "KCRUZ0@corp.example"',
        'name.familyName sw "J"',
        'displayName co "an" and active eq true',
        'title eq "engineer" or title ew "ANALYST"',
        "not (title pr)",
        'emails[type eq "work" and value co "person.1"]',
        f'{ENTERPRISE}:department ne "Sales" and name.givenName gt "J"',
        f'{ENTERPRISE}:employeeNumber ge "1100"',
        "active eq false",
        'meta.lastModified gt "2020-01-01T00:00:00Z"',
        'userName eq "nobody"',
    ],
)
def test_filters_find_what_the_server_itself_finds(server: httpx.Client, bridge: httpx.Client, text: str) -> None:
    expected = every(server, "/Users", filter=text)
    assert sorted(ids(every(bridge, "/Users", filter=text))) == sorted(ids(expected))


@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_sorting_is_that_of_the_rfc(server: httpx.Client, bridge: httpx.Client, order: str) -> None:
    reverse = order == "descending"
    found = every(bridge, "/Users", sortBy="title", sortOrder=order)
    titles = [each.get("title", "").lower() for each in found]
    raw = sorted(every(server, "/Users"), key=lambda each: ("title" not in each, each.get("title", "").lower()))
    assert titles == [each.get("title", "").lower() for each in (reversed(raw) if reverse else raw)]


def test_people_and_groups_are_made_changed_and_deleted(server: httpx.Client, bridge: httpx.Client) -> None:
    made = bridge.post("/Users", json={"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "new"})
    user = made.json()["id"]
    assert made.status_code == 201
    patch = {
        "Operations": [
            {"op": "Replace", "path": "active", "value": "False"},
            {"op": "add", "path": "title", "value": "T"},
        ]
    }
    assert bridge.patch(f"/Users/{user}", json=patch).json()["title"] == "T"
    assert server.get(f"/Users/{user}").json()["active"] is False
    body = {"schemas": [GROUP], "displayName": "G", "members": [{"value": user}]}
    group = bridge.post("/Groups", json=body).json()["id"]
    assert [each["value"] for each in server.get(f"/Groups/{group}").json()["members"]] == [user]
    assert bridge.get(f"/Users/{user}?attributes=groups").json()["groups"][0]["value"] == group
    remove = {"Operations": [{"op": "remove", "path": f'members[value eq "{user}"]'}]}
    assert bridge.patch(f"/Groups/{group}", json=remove).status_code == 204
    assert "members" not in server.get(f"/Groups/{group}").json()
    for path in (f"/Groups/{group}", f"/Users/{user}"):
        assert bridge.delete(path).status_code == 204
        assert server.get(path).status_code == 404


# -- suites that others wrote -----------------------------------------------------------------------------------------


def test_scim2_tester_passes_through_the_bridge_as_it_does_directly(tmp_path: Path) -> None:
    with scim2_server("up-token") as base:
        directly = scim2_tester(base, "up-token")
        settings = {"base_url": base, "token": "up-token"}
        with serve(config(tmp_path, acme={"provider": "scim", "settings": settings})) as origin:
            through = scim2_tester(f"{origin}/scim/acme/v2", "t-acme")
    assert report("directly", directly, set())
    assert report("through the bridge", through, set())


def test_scim2_tester_passes_on_the_demo() -> None:
    with demo(users=20) as port:
        for name in ("pingone", "scim"):
            checks = scim2_tester(f"http://127.0.0.1:{port}/scim/{name}/v2", f"demo-{name}")
            assert report(name, checks, set())


def test_scim_sanity_passes_but_for_the_member_that_does_not_exist(tmp_path: Path) -> None:
    sandbox = Sandbox(users=20)
    with running(sandbox.app) as upstream:
        settings = {**sandbox.settings, "api_url": f"{upstream}/v1", "auth_url": upstream}
        connection = {"provider": "pingone", "patch_response": "representation", "settings": settings}
        with serve(config(tmp_path, acme=connection)) as origin:
            checks = scim_sanity(f"{origin}/scim/acme/v2", "t-acme")
    # It adds a member that does not exist and expects 200; PingOne refuses that, and so does the bridge.
    assert report("scim-sanity", checks, {"PATCH /Groups/{id} add member"})
