"""The simulated sign-in, and the rate limit that counts each client's requests to each API version.

Sources: "Authentication", "Rate Limits".
"""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from random import Random
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from scim_bridge.clock import Clock
from scim_bridge.providers.sailpoint_isc.sandbox_people import hex_id
from scim_bridge.providers.sailpoint_isc.sandbox_wire import limited
from scim_bridge.simulation import Issued, media_type, same

WINDOW_SECONDS: Final = 10


@dataclass(slots=True)
class Tokens:
    """Issues tokens to one client, and knows those that are valid."""

    client_id: str
    client_secret: str
    random: Random
    issued: Issued

    async def issue(self, request: Request, lifetime: int, personal: bool) -> tuple[int, Mapping[str, Any]]:
        """Credentials come as a form of either kind or in the query; not in a header."""
        given = {**request.query_params, **await _fields(request)}
        if given.get("grant_type") != "client_credentials":
            return 400, {"error": "unsupported_grant_type", "error_description": "Unsupported grant type"}
        if given.get("client_id") != self.client_id or not same(given.get("client_secret"), self.client_secret):
            return 401, {"error": "invalid_client", "error_description": "Bad client credentials"}
        token = hex_id(self.random)
        self.issued.add(token, lifetime)
        user = {"user_id": "1", "identity_id": hex_id(self.random)} if personal else {}
        shown = {"scope": "read write", "tenant_id": "acme", "pod": "sandbox", "org": "acme", "internal": False}
        flags = {"strong_auth": True, "strong_auth_supported": True, "enabled": True, "jti": hex_id(self.random)}
        return 200, {"access_token": token, "token_type": "bearer", "expires_in": lifetime, **shown, **flags, **user}

    def client(self, request: Request) -> str | None:
        """Whose valid token a request has."""
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        return self.client_id if kind.lower() == "bearer" and token in self.issued else None


async def _fields(request: Request) -> dict[str, str]:
    """The fields of a form, urlencoded or, as the vendor's SDK for Node.js sends it, in parts (RFC 7578)."""
    content = await request.body()
    if media_type(request) != "multipart/form-data":
        return dict(parse_qsl(content.decode("utf-8", "replace")))
    headed = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode() + content
    parts = message_from_bytes(headed).walk()
    named = [(each.get_param("name", header="Content-Disposition"), each.get_payload()) for each in parts]
    return {name: value for name, value in named if isinstance(name, str) and isinstance(value, str)}


@dataclass(slots=True)
class Limits:
    """How many requests each client made to each API version in the last 10 s."""

    clock: Clock
    _made: dict[str, deque[float]] = field(default_factory=dict)

    def check(self, client: str, quota: int | None) -> None:
        """Refuse the request that is one too many, and tell when there may be another."""
        made, now = self._made.setdefault(client, deque()), self.clock.now()
        while made and made[0] <= now - WINDOW_SECONDS:
            made.popleft()
        if quota is not None and len(made) >= quota:
            raise limited(str(max(1, math.ceil(made[0] + WINDOW_SECONDS - now))))
        made.append(now)
