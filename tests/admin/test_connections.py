"""Connections in the database: made, changed, paused and deleted, while their clients ask."""

from pathlib import Path
from typing import Any

import pytest

from scim_bridge.admin.service.desk import AdminError
from scim_bridge.auditing import Auditor
from scim_bridge.store.audit import every
from tests.admin.world import ACTOR, World, bridge, world
from tests.samples import of, parsed


async def made(found: World, name: str = "acme", **more: Any) -> str:
    """A connection with a token, which is returned."""
    await found.administration.connections.create(ACTOR, name, found.document(**more))
    _, token = await found.administration.tokens.create(ACTOR, name)
    return token.reveal()


async def audited(found: World) -> list[tuple[str, str, str, str]]:
    """The audit log, but for what upstreams were told: action, connection, actor, details."""
    audit = found.administration.desk.audit
    assert isinstance(audit, Auditor)
    await audit.settled()
    assert await audit.ready()
    links = await found.administration.desk.read(lambda sql: list(every(sql)))
    told = [(each.entry.action, each.entry.connection, each.entry.actor, each.entry.details) for each in links]
    return [each for each in told if not each[0].startswith(("upstream.", "audit."))]


async def test_a_connection_serves_as_soon_as_it_is_made(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        token = await made(found)
        answer = await found.users("acme", token)
        assert (answer.status_code, answer.json()["totalResults"]) == (200, 5)
        view = await found.administration.connections.one("acme")
        assert (view.source, view.provider, view.revision, view.created_by) == ("store", "pingone", 1, "admin-0")
        assert view.secrets == ("client_secret",)
        assert found.settings["pingone"]["client_secret"] not in str(view)
        assert [each.name for each in await found.administration.connections.all()] == ["acme"]


async def test_no_secret_is_in_the_database_in_clear(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        token = await made(found)
        await found.users("acme", token)
        secret = found.settings["pingone"]["client_secret"]
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"store_connections" in stored
    for each in (secret, token):
        assert each.encode() not in stored


async def test_it_is_there_after_a_restart_and_on_other_nodes(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        token = await made(found)
        async with bridge(tmp_path) as (_, client):
            answer = await client.get("/scim/acme/v2/Users", headers={"Authorization": f"Bearer {token}"})
            assert answer.json()["totalResults"] == 5


async def test_what_is_not_known_yet_is_no_404(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        assert (await found.users("acme", "x")).status_code == 404
        found.administration.desk.registry._version = None
        waiting = await found.users("acme", "x")
        assert (waiting.status_code, waiting.headers["Retry-After"]) == (503, "2")


async def test_a_change_keeps_what_it_does_not_name(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        token, connections = await made(found), found.administration.connections
        view = await connections.change(
            ACTOR, "acme", {"access": "read-only", "label": "Acme", "limits": {"max_count": 700}}
        )
        assert (view.access, view.label, view.revision, view.limits["max_count"]) == ("read-only", "Acme", 2, 700)
        assert view.settings["environment_id"] == found.settings["pingone"]["environment_id"]
        assert (await found.users("acme", token)).status_code == 200
        refused = await found.client.delete("/scim/acme/v2/Users/1", headers={"Authorization": f"Bearer {token}"})
        assert refused.status_code == 403
        back = await connections.change(ACTOR, "acme", {"access": None, "limits": None})
        assert (back.access, back.label, back.limits["max_count"], back.revision) == ("read-write", "Acme", 1000, 3)


async def test_credentials_are_changed_and_never_told(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        token, connections = await made(found), found.administration.connections
        await connections.change(ACTOR, "acme", {"settings": {"client_secret": "wr0ng-s3cret"}})
        assert (await found.users("acme", token)).status_code == 502
        right = found.settings["pingone"]["client_secret"]
        await connections.change(ACTOR, "acme", {"settings": {"client_secret": right}})
        assert (await found.users("acme", token)).status_code == 200
        told = str(await audited(found))
        assert "client_secret" in told
        assert "wr0ng-s3cret" not in told and right not in told


async def test_a_test_that_fails_keeps_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        document = found.document()
        document["settings"]["client_secret"] = "wr0ng-s3cret"
        with pytest.raises(AdminError) as caught:
            await found.administration.connections.create(ACTOR, "acme", document, test=True)
        assert caught.value.status == 422
        assert caught.value.check is not None and caught.value.check.failure is not None
        assert await found.administration.connections.all() == []
        assert (await found.administration.connections.check(found.document())).ok
        assert not (await found.administration.connections.check(document)).ok


async def test_what_a_connection_is_asked_that_is_not_in_use_counts_as_its_own(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        token = await made(found)
        await found.administration.connections.pause(ACTOR, "acme", True)
        assert (await found.users("acme", token)).status_code == 503
        assert (await found.users("nobody", token)).status_code == 404
        samples = parsed((await found.client.get("/metrics")).text)
        asked = {"method": "GET", "resource": "Users", "status": "5xx"}
        assert of(samples, "requests_total", connection="acme", **asked) == 1
        assert of(samples, "requests_total", **{**asked, "connection": "other", "resource": "other", "status": "4xx"})


async def test_a_paused_connection_answers_503_to_those_it_knows(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        token, connections = await made(found), found.administration.connections
        assert (await connections.pause(ACTOR, "acme", True)).paused
        answer = await found.users("acme", token)
        assert (answer.status_code, answer.json()["detail"]) == (503, "This connection is paused")
        assert (await found.users("acme", "wrong")).status_code == 401
        assert not (await connections.pause(ACTOR, "acme", False)).paused
        assert (await found.users("acme", token)).status_code == 200


async def test_a_deleted_connection_leaves_nothing_to_one_of_its_name(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        token = await made(found, mode="mirror")
        connection = found.administration.desk.registry.connections["acme"]
        await (await connection.sync()).refresh()
        assert (await connection.standing())[0].complete
        await found.administration.connections.delete(ACTOR, "acme")
        assert (await found.users("acme", token)).status_code == 404
        tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'mirror_%\\_documents' ESCAPE '\\'"
        assert await found.administration.desk.read(lambda sql: sql.rows(tables)) == []
        other = await made(found)
        assert (await found.users("acme", token)).status_code == 401
        assert (await found.users("acme", other)).status_code == 200


async def test_other_settings_are_another_upstream_to_a_mirror(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        await made(found, mode="mirror")
        connection = found.administration.desk.registry.connections["acme"]
        await (await connection.sync()).refresh()
        await found.administration.connections.change(ACTOR, "acme", {"settings": {"locked_is_inactive": True}})
        rows = await found.administration.desk.read(lambda sql: sql.rows("SELECT connection FROM mirror_types"))
        assert "acme@1.1" not in {each for (each,) in rows}


@pytest.mark.parametrize(
    ("name", "change", "key"),
    [
        ("A b", {}, "name"),
        ("x" * 64, {}, "name"),
        ("acme", {"token": "t"}, "token"),
        ("acme", {"proxy_tokens": ["t"]}, "proxy_tokens"),
        ("acme", {"provider": "pingtwo"}, "provider"),
        ("acme", {"settings": {}}, "settings.environment_id"),
        ("acme", {"settings": 7}, "settings"),
        ("acme", {"mode": "fast"}, "mode"),
        ("acme", {"limits": {"scan_rows": "x"}}, "limits.scan_rows"),
        ("acme", {"odd": 1}, "odd"),
    ],
)
async def test_what_is_wrong_is_named(tmp_path: Path, name: str, change: dict[str, Any], key: str) -> None:
    async with world(tmp_path) as found:
        with pytest.raises(AdminError) as caught:
            await found.administration.connections.create(ACTOR, name, {**found.document(), **change})
        assert (caught.value.status, caught.value.key) == (400, key)
        assert await audited(found) == []


@pytest.mark.parametrize("key", ["ca_bundle", "client_cert"])
async def test_a_stranger_names_no_file_and_no_variable(tmp_path: Path, key: str) -> None:
    (tmp_path / "secret").write_text("of this machine")
    async with world(tmp_path) as found:
        settings = {"base_url": "https://scim.example/v2", "token": f"file:{tmp_path}/secret"}
        connections = found.administration.connections
        with pytest.raises(AdminError) as caught:
            await connections.create(ACTOR, "acme", {"provider": "scim", "settings": {**settings, key: "/etc/passwd"}})
        assert (caught.value.status, caught.value.key) == (400, f"settings.{key}")
        await connections.create(ACTOR, "acme", {"provider": "scim", "settings": settings})
        own = found.administration.desk.registry.connections["acme"].config.settings
        assert own.token.reveal() == f"file:{tmp_path}/secret"


async def test_a_connection_of_the_file_stays_as_it_is(tmp_path: Path) -> None:
    settings = {"environment_id": "e", "client_id": "c", "client_secret": "fi1e-s3cret"}
    own = {"acme": {"provider": "pingone", "token": "t", "settings": settings}}
    async with world(tmp_path, connections=own) as found:
        connections = found.administration.connections
        view = await connections.one("acme")
        assert (view.source, view.secrets, view.revision) == ("file", ("client_secret",), None)
        assert "fi1e-s3cret" not in str(view)
        for attempt in (
            connections.change(ACTOR, "acme", {"access": "read-only"}),
            connections.pause(ACTOR, "acme", True),
            connections.delete(ACTOR, "acme"),
            connections.create(ACTOR, "acme", found.document()),
        ):
            with pytest.raises(AdminError) as caught:
                await attempt
            assert caught.value.status == 409


async def test_who_was_too_late_is_told(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        await made(found)
        connections = found.administration.connections
        await connections.change(ACTOR, "acme", {"label": "one"}, revision=1)
        with pytest.raises(AdminError) as caught:
            await connections.change(ACTOR, "acme", {"label": "two"}, revision=1)
        assert caught.value.status == 412
        assert (await connections.one("acme")).label == "one"


async def test_without_a_key_no_secret_is_kept(tmp_path: Path) -> None:
    async with world(tmp_path, encryption_key=None) as found:
        with pytest.raises(AdminError) as caught:
            await found.administration.connections.create(ACTOR, "acme", found.document())
        assert caught.value.status == 409 and "encryption_key" in caught.value.detail


async def test_under_another_key_a_connection_says_so_and_takes_new_secrets(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        token = await made(found)
        async with bridge(tmp_path, encryption_key="b" * 43 + "=") as (app, client):
            assert app.administration is not None
            answer = await client.get("/scim/acme/v2/Users", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 503
            view = await app.administration.connections.one("acme")
            assert view.problem is not None and "encryption_key" in view.problem
            secret = {"settings": {"client_secret": found.settings["pingone"]["client_secret"]}}
            assert (await app.administration.connections.change(ACTOR, "acme", secret)).problem is None
            answer = await client.get("/scim/acme/v2/Users", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 200


async def test_each_action_is_audited_with_who_did_it(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        await made(found)
        [token] = await found.administration.tokens.all("acme")
        await found.administration.tokens.revoke(ACTOR, "acme", token.id)
        await found.administration.connections.change(ACTOR, "acme", {"label": "x"})
        await found.administration.connections.pause(ACTOR, "acme", True)
        await found.administration.connections.delete(ACTOR, "acme")
        told = await audited(found)
        assert [each[0] for each in told] == [
            "connection.created", "token.created", "token.revoked", "connection.changed", "connection.paused",
            "connection.deleted",
        ]  # fmt: skip
        assert {each[1:3] for each in told} == {("acme", "admin-0")}
        assert all("192.0.2.1" in each[3] for each in told)
