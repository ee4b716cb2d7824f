"""The bridge as one ASGI application: the SCIM endpoints of every connection, and health."""

import asyncio
import ctypes
import gc
import logging
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

import httpx
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.config import STARTUP_FAILURE

from scim_bridge.admin.app import administration, routes
from scim_bridge.admin.proxy import Proxy
from scim_bridge.admin.service import Administration
from scim_bridge.auditing import Auditor
from scim_bridge.config import Config, ServerConfig, load
from scim_bridge.config_tables import ConfigError
from scim_bridge.conformance.openapi import derived
from scim_bridge.connections import provider_by_name
from scim_bridge.logs import Level, RequestLog, configure, log_crashes
from scim_bridge.metrics import Metrics
from scim_bridge.opening import foundation, open_audit, opened_database, vault
from scim_bridge.operations import Operations
from scim_bridge.protocol.endpoint import ScimEndpoint
from scim_bridge.registry import Registry
from scim_bridge.serving import Http
from scim_bridge.store.database import Database
from scim_bridge.stored import Stored
from scim_bridge.upstream.redact import Secret
from scim_bridge.workers import FOLDER_VARIABLE

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
CONFIG_VARIABLE: Final = "SCIM_BRIDGE_CONFIG"
LEVEL_VARIABLE: Final = "SCIM_BRIDGE_LOG_LEVEL"
"""Set by `serve` for its workers: the file, and `--log-level`."""
_log = logging.getLogger("scim_bridge.app")

SERVER_OPTIONS: Final[Mapping[str, Any]] = {
    "http": Http,
    "log_config": None,
    "access_log": False,
    "server_header": False,
    # Longer than proxies keep theirs (60 s): or they would send a request into a connection that is just being closed.
    "timeout_keep_alive": 75,
}


def server_options(server: ServerConfig) -> dict[str, Any]:
    """How the HTTP server is to run. Headers that anybody can send say nothing of who asks, nor where: only those of
    proxies that are trusted do (RFC 7644 section 7.2)."""
    trusted = list(server.trusted_proxies)
    return {**SERVER_OPTIONS, "proxy_headers": bool(trusted), "forwarded_allow_ips": trusted}


def steady_memory() -> None:
    """Keep glibc from giving large blocks back to the system at once: a body of 150 kB, which is beyond its threshold,
    would be mapped anew for each answer. Elsewhere it does nothing."""
    try:
        mallopt = ctypes.CDLL("libc.so.6", use_errno=False).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_MMAP_THRESHOLD, 64 * 1024 * 1024)
    mallopt(_M_TRIM_THRESHOLD, 128 * 1024 * 1024)


def settle_memory() -> None:
    """Spare the garbage collector what was loaded, which stays, and let it look less often at what comes and goes.

    Nearly all of a request is freed without it. With a threshold of 700 objects it took a tenth of each.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


class Bridge(Starlette):
    """The application. What is below ``/scim/`` goes straight to its endpoint, which answers every failure itself:
    routing and middleware would cost as much as many an answer. So does ``/proxy/``, whose paths are not to be
    decoded."""

    scim: ASGIApp
    proxy: ASGIApp
    metrics: Metrics
    administration: Administration | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/scim/"):
            scope["root_path"] = f"{scope.get('root_path', '')}/scim"
            await self.scim(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith("/proxy/"):
            scope["root_path"] = f"{scope.get('root_path', '')}/proxy"
            await self.proxy(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def open_bridge(
    config: Config,
    *,
    log: RequestLog | None = None,
    workers_folder: Path | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Bridge:
    """The application of a configuration; ``transport`` replaces the network in tests. Raises ConfigError."""
    server = config.server
    database = opened_database(server)
    audit = open_audit(server, database)
    base = replace(foundation(config, audit, database=database), transport=transport)
    own = {name: base.opened(each) for name, each in config.connections.items()}
    stored = Stored(database, vault(server), base.opened, provider_by_name)
    registry = Registry(own, stored)
    app = create_app(
        registry,
        database=database,
        public_url=server.public_url,
        log=log,
        metrics_token=server.metrics_token,
        workers_folder=workers_folder,
        audit=audit,
        audit_days=server.audit_days,
    )
    app.administration = administration(server, registry, stored, base, audit)
    if app.administration is not None:
        app.router.routes.extend(routes(app.administration, app.metrics, log or RequestLog()))
    return app


def create_app(
    registry: Registry,
    *,
    database: Database | None = None,
    public_url: str | None = None,
    log: RequestLog | None = None,
    metrics_token: Secret | None = None,
    workers_folder: Path | None = None,
    audit: Auditor | None = None,
    audit_days: int = 0,
) -> Bridge:
    """The application over connections; it closes them when it ends, and the database. ``log`` tells of requests.

    ``audit_days``: how long ``audit`` keeps entries; 0: for ever.
    ``metrics_token``: who may read `/metrics`; None: everybody. ``workers_folder``: shared with the other workers.
    """
    operations = Operations(
        registry.connections, database, token=metrics_token, folder=workers_folder, names=registry.served
    )

    @asynccontextmanager
    async def lifespan(app: Bridge) -> AsyncIterator[None]:
        settle_memory()
        registry.start()
        await registry.known()
        # Upstreams are not waited for: one that is slow or down must not keep the others, or /healthz, from answering.
        tasks = [asyncio.create_task(operations.opening(registry.tried))]
        tasks += [asyncio.create_task(each) for each in operations.tasks()]
        if audit is not None and audit_days:
            tasks.append(asyncio.create_task(audit.keep_pruned(audit_days)))
        yield
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if app.administration is not None:
            await app.administration.mirrors.aclose()
        await registry.aclose()
        await close(audit, database)

    app = Bridge(routes=operations.routes, lifespan=lifespan)
    app.metrics = operations.metrics
    app.router.redirect_slashes = False  # it would lead to whatever host the request names
    told = operations.telling(log or RequestLog())
    app.scim = ScimEndpoint(
        registry.served, derived, told, public_url=public_url, audit=audit, missing=registry.missing
    )
    app.proxy = Proxy(registry, audit, told, public_url=public_url)
    return app


async def close(audit: Auditor | None, database: Database | None) -> None:
    """Close the database, with what the audit log has still to write in it."""
    if audit is not None:
        await audit.aclose()
    for each in {audit.database if audit is not None else None, database} - {None}:
        assert each is not None
        await each.aclose()


def from_environment() -> Bridge:
    """The application of a worker process of `serve`. One that cannot be made ends the whole program, not only the
    worker, or it would be tried again and again."""
    log = configure(cast(Level, os.environ[LEVEL_VARIABLE]))
    log_crashes()
    try:
        return _worker(log)
    except ConfigError as error:
        _log.critical("cannot start", extra={"error": str(error)})
    except Exception:
        _log.critical("cannot start", exc_info=True)
    sys.exit(STARTUP_FAILURE)


def _worker(log: RequestLog) -> Bridge:
    steady_memory()
    config = load(Path(os.environ[CONFIG_VARIABLE]), provider_by_name)
    folder = os.environ.get(FOLDER_VARIABLE)
    return open_bridge(config, log=log, workers_folder=Path(folder) if folder else None)
