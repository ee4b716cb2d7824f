"""Any SCIM 2.0 server as an upstream (RFC 7643, RFC 7644), brought up to exact filters, sorts, pages and PATCH.

What it offers is what its discovery says: resource types, schemas, features. What it is trusted with is less: only
what it announces *and* was seen to do right, on its own first rows, at start and again every ``discovery_seconds``.
That goes for each filter, for `and` and `or`, for totals, for what startIndex means, for PATCH. The rest is done by the
bridge: filters are checked and rows counted here, lists are walked to an end that is proven, a record is read, changed
and put back whole. Lists are sorted here in any case, as few servers agree on where a missing value goes.

What a user is a member of comes from the groups where the user's own record does not say it; members are told what they
are; who is deleted is taken out of the groups it was in, where these can be found by a proven filter or in the list of
groups (else, or beyond the limits of reading, that is left to the server, and the log says so). `members.type` and
`members.display` are filtered by what the server itself holds.

What cannot be read exactly is refused: lists that come in another order each time and do not fit on one page; lists
that do not page at all and do not state a total that is theirs; pages that repeat rows. What cannot be made up for: a
PUT that drops a password, which nobody can read and send back; a record that the server itself cuts short.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scim_bridge.clock import Clock
from scim_bridge.providers.scim.collection import Builder
from scim_bridge.providers.scim.discovery import Discovered, discovered
from scim_bridge.providers.scim.errors import classify
from scim_bridge.query.capabilities import Collection, TextMatch
from scim_bridge.query.pages import Send
from scim_bridge.query.provider import Endpoint, Provider, Simulation
from scim_bridge.settings import setting
from scim_bridge.upstream.address import base_address
from scim_bridge.upstream.auth import Basic, Bearer
from scim_bridge.upstream.client import ClientOptions
from scim_bridge.upstream.redact import Secret

SOON_SECONDS: Final = 60.0
"""When to look again at a server that had too few rows to prove anything on, or looked odd."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The ``[connections.NAME.settings]`` of a SCIM connection."""

    base_url: str = setting(
        help="The server's SCIM base URL, up to and including /v2",
        label="SCIM base URL",
        placeholder="https://scim.example.com/v2",
    )
    token: Secret | None = setting(
        default=None,
        secret=True,
        help="Bearer token; or username and password",
        group="Sign in with a token",
    )
    username: str | None = setting(
        default=None,
        help="User name for HTTP Basic authentication",
        label="User name",
        group="Or with a user name",
    )
    password: Secret | None = setting(
        default=None, secret=True, help="Password for HTTP Basic authentication", group="Or with a user name"
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
    timeout_seconds: float = setting(default=30.0, help="Silence on the connection that ends an attempt", advanced=True)
    native_text_match: TextMatch = setting(
        label="Comparison of text",
        default="unknown",
        help="How the server compares text in filters; unknown: as it is seen to on its rows",
        advanced=True,
    )
    discovery_seconds: float = setting(
        default=900.0,
        help="How often the server's discovery is read again, and what it does is tried; 0: at start only",
        advanced=True,
    )
    attributes: Mapping[str, str] = setting(
        label="Mapping of attributes",
        default={},
        help='SCIM path to the server\'s own path, such as enterprise.department = "urn:example:User:dept"',
        advanced=True,
    )


def _check(settings: Settings) -> tuple[str, str] | None:
    try:
        base_address(settings.base_url)
    except ValueError as error:
        return "base_url", str(error)
    if (settings.username is None) != (settings.password is None):
        return "password" if settings.password is None else "username", "username and password go together"
    if (settings.token is None) == (settings.username is None):
        return "token", "give a token, or username and password"
    if settings.discovery_seconds < 0:
        return "discovery_seconds", "is a number of seconds, or 0 for never"
    return None


def _endpoint(settings: Settings, clock: Clock) -> Endpoint:
    options = ClientOptions(
        timeout_seconds=settings.timeout_seconds,
        ca_bundle=settings.ca_bundle,
        client_cert=settings.client_cert,
        proxy=settings.proxy.reveal() if settings.proxy is not None else None,
        headers={"Accept": "application/scim+json, application/json"},
    )
    if settings.username is not None and settings.password is not None:
        return Endpoint(settings.base_url, Basic(settings.username, settings.password), options)
    return Endpoint(settings.base_url, Bearer(settings.token or Secret("")), options)


async def _discover(settings: Settings, send: Send) -> Discovered:
    return await discovered(send)


def _refresh(settings: Settings, found: Any) -> float:
    enough = isinstance(found, Discovered) and found.enough
    return settings.discovery_seconds if enough else min(settings.discovery_seconds, SOON_SECONDS)


def _supersedes(old: Any, new: Any) -> bool:
    """A look that was cut short does not undo what one that was not has proven."""
    return not isinstance(new, Discovered) or new.complete or not (isinstance(old, Discovered) and old.complete)


def _collections(settings: Settings, found: Any) -> Sequence[Collection]:
    facts = found if isinstance(found, Discovered) else Discovered()
    builder = Builder(settings, facts)
    return [builder.collection(each) for each in facts.types]


def _simulation(people: int) -> Simulation:
    from scim_bridge.providers.scim.sandbox import TOKEN, Sandbox

    return Simulation(Sandbox(people), lambda origin: {"base_url": f"{origin}/v2", "token": TOKEN})


PROVIDER = Provider(
    name="scim",
    title="SCIM 2.0 server",
    guide=(
        "On the server, make a bearer token for the bridge, or a user for HTTP Basic authentication.",
        "It has to be allowed to read discovery, users and groups, and to write them where clients are to write.",
    ),
    settings=Settings,
    endpoint=_endpoint,
    collections=_collections,
    discover=_discover,
    refresh=_refresh,
    supersedes=_supersedes,
    classify=classify,
    check=_check,
    simulation=_simulation,
)
