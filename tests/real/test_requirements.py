"""The own suite and made-up requests: on servers that others wrote, and on the bridge in front of them."""

from pathlib import Path

import pytest

from scim_bridge.conformance.results import Result, counts
from scim_bridge.conformance.run import run
from scim_bridge.conformance.target import Target
from tests.real.worlds import SERVERS, TOKEN, bridged

pytestmark = pytest.mark.slow

GAPS = frozenset(
    "C-06 C-16 S-07 S-20 S-21 S-22 S-24 T-32 T-33 T-39 T-43 T-44 T-45 V-04 F-22 F-24 F-27 X-04 A-06 G-01 W-01".split()
)
"""What scim2-server 0.8.3 is known to lack: a kit that does not find them is broken."""


KNOWN = {
    # It tells names apart code by code and finds none in another spelling: to look, everybody would have to be read
    # before each creation of a name beyond ASCII. A should (RFC 7644 section 7.8), not a must.
    "scimmy": {"S-15"},
}


def judged(base: str, token: str, *suites: str) -> list[Result]:
    return list(run(Target(base, token, write=True), suites, lambda result: None).results)


def failures(results: list[Result]) -> dict[str, str]:
    return {each.name: each.reason for each in results if each.status == "failed"}


def test_the_kit_finds_the_known_gaps_of_a_server_and_no_others() -> None:
    with SERVERS["scim2-server"](TOKEN) as base:
        found = failures(judged(base, TOKEN, "requirements"))
    assert found.keys() == GAPS, found


@pytest.mark.parametrize("name", SERVERS)
def test_the_bridge_in_front_of_a_server_meets_every_requirement(name: str, tmp_path: Path) -> None:
    with SERVERS[name](TOKEN) as base, bridged(base, tmp_path) as through:
        results = judged(through, "t-acme", "requirements")
    found = failures(results)
    assert found.keys() == KNOWN.get(name, set()), found
    assert counts(results)["passed"] > 200


@pytest.mark.parametrize("name", SERVERS)
def test_made_up_requests_find_nothing_wrong_with_the_bridge(name: str, tmp_path: Path) -> None:
    with SERVERS[name](TOKEN) as base, bridged(base, tmp_path) as through:
        results = judged(through, "t-acme", "schemathesis")
    assert failures(results) == {}
    assert counts(results)["passed"] > 30
