"""Forms made of settings: each kind of field, there and back, and no secret on any page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_bridge.admin import html
from scim_bridge.admin.entries import changes, entries, missing, posted, read_form
from scim_bridge.admin.forms import Entries, FormField, entries_of, form
from scim_bridge.config_tables import Table, read
from scim_bridge.connections import provider_by_name, provider_names
from scim_bridge.settings import is_local, is_required, is_secret, setting, settings_of
from scim_bridge.tables import sample
from scim_bridge.upstream.redact import Secret


@dataclass(frozen=True, slots=True)
class Settings:
    tenant: str = setting(help="Name", where="At the top", placeholder="example")
    key: Secret = setting(help="Key", secret=True, group="Sign in")
    other_key: Secret | None = setting(help="Key", default=None, secret=True, group="Or otherwise")
    region: Literal["eu", "na"] = setting(help="Place", default="na", choices={"eu": "Europe"})
    order: Literal["name", ""] = setting(help="Order", default="name")
    policy: Literal["soft", "hard"] | None = setting(help="Policy", default=None)
    parts: tuple[Literal["a", "b"], ...] = setting(help="Parts", default=("a",))
    statuses: tuple[int, ...] = setting(help="Numbers", default=(1,))
    names: tuple[str, ...] = setting(help="Names", default=())
    loud: bool = setting(help="Noise", default=True)
    size: int = setting(help="Size", default=50, advanced=True)
    seconds: float = setting(help="Time", default=1.5, advanced=True)
    attributes: Mapping[str, str] = setting(help="Paths", default={}, advanced=True)
    ca_bundle: str | None = setting(help="PEM file", default=None, local=True)


LEAST: dict[str, list[str]] = {
    "tenant": ["acme"],
    "key": ["k"],
    "region": ["na"],
    "order": ["name"],
    "parts": ["a"],
    "loud": ["true"],
}


def field(key: str, entries: Entries | None = None, **more: Any) -> FormField:
    return next(each for each in form(Settings, entries, **more).fields if each.key == key)


def read_back(**typed: list[str]) -> dict[str, Any]:
    document, errors = read_form(Settings, {**LEAST, **typed})
    assert errors == {}
    return document


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("tenant", "text"),
        ("key", "secret"),
        ("other_key", "secret"),
        ("region", "choice"),
        ("policy", "choice"),
        ("parts", "choices"),
        ("statuses", "list"),
        ("loud", "bool"),
        ("size", "number"),
        ("seconds", "number"),
        ("attributes", "mapping"),
    ],
)
def test_each_setting_gets_the_field_that_fits_it(key: str, kind: str) -> None:
    assert field(key).kind == kind


def test_a_new_form_stands_as_by_default() -> None:
    assert field("region").values == ("na",) and field("region").options == (("eu", "Europe"), ("na", "na"))
    assert field("parts").values == ("a",)
    assert field("statuses").text == "1"
    assert field("loud").values == ("true",)
    assert field("seconds").text == "1.5"
    assert field("tenant").text == "" and field("tenant").required and not field("region").required


def test_a_choice_that_need_not_be_made_can_be_left_open() -> None:
    assert field("policy").options[0] == ("", "-")
    assert "policy" not in read_back(policy=[""])
    assert read_back(policy=["hard"])["policy"] == "hard"


def test_what_only_the_file_may_set_is_no_field_and_is_not_read() -> None:
    assert "ca_bundle" not in [each.key for each in form(Settings).fields]
    assert read_back(ca_bundle=["/etc/passwd"]) == {"tenant": "acme", "key": "k"}


def test_what_stands_as_by_default_is_left_out() -> None:
    assert read_back() == {"tenant": "acme", "key": "k"}
    assert read_back(statuses=["1"], size=["50"], seconds=["1.5"]) == {"tenant": "acme", "key": "k"}


def test_what_was_typed_comes_back_as_the_configuration_has_it() -> None:
    typed = {
        "region": ["eu"],
        "order": [""],
        "parts": ["a", "b"],
        "statuses": [" 1\r\n\r\n3 \r\n"],
        "names": ["one\r\ntwo words"],
        "loud": [],
        "size": [" 70 "],
        "seconds": ["2"],
        "attributes": ['enterprise.department = "dept"\r\nemails[type eq "a=b"].value=mail'],
    }
    assert read_back(**typed) == {
        "tenant": "acme",
        "key": "k",
        "region": "eu",
        "order": "",
        "parts": ["a", "b"],
        "statuses": [1, 3],
        "names": ["one", "two words"],
        "loud": False,
        "size": 70,
        "seconds": 2.0,
        "attributes": {"enterprise.department": "dept", 'emails[type eq "a=b"].value': "mail"},
    }


def test_nothing_chosen_is_something_else_than_the_default() -> None:
    assert read_back(parts=[])["parts"] == []


def test_a_secret_keeps_its_spaces_and_another_text_does_not() -> None:
    assert read_back(tenant=["  acme "], key=[" k "]) == {"tenant": "acme", "key": " k "}


@pytest.mark.parametrize(
    ("key", "typed", "told"),
    [
        ("size", "much", "takes a whole number"),
        ("size", "1.5", "takes a whole number"),
        ("size", "9" * 40, "takes a whole number"),
        ("seconds", "nan", "takes a number"),
        ("statuses", "1\nx", "takes a whole number"),
        ("region", "mars", "takes eu, na"),
        ("parts", "c", "takes a, b"),
        ("attributes", "no sign", "takes one line for each attribute: path = field; not 'no sign'"),
        ("attributes", "a = b\na = c", "has 'a' twice"),
        ("tenant", "a\x00b", "holds characters that cannot be seen"),
        ("key", "a\x07b", "holds characters that cannot be seen"),
    ],
)
def test_what_does_not_fit_is_told_at_its_field_and_kept_there(key: str, typed: str, told: str) -> None:
    given = {**LEAST, key: [typed]}
    document, errors = read_form(Settings, given)
    assert key not in document and errors == {f"settings.{key}": told}
    shown = field(key, given, errors=errors)
    assert shown.error == told
    assert form(Settings, given, errors=errors).wrong
    if key != "key":
        assert typed in (shown.text, *shown.values)


def test_an_error_below_a_field_stands_at_the_field_and_unfolds_it() -> None:
    found = form(Settings, errors={"settings.attributes.enterprise.x": "is empty"})
    assert [each.key for each in found.fields if each.error] == ["attributes"]
    assert found.advanced_wrong


def test_fields_are_grouped_and_rare_ones_apart() -> None:
    found = form(Settings)
    assert [(group.title, [each.key for each in group.fields]) for group in found.groups][:3] == [
        ("", ["tenant"]),
        ("Sign in", ["key"]),
        ("Or otherwise", ["other_key"]),
    ]
    assert [each.key for each in found.advanced] == ["size", "seconds", "attributes"]


def test_a_secret_that_is_set_need_not_be_typed_again() -> None:
    kept = field("key", kept={"key"})
    assert not kept.required and kept.placeholder == "unchanged"


def test_a_document_fills_the_form_and_comes_back_the_same() -> None:
    document = {"tenant": "acme", "parts": [], "statuses": [1, 3], "loud": False, "attributes": {"a": "b"}}
    again, errors = read_form(Settings, entries_of(Settings, document))
    assert (again, errors) == (document, {})


def test_changes_take_back_what_was_emptied_and_leave_secrets_that_were_not_typed() -> None:
    found = changes(Settings, {"tenant": "acme", "size": 70}, {})
    assert found["tenant"] == "acme" and found["size"] == 70
    assert found["attributes"] is None and found["names"] is None
    assert "key" not in found and "other_key" not in found and "ca_bundle" not in found
    assert changes(Settings, {"key": "new"}, {})["key"] == "new"


def test_changes_of_a_mapping_take_back_the_lines_that_were_deleted() -> None:
    before = {"attributes": {"a": "b", "c": "d"}}
    found = changes(Settings, {"attributes": {"c": "e"}}, before)
    assert found["attributes"] == {"a": None, "c": "e"}


def test_renewed_credentials_leave_no_secret_of_the_other_way_to_sign_in() -> None:
    found = changes(Settings, {"tenant": "acme", "key": "new"}, {}, renewed=True)
    assert (found["key"], found["other_key"]) == ("new", None)


def test_what_is_needed_and_not_there_is_told() -> None:
    assert missing(Settings, {"tenant": "acme"}) == {"settings.key": "is needed"}


@pytest.mark.parametrize("name", provider_names())
def test_the_form_of_each_provider_reads_back_as_its_settings(name: str) -> None:
    kind = provider_by_name(name).settings
    required = {each.name: "x" for each in settings_of(kind) if is_required(each)}
    document, errors = read_form(kind, {**entries_of(kind, {}), **{key: ["x"] for key in required}})
    assert (document, errors) == (required, {})
    assert read(kind, document, Table("form", "settings")) == read(kind, required, Table("form", "settings"))
    assert [each.key for each in form(kind).fields] == [each.name for each in settings_of(kind) if not is_local(each)]
    assert sample(provider_by_name(name))


@pytest.mark.parametrize("name", provider_names())
def test_no_secret_that_was_typed_stands_on_the_page_again(name: str) -> None:
    kind = provider_by_name(name).settings
    typed = {each.name: [f"typed-{each.name}"] for each in settings_of(kind)}
    page = html._environment().from_string('{% import "macros.html" as ui %}{{ ui.fields(found) }}')
    text = page.render(found=form(kind, typed, errors=read_form(kind, typed)[1]))
    for each in settings_of(kind):
        if is_secret(each):
            assert f"typed-{each.name}" not in text
            assert f'id="settings-{each.name}" name="settings.{each.name}" type="password" autocomplete="off"' in text


def test_a_posted_form_is_read_whole_or_refused() -> None:
    found = posted(b"provider=scim&settings.base_url=https%3A%2F%2Fx&settings.parts=a&settings.parts=b&settings.token=")
    assert entries(found) == {"base_url": ["https://x"], "parts": ["a", "b"], "token": [""]}
    for body in (b"a=" + b"x" * 70_000, b"&".join(b"a=b" for _ in range(501)), b"a=%ff", "ä=1".encode()):
        with pytest.raises(ValueError):
            posted(body)


@given(st.dictionaries(st.text(max_size=8), st.lists(st.text(max_size=8), max_size=3), max_size=6))
def test_whatever_is_posted_is_read_or_told(typed: dict[str, list[str]]) -> None:
    document, errors = read_form(Settings, {**LEAST, **typed})
    assert set(document) | {key.removeprefix("settings.") for key in errors} <= {
        each.name for each in settings_of(Settings)
    }
