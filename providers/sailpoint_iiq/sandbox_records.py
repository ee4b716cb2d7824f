"""How the simulated site shows what is no identity: roles, accounts, entitlements, applications and the rest."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from scim_bridge.providers.sailpoint_iiq import sandbox_columns
from scim_bridge.providers.sailpoint_iiq.sandbox_listing import Listing
from scim_bridge.providers.sailpoint_iiq.sandbox_schemas import account_schema
from scim_bridge.providers.sailpoint_iiq.sandbox_site import INTERNAL, SAILPOINT, Row, Site

ENDPOINTS: Final = {
    "Application": "/Applications",
    "Account": "/Accounts",
    "Entitlement": "/Entitlements",
    "Role": "/Roles",
    "Workflow": "/Workflows",
    "TaskResult": "/TaskResults",
    "LaunchedWorkflow": "/LaunchedWorkflows",
    "PolicyViolation": "/PolicyViolations",
    "Alert": "/Alerts",
}
_FLAGS: Final = ("iiq", "requirements", "permits", "manualAssignment", "autoAssignment", "assignmentSelector")


def listings(site: Site) -> dict[str, Listing]:
    """The lists by resource type."""
    return {kind: _listing(site, kind) for kind in ENDPOINTS}


def _listing(site: Site, kind: str) -> Listing:
    show = _SHOWN.get(kind, _plain)

    def whole(record: Row) -> Row:
        meta = site.meta(kind, f"{ENDPOINTS[kind]}/{record['id']}", record["created"], record["modified"])
        schemas = [f"{SAILPOINT}:{kind}"]
        return {"schemas": schemas, **show(site, record), "id": record["id"], "meta": meta}

    return Listing(site, lambda: site.records[kind], lambda: sandbox_columns.of_type(site, kind), whole)


def _plain(site: Site, record: Row) -> Row:
    """A record's own values, dates as this server writes them; None is left out."""
    values = {
        name: value for name, value in record.items() if name not in ("created", "modified") and value is not None
    }
    return {
        name: site.shown_date(value) if isinstance(value, datetime) else value
        for name, value in values.items()
        if name not in ("identity", "application", "owner", "description")
    } | _references(site, record)


def _references(site: Site, record: Row) -> Row:
    found = {name: site.reference(record[name]) for name in ("owner", "identity") if name in record}
    return found | ({"application": _application(site, record["application"])} if "application" in record else {})


def _application(site: Site, application_id: str) -> Row:
    name = site.records["Application"][application_id]["name"]
    address = f"{INTERNAL}/scim/v2/Applications/{application_id}"
    return {"displayName": name, "value": application_id, "$ref": address}


def _descriptions(record: Row) -> list[Row]:
    return [{"locale": "en_US", "value": record["description"]}] if record.get("description") else []


def _role(site: Site, record: Row) -> Row:
    """A role. Its displayableName may be missing; it never tells who has it."""
    parents = {name: [site.role_reference(each) for each in record[name]] for name in ("inheritance", "requirements")}
    shown = {"displayableName": record["displayableName"]} if record["displayableName"] else {}
    return {
        "owner": site.reference(record["owner"]),
        **parents,
        "active": record["active"],
        "type": {**dict.fromkeys(_FLAGS, False), **record["type"]},
        "descriptions": _descriptions(record),
        "identAttr": {},
        "permits": [],
        "name": record["name"],
        **shown,
    }


def _account(site: Site, record: Row) -> Row:
    """An account, with what its application knows of it under the application's own schema."""
    schema = account_schema(site.records["Application"][record["application"]]["name"])
    identity = site.identities.get(record["identity"])
    named = {"userName": identity["userName"]} if identity is not None else {}
    return {
        "schemas": [schema, f"{SAILPOINT}:Account"],
        "lastRefresh": site.shown_date(record["refreshed"]),
        "displayName": record["displayName"],
        "active": record["active"],
        "manuallyCorrelated": False,
        "nativeIdentity": record["nativeIdentity"],
        **_references(site, record),
        "identity": {**site.reference(record["identity"]), **named},
        schema: {"userName": record["nativeIdentity"], "memberOf": []},
        "hasEntitlements": False,
        "locked": False,
    }


def _described(site: Site, record: Row) -> Row:
    return {**_plain(site, record), "descriptions": _descriptions(record)}


def _launched(site: Site, record: Row) -> Row:
    schema = f"{SAILPOINT}:LaunchedWorkflow"
    shown = _plain(site, {name: value for name, value in record.items() if name not in ("workflowName", "input")})
    workflow = {"workflowName": record["workflowName"], "input": record["input"], "output": []}
    return {"schemas": [schema, f"{SAILPOINT}:TaskResult"], **shown, schema: workflow, "messages": []}


_SHOWN: Final[Mapping[str, Callable[[Site, Row], Row]]] = {
    "Role": _role,
    "Account": _account,
    "Application": _described,
    "Entitlement": _described,
    "LaunchedWorkflow": _launched,
}


def object_configs(site: Site) -> list[Row]:
    """The one ObjectConfig that matters here: what the site made of identities."""
    attributes: list[dict[str, Any]] = [
        {
            "name": each.name,
            "displayName": each.name,
            "type": each.type,
            "multi": each.multi,
            "system": False,
            "standard": False,
            "extendedNumber": number if each.column else 0,
            "namedColumn": False,
        }
        for number, each in enumerate(site.extended, 1)
    ]
    meta = {"location": f"{INTERNAL}/scim/v2/ObjectConfig/Identity", "resourceType": "ObjectConfig"}
    schema = f"{SAILPOINT}:ObjectConfig"
    return [{"schemas": [schema], "name": "Identity", "id": f"{7:032x}", "objectAttributes": attributes, "meta": meta}]
