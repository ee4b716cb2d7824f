"""The own suite: a check per requirement."""

from collections.abc import Iterator
from time import perf_counter
from typing import Final

import scim_bridge.conformance.checks  # noqa: F401  importing them registers them
from scim_bridge.conformance.requirements import Failed, Requirement, Skipped, registered
from scim_bridge.conformance.results import Result, Status
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.target import Target

NAME: Final = "requirements"


def run(target: Target) -> Iterator[Result]:
    """One result a requirement, section by section, then one on the cleaning up."""
    with target.client() as client:
        session = Session(client, write=target.write)
        try:
            session.open()
        except Failed as error:
            yield Result(NAME, "Discovery can be read", "failed", str(error), exchanges=session.wire.evidence())
            return
        try:
            yield from (judged(session, each) for each in registered() if each.id.startswith(target.only or ""))
        finally:
            left = session.cleanup()
        if target.write:
            reason = f"could not be deleted: {', '.join(left)}" if left else ""
            yield Result(NAME, "Everything the checks made is deleted", "failed" if left else "passed", reason)


def judged(session: Session, each: Requirement) -> Result:
    """The result of one check; whatever goes wrong in it counts against nobody but this check."""
    session.wire.evidence()
    started = perf_counter()
    status, reason = _outcome(session, each)
    exchanges = session.wire.evidence() if status == "failed" else ()
    return Result(
        NAME,
        each.title,
        status,
        reason,
        each.id,
        each.level,
        each.section,
        each.source,
        perf_counter() - started,
        exchanges,
    )


def _outcome(session: Session, each: Requirement) -> tuple[Status, str]:
    if each.writes and not session.write:
        return "skipped", "changes the server: not asked to"
    try:
        each.judge(session)
    except Failed as error:
        return "failed", str(error)
    except Skipped as error:
        return "skipped", str(error)
    except Exception as error:
        # An answer of a shape that the check did not reckon with, as others' servers give: the server's failure.
        return "failed", f"the answer could not be read: {type(error).__name__}: {error}"
    return "passed", ""
