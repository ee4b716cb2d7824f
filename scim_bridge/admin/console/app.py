"""All pages of the console."""

from collections.abc import Callable, Sequence

from starlette.responses import Response
from starlette.routing import BaseRoute

from scim_bridge.admin.console.connection import ConnectionPages
from scim_bridge.admin.console.directory import DirectoryPages
from scim_bridge.admin.console.editing import EditingPages
from scim_bridge.admin.console.frame import Console, Told, Visit
from scim_bridge.admin.console.history import HistoryPages
from scim_bridge.admin.console.linking import LinkingPages
from scim_bridge.admin.console.overview import Overview
from scim_bridge.admin.console.providers import ProviderPages
from scim_bridge.admin.console.signing import Signing
from scim_bridge.admin.service import Administration
from scim_bridge.metrics import Metrics


def console_routes(
    administration: Administration, metrics: Metrics, log: Told, provider_names: Callable[[], Sequence[str]]
) -> list[BaseRoute]:
    """What is served below ``/console``; ``log`` is told of each request, ``provider_names`` are those installed."""
    console = Console(administration, metrics, log, provider_names)
    pages = (
        Signing,
        Overview,
        ConnectionPages,
        DirectoryPages,
        EditingPages,
        HistoryPages,
        LinkingPages,
        ProviderPages,
    )
    elsewhere = console.route("/console/{rest:path}", _nothing, "GET", "POST")
    return [*(route for each in pages for route in each(console).routes), elsewhere]


async def _nothing(visit: Visit) -> Response:
    return visit.message(404, "There is no such page", "Its address may be mistyped, or what it was about is gone.")
