"""SailPoint Non-Employee Risk Management (NERM, once SecZetta): people and roles of one tenant, by its API v1.

Vendor pages: "Authentication", "Pagination, metadata and filtering", "Profiles", "Advanced search", "Roles". People are
profiles of the connection's profile types; their attributes are the customer's own, by uid, and `attributes` says what
is what. Profiles are listed by number (at most 500 a page, in the order of their creation), by ascending id where all
of them have to be read, and by advanced search: rules that all have to hold, without a total, 100 a page. Nothing but
`order`, ascending, sorts; the end of a list is an error, which here is the end of a list.

What SCIM cannot say there: `userName` is the work e-mail where nothing is mapped to it, and nothing makes it unique;
`active` is the status Active, and false is one of three. A person has no groups: roles are portal users'. A reference
to a profile reads as its name and is written by it; several references, owners and contributors are read only. There
are no bulk writes, as these may be queued as jobs with nothing to show. What is UNVERIFIED about the API is a setting,
with the safe choice as its default. Deletions by `terminate` are remembered in the bridge's database until NERM changes
the profile again; lists are then read whole, as NERM's own totals count these people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from scim_bridge.attributes import MappingError
from scim_bridge.clock import Clock
from scim_bridge.providers.sailpoint_nerm import facts, fields, roles, users
from scim_bridge.providers.sailpoint_nerm.errors import classify
from scim_bridge.query.capabilities import Collection, TextMatch
from scim_bridge.query.pages import Send
from scim_bridge.query.provider import Endpoint, Provider, Simulation
from scim_bridge.settings import setting
from scim_bridge.upstream.auth import Bearer, ClientCredentials
from scim_bridge.upstream.client import ClientOptions
from scim_bridge.upstream.redact import Secret

TIMEOUT_SECONDS = 45.0
"""NERM itself gives up after 60 s, and a client of ours is answered within 50."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The ``[connections.NAME.settings]`` of a NERM connection."""

    base_url: str = setting(
        help="The tenant's API, as in https://TENANT.nonemployee.com/api",
        label="Address of the API",
        where="The address at which you use NERM, with /api behind its host name",
        placeholder="https://example.nonemployee.com/api",
    )
    token_url: str | None = setting(
        default=None,
        help="Instead of api_token: https://TENANT.api.identitynow.com/oauth/token",
        label="Token URL",
        where="Your Identity Security Cloud tenant's name, in this address",
        placeholder="https://example.api.identitynow.com/oauth/token",
        group="Sign in with a personal access token",
    )
    client_id: str | None = setting(
        default=None,
        help="Client ID of a personal access token of a NERM administrator",
        where="Identity Security Cloud: Preferences > Personal Access Tokens, as its owner",
        group="Sign in with a personal access token",
    )
    client_secret: Secret | None = setting(
        default=None,
        help="Its client secret",
        where="Shown once, when the token is made",
        secret=True,
        group="Sign in with a personal access token",
    )
    api_token: Secret | None = setting(
        default=None,
        help="API key of the tenant, in place of a personal access token",
        label="API key",
        where="Admin > System > API",
        secret=True,
        group="Or with an API key",
    )
    people_profile_types: tuple[str, ...] = setting(
        default=(),
        help="Names, uids or ids of the profile types that are people; new ones get the first. Default: those of the "
        "category non-employee",
    )
    attributes: Mapping[str, str] = setting(
        label="Mapping of attributes",
        default={},
        help='SCIM path to attribute uid, such as enterprise.department = "department"',
        advanced=True,
    )
    delete_policy: Literal["terminate", "archive", "hard"] = setting(
        default="terminate",
        help="What a DELETE does: set the status Terminated, archive, or delete for good",
        advanced=True,
    )
    inactive_status: Literal["Inactive", "Terminated"] = setting(
        default="Inactive", help="The status that active = false gives", advanced=True
    )
    on_leave_is_active: bool = setting(default=False, help="Show people on leave as active", advanced=True)
    writable_name: Literal["auto", "yes", "no"] = setting(
        default="auto",
        help="Whether clients may write the profile's name; auto: where NERM does not make it of attributes",
        advanced=True,
    )
    native_text_match: TextMatch = setting(
        label="Comparison of text", default="unknown", help="How NERM compares text (unverified)", advanced=True
    )
    advanced_search: bool = setting(
        default=True, help="Narrow by advanced search where that loses nobody", advanced=True
    )
    list_order: Literal["created_at", "name", ""] = setting(
        default="created_at",
        help="What lists are ordered by, so that pages fit each other; empty: what NERM gives",
        advanced=True,
    )
    page_size: int = setting(
        default=users.LARGEST_PAGE,
        help="Profiles a request may ask for, at most 500; fewer where profiles are wide and NERM times out",
        advanced=True,
    )


