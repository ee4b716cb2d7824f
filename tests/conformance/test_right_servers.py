"""What the checks of resources, projections, versions, PATCH and Bulk say of servers whose state is known."""

import httpx
import pytest

from scim_bridge.conformance.suites.own import judged
from scim_bridge.providers.scim.sandbox import TOKEN, Sandbox
from tests.conformance.faults import in_turn
from tests.conformance.servers import REQUIREMENTS, Send, opened
from tests.protocol.memory import Bridge

IDS = {
    "C": "01 03 04 05 06 07 08 09 10 12 15 16 17 20 21 22 23 24 25 30 31 32",
    "V": "01 02 03 04 05 06 07 08 09",
    "T": "01 02 03 04 06 07 09 11 13 15 17 18 19 20 21 23 26 27 28 34 36 37 38 50 29 30 31 32 33 39 40 41 43 44 45",
    "B": "01 02 03 04 05 06 07 08 10 11 12",
    "E": "01 02 03 04 05 06",
}
LEVELS = {
    **dict.fromkeys("C-07 C-16 T-36 B-12 E-05".split(), "S"),
    **dict.fromkeys("C-32 V-06".split(), "Y"),
    **dict.fromkeys("V-07 T-29 T-30 T-31 T-32 T-33 T-39 T-40 T-41 T-43 T-44 T-45".split(), "I"),
}
OURS = sorted(f"{section}-{each}" for section, ids in IDS.items() for each in ids.split())


def test_every_requirement_of_these_sections_has_a_check() -> None:
    assert sorted(each for each in REQUIREMENTS if each[0] in IDS) == OURS


@pytest.mark.parametrize("id", OURS)
def test_checks_have_the_level_of_their_requirement(id: str) -> None:
    assert REQUIREMENTS[id].level == LEVELS.get(id, "M")


@pytest.mark.parametrize("profile", ["auto", "okta", "onelogin"])
def test_a_bridge_that_can_hold_everything_passes_them_all(profile: str) -> None:
    with opened(Bridge(profile=profile).app, in_turn()) as session:
        results = [judged(session, REQUIREMENTS[id]) for id in OURS]
        assert session.cleanup() == []
    assert [(each.id, each.status, each.reason) for each in results if each.status != "passed"] == []


def test_a_strict_bridge_passes_all_but_the_shapes_of_clients() -> None:
    with opened(Bridge(profile="strict").app, in_turn()) as session:
        results = [judged(session, REQUIREMENTS[id]) for id in OURS]
    failed = {each.id for each in results if each.status != "passed"}
    assert failed == set("T-29 T-30 T-31 T-32 T-33 T-39 T-40 T-43 T-45".split())


def test_the_gaps_of_scim2_server_are_found() -> None:
    def signed_in(request: httpx.Request, send: Send) -> httpx.Response:
        request.headers["authorization"] = f"Bearer {TOKEN}"
        return in_order(request, send)

    in_order = in_turn()
    with opened(Sandbox(3), signed_in, base="http://server.test/v2") as session:
        results = [judged(session, REQUIREMENTS[id]) for id in OURS]
    failed = {each.id for each in results if each.status == "failed"}
    assert failed == set("C-06 C-16 V-04 T-32 T-33 T-39 T-43 T-44 T-45".split())
    assert [each.id for each in results if each.status == "skipped"] == ["V-09"]  # it has no such attribute


def test_a_server_that_may_not_be_changed_is_only_read() -> None:
    app = Bridge().app
    with opened(app) as session:
        assert session.teams  # and the people in them
    seen: set[str] = set()

    def watching(request: httpx.Request, send: Send) -> httpx.Response:
        seen.add(request.method if not request.url.path.endswith(".search") else "GET")
        return send(request)

    with opened(app, watching, write=False) as session:
        results = [judged(session, REQUIREMENTS[id]) for id in OURS]
    assert seen == {"GET"}
    assert [each.id for each in results if each.status == "failed"] == []
    passed = {each.id for each in results if each.status == "passed"}
    assert passed >= set("C-10 C-30 C-31 V-01 V-02 V-03 V-04 V-05 V-06 V-07 E-01 E-02".split())
