"""What a program does with the vendor's own SDK, run in a virtual environment of its own: prints what came of it.

``python sdk_steps.py PROFILE_TYPE_ID ATTRIBUTE_ID``; where to sign in, and as whom, the SDK reads from the environment.
"""

import importlib
import json
import sys
from types import SimpleNamespace
from typing import Any


def sdk() -> Any:
    """The SDK's names in one place: its package for NERM is empty at its top."""
    parts = ("nerm.exceptions", "nerm.api", "nerm.models", "nerm.api_client", "configuration")
    names = [vars(importlib.import_module(f"sailpoint.{each}")) for each in parts]
    return SimpleNamespace(**{name: value for each in names for name, value in each.items() if name[0].isupper()})


def body(kind: Any, values: dict[str, Any]) -> Any:
    """A request body. The generated classes hold plain objects, and then call a method of theirs that these lack."""
    kind.to_dict = lambda self: self.model_dump(by_alias=True, exclude_none=True)
    return kind(**values)


def one(kind: Any, key: str, raw: Any) -> Any:
    """The record of an answer, by the SDK's own class for it: those for the wrappers around it name no class at all."""
    assert raw.status < 300, raw.status
    return kind.from_dict(json.loads(raw.data)[key])


def main(type_id: str, attribute_id: str) -> dict[str, Any]:
    """The facts that the SDK learned, by name."""
    nerm = sdk()
    with nerm.ApiClient(nerm.Configuration()) as client:
        return {
            **profiles(nerm, client, type_id),
            "searched": searched(nerm, client, type_id, attribute_id),
            **roles(nerm, client),
            **users(nerm, client),
            "types": [each.name for each in nerm.ProfileTypesApi(client).get_profile_types().profile_types],
            "attributes": [each.uid for each in nerm.AttributesApi(client).get_attributes(limit=100).ne_attributes],
        }


def profiles(nerm: Any, client: Any, type_id: str) -> dict[str, Any]:
    """List, page, filter, create, read, change and delete profiles; also in bulk."""
    api = nerm.ProfilesApi(client)
    listed = api.get_profiles(limit=100, profile_type_id=type_id, metadata=True, order="created_at")
    found: dict[str, Any] = {
        "total": listed.metadata.total,
        "listed": [each.id for each in listed.profiles],
        "second": [each.id for each in api.get_profiles(limit=5, offset=5, profile_type_id=type_id).profiles],
        "inactive": [each.status for each in api.get_profiles(status="Inactive", limit=100).profiles],
        "walked": walked(nerm, api, type_id),
    }
    values = {"personal_first_name": "S", "personal_last_name": "Dk", "job_title": "Engineer"}
    profile = {"profile_type_id": type_id, "status": "Active", "attributes": values}
    request = body(nerm.SubmitProfileRequest, {"profile": profile})
    made = one(nerm.Profile, "profile", api.submit_profile_without_preload_content(request))
    change = body(
        nerm.SubmitProfileRequest,
        {"profile": {"profile_type_id": type_id, "status": "Inactive", "attributes": {"job_title": "Boss"}}},
    )
    changed = one(nerm.Profile, "profile", api.patch_profile_by_id_without_preload_content(made.id, change))
    read = one(nerm.Profile, "profile", api.get_profile_by_id_without_preload_content(made.id))
    found |= {"made": made.id, "name": made.name, "changed": [changed.status, changed.attributes]}
    found["read"] = [read.status, read.attributes]
    api.delete_profile_by_id(made.id)
    found["gone"] = refused(nerm, lambda: api.get_profile_by_id(made.id))
    return found


def walked(nerm: Any, api: Any, type_id: str) -> list[str]:
    """All of a type by ``after_id``, to the error that ends it."""
    found: list[str] = []
    while True:
        try:
            page = api.get_profiles(limit=7, profile_type_id=type_id, after_id=found[-1] if found else "")
        except nerm.ApiException as error:
            return [*found, str(error.status)]
        found += [each.id for each in page.profiles]


def searched(nerm: Any, client: Any, type_id: str, attribute_id: str) -> list[str]:
    rules = [
        {"type": "ProfileTypeRule", "comparison_operator": "==", "value": type_id},
        {
            "type": "ProfileAttributeRule",
            "condition_object_type": "TextFieldAttribute",
            "condition_object_id": attribute_id,
            "comparison_operator": "include?",
            "value": "ing",
        },
    ]
    search = {"advanced_search": {"label": "sdk", "condition_rules_attributes": rules}}
    request = body(nerm.SubmitAdvancedSearchRequest, search)
    return [each.id for each in nerm.AdvancedSearchApi(client).search_advanced_search(request, limit=100).profiles]


def roles(nerm: Any, client: Any) -> dict[str, Any]:
    """Roles, and giving one to somebody and taking it back."""
    listed = nerm.RolesApi(client).get_roles(order="name").roles
    someone = nerm.UsersApi(client).get_users(limit=1, type="NeaccessUser").users[0]
    api = nerm.UserRolesApi(client)
    request = body(nerm.SubmitUserRoleRequest, {"user_role": {"user_id": someone.id, "role_id": listed[0].id}})
    pairs = [each.id for each in api.get_user_roles(limit=100).user_roles]
    made = one(nerm.UserRole, "user_role", api.submit_user_role_without_preload_content(request))
    held = [each.id for each in api.get_user_roles(user_id=someone.id, role_id=listed[0].id).user_roles]
    api.delete_user_role(made.id)
    left = [each.id for each in api.get_user_roles(limit=100).user_roles]
    return {"roles": [each.name for each in listed], "paired": held == [made.id], "unpaired": left == pairs}


def users(nerm: Any, client: Any) -> dict[str, Any]:
    """Portal users, created and deleted."""
    api = nerm.UsersApi(client)
    user = {"name": "Sdk", "email": "sdk@example.com", "type": "NeprofileUser", "login": "sdk"}
    request = body(nerm.SubmitUserRequest, {"user": user})
    made = one(nerm.User, "user", api.submit_user_without_preload_content(request))
    again = refused(nerm, lambda: api.submit_user(request))
    read = one(nerm.User, "user", api.get_user_without_preload_content(made.id))
    assert api.delete_user_without_preload_content(made.id).status == 200
    return {
        "user": [read.login, read.status],
        "user_again": again,
        "user_gone": refused(nerm, lambda: api.get_user(made.id)),
    }


def refused(nerm: Any, call: Any) -> int:
    """The status of a refusal."""
    try:
        call()
    except nerm.ApiException as error:
        return int(error.status)
    return 0


if __name__ == "__main__":
    json.dump(main(*sys.argv[1:]), sys.stdout)
