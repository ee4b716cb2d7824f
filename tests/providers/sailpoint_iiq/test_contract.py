"""IdentityIQ under the contract of all providers."""

from collections.abc import Mapping
from typing import Any, ClassVar

from scim_bridge.providers.sailpoint_iiq import PROVIDER
from scim_bridge.providers.sailpoint_iiq.sandbox import Sandbox
from scim_bridge.query.capabilities import Row
from scim_bridge.testing.contract import ProviderContract
from scim_bridge.testing.simulated import Related, Simulated
from tests.providers.sailpoint_iiq.support import related

PEOPLE = list(Sandbox(users=2).site.identities)
"""The first ones are the same in every sandbox."""


class TestIdentityIQ(ProviderContract):
    provider = PROVIDER
    unwritten: ClassVar = {
        "displayName": "falls back on the user name when it is cleared",
        "name.formatted": "falls back on the display name when it is cleared",
    }

    def value(self, resource_type: str, path: str, number: int) -> Any:
        if path == "emails":
            return [{"type": "work", "value": f"contract{number}@example.com"}]
        if path.endswith(".value"):
            return PEOPLE[number % 2]  # a reference, to somebody who is there
        return NotImplemented

    def simulated(self, people: int) -> Simulated:
        sandbox = Sandbox(users=people)

        def raw(resource_type: str) -> Mapping[str, Row]:
            return sandbox.records("Role" if resource_type == "Group" else resource_type)

        def of_type(resource_type: str) -> Related:
            return related(sandbox, resource_type)

        def settings(origin: str) -> Mapping[str, Any]:
            return {**sandbox.settings, "base_url": f"{origin}/identityiq"}

        return Simulated(sandbox.app, settings, raw, of_type)
