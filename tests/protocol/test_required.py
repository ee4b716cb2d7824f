"""What is required has to be there, and a change need not bring what was not there before (RFC 7643 section 7)."""

from dataclasses import replace
from typing import Any

import pytest

from scim_bridge.protocol.errors import ScimError
from scim_bridge.protocol.values import check_required
from scim_bridge.schemas import ENTERPRISE_USER, USER, Extension, ResourceSchema, overridden

URN = ENTERPRISE_USER.id
CHANGES = {each: {"required": True} for each in ("name", "name.familyName", "emails.value", f"{URN}:department")}
SCHEMA = overridden(USER, CHANGES)
NEEDED = replace(SCHEMA, extensions=(Extension(SCHEMA.extensions[0].schema, required=True),))
WHOLE: dict[str, Any] = {"userName": "a", "name": {"familyName": "B"}, URN: {"department": "D"}}


def missing(body: dict[str, Any], before: Any = None, schema: ResourceSchema = SCHEMA, supplied: str = "") -> str:
    """What of a body is said to be required; "" where nothing lacks."""
    try:
        check_required(body, schema, frozenset(supplied.split()), before)
    except ScimError as error:
        return error.detail.removesuffix(" is required")
    return ""


def without(*path: str) -> dict[str, Any]:
    head, *rest = path
    if not rest:
        return {name: value for name, value in WHOLE.items() if name != head}
    return {**WHOLE, head: {name: value for name, value in WHOLE[head].items() if name != rest[0]}}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (WHOLE, ""),
        (without("userName"), "userName"),
        ({**WHOLE, "userName": " "}, "userName"),
        (without("name"), "name"),
        (without("name", "familyName"), "name.familyName"),
        ({**WHOLE, "emails": [{"type": "work"}]}, "emails.value"),
        (without(URN), ""),
        (without(URN, "department"), f"{URN}:department"),
    ],
)
def test_what_is_required_has_to_be_there(body: dict[str, Any], told: str) -> None:
    assert missing(body) == told
    assert missing(body, WHOLE) == told  # it is taken away


@pytest.mark.parametrize(
    "body", [without("userName"), without("name"), without("name", "familyName"), without(URN, "department")]
)
def test_what_was_not_there_need_not_be_brought(body: dict[str, Any]) -> None:
    assert missing(body, before=body) == ""
    assert missing(WHOLE, before=body) == ""


def test_an_element_has_to_be_whole_whatever_others_were() -> None:
    held = {**WHOLE, "emails": [{"type": "work"}]}
    assert missing(held, before=held) == "emails.value"


def test_a_required_extension_has_to_be_there_if_it_was_and_nobody_fills_it_in() -> None:
    bare = without(URN)
    assert missing(bare, schema=NEEDED) == URN
    assert missing(bare, schema=NEEDED, supplied=URN) == ""
    assert missing(bare, WHOLE, NEEDED) == URN
    assert missing(bare, bare, NEEDED) == ""
    assert missing({**bare, URN: {}}, bare, NEEDED) == ""


def test_what_the_upstream_fills_in_may_lack() -> None:
    assert missing(without("name"), supplied="name") == ""
    assert missing(without("userName"), supplied="name") == "userName"
