"""OneLogin: users, roles and events of one account, by API v2 (users, roles) and API v1 (events).

Vendor pages: "List users" to "Delete user", "List roles" to "Remove role users", "Get events", "Using query
parameters". Users have one e-mail address, one phone number, at most one group (`groupId` in the extension, whose
policies apply to them) and any number of roles, which are the Groups here. The API filters by whole values, and by
wildcards "in many cases"; how it compares text is not documented. It pages by number, tells totals, and gives an
account 5,000 calls an hour, which all its integrations share; v2 does not tell how many are left.

What SCIM cannot say there, or the API cannot do:

- a display name of its own, more than one address or number, time zones, photos, costCenter, division: no place;
- a role's creation and change have no times; a role that a mapping gives comes back when it is taken away;
- `active` is status 1 (see `active_statuses`); false writes status 2. Locked users and those without a valid password
  show as inactive; that they stay so unless a client changes `active` is up to the client;
- changes may take minutes to settle, as the vendor's mappings run in the background (see `mappings`);
- an email address or a username that is cleared stays, where the account requires one;
- whether a call with unknown members is refused is the vendor's choice, and not documented.

What is UNVERIFIED about the API is a setting, with the safe choice as its default.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from scim_bridge.attributes import MappingError
from scim_bridge.clock import Clock
from scim_bridge.providers.onelogin import activities, roles, users
from scim_bridge.providers.onelogin.activities import EventType
from scim_bridge.providers.onelogin.common import ids
from scim_bridge.providers.onelogin.errors import classify
from scim_bridge.query.capabilities import Collection, TextMatch
from scim_bridge.query.pages import Send
from scim_bridge.query.provider import Endpoint, Provider, Simulation
from scim_bridge.settings import setting
from scim_bridge.upstream.auth import ClientCredentials
from scim_bridge.upstream.client import ClientOptions
from scim_bridge.upstream.errors import UpstreamError
from scim_bridge.upstream.redact import Secret

DAY_SECONDS = 86_400.0
"""How long the types of events are kept: their list has a rate limit of its own."""
RETRY_SECONDS = 900.0
GROUPS_OF_A_PAGE = 50
"""An account with more groups than a page has is not asked for the rest: what groupId takes is then not listed."""
STATUSES = frozenset(range(9))
PAGES = {"user_page_size": 1000, "role_page_size": 650, "event_page_size": 1000}
"""The largest page that any page of the vendor, or anybody's client, has been seen to ask for."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The ``[connections.NAME.settings]`` of a OneLogin connection."""

    subdomain: str = setting(
        help="The account: SUBDOMAIN in https://SUBDOMAIN.onelogin.com",
        where="The first part of your OneLogin address",
        placeholder="example",
    )
    client_id: str = setting(help="Client ID of an API credential", where="Developers > API Credentials")
    client_secret: Secret = setting(
        help="Client secret of the credential; it needs the scope Manage All to write roles",
        where="Developers > API Credentials",
        secret=True,
    )
    token_auth_method: Literal["client_secret_basic", "client_secret_post"] = setting(
        default="client_secret_basic",
        help="How the credential is sent: in a Basic header, or in a form",
        choices={"client_secret_basic": "In a Basic header", "client_secret_post": "In a form"},
        advanced=True,
    )
    active_statuses: tuple[int, ...] = setting(
        default=(1,),
        help="The statuses that show as active; [1, 3, 4, 5, 7, 8]: all that no administrator suspended",
        advanced=True,
    )
    email_required: bool = setting(
        default=True,
        help="New users need an e-mail address beside their username, as the vendor's newer pages say",
        advanced=True,
    )
    mappings: Literal["async", "sync", "disabled"] = setting(
        default="async", help="When the account's mappings run after a user is written", advanced=True
    )
    validate_policy: bool = setting(
        default=True, help="Passwords have to meet the account's password policy", advanced=True
    )
    activities: bool = setting(
        default=True, help="Show events as Activities; false for credentials that cannot read events", advanced=True
    )
    wildcards: bool = setting(
        default=False,
        help="* works in all text filters, so sw, ew and co need no scan (documented for many cases only)",
        advanced=True,
    )
    group_id_filter: bool = setting(
        default=False,
        help="The list of users takes group_id, so groupId filters need no scan (undocumented)",
        advanced=True,
    )
    role_name_filter: Literal["name", "role_name", "none"] = setting(
        default="name",
        help="The parameter that finds roles by name; role_name is the vendor's SDK's word for it",
        advanced=True,
    )
    ordered_by_id: bool = setting(
        default=True,
        help="Lists of users are asked for in the order of ids, so that those who come do not shift pages",
        advanced=True,
    )
    clear_with: Literal["null", "empty"] = setting(
        default="null", help="What a text field is cleared with: null, or an empty text (unverified)", advanced=True
    )
    user_page_size: int = setting(
        default=50, help="Users a request brings: 50 by the vendor's pages, 100 by its SDKs", advanced=True
    )
    role_page_size: int = setting(
        default=100, help="Roles, and members of a role, that a request brings", advanced=True
    )
    event_page_size: int = setting(default=50, help="Events a request brings; others have used 1000", advanced=True)
    base_url: str | None = setting(default=None, help="Overrides https://SUBDOMAIN.onelogin.com", advanced=True)
    native_text_match: TextMatch = setting(
        label="Comparison of text",
        default="unknown",
        help="How OneLogin compares text in filters; unless insensitive, userName eq takes a scan",
        advanced=True,
    )
    attributes: Mapping[str, str] = setting(
        label="Mapping of attributes",
        default={},
        help='SCIM path to field, such as enterprise.employeeNumber = "custom_attributes.employee_number"',
        advanced=True,
    )


