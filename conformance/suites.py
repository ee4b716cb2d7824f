"""Public SCIM suites, run against a URL: scim2-tester and scim-sanity. They make and delete resources there."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import httpx2
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status as TesterStatus
from scim2_tester import check_server

Status = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a suite and how it went; ``reason`` says why it failed or was skipped."""

    name: str
    status: Status
    reason: str = ""


def scim2_tester(url: str, token: str) -> list[Check]:
    """scim2-tester: discovery, create, read, PUT, PATCH of each attribute, projection, search."""
    statuses: dict[TesterStatus, Status] = {TesterStatus.SUCCESS: "passed", TesterStatus.SKIPPED: "skipped"}
    with httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as http:
        client = SyncSCIMClient(http)
        client.discover()
        results = check_server(client)
    return [
        Check(
            f"{each.title} {each.resource_type or ''}".strip(), statuses.get(each.status, "failed"), each.reason or ""
        )
        for each in results
    ]


def scim_sanity(url: str, token: str) -> list[Check]:
    """scim-sanity: the lifecycle of a user and of a group, search, errors."""
    statuses: dict[str, Status] = {"pass": "passed", "skip": "skipped"}
    command = ["probe", url, "--token", token, "--i-accept-side-effects", "--json-output"]
    ran = subprocess.run(
        [sys.executable, "-m", "scim_sanity", *command], capture_output=True, text=True, check=False, timeout=300
    )
    report = json.loads(ran.stdout)
    return [
        Check(each["name"], statuses.get(each["status"], "failed"), each.get("message") or "")
        for each in report["results"]
    ]


SUITES: Final[Mapping[str, Callable[[str, str], list[Check]]]] = {
    "scim2-tester": scim2_tester,
    "scim-sanity": scim_sanity,
}
