"""Ways to sign in to an upstream, as httpx authentication flows. Tokens live in memory only."""

import asyncio
import base64
import re
from collections.abc import AsyncGenerator, Generator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import httpx

from scim_bridge.clock import SYSTEM_CLOCK, Clock
from scim_bridge.upstream.errors import AuthRefused
from scim_bridge.upstream.redact import Secret

DEFAULT_LIFETIME_SECONDS = 300.0
MAX_TOKEN_BYTES = 1024 * 1024

ClientAuthentication = Literal["client_secret_basic", "client_secret_post"]

# RFC 6749 section 5.2 allows nearly any text as an error code; one that looks like a code is safe to show
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}", re.ASCII)


@runtime_checkable
class HoldsSecrets(Protocol):
    """An authentication that tells the client which texts must never show up in an error."""

    def secrets(self) -> Sequence[Secret]: ...


class Bearer(httpx.Auth):
    """A fixed token (RFC 6750 section 2.1)."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    def secrets(self) -> Sequence[Secret]:
        return (self._token,)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token.reveal()}"
        yield request


class Basic(httpx.Auth):
    """User name and password (RFC 7617), in UTF-8."""

    def __init__(self, username: str, password: Secret) -> None:
        self._password = password
        self._credentials = _basic(username, password.reveal())

    def secrets(self) -> Sequence[Secret]:
        return (self._password, self._credentials)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Basic {self._credentials.reveal()}"
        yield request


def _basic(username: str, password: str) -> Secret:
    return Secret(base64.b64encode(f"{username}:{password}".encode()).decode("ascii"))


@dataclass(frozen=True, slots=True)
class _Token:
    value: Secret
    renew_at: float


class ClientCredentials(httpx.Auth):
    """OAuth 2.0 client credentials (RFC 6749 section 4.4).

    There is one sign-in at a time, however many requests wait for it, and those that wait for one that is refused are
    refused with it: fifty requests with a wrong secret are one failed login, not fifty. A token is renewed
    ``renew_before_seconds`` before it ends (at half its life, if that is later), and once more when the API answers 401
    to the token that is still the current one. An answer without `expires_in` counts as 300 s.

    A refusal is AuthRefused with the OAuth error code in ``codes``; an outage of the token endpoint is Unavailable.
    """

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: Secret,
        *,
        method: ClientAuthentication = "client_secret_basic",
        scope: str | None = None,
        clock: Clock = SYSTEM_CLOCK,
        renew_before_seconds: float = 60.0,
    ) -> None:
        self._token_url = token_url
        self._client_id = client_id
        self._client_secret = client_secret
        self._method = method
        self._scope = scope
        self._clock = clock
        self._renew_before_seconds = renew_before_seconds
        self._token: _Token | None = None
        self._refusals: list[AuthRefused] = []
        self._lock = asyncio.Lock()

    def secrets(self) -> Sequence[Secret]:
        """The client secret in both its forms, and the token."""
        fixed = (self._client_secret, self._basic())
        return fixed if self._token is None else (*fixed, self._token.value)

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        # httpx closes this generator whenever a request fails or is cancelled, which also gives the lock back.
        refused: _Token | None = None
        while True:
            token = self._usable(refused)
            if token is None:
                waited_since = self._refusal_count
                async with self._lock:
                    token = self._usable(refused)
                    if token is None:
                        self._share_refusal(waited_since)
                        answer = yield self._token_request(request)
                        token = await self._signed_in(answer)
            request.headers["Authorization"] = f"Bearer {token.value.reveal()}"
            answer = yield request
            if answer.status_code != 401 or refused is not None:
                return
            refused = token
