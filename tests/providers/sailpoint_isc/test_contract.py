"""Identity Security Cloud under the contract of all providers."""

from collections.abc import Mapping
from typing import Any

from scim_bridge.providers.sailpoint_isc import PROVIDER
from scim_bridge.query.capabilities import Row
from scim_bridge.testing.contract import ProviderContract
from scim_bridge.testing.simulated import Related, Simulated
from tests.providers.sailpoint_isc import support
from tests.providers.sailpoint_isc.support import sandbox_of


class TestSailPointIsc(ProviderContract):
    provider = PROVIDER

    def simulated(self, people: int) -> Simulated:
        sandbox = sandbox_of(people)
        self._owners = [key for key, each in sandbox.store.identities.items() if each.correlated]

        def raw(resource_type: str) -> Mapping[str, Row]:
            return support.raw(sandbox, resource_type)

        def related(resource_type: str) -> Related:
            return support.related(sandbox, resource_type)

        def settings(origin: str) -> Mapping[str, Any]:
            return {
                **sandbox.settings,
                "api_url": origin,
                "status_filter": True,
                "sorts_without_case": True,
                "attributes": {"enterprise.department": "department", "title": "title"},
            }

        return Simulated(sandbox.app, settings, raw, related)

    def value(self, resource_type: str, path: str, number: int) -> Any:
        """Owners are people of the tenant."""
        return self._owners[number % len(self._owners)] if path.endswith(":owner.value") else NotImplemented
