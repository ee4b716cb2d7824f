"""Who still works with a mirror that is gone: a refresh or a request of a connection that was changed or deleted."""

from pathlib import Path
from typing import Any

import pytest

from scim_bridge.connections import Connection
from scim_bridge.mirror.tables import Dropped
from scim_bridge.store.connections import StoredConnection
from scim_bridge.upstream.errors import Unavailable
from tests.admin.world import ACTOR, World, world


async def mirrored(found: World, name: str, provider: str) -> Connection:
    """A connection whose mirror holds everything."""
    await found.administration.connections.create(ACTOR, name, found.document(provider, mode="mirror"))
    connection = found.administration.desk.registry.connections[name]
    sync = await connection.sync()
    await sync.refresh(full=True)
    return connection


def numbers(connection: Connection) -> list[int]:
    assert connection._opened is not None and connection._opened.sync is not None
    return [each.store.tables.number for each in connection._opened.sync.copies]


async def people(found: World, name: str) -> list[str]:
    _, token = await found.administration.tokens.create(ACTOR, name)
    answer = await found.client.get(
        f"/scim/{name}/v2/Users", params={"count": 100}, headers={"Authorization": f"Bearer {token.reveal()}"}
    )
    return [each["userName"] for each in answer.json()["Resources"]]


async def record(found: World, name: str) -> StoredConnection:
    kept = (await found.administration.desk.entry(name)).record
    assert kept is not None
    return kept


async def test_a_refresh_of_a_deleted_connection_writes_to_no_other(tmp_path: Path, url: str) -> None:
    async with world(tmp_path, "pingone", "scim", database=url) as found:
        former = await mirrored(found, "former", "pingone")
        await found.administration.connections.delete(ACTOR, "former")
        other = await mirrored(found, "other", "scim")
        before = await people(found, "other")
        with pytest.raises(Dropped):
            await (await former.sync()).refresh(full=True)
        assert await people(found, "other") == before
        assert not set(numbers(former)) & set(numbers(other))


async def test_a_refresh_of_former_settings_writes_to_no_mirror_of_the_new_ones(tmp_path: Path, url: str) -> None:
    async with world(tmp_path, "pingone", database=url) as found:
        former = await mirrored(found, "acme", "pingone")
        await found.administration.connections.change(ACTOR, "acme", {"settings": {"locked_is_inactive": True}})
        now = found.administration.desk.registry.connections["acme"]
        await (await now.sync()).refresh(full=True)
        with pytest.raises(Dropped):
            await (await former.sync()).refresh(full=True)
        assert not set(numbers(former)) & set(numbers(now))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/Users", None),
        ("GET", "/Users/{id}", None),
        ("PATCH", "/Users/{id}", {"op": "replace", "path": "title", "value": "Chief"}),
        ("DELETE", "/Users/{id}", None),
    ],
)
async def test_a_request_that_a_deletion_overtakes_is_no_500(
    tmp_path: Path, url: str, method: str, path: str, body: Any
) -> None:
    """It has the connection already, as one that a slow client sends has."""
    async with world(tmp_path, "pingone", database=url) as found:
        former = await mirrored(found, "acme", "pingone")
        _, token = await found.administration.tokens.create(ACTOR, "acme")
        headers = {"Authorization": f"Bearer {token.reveal()}"}
        listed = await found.client.get("/scim/acme/v2/Users", headers=headers)
        served = dict(found.administration.desk.registry.served)
        await found.administration.connections.delete(ACTOR, "acme")
        found.administration.desk.registry.served.update(served)
        schemas = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]
        content: dict[str, Any] = {"json": {"schemas": schemas, "Operations": [body]}} if body else {}
        target = path.replace("{id}", listed.json()["Resources"][0]["id"])
        answer = await found.client.request(method, f"/scim/acme/v2{target}", headers=headers, **content)
        assert answer.status_code in (200, 204, 503), answer.text
        assert former.opened is not None


async def test_who_has_not_heard_of_a_deletion_makes_no_mirror_anew(tmp_path: Path, url: str) -> None:
    async with world(tmp_path, "pingone", database=url) as found:
        desk = found.administration.desk
        await found.administration.connections.create(ACTOR, "acme", found.document(mode="mirror"))
        late = desk.stored.opened(await record(found, "acme"))
        await found.administration.connections.delete(ACTOR, "acme")
        with pytest.raises(Unavailable):
            await late.service()
        await late.aclose()
        assert await desk.read(lambda sql: sql.rows("SELECT connection FROM mirror_types")) == []


async def test_a_refresh_that_a_deletion_overtakes_is_no_unexpected_failure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with world(tmp_path, "pingone") as found:
        former = await mirrored(found, "acme", "pingone")
        mirrors = found.administration.mirrors
        await found.administration.connections.delete(ACTOR, "acme")
        await mirrors._refresh(former, True, False)
    told = [each for each in caplog.records if each.levelname in ("WARNING", "ERROR")]
    assert {(each.levelname, each.getMessage()) for each in told} == {("WARNING", "mirror not refreshed")}
