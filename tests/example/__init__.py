"""Folkbase, a vendor that does not exist: its API, simulated, and its provider. The worked example of the docs."""
