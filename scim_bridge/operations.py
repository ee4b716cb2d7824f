"""What those who run the bridge ask it: whether it lives, whether it is ready, and what it counted."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Container, Coroutine, Mapping
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from scim_bridge.clock import SYSTEM_CLOCK, Clock
from scim_bridge.exposition import MEDIA_TYPE, exposition
from scim_bridge.metrics import FAMILIES, Counted, Metrics, merged
from scim_bridge.protocol.auth import TokenCheck, granted
from scim_bridge.store.database import Database, DatabaseUnavailable, Sql
from scim_bridge.upstream.redact import Secret
from scim_bridge.workers import PUBLISH_SECONDS, Board

_log = logging.getLogger("scim_bridge.operations")
TRIED_SECONDS: Final = 10.0
"""How long an upstream that does not answer may keep a new node from being ready."""
DATABASE_SECONDS: Final = 3.0
"""How long the database may take to answer; probes give up after some seconds themselves."""
_FRESH: Final = {"Cache-Control": "no-store"}
Told = Callable[[Mapping[str, Any]], None]


class Operations:
    """`/healthz`, `/readyz` and `/metrics`.

    With a ``token``, `/metrics` is for those who bring it, and so are the names of connections at `/readyz`. ``folder``
    is shared with the other workers of the program. ``names`` are those of all connections, also of such as are not in
    use.
    """

    def __init__(
        self,
        connections: Mapping[str, Counted],
        database: Database | None,
        *,
        token: Secret | None = None,
        folder: Path | None = None,
        clock: Clock = SYSTEM_CLOCK,
        database_seconds: float = DATABASE_SECONDS,
        names: Container[str] = (),
    ) -> None:
        self._connections = connections
        self._database = database
        self._database_seconds = database_seconds
        self._token = TokenCheck(granted([token])) if token is not None else None
        self._board = Board(folder) if folder is not None else None
        self._clock = clock
        self._started = clock.now()
        self._tried = False
        self._asking: asyncio.Task[bool] | None = None
        self.metrics = Metrics(connections, names=names)
        self.routes = [
            Route("/healthz", self._alive),
            Route("/readyz", self._ready),
            Route("/metrics", self._metrics),
        ]

    def telling(self, log: Told) -> Told:
        """What is told of each request: counted, and then logged."""

        def tell(told: Mapping[str, Any]) -> None:
            self.metrics(told)
            log(told)

        return tell

    async def opening(self, attempt: Callable[[], Awaitable[None]]) -> None:
        """Wait for the first attempt at all connections, which makes the node ready, however it ends."""
        await attempt()
        self._tried = True

    def tasks(self) -> list[Coroutine[Any, Any, None]]:
        """What is to run as long as the application."""
        return [self._publish(self._board)] if self._board is not None else []

    async def _publish(self, board: Board) -> None:
        try:
            while True:
                self._publish_once(board)
                await self._clock.sleep(PUBLISH_SECONDS)
        finally:
            self._publish_once(board)  # or what was counted last would be lost when this worker is replaced

    def _publish_once(self, board: Board) -> None:
        try:
            board.publish(self.metrics.counters(), self.metrics.gauges())
        except OSError as error:
            _log.warning("other workers cannot be told what was counted", extra={"error": str(error)})

    # -- answers -------------------------------------------------------------------------------------------------------

    async def _alive(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"}, headers=_FRESH)

    async def _ready(self, request: Request) -> Response:
        """503 until the database answers and connections were tried. An upstream that is down does not count: this
        node would be taken out for it, and so would all others."""
        waiting = []
        if not self._tried and self._clock.now() - self._started < TRIED_SECONDS:
            waiting.append("first attempt at connections")
        if self._database is not None and not await self._database_answers(self._database):
            waiting.append("database")
        body: dict[str, Any] = {"status": "not ready" if waiting else "ready"}
        if waiting:
            body["waiting_for"] = waiting
        body["connections"] = self._states(self._allowed(request))
        return JSONResponse(body, 503 if waiting else 200, headers=_FRESH)

    def _states(self, named: bool) -> dict[str, Any]:
        states = {name: "open" if each.opened is not None else "not open" for name, each in self._connections.items()}
        return states if named else {each: list(states.values()).count(each) for each in ("open", "not open")}

    async def _database_answers(self, database: Database) -> bool:
        """Whether the database answers in time. However many ask, it is asked once."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(_answers(database))
        asking = self._asking  # another request may begin to ask anew before this one goes on
        done, _ = await asyncio.wait([asking], timeout=self._database_seconds)
        return bool(done) and asking.result()

    async def _metrics(self, request: Request) -> Response:
        if not self._allowed(request):
            headers = {**_FRESH, "WWW-Authenticate": 'Bearer realm="metrics"'}
            return Response("The metrics_token is needed.\n", 401, headers, "text/plain")
        counters, gauges = [self.metrics.counters()], [self.metrics.gauges()]
        if self._board is not None:
            others = self._board.others()
            counters, gauges = counters + others[0], gauges + others[1]
        samples = merged(counters, gauges) | await self.metrics.shared()
        return Response(exposition(FAMILIES, samples), headers=_FRESH, media_type=MEDIA_TYPE)

    def _allowed(self, request: Request) -> bool:
        return self._token is None or self._token.caller(request.headers.get("authorization")) is not None


async def _answers(database: Database) -> bool:
    try:
        await database.read(_one)
    except DatabaseUnavailable as error:
        _log.error("not ready", extra={"error": str(error)})
        return False
    return True


def _one(sql: Sql) -> None:
    sql.rows("SELECT 1")
