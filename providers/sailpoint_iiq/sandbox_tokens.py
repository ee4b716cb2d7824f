"""How clients sign in to the simulated site: HTTP Basic, or OAuth 2.0 client credentials.

The token endpoint is outside `/scim/v2`, in the same context; how long a token lives is the site's setting.
"""

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import Request

from scim_bridge.clock import Clock
from scim_bridge.providers.sailpoint_iiq.sandbox_wire import Refusal, media_type

USERNAME: Final = "SCIM.Service"
PASSWORD: Final = "s4ndbox:päss word"
"""A password may hold colons, spaces and letters beyond ASCII."""
CLIENT_ID: Final = "S4ndb0xClient"
CLIENT_SECRET: Final = "s4ndb0xSecret"


@dataclass(slots=True)
class Tokens:
    """Issues tokens to one client, and knows those that are valid."""

    random: Random
    clock: Clock
    _expiries: dict[str, float] = field(default_factory=dict)

    async def issue(self, request: Request, lifetime: int) -> tuple[int, Mapping[str, Any]]:
        """Status and body; the body of a refusal is OAuth's own, as nothing else is documented."""
        client = tuple(map(unquote_plus, _basic(request)))
        form = dict(parse_qsl((await request.body()).decode())) if _is_form(request) else {}
        if not _same(client, (CLIENT_ID, CLIENT_SECRET)):
            return 401, {"error": "invalid_client"}
        if form.get("grant_type") != "client_credentials":
            return 400, {"error": "unsupported_grant_type"}
        token = base64.urlsafe_b64encode(self.random.randbytes(30)).decode()
        self._expiries[token] = self.clock.now() + lifetime
        return 200, {"expires_in": lifetime, "token_type": "bearer", "access_token": token}

    def check(self, request: Request, *, bearer: bool = True) -> None:
        """Refuse a request without valid credentials; ``bearer``: tokens are taken too."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        known = bearer and scheme == "Bearer" and self._expiries.get(token, 0.0) > self.clock.now()
        if not known and not _same(_basic(request), (USERNAME, PASSWORD)):
            raise Refusal(401)

    def end(self) -> None:
        """Every token so far is no longer valid."""
        self._expiries.clear()


def _same(given: tuple[str, ...], right: tuple[str, str]) -> bool:
    pairs = zip(given, right, strict=True)
    return all([hmac.compare_digest(one.encode(), other.encode()) for one, other in pairs])


def _is_form(request: Request) -> bool:
    return media_type(request) == "application/x-www-form-urlencoded"


def _basic(request: Request) -> tuple[str, str]:
    """User and password of a Basic header; empty ones without it."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    try:
        decoded = base64.b64decode(text, validate=True).decode() if scheme == "Basic" else ""
    except ValueError:
        decoded = ""
    user, _, password = decoded.partition(":")
    return user, password
