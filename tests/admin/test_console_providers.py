"""What providers and connections can do, in the console."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from scim_bridge import tables
from scim_bridge.admin.console.providers import capabilities
from scim_bridge.connections import provider_by_name, provider_names
from tests.admin.console import Operator, console, plain
from tests.admin.world import ACTOR


@pytest.fixture
async def operator(tmp_path: Path) -> AsyncIterator[Operator]:
    async with console(tmp_path) as found:
        yield found


async def test_every_provider_is_listed_with_what_can_be_done(operator: Operator) -> None:
    page = plain(await operator.get("/console/providers"))
    for name in provider_names():
        provider = provider_by_name(name)
        assert provider.title in page
        for each in tables.collections(provider):
            assert f"{each.resource.endpoint.strip('/')} {', '.join(tables.operations(each))}" in page


@pytest.mark.parametrize("name", provider_names())
async def test_a_providers_page_has_all_that_is_pushed_down_and_its_settings(operator: Operator, name: str) -> None:
    page = await operator.get(f"/console/providers/{name}")
    told = plain(page)
    provider = provider_by_name(name)
    for each in tables.collections(provider):
        for access in each.reads:
            assert tables.paging(access) in told
            for attribute, operators, rows in tables.pushed(access):
                assert f"{attribute} {operators} {rows}" in told
    for key, takes, _, help_text in tables.settings_rows(provider.settings):
        assert f"{key} {takes}" in told and " ".join(help_text.split()) in told
    assert all(" ".join(step.split()) in told for step in provider.guide)


async def test_a_provider_that_is_not_there_is_404(operator: Operator) -> None:
    assert "There is no provider" in await operator.get("/console/providers/nothing", 404)


async def test_a_connection_shows_what_was_discovered_of_it(tmp_path: Path) -> None:
    async with console(tmp_path, "sailpoint-nerm") as operator:
        page = "/console/connections/acme/capabilities"
        await operator.get(page, 404)
        connections = operator.world.administration.connections
        await connections.create(ACTOR, "acme", operator.world.document("sailpoint-nerm"))
        connection = operator.world.administration.desk.registry.connections["acme"]
        service = await connection.service()
        found = capabilities([each.collection for each in service.directories.values()])
        told = plain(await operator.get(page))
        assert "by what was discovered of its upstream" in told
        assert all(f"{each.endpoint} Operations {', '.join(each.operations)}" in told for each in found)
        await connections.pause(ACTOR, "acme", True)
        assert "does not serve now" in await operator.get(page, 409)


async def test_before_it_was_discovered_a_connection_says_so(tmp_path: Path) -> None:
    own = {"provider": "scim", "token": "t", "settings": {"base_url": "http://127.0.0.1:1", "token": "x"}}
    async with console(tmp_path, connections={"acme": own}) as operator:
        page = await operator.get("/console/connections/acme/capabilities")
    assert "has not been discovered yet" in page
