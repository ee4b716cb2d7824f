"""A simulated PingOne environment as an ASGI app, strict where the vendor is strict.

Written from the vendor's pages, not from this project's client: "Users", "Groups", "Population", "Roles", "SCIM filter
language", "Paging, ordering, and expanding collections", "Error codes", "Rate limiting". What they leave open is a
knob (`Knobs`). Not simulated: audit activities, webhooks, the schema and identity provider endpoints, SCIM-style PATCH,
other password operations than "set", writing populations, roles and role assignments.
"""

from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scim_bridge.clock import SYSTEM_CLOCK, Clock
from scim_bridge.providers.pingone.sandbox_environment import Environment, Knobs
from scim_bridge.providers.pingone.sandbox_fields import UUID
from scim_bridge.providers.pingone.sandbox_limits import Limits, limited
from scim_bridge.providers.pingone.sandbox_people import START, new_id, populate
from scim_bridge.providers.pingone.sandbox_routes import Endpoint, Endpoints, routes
from scim_bridge.providers.pingone.sandbox_store import Store
from scim_bridge.providers.pingone.sandbox_tokens import Tokens
from scim_bridge.providers.pingone.sandbox_wire import (
    Inbound,
    Refusal,
    access_failed,
    bad_parameter,
    not_found,
)
from scim_bridge.simulation import METHODS, Faults, Issued, Log, Recorded, answered, present, timestamp


class Sandbox:
    """One environment with seeded people. ``app`` serves it; ``settings`` are those of a connection to it.

    ``store`` is what it holds, for tests that prepare or check it behind the API's back.
    """

    def __init__(self, *, users: int = 500, groups: int = 24, seed: int = 1, clock: Clock = SYSTEM_CLOCK) -> None:
        self._random = Random(seed)
        self._now = present(clock, START)
        self.environment_id = new_id(self._random)
        self.client_id = new_id(self._random)
        self.client_secret = f"sandbox~{self._random.getrandbits(96):024x}"
        self.knobs = Knobs()
        self.store = Store()
        self.log = Log()
        self._faults = Faults()
        self._limits = Limits.of(self.knobs, clock)
        self._tokens = Tokens(self.environment_id, self.client_id, self.client_secret, self._random, Issued(clock))
        populate(self.store, self.environment_id, self._random, users, groups)
        environment = Environment(self.environment_id, self.store, self.knobs, self.timestamp, self.new_id)
        self.app: Any = Starlette(
            routes=[
                Route("/{environment}/as/token", self._token, methods=["POST"]),
                *(Route(path, self._dispatcher(each), methods=METHODS) for path, each in routes(environment).items()),
            ],
            exception_handlers={Refusal: self._refused, HTTPException: self._unknown},  # type: ignore[dict-item] # it wants one type of exception
        )

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of a connection, without the addresses."""
        return {
            "environment_id": self.environment_id,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "token_auth_method": self.knobs.token_auth_method,
        }

    @property
    def calls(self) -> list[Recorded]:
        """The requests to the API so far, sign-ins apart."""
        return self.log.calls

    def new_id(self) -> str:
        return new_id(self._random)

    def timestamp(self) -> str:
        """The simulation's present: it starts at a fixed date and goes with the clock."""
        return timestamp(self._now())

    # -- faults -----------------------------------------------------------------------------------------------------

    def fail(self, request: str, status: int = 500, code: str = "UNEXPECTED_ERROR", times: int = 1) -> None:
        """Refuse the next requests whose "METHOD /path" matches a pattern entirely."""
        self._faults.add(request, Refusal(status, code, "An unexpected error occurred"), times)

    def limit(self, times: int, retry_after: str = "1") -> None:
        """Answer the next requests with 429; ``retry_after``: seconds or an HTTP date."""
        self._faults.add(".*", limited(retry_after), times)

    def end_tokens(self) -> None:
        """Every token so far is no longer valid."""
        self._tokens.issued.end()

    # -- answering --------------------------------------------------------------------------------------------------

    async def _token(self, request: Request) -> Response:
        knobs = self.knobs
        status, body, method = await self._tokens.issue(
            request, knobs.token_auth_method, knobs.token_lifetime_seconds, self.new_id()
        )
        self.log.sign_ins.append(method)
        return self._json(status, body)

    def _dispatcher(self, endpoints: Endpoints) -> Callable[[Request], Awaitable[Response]]:
        async def dispatch(request: Request) -> Response:
            content = await request.body()
            call = self._record(request, content)
            self._faults.check(str(call))
            self._limits.check(call.method)
            self._tokens.check(request)
            self._check_environment(request)
            endpoint = endpoints.get(request.method)
            if endpoint is None:
                raise Refusal(405, "INVALID_REQUEST", f"Request method '{request.method}' not supported")
            status, body = endpoint.answer(self._inbound(request, call, endpoint, content))
            return self._json(status, body)

        return dispatch

    def _record(self, request: Request, content: bytes) -> Recorded:
        base, _, path = request.url.path.partition("/environments/")
        path = f"/{path.partition('/')[2]}" if path else base.removeprefix("/v1")
        return self.log.record(request, content, path)

    def _check_environment(self, request: Request) -> None:
        """An unknown environment is answered as a forbidden one (vendor: Error codes)."""
        environment = request.path_params.get("environment", self.environment_id)
        if environment != self.environment_id:
            text = "The actor attempting to perform the request is not authorized."
            raise access_failed(403, "INSUFFICIENT_PERMISSIONS", text)

    def _inbound(self, request: Request, call: Recorded, endpoint: Endpoint, content: bytes) -> Inbound:
        """The request after the checks that all endpoints share."""
        for name, count in [(each, len(request.query_params.getlist(each))) for each in call.query]:
            if name not in endpoint.query or count > 1:
                raise bad_parameter("INVALID_PARAMETER", name, "is not a supported parameter")
        # A UUID is the same in capitals (RFC 9562 section 4).
        ids = {name: value.lower() for name, value in request.path_params.items() if name != "environment"}
        for name, value in ids.items():
            if not UUID.fullmatch(value):
                raise bad_parameter("INVALID_VALUE", f"{name}ID", "must be a UUID")
        body: Mapping[str, Any] = {}
        if endpoint.takes:
            if call.content_type not in endpoint.takes:
                raise Refusal(415, "INVALID_REQUEST", f"Content type '{call.content_type}' not supported")
            body = _object(call.body, content, bodyless=endpoint.bodyless)
        base = f"{request.url.scheme}://{request.url.netloc}/v1/environments/{self.environment_id}"
        return Inbound(base, call.path, ids, call.query, call.content_type, body)

    async def _refused(self, request: Request, error: Refusal) -> Response:
        correlation_id = self.new_id()
        return self._json(error.status, error.body(correlation_id), correlation_id, error.headers)

    async def _unknown(self, request: Request, error: HTTPException) -> Response:
        return await self._refused(request, not_found("the requested resource"))

    def _json(
        self, status: int, body: Any, correlation_id: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        shown = {"Correlation-Id": correlation_id or self.new_id(), **(headers or {})}
        return answered(status, body, "application/json;charset=UTF-8", shown)


def _object(body: Any, content: bytes, *, bodyless: bool) -> Mapping[str, Any]:
    """The JSON object of a request."""
    if bodyless and not content:
        return {}
    if not isinstance(body, Mapping):
        raise Refusal(400, "INVALID_REQUEST", "The request could not be completed. The body is not a JSON object.")
    return body
