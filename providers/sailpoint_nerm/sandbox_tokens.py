"""Who may call the simulated API: a NERM API key, or a token that Identity Security Cloud issued to a PAT.

Source: "Authentication". The token endpoint is another host's in real life; here it has a path of its own.
"""

import hmac
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final
from urllib.parse import unquote_plus

from starlette.requests import Request

from scim_bridge.clock import Clock
from scim_bridge.providers.sailpoint_nerm.sandbox_wire import Refusal

FORM: Final = "application/x-www-form-urlencoded"


@dataclass(slots=True)
class Tokens:
    """Issues tokens to one PAT, and knows what is valid."""

    api_key: str
    client_id: str
    client_secret: str
    random: Random
    clock: Clock
    _expiries: dict[str, float] = field(default_factory=dict)

    async def issue(self, request: Request, lifetime: int) -> tuple[int, Any]:
        """Status and body. Credentials come in the form, not in a Basic header."""
        kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        text = (await request.body()).decode() if kind == FORM else ""
        pairs = [each.partition("=") for each in text.split("&")]
        form = {unquote_plus(name): unquote_plus(value) for name, _, value in pairs}
        if form.get("grant_type") != "client_credentials":
            return 400, {"error": "unsupported_grant_type", "error_description": "Unsupported grant type"}
        if not (_same(form.get("client_id"), self.client_id) and _same(form.get("client_secret"), self.client_secret)):
            return 401, {"error": "invalid_client", "error_description": "Client authentication failed"}
        token = f"{self.random.getrandbits(256):064x}"
        self._expiries[token] = self.clock.now() + lifetime
        body = {"access_token": token, "token_type": "bearer", "expires_in": lifetime, "scope": "sp:scopes:all"}
        return 200, body

    def check(self, request: Request) -> None:
        """Refuse a request without a valid key or token; older scripts write ``Token token=KEY``."""
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if scheme == "Token" and _same(value.removeprefix("token="), self.api_key):
            return
        live = self._expiries.get(value, 0.0) > self.clock.now()
        if scheme != "Bearer" or not (live or _same(value, self.api_key)):
            raise Refusal(401, "Unauthorized")

    def end(self) -> None:
        """Every issued token is no longer valid; the API key stays."""
        self._expiries.clear()


def _same(one: str | None, other: str) -> bool:
    return hmac.compare_digest((one or "").encode(), other.encode())
