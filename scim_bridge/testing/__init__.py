"""The provider contract suite: what every provider has to do, tested from its own declaration against its sandbox.

A provider's tests subclass `contract.ProviderContract` and say how its sandbox is made and looked into.
"""

import pytest

# Before the modules are imported, or its failures would not say what differs.
for part in ("reading", "writing", "trouble", "broken", "contract"):
    pytest.register_assert_rewrite(f"scim_bridge.testing.{part}")
