"""The OpenAPI description, from discovery documents written by hand."""

from typing import Any

import jsonschema_rs
from openapi_spec_validator import validate

from scim_bridge.conformance.openapi import derived

BASE = "urn:example:schemas:Device"
MORE = "urn:example:schemas:DeviceMore"
CONFIG = {
    "patch": {"supported": True},
    "bulk": {"supported": False},
    "authenticationSchemes": [{"type": "httpbasic"}, {"type": "carrier-pigeon"}],
}
TYPE = {
    "name": "Device",
    "endpoint": "/Devices",
    "schema": BASE,
    "schemaExtensions": [{"schema": MORE, "required": True}],
}
SCHEMAS: list[dict[str, Any]] = [
    {
        "id": BASE,
        "attributes": [
            {"name": "serial", "type": "string", "required": True, "mutability": "immutable"},
            {"name": "pin", "type": "string", "mutability": "writeOnly", "returned": "never"},
            {"name": "seen", "type": "dateTime", "mutability": "readOnly"},
            {"name": "mode", "type": "string", "canonicalValues": ["on", "off"]},
            {
                "name": "owners",
                "type": "complex",
                "multiValued": True,
                "subAttributes": [{"name": "value", "type": "string"}, {"name": "$ref", "type": "reference"}],
            },
        ],
    },
    {"id": MORE, "attributes": [{"name": "floor", "type": "integer", "required": True}]},
]


def described(**changes: Any) -> dict[str, Any]:
    return derived("https://scim.example/v2", {**CONFIG, **changes}, [TYPE], SCHEMAS)


def is_valid(document: dict[str, Any], name: str, instance: Any) -> bool:
    """Whether JSON fits a component of the description."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return jsonschema_rs.Draft202012Validator(schema).is_valid(instance)


def test_the_description_is_valid_and_names_what_is_offered() -> None:
    document = described()
    validate(document)
    assert set(document["paths"]["/Devices/{id}"]) == {"parameters", "get", "put", "patch", "delete"}
    assert "/Bulk" not in document["paths"]
    assert document["security"] == [{"httpbasic": []}]
    assert "patch" not in described(patch={"supported": False})["paths"]["/Devices/{id}"]
    assert "/Bulk" in described(bulk={"supported": True})["paths"]


def test_an_answer_may_leave_out_but_not_add() -> None:
    document = described()
    shown = {"schemas": [BASE], "id": "1"}
    assert is_valid(document, "Device", shown)
    assert is_valid(document, "Device", {**shown, "mode": "standby", MORE: {"floor": 3}, "owners": [{"value": "u1"}]})
    for wrong in (
        {"id": "1"},
        {**shown, "id": ""},
        {**shown, "colour": "red"},
        {**shown, "pin": "1234"},
        {**shown, "serial": 5},
        {**shown, "owners": [{"value": "u1", "nick": "x"}]},
        {**shown, "schemas": ["urn:other"]},
        {**shown, MORE: {"floor": "third"}},
    ):
        assert not is_valid(document, "Device", wrong), wrong


def test_a_body_needs_what_is_required_and_takes_canonical_values_only() -> None:
    document = described()
    sent = {"schemas": [BASE], "serial": "S1", MORE: {"floor": 1}}
    assert is_valid(document, "DeviceWrite", sent)
    assert is_valid(document, "DeviceWrite", {**sent, "id": "ignored", "pin": "1234"})
    assert not is_valid(document, "DeviceWrite", {**sent, "mode": "standby"})
    assert not is_valid(document, "DeviceWrite", {"schemas": [BASE], "serial": "S1"})
    assert not is_valid(document, "DeviceWrite", {"schemas": [BASE], MORE: {"floor": 1}})


def test_what_is_read_only_has_no_writes() -> None:
    schemas = [{"id": BASE, "attributes": [{"name": "serial", "type": "string", "mutability": "readOnly"}]}]
    document = derived("https://scim.example/v2", CONFIG, [{**TYPE, "schemaExtensions": []}], schemas)
    assert set(document["paths"]["/Devices"]) == {"get"}
    assert set(document["paths"]["/Devices/{id}"]) == {"parameters", "get"}
