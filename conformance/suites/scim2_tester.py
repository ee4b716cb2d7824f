"""scim2-tester: discovery, create, read, PUT, PATCH of each attribute, projection, search.

It looks at nothing that it did not create. So resource types that leave a client nothing to write are left out, and
those that refer to such, as it creates what its resources refer to; both are told.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from scim_bridge.conformance.ledger import Ledger
from scim_bridge.conformance.results import Result, Status
from scim_bridge.conformance.site import Attribute, Kind, read_site
from scim_bridge.conformance.suites.available import must_write, needed
from scim_bridge.conformance.target import TIMEOUT_SECONDS, Target
from scim_bridge.conformance.wire import Wire

NAME: Final = "scim2-tester"
_ADDED: Final = re.compile(r"Patched value: \[(?P<added>'[^']*')\]\nReturned value: \[(?P<there>.*)\]")
_NO_EXTERNAL_ID: Final = (
    "Attribute 'externalId' was not",
    "requested attribute 'externalId' missing",
)


def run(target: Target) -> Iterator[Result]:
    """Its checks, of all resource types of the server that can be written. Raises Unavailable."""
    must_write(target.write)
    with needed(NAME):
        import httpx2
        from scim2_client.engines.httpx2 import SyncSCIMClient
        from scim2_tester import Status as TesterStatus
        from scim2_tester import check_server
    statuses: dict[TesterStatus, Status] = {TesterStatus.SUCCESS: "passed", TesterStatus.SKIPPED: "skipped"}
    with target.client() as plain:
        kinds = read_site(Wire(plain, Ledger())).kinds
        headers = dict(plain.headers)
        crowded = _is_crowded(Wire(plain, Ledger()), kinds)
    left_out = dict(_left_out(kinds))
    writable = [each.name for each in kinds if each.name not in left_out]
    with httpx2.Client(base_url=target.url, headers=headers, timeout=TIMEOUT_SECONDS) as http:
        client = SyncSCIMClient(http)
        client.discover()
        for each in check_server(client, resource_types=writable or [""]):
            result = Result(NAME, _title(each), statuses.get(each.status, "failed"), each.reason or "")
            yield _objected(result, crowded=crowded)
    for name, why in left_out.items():
        yield Result(NAME, f"all checks {name}", "skipped", why)


def _left_out(kinds: Sequence[Kind]) -> Iterator[tuple[str, str]]:
    """The resource types that the suite cannot do, and why."""
    read_only = {each.name for each in kinds if each.read_only}
    for kind in kinds:
        referred = {str(name) for each in kind.attributes for name in _referred(each)}
        if kind.read_only:
            yield kind.name, f"{kind.name} is read-only"
        elif referred & read_only:
            yield (
                kind.name,
                f"the suite creates a {min(referred & read_only)} for each {kind.name}, and that is read-only",
            )


def _referred(attribute: Attribute) -> Iterator[str]:
    """The resource types that what a client writes of an attribute refers to."""
    for each in (attribute, *attribute.subs):
        if attribute.mutability != "readOnly":
            yield from each.raw.get("referenceTypes") or ()


def _title(each: Any) -> str:
    return f"{each.title} {each.resource_type or ''}".strip()


def _is_crowded(wire: Wire, kinds: Iterable[Kind]) -> bool:
    """Whether a list without a count is only the beginning of what is there."""
    answers = [wire.get(each.endpoint).object for each in kinds if not each.read_only]
    return any(len(each.get("Resources") or ()) < each.get("totalResults", 0) for each in answers)


def _objected(result: Result, *, crowded: bool) -> Result:
    """The result; skipped where the suite asks for more than the RFCs do."""
    if result.status != "failed":
        return result
    why = ""
    if crowded and "ould not find" in result.reason:
        why = "the suite looks for what it made on the first page alone; RFC 7644 section 3.4.2.4 sets no order"
    elif any(told in result.reason for told in _NO_EXTERNAL_ID):
        why = "the suite wants externalId kept; RFC 7643 section 3.1 makes it optional, and no schema tells of it"
    elif _is_among(result):
        why = "the suite adds to several values and wants its own alone; RFC 7644 section 3.5.2.1 keeps what is there"
    return replace(result, status="skipped", reason=f"{result.reason}: {why}") if why else result


def _is_among(result: Result) -> bool:
    """Whether what was added is there, among others."""
    found = _ADDED.search(result.reason) if result.title.startswith("check_add_attribute") else None
    return found is not None and found["added"] in found["there"].split(", ")
