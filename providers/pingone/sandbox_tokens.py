"""The simulated token endpoint: client credentials by the one method that the application is configured for.

Source: "Token (client_credentials)".
"""

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request

from scim_bridge.clock import Clock
from scim_bridge.providers.pingone.sandbox_wire import access_failed, media_type

BASIC = "client_secret_basic"
POST = "client_secret_post"


@dataclass(slots=True)
class Tokens:
    """Issues tokens to one client, and knows those that are valid."""

    environment_id: str
    client_id: str
    client_secret: str
    random: Random
    clock: Clock
    _expiries: dict[str, float] = field(default_factory=dict)

    async def issue(self, request: Request, method: str, lifetime: int, correlation_id: str) -> tuple[int, Any, str]:
        """Status and body, and the method that was used.

        A wrong secret and a wrong method are refused in the same words, in OAuth's own shape.
        """
        form, used = await _form(request), BASIC if _is_basic(request) else POST
        client = _basic(request) if used == BASIC else (form.get("client_id", ""), form.get("client_secret", ""))
        if not (self._is_ours(client) and used == method and self._is_here(request)):
            reason = f"Request denied: Unsupported authentication method (Correlation ID: {correlation_id})"
            return 401, {"error": "invalid_client", "error_description": reason}, used
        if form.get("grant_type") != "client_credentials":
            return 400, {"error": "unsupported_grant_type", "error_description": "Unsupported grant type"}, used
        token = f"{self.random.getrandbits(256):064x}"
        self._expiries[token] = self.clock.now() + lifetime
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": lifetime}, used

    def check(self, request: Request) -> None:
        """Refuse a request without a valid token."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or self._expiries.get(token, 0.0) <= self.clock.now():
            raise access_failed(401, "INVALID_TOKEN", "The request could not be completed. The token is not valid.")

    def end(self) -> None:
        """Every token so far is no longer valid."""
        self._expiries.clear()

    def _is_ours(self, client: tuple[str, str]) -> bool:
        right = (self.client_id, self.client_secret)
        return all(hmac.compare_digest(one.encode(), other.encode()) for one, other in zip(client, right, strict=True))

    def _is_here(self, request: Request) -> bool:
        return bool(request.path_params["environment"] == self.environment_id)


async def _form(request: Request) -> Mapping[str, str]:
    """The fields of an urlencoded body; starlette's own parser needs another package."""
    if media_type(request) != "application/x-www-form-urlencoded":
        return {}
    pairs = [each.partition("=") for each in (await request.body()).decode().split("&")]
    return {name: unquote(value.replace("+", " ")) for name, _, value in pairs}


def _is_basic(request: Request) -> bool:
    return request.headers.get("Authorization", "").startswith("Basic ")


def _basic(request: Request) -> tuple[str, str]:
    """Client id and secret of a Basic header, each urlencoded (RFC 6749 section 2.3.1)."""
    try:
        text = base64.b64decode(request.headers["Authorization"].partition(" ")[2], validate=True).decode()
    except ValueError:
        return "", ""
    client_id, _, secret = text.partition(":")
    return unquote(client_id), unquote(secret)
