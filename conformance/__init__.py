"""Suites that check any SCIM 2.0 server by its URL; they import nothing of the bridge."""
