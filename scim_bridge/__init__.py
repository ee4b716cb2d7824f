"""scim_bridge presents identity providers as exact SCIM 2.0 service providers."""

__version__ = "0.1.0"
