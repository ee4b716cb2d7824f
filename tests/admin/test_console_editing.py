"""Connections made and changed in the console."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from scim_bridge.connections import provider_names
from scim_bridge.store.audit import Criteria
from tests.admin.console import Operator, console, plain
from tests.admin.pages import Form
from tests.admin.world import ACTOR

NEW = "/console/new/pingone"
EDIT = "/console/connections/acme/edit"
SECRET = "settings.client_secret"


@pytest.fixture
async def operator(tmp_path: Path) -> AsyncIterator[Operator]:
    async with console(tmp_path, "pingone") as found:
        yield found


def fields(page: str, **typed: Any) -> dict[str, list[str]]:
    """What the form of a page sends, with what is typed over it."""
    form = Form(page[page.index('<form class="card"') :])
    return form.filled(typed)


def settings(operator: Operator, **more: str) -> dict[str, str]:
    """A sandbox's settings, as they are typed."""
    found = operator.world.settings["pingone"]
    typed = {f"settings.{name}": str(value) for name, value in found.items() if not isinstance(value, Mapping)}
    return {**typed, **more}


async def acme(operator: Operator, **more: Any) -> None:
    await operator.world.administration.connections.create(ACTOR, "acme", operator.world.document(**more), label="Acme")


async def test_every_provider_can_be_chosen_and_has_a_form(operator: Operator) -> None:
    page = await operator.get("/console/new")
    for name in provider_names():
        assert f'href="/console/new/{name}"' in page
        assert 'id="settings-' in await operator.get(f"/console/new/{name}")
    assert "There is no provider" in await operator.get("/console/new/nothing", 404)


async def test_a_connection_is_tested_and_made(operator: Operator) -> None:
    page = await operator.get(NEW)
    assert "First, in PingOne" in page
    typed = fields(page, name="acme", label="Acme", **settings(operator), access="read-only")
    answer = await operator.post(NEW, {**typed, "test": "yes"})
    assert answer.headers["Location"] == "/console/connections/acme?done=created"
    assert "The connection is there" in await operator.get(answer.headers["Location"])
    view = await operator.world.administration.connections.one("acme")
    assert (view.label, view.access, view.created_by) == ("Acme", "read-only", "admin-0")
    assert view.limits["scan_rows"] == 50_000 and view.secrets == ("client_secret",)


async def test_a_wrong_secret_is_explained_and_nothing_is_made(operator: Operator) -> None:
    typed = fields(await operator.get(NEW), name="acme", **settings(operator, **{SECRET: "wr0ng"}))
    answer = await operator.post(NEW, {**typed, "test": "yes"}, 422)
    assert "The client ID or the client secret is not right" in answer.text and "wr0ng" not in answer.text
    assert fields(answer.text)["name"] == ["acme"] and fields(answer.text)[SECRET] == [""]
    assert await operator.world.administration.connections.all() == []
    await operator.post(NEW, {**typed, "test": "no"})
    assert [each.name for each in await operator.world.administration.connections.all()] == ["acme"]


@pytest.mark.parametrize(
    ("typed", "field", "told"),
    [
        ({"name": ""}, "name", "is needed"),
        ({"name": "Acme Inc"}, "name", "lower-case letters"),
        ({"name": "a" * 64}, "name", "63 characters"),
        ({"label": "x" * 201}, "label", "200 characters"),
        ({"settings.client_secret": ""}, "settings-client_secret", "is needed"),
        ({"settings.region": "moon"}, "settings-region", "takes na"),
        ({"limits.scan_rows": "many"}, "limits-scan_rows", "whole number"),
        ({"limits.scan_rows": "0"}, "limits-scan_rows", "too small"),
        ({"mirror.max_shrink_percent": "101"}, "mirror-max_shrink_percent", "more than 100"),
        ({"access": "everything"}, "access", "read-write"),
    ],
)
async def test_what_is_wrong_stands_at_its_field(
    operator: Operator, typed: dict[str, str], field: str, told: str
) -> None:
    filled = {"name": "acme", **settings(operator), **typed}
    answer = await operator.post(NEW, {**fields(await operator.get(NEW), **filled), "test": "no"}, status=None)
    assert answer.status_code in (400, 422)
    assert f'<a href="#{field}">' in answer.text and f'id="{field}-error"' in answer.text
    assert told in plain(answer.text[answer.text.index(f'id="{field}-error"') :])[:200]
    assert await operator.world.administration.connections.all() == []


async def test_what_is_wrong_with_the_settings_as_a_whole_is_told_above_them(operator: Operator) -> None:
    typed = {"name": "acme", **settings(operator, **{"settings.api_url": "ftp://nowhere"})}
    answer = await operator.post(NEW, {**fields(await operator.get(NEW), **typed), "test": "no"}, status=None)
    assert answer.status_code == 400
    assert "These settings cannot be used The base URL has to be an http:// or https:// URL." in plain(answer.text)
    assert await operator.world.administration.connections.all() == []


