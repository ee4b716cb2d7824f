"""Who may call the simulated API: a NERM API key, or a token that Identity Security Cloud issued to a PAT.

Source: "Authentication". The token endpoint is another host's in real life; here it has a path of its own.
"""

from dataclasses import dataclass
from random import Random
from typing import Any

from starlette.requests import Request

from scim_bridge.providers.sailpoint_nerm.sandbox_wire import Refusal
from scim_bridge.simulation import Issued, form, same


@dataclass(slots=True)
class Tokens:
    """Issues tokens to one PAT, and knows what is valid."""

    api_key: str
    client_id: str
    client_secret: str
    random: Random
    issued: Issued

    async def issue(self, request: Request, lifetime: int) -> tuple[int, Any]:
        """Status and body. Credentials come in the form, not in a Basic header."""
        given = await form(request)
        if given.get("grant_type") != "client_credentials":
            return 400, {"error": "unsupported_grant_type", "error_description": "Unsupported grant type"}
        if not (same(given.get("client_id"), self.client_id) and same(given.get("client_secret"), self.client_secret)):
            return 401, {"error": "invalid_client", "error_description": "Client authentication failed"}
        token = f"{self.random.getrandbits(256):064x}"
        self.issued.add(token, lifetime)
        body = {"access_token": token, "token_type": "bearer", "expires_in": lifetime, "scope": "sp:scopes:all"}
        return 200, body

    def check(self, request: Request) -> None:
        """Refuse a request without a valid key or token; older scripts write ``Token token=KEY``."""
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if scheme == "Token" and same(value.removeprefix("token="), self.api_key):
            return
        if scheme != "Bearer" or not (value in self.issued or same(value, self.api_key)):
            raise Refusal(401, "Unauthorized")
