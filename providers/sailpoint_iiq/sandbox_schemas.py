"""What the simulated site publishes of itself, as an 8.1 server was captured: the configuration, types and schemas."""

from collections.abc import Iterator
from typing import Any, Final

from scim_bridge.providers.sailpoint_iiq.sandbox_site import (
    ENTERPRISE,
    INTERNAL,
    SAILPOINT,
    SP_USER,
    USER,
    Extended,
    Site,
)

CORE: Final = "urn:ietf:params:scim:schemas:core:2.0"
_PAGES: Final = "https://community.sailpoint.com/community/identityiq/product-downloads"
# name, endpoint, schema; ObjectConfig is published in the singular, and served in the plural
TYPES: Final = (
    ("User", "/Users", USER),
    ("Application", "/Applications", f"{SAILPOINT}:Application"),
    ("Account", "/Accounts", f"{SAILPOINT}:Account"),
    ("Entitlement", "/Entitlements", f"{SAILPOINT}:Entitlement"),
    ("Role", "/Roles", f"{SAILPOINT}:Role"),
    ("Workflow", "/Workflows", f"{SAILPOINT}:Workflow"),
    ("TaskResult", "/TaskResults", f"{SAILPOINT}:TaskResult"),
    ("ObjectConfig", "/ObjectConfig", f"{SAILPOINT}:ObjectConfig"),
    ("LaunchedWorkflow", "/LaunchedWorkflows", f"{SAILPOINT}:TaskResult"),
    ("PolicyViolation", "/PolicyViolations", f"{SAILPOINT}:PolicyViolation"),
    ("CheckedPolicyViolation", "/CheckedPolicyViolations", f"{SAILPOINT}:CheckedPolicyViolation"),
    ("Alert", "/Alerts", f"{SAILPOINT}:Alert"),
)
Json = dict[str, Any]


def configuration(site: Site) -> Json:
    """The ServiceProviderConfig: the bare object."""
    schemes = (("HTTP Basic", "httpbasic"), ("OAuth Bearer Token", "oauthbearertoken"))
    return {
        "filter": {"maxResults": site.knobs.max_results, "supported": True},
        "patch": {"supported": False},
        "authenticationSchemes": [
            {"documentationUri": _PAGES, "name": name, "description": name, "type": kind} for name, kind in schemes
        ],
        "documentationUri": _PAGES,
        "meta": {"location": f"{INTERNAL}/scim/v2/ServiceProviderConfig", "resourceType": "ServiceProviderConfig"},
        "schemas": [f"{CORE}:ServiceProviderConfig"],
        "etag": {"supported": True},
        "sort": {"supported": True},
        "bulk": {"maxPayloadSize": 0, "maxOperations": 0, "supported": False},
        "changePassword": {"supported": True},
    }


def resource_types(site: Site) -> list[Json]:
    extensions = {
        "User": [(ENTERPRISE, True), (SP_USER, True)],
        "Account": [(account_schema(each["name"]), False) for each in site.records["Application"].values()],
        "LaunchedWorkflow": [(f"{SAILPOINT}:LaunchedWorkflow", True)],
        "Alert": [(f"{SAILPOINT}:AlertInput", True)],
    }
    found = []
    for name, endpoint, schema in TYPES:
        location = f"{INTERNAL}/scim/v2/ResourceTypes/{name}"
        each: Json = {"schema": schema, "endpoint": endpoint, "name": name, "description": name, "id": name}
        each |= {"meta": {"location": location, "resourceType": "ResourceType"}, "schemas": [f"{CORE}:ResourceType"]}
        if name in extensions:
            each["schemaExtensions"] = [{"schema": urn, "required": needed} for urn, needed in extensions[name]]
        found.append(each)
    return found


def account_schema(application: str) -> str:
    """The URN of an application's accounts: it holds the application's name, spaces and all."""
    return f"{SAILPOINT}:Application:Schema:{application}:account"


def schemas(site: Site) -> list[Json]:
    found = {
        USER: ("User", _user()),
        ENTERPRISE: ("Enterprise User", [_reference("manager", "User", "readWrite")]),
        SP_USER: ("User", [*_sp_user(), *map(_extended, site.extended)]),
        **{f"{SAILPOINT}:{name}": (name, list(attributes)) for name, attributes in _others()},
    }
    for each in site.records["Application"].values():
        found[account_schema(each["name"])] = (each["name"], [_simple("userName"), _simple("memberOf", multi=True)])
    return [
        {
            "meta": {"location": "", "version": "", "resourceType": "Schema"},
            "schemas": [f"{CORE}:Schema"],
            "name": name,
            "description": name,
            "attributes": attributes,
            "id": urn,
        }
        for urn, (name, attributes) in found.items()
    ]


def _simple(name: str, type: str = "string", *, multi: bool = False, **said: Any) -> Json:
    return {
        "uniqueness": "none",
        "name": name,
        "mutability": "readOnly",
        "type": type,
        "multiValued": multi,
        "caseExact": False,
        "returned": "default",
        "required": False,
        **said,
    }


def _writable(name: str, type: str = "string", *, multi: bool = False, **said: Any) -> Json:
    return _simple(name, type, multi=multi, mutability="readWrite", **said)


