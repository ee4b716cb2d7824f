"""The paths of the simulated API, and what each operation takes; anything else is refused."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from scim_bridge.providers.pingone.sandbox_environment import Answer, Environment
from scim_bridge.providers.pingone.sandbox_groups import Groups
from scim_bridge.providers.pingone.sandbox_members import Members
from scim_bridge.providers.pingone.sandbox_users import IMPORT, LOCK, SET_PASSWORD, UNLOCK, Users
from scim_bridge.providers.pingone.sandbox_wire import JSON, Inbound

Operation = Callable[[Inbound], Answer]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation: the query parameters it knows, the content types its body may have."""

    answer: Operation
    query: frozenset[str] = frozenset()
    takes: tuple[str, ...] = ()
    bodyless: bool = False


Endpoints = Mapping[str, Endpoint]
_PAGES: Final = frozenset({"limit", "cursor"})
_FILTERED: Final = _PAGES | {"filter"}
_EXPAND: Final = frozenset({"expand"})
_INCLUDE: Final = frozenset({"include"})


def routes(environment: Environment) -> dict[str, Endpoints]:
    """Every path and its operations, by HTTP method."""
    base = "/v1/environments/{environment}"
    return {
        **{base + path: endpoints for path, endpoints in _of_users(environment).items()},
        **{base + path: endpoints for path, endpoints in _of_groups(environment).items()},
        **_of_roles(environment, base),
    }


def _of_users(environment: Environment) -> dict[str, Endpoints]:
    users, one = Users(environment), "/users/{user}"
    return {
        "/users": {
            "GET": Endpoint(users.read_all, _FILTERED | _EXPAND),
            "POST": Endpoint(users.create, takes=(JSON, IMPORT)),
        },
        one: {
            "GET": Endpoint(users.read, _EXPAND | _INCLUDE),
            "PUT": Endpoint(users.replace, takes=(JSON,)),
            "PATCH": Endpoint(users.modify, takes=(JSON,)),
            "DELETE": Endpoint(users.delete),
            "POST": Endpoint(users.lock, takes=(LOCK, UNLOCK), bodyless=True),
        },
        f"{one}/enabled": _single(users.read_enabled, users.write_enabled),
        f"{one}/mfaEnabled": _single(users.read_mfa_enabled, users.write_mfa_enabled),
        f"{one}/population": _single(users.read_population, users.write_population),
        f"{one}/password": _single(users.read_password, users.write_password, SET_PASSWORD),
    }


def _single(read: Operation, write: Operation, takes: str = JSON) -> Endpoints:
    return {"GET": Endpoint(read), "PUT": Endpoint(write, takes=(takes,))}


def _of_groups(environment: Environment) -> dict[str, Endpoints]:
    groups, members = Groups(environment), Members(environment)
    return {
        "/groups": {"GET": Endpoint(groups.read_all, _FILTERED), "POST": Endpoint(groups.create, takes=(JSON,))},
        "/groups/{group}": {
            "GET": Endpoint(groups.read, _INCLUDE),
            "PUT": Endpoint(groups.replace, takes=(JSON,)),
            "DELETE": Endpoint(groups.delete),
        },
        "/users/{user}/memberOfGroups": _memberships(members.of_user, members.join),
        "/users/{user}/memberOfGroups/{joined}": _membership(members.one_of_user, members.leave),
        "/groups/{group}/memberOfGroups": _memberships(members.of_group, members.nest),
        "/groups/{group}/memberOfGroups/{joined}": _membership(members.one_of_group, members.unnest),
        "/populations": {"GET": Endpoint(groups.list_populations, _FILTERED)},
        "/populations/{population}": {"GET": Endpoint(groups.read_population)},
    }


def _memberships(listed: Operation, add: Operation) -> Endpoints:
    return {"GET": Endpoint(listed, _PAGES | _EXPAND), "POST": Endpoint(add, takes=(JSON,))}


def _membership(read: Operation, remove: Operation) -> Endpoints:
    return {"GET": Endpoint(read, _EXPAND), "DELETE": Endpoint(remove)}


def _of_roles(environment: Environment, base: str) -> dict[str, Endpoints]:
    groups = Groups(environment)
    assignments = f"{base}/users/{{user}}/roleAssignments"
    return {
        f"{base}/roles": {"GET": Endpoint(groups.list_roles, _FILTERED)},
        "/v1/roles": {"GET": Endpoint(groups.list_builtin_roles, _PAGES)},
        "/v1/roles/{role}": {"GET": Endpoint(groups.read_builtin_role)},
        assignments: {"GET": Endpoint(groups.list_assignments, _PAGES)},
        f"{assignments}/{{assignment}}": {"GET": Endpoint(groups.read_assignment)},
    }
