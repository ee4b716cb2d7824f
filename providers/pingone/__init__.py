"""PingOne: users and groups of one environment, by the PingOne Platform (Management) API v1.

Vendor pages: "Users", "Groups", "Population", "Paging, ordering, and expanding collections", "SCIM filter language".
Lists page by links only and filter with PingOne's own attribute names; there is no order, no `ne`, `pr` or `not`.
Users have one e-mail, one address, one photo and two phone numbers. `active`, the population and the password are
written through endpoints of their own, memberships under the user, one call each. What is UNVERIFIED about the API is
a setting, with the safe choice as its default.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from scim_bridge.attributes import MappingError
from scim_bridge.clock import Clock
from scim_bridge.providers.pingone import groups, users
from scim_bridge.providers.pingone.common import OTHER_PAGES, is_id
from scim_bridge.providers.pingone.errors import classify
from scim_bridge.query.capabilities import AccessPath, Collection, TextMatch
from scim_bridge.query.pages import Send, every_page
from scim_bridge.query.plan import Branch
from scim_bridge.query.provider import Endpoint, Provider, Simulation
from scim_bridge.settings import setting
from scim_bridge.upstream.auth import ClientCredentials
from scim_bridge.upstream.errors import UpstreamError
from scim_bridge.upstream.redact import Secret

DOMAINS = {"na": "com", "eu": "eu", "ca": "ca", "ap": "asia", "au": "com.au", "sg": "sg"}
MAX_SHOWN_POPULATIONS = 40
"""More of them, in the filter of every request, leave too little of the 6 KB that its headers may have."""
MAX_OFFERED_POPULATIONS = 100
"""More populations than this are not listed in /Schemas as the values that populationId takes."""
CUSTOM_OF_SANDBOX = {
    "enterprise.department": "department",
    "enterprise.employeeNumber": "employeeNumber",
    "enterprise.costCenter": "costCenter",
}
"""The custom attributes that the simulated environment has."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The ``[connections.NAME.settings]`` of a PingOne connection."""

    environment_id: str = setting(
        help="The environment whose users and groups are shown, a UUID",
        where="Settings > Environment Properties",
        placeholder="5f9b1c2e-0d3a-4c58-9a77-1e2f3a4b5c6d",
    )
    client_id: str = setting(
        help="Client ID of a worker application", where="Applications > the application > Overview"
    )
    client_secret: Secret = setting(
        help="Client secret of the worker application; it needs the role Identity Data Admin",
        where="Applications > the application > Overview",
        secret=True,
    )
    region: Literal["na", "eu", "ca", "ap", "au", "sg"] = setting(
        default="na",
        help="Where the environment lives: what the API's address ends with",
        choices={
            "na": "North America (pingone.com)",
            "eu": "Europe (pingone.eu)",
            "ca": "Canada (pingone.ca)",
            "ap": "Asia Pacific (pingone.asia)",
            "au": "Australia (pingone.com.au)",
            "sg": "Singapore (pingone.sg)",
        },
    )
    token_auth_method: Literal["client_secret_basic", "client_secret_post"] = setting(
        default="client_secret_basic",
        label="Authentication method",
        help="The application's token endpoint authentication method; another one is refused like a wrong secret",
        choices={"client_secret_basic": "Client Secret Basic", "client_secret_post": "Client Secret Post"},
    )
    population_id: str | None = setting(
        default=None,
        help="Population of new users; without it, the environment's default population",
        advanced=True,
    )
    population_ids: tuple[str, ...] = setting(
        default=(),
        help="Show and change only users and groups of these populations; new users go to the first",
        advanced=True,
    )
    locked_is_inactive: bool = setting(
        default=False, help="Show locked users as inactive too", label="Locked users are inactive", advanced=True
    )
    updated_at_filter: bool = setting(
        default=False,
        label="Filters by the time of a change",
        help="The API takes ge and le on updatedAt, so lastModified filters need no scan (unverified)",
        advanced=True,
    )
    name_contains_filter: bool = setting(
        default=False,
        label="Filters by parts of names",
        help="The API takes co on given and family names, so these need no scan (one source only)",
        advanced=True,
    )
    escaped_quotes: bool = setting(
        default=False,
        label="Quotes in filters",
        help='Filters take \\" and \\\\ in values, so such values need no scan (unverified)',
        advanced=True,
    )
    api_url: str | None = setting(default=None, help="Overrides https://api.pingone.TLD/v1", advanced=True)
    auth_url: str | None = setting(default=None, help="Overrides https://auth.pingone.TLD", advanced=True)
    native_text_match: TextMatch = setting(
        label="Comparison of text", default="insensitive", help="How PingOne compares text in filters", advanced=True
    )
    attributes: Mapping[str, str] = setting(
        label="Mapping of attributes",
        default={},
        help='SCIM path to custom attribute, such as enterprise.department = "department"',
        advanced=True,
    )


