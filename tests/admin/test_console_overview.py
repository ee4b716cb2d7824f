"""The console's first page: which connections there are, and how they are doing."""

import base64
from collections import Counter
from pathlib import Path

import pytest

from scim_bridge.admin.console import overview
from scim_bridge.admin.service.desk import AdminError
from scim_bridge.upstream.errors import Unavailable
from tests.admin.console import Operator, console, plain
from tests.admin.world import ACTOR

FILE_TOKEN = "f1le-t0ken"
SETTINGS = {"base_url": "http://127.0.0.1:1", "token": "upstr3am-t0ken"}


async def _created(operator: Operator, name: str = "acme") -> None:
    document = operator.world.document()
    await operator.world.administration.connections.create(ACTOR, name, document, label="Acme <b>Inc.</b>")


async def test_without_connections_it_says_what_to_do_next(tmp_path: Path) -> None:
    async with console(tmp_path) as operator:
        page = await operator.get("/console")
    assert "There is no connection yet" in page
    assert 'href="/console/new"' in page and 'href="/console/links#new"' in page


async def test_each_connection_is_listed_with_what_it_was_asked(tmp_path: Path) -> None:
    async with console(tmp_path, "pingone") as operator:
        await _created(operator)
        _, token = await operator.world.administration.tokens.create(ACTOR, "acme")
        await operator.world.users("acme", token.reveal())
        page = await operator.get("/console")
        row = plain(page[page.index("<tbody>") : page.index("</tbody>")])
        usage = operator.world.app.metrics.answered()["acme"]
        assert usage == Counter({2: 1})
        calls = operator.world.administration.desk.registry.connections["acme"].client.usage.calls
        asked = sum(count for (kind, _), count in calls.items() if kind == "api")
    assert asked > 0 and row.startswith("acme Acme <b>Inc.</b> Open PingOne")
    assert "database Live 1 " in row and f" {asked} " in row
    assert "<b>Inc" not in page and token.reveal() not in page


async def test_connections_that_do_not_serve_say_why(tmp_path: Path) -> None:
    async with console(tmp_path, "pingone") as operator:
        await _created(operator, "resting")
        await operator.world.administration.connections.pause(ACTOR, "resting", True)
        assert "resting Acme <b>Inc.</b> Paused" in plain(await operator.get("/console"))


async def test_the_last_errors_of_upstreams_are_shown_with_their_connection(tmp_path: Path) -> None:
    async with console(tmp_path, "pingone") as operator:
        await _created(operator)
        connection = operator.world.administration.desk.registry.connections["acme"]
        await connection.service()
        connection.client.usage.failed(Unavailable("acme", "no answer <script>", status=503))
        page = await operator.get("/console")
    assert "Errors lately" in page and "no answer &lt;script&gt;" in page
    assert "acme Unavailable 503 no answer" in plain(page)
    assert "<script>" not in page.replace("<script src=", "")


async def test_connections_of_the_file_are_there_too_and_their_tokens_are_not(tmp_path: Path) -> None:
    connections = {"fixed": {"provider": "scim", "token": FILE_TOKEN, "settings": SETTINGS}}
    async with console(tmp_path, "pingone", connections=connections) as operator:
        page = await operator.get("/console")
    assert "configuration file" in page and "Not open" in page
    assert FILE_TOKEN not in page and SETTINGS["token"] not in page


async def test_connections_are_found_by_a_part_of_their_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connections = {
        name: {"provider": "scim", "token": FILE_TOKEN, "settings": SETTINGS} for name in ("acme", "acorn", "globex")
    }
    async with console(tmp_path, connections=connections) as operator:
        page = await operator.get("/console", find="AC")
        assert ">acme</a>" in page and ">acorn</a>" in page and ">globex</a>" not in page and 'value="AC"' in page
        assert "No connection is called so" in await operator.get("/console", find="nothing")
        monkeypatch.setattr(overview, "MOST", 2)
        assert "The first 2 of 3 are shown" in await operator.get("/console")


async def test_a_connection_that_cannot_be_used_any_more_says_why_and_can_be_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console(tmp_path, "pingone") as operator:
        await _created(operator)
    async with console(tmp_path, "pingone", encryption_key=base64.b64encode(b"o" * 32).decode()) as operator:
        page = plain(await operator.get("/console"))
        assert "acme Acme <b>Inc.</b> Cannot be used PingOne" in page
        assert "its secrets were encrypted with another encryption_key" in await operator.get(
            "/console/connections/acme"
        )
        assert "cannot be used" in await operator.get("/console/connections/acme/directory/Users", 409)
        answer = await operator.post("/console/connections/acme/test", status=200)
        assert "encryption_key" in answer.text
        assert 'placeholder="unchanged"' not in await operator.get("/console/connections/acme/edit")


async def test_connections_of_a_provider_that_is_not_installed_any_more_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console(tmp_path, "pingone") as operator:
        await _created(operator)
        monkeypatch.setattr("scim_bridge.connections._entry_points", list)
        assert "pingone" in plain(await operator.get("/console"))
        page = await operator.get("/console/connections/acme")
        assert operator.world.settings["pingone"]["environment_id"] in page
        assert operator.world.settings["pingone"]["client_secret"] not in page
        assert "There is no provider" in await operator.get("/console/connections/acme/edit", 404)


async def test_while_the_database_is_away_the_page_shows_what_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(name: str) -> None:
        raise AdminError(503, "The database does not answer")

    async with console(tmp_path, "pingone") as operator:
        document = operator.world.document(mode="mirror")
        await operator.world.administration.connections.create(ACTOR, "acme", document)
        monkeypatch.setattr(operator.world.administration.mirrors, "standing", away)
        assert "not complete yet" in await operator.get("/console")
        assert "The database does not answer" in await operator.get("/console/connections/acme", 503)
