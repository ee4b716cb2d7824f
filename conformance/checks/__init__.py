"""The own suite: one function a requirement, in a module a section. Importing this registers them all."""

from scim_bridge.conformance.checks import creating, discovery, etag, projection, replacing

__all__ = ["creating", "discovery", "etag", "projection", "replacing"]
