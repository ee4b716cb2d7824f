"""SailPoint IdentityIQ, the SCIM 2.0 API of versions 7.0 to 9.0 (on-premises), brought up to what SCIM means by it.

IdentityIQ speaks a narrow dialect of SCIM: no PATCH, no Groups, a few filters, roles and entitlements only when asked
for by name. Identities are Users, with what the site defined of its own under `urn:ietf:params:scim:schemas:sailpoint:
1.0:User`, as its /Schemas and ObjectConfigs publish it. Roles are Groups, whose members are read on request, and Roles.
Accounts, Entitlements, Applications, PolicyViolations and what else can be listed pass through, read-only.

Filters with evidence (`eq sw co ge gt le`, `and`, `or`) are tried on the site's own first users, at start and every
``discovery_seconds``, and sent where they did right; the rest is done here, on lists of `filter.maxResults` rows a
request (1000 unless the site says otherwise). Lists come in the order of userName; sorted they are here.

What SCIM cannot say there: a user name cannot be changed. There is one e-mail address. What has no display name shows
its user name. Roles are given by workflows that may want an approval, so members cannot be written. Workgroups have no
API. A PUT may run workflows and take a minute: it is sent once, and beyond 50 s the answer is 504, outcome unknown.
There is no proven way to make a PUT depend on a version: what changes in IdentityIQ itself between our read and our
PUT, which follows at once, is lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from scim_bridge.attributes import MappingError
from scim_bridge.clock import Clock
from scim_bridge.providers import scim
from scim_bridge.providers.sailpoint_iiq import roles, users
from scim_bridge.providers.sailpoint_iiq.site import Facts, assumed, dated, discovered
from scim_bridge.providers.sailpoint_iiq.user_writes import DeletePolicy
from scim_bridge.providers.scim.collection import Builder
from scim_bridge.providers.scim.discovery import Discovered
from scim_bridge.providers.scim.errors import classify
from scim_bridge.query.capabilities import Collection, TextMatch, Writes
from scim_bridge.query.pages import Send
from scim_bridge.query.provider import Endpoint, Provider, Simulation
from scim_bridge.settings import setting
from scim_bridge.upstream.address import base_address
from scim_bridge.upstream.auth import Basic, ClientCredentials
from scim_bridge.upstream.client import ClientOptions
from scim_bridge.upstream.errors import BadAnswer
from scim_bridge.upstream.redact import Secret

SOON_SECONDS: Final = 60.0
"""When to look again at a site that had no users to prove anything on."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The ``[connections.NAME.settings]`` of an IdentityIQ connection."""

    base_url: str = setting(
        help="IdentityIQ's own address with its context, as https://iiq.example.com/identityiq",
        label="Address of IdentityIQ",
        where="What the browser shows while you use IdentityIQ, up to and including the context",
        placeholder="https://iiq.example.com/identityiq",
    )
    username: str | None = setting(
        default=None,
        help="Identity for HTTP Basic, with the capability SCIMExecutor",
        label="User name",
        group="Sign in with a user name",
    )
    password: Secret | None = setting(
        default=None, secret=True, help="Password for HTTP Basic", group="Sign in with a user name"
    )
    client_id: str | None = setting(
        default=None,
        help="OAuth client, in place of a user name",
        where="Global Settings > API Authentication",
        group="Or with an OAuth client",
    )
    client_secret: Secret | None = setting(
        default=None,
        secret=True,
        help="Secret of the OAuth client",
        where="Global Settings > API Authentication",
        group="Or with an OAuth client",
    )
    ca_bundle: str | None = setting(
        default=None, help="PEM file of the only certificate authorities trusted", advanced=True, local=True
    )
    client_cert: str | None = setting(
        default=None, help="PEM file with a client certificate and its key", advanced=True, local=True
    )
    proxy: Secret | None = setting(
        default=None,
        secret=True,
        help="Proxy URL, as http://user:password@host:port: it may hold a password",
        advanced=True,
    )
    timeout_seconds: float = setting(default=60.0, help="Silence on the connection that ends an attempt", advanced=True)
    max_concurrency: int = setting(
        default=4, help="Requests at a time: the server is one for people, too", advanced=True
    )
    delete_policy: DeletePolicy = setting(
        default="delete",
        help="What DELETE of a user does: delete the identity, or deactivate it and hide it here",
        advanced=True,
    )
    detected_roles: bool = setting(
        default=False, help="Roles that IdentityIQ detected count as groups, not assigned ones alone", advanced=True
    )
    native_text_match: TextMatch = setting(
        label="Comparison of text",
        default="insensitive",
        help="How the database compares text, where trying it on the first users does not tell",
        advanced=True,
    )
    discovery_seconds: float = setting(
        default=86_400.0, help="How often schemas are read and filters are tried again; 0: at start only", advanced=True
    )
    scim_path: str = setting(
        default="/scim/v2", help="Path of the SCIM API below base_url; gateways may rename it", advanced=True
    )
    token_url: str | None = setting(
        default=None, help="OAuth token endpoint, if not base_url + /oauth2/token", advanced=True
    )
    attributes: Mapping[str, str] = setting(
        label="Mapping of attributes",
        default={},
        help='SCIM path to identity attribute, such as "enterprise.department" = "department"',
        advanced=True,
    )


