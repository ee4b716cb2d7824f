"""`/openapi.json`."""

from pathlib import Path

from openapi_spec_validator import OpenAPIV31SpecValidator

from scim_bridge.config import ConnectionTable, Limits
from scim_bridge.mirror.settings import MirrorSettings
from scim_bridge.settings import settings_of
from tests.admin.api.calls import DESCRIPTION, PATHS, bare
from tests.admin.api.test_connections import OWN


async def test_it_is_open_to_all_and_tells_nothing_of_this_bridge(tmp_path: Path) -> None:
    async with bare(tmp_path, connections=OWN) as ask:
        answer = await ask.client.get("/openapi.json")
        assert answer.json() == DESCRIPTION
        assert "own" not in [each for path in answer.json()["paths"] for each in path.split("/")]


def test_it_is_valid() -> None:
    OpenAPIV31SpecValidator(DESCRIPTION).validate()


def test_each_setting_of_the_configuration_can_be_chosen_and_is_shown() -> None:
    schemas = DESCRIPTION["components"]["schemas"]
    own = {each.name for each in settings_of(ConnectionTable)} - {"token", "tokens", "proxy_tokens"}
    for name in ("NewConnection", "Document", "Changes", "Connection"):
        assert own <= set(schemas[name]["properties"]), name
    for kind, names in ((Limits, ("LimitsChosen", "LimitsChanges", "Limits")),
                        (MirrorSettings, ("MirrorChosen", "MirrorChanges", "Mirroring"))):  # fmt: skip
        for name in names:
            assert {each.name for each in settings_of(kind)} == set(schemas[name]["properties"]), name


def test_secrets_are_nowhere_in_what_is_shown() -> None:
    schemas = DESCRIPTION["components"]["schemas"]
    told = {name for name, schema in schemas.items() if {"token", "url"} & set(schema["properties"])}
    assert told == {"MadeToken", "MadeLink"}
    answers = [each for methods in PATHS.values() for operation in methods.values() for each in operation["responses"]]
    assert {"401", "429", "503"} <= set(answers)
