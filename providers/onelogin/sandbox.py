"""A simulated OneLogin account as an ASGI app, strict where the vendor is strict.

Written from the vendor's pages and from recorded traffic, not from this project's client; each module names its
sources. What they leave open or contradict is a knob (`Knobs`). Not simulated: apps and privileges beyond a few reads,
mappings but for roles that come back, webhooks, v1 lists of users and roles, salted passwords, scopes.
"""

from collections.abc import Awaitable, Callable, Mapping
from email.utils import format_datetime
from random import Random
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scim_bridge.clock import SYSTEM_CLOCK, Clock
from scim_bridge.providers.onelogin.sandbox_account import Account, Knobs
from scim_bridge.providers.onelogin.sandbox_people import START, populate
from scim_bridge.providers.onelogin.sandbox_routes import Endpoint, Endpoints, routes
from scim_bridge.providers.onelogin.sandbox_store import Store
from scim_bridge.providers.onelogin.sandbox_tokens import Budget, Tokens
from scim_bridge.providers.onelogin.sandbox_wire import (
    Answer,
    Inbound,
    Refusal,
    bad_request,
    refusal,
    role_refusal,
    v1_refusal,
)
from scim_bridge.simulation import METHODS, Faults, Log, Recorded, answered, present, timestamp

ACCOUNT_ID: Final = 189_185


