"""The checks of projections find servers that do it wrong."""

import re

import pytest

from scim_bridge.conformance.suites.own import judged
from tests.conformance.faults import blind_to, shows, takes
from tests.conformance.servers import REQUIREMENTS, Fault, answers, asks, ignores, opened, result, says
from tests.protocol.memory import EXTRA, Bridge


def _asked(pattern: str, instead: str, parameter: str = "attributes") -> Fault:
    """Projections that match are taken for another one."""

    def change(params: dict[str, str]) -> None:
        if re.search(pattern, params.get(parameter, "")):
            params[parameter] = instead

    return asks(change)


def _one_of_both(params: dict[str, str]) -> None:
    if "attributes" in params:
        params.pop("excludedAttributes", None)


WRONG: list[tuple[str, str, Fault]] = [
    ("V-01", "attributes are not known", ignores("attributes")),
    ("V-01", "meta always", shows(lambda row: row.update(meta={}), "attributes=")),
    ("V-01", "no id", shows(lambda row: row.pop("id"), "attributes=")),
    ("V-02", "names have a case", _asked("USERNAME", "id")),
    ("V-02", "no URNs", _asked("^urn:ietf", "id")),
    ("V-02", "spaces count", _asked(" ", "id")),
    ("V-02", "no sub-attributes", _asked(r"^name\.", "name")),
    ("V-03", "excludedAttributes are not known", ignores("excludedAttributes")),
    ("V-03", "the id goes", shows(lambda row: row.pop("id"), "excludedAttributes=id")),
    ("V-03", "a sub-attribute takes all", _asked(r"^name\.", "name", "excludedAttributes")),
    ("V-04", "not on POST", blind_to("attributes", "^POST .*/Users")),
    ("V-04", "not on PUT", blind_to("attributes", "^PUT ")),
    ("V-04", "not on PATCH", blind_to("attributes", "^PATCH ")),
    ("V-04", "nothing excluded on PUT", blind_to("excludedAttributes", "^PUT ")),
    ("V-04", "not in a search by POST", takes(lambda body: body.pop("attributes", None), "/.search")),
    ("V-05", "one of both wins", asks(_one_of_both)),
    ("V-06", "breaks down", says(500, "conformanceNowhere")),
    ("V-06", "an unknown name takes all", _asked("Nowhere", "name,userName", "excludedAttributes")),
    ("V-07", "members are shown", ignores("excludedAttributes")),
    ("V-07", "nothing else is shown", _asked("members", "members,displayName", "excludedAttributes")),
    ("V-08", "URNs are not known", says(400, "attributes=urn:")),
    ("V-08", "URNs name nothing", _asked("^urn:", "id")),
    ("V-08", "nothing is excluded", _asked("^urn:", "title", "excludedAttributes")),
    ("V-09", "shown unasked", shows(lambda row: row.setdefault(EXTRA.id, {}).update(hint="x"))),
    ("V-09", "not shown when made", answers(lambda body: body.get(EXTRA.id, {}).pop("hint", None), "^POST .*/Users")),
    ("V-09", "not shown when replaced", answers(lambda body: body.get(EXTRA.id, {}).pop("hint", None), "^PUT ")),
    ("V-09", "not shown when asked for", blind_to("attributes", "^GET ")),
]


@pytest.mark.parametrize(("id", "wrong", "fault"), WRONG, ids=lambda each: each if isinstance(each, str) else "")
def test_a_wrong_server_is_found(id: str, wrong: str, fault: Fault) -> None:
    found = result(id, fault)
    assert found.status == "failed", found.reason
    assert "could not be read" not in found.reason


def test_projections_are_judged_without_writing() -> None:
    app = Bridge().app
    with opened(app) as session:
        assert session.teams  # and the people in them
    for fault, status in ((None, "passed"), (ignores("attributes"), "failed")):
        with opened(app, fault, write=False) as session:
            for id in ("V-01", "V-02", "V-04"):
                found = judged(session, REQUIREMENTS[id])
                assert found.status == status, (id, found.reason)
