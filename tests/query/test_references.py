"""Who a reference names, by id or by address."""

import pytest

from scim_bridge.query.references import named
from scim_bridge.schemas import ENTERPRISE_USER, USER, AttributePath

MANAGER = USER.resolve(f"{ENTERPRISE_USER.id}:manager")
ADDRESS = "https://scim.example.com/Users/7"


@pytest.mark.parametrize(
    "given, held, expected",
    [
        ({"value": "5"}, {"value": "3"}, {"value": "5"}),
        ({"$ref": ADDRESS}, None, {"value": "7"}),
        ({"value": "3", "$ref": ADDRESS}, {"value": "3", "$ref": "/Users/3"}, {"value": "7"}),  # the address changed
        ({"value": "5", "$ref": "/Users/3"}, {"value": "3", "$ref": "/Users/3"}, {"value": "5"}),  # the id did
        ({"value": "7", "$ref": ADDRESS, "displayName": "Ana"}, None, {"value": "7", "displayName": "Ana"}),
    ],
)
def test_an_address_names_whom_no_new_id_names(given: object, held: object, expected: object) -> None:
    assert isinstance(MANAGER, AttributePath)
    body = {"userName": "x", ENTERPRISE_USER.id: {"department": "R&D", "manager": given}}
    before = None if held is None else {ENTERPRISE_USER.id: {"manager": held}}
    found = named(body, before, [MANAGER])
    assert found == {"userName": "x", ENTERPRISE_USER.id: {"department": "R&D", "manager": expected}}
    assert body[ENTERPRISE_USER.id] == {"department": "R&D", "manager": given}


def test_what_refers_to_nobody_stays_as_it_is() -> None:
    assert isinstance(MANAGER, AttributePath)
    body = {"userName": "x"}
    assert named(body, {}, [MANAGER]) is body
