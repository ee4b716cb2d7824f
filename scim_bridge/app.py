"""The bridge as one ASGI application: the SCIM endpoints of every connection, and health."""

import asyncio
import base64
import ctypes
import gc
import logging
import os
import secrets
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, cast

from scim2_server.cursor import Cursors
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.config import STARTUP_FAILURE

from scim_bridge.auditing import Auditor, audit_keys
from scim_bridge.config import Config, ConnectionConfig, load
from scim_bridge.config_tables import ConfigError
from scim_bridge.conformance.openapi import derived
from scim_bridge.connections import Connection, needs_database, open_early, provider_by_name
from scim_bridge.logs import Level, RequestLog, configure, log_crashes
from scim_bridge.operations import Operations
from scim_bridge.protocol.endpoint import ScimEndpoint
from scim_bridge.serving import Http
from scim_bridge.sharing.node import Sharing
from scim_bridge.store.database import Database, DatabaseUnavailable
from scim_bridge.store.opening import is_shared, open_database
from scim_bridge.upstream.redact import Secret
from scim_bridge.workers import FOLDER_VARIABLE

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
CONFIG_VARIABLE: Final = "SCIM_BRIDGE_CONFIG"
CURSOR_VARIABLE: Final = "SCIM_BRIDGE_CURSOR_SECRET"
LEVEL_VARIABLE: Final = "SCIM_BRIDGE_LOG_LEVEL"
"""Set by `serve` for its workers: the file, a secret they share when the file names none, and `--log-level`."""
_log = logging.getLogger("scim_bridge.app")

SERVER_OPTIONS: Final[Mapping[str, Any]] = {
    "http": Http,
    "log_config": None,
    "access_log": False,
    "server_header": False,
    # Longer than proxies keep theirs (60 s): or they would send a request into a connection that is just being closed.
    "timeout_keep_alive": 75,
    # Who sits in front is told by `public_url`; headers that anybody can send shape no location (RFC 7644 section 7.2).
    "proxy_headers": False,
}


def cursor_secret(config: Config) -> bytes:
    """What seals cursors: the configured key, else one that lasts as long as this program runs."""
    if config.server.encryption_key is not None:
        return base64.b64decode(config.server.encryption_key.reveal())
    return os.environ.get(CURSOR_VARIABLE, "").encode() or secrets.token_bytes(32)


def open_connections(config: Config, audit: Auditor | None = None, *, share: bool = True) -> dict[str, Connection]:
    """The connections of a configuration, not yet signed in. What ``audit`` has is their database, too.

    ``share``: with the other nodes, where the database serves several. Raises ConfigError where settings name no usable
    address, certificate or proxy, or attributes that are not there.
    """
    key = cursor_secret(config)
    shared = share and is_shared(config.server.database)
    needed = shared or any(map(needs_database, config.connections.values()))
    database = audit.database if audit is not None else _database(config) if needed else None
    sharing = Sharing(database, key) if shared and database is not None else None
    cursors = Cursors(key)
    return {name: _opened(each, cursors, database, sharing, audit) for name, each in config.connections.items()}


def open_audit(config: Config) -> Auditor | None:
    """The audit log of a configuration, unless it wants none. Raises ConfigError."""
    server = config.server
    if not server.audit:
        return None
    return Auditor(_database(config), audit_keys(server.encryption_key), redact=server.audit_redact)


def _database(config: Config) -> Database:
    try:
        return open_database(config.server.database)
    except DatabaseUnavailable as error:
        raise ConfigError(f"[server] database: {error}") from None


def _opened(
    config: ConnectionConfig,
    cursors: Cursors,
    database: Database | None,
    sharing: Sharing | None,
    audit: Auditor | None,
) -> Connection:
    try:
        connection = Connection(config, cursors, database=database, sharing=sharing, audit=audit)
        connection.offline()
    except ValueError as error:
        raise ConfigError(f"[connections.{config.name}.settings]: {error}") from None
    return connection


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
    routing and middleware would cost as much as many an answer."""

    scim: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/scim/"):
            await self.scim({**scope, "root_path": f"{scope.get('root_path', '')}/scim"}, receive, send)
        else:
            await super().__call__(scope, receive, send)


def open_bridge(config: Config, *, log: RequestLog | None = None, workers_folder: Path | None = None) -> Bridge:
    """The application of a configuration. Raises ConfigError."""
    audit, server = open_audit(config), config.server
    return create_app(
        open_connections(config, audit),
        public_url=server.public_url,
        log=log,
        metrics_token=server.metrics_token,
        workers_folder=workers_folder,
        audit=audit,
        audit_days=server.audit_days,
    )


def create_app(
    connections: Mapping[str, Connection],
    *,
    public_url: str | None = None,
    log: RequestLog | None = None,
    metrics_token: Secret | None = None,
    workers_folder: Path | None = None,
    audit: Auditor | None = None,
    audit_days: int = 0,
) -> Bridge:
    """The application over open connections; it closes them when it ends. ``log`` tells of requests.

    ``audit_days``: how long ``audit`` keeps entries; 0: for ever.
    ``metrics_token``: who may read `/metrics`; None: everybody. ``workers_folder``: shared with the other workers.
    """
    database = next((each.database for each in connections.values() if each.database is not None), None)
    operations = Operations(connections, database, token=metrics_token, folder=workers_folder)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        # Not waited for: an upstream that is slow or down must not keep the others, or /healthz, from answering.
        settle_memory()
        tasks = [asyncio.create_task(operations.opening(open_early(list(connections.values()))))]
        tasks += [asyncio.create_task(each.keep_mirror()) for each in connections.values() if each.is_mirror]
        tasks += [asyncio.create_task(each) for each in operations.tasks()]
        if audit is not None and audit_days:
            tasks.append(asyncio.create_task(audit.keep_pruned(audit_days)))
        yield
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await close(list(connections.values()), audit)

    app = Bridge(routes=operations.routes, lifespan=lifespan)
    app.scim = ScimEndpoint(
        connections, derived, operations.telling(log or RequestLog()), public_url=public_url, audit=audit
    )
    return app


async def close(connections: Sequence[Connection], audit: Auditor | None = None) -> None:
    for each in connections:
        await each.aclose()
    databases = {each.database for each in connections if each.database is not None}
    if audit is not None:
        await audit.aclose()
        databases.add(audit.database)
    for database in databases:
        await database.aclose()


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
