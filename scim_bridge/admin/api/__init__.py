"""`/api/v1`: what operators can do, for programs; `/openapi.json` describes it, made of the same declarations."""

from functools import cache
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from scim_bridge.admin.api import audit, clients, connections, providers, standing
from scim_bridge.admin.api.endpoint import Api, Log, encoded
from scim_bridge.admin.api.openapi import described
from scim_bridge.admin.api.operation import JSON
from scim_bridge.admin.service import Administration

OPERATIONS: Final = (
    *connections.OPERATIONS,
    *clients.OPERATIONS,
    *standing.OPERATIONS,
    *audit.OPERATIONS,
    *providers.OPERATIONS,
)


def routes(administration: Administration, log: Log) -> list[BaseRoute]:
    """What is served; ``log`` is told of each request to the API."""
    api = Api(administration, OPERATIONS, log, administration.desk.clock)
    return [api, Route("/openapi.json", _description)]


async def _description(request: Request) -> Response:
    """Open to all: it is the same wherever this version runs, and tools that read it bring no token."""
    return Response(_document(), media_type=JSON, headers={"Cache-Control": "no-cache"})


@cache
def _document() -> bytes:
    return encoded(described(OPERATIONS))
