"""Connections through the API."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.admin.api.calls import TOKEN, Calls, api, bare
from tests.admin.world import World

OWN_DOCUMENT: dict[str, Any] = {
    "provider": "pingone",
    "settings": {"environment_id": "e", "client_id": "c", "client_secret": "fi1e-s3cret"},
}
OWN = {"own": {**OWN_DOCUMENT, "token": "t"}}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": None}, "name"),
    ({"name": "A b"}, "name"),
    ({"name": "x" * 64}, "name"),
    ({"provider": "pingtwo"}, "provider"),
    ({"provider": ""}, "provider"),
    ({"odd": 1}, "odd"),
    ({"token": "t"}, "token"),
    ({"mode": "fast"}, "mode"),
    ({"label": "a\nb"}, "label"),
    ({"label": 7}, "label"),
    ({"limits": {"scan_rows": "5"}}, "limits.scan_rows"),
    ({"limits": {"scan_rows": 5.0}}, "limits.scan_rows"),
    ({"limits": {"scan_rows": 0}}, "limits.scan_rows"),
    ({"limits": {"odd": 1}}, "limits.odd"),
    ({"mirror": {"indexed": "x"}}, "mirror.indexed"),
    ({"mirror": {"keep_changes_days": 2**53 - 1}}, "mirror.keep_changes_days"),
    ({"settings": []}, "settings"),
    ({"settings": {}}, "settings.environment_id"),
    ({"settings": {**OWN_DOCUMENT["settings"], "odd": 1}}, "settings.odd"),
]


async def made(ask: Calls, found: World, name: str = "acme", **more: Any) -> dict[str, Any]:
    answer = await ask("POST", "/connections", 201, json={"name": name, **found.document(), **more})
    return dict(answer.json())


async def test_a_connection_is_made_read_changed_and_deleted(tmp_path: Path, url: str) -> None:
    async with api(tmp_path, database=url) as (ask, found):
        answer = await ask("POST", "/connections?test=true", 201, json={"name": "acme", **found.document()})
        assert answer.headers["Location"] == "/api/v1/connections/acme"
        assert (answer.json()["source"], answer.json()["secrets"]) == ("store", ["client_secret"])
        assert found.settings["pingone"]["client_secret"] not in answer.text
        token = (await ask("POST", "/connections/acme/tokens", 201, json={"label": "Okta"})).json()["token"]
        assert (await found.users("acme", token)).json()["totalResults"] == 5
        changed = await ask("PATCH", "/connections/acme", 200, json={"label": "A", "limits": {"max_count": 700}})
        assert (changed.json()["label"], changed.json()["limits"]["max_count"]) == ("A", 700)
        assert (await ask("POST", "/connections/acme/pause", 200)).json()["paused"] is True
        assert (await found.users("acme", token)).status_code == 503
        assert (await ask("POST", "/connections/acme/resume", 200)).json()["revision"] == 4
        one = await ask("GET", "/connections/acme", 200)
        assert one.json()["created_at"].endswith("Z") and one.json()["created_by"] == "admin-0"
        assert [each["name"] for each in (await ask("GET", "/connections", 200)).json()["items"]] == ["acme"]
        await ask("DELETE", "/connections/acme", 204)
        assert (await found.users("acme", token)).status_code == 404
        await ask.refused("GET", "/connections/acme", 404)


async def test_a_merge_patch_takes_away_what_is_null_and_keeps_secrets(tmp_path: Path) -> None:
    async with api(tmp_path) as (ask, found):
        await made(ask, found, access="read-only", limits={"max_count": 500}, label="A")
        headers = {"Content-Type": "application/merge-patch+json"}
        body = b'{"access": null, "limits": null, "label": null}'
        answer = await ask("PATCH", "/connections/acme", 200, content=body, headers=headers)
        told = answer.json()
        assert (told["access"], told["limits"]["max_count"], told["label"]) == ("read-write", 1000, "")
        assert (await ask("POST", "/connections/acme/check", 200)).json()["ok"] is True


async def test_a_change_may_depend_on_what_it_changes(tmp_path: Path) -> None:
    async with api(tmp_path) as (ask, found):
        await made(ask, found)
        tag = (await ask("GET", "/connections/acme", 200)).headers["ETag"]
        for known in (tag, f'"other", W/{tag}', "*"):
            answer = await ask("GET", "/connections/acme", 304, headers={"If-None-Match": known})
            assert (answer.content, answer.headers["ETag"]) == (b"", tag)
        await ask("GET", "/connections/acme", 200, headers={"If-None-Match": '"other"'})
        current = {"If-Match": f'"other", {tag}'}
        changed = await ask("PATCH", "/connections/acme", 200, json={"label": "A"}, headers=current)
        assert changed.headers["ETag"] not in (tag, "")
        for old in (tag, f"W/{changed.headers['ETag']}"):
            await ask.refused("PATCH", "/connections/acme", 412, json={"label": "B"}, headers={"If-Match": old})
            await ask.refused("POST", "/connections/acme/pause", 412, headers={"If-Match": old})
            await ask.refused("DELETE", "/connections/acme", 412, headers={"If-Match": old})
        await ask.refused("DELETE", "/connections/acme", 400, "If-Match", headers={"If-Match": "1"})
        assert (await ask("GET", "/connections/acme", 200)).headers["ETag"] == changed.headers["ETag"]
        await ask("DELETE", "/connections/acme", 204, headers={"If-Match": changed.headers["ETag"]})


async def test_of_changes_at_once_on_the_same_state_one_is_made(tmp_path: Path) -> None:
    async with api(tmp_path) as (ask, found):
        await made(ask, found)
        headers = {"If-Match": (await ask("GET", "/connections/acme", 200)).headers["ETag"]}
        changes = [
            ask.client.patch("/api/v1/connections/acme", json={"label": label}, headers={**headers, **TOKEN})
            for label in "abc"
        ]
        statuses = [each.status_code for each in await asyncio.gather(*changes)]
        assert statuses.count(200) == 1 and set(statuses) <= {200, 409, 412}
        assert (await ask("GET", "/connections/acme", 200)).json()["revision"] == 2


async def test_credentials_are_tried_where_that_is_wanted(tmp_path: Path) -> None:
    async with api(tmp_path) as (ask, found):
        wrong = found.document()
        wrong["settings"]["client_secret"] = "wr0ng-s3cret"
        assert (await ask("POST", "/connections/check", 200, json=found.document())).json()["ok"] is True
        tried = (await ask("POST", "/connections/check", 200, json=wrong)).json()
        assert tried["ok"] is False and "invalid_client" in tried["told"]
        answer = await ask("POST", "/connections?test=true", 422, json={"name": "acme", **wrong})
        assert (answer.json()["check"]["ok"], "wr0ng-s3cret" in answer.text) == (False, False)
        assert (await ask("GET", "/connections", 200)).json()["items"] == []
        await made(ask, found)
        change = {"settings": {"client_secret": "wr0ng-s3cret"}}
        await ask.refused("PATCH", "/connections/acme?test=true", 422, json=change)
        assert (await ask("POST", "/connections/acme/check", 200)).json()["ok"] is True
        await ask("PATCH", "/connections/acme", 200, json=change)
        assert (await ask("POST", "/connections/acme/check", 200)).json()["ok"] is False


async def test_those_of_the_file_are_shown_and_stay(tmp_path: Path) -> None:
    async with bare(tmp_path, connections=OWN) as ask:
        answer = await ask("GET", "/connections/own", 200)
        assert (answer.json()["source"], answer.json()["revision"]) == ("file", None)
        assert "fi1e-s3cret" not in answer.text
        await ask("GET", "/connections/own", 304, headers={"If-None-Match": answer.headers["ETag"]})
        await ask.refused("PATCH", "/connections/own", 409, json={"label": "x"})
        await ask.refused("POST", "/connections/own/pause", 409)
        await ask.refused("DELETE", "/connections/own", 409)
        await ask.refused("POST", "/connections", 409, "name", json={"name": "own", **OWN_DOCUMENT})


async def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    async with bare(tmp_path) as ask:
        for change, key in WRONG:
            await ask.refused("POST", "/connections", 400, key, json={"name": "acme", **OWN_DOCUMENT, **change})
        assert (await ask("GET", "/connections", 200)).json()["items"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"proxy": "socks5://192.0.2.1:1080"},
        {"token": "a\r\nX-Other: b"},
        {"timeout_seconds": 0},
        {"timeout_seconds": -1},
        {"base_url": "http://192.0.2.1:99999/v2"},
    ],
)
async def test_what_nothing_can_be_opened_with_is_refused_before_anything_is_tried(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    settings = {"base_url": "http://192.0.2.1/v2", "token": "t0ken", **wrong}
    async with api(tmp_path, network=True) as (ask, _):
        for path in ("/connections/check", "/connections"):
            body: dict[str, Any] = {"provider": "scim", "settings": settings}
            answer = await ask("POST", path, 400, json=body if path.endswith("check") else {"name": "acme", **body})
            assert answer.json()["detail"].startswith("settings"), answer.text
            assert str(wrong.get("token", "t0ken")) not in answer.text


async def test_what_cannot_be_read_any_more_is_shown_as_such(tmp_path: Path) -> None:
    async with api(tmp_path) as (ask, found):
        await made(ask, found)
        async with bare(tmp_path, encryption_key="b" * 43 + "=") as other:
            told = (await other("GET", "/connections/acme", 200)).json()
            assert (told["problem"] is None, told["access"], told["limits"]) == (False, None, None)
            assert (await other("POST", "/connections/acme/check", 200)).json()["ok"] is False
            status = (await other("GET", "/connections/acme/status", 200)).json()
            assert (status["problem"], status["open"], status["upstream"]) == (told["problem"], False, None)


async def test_many_are_told_a_part_at_a_time(tmp_path: Path) -> None:
    settings = OWN_DOCUMENT["settings"]
    names = [f"c{number}" for number in range(5)]
    own = {name: {"provider": "pingone", "token": f"t{name}", "settings": settings} for name in names}
    async with bare(tmp_path, connections=own) as ask:
        seen, after = [], ""
        while True:
            told = (await ask("GET", f"/connections?limit=2{after}", 200)).json()
            seen += [each["name"] for each in told["items"]]
            if told["next"] is None:
                break
            after = f"&after={told['next']}"
        assert seen == names
        assert (await ask("GET", "/connections?limit=5", 200)).json()["next"] is None
        for limit in ("0", "501", "x", "", "1.0", "-1"):
            await ask.refused("GET", f"/connections?limit={limit}", 400, "limit")