class Sandbox:
    """One account with seeded people. ``app`` serves it; ``settings`` are those of a connection to it.

    ``store`` is what it holds, for tests that prepare or check it behind the API's back.
    """

    def __init__(
        self,
        *,
        users: int = 500,
        roles: int = 12,
        seed: int = 1,
        clock: Clock = SYSTEM_CLOCK,
        knobs: Knobs | None = None,
    ) -> None:
        random = Random(seed)
        self._now = present(clock, START)
        self.subdomain = "sandbox"
        self.client_id = f"{random.getrandbits(256):064x}"
        self.client_secret = f"{random.getrandbits(256):064x}"
        self.knobs = knobs or Knobs()
        self.store = Store(self.subdomain)
        self.log = Log()
        self.budget = Budget(clock)
        self.tokens = Tokens(self.client_id, self.client_secret, ACCOUNT_ID, random, clock)
        self.before: dict[str, list[Callable[[], None]]] = {}
        """What happens just before each of the next requests is answered, by "METHOD /path"."""
        self._faults = Faults()
        populate(self.store, random, users, roles)
        account = Account(ACCOUNT_ID, self.store, self.knobs, self.timestamp, clock.now)
        self.app: Any = Starlette(
            routes=[
                Route("/auth/oauth2/v2/token", self._token, methods=["POST"]),
                Route("/auth/oauth2/revoke", self._revoke, methods=["POST"]),
                Route("/auth/rate_limit", self._rate_limit, methods=["GET"]),
                *(Route(path, self._dispatcher(each), methods=METHODS) for path, each in routes(account).items()),
            ],
            exception_handlers={Refusal: self._refused, HTTPException: self._unknown},  # type: ignore[dict-item] # it wants one type of exception
        )

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of a connection, without the address."""
        return {"subdomain": self.subdomain, "client_id": self.client_id, "client_secret": self.client_secret}

    @property
    def calls(self) -> list[Recorded]:
        """The requests to the API so far, sign-ins apart."""
        return self.log.calls

    def timestamp(self) -> str:
        """The simulation's present: it starts at a fixed date and goes with the clock."""
        return timestamp(self._now())

    # -- faults -----------------------------------------------------------------------------------------------------

    def fail(self, request: str, answer: Refusal | None = None, times: int = 1) -> None:
        """Refuse the next requests whose "METHOD /path" matches a pattern entirely; by default with 502."""
        page = Refusal(502, "<html><body><h1>502 Bad Gateway</h1></body></html>", {"Content-Type": "text/html"})
        self._faults.add(request, answer or page, times)

    # -- signing in -------------------------------------------------------------------------------------------------

    async def _token(self, request: Request) -> Response:
        self.log.sign_ins.append("refused")
        self._faults.check(f"{request.method} {request.url.path}")
        body, self.log.sign_ins[-1] = await self.tokens.issue(request, self.timestamp())
        return self._json(200, body)

    async def _revoke(self, request: Request) -> Response:
        return self._json(200, await self.tokens.revoke(request))

    async def _rate_limit(self, request: Request) -> Response:
        if not self.tokens.valid(request):
            raise v1_refusal(401, "Unauthorized", "Authentication Failure")
        status = {"error": False, "code": 200, "type": "success", "message": "Success"}
        return self._json(200, {"status": status, "data": self.budget.told(self.knobs.calls_per_hour or 5_000)})

    # -- answering --------------------------------------------------------------------------------------------------

    def _dispatcher(self, endpoints: Endpoints) -> Callable[[Request], Awaitable[Response]]:
        async def dispatch(request: Request) -> Response:
            content = await request.body()
            call = self.log.record(request, content, request.url.path)
            self._faults.check(str(call))
            if self.before.get(str(call)):
                self.before[str(call)].pop(0)()
            endpoint = endpoints.get(request.method)
            if not (endpoint is not None and endpoint.public) and not self.tokens.valid(request):
                raise self._unauthorized(call.path)
            self._check_budget(call.path)
            if endpoint is None:
                raise self._no_route(call.path)
            return self._answered(call.path, endpoint.answer(self._inbound(request, call, endpoint)))

        return dispatch

    def _check_budget(self, path: str) -> None:
        v1, limit = path.startswith("/api/1/"), self.knobs.calls_per_hour
        if limit is None or not (v1 or self.knobs.v2_counts) or self.budget.take(limit):
            return
        error = refusal(429, "TooManyRequestsError", "Rate limit exceeded")
        raise Refusal(429, error.body, self.budget.headers(limit) if v1 else {})

    def _inbound(self, request: Request, call: Recorded, endpoint: Endpoint) -> Inbound:
        """The request after the checks that all endpoints share."""
        names = [each for each, _ in request.query_params.multi_items()]
        unknown = [each for each in names if endpoint.query is not None and each not in endpoint.query]
        twice = [each for each in call.query if names.count(each) > 1]
        if unknown or twice:
            raise self._bad(call.path, f"query parameter(s) not allowed: {', '.join(unknown or twice)}")
        ids = {}
        for name, text in request.path_params.items():
            if not text.isascii() or not text.isdecimal():
                raise self._bad(call.path, "ID is incorrect")
            ids[name] = int(text)
        if endpoint.body and call.garbled:
            raise self._bad(call.path, "The request body is not JSON")
        origin = f"{request.url.scheme}://{request.url.netloc}"
        return Inbound(call.method, call.path, ids, call.query, call.body, origin)

    def _answered(self, path: str, answer: Answer) -> Response:
        """v1 answers tell the rate limit; v2 ones do not."""
        told = {}
        if path.startswith("/api/1/") and self.knobs.calls_per_hour is not None:
            told = {**self.budget.headers(self.knobs.calls_per_hour), "x-request-id": f"r-{self.budget.used}"}
        return self._json(answer.status, answer.body, {**told, **answer.headers})

    @staticmethod
    def _bad(path: str, text: str) -> Refusal:
        if path.startswith("/api/1/"):
            return v1_refusal(400, "bad request", {"attribute": "id", "description": text})
        return role_refusal(400, "BadRequestError", text) if path.startswith("/api/2/roles") else bad_request(text)

    @staticmethod
    def _unauthorized(path: str) -> Refusal:
        if path.startswith("/api/1/"):
            return v1_refusal(401, "Unauthorized", "Authentication Failure")
        text = "This request requires Authentication" if path.startswith("/api/2/roles") else "Unauthorized"
        return refusal(401, "UnauthorizedError", text)

    def _no_route(self, path: str) -> Refusal:
        """What v2 does not know it answers as if the token were refused."""
        if path.startswith("/api/2/") and self.knobs.unknown_v2_path == 401:
            return self._unauthorized(path)
        return v1_refusal(404, "Not Found", "No Route Exists")

    async def _refused(self, request: Request, error: Refusal) -> Response:
        return self._json(error.status, error.body, error.headers)

    async def _unknown(self, request: Request, error: HTTPException) -> Response:
        await request.body()
        if not request.url.path.startswith("/auth/"):
            self.log.record(request, b"", request.url.path)
        return await self._refused(request, self._no_route(request.url.path))

    def _json(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response:
        shown = {**(headers or {})}
        if self.knobs.dated:
            shown["Date"] = format_datetime(self._now(), usegmt=True)
        if isinstance(body, str):
            return Response(body, status, shown)
        return answered(status, body, "application/json", shown)
