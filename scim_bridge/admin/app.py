"""The administration as a part of the application: what of it there is, and what it works with."""

from dataclasses import replace

from scim_bridge.admin.service import Administration
from scim_bridge.admin.service.desk import Desk
from scim_bridge.auditing import Auditor
from scim_bridge.config import ServerConfig
from scim_bridge.connections import provider_by_name
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
