"""A simulated Identity Security Cloud tenant as an ASGI app, strict where the vendor is strict.

Written from the vendor's pages, not from this project's client: "Authentication", "API Versioning Strategy", "Rate
Limits", "Standard Collection Parameters", "Paginating Search Queries", the published OpenAPI. What they leave open is
a knob (`Knobs`). Not simulated: accounts, sources, access profiles, access requests, writing roles, task status,
triggers, user levels and scopes.
"""

from collections.abc import Mapping
from random import Random
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scim_bridge.clock import SYSTEM_CLOCK, Clock
from scim_bridge.providers.sailpoint_isc.sandbox_people import START, hex_id, populate, uuid
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
from scim_bridge.simulation import METHODS, Faults, Issued, Log, Recorded, answered, present, timestamp


class Sandbox:
    """One tenant with seeded people. ``app`` serves it; ``settings`` are those of a connection to it.

    ``store`` is what it holds, for tests that prepare or check it behind the API's back.
    """

    def __init__(self, *, users: int = 500, groups: int = 12, seed: int = 1, clock: Clock = SYSTEM_CLOCK) -> None:
        self._random = Random(seed)
        self._now = present(clock, START)
        self.client_id = hex_id(self._random)
        self.client_secret = f"sandbox{hex_id(self._random)}"
        self.knobs = Knobs()
        self.store = Store(clock)
        self.log = Log()
        self.faults = Faults()
        self._tokens = Tokens(self.client_id, self.client_secret, self._random, Issued(clock))
        self._limits = Limits(clock)
        populate(self.store, self._random, users, groups)
        tenant = Tenant(self.store, self.knobs, self.timestamp, self.hex_id, self.uuid)
        self._operations = operations(tenant)
        self.app: Any = Starlette(
            routes=[
                Route("/oauth/token", self._token, methods=["POST"]),
                Route("/oauth/info", self._info, methods=["GET"]),
                Route("/{path:path}", self._answer, methods=METHODS),
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
        return timestamp(self._now())

    # -- faults -----------------------------------------------------------------------------------------------------

    def fail(self, request: str, status: int = 500, code: str = "500.0 Internal Fault", times: int = 1) -> None:
        """Refuse the next requests whose "METHOD /path" matches a pattern entirely."""
        self.faults.add(request, refusal(status, code, "An internal fault occurred."), times)

    def limit(self, times: int, retry_after: str = "1") -> None:
        """Answer the next requests with 429; ``retry_after``: seconds or an HTTP date."""
        self.faults.add(".*", limited(retry_after), times)

    def end_tokens(self) -> None:
        """Every token so far is no longer valid."""
        self._tokens.issued.end()

    # -- answering --------------------------------------------------------------------------------------------------

    async def _token(self, request: Request) -> Response:
        self.log.sign_ins.append("form")
        status, body = await self._tokens.issue(request, self.knobs.token_lifetime_seconds, self.knobs.personal)
        return answered(status, body, JSON)

    async def _info(self, request: Request) -> Response:
        base = f"{request.url.scheme}://{request.url.netloc}"
        shown = {"tenantId": "acme", "tenantName": "acme", "tokenEndpoint": f"{base}/oauth/token", "pod": "sandbox"}
        return answered(200, shown, JSON)

    async def _answer(self, request: Request) -> Response:
        content = await request.body()
        try:
            answer = self._answered(request, content)
        except Refusal as error:
            return answered(error.status, error.shape(self.hex_id()), JSON, error.headers)
        headers = {} if answer.total is None else {"X-Total-Count": str(answer.total)}
        return answered(answer.status, answer.body, JSON, headers)

    def _answered(self, request: Request, content: bytes) -> Answer:
        found = versioned(request.url.path)
        version, path = found or ("", request.url.path)
        call = self.log.record(request, content, path, version)
        self.faults.check(str(call))
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
        return operation.answer(self._inbound(request, call, operation, ids))

    def _operation(self, call: Recorded, version: str) -> tuple[Operation, Mapping[str, str]]:
        fitting = [(each, found) for each in self._operations if (found := each.path.fullmatch(call.path))]
        fitting = [each for each in fitting if version and version not in each[0].absent]
        if not fitting:
            raise not_found()
        for operation, found in fitting:
            if operation.method == call.method:
                return operation, found.groupdict()
        raise refusal(405, "405.0 Method not allowed", "The method is not allowed.")

    def _inbound(self, request: Request, call: Recorded, operation: Operation, ids: Mapping[str, str]) -> Inbound:
        """The request after the checks that all operations share."""
        for name in call.query:
            if name not in operation.query or len(request.query_params.getlist(name)) > 1:
                raise bad(CONTENT, f"{name} is not a parameter of this API, or given twice")
        if operation.takes is not None and (call.content_type != operation.takes or call.body is None):
            raise bad(SYNTAX, f"the body must be {operation.takes}")
        return Inbound(call.path, ids, call.query, call.body)
