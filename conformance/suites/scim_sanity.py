"""scim-sanity: the lifecycle of a user and of a group, search, errors."""

import contextlib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from scim_bridge.conformance.ledger import Ledger
from scim_bridge.conformance.results import Result, Status
from scim_bridge.conformance.site import Kind, read_site
from scim_bridge.conformance.suites.available import must_write, needed
from scim_bridge.conformance.target import TIMEOUT_SECONDS, Target
from scim_bridge.conformance.wire import Wire

NAME: Final = "scim-sanity"
_UNWRITABLE: Final = "the suite writes {}, which the server's schema does not let a client do"


@dataclass(frozen=True, slots=True)
class Objection:
    """What the suite asks beyond the RFCs: patterns of a whole title, and of all it tells, and why.

    ``unwritten``: the attribute that the server's schema must not let a client write for it to hold.
    """

    title: str
    told: str
    why: str
    unwritten: str = ""

    def holds(self, result: Result, kind: Kind | None) -> bool:
        """Whether it is all that is wrong."""
        known = not self.unwritten or (kind is not None and not kind.writable(self.unwritten))
        return known and _is(self.title, result.title) and _is(self.told, result.reason)


def _is(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text, re.DOTALL) is not None


_OBJECTIONS: Final = (
    Objection("POST /Users", ".*", _UNWRITABLE.format("userName"), "userName"),
    Objection("POST /Groups", ".*", _UNWRITABLE.format("displayName"), "displayName"),
    Objection(
        "PATCH .*",
        r"Expected 200, got 204|Expected HTTP 200, got 204 \([^;]*\); Response body is empty",
        "the suite asks for 200; RFC 7644 section 3.5.2 allows 204 as well",
    ),
    Objection(
        "PATCH .* add member",
        "Expected 200, got 400",
        "the suite adds a member that does not exist; RFC 7643 section 2.3.7 lets a server refuse that",
    ),
    Objection(
        "GET /(Users|Groups)/{id} after PUT",
        "Expected displayName=.*",
        _UNWRITABLE.format("displayName"),
        "displayName",
    ),
    Objection(
        ".*/Groups.*",
        r"meta\.(created|lastModified) must be present[^;]*(; meta\.lastModified must be present[^;]*)?",
        "the suite wants times of everything; RFC 7643 section 3.1 asks for none that a server does not know",
    ),
)


def run(target: Target) -> Iterator[Result]:
    """Its checks. In this process, as another one would show the token in its command line. Raises Unavailable."""
    must_write(target.write)
    with needed(NAME):
        from scim_sanity.probe.runner import run_probe_api
    statuses: dict[str, Status] = {"pass": "passed", "skip": "skipped"}
    with contextlib.redirect_stdout(io.StringIO()):
        report = run_probe_api(target.url, target.token, target.username, target.password, timeout=int(TIMEOUT_SECONDS))
    with target.client() as client:
        kinds = read_site(Wire(client, Ledger())).kinds
    for each in report["results"]:
        result = Result(NAME, each["name"], statuses.get(each["status"], "failed"), each.get("message") or "")
        yield _objected(result, kinds)


def _objected(result: Result, kinds: Iterable[Kind]) -> Result:
    """The result; skipped where the suite is wrong, or about a resource type that the server calls read-only."""
    if result.status != "failed":
        return result
    kind = next((each for each in kinds if re.search(rf"{each.endpoint}\b", result.title)), None)
    if kind is not None and kind.read_only:
        return replace(result, status="skipped", reason=f"{result.reason}: {kind.name} is read-only")
    found = next((each for each in _OBJECTIONS if each.holds(result, kind)), None)
    return replace(result, status="skipped", reason=f"{result.reason}: {found.why}") if found is not None else result
