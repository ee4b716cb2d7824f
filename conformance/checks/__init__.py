"""The own suite: one function a requirement, in a module a section. Importing this registers them all."""

from scim_bridge.conformance.checks import (
    client_shapes,
    creating,
    cursor_paging,
    discovery,
    etag,
    filter_limits,
    filter_values,
    filters,
    index_paging,
    patch_groups,
    patch_rules,
    patching,
    projection,
    replacing,
    search,
    sorting,
)

__all__ = [
    "client_shapes",
    "creating",
    "cursor_paging",
    "discovery",
    "etag",
    "filter_limits",
    "filter_values",
    "filters",
    "index_paging",
    "patch_groups",
    "patch_rules",
    "patching",
    "projection",
    "replacing",
    "search",
    "sorting",
]
