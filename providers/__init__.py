"""The upstreams this project ships, one package each; installed as ``scim_bridge.providers``."""
