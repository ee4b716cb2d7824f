"""A simulated NERM tenant as an ASGI app, strict where the vendor is strict.

Written from the vendor's pages and API description, and from what live clients report, not from this project's client.
What they leave open is a knob (`Knobs`). Parameters that no page names are refused, though the real one may ignore
them. Not simulated: workflow sessions, delegations, managers, owners and contributors as records, saved searches,
uploads, `/isc/accounts`, identity proofing, writing of types, attributes and roles.
"""

import re
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scim_bridge.clock import SYSTEM_CLOCK, Clock
from scim_bridge.providers.sailpoint_nerm.sandbox_people import START, ZONE, new_id, new_uid, populate
from scim_bridge.providers.sailpoint_nerm.sandbox_routes import Routes
from scim_bridge.providers.sailpoint_nerm.sandbox_store import Store
from scim_bridge.providers.sailpoint_nerm.sandbox_tenant import Knobs, Tenant
from scim_bridge.providers.sailpoint_nerm.sandbox_tokens import Tokens
from scim_bridge.providers.sailpoint_nerm.sandbox_wire import Inbound, Refusal, bad_json, unbracketed
from scim_bridge.simulation import METHODS, Faults, Issued, Log, PerSecond, Recorded, answered, present

PREFIX: Final = "/api"
TOKEN_PATH: Final = "/oauth/token"
JSON: Final = "application/json; charset=utf-8"


class Sandbox:
    """One tenant with seeded people. ``app`` serves it; ``settings`` are those of a connection to it.

    ``store`` is what it holds, for tests that prepare or check it behind the API's back.
    """

    def __init__(
        self, *, users: int = 500, seed: int = 1, composes_names: bool = True, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._random = Random(seed)
        self._now = present(clock, START)
        self._changes = 0
        self.api_key = f"nerm-{self._random.getrandbits(128):032x}"
        self.client_id = f"{self._random.getrandbits(128):032x}"
        self.client_secret = f"sandbox-{self._random.getrandbits(256):064x}"
        self.knobs = Knobs()
        self.store = Store(ZONE)
        self.log = Log()
        self._tokens = Tokens(self.api_key, self.client_id, self.client_secret, self._random, Issued(clock))
        self._faults = Faults()
        self._rate = PerSecond(clock)
        populate(self.store, self._random, users, composes_names=composes_names)
        tenant = Tenant(self.store, self.knobs, self.now, lambda: new_id(self._random), lambda: new_uid(self._random))
        self._routes = Routes.of(tenant)
        self.app: Any = Starlette(
            routes=[
                Route(TOKEN_PATH, self._token, methods=["POST"]),
                Route("/{path:path}", self._answer, methods=METHODS),
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
        return self._now() + timedelta(milliseconds=self._changes)

    # -- faults -----------------------------------------------------------------------------------------------------

    def fail(self, request: str, status: int = 500, error: str = "Sorry something went wrong", times: int = 1) -> None:
        """Refuse the next requests whose "METHOD /path" matches a pattern entirely."""
        self._faults.add(request, Refusal(status, error), times)

    def answer(self, request: str, body: dict[str, Any]) -> None:
        """Answer the next request that matches with this, and do nothing."""
        refusal = Refusal(200, "")
        refusal.body = body
        self._faults.add(request, refusal, 1)

    def limit(self, times: int, retry_after: str = "1") -> None:
        """Answer the next requests with 429."""
        self._faults.add(".*", _limited(retry_after), times)

    def end_tokens(self) -> None:
        """Every issued token is no longer valid."""
        self._tokens.issued.end()

    def _check_faults(self, told: str) -> None:
        self._faults.check(told)
        used, quota = self._rate.count(), self.knobs.per_second
        if quota is not None and used > quota:
            raise _limited("1")

    # -- answering --------------------------------------------------------------------------------------------------

    async def _token(self, request: Request) -> Response:
        self.log.sign_ins.append("form")
        status, body = await self._tokens.issue(request, self.knobs.token_lifetime_seconds)
        return answered(status, body, JSON)

    async def _answer(self, request: Request) -> Response:
        try:
            status, body = self._dispatched(request, await request.body())
        except Refusal as refusal:
            return answered(refusal.status, refusal.body, JSON, refusal.headers)
        return answered(status, body, JSON)

    def _dispatched(self, request: Request, content: bytes) -> tuple[int, Any]:
        whole = re.sub("/+", "/", request.url.path)  # the vendor's SDK sends two in a row
        path = whole.removeprefix(PREFIX)
        if path == whole:
            raise Refusal(404, "Not Found")
        call = self.log.record(request, content, path)
        query = unbracketed(request.query_params.multi_items())
        self._check_faults(str(call))
        self._tokens.check(request)
        endpoint, ids = self._routes.find(request.method, path)
        if call.garbled:
            raise bad_json()
        self.store.separator = ", " if self.knobs.spaced_references else ","
        for name in query.keys() - endpoint.query:
            raise Refusal(400, f"{name} is not a supported parameter")
        answer: tuple[int, Any] = endpoint.answer(Inbound(call.method, path, ids, query, call.body))
        return answer


def _limited(retry_after: str) -> Refusal:
    return Refusal(429, "Too many requests", {"Retry-After": retry_after})
