"""What a program does with the vendor's own SDK, run in a virtual environment of its own: prints what came of it.

``python sdk_steps.py SOURCE_ID``, a non-employee source; where to sign in, and as whom, the SDK reads from the
environment.
"""

import importlib
import json
import sys
import time
from typing import Any


def named(module: str, name: str) -> Any:
    """A class of the SDK."""
    return getattr(importlib.import_module(f"sailpoint.{module}"), name)


def api(client: Any, part: str) -> Any:
    """The operations of a part of the API."""
    name = "".join(each.capitalize() for each in part.split("_"))
    return named(f"{part}.api.{part}_api", f"{name}Api")(client)


def change(part: str, path: str, value: str) -> Any:
    operation = named(f"{part}.models.json_patch_operation", "JsonPatchOperation")
    return operation.from_dict({"op": "replace", "path": path, "value": value})


def main(source_id: str) -> dict[str, Any]:
    """The facts that the SDK learned, by name."""
    with named("api_client", "ApiClient")(named("configuration", "Configuration")()) as client:
        return {
            **people(client),
            **groups(client),
            **roles(client),
            **states(client),
            **records(client, source_id),
            "searched": searched(client),
        }


def people(client: Any) -> dict[str, Any]:
    """Identities: listed, paged by the SDK's own paginator, filtered, read, disabled, deleted."""
    identities, paginate = api(client, "identities"), named("paginator", "Paginator").paginate
    listed = identities.list_identities_v1_with_http_info(count=True, limit=250, sorters="alias")
    first = listed.data[0]
    found: dict[str, Any] = {
        "people": {name.lower(): value for name, value in listed.headers.items()}["x-total-count"],
        "paged": [each.id for each in paginate(identities.list_identities_v1, 1_000, limit=40, sorters="alias")],
        "by_alias": [each.id for each in identities.list_identities_v1(filters=f'alias eq "{first.alias}"')],
        "one": [first.id, identities.get_identity_v1(first.id).alias, first.alias],
        "public": len(api(client, "public_identities").get_public_identities_v1(limit=250)),
    }
    api(client, "accounts").disable_account_for_identity_v1(first.id)
    found["disabled"] = eventually(lambda: identities.get_identity_v1(first.id).identity_status == "DISABLED")
    last = listed.data[-1].id
    identities.delete_identity_v1(last)
    found["deleted"] = [last, refused(lambda: identities.get_identity_v1(last))]
    return found


def groups(client: Any) -> dict[str, Any]:
    """Governance groups: created, listed, changed, with members, deleted."""
    governance, part = api(client, "governance_groups"), "governance_groups"
    owner = api(client, "identities").list_identities_v1(limit=1)[0]
    dto = named(f"{part}.models.workgroup_dto", "WorkgroupDto")
    member = named(f"{part}.models.bulk_workgroup_members_request_inner", "BulkWorkgroupMembersRequestInner")
    body = {"name": "By the SDK", "description": "x", "owner": {"type": "IDENTITY", "id": owner.id}}
    made = governance.create_workgroup_v1(dto.from_dict(body))
    changed = governance.patch_workgroup_v1(made.id, [change(part, "/description", "changed")])
    named_members = [member.from_dict({"type": "IDENTITY", "id": each}) for each in (owner.id, "0000")]
    added = governance.update_workgroup_members_v1(made.id, named_members)
    held = governance.list_workgroup_members_v1(made.id)
    removed = governance.delete_workgroup_members_v1(made.id, named_members)
    listed = governance.list_workgroups_v1(filters='name eq "by the sdk"')
    governance.delete_workgroup_v1(made.id)
    return {
        "group": [changed.name, changed.description, changed.owner.id == owner.id],
        "added": [each.status for each in added],
        "members": [each.id == owner.id for each in held],
        "removed": [each.status for each in removed],
        "listed": [each.id == made.id for each in listed],
        "gone": refused(lambda: governance.get_workgroup_v1(made.id)),
    }


def roles(client: Any) -> dict[str, Any]:
    role_api = api(client, "roles")
    listed = role_api.list_roles_v1(sorters="name")
    assigned = [each.id for role in listed for each in role_api.get_role_assigned_identities_v1(role.id)]
    return {"roles": [each.name for each in listed], "assigned": len(assigned)}


def states(client: Any) -> dict[str, Any]:
    """The lifecycle states of each profile."""
    profiles = api(client, "identity_profiles").list_identity_profiles_v1()
    lifecycle = api(client, "lifecycle_states")
    return {
        "states": {
            each.name: [s.technical_name for s in lifecycle.get_lifecycle_states_v1(each.id)] for each in profiles
        }
    }


def records(client: Any, source_id: str) -> dict[str, Any]:
    """Non-employee records: created, listed, changed, deleted."""
    part = "non_employee_lifecycle_management"
    lifecycle = api(client, part)
    body = {
        "accountName": "sdk.one", "firstName": "S", "lastName": "Dk", "email": "sdk@example.com", "phone": "+1",
        "manager": "x", "sourceId": source_id, "startDate": "2026-01-01T00:00:00Z", "endDate": "2027-01-01T00:00:00Z",
    }  # fmt: skip
    kind = named(f"{part}.models.non_employee_request_body", "NonEmployeeRequestBody")
    made = lifecycle.create_non_employee_record_v1(kind.from_dict(body))
    changed = lifecycle.patch_non_employee_record_v1(made.id, [change(part, "/lastName", "Changed")])
    listed = lifecycle.list_non_employee_records_v1(filters=f'sourceId eq "{source_id}"', limit=250)
    lifecycle.delete_non_employee_record_v1(made.id)
    return {
        "record": [changed.account_name, changed.last_name],
        "record_listed": made.id in [each.id for each in listed],
        "record_gone": refused(lambda: lifecycle.get_non_employee_record_v1(made.id)),
    }


def searched(client: Any) -> list[str]:
    """Everybody, by the SDK's own search paginator."""
    search = named("search.models.search", "Search")
    wanted = search.from_dict({"indices": ["identities"], "query": {"query": "*"}, "sort": ["id"]})
    found = named("paginator", "Paginator").paginate_search(api(client, "search"), wanted, 40, 1_000)
    return [each["id"] if isinstance(each, dict) else each.id for each in found]


def eventually(done: Any) -> bool:
    """Whether something happens within some seconds."""
    for _ in range(50):
        if done():
            return True
        time.sleep(0.2)
    return False


def refused(call: Any) -> int:
    """The status of a refusal."""
    try:
        call()
    except Exception as error:  # each part of the SDK has exceptions of its own
        return int(getattr(error, "status", -1))
    return 0


if __name__ == "__main__":
    json.dump(main(*sys.argv[1:]), sys.stdout)
