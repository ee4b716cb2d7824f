"""What the API tells of providers, for who builds forms of their own."""

from pathlib import Path
from typing import get_type_hints

from scim_bridge.connections import provider_by_name, provider_names
from scim_bridge.settings import is_local, is_required, is_secret, settings_of
from tests.admin.api.calls import bare


async def test_each_provider_and_setting_is_told(tmp_path: Path) -> None:
    async with bare(tmp_path) as ask:
        listed = (await ask("GET", "/providers", 200)).json()["items"]
        assert [each["name"] for each in listed] == provider_names()
        first = (await ask("GET", "/providers?limit=2", 200)).json()
        assert (await ask("GET", f"/providers?after={first['next']}", 200)).json()["items"] == listed[2:]
        for name in provider_names():
            told, provider = (await ask("GET", f"/providers/{name}", 200)).json(), provider_by_name(name)
            assert (told["title"], told["guide"]) == (provider.title, list(provider.guide))
            wanted = [each for each in settings_of(provider.settings) if not is_local(each)]
            for setting, each in zip(told["settings"], wanted, strict=True):
                assert setting["name"] == each.name and setting["help"] == each.metadata["help"]
                assert (setting["required"], setting["secret"]) == (is_required(each), is_secret(each))
            assert set(get_type_hints(provider.settings)) >= {each["name"] for each in told["settings"]}


async def test_choices_and_defaults_are_of_the_type_that_settings_take(tmp_path: Path) -> None:
    async with bare(tmp_path) as ask:
        pingone = {each["name"]: each for each in (await ask("GET", "/providers/pingone", 200)).json()["settings"]}
        assert "eu" in [each["value"] for each in pingone["region"]["choices"]]
        assert (pingone["region"]["type"], pingone["region"]["default"]) == ("choice", "na")
        assert (pingone["client_secret"]["type"], pingone["client_secret"]["default"]) == ("secret", None)
        assert (pingone["population_ids"]["type"], pingone["population_ids"]["default"]) == ("list", [])
        assert (pingone["attributes"]["type"], pingone["attributes"]["default"]) == ("mapping", {})
        isc = {each["name"]: each for each in (await ask("GET", "/providers/sailpoint-isc", 200)).json()["settings"]}
        assert (isc["writes"]["type"], isc["writes"]["default"]) == ("choices", [])
        values = {each["value"]: each["label"] for each in isc["writes"]["choices"]}
        assert set(values) == {"lifecycle", "accounts", "non-employee"} and all(values.values())


async def test_no_other_provider_is_there(tmp_path: Path) -> None:
    async with bare(tmp_path) as ask:
        assert "there is no provider" in await ask.refused("GET", "/providers/pingtwo", 404)