def _complex(name: str, *subs: Json, multi: bool = False, **said: Any) -> Json:
    made = _simple(name, "complex", multi=multi, subAttributes=list(subs), **said)
    return {key: value for key, value in made.items() if key != "uniqueness"}


def _reference(name: str, kind: str, mutability: str = "readOnly", *, multi: bool = False, **said: Any) -> Json:
    address = _simple("$ref", "reference", referenceTypes=[kind])
    subs = (_simple("value", mutability=mutability), address, _simple("displayName"))
    return _complex(name, *subs, multi=multi, mutability=mutability, **said)


def _user() -> list[Json]:
    names = [_writable(each) for each in ("formatted", "familyName", "givenName")]
    email = [_writable("type"), _writable("value"), _writable("primary", "boolean")]
    return [
        _simple("id", caseExact=True, returned="always", uniqueness="server"),
        _writable("userName", required=True, uniqueness="server"),
        _complex("name", *names, mutability="readWrite"),
        _writable("displayName"),
        _writable("userType"),
        _writable("active", "boolean"),
        _simple("password", mutability="writeOnly", returned="never"),
        _complex("emails", *email, multi=True, mutability="readWrite"),
    ]


def _sp_user() -> list[Json]:
    part: Json = {"returned": "request"}
    names = ("value", "display", "type", "application", "accountName")
    entitlement = [
        *(_simple(each, **part) for each in names),
        _simple("$ref", "reference", referenceTypes=["Entitlement"]),
    ]
    role = [
        *(_simple(each, **part) for each in (*names, "acquired")),
        _simple("$ref", "reference", referenceTypes=["Role"]),
    ]
    return [
        _reference("accounts", "Account", multi=True),
        _complex("entitlements", *entitlement, multi=True, **part),
        _complex("roles", *role, multi=True, **part),
        _writable("capabilities", multi=True),
        _simple("riskScore", "integer"),
        _simple("isManager", "boolean"),
        _simple("lastRefresh", "dateTime"),
        _reference("administrator", "User", "readWrite"),
        _writable("softwareVersion"),
    ]


def _extended(each: Extended) -> Json:
    """An extended attribute: published without a description."""
    if each.type == "identity":
        return _reference(each.name, "User", "readWrite")
    return _writable(each.name, multi=each.multi)


def _others() -> Iterator[tuple[str, list[Json]]]:
    described = _complex("descriptions", _simple("locale"), _simple("value"), multi=True)
    owner, application, identity = _reference("owner", "User"), _reference("application", "Application"), None
    kinds = ("iiq", "requirements", "permits", "manualAssignment", "autoAssignment", "assignmentSelector")
    kind = _complex("type", _simple("name"), _simple("displayName"), *(_simple(each, "boolean") for each in kinds))
    roles = [_reference(each, "Role", multi=True) for each in ("inheritance", "requirements", "permits")]
    identity = _complex("identity", *_reference("", "User")["subAttributes"], _simple("userName"))
    flags = [_simple(each, "boolean") for each in ("active", "locked", "manuallyCorrelated", "hasEntitlements")]
    yield "Application", [*_texts("name type"), _simple("features", multi=True), described, owner]
    yield (
        "Account",
        [
            identity,
            _reference("application", "Application", "immutable", required=True),
            _simple("nativeIdentity", mutability="immutable", required=True),
            *_texts("displayName instance uuid"),
            *flags,
            _writable("privileged", "boolean"),
            *_dates("lastRefresh lastTargetAggregation"),
        ],
    )
    requestable = [_simple(each, "boolean") for each in ("requestable", "aggregated")]
    yield (
        "Entitlement",
        [
            described,
            *_texts("displayableName type attribute value"),
            application,
            owner,
            *requestable,
            *_dates("lastRefresh"),
        ],
    )
    dates = _dates("activationDate deactivationDate")
    yield (
        "Role",
        [*_texts("name displayableName"), described, kind, _simple("active", "boolean"), *dates, owner, *roles],
    )
    yield "Workflow", _texts("name description type handler")
    yield "TaskResult", [*_texts("name type completionStatus launcher"), *_dates("launched completed")]
    pair = (_writable("key"), _writable("value"), _writable("type"))
    lists = (_complex(each, *pair, multi=True, mutability="readWrite") for each in ("input", "output"))
    yield "LaunchedWorkflow", [_writable("workflowName"), *lists]
    named = [*_texts("name displayName type"), *(_simple(each, "boolean") for each in ("multi", "namedColumn"))]
    attributes = _complex("objectAttributes", *named, _simple("extendedNumber", "integer"), multi=True)
    yield "ObjectConfig", [_simple("name"), attributes]
    yield "PolicyViolation", [*_texts("policyName constraintName description status"), identity, owner]
    yield "CheckedPolicyViolation", [_writable("identity"), _writable("policies", multi=True)]
    yield "Alert", [*_texts("name displayName type"), *_dates("alertDate lastProcessed")]
    yield "AlertInput", [_complex("input", *pair, multi=True, mutability="readWrite")]


def _texts(names: str) -> list[Json]:
    return [_simple(each) for each in names.split()]


def _dates(names: str) -> list[Json]:
    return [_simple(each, "dateTime") for each in names.split()]
