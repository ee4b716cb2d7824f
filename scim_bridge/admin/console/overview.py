"""The start of the console: all connections, and how they are doing."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from scim_bridge.admin.console.frame import Console, Visit
from scim_bridge.admin.console.health import Health, health
from scim_bridge.admin.service.connections import ConnectionView
from scim_bridge.admin.service.desk import AdminError
from scim_bridge.mirror.standing import Standing

MAX_TROUBLES: Final = 10
MOST: Final = 200
"""Connections that one page lists; of more, one searches."""


class Overview:
    """The page of all connections."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.routes: list[Route] = [console.route(path, self._shown) for path in ("/console", "/console/")]

    async def _shown(self, visit: Visit) -> Response:
        views = await self._console.administration.connections.all()
        wanted = visit.asked("find").strip().lower()
        matching = [each for each in views if wanted in f"{each.name} {each.label} {each.provider}".lower()]
        found = await all_health(self._console, matching[:MOST])
        troubles = [(each, trouble) for each in found for trouble in each.troubles]
        troubles.sort(key=lambda each: each[1].at, reverse=True)
        return visit.page(
            "overview.html",
            section="connections",
            found=found,
            wanted=visit.asked("find").strip(),
            matching=len(matching),
            total=len(views),
            troubles=troubles[:MAX_TROUBLES],
        )


async def all_health(console: Console, views: Sequence[ConnectionView]) -> list[Health]:
    """How connections are doing; mirrors are looked up at the same time."""
    standings = await asyncio.gather(*(_standing(console, each) for each in views))
    answered = console.metrics.answered()
    return [of_view(console, view, each, answered) for view, each in zip(views, standings, strict=True)]


def of_view(
    console: Console, view: ConnectionView, standing: Sequence[Standing], counted: Mapping[str, Counter[int]]
) -> Health:
    """How one connection is doing, with what is known of its mirror, and what was ``counted`` of all connections."""
    desk = console.administration.desk
    answered = counted.get(view.name, Counter())
    return health(
        view, desk.registry.entries[view.name], title_of(console, view.provider), answered, standing, desk.wall()
    )


async def _standing(console: Console, view: ConnectionView) -> Sequence[Standing]:
    """How a mirror stands; nothing where the database does not tell now, which its own page says."""
    if view.mode != "mirror":
        return ()
    try:
        return await console.administration.mirrors.standing(view.name)
    except AdminError:
        return ()


def title_of(console: Console, provider: str) -> str:
    """A provider's title; its name where it is not installed any more."""
    try:
        return console.administration.desk.providers(provider).title
    except LookupError:
        return provider
