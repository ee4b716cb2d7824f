"""A simulated NERM tenant as an ASGI app, strict where the vendor is strict.

Written from the vendor's pages and API description, and from what live clients report, not from this project's client.
What they leave open is a knob (`Knobs`). Parameters that no page names are refused, though the real one may ignore
them. Not simulated: workflow sessions, delegations, managers, owners and contributors as records, saved searches,
uploads, `/isc/accounts`, identity proofing, writing of types, attributes and roles.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scim_bridge.clock import SYSTEM_CLOCK, Clock
from scim_bridge.providers.sailpoint_nerm.sandbox_people import START, ZONE, new_id, new_uid, populate
from scim_bridge.providers.sailpoint_nerm.sandbox_routes import Routes
from scim_bridge.providers.sailpoint_nerm.sandbox_store import Store
from scim_bridge.providers.sailpoint_nerm.sandbox_tenant import Knobs, Tenant, Waiting
from scim_bridge.providers.sailpoint_nerm.sandbox_tokens import Tokens
from scim_bridge.providers.sailpoint_nerm.sandbox_wire import Inbound, Refusal, bad_json, unbracketed

MAX_CALLS: Final = 100_000
"""Requests that are remembered; a demo runs for long."""
PREFIX: Final = "/api"
TOKEN_PATH: Final = "/oauth/token"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request as it arrived: ``path`` is what follows the prefix."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(slots=True)
class Log:
    """What arrived: requests to the API, and sign-ins at the token endpoint."""

    calls: list[Recorded] = field(default_factory=list)
    sign_ins: int = 0

    def clear(self) -> None:
        self.calls.clear()
        self.sign_ins = 0


class Sandbox:
    """One tenant with seeded people. ``app`` serves it; ``settings`` are those of a connection to it.

    ``store`` is what it holds, for tests that prepare or check it behind the API's back.
    """

    def __init__(
        self, *, users: int = 500, seed: int = 1, composes_names: bool = True, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._random = Random(seed)
        self._clock = clock
        self._started = clock.now()
        self._changes = 0
        self.api_key = f"nerm-{self._random.getrandbits(128):032x}"
        self.client_id = f"{self._random.getrandbits(128):032x}"
        self.client_secret = f"sandbox-{self._random.getrandbits(256):064x}"
        self.knobs = Knobs()
        self.store = Store(ZONE)
        self.log = Log()
        self._tokens = Tokens(self.api_key, self.client_id, self.client_secret, self._random, clock)
        self._waiting: list[Waiting] = []
        self._second, self._count = 0, 0
        populate(self.store, self._random, users, composes_names=composes_names)
        tenant = Tenant(self.store, self.knobs, self.now, lambda: new_id(self._random), lambda: new_uid(self._random))
        self._routes = Routes.of(tenant)
        methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        self.app: Any = Starlette(
            routes=[
                Route(TOKEN_PATH, self._token, methods=["POST"]),
                Route("/{path:path}", self._answer, methods=methods),
            ]
        )

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of a connection by API key, without the address."""
        return {"api_token": self.api_key}

    @property
    def token_settings(self) -> dict[str, Any]:
        """The settings of a connection by PAT, without the addresses."""
        return {"client_id": self.client_id, "client_secret": self.client_secret}

    @property
    def calls(self) -> list[Recorded]:
        """The requests to the API so far, sign-ins apart."""
        return self.log.calls

    def now(self) -> datetime:
        """The simulation's present: it starts at a fixed date, goes with the clock, and each look is a moment later."""
        self._changes += 1
        passed = self._clock.now() - self._started
        return START + timedelta(seconds=passed, milliseconds=self._changes)

    # -- faults -----------------------------------------------------------------------------------------------------

    def fail(self, request: str, status: int = 500, error: str = "Sorry something went wrong", times: int = 1) -> None:
        """Refuse the next requests whose "METHOD /path" matches a pattern entirely."""
        self._waiting.append(Waiting(re.compile(request), Refusal(status, error), times))

    def answer(self, request: str, body: dict[str, Any]) -> None:
        """Answer the next request that matches with this, and do nothing."""
        refusal = Refusal(200, "")
        refusal.body = body
        self._waiting.append(Waiting(re.compile(request), refusal, 1))

    def limit(self, times: int, retry_after: str = "1") -> None:
        """Answer the next requests with 429."""
        refusal = Refusal(429, "Too many requests", {"Retry-After": retry_after})
        self._waiting.append(Waiting(re.compile(".*"), refusal, times))

    def end_tokens(self) -> None:
        """Every issued token is no longer valid."""
        self._tokens.end()

    def _check_faults(self, told: str) -> None:
        for each in self._waiting:
            if each.times and each.request.fullmatch(told):
                each.times -= 1
                raise each.refusal
        second = int(self._clock.now())
        self._second, self._count = second, self._count + 1 if second == self._second else 1
        if self.knobs.per_second is not None and self._count > self.knobs.per_second:
            raise Refusal(429, "Too many requests", {"Retry-After": "1"})

    # -- answering --------------------------------------------------------------------------------------------------

    async def _token(self, request: Request) -> Response:
        self.log.sign_ins += 1
        status, body = await self._tokens.issue(request, self.knobs.token_lifetime_seconds)
        return _json(status, body)

    async def _answer(self, request: Request) -> Response:
        try:
            status, body = self._dispatched(request, await request.body())
        except Refusal as refusal:
            return _json(refusal.status, refusal.body, refusal.headers)
        return _json(status, body)

    def _dispatched(self, request: Request, content: bytes) -> tuple[int, Any]:
        whole = re.sub("/+", "/", request.url.path)  # the vendor's SDK sends two in a row
        path = whole.removeprefix(PREFIX)
        if path == whole:
            raise Refusal(404, "Not Found")
        try:
            body, valid = (orjson.loads(content) if content else None), True
        except orjson.JSONDecodeError:
            body, valid = None, False
        query = unbracketed(request.query_params.multi_items())
        if len(self.log.calls) < MAX_CALLS:
            self.log.calls.append(Recorded(request.method, path, query, body))
        self._check_faults(f"{request.method} {path}")
        self._tokens.check(request)
        endpoint, ids = self._routes.find(request.method, path)
        if not valid:
            raise bad_json()
        self.store.separator = ", " if self.knobs.spaced_references else ","
        for name in query.keys() - endpoint.query:
            raise Refusal(400, f"{name} is not a supported parameter")
        answer: tuple[int, Any] = endpoint.answer(Inbound(request.method, path, ids, query, body))
        return answer


def _json(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response:
    if body is None:
        return Response(b"", status, headers)
    return Response(orjson.dumps(body), status, headers, media_type="application/json; charset=utf-8")
