"""The simulated /auth endpoints: one token for each credential, the same one until it ends, and the rate limit.

Sources: "Generate tokens", "Revoke tokens", "Get rate limit" (API v2).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final
from urllib.parse import parse_qs

import orjson
from starlette.requests import Request

from scim_bridge.clock import Clock
from scim_bridge.providers.onelogin.sandbox_wire import SUCCESS, Refusal, v1_refusal
from scim_bridge.simulation import basic, media_type, same

LIFETIME: Final = 36_000
WINDOW: Final = 3_600.0
_HEADER: Final = re.compile(r"client_id:\s*(?P<id>[^,]+),\s*client_secret:\s*(?P<secret>.+)")
_USE: Final = re.compile(r"bearer[: ]\s*(?P<token>\S+)", re.IGNORECASE)


def _unauthorized() -> Refusal:
    return v1_refusal(401, "Unauthorized", "Authentication Failure")


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    refresh: str
    created_at: str
    ends: float


class Tokens:
    """Issues the token of one credential, and knows whether it is valid."""

    def __init__(self, client_id: str, client_secret: str, account_id: int, random: Random, clock: Clock) -> None:
        self.lifetime = LIFETIME
        self._client = (client_id, client_secret)
        self._account_id = account_id
        self._random = random
        self._clock = clock
        self._token: _Token | None = None

    async def issue(self, request: Request, now: str) -> tuple[dict[str, Any], str]:
        """The body of an answer, and how the client signed in; while a token is valid it is given again.

        `expires_in` is that of a new token all the same: what is left of it has to be reckoned from `created_at`.
        """
        fields = await _fields(request)
        given, form = _client(request, fields)
        if not self._is_ours(given):
            raise _unauthorized()
        if fields.get("grant_type") != "client_credentials":
            raise v1_refusal(400, "bad request", "grant_type is incorrect/absent")
        if self._token is None or self._token.ends <= self._clock.now():
            value, refresh = (f"{self._random.getrandbits(256):064x}" for _ in range(2))
            self._token = _Token(value, refresh, now, self._clock.now() + self.lifetime)
        body = {
            "access_token": self._token.value,
            "created_at": self._token.created_at,
            "expires_in": self.lifetime,
            "refresh_token": self._token.refresh,
            "token_type": "bearer",
            "account_id": self._account_id,
        }
        return body, form

    async def revoke(self, request: Request) -> dict[str, Any]:
        """End a token, for everyone who shares the credential."""
        fields = await _fields(request)
        if not self._is_ours(_client(request, fields)[0]):
            raise _unauthorized()
        if "access_token" not in fields:
            raise v1_refusal(400, "bad request", "access_token is incorrect/absent")
        if self._token is not None and fields["access_token"] == self._token.value:
            self._token = None
        return SUCCESS

    def valid(self, request: Request) -> bool:
        """Whether a request has the token that is valid."""
        found = _USE.fullmatch(request.headers.get("Authorization", ""))
        token = self._token
        return found is not None and token is not None and found["token"] == token.value and not self._over(token)

    def end(self) -> None:
        self._token = None

    def _over(self, token: _Token) -> bool:
        return token.ends <= self._clock.now()

    def _is_ours(self, given: tuple[str, str]) -> bool:
        return all(map(same, given, self._client))


class Budget:
    """The calls that an account has in an hour, whoever makes them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.now()
        self.used = 0

    def take(self, limit: int | None) -> bool:
        """Whether one more call is within the limit."""
        self._turn()
        if limit is not None and self.used >= limit:
            return False
        self.used += 1
        return True

    def headers(self, limit: int) -> dict[str, str]:
        """As v1 answers have them; the reset is in seconds from now."""
        return {
            f"x-ratelimit-{name.rpartition('-')[2].lower()}": str(value) for name, value in self.told(limit).items()
        }

    def told(self, limit: int) -> dict[str, int]:
        """As `GET /auth/rate_limit` has it."""
        self._turn()
        left = max(1, round(self._began + WINDOW - self._clock.now()))
        remaining = max(0, limit - self.used)
        return {"X-RateLimit-Limit": limit, "X-RateLimit-Remaining": remaining, "X-RateLimit-Reset": left}

    def _turn(self) -> None:
        if self._clock.now() >= self._began + WINDOW:
            self._began, self.used = self._clock.now(), 0


async def _fields(request: Request) -> Mapping[str, Any]:
    """What a body holds, as JSON or as a form; the grant type may stand in the query too."""
    content = await request.body()
    try:
        text = content.decode()
        body = orjson.loads(content) if media_type(request) == "application/json" and content else _form(text)
    except (orjson.JSONDecodeError, UnicodeDecodeError):
        body = {}
    return {**request.query_params, **(body if isinstance(body, Mapping) else {})}


def _form(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text).items()}


def _client(request: Request, fields: Mapping[str, Any]) -> tuple[tuple[str, str], str]:
    """Id and secret, and how they came: in OneLogin's own header, in a Basic one, or in the form."""
    header = request.headers.get("Authorization", "")
    own = _HEADER.fullmatch(header)
    if own is not None:
        return (own["id"].strip(), own["secret"].strip()), "header"
    if header.startswith("Basic "):
        return basic(request), "basic"
    return (str(fields.get("client_id", "")), str(fields.get("client_secret", ""))), "form"
