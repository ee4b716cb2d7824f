"""scim-sanity: the lifecycle of a user and of a group, search, errors."""

import contextlib
import io
from collections.abc import Iterator
from typing import Final

from scim_bridge.conformance.results import Result, Status
from scim_bridge.conformance.suites.available import must_write, needed
from scim_bridge.conformance.target import TIMEOUT_SECONDS, Target

NAME: Final = "scim-sanity"


def run(target: Target) -> Iterator[Result]:
    """Its checks. In this process, as another one would show the token in its command line. Raises Unavailable."""
    must_write(target.write)
    with needed(NAME):
        from scim_sanity.probe.runner import run_probe_api
    statuses: dict[str, Status] = {"pass": "passed", "warn": "passed", "skip": "skipped"}
    with contextlib.redirect_stdout(io.StringIO()):
        report = run_probe_api(target.url, target.token, target.username, target.password, timeout=int(TIMEOUT_SECONDS))
    for each in report["results"]:
        yield Result(NAME, each["name"], statuses.get(each["status"], "failed"), each.get("message") or "")
