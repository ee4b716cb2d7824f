"""The suites by name, in the order they run. A public one whose package is not installed says so."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from scim_bridge.conformance.results import Result
from scim_bridge.conformance.suites import fuzzing, own, scim2_tester, scim_sanity
from scim_bridge.conformance.target import Target

Suite = Callable[[Target], Iterator[Result]]
"""Runs its checks one by one; may raise `Unavailable` at the start."""
SUITES: Final[Mapping[str, Suite]] = {
    "requirements": own.run,
    "scim2-tester": scim2_tester.run,
    "scim-sanity": scim_sanity.run,
    "schemathesis": fuzzing.run,
}