async def test_a_name_that_is_taken_is_told_at_its_field(operator: Operator) -> None:
    await acme(operator)
    typed = fields(await operator.get(NEW), name="acme", **settings(operator))
    answer = await operator.post(NEW, {**typed, "test": "no"}, 409)
    assert "There is a connection acme already" in answer.text and 'id="name-error"' in answer.text


async def test_a_private_address_is_refused_where_those_are_not_allowed(tmp_path: Path) -> None:
    async with console(tmp_path, "pingone", network=True, allow_private_upstreams=False) as operator:
        typed = fields(await operator.get(NEW), name="acme", **settings(operator))
        answer = await operator.post(NEW, {**typed, "test": "yes"}, 422)
        assert "This address is not a public one" in answer.text


async def test_an_edit_keeps_secrets_that_are_left_empty(operator: Operator) -> None:
    await acme(operator, access="read-only", limits={"scan_rows": 7})
    page = await operator.get(EDIT)
    standing = fields(page)
    assert standing["access"] == ["read-only"] and standing["limits.scan_rows"] == ["7"]
    assert standing[SECRET] == [""] and 'placeholder="unchanged"' in page
    typed = fields(page, label="Acme 2", access="read-write", **{"limits.scan_rows": ""})
    answer = await operator.post(EDIT, {**typed, "test": "yes"})
    assert "The changes are in effect" in await operator.get(answer.headers["Location"])
    view = await operator.world.administration.connections.one("acme")
    assert (view.label, view.access, view.limits["scan_rows"]) == ("Acme 2", "read-write", 50_000)
    assert view.settings["attributes"] == operator.world.settings["pingone"]["attributes"]
    (kept,) = await operator.world.administration.history.page(Criteria(action="connection.changed"), 5)
    assert kept.entry.actor == "admin-0" and '"secrets":[]' in kept.entry.details.replace(" ", "")


async def test_an_edit_of_what_somebody_else_changed_is_refused(operator: Operator) -> None:
    await acme(operator)
    typed = fields(await operator.get(EDIT), label="mine")
    await operator.world.administration.connections.change(ACTOR, "acme", {"label": "theirs"})
    answer = await operator.post(EDIT, {**typed, "test": "no"}, 412)
    assert "has been changed since" in answer.text
    for revision in ("", "x", "9" * 30):
        await operator.post(EDIT, {**typed, "revision": revision, "test": "no"}, 412)
    assert (await operator.world.administration.connections.one("acme")).label == "theirs"


async def test_a_wrong_new_secret_is_explained_and_the_old_one_stays(operator: Operator) -> None:
    await acme(operator)
    typed = fields(await operator.get(EDIT), **{SECRET: "wr0ng"})
    answer = await operator.post(EDIT, {**typed, "test": "yes"}, 422)
    assert "is not right" in answer.text and "wr0ng" not in answer.text
    assert (await operator.world.administration.connections.check_one("acme")).ok


async def test_what_is_wrong_in_an_edit_stands_at_its_field(operator: Operator) -> None:
    await acme(operator)
    typed = fields(await operator.get(EDIT), **{"settings.environment_id": "", "limits.scan_rows": "few"})
    answer = await operator.post(EDIT, {**typed, "test": "no"}, 422)
    for each in ("settings-environment_id", "limits-scan_rows"):
        assert f'<a href="#{each}">' in answer.text and f'id="{each}-error"' in answer.text
    assert 'id="settings-client_secret-error"' not in answer.text


async def test_another_way_to_sign_in_may_take_the_place_of_the_first(tmp_path: Path) -> None:
    async with console(tmp_path) as operator:
        document = {"provider": "sailpoint-iiq", "settings": {"base_url": "http://iiq.test/iiq", "username": "u"}}
        document["settings"]["password"] = "0ld"  # type: ignore[index]  # a table
        await operator.world.administration.connections.create(ACTOR, "acme", document)
        new = {"settings.username": "", "settings.client_id": "c", SECRET: "n3w"}
        typed = {**fields(await operator.get(EDIT), **new), "renewed": ["yes"], "test": ["no"]}
        await operator.post(EDIT, typed)
        assert (await operator.world.administration.connections.one("acme")).secrets == ("client_secret",)


async def test_connections_of_the_file_have_no_form(tmp_path: Path) -> None:
    own = {"provider": "scim", "token": "t", "settings": {"base_url": "http://127.0.0.1:1", "token": "x"}}
    async with console(tmp_path, connections={"acme": own}) as operator:
        assert "is in the configuration file" in await operator.get(EDIT, 409)
        await operator.post(EDIT, {}, 409)
    async with console(tmp_path) as operator:
        await operator.get(EDIT, 404)
