"""Time for tests: none of the real one."""

from scim_bridge.testing.clock import FakeClock

__all__ = ["FakeClock"]
