"""The own suite: one function a requirement, in a module a section. Importing this registers them all."""

from scim_bridge.conformance.checks import discovery

__all__ = ["discovery"]
