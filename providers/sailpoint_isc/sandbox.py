"""A simulated Identity Security Cloud tenant as an ASGI app, strict where the vendor is strict.

Written from the vendor's pages, not from this project's client: "Authentication", "API Versioning Strategy", "Rate
Limits", "Standard Collection Parameters", "Paginating Search Queries", the published OpenAPI. What they leave open is
a knob (`Knobs`). Not simulated: accounts, sources, access profiles, access requests, writing roles, task status,
triggers, user levels and scopes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, Final

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scim_bridge.clock import SYSTEM_CLOCK, Clock
from scim_bridge.providers.sailpoint_isc.sandbox_people import START, hex_id, populate, timestamp, uuid
from scim_bridge.providers.sailpoint_isc.sandbox_routes import Operation, operations, versioned
from scim_bridge.providers.sailpoint_isc.sandbox_store import Store
from scim_bridge.providers.sailpoint_isc.sandbox_tenant import Knobs, Tenant
from scim_bridge.providers.sailpoint_isc.sandbox_tokens import Limits, Tokens
from scim_bridge.providers.sailpoint_isc.sandbox_wire import (
    CONTENT,
    JSON,
    SYNTAX,
    Answer,
    Inbound,
    Refusal,
    bad,
    forbidden,
    limited,
    not_found,
    refusal,
    unauthorized,
)

MAX_CALLS: Final = 100_000
"""Requests that are remembered; a demo runs for long."""
_METHODS: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request as it arrived; ``path`` is without the version."""

    method: str
    path: str
    version: str
    query: Mapping[str, str]
    content_type: str
    body: Any

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(slots=True)
class Log:
    """What arrived: requests to the API, and how many sign-ins."""

    calls: list[Recorded] = field(default_factory=list)
    sign_ins: int = 0

    def clear(self) -> None:
        self.calls.clear()
        self.sign_ins = 0


@dataclass(slots=True)
class Fault:
    """An answer to give instead of carrying out the next ``times`` requests that match."""

    request: re.Pattern[str]
    refusal: Refusal
    times: int


