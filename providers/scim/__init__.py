"""Any SCIM 2.0 server as an upstream (RFC 7643, RFC 7644), brought up to exact filters, sorts, pages and PATCH.

What it offers is what its discovery says: resource types, schemas, whether it filters and patches. What discovery
leaves open and a wrong guess would turn into missing rows is tried once at start, on one of its own rows; the rest is
done by the bridge. Lists are sorted here, as few servers agree on where a missing value goes. Without PATCH, a record
is read, changed and put back whole. Not here yet: servers that page or filter wrongly and say nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Settings:
    """The ``[connections.NAME.settings]`` of a SCIM connection."""

    base_url: str = setting(help="The server's SCIM base URL, up to and including /v2")
    token: Secret | None = setting(default=None, secret=True, help="Bearer token; or username and password")
    username: str | None = setting(default=None, help="User name for HTTP Basic authentication")
    password: Secret | None = setting(default=None, secret=True, help="Password for HTTP Basic authentication")
    ca_bundle: str | None = setting(default=None, help="PEM file of the only certificate authorities trusted")
    client_cert: str | None = setting(default=None, help="PEM file with a client certificate and its key")
    proxy: Secret | None = setting(
        default=None, secret=True, help="Proxy URL, as http://user:password@host:port: it may hold a password"
    )
    timeout_seconds: float = setting(default=30.0, help="Silence on the connection that ends an attempt")
    native_text_match: TextMatch = setting(
        default="unknown", help="How the server compares text in filters; unknown: proven on one of its rows at start"
    )
    attributes: Mapping[str, str] = setting(
        default={}, help='SCIM path to the server\'s own path, such as enterprise.department = "urn:example:User:dept"'
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
    return await discovered(send, prove_text=settings.native_text_match == "unknown")


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
    settings=Settings,
    endpoint=_endpoint,
    collections=_collections,
    discover=_discover,
    classify=classify,
    check=_check,
    simulation=_simulation,
)
