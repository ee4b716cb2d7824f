"""What the public suites ask beyond the RFCs is excused, and only that: a real failure of the same check stays."""

from collections.abc import Sequence

import pytest

from scim_bridge.conformance.results import Result
from scim_bridge.conformance.site import Attribute, Kind
from scim_bridge.conformance.suites import scim2_tester, scim_sanity

NAMES = ("userName", "displayName", "active")


def kinds(*unwritable: str) -> list[Kind]:
    """Users and groups of which clients cannot write these attributes."""
    attributes = tuple(
        Attribute(each, {"name": each, "mutability": "readOnly" if each in unwritable else "readWrite"})
        for each in NAMES
    )
    return [Kind(name, f"/{name}s", f"urn:{name}", (), attributes) for name in ("User", "Group")]


WRITABLE, PLAIN, READ_ONLY = kinds(), kinds("userName", "displayName"), kinds(*NAMES)
NO_TIMES = "meta.created must be present in server response (RFC 7643 §3.1) at meta.created"
NO_CHANGE_TIME = NO_TIMES.replace("created", "lastModified")
NO_CONTENT = "Expected HTTP 200, got 204 (RFC 7644 §3.3); Response body is empty"
EXCUSED = [
    ("POST /Users", "Expected 201, got 400", PLAIN),
    ("POST /Groups", "Expected 201, got 501", PLAIN),
    ("PATCH /Users/{id}", NO_CONTENT, WRITABLE),
    ("PATCH /Groups/{id}", NO_CONTENT, WRITABLE),
    ("PATCH /Groups/{id} remove members", "Expected 200, got 204", WRITABLE),
    ("PATCH /Groups/{id} add member", "Expected 200, got 400", WRITABLE),
    ("GET /Users/{id} after PUT", "Expected displayName='A', got 'B'", PLAIN),
    ("GET /Groups/{id} after PUT", "Expected displayName='A', got None", PLAIN),
    ("GET /Groups/{id}", NO_TIMES, WRITABLE),
    ("GET /Groups/{id}", f"{NO_TIMES}; {NO_CHANGE_TIME}", WRITABLE),
    ("DELETE /Users/{id}", "Expected 204, got 501", READ_ONLY),
]
REAL = [
    ("POST /Users", "Expected 201, got 500", WRITABLE),
    ("POST /Users", "Expected 201, got 500", []),
    ("POST /Users missing userName (expect 400)", "Expected 400, got 201", PLAIN),
    ("POST /Groups", "Expected 201, got 400", WRITABLE),
    ("PATCH /Users/{id}", "Expected HTTP 200, got 500 (RFC 7644 §3.3); Response body is empty", WRITABLE),
    ("PATCH /Users/{id}", "Expected HTTP 200, got 400 (RFC 7644 §3.3)", WRITABLE),
    ("PATCH /Users/{id}", "Response body is empty", WRITABLE),
    ("GET /Users/{id} after PATCH", "Expected active=false, got True", WRITABLE),
    ("GET /Users/{id} after PATCH", "Expected 200, got 204", WRITABLE),
    ("PATCH /Groups/{id} add member", "Expected 200, got 500", WRITABLE),
    ("GET /Users/{id} after PUT", "Expected displayName='A', got 'B'", WRITABLE),
    ("GET /Users/{id} after PUT", "Expected 200, got 404", PLAIN),
    ("GET /Users/{id}", NO_TIMES, WRITABLE),
    ("GET /Groups/{id}", f"{NO_TIMES}; Missing required attribute: id", WRITABLE),
    ("DELETE /Users/{id}", "Expected 204, got 501", PLAIN),
]


@pytest.mark.parametrize("title, reason, site", EXCUSED)
def test_scim_sanity_is_objected_to_where_it_asks_for_more(title: str, reason: str, site: Sequence[Kind]) -> None:
    told = scim_sanity._objected(Result("scim-sanity", title, "failed", reason), site)
    assert told.status == "skipped"
    assert told.reason.startswith(f"{reason}: ") and len(told.reason) > len(reason) + 15


@pytest.mark.parametrize("title, reason, site", REAL)
def test_a_real_failure_of_scim_sanity_stays(title: str, reason: str, site: Sequence[Kind]) -> None:
    failed = Result("scim-sanity", title, "failed", reason)
    assert scim_sanity._objected(failed, site) == failed


NOT_FOUND = "Could not find User in the list"
NO_EXTERNAL_ID = "Attribute 'externalId' was not returned"
AMONG = "Patched value: ['new']\nReturned value: ['old', 'new']"


@pytest.mark.parametrize(
    "title, reason, crowded, stays",
    [
        ("check_query_all User", NOT_FOUND, True, False),
        ("check_query_all User", NOT_FOUND, False, True),
        ("check_query_all User", "Unexpected status 500", True, True),
        ("check_create User", NO_EXTERNAL_ID, False, False),
        ("check_create User", "requested attribute 'externalId' missing", False, False),
        ("check_create User", "Attribute 'userName' was not returned", False, True),
        ("check_add_attribute User", AMONG, False, False),
        ("check_replace_attribute User", AMONG, False, True),
        ("check_add_attribute User", "Patched value: ['new']\nReturned value: ['old']", False, True),
        ("check_add_attribute User", "Patched value: ['new']\nReturned value: ['newer']", False, True),
    ],
)
def test_scim2_tester_is_objected_to_where_it_asks_for_more_alone(
    title: str, reason: str, crowded: bool, stays: bool
) -> None:
    failed = Result("scim2-tester", title, "failed", reason)
    told = scim2_tester._objected(failed, crowded=crowded)
    assert (told == failed) is stays
    assert told.status == ("failed" if stays else "skipped") and told.reason.startswith(reason)


@pytest.mark.parametrize("status", ["passed", "skipped"])
def test_what_did_not_fail_is_left_as_it_is(status: str) -> None:
    passed = Result("any", "POST /Users", "passed" if status == "passed" else "skipped", "Expected 201, got 400")
    assert scim_sanity._objected(passed, PLAIN) == passed
    assert scim2_tester._objected(passed, crowded=True) == passed