def _endpoint(settings: Settings, clock: Clock) -> Endpoint:
    domain = DOMAINS[settings.region]
    api = (settings.api_url or f"https://api.pingone.{domain}/v1").rstrip("/")
    auth = (settings.auth_url or f"https://auth.pingone.{domain}").rstrip("/")
    sign_in = ClientCredentials(
        f"{auth}/{settings.environment_id}/as/token",
        settings.client_id,
        settings.client_secret,
        method=settings.token_auth_method,
        clock=clock,
    )
    return Endpoint(f"{api}/environments/{settings.environment_id}", sign_in)


async def _populations(settings: Settings, send: Send) -> tuple[str, ...]:
    """The population ids that populationId takes; none where they cannot be read or are too many to list."""
    if settings.population_ids:
        return settings.population_ids
    access = AccessPath("/populations", "_embedded.populations", OTHER_PAGES)
    found: list[str] = []
    try:
        async for page in every_page(send, Branch(access, access.path, {}, exact=True)):
            found += [row["id"] for row in page.rows if isinstance(row.get("id"), str)]
            if len(found) > MAX_OFFERED_POPULATIONS:
                return ()
    except UpstreamError:
        return ()  # a worker may be allowed to manage users only
    return tuple(found)


def _collections(settings: Settings, discovered: Any) -> Sequence[Collection]:
    return [users.collection(settings, tuple(discovered or ())), groups.collection(settings)]


def _check(settings: Settings) -> tuple[str, str] | None:
    try:
        users.attribute_map(settings)
    except MappingError as error:
        return "attributes", str(error)
    # What names no population would show nobody, and to a client that is everybody gone.
    for key, ids in (("population_id", (settings.population_id,)), ("population_ids", settings.population_ids)):
        if not all(each is None or is_id(each) for each in ids):
            return key, "takes ids of populations: UUIDs in lower case, as PingOne shows them"
    if len(settings.population_ids) > MAX_SHOWN_POPULATIONS:
        return "population_ids", f"takes {MAX_SHOWN_POPULATIONS} populations at most"
    if settings.population_ids and settings.population_id not in (None, *settings.population_ids):
        return "population_id", "is none of population_ids, so new users would not be shown"
    return None


def _simulation(people: int) -> Simulation:
    from scim_bridge.providers.pingone.sandbox import Sandbox

    sandbox = Sandbox(users=people)

    def settings(origin: str) -> dict[str, Any]:
        return {**sandbox.settings, "api_url": f"{origin}/v1", "auth_url": origin, "attributes": CUSTOM_OF_SANDBOX}

    return Simulation(sandbox.app, settings)


PROVIDER = Provider(
    name="pingone",
    title="PingOne",
    guide=(
        "In the environment that holds the users, add an application of the type Worker.",
        "Give the application the role Identity Data Admin for that environment. Its permissions come from roles, "
        "not from scopes.",
        "Note which token endpoint authentication method the application has: Client Secret Basic or Client Secret "
        "Post. The same has to be chosen here.",
        "A role that was just given may take some minutes until it counts.",
    ),
    settings=Settings,
    endpoint=_endpoint,
    collections=_collections,
    discover=_populations,
    classify=classify,
    check=_check,
    simulation=_simulation,
)