class Sandbox:
    """One tenant with seeded people. ``app`` serves it; ``settings`` are those of a connection to it.

    ``store`` is what it holds, for tests that prepare or check it behind the API's back.
    """

    def __init__(self, *, users: int = 500, groups: int = 12, seed: int = 1, clock: Clock = SYSTEM_CLOCK) -> None:
        self._random = Random(seed)
        self._clock = clock
        self._started = clock.now()
        self.client_id = hex_id(self._random)
        self.client_secret = f"sandbox{hex_id(self._random)}"
        self.knobs = Knobs()
        self.store = Store(clock)
        self.log = Log()
        self.faults: list[Fault] = []
        self._tokens = Tokens(self.client_id, self.client_secret, self._random, clock)
        self._limits = Limits(clock)
        populate(self.store, self._random, users, groups)
        tenant = Tenant(self.store, self.knobs, self.timestamp, self.hex_id, self.uuid)
        self._operations = operations(tenant)
        self.app: Any = Starlette(
            routes=[
                Route("/oauth/token", self._token, methods=["POST"]),
                Route("/oauth/info", self._info, methods=["GET"]),
                Route("/{path:path}", self._answer, methods=_METHODS),
            ],
        )

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of a connection, without the address."""
        return {"tenant": "acme", "client_id": self.client_id, "client_secret": self.client_secret}

    @property
    def calls(self) -> list[Recorded]:
        """The requests to the API so far, sign-ins apart."""
        return self.log.calls

    def source(self, name: str) -> str:
        """The id of an authoritative source."""
        profiles = (each["authoritativeSource"] for each in self.store.profiles.values())
        return str(next(each["id"] for each in profiles if each["name"] == name))

    def hex_id(self) -> str:
        return hex_id(self._random)

    def uuid(self) -> str:
        return uuid(self._random)

    def timestamp(self) -> str:
        """The simulation's present: it starts at a fixed date and goes with the clock."""
        return timestamp(START + timedelta(seconds=self._clock.now() - self._started))

    # -- faults -----------------------------------------------------------------------------------------------------

    def fail(self, request: str, status: int = 500, code: str = "500.0 Internal Fault", times: int = 1) -> None:
        """Refuse the next requests whose "METHOD /path" matches a pattern entirely."""
        self.faults.append(Fault(re.compile(request), refusal(status, code, "An internal fault occurred."), times))

    def limit(self, times: int, retry_after: str = "1") -> None:
        """Answer the next requests with 429; ``retry_after``: seconds or an HTTP date."""
        self.faults.append(Fault(re.compile(".*"), limited(retry_after), times))

    def end_tokens(self) -> None:
        """Every token so far is no longer valid."""
        self._tokens.end()

    # -- answering --------------------------------------------------------------------------------------------------

    async def _token(self, request: Request) -> Response:
        self.log.sign_ins += 1
        status, body = await self._tokens.issue(request, self.knobs.token_lifetime_seconds, self.knobs.personal)
        return _json(status, body)

    async def _info(self, request: Request) -> Response:
        base = f"{request.url.scheme}://{request.url.netloc}"
        shown = {"tenantId": "acme", "tenantName": "acme", "tokenEndpoint": f"{base}/oauth/token", "pod": "sandbox"}
        return _json(200, shown)

    async def _answer(self, request: Request) -> Response:
        content = await request.body()
        try:
            answer = self._answered(request, content)
        except Refusal as error:
            return _json(error.status, error.shape(self.hex_id()), error.headers)
        headers = {} if answer.total is None else {"X-Total-Count": str(answer.total)}
        return _json(answer.status, answer.body, headers)

    def _answered(self, request: Request, content: bytes) -> Answer:
        found = versioned(request.url.path)
        version, path = found or ("", request.url.path)
        call = self._record(request, content, version, path)
        self._check_faults(call)
        client = self._tokens.client(request)
        if client is None:
            raise unauthorized()
        self._limits.check(f"{client} {version}", self.knobs.requests_per_window)
        self.store.settle()
        operation, ids = self._operation(call, version)
        if operation.personal and not self.knobs.personal:
            raise forbidden()
        if operation.service in self.knobs.experimental and request.headers.get("X-SailPoint-Experimental") != "true":
            raise bad(CONTENT, "this API is experimental: X-SailPoint-Experimental: true is missing")
        return operation.answer(self._inbound(request, call, operation, ids, content))

    def _operation(self, call: Recorded, version: str) -> tuple[Operation, Mapping[str, str]]:
        fitting = [(each, found) for each in self._operations if (found := each.path.fullmatch(call.path))]
        fitting = [each for each in fitting if version and version not in each[0].absent]
        if not fitting:
            raise not_found()
        for operation, found in fitting:
            if operation.method == call.method:
                return operation, found.groupdict()
        raise refusal(405, "405.0 Method not allowed", "The method is not allowed.")

    def _record(self, request: Request, content: bytes, version: str, path: str) -> Recorded:
        kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        try:
            body = orjson.loads(content) if content else None
        except orjson.JSONDecodeError:
            body = None
        call = Recorded(request.method, path, version, dict(request.query_params), kind, body)
        if len(self.log.calls) < MAX_CALLS:
            self.log.calls.append(call)
        return call

    def _check_faults(self, call: Recorded) -> None:
        for fault in self.faults:
            if fault.times and fault.request.fullmatch(str(call)):
                fault.times -= 1
                raise fault.refusal

    def _inbound(
        self, request: Request, call: Recorded, operation: Operation, ids: Mapping[str, str], content: bytes
    ) -> Inbound:
        """The request after the checks that all operations share."""
        for name in call.query:
            if name not in operation.query or len(request.query_params.getlist(name)) > 1:
                raise bad(CONTENT, f"{name} is not a parameter of this API, or given twice")
        if operation.takes is not None and (call.content_type != operation.takes or call.body is None):
            raise bad(SYNTAX, f"the body must be {operation.takes}")
        return Inbound(call.path, ids, call.query, call.body)


def _json(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response:
    content = orjson.dumps(body) if body is not None else b""
    return Response(content, status, dict(headers or {}), media_type=JSON if content else None)
