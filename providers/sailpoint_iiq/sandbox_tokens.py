"""How clients sign in to the simulated site: HTTP Basic, or OAuth 2.0 client credentials.

The token endpoint is outside `/scim/v2`, in the same context; how long a token lives is the site's setting.
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final
from urllib.parse import unquote_plus

from starlette.requests import Request

from scim_bridge.providers.sailpoint_iiq.sandbox_wire import Refusal
from scim_bridge.simulation import Issued, basic, form, same

USERNAME: Final = "SCIM.Service"
PASSWORD: Final = "s4ndbox:päss word"
"""A password may hold colons, spaces and letters beyond ASCII."""
CLIENT_ID: Final = "S4ndb0xClient"
CLIENT_SECRET: Final = "s4ndb0xSecret"


@dataclass(slots=True)
class Tokens:
    """Issues tokens to one client, and knows those that are valid."""

    random: Random
    issued: Issued

    async def issue(self, request: Request, lifetime: int) -> tuple[int, Mapping[str, Any]]:
        """Status and body; the body of a refusal is OAuth's own, as nothing else is documented."""
        if not _both(map(unquote_plus, basic(request)), CLIENT_ID, CLIENT_SECRET):
            return 401, {"error": "invalid_client"}
        if (await form(request)).get("grant_type") != "client_credentials":
            return 400, {"error": "unsupported_grant_type"}
        token = base64.urlsafe_b64encode(self.random.randbytes(30)).decode()
        self.issued.add(token, lifetime)
        return 200, {"expires_in": lifetime, "token_type": "bearer", "access_token": token}

    def check(self, request: Request, *, bearer: bool = True) -> None:
        """Refuse a request without valid credentials; ``bearer``: tokens are taken too."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        known = bearer and scheme == "Bearer" and token in self.issued
        if not known and not _both(basic(request), USERNAME, PASSWORD):
            raise Refusal(401)


def _both(given: Iterable[str], *right: str) -> bool:
    return all(map(same, given, right))