def _endpoint(settings: Settings, clock: Clock) -> Endpoint:
    sign_in: Bearer | ClientCredentials
    if settings.token_url and settings.client_id and settings.client_secret:
        sign_in = ClientCredentials(
            settings.token_url, settings.client_id, settings.client_secret, method="client_secret_post", clock=clock
        )
    else:
        sign_in = Bearer(settings.api_token or Secret(""))
    return Endpoint(settings.base_url.rstrip("/"), sign_in, ClientOptions(timeout_seconds=TIMEOUT_SECONDS))


async def _discover(settings: Settings, send: Send) -> facts.Facts:
    return await facts.discover(settings, send)


def _collections(settings: Settings, discovered: Any) -> Sequence[Collection]:
    known = discovered if isinstance(discovered, facts.Facts) else facts.assumed(settings)
    return [users.collection(settings, known), roles.groups(), roles.roles()]


def _check(settings: Settings) -> tuple[str, str] | None:
    pat = (settings.token_url, settings.client_id, settings.client_secret)
    if settings.api_token is not None and any(pat):
        return "api_token", "goes without token_url, client_id and client_secret: it is one way to sign in or the other"
    if settings.api_token is None and not all(pat):
        return "api_token", "is needed, or token_url, client_id and client_secret"
    if not 1 <= settings.page_size <= users.LARGEST_PAGE:
        return "page_size", f"takes 1 to {users.LARGEST_PAGE}"
    try:
        fields.attribute_map(settings, facts.assumed(settings))
    except MappingError as error:
        return "attributes", str(error)
    return None


def _simulation(people: int) -> Simulation:
    from scim_bridge.providers.sailpoint_nerm.sandbox import PREFIX, Sandbox

    sandbox = Sandbox(users=people, composes_names=False)
    mapping = {
        "userName": "login_name",
        "externalId": "external_id",
        'addresses[type eq "work"].locality': "city",
        f"{fields.URN}:notes": "notes",
        f"{fields.URN}:sponsor": "sponsor",
    }

    def settings(origin: str) -> dict[str, Any]:
        return {
            **sandbox.settings,
            "base_url": f"{origin}{PREFIX}",
            "attributes": mapping,
            "delete_policy": "archive",  # who was terminated keeps others from using the same address
        }

    return Simulation(sandbox.app, settings)


PROVIDER = Provider(
    name="sailpoint-nerm",
    title="SailPoint NERM",
    guide=(
        "Make a personal access token in Identity Security Cloud, as a user who is an administrator of NERM: others "
        "may not use its API. Tenants created after June 2025 take no other way to sign in.",
        "Such a token lasts six months at most, and calls obey the network rules that Identity Security Cloud has for "
        "its owner.",
        "An older tenant may give an API key instead.",
        "Copy the client secret at once: it is shown once.",
    ),
    settings=Settings,
    endpoint=_endpoint,
    collections=_collections,
    discover=_discover,
    classify=classify,
    check=_check,
    remembers=lambda settings: ("User",) if settings.delete_policy == "terminate" else (),
    simulation=_simulation,
)
