"""Suites that others wrote pass through the bridge as they do on its upstream directly, or better."""

from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest
from scim2_server.cursor import Cursors

from scim_bridge.app import create_app
from scim_bridge.config import from_document
from scim_bridge.conformance.results import Result
from scim_bridge.conformance.run import run
from scim_bridge.conformance.suites import scim2_tester, scim_sanity
from scim_bridge.conformance.target import Target
from scim_bridge.connections import Connection, provider_by_name
from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.providers.sailpoint_isc.sandbox import Sandbox as Tenant
from scim_bridge.registry import Registry
from tests.clocks import FakeClock
from tests.programs import demo, serve
from tests.real.worlds import SERVERS, TOKEN, bridged, config
from tests.servers import running

pytestmark = pytest.mark.slow


def checks_of(url: str, token: str) -> list[Result]:
    """What scim2-tester says of a server."""
    return list(scim2_tester.run(Target(url, token=token, write=True)))


def failures(where: str, results: Sequence[Result]) -> list[Result]:
    """What failed, printed by name."""
    found = [each for each in results if each.status == "failed"]
    print(f"{where}: {len(found)} of {len(results)} failed")
    for each in found:
        print(f"  {each.title}: {' '.join(each.reason.split())}")
    return found


@pytest.mark.parametrize("name", SERVERS)
def test_scim2_tester_finds_no_more_through_the_bridge_than_directly(name: str, tmp_path: Path) -> None:
    with SERVERS[name](TOKEN) as base:
        directly = checks_of(base, TOKEN)
        with bridged(base, tmp_path) as through:
            by_bridge = checks_of(through, "t-acme")
    assert len(by_bridge) >= len(directly) > 100
    before, after = failures(f"{name} directly", directly), failures(f"{name} through the bridge", by_bridge)
    assert len(after) <= len(before)
    if name == "scim2-server":
        assert (before, after) == ([], [])
        return
    # SCIMMY publishes an empty list of canonical values for the type of roles and of x509Certificates, and refuses any
    # value for being none of them. To take such a list for "none can be written" would lose what other servers hold.
    assert len(before) > 20
    assert len(after) == 9
    assert all(
        "Attribute 'type' contains non-canonical value from complex attribute" in each.reason
        and ("'roles'" in each.reason or "'x509Certificates'" in each.reason)
        for each in after
    )


def test_scim2_tester_passes_on_the_demo() -> None:
    with demo(users=20) as port:
        for name in ("pingone", "scim"):
            results = checks_of(f"http://127.0.0.1:{port}/scim/{name}/v2", f"demo-{name}")
            assert len(results) > 100
            assert failures(name, results) == []


def test_scim_sanity_passes_but_for_the_member_that_does_not_exist(tmp_path: Path) -> None:
    sandbox = Sandbox(users=20)
    with running(sandbox.app) as upstream:
        settings = {**sandbox.settings, "api_url": f"{upstream}/v1", "auth_url": upstream}
        connection = {"provider": "pingone", "patch_response": "representation", "settings": settings}
        with serve(config(tmp_path, acme=connection)) as origin:
            results = list(scim_sanity.run(Target(f"{origin}/scim/acme/v2", token="t-acme", write=True)))
    assert failures("scim-sanity", results) == []
    # It adds a member that does not exist and expects 200; PingOne refuses that, and so does the bridge.
    left_out = {each.title for each in results if each.status == "skipped" and "Lifecycle" not in each.title}
    assert left_out == {"PATCH /Groups/{id} add member"}


@pytest.mark.parametrize("switch", ["lifecycle", "accounts"])
def test_the_own_suite_passes_where_identities_may_be_written(switch: str) -> None:
    """Of Identity Security Cloud, by either way to switch people on and off, and as records of non-employees.

    What the sandbox accepts happens two seconds later, on a clock on which waiting takes no time.
    """
    clock = FakeClock()
    tenant = Tenant(users=60, clock=clock)
    tenant.knobs.requests_per_window = None
    writes = {"writes": [switch, "non-employee"], "non_employee_source_id": tenant.source("Non-Employees")}
    settings = {
        **tenant.settings,
        **writes,
        "api_url": "https://acme.isc.test",
        "group_owner_id": next(each.data["id"] for each in tenant.store.identities.values() if each.correlated),
    }
    document = {"connections": {"acme": {"provider": "sailpoint-isc", "token": "t", "settings": settings}}}
    acme = from_document(document, "test", provider_by_name).connections["acme"]
    transport = httpx.ASGITransport(app=tenant.app)
    connection = Connection(acme, Cursors(b"s" * 32), clock=clock, transport=transport)
    with running(create_app(Registry({"acme": connection}))) as origin:
        target = Target(f"{origin}/scim/acme/v2", token="t", write=True)
        results = run(target, ["requirements"], lambda result: None).results
    assert failures(f"writes = {switch}", results) == []
    assert sum(each.status == "passed" for each in results) >= 180
