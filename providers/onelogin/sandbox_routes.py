"""The paths of the simulated API, and what each operation takes; anything else is refused."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from scim_bridge.providers.onelogin.sandbox_account import Account
from scim_bridge.providers.onelogin.sandbox_actions import Actions
from scim_bridge.providers.onelogin.sandbox_events import PARAMETERS, Events
from scim_bridge.providers.onelogin.sandbox_roles import Groups, Roles
from scim_bridge.providers.onelogin.sandbox_users import Users
from scim_bridge.providers.onelogin.sandbox_wire import PAGING, V1_PAGING, Answer, Inbound

Operation = Callable[[Inbound], Answer]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation: the query parameters it knows (None: it checks them itself), whether it takes a body.

    ``public``: it takes no token, by the vendor's OpenAPI document.
    """

    answer: Operation
    query: frozenset[str] | None = frozenset()
    body: bool = False
    public: bool = False


Endpoints = Mapping[str, Endpoint]
_CHANGE: Final = frozenset({"mappings", "validate_policy"})


def routes(account: Account) -> dict[str, Endpoints]:
    """Every path and its operations, by HTTP method."""
    return {**_of_users(Users(account)), **_of_roles(account), **_of_actions(account), **_of_events(account)}


def _of_users(users: Users) -> dict[str, Endpoints]:
    one = "/api/2/users/{user}"
    return {
        "/api/2/users": {"GET": Endpoint(users.read_all, None), "POST": Endpoint(users.create, _CHANGE, body=True)},
        "/api/2/users/custom_attributes": {
            "GET": Endpoint(users.list_custom),
            "POST": Endpoint(users.define_custom, body=True),
        },
        one: {
            "GET": Endpoint(users.read),
            "PUT": Endpoint(users.update, _CHANGE, body=True),
            "DELETE": Endpoint(users.delete),
        },
        f"{one}/apps": {"GET": Endpoint(users.apps, frozenset({"ignore_visibility"}))},
        f"{one}/unlock": {"POST": Endpoint(users.unlock)},
    }


def _of_roles(account: Account) -> dict[str, Endpoints]:
    roles, groups, one = Roles(account), Groups(account), "/api/2/roles/{role}"
    name = account.knobs.role_name_parameter
    found: dict[str, Endpoints] = {
        "/api/2/roles": {
            "GET": Endpoint(roles.read_all, PAGING | {name, "app_id", "app_name", "fields"}),
            "POST": Endpoint(roles.create, body=True),
        },
        one: {
            "GET": Endpoint(roles.read),
            "PUT": Endpoint(roles.update, body=True),
            "DELETE": Endpoint(roles.delete),
        },
        f"{one}/users": {
            "GET": Endpoint(roles.members, PAGING | {"name", "include_unassigned"}),
            "POST": Endpoint(roles.add_members, body=True),
            "DELETE": Endpoint(roles.remove_members, body=True),
        },
        f"{one}/apps": {"GET": Endpoint(roles.apps, PAGING | {"assigned"})},
        "/api/1/groups": {"GET": Endpoint(groups.read_all, V1_PAGING | {"id"})},
        "/api/1/groups/{group}": {"GET": Endpoint(groups.read)},
    }
    if account.knobs.groups_v2:
        found["/api/2/groups"] = {"GET": Endpoint(groups.read_all_v2), "POST": Endpoint(groups.create, body=True)}
    return found


def _of_actions(account: Account) -> dict[str, Endpoints]:
    actions, one = Actions(account), "/api/1/users/{user}"
    put = {
        one: actions.update,
        f"{one}/add_roles": actions.add_roles,
        f"{one}/remove_roles": actions.remove_roles,
        f"{one}/set_state": actions.set_state,
        f"{one}/lock_user": actions.lock,
        f"{one}/logout": actions.logout,
        "/api/1/users/set_password_clear_text/{user}": actions.set_password,
    }
    found: dict[str, Endpoints] = {path: {"PUT": Endpoint(operation, body=True)} for path, operation in put.items()}
    return {**found, f"{one}/roles": {"GET": Endpoint(actions.roles)}}


def _of_events(account: Account) -> dict[str, Endpoints]:
    events = Events(account.store, account.id, account.knobs.search)
    return {
        "/api/1/events": {"GET": Endpoint(events.read_all, PARAMETERS)},
        "/api/1/events/types": {"GET": Endpoint(events.types, public=True)},
        "/api/1/events/{event}": {"GET": Endpoint(events.read)},
    }
