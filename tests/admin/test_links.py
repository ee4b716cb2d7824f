"""Link sessions: an address that serves once, and what comes of it."""

from pathlib import Path
from typing import Any

import pytest

from scim_bridge.admin.service.desk import AdminError
from scim_bridge.admin.service.links import LIFETIME, LONGEST, MAX_ATTEMPTS, LinkRequest
from tests.admin.test_connections import audited, made
from tests.admin.world import ACTOR, ADMIN, World, bridge, world

APP = "https://app.example.com"


async def linked(found: World, token: str, **settings: Any) -> Any:
    given = {**found.settings["pingone"], **settings}
    return await found.administration.links.complete(token, "pingone", given, address="192.0.2.7")


async def refused(attempt: Any) -> AdminError:
    with pytest.raises(AdminError) as caught:
        await attempt
    return caught.value


async def test_a_link_makes_a_connection_with_a_token_once(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        links = found.administration.links
        view, token = await links.create(ACTOR, LinkRequest(provider="pingone", label="Acme Inc."))
        assert (view.state, view.renews, view.expires_at - view.created_at) == ("open", False, LIFETIME)
        wrong = await refused(linked(found, token.reveal(), client_secret="wr0ng"))
        assert (wrong.status, wrong.check is not None) == (422, True)
        result = await linked(found, token.reveal())
        assert result.name == "acme-inc"
        assert result.token is not None
        assert (await found.users("acme-inc", result.token.reveal())).status_code == 200
        assert (await refused(linked(found, token.reveal()))).status == 410
        assert [(each.state, each.connection) for each in await links.all()] == [("done", "acme-inc")]
        told = [each[:3] for each in await audited(found)]
        assert told == [
            ("link.created", "", "admin-0"),
            ("connection.created", "acme-inc", f"link-{view.id}"),
            ("token.created", "acme-inc", f"link-{view.id}"),
        ]
        [row] = await found.administration.desk.read(lambda sql: sql.rows("SELECT * FROM store_links"))
        assert token.reveal() not in str(row)


async def test_a_link_renews_credentials_and_leaves_the_rest(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        client = await made(found, limits={"max_count": 500})
        await found.administration.connections.change(ACTOR, "acme", {"settings": {"client_secret": "old"}})
        view, token = await found.administration.links.create(ACTOR, LinkRequest(connection="acme"))
        assert (view.provider, view.renews, view.connection) == ("pingone", True, "acme")
        result = await linked(found, token.reveal())
        assert (result.name, result.token) == ("acme", None)
        assert (await found.users("acme", client)).status_code == 200
        assert (await found.administration.connections.one("acme")).limits["max_count"] == 500


async def test_a_link_renews_no_other_connection_that_got_the_name(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        links, connections = found.administration.links, found.administration.connections
        await made(found)
        view, token = await links.create(ACTOR, LinkRequest(connection="acme"))
        await connections.delete(ACTOR, "acme")
        assert (await links.one(view.id)).state == "revoked"
        # as one that was made at that very moment
        await found.administration.desk.write(lambda sql: sql.run("UPDATE store_links SET state = 'open'"))
        assert (await refused(links.open(token.reveal()))).status == 410
        await made(found)
        assert (await refused(links.open(token.reveal()))).status == 410
        assert (await refused(linked(found, token.reveal()))).status == 410
        assert (await connections.one("acme")).revision == 1


async def test_a_name_that_is_taken_is_not_taken_again(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        await made(found)
        links = found.administration.links
        _, token = await links.create(ACTOR, LinkRequest(provider="pingone", label="ACME"))
        result = await linked(found, token.reveal())
        assert result.name.startswith("acme-") and result.name != "acme"
        assert (await refused(links.create(ACTOR, LinkRequest(name="acme")))).status == 409


async def test_a_session_ends_by_itself_and_by_hand(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        links = found.administration.links
        view, token = await links.create(ACTOR, LinkRequest())
        assert (await links.open(token.reveal())).id == view.id
        await links.revoke(ACTOR, view.id)
        for attempt in (links.open(token.reveal()), linked(found, token.reveal())):
            assert (await refused(attempt)).status == 410
        assert (await refused(links.revoke(ACTOR, view.id))).status == 409
        assert (await refused(links.revoke(ACTOR, "nope"))).status == 404
        assert (await refused(links.open("nope"))).status == 404
        old, expired = await links.create(ACTOR, LinkRequest())
        text = "UPDATE store_links SET expires_at = 1 WHERE id = ?"
        await found.administration.desk.write(lambda sql: sql.run(text, (old.id,)))
        assert (await refused(links.open(expired.reveal()))).status == 410
        assert {each.id: each.state for each in await links.all()} == {view.id: "revoked", old.id: "expired"}


async def test_credentials_are_not_tried_for_ever(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        view, token = await found.administration.links.create(ACTOR, LinkRequest())
        text = "UPDATE store_links SET attempts = ? WHERE id = ?"
        await found.administration.desk.write(lambda sql: sql.run(text, (MAX_ATTEMPTS, view.id)))
        assert (await refused(linked(found, token.reveal()))).status == 429


@pytest.mark.parametrize(
    ("wanted", "status", "key"),
    [
        ({"provider": "pingtwo"}, 400, "provider"),
        ({"name": "A b"}, 400, "name"),
        ({"label": "x" * 201}, 400, "label"),
        ({"expires_at": 1}, 400, "expires_at"),
        ({"expires_at": 2**53}, 400, "expires_at"),
        ({"connection": "nope"}, 404, None),
        ({"redirect_url": "https://evil.example/x"}, 400, "redirect_url"),
        ({"redirect_url": "https://app.example.com.evil.example/"}, 400, "redirect_url"),
        ({"redirect_url": "https://app.example.com@evil.example/"}, 400, "redirect_url"),
        ({"redirect_url": "https://app.example.com\\@evil.example/"}, 400, "redirect_url"),
        ({"redirect_url": "//app.example.com/"}, 400, "redirect_url"),
        ({"redirect_url": "javascript:alert(1)"}, 400, "redirect_url"),
        ({"redirect_url": "https://app.example.com/\r\nX: y"}, 400, "redirect_url"),
    ],
)
async def test_what_no_session_can_be_for_is_refused(
    tmp_path: Path, wanted: dict[str, Any], status: int, key: str | None
) -> None:
    async with world(tmp_path, link_origins=[APP]) as found:
        error = await refused(found.administration.links.create(ACTOR, LinkRequest(**wanted)))
        assert (error.status, error.key) == (status, key)


async def test_a_session_may_return_where_the_configuration_says(tmp_path: Path) -> None:
    async with world(tmp_path, link_origins=[APP]) as found:
        view, _ = await found.administration.links.create(ACTOR, LinkRequest(redirect_url=f"{APP}/done?x=1"))
        assert view.redirect_url == f"{APP}/done?x=1"
        now = view.created_at
        assert (
            await refused(found.administration.links.create(ACTOR, LinkRequest(expires_at=now + 2 * LONGEST)))
        ).status == 400


async def test_a_session_of_the_console_ends_with_its_admin_token(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        sessions = found.administration.sessions
        assert (await refused(sessions.sign_in("wrong", "192.0.2.9"))).status == 401
        cookie = (await sessions.sign_in(ADMIN, "192.0.2.9")).reveal()
        assert (await sessions.session(cookie, "")) is not None
        assert (await sessions.session("other", "")) is None
        async with bridge(tmp_path, admin_tokens=["another"]) as (app, _):
            assert app.administration is not None
            assert (await app.administration.sessions.session(cookie, "")) is None
        await sessions.sign_out(cookie)
        assert (await sessions.session(cookie, "")) is None
        told = [(action, actor) for action, _, actor, _ in await audited(found)]
        assert told == [("admin.refused", ""), ("console.sign-in", "admin-0")]


async def test_without_admin_tokens_there_is_no_administration(tmp_path: Path) -> None:
    async with bridge(tmp_path, admin_tokens=None) as (app, _):
        assert app.administration is None
