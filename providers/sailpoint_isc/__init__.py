"""SailPoint Identity Security Cloud: identities as Users, governance groups as Groups, roles as Roles.

By the current API, in which each service has its own version (`/identities/v1`), or by one of the older whole versions
(`/v2025/identities`). Vendor pages: "Authentication", "API Versioning Strategy", "Rate Limits", "Standard Collection
Parameters", the published OpenAPI. The credentials must be a personal access token's: reading identities needs a user.

Identities are computed from sources, so the API creates and changes none. What can be written is for the connection to
say (`writes`): `active`, by enabling and disabling or by lifecycle states, and non-employees, whose identities follow
from records. All of that happens some time after it was accepted; the bridge waits for it (`settle_seconds`).

Filters know id, user name, display name, given and family name, e-mail; everything else is checked here. The search
service is not used: it lags behind, and has none but analysed text. A list pages by number, 250 rows at a time (roles
and members 50), and tells its length; each client may send 100 requests in 10 s. Uncorrelated identities are hidden
unless told otherwise (`identities`). SCIM cannot say there: a second e-mail, passwords, nested groups, external ids
unless an identity attribute holds one (`attributes`). What is UNVERIFIED is a setting, with the safe choice as default.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from scim_bridge.attributes import MappingError
from scim_bridge.clock import Clock
from scim_bridge.providers.sailpoint_isc import groups, roles, users
from scim_bridge.providers.sailpoint_isc.common import Api, is_id, listed
from scim_bridge.providers.sailpoint_isc.errors import classify
from scim_bridge.providers.sailpoint_isc.user_writes import Lifecycle
from scim_bridge.query.capabilities import AccessPath, Collection, Row, TextMatch
from scim_bridge.query.pagers import dig
from scim_bridge.query.pages import Send, every_page
from scim_bridge.query.plan import Branch
from scim_bridge.query.provider import Endpoint, Provider, Simulation
from scim_bridge.settings import setting
from scim_bridge.upstream.auth import ClientCredentials
from scim_bridge.upstream.client import ClientOptions
from scim_bridge.upstream.redact import Secret

EXPERIMENTAL = {"X-SailPoint-Experimental": "true"}
"""Some versions refuse some services without it; elsewhere it does no harm (vendor: API Versioning Strategy)."""
LIFECYCLE_REFRESH_SECONDS = 3600.0
ATTRIBUTES_OF_SANDBOX = {"enterprise.department": "department", "title": "title", "externalId": "identificationNumber"}
"""Identity attributes that the simulated tenant has."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The ``[connections.NAME.settings]`` of an Identity Security Cloud connection."""

    tenant: str = setting(
        help="The tenant's name: TENANT.api.identitynow.com",
        where="The first part of the host name of the tenant's API",
        placeholder="example",
    )
    client_id: str = setting(
        help="Client ID of a personal access token", where="Preferences > Personal Access Tokens, as its owner"
    )
    client_secret: Secret = setting(
        help="Client secret of that token; its owner needs the user level ORG_ADMIN",
        where="Shown once, when the token is made",
        secret=True,
    )
    identities: Literal["correlated", "all"] = setting(
        default="correlated",
        help="Show only identities with an authoritative account, or all of them",
        choices={"correlated": "With an authoritative account", "all": "All"},
    )
    writes: tuple[Literal["lifecycle", "accounts", "non-employee"], ...] = setting(
        default=(),
        help="What of identities may be written: lifecycle or accounts for active, non-employee for their records",
        label="What may be written",
        choices={
            "lifecycle": "active, by lifecycle states",
            "accounts": "active, by enabling and disabling accounts",
            "non-employee": "Non-employees: create, change and delete their records",
        },
    )
    non_employee_source_id: str | None = setting(
        default=None, help="The source of the non-employees that may be created, changed and deleted", advanced=True
    )
    group_owner_id: str | None = setting(
        default=None,
        help="The identity that owns new governance groups for which a client names no owner",
        advanced=True,
    )
    active_state: str = setting(
        default="active", help="Lifecycle state of who is activated (technical name)", advanced=True
    )
    inactive_state: str = setting(
        default="inactive", help="Lifecycle state of who is deactivated (technical name)", advanced=True
    )
    inactive_states: tuple[str, ...] = setting(
        default=("inactive", "terminated"),
        help="Lifecycle states that show as inactive, where writes has lifecycle",
        advanced=True,
    )
    inactive_statuses: tuple[str, ...] = setting(
        default=("DISABLED", "DEACTIVATED", "TERMINATED"),
        help="Identity statuses that show as inactive otherwise",
        advanced=True,
    )
    settle_seconds: float = setting(
        default=20.0,
        help="How long to wait until an identity shows what was written; then the write fails",
        advanced=True,
    )
    status_filter: bool = setting(
        default=False,
        help="Filters know the status as cloudStatus, so filters on active need no scan (unverified)",
        advanced=True,
    )
    sorts_without_case: bool = setting(
        default=False,
        help="The API sorts names without case and missing ones last, so these need no scan (unverified)",
        advanced=True,
    )
    api_prefix: Literal["v1", "v2024", "v2025", "v2026"] = setting(
        default="v1", help="v1: each service has its own version; else the version of the whole API", advanced=True
    )
    api_url: str | None = setting(default=None, help="Overrides https://TENANT.api.identitynow.com", advanced=True)
    native_text_match: TextMatch = setting(
        label="Comparison of text", default="insensitive", help="How filters compare text", advanced=True
    )
    attributes: Mapping[str, str] = setting(
        label="Mapping of attributes",
        default={},
        help='SCIM path to identity attribute, such as enterprise.department = "department"',
        advanced=True,
    )

    @property
    def switches(self) -> bool:
        """Whether `active` can be written."""
        return bool({"lifecycle", "accounts"} & set(self.writes))


