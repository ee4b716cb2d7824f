"""Any SCIM server under the contract of all providers: what discovery says of scim2-server is what is tried."""

from collections.abc import Mapping

import pytest

from scim_bridge.providers.scim import PROVIDER
from scim_bridge.providers.scim.sandbox import TOKEN, Sandbox
from scim_bridge.query.capabilities import Row
from scim_bridge.testing.contract import ProviderContract
from scim_bridge.testing.simulated import Related, Simulated


class TestScim(ProviderContract):
    provider = PROVIDER

    @pytest.mark.slow
    async def test_every_rule_finds_what_brute_force_finds(self) -> None:
        """It has proven nearly all comparisons of nearly all attributes by then."""
        await super().test_every_rule_finds_what_brute_force_finds()

    def simulated(self, people: int) -> Simulated:
        sandbox = Sandbox(people)

        def raw(resource_type: str) -> Mapping[str, Row]:
            rows = (each.model_dump(mode="json", exclude_none=True) for each in sandbox.memory.resources)
            return {each["id"]: each for each in rows if each["meta"]["resourceType"] == resource_type}

        def related(resource_type: str) -> Related:
            members = {
                key: frozenset(one["value"] for one in each.get("members", ())) for key, each in raw("Group").items()
            }
            people = {user: frozenset(key for key, held in members.items() if user in held) for user in raw("User")}
            return {"User": {"groups": people}, "Group": {"members": members}}.get(resource_type, {})

        return Simulated(sandbox, lambda origin: {"base_url": f"{origin}/v2", "token": TOKEN}, raw, related)
