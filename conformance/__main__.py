"""``python -m scim_bridge.conformance``."""

from scim_bridge.conformance.command import conformance

if __name__ == "__main__":
    conformance(prog_name="python -m scim_bridge.conformance")
