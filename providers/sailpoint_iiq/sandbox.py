"""A simulated IdentityIQ site as an ASGI app, with the narrow SCIM dialect of an 8.1 server.

Written from captures (demisto/content, SailPointIdentityIQ, test_data), the vendor's SCIM reference and OpenAPI
document, and its forum, not from this project's client; where these disagree, a capture is believed. What they leave
open is a knob (`Knobs`). Not simulated: writing accounts, checking policies, alerts, the pages behind `/ui` and
`/define`, plugins, `/oauth2/token/user`.
"""

from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scim_bridge.clock import SYSTEM_CLOCK, Clock
from scim_bridge.providers.sailpoint_iiq.sandbox_people import START, new_id, populate
from scim_bridge.providers.sailpoint_iiq.sandbox_projection import projected
from scim_bridge.providers.sailpoint_iiq.sandbox_records import listings, object_configs
from scim_bridge.providers.sailpoint_iiq.sandbox_routes import SCIM, Endpoints, routes
from scim_bridge.providers.sailpoint_iiq.sandbox_site import EXTENDED, Extended, Knobs, Row, Site
from scim_bridge.providers.sailpoint_iiq.sandbox_tokens import CLIENT_ID, CLIENT_SECRET, PASSWORD, USERNAME, Tokens
from scim_bridge.providers.sailpoint_iiq.sandbox_users import Users
from scim_bridge.providers.sailpoint_iiq.sandbox_wire import JSON, SCIM_JSON, Inbound, Refusal, not_allowed
from scim_bridge.simulation import METHODS, Faults, Issued, Log, Recorded, answered, present

ATTRIBUTES: Final = {
    "externalId": "employeeId",
    "title": "jobTitle",
    "enterprise.department": "department",
    "phoneNumbers.work": "phone",
}
"""The ``attributes`` of a connection to a site with these attributes of its own."""
_OPEN: Final = f"{SCIM}/ServiceProviderConfig"


class Sandbox:
    """One site with seeded people. ``app`` serves it below ``context``; ``settings`` are those of a connection to it.

    ``site`` is what it holds, for tests that prepare or check it behind the API's back.
    """

    def __init__(
        self,
        *,
        users: int = 500,
        seed: int = 1,
        context: str = "/identityiq",
        extended: tuple[Extended, ...] = EXTENDED,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._random = Random(seed)
        self._clock = clock
        self.now = present(clock, START)
        self.context = context
        self.knobs = Knobs()
        self.site = Site(self.knobs, self.now, self.new_id, extended)
        self.users = Users(self.site)
        self.log = Log()
        self._faults = Faults()
        self._tokens = Tokens(self._random, Issued(clock))
        populate(self.site, self._random, users)
        self.lists = listings(self.site)
        served = {f"{context}{path}": each for path, each in routes(self.site, self.users, self.lists).items()}
        self.app: Any = Starlette(
            routes=[
                Route(f"{context}/oauth2/token", self._token, methods=["POST"]),
                *(Route(path, self._dispatcher(each), methods=METHODS) for path, each in served.items()),
            ],
            exception_handlers={Refusal: self._refused, HTTPException: self._unknown},  # type: ignore[dict-item] # it wants one type of exception
        )

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of a connection with Basic authentication, without the address."""
        return {"username": USERNAME, "password": PASSWORD}

    @property
    def client(self) -> dict[str, Any]:
        """The settings of a connection with OAuth, without the address."""
        return {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}

    def new_id(self) -> str:
        return new_id(self._random)

    @property
    def calls(self) -> list[Recorded]:
        """The requests to the API so far, sign-ins apart."""
        return self.log.calls

    def shown(self) -> dict[str, Row]:
        """All users by id, whole, as the API would show them with everything asked for."""
        return {key: self.users.whole(each) for key, each in self.site.identities.items()}

    def records(self, kind: str) -> dict[str, Row]:
        """All records of a resource type by id, as the API shows them when nothing is asked for."""
        if kind == "User":
            return {key: projected(each, {}) for key, each in self.shown().items()}
        if kind == "ObjectConfig":
            return {each["id"]: each for each in object_configs(self.site)}
        return {key: self.lists[kind].whole(each) for key, each in self.site.records[kind].items()}

    # -- faults -----------------------------------------------------------------------------------------------------

    def fail(self, request: str, status: int = 500, times: int = 1, headers: Mapping[str, str] | None = None) -> None:
        """Refuse the next requests whose "METHOD /path" matches a pattern entirely."""
        self._faults.add(request, Refusal(status, headers=headers), times)

    def end_tokens(self) -> None:
        """Every token so far is no longer valid."""
        self._tokens.issued.end()

    # -- answering --------------------------------------------------------------------------------------------------

    async def _token(self, request: Request) -> Response:
        self.log.sign_ins.append("basic")
        status, body = await self._tokens.issue(request, self.knobs.token_lifetime_seconds)
        return answered(status, body, JSON)

    def _dispatcher(self, endpoints: Endpoints) -> Callable[[Request], Awaitable[Response]]:
        async def dispatch(request: Request) -> Response:
            content = await request.body()
            call = self._record(request, content)
            self._faults.check(str(call))
            self._sign_in(request)
            operation = endpoints.get(request.method)
            if operation is None:
                raise not_allowed()
            inbound = Inbound(call.query, request.path_params.get("id", ""), _object(call, content))
            await self._before(request, inbound)
            status, body = operation(inbound)
            return answered(status, body, self._kind(request), _etag(body))

        return dispatch

    def _record(self, request: Request, content: bytes) -> Recorded:
        path = request.url.path.removeprefix(self.context).removeprefix(SCIM)
        return self.log.record(request, content, path)

    def _sign_in(self, request: Request) -> None:
        path = request.url.path.removeprefix(self.context)
        if path == _OPEN and self.knobs.anonymous_discovery:
            return
        self._tokens.check(request, bearer=path.startswith(SCIM))  # the older REST services know Basic alone

    async def _before(self, request: Request, inbound: Inbound) -> None:
        """What a write meets first: a slow server, and a version that has moved on."""
        if request.method != "PUT":
            return
        if self.knobs.put_delay_seconds:
            await self._clock.sleep(self.knobs.put_delay_seconds)
        wanted = request.headers.get("If-Match")
        if wanted and self.knobs.matching_versions and wanted not in ("*", self.users.version(inbound)):
            raise Refusal(412)

    def _kind(self, request: Request) -> str:
        """application/json, unless the client names SCIM's own type alone or first."""
        accepted = request.headers.get("Accept", "*/*")
        return SCIM_JSON if accepted.strip().startswith(SCIM_JSON) else JSON

    async def _refused(self, request: Request, error: Refusal) -> Response:
        return answered(error.status, error.body, self._kind(request), error.headers)

    async def _unknown(self, request: Request, error: HTTPException) -> Response:
        return answered(error.status_code, Refusal(error.status_code).body, self._kind(request))


def _etag(body: Any) -> dict[str, str]:
    meta = body.get("meta") if isinstance(body, dict) else None
    return {"ETag": meta["version"]} if isinstance(meta, dict) and meta.get("version") else {}


def _object(call: Recorded, content: bytes) -> Mapping[str, Any]:
    """The JSON object of a request that writes."""
    if call.method not in ("POST", "PUT"):
        return {}
    if not isinstance(call.body, Mapping):
        raise Refusal(400, "invalidSyntax", "The body is not a JSON object" if content else "The body is missing")
    return call.body
