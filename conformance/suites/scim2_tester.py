"""scim2-tester: discovery, create, read, PUT, PATCH of each attribute, projection, search."""

from collections.abc import Iterator
from typing import Any, Final

from scim_bridge.conformance.results import Result, Status
from scim_bridge.conformance.suites.available import must_write, needed
from scim_bridge.conformance.target import TIMEOUT_SECONDS, Target

NAME: Final = "scim2-tester"


def run(target: Target) -> Iterator[Result]:
    """Its checks, of all resource types of the server. Raises Unavailable."""
    must_write(target.write)
    with needed(NAME):
        import httpx2
        from scim2_client.engines.httpx2 import SyncSCIMClient
        from scim2_tester import Status as TesterStatus
        from scim2_tester import check_server
    statuses: dict[TesterStatus, Status] = {TesterStatus.SUCCESS: "passed", TesterStatus.SKIPPED: "skipped"}
    headers = dict(target.client().headers)
    with httpx2.Client(base_url=target.url, headers=headers, timeout=TIMEOUT_SECONDS) as http:
        client = SyncSCIMClient(http)
        client.discover()
        for each in check_server(client):
            yield Result(NAME, _title(each), statuses.get(each.status, "failed"), each.reason or "")


def _title(each: Any) -> str:
    return f"{each.title} {each.resource_type or ''}".strip()
