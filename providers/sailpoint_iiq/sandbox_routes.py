"""The paths of the simulated site; what is not here is not offered."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from scim_bridge.providers.sailpoint_iiq import sandbox_schemas
from scim_bridge.providers.sailpoint_iiq.sandbox_listing import Answer, Listing, paged
from scim_bridge.providers.sailpoint_iiq.sandbox_records import ENDPOINTS, object_configs
from scim_bridge.providers.sailpoint_iiq.sandbox_site import Site
from scim_bridge.providers.sailpoint_iiq.sandbox_users import Users
from scim_bridge.providers.sailpoint_iiq.sandbox_wire import Inbound, Refusal, list_response, not_found
from scim_bridge.providers.sailpoint_iiq.sandbox_workflows import Workflows

Operation = Callable[[Inbound], Answer]
Endpoints = Mapping[str, Operation]
SCIM: Final = "/scim/v2"


def routes(site: Site, users: Users, lists: Mapping[str, Listing]) -> dict[str, Endpoints]:
    """The operations by path below the context, and by HTTP method."""
    workflows = Workflows(site, lists["LaunchedWorkflow"])

    def working(operation: Operation) -> Operation:
        def answer(request: Inbound) -> Answer:
            workflows.work()
            return operation(request)

        return answer

    found: dict[str, Endpoints] = {}
    for kind, endpoint in ENDPOINTS.items():
        found[f"{SCIM}{endpoint}"] = {"GET": working(lists[kind].read_all)}
        found[f"{SCIM}{endpoint}/{{id}}"] = {"GET": working(lists[kind].read)}
    found[f"{SCIM}/LaunchedWorkflows"] = {**found[f"{SCIM}/LaunchedWorkflows"], "POST": workflows.launch}
    return {
        **found,
        f"{SCIM}/Users": {"GET": working(users.listing().read_all), "POST": users.create},
        f"{SCIM}/Users/{{id}}": {"GET": working(users.read), "PUT": users.replace, "DELETE": users.delete},
        f"{SCIM}/CheckedPolicyViolations": {},
        "/rest/identities/{id}": {"GET": working(workflows.identity)},
        **_discovery(site),
    }


def _discovery(site: Site) -> dict[str, Endpoints]:
    found: dict[str, Endpoints] = {
        f"{SCIM}/ServiceProviderConfig": {"GET": lambda _: (200, sandbox_schemas.configuration(site))}
    }
    documents: dict[str, Callable[[Site], list[dict[str, Any]]]] = {
        "/ResourceTypes": sandbox_schemas.resource_types,
        "/Schemas": sandbox_schemas.schemas,
    }
    for path, made in documents.items():
        found[f"{SCIM}{path}"] = {"GET": _listed(site, made)}
        found[f"{SCIM}{path}/{{id}}"] = {"GET": _one(site, made)}
    for path in ("/ObjectConfigs", "/ObjectConfig"):
        found[f"{SCIM}{path}"] = {"GET": _configs(site, path)}
        found[f"{SCIM}{path}/{{id}}"] = {"GET": _config(site, path)}
    return found


def _listed(site: Site, made: Callable[[Site], list[dict[str, Any]]]) -> Operation:
    """Discovery is one list without startIndex, whatever is asked for."""
    return lambda _: (200, list_response(found := made(site), len(found), None))


def _one(site: Site, made: Callable[[Site], list[dict[str, Any]]]) -> Operation:
    def answer(request: Inbound) -> Answer:
        return 200, next((each for each in made(site) if each["id"] == request.id), None) or _refuse(request)

    return answer


def _refuse(request: Inbound) -> Any:
    raise not_found(request.id)


def _configs(site: Site, path: str) -> Operation:
    def answer(request: Inbound) -> Answer:
        _check_spelling(site, path)
        found = object_configs(site)
        page, start = paged(found, request, site)
        return 200, list_response(page, len(found), start)

    return answer


def _config(site: Site, path: str) -> Operation:
    def answer(request: Inbound) -> Answer:
        _check_spelling(site, path)
        found = (each for each in object_configs(site) if request.id in (each["name"], each["id"]))
        return 200, next(found, None) or _refuse(request)

    return answer


def _check_spelling(site: Site, path: str) -> None:
    if path.endswith("s") != site.knobs.plural_config:
        raise Refusal(404)
