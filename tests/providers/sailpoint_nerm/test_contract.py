"""NERM under the contract of all providers."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from scim_bridge.providers.sailpoint_nerm import PROVIDER
from scim_bridge.providers.sailpoint_nerm.fields import URN
from scim_bridge.providers.sailpoint_nerm.sandbox import Sandbox
from scim_bridge.query.capabilities import Row
from scim_bridge.testing.contract import ProviderContract
from scim_bridge.testing.simulated import Related, Simulated
from tests.providers.sailpoint_nerm.support import ENTERPRISE, raw_people

MAPPED = {
    "userName": "city",
    "enterprise.organization": "organization",
    f"{URN}:end_date": "end_date",
    f"{URN}:notes": "notes",
}


class TestNerm(ProviderContract):
    provider = PROVIDER
    follows: ClassVar = {
        "active": frozenset({URN}),  # which shows the status
        "name.givenName": frozenset({"displayName"}),  # NERM makes names of these
        "name.familyName": frozenset({"displayName"}),
    }

    def value(self, resource_type: str, path: str, number: int) -> Any:
        if path == f"{ENTERPRISE}:organization":
            return ("Acme Staffing", "Zeta 100% Temps")[number % 2]
        if path == f"{URN}:end_date":
            return f"2026-01-{number % 28 + 1:02}T00:00:00Z"
        return NotImplemented

    def simulated(self, people: int) -> Simulated:
        sandbox = Sandbox(users=people)
        store = sandbox.store

        def raw(resource_type: str) -> Mapping[str, Row]:
            return raw_people(sandbox) if resource_type == "User" else store.roles

        def related(resource_type: str) -> Related:
            if resource_type != "Group":
                return {}
            pairs = [(each["role_id"], each["user_id"]) for each in store.user_roles.values()]
            return {"members": {role: frozenset(user for r, user in pairs if r == role) for role in store.roles}}

        def settings(origin: str) -> Mapping[str, Any]:
            return {**sandbox.settings, "base_url": f"{origin}/api", "attributes": MAPPED}

        return Simulated(sandbox.app, settings, raw, related)


@pytest.mark.slow
class TestNermTextMatch(TestNerm):
    """The same where the operator knows that NERM ignores case."""

    def simulated(self, people: int) -> Simulated:
        plain = super().simulated(people)
        return Simulated(
            plain.app,
            lambda origin: {**plain.settings(origin), "native_text_match": "insensitive"},
            plain.raw,
            plain.related,
        )


@pytest.fixture(autouse=True)
def _searches_ignore_case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a tenant is believed to do has to be what it does."""
    if request.cls is TestNermTextMatch:
        made = Sandbox.__init__

        def init(self: Sandbox, **told: Any) -> None:
            made(self, **told)
            self.knobs.sensitive_search, self.knobs.name_filter = False, "insensitive"

        monkeypatch.setattr(Sandbox, "__init__", init)
