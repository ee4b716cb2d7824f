"""What settings tell of themselves, for those who fill them in."""

import re
from dataclasses import Field
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from scim_bridge.connections import provider_by_name, provider_names
from scim_bridge.settings import is_local, is_required, is_secret, label_of, settings_of

PROVIDERS = [provider_by_name(name) for name in provider_names()]
SETTINGS = [
    pytest.param(provider.settings, each, id=f"{provider.name}-{each.name}")
    for provider in PROVIDERS
    for each in settings_of(provider.settings)
]


@pytest.mark.parametrize(("name", "label"), [("client_id", "Client ID"), ("api_url", "API URL"), ("tenant", "Tenant")])
def test_a_setting_without_a_label_is_called_by_its_name(name: str, label: str) -> None:
    found = [each for provider in PROVIDERS for each in settings_of(provider.settings) if each.name == name]
    assert {label_of(each) for each in found} == {label}


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda each: each.name)
def test_every_provider_says_what_to_create_first(provider: Any) -> None:
    assert 1 <= len(provider.guide) <= 6
    for step in provider.guide:
        assert step.endswith(".") and "http" not in step and "\n" not in step, step


@pytest.mark.parametrize(("kind", "each"), SETTINGS)
def test_what_has_to_be_filled_in_is_explained_and_never_folded_away(kind: type[Any], each: Field[Any]) -> None:
    assert each.metadata["help"] and not each.metadata["help"].endswith(".")
    if is_required(each):
        assert each.metadata["where"] or each.metadata["placeholder"]
        assert not each.metadata["advanced"] and not is_local(each)
    if is_secret(each):
        assert not each.metadata["placeholder"]


@pytest.mark.parametrize(("kind", "each"), SETTINGS)
def test_choices_are_those_that_the_setting_takes(kind: type[Any], each: Field[Any]) -> None:
    hint = get_type_hints(kind)[each.name]
    hints = [hint, *get_args(hint)]
    taken = next((get_args(found) for found in hints if get_origin(found) is Literal), ())
    assert set(each.metadata["choices"]) in (set(), set(taken))


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda each: each.name)
def test_files_of_the_bridges_own_machine_are_marked(provider: Any) -> None:
    for each in settings_of(provider.settings):
        assert is_local(each) == bool(re.search(r"\bPEM file\b", each.metadata["help"])), each.name