def _endpoint(settings: Settings, clock: Clock) -> Endpoint:
    base = (settings.base_url or f"https://{settings.subdomain}.onelogin.com").rstrip("/")
    sign_in = ClientCredentials(
        f"{base}/auth/oauth2/v2/token",
        settings.client_id,
        settings.client_secret,
        method=settings.token_auth_method,
        body="json" if settings.token_auth_method == "client_secret_basic" else "form",
        clock=clock,
    )
    # More at a time has made the roles service answer 502.
    return Endpoint(base, sign_in, ClientOptions(max_concurrency=8))


@dataclass(frozen=True, slots=True)
class Facts:
    """What an account is asked for at start: the types of events by name, the ids of its groups.

    Either is empty where it cannot be read: a credential may be allowed to manage users only. Events are then told by
    number, and what groupId takes is not listed.
    """

    types: tuple[EventType, ...] = ()
    groups: tuple[str, ...] = ()


async def _discover(settings: Settings, send: Send) -> Facts:
    listed = await _listed(send, f"{activities.EVENTS}/types") if settings.activities else []
    types = tuple(each for each in map(EventType.of, listed) if each is not None)
    groups = ids([each.get("id") for each in await _listed(send, "/api/1/groups") if isinstance(each, Mapping)])
    return Facts(types, tuple(groups) if len(groups) < GROUPS_OF_A_PAGE else ())


async def _listed(send: Send, path: str) -> list[Any]:
    """The first page of a list of API v1; nothing where it cannot be read."""
    try:
        body = (await send("GET", path)).body
    except UpstreamError:
        return []
    listed = body.get("data") if isinstance(body, Mapping) else None
    return listed if isinstance(listed, list) else []


def _refresh(settings: Settings, facts: Facts) -> float:
    return DAY_SECONDS if facts.groups and (facts.types or not settings.activities) else RETRY_SECONDS


def _collections(settings: Settings, facts: Facts | None) -> Sequence[Collection]:
    known = facts or Facts()
    found = [users.collection(settings, known.groups), roles.collection(settings)]
    return [*found, activities.collection(settings, known.types)] if settings.activities else found


def _check(settings: Settings) -> tuple[str, str] | None:
    try:
        users.attribute_map(settings)
    except MappingError as error:
        return "attributes", str(error)
    if not settings.active_statuses or not set(settings.active_statuses) <= STATUSES:
        return "active_statuses", "takes statuses of OneLogin: numbers from 0 to 8, one at least"
    if 1 not in settings.active_statuses or 2 in settings.active_statuses:
        return "active_statuses", "has to hold 1, which is what active means when it is written, and not 2"
    for key, most in PAGES.items():
        if not 1 <= getattr(settings, key) <= most:
            return key, f"takes a number from 1 to {most}"
    return None


def _simulation(people: int) -> Simulation:
    from scim_bridge.providers.onelogin.sandbox import Sandbox

    sandbox = Sandbox(users=people)

    def settings(origin: str) -> dict[str, Any]:
        custom = {f"enterprise.{name}": f"custom_attributes.{field}" for name, field in CUSTOM_OF_SANDBOX.items()}
        told = {"native_text_match": "insensitive", "wildcards": True}
        return {**sandbox.settings, "base_url": origin, "attributes": custom, **told}

    return Simulation(sandbox.app, settings)


CUSTOM_OF_SANDBOX = {"employeeNumber": "employee_number", "costCenter": "cost_center"}
"""The custom attributes that the simulated account has."""

PROVIDER = Provider(
    name="onelogin",
    title="OneLogin",
    guide=(
        "Under Developers > API Credentials, make a new credential. Each has one scope.",
        "Choose Manage All, so that users, roles and passwords can be written. Read All is enough for a connection "
        "that only reads.",
        "With Manage Users or Read Users, events cannot be read: switch off activities under the settings below.",
        "The credential works as long as the account of the administrator who made it exists.",
    ),
    settings=Settings,
    endpoint=_endpoint,
    collections=_collections,
    discover=_discover,
    refresh=_refresh,
    classify=classify,
    check=_check,
    simulation=_simulation,
)
