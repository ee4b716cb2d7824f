"""A simulated PingOne environment as an ASGI app, strict where the vendor is strict.

Written from the vendor's pages, not from this project's client: "Users", "Groups", "Population", "Roles", "SCIM filter
language", "Paging, ordering, and expanding collections", "Error codes", "Rate limiting". What they leave open is a
knob (`Knobs`). Not simulated: audit activities, webhooks, the schema and identity provider endpoints, SCIM-style PATCH,
other password operations than "set", writing populations, roles and role assignments.
"""

import base64
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, Final
from urllib.parse import unquote

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scim_bridge.clock import SYSTEM_CLOCK, Clock
from scim_bridge.providers.pingone.sandbox_fields import UUID
from scim_bridge.providers.pingone.sandbox_groups import Groups
from scim_bridge.providers.pingone.sandbox_people import START, new_id, populate, timestamp
from scim_bridge.providers.pingone.sandbox_store import Store
from scim_bridge.providers.pingone.sandbox_users import IMPORT, LOCK, SET_PASSWORD, UNLOCK, Answer, Knobs, Users
from scim_bridge.providers.pingone.sandbox_wire import (
    JSON,
    Inbound,
    Refusal,
    access_failed,
    bad_parameter,
    not_found,
)

MAX_CALLS: Final = 100_000
"""Requests that are remembered; a demo runs for long."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request as it arrived: ``path`` is what follows the environment's id."""

    method: str
    path: str
    query: Mapping[str, str]
    content_type: str
    body: Any

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(slots=True)
class Fault:
    """An answer to give instead of carrying out the next ``times`` requests that match."""

    request: re.Pattern[str]
    refusal: Refusal
    times: int


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation: the query parameters it knows, the content types its body may have."""

    answer: Callable[[Inbound], Answer]
    query: frozenset[str] = frozenset()
    takes: tuple[str, ...] = ()
    bodyless: bool = False


@dataclass(slots=True)
class Log:
    """What arrived: requests to the API, and how clients signed in at the token endpoint."""

    calls: list[Recorded] = field(default_factory=list)
    sign_ins: list[str] = field(default_factory=list)

    def clear(self) -> None:
        self.calls.clear()
        self.sign_ins.clear()


class Sandbox:
    """One environment with seeded people. ``app`` serves it; ``settings`` are those of a connection to it.

    ``store`` is what it holds, for tests that prepare or check it behind the API's back.
    """

    def __init__(self, *, users: int = 500, groups: int = 24, seed: int = 1, clock: Clock = SYSTEM_CLOCK) -> None:
        self._random = Random(seed)
        self._clock = clock
        self._started = clock.now()
        self.environment_id = new_id(self._random)
        self.client_id = new_id(self._random)
        self.client_secret = f"sandbox~{self._random.getrandbits(96):024x}"
        self.knobs = Knobs()
        self.store = Store()
        self.log = Log()
        self._faults: list[Fault] = []
        self._tokens: dict[str, float] = {}
        populate(self.store, self.environment_id, self._random, users, groups)
        directory = Users(self.store, self.knobs, self.environment_id, self.timestamp, self.new_id)
        self.app: Any = Starlette(
            routes=[
                Route("/{environment}/as/token", self._token, methods=["POST"]),
                *(Route(path, self._dispatcher(table), methods=_METHODS) for path, table in _table(directory)),
            ],
            exception_handlers={Refusal: self._refused, HTTPException: self._unknown},  # type: ignore[dict-item]
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
        return timestamp(START + timedelta(seconds=self._clock.now() - self._started))

    # -- faults -----------------------------------------------------------------------------------------------------

    def fail(self, request: str, status: int = 500, code: str = "UNEXPECTED_ERROR", times: int = 1) -> None:
        """Refuse the next requests whose "METHOD /path" matches a pattern entirely."""
        self._faults.append(Fault(re.compile(request), Refusal(status, code, "An unexpected error occurred"), times))

    def limit(self, times: int, retry_after: str = "1") -> None:
        """Answer the next requests with 429; ``retry_after``: seconds or an HTTP date."""
        text = "The request could not be completed. Too many requests have been made"
        details = [{"code": "LIMIT_EXCEEDED", "message": text}]
        refusal = Refusal(429, "REQUEST_LIMITED", text, details, {"Retry-After": retry_after})
        self._faults.append(Fault(re.compile(".*"), refusal, times))

    def end_tokens(self) -> None:
        """Every token so far is no longer valid."""
        self._tokens.clear()

    def _fault(self, call: Recorded) -> Refusal | None:
        for fault in self._faults:
            if fault.times and fault.request.fullmatch(str(call)):
                fault.times -= 1
                return fault.refusal
        return None

    # -- signing in -------------------------------------------------------------------------------------------------

    async def _token(self, request: Request) -> Response:
        """Client credentials. A wrong secret and a wrong method are refused in the same words (vendor: Token)."""
        form = await _form(request)
        basic = request.headers.get("Authorization", "").startswith("Basic ")
        self.log.sign_ins.append("client_secret_basic" if basic else "client_secret_post")
        client = _basic(request) if basic else (form.get("client_id", ""), form.get("client_secret", ""))
        right = (self.client_id, self.client_secret)
        known = all(hmac.compare_digest(one.encode(), other.encode()) for one, other in zip(client, right, strict=True))
        method = self.knobs.token_auth_method == self.log.sign_ins[-1]
        if not (known and method and request.path_params["environment"] == self.environment_id):
            reason = "Request denied: Unsupported authentication method"
            described = f"{reason} (Correlation ID: {self.new_id()})"
            return self._json(401, {"error": "invalid_client", "error_description": described})
        if form.get("grant_type") != "client_credentials":
            return self._json(400, {"error": "unsupported_grant_type", "error_description": "Unsupported grant type"})
        token = f"{self._random.getrandbits(256):064x}"
        self._tokens[token] = self._clock.now() + self.knobs.token_lifetime_seconds
        lifetime = self.knobs.token_lifetime_seconds
        return self._json(200, {"access_token": token, "token_type": "Bearer", "expires_in": lifetime})

    def _authorize(self, request: Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or self._tokens.get(token, 0.0) <= self._clock.now():
            raise access_failed(401, "INVALID_TOKEN", "The request could not be completed. The token is not valid.")

    # -- answering --------------------------------------------------------------------------------------------------

    def _dispatcher(self, table: Mapping[str, Endpoint]) -> Callable[[Request], Awaitable[Response]]:
        async def dispatch(request: Request) -> Response:
            content = await request.body()
            call = self._record(request, content)
            if fault := self._fault(call):
                raise fault
            self._authorize(request)
            self._check_environment(request)
            endpoint = table.get(request.method)
            if endpoint is None:
                raise Refusal(405, "INVALID_REQUEST", f"Request method '{request.method}' not supported")
            status, body = endpoint.answer(self._inbound(request, call, endpoint, content))
            return self._json(status, body)

        return dispatch

    def _record(self, request: Request, content: bytes) -> Recorded:
        base, _, path = request.url.path.partition("/environments/")
        path = f"/{path.partition('/')[2]}" if path else base.removeprefix("/v1")
        try:
            body = orjson.loads(content) if content else None
        except orjson.JSONDecodeError:
            body = None
        call = Recorded(request.method, path, dict(request.query_params), _media_type(request), body)
        if len(self.log.calls) < MAX_CALLS:
            self.log.calls.append(call)
        return call

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
        content = orjson.dumps(body) if body is not None else b""
        shown = {"Correlation-Id": correlation_id or self.new_id(), **(headers or {})}
        return Response(content, status, shown, media_type="application/json;charset=UTF-8" if content else None)


_METHODS: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_PAGES: Final = frozenset({"limit", "cursor"})
_FILTERED: Final = _PAGES | {"filter"}
_EXPAND: Final = frozenset({"expand"})


def _table(users: Users) -> list[tuple[str, dict[str, Endpoint]]]:
    """Every path of the API and its operations; parameters that an operation does not document are refused."""
    groups, env = Groups(users), "/v1/environments/{environment}"
    user, group = f"{env}/users/{{user}}", f"{env}/groups/{{group}}"

    def single(read: Callable[[Inbound], Answer], write: Callable[[Inbound], Answer], takes: str = JSON) -> Any:
        return {"GET": Endpoint(read), "PUT": Endpoint(write, takes=(takes,))}

    return [
        (
            f"{env}/users",
            {
                "GET": Endpoint(users.read_all, _FILTERED | _EXPAND),
                "POST": Endpoint(users.create, takes=(JSON, IMPORT)),
            },
        ),
        (
            user,
            {
                "GET": Endpoint(users.read, _EXPAND | {"include"}),
                "PUT": Endpoint(users.replace, takes=(JSON,)),
                "PATCH": Endpoint(users.modify, takes=(JSON,)),
                "DELETE": Endpoint(users.delete),
                "POST": Endpoint(users.lock, takes=(LOCK, UNLOCK), bodyless=True),
            },
        ),
        (f"{user}/enabled", single(users.read_enabled, users.write_enabled)),
        (f"{user}/mfaEnabled", single(users.read_mfa_enabled, users.write_mfa_enabled)),
        (f"{user}/population", single(users.read_population, users.write_population)),
        (f"{user}/password", single(users.read_password, users.write_password, SET_PASSWORD)),
        (
            f"{user}/memberOfGroups",
            {
                "GET": Endpoint(users.list_memberships, _PAGES | _EXPAND),
                "POST": Endpoint(users.join, takes=(JSON,)),
            },
        ),
        (
            f"{user}/memberOfGroups/{{group}}",
            {"GET": Endpoint(users.read_membership, _EXPAND), "DELETE": Endpoint(users.leave)},
        ),
        (f"{user}/roleAssignments", {"GET": Endpoint(users.list_roles, _PAGES)}),
        (f"{user}/roleAssignments/{{assignment}}", {"GET": Endpoint(users.read_role)}),
        (
            f"{env}/groups",
            {"GET": Endpoint(groups.read_all, _FILTERED), "POST": Endpoint(groups.create, takes=(JSON,))},
        ),
        (
            group,
            {
                "GET": Endpoint(groups.read, frozenset({"include"})),
                "PUT": Endpoint(groups.replace, takes=(JSON,)),
                "DELETE": Endpoint(groups.delete),
            },
        ),
        (
            f"{group}/memberOfGroups",
            {
                "GET": Endpoint(groups.list_memberships, _PAGES | _EXPAND),
                "POST": Endpoint(groups.nest, takes=(JSON,)),
            },
        ),
        (
            f"{group}/memberOfGroups/{{parent}}",
            {"GET": Endpoint(groups.read_membership, _EXPAND), "DELETE": Endpoint(groups.unnest)},
        ),
        (f"{env}/populations", {"GET": Endpoint(groups.list_populations, _FILTERED)}),
        (f"{env}/populations/{{population}}", {"GET": Endpoint(groups.read_population)}),
        (f"{env}/roles", {"GET": Endpoint(groups.list_roles, _FILTERED)}),
        ("/v1/roles", {"GET": Endpoint(groups.list_builtin_roles, _PAGES)}),
        ("/v1/roles/{role}", {"GET": Endpoint(groups.read_builtin_role)}),
    ]


def _media_type(request: Request) -> str:
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _object(body: Any, content: bytes, *, bodyless: bool) -> Mapping[str, Any]:
    """The JSON object of a request."""
    if bodyless and not content:
        return {}
    if not isinstance(body, Mapping):
        raise Refusal(400, "INVALID_REQUEST", "The request could not be completed. The body is not a JSON object.")
    return body


async def _form(request: Request) -> dict[str, str]:
    """The fields of an urlencoded body; starlette's own parser needs another package."""
    if _media_type(request) != "application/x-www-form-urlencoded":
        return {}
    pairs = [each.partition("=") for each in (await request.body()).decode().split("&")]
    return {name: unquote(value.replace("+", " ")) for name, _, value in pairs}


def _basic(request: Request) -> tuple[str, str]:
    """Client id and secret of a Basic header, each urlencoded (RFC 6749 section 2.3.1)."""
    try:
        text = base64.b64decode(request.headers["Authorization"].partition(" ")[2], validate=True).decode()
    except ValueError:
        return "", ""
    client_id, _, secret = text.partition(":")
    return unquote(client_id), unquote(secret)
