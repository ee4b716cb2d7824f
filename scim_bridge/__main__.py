"""``python -m scim_bridge``."""

from scim_bridge.cli import main

main()
