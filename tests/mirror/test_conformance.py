"""The own conformance suite against connections in the mode mirror, over a socket."""

import json
import time
from pathlib import Path

import httpx
import pytest

from scim_bridge.app import open_bridge
from scim_bridge.config import from_document
from scim_bridge.conformance.run import run
from scim_bridge.conformance.target import Target
from scim_bridge.connections import provider_by_name
from tests.servers import running

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "provider", ["pingone", "onelogin", "sailpoint-isc", "sailpoint-iiq", "sailpoint-nerm", "scim"]
)
def test_a_mirror_fails_no_requirement(provider: str, url: str, tmp_path: Path) -> None:
    simulation = provider_by_name(provider).simulation
    assert simulation is not None
    simulated = simulation(60)
    with running(simulated.app) as upstream:
        connection = {
            "provider": provider,
            "token": "t",
            "mode": "mirror",
            "settings": dict(simulated.settings(upstream)),
        }
        server = {"database": url, "encryption_key": f"{'A' * 43}="}
        document = {"server": server, "connections": {"acme": connection}}
        config = from_document(document, "test", provider_by_name)
        with running(open_bridge(config)) as origin:
            base = f"{origin}/scim/acme/v2"
            whole(base)
            results = run(Target(base, token="t", write=True), ["requirements"], lambda result: None).results
    failed = [(each.id, each.reason) for each in results if each.status == "failed"]
    assert failed == [] and len(results) > 200


def whole(base: str) -> None:
    """Wait until a mirror answers."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        told = httpx.get(f"{base}/ServiceProviderConfig", headers={"Authorization": "Bearer t"}, timeout=60).json()
        fresh = told.get("urn:scim-bridge:schemas:1.0:Freshness", {})
        if fresh and all(each["answersFrom"] == "mirror" for each in fresh.values()):
            return
        time.sleep(0.1)
    raise AssertionError(json.dumps(told))
