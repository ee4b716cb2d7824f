"""The administration as a part of the application: what of it there is, and what it works with."""

from dataclasses import replace

from starlette.routing import BaseRoute

from scim_bridge.admin import api
from scim_bridge.admin.assets import STATIC_ROUTE
from scim_bridge.admin.console.app import console_routes
from scim_bridge.admin.link import Link, Log
from scim_bridge.admin.link_pages import LinkPages
from scim_bridge.admin.service import Administration
from scim_bridge.admin.service.desk import Desk
from scim_bridge.auditing import Auditor
from scim_bridge.config import ServerConfig
from scim_bridge.connections import provider_by_name, provider_names
from scim_bridge.metrics import Metrics
from scim_bridge.opening import Foundation
from scim_bridge.registry import Registry
from scim_bridge.stored import Stored


def administration(
    server: ServerConfig, registry: Registry, stored: Stored, base: Foundation, audit: Auditor | None
) -> Administration | None:
    """The administration of a bridge; None where nobody may administer it."""
    if not server.admin_tokens:
        return None
    # What is tried serves nobody: it takes no part in what nodes share, and keeps nothing.
    trial = replace(base, sharing=None, database=None)
    desk = Desk(registry, stored, trial.opened, provider_by_name, server, audit)
    return Administration.over(desk)


def routes(administration: Administration, metrics: Metrics, log: Log) -> list[BaseRoute]:
    """What is served of an administration, from the root of the application; ``log`` is told of each request."""
    console = console_routes(administration, metrics, log, provider_names)
    return [STATIC_ROUTE, *_link(administration, log).routes, *console, *api.routes(administration, log)]


def _link(administration: Administration, log: Log) -> Link:
    desk = administration.desk
    pages = LinkPages(
        desk.providers, provider_names, origins=desk.server.link_origins, public_url=desk.server.public_url
    )
    return Link(administration.links, administration.connections, desk.providers, pages, log, clock=desk.clock)