def _check(settings: Settings) -> tuple[str, str] | None:
    try:
        base_address(settings.base_url)
    except ValueError as error:
        return "base_url", str(error)
    for key, one, other in (
        ("password", settings.username, settings.password),
        ("client_secret", settings.client_id, settings.client_secret),
    ):
        if (one is None) != (other is None):
            return key, "a name and its secret go together"
    if (settings.username is None) == (settings.client_id is None):
        return "username", "give username and password, or client_id and client_secret"
    if settings.discovery_seconds < 0:
        return "discovery_seconds", "is a number of seconds, or 0 for never"
    if settings.max_concurrency < 1:
        return "max_concurrency", "is 1 at least"
    try:
        users.attribute_map(settings, assumed())
    except MappingError as error:
        return "attributes", str(error)
    return None


def _endpoint(settings: Settings, clock: Clock) -> Endpoint:
    base = settings.base_url.rstrip("/")
    options = ClientOptions(
        timeout_seconds=settings.timeout_seconds,
        max_concurrency=settings.max_concurrency,
        ca_bundle=settings.ca_bundle,
        client_cert=settings.client_cert,
        proxy=settings.proxy.reveal() if settings.proxy is not None else None,
        headers={"Accept": "application/json, application/scim+json"},
    )
    return Endpoint(f"{base}/{settings.scim_path.strip('/')}", _sign_in(settings, base, clock), options)


def _sign_in(settings: Settings, base: str, clock: Clock) -> Basic | ClientCredentials:
    if settings.username is not None and settings.password is not None:
        return Basic(settings.username, settings.password)
    token_url = settings.token_url or f"{base}/oauth2/token"
    secret = settings.client_secret or Secret("")
    return ClientCredentials(token_url, settings.client_id or "", secret, clock=clock)


async def _discover(settings: Settings, send: Send) -> Facts:
    return await discovered(send)


def _refresh(settings: Settings, found: Any) -> float:
    enough = isinstance(found, Facts) and found.enough
    return settings.discovery_seconds if enough else min(settings.discovery_seconds, SOON_SECONDS)


def _collections(settings: Settings, found: Any) -> Sequence[Collection]:
    facts = found if isinstance(found, Facts) else assumed()
    try:
        people = users.collection(settings, facts)
    except MappingError as error:
        raise BadAnswer("", str(error)) from None
    return [people, roles.groups(settings, facts), roles.roles(facts), *_passing_through(settings, facts)]


def _passing_through(settings: Settings, facts: Facts) -> list[Collection]:
    """What is neither users nor roles, as any SCIM server's, to be read alone; text is trusted as far as it is seen."""
    as_is = scim.Settings(base_url=settings.base_url)
    builder = Builder(as_is, Discovered(facts.others, patch=False, page=facts.page))
    return [_readable(builder.collection(each)) for each in facts.others]


def _readable(found: Collection) -> Collection:
    decode = found.decode
    return replace(found, decode=lambda row: decode(dated(row)), writes=Writes(), referrers=())


def _simulation(people: int) -> Simulation:
    from scim_bridge.providers.sailpoint_iiq.sandbox import ATTRIBUTES, Sandbox

    sandbox = Sandbox(users=people)

    def settings(origin: str) -> dict[str, Any]:
        return {**sandbox.settings, "base_url": f"{origin}{sandbox.context}", "attributes": ATTRIBUTES}

    return Simulation(sandbox.app, settings)


PROVIDER = Provider(
    name="sailpoint-iiq",
    title="SailPoint IdentityIQ",
    guide=(
        "The bridge signs in as an identity of IdentityIQ, which needs the capability SCIMExecutor, and the right to "
        "delete identities where clients delete users.",
        "Either give the identity's user name and password, or make an OAuth client under Global Settings > API "
        "Authentication > Create, with that identity as its proxy user: the proxy user's rights apply.",
        "IdentityIQ has to be reachable from the bridge.",
    ),
    settings=Settings,
    endpoint=_endpoint,
    collections=_collections,
    discover=_discover,
    refresh=_refresh,
    classify=classify,
    check=_check,
    remembers=lambda settings: ("User",) if settings.delete_policy == "deactivate" else (),
    simulation=_simulation,
)
