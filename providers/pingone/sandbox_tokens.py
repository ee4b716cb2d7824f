"""The simulated token endpoint: client credentials by the one method that the application is configured for.

Source: "Token (client_credentials)".
"""

from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request

from scim_bridge.providers.pingone.sandbox_wire import access_failed
from scim_bridge.simulation import Issued, basic, form, same

BASIC = "client_secret_basic"
POST = "client_secret_post"


@dataclass(slots=True)
class Tokens:
    """Issues tokens to one client, and knows those that are valid."""

    environment_id: str
    client_id: str
    client_secret: str
    random: Random
    issued: Issued

    async def issue(self, request: Request, method: str, lifetime: int, correlation_id: str) -> tuple[int, Any, str]:
        """Status and body, and the method that was used.

        A wrong secret and a wrong method are refused in the same words, in OAuth's own shape.
        """
        fields, used = await form(request), BASIC if _is_basic(request) else POST
        # Each part of a Basic header is urlencoded (RFC 6749 section 2.3.1).
        given = map(unquote, basic(request)) if used == BASIC else map(fields.get, ("client_id", "client_secret"))
        if not (self._is_ours(*given) and used == method and self._is_here(request)):
            reason = f"Request denied: Unsupported authentication method (Correlation ID: {correlation_id})"
            return 401, {"error": "invalid_client", "error_description": reason}, used
        if fields.get("grant_type") != "client_credentials":
            return 400, {"error": "unsupported_grant_type", "error_description": "Unsupported grant type"}, used
        token = f"{self.random.getrandbits(256):064x}"
        self.issued.add(token, lifetime)
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": lifetime}, used

    def check(self, request: Request) -> None:
        """Refuse a request without a valid token."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self.issued:
            raise access_failed(401, "INVALID_TOKEN", "The request could not be completed. The token is not valid.")

    def _is_ours(self, client_id: str | None, client_secret: str | None) -> bool:
        return same(client_id, self.client_id) and same(client_secret, self.client_secret)

    def _is_here(self, request: Request) -> bool:
        return bool(request.path_params["environment"] == self.environment_id)


def _is_basic(request: Request) -> bool:
    return request.headers.get("Authorization", "").startswith("Basic ")
