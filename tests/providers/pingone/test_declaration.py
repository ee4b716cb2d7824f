"""The provider as the program finds it: settings that lead nowhere, addresses, the demo's simulation, refusals."""

from typing import Any

import httpx
import pytest

from scim_bridge.providers.pingone import MAX_OFFERED_POPULATIONS, MAX_SHOWN_POPULATIONS, PROVIDER, Settings
from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.query.provider import Simulation
from scim_bridge.upstream.errors import Conflict, FilterRejected, Rejected
from scim_bridge.upstream.redact import Secret
from scim_bridge.upstream.reply import Reply
from tests.clocks import FakeClock
from tests.providers.pingone.support import connected

ONE, OTHER, THIRD = (f"{number}d613e30-d8f1-4adf-91b7-584a2265b1f5" for number in range(3))


def settings(**given: Any) -> Settings:
    return Settings("env", "client", Secret("hush"), **given)


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({}, None),
        ({"population_id": ONE}, None),
        ({"population_ids": (ONE, OTHER)}, None),
        ({"population_id": OTHER, "population_ids": (ONE, OTHER)}, None),
        ({"population_id": THIRD, "population_ids": (ONE, OTHER)}, "population_id"),
        # What names no population would show nobody, and that deprovisions everybody.
        ({"population_id": "Employees"}, "population_id"),
        ({"population_ids": (ONE, OTHER.upper())}, "population_ids"),
        ({"population_ids": (ONE,) * (MAX_SHOWN_POPULATIONS + 1)}, "population_ids"),
        ({"attributes": {"enterprise.department": "department"}}, None),
        ({"attributes": {"enterprise.desk": "desk"}}, "attributes"),
    ],
)
def test_settings_that_lead_nowhere_are_told(given: dict[str, Any], key: str | None) -> None:
    found = PROVIDER.check(settings(**given))
    assert (found[0] if found else None) == key


@pytest.mark.parametrize(
    ("region", "domain"),
    [("na", "com"), ("eu", "eu"), ("ca", "ca"), ("ap", "asia"), ("au", "com.au"), ("sg", "sg")],
)
def test_a_region_has_its_own_domain(region: str, domain: str) -> None:
    """Section 2."""
    endpoint = PROVIDER.endpoint(settings(region=region), FakeClock())
    assert endpoint.base_url == f"https://api.pingone.{domain}/v1/environments/env"
    overridden = PROVIDER.endpoint(settings(region=region, api_url="http://127.0.0.1:9/v1/"), FakeClock())
    assert overridden.base_url == "http://127.0.0.1:9/v1/environments/env"


def test_the_secret_shows_nowhere() -> None:
    assert "hush" not in repr(settings()) + repr(PROVIDER.endpoint(settings(), FakeClock()))


def test_the_demo_connects_to_a_simulation() -> None:
    assert PROVIDER.simulation is not None
    simulation: Simulation = PROVIDER.simulation(7)
    given = dict(simulation.settings("http://127.0.0.1:9"))
    made = Settings(**{**given, "client_secret": Secret(given["client_secret"])})
    assert PROVIDER.check(made) is None
    assert made.api_url == "http://127.0.0.1:9/v1"
    schema = PROVIDER.collections(made, None)[0].resource
    found = schema.resolve("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department")
    assert found is not None and found.attribute.mutability == "readWrite"


async def test_too_many_populations_are_not_offered_and_a_scope_offers_itself() -> None:
    sandbox = Sandbox(users=3)
    item = next(iter(sandbox.store.populations.values()))
    for number in range(MAX_OFFERED_POPULATIONS):
        data = {**item.data, "id": sandbox.new_id(), "name": f"Population {number}"}
        sandbox.store.populations[data["id"]] = type(item)(item.seq + 1000 + number, data)
    async with connected(sandbox) as connection:
        assert await PROVIDER.discover(connection.settings, connection.send) == ()
        connection.calls()
        scoped = settings(population_ids=("a",))
        assert await PROVIDER.discover(scoped, connection.send) == ("a",)
        assert connection.calls() == []


def refused(status: int, body: Any) -> Any:
    return PROVIDER.classify(Reply(status, body, httpx.Headers()))


def test_refusals_are_told_by_their_codes() -> None:
    """Section 10."""
    details = [{"code": "UNIQUENESS_VIOLATION", "target": "username", "message": "is unique"}]
    conflict = refused(400, {"code": "INVALID_DATA", "message": "no", "details": details})
    assert isinstance(conflict, Conflict)
    assert (conflict.codes, conflict.target) == (("INVALID_DATA", "UNIQUENESS_VIOLATION"), "username")
    filter = refused(400, {"code": "INVALID_REQUEST", "details": [{"code": "INVALID_FILTER", "target": "filter"}]})
    assert isinstance(filter, FilterRejected)
    assert isinstance(refused(400, {"message": "no", "details": ["odd", 1]}), Rejected)
    assert refused(404, {"code": "NOT_FOUND"}) is None
    assert refused(400, None) is None
    assert refused(400, {"details": 5}).detail == "refused"
