"""What a program does with the vendor's own SDK, run in a virtual environment of its own: prints what came of it.

``python sdk_steps.py ORIGIN CLIENT_ID CLIENT_SECRET``, the secret from the environment.
"""

import importlib
import json
import os
import sys
from typing import Any


def main(origin: str, client_id: str) -> dict[str, Any]:
    """The facts that the SDK learned, by name."""
    onelogin: Any = importlib.import_module("onelogin")
    secret = os.environ["ONELOGIN_CLIENT_SECRET"]
    configuration = onelogin.Configuration(host=origin, username=client_id, password=secret)
    with onelogin.ApiClient(configuration) as client:
        grant = {"grant_type": "client_credentials"}
        configuration.access_token = onelogin.OAuth2Api(client).generate_token(grant).access_token
        left = onelogin.OAuth2Api(client).get_rate_limit().data
        return {**users(onelogin, client), **roles(onelogin, client), **events(onelogin, client), "limit": str(left)}


def users(onelogin: Any, client: Any) -> dict[str, Any]:
    """List, page, search, create, read, change and delete users."""
    api = onelogin.UsersV2Api(client)
    found: dict[str, Any] = {
        "listed": [each.id for each in api.list_users2()],
        "second": [each.id for each in api.list_users2(limit=10, page=2)],
        "searched": [each.id for each in api.list_users2(username="sdk*")],
        "columns": [each.title for each in api.list_users2(fields="title", limit=5)],
    }
    named = {"username": "sdk", "email": "sdk@example.com", "firstname": "S", "lastname": "Dk"}
    made = api.create_user2(user=onelogin.User(**named))
    changed = api.update_user2(made.id, user=onelogin.User(title="Engineer", status=2))
    read = api.get_user2(made.id)
    found |= {"made": made.id, "changed": [changed.title, changed.status], "read": [read.username, read.title]}
    found["again"] = refused(onelogin, lambda: api.create_user2(user=onelogin.User(**named)))
    api.delete_user2(made.id)
    found["gone"] = refused(onelogin, lambda: api.get_user2(made.id))
    return found


def roles(onelogin: Any, client: Any) -> dict[str, Any]:
    """The same of roles, and members."""
    api, people = onelogin.RolesApi(client), onelogin.UsersV2Api(client).list_users2(limit=3)
    made = api.create_role(role=onelogin.Role(name="SDK"))
    found: dict[str, Any] = {"roles": [each.name for each in api.list_roles()]}
    api.add_role_users(str(made.id), [each.id for each in people])
    found["members"] = [each.id for each in api.get_role_users(str(made.id))]
    api.remove_role_users(str(made.id), [people[0].id])
    found["left"] = [each.id for each in api.get_role_users(str(made.id))]
    api.update_role(str(made.id), role=onelogin.Role(name="SDK 2"))
    found["renamed"] = api.get_role(str(made.id)).name
    api.delete_role(str(made.id))
    found["role_gone"] = refused(onelogin, lambda: api.get_role(str(made.id)))
    return found


def events(onelogin: Any, client: Any) -> dict[str, Any]:
    api = onelogin.EventsApi(client)
    listed = api.get_events().data
    return {
        "events": [each.id for each in listed],
        "types": len(api.get_event_types().data),
        "groups": [each.name for each in onelogin.GroupsApi(client).get_groups().data],
    }


def refused(onelogin: Any, call: Any) -> int:
    """The status of a refusal."""
    try:
        call()
    except onelogin.ApiException as error:
        return int(error.status)
    return 0


if __name__ == "__main__":
    json.dump(main(*sys.argv[1:]), sys.stdout)