def _endpoint(settings: Settings, clock: Clock) -> Endpoint:
    base = (settings.api_url or f"https://{settings.tenant}.api.identitynow.com").rstrip("/")
    sign_in = ClientCredentials(
        f"{base}/oauth/token", settings.client_id, settings.client_secret, method="client_secret_post", clock=clock
    )
    return Endpoint(base, sign_in, ClientOptions(headers=EXPERIMENTAL))


async def _lifecycles(settings: Settings, send: Send) -> Mapping[str, Lifecycle]:
    """The enabled lifecycle states of each identity profile, by its authoritative source; only where they are set."""
    if "lifecycle" not in settings.writes:
        return {}
    api, found = Api(settings.api_prefix), {}
    for profile in await _all(send, listed(api("identity-profiles"), "id")):
        path = api("identity-profiles", f"/{profile['id']}/lifecycle-states")
        states = await _all(send, listed(path, "name"))
        source = str(dig(profile, "authoritativeSource.id"))
        found[source] = {each["technicalName"]: each["id"] for each in states if each.get("enabled") is True}
    return found


async def _all(send: Send, access: AccessPath) -> list[Row]:
    return [
        row
        async for page in every_page(send, Branch(access, access.path, access.fixed, exact=True))
        for row in page.rows
    ]


def _refresh(settings: Settings, discovered: Any) -> float:
    return LIFECYCLE_REFRESH_SECONDS if "lifecycle" in settings.writes else 0.0


def _collections(settings: Settings, discovered: Any) -> Sequence[Collection]:
    api = Api(settings.api_prefix)
    return [
        users.collection(settings, api, discovered),
        groups.collection(settings, api),
        roles.collection(settings, api),
    ]


def _check(settings: Settings) -> tuple[str, str] | None:
    try:
        users.attribute_map(settings)
    except MappingError as error:
        return "attributes", str(error)
    if not re.fullmatch(r"[A-Za-z0-9-]+", settings.tenant):
        return "tenant", "is the first part of the tenant's host name: letters, digits and hyphens"
    if {"lifecycle", "accounts"} <= set(settings.writes):
        return "writes", "has lifecycle and accounts: active can mean one of them only"
    if ("non-employee" in settings.writes) != (settings.non_employee_source_id is not None):
        return "non_employee_source_id", 'goes together with "non-employee" in writes'
    for key in ("non_employee_source_id", "group_owner_id"):
        value = getattr(settings, key)
        if value is not None and not is_id(value):
            return key, "takes an id: letters, digits and hyphens"
    if "lifecycle" in settings.writes and settings.inactive_state not in settings.inactive_states:
        return "inactive_state", "is none of inactive_states, so who is deactivated would show as active"
    if "lifecycle" in settings.writes and settings.active_state in settings.inactive_states:
        return "active_state", "is one of inactive_states, so who is activated would show as inactive"
    unknown = set(settings.inactive_statuses) - set(users.STATUSES)
    if unknown:
        return "inactive_statuses", f"takes {', '.join(users.STATUSES)}"
    return None


def _simulation(people: int) -> Simulation:
    from scim_bridge.providers.sailpoint_isc.sandbox import Sandbox

    sandbox = Sandbox(users=people)
    sandbox.knobs.requests_per_window = None  # or trying things out would be a matter of waiting

    def settings(origin: str) -> dict[str, Any]:
        owner = next((each.data["id"] for each in sandbox.store.identities.values() if each.correlated), None)
        return {**sandbox.settings, "api_url": origin, "group_owner_id": owner, "attributes": ATTRIBUTES_OF_SANDBOX}

    return Simulation(sandbox.app, settings)


PROVIDER = Provider(
    name="sailpoint-isc",
    title="SailPoint Identity Security Cloud",
    guide=(
        "Sign in as a user of the level ORG_ADMIN and make a personal access token. The bridge acts as this user; an "
        "API client without a user cannot read identities.",
        "Give the token the scope sp:scopes:all. The one that is preselected, sp:scopes:default, is not enough.",
        "Narrower, to read only: idn:identity:read, idn:workgroup:read, idn:role-unchecked:read and "
        "idn:entitlement:read. To write governance groups, idn:workgroup:manage and idn:workgroup:write, too.",
        "To write active: idn:accounts-state:manage, or idn:identity-lifecycle-state:manage with "
        "idn:identity-profile:read and idn:identity-profile-lifecycle-state:read. For non-employees: idn:nelm:read and "
        "idn:nelm:manage.",
        "Copy the client secret at once: it is shown once.",
    ),
    settings=Settings,
    endpoint=_endpoint,
    collections=_collections,
    discover=_lifecycles,
    refresh=_refresh,
    classify=classify,
    check=_check,
    simulation=_simulation,
)
