"""OneLogin under the contract of all providers."""

from collections.abc import Mapping
from typing import Any, ClassVar

from scim_bridge.providers.onelogin import PROVIDER
from scim_bridge.providers.onelogin.sandbox import Sandbox
from scim_bridge.query.capabilities import Row
from scim_bridge.testing.contract import ProviderContract
from scim_bridge.testing.simulated import Related, Simulated

USER_URN = "urn:scim-bridge:schemas:1.0:onelogin:User"


class TestOneLogin(ProviderContract):
    provider = PROVIDER
    people = 40
    follows: ClassVar = {
        "active": frozenset({USER_URN}),  # status is the number behind it
        **dict.fromkeys(("name.givenName", "name.familyName"), frozenset({"displayName"})),
    }

    def simulated(self, people: int) -> Simulated:
        sandbox = Sandbox(users=people)
        store = sandbox.store
        every: Mapping[str, Any] = {"User": store.users, "Group": store.roles}

        def raw(resource_type: str) -> Mapping[str, Row]:
            if resource_type == "Activity":
                return {str(each["id"]): each for each in store.events}
            return {str(key): each for key, each in every[resource_type].items()}

        def related(resource_type: str) -> Related:
            held = {str(key): frozenset(map(str, each["role_ids"])) for key, each in store.users.items()}
            members = {str(key): frozenset(map(str, each)) for key, each in store.members.items()}
            return {"User": {"groups": held, "roles": held}, "Group": {"members": members}}.get(resource_type, {})

        def settings(origin: str) -> Mapping[str, Any]:
            told = {"native_text_match": "insensitive", "wildcards": True, "group_id_filter": True}
            custom = {"enterprise.employeeNumber": "custom_attributes.employee_number"}
            return {**sandbox.settings, "base_url": origin, "attributes": custom, **told}

        return Simulated(sandbox.app, settings, raw, related)

    def value(self, resource_type: str, path: str, number: int) -> Any:
        """Groups and managers have to be there; a username that is an address needs none beside it."""
        if path == "userName":
            return f"contract{number}@example.com"
        if path == f"{USER_URN}:groupId":
            return str(480_000 + 13 * (number % 3))
        if path.endswith(":manager.value"):
            return str(130_000_007 + 7 * (number % 3))
        return str(number) if path == f"{USER_URN}:trustedIdpId" else NotImplemented
