"""Conformance suites for any SCIM 2.0 server: a base URL and a token are all they take.

`requirements` says what a check is, `checks` holds the own suite (one check a requirement), `suites` the public ones,
`report` what comes out. Nothing here imports the bridge: it is a client like any other.
"""
