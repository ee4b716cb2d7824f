"""PingOne under the contract of all providers."""

from collections.abc import Mapping
from typing import Any, ClassVar

from scim_bridge.providers.pingone import PROVIDER
from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.query.capabilities import Row
from scim_bridge.testing.contract import ProviderContract
from scim_bridge.testing.simulated import Related, Simulated
from tests.providers.pingone.support import USER_URN


class TestPingOne(ProviderContract):
    provider = PROVIDER
    twins: ClassVar = {"displayName": "name.formatted", "name.formatted": "displayName"}
    follows: ClassVar = {"active": frozenset({USER_URN})}  # canAuthenticate and others are facts about it

    def simulated(self, people: int) -> Simulated:
        sandbox = Sandbox(users=people)
        store = sandbox.store

        def raw(resource_type: str) -> Mapping[str, Row]:
            held = store.users if resource_type == "User" else store.groups
            return {key: each.data for key, each in held.items()}

        def related(resource_type: str) -> Related:
            if resource_type == "User":
                roles = {key: [each.data["role"]["id"] for each in held] for key, held in store.assignments.items()}
                groups = {each: store.groups_of_user(each) for each in store.users}
                return {"groups": _sets(groups), "roles": _sets(roles)}
            nested = {
                parent: [child for child, parents in store.parents.items() if parent in parents]
                for parent in store.groups
            }
            return {"members": _sets({each: [*store.direct[each], *nested[each]] for each in store.groups})}

        def settings(origin: str) -> Mapping[str, Any]:
            return {**sandbox.settings, "api_url": f"{origin}/v1", "auth_url": origin}

        return Simulated(sandbox.app, settings, raw, related)


def _sets(owners: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    return {owner: frozenset(values) for owner, values in owners.items()}
