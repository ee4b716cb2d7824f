"""Servers to measure against, as ASGI applications: the ceilings of the framework, and scim2-server with people in it.

Started as ``python -m tests.bench.apps NAME PORT PEOPLE``.
"""

import os
import sqlite3
import sys
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import httpx
import orjson
import uvicorn
from scim2_models import ScimProvider
from scim2_server.applications.asgi import ASGIApplication
from scim2_server.cursor import Cursors
from scim2_server.memory import AsyncInMemoryStorage, InMemoryStorage
from scim2_server.service import ScimService
from scim2_server.utils import load_default_provider
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scim_bridge.app import SERVER_OPTIONS, create_app, server_options, steady_memory
from scim_bridge.config import ServerConfig, load
from scim_bridge.connections import Connection, provider_by_name
from scim_bridge.logs import configure
from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.registry import Registry
from scim_bridge.store.opening import open_database
from scim_bridge.upstream.transport import AiohttpTransport
from tests.bench.people import GROUPS, group, user
from tests.bench.upstream import InProcess

JSON = "application/scim+json"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


def ceiling(people: int) -> Any:
    """The framework alone: one user's bytes, the bytes of a list of 100, and 100 documents from SQLite, joined."""
    one = orjson.dumps(user(1))
    rows = [orjson.dumps(user(number)) for number in range(100)]
    head = b'{"schemas":["%b"],"totalResults":%d,"itemsPerPage":100,"startIndex":1,"Resources":[' % (
        LIST.encode(),
        people,
    )
    hundred = head + b",".join(rows) + b"]}"
    database = sqlite3.connect(f"{mkdtemp()}/documents.db")
    database.execute("CREATE TABLE documents (seq INTEGER PRIMARY KEY, document BLOB NOT NULL)")
    database.executemany("INSERT INTO documents VALUES (?, ?)", enumerate(rows))
    database.commit()

    async def get_one(request: Request) -> Response:
        return Response(one, media_type=JSON)

    async def get_list(request: Request) -> Response:
        return Response(hundred, media_type=JSON)

    async def get_joined(request: Request) -> Response:
        found = database.execute("SELECT document FROM documents ORDER BY seq LIMIT 100").fetchall()
        return Response(head + b",".join([each[0] for each in found]) + b"]}", media_type=JSON)

    return Starlette(routes=[Route("/one", get_one), Route("/list", get_list), Route("/joined", get_joined)])


def scim2_server(people: int) -> Any:
    """scim2-server in memory."""
    provider: ScimProvider = load_default_provider()
    storage = InMemoryStorage()
    user_type, group_type = provider.resource_types
    ids = [storage.create(user_type, _model(provider, user_type, user(number))).id for number in range(people)]
    for number in range(GROUPS):
        made = group(number, 0)
        made["members"] = [{"value": each, "type": "User"} for each in ids[number::GROUPS]]
        storage.create(group_type, _model(provider, group_type, made))
    return ASGIApplication(AsyncInMemoryStorage(storage), provider, ScimService(provider, secret="t"))


def _model(provider: ScimProvider, resource_type: Any, values: dict[str, Any]) -> Any:
    model = provider.model_for(resource_type)
    assert model is not None
    return model.model_validate({name: value for name, value in values.items() if name not in ("id", "meta")})


def pingone(people: int) -> Any:
    """The simulated PingOne."""
    return Sandbox(users=people).app


def bare(people: int) -> Any:
    """An endpoint of the framework that makes one upstream call with our client, and answers with fixed bytes."""
    config = load(Path(os.environ["CONFIG"]), provider_by_name)
    connection = Connection(config.connections["acme"], Cursors(b"s" * 32))
    body = orjson.dumps(user(1))

    async def get(request: Request) -> Response:
        path = f"/users/{request.path_params['id']}"
        await connection.client.send("GET", path, params={"include": "memberOfGroupIDs"})
        return Response(body, media_type=JSON)

    async def ready(request: Request) -> Response:
        return Response(b"")

    return Starlette(routes=[Route("/", ready), Route("/{id}", get)])


def mirror(people: int) -> Any:
    """The bridge in the mode mirror as `scim-bridge serve` runs it, save that its upstream is in the same process."""
    log = configure()
    config = load(Path(os.environ["CONFIG"]), provider_by_name)
    upstream = InProcess(people, AiohttpTransport(httpx.create_ssl_context(), max_connections=4))
    database = open_database(config.server.database)
    connection = Connection(config.connections["acme"], Cursors(b"s" * 32), transport=upstream, database=database)
    return create_app(Registry({"acme": connection}), log=log)


APPS = {"mirror": mirror, "bare": bare, "pingone": pingone, "ceiling": ceiling, "scim2-server": scim2_server}

if __name__ == "__main__":
    name, port, people = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    steady_memory()
    # As anybody runs an application, but for ours, which is run as it is.
    options = server_options(ServerConfig()) if name == "mirror" else {**SERVER_OPTIONS, "http": "httptools"}
    uvicorn.run(APPS[name](people), port=port, loop="uvloop", **options)
