"""The paths of the simulated API: singular to create and to delete a pairing, plural for the rest."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from scim_bridge.providers.sailpoint_nerm import sandbox_directory, sandbox_profiles
from scim_bridge.providers.sailpoint_nerm.sandbox_tenant import Tenant
from scim_bridge.providers.sailpoint_nerm.sandbox_wire import Endpoint, Refusal

_ID: Final = r"/(?P<id>[^/]+)"
_SEARCH: Final = frozenset({"limit", "offset", "order"})


@dataclass(frozen=True, slots=True)
class Routes:
    """Every operation by its method and path."""

    table: tuple[tuple[re.Pattern[str], Mapping[str, Endpoint]], ...]

    @classmethod
    def of(cls, tenant: Tenant) -> "Routes":
        found = {**_of_profiles(tenant), **_of_the_rest(tenant)}
        return cls(tuple((re.compile(path), endpoints) for path, endpoints in found.items()))

    def find(self, method: str, path: str) -> tuple[Endpoint, dict[str, str]]:
        """The operation, and the ids of its path."""
        for pattern, endpoints in self.table:
            match = pattern.fullmatch(path)
            if match and method in endpoints:
                return endpoints[method], match.groupdict()
        raise Refusal(404, "Not Found")


def _of_profiles(tenant: Tenant) -> dict[str, dict[str, Endpoint]]:
    profiles = sandbox_profiles.Profiles(tenant)
    return {
        "/profile": {"POST": Endpoint(profiles.create)},
        "/profiles": {
            "GET": Endpoint(profiles.read_all, sandbox_profiles.LISTING.parameters),
            "POST": Endpoint(profiles.create_all),
            "PATCH": Endpoint(profiles.update_all),
            "DELETE": Endpoint(profiles.delete_all),
        },
        f"/profiles{_ID}": {
            "GET": Endpoint(profiles.read),
            "PATCH": Endpoint(profiles.update),
            "DELETE": Endpoint(profiles.delete),
        },
        "/advanced_search/run": {"POST": Endpoint(profiles.search, _SEARCH)},
    }


def _of_the_rest(tenant: Tenant) -> dict[str, dict[str, Endpoint]]:
    directory, lists = sandbox_directory.Directory(tenant), sandbox_directory
    return {
        "/profile_types": {"GET": Endpoint(directory.profile_types, lists.PROFILE_TYPES.parameters)},
        f"/profile_types{_ID}": {"GET": Endpoint(directory.profile_type)},
        "/ne_attributes": {"GET": Endpoint(directory.attributes, lists.ATTRIBUTES.parameters)},
        f"/ne_attributes{_ID}": {"GET": Endpoint(directory.attribute)},
        "/users": {"GET": Endpoint(directory.users, lists.USERS.parameters)},
        "/user": {"POST": Endpoint(directory.create_user)},
        f"/users{_ID}": {
            "GET": Endpoint(directory.user),
            "PATCH": Endpoint(directory.update_user),
            "DELETE": Endpoint(directory.delete_user),
        },
        "/roles": {"GET": Endpoint(directory.roles, lists.ROLES.parameters)},
        f"/roles{_ID}": {"GET": Endpoint(directory.role)},
        "/user_roles": {"GET": Endpoint(directory.user_roles, lists.USER_ROLES.parameters)},
        f"/user_roles{_ID}": {"GET": Endpoint(directory.user_role)},
        "/user_role": {"POST": Endpoint(directory.create_user_role)},
        f"/user_role{_ID}": {"DELETE": Endpoint(directory.delete_user_role)},
        "/job_status": {"GET": Endpoint(directory.job_status, frozenset({"job_id"}))},
        "/audit_events/query": {"POST": Endpoint(directory.audit)},
    }
