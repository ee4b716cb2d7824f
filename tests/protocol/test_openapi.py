"""`/scim/{connection}/openapi.json`."""

import pytest
from openapi_spec_validator import validate

from tests.protocol.memory import Bridge


async def test_a_connection_describes_its_own_endpoints() -> None:
    response = await Bridge().ask("GET", "/../openapi.json")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    document = response.json()
    validate(document)
    assert document["servers"] == [{"url": "http://bridge.test/scim/acme/v2"}]
    assert {"/Users", "/Users/{id}", "/Users/.search", "/Groups", "/Bulk", "/Schemas"} <= document["paths"].keys()
    user = document["components"]["schemas"]["User"]["properties"]
    assert "userName" in user and "password" not in user
    written = document["components"]["schemas"]["UserWrite"]
    assert "password" in written["properties"] and "userName" in written["required"]


async def test_a_read_only_connection_describes_no_writes() -> None:
    document = (await Bridge(writable=False).ask("GET", "/../openapi.json")).json()
    methods = {method for path, item in document["paths"].items() if ".search" not in path for method in item}
    assert methods == {"get", "parameters"}


@pytest.mark.parametrize("method, token, status", [("GET", None, 401), ("GET", "wrong", 401), ("POST", "t0ken", 405)])
async def test_the_description_is_for_the_connections_clients_and_for_reading(
    method: str, token: str | None, status: int
) -> None:
    response = await Bridge().ask(method, "/../openapi.json", token=token)
    assert response.status_code == status
    assert response.json()["status"] == str(status)
