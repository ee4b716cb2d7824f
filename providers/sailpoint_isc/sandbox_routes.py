"""The operations of the simulated API: their paths without the version, what they take, and who may call them.

A path has its version in front (``/v2025/identities``) or, in the current scheme, after the service
(``/identities/v1``). Not every version has every operation.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from scim_bridge.providers.sailpoint_isc.sandbox_identities import Identities
from scim_bridge.providers.sailpoint_isc.sandbox_nonemployees import NonEmployees
from scim_bridge.providers.sailpoint_isc.sandbox_search import Search
from scim_bridge.providers.sailpoint_isc.sandbox_tenant import Tenant
from scim_bridge.providers.sailpoint_isc.sandbox_wire import JSON, JSON_PATCH, Answer, Inbound
from scim_bridge.providers.sailpoint_isc.sandbox_workgroups import Roles, Workgroups

VERSIONS: Final = ("beta", "v3", "v2024", "v2025", "v2026")
_NOT_IN: Final = {
    "identities": ("v3",),
    "identities-accounts": ("v3",),
    "workgroups": ("v3",),
    "entitlements": ("v3", "beta"),
    "search": ("beta",),
    "public-identities": ("beta",),
    "org-config": ("v3",),
}
_PAGES: Final = frozenset({"limit", "offset", "count"})
_SORTED: Final = _PAGES | {"sorters"}
_LISTED: Final = _SORTED | {"filters"}
_LEGACY: Final = re.compile(rf"/(?P<version>{'|'.join(VERSIONS)})(?P<path>/.+)")
_CURRENT: Final = re.compile(r"(?P<service>/[^/]+)/v1(?P<rest>/.*)?")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: the query parameters it knows, the body it takes, and whether it needs a user's token."""

    method: str
    path: re.Pattern[str]
    answer: Callable[[Inbound], Answer]
    query: frozenset[str]
    takes: str | None  # a body's content type
    personal: bool
    absent: Sequence[str]  # API versions that do not have it

    @property
    def service(self) -> str:
        return self.path.pattern.split("/")[1]


def versioned(path: str) -> tuple[str, str] | None:
    """The version of a path, and the path without it; None where it has none."""
    if found := _LEGACY.fullmatch(path):
        return found["version"], found["path"]
    if found := _CURRENT.fullmatch(path):
        return "v1", found["service"] + (found["rest"] or "")
    return None


def operations(tenant: Tenant) -> list[Operation]:
    """Every operation; a path without variables comes before one with them."""
    return [*_of_identities(tenant), *_of_groups(tenant), *_of_records(tenant)]


def _operation(
    told: str,
    answer: Callable[[Inbound], Answer],
    query: frozenset[str] = frozenset(),
    *,
    takes: str | None = None,
    personal: bool = False,
    absent: Sequence[str] = (),
) -> Operation:
    method, _, path = told.partition(" ")
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)
    missing = (*_NOT_IN.get(path.split("/")[1], ()), *absent)
    return Operation(method, re.compile(pattern), answer, query, takes, personal, missing)


def _of_identities(tenant: Tenant) -> Iterator[Operation]:
    identities, search = Identities(tenant), Search(tenant)
    one, lifecycle = "/identities/{identity}", ("beta",)
    yield _operation("GET /identities", identities.read_all, _LISTED | {"defaultFilter"}, personal=True)
    yield _operation(f"GET {one}", identities.read, personal=True)
    yield _operation(f"DELETE {one}", identities.delete)
    roles = frozenset({"roleId", "roleName"})
    yield _operation(f"GET {one}/role-assignments", identities.assignments, roles, personal=True)
    yield _operation(
        f"POST {one}/set-lifecycle-state", identities.set_state, takes=JSON, personal=True, absent=lifecycle
    )
    yield _operation("POST /identities-accounts/{identity}/enable", identities.enable)
    yield _operation("POST /identities-accounts/{identity}/disable", identities.disable)
    entitlements = "GET /entitlements/identities/{identity}/entitlements"
    yield _operation(entitlements, identities.entitlements, _PAGES, personal=True)
    core = _LISTED | {"add-core-filters"}
    yield _operation("GET /public-identities", identities.read_public, core, personal=True)
    yield _operation("GET /account-activities/{activity}", identities.activity, personal=True)
    shown = frozenset({"includeSystem", "includeSilent", "searchableOnly", "count"})
    yield _operation("GET /identity-attributes", identities.attributes, shown)
    yield _operation("GET /identity-profiles", identities.profiles, _LISTED)
    states = "GET /identity-profiles/{profile}/lifecycle-states"
    yield _operation(states, identities.states, _SORTED, absent=lifecycle)
    yield _operation("POST /search", search.run, _PAGES, takes=JSON)
    yield _operation("POST /search/count", search.count, takes=JSON)


def _of_groups(tenant: Tenant) -> Iterator[Operation]:
    groups, roles, one = Workgroups(tenant), Roles(tenant), "/workgroups/{group}"
    yield _operation("GET /workgroups", groups.read_all, _LISTED)
    yield _operation("POST /workgroups", groups.create, takes=JSON)
    yield _operation("POST /workgroups/bulk-delete", groups.bulk_delete, takes=JSON)
    yield _operation(f"GET {one}", groups.read)
    yield _operation(f"PATCH {one}", groups.modify, takes=JSON_PATCH)
    yield _operation(f"DELETE {one}", groups.delete)
    yield _operation(f"GET {one}/connections", groups.connections, _SORTED)
    yield _operation(f"GET {one}/members", groups.members, _SORTED)
    yield _operation(f"POST {one}/members/bulk-add", groups.add_members, takes=JSON)
    yield _operation(f"POST {one}/members/bulk-delete", groups.remove_members, takes=JSON)
    yield _operation("GET /roles", roles.read_all, _LISTED)
    yield _operation("GET /roles/{role}", roles.read)
    yield _operation("GET /roles/{role}/assigned-identities", roles.assigned, _LISTED)


def _of_records(tenant: Tenant) -> Iterator[Operation]:
    records, one = NonEmployees(tenant), "/non-employee-records/{record}"
    yield _operation("GET /non-employee-records", records.read_all, _LISTED)
    yield _operation("POST /non-employee-records", records.create, takes=JSON)
    yield _operation(f"GET {one}", records.read)
    yield _operation(f"PUT {one}", records.replace, takes=JSON, personal=True)
    yield _operation(f"PATCH {one}", records.modify, takes=JSON_PATCH, personal=True)
    yield _operation(f"DELETE {one}", records.delete)
